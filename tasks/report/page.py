"""One file that holds a whole report: text, figures, styles, programs, decisions."""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.report.arena_trades import TRADE_BYTES, pack_trades
from investorbench.tasks.report.content import (
    ReportContent,
    board_id,
    full_name,
    overall_name,
    records_of,
    snapshot_records,
    snapshots_id,
)
from investorbench.tasks.report.curves import curves_of
from investorbench.tasks.report.decisions import PackedDecisions, pack_decisions
from investorbench.tasks.report.leaderboard_tables import stamp
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.packing import PageBudget, block, json_block, packed
from investorbench.tasks.report.sections import board_section, overall_section
from investorbench.tasks.report.snapshot_sections import section_title, snapshot_section
from investorbench.tasks.wording import count
from investorbench_env.errors import MissingDependencyError

BYTES = 9_500_000
"""Of a page that can still be sent by mail."""
ENTRY_BYTES = 600
"""What it takes to list an episode, at most."""
PROGRAMS = ("elements", "unpacking", "tables", "charts", "arena", "decisions", "searching", "main")
"""Files of the page's program, in order."""


class Drawing(NamedTuple):
    """The library that draws, as a page holds it."""

    hash: str
    packed: str


def html_page(
    content: ReportContent, *, size: int = BYTES, watch: Callable[[], None] = lambda: None
) -> str:
    """The report as one file of HTML.

    Args:
        content: what to show.
        size: bytes of the whole page; decisions get what tables, charts and programs leave, and
            those without room are named in the page.
        watch: is called after each episode that was read.

    Raises:
        MissingDependencyError: plotly is not installed.
    """
    template, program, drawing = page_file("report.html"), _program(), _drawing()
    arenas, trades = _arenas(content)
    parts = {
        "policy": _policy(program_hash(program), drawing.hash),
        "style": page_file("report.css"),
        "title": _title(content),
        "lead": _lead(content),
        "links": _links(content),
        "overalls": join(*(overall_section(o, n) for n, o in enumerate(content.overalls))),
        "boards": join(
            *(snapshot_section(b, n) for n, b in enumerate(content.snapshots)),
            *(board_section(content, b, n) for n, b in enumerate(content.boards)),
        ),
        "charts": join(
            json_block("curves", [curves_of(board) for board in content.boards]),
            json_block("arena", arenas),
            *(block(name, text) for name, text in trades.items()),
            block("plotly", drawing.packed),
        ),
        "program": program,
    }
    taken = sum(len(part.encode("utf-8", "replace")) for part in (template, *parts.values()))
    decisions = _decisions(content, size - taken, watch)
    parts["problems"] = _problems([*content.problems, *decisions.problems])
    parts["decisions"] = join(
        json_block("directory", decisions.directory),
        *(block(name, text) for name, text in decisions.blocks.items()),
    )
    return Template(template).substitute(parts)


def _arenas(content: ReportContent) -> tuple[dict[str, Any], dict[str, str]]:
    """What was traded on each leaderboard of perpetuals, and the blocks that hold the trades."""
    budget = PageBudget(TRADE_BYTES)
    arenas = {
        board_id(number): {"agents": pack_trades(board, records_of(content, board), number, budget)}
        for number, board in enumerate(content.boards)
        if is_of_perpetuals(board.facts)
    }
    return arenas, budget.blocks


def _decisions(content: ReportContent, size: int, watch: Callable[[], None]) -> PackedDecisions:
    """Of every leaderboard; the best agents of all of them get room first."""
    recorded = {snapshots_id(n): snapshot_records(content, each)
                for n, each in enumerate(content.snapshots)}  # fmt: skip
    recorded |= {board_id(n): records_of(content, each) for n, each in enumerate(content.boards)}
    ranked = [
        (place, name, record)
        for name, records in recorded.items()
        for place, record in enumerate(records)
    ]
    ranked.sort(key=lambda each: each[0])
    names = {n: name for n, (_, name, _) in enumerate(ranked)}
    shown = [record for *_, record in ranked]
    room = size - ENTRY_BYTES * sum(record.job.repeats for record in shown)
    packed_ones = pack_decisions(shown, names, size=room, watch=watch)
    titles = {snapshots_id(n): section_title(each) for n, each in enumerate(content.snapshots)}
    titles |= {board_id(n): full_name(content.boards, n) for n in range(len(content.boards))}
    packed_ones.directory["titles"] = titles
    return packed_ones


def _policy(*hashes: str) -> str:
    """Nothing is loaded, and only the two programs of the page run."""
    return (
        f"default-src 'none'; script-src {' '.join(hashes)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def program_hash(program: str) -> str:
    """A program as a policy names it."""
    digest = hashlib.sha256(program.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _title(content: ReportContent) -> str:
    names = [section_title(each) for each in content.snapshots]
    names += [full_name(content.boards, number) for number in range(len(content.boards))]
    return str(join(f"InvestorBench: {', '.join(names) or 'nothing to show'}"))


def _lead(content: ReportContent) -> Html:
    agents = {
        row.agent for board in content.boards for row in board.rows if row.agent != board.benchmark
    }
    agents |= {row.agent for board in content.snapshots for row in board.rows}
    settings = [board.setting for board in content.snapshots]
    settings += [board.setting for board in content.boards]
    simulated = [setting for setting in settings if setting.simulated]
    text = f"{count(len(agents), 'agent')} on {count(len(settings), 'task')}."
    if not simulated:
        return element("p", text)
    which = "All figures" if len(simulated) == len(settings) else "Marked figures"
    warning = f"{which} rest on simulated markets, and say nothing of any real asset."
    return join(element("p", text), element("p", stamp(), warning, class_="notice simulated"))


def _links(content: ReportContent) -> Html:
    targets = {f"overall-{n + 1}": overall_name(o) for n, o in enumerate(content.overalls)}
    targets |= {snapshots_id(n): section_title(b) for n, b in enumerate(content.snapshots)}
    targets |= {board_id(n): full_name(content.boards, n) for n in range(len(content.boards))}
    targets["decisions"] = "Decisions"
    links = (element("a", text, href=f"#{name}") for name, text in targets.items())
    return element("ul", *(element("li", link) for link in links))


def _problems(problems: list[str]) -> Html:
    if not problems:
        return Html("")
    title = element("h2", f"{count(len(problems), 'problem')} with the record", id="problems-title")
    listed = element("ul", *(element("li", line) for line in problems))
    rest = element("p", "Everything else is shown below. Nothing was deleted or changed.")
    return element(
        "section", title, listed, rest, class_="problems", aria_labelledby="problems-title"
    )


def _program() -> str:
    body = "\n".join(page_file("js", f"{name}.js") for name in PROGRAMS)
    return f'"use strict";\n(() => {{\n{body}\n}})();\n'


@cache
def _drawing() -> Drawing:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingDependencyError("plotly", "report", "a report's charts") from None
    source = str(get_plotlyjs())
    return Drawing(program_hash(source), packed(source))


def page_file(*names: str) -> str:
    """A file of the page's own: its template, its style, or a part of its program."""
    return files("investorbench.tasks.report").joinpath("page", *names).read_text(encoding="utf-8")

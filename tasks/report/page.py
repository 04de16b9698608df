"""One file that holds a whole report: text, figures, styles, programs, decisions."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.report.arena_trades import TRADE_BYTES, pack_trades
from investorbench.tasks.report.content import (
    SIMULATED,
    RecordedRow,
    ReportContent,
    board_id,
    full_name,
    full_overall_name,
    labels_id,
    labels_title,
    records_of,
    settings_of,
    snapshot_records,
    snapshots_id,
    unfinished_id,
    unfinished_name,
    unfinished_records,
)
from investorbench.tasks.report.cost_points import cost_points, label_costs, snapshot_costs
from investorbench.tasks.report.curves import curves_of
from investorbench.tasks.report.decisions import (
    EpisodeNote,
    PackedDecisions,
    ReadDecisions,
    problems_of,
)
from investorbench.tasks.report.label_sections import label_section
from investorbench.tasks.report.leaderboard_tables import stamp
from investorbench.tasks.report.markup import Html, element, join, text_of
from investorbench.tasks.report.overview import overview
from investorbench.tasks.report.packing import PageBudget, block, json_block, packed
from investorbench.tasks.report.sections import board_section, overall_section
from investorbench.tasks.report.snapshot_sections import section_title, snapshot_section
from investorbench.tasks.report.tear_sheets import sheets_of
from investorbench.tasks.report.unfinished import unfinished_section
from investorbench.tasks.wording import count
from investorbench_env.errors import MissingDependencyError

BYTES = 9_500_000
"""Of a page that can still be sent by mail."""
ENTRY_BYTES = 600
"""What it takes to list an episode, at most."""
ONE_FILE = "One file, which loads nothing."
SERVED = "It loads decisions from the program that shows it, and nothing from elsewhere."
IN_FILES = "It loads decisions from the folder parts beside it, and nothing else."
TITLE = re.compile(r'<h[23][^>]* id="([^"]+)"( class="[^"]*")?>(.*?)</h[23]>')
"""Of a section, and of a part of one."""
PROGRAMS = (
    "elements", "unpacking", "tables", "charts", "sheets", "arena", "decisions", "differing",
    "linking", "searching", "main",
)  # fmt: skip
"""Files of the page's program, in order."""
LIVE = "live"
"""The program and the style of what stands on top of a page that follows a run."""


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
    return page_of(content, size=size, watch=watch).html


class MadePage(NamedTuple):
    """A report as one file of HTML.

    Attributes:
        html: the file.
        is_whole: whether there was room for every decision.
    """

    html: str
    is_whole: bool


def page_of(
    content: ReportContent, *, size: int = BYTES, watch: Callable[[], None] = lambda: None
) -> MadePage:
    """The same as :func:`html_page`, with whether anything was left out."""
    rows = recorded_rows(content)
    read = ReadDecisions([record for _, record in rows], [name for name, _ in rows], watch)
    budget = PageBudget(TRADE_BYTES)
    parts = _parts(content, budget, read.notes, in_files=False)
    parts["charts"] = join(
        parts["charts"],
        *(block(name, text) for name, text in budget.blocks.items()),
        block("plotly", _drawing().packed),
    )
    template = page_file("report.html")
    taken = sum(len(part.encode("utf-8", "replace")) for part in (template, *parts.values()))
    room = size - taken - ENTRY_BYTES * sum(record.job.repeats for _, record in rows)
    decisions = read.pack(room)
    blocks = (block(name, text) for name, text in decisions.blocks.items())
    parts["decisions"] = join(_directory(content, decisions), *blocks)
    return MadePage(Template(template).substitute(parts), decisions.is_whole)


def in_parts(
    content: ReportContent,
    decisions: PackedDecisions,
    notes: Sequence[EpisodeNote],
    live: Html | None = None,
) -> tuple[str, dict[str, str]]:
    """The report as a page, and what it loads by name.

    Args:
        content: what to show.
        decisions: the directory of the episodes, which are in files of their own.
        notes: what is said of each of them.
        live: what stands on top of a page that follows a run, and is served; None of a folder.

    Raises:
        MissingDependencyError: plotly is not installed.
    """
    budget = PageBudget(TRADE_BYTES)
    parts = _parts(content, budget, notes, in_files=True, live=live)
    parts["decisions"] = _directory(content, decisions)
    page = Template(page_file("report.html")).substitute(parts)
    return page, {**budget.blocks, "plotly": _drawing().packed}


def recorded_rows(content: ReportContent) -> list[tuple[str, RecordedRow]]:
    """The records of every leaderboard, each with its name; the best agents of all come first, and
    those without a place last.
    """
    recorded = {snapshots_id(n): snapshot_records(content, each)
                for n, each in enumerate(content.snapshots)}  # fmt: skip
    recorded |= {board_id(n): records_of(content, each) for n, each in enumerate(content.boards)}
    ranked = [
        (place, name, record)
        for name, records in recorded.items()
        for place, record in enumerate(records)
    ]
    ranked.sort(key=lambda each: each[0])
    placeless = [
        (unfinished_id(n), record)
        for n, records in enumerate(unfinished_records(content))
        for record in records
    ]
    return [*((name, record) for _, name, record in ranked), *placeless]


def _parts(
    content: ReportContent,
    budget: PageBudget,
    notes: Sequence[EpisodeNote],
    *,
    in_files: bool,
    live: Html | None = None,
) -> dict[str, str]:
    """All of a page but its decisions, by the names of its template."""
    is_served = live is not None
    program, drawing = _program(is_served), _drawing()
    made = SERVED if is_served else IN_FILES if in_files else ONE_FILE
    sections = [
        *(overall_section(each, n) for n, each in enumerate(content.overalls)),
        *(snapshot_section(each, n) for n, each in enumerate(content.snapshots)),
        *(label_section(content, each, n) for n, each in enumerate(content.labels)),
        *(board_section(content, each, n) for n, each in enumerate(content.boards)),
    ]
    return {
        "policy": _policy(
            program_hash(program), drawing.hash, in_files=in_files, is_served=is_served
        ),
        "style": page_file("report.css") + (page_file(f"{LIVE}.css") if is_served else ""),
        "live": live or Html(""),
        "title": _title(content),
        "lead": _lead(content),
        "links": _links(content),
        "overview": overview(content, notes)
        if settings_of(content) or content.unfinished
        else Html(""),
        "contents": _contents(sections),
        "problems": join(
            _problems([*content.problems, *problems_of(notes)]), unfinished_section(content)
        ),
        "boards": join(*sections),
        "charts": join(
            json_block("curves", [curves_of(board) for board in content.boards]),
            json_block("sheets", [sheets_of(board) for board in content.boards]),
            json_block("costs", _costs(content)),
            json_block("arena", _arenas(content, budget)),
        ),
        "made": made,
        "program": program,
    }


def _costs(content: ReportContent) -> dict[str, Any]:
    """What is drawn of cost, by the section it stands in."""
    found = {
        f"overall-{n + 1}": cost_points(each, simulated=each.simulated)
        for n, each in enumerate(content.overalls)
    }
    found |= {
        board_id(n): cost_points(each, simulated=each.setting.simulated)
        for n, each in enumerate(content.boards)
    }
    found |= {snapshots_id(n): snapshot_costs(each) for n, each in enumerate(content.snapshots)}
    found |= {labels_id(n): label_costs(each) for n, each in enumerate(content.labels)}
    return {name: points for name, points in found.items() if points is not None}


def _contents(sections: Sequence[Html]) -> Html:
    """Every part of every section, as a list of links."""
    items = []
    for section in sections:
        (anchor, _, title), *parts = TITLE.findall(section)
        links = [_link(name, text) for name, _, text in parts]
        below = element("ul", *links) if links else None
        text = text_of(Html(title)).replace(SIMULATED, "").strip()
        head = element("a", text, href=f"#{anchor.removesuffix('-title')}")
        items.append(element("li", head, below))
    items += [_link("differences", "Where two agents differ"), _link("decisions", "Decisions")]
    return element("ul", *items)


def _link(name: str, title: str) -> Html:
    return element("li", element("a", text_of(Html(title)), href=f"#{name}"))


def _directory(content: ReportContent, decisions: PackedDecisions) -> Html:
    titles = {snapshots_id(n): section_title(each) for n, each in enumerate(content.snapshots)}
    titles |= {board_id(n): full_name(content.boards, n) for n in range(len(content.boards))}
    titles |= {
        unfinished_id(n): unfinished_name(each)
        for n, each in enumerate(unfinished_records(content))
    }
    return json_block("directory", {**decisions.directory, "titles": titles})


def _arenas(content: ReportContent, budget: PageBudget) -> dict[str, Any]:
    """What was traded on each leaderboard of perpetuals; trades go into the budget's blocks."""
    return {
        board_id(number): {"agents": pack_trades(board, records_of(content, board), number, budget)}
        for number, board in enumerate(content.boards)
        if is_of_perpetuals(board.facts)
    }


def _policy(*hashes: str, in_files: bool, is_served: bool = False) -> str:
    """Only the two programs of the page run, and nothing is loaded but what lies beside it."""
    beside = ["'self'"] if is_served else ["'self'", "file:"] if in_files else []
    asked = "connect-src 'self'; " if is_served else ""
    return (
        f"default-src 'none'; script-src {' '.join([*hashes, *beside])}; {asked}"
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def program_hash(program: str) -> str:
    """A program as a policy names it."""
    digest = hashlib.sha256(program.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _title(content: ReportContent) -> str:
    names = [section_title(each) for each in content.snapshots]
    names += [full_name(content.boards, number) for number in range(len(content.boards))]
    empty = "nothing is finished yet" if content.unfinished else "nothing to show"
    return str(join(f"InvestorBench: {', '.join(names) or empty}"))


def _lead(content: ReportContent) -> Html:
    """What is simulated; nothing where nothing is."""
    settings = settings_of(content)
    simulated = [setting for setting in settings if setting.simulated]
    if not simulated:
        return Html("")
    which = "All figures" if len(simulated) == len(settings) else "Marked figures"
    warning = f"{which} rest on simulated markets, and say nothing of any real asset."
    return element("p", stamp(), warning, class_="notice simulated")


def _links(content: ReportContent) -> Html:
    targets = {
        f"overall-{n + 1}": full_overall_name(content.overalls, n)
        for n in range(len(content.overalls))
    }
    targets |= {snapshots_id(n): section_title(b) for n, b in enumerate(content.snapshots)}
    targets |= {labels_id(n): labels_title(b) for n, b in enumerate(content.labels)}
    targets |= {board_id(n): full_name(content.boards, n) for n in range(len(content.boards))}
    targets |= {"unfinished": "Not finished"} if content.unfinished else {}
    targets |= {"differences": "Differences", "decisions": "Decisions"}
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


def _program(is_served: bool) -> str:
    names = [*PROGRAMS, *([LIVE] if is_served else [])]
    body = "\n".join(page_file("js", f"{name}.js") for name in names)
    return f'"use strict";\n(() => {{\n{body}\n}})();\n'


@cache
def _drawing() -> Drawing:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingDependencyError("plotly", "report", "drawing a report") from None
    source = str(get_plotlyjs())
    return Drawing(program_hash(source), packed(source))


def page_file(*names: str) -> str:
    """A file of the page's own: its template, its style, or a part of its program."""
    return files("investorbench.tasks.report").joinpath("page", *names).read_text(encoding="utf-8")

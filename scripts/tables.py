"""Leaderboards as tables for the terminal."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from investorbench.tasks.answers import answers_of, words_of_roles, words_of_tokens, words_of_tools
from investorbench.tasks.leaderboard import Leaderboard, Overall, leaderboards, overall
from investorbench.tasks.leaderboard.board_columns import board_columns
from investorbench.tasks.leaderboard.columns import (
    INTERVAL_HEAD,
    BoardLine,
    OverallLine,
    heads,
    legend,
    texts,
)
from investorbench.tasks.leaderboard.label_boards import LabelBoard, label_boards
from investorbench.tasks.leaderboard.label_columns import LabelLine, label_columns
from investorbench.tasks.leaderboard.marks import signs_of
from investorbench.tasks.leaderboard.overall_columns import overall_columns
from investorbench.tasks.leaderboard.snapshot_columns import SnapshotLine, snapshot_columns
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, snapshot_boards
from investorbench.tasks.leaderboard.snapshot_sentences import (
    findings_in_short,
    is_marked,
    snapshot_notes,
    snapshot_sentence,
)
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.wording import count, number, rank, usd

WIDEST = 10_000
"""Columns of a terminal that any table fits."""
WORD = re.compile(r"[^\s_/.=-]+[\s_/.=-]*|[\s_/.=-]+")
"""A word of an agent's name with what follows it."""


def print_results(results: Iterable[Result | Entry], console: Console) -> None:
    """One table for each setting, and one over all tasks of a protocol; they never share one.

    Tests over all agents at once are left to the report: what they need takes seconds to load.
    """
    entries = [
        each if isinstance(each, Entry) else Entry(result=each, planned=len(each.episodes))
        for each in results
    ]
    for own in snapshot_boards(entries):
        print_snapshots(own, console)
    boards = leaderboards(entries, jointly=False)
    for board in boards:
        print_leaderboard(board, console)
    for table in overall(boards):
        print_overall(table, console)
    for decided in label_boards(entries):
        print_labels(decided, console)


def print_leaderboard(board: Leaderboard, console: Console) -> None:
    """Agents by Sharpe ratio, and below them what the figures rest on."""
    setting = board.setting
    window = f"{setting.start} to {setting.end}"
    _title(console, setting.simulated, setting.name, setting.protocol, window)
    columns = board_columns("terminal", board)
    rows = [BoardLine(board, row) for row in board.rows]
    shown = [
        _Line(
            line.row.place(board.compared_with),
            line.row.agent + signs_of(line.row, board.rows),
            tuple(texts(columns, "terminal", line)),
        )
        for line in rows
    ]
    table = _fitting(list(heads(columns, "terminal")), shown, console)
    answers = [line for row in board.rows if row.result for line in answered(row.result)]
    options = [f"options: {setting.options}"] if setting.options else []
    explained = legend(columns, "terminal", rows)
    data = [f"data: {setting.data_source}", *board.findings]
    lines = [*data, *options, *explained, *board.notes, *answers]
    _print(console, table, lines, board.sentence)


def print_snapshots(board: SnapshotBoard, console: Console) -> None:
    """Agents by what their decisions were worth, and below them what the figures rest on."""
    setting = board.setting
    names = [board.suite] if board.suite else []
    _title(console, setting.simulated, setting.name, *names, setting.protocol)
    columns = snapshot_columns("terminal", board)
    shown = [
        _Line(
            rank(row.places),
            f"{row.agent} ‡" if is_marked(row) else row.agent,
            tuple(texts(columns, "terminal", SnapshotLine(board, row))),
        )
        for row in board.rows
    ]
    table = _fitting(list(heads(columns, "terminal")), shown, console)
    options = [f"options: {setting.options}"] if setting.options else []
    answers = [line for row in board.rows for line in answered(row.entry.result)]
    data = [f"data: {setting.data_source}", *findings_in_short(board.facts.findings)]
    lines = [*data, *options, *snapshot_notes(board), *answers]
    _print(console, table, lines, snapshot_sentence(board))


def print_overall(found: Overall, console: Console) -> None:
    """Agents by their mean Sharpe ratio over tasks."""
    over = f"mean over {len(found.settings)} tasks"
    _title(console, found.simulated, over, found.protocol, *filter(None, [found.options]))
    columns = overall_columns("terminal", found.compared_with)
    rows = [OverallLine(found, row) for row in found.rows]
    shown = [
        _Line(
            row.place(found.compared_with),
            row.agent + row.signs,
            tuple(texts(columns, "terminal", line)),
        )
        for row, line in zip(found.rows, rows, strict=True)
    ]
    table = _fitting(list(heads(columns, "terminal")), shown, console)
    explained = legend(columns, "terminal", rows)
    _print(console, table, [*found.findings, *explained, *found.notes], found.sentence)


def print_labels(board: LabelBoard, console: Console) -> None:
    """Agents by what their classes earned, among answers that need no thought."""
    _title(console, board.simulated, board.name, "decisions", board.settings[0].protocol)
    columns = label_columns("terminal", board)
    shown = [
        _Line("", row.agent, tuple(texts(columns, "terminal", LabelLine(board, row))))
        for row in board.rows
    ]
    table = _fitting(list(heads(columns, "terminal")), shown, console)
    _print(console, table, board.notes, board.sentence)


def answered(result: Result) -> Iterator[str]:
    """How many decisions a language model was asked for, and at what cost, in a line."""
    answers = answers_of(result)
    if answers is None:
        return
    if not answers.is_language_model:
        yield f"{result.agent}: a word list and momentum, not a language model"
        return
    cost = f", {usd(answers.cost_usd)}" if answers.cost_usd else ""
    tokens = words_of_tokens(answers.read, answers.written, is_counted=not answers.uncounted)
    yield (
        f"{result.agent}: {count(answers.decisions, 'decision')}, {number(answers.invalid)} "
        f"without a usable answer; {tokens}{cost}"
    )
    if len(answers.roles) > 1:
        yield f"{result.agent}, by role: {'; '.join(words_of_roles(answers.roles))}"
    if answers.tool_calls:
        yield f"{result.agent}: {words_of_tools(answers)}"


def _title(console: Console, simulated: bool, name: str, *others: str) -> None:
    stamp = "[bold yellow]SIMULATED[/] " if simulated else ""
    rest = "".join(f" · {escape(each)}" for each in others)
    console.print(f"{stamp}[bold]{escape(name)}[/]{rest}", highlight=False)


class _Line(NamedTuple):
    """A row: the agent's place, empty for none, its name with its signs, and its figures."""

    place: str
    name: str
    figures: Sequence[str]


def _fitting(columns: Sequence[str], lines: Sequence[_Line], console: Console) -> RenderableType:
    """A table as wide as the console; if it would be wider, names take several lines.

    If words of names would have to be broken, the last columns make a table of their own.
    """
    names = [line.name for line in lines]
    longest = max(map(cell_len, names), default=0)
    room = longest - _surplus(columns, lines, console)
    if room >= longest:
        return _table(columns, lines)
    least = max(cell_len(word.rstrip()) for name in names for word in WORD.findall(name))
    cuts = [cut for cut in range(1, len(columns)) if columns[cut] != INTERVAL_HEAD]
    if room >= least or not cuts:
        return _table(columns, [line._replace(name=folded(line.name, room)) for line in lines])
    fits = [cut for cut in cuts if longest - _surplus(columns[:cut], lines, console) >= least]
    cut = max(fits, default=cuts[0])
    parts = [
        (columns[part], [line._replace(figures=line.figures[part]) for line in lines])
        for part in (slice(cut), slice(cut, None))
    ]
    return Group(*(_fitting(*part, console) for part in parts))


def _surplus(columns: Sequence[str], lines: Sequence[_Line], console: Console) -> int:
    """How much wider than the console a table would be with each name on one line."""
    unbound = console.options.update(max_width=WIDEST)
    table = _table(columns, [line._replace(figures=line.figures[: len(columns)]) for line in lines])
    return console.measure(table, options=unbound).maximum - console.width


def _table(columns: Iterable[str], lines: Sequence[_Line]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    if ranked := any(line.place for line in lines):
        table.add_column("rank", no_wrap=True)
    table.add_column("agent", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(*([line.place] if ranked else []), Text(line.name), *line.figures)
    return table


def folded(name: str, width: int) -> str:
    """A name on lines that end at a space, or after a word of what is too long for one line."""
    lines = [""]
    for part in re.findall(r"\S+\s*|\s+", name):
        fits = cell_len(part.rstrip()) <= width
        for piece in [part] if fits else WORD.findall(part):
            if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _print(console: Console, table: RenderableType, lines: Sequence[str], sentence: str) -> None:
    console.print(table)
    console.print("\n".join(lines), style="dim", highlight=False, markup=False)
    console.print()
    if sentence:
        console.print(sentence, highlight=False, markup=False)
        console.print()

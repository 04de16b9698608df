"""Leaderboards as tables for the terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from investorbench.tasks.answers import answers_of
from investorbench.tasks.leaderboard import (
    Entry,
    Leaderboard,
    Overall,
    OverallRow,
    Row,
    leaderboards,
    overall,
)
from investorbench.tasks.result import Result
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import NONE, count, number, p_value, rank, usd

LEGEND = "p: of no difference to Buy & Hold, adjusted; rnd: % of random policies below"
Columns = tuple[tuple[str, Callable[[Row], str]], ...]
OverallColumns = tuple[tuple[str, Callable[[OverallRow], str]], ...]


def print_results(results: Iterable[Result | Entry], console: Console) -> None:
    """One table for each setting, and one over all tasks of a protocol; they never share one.

    Tests over all agents at once are left to the report: what they need takes seconds to load.
    """
    entries = [
        each if isinstance(each, Entry) else Entry(result=each, planned=len(each.episodes))
        for each in results
    ]
    boards = leaderboards(entries, jointly=False)
    for board in boards:
        print_leaderboard(board, console)
    for table in overall(boards):
        print_overall(table, console)


def print_leaderboard(board: Leaderboard, console: Console) -> None:
    """Agents by Sharpe ratio, and below them what the figures rest on."""
    setting = board.setting
    window = f"{setting.start} to {setting.end}"
    _title(console, setting.simulated, setting.name, setting.protocol, window)
    table = _table(name for name, _ in COLUMNS)
    for row in board.rows:
        name = escape(row.agent) + " †" * row.is_ruined
        table.add_row(rank(row.rank), name, *(text(row) for _, text in COLUMNS))
    answers = [line for row in board.rows for line in answered(row.entry.result)]
    options = [f"options: {setting.options}"] if setting.options else []
    legend = [LEGEND] if any(row.statistics.sr.value is not None for row in board.rows) else []
    lines = [f"data: {setting.data_source}", *options, *legend, *board.notes, *answers]
    _print(console, table, lines, board.sentence)


def print_overall(found: Overall, console: Console) -> None:
    """Agents by their mean Sharpe ratio over tasks."""
    over = f"mean over {len(found.settings)} tasks"
    _title(console, found.simulated, over, found.protocol, *filter(None, [found.options]))
    table = _table(name for name, _ in OVERALL_COLUMNS)
    for row in found.rows:
        cells = (text(row) for _, text in OVERALL_COLUMNS)
        table.add_row(rank(row.rank), escape(row.agent), *cells)
    _print(console, table, found.notes, found.sentence)


def answered(result: Result) -> Iterator[str]:
    """What a language model's answers came to, in a line."""
    answers = answers_of(result)
    if answers is None:
        return
    if not answers.is_language_model:
        yield f"{result.agent}: a word list and momentum, not a language model"
        return
    cost = f", {usd(answers.cost_usd)}" if answers.cost_usd else ""
    yield (
        f"{result.agent}: {count(answers.decisions, 'decision')}, {number(answers.invalid)} "
        f"without a usable answer; {count(answers.read, 'token')} read, "
        f"{number(answers.written)} written{cost}"
    )


def _title(console: Console, simulated: bool, name: str, *others: str) -> None:
    stamp = "[bold yellow]SIMULATED[/] " if simulated else ""
    rest = "".join(f" · {escape(each)}" for each in others)
    console.print(f"{stamp}[bold]{escape(name)}[/]{rest}", highlight=False)


def _table(columns: Iterable[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("rank", no_wrap=True)
    table.add_column("agent", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print(console: Console, table: Table, lines: Sequence[str], sentence: str) -> None:
    console.print(table)
    console.print("\n".join(lines), style="dim", highlight=False, markup=False)
    console.print(sentence, highlight=False, markup=False)
    console.print()


def _percent(name: str) -> Callable[[Row], str]:
    return lambda row: number(row.entry.result.metrics[name] * 100.0, 0)


def _interval(cell: Estimate, digits: int, factor: float = 1.0) -> str:
    if cell.low is None or cell.high is None:
        return NONE
    return f"{number(cell.low * factor, digits)}…{number(cell.high * factor, digits)}"


def _figure(value: float | None, digits: int, factor: float = 1.0) -> str:
    return NONE if value is None else number(value * factor, digits)


def _trades(row: Row) -> str:
    return str(int((row.entry.result.median.notional > 0.0).sum()))


COLUMNS: Columns = (
    ("CR %", lambda row: number(row.cr * 100.0, 1)),
    ("95 %", lambda row: _interval(row.statistics.cr, 0, 100.0)),
    ("SR", lambda row: number(row.sr, 2)),
    ("95 %", lambda row: _interval(row.statistics.sr, 1)),
    ("p", lambda row: p_value(row.against.adjusted_p if row.against else None)),
    ("rnd", lambda row: _figure(row.statistics.random.value, 0, 100.0)),
    ("MDD", _percent("MDD")),
    ("held", _percent("time_in_market")),
    ("trades", _trades),
)
"""In percent but for SR, p and trades."""

OVERALL_COLUMNS: OverallColumns = (
    ("CR %", lambda row: _figure(row.cr.value, 1, 100.0)),
    ("95 %", lambda row: _interval(row.cr, 0, 100.0)),
    ("SR", lambda row: _figure(row.sr.value, 2)),
    ("95 %", lambda row: _interval(row.sr, 2)),
    ("SR − B&H", lambda row: _figure(row.against.value if row.against else None, 2)),
    ("95 %", lambda row: _interval(row.against, 2) if row.against else NONE),
    ("p", lambda row: p_value(row.adjusted_p)),
)

"""The tables of ranks, for each task and over all of them, and others of a task's agents."""

from collections.abc import Iterable, Mapping, Sequence

from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.leaderboard.board_columns import board_columns
from investorbench.tasks.leaderboard.columns import (
    BoardLine,
    Cell,
    Columns,
    L,
    OverallLine,
    legend,
)
from investorbench.tasks.leaderboard.marks import signs_of
from investorbench.tasks.leaderboard.overall_columns import overall_columns
from investorbench.tasks.report.content import SIMULATED, board_name, overall_name
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.names import shared_words, short_names
from investorbench.tasks.report.tables import Head, cell_of, empty, head_of, row_head, table, words
from investorbench.tasks.wording import Table, count

RANK = Head("Rank", "the best and the worst place that the tests of all pairs leave an agent", True)
BESIDE: tuple[Table, ...] = ("benchmark", "skill")
"""Tables whose columns stand in one for means over tasks."""
AGENT = Head("Agent", text=True, names=True)


class Scale:
    """One scale for the intervals of a column, with a line where the benchmark stands."""

    WIDTH, HEIGHT, EDGE = 132.0, 16.0, 6.0

    def __init__(self, cells: Sequence[Cell], benchmark: float | None) -> None:
        ends = [end for each in cells for end in (each.low, each.value, each.high)]
        known = [end for end in (*ends, benchmark, 0.0) if end is not None]
        self.low, self.high = min(known), max(known)
        self.benchmark = benchmark

    def draw(self, cell: Cell) -> Html:
        """The interval as a picture; its figures stand beside it."""
        if cell.value is None:
            return empty(cell.reason or "not computed")
        parts = [self._upright(0.0, "zero")]
        if self.benchmark is not None:
            parts.append(self._upright(self.benchmark, "benchmark"))
        if cell.low is not None and cell.high is not None:
            ends = {"x1": self._x(cell.low), "x2": self._x(cell.high)}
            parts.append(element("line", y1="8", y2="8", class_="range", **ends))
        parts.append(element("circle", cx=self._x(cell.value), cy="8", r="3.5"))
        view = f"0 0 {self.WIDTH:g} {self.HEIGHT:g}"
        picture = element("svg", *parts, viewBox=view, class_="scale", aria_hidden="true")
        return element("td", picture, data_sort=repr(cell.value), class_="drawn")

    def _upright(self, value: float, kind: str) -> Html:
        x = self._x(value)
        return element("line", x1=x, x2=x, y1="0", y2=f"{self.HEIGHT:g}", class_=kind)

    def _x(self, value: float) -> str:
        width = (self.high - self.low) or 1.0
        inner = self.WIDTH - 2 * self.EDGE
        return f"{self.EDGE + inner * (value - self.low) / width:.1f}"


def leaderboard_table(board: Leaderboard) -> Html:
    """All agents of a task, best first."""
    caption = join(
        stamp() if board.setting.simulated else None,
        f"Leaderboard of {board_name(board)}, protocol {board.setting.protocol}, "
        f"{board.setting.start} to {board.setting.end}; 95 % intervals in brackets",
    )
    names = [
        row_head(
            join(
                agent_name(row.agent, agents_of(board)),
                signs_of(row, board.rows),
                _missing(row),
            ),
            row.agent,
        )
        for row in board.rows
    ]
    lines = [BoardLine(board, row) for row in board.rows]
    return _ranks(caption, board_columns("page", board), lines, names, board)


def overall_table(overall: Overall) -> Html:
    """All agents over several tasks, best first."""
    caption = join(
        stamp() if overall.simulated else None,
        f"{overall_name(overall)}, {count(len(overall.settings), 'task')}; "
        "95 % intervals in brackets",
    )
    names = [
        row_head(join(agent_name(row.agent, agents_of(overall)), row.signs), row.agent)
        for row in overall.rows
    ]
    lines = [OverallLine(overall, row) for row in overall.rows]
    return _ranks(caption, overall_columns("page", overall.compared_with), lines, names, overall)


def overall_benchmark_table(overall: Overall) -> Html:
    """The same agents beside the benchmark, and how often their repeats are better than it."""
    title = overall.compared_with.title if overall.compared_with else "a benchmark"
    beside = [(each, kind) for kind in BESIDE
              for each in overall_columns(kind, overall.compared_with)]  # fmt: skip
    heads = [AGENT, *(head_of(column, kind) for column, kind in beside)]
    caption = f"Beside {title}, means over tasks; 95 % intervals in brackets"
    return table(caption, heads, [
        [
            row_head(agent_name(row.agent, agents_of(overall)), row.agent),
            *(cell_of(each, each.cell(OverallLine(overall, row)), kind) for each, kind in beside),
        ]
        for row in overall.rows
    ])  # fmt: skip


def board_legend(board: Leaderboard) -> list[str]:
    """What heads of the table of ranks mean, where they need a word more."""
    lines = [BoardLine(board, row) for row in board.rows]
    shared = shared_words(short_names(agents_of(board)))
    return [*([shared] if shared else []), *legend(board_columns("page", board), "page", lines)]


def overall_legend(overall: Overall) -> list[str]:
    """The same of a table over several tasks."""
    lines = [OverallLine(overall, row) for row in overall.rows]
    shared = shared_words(short_names(agents_of(overall)))
    columns = overall_columns("page", overall.compared_with)
    return [*([shared] if shared else []), *legend(columns, "page", lines)]


def board_table(
    board: Leaderboard, kind: Table, caption: str, names: Mapping[str, Html] | None = None
) -> Html:
    """Another table of a leaderboard's agents, in their order.

    Args:
        board: whose.
        kind: which; its columns say so themselves.
        caption: what stands above it.
        names: what is shown for each agent that it has; all by their names for None.
    """
    columns = board_columns(kind, board)
    shown = names or {row.agent: agent_name(row.agent, agents_of(board)) for row in board.rows}
    return table(caption, [AGENT, *(head_of(column, kind) for column in columns)], [
        [
            row_head(shown[row.agent], row.agent),
            *(cell_of(each, each.cell(BoardLine(board, row)), kind) for each in columns),
        ]
        for row in board.rows if row.agent in shown
    ])  # fmt: skip


def agents_of(ranked: Leaderboard | Overall) -> list[str]:
    """The names of all agents of a table, best first."""
    rows: Sequence[Row | OverallRow] = ranked.rows
    return [row.agent for row in rows]


def stamp() -> Html:
    """The mark on everything that rests on a simulated market."""
    return join(element("strong", SIMULATED, class_="stamp"), " ")


def agent_name(name: str, among: Iterable[str] = ()) -> Html:
    """An agent's name, which somebody else chose; what was swept stands in a second line.

    Args:
        name: whole.
        among: all agents of the table, which share what need not be said of each.
    """
    short = short_names(among).get(name, name)
    if short != name:
        return element("bdi", short, class_="agent", title=name)
    first, _, settings = name.partition(" ")
    swept = element("span", settings, class_="settings") if settings else None
    return element("bdi", first, " " if settings else None, swept, class_="agent")


def _ranks(
    caption: Html,
    columns: Columns[L],
    lines: Sequence[L],
    names: Sequence[Html],
    ranked: Leaderboard | Overall,
) -> Html:
    """A table of ranks; what is drawn stands beside its figures."""
    rows: Sequence[Row | OverallRow] = ranked.rows
    heads = [RANK, AGENT]
    cells = [
        [words(row.place(ranked.compared_with), _rank_key(row)), name]
        for row, name in zip(rows, names, strict=True)
    ]
    for column in columns:
        heads.append(head_of(column, "page"))
        values = [column.cell(line) for line in lines]
        for own, value in zip(cells, values, strict=True):
            own.append(cell_of(column, value, "page"))
        if column.formats["page"].drawn:
            held = [value.value for row, value in zip(rows, values, strict=True)
                    if row.agent == ranked.benchmark]  # fmt: skip
            scale = Scale(values, held[0] if held else None)
            heads.append(_drawn(column.head_in("page"), ranked))
            for own, value in zip(cells, values, strict=True):
                own.append(scale.draw(value))
    return table(caption, heads, cells)


def _rank_key(row: Row | OverallRow) -> str:
    """What ranks are sorted by: the best place, then the worst; those without one stay last."""
    return "" if row.rank is None else f"{row.rank[0] * 1000 + row.rank[1]}"


def _drawn(name: str, ranked: Leaderboard | Overall) -> Head:
    compared = ranked.compared_with
    line = f"; the line is {compared.title}'s" if compared and ranked.benchmark else ""
    return Head(f"{name}, drawn", f"its 95 % interval on one scale{line}")


def _missing(row: Row) -> Html | None:
    if row.entry is None:
        return None
    done, planned = len(row.entry.result.episodes), row.entry.planned
    if done >= planned:
        return None
    return element("span", f"{done} of {planned} repeats", class_="missing")

"""The tables of ranks: one for each task, and one over all of them."""

from collections.abc import Sequence

from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row
from investorbench.tasks.leaderboard.ranks import SIZE
from investorbench.tasks.report.cells import (
    Head,
    empty,
    estimate_cell,
    figure,
    row_head,
    table,
    words,
)
from investorbench.tasks.report.content import SIMULATED, board_name, overall_name
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import count, p_value, percent, probability, rank

RANK = Head("Rank", "the best and the worst place that the tests of all pairs leave an agent", True)
AGENT = Head("Agent", text=True, names=True)
HEADS = (
    RANK,
    AGENT,
    Head("CR %", "cumulative return, with its 95 % interval"),
    Head("SR", "Sharpe ratio a year, with its 95 % interval"),
    Head("SR, drawn", "its 95 % interval on one scale; the line is Buy & Hold's"),
    Head("p", "that its Sharpe ratio is Buy & Hold's: Ledoit–Wolf, corrected for all agents"),
    Head("Random %", "share of random policies with a worse Sharpe ratio"),
    Head("PSR", "probability that the Sharpe ratio is above 0"),
    Head("DSR", "the same against the luckiest of all trials without skill"),
    Head("MinTRL", "days of such returns until a Sharpe ratio above 0 is certain at 5 %"),
    Head("MDD %", "largest drawdown"),
    Head("Best p", "model confidence set: the p-value that no other agent is better"),
)
OVERALL_HEADS = (
    RANK,
    AGENT,
    Head("Mean SR", "mean of the Sharpe ratios a year, with its 95 % interval"),
    Head("Mean SR, drawn", "its 95 % interval on one scale; the line is Buy & Hold's"),
    Head("Mean CR %", "mean of the cumulative returns, with its 95 % interval"),
    Head("SR − B&H", "mean Sharpe ratio less Buy & Hold's, with its 95 % interval"),
    Head("p", "that there is no difference to Buy & Hold, corrected for all agents"),
)
NO_DIFFERENCE = "there is no Buy & Hold to compare with, or this is it"


class Scale:
    """One scale for the intervals of a table, with a line where Buy & Hold stands."""

    WIDTH, HEIGHT, EDGE = 132.0, 16.0, 6.0

    def __init__(self, estimates: Sequence[Estimate], benchmark: float | None) -> None:
        ends = [end for each in estimates for end in (each.low, each.value, each.high)]
        known = [end for end in (*ends, benchmark, 0.0) if end is not None]
        self.low, self.high = min(known), max(known)
        self.benchmark = benchmark

    def draw(self, estimate: Estimate) -> Html:
        """The interval as a picture; its figures stand beside it."""
        if estimate.value is None:
            return empty(estimate.reason or "not computed")
        parts = [self._upright(0.0, "zero")]
        if self.benchmark is not None:
            parts.append(self._upright(self.benchmark, "benchmark"))
        if estimate.low is not None and estimate.high is not None:
            ends = {"x1": self._x(estimate.low), "x2": self._x(estimate.high)}
            parts.append(element("line", y1="8", y2="8", class_="range", **ends))
        parts.append(element("circle", cx=self._x(estimate.value), cy="8", r="3.5"))
        view = f"0 0 {self.WIDTH:g} {self.HEIGHT:g}"
        picture = element("svg", *parts, viewBox=view, class_="scale", aria_hidden="true")
        return element("td", picture, data_sort=repr(estimate.value), class_="drawn")

    def _upright(self, value: float, kind: str) -> Html:
        x = self._x(value)
        return element("line", x1=x, x2=x, y1="0", y2=f"{self.HEIGHT:g}", class_=kind)

    def _x(self, value: float) -> str:
        width = (self.high - self.low) or 1.0
        inner = self.WIDTH - 2 * self.EDGE
        return f"{self.EDGE + inner * (value - self.low) / width:.1f}"


def leaderboard_table(board: Leaderboard) -> Html:
    """All agents of a task, best first."""
    estimates = [row.statistics.sr for row in board.rows]
    held = [row.statistics.sr.value for row in board.rows if row.agent == board.benchmark]
    scale = Scale(estimates, held[0] if held else None)
    caption = join(
        stamp() if board.setting.simulated else None,
        f"Leaderboard of {board_name(board)}, protocol {board.setting.protocol}, "
        f"{board.setting.start} to {board.setting.end}; 95 % intervals in brackets",
    )
    return table(caption, HEADS, [_row(row, scale) for row in board.rows])


def overall_table(overall: Overall) -> Html:
    """All agents over several tasks, best first."""
    held = [row.sr.value for row in overall.rows if row.against is None]
    scale = Scale([row.sr for row in overall.rows], held[0] if held else None)
    caption = join(
        stamp() if overall.simulated else None,
        f"{overall_name(overall)}, {count(len(overall.settings), 'task')}; "
        "95 % intervals in brackets",
    )
    return table(caption, OVERALL_HEADS, [_overall_row(row, scale) for row in overall.rows])


def stamp() -> Html:
    """The mark on everything that rests on a simulated market."""
    return join(element("strong", SIMULATED, class_="stamp"), " ")


def agent_name(name: str) -> Html:
    """An agent's name, which somebody else chose; what was swept stands in a second line."""
    first, _, settings = name.partition(" ")
    told = element("span", settings, class_="settings") if settings else None
    return element("bdi", first, " " if settings else None, told, class_="agent")


def _row(row: Row, scale: Scale) -> list[Html]:
    told, against = row.statistics, row.against
    metrics = row.entry.result.metrics
    none = empty(NO_DIFFERENCE)
    return [
        words(rank(row.rank), f"{row.rank[0] * 1000 + row.rank[1]}"),
        row_head(join(agent_name(row.agent), " †" * row.is_ruined, _missing(row)), row.agent),
        estimate_cell(told.cr, 100.0, 1),
        estimate_cell(told.sr, 1.0, 2),
        scale.draw(told.sr),
        none if against is None else _p_cell(against.ledoit_wolf, against.adjusted_p),
        _percent_cell(told.random),
        _probability_cell(told.probabilistic),
        _probability_cell(told.deflated),
        estimate_cell(told.track_record, 1.0, 0),
        figure(metrics["MDD"], percent(metrics["MDD"])),
        _best_cell(told.best),
    ]


def _overall_row(row: OverallRow, scale: Scale) -> list[Html]:
    against = row.against
    none = empty(NO_DIFFERENCE)
    return [
        words(rank(row.rank), f"{row.rank[0] * 1000 + row.rank[1]}"),
        row_head(agent_name(row.agent), row.agent),
        estimate_cell(row.sr, 1.0, 2),
        scale.draw(row.sr),
        estimate_cell(row.cr, 100.0, 1),
        none if against is None else estimate_cell(against, 1.0, 2),
        none if against is None else _p_cell(against, row.adjusted_p),
    ]


def _missing(row: Row) -> Html | None:
    done, planned = len(row.entry.result.episodes), row.entry.planned
    if done >= planned:
        return None
    return element("span", f"{done} of {planned} repeats", class_="missing")


def _p_cell(estimate: Estimate, p: float | None) -> Html:
    if p is None:
        return empty(estimate.reason or "not computed")
    shown = element("strong", p_value(p), class_="clear") if p <= SIZE else p_value(p)
    return figure(p, shown)


def _best_cell(estimate: Estimate) -> Html:
    if estimate.p_value is None:
        return empty(estimate.reason or "not computed")
    if estimate.p_value >= 0.05:
        return figure(estimate.p_value, p_value(estimate.p_value))
    out = element("span", "not in the set", class_="unseen")
    shown = element("span", p_value(estimate.p_value), class_="out")
    return figure(estimate.p_value, join(shown, " ", out))


def _percent_cell(estimate: Estimate) -> Html:
    if estimate.value is None:
        return empty(estimate.reason or "not computed")
    return figure(estimate.value, percent(estimate.value, 0))


def _probability_cell(estimate: Estimate) -> Html:
    if estimate.value is None:
        return empty(estimate.reason or "not computed")
    return figure(estimate.value, probability(estimate.value))

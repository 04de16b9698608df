"""The mean decision reward so far, session after session: agents, and constant answers beside."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from investorbench.tasks.leaderboard.label_boards import LabelBoard
from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.names import short_names
from investorbench.tasks.trading_r1.scores import BEST_CONSTANT, LabelledDecision
from investorbench.tasks.wording import number

FIRST = 5
"""Sessions before a mean is drawn: one of fewer jumps."""
DRAWN = 5
"""Agents at most, of which each has a stroke of its own; the best."""
SIDE = 1000.0
LEFT_OUT = ("label oracle",)
"""Which earns 1 on every day."""


class RewardCurve(NamedTuple):
    """What the decisions of an agent had earned by each session.

    Attributes:
        agent: its name.
        kind: its class in the page.
        points: places of sessions with the mean so far.
    """

    agent: str
    kind: str
    points: list[tuple[int, float]]


def reward_curves(board: LabelBoard) -> Html | None:
    """The curves of a table; None where too few sessions have a label."""
    days = sorted(
        {
            each.day.session
            for own in board.decisions.values()
            for each in own
            if each.known.label is not None
        }
    )
    curves = [each for each in _curves(board, days) if each.points]
    if not curves:
        return None
    values = [value for each in curves for _, value in each.points]
    low, high = min(0.0, *values), max(0.0, *values)
    low, high = low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0)

    def y(value: float) -> float:
        return SIDE * (high - value) / (high - low)

    def x(place: int) -> float:
        return SIDE * (place - FIRST + 1) / max(len(days) - FIRST, 1)

    lines = (
        element(
            "polyline",
            points=" ".join(f"{x(place):.0f},{y(value):.0f}" for place, value in each.points),
            class_=each.kind,
        )
        for each in reversed(curves)
    )
    zero = element("line", x1="0", x2=f"{SIDE:g}", y1=f"{y(0.0):.0f}", y2=f"{y(0.0):.0f}",
                   class_="zero")  # fmt: skip
    ends = "; ".join(f"{each.agent} {number(each.points[-1][1], 2)}" for each in curves)
    picture = element(
        "svg", zero, *lines, viewBox=f"0 0 {SIDE:g} {SIDE:g}", preserveAspectRatio="none",
        role="img", aria_label=f"Mean decision reward by {days[-1]}: {ends}",
    )  # fmt: skip
    marks = [
        element("span", number(value, 1), class_="tick",
                style=f"top: {y(value) / SIDE * 100:.1f}%")
        for value in _ticks(low, high)
    ]  # fmt: skip
    dates = element(
        "div", element("span", days[FIRST - 1]), element("span", days[-1]), class_="dates"
    )
    plot = element("div", picture, *marks, class_="plot")
    text = "Mean decision reward so far, by session; days without a label are left out."
    short = short_names(row.agent for row in board.rows)
    listed = (_legend(each, short[each.agent]) for each in curves)
    legend = element("ul", *listed, class_="legend")
    return element("figure", plot, dates, element("figcaption", text), legend, class_="rewards")


def _curves(board: LabelBoard, days: Sequence[str]) -> Iterator[RewardCurve]:
    """Always buy first, then agents, then the other answers: the first are drawn on top."""
    agents = [row.agent for row in board.agents][:DRAWN]
    others = [row.agent for row in board.rows if row.is_baseline and row.agent not in LEFT_OUT]
    kinds = {BEST_CONSTANT: "buy"} if BEST_CONSTANT in others else {}
    kinds |= {agent: f"agent stroke-{place}" for place, agent in enumerate(agents)}
    answers = [agent for agent in others if agent not in kinds]
    kinds |= {agent: f"other dots-{place}" for place, agent in enumerate(answers)}
    for agent, kind in kinds.items():
        yield RewardCurve(agent, kind, _points(board.decisions[agent], days))


def _points(decisions: Sequence[LabelledDecision], days: Sequence[str]) -> list[tuple[int, float]]:
    """The mean so far by the place of each session, all tickers and repeats together."""
    earned: dict[str, list[float]] = defaultdict(list)
    for each in decisions:
        if each.known.decision is not None:
            earned[each.day.session].append(each.known.decision)
    sums = list(accumulate(sum(earned.get(day, ())) for day in days))
    counts = list(accumulate(len(earned.get(day, ())) for day in days))
    return [
        (place, total / count)
        for place, (total, count) in enumerate(zip(sums, counts, strict=True))
        if place >= FIRST - 1 and count
    ]


def _ticks(low: float, high: float) -> list[float]:
    """Two to six values between both, at whole steps."""
    step = next((each for each in (0.1, 0.2, 0.5) if (high - low) / each <= 6.0), 1.0)
    first, last = int(low / step) - 1, int(high / step) + 1
    return [place * step for place in range(first, last + 1) if low <= place * step <= high]


def _legend(curve: RewardCurve, name: str) -> Html:
    stroke = element("line", x1="0", x2="28", y1="5", y2="5", class_=curve.kind)
    swatch = element("svg", stroke, viewBox="0 0 28 10", class_="swatch", aria_hidden="true")
    end = element("span", number(curve.points[-1][1], 2), class_="out")
    return element("li", swatch, " ", element("bdi", name, title=curve.agent), " ", end)

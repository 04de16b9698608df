"""Thresholds between the five classes, frozen on training days, and the days that they may judge.

They know nothing of what comes after the training window, and no training label looks at a session
of the test.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from investorbench.agents.llm.canonical import digest
from investorbench.tasks.trading_r1.labels import (
    LONGEST,
    Direction,
    LabelScores,
    Volatility,
    classes_of,
    dates_shown,
)
from investorbench_env.dates import DateLike, date_text
from investorbench_env.errors import DateRangeError, MarketError
from investorbench_env.market.sessions import TimeArray

QUANTILES = (0.03, 0.15, 0.53, 0.85)
"""Of training scores, below which lie strong sell, sell, hold and buy."""
EMBARGO = LONGEST
"""Sessions from the last of the training window to the first test day, at least."""

Dates = tuple[DateLike, DateLike]
"""First and last, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSplit:
    """Where the windows of training and test lie among the sessions of an asset.

    Attributes:
        window: all sessions of the training window.
        training: those of them whose longest horizon ends inside it.
        test: all sessions of the test window.
    """

    window: slice
    training: slice
    test: slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The four thresholds of an asset, with all that they follow from: plain values, for JSON.

    Attributes:
        symbol, source: what the closes are of, and where they come from.
        direction, volatility: of the scores.
        values, quantiles: four each, ascending.
        window: first and last session of the training window.
        training: first and last training day.
        days: training days with a score, those whose quantiles they are.
        closes_sha256: of all sessions and closes up to the end of the training window.
    """

    symbol: str
    source: str
    direction: Direction
    volatility: Volatility
    values: tuple[float, float, float, float]
    quantiles: tuple[float, float, float, float]
    window: tuple[str, str]
    training: tuple[str, str]
    days: int
    closes_sha256: str

    def __post_init__(self) -> None:
        if len(self.values) != 4 or not all(np.isfinite(self.values)):
            raise MarketError(f"five classes need four thresholds; got {self.values}")
        if any(low > high for low, high in pairwise(self.values)):
            raise MarketError(f"thresholds must ascend; got {self.values}")


def label_split(sessions: TimeArray, train: Dates, test: Dates) -> LabelSplit:
    """Place two windows so that no training day's horizon reaches into the test.

    Args:
        sessions: ascending dates [T].
        train, test: first and last date of each.

    Raises:
        DateRangeError: a window holds no session, the training window no whole horizon, the windows
            overlap, or less than ``EMBARGO`` sessions lie between them; with the dates.
    """
    window = _within(sessions, "training", train)
    tested = _within(sessions, "test", test)
    last, reach = window.stop - 1, window.stop - 1 + EMBARGO
    if window.stop - window.start <= LONGEST:
        raise DateRangeError(
            f"the training window {_shown(train)} has {window.stop - window.start} sessions, and "
            f"a label looks {LONGEST} ahead: make it longer"
        )
    if tested.start < window.stop:
        raise DateRangeError(
            f"the test window {_shown(test)} begins before the training window {_shown(train)} has "
            "ended: give windows that do not overlap, training first"
        )
    if reach >= len(sessions):
        raise DateRangeError(
            f"only {len(sessions) - window.stop} sessions follow the training window, which ends "
            f"on {sessions[last]}, and the first test day is {EMBARGO} sessions after it: end it "
            "earlier"
        )
    if tested.start < reach:
        raise DateRangeError(
            f"the first test day, {sessions[tested.start]}, is {tested.start - last} sessions "
            f"after {sessions[last]}, the end of training, whose labels look {LONGEST} ahead: "
            f"begin the test on {sessions[reach]} or later"
        )
    return LabelSplit(
        window=window, training=slice(window.start, window.stop - LONGEST), test=tested
    )


def freeze(scores: LabelScores, split: LabelSplit, *, symbol: str, source: str) -> Thresholds:
    """Thresholds by the scores of training days alone.

    Args:
        scores: of all days.
        split: of the same sessions.
        symbol, source: what the closes are of, and where they come from, as ``Market.source``.

    Raises:
        DateRangeError: no training day has a score; with the reasons and the dates.
    """
    sessions, days = scores.sessions, scores.values[split.training]
    known = days[~np.isnan(days)]
    if not len(known):
        raise DateRangeError(
            f"no day of {symbol} from {sessions[split.training][0]} to "
            f"{sessions[split.training][-1]} has a label: "
            + "; ".join(reasons_of(scores, sessions[split.training]))
        )
    seen = slice(0, split.window.stop)
    low, middle, high, highest = map(float, np.quantile(known, QUANTILES))
    return Thresholds(
        symbol=symbol,
        source=source,
        direction=scores.direction,
        volatility=scores.volatility,
        values=(low, middle, high, highest),
        quantiles=QUANTILES,
        window=_ends(sessions[split.window]),
        training=_ends(sessions[split.training]),
        days=len(known),
        closes_sha256=digest([sessions[seen].astype(str).tolist(), scores.closes[seen].tolist()]),
    )


def labels_of(scores: LabelScores, thresholds: Thresholds, days: slice) -> tuple[str | None, ...]:
    """The classes of some days by frozen thresholds; None where ``scores`` has no value.

    Raises:
        MarketError: the thresholds are of scores that were calculated otherwise.
    """
    own = (scores.direction, scores.volatility)
    if own != (thresholds.direction, thresholds.volatility):
        raise MarketError(
            f"thresholds of {thresholds.direction} scores by {thresholds.volatility} do not judge "
            f"{own[0]} ones by {own[1]}: freeze them on scores of the same kind"
        )
    return classes_of(scores.values[days], thresholds.values)


def reasons_of(scores: LabelScores, days: TimeArray) -> Iterable[str]:
    """Why some days have no label, each reason with its dates."""
    for reason, missing in scores.absences.items():
        if len(both := np.intersect1d(missing, days)):
            yield f"{reason} ({dates_shown(both)})"


def _within(sessions: TimeArray, name: str, dates: Dates) -> slice:
    first, last = (np.datetime64(date_text(f"{name} window", each), "D") for each in dates)
    found = slice(
        int(np.searchsorted(sessions, first)), int(np.searchsorted(sessions, last, side="right"))
    )
    if found.start >= found.stop:
        raise DateRangeError(
            f"the {name} window {_shown(dates)} holds no session; there are those from "
            f"{sessions[0]} to {sessions[-1]}"
        )
    return found


def _shown(dates: Dates) -> str:
    return f"{dates[0]}..{dates[1]}"


def _ends(sessions: TimeArray) -> tuple[str, str]:
    return str(sessions[0]), str(sessions[-1])

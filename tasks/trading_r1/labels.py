"""Which of five classes a day is: its score by smoothed, volatility-scaled moves of the price.

A label looks ahead: it is for training and scoring alone, and no observation may hold one.
Trading-R1's formulas; docs/labels.md has the rules, and what the published listing does instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from investorbench.agents.thesis.thesis import CLASSES
from investorbench_env.errors import DateRangeError, MarketError, UnknownNameError
from investorbench_env.market.market import LEAST_PRICE, MOST_PRICE
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]
Direction = Literal["forward", "trailing"]
Volatility = Literal["listing", "trailing_ewma"]

SPAN = 3
"""Of the exponential average that smooths closes."""
HORIZONS = MappingProxyType({3: 0.3, 7: 0.5, 15: 0.2})
"""What the move over so many sessions weighs in a score."""
LONGEST = max(HORIZONS)
VOLATILITY_SESSIONS = 20
FLAT = 1e-12
"""A standard deviation of moves up to this is rounding: the prices do not vary."""
SHOWN_DATES = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelScores:
    """Scores of an asset's days, the higher the more bullish.

    Attributes:
        sessions: the days [T].
        closes: adjusted for splits and dividends [T].
        values: NaN where ``absences`` has the reason [T].
        direction, volatility: how they were calculated.
        absences: days without a score, by the reason.
    """

    sessions: TimeArray
    closes: FloatArray
    values: FloatArray
    direction: Direction
    volatility: Volatility
    absences: MappingProxyType[str, TimeArray]


def label_scores(
    sessions: TimeArray,
    closes: FloatArray,
    direction: Direction = "forward",
    volatility: Volatility = "listing",
) -> LabelScores:
    """Score each day: Σ w_τ · R_τ / σ_τ over horizons τ, on exponentially smoothed closes E.

    Args:
        sessions: ascending dates, all there are: the average begins with the first [T].
        closes: adjusted for splits and dividends [T].
        direction: ``"forward"``, R_τ = E(t+τ) / E(t) − 1; or ``"trailing"``, E(t) / E(t−τ) − 1, as
            in the published listing: known on the day, and no label of what comes.
        volatility: ``"listing"``, the standard deviation of R_τ over the last 20 days, which looks
            ahead where R_τ does; or ``"trailing_ewma"``, that of trailing moves, exponentially
            weighted with a span of 20 days: known on the day in both directions.

    Raises:
        MarketError: the closes are no prices, or the dates do not ascend; and which.
        DateRangeError: there are too few sessions for any label.
        UnknownNameError: there is no such direction or volatility.
    """
    for kind, name, valid in (
        ("direction", direction, get_args(Direction)),
        ("volatility", volatility, get_args(Volatility)),
    ):
        if name not in valid:
            raise UnknownNameError(kind, name, valid)
    sessions = np.array(sessions, dtype="datetime64[D]")
    closes = np.array(closes, dtype=np.float64)
    both_ways = direction == "forward" and volatility == "trailing_ewma"
    _require_history(sessions, closes, VOLATILITY_SESSIONS + LONGEST * (1 + both_ways))
    moves, deviations = _moves(closes, direction, volatility)
    unknown = np.asarray((np.isnan(moves) | np.isnan(deviations)).any(axis=0))
    flat = np.asarray((deviations <= FLAT).any(axis=0))
    scaled = np.divide(moves, deviations, out=np.full_like(moves, np.nan), where=deviations > FLAT)
    weights = np.array(list(HORIZONS.values()))
    return LabelScores(
        sessions=sessions,
        closes=closes,
        values=(weights[:, np.newaxis] * scaled).sum(axis=0),
        direction=direction,
        volatility=volatility,
        absences=_absences(sessions, unknown, flat),
    )


def classes_of(scores: FloatArray, thresholds: Sequence[float]) -> tuple[str | None, ...]:
    """The class of each score; None for NaN.

    Args:
        scores: [N].
        thresholds: the four between the five classes, ascending; a score that equals one belongs to
            the class above it.
    """
    above = np.searchsorted(np.asarray(thresholds), scores, side="right")
    last = len(CLASSES) - 1
    return tuple(
        None if np.isnan(score) else CLASSES[last - int(place)]
        for score, place in zip(scores, above, strict=True)
    )


def dates_shown(days: TimeArray) -> str:
    """Dates as a message names them: the first few, and how many more."""
    more = f" and {len(days) - SHOWN_DATES} more" if len(days) > SHOWN_DATES else ""
    return ", ".join(map(str, days[:SHOWN_DATES])) + more


def _require_history(sessions: TimeArray, closes: FloatArray, fewest: int) -> None:
    if sessions.ndim != 1 or sessions.shape != closes.shape:
        raise MarketError(
            f"labels need a close a session; got shapes {closes.shape} and {sessions.shape}"
        )
    if len(sessions) < fewest:
        between = f", from {sessions[0]} to {sessions[-1]}" if len(sessions) else ""
        raise DateRangeError(
            f"a label needs {fewest} sessions; there are {len(sessions)}{between}: "
            "give more history"
        )
    if (wrong := ~(sessions[1:] > sessions[:-1])).any():
        raise MarketError(
            f"sessions must ascend, each once; they do not at {dates_shown(sessions[1:][wrong])}"
        )
    if (wrong := ~((closes >= LEAST_PRICE) & (closes <= MOST_PRICE))).any():
        raise MarketError(
            f"no labels where closes are no prices: {dates_shown(sessions[wrong])}; fill in what "
            "is missing, or begin after it"
        )


def _moves(
    closes: FloatArray, direction: Direction, volatility: Volatility
) -> tuple[FloatArray, FloatArray]:
    """Moves over each horizon, and what they are divided by; NaN where unknown [3, T] each."""
    import pandas as pd

    smooth = pd.Series(closes).ewm(span=SPAN).mean()
    trailing = [smooth / smooth.shift(each) - 1.0 for each in HORIZONS]
    forward = [smooth.shift(-each) / smooth - 1.0 for each in HORIZONS]
    moves = forward if direction == "forward" else trailing
    if volatility == "listing":
        deviations = [_rolling_deviation(each) for each in moves]
    else:
        deviations = [_weighted_deviation(each) for each in trailing]
    return np.array(moves), np.array(deviations)


def _rolling_deviation(moves: "pd.Series[float]") -> FloatArray:
    """Of each window by itself: sums that run on leave a rest where moves have become equal."""
    windows = np.lib.stride_tricks.sliding_window_view(moves.to_numpy(), VOLATILITY_SESSIONS)
    before = np.full(VOLATILITY_SESSIONS - 1, np.nan)
    return np.concatenate((before, windows.std(axis=1, ddof=1)))


def _weighted_deviation(moves: "pd.Series[float]") -> FloatArray:
    weighted = moves.ewm(span=VOLATILITY_SESSIONS, min_periods=VOLATILITY_SESSIONS)
    return np.asarray(weighted.std(), dtype=np.float64)


def _absences(
    sessions: TimeArray, unknown: npt.NDArray[np.bool_], flat: npt.NDArray[np.bool_]
) -> MappingProxyType[str, TimeArray]:
    early = unknown & (np.arange(len(sessions)) < np.argmin(unknown))
    reasons = {
        "too few sessions before it": early,
        f"fewer than {LONGEST} sessions after it": unknown & ~early,
        "constant prices": flat & ~unknown,
    }
    return MappingProxyType(
        {reason: sessions[days] for reason, days in reasons.items() if days.any()}
    )

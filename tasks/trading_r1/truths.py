"""What came after each day of a test: its label, the next sessions' return, and what they rest on.

For an evaluator, who may know the future. A task says of its labels ``{"train": [first, last]}``,
and optionally ``direction`` and ``volatility``, see :mod:`investorbench.tasks.trading_r1.labels`,
and ``frozen``, see :mod:`investorbench.tasks.trading_r1.frozen`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.trading_r1.frozen import frozen_in
from investorbench.tasks.trading_r1.labels import (
    FLAT,
    VOLATILITY_SESSIONS,
    Direction,
    FloatArray,
    Volatility,
    label_scores,
)
from investorbench.tasks.trading_r1.rewards import HORIZON
from investorbench.tasks.trading_r1.thresholds import (
    Dates,
    Thresholds,
    freeze,
    label_split,
    labels_of,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.market import Market

SETTINGS = ("train", "direction", "volatility", "frozen")
"""What a task may say of its labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """How the days of a test are labelled.

    Attributes:
        train: first and last date of the window that thresholds are frozen on.
        direction, volatility: of the scores.
        frozen: the file that has the thresholds; None for those that the closes at hand give.
    """

    train: Dates
    direction: Direction = "forward"
    volatility: Volatility = "listing"
    frozen: str | None = None


class Truth(NamedTuple):
    """What came after a day.

    Attributes:
        label: its class; None where ``why`` says the reason.
        why: there is no label.
        score: that the class follows from.
        momentum: the class of its trailing score, by thresholds of their own: known on the day.
        horizon_return: the simple return of the next ``HORIZON`` sessions; None where the data
            ends before.
        daily_volatility: standard deviation of the daily returns of the last 20 sessions; None
            where there are fewer, or where prices do not vary.
    """

    label: str | None
    why: str | None
    score: float | None
    momentum: str | None
    horizon_return: float | None
    daily_volatility: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truths:
    """What came after the days of a test window, by their dates.

    Attributes:
        thresholds: of the labels.
        trailing: of the momentum classes.
        days: ``YYYY-MM-DD`` to what came.
    """

    thresholds: Thresholds
    trailing: Thresholds
    days: Mapping[str, Truth]


def labelling_of(given: Mapping[str, Any]) -> Labelling:
    """What a task says of its labels.

    Raises:
        UnknownNameError: there is no such setting.
        InvestorBenchError: the training window is missing, or no pair of dates.
    """
    for name in given:
        if name not in SETTINGS:
            raise UnknownNameError("setting of labels", name, SETTINGS)
    train = given.get("train")
    if not isinstance(train, list | tuple) or len(train) != 2:
        raise InvestorBenchError(
            f"labels need the window that thresholds are frozen on, got train={train!r}: write "
            'train: ["2021-01-04", "2022-12-30"]'
        )
    rest = {name: value for name, value in given.items() if name != "train" and value is not None}
    return Labelling(train=(str(train[0]), str(train[1])), **rest)


def truths_of(market: Market, test: Dates, labelling: Labelling) -> Truths:
    """Label the days of a test window of a market's one asset.

    Args:
        market: all of it.
        test: first and last date.
        labelling: how.

    Raises:
        InvestorBenchError: there are several assets, or bars shorter or longer than a day; the
            windows or the closes allow no labels; the thresholds of a file contradict them.
    """
    if len(market.symbols) > 1 or market.interval != "1d":
        raise InvestorBenchError(
            f"labels are of one asset by the day, and this market has {', '.join(market.symbols)} "
            f"in bars of {market.interval}: leave task.labels out, or name a task of one asset"
        )
    sessions, closes = market.sessions, market.adjusted_close[:, 0]
    split = label_split(sessions, labelling.train, test)
    scores = label_scores(sessions, closes, labelling.direction, labelling.volatility)
    before = label_scores(sessions, closes, "trailing", labelling.volatility)
    thresholds, trailing = (
        freeze(each, split, symbol=market.symbols[0], source=market.source)
        for each in (scores, before)
    )
    if labelling.frozen is not None:
        thresholds = frozen_in(labelling.frozen, thresholds)
    whys = {day: why for why, missing in scores.absences.items() for day in missing.tolist()}
    days = sessions[split.test]
    columns = zip(
        days.tolist(),
        labels_of(scores, thresholds, split.test),
        map(_known, scores.values[split.test].tolist()),
        labels_of(before, trailing, split.test),
        map(_known, horizon_returns(closes)[split.test].tolist()),
        map(_known, daily_volatilities(closes)[split.test].tolist()),
        strict=True,
    )
    return Truths(
        thresholds=thresholds,
        trailing=trailing,
        days={
            str(day): Truth(label, whys.get(day), score, momentum, ahead, volatility)
            for day, label, score, momentum, ahead, volatility in columns
        },
    )


def plain_thresholds(thresholds: Thresholds) -> dict[str, Any]:
    """Thresholds with their provenance, as JSON holds them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(thresholds).items()
    }


def horizon_returns(closes: FloatArray) -> FloatArray:
    """The simple return of the ``HORIZON`` sessions after each; NaN where the data ends [T]."""
    ahead = np.full(len(closes), np.nan)
    ahead[:-HORIZON] = closes[HORIZON:] / closes[:-HORIZON] - 1.0
    return ahead


def daily_volatilities(closes: FloatArray) -> FloatArray:
    """Standard deviation of the last 20 daily returns of each session [T].

    NaN where there are fewer, and where prices do not vary.
    """
    found = np.full(len(closes), np.nan)
    daily = closes[1:] / closes[:-1] - 1.0
    if len(daily) >= VOLATILITY_SESSIONS:
        windows = np.lib.stride_tricks.sliding_window_view(daily, VOLATILITY_SESSIONS)
        found[VOLATILITY_SESSIONS:] = windows.std(axis=1, ddof=1)
    return np.where(found > FLAT, found, np.nan)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value

"""Observations as numbers around 1 that no scale of prices or cash changes: the arithmetic alone.

It takes observations side by side, each array with an axis [N], and one as N = 1: so that a learner
who trains on many and is tested on one is shown the same bits.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.market.market import CLOSE, FIELDS, VOLUME
from investorbench_env.spaces import AccountFigures, HoldingFigures, PortfolioFigures
from investorbench_env.wrappers.perpetual_features import PerpetualNumbers
from investorbench_env.wrappers.units import DAILY_UNIT, LIMIT

Float32Array = npt.NDArray[np.float32]
Array = npt.NDArray[Any]

SIGNALS = "signals"
NUMERIC = ("bars", "account", "sentiment")
"""The modalities that they are made of. The date is left out: a learner would know past years by
it."""

ACCOUNT_FEATURES = ("weight", "cash_share", "log_equity", "unrealised_share", "share_of_steps_left")
HOLDINGS = "holdings"
"""What observations of several assets have beside the figures of the whole account."""
ASSET_AXES = {"mask": 1, HOLDINGS: 0, "sentiment": 0}
"""Where the assets stand in what is shown of several: in more axes than of one."""
PORTFOLIO_FEATURES = ("cash_share", "log_equity", "share_of_steps_left")
HOLDING_FEATURES = ("weight", "unrealised_share", "tradable")
SENTIMENT_FEATURES = ("positive_news", "neutral_news", "negative_news")


class Features:
    """Turns observations of an environment into features.

    Attributes:
        names: of the F features, in order.

    Args:
        shown: what the space of one observation has, by name.
        facts: of the environment; without any it is taken to have daily bars.
        what: the environment in words, for errors.

    Raises:
        InvestorBenchError: the environment shows none of the modalities.
    """

    def __init__(self, shown: Mapping[str, Any], facts: object, what: object) -> None:
        self._shows = tuple(name for name in NUMERIC if name in shown)
        if not self._shows:
            raise InvestorBenchError(
                f"NumericObservation needs one of {', '.join(NUMERIC)} in the observation; "
                f"{what} shows {', '.join(shown) or 'none of them'}"
            )
        window = len(shown["mask"].low) if "bars" in self._shows else 0
        assets = _assets(shown, facts)
        self._several = bool(assets)
        if self._several:
            self.names = _names_of_several(self._shows, window, assets)
        else:
            self.names = _names(self._shows, window)
        days = float(length_of(facts.interval) / DAY) if isinstance(facts, Facts) else 1.0
        unit = DAILY_UNIT * math.sqrt(days)
        self._units = np.array([unit] * VOLUME + [1.0], np.float32)

    def of(self, observation: Mapping[str, Array], first: Array) -> Float32Array:
        """The features of N observations [N, F].

        Args:
            observation: arrays with an axis [N].
            first: the accounts of the first decision of each one's episode [N, 6] or [N, 4].
        """
        parts: list[Array] = []
        if "bars" in self._shows:
            bars, mask = observation["bars"], observation["mask"]
            count = len(bars)
            if self._several:  # each asset by itself, with all its bars one after the other
                bars, mask = (np.moveaxis(each, 2, 1) for each in (bars, mask))
                bars = bars.reshape(-1, *bars.shape[2:])
            relative = _relative(bars, self._units)
            parts += [relative.reshape(count, -1), mask.reshape(count, -1)]
        if "account" in self._shows:
            shares = _shares_of_several if self._several else _shares
            parts.append(shares(observation, first))
        if "sentiment" in self._shows:
            counts = observation["sentiment"]
            parts.append(np.log1p(counts).reshape(len(counts), -1))
        features = np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)
        cut: Float32Array = np.clip(features, -LIMIT, LIMIT, out=features)
        return cut

    def first(self, observation: Mapping[str, Array], count: int) -> Array:
        """The accounts of first decisions, against which later ones are measured."""
        if "account" not in self._shows:
            return np.ones((count, len(AccountFigures._fields)), np.float32)
        return observation["account"].copy()


def features_of(
    shown: Mapping[str, Any], facts: object, what: object
) -> Features | PerpetualNumbers:
    """What turns observations of an environment into features; the arguments are those of both."""
    if isinstance(facts, Facts) and facts.action == SIGNALS:
        return PerpetualNumbers(shown, facts, what)
    return Features(shown, facts, what)


def _relative(bars: Float32Array, units: Float32Array) -> Float32Array:
    """Bars as logarithms without a scale, 0 where unknown; both [N, window, 5]."""
    unknown = bars == 0.0
    logs: Float32Array = np.log(bars + unknown)
    count, window, _ = bars.shape
    last = window - 1 - np.argmax(~unknown[:, ::-1, CLOSE], axis=1)
    level = np.empty((count, 1, len(FIELDS)), np.float32)
    # Where no close is known, that of the last bar stands as 0.
    level[:, 0, :VOLUME] = logs[np.arange(count), last, CLOSE, None]
    # Logarithms of unknown volumes are 0, so they add nothing to the sum. It goes along memory,
    # where the order of its terms does not depend on N.
    known = np.count_nonzero(bars[..., VOLUME], axis=1).astype(np.float32)
    volumes = np.ascontiguousarray(logs[..., VOLUME]).sum(axis=1)
    level[:, 0, VOLUME] = volumes / np.maximum(known, np.float32(1.0))
    logs -= level
    logs /= units
    logs[unknown] = 0.0
    return logs


def _shares(observation: Mapping[str, Array], first: Array) -> Array:
    """Accounts relative to their equity and to their first decision [N, 5]."""
    figures = AccountFigures(*observation["account"].T.astype(np.float64))
    opening = AccountFigures(*first.T.astype(np.float64))
    # A ruined account has no shares of equity to speak of; its features stand at the limits.
    scale = np.maximum(figures.equity, 1e-9 * np.asarray(opening.equity))
    columns = (
        figures.weight,
        figures.cash / scale,
        np.log(scale / opening.equity),
        figures.unrealised_pnl / scale,
        figures.steps_left / np.maximum(opening.steps_left, 1.0),
    )
    return np.stack(columns, axis=1)


def _shares_of_several(observation: Mapping[str, Array], first: Array) -> Array:
    """The same of accounts of several assets, and of each holding [N, 3 + A * 3]."""
    figures = PortfolioFigures(*observation["account"].T.astype(np.float64))
    opening = PortfolioFigures(*first.T.astype(np.float64))
    scale = np.maximum(figures.equity, 1e-9 * np.asarray(opening.equity))
    whole = (
        figures.cash / scale,
        np.log(scale / opening.equity),
        figures.steps_left / np.maximum(opening.steps_left, 1.0),
    )
    holdings = HoldingFigures(*np.moveaxis(observation[HOLDINGS].astype(np.float64), -1, 0))
    each = holdings.weight, holdings.unrealised_pnl / scale[:, None], observation["tradable"]
    return np.concatenate([np.stack(whole, axis=1), *each], axis=1)


def _assets(shown: Mapping[str, Any], facts: object) -> tuple[str, ...]:
    """The names of several assets; none where the observation is of one."""
    shapes = {name: shown[name].shape for name in ASSET_AXES if name in shown}
    counts = {shape[ASSET_AXES[name]] for name, shape in shapes.items() if len(shape) > 1}
    if not counts:
        return ()
    named = facts.symbols if isinstance(facts, Facts) else ()
    return named if counts == {len(named)} else tuple(f"asset {n}" for n in range(min(counts)))


def _names_of_several(
    shows: tuple[str, ...], window: int, assets: tuple[str, ...]
) -> tuple[str, ...]:
    alone = {name: _names((name,), window) for name in shows}
    bars = alone.get("bars", ())
    numbers, known = bars[: window * len(FIELDS)], bars[window * len(FIELDS) :]
    names = {
        "bars": [
            f"{asset} {name}" for part in (numbers, known) for asset in assets for name in part
        ],
        "account": [
            *PORTFOLIO_FEATURES,
            *(f"{asset} {name}" for name in HOLDING_FEATURES for asset in assets),
        ],
        "sentiment": [f"{asset} {name}" for asset in assets for name in SENTIMENT_FEATURES],
    }
    return tuple(name for part in shows for name in names[part])


def _names(shows: tuple[str, ...], window: int) -> tuple[str, ...]:
    sessions = [f"t-{back}" if back else "t" for back in range(window - 1, -1, -1)]
    names = {
        "bars": [
            *(f"log_{field}[{session}]" for session in sessions for field in FIELDS),
            *(f"known[{session}]" for session in sessions),
        ],
        "account": ACCOUNT_FEATURES,
        "sentiment": SENTIMENT_FEATURES,
    }
    return tuple(name for part in shows for name in names[part])

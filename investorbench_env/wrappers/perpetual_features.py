"""Observations of perpetuals as numbers without a scale of prices or cash, side by side [N]."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.perpetuals_features import (
    FEATURES,
    SERIES,
    PerpetualFigures,
)
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.wrappers.units import DAILY_UNIT, LIMIT

Float32Array = npt.NDArray[np.float32]
Array = npt.NDArray[Any]

SHOWN = ("features", "series", "account")
RATE_UNIT = 1e-4
"""Funding rates of this size become 1."""
LEVELS = ("ema20", "context_ema20", "context_ema50")
"""Relative to the price."""
SPANS = ("macd", "context_macd", "context_atr3", "context_atr14")
"""As shares of the price."""
STRENGTHS = ("rsi7", "rsi14", "context_rsi14")
"""From -1 to 1."""
EXITS = ("entry", "liquidation", "stop", "target")
"""Relative to the mark, 0 where there is none."""
SHARES = ("unrealised", "margin", "risk", "received")
"""Of equity."""
COIN = (
    *LEVELS, *SPANS, *STRENGTHS, "volume", "context_volume", "funding", *EXITS, *SHARES,
    "weight", "leverage", "confidence", "log_hours",
)  # fmt: skip
ACCOUNT = (
    "cash_share", "log_equity", "margin_share", "unrealised_share", "sharpe",
    "share_of_steps_left",
)  # fmt: skip


class PerpetualNumbers:
    """Turns observations of perpetuals into features.

    Attributes:
        names: of the F features, in order.

    Args:
        shown: what the space of one observation has, by name.
        facts: of the environment.
        what: the environment in words, for errors.

    Raises:
        InvestorBenchError: the environment shows none of the modalities that have numbers.
    """

    def __init__(self, shown: Mapping[str, Any], facts: Facts, what: object) -> None:
        self._shows = tuple(name for name in SHOWN if name in shown)
        if not self._shows:
            raise InvestorBenchError(
                f"NumericObservation needs one of {', '.join(SHOWN)} in the observation; "
                f"{what} shows {', '.join(shown) or 'none of them'}"
            )
        self._unit = DAILY_UNIT * math.sqrt(float(length_of(facts.interval) / DAY))
        window = shown["series"].shape[1] if "series" in shown else 0
        names = {
            "features": [f"{coin} {name}" for coin in facts.symbols for name in COIN],
            "series": [
                f"{coin} {name}[{f't-{back}' if back else 't'}]"
                for coin in facts.symbols
                for back in range(window - 1, -1, -1)
                for name in SERIES
            ],
            "account": ACCOUNT,
        }
        self.names = tuple(name for part in self._shows for name in names[part])

    def of(self, observation: Mapping[str, Array], first: Array) -> Float32Array:
        """The features of N observations [N, F].

        Args:
            observation: arrays with an axis [N].
            first: the accounts of the first decision of each one's episode [N, 9].
        """
        parts = {"features": self._coins, "series": self._series, "account": self._account}
        columns = [parts[name](observation, first) for name in self._shows]
        flat = [each.reshape(len(each), -1).astype(np.float32) for each in columns]
        features = np.concatenate(flat, axis=1)
        cut: Float32Array = np.clip(features, -LIMIT, LIMIT, out=features)
        return cut

    def first(self, observation: Mapping[str, Array], count: int) -> Array:
        """The accounts of first decisions, against which later ones are measured."""
        if "account" not in self._shows:
            return np.ones((count, len(PerpetualFigures._fields)), np.float32)
        return observation["account"].copy()

    def _coins(self, observation: Mapping[str, Array], first: Array) -> Array:
        """What is shown of each coin, and of the position in it [N, A, C]."""
        given = np.moveaxis(observation["features"].astype(np.float64), -1, 0)
        shown = dict(zip(FEATURES, given, strict=True))
        mask = np.moveaxis(observation["mask"], -1, 0) == 1
        known = dict(zip(FEATURES, mask, strict=True))
        price = shown["price"] + ~known["price"]
        mark = shown["mark"] + ~known["mark"]
        worth = self._worth(observation, first)[:, None]
        parts = {
            **{name: (shown[name] / price - 1.0) / self._unit for name in LEVELS},
            **{name: shown[name] / price / self._unit for name in SPANS},
            **{name: shown[name] / 50.0 - 1.0 for name in STRENGTHS},
            **{name: _log_ratio(shown, name) for name in ("volume", "context_volume")},
            "funding": shown["funding"] / RATE_UNIT,
            **{name: (shown[name] / mark - 1.0) / DAILY_UNIT for name in EXITS},
            **{name: shown[name] / worth for name in SHARES},
            "weight": np.sign(shown["quantity"]) * shown["notional"] / worth,
            "leverage": shown["leverage"] / LIMIT,
            "confidence": shown["confidence"],
            "log_hours": np.log1p(shown["hours"]),
        }
        return np.stack([parts[name] * known.get(name, True) for name in COIN], axis=-1)

    def _series(self, observation: Mapping[str, Array], first: Array) -> Array:
        """The last bars of each coin [N, A, window, 7]."""
        series = observation["series"].astype(np.float64)
        known = observation["series_mask"] == 1
        price = series[:, :, -1:, :1] + ~known[:, :, -1:, :1]
        relative = {
            "price": lambda each: (each / price[..., 0] - 1.0) / self._unit,
            "ema20": lambda each: (each / price[..., 0] - 1.0) / self._unit,
            "macd": lambda each: each / price[..., 0] / self._unit,
            "rsi7": lambda each: each / 50.0 - 1.0,
            "rsi14": lambda each: each / 50.0 - 1.0,
        }
        columns = [
            relative[name.removeprefix("context_")](series[..., place])
            for place, name in enumerate(SERIES)
        ]
        seen: Array = np.stack(columns, axis=-1) * known
        return seen

    def _account(self, observation: Mapping[str, Array], first: Array) -> Array:
        """The account relative to its equity and to its first decision [N, 6]."""
        figures = PerpetualFigures(*observation["account"].T.astype(np.float64))
        opening = PerpetualFigures(*first.T.astype(np.float64))
        worth = self._worth(observation, first)
        columns = (
            figures.cash / worth,
            np.log(worth / opening.equity),
            figures.margin / worth,
            figures.unrealised / worth,
            figures.sharpe,
            figures.steps_left / np.maximum(opening.steps_left, 1.0),
        )
        return np.stack(columns, axis=1)

    def _worth(self, observation: Mapping[str, Array], first: Array) -> Array:
        """Equity, or a trifle of the first one where it is gone [N]."""
        place = PerpetualFigures._fields.index("equity")
        if "account" not in observation:
            return np.ones(len(first))
        equity = observation["account"][:, place].astype(np.float64)
        return np.asarray(np.maximum(equity, 1e-9 * first[:, place].astype(np.float64)))


def _log_ratio(shown: Mapping[str, Array], name: str) -> Array:
    """How large a volume is beside its average, as a logarithm; 0 where either is unknown."""
    average = name.replace("volume", "average_volume")
    there = (shown[name] > 0.0) & (shown[average] > 0.0)
    ratio = np.where(there, shown[name], 1.0) / np.where(there, shown[average], 1.0)
    return np.asarray(np.log(ratio))

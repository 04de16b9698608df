"""Observations as one flat vector of numbers around 1, for learners such as Stable-Baselines3."""

import math
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.market.market import CLOSE, FIELDS, VOLUME
from investorbench_env.spaces import AccountFigures

Float32Array = npt.NDArray[np.float32]

LIMIT = 10.0
"""No feature is larger; an account close to ruin would be."""

DAILY_UNIT = 0.1
"""A logarithm of a price of this size becomes 1: those of a window of daily bars span some tenths,
and those of other bars as the square root of their length."""

NUMERIC = ("bars", "account", "sentiment")
"""The modalities that it shows. The date is left out: a learner would know past years by it."""

ACCOUNT_FEATURES = ("weight", "cash_share", "log_equity", "unrealised_share", "share_of_steps_left")
SENTIMENT_FEATURES = ("positive_news", "neutral_news", "negative_news")


class NumericObservation(
    gym.ObservationWrapper[Float32Array, Any, dict[str, Any]], gym.utils.RecordConstructorArgs
):
    """A flat float32 ``Box`` of finite numbers that no scale of prices or cash changes.

    In order, each part only where the environment shows its modality; ``feature_names`` has all:

    ``bars``: for each bar of the window, oldest first, the logarithms of open, high, low and close
    relative to the last close in units of 0.1 for daily bars (times the square root of their length
    in days for others), then the logarithm of volume relative to its mean over the window; 0 where
    unknown. Then the mask: 1 where a bar is known.

    ``account``: weight, cash / equity, ln(equity / first equity), unrealised profit / equity, and
    the share of the episode's steps that is left.

    ``sentiment``: ln(1 + number) of positive, neutral and negative news since the last decision.

    Every number is cut to -10 to 10. Texts and the date are left out.

    Args:
        env: an environment that shows parts of a single asset's observation, wrapped or not.

    Raises:
        InvestorBenchError: the environment shows none of these modalities.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        gym.utils.RecordConstructorArgs.__init__(self)
        super().__init__(env)
        shown = getattr(env.observation_space, "spaces", {})
        self._shows = tuple(name for name in NUMERIC if name in shown)
        if not self._shows:
            raise InvestorBenchError(
                f"NumericObservation needs one of {', '.join(NUMERIC)} in the observation; "
                f"{env} shows {', '.join(shown) or env.observation_space}"
            )
        window = len(shown["mask"].low) if "bars" in self._shows else 0
        self.feature_names = _feature_names(self._shows, window)
        self.observation_space = gym.spaces.Box(
            -LIMIT, LIMIT, (len(self.feature_names),), np.float32
        )
        self._first_equity = self._first_left = 1.0
        self._units = np.array([_price_unit(env)] * VOLUME + [1.0], np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        observation: Any  # what the inner environment shows
        observation, info = self.env.reset(seed=seed, options=options)
        if "account" in self._shows:
            figures = AccountFigures(*observation["account"].tolist())
            self._first_equity, self._first_left = figures.equity, max(figures.steps_left, 1.0)
        return self.observation(observation), info

    def observation(self, observation: dict[str, Any]) -> Float32Array:
        """The features of one observation."""
        features = np.empty(len(self.feature_names), np.float32)
        end = 0
        if "bars" in self._shows:
            bars = observation["bars"]
            mask, end = bars.size, bars.size + len(bars)
            _write_relative(bars, self._units, features[:mask].reshape(bars.shape))
            features[mask:end] = observation["mask"]
        if "account" in self._shows:
            start, end = end, end + len(ACCOUNT_FEATURES)
            features[start:end] = self._account(AccountFigures(*observation["account"].tolist()))
        if "sentiment" in self._shows:
            np.log1p(observation["sentiment"], out=features[end:])
        np.minimum(features, LIMIT, out=features)
        return np.maximum(features, -LIMIT, out=features)

    def _account(self, account: AccountFigures) -> tuple[float, ...]:
        # A ruined account has no shares of equity to speak of; its features stand at the limits.
        scale = max(account.equity, 1e-9 * self._first_equity)
        return (
            account.weight,
            account.cash / scale,
            math.log(scale / self._first_equity),
            account.unrealised_pnl / scale,
            account.steps_left / self._first_left,
        )


def _price_unit(env: gym.Env[Any, Any]) -> float:
    """The size that becomes 1; an environment without facts is taken to have daily bars."""
    facts = getattr(env.unwrapped, "facts", None)
    days = float(length_of(facts.interval) / DAY) if isinstance(facts, Facts) else 1.0
    return DAILY_UNIT * math.sqrt(days)


def _write_relative(bars: Float32Array, units: Float32Array, logs: Float32Array) -> None:
    """Write bars as logarithms without a scale, 0 where unknown; both [window, 5]."""
    unknown = bars == 0.0
    np.log(bars + unknown, out=logs)
    closes = bars[:, CLOSE].nonzero()[0]
    level = np.empty(len(FIELDS), np.float32)
    level[:VOLUME] = logs[closes[-1], CLOSE] if len(closes) else 0.0
    # Logarithms of unknown volumes are 0, so they add nothing to the sum.
    level[VOLUME] = logs[:, VOLUME].sum() / max(np.count_nonzero(bars[:, VOLUME]), 1)
    logs -= level
    logs /= units
    logs[unknown] = 0.0


def _feature_names(shows: tuple[str, ...], window: int) -> tuple[str, ...]:
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

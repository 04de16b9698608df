"""Policies that know how a simulated market works: the yardsticks for everybody else.

``Oracle`` sees the hidden state. ``Filter`` knows the model and infers the state from observations.
``TextReader`` knows neither; it understands the texts.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.particles import Cloud
from investorbench.agents.simulated.reading import Reading, read
from investorbench_env.errors import MarketError
from investorbench_env.market.market import CLOSE, Market
from investorbench_env.market.simulated import Dynamics, dynamics_of

SELL, HOLD, BUY = 0, 1, 2
COST_RATE = 0.001
"""Cost of a trade as a share of its notional, as under the protocol ``standard``."""
PATIENCE_DAYS = 12.0
"""How long a position is expected to stay, in sessions."""

FloatArray = npt.NDArray[np.float64]
Observation = Mapping[str, Any]
Info = Mapping[str, Any]


def outlook(dynamics: Dynamics, patience_days: float = PATIENCE_DAYS) -> FloatArray:
    """What each part of the state is worth to a position taken at the next open [5].

    The expected return e is linear in the state s = (bear, calm, bull, gap, mood), and so is the
    expectation of the next state, M s. A position that is kept from session to session with
    probability γ earns Σ_k γ^k E[e_{t+k}] without the first night, so the weights are
    e'((I − γM)⁻¹ − ωI) with ω the overnight share of a session's drift.
    """
    earned = np.array([*dynamics.drift, dynamics.gap_reversion, dynamics.mood_drift])
    step = np.zeros((5, 5))
    step[:3, :3] = dynamics.transition.T
    step[3, 3] = 1.0 - dynamics.gap_reversion
    step[3, 4] = -dynamics.mood_drift
    step[4, 4] = dynamics.mood_persistence
    keep = 1 - 1 / patience_days
    weights: FloatArray = earned @ (
        np.linalg.inv(np.eye(5) - keep * step) - dynamics.overnight_share * np.eye(5)
    )
    return weights


def _decide(gain: float, cost_rate: float) -> int:
    """Trade when what a position is expected to earn while it is kept exceeds what it costs."""
    if gain > cost_rate:
        return BUY
    return SELL if gain < -cost_rate else HOLD


class Oracle:
    """Knows the hidden state of a simulated market at each decision, and what comes of it.

    Args:
        market: the market that the environment runs on, with its ``hidden_state``.
        dynamics: its parameters; the defaults of its symbol and asset class for None.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.

    Raises:
        MarketError: the market has no hidden state.
    """

    def __init__(
        self,
        market: Market,
        dynamics: Dynamics | None = None,
        *,
        cost_rate: float = COST_RATE,
        patience_days: float = PATIENCE_DAYS,
    ) -> None:
        state = market.hidden_state
        if state is None:
            raise MarketError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        known = dynamics or dynamics_of(market.symbols[0], market.asset_class)
        regime = state["regime"][:, 0].astype(int)
        weights = outlook(known, patience_days)
        gains = weights[regime] + weights[3] * state["value_gap"][:, 0]
        self._gains: FloatArray = gains + weights[4] * state["mood"][:, 0]
        self._times = market.decision_times.astype("datetime64[s]").astype(np.int64)
        self._cost_rate = cost_rate

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        now = datetime.fromisoformat(info["time"]).timestamp()
        t = int(np.searchsorted(self._times, now))
        return _decide(float(self._gains[t]), self._cost_rate)


class TextReader:
    """Adds up what the texts say, forgets it day by day, and looks at nothing else.

    Args:
        memory_days: after how many decisions a text counts for 1/e.
        conviction: the balance of good and bad texts from which it acts.
    """

    def __init__(self, *, memory_days: float = 10.0, conviction: float = 1.0) -> None:
        self._keep = float(np.exp(-1 / memory_days))
        self._conviction = conviction
        self._balance = 0.0

    def begin(self, task: object, split: str, seed: int) -> None:
        """Forget everything."""
        self._balance = 0.0

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        readings = readings_of(observation, info["symbol"])
        self._balance = self._keep * self._balance + sum(each.polarity for _, each in readings)
        return _decide(self._balance, self._conviction)


def readings_of(observation: Observation, symbol: str) -> list[tuple[str, Reading]]:
    """What the new texts of an observation say, each with ``"news"`` or ``"filings"``."""
    return [
        (kind, reading)
        for kind in ("news", "filings")
        for text in observation.get(kind, ())
        for reading in read(text, symbol)
    ]


class Filter:
    """Knows the model but not the state: filters prices and texts, then decides as the oracle.

    Args:
        dynamics: the parameters of the market.
        particles: how many; the error of the estimate falls with their square root.
        seed: of the particles, until ``begin`` gives another.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.
    """

    def __init__(
        self,
        dynamics: Dynamics,
        *,
        particles: int = 500,
        seed: int = 0,
        cost_rate: float = COST_RATE,
        patience_days: float = PATIENCE_DAYS,
    ) -> None:
        self._dynamics = dynamics
        self._count = particles
        self._cost_rate = cost_rate
        self._weights = outlook(dynamics, patience_days)
        self.begin(None, "test", seed)

    def begin(self, task: object, split: str, seed: int) -> None:
        """Go back to what is known before the first observation."""
        self._cloud = Cloud(self._dynamics, self._count, np.random.default_rng(seed))
        self._started = False

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        for log_return in self._returns(observation):
            self._cloud.move(log_return)
        if "news" in observation:
            for kind, reading in readings_of(observation, info["symbol"]):
                self._cloud.hear(reading, kind)
        elif "sentiment" in observation:
            good, _, bad = observation["sentiment"].tolist()
            self._cloud.hear_labels(good, bad)
        self._cloud.resample()
        return _decide(float(self.belief() @ self._weights), self._cost_rate)

    def belief(self) -> FloatArray:
        """The expected state: probability of bear, calm, bull, then gap and mood [5]."""
        return self._cloud.mean()

    def _returns(self, observation: Observation) -> list[float] | list[None]:
        """Log returns that are new: of the whole window at first, later of the last session."""
        if "bars" not in observation:
            return [None]
        closes = observation["bars"][:, CLOSE].astype(np.float64)
        known = closes[closes > 0]
        if self._started:
            known = known[-2:]
        self._started = True
        returns: list[float] = np.diff(np.log(known)).tolist()
        return returns

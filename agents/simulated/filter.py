"""The filter: infers the hidden state of a simulated market from observations, and trades on it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from investorbench.agents.simulated.outlook import (
    COST_RATE,
    PATIENCE_DAYS,
    FloatArray,
    outlook,
    require_state,
    trade_on,
)
from investorbench.agents.simulated.particle_filter import ParticleFilter
from investorbench.agents.simulated.statements import new_statements
from investorbench.agents.single_asset import takes_weight
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated import Dynamics

Observation = Mapping[str, Any]


class Filter:
    """Knows the model but not the state: filters prices and texts, then decides as the oracle.

    Args:
        dynamics: the parameters of the market.
        particles: how many; the error of the estimate falls with their square root.
        seed: of the particles, until ``begin`` gives another.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.

    Raises:
        MarketError: the law's state has parts unknown to it.
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
        require_state(dynamics, "filter")
        self._dynamics = dynamics
        self._count = particles
        self._cost_rate = cost_rate
        self._weights = outlook(dynamics, patience_days)
        self._restart(seed)

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Go back to what is known before the first observation.

        Raises:
            InvestorBenchError: there are several assets.
        """
        takes_weight(facts, "filter")
        self._restart(seed)

    def act(self, observation: Observation, info: Mapping[str, Any]) -> int:
        """Sell, hold or buy."""
        for log_return in self._returns(observation):
            self._particles.advance(log_return)
        if "news" in observation:
            for kind, statement in new_statements(observation, info["symbol"]):
                self._particles.observe_statement(statement, kind)
        elif "sentiment" in observation:
            good, _, bad = observation["sentiment"].tolist()
            self._particles.observe_labels(good, bad)
        self._particles.resample()
        return trade_on(float(self.belief() @ self._weights), self._cost_rate)

    def belief(self) -> FloatArray:
        """The expected state: probability of bear, calm, bull, then gap and mood [5]."""
        return self._particles.mean()

    def _restart(self, seed: int) -> None:
        self._particles = ParticleFilter(self._dynamics, self._count, np.random.default_rng(seed))
        self._started = False

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

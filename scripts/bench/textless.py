"""Markets without text: what was to be expected of each, and what policies make of its prices."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.particle_filter import ParticleFilter
from investorbench.agents.simulated.snapshots import best_side, best_weight
from investorbench.tasks.snapshots.scores import SnapshotDecisions, edge
from investorbench_env.envs.snapshot_setup import setup_of
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.market.simulated.conditional import conditional

FloatArray = npt.NDArray[np.float64]

ID = "InvestorBench/Snapshot-SIM"
FIRST, TOGETHER, PARTICLES = 2_000_000, 256, 200
MOMENTUM = 20
"""Sessions."""


class SeenMarkets(NamedTuple):
    """Of one horizon: what was to be expected of each market, what came, what was seen [n].

    Attributes:
        mean, variance: of the horizon's return, given the hidden state.
        realised: the return.
        momentum: the sum of the last log returns.
        believed_mean, believed_variance: what the filter makes of the prices.
    """

    mean: FloatArray
    variance: FloatArray
    realised: FloatArray
    momentum: FloatArray
    believed_mean: FloatArray
    believed_variance: FloatArray

    def of(self, rows: slice) -> Self:
        """Some of them."""
        return type(self)(*(part[rows] for part in self))


class TextlessStudy(NamedTuple):
    """Markets of one horizon, and what a weight of 1 costs."""

    horizon: int
    cost_rate: float
    markets: SeenMarkets

    def sides(self) -> dict[str, FloatArray]:
        """What five policies decide of sell, hold and buy, as weights [n] each."""
        m = self.markets
        rng = np.random.default_rng(self.horizon)
        return {
            "oracle": best_side(m.mean, self.cost_rate),
            "filter": best_side(m.believed_mean, self.cost_rate),
            "momentum": np.sign(m.momentum),
            "buy and hold": np.ones_like(m.mean),
            "random": rng.integers(-1, 2, len(m.mean)).astype(np.float64),
        }

    def weights(self, constant: float) -> dict[str, FloatArray]:
        """What policies choose as weights [n] each.

        Args:
            constant: the best constant weight.
        """
        m, cost_rate = self.markets, self.cost_rate
        believed = best_weight(m.believed_mean, m.believed_variance, cost_rate)
        rng = np.random.default_rng(self.horizon)
        return {
            "oracle": best_weight(m.mean, m.variance, cost_rate),
            "filter": believed,
            "filter, its sign at full weight": np.sign(believed),
            "best constant": np.full_like(m.mean, constant),
            "constant of 1": np.ones_like(m.mean),
            "random": rng.uniform(-1.0, 1.0, len(m.mean)),
        }

    def best_constant(self) -> float:
        """The constant weight with the largest mean edge."""
        m = self.markets
        return float(best_weight(m.mean.mean(), m.variance.mean(), self.cost_rate))

    def edges(self, weights: FloatArray) -> FloatArray:
        """Certainty equivalents of weights [n]."""
        m = self.markets
        return edge(
            SnapshotDecisions(weights, m.mean, m.variance, m.realised, self.cost_rate, True)
        )


def study(
    horizon: int, markets: int, first: int = FIRST, particles: int = PARTICLES
) -> TextlessStudy:
    """Draw markets without text, a number each, and let the filter look at their prices.

    Args:
        horizon: in sessions.
        markets: how many.
        first: the number of the first.
        particles: of the filter.
    """
    setup = setup_of({**gym.spec(ID).kwargs, "horizon": horizon})
    dynamics = dynamics_of(setup.symbol, setup.options.asset_class)
    parts = [
        _seen(setup, dynamics, range(start, min(start + TOGETHER, first + markets)), particles)
        for start in range(first, first + markets, TOGETHER)
    ]
    together = map(np.concatenate, zip(*parts, strict=True))
    return TextlessStudy(horizon, setup.cost_rate, SeenMarkets(*together))


def _seen(setup: Any, dynamics: Dynamics, numbers: Sequence[int], particles: int) -> SeenMarkets:
    horizon = setup.options.horizon
    ((_, drawn),) = setup.markets.numbers_of(numbers, setup.options.window, news=False)
    known = conditional(dynamics, drawn.hidden_state, horizon)
    returns = np.diff(np.log(drawn.bars[:, 0, :, CLOSE].astype(np.float64)))
    rng = np.random.default_rng([horizon, *numbers[:1]])
    beliefs = [_belief(dynamics, own.tolist(), horizon, particles, rng) for own in returns]
    return SeenMarkets(
        known.mean,
        known.variance,
        drawn.earned,
        returns[:, -MOMENTUM:].sum(axis=1),
        *np.array(beliefs).T,
    )


def _belief(
    dynamics: Dynamics, returns: list[float], horizon: int, particles: int, rng: np.random.Generator
) -> tuple[float, float]:
    found = ParticleFilter(dynamics, particles, rng)
    for each in returns:
        found.advance(each)
        found.resample()
    shares, known = found.shares(), conditional(dynamics, found.state(), horizon)
    return float(shares @ known.mean), float(shares @ known.variance)

"""Do realised and expected returns agree, and are scores of weights fair?

``python -m investorbench.scripts.bench.unbiased --markets 20000`` lets policies decide on snapshots
without text, at three horizons, and compares what came of it with what was to be expected of it;
then it scores weights under risk aversion, between the best constant weight and the filter.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.particle_filter import ParticleFilter
from investorbench.agents.simulated.snapshots import best_side, best_weight
from investorbench.tasks.metrics import NORMAL_95
from investorbench.tasks.snapshots.controlled import controlled
from investorbench.tasks.snapshots.figures import skill_of
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.scores import BPS, SnapshotDecisions, edge
from investorbench.tasks.statistics.estimate import Estimate
from investorbench_env.envs.snapshot_setup import setup_of
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.market.simulated.conditional import conditional

FloatArray = npt.NDArray[np.float64]

ID = "InvestorBench/Snapshot-SIM"
HORIZONS = (1, 5, 10)
FIRST, TOGETHER, PARTICLES, DRAWS = 2_000_000, 256, 200, 100_000
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
    """SeenMarkets of one horizon, and what a weight of 1 costs."""

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


class Agreement(NamedTuple):
    """Mean returns of a policy, in basis points a decision, costs apart."""

    horizon: int
    policy: str
    expected: float
    realised: float
    margin: float
    """Of their difference, in the simultaneous interval of all comparisons."""

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against their being equal."""
        return abs(self.realised - self.expected) <= self.margin


class ScoredPolicy(NamedTuple):
    """The certainty equivalent of a policy's weights, in basis points a decision, and its skill."""

    policy: str
    edge: Estimate
    below_oracle: Estimate
    below_filter: Estimate
    skill: Estimate


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


def agreements(studies: Sequence[TextlessStudy]) -> list[Agreement]:
    """Realised beside expected, of each policy at each horizon, which has as many markets."""
    rows = [
        (
            each.horizon,
            policy,
            BPS * weight * each.markets.mean,
            BPS * weight * each.markets.realised,
        )
        for each in studies
        for policy, weight in each.sides().items()
    ]
    differences = np.array([realised - expected for _, _, expected, realised in rows])
    # Policies on the same markets err together: the largest of their errors is smaller for it.
    drawn = np.random.default_rng(0).multivariate_normal(
        np.zeros(len(rows)), np.corrcoef(differences), DRAWS
    )
    critical = float(np.quantile(np.abs(drawn).max(axis=1), 0.95))
    margins = critical * differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
    return [
        Agreement(horizon, policy, float(expected.mean()), float(realised.mean()), margin)
        for (horizon, policy, expected, realised), margin in zip(
            rows, margins.tolist(), strict=True
        )
    ]


def scores(given: TextlessStudy) -> list[ScoredPolicy]:
    """Certainty equivalents of weights on half of the markets; the other is the reference."""
    half = len(given.markets.mean) // 2
    known, own = (
        given._replace(markets=given.markets.of(rows)) for rows in (slice(half), slice(half, None))
    )
    constant = known.best_constant()
    yardsticks = [
        known.edges(known.weights(constant)[name]) for name in ("best constant", "filter", "oracle")
    ]
    reference = SnapshotReference.of_scores({}, FIRST, constant, np.array(yardsticks))
    found = {name: own.edges(weights) for name, weights in own.weights(constant).items()}
    return [
        ScoredPolicy(
            name,
            _estimate(edges),
            _estimate(found["oracle"] - edges),
            _estimate(found["filter"] - edges),
            skill_of(controlled(edges), reference),
        )
        for name, edges in found.items()
    ]


def _estimate(scores: FloatArray) -> Estimate:
    value, margin = scores.mean(), NORMAL_95 * scores.std(ddof=1) / np.sqrt(len(scores))
    low, middle, high = (BPS * np.array([value - margin, value, value + margin])).tolist()
    return Estimate(value=middle, low=low, high=high)


def page(studies: Sequence[TextlessStudy]) -> Iterator[str]:
    """All of it, as lines of text."""
    compared = agreements(studies)
    yield (
        f"realised and expected, basis points a decision without costs, "
        f"{len(studies[0].markets.mean):,} markets a horizon"
    )
    yield f"  {'horizon':8}{'policy':16}{'expected':>9}{'realised':>9}{'difference':>19}"
    for row in compared:
        difference = f"{row.realised - row.expected:+.1f} ± {row.margin:.1f}"
        yield (
            f"  {row.horizon:<8}{row.policy:16}{row.expected:9.1f}{row.realised:9.1f}"
            f"{difference:>19}{'' if row.agrees else '  !'}"
        )
    agree = sum(row.agrees for row in compared)
    yield f"0 lies in the simultaneous 95 % interval of {agree} of {len(compared)}"
    for each in studies:
        yield f"weights under γ = 5, horizon {each.horizon}, on half of the markets"
        yield f"  {'policy':33}{'edge':>16}{'below the oracle':>18}{'skill':>16}"
        for policy in scores(each):
            cells = (_cell(policy.edge, 1), _cell(policy.below_oracle, 1), _cell(policy.skill, 2))
            yield f"  {policy.policy:33}{cells[0]:>16}{cells[1]:>18}{cells[2]:>16}"


def _cell(given: Estimate, digits: int) -> str:
    assert given.value is not None and given.high is not None
    return f"{given.value:.{digits}f} ± {given.high - given.value:.{digits}f}"


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=FIRST, help="the first market's number")
    given = parser.parse_args()
    studies = [study(horizon, given.markets, given.first) for horizon in HORIZONS]
    print("\n".join(page(studies)))


if __name__ == "__main__":
    main()

"""Do realised and expected returns agree, and are scores of weights fair?

``python -m investorbench.scripts.bench.unbiased --markets 20000`` lets policies decide on snapshots
without text, at three horizons, and compares what came of it with what was to be expected of it;
then it scores weights under risk aversion, between the best constant weight and the filter.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.scripts.bench.textless import FIRST, TextlessStudy, study
from investorbench.tasks.metrics import NORMAL_95
from investorbench.tasks.snapshots.controlled import controlled
from investorbench.tasks.snapshots.figures import skill_of
from investorbench.tasks.snapshots.references import SnapshotReference
from investorbench.tasks.snapshots.scores import BPS
from investorbench.tasks.statistics.estimate import Estimate

FloatArray = npt.NDArray[np.float64]

HORIZONS = (1, 5, 10)
DRAWS = 100_000


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
    """A figure with its margin, as far as there is any."""
    if given.value is None:
        return "-"
    margin = "" if given.high is None else f" ± {given.high - given.value:.{digits}f}"
    return f"{given.value:.{digits}f}{margin}"


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

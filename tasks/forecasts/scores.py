"""What an agent's forecasts come to: a record of figures, each with its interval or the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from investorbench.agents.forecasts import Forecast
from investorbench.tasks.forecasts.calibration import CalibrationBin, calibration
from investorbench.tasks.forecasts.clustered import clustered_mean, rank_correlation
from investorbench.tasks.forecasts.outcomes import Outcomes
from investorbench.tasks.forecasts.proper import brier, log_score
from investorbench.tasks.forecasts.stated import Laws, laws_of, signals_of, up_of
from investorbench.tasks.statistics.estimate import Estimate
from investorbench_env.errors import ForecastError, InvestorBenchError

FloatArray = npt.NDArray[np.float64]
NO_FORECASTS = "no forecasts were given"
NO_TRUTH = "the true law of these returns is not known"
EQUALLY_LIKELY = 200
"""Returns that stand for a true law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProperScore:
    """A score by what came, and by what was to be expected.

    Attributes:
        realised: by the returns that came.
        expected: its expectation under the true law of each return.
        excess: by how much that is worse than what the true law itself is expected to score; of
            no correlation.
    """

    realised: Estimate
    expected: Estimate
    excess: Estimate

    @classmethod
    def missing(cls, reason: str) -> "ProperScore":
        """No figures, and why."""
        none = Estimate(reason=reason)
        return cls(realised=none, expected=none, excess=none)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastScores:
    """How good the forecasts of an agent are.

    Attributes:
        decisions: how many there were.
        given: how many of them came with a forecast; the others count as one half.
        brier: of probabilities, 0 at best, .25 for always one half.
        log: minus the logarithm of the probability of what came, clipped at .01.
        crps: of laws of the return, in its unit.
        information: rank correlation of forecasts with returns, one that was not given counting as
            no view; expected: with expected returns.
        calibration: how often what was given a probability came; empty without forecasts.
    """

    decisions: int
    given: int
    brier: ProperScore
    log: ProperScore
    crps: ProperScore
    information: ProperScore
    calibration: tuple[CalibrationBin, ...] = ()


def forecast_scores(forecasts: Sequence[Forecast | None], outcomes: Outcomes) -> ForecastScores:
    """Score the forecasts of an agent.

    Args:
        forecasts: one a decision, None where none came [N].
        outcomes: what they were about, in the same order.

    Raises:
        ForecastError: there are more or fewer of them than outcomes, or they are of several
            horizons.
    """
    _require_alike(forecasts, outcomes)
    given = sum(each is not None for each in forecasts)
    if not given:
        none = ProperScore.missing(NO_FORECASTS)
        return ForecastScores(
            decisions=len(forecasts), given=0, brier=none, log=none, crps=none, information=none
        )
    up = np.array([up_of(each) for each in forecasts])
    laws = laws_of(forecasts)
    said = np.array([each is not None for each in forecasts])
    law, clusters = outcomes.law, outcomes.clusters
    return ForecastScores(
        decisions=len(forecasts),
        given=given,
        brier=_of_probabilities(brier, up, outcomes),
        log=_of_probabilities(log_score, up, outcomes),
        crps=ProperScore.missing(laws) if isinstance(laws, str) else _of_laws(laws, outcomes),
        information=_information(forecasts, outcomes),
        calibration=calibration(
            up[said], outcomes.rose[said], clusters[said], None if law is None else law.up[said]
        ),
    )


def _of_probabilities(
    score: Callable[[FloatArray, FloatArray], FloatArray], up: FloatArray, outcomes: Outcomes
) -> ProperScore:
    mean = partial(clustered_mean, clusters=outcomes.clusters, overlap=outcomes.overlap)
    realised = mean(score(up, outcomes.rose))
    if outcomes.law is None:
        return _without_truth(realised)
    true = outcomes.law.up
    expected = score(up, true)
    return ProperScore(
        realised=realised, expected=mean(expected), excess=mean(expected - score(true, true))
    )


def _of_laws(laws: Laws, outcomes: Outcomes) -> ProperScore:
    mean = partial(clustered_mean, clusters=outcomes.clusters, overlap=outcomes.overlap)
    realised = mean(laws.crps(outcomes.returns))
    if outcomes.law is None:
        return _without_truth(realised)
    try:
        true = outcomes.law.returns(EQUALLY_LIKELY)
    except InvestorBenchError as error:
        return _without_truth(realised, str(error))
    expected = laws.crps(true).mean(axis=1)
    return ProperScore(
        realised=realised, expected=mean(expected), excess=mean(expected - laws.least(true))
    )


def _information(forecasts: Sequence[Forecast | None], outcomes: Outcomes) -> ProperScore:
    clusters, overlap = outcomes.clusters, outcomes.overlap
    ranked = partial(rank_correlation, signals_of(forecasts), clusters=clusters, overlap=overlap)
    realised = ranked(outcomes.returns)
    if outcomes.law is None:
        return _without_truth(realised)
    return ProperScore(
        realised=realised,
        expected=ranked(outcomes.law.expected),
        excess=Estimate(reason="a correlation has none"),
    )


def _without_truth(realised: Estimate, reason: str = NO_TRUTH) -> ProperScore:
    unknown = Estimate(reason=reason)
    return ProperScore(realised=realised, expected=unknown, excess=unknown)


def _require_alike(forecasts: Sequence[Forecast | None], outcomes: Outcomes) -> None:
    if len(forecasts) != len(outcomes.returns):
        raise ForecastError(
            f"{len(forecasts)} decisions and {len(outcomes.returns)} returns: give one for each"
        )
    horizons = sorted({each.horizon for each in forecasts if each is not None})
    if len(horizons) > 1:
        raise ForecastError(
            f"forecasts over {', '.join(map(str, horizons))} sessions cannot be scored together"
        )

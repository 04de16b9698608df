"""Forecasts on snapshots, scored from what is recorded of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.agents.forecasts import Forecast, forecast_of, horizon_of
from investorbench.tasks.forecasts.clustered import Clusters
from investorbench.tasks.forecasts.outcomes import Outcomes
from investorbench.tasks.forecasts.scores import ForecastScores, forecast_scores
from investorbench.tasks.result import Episode, Horizons, Result
from investorbench.tasks.task import Task
from investorbench_env.envs.snapshot_draws import SimulatedSnapshots
from investorbench_env.errors import ForecastError
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.horizon_law import HorizonLaw

FloatArray = npt.NDArray[np.float64]


def forecast_scores_of(result: Result) -> ForecastScores:
    """Score the forecasts of an agent on a task of snapshots.

    It needs no market, but for what laws of the return were expected to score: for that the markets
    are drawn once more.

    Raises:
        ForecastError: the task is none of snapshots, or a forecast is of another horizon.
    """
    blocks = [each.scored for each in result.episodes if each.scored is not None]
    if len(blocks) < len(result.episodes):
        raise ForecastError(
            f"{result.task.id} has no snapshots: forecasts are scored where each decision is one "
            "observation, such as on InvestorBench/Snapshot-SIM"
        )
    given = [each for block in result.episodes for each in _forecasts_in(block)]
    wanted = horizon_of(result.facts)
    for each in given:
        if each is not None and each.horizon != wanted:
            raise ForecastError(
                f"a forecast is over {each.horizon} sessions, and its score over {wanted}"
            )
    return forecast_scores(given, _outcomes(result, blocks))


def _forecasts_in(block: Episode) -> list[Forecast | None]:
    plain = block.forecasts or (None,) * len(block.actions)
    return [None if each is None else forecast_of(each) for each in plain]


def _outcomes(result: Result, blocks: Sequence[Horizons]) -> Outcomes:
    """What came of the snapshots of some blocks, and was to be expected of them."""
    returns, means, ups = (
        np.concatenate([getattr(each, name) for each in blocks])
        for name in ("returns", "means", "ups")
    )
    if not result.facts.draws_markets:
        days = np.concatenate([each.sessions[:-1] for each in result.episodes])
        overlap = horizon_of(result.facts)
        clusters = _days(days, result.facts.asset_class)
        return Outcomes(returns=returns, clusters=clusters, overlap=overlap)
    seeds = tuple(seed for each in blocks for seed in each.market_seeds)
    is_paired = bool(result.task.options.get("antithetic"))
    is_known = bool(np.isfinite(ups).all())
    return Outcomes(
        returns=returns,
        clusters=_numbered([seed // 2 if is_paired else seed for seed in seeds]),
        law=RecordedLaw(ups, means, result.task, seeds) if is_known else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RecordedLaw:
    """What is recorded of the laws of snapshots; all of them is drawn where it is asked for.

    Attributes:
        up, expected: as in ``TrueLaw`` [N].
        task: of the snapshots.
        seeds: of their markets [N].
    """

    up: FloatArray
    expected: FloatArray
    task: Task
    seeds: tuple[int, ...]

    def returns(self, count: int) -> FloatArray:
        """Equally likely ones, ascending [N, count].

        Raises:
            InvestorBenchError: the markets cannot be drawn here.
        """
        setup = self.task.snapshots()
        markets, options = setup.markets, setup.options
        assert isinstance(markets, SimulatedSnapshots)
        numbers = [setup.number_of(seed) for seed in self.seeds]
        found = np.zeros((len(numbers), count))
        for rows, drawn in markets.numbers_of(numbers, options.window, news=False):
            dynamics = dynamics_of(drawn.symbols[0], options.asset_class)
            law = HorizonLaw.of(dynamics, drawn.hidden_state or {}, options.horizon)
            found[rows] = law.returns(count)
        return found


def _days(days: npt.NDArray[np.datetime64], asset_class: str) -> Clusters:
    """Days by their places among all sessions from the first to the last of them."""
    sessions = sessions_between(asset_class, str(days.min()), str(days.max()))
    return np.searchsorted(sessions, days).astype(np.int64)


def _numbered(names: Sequence[int]) -> Clusters:
    """Names of any size, by the place at which each was first met."""
    places: dict[int, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names], dtype=np.int64)

"""What the forecasts of a result were about: returns and, of simulated markets, their law.

What came is in the record. Of snapshots so are the true probabilities and means; for all of a law,
and for those of the days of an account, markets are drawn once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from investorbench.agents.forecasts import Forecast, forecast_of, horizon_of
from investorbench.tasks.days import Dates, FloatArray
from investorbench.tasks.forecasts import ForecastScores, Outcomes, forecast_scores
from investorbench.tasks.forecasts.clustered import Clusters
from investorbench_env.envs.snapshot_draws import SimulatedSnapshots
from investorbench_env.errors import DataNotFoundError, ForecastError, MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.simulated import dynamics_of
from investorbench_env.market.simulated.horizon_law import HorizonLaw

if TYPE_CHECKING:
    from investorbench.tasks.result import Episode, Horizons, Result


def forecast_scores_of(result: "Result") -> ForecastScores:
    """Score the forecasts of an agent, all repeats together.

    Raises:
        ForecastError: a forecast is over other sessions than its score, or what came of it is not
            recorded: on several assets, and where orders fill at the next close.
    """
    given = [each for episode in result.episodes for each in _forecasts_in(episode)]
    wanted = horizon_of(result.facts)
    for each in given:
        if each is not None and each.horizon != wanted:
            raise ForecastError(
                f"a forecast is over {each.horizon} sessions, and its score over {wanted}"
            )
    blocks = [each.scored for each in result.episodes if each.scored is not None]
    if blocks:
        return forecast_scores(given, _of_snapshots(result, blocks))
    return forecast_scores(given, _of_steps(result, given))


def _forecasts_in(episode: "Episode") -> list[Forecast | None]:
    plain = episode.forecasts or (None,) * len(episode.actions)
    return [None if each is None else forecast_of(each) for each in plain]


def _of_snapshots(result: "Result", blocks: "Sequence[Horizons]") -> Outcomes:
    """A law of which the hidden state says too little is not recorded."""
    returns, means, ups = (
        np.concatenate([getattr(each, name) for each in blocks])
        for name in ("returns", "means", "ups")
    )
    clusters, overlap = observations_of(result)
    is_known = bool(np.isfinite(ups).all())
    law = LawsForetold(ups, means, lambda count: _drawn(result, count)) if is_known else None
    return Outcomes(returns=returns, clusters=clusters, overlap=overlap, law=law)


def observations_of(result: "Result") -> tuple[Clusters, int]:
    """Which decisions are one observation, and how many of these in a row share a horizon.

    Of simulated markets one is an observation, or an antithetic pair of them; of real ones a day.
    """
    episodes = result.episodes
    if not _draws_markets(result):
        days = np.concatenate([each.sessions[:-1] for each in episodes])
        return _places_of(days, result.facts), horizon_of(result.facts)
    if result.facts.horizon is None:
        return np.repeat(np.arange(len(episodes)), [len(each.actions) for each in episodes]), 1
    is_paired = bool(result.task.options.get("antithetic"))
    return _numbered([seed // 2 if is_paired else seed for seed in _seeds(result)]), 1


def _draws_markets(result: "Result") -> bool:
    """Whether each episode or snapshot is of a market of its own, and not of one that is there."""
    facts = result.facts
    if facts.horizon is None or not facts.simulated:
        return facts.simulated and facts.draws_markets
    try:
        return isinstance(result.task.snapshots().markets, SimulatedSnapshots)
    except DataNotFoundError:
        return False  # a market that was handed over in Python


def _seeds(result: "Result") -> list[int]:
    """Those of all markets of snapshots."""
    return [seed for each in result.episodes if each.scored for seed in each.scored.market_seeds]


def _of_steps(result: "Result", given: Sequence[Forecast | None]) -> Outcomes:
    """What is known of steps in an account that there is a forecast of."""
    episodes = result.episodes
    earned = [each.earned for each in episodes if each.earned is not None]
    returns = np.concatenate(earned) if earned else np.zeros(len(given))
    said = np.array([each is not None for each in given])
    if (not earned and said.any()) or not np.isfinite(returns[said]).all():
        raise ForecastError(
            f"what forecasts on {result.task.id} were about is not recorded: they are scored for "
            "one asset, where orders fill at the next open or at the close"
        )
    returns = np.where(said, returns, 0.0)  # of the others it is not recorded
    clusters, overlap = observations_of(result)
    law = _law_of_steps(result) if _draws_markets(result) else None
    return Outcomes(returns=returns, clusters=clusters, overlap=overlap, law=law)


@dataclass(frozen=True, slots=True, eq=False)
class LawsForetold:
    """The laws of N returns, of which most is drawn only where it is asked for.

    Attributes:
        up, expected: as in ``TrueLaw`` [N].
        draw: what makes equally likely returns, ascending [N, count].
    """

    up: FloatArray
    expected: FloatArray
    draw: Callable[[int], FloatArray]

    def returns(self, count: int) -> FloatArray:
        """Equally likely ones, ascending [N, count].

        Raises:
            InvestorBenchError: the markets cannot be drawn here.
        """
        return self.draw(count)


def _drawn(result: "Result", count: int) -> FloatArray:
    """Equally likely returns of snapshots, whose markets are drawn once more [N, count].

    Raises:
        ForecastError: this version draws others.
    """
    setup = result.task.snapshots()
    markets, options = setup.markets, setup.options
    if not isinstance(markets, SimulatedSnapshots) or setup.facts != result.facts:
        raise ForecastError("the markets of this record are not those that this version draws")
    numbers = [setup.number_of(seed) for seed in _seeds(result)]
    found = np.zeros((len(numbers), count))
    for rows, drawn in markets.numbers_of(numbers, options.window, news=False):
        dynamics = dynamics_of(drawn.symbols[0], options.asset_class)
        law = HorizonLaw.of(dynamics, drawn.hidden_state or {}, options.horizon)
        found[rows] = law.returns(count)
    return found


def _law_of_steps(result: "Result") -> LawsForetold | None:
    """The laws of days of markets, drawn once more; None where they are not known, or others."""
    if result.facts.fills != "next_open" or result.task.facts("test") != result.facts:
        return None
    dynamics, laws = result.task.dynamics(), []
    for episode in result.episodes:
        market = result.task.market(episode.market_seed)
        at = np.searchsorted(market.sessions, episode.sessions[:-1])
        state = {name: values[at, 0] for name, values in (market.hidden_state or {}).items()}
        try:
            laws.append(HorizonLaw.of(dynamics, state, 1))
        except MarketError:
            return None
    up, expected = (
        np.concatenate([getattr(each, name) for each in laws]) for name in ("up", "expected")
    )
    return LawsForetold(
        up, expected, lambda count: np.concatenate([each.returns(count) for each in laws])
    )


def _places_of(days: Dates, facts: Facts) -> Clusters:
    """Days by their places among all sessions from the first to the last of them, and themselves.

    Not every market keeps to the calendar of its class.
    """
    known = np.unique(days)
    if facts.asset_class in ASSET_CLASSES:
        sessions = sessions_between(facts.asset_class, str(known[0]), str(known[-1]))
        known = np.union1d(known, sessions)
    return np.searchsorted(known, days).astype(np.int64)


def _numbered(names: Sequence[int]) -> Clusters:
    """Names of any size, by the place at which each was first met."""
    places: dict[int, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names], dtype=np.int64)

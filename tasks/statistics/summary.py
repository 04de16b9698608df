"""Everything a leaderboard says of its agents and their pairs, in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Literal

import numpy as np

from investorbench.tasks.statistics.comparison import (
    AgentStatistics,
    Bootstrap,
    Comparison,
    Luck,
    Tested,
    scope_of,
)
from investorbench.tasks.statistics.draws import BlockLength
from investorbench.tasks.statistics.estimate import (
    DRAWS,
    SEED,
    Estimate,
    FloatArray,
    ReturnsError,
    require_same_days,
    why_not,
)
from investorbench.tasks.statistics.paired import (
    days_to_distinguish,
    jobson_korkie,
    ledoit_wolf_pairs,
)
from investorbench.tasks.statistics.rank_sets import rank_sets
from investorbench.tasks.statistics.resampling import (
    a_year,
    block_length,
    cube_root_block,
    median_run,
    score_intervals,
    variance_split,
)
from investorbench.tasks.statistics.selection import (
    adjusted_p_values,
    confidence_set,
    draws_for,
    random_percentile,
    superiority,
)
from investorbench.tasks.statistics.sharpe import (
    deflated_sharpe,
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
)
from investorbench_env.errors import MissingDependencyError, UnknownNameError
from investorbench_env.protocols import Convention

NOT_JOINTLY = "tests over all agents were not asked for"
NOT_COMPUTED = Estimate(reason="not computed")


def compare_agents(
    runs: Mapping[str, FloatArray],
    benchmark: str | None,
    periods_a_year: float,
    convention: Convention = "simple",
    *,
    trial_sharpes: FloatArray | None = None,
    random_sharpes: FloatArray | None = None,
    matched_sharpes: Mapping[str, FloatArray | str] | None = None,
    jointly: bool = True,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Statistics of a leaderboard: one task, protocol, window and data source.

    Pairs, PSR, DSR and tests over all agents take the repeat with the median Sharpe ratio, whose
    figures a table shows. Without ``arch``, tests over all agents have a reason instead. Too few
    days for a block length have the cube root of their number; ``bootstrap.block.rule`` says so.

    Args:
        runs: returns of each agent's repeats [R, T] by name; R may differ, T may not
            (``filled_up`` is for ruined accounts).
        benchmark: its name among them; None where it is not, and nothing is compared with it.
        periods_a_year: how many returns are a year.
        convention: how returns add up.
        trial_sharpes: Sharpe ratio a year of all that was tried [N]; otherwise of the agents
            without the benchmark.
        random_sharpes: Sharpe ratio a year of random policies on the same task [N].
        matched_sharpes: the same of policies of an agent's own exposure and turnover, by its name;
            or why there are none.
        jointly: whether to test all agents at once, by SPA and confidence set. Loading what they
            need takes longer than all else here.
        draws: of each bootstrap; that of pairs has more where one of many needs them.
        seed: of each bootstrap.

    Raises:
        UnknownNameError: the benchmark is not among the runs.
        ReturnsError: not the same days for all.
    """
    if benchmark is not None and benchmark not in runs:
        raise UnknownNameError("benchmark", benchmark, runs)
    if any(run.ndim != 2 or not run.size for run in runs.values()):
        shapes = ", ".join(f"{name} {run.shape}" for name, run in runs.items())
        raise ReturnsError(f"returns must be [repeats, days], at least one of each: {shapes}")
    require_same_days(*runs.values())
    series = {name: run[median_run(run)] for name, run in runs.items()}
    names, together = list(series), np.array(list(series.values()))
    others = [name for name in names if name != benchmark]
    scale = a_year(together.shape[1], periods_a_year, convention)
    held = [] if benchmark is None else [(name, benchmark) for name in others]
    rivals = list(combinations(others, 2))
    pair_draws = draws_for(len(rivals), draws)
    bootstrap = Bootstrap(block=_block(together), draws=draws, seed=seed)
    block = bootstrap.block.days
    intervals = score_intervals(
        list(runs.values()), periods_a_year, convention, block_days=block, draws=draws, seed=seed
    )
    scores = dict(zip(names, intervals, strict=True))
    best = dict(zip(names, _best(together, bootstrap, jointly), strict=True))
    tested = ledoit_wolf_pairs(
        series, [*held, *rivals], block_days=block, draws=pair_draws, seed=seed
    )
    studentised = dict(zip([*held, *rivals], tested, strict=True))
    if trial_sharpes is None:
        found = [scores[name][1].value for name in others]
        trial_sharpes = np.array([sharpe for sharpe in found if sharpe is not None])

    def agent(name: str) -> AgentStatistics:
        returns, (cr, sr) = series[name], scores[name]
        return AgentStatistics(
            cr=cr,
            sr=sr,
            scope=scope_of(len(runs[name])),
            repeats=len(runs[name]),
            alpha=NOT_COMPUTED,
            beta=NOT_COMPUTED,
            appraisal=NOT_COMPUTED,
            correlation=NOT_COMPUTED,
            excess=NOT_COMPUTED,
            information_ratio=NOT_COMPUTED,
            probabilistic=_probabilistic(returns),
            deflated=deflated_sharpe(returns, trial_sharpes / scale),
            track_record=_track_record(returns),
            best=best[name].times(scale),
            random=_random(sr, (matched_sharpes or {}).get(name)),
            random_uniform=_random(sr, random_sharpes),
            variance=variance_split(runs[name], block_days=block, draws=draws, seed=seed),
        )

    def pair(names: tuple[str, str]) -> Tested:
        both = series[names[0]], series[names[1]]
        return Tested(
            names=names,
            family="pairs",
            jobson_korkie=jobson_korkie(*both).times(scale),
            difference=studentised[names].times(scale),
            days=days_to_distinguish(*both),
        )

    pairs = (
        *_adjusted([pair(names) for names in held], "BH"),
        *_adjusted([pair(names) for names in rivals], "BY"),
    )
    return Comparison(
        agents={name: agent(name) for name in names},
        against={
            name: Tested(
                names=(name, other), family="alpha", difference=none, jobson_korkie=none, days=none
            )
            for none in [NOT_COMPUTED]
            for name, other in held
        },
        pairs=pairs,
        rank_sets=rank_sets(names, pairs),
        superior=_superior(series, benchmark, bootstrap, jointly).times(scale),
        luck=Luck(trials=len(others), reason="not computed"),
        smallest_p=1.0 / (draws + 1),
        days=together.shape[1],
        bootstrap=bootstrap,
    )


def filled_up(returns: FloatArray, days: int) -> FloatArray:
    """Returns [T'] of a ruined account as [days]: after its ruin it earns nothing."""
    return np.concatenate([returns, np.zeros(days - len(returns))])


def _block(together: FloatArray) -> BlockLength:
    """Blocks of a length that suits the returns, where there are days enough to estimate it."""
    if why_not(together, varying=False) is None:
        return block_length(together)
    return cube_root_block(together.shape[1])


def _probabilistic(returns: FloatArray) -> Estimate:
    if (reason := why_not(returns)) is not None:
        return Estimate(reason=reason)
    return Estimate(value=probabilistic_sharpe(moments_of(returns)))


def _track_record(returns: FloatArray) -> Estimate:
    if (reason := why_not(returns)) is not None:
        return Estimate(reason=reason)
    return minimum_track_record(moments_of(returns))


def _random(sr: Estimate, random_sharpes: FloatArray | str | None) -> Estimate:
    if random_sharpes is None:
        return Estimate(reason="no random policies were run")
    if isinstance(random_sharpes, str):
        return Estimate(reason=random_sharpes)
    return sr if sr.value is None else random_percentile(sr.value, random_sharpes)


def _best(together: FloatArray, bootstrap: Bootstrap, jointly: bool) -> list[Estimate]:
    if not jointly:
        return [Estimate(reason=NOT_JOINTLY)] * len(together)
    try:
        return confidence_set(
            together,
            block_days=bootstrap.block.days,
            draws=bootstrap.draws,
            seed=bootstrap.seed,
        )
    except MissingDependencyError as missing:
        return [Estimate(reason=str(missing))] * len(together)


def _superior(
    series: Mapping[str, FloatArray], benchmark: str | None, bootstrap: Bootstrap, jointly: bool
) -> Estimate:
    if benchmark is None:
        return Estimate(reason="there is no benchmark among the agents")
    if not jointly:
        return Estimate(reason=NOT_JOINTLY)
    rivals = [returns for name, returns in series.items() if name != benchmark]
    if not rivals:
        return Estimate(reason="there is nothing to compare the benchmark with")
    try:
        return superiority(
            series[benchmark],
            np.array(rivals),
            block_days=bootstrap.block.days,
            draws=bootstrap.draws,
            seed=bootstrap.seed,
        )
    except MissingDependencyError as missing:
        return Estimate(reason=str(missing))


def _adjusted(pairs: Sequence[Tested], method: Literal["BH", "BY"]) -> list[Tested]:
    adjusted = adjusted_p_values([pair.difference.p_value for pair in pairs], method)
    return [replace(pair, adjusted_p=p) for pair, p in zip(pairs, adjusted, strict=True)]

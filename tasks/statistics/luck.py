"""What agents without skill would reach, and what is left of an agent's alpha beside that."""

from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist

import numpy as np

from investorbench.tasks.statistics.comparison import Luck
from investorbench.tasks.statistics.contrasts import Contrasts, in_errors
from investorbench.tasks.statistics.draws import Resampling
from investorbench.tasks.statistics.estimate import LEVEL, Estimate, FloatArray
from investorbench.tasks.statistics.scores import MeanFigure

NORMAL = NormalDist()
NO_ALPHA = "no agent has an alpha that could be tested"
NO_TRIAL = "no agent with an alpha was entered beside baselines and twins of the benchmark"


def luck_of(
    alphas: Mapping[str, MeanFigure],
    trials: Collection[str],
    resampling: Resampling,
    level: float = LEVEL,
) -> tuple[Luck, dict[str, Estimate]]:
    """The largest t-statistic of alpha without skill, and the deflated Sharpe ratio of each agent.

    t-statistics are drawn from days on which no agent has an alpha, the same days for all, so that
    agents who do alike are lucky together and a copy adds nothing. One agent alone expects nothing.
    Each is brought to the normal law, since those of few days, markets or repeats reach further.

    A deflated Sharpe ratio is Φ(t − the largest t to expect), how probable it is that skill, not
    the choice among trials, made an alpha: Bailey and López de Prado (2014), of alpha instead of a
    Sharpe ratio and with the trials' own joint law in the place of their spread. That of an agent
    which is no trial counts it as one.

    Args:
        alphas: of agents, over the same units.
        trials: which of them were tried.
        resampling: how units are drawn, as for the tests of alphas.
        level: of the largest t-statistic's upper point.
    """
    every = Contrasts.of(list(alphas.values()), resampling)
    reasons = dict(zip(alphas, every.reasons(), strict=True))
    names = [name for name, reason in reasons.items() if reason is None]
    tested = every.only([list(alphas).index(name) for name in names])
    without_skill = np.concatenate([in_errors(*part) for part in tested.drawn()])
    found = dict(zip(names, _as_normal(tested, without_skill), strict=True))
    drawn = dict(zip(names, _normal_scores(without_skill).T, strict=True))
    tried = [name for name in names if name in trials]
    largest = _largest([drawn[name] for name in tried], resampling)
    deflated = {name: Estimate(reason=reason) for name, reason in reasons.items() if reason}
    for name in names:
        expected = float(np.maximum(largest, drawn[name]).mean())
        deflated[name] = Estimate(value=NORMAL.cdf(found[name] - expected))
    if not tried:
        return Luck(trials=0, reason=NO_TRIAL if names else NO_ALPHA), deflated
    best = max(tried, key=found.__getitem__)
    luck = Luck(
        expected_t=float(largest.mean()),
        t_95=float(np.quantile(largest, level)),
        largest_t=float(found[best]),
        agent=best,
        trials=len({alphas[name].scores.tobytes() for name in tried}),
    )
    return luck, deflated


def _as_normal(tested: Contrasts, drawn: FloatArray) -> FloatArray:
    """t-statistics as a normal law has them, that their own draws exceed as often [H].

    Beyond the outermost draw, in proportion.

    Args:
        tested: the alphas.
        drawn: how far draws lie from them, in the errors of each [draws, H].
    """
    normal = _normal_quantiles(len(drawn))
    found = np.empty(len(tested.values))
    for at, own in enumerate(np.sort(drawn, axis=0).T):
        known = np.isfinite(own)
        reached, scores = own[known], normal[known]
        t = tested.values[at] / tested.errors[at]
        if reached[0] <= t <= reached[-1]:
            found[at] = np.interp(t, reached, scores)
        else:
            end = -1 if t > reached[-1] else 0
            found[at] = scores[end] * t / reached[end]
    return found


def _normal_scores(drawn: FloatArray) -> FloatArray:
    """How far draws lie from the alphas that there were, as normal scores [draws, H].

    Ranks keep how agents go together. Distances themselves would not do: without the one day that
    decides an account, as a ruin does, its error is next to nothing, and its luck without bounds.
    """
    order = np.argsort(drawn, axis=0, kind="stable")
    scores = np.empty_like(drawn)
    np.put_along_axis(scores, order, _normal_quantiles(len(drawn))[:, None], axis=0)
    return scores


def _normal_quantiles(draws: int) -> FloatArray:
    return np.array([NORMAL.inv_cdf((place + 0.5) / draws) for place in range(draws)])


def _largest(drawn: Sequence[FloatArray], resampling: Resampling) -> FloatArray:
    """Of each draw [draws]; without a trial nothing is."""
    nothing = np.full(resampling.draws, -np.inf)
    return np.asarray(np.maximum.reduce([nothing, *drawn]))

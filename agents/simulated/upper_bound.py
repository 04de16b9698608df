"""By how much a plan may fall short of the best possible policy: a bound along simulated paths.

An agent that knew a path's states beforehand, and paid for that by what they were not expected to
bring, would still do no worse than the best policy (Brown, Smith and Sun, 2010, "Information
relaxations and duality in stochastic dynamic programs"). With the values of a plan as the price,
what is left to gain is the error of those values, so the bound lies close above what the plan
earns.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from investorbench.agents.simulated.dynamic_program import (
    FloatArray,
    HiddenState,
    OptimalPolicy,
    volatility_of,
)
from investorbench.agents.simulated.quadrature import (
    cubic_interpolation,
    linear_interpolation,
    normal_nodes,
)
from investorbench_env.market.simulated.process import SimulatedPaths


class Shortfall(NamedTuple):
    """Per session and path [N], in the units of the objective: E[r] − λ·E[r²], or log growth.

    Attributes:
        earned: by the plan's own policy. What a session brings is replaced by what was expected of
            it, and the values of the plan are a control variate.
        bound: what no policy can earn more of, on average over many paths, as far as positions
            drift as on the plan's grid.
    """

    earned: FloatArray
    bound: FloatArray


class Ahead(NamedTuple):
    """What holds at a session for each position of a plan [N, W].

    Attributes:
        old: what it still earns of the next session, less its value before the decision.
        onward: what it earns from the fill on, and is worth then.
        later: what it is worth then.
        value: what it was worth before the decision.
    """

    old: FloatArray
    onward: FloatArray
    later: FloatArray
    value: FloatArray


def shortfall(plan: OptimalPolicy, paths: SimulatedPaths) -> Shortfall:
    """What a plan earns, and what no policy can earn more of, on the same paths.

    Args:
        plan: whose values are used; the better they are, the lower the bound.
        paths: simulated by the plan's dynamics.
    """
    sessions = list(states_of(paths))[:-1]
    ahead = [_ahead(plan, states) for states in sessions]
    best: FloatArray = np.zeros_like(ahead[0].old)
    for each in reversed(ahead):
        best = each.old + plan.positions.best(each.onward + best @ plan.positions.drift.T)
    total = _policy(plan, paths, sessions, ahead)
    return Shortfall(total / len(sessions), best.max(axis=1) / len(sessions))


def states_of(paths: SimulatedPaths) -> Iterator[HiddenState]:
    """The states of N paths, session by session [N] each."""
    columns = paths.regime.T, paths.gap.T, paths.mood.T, paths.log_volatility.T
    for regime, gap, mood, log_volatility in zip(*columns, strict=True):
        yield HiddenState(regime.astype(np.int64), gap, mood, log_volatility)


def _ahead(plan: OptimalPolicy, states: HiddenState) -> Ahead:
    old, new = plan.problem.earned(states, plan.positions.weights)
    value = plan.grid.at(plan.values, states)
    later = expected_values(plan, states) @ plan.positions.drift.T
    return Ahead(old - value, new + later, later, value)


def _policy(
    plan: OptimalPolicy, paths: SimulatedPaths, sessions: list[HiddenState], ahead: list[Ahead]
) -> FloatArray:
    """What the plan's policy earns on each path in all [N]."""
    rules, weights = plan.problem.rules, plan.positions.weights
    held, total = np.zeros(len(paths.regime)), np.zeros(len(paths.regime))
    nights, days = (np.expm1(part).T[1:] for part in (paths.overnight, paths.intraday))
    for states, each, night, day in zip(sessions, ahead, nights, days, strict=True):
        ordered = plan.targets(states, held)
        opened = held if rules.log else held * (1.0 + night) / (1.0 + held * night)
        after = np.where(np.isnan(ordered), opened, ordered)
        old, _ = plan.problem.earned(states, held[:, None])
        _, new = plan.problem.earned(states, after[:, None])
        gained = (each.later * linear_interpolation(weights, after)).sum(axis=1)
        gained -= (each.value * linear_interpolation(weights, held)).sum(axis=1)
        total += old[:, 0] + new[:, 0] + gained - rules.cost_rate * np.abs(after - opened)
        held = after if rules.log else after * (1.0 + day) / (1.0 + after * day)
    return total


def expected_values(plan: OptimalPolicy, states: HiddenState) -> FloatArray:
    """E[V(s⁺) | s] at any states [N]: [N, W], with finer quadrature than the plan was found by."""
    d, grid = plan.problem.dynamics, plan.grid
    nodes, shares = normal_nodes(9)
    correlation = -(d.gap_noise / 2) * d.leverage
    step = d.volatility_spread * np.sqrt(1 - d.volatility_persistence**2)
    own = step * np.sqrt(1 - correlation**2) * nodes
    kept = d.volatility_persistence * states.log_volatility[:, None]
    moved = d.mood_persistence * states.mood[:, None] + np.sqrt(1 - d.mood_persistence**2) * nodes
    mood = np.einsum("k,nkm->nm", shares, cubic_interpolation(grid.mood, moved))
    gap = (1 - d.gap_reversion) * states.gap - d.mood_drift * states.mood
    noise = d.gap_noise * volatility_of(d, states)
    ahead = np.einsum("nz,zxmhw->nxmhw", d.transition[states.regime], plan.values, optimize=True)
    total = np.zeros((len(states.gap), plan.values.shape[-1]))
    for node, share in zip(nodes, shares, strict=True):
        at_gap = cubic_interpolation(grid.gap, gap + noise * node)
        at_volatility = np.einsum(
            "k,nkh->nh",
            shares,
            cubic_interpolation(grid.log_volatility, kept + step * correlation * node + own),
        )
        expected = np.einsum("nx,nxmhw->nmhw", at_gap, ahead)
        expected = np.einsum("nm,nmhw->nhw", mood, expected)
        total += share * np.einsum("nh,nhw->nw", at_volatility, expected)
    return total

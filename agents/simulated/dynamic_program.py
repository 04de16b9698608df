"""The best policy for a simulated market whose hidden state is known, by dynamic programming.

The state s = (regime, value gap, mood, log volatility) moves by itself; an agent moves its position
w alone. With what a session earns under the positions before and after a trade, f(s, w, w'), and
the relative value V of a position, the best policy solves Bellman's equation for the average reward
(Puterman, 1994, chapter 8)::

    g + V(s, w) = max over w' of  f(s, w, w') + E[V(s⁺, w'⁺) | s, w']

by value iteration on a grid. f is the expected log growth of equity, or E[r] − λ·E[r²]: the policy
that is best for the λ = E[r] / (2·E[r²]) it leads to has the highest Sharpe ratio, which itself is
no sum over sessions (Dinkelbach, 1967).
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.positions import AccountRules, Positions
from investorbench.agents.simulated.quadrature import (
    cubic_interpolation,
    linear_interpolation,
    normal_nodes,
)
from investorbench_env.errors import UnknownNameError
from investorbench_env.market.simulated import Dynamics

FloatArray = npt.NDArray[np.float64]
Objective = Literal["sharpe", "log_growth"]

AVERSION = 0.1
"""λ to begin with, in units of 1 / daily volatility."""
SMALL_AVERSION = 0.6
"""The same for target weights: a ratio does not depend on size, and small positions never meet the
bounds of a weight."""
SWEEPS = 400
SETTLED = 1e-6
"""Change in a sweep of what one position is worth more than another, as a share of equity."""


class HiddenState(NamedTuple):
    """Hidden states [...]."""

    regime: npt.NDArray[np.int64]
    gap: FloatArray
    mood: FloatArray
    log_volatility: FloatArray

    def at(self, t: int) -> "HiddenState":
        """The t-th of them [1]."""
        one = slice(t, t + 1)
        return HiddenState(
            regime=self.regime[one],
            gap=self.gap[one],
            mood=self.mood[one],
            log_volatility=self.log_volatility[one],
        )


class Session(NamedTuple):
    """Part of a session: a normal log return, and now and then a normal jump besides [...]."""

    mean: FloatArray
    spread: FloatArray
    jump_rate: float
    jump_size: float
    log: bool

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean and mean square of the return of a weight of 1."""
        if self.log:
            variance = self.spread**2 + self.jump_rate * self.jump_size**2
            return self.mean, variance + self.mean**2
        once, twice = (
            np.exp(k * self.mean + (k * self.spread) ** 2 / 2)
            * (1.0 + self.jump_rate * np.expm1((k * self.jump_size) ** 2 / 2))
            for k in (1, 2)
        )
        return once - 1.0, twice - 2.0 * once + 1.0

    def log_growth(self, weights: FloatArray) -> FloatArray:
        """Expected log growth of equity under weights [W]: [..., W]."""
        if self.log:
            return self.mean[..., None] * weights
        nodes, shares = normal_nodes(7)
        total = np.zeros((*self.mean.shape, len(weights)))
        for jump, chance in ((0.0, 1.0 - self.jump_rate), (self.jump_size, self.jump_rate)):
            spread = np.sqrt(self.spread**2 + jump**2)
            for node, share in zip(nodes, shares, strict=True):
                earned = np.expm1(self.mean + spread * node)[..., None] * weights
                total += chance * share * np.log1p(np.maximum(earned, -1.0 + 1e-6))
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGrid:
    """Points of the continuous parts of the state, evenly spaced."""

    gap: FloatArray
    mood: FloatArray
    log_volatility: FloatArray

    @classmethod
    def of(cls, dynamics: Dynamics) -> "StateGrid":
        """What a market leaves once in a few thousand sessions."""
        return cls(
            gap=dynamics.gap_spread * np.linspace(-4.5, 4.5, 17),
            mood=np.linspace(-3.6, 3.6, 11),
            log_volatility=dynamics.volatility_spread * np.linspace(-3.3, 3.3, 7),
        )

    @property
    def states(self) -> HiddenState:
        """All of its states [3, X, M, H]."""
        axes = np.arange(3.0), self.gap, self.mood, self.log_volatility
        regime, gap, mood, log_volatility = np.meshgrid(*axes, indexing="ij")
        return HiddenState(regime.astype(np.int64), gap, mood, log_volatility)

    def at(self, values: FloatArray, states: HiddenState) -> FloatArray:
        """Values [3, X, M, H, W] at states [N]: [N, W]."""
        gap = cubic_interpolation(self.gap, states.gap)
        mood = cubic_interpolation(self.mood, states.mood)
        volatility = cubic_interpolation(self.log_volatility, states.log_volatility)
        own = values[states.regime]
        own = np.einsum("nx,nxmhw->nmhw", gap, own)
        return np.asarray(np.einsum("nm,nh,nmhw->nw", mood, volatility, own))


class Expectation:
    """E[V(s⁺) | s] of values on a grid.

    Regime and mood move alone; one shock of the price moves the gap and the volatility.
    """

    def __init__(self, dynamics: Dynamics, grid: StateGrid) -> None:
        d = dynamics
        self._regime = d.transition
        nodes, shares = normal_nodes(7)
        moved = d.mood_persistence * grid.mood[:, None] + np.sqrt(1 - d.mood_persistence**2) * nodes
        self._mood = np.einsum("k,mkn->mn", shares, cubic_interpolation(grid.mood, moved))
        correlation = -(d.gap_noise / 2) * d.leverage
        step = d.volatility_spread * np.sqrt(1 - d.volatility_persistence**2)
        kept = d.volatility_persistence * grid.log_volatility[:, None]
        own = step * np.sqrt(1 - correlation**2) * nodes
        states = grid.states
        gap = (1 - d.gap_reversion) * states.gap - d.mood_drift * states.mood
        noise = d.gap_noise * volatility_of(d, states)
        # One matrix for each node of the shock of the gap: [H, H'] and [3, M, H, X, X'].
        gap_nodes, self._shares = normal_nodes(5)
        self._volatility = [
            np.einsum(
                "k,hkn->hn",
                shares,
                cubic_interpolation(grid.log_volatility, kept + step * correlation * node + own),
            )
            for node in gap_nodes
        ]
        self._gap = [
            cubic_interpolation(grid.gap, (gap + noise * node).transpose(0, 2, 3, 1))
            for node in gap_nodes
        ]

    def __call__(self, values: FloatArray) -> FloatArray:
        """Of values [3, X, M, H, W], in the same shape."""
        ahead = (self._regime @ values.reshape(3, -1)).reshape(values.shape)
        ahead = np.moveaxis(np.tensordot(self._mood, ahead, (1, 2)), 0, 2)
        total = np.zeros_like(values)
        for share, volatility, gap in zip(self._shares, self._volatility, self._gap, strict=True):
            moved = np.matmul(volatility, ahead).transpose(0, 2, 3, 1, 4)
            total += share * np.matmul(gap, moved).transpose(0, 3, 1, 2, 4)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlProblem:
    """What is to be as large as possible, in which market, on which account.

    Attributes:
        dynamics: of the market.
        rules: of the account.
        objective: the Sharpe ratio or the growth of equity.
        aversion: λ of the Sharpe ratio; 0 for log growth.
    """

    dynamics: Dynamics
    rules: AccountRules
    objective: Objective
    aversion: float

    def earned(self, states: HiddenState, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What of the next session is earned under old positions, and what under new ones.

        Args:
            states: after which it comes [...].
            weights: of the positions [W], or [..., W].

        Returns:
            Two arrays [..., W]; costs are not in them.
        """
        old, new = halves(self.dynamics, states, self.rules)
        if self.objective == "log_growth":
            return old.log_growth(weights), new.log_growth(weights)
        (old_mean, old_square), (mean, square) = old.moments(), new.moments()
        square = square + 2.0 * old_mean * mean  # a position is seldom new
        return (
            old_mean[..., None] * weights - self.aversion * old_square[..., None] * weights**2,
            mean[..., None] * weights - self.aversion * square[..., None] * weights**2,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptimalPolicy:
    """A best policy.

    Attributes:
        problem: of what.
        reward: what it earns a session on average, g.
        grid: where its values are known.
        positions: whose values they are.
        values: V of each position before a decision [3, X, M, H, W].
        onward: the same of each from the fill on [3, X, M, H, W].
    """

    problem: ControlProblem
    reward: float
    grid: StateGrid
    positions: Positions
    values: FloatArray
    onward: FloatArray

    def targets(self, states: HiddenState, weights: FloatArray) -> FloatArray:
        """What to order at states [N] with weights [N]: weights, NaN for no order [N]."""
        known, rules = self.positions, self.problem.rules
        onward = self.grid.at(self.onward, states)
        ordered = known.weights[known.targets]
        costs = rules.cost_rate * np.abs(ordered - weights[:, None])
        orders = onward[:, known.targets] - costs
        if known.keeps:
            orders = np.where(weights[:, None] * ordered > 0.0, -np.inf, orders)
        best = orders.argmax(axis=1)
        if rules.flat and not rules.by_weight:
            return np.asarray(ordered[best])
        stays = (onward * linear_interpolation(known.weights, weights)).sum(axis=1)
        better = orders.max(axis=1) > stays
        return np.where(better, ordered[best], rules.kept(weights))


@lru_cache(maxsize=16)
def optimal_policy(
    dynamics: Dynamics, rules: AccountRules, objective: Objective = "sharpe"
) -> OptimalPolicy:
    """The best policy on an account of one asset.

    Raises:
        UnknownNameError: there is no such objective.
    """
    if objective not in get_args(Objective):
        raise UnknownNameError("objective", objective, get_args(Objective))
    solver = Solver(dynamics, rules)
    problem = partial(ControlProblem, dynamics=dynamics, rules=rules, objective=objective)
    if objective == "log_growth":
        return solver.solve(problem(aversion=0.0))
    first = (SMALL_AVERSION if rules.by_weight else AVERSION) / dynamics.daily_volatility
    low, high = (solver.solve(problem(aversion=first * factor)) for factor in (1.0, 1.3))
    # The reward falls by E[r²] for each unit of λ.
    square = (low.reward - high.reward) / (0.3 * first)
    return solver.solve(problem(aversion=high.reward / (2.0 * square) + 0.65 * first))


def volatility_of(dynamics: Dynamics, states: HiddenState) -> FloatArray:
    """Standard deviation of the diffusion in the next session [...]."""
    level = np.log(dynamics.diffusion) - dynamics.volatility_spread**2
    scale = dynamics.regime_scale[states.regime]
    return np.asarray(np.exp(level + states.log_volatility) * scale)


def halves(dynamics: Dynamics, states: HiddenState, rules: AccountRules) -> tuple[Session, Session]:
    """What of the next session an old position still earns, and what a new one does."""
    d = dynamics
    drift = d.drift[states.regime] + d.gap_reversion * states.gap + d.mood_drift * states.mood
    spread = volatility_of(d, states)
    mean = drift - spread**2 / 2 - d.jump_compensation
    share = {"close": 0.0, "next_open": d.overnight_share}.get(rules.fills, 1.0)
    size = d.jump_size * d.daily_volatility
    in_night = share > 0.0  # where there is a night, jumps fall into it

    def part(share: float, has_jumps: bool) -> Session:
        return Session(
            share * mean, np.sqrt(share) * spread, d.jump_rate * has_jumps, size, rules.log
        )

    return part(share, in_night), part(1.0 - share, not in_night)


class Solver:
    """Value iteration on one account, which goes on from the values that it found last."""

    def __init__(self, dynamics: Dynamics, rules: AccountRules) -> None:
        self._grid = StateGrid.of(dynamics)
        self._expectation = Expectation(dynamics, self._grid)
        self._positions = Positions.of(rules, dynamics.diffusion)
        self._values = np.zeros((*self._grid.states.gap.shape, len(self._positions.weights)))

    def solve(self, problem: ControlProblem) -> OptimalPolicy:
        """The best policy for one problem."""
        known = self._positions
        before, after = problem.earned(self._grid.states, known.weights)
        for _ in range(SWEEPS):
            onward = after + self._expectation(self._values) @ known.drift.T
            values = before + known.best(onward)
            change = values - self._values
            self._values = values - values.mean()
            if float(np.ptp(change, axis=-1).max()) < SETTLED:
                break
        return OptimalPolicy(
            problem=problem,
            reward=self._average(change.mean(axis=-1, keepdims=True)),
            grid=self._grid,
            positions=known,
            values=self._values,
            onward=onward,
        )

    def _average(self, values: FloatArray) -> float:
        """Over all time, of values [3, X, M, H, 1]: what is expected of them far ahead."""
        while float(np.ptp(values)) > 1e-3 * abs(float(values.mean())):
            values = self._expectation(values)
        return float(values.mean())

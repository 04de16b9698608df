"""How good is the oracle? Against rules that know as much, and against the best there can be.

``python -m investorbench.scripts.bench.oracle --seeds 400 --days 1250`` prints Sharpe ratios and
log growth of policies that see the hidden state, over simulated paths and without text, then by how
much each plan may fall short of the best possible policy.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import get_args

import numpy as np

from investorbench.agents.simulated.dynamic_program import (
    HiddenState,
    Objective,
    OptimalPolicy,
    optimal_policy,
    volatility_of,
)
from investorbench.agents.simulated.outlook import outlook
from investorbench.agents.simulated.positions import AccountRules
from investorbench.agents.simulated.upper_bound import Shortfall, shortfall, states_of
from investorbench.scripts.bench.simulated_order import (
    DAYS_A_YEAR,
    FloatArray,
    mean_over_seeds,
    sharpe,
)
from investorbench_env.market.simulated import Dynamics, dynamics_of, simulate_many
from investorbench_env.market.simulated.process import SimulatedPaths

BY_TRADE, BY_WEIGHT = AccountRules(), AccountRules(by_weight=True)
COST_RATE = BY_TRADE.cost_rate
PATHS, SESSIONS = 100, 250
"""How many, and how long, for what a plan may be short of."""

Decide = Callable[[HiddenState, FloatArray], FloatArray]
"""States and weights [N] to the weights to order, NaN for none [N]."""


def planned(dynamics: Dynamics, objective: Objective, rules: AccountRules) -> Decide:
    """The oracle."""
    return optimal_policy(dynamics, rules, objective).targets


def patient(dynamics: Dynamics, days: float) -> Decide:
    """Trades where a position that stays for some sessions is expected to earn its cost."""
    gain = partial(_gain, dynamics, days)

    def decide(states: HiddenState, held: FloatArray) -> FloatArray:
        expected = gain(states)
        side = np.sign(expected)
        orders = (np.abs(expected) > COST_RATE) & (side * held <= 0.0)
        return np.where(orders, side, np.nan)

    return decide


def banded(dynamics: Dynamics, size: float, band: float) -> Decide:
    """A weight in proportion to gain over variance, left alone within a band around it."""
    gain = partial(_gain, dynamics, 12.0)

    def decide(states: HiddenState, held: FloatArray) -> FloatArray:
        ideal = np.clip(size * gain(states) / 8 / volatility_of(dynamics, states) ** 2, -1.0, 1.0)
        return np.where(np.abs(ideal - held) > band, ideal, BY_WEIGHT.kept(held))

    return decide


def _gain(dynamics: Dynamics, days: float, states: HiddenState) -> FloatArray:
    weights = outlook(dynamics, days)
    gain = weights[states.regime] + weights[3] * states.gap + weights[4] * states.mood
    return np.asarray(gain)


RULES: dict[str, Callable[[Dynamics], Decide]] = {
    "oracle": partial(planned, objective="sharpe", rules=BY_TRADE),
    "oracle, log growth": partial(planned, objective="log_growth", rules=BY_TRADE),
    "patience of 5 sessions": partial(patient, days=5.0),
    "patience of 12 sessions": partial(patient, days=12.0),
    "oracle, weights": partial(planned, objective="sharpe", rules=BY_WEIGHT),
    "oracle, weights, log growth": partial(planned, objective="log_growth", rules=BY_WEIGHT),
    "weights within a band of .1": partial(banded, size=0.12, band=0.1),
    "weights within a band of .15": partial(banded, size=0.25, band=0.15),
}
"""Policies that see the hidden state."""


def returns_of(decide: Decide, paths: SimulatedPaths) -> FloatArray:
    """Simple returns of equity of a policy on N paths, protocol ``standard`` [N, T - 1].

    Prices are not rounded to cents, and nothing is paid out.
    """
    nights, days = (np.expm1(part).T[1:] for part in (paths.overnight, paths.intraday))
    held = np.zeros(len(paths.regime))
    returns: list[FloatArray] = []
    for states, night, day in zip(states_of(paths), nights, days, strict=False):
        ordered = decide(states, held)
        at_open = 1.0 + held * night
        opened = held * (1.0 + night) / at_open
        after = np.where(np.isnan(ordered), opened, ordered)
        paid = 1.0 - COST_RATE * np.abs(after - opened)
        at_close = 1.0 + after * day
        returns.append(at_open * paid * at_close - 1.0)
        held = after * (1.0 + day) / at_close
    return np.array(returns).T


def returns_over_seeds(seeds: Sequence[int], days: int) -> dict[str, FloatArray]:
    """Returns of each policy on each seed's path [S, days]."""
    from rich.console import Console
    from rich.progress import track

    dynamics = dynamics_of()
    paths = simulate_many(seeds, days + 1, dynamics)
    each = track(RULES.items(), "Simulating", transient=True, console=Console(stderr=True))
    return {name: returns_of(make(dynamics), paths) for name, make in each}


def order(returns: Mapping[str, FloatArray]) -> str:
    """Sharpe ratios and log growth of all, as text."""
    seeds, days = next(iter(returns.values())).shape
    lines = [
        f"simulated SIM, standard protocol, hidden state known, {seeds} seeds × {days} days",
        f"  {'':30}{'Sharpe ratio, annual':24}log growth a year",
    ]
    for name, own in returns.items():
        growth = DAYS_A_YEAR * np.log1p(own).mean(axis=1)
        lines.append(f"  {name:30}{mean_over_seeds(sharpe(own))!s:24}{mean_over_seeds(growth)}")
    return "\n".join(lines)


def shortfalls(paths: int, sessions: int, first: int) -> str:
    """By how much each plan may fall short, as text."""
    dynamics = dynamics_of()
    drawn = simulate_many(range(first, first + paths), sessions + 1, dynamics)
    lines = [f"the best possible is better by at most, {paths} paths × {sessions} sessions"]
    for rules, kind in ((BY_TRADE, "trades"), (BY_WEIGHT, "weights")):
        for objective in get_args(Objective):
            plan = optimal_policy(dynamics, rules, objective)
            found = shortfall(plan, drawn)
            short = mean_over_seeds(in_annual_units(plan, found))
            lines.append(f"  {f'{kind}, {objective}':30}{short}")
    return "\n".join(lines)


def in_annual_units(plan: OptimalPolicy, found: Shortfall) -> FloatArray:
    """A shortfall in annual log growth, or to first order in the annual Sharpe ratio [N]."""
    short = found.bound - found.earned
    if plan.problem.objective == "log_growth":
        return DAYS_A_YEAR * short
    # At the best λ, what is earned is λ·E[r²].
    square = found.earned.mean() / plan.problem.aversion
    return np.asarray(np.sqrt(DAYS_A_YEAR / square) * short)


def main() -> None:
    """Run the experiment from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--first", type=int, default=10_000, help="the first seed")
    parser.add_argument("--days", type=int, default=1250)
    given = parser.parse_args()
    print(order(returns_over_seeds(range(given.first, given.first + given.seeds), given.days)))
    print(shortfalls(PATHS, SESSIONS, given.first))


if __name__ == "__main__":
    main()

"""Agents of known skill in simulated markets: equal ones are called equal, a better one is found.

An agent knows the market's hidden state with some probability at each decision, and acts on what a
position is expected to gain; otherwise it sells, holds or buys at random. That probability is its
skill. Everything else is the real thing: simulated markets, the environment with its costs, the
statistics of a leaderboard.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.agents.simulated.outlook import COST_RATE, outlook, trade_on
from investorbench.tasks.statistics import (
    Comparison,
    Estimate,
    compare_agents,
    compare_two,
    jobson_korkie,
)
from investorbench_env.envs.single_asset_vector import SingleAssetVectorEnv
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import dynamics_of, simulate

FloatArray = npt.NDArray[np.float64]
pytestmark = pytest.mark.heavy

SIZE = 0.05
DAYS = 149
"""As many as the test split of a stock has."""
EQUAL, APART = range(70_000, 70_200), range(60_000, 60_120)
"""Markets that equal agents, and a better and a worse one, are compared on."""
MEASURED = range(50_000, 50_060)
"""Markets on which it is measured what the difference is worth."""
MEASURED_DAYS = 500
NORMAL = NormalDist()
START = "2015-01-02"
HISTORY_DAYS = 60
SKILL = 0.4
HELD = "buy_and_hold"
BETTER, WORSE = 0.8, 0.2


class Planted(NamedTuple):
    """A better and a worse agent, on markets where each has many lives.

    Attributes:
        runs: returns [markets, 2, lives, days].
    """

    runs: FloatArray

    @property
    def pooled(self) -> FloatArray:
        """All days of all lives, as one population [2, N]."""
        return np.moveaxis(self.runs, 1, 0).reshape(2, -1)

    @property
    def difference(self) -> float:
        a, b = sharpe(self.pooled).tolist()
        return float(a - b)

    @property
    def spread(self) -> float:
        """V of the test of Jobson and Korkie (1981), as corrected by Memmel (2003)."""
        a, b = sharpe(self.pooled).tolist()
        rho = float(np.corrcoef(self.pooled)[0, 1])
        return float(2 - 2 * rho + (a**2 + b**2 - 2 * a * b * rho**2) / 2)

    @property
    def days(self) -> int:
        """After which it must be found with 80 % power."""
        z = NORMAL.inv_cdf(1 - SIZE / 2) + NORMAL.inv_cdf(0.80)
        return math.ceil(z**2 * self.spread / self.difference**2)

    def power(self) -> float:
        """How often a test of ``days`` days finds it, where each day is like any other."""
        return NORMAL.cdf(self.difference * math.sqrt(self.days / self.spread) - 1.96)

    def power_over_markets(self, days: int) -> float:
        """The same for tests of ``days`` days, each on a market of its own.

        A market's states make skill worth more or less in it, so the difference itself varies
        from market to market; the test only knows of what varies within one.
        """
        ratios = sharpe(self.runs)
        apart = ratios[:, 0] - ratios[:, 1]
        within = float(apart.var(axis=1, ddof=1).mean())
        between = float(apart.mean(axis=1).var(ddof=1)) - within / apart.shape[1]
        seen = between + within * self.runs.shape[-1] / days
        needed = 1.96 * math.sqrt(self.spread / days)
        return NORMAL.cdf((float(apart.mean()) - needed) / math.sqrt(seen))

    def error_over_markets(self, days: int) -> float:
        """Standard error of that power, which so many markets measure and no more."""
        rng, markets = np.random.default_rng(0), len(self.runs)
        drawn = (self.runs[rng.integers(markets, size=markets)] for _ in range(50))
        return float(np.std([Planted(runs).power_over_markets(days) for runs in drawn]))


@pytest.fixture(scope="module")
def planted() -> Planted:
    lives = 16
    skills = np.repeat([BETTER, WORSE], lives)
    runs = [returns_of(skills, seed, MEASURED_DAYS)[:-1] for seed in MEASURED]
    return Planted(np.reshape(runs, (len(MEASURED), 2, lives, MEASURED_DAYS)))


def test_equal_agents_are_called_equal_in_nine_of_ten_leaderboards() -> None:
    boards = [board_of([SKILL] * 4, seed, DAYS) for seed in EQUAL]
    pairs = [[each for each in board.pairs if HELD not in each.names] for board in boards]
    equal = np.mean([not any(found(pair.adjusted_p) for pair in own) for own in pairs])
    raw = np.mean([found(pair.difference.p_value) for own in pairs for pair in own])
    print(
        f"no pair distinguishable in {equal:.3f} of {len(boards)}; pairs below .05 alone {raw:.4f}"
    )
    assert equal >= 0.9
    # Without control of false discoveries one pair of twenty would be distinguishable, no more.
    assert raw == pytest.approx(SIZE, abs=0.03)


def test_a_better_agent_is_found_at_the_predicted_power(planted: Planted) -> None:
    rng, pooled, days, power = (
        np.random.default_rng(0), planted.pooled, planted.days, planted.power()
    )  # fmt: skip
    for test, runs in ((jobson_korkie, 2000), (bootstrapped, 200)):
        drawn = (pooled[:, rng.integers(pooled.shape[1], size=days)] for _ in range(runs))
        share = np.mean([found(test(*pair).p_value) for pair in drawn])
        print(f"{days} days: predicted {power:.3f}, {test.__name__} {share:.4f} of {runs}")
        assert share == pytest.approx(power, abs=three_errors(power, runs))


def test_in_markets_of_their_own_it_is_found_as_often_as_those_differ(planted: Planted) -> None:
    days = planted.days
    power, error = planted.power_over_markets(days), planted.error_over_markets(days)
    pairs = [returns_of([BETTER, WORSE], seed, days)[:2] for seed in APART]
    for test in (jobson_korkie, bootstrapped):
        share = np.mean([found(test(*pair).p_value) for pair in pairs])
        print(
            f"{days} days: predicted {power:.3f} ± {error:.3f}, {test.__name__} {share:.4f} of "
            f"{len(pairs)}"
        )
        allowed = math.hypot(three_errors(power, len(pairs)), 3 * error)
        assert share == pytest.approx(power, abs=allowed)


def board_of(skills: Sequence[float], seed: int, days: int) -> Comparison:
    """The statistics of a leaderboard of these agents and Buy & Hold."""
    *runs, held = returns_of(skills, seed, days)
    board = {f"agent {number}": run[None] for number, run in enumerate(runs)}
    board[HELD] = held[None]
    return compare_agents(board, HELD, 252, jointly=False, draws=499, seed=seed)


def returns_of(skills: Sequence[float], seed: int, days: int) -> FloatArray:
    """What agents of these skills, and Buy & Hold after them, earn on one market [A + 1, days]."""
    first = np.datetime64(START) + np.timedelta64(HISTORY_DAYS * 7 // 5, "D")
    end = first + np.timedelta64(int(days * 365.25 / 252) + 14, "D")
    market = simulate(seed=seed, start=START, end=str(end))
    env = SingleAssetVectorEnv(len(skills) + 1, data=market, start=str(first), end=str(end))
    env.reset(seed=0)
    rng = np.random.default_rng([seed, 1])
    informed = rng.random((days, len(skills))) < np.array(skills)
    guesses = rng.integers(3, size=informed.shape)
    decisions = np.array(market.span(str(first), str(end)))[:days]  # no bar is missing
    known = informed_actions(market, decisions)
    chosen = np.where(informed, known[:, None], guesses)
    actions = np.column_stack([chosen, np.full(days, 2)])
    earned, alive = [], np.ones(len(skills) + 1, dtype=np.bool_)
    for each in actions:
        _, rewards, ruined, _, _ = env.step(each)
        earned.append(np.where(alive, rewards, 0.0))
        alive &= ~ruined
    return np.array(earned).T


def informed_actions(market: Market, decisions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What the hidden state says to do at each decision, whatever the position."""
    assert market.hidden_state is not None
    state = {name: values[decisions, 0] for name, values in market.hidden_state.items()}
    worth = outlook(dynamics_of())
    gains = worth[state["regime"].astype(int)] + worth[3] * state["value_gap"]
    gains += worth[4] * state["mood"]
    return np.array([trade_on(gain, COST_RATE) for gain in gains.tolist()])


def bootstrapped(first: FloatArray, second: FloatArray) -> Estimate:
    return compare_two(first[None], second[None], 252, draws=499).sr


def sharpe(returns: FloatArray) -> FloatArray:
    """A step, over the last axis."""
    return np.asarray(returns.mean(axis=-1) / returns.std(axis=-1, ddof=1))


def found(p_value: float | None) -> bool:
    return p_value is not None and p_value <= SIZE


def three_errors(share: float, runs: int) -> float:
    return 3 * math.sqrt(share * (1 - share) / runs)

"""Where each repeat has a market of its own, agents are compared by market and day."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Result, evaluate, load
from investorbench.tasks.leaderboard import Leaderboard, leaderboards, overall
from investorbench.tasks.leaderboard.pairing import differences, pair_up
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.result import Entry, Failure
from investorbench.tasks.running.references import references_of
from investorbench.tasks.seeds import market_seed
from investorbench_env.accounting.events import AccountState, Fill, Position
from investorbench_env.facts import Facts

STEPS = 30
DAYS = np.arange("2024-01-11", "2024-02-11", dtype="datetime64[D]")


class Drawn(gym.Env[Any, Any]):
    """One asset on a path that follows from the seed: out of it, as before, or in it."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gym.spaces.Discrete(3)

    def __init__(self, split: str, law: str = "a") -> None:
        self.days = DAYS if split == "test" else DAYS - np.timedelta64(60, "D")
        self.facts = Facts(
            family="Drawn", symbols=("X",), protocol="toy", steps=STEPS, source="a die",
            window=(str(self.days[0]), str(self.days[-1])), simulated=True, markets="fresh",
            fingerprint=law * 64, action="trade", benchmark="buy_and_hold",
        )  # fmt: skip

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.returns = np.append(self.np_random.normal(0.001, 0.02, STEPS), 0.0)
        self.t, self.held, self.equity = 0, 0, 1000.0
        return np.zeros(1), self._info(())

    def step(self, action: int) -> tuple[Any, float, bool, bool, Any]:
        held = self.held if action == 1 else action // 2
        worth = self.equity
        fills = (Fill("X", 1.0, worth, worth, 0.0),) if held != self.held else ()
        self.held = held
        reward = held * float(self.returns[self.t])
        self.equity *= 1.0 + reward
        self.t += 1
        return np.zeros(1), reward, False, self.t == STEPS, self._info(fills)

    def _info(self, fills: Any) -> dict[str, Any]:
        price = self.equity
        held = (Position("X", 1.0, price, price, 1.0, 0.0),) if self.held else ()
        account = AccountState(
            cash=0.0, equity=self.equity, costs=0.0, positions=held, marks={"X": price}
        )
        day = str(self.days[self.t])
        return {"session": day, "time": f"{day}T21:00:00+00:00", "account": account, "fills": fills}


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    for id, law in (("Drawn", "a"), ("Drawn2", "b")):
        gym.register(id=id, entry_point=partial(Drawn, law=law), disable_env_checker=True)
    yield
    del gym.registry["Drawn"], gym.registry["Drawn2"]


class EveryOther:
    def __init__(self, first: int = 0) -> None:
        self.n = first

    def act(self, observation: Any, info: Any) -> int:
        self.n += 1
        return 2 * (self.n // 3 % 2)


def path(seed: int) -> Any:
    """The returns of a market, by the rule of the environment written down again."""
    return gym.utils.seeding.np_random(seed)[0].normal(0.001, 0.02, STEPS)


def score(agent: Any, repeats: int = 3, id: str = "Drawn", **options: Any) -> Result:
    return evaluate(agent, id, repeats, **{"seed": 5, **options})


def board_of(*results: Result) -> Leaderboard:
    (board,) = leaderboards([_entry(each) for each in results], jointly=False, draws=200)
    return board


def _entry(result: Result) -> Entry:
    return Entry(result=result, planned=len(result.episodes))


def test_all_agents_of_a_run_meet_the_same_markets_which_no_agent_moves() -> None:
    held, other = score("buy_and_hold"), score(EveryOther)
    for repeat, episode in enumerate(held.episodes):
        seed = market_seed(5, repeat) % 2**31  # what an environment of others begins with
        assert episode.market_seed == other.episodes[repeat].market_seed == seed
        np.testing.assert_allclose(episode.returns, path(seed), rtol=1e-9)


def test_figures_are_means_over_markets_which_are_paired_in_the_order_of_repeats() -> None:
    board = board_of(score("buy_and_hold"), score(EveryOther))
    markets = [market_seed(5, repeat) % 2**31 for repeat in range(3)]
    assert list(board.markets) == markets
    rows = {row.agent: row for row in board.rows}
    assert board.benchmark == "buy_and_hold"
    each = [path(seed) for seed in markets]
    np.testing.assert_allclose(rows["buy_and_hold"].runs, each, rtol=1e-9)
    assert board.comparison.days == 3 * STEPS
    by_hand = np.mean([own.mean() / own.std(ddof=1) * np.sqrt(365.0) for own in each])
    assert rows["buy_and_hold"].sr == pytest.approx(by_hand, rel=1e-9)
    growth = np.mean([np.prod(1 + own) - 1 for own in each])
    assert rows["buy_and_hold"].metrics["CR"] == pytest.approx(growth, rel=1e-9)
    trades = [episode.metrics["trades"] for episode in score(EveryOther).episodes]
    assert rows["EveryOther"].metrics["trades"] == pytest.approx(np.mean(trades))
    assert rows["EveryOther"].shown.market == markets[0]
    assert (
        "markets: fresh; figures are means over 3 that all agents met, one a repeat"
        in (board.notes[0])
    )
    assert "3 simulated markets, 30 days each" in board.sentence
    assert not any("median" in note for note in board.notes)


def test_markets_that_one_agent_lacks_are_left_out_for_all() -> None:
    whole, most = score("buy_and_hold", 4), score(EveryOther, 4)
    episodes = tuple(most.episodes[n] for n in (0, 2, 3))
    lacking = Entry(
        result=replace(most, episodes=episodes), planned=4, failures=(Failure(1, "agent", "x"),)
    )
    (board,) = leaderboards([_entry(whole), lacking], jointly=False, draws=200)
    assert list(board.markets) == [market_seed(5, repeat) % 2**31 for repeat in (0, 2, 3)]
    held = next(row for row in board.rows if row.agent == "buy_and_hold")
    expected = [path(market) for market in board.markets]
    np.testing.assert_allclose(held.runs, expected, rtol=1e-9)
    assert "figures are means over 3 of 4 that all agents met" in board.notes[0]


def test_runs_of_one_seed_share_a_table_and_those_of_another_do_not() -> None:
    one, same = score("buy_and_hold"), score(EveryOther)
    other = score(EveryOther, seed=6)
    boards = leaderboards([_entry(each) for each in (one, same, other)], jointly=False, draws=200)
    assert sorted(len([row for row in board.rows if row.entry]) for board in boards) == [1, 2]
    paired = pair_up([_entry(same)], [_entry(other)])
    assert paired.pairs == [] and "seed 5 and 6" in paired.refused[0]
    again = score(partial(EveryOther, 1))
    (pair,) = pair_up([_entry(same)], [_entry(again)]).pairs
    (found,) = differences([pair], draws=200)
    assert found.sr.value is not None and found.decisions.compared == 3 * STEPS


def test_the_benchmark_is_run_in_each_market_and_recorded_so(tmp_path: Path) -> None:
    score(EveryOther, 2, folder=tmp_path)
    (result,) = load(tmp_path).results
    markets = [market_seed(5, repeat) % 2**31 for repeat in range(3)]
    assert [each.market_seed for each in result.references] == markets[:2]
    for each in result.references:
        np.testing.assert_allclose(each.returns, path(each.market_seed), rtol=1e-9)
    score(EveryOther, 3, folder=tmp_path)  # which goes on
    (result,) = load(tmp_path).results
    assert [each.market_seed for each in result.references] == markets
    board = board_of(result)
    held = next(row for row in board.rows if row.agent == "buy_and_hold")
    np.testing.assert_allclose(held.runs, [path(market) for market in markets], rtol=1e-9)
    (job,) = map(job_in, jobs_in(tmp_path))
    assert [each.what for each in verify_job(job) if each.is_wrong] == []


def test_tables_over_tasks_take_the_markets_of_each() -> None:
    results = [score(agent, id=id) for id in ("Drawn", "Drawn2") for agent in
               ("buy_and_hold", EveryOther)]  # fmt: skip
    boards = leaderboards([_entry(each) for each in results], jointly=False, draws=200)
    (table,) = overall(boards, draws=200)
    held = next(row for row in table.rows if row.agent == "buy_and_hold")
    one, two = (
        next(row for row in board.rows if row.agent == "buy_and_hold").sr for board in boards
    )
    assert held.sr == pytest.approx((one + two) / 2, rel=1e-9)
    assert "markets: fresh" in table.notes


@pytest.mark.parametrize("markets", ["one", [3]])
def test_on_one_market_repeats_are_rows_and_the_median_is_shown(markets: Any) -> None:
    result = evaluate("random", "stock/sim", 3, seed=1, markets=markets, end="2020-11-30")
    board = board_of(result)
    row = next(row for row in board.rows if row.agent == "random")
    assert len(row.runs) == 3 and board.markets == ()
    assert row.metrics == pytest.approx(result.metrics, nan_ok=True)
    assert row.episode is result.median
    assert all(one < other for one, other in pairwise(map(str, board.dates)))


def test_a_simulated_task_is_compared_with_references_in_each_of_its_markets() -> None:
    result, held = (
        evaluate(agent, "stock/sim", 4, seed=1, end="2020-11-30")
        for agent in ("random", "buy_and_hold")
    )
    markets = [market_seed(1, repeat) for repeat in range(4)]
    references = references_of(result.task, markets)
    of_agent, of_policies = (
        [each for each in references if each.kind == kind] for kind in ("agent", "policies")
    )
    for reference, episode in zip(of_agent, held.episodes, strict=True):
        assert reference.market_seed == episode.market_seed
        np.testing.assert_array_equal(reference.returns, episode.returns)
    assert [each.market_seed for each in of_policies] == markets
    assert (of_policies[0].figures["SR"] != of_policies[1].figures["SR"]).any()
    board = board_of(result)
    assert {row.agent for row in board.rows} == {"random", "buy_and_hold"}
    row = next(row for row in board.rows if row.agent == "random")
    means = np.mean([each.figures["SR"] for each in of_policies], axis=0)
    assert row.statistics.random_uniform.value == pytest.approx(
        float(np.mean(means < row.sr)), abs=1e-3
    )

"""Random policies hold what an agent held, for as long and as often, at other times."""

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.allocators import held_weights, orders_towards
from investorbench.tasks import Task, evaluate, load
from investorbench.tasks.leaderboard import Entry, Leaderboard, leaderboards
from investorbench.tasks.metrics import sharpe_ratio
from investorbench.tasks.running.matched import (
    actions_of,
    exchanged,
    matched_policies,
    shuffled,
    targets_of,
    traded_of,
    weights_of,
)
from investorbench.tasks.running.references import policy_returns, references_of, sharpes_of
from investorbench_env.facts import Facts
from investorbench_env.market.joining import join
from tests.env.small_markets import small_market

FloatArray = npt.NDArray[np.float64]


def facts(action: str = "trade", steps: int = 30, **rules: Any) -> Facts:
    return Facts(
        family="X", symbols=("X",), protocol="toy", steps=steps, source="", simulated=True,
        window=("2024-01-01", "2024-01-31"), fingerprint="", action=action, **rules,
    )  # fmt: skip


def spells(path: FloatArray) -> list[tuple[float, int]]:
    return [(float(side), len(list(days))) for side, days in groupby(np.sign(path))]


SIDES = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=40).map(np.array)
SETTLED = {"hold": "flat"}
"""Rules under which an action leads back to cash."""


@settings(max_examples=60, deadline=None)
@given(path=SIDES, seed=st.integers(0, 1000))
def test_policies_have_the_spells_of_the_agent_and_change_as_often(path: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = shuffled(path, 20, facts(steps=len(path), **SETTLED), rng)
    assert found.shape == (20, len(path))
    for policy in found:
        assert Counter(spells(policy)) == Counter(spells(path))
        assert np.abs(np.diff(policy)).sum() == np.abs(np.diff(path)).sum()


@settings(max_examples=60, deadline=None)
@given(path=SIDES, seed=st.integers(0, 1000))
def test_days_before_the_first_order_stay_where_no_action_leads_back_to_cash(
    path: Any, seed: int
) -> None:
    path = np.concatenate([np.zeros(seed % 5), np.where(path == 0.0, 1.0, path)])
    found = shuffled(path, 20, facts(steps=len(path)), np.random.default_rng(seed))
    for policy in found:
        assert not policy[: seed % 5].any()
        assert Counter(spells(policy)) == Counter(spells(path))


@settings(max_examples=60, deadline=None)
@given(
    path=st.lists(st.floats(-1.0, 1.0).map(lambda weight: round(weight, 2)), min_size=1)
    .map(np.array),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_weights_are_those_of_the_agent_and_mostly_follow_one_another_as_they_did(
    path: Any, seed: int
) -> None:
    found = shuffled(path, 20, facts("weight", steps=len(path)), np.random.default_rng(seed))
    follow = Counter(pairwise(path))
    for policy in found:
        assert Counter(policy) == Counter(path)
        kept = (follow & Counter(pairwise(policy))).total()
        assert kept >= len(path) - 1 - len(spells(path))


@pytest.mark.parametrize("sides", [[1, -1, 1, -1], [1, -1, 1], [0, 1, 0, -1, 1, 0], [1]])
def test_every_place_of_a_spell_among_those_of_its_side_is_as_likely(sides: list[int]) -> None:
    # Spells of different lengths, so that each can be known from the others.
    path = np.repeat(np.array(sides, dtype=float), np.arange(1, len(sides) + 1))
    found = shuffled(path, 24_000, facts(**SETTLED), np.random.default_rng(75000))
    seen = Counter(tuple(spells(policy)) for policy in found)
    possible = {
        order
        for order in permutations(spells(path))
        if [side for side, _ in order] in (sides, sides[::-1])
    }
    assert set(seen) == possible
    expected = 24_000 / len(possible)
    assert max(abs(count - expected) for count in seen.values()) < 5.0 * np.sqrt(expected)


def test_a_path_of_weights_on_one_side_begins_on_a_random_day() -> None:
    path = np.linspace(0.1, 1.0, 30)
    found = shuffled(path, 3000, facts("weight"), np.random.default_rng(0))
    assert Counter(found[:, 0]).keys() == set(path)
    assert (np.diff(found, axis=1) > 0.0).sum(axis=1).min() == 28


# Through the environment.

CLOSES = [100.0 * (1.0 + 0.1 * np.sin(t / 3.0) + 0.03 * (t % 5)) for t in range(420)]
MARKET = small_market(CLOSES, dividends={300: 2.0})
WINDOW: dict[str, Any] = {"start": "2020-10-01", "end": "2020-12-31"}


class Scripted:
    """Acts by its own random numbers, whatever it sees."""

    name = "scripted"

    def __init__(self, by_weight: bool, low: float) -> None:
        self.by_weight, self.low = by_weight, low

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def act(self, observation: Any, info: Any) -> Any:
        if self.by_weight:
            return self.rng.uniform(self.low, 1.0, 1).astype(np.float32)
        return int(self.rng.integers(3))


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize(
    "options", [{}, {"long_only": True}, {"action": "weight"},
                {"action": "weight", "long_only": True}],
)  # fmt: skip
def test_an_agents_own_days_through_the_same_accounts_have_its_own_sharpe_ratio(
    protocol: str, options: dict[str, Any]
) -> None:
    by_weight = "action" in options
    task = Task.of("InvestorBench/Stock", data=MARKET, protocol=protocol, options=options, **WINDOW)
    result = evaluate(
        Scripted(by_weight, 0.0 if "long_only" in options else -1.0), task, seed=3, warmup=False
    )
    of = task.facts("test")
    targets = np.tile(targets_of(result.episodes[0], of), (3, 1))
    env = task.make_vec("test", 3)
    assert env is not None
    actions = actions_of(targets, of)
    found = sharpes_of(policy_returns(env, of, lambda step, _: actions[:, step]), of)
    assert found == pytest.approx(np.full(3, result.metrics["SR"]), rel=1e-9)


def test_policies_are_shared_out_among_repeats_and_always_the_same() -> None:
    task = Task.of("InvestorBench/Stock", data=MARKET, **WINDOW)
    result = evaluate("random", task, 3, seed=1, warmup=False)
    (found,) = matched_policies(task, result.episodes)
    (again,) = matched_policies(task, result.episodes)
    np.testing.assert_array_equal(found.figures["SR"], again.figures["SR"])
    assert (found.kind, found.figures["SR"].shape) == ("matched", (1000,))
    for number, own in enumerate(np.array_split(found.figures["SR"], 3)):
        (alone,) = matched_policies(task, result.episodes[number : number + 1])
        difference = own.mean() - alone.figures["SR"].mean()
        assert abs(difference) < 5.0 * own.std() / np.sqrt(len(own))


def test_always_holding_leaves_one_policy() -> None:
    task = Task.of("InvestorBench/Stock", data=MARKET, **WINDOW)
    result = evaluate("buy_and_hold", task, warmup=False)
    (found,) = matched_policies(task, result.episodes)
    assert found.figures["SR"] == pytest.approx(np.full(1000, result.metrics["SR"]), rel=1e-9)


@pytest.mark.parametrize("action", ["trade", "weight"])
def test_a_ruined_account_is_taken_to_have_gone_on(action: str) -> None:
    crash = small_market([100.0 + t % 7 for t in range(290)] + [320.0 + t % 7 for t in range(200)])
    task = Task.of("InvestorBench/Stock", data=crash, options={"action": action}, **WINDOW)
    result = evaluate("always_sell", task, warmup=False)
    episode = result.median
    assert episode.ended_early
    of = task.facts("test")
    assert targets_of(episode, of) == pytest.approx(np.full(of.steps, -1.0))
    (found,) = matched_policies(task, result.episodes)
    returns = np.append(episode.returns, np.zeros(of.steps - len(episode.returns)))
    expected = sharpe_ratio(returns, "simple", of.periods_a_year)
    assert found.figures["SR"] == pytest.approx(np.full(1000, expected), rel=1e-9)


def test_each_market_of_its_own_has_policies_that_met_it() -> None:
    result = evaluate("random", "stock/sim", 2, seed=1, end="2020-11-30", warmup=False)
    first, second = matched_policies(result.task, result.episodes)
    assert [each.market_seed for each in (first, second)] == [
        episode.market_seed for episode in result.episodes
    ]
    assert abs(first.figures["SR"].mean() - second.figures["SR"].mean()) > 0.1


# In records and tables.


def kept(folder: Path) -> Any:
    (result,) = load(folder).results
    return [each for each in result.references if each.kind == "matched"]


def test_a_run_keeps_them_and_makes_them_again_for_more_repeats(tmp_path: Path) -> None:
    def run(repeats: int) -> FloatArray:
        sim = Task.of("stock/sim", end="2020-12-31", options={"markets": "one"})
        result = evaluate("random", sim, repeats, seed=4, folder=tmp_path, warmup=False)
        (recorded,) = kept(tmp_path)
        (expected,) = matched_policies(sim, result.episodes)
        np.testing.assert_array_equal(recorded.figures["SR"], expected.figures["SR"])
        return np.asarray(recorded.figures["SR"])

    two = run(2)
    assert (run(2) == two).all()
    assert (run(3) != two).any()


def of(board: Leaderboard, agent: str) -> Any:
    (found,) = (row.statistics.random for row in board.rows if row.agent == agent)
    return found


def test_a_table_takes_those_recorded_or_computes_them_where_the_market_is_at_hand() -> None:
    task = Task.of("InvestorBench/Stock", data=MARKET, **WINDOW)
    result = evaluate("momentum", task, seed=1)
    older = replace(result, references=references_of(task))
    whole = replace(
        result, references=(*older.references, *matched_policies(task, result.episodes))
    )
    nowhere = Task.of("InvestorBench/Stock-MSFT", data="/nowhere", **WINDOW)
    boards = [
        leaderboards([Entry(result=each, planned=1)], jointly=False, draws=20)[0]
        for each in (older, whole, replace(whole, task=nowhere), replace(older, task=nowhere))
    ]
    computed, recorded, moved, lost = (of(board, "momentum") for board in boards)
    sharpes = whole.references[-1].figures["SR"]
    expected = np.mean(sharpes < result.metrics["SR"])
    assert computed.value == recorded.value == moved.value == pytest.approx(expected, abs=1e-3)
    assert lost.value is None and "/nowhere" in lost.reason
    assert of(boards[0], "buy_and_hold").value is None


def test_whoever_never_changes_lies_in_the_middle_of_its_kind() -> None:
    task = Task.of("InvestorBench/Stock", data=MARKET, **WINDOW)
    (board,) = leaderboards(
        [Entry(result=evaluate("buy_and_hold", task), planned=1)], jointly=False, draws=20
    )
    assert of(board, "buy_and_hold").value == 0.5


@pytest.mark.heavy
@settings(max_examples=40, deadline=None)
@given(
    days=st.integers(1, 9), assets=st.integers(1, 6), seed=st.integers(0, 1000),
    policies=st.lists(st.integers(1, 4), min_size=1, max_size=3), trades=st.booleans(),
)  # fmt: skip
def test_of_several_assets_policies_go_to_what_was_held_of_others_by_as_much_as_was_traded(
    days: int, assets: int, seed: int, policies: list[int], trades: bool
) -> None:
    rng = np.random.default_rng(seed)
    paths = [rng.dirichlet(np.ones(assets + 1), days)[:, :-1] for _ in policies]
    traded = [np.full(days, 2.0 if trades else 0.05) for _ in policies]
    choose = exchanged(paths, traded, policies, rng)
    followed = [path for path, count in zip(paths, policies, strict=True) for _ in range(count)]
    held, chosen = np.zeros((len(followed), assets)), []
    for step in range(days):
        chosen.append(choose(step, {"account": {"weights": held}}))
        moved = np.abs(chosen[-1] - held).sum(axis=1)
        held = chosen[-1].astype(np.float64)
        if not trades and step:  # once more only, where the path begins
            assert (moved > 0.0501).sum() <= len(followed)
    for own, path in zip(np.stack(chosen, axis=1), followed, strict=True):
        # One order of the assets and one first day, for the whole of it.
        assert any(
            np.allclose(own, np.roll(path, -first, axis=0)[:, list(order)], atol=1e-6)
            if trades
            else np.allclose(own[0], path[first, list(order)], atol=1e-6)
            for first in range(days)
            for order in permutations(range(assets))
        )


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    sessions=st.integers(1, 20),
    action=st.sampled_from(["weights", "orders"]),
)
def test_policies_trade_about_as_much_as_the_agent_however_rarely_that_does(
    seed: int, sessions: int, action: str
) -> None:
    def now_and_then(observation: Any, info: Any) -> Any:
        nonlocal step
        step, account = step + 1, info["account"]
        wanted = held_weights(account, info["symbols"])
        if step % sessions == 0:
            wanted = rng.dirichlet(np.ones(4))[:3] * 0.98
        if action == "weights":
            return wanted.astype(np.float32)
        return orders_towards(wanted, account, info["symbols"])

    step, rng = -1, np.random.default_rng(seed)
    result = evaluate(now_and_then, **_trio(), action=action)
    (episode,) = result.episodes
    path, traded = weights_of(episode, result.facts), traded_of(episode, result.facts)
    env = result.task.by_weights().make_vec("test", 40, None)
    assert env is not None
    choose, moved = exchanged([path], [traded], [40], rng), np.zeros(40)

    def noted(step: int, info: dict[str, Any]) -> Any:
        chosen = choose(step, info)
        moved[:] += np.abs(chosen - info["account"]["weights"]).sum(axis=1)
        return chosen

    policy_returns(env, result.facts, noted)
    # A path that begins on another day is entered twice.
    assert moved.mean() <= 1.25 * traded.sum() + 2.0
    assert moved.mean() >= 0.5 * traded.sum()


def _trio() -> dict[str, Any]:
    """A task of three assets, of which one rises, one falls and one does neither."""
    rng, drifts = np.random.default_rng(3), {"A": 0.01, "B": 0.0, "C": -0.01}
    closes = {n: 50.0 * np.exp(rng.normal(d, 0.02, 40).cumsum()) for n, d in drifts.items()}
    market = join({n: small_market(c.tolist(), symbols=(n,)) for n, c in closes.items()}, "stock")
    return {"id_or_task": "InvestorBench/Portfolio", "data": market, "start": "2020-01-05",
            "end": "2020-02-08", "warmup": False}  # fmt: skip


def test_who_divides_equally_is_no_better_and_no_worse_than_policies_of_its_own_weights() -> None:
    result = evaluate("equal_weight", **_trio())
    (own,) = matched_policies(result.task, result.episodes)
    assert own.figures["SR"] == pytest.approx(result.metrics["SR"], rel=1e-12)
    benchmark, chance = references_of(result.task)
    assert chance.figures["SR"].shape == (1000,)
    assert benchmark.figures["CR"] == result.metrics["CR"]


@pytest.mark.parametrize("options", [{}, {"action": "orders"}, {"strict": True}])
def test_who_holds_one_asset_of_several_has_policies_that_hold_the_others(options: Any) -> None:
    def first_alone(observation: Any, info: Any) -> Any:
        if "action" not in options:
            return np.array([1.0, 0.0, 0.0], np.float32)
        account = info["account"]
        quantity = 0.9 * account.cash / account.marks["A"]
        return [] if account.positions else [{"symbol": "A", "side": "buy", "quantity": quantity}]

    result = evaluate(first_alone, **_trio(), **options)
    (own,) = matched_policies(result.task, result.episodes)
    # One of three, whenever its path begins: a full weight is the same every day.
    alone = len(np.unique(own.figures["SR"].round(6)))
    assert alone == 3 if "action" not in options else alone > 3
    near = np.abs(own.figures["SR"] - result.metrics["SR"]) < 1.0
    assert 250 < near.sum() < 450
    assert weights_of(result.median, result.facts)[-1].tolist()[1:] == [0.0, 0.0]

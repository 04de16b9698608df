"""What an info says of an account: its state, fills, rejections and distributions."""

import copy
import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import example, given, settings

from investorbench_env.accounting.events import (
    AccountState,
    Distribution,
    Fill,
    Order,
    Position,
    Rejection,
)
from tests.env.small_markets import date, random_market, small_market
from tests.env.test_money import FIRST, NO_COSTS, OPTIONS, SEEDS, episode, make, random_actions

ACCOUNT = {
    "quantities": "quantity",
    "entry_prices": "entry_price",
    "prices": "price",
    "weights": "weight",
    "unrealised_pnl": "unrealised_pnl",
}


def test_an_account_starts_with_cash_and_a_mark() -> None:
    [info, *_] = episode(make(small_market([100.0, 110.0])), [1])
    assert info["account"] == AccountState(
        cash=100_000.0, equity=100_000.0, costs=0.0, positions=[], marks={"TEST": 100.0}
    )
    assert info["fills"] == info["rejections"] == info["distributions"] == ()


def test_a_purchase_is_a_fill_and_a_position() -> None:
    market = small_market([100.0, 110.0, 121.0], opens=[100.0, 105.0, 110.0])
    info = episode(make(market, **NO_COSTS), [2])[1]
    quantity = 100_000 / 105
    assert info["fills"] == (Fill("TEST", quantity, 105.0, pytest.approx(100_000), 0.0),)  # type: ignore[arg-type]
    position = Position("TEST", quantity, 105.0, 110.0, 1.0, pytest.approx(5 * quantity))  # type: ignore[arg-type]
    assert info["account"].positions == (position,)
    assert info["account"].marks == {"TEST": 110.0}
    assert info["account"].exposure == pytest.approx(1.0)


def test_turning_around_is_one_fill() -> None:
    market = small_market([100.0, 100.0, 100.0])
    infos = episode(make(market, **NO_COSTS), [2, 0])
    assert infos[2]["fills"] == (Fill("TEST", -2000.0, 100.0, 200_000.0, 0.0),)


def test_a_repeated_signal_is_no_order_and_no_rejection() -> None:
    infos = episode(make(small_market([100.0, 100.0, 130.0, 90.0])), [2, 2, 2])
    assert [len(info["fills"]) for info in infos] == [0, 1, 0, 0]
    assert {info["rejections"] for info in infos} == {()}


@pytest.mark.parametrize(("action", "weight"), [(0, -1.0), (2, 1.0)])
def test_the_order_of_an_account_that_is_ruined_at_the_fill_is_rejected(
    action: int, weight: float
) -> None:
    # Short 1,000 shares at 100: at an open of 220 they cost 20,000 more than there is.
    market = small_market([100.0, 100.0, 250.0, 100.0], opens=[100.0, 100.0, 220.0, 100.0])
    env = make(market, action="weight", **NO_COSTS)
    infos = episode(env, [np.array([-1.0]), np.array([weight])])
    [rejection] = infos[-1]["rejections"]
    assert rejection.order == Order("TEST", weight)
    assert "ruined" in rejection.reason
    assert "220" in rejection.reason
    assert infos[-1]["fills"] == (Fill("TEST", 1000.0, 220.0, 220_000.0, 0.0),)
    assert infos[-1]["account"].positions == ()


def test_an_account_that_is_closed_out_without_an_order_rejects_none() -> None:
    market = small_market([100.0, 100.0, 250.0, 100.0], opens=[100.0, 100.0, 220.0, 100.0])
    last = episode(make(market, **NO_COSTS), [0, 1])[-1]
    assert last["rejections"] == ()
    assert len(last["fills"]) == 1


def test_holders_are_paid_and_short_sellers_pay() -> None:
    market = small_market([100.0, 100.0, 50.0, 50.0], dividends={3: 2.0}, splits={2: 2.0})
    long = episode(make(market, **NO_COSTS), [2])
    short = episode(make(market, **NO_COSTS), [0])
    assert [info["distributions"] for info in long] == [
        (),
        (),
        (Distribution("TEST", 0.0, 2.0),),
        (Distribution("TEST", 4_000.0),),
    ]
    assert short[3]["distributions"] == (Distribution("TEST", -4_000.0),)


def test_nothing_is_distributed_to_those_who_hold_nothing_or_adjusted_prices() -> None:
    market = small_market([100.0, 100.0, 100.0], dividends={1: 2.0, 2: 2.0})
    for options, action in (({}, 1), ({"protocol": "paper"}, 2)):
        infos = episode(make(market, **options), [action])
        assert {info["distributions"] for info in infos} == {()}


def test_under_paper_a_quantity_is_a_weight_that_was_set_at_a_close() -> None:
    market = small_market([100.0, 110.0, 99.0, 99.0])
    infos = episode(make(market, protocol="paper"), [2, 0, 1])
    assert infos[1]["fills"] == (Fill("TEST", 1.0, 100.0, 100_000.0, 0.0),)
    assert infos[2]["fills"][0][:3] == ("TEST", -2.0, 110.0)
    [position] = infos[1]["account"].positions
    assert position[:5] == ("TEST", 1.0, 100.0, 110.0, 1.0)
    assert infos[3]["account"].positions == ()


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, options=OPTIONS)
def test_the_state_says_what_the_single_amounts_say(seed: int, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    env = make(random_market(rng), first=FIRST, **options)
    _, before = env.reset()
    for action in random_actions(env, rng):
        _, _, terminated, truncated, info = env.step(action)
        account = info["account"]
        assert (account.cash, account.equity, account.costs) == (
            info["cash"], info["equity"], info["costs"],
        )  # fmt: skip
        held = {position.symbol: position for position in account.positions}
        assert ("TEST" in held) == (info["position"] != 0.0)
        if held:
            assert held["TEST"].quantity == info["position"]
            assert held["TEST"].weight == info["weight"]
            assert held["TEST"].price == account.marks["TEST"]
        traded = [(fill.price, fill.notional, fill.cost) for fill in info["fills"]]
        single = (info["fill_price"], info["notional"], info["cost"])
        assert traded == ([single] if info["notional"] else [])
        [ratio] = [row.ratio for row in info["distributions"]] or [1.0]
        bought = sum(fill.quantity for fill in info["fills"])
        if env.unwrapped.facts.fills == "close":
            assert (before["position"] + bought) * ratio == pytest.approx(info["position"])
        else:
            assert before["position"] * ratio + bought == info["position"]
        before = info
        if terminated or truncated:
            break


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, options=OPTIONS)
@example(seed=40655989, options={"action": "trade", "commission_bps": 0.0})  # splits that cancel
def test_the_arrays_of_many_accounts_are_the_states_of_each(
    seed: int, options: dict[str, Any]
) -> None:
    rng = np.random.default_rng(seed)
    options = {**options, "data": random_market(rng), "window": 3}
    options |= {"start": date(FIRST), "end": date(23)}
    many: Any = gym.make_vec("InvestorBench/Stock", num_envs=3, **options)
    alone: Any = [gym.make("InvestorBench/Stock", **options) for _ in range(3)]
    _, info = many.reset()
    infos = [env.reset()[1] for env in alone]
    ended = [False] * 3
    actions = [random_actions(env, rng) for env in alone]
    for _ in range(40):
        assert_same_accounts(info, infos)
        chosen = [next(source) for source in actions]
        *_, info = many.step(np.array(chosen))
        for n, env in enumerate(alone):
            if ended[n]:
                infos[n], ended[n] = env.reset()[1], False
            else:
                _, _, terminated, truncated, infos[n] = env.step(chosen[n])
                ended[n] = terminated or truncated


def assert_same_accounts(info: dict[str, Any], infos: list[dict[str, Any]]) -> None:
    """Arrays [N] and [N, 1] of N accounts, and the nouns of each."""
    for n, own in enumerate(infos):
        account = own["account"]
        for name in ("cash", "equity", "costs"):
            assert info["account"][name][n] == getattr(account, name)
        for name, attribute in ACCOUNT.items():
            assert info["account"][name].shape == (len(infos), 1)
            for position in account.positions:
                assert info["account"][name][n, 0] == getattr(position, attribute), name
        assert bool(info["account"]["quantities"][n, 0]) == bool(account.positions)
        assert info["account"]["prices"][n, 0] == account.marks["TEST"]
        for name in ("quantity", "price", "notional", "cost"):
            amount = info["fills"][name][n, 0]
            assert [amount] == ([getattr(fill, name) for fill in own["fills"]] or [0.0]), name
        assert info["rejections"][n, 0] == bool(own["rejections"])
        paid = bool(info.get("_distributions", np.zeros(3, dtype=bool))[n])
        assert paid == bool(own["distributions"])
        for distribution in own["distributions"]:
            assert info["distributions"]["cash"][n, 0] == distribution.cash
            assert info["distributions"]["ratio"][n, 0] == distribution.ratio


def test_the_orders_of_many_ruined_accounts_are_rejected_each_by_itself() -> None:
    market = small_market([100.0, 100.0, 250.0, 100.0], opens=[100.0, 100.0, 220.0, 100.0])
    many: Any = gym.make_vec(
        "InvestorBench/Stock", num_envs=3, data=market, start=date(0), end=date(3), **NO_COSTS
    )
    many.reset()
    many.step(np.array([0, 0, 2]))
    *_, info = many.step(np.array([2, 1, 0]))
    assert info["rejections"].tolist() == [[True], [False], [False]]
    assert info["fills"]["quantity"].tolist()[:2] == [[1000.0], [1000.0]]
    *_, info = many.step(np.array([1, 1, 1]))  # the first two start again
    assert info["rejections"].tolist() == [[False]] * 3
    assert info["fills"]["quantity"].tolist() == [[0.0]] * 3


def test_nothing_that_is_handed_out_changes_an_account() -> None:
    env = make(random_market(np.random.default_rng(5)), first=FIRST)
    plain = episode(env, [2, 1, 0, 2])
    observation, info = env.reset()
    for action in (2, 1, 0, 2):
        info["account"].marks["TEST"] = 1e9
        with pytest.raises(AttributeError):
            info["account"].cash = 1e9
        info.clear()
        for part in observation.values():
            if isinstance(part, np.ndarray):
                part[...] = 99
        observation, _, _, _, info = env.step(action)
    assert info["account"] == plain[4]["account"]
    again = episode(env, [2, 1, 0, 2])
    assert [info["account"] for info in again] == [info["account"] for info in plain]


def test_what_is_written_into_the_arrays_of_many_accounts_changes_none_of_them() -> None:
    def episode(forges: bool) -> list[list[float]]:
        many: Any = gym.make_vec("InvestorBench/Stock-SIM", num_envs=2)
        _, info = many.reset(seed=3)
        equity = []
        for action in ([2, 0], [1, 1], [0, 2]):
            if forges:
                for name in ("cash", "quantities", "weights", "entry_prices", "unrealised_pnl"):
                    info["account"][name][...] = 1e9
                info["equity"][...] = 1e9
            *_, info = many.step(np.array(action))
            equity.append(info["equity"].tolist())
        return equity

    assert episode(forges=True) == episode(forges=False)


def test_an_episode_goes_on_from_a_copy_of_its_environment() -> None:
    env = make(random_market(np.random.default_rng(7)), first=FIRST)
    env.reset()
    for action in (2, 1, 0):
        env.step(action)
    twin = copy.deepcopy(env)
    for action in (2, 0, 1, 2):
        step, other = env.step(action), twin.step(action)
        assert step[1:4] == other[1:4]
        assert step[4]["account"] == other[4]["account"]
        assert step[0]["bars"].tobytes() == other[0]["bars"].tobytes()


def test_a_step_after_the_end_trades_nothing() -> None:
    env = make(small_market([100.0, 100.0, 100.0], dividends={2: 1.0}))
    last = episode(env, [2, 0])[-1]
    with pytest.warns(UserWarning, match="nothing was traded"):
        _, reward, terminated, truncated, info = env.step(2)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["account"] == last["account"]
    assert info["fills"] == info["distributions"] == ()
    assert info["session"] == last["session"]


def test_states_are_equal_by_their_values_and_can_be_stored() -> None:
    *_, info = episode(make(small_market([100.0, 110.0, 121.0])), [2])
    account = info["account"]
    built = AccountState(
        cash=account.cash,
        equity=account.equity,
        costs=account.costs,
        positions=account.positions,
        marks=account.marks,
    )
    assert built == account
    assert hash(built) == hash(account)
    assert pickle.loads(pickle.dumps(account)) == copy.deepcopy(account) == account
    assert repr(built) == repr(account)
    assert account != AccountState(
        cash=0.0, equity=account.equity, costs=0.0, positions=(), marks={}
    )


def test_an_order_and_its_rejection_are_plain_values() -> None:
    order = Order("TEST", 1.0)
    assert Rejection(order, "no cash") == (("TEST", 1.0), "no cash")

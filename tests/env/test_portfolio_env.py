"""The portfolio environment: weights and orders over several assets, on small and real markets."""

import copy
import pickle
import re
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from investorbench_env import registration, universes
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.errors import InvalidActionError, InvestorBenchError, UnknownNameError
from investorbench_env.market import Market
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.market import Delisting
from investorbench_env.universes import Member, Split, Universe
from investorbench_env.wrappers import NumericObservation, NumericVectorObservation
from tests.env.joint_markets import joint_market, random_joint_market
from tests.env.small_markets import date
from tests.env.test_no_future import canonical
from tests.env.test_portfolio_sessions import DECIDED
from tests.env.test_registration import check_wrapped
from tests.env.test_secrecy import handed_out, seeds_in


@cache
def market_of(id: str) -> Market:
    """A simulated market of a universe, made once."""
    return registration.market_of(id, seed=0, data="simulated")


each_action = pytest.mark.parametrize("action", ["weights", "orders"])
each_split = pytest.mark.parametrize("split", ["warmup", "test"])


@each_action
@each_split
def test_every_universe_passes_the_check_of_gymnasium(action: str, split: str) -> None:
    for id in registration.FAMILIES["Portfolio"].ids():
        env = gym.make(id, data=market_of(id), action=action, split=split, window=5)
        check_env(env.unwrapped)


def test_the_golden_sequence_comes_out_of_the_environment_as_worked_out_by_hand(
    data_folder: Path,
) -> None:
    env: Any = gym.make(
        "InvestorBench/Portfolio", symbols=["AAPL", "MSFT", "JNJ"], action="orders",
        data=str(data_folder), start="2020-08-03", end="2021-02-26",
    )  # fmt: skip
    _, info = env.reset()
    fills, rejected, paid, growth, ended = [], [], [], 1.0, False
    while not ended:
        orders = [order._asdict() for order in DECIDED.get(info["session"], [])]
        _, reward, terminated, truncated, info = env.step(orders)
        growth, ended = growth * (1.0 + reward), terminated or truncated
        day = info["session"]
        fills += [(day, each.symbol, each.quantity, round(each.price, 6)) for each in info["fills"]]
        rejected += [(day, each.order.symbol) for each in info["rejections"]]
        paid += [(each.symbol, each.cash) for each in info["distributions"] if each.cash]
    assert fills == [
        ("2020-08-04", "AAPL", 50, 436.748265),
        ("2020-08-04", "MSFT", 100, 212),
        ("2020-08-21", "AAPL", 10, 477.288513),
        ("2020-09-02", "AAPL", -100, 137.521201),
        ("2020-09-21", "AAPL", -140, 104.487731),
        ("2020-10-28", "JNJ", 100, 140),
        ("2020-10-29", "MSFT", -100, 203.967972),
    ]
    assert rejected == [("2020-10-02", "MSFT")]
    assert paid == [("AAPL", 41.0), ("MSFT", 51.0), ("JNJ", 101.0), ("JNJ", 101.0)]
    account = info["account"]
    assert account.cash == pytest.approx(87_205.607511, abs=1e-6)
    assert account.equity == pytest.approx(103_051.608211, abs=1e-6)
    assert account.costs == pytest.approx(55.293749, abs=1e-6)
    assert growth == pytest.approx(account.equity / 100_000.0, rel=1e-12)


# --- small markets, worked out by hand -----------------------------------------------------------

FREE = {"commission_bps": 0.0, "slippage_bps": 0.0}


def portfolio(market: Market, action: str = "weights", **options: Any) -> Any:
    given = {"data": market, "start": date(0), "end": date(len(market.times) - 1), "window": 3}
    return gym.make("InvestorBench/Portfolio", action=action, **{**given, **options})


def buy(symbol: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "side": "buy", "quantity": quantity, **more}


def test_weights_are_filled_at_the_next_open_and_marked_at_its_close() -> None:
    market = joint_market({
        "A": {"closes": [10, 12], "opens": [10, 10]}, "B": {"closes": [20, 30], "opens": [20, 25]},
    })  # fmt: skip
    env = portfolio(market, **FREE, initial_cash=1000.0)
    env.reset()
    observation, reward, _, truncated, info = env.step([0.5, 0.25])
    assert [fill[:3] for fill in info["fills"]] == [("A", 50.0, 10.0), ("B", 10.0, 25.0)]
    assert info["equity"] == 50 * 12 + 10 * 30 + 250 and truncated
    assert reward == pytest.approx(0.15)
    np.testing.assert_allclose(observation["account"], [250, 250 / 1150, 1150, 0])
    rows = [[50, 600 / 1150, 10, 100], [10, 300 / 1150, 25, 50]]
    np.testing.assert_allclose(observation["holdings"], rows, rtol=1e-6)
    assert info["account"].marks == {"A": 12.0, "B": 30.0}


def test_weights_above_one_are_scaled_and_reported_or_rejected_where_that_is_asked_for() -> None:
    market = joint_market({"A": {"closes": [10, 10, 10]}, "B": {"closes": [10, 10, 10]}})
    env = portfolio(market, **FREE)
    env.reset()
    info = env.step([1.0, 1.0])[-1]
    assert info["scaled"] == 2.0
    assert [each.weight for each in info["account"].positions] == [0.5, 0.5]
    assert env.step(np.float32([0.5, 0.5]))[-1]["scaled"] is None
    env = portfolio(market, strict=True)
    env.reset()
    info = env.step([1.0, 0.5])[-1]
    assert info["scaled"] is None and not info["fills"]
    assert [str(each.reason) for each in info["rejections"]] == [
        "the weights add up to 1.5, which is above 1"
    ] * 2


def test_thirds_in_single_precision_are_not_too_much() -> None:
    market = joint_market({name: {"closes": [10, 10]} for name in "ABC"})
    env = portfolio(market, strict=True)
    env.reset()
    info = env.step(np.full(3, 1 / 3, np.float32))[-1]
    assert len(info["fills"]) == 3 and not info["rejections"]


def test_a_short_position_pays_the_dividend_and_what_it_borrowed_and_may_ruin() -> None:
    market = joint_market({
        "A": {"closes": [10, 10, 10, 40], "dividends": {2: 1.0}}, "B": {"closes": [10] * 4}
    })  # fmt: skip
    env = portfolio(market, **FREE, long_short=True, borrow_bps=252.0, initial_cash=1000.0)
    env.reset()
    assert env.step([-1.0, 0.0])[-1]["account"].positions[0].quantity == -100.0
    _, _, terminated, _, info = env.step([-1.0, 0.0])
    assert [tuple(paid) for paid in info["distributions"]] == [("A", -100.0, 1.0)]
    assert info["costs"] == pytest.approx(1000 * 0.0252 / 252) and not terminated
    _, reward, terminated, truncated, info = env.step([-1.0, 0.0])
    assert terminated and not truncated and info["equity"] < 0 and reward < -1.0
    assert "ruined" in info["rejections"][0].reason


def test_idle_cash_earns_its_rate_under_either_action() -> None:
    market = joint_market({"A": {"closes": [10, 10, 10]}})
    for action, nothing in (("weights", [0.0]), ("orders", [])):
        env = portfolio(market, action, cash_rate=0.05, initial_cash=1000.0)
        env.reset()
        env.step(nothing)
        assert env.step(nothing)[-1]["cash"] == pytest.approx(1000 * 1.05 ** (2 / 252))


@each_action
def test_splits_and_dividends_reach_what_is_held(action: str) -> None:
    market = joint_market({
        "A": {"closes": [10, 10, 5, 5], "splits": {2: 2.0}, "dividends": {3: 0.5}},
        "B": {"closes": [10] * 4},
    })  # fmt: skip
    env = portfolio(market, action, **FREE, initial_cash=1000.0)
    env.reset()
    first, after = ([0.5, 0.0], [0.5, 0.0]) if action == "weights" else ([buy("A", 50)], [])
    env.step(first)
    info = env.step(after)[-1]
    assert info["distributions"] == (("A", 0.0, 2.0),)
    assert info["account"].positions[0][:4] == ("A", 100.0, 5.0, 5.0)
    info = env.step(after)[-1]
    assert info["distributions"] == (("A", 50.0, 1.0),)
    assert info["equity"] == pytest.approx(1050.0)


@each_action
def test_a_day_without_a_bar_is_marked_at_the_last_price_and_flagged(action: str) -> None:
    market = joint_market({
        "A": {"closes": [10, 10, np.nan, np.nan, 6], "splits": {3: 2.0}},
        "B": {"closes": [10] * 5},
    })  # fmt: skip
    env = portfolio(market, action, **FREE, initial_cash=1000.0)
    env.reset()
    orders = [[0.5, 0.0]] * 3 if action == "weights" else [[buy("A", 50)], [buy("A", 1)], []]
    assert env.step(orders[0])[-1]["stale"] == ()
    observation, reward, _, _, info = env.step(orders[1])
    assert info["stale"] == ("A",) and reward == 0.0
    assert [each.reason for each in info["rejections"]] == ["A did not trade"]
    assert observation["mask"][-1].tolist() == [0, 1] and observation["tradable"].all()
    info = env.step(orders[2])[-1]
    assert info["account"].positions[0][:4] == ("A", 100.0, 5.0, 5.0)
    info = env.step([0.0, 0.0] if action == "weights" else [])[-1]
    assert info["stale"] == () and info["equity"] == pytest.approx(1100.0)


@each_action
@pytest.mark.parametrize(("gain", "left"), [(-0.3, 350.0), (0.1, 550.0), (np.nan, 0.0)])
def test_what_is_delisted_is_closed_at_its_last_price_and_what_the_data_says(
    action: str, gain: float, left: float
) -> None:
    market = joint_market({
        "A": {
            "closes": [10, 10, np.nan, np.nan],
            "delistings": {"A": Delisting(np.datetime64(date(2)), gain)},
        },
        "B": {"closes": [10] * 4},
    })  # fmt: skip
    env = portfolio(market, action, **FREE, initial_cash=1000.0)
    env.reset()
    wait = {"limit": 1.0, "until": "cancelled", "id": "low"}
    weights, orders = [0.5, 0.0], [buy("A", 50), buy("A", 1, **wait)]
    env.step(weights if action == "weights" else orders)
    observation, _, _, _, info = env.step(weights if action == "weights" else [])
    assert info["distributions"] == (("A", left, 0.0),)
    assert info["equity"] == 500.0 + left and not info["account"].positions
    assert [each.reason for each in info["rejections"]] == ["A was delisted"]
    assert info["open_orders"] == () and info["stale"] == ()
    assert observation["tradable"].tolist() == [0, 1] and "A" not in info["account"].marks
    info = env.step(weights if action == "weights" else [buy("A", 1)])[-1]
    assert [each.reason for each in info["rejections"]] == ["A was delisted"]
    (finding,) = env.unwrapped.facts.findings
    assert ("Shumway" in finding) == np.isnan(gain)


@each_action
def test_an_asset_is_bought_on_the_dates_of_its_membership_and_sold_after_them(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Universe(
        name="Two",
        members=(
            Member(symbol="A", asset_class="stock", member_to=date(1)),
            Member(symbol="B", asset_class="stock", member_from=date(1)),
        ),
        splits={"test": Split(date(0), date(4))},
        chosen_on=date(3),
    )
    monkeypatch.setitem(universes.UNIVERSES, "Two", two)
    market = joint_market({"A": {"closes": [10] * 5}, "B": {"closes": [10] * 5}})
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=market, universe="Two", action=action, **FREE
    )
    observation, _ = env.reset()
    assert observation["tradable"].tolist() == [1, 0]
    both = [0.5, 0.5] if action == "weights" else [buy("A", 5), buy("B", 5)]
    info = env.step(both)[-1]
    assert [fill.symbol for fill in info["fills"]] == ["A"]
    assert [each.reason for each in info["rejections"]] == [f"B is no member on {date(0)}"]
    assert len(env.step(both)[-1]["fills"]) == (1 if action == "weights" else 2)
    sell = both if action == "weights" else [{"symbol": "A", "side": "sell", "quantity": 10.0}]
    info = env.step([*sell] if action == "weights" else [*sell, buy("A", 1)])[-1]
    assert [fill.symbol for fill in info["fills"]] == ["A"] and info["fills"][0].quantity < 0
    assert [each.reason for each in info["rejections"]] == [f"A is no member on {date(2)}"]
    assert f"chosen with hindsight on {date(3)}" in env.unwrapped.facts.findings[0]


def test_bars_that_merely_end_are_a_finding() -> None:
    market = joint_market({
        "A": {"closes": [np.nan, 10, *[np.nan] * 30]}, "B": {"closes": [10] * 32}
    })  # fmt: skip
    findings = portfolio(market).unwrapped.facts.findings
    assert findings == (
        f"A does not trade before {date(1)}",
        f"A has no bar for 30 sessions up to {date(31)}: what is held of it keeps its last price",
    )


def test_the_label_is_what_each_asset_earns_from_its_fill() -> None:
    market = joint_market({
        "A": {"closes": [10, 12, 9], "opens": [10, 10, 10]},
        "B": {"closes": [10, np.nan, 15], "opens": [10, np.nan, 12]},
    })  # fmt: skip
    env = portfolio(market, split="warmup")
    labels = [env.reset()[1]["label"], env.step([0, 0])[-1]["label"]]
    np.testing.assert_allclose(labels, [[0.2, 0.0], [-0.1, 0.25]])
    assert "label" not in env.step([0, 0])[-1]
    assert "label" not in portfolio(market).reset()[1]


# --- what comes in wrong -------------------------------------------------------------------------


def test_an_entry_that_is_no_order_is_rejected_and_the_others_are_executed() -> None:
    market = joint_market({"A": {"closes": [10, 10, 10]}, "B": {"closes": [10, 10, 10]}})
    env = portfolio(market, "orders", constraints={"whole_shares": True})
    env.reset()
    given = [
        buy("A", 5), "buy apples", None, {}, {"side": "buy"}, buy("C", 1), buy("A", -1),
        buy("A", 0), buy("A", float("nan")), buy("A", 1.5), buy("A", "many"), buy("A", 10**400),
        buy("A", 1, price=3), buy("A", 1e9), buy("A", 1, stop=10), buy("A", 1, limit=-1),
        {"symbol": "B", "side": "sell", "quantity": 1}, buy("A", 1, id="x"), buy("B", 1, id="x"),
        buy(7, 1), {"symbol": "A", "side": "hold"}, {"side": "cancel", "id": "none"}, buy("B", 2),
    ]  # fmt: skip
    info = env.step(given)[-1]
    filled = [(fill.symbol, fill.quantity) for fill in info["fills"]]
    assert filled == [("A", 5.0), ("A", 1.0), ("B", 2.0)]
    assert len(info["rejections"]) == len(given) - 3
    assert all(each.reason and isinstance(each.order, ShareOrder) for each in info["rejections"])


@pytest.mark.parametrize("given", [None, 1, "buy", {"symbol": "A"}, ShareOrder("A", "buy", 1), {1}])
def test_what_is_no_list_of_orders_is_no_action(given: Any) -> None:
    refused("orders", given)


@pytest.mark.parametrize(
    "given",
    [None, 0.5, [0.5], [0.5] * 3, [-0.1, 0.5], [1.1, 0.0], [np.nan, 0.5], ["a", 0.5], [[0.1, 0.2]],
     [1j, 0.0], {}],
)  # fmt: skip
def test_what_is_no_weight_of_each_asset_is_no_action(given: Any) -> None:
    refused("weights", given)


def refused(action: str, given: Any) -> None:
    """See that an action is refused, and that it changed nothing."""
    market = joint_market({"A": {"closes": [10, 11, 12]}, "B": {"closes": [10, 11, 12]}})
    env = portfolio(market, action)
    env.reset()
    before = env.unwrapped._closed
    with pytest.raises(InvalidActionError, match="nothing was traded"):
        env.step(given)
    assert env.unwrapped._closed is before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "paper"}, "the protocol 'paper' is of one asset"),
        ({"symbols": []}, "must list the assets, each once"),
        ({"symbols": "AAPL"}, "must list the assets, each once"),
        ({"symbols": ["A", "A"]}, "must list the assets, each once"),
        ({"symbols": ["A", "C"]}, "unknown symbol 'C'"),
        ({"max_gross": 0}, "max_gross=0 must be a number of at least 1e-06"),
        ({"borrow_bps": 10}, "set long_short=True"),
        ({"action": "orders", "strict": True}, 'strict=True goes with action="weights"'),
        ({"constraints": {"max_weight": 0.5}}, 'goes with action="orders"'),
        ({"action": "orders", "constraints": {"max_wait": 1}}, "max_wait"),
        ({"action": "orders", "terms": "labs"}, "unknown terms 'labs'"),
        ({"action": "trade"}, "unknown action 'trade'"),
        ({"modalities": ["chart"]}, "unknown modality 'chart'"),
        ({"markets": "train"}, "has one market"),
        ({"start": date(2)}, "needs one more than its steps"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    market = joint_market({"A": {"closes": [10, 11, 12]}, "B": {"closes": [10, 11, 12]}})
    with pytest.raises(InvestorBenchError, match=re.escape(message)):
        portfolio(market, **options)


def test_a_portfolio_without_assets_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="which assets"):
        gym.make("InvestorBench/Portfolio", data="simulated")


# --- what an environment is ----------------------------------------------------------------------


def played(env: Any, seed: int | None, steps: int = 4) -> list[Any]:
    observation, info = env.reset(seed=seed)
    env.action_space.seed(7)
    seen = [canonical((observation, {**info, "history": None}))]
    for _ in range(steps):
        observation, reward, _, _, info = env.step(env.action_space.sample())
        seen.append(canonical((observation, reward, {**info, "history": None})))
    return seen


@each_action
def test_a_seed_fixes_everything_and_another_one_nothing(action: str) -> None:
    id, options = "InvestorBench/Portfolio-SIM", {"action": action, "episode_length": 8}
    env: Any = gym.make(id, **options)
    one, next_one = played(env, 5), played(env, None)
    assert one == played(env, 5) == played(gym.make(id, **options), 5)
    assert next_one == played(env, None) and one != next_one
    assert one != played(env, 6)


@each_action
def test_a_copy_goes_on_as_the_original_does(action: str) -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", action=action)
    env.reset(seed=1)
    env.action_space.seed(1)
    for _ in range(3):
        env.step(env.action_space.sample())
    action_taken = env.action_space.sample()
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env.unwrapped))]
    expected = env.step(action_taken)
    for other in copies:
        step = other.step(action_taken)
        for before, after in zip(expected[:4], step[:4], strict=True):
            assert canonical(before) == canonical(after)
        assert canonical(step[-1]["account"]) == canonical(expected[-1]["account"])


def test_nothing_public_of_a_portfolio_leads_to_its_market_or_seed() -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", window=5)
    observation, info = env.reset(seed=123_456_789)
    for _ in range(3):
        observation, *_, info = env.step(env.action_space.sample())
    values = list(handed_out(env, observation, {**info, "history": dict(info["history"])}))
    engine = (Market, JointHistory, PortfolioSetup)
    assert not [value for value in values if isinstance(value, engine)]
    assert 123_456_789 not in seeds_in(iter(values))
    assert not {"hidden_state", "market_seed"} & info.keys()
    assert env.unwrapped.np_random_seed == -1


def test_the_end_of_a_drawn_episode_names_its_market() -> None:
    env: Any = gym.make("InvestorBench/Portfolio-SIM", episode_length=2)
    env.reset(seed=5)
    env.step(env.action_space.sample())
    info = env.step(env.action_space.sample())[-1]
    assert info["market_seed"] == 5
    market = registration.market_of("InvestorBench/Portfolio-SIM", seed=5)
    np.testing.assert_array_equal(
        info["hidden_state"]["regime"], (market.hidden_state or {})["regime"]
    )


def test_a_past_of_each_asset_holds_its_own_bars_and_texts() -> None:
    market = random_joint_market(np.random.default_rng(2), ("A", "B", "C"))
    env = portfolio(market, symbols=["C", "A"])
    _, info = env.reset()
    while info["session"] < date(15):
        info = env.step([0.0, 0.0])[-1]
    row = market.sessions.tolist().index(np.datetime64(info["session"]).item())
    for symbol in ("C", "A"):
        past = info["history"][symbol]
        closes = market.bars[: row + 1, market.asset(symbol), 3]
        np.testing.assert_array_equal(past.bars(adjusted=False)["close"], closes)
        known = [each.id for each in market.until(row).documents() if each.symbol == symbol]
        assert [each.id for each in reversed(past.documents())] == known
    assert list(info["history"]) == ["C", "A"]
    with pytest.raises(UnknownNameError, match="unknown symbol 'B'"):
        info["history"]["B"]
    elsewhere = pickle.loads(pickle.dumps(info["history"]))
    assert elsewhere["A"].time == info["history"]["A"].time


@pytest.mark.parametrize("modalities", [None, ["account"], ["bars", "sentiment"]])
def test_a_portfolio_is_shown_as_numbers_that_no_scale_changes(modalities: Any) -> None:
    assets: dict[str, Any] = {
        "A": {"closes": [10, np.nan, 12, 15], "opens": [9, np.nan, 11, 12]},
        "B": {"closes": [20, 21, 22, 30], "opens": [20, 20, 21, 25]},
    }
    seen = []
    for scale in (1.0, 1000.0):
        scaled = {
            name: {key: [scale * price for price in prices] for key, prices in each.items()}
            for name, each in assets.items()
        }
        market = joint_market(scaled)
        env = portfolio(market, modalities=modalities, initial_cash=500.0 * scale)
        numeric = NumericObservation(env)
        check_wrapped(NumericObservation(portfolio(market, modalities=modalities)))
        numbers = [numeric.reset()[0], *(numeric.step([0.5, 0.2])[0] for _ in range(3))]
        seen.append(np.stack(numbers))
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-4)
    features = dict(zip(numeric.feature_names, seen[0][-1], strict=True))
    if modalities != ["account"]:
        assert features["A log_open[t]"] == pytest.approx(np.log(12 / 15) / 0.1, abs=1e-5)
        assert features["A known[t-2]"] == 0.0 and features["B known[t-2]"] == 1.0
    if modalities != ["bars", "sentiment"]:
        _, info = env.reset()
        for _ in range(3):
            info = env.step([0.5, 0.2])[-1]
        assert features["B weight"] == pytest.approx(info["account"].positions[1].weight)
        assert features["A tradable"] == 1.0 and features["share_of_steps_left"] == 0.0


def test_lanes_of_portfolios_are_shown_as_the_same_numbers() -> None:
    market = random_joint_market(np.random.default_rng(3), ("A", "B"))
    options = {"data": market, "start": date(3), "end": date(23), "window": 4}
    options["modalities"] = ["bars", "account", "sentiment"]
    one = NumericObservation(gym.make("InvestorBench/Portfolio", **options))
    many: Any = NumericVectorObservation(gym.make_vec("InvestorBench/Portfolio", 2, **options))
    seen, lanes = one.reset()[0], many.reset()[0]
    for weights in ([0.3, 0.4], [0.9, 0.0], [0.0, 0.5]):
        np.testing.assert_array_equal(lanes, [seen, seen])
        seen, lanes = one.step(weights)[0], many.step(np.array([weights] * 2))[0]
    assert many.feature_names == one.feature_names

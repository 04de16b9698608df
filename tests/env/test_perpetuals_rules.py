"""Rules of an arena as data, and what they let a trader of perpetuals do."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.signal_lists import UNREADABLE
from investorbench_env.accounting.signals import SIGNAL_WORDS
from investorbench_env.accounting.trading_rules import RULES, TradingRules, rules_of
from investorbench_env.errors import (
    InvalidActionError,
    InvestorBenchError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market import Document, DocumentTable
from investorbench_env.registration import FAMILIES
from tests.env.perpetual_markets import (
    entry,
    flat,
    perpetual_market,
    perpetuals,
    random_perpetual_market,
)
from tests.env.test_perpetuals_env import kinds
from tests.env.test_signals import JSON

CLOSE = {"signal": "close_position"}
MOVING = random_perpetual_market(
    np.random.default_rng(3), ("SOL", "BTC"), minutes=60, context=4, count=12
)


def test_the_ids_of_perpetuals_are_those_of_their_universes() -> None:
    assert list(FAMILIES["Perpetuals"].ids()) == [
        "InvestorBench/Perpetuals-ARENA6", "InvestorBench/Perpetuals-SIM",
    ]  # fmt: skip


def test_without_data_a_simulated_market_stands_in_and_says_so() -> None:
    import gymnasium as gym

    with pytest.warns(SimulatedDataWarning, match="simulated markets stand in"):
        env = gym.make("InvestorBench/Perpetuals-ARENA6", every=480).unwrapped
    assert env.facts.simulated  # type: ignore[attr-defined]
    assert env.facts.symbols[0] == "BTC"  # type: ignore[attr-defined]


def test_rules_have_names_or_are_given_by_their_attributes() -> None:
    assert set(RULES) == {"season1", "baseline", "monk", "situational", "max_leverage"}
    assert rules_of({"adding": True}) == TradingRules(adding=True)
    assert rules_of(RULES["monk"]) is rules_of("monk")
    for rules, error in (
        ("season2", UnknownNameError),
        ({"adding": 1}, InvestorBenchError),
        ({"least_margin": 1.5}, InvestorBenchError),
        ({"least_leverage": 0}, InvestorBenchError),
        ({"entries_a_day": -1}, InvestorBenchError),
        ({"needs": ["risk_usd"]}, UnknownNameError),
    ):
        with pytest.raises(error):
            rules_of(rules)


def steps(rules: Any, *actions: Any, prices: tuple[float, ...] = (), **options: Any) -> list[Any]:
    """The infos after each action, in flat markets of three coins."""
    count = len(actions) + 1
    coins = {"BTC": 100_000.0, "SOL": 100.0, "DOGE": 0.25}
    bars = {symbol: flat(price, count) for symbol, price in coins.items()}
    env = perpetuals(perpetual_market(bars), rules=rules, **options)
    env.reset(seed=0)
    return [env.step(action)[-1] for action in actions]


def test_a_position_is_added_to_where_the_rules_allow_it_and_takes_the_newer_plan() -> None:
    first, second, third = steps(
        "baseline",
        {"SOL": entry(50, 10, stop_loss=95, confidence=0.6)},
        {"SOL": entry(30, 8, stop_loss=96, confidence=0.7)},
        {"SOL": entry(-10, 8)},
    )
    assert first["positions"][0].quantity == 50
    (held,) = second["positions"]
    assert (held.quantity, held.stop, held.leverage) == (80, 96, 8)
    assert held.margin == pytest.approx(500 + 375)
    assert second["plans"]["SOL"].confidence == 0.7
    assert kinds(third) == ["opposite"]


def test_a_monk_enters_four_times_a_day_with_a_tenth_of_the_account() -> None:
    small = {"SOL": entry(50, 10)}
    infos = steps("monk", {"SOL": entry(110, 10)}, *[small, {"SOL": CLOSE}] * 4, small)
    assert kinds(infos[0]) == ["most_margin"]
    assert all(not info["rejections"] for info in infos[1:9])
    assert kinds(infos[9]) == ["entries_a_day"]


def test_several_entries_of_one_decision_count_one_after_the_other() -> None:
    signals = {"BTC": entry(0.1, 10), "SOL": entry(50, 10), "DOGE": entry(20_000, 10)}
    (info,) = steps({"most_positions": 2}, signals)
    assert [each.symbol for each in info["positions"]] == ["BTC", "SOL"]
    assert kinds(info) == ["most_positions"]
    (info,) = steps({"entries_a_day": 1}, signals)
    assert kinds(info) == ["entries_a_day", "entries_a_day"]


def test_a_close_makes_room_for_an_entry_of_the_same_decision() -> None:
    first, second = steps(
        {"most_positions": 1}, {"SOL": entry(900, 10)}, {"SOL": CLOSE, "BTC": entry(0.9, 10)}
    )
    assert [each.symbol for each in first["positions"]] == ["SOL"]
    assert [each.symbol for each in second["positions"]] == ["BTC"]


def test_full_leverage_is_that_of_the_coin_and_no_other() -> None:
    signals = {"BTC": entry(0.3, 40), "SOL": entry(100, 10), "DOGE": entry(30_000, 10)}
    (info,) = steps("max_leverage", signals)
    assert [each.symbol for each in info["positions"]] == ["BTC", "DOGE"]
    assert "no whole number from 20 to 20" in info["rejections"][0].reason


def test_a_cap_of_leverage_holds_beside_those_of_coins() -> None:
    (info,) = steps({"most_leverage": 20}, {"BTC": entry(0.3, 21), "DOGE": entry(30_000, 11)})
    reasons = [each.reason for each in info["rejections"]]
    assert "from 1 to 20" in reasons[0]
    assert "from 1 to 10" in reasons[1]


@pytest.mark.parametrize("name", ["profit_target", "stop_loss", "confidence"])
def test_rules_may_ask_for_a_plan(name: str) -> None:
    plan = {"profit_target": 110, "stop_loss": 95, "confidence": 0.6}
    rules = {"needs": list(plan)}
    without = {key: value for key, value in plan.items() if key != name}
    first, second = steps(rules, {"SOL": entry(50, 10, **without)}, {"SOL": entry(50, 10, **plan)})
    assert first["rejections"][0].reason == f"missing: an entry needs {name}"
    assert second["rejections"] == ()


def test_news_is_shown_where_the_rules_show_any() -> None:
    row = Document(
        kind="news", symbol="SOL", title="SOL rises", text="", source="a paper", id="1",
        available_at=datetime(2025, 7, 14, 0, 5, tzinfo=UTC),
    )  # fmt: skip
    with_news = perpetual_market({"SOL": flat(100.0, 4)}, documents=DocumentTable((row,)))
    env = perpetuals(with_news, rules="baseline")
    assert env.reset(seed=0)[0]["news"] == ()
    observation, *_ = env.step({})
    assert len(observation["news"]) == 1
    assert "news" not in perpetuals(with_news).reset(seed=0)[0]


def test_positions_share_the_account_with_cross_margin() -> None:
    isolated, cross = (
        steps("season1", {"SOL": entry(50, 10)}, margin=margin)[0]
        for margin in ("isolated", "cross")
    )
    assert isolated["positions"][0].liquidation_price == pytest.approx(100 * 0.9 / 0.975)
    # The whole account of 9,997.75 secures the 50 coins: no price above 0 ends them.
    assert cross["positions"][0].liquidation_price is None


@given(st.integers(0, 10**6), st.floats(-0.02, 0.02), st.sampled_from(["isolated", "cross"]))
@settings(max_examples=12, deadline=None)
def test_no_target_fills_at_a_better_price_than_was_traded(
    seed: int, premium: float, margin: str
) -> None:
    rng = np.random.default_rng(seed)
    opened = 100 * rng.uniform(0.98, 1.02, (30, 1))
    bars = opened * (1 + rng.uniform(0, 0.01, (30, 1)) * [0, 1, -1, 0.5])
    marks = (bars * (1 + premium))[:, None] * [1, 1.004, 0.996, 1]
    env = perpetuals(perpetual_market({"SOL": bars.tolist()}, marks=marks), margin=margin)
    env.reset(seed=0)
    for _, high, low, close in bars[1:].tolist():
        side = rng.choice([1, -1])
        target = close * (1 + side * rng.uniform(0.001, 0.03))
        *_, terminated, _, info = env.step({"SOL": entry(side * 60, 10, profit_target=target)})
        for trade in info["closed"]:
            if trade.reason == "target":
                assert trade.exit_price <= high if trade.quantity > 0 else trade.exit_price >= low
        if terminated:
            break


def test_a_coin_that_has_not_traded_yet_has_no_price_and_cannot_be_entered() -> None:
    none = (np.nan,) * 5
    market = perpetual_market({"SOL": flat(100.0, 5), "BTC": [none] * 2 + flat(1e5, 3)})
    env = perpetuals(market)
    observation, info = env.reset(seed=0)
    assert list(info["account"].marks) == ["SOL"]
    assert "BTC: price unknown" in observation["text"]
    assert observation["mask"][1, :5].tolist() == [0] * 5
    *_, info = env.step({"BTC": entry(0.1, 10)})
    assert (kinds(info), info["outage"]) == (["price"], ("BTC",))
    *_, info = env.step({})
    assert info["account"].marks["BTC"] == 1e5
    *_, info = env.step({"BTC": entry(0.1, 10)})
    assert [each.symbol for each in info["positions"]] == ["BTC"]


def test_short_episodes_begin_anywhere_and_count_down_to_their_end() -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 40)}), episode_length=5, every=3)
    starts = set()
    for _ in range(20):
        observation, info = env.reset()
        starts.add(info["time"])
        assert observation["account"][-1] == 5
        for _ in range(5):
            observation, *_, truncated, info = env.step({})
        assert truncated
        assert observation["account"][-1] == 0
    assert len(starts) > 3


@pytest.mark.parametrize(
    ("reward", "expected"),
    [("return", -0.00225), ("log_return", np.log(1 - 0.00225)), ("pnl", -22.5)],
)
def test_rewards_are_of_the_account(reward: str, expected: float) -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 3)}), reward=reward)
    env.reset(seed=0)
    assert env.step({"SOL": entry(500, 10)})[1] == pytest.approx(expected)


FIGURE = (
    st.none()
    | st.floats()
    | st.integers(-(10**20), 10**20)
    | st.floats(1.0, 1e5)
    | st.text(max_size=3)
)
ANY_SIGNAL = st.fixed_dictionaries(
    {"signal": st.sampled_from(SIGNAL_WORDS)},
    optional={
        name: FIGURE | st.floats(1.0, 120.0)
        for name in ("quantity", "leverage", "profit_target", "stop_loss", "confidence", "risk_usd")
    },
)
KINDS = {
    *UNREADABLE, "missing", "price", "opposite", "pyramiding", "quantity", "notional", "leverage",
    "confidence", "target", "stop", "liquidation", "least_margin", "cash", "no_position", "partial",
}  # fmt: skip


@given(st.lists(JSON | st.dictionaries(st.sampled_from(["SOL", "BTC"]), ANY_SIGNAL), max_size=6))
@settings(max_examples=15, deadline=None)
def test_whatever_is_decided_the_account_stays_sound_and_each_rejection_has_its_kind(
    actions: list[Any],
) -> None:
    env = perpetuals(MOVING, rules={"least_leverage": 1})
    env.reset(seed=0)
    for action in actions:
        try:
            observation, reward, terminated, truncated, info = env.step(action)
        except InvalidActionError:
            assert not isinstance(action, dict | list)
            continue
        assert set(kinds(info)) <= KINDS
        assert np.isfinite([reward, info["equity"], info["cash"]]).all()
        assert info["cash"] >= 0.0
        assert np.isfinite(observation["features"]).all()
        worth = info["cash"] + sum(each.margin + each.unrealised_pnl for each in info["positions"])
        assert info["equity"] == pytest.approx(worth, rel=1e-12, abs=1e-9)
        if terminated or truncated:
            break

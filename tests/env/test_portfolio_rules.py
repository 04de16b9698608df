"""What a portfolio's decisions come to on markets that are small enough to check by hand."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env import universes
from investorbench_env.market.market import Delisting
from investorbench_env.universes import Member, Split, Universe
from tests.env.joint_markets import joint_market
from tests.env.portfolios import FREE, buy, each_action, portfolio
from tests.env.small_markets import date


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

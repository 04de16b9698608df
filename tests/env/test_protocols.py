"""Protocols: every field of one decides something, or is refused."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from investorbench_env.errors import ProtocolError, UnknownNameError
from investorbench_env.protocols import PAPER, PROTOCOLS, STANDARD, Protocol, find_protocol
from investorbench_env.wrappers import TextObservation
from tests.env.small_markets import small_market
from tests.env.test_money import NO_COSTS, episode, make

FLAT = replace(STANDARD, name="flat", hold="flat")
AT_CLOSE = replace(STANDARD, name="at close", fills="close")
KEPT = replace(PAPER, name="kept", hold="keep")
CLOSES, OPENS = [100.0, 110.0, 121.0, 121.0], [100.0, 105.0, 115.0, 121.0]


def test_hold_keeps_a_position_or_closes_it_under_every_account() -> None:
    market = small_market(CLOSES, opens=OPENS)
    positions = {
        protocol.name: [
            round(info["weight"], 12)
            for info in episode(make(market, protocol=protocol), [2, 1, 1])
        ]
        for protocol in (STANDARD, FLAT, PAPER, KEPT)
    }
    assert positions == {
        "standard": [0.0, 1.0, 1.0, 1.0],
        "flat": [0.0, 1.0, 0.0, 0.0],
        "paper": [0.0, 1.0, 0.0, 0.0],
        "kept": [0.0, 1.0, 1.0, 1.0],
    }


def test_a_position_that_hold_closes_is_sold_at_the_fill_price_and_costs_something() -> None:
    infos = episode(make(small_market(CLOSES, opens=OPENS), protocol=FLAT), [2, 1, 1])
    bought, [sold] = infos[1]["fills"][0], infos[2]["fills"]
    assert (sold.quantity, sold.price) == (-bought.quantity, 115.0)
    assert sold.cost == pytest.approx(0.001 * sold.notional)
    assert infos[3]["fills"] == ()


def test_an_order_at_the_close_fills_at_the_close_it_was_decided_on() -> None:
    infos = episode(make(small_market(CLOSES, opens=OPENS), protocol=AT_CLOSE, **NO_COSTS), [2])
    assert infos[1]["fills"][0][1:3] == (1000.0, 100.0)
    assert [info["equity"] for info in infos] == [100_000.0, 110_000.0, 121_000.0, 121_000.0]


def test_who_bought_at_the_close_before_an_ex_date_is_paid() -> None:
    market = small_market([100.0, 100.0, 50.0], dividends={1: 2.0}, splits={2: 2.0})
    infos = episode(make(market, protocol=AT_CLOSE, **NO_COSTS), [2, 1])
    [paid], [split] = infos[1]["distributions"], infos[2]["distributions"]
    assert (paid.cash, split.ratio) == (2_000.0, 2.0)
    assert infos[1]["cash"] == 2_000.0
    assert infos[2]["position"] == 2_000.0
    assert infos[2]["account"].positions[0].entry_price == 50.0


def test_who_sold_at_the_close_before_an_ex_date_is_not_paid() -> None:
    market = small_market([100.0, 100.0, 100.0], dividends={2: 2.0})
    env = make(market, protocol=AT_CLOSE, long_only=True, **NO_COSTS)
    infos = episode(env, [2, 0])
    assert infos[2]["distributions"] == ()
    assert infos[2]["cash"] == 100_000.0


def test_the_prices_of_an_account_are_the_traded_ones_or_the_adjusted_closes() -> None:
    market = small_market([100.0, 100.0, 90.0], dividends={2: 10.0})
    traded = episode(make(market, protocol=AT_CLOSE, **NO_COSTS), [2, 1])[-1]
    adjusted = episode(make(market, protocol=KEPT), [2, 1])[-1]
    assert (traded["cash"], traded["equity"]) == (10_000.0, 100_000.0)
    assert (adjusted["cash"], adjusted["equity"]) == (0.0, pytest.approx(100_000.0))


def test_costs_are_the_protocols_own_or_those_of_the_asset_class_or_of_the_options() -> None:
    market = small_market([100.0, 100.0, 100.0])
    dear = replace(STANDARD, name="dear", commission_bps=100.0)
    rates = [
        make(market, **options).unwrapped.facts.cost_rate
        for options in ({}, {"protocol": dear}, {"protocol": dear, "slippage_bps": 20.0})
    ]
    assert rates == pytest.approx([0.001, 0.0105, 0.012])


@pytest.mark.parametrize(
    "rules",
    [
        {"fills": fills, "prices": prices, "convention": convention}
        for fills, prices, convention in product(
            ["next_open", "close"], ["traded", "adjusted"], ["simple", "log"]
        )
    ],
    ids=lambda rules: "-".join(rules.values()),
)
@pytest.mark.parametrize("hold", ["keep", "flat"])
def test_rules_that_no_account_keeps_together_are_refused(rules: dict[str, Any], hold: Any) -> None:
    costs = {"commission_bps": 0.0, "slippage_bps": 0.0} if rules["convention"] == "log" else {}
    kept = [
        ("next_open", "traded", "simple"),
        ("close", "traded", "simple"),
        ("close", "adjusted", "log"),
    ]
    if tuple(rules.values()) in kept:
        protocol = Protocol(name="mine", hold=hold, **rules, **costs)
        facts = make(small_market(CLOSES), protocol=protocol).unwrapped.facts
        assert (facts.protocol, facts.convention, facts.hold, facts.fills) == (
            "mine", protocol.convention, hold, protocol.fills,
        )  # fmt: skip
    else:
        with pytest.raises(ProtocolError, match="it goes with"):
            Protocol(name="mine", hold=hold, **rules, **costs)


def test_costs_of_a_weight_are_refused() -> None:
    for changes in ({"commission_bps": 1.0}, {"slippage_bps": None}):
        with pytest.raises(ProtocolError, match="costs"):
            replace(PAPER, name="mine", **changes)


@pytest.mark.parametrize("field", ["fills", "hold", "prices", "convention"])
def test_a_value_that_a_field_cannot_have_is_refused(field: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {field} 'other'"):
        replace(STANDARD, **{field: "other"})


def test_other_rules_have_another_name() -> None:
    with pytest.raises(ProtocolError, match="name of its own"):
        make(small_market(CLOSES), protocol=replace(STANDARD, hold="flat"))
    assert find_protocol(replace(STANDARD)) == STANDARD
    assert find_protocol("paper") is PAPER is PROTOCOLS["paper"]


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (STANDARD, ["fills at the open of the next session", "HOLD: keep the position as it is"]),
        (FLAT, ["fills at the open of the next session", "HOLD: hold no position"]),
        (AT_CLOSE, ["fills at the close of t; commission and slippage take 0.10%", "Cash: "]),
        (PAPER, ["fills at the close of t, at no cost", "HOLD: hold no position"]),
        (KEPT, ["fills at the close of t, at no cost", "HOLD: keep the position as it is"]),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_the_words_of_a_text_follow_the_fields(protocol: Protocol, words: list[str]) -> None:
    text = TextObservation(make(small_market(CLOSES), protocol=protocol)).reset()[0]
    assert f"Protocol: {protocol.name}. " in text
    assert [part for part in words if part not in text] == []


def test_a_weight_that_is_kept_stays_what_it_was_to_the_bit() -> None:
    market = small_market([100.0, 130.0, 90.0, 100.0, 100.0])
    env = make(market, protocol=KEPT, action="weight")
    weights = [np.array([weight]) for weight in (0.1, 1 / 3, -0.7)]
    infos = episode(env, weights)
    assert [info["weight"] for info in infos[1:4]] == [0.1, 1 / 3, -0.7]

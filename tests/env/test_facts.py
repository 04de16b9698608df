"""Facts: what may be known of an environment without stepping it."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.envs.setup import setup_of
from investorbench_env.errors import FactsError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import periods_a_year
from investorbench_env.registration import FAMILIES
from tests.env.small_markets import date, small_market

OF_ONE_ASSET = [id for each in FAMILIES.values() if each.each == "asset" for id in each.ids()]
TOY = Facts(
    family="Toy",
    symbols=("A", "B"),
    protocol="toy",
    steps=3,
    window=("2020-01-01", "2020-01-04"),
    source="made for a test",
    simulated=True,
    fingerprint="0" * 64,
)


def test_facts_say_what_a_small_market_and_its_options_say() -> None:
    market = small_market([10, 11, 12, 13], findings=("a gap",))
    facts = gym.make(
        "InvestorBench/Stock", data=market, start=date(0), end=date(3),
        protocol="paper", action="weight", long_only=True, initial_cash=50.0,
    ).unwrapped.facts  # type: ignore[attr-defined]  # fmt: skip
    assert facts == Facts(
        family="Stock",
        symbols=("TEST",),
        asset_class="stock",
        interval="1d",
        timezone="UTC",
        protocol="paper",
        convention="log",
        hold="flat",
        fills="close",
        cost_rate=0.0,
        periods_a_year=252,
        action="weight",
        long_only=True,
        initial_cash=50.0,
        steps=3,
        window=("2020-01-01", "2020-01-04"),
        source="made for a test",
        simulated=False,
        findings=("a gap",),
        fingerprint=market.fingerprint,
        benchmark="buy_and_hold",
    )


@pytest.mark.parametrize("id", [id for id in OF_ONE_ASSET if id.endswith("-SIM")])
def test_scalar_vectorised_and_no_environment_give_the_same_facts(id: str) -> None:
    options: dict[str, Any] = {"split": "warmup", "window": 5, "commission_bps": 20.0}
    scalar = gym.make(id, **options).unwrapped.facts  # type: ignore[attr-defined]
    many = gym.make_vec(id, num_envs=2, **options).unwrapped.facts  # type: ignore[attr-defined]
    assert scalar == many == setup_of({**gym.spec(id).kwargs, **options}).facts


def test_facts_come_back_from_json_as_they_were() -> None:
    facts = replace(TOY, findings=("one", "two"))
    assert Facts(**json.loads(json.dumps(facts.values()))) == facts


def test_the_facts_of_several_assets_name_them_all() -> None:
    assert TOY.symbol == "A,B"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"symbols": ()}, "at least one asset"),
        ({"symbols": ("A", "A")}, "each once"),
        ({"symbols": "TSLA"}, "several texts"),
        ({"steps": 0}, "at least 1"),
        ({"steps": 2.5}, "whole number"),
        ({"interval": "daily"}, "no length of a bar"),
        ({"cost_rate": -0.001}, "at least 0"),
        ({"window": ("20200101", "20200102")}, "first and the last session"),
        ({"window": ("2020-01-02", "2020-01-01")}, "ends before it begins"),
        ({"window": ("2020-01-02",)}, "first and the last session"),
        ({"window": ("1 January", "2 January")}, "first and the last session"),
        ({"convention": "geometric"}, '"simple" or "log"'),
        ({"hold": "wait"}, '"keep" or "flat"'),
        ({"timezone": "Mars"}, "timezone='Mars' is no zone"),
        ({"timezone": ""}, "is no zone"),
        ({"window": (None, None)}, "first and the last session"),
        ({"initial_cash": 0.0}, "a number above 0"),
        ({"periods_a_year": float("nan")}, "a number above 0"),
        ({"periods_a_year": 5_000.0, "interval": "3m"}, "at most 366 bars of 3m a year"),
        ({"periods_a_year": 365.0, "interval": "1w"}, "at most 52.29 bars of 1w a year"),
    ],
)
def test_facts_that_contradict_themselves_are_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(FactsError, match=what):
        replace(TOY, **changes)


@pytest.mark.parametrize("number", [252, np.float64(252.5), np.float32(252), Fraction(505, 2)])
def test_numbers_of_facts_are_plain_ones(number: Any) -> None:
    facts = replace(TOY, periods_a_year=number, initial_cash=number, cost_rate=number)
    assert {type(n) for n in (facts.periods_a_year, facts.initial_cash, facts.cost_rate)} == {float}
    assert type(periods_a_year("2d", 252)) is float


@given(
    number=st.integers(1, 400), unit=st.sampled_from("mhdw"), sessions=st.sampled_from([252, 365])
)
def test_as_many_returns_a_year_as_there_can_be_are_taken_and_more_are_not(
    number: int, unit: str, sessions: int
) -> None:
    interval = f"{number}{unit}"
    right = periods_a_year(interval, sessions)
    assert replace(TOY, interval=interval, periods_a_year=right).periods_a_year == right
    days = max({"m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0}[unit] * number, 1.0)
    with pytest.raises(FactsError, match="at most"):
        replace(TOY, interval=interval, periods_a_year=367.0 / days)

"""Universes and families: rows from which ids, dates and facts are made."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium as gym
import pytest

from investorbench_env import registration, universes
from investorbench_env.errors import DateRangeError, FactsError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.registration import FAMILIES, Family, environment_ids, facts_of, register
from investorbench_env.universes import (
    FUNDS,
    STOCKS,
    UNIVERSES,
    Member,
    Split,
    Universe,
    find_split,
    find_universe,
    members_of,
    universe_of,
)
from tests.env.small_markets import date, small_market

PAIR = Universe(
    name="PAIR",
    members=(
        Member(symbol="OLD", asset_class="stock", member_to="2020-01-02"),
        Member(symbol="NEW", asset_class="stock", member_from="2020-01-03"),
        Member(symbol="BTC", asset_class="crypto"),
    ),
    splits={"test": Split("2020-01-01", "2020-01-04")},
)
TOY = Family(
    name="Toy",
    environment="tests.env.test_universes:ToyEnv",
    vector_environment=None,
    setup="tests.env.test_universes:ToySetup",
    universes=("PAIR",),
    each="universe",
)


class ToyEnv(gym.Env[Any, Any]):
    """It says nothing about itself."""

    observation_space = action_space = gym.spaces.Discrete(2)

    def __init__(self, universe: str) -> None:
        self.universe = universe


class ToyEnvWithFacts(ToyEnv):
    @property
    def facts(self) -> Facts:
        return ToySetup({"universe": self.universe}).facts


class ToySetup:
    """What the keywords of a toy environment lead to."""

    def __init__(self, given: Any) -> None:
        universe = find_universe(given["universe"])
        self.facts = Facts(
            family="Toy",
            symbols=tuple(member.symbol for member in universe.members),
            protocol="toy",
            steps=3,
            window=(universe.split("test").start, universe.split("test").end),
            source="a test",
            simulated=True,
            fingerprint="0" * 64,
        )


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy universe and family, registered for one test."""
    before = set(gym.registry)
    monkeypatch.setitem(universes.UNIVERSES, "PAIR", PAIR)
    monkeypatch.setitem(registration.FAMILIES, "Toy", TOY)
    register(TOY)
    yield
    for id in set(gym.registry) - before:
        del gym.registry[id]


def test_the_ids_of_the_benchmark_stand_for_one_asset_each() -> None:
    assert environment_ids()[:8] == [
        f"InvestorBench/Stock-{symbol}"
        for symbol in ("MSFT", "JNJ", "UVV", "HON", "TSLA", "AAPL", "NIO", "SIM")
    ]
    assert gym.spec("InvestorBench/ETF-SPY").kwargs == {
        "asset_class": "etf", "symbol": "SPY", "universe": "Funds"
    }  # fmt: skip
    assert gym.spec("InvestorBench/ETF-SIM").kwargs["data"] == "simulated"


def test_every_universe_and_family_stands_under_its_own_name() -> None:
    assert all(name == universe.name for name, universe in UNIVERSES.items())
    assert all(name == family.name for name, family in FAMILIES.items())


def test_only_a_universe_that_is_traded_one_by_one_gives_ids_of_single_assets() -> None:
    assert [name for name in UNIVERSES if UNIVERSES[name].one_by_one] == [
        name for family in FAMILIES.values() if family.each == "asset" for name in family.universes
    ]
    assert not PAIR.one_by_one


def test_members_come_and_go_on_their_dates() -> None:
    assert [member.symbol for member in PAIR.members_on("2020-01-02")] == ["OLD", "BTC"]
    assert [member.symbol for member in PAIR.members_on("2020-01-03")] == ["NEW", "BTC"]


def test_a_split_is_the_universes_unless_dates_are_given() -> None:
    assert find_split(STOCKS, "warmup") == Split("2020-07-01", "2020-09-30")
    assert find_split(FUNDS, "test", end="2020-03-31") == Split("2020-01-02", "2020-03-31")
    assert find_split(None, "test", "2020-01-01", "2020-02-01") == Split("2020-01-01", "2020-02-01")


def test_what_has_no_dates_is_refused_with_what_would_help() -> None:
    with pytest.raises(DateRangeError, match="give start= and end="):
        find_split(None, "test", start="2020-01-01")
    with pytest.raises(UnknownNameError, match="unknown split 'train'"):
        find_split(STOCKS, "train")
    with pytest.raises(UnknownNameError, match="unknown universe 'Stock'"):
        find_universe("Stock")


def test_a_class_without_a_universe_has_none() -> None:
    assert universe_of("crypto") is UNIVERSES["Coins"]
    assert universe_of("bond") is None


def test_an_environment_takes_dates_and_benchmark_from_the_universe_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = Universe(
        name="mine",
        members=members_of("stock", "TEST"),
        splits={"test": Split(date(1), date(3))},
        benchmark=None,
    )
    monkeypatch.setitem(universes.UNIVERSES, "mine", mine)
    market = small_market([10, 11, 12, 13])
    facts = facts_of("InvestorBench/Stock", data=market, universe="mine")
    assert facts.window == (date(1), date(3))
    assert facts.benchmark is None


@pytest.mark.usefixtures("pair")
def test_a_family_may_have_an_id_for_each_universe() -> None:
    assert environment_ids()[-1] == "InvestorBench/Toy-PAIR"
    assert gym.make("InvestorBench/Toy-PAIR").unwrapped.universe == "PAIR"  # type: ignore[attr-defined]
    facts = facts_of("InvestorBench/Toy-PAIR")
    assert facts.symbols == ("OLD", "NEW", "BTC")


def test_the_id_of_an_asset_in_several_universes_stays_with_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    banks = replace(STOCKS, name="Banks", members=members_of("stock", "TSLA JPM"))
    monkeypatch.setitem(universes.UNIVERSES, "Banks", banks)
    ids = replace(FAMILIES["Stock"], universes=("Stocks", "Banks")).ids()
    assert ids["InvestorBench/Stock-TSLA"]["universe"] == "Stocks"
    assert ids["InvestorBench/Stock-JPM"]["universe"] == "Banks"


@pytest.mark.usefixtures("pair")
def test_the_facts_of_an_id_of_somebody_elses_are_those_of_an_environment_that_is_made() -> None:
    gym.register(id="Others/Silent", entry_point=ToyEnv, kwargs={"universe": "PAIR"})
    gym.register(id="Others/Open", entry_point=ToyEnvWithFacts, kwargs={"universe": "PAIR"})
    assert facts_of("Others/Open") == facts_of("InvestorBench/Toy-PAIR")
    with pytest.raises(FactsError, match="Others/Silent gives None as its facts; give the env"):
        facts_of("Others/Silent")
    with pytest.raises(UnknownNameError, match="unknown environment id 'Others/None'"):
        facts_of("Others/None")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2020-10-01", "2021-05-06"), ("2020-12-01", "2020-12-31"), ("2020-09-01", "2020-10-01")],
)
def test_a_warm_up_within_the_test_is_refused(start: str, end: str) -> None:
    with pytest.raises(DateRangeError, match="shows agents what comes next"):
        find_split(UNIVERSES["Stocks"], "warmup", start, end)


def test_a_warm_up_of_other_dates_may_lie_before_and_after_the_test() -> None:
    assert find_split(UNIVERSES["Stocks"], "warmup", "2019-01-02", "2019-06-28").end == "2019-06-28"
    assert find_split(UNIVERSES["Stocks"], "warmup", "2021-05-07", "2021-06-30").end == "2021-06-30"


def test_without_a_universe_a_split_is_one_of_two_by_name() -> None:
    with pytest.raises(UnknownNameError, match="split 'training'"):
        find_split(None, "training", "2020-01-02", "2020-01-03")

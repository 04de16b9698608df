"""Venues as data: margin tiers that are continuous, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from investorbench_env.accounting.venue_settings import venue_of
from investorbench_env.accounting.venues import HYPERLIQUID, margin_tiers
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.universes import find_universe

ROOT = Path(__file__).resolve().parents[2]


def configured() -> dict[str, Any]:
    text = (ROOT / "conf/perpetual/hyperliquid.yaml").read_text()
    venue: dict[str, Any] = yaml.safe_load(text)["venue"]
    return venue


def test_the_configured_venue_is_the_one_of_the_package() -> None:
    assert venue_of(configured()) == HYPERLIQUID == venue_of("hyperliquid")


@pytest.mark.parametrize(
    ("symbol", "rate", "deduction"),
    [
        ("BTC", 0.0125, 1.875e6),
        ("ETH", 0.02, 1_333_333.333333),
        ("DOGE", 0.05, 1.0e6),
        ("BNB", 0.05, 150_000.0),
    ],
)
def test_maintenance_is_half_of_the_initial_margin_less_a_deduction(
    symbol: str, rate: float, deduction: float
) -> None:
    first, second = HYPERLIQUID.contract(symbol).tiers
    assert first.rate == pytest.approx(rate, rel=1e-15)
    assert first.deduction == 0.0
    assert second.deduction == pytest.approx(deduction, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([[0, 10], [3e6, 5, 140_000]], "not continuous at 3,000,000.*must be 150,000"),
        ([[0, 10], [3e6, 5, float("nan")]], "a margin tier is"),
        ([[1, 10]], "begins at 0"),
        ([[0, 10], [3e6, 20]], "fall in leverage"),
        ([[0, 10], [0, 5]], "rise in notional"),
        ([[0, 0.5]], "at least 1"),
        ([[0, 10, 5]], "not continuous at 0"),
        ([[0]], "a margin tier is"),
        ([], "needs a margin tier"),
    ],
)
def test_a_tier_table_that_makes_no_sense_is_refused(rows: list[Any], complaint: str) -> None:
    with pytest.raises(InvestorBenchError, match=complaint):
        margin_tiers(rows)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"fees": [[5, 0.1, 0.1]]}, "fee tiers begin"),
        ({"fees": [[0, 0.1]]}, "a fee tier is"),
        ({"min_notional": -1}, "min_notional=-1"),
        ({"funding_hours": 0}, "funding_hours=0"),
        ({"fees": [[0, 1.5, 0.1]]}, "a fee tier is"),
        ({"fees": 0.1}, "fee tiers are rows of at most 3 numbers"),
        ({"funding_hours": 7}, "whole hours that divide a day"),
        ({"funding_cap": 4}, "a share above 0"),
        ({"significant_figures": 2.5}, "a whole number from 1 to 15"),
        ({"contracts": []}, "contracts by symbol"),
        ({"contracts": {"BTC": 40}}, "the contract of BTC has tiers, size_decimals; it is 40"),
        ({"contracts": {"BTC": {"tiers": [[0, 40]]}}}, "the contract of BTC lacks size_decimals"),
        ({"contracts": {"BTC": {"tiers": 40, "size_decimals": 5}}}, "margin tiers of BTC are rows"),
        ({"contracts": {"BTC": {"tiers": [[0, 40]], "size_decimals": -1}}}, "size_decimals=-1"),
        ({"leverage": 3}, "unknown attribute of the venue 'leverage'"),
    ],
)
def test_a_venue_that_makes_no_sense_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvestorBenchError, match=complaint):
        venue_of({**configured(), **change})


def test_a_venue_that_lacks_a_rule_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="lacks name, contracts"):
        venue_of({"fees": [[0, 0.1, 0.1]]})
    with pytest.raises(UnknownNameError):
        venue_of("hyperfluid")
    with pytest.raises(UnknownNameError, match="give venue= a mapping with its margin tiers"):
        HYPERLIQUID.contract("PEPE")


def test_the_largest_positions_may_take_less_leverage() -> None:
    contract = HYPERLIQUID.contract("BNB")
    assert [contract.max_leverage(notional) for notional in (0.0, 3e6, 3.1e6)] == [10, 10, 5]


def test_every_simulated_coin_has_the_terms_of_a_real_one() -> None:
    simulated = [member.symbol for member in find_universe("Perpetuals-SIM").members]
    assert [HYPERLIQUID.contract(symbol) for symbol in simulated] == [
        HYPERLIQUID.contracts[symbol] for symbol in ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB")
    ]

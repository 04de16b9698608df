"""Baselines that trade perpetuals, on observations that are written by hand."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.baselines import baseline
from investorbench.agents.signal_rules import (
    SIGNAL_RULES,
    FundingCarry,
    LongAll,
    MeanReversion,
    RandomSignals,
    SignalRule,
    TrendOfAverages,
)
from investorbench_env.accounting.events import AccountState, PerpetualPosition
from investorbench_env.accounting.signal_lists import read_signals
from investorbench_env.accounting.trading_rules import RULES
from investorbench_env.accounting.venues import HYPERLIQUID
from investorbench_env.envs.perpetuals_features import FEATURES
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

COINS = ("BTC", "ETH", "SOL")
MARKS = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 200.0}
FACTS = Facts(
    family="Perpetuals", symbols=COINS, protocol="standard", steps=10, source="by hand",
    window=("2025-07-17", "2025-07-26"), simulated=True, fingerprint="-", action="signals",
    interval="3m",
)  # fmt: skip


def observed(*unknown: str, **figures: list[float]) -> dict[str, Any]:
    features = np.zeros((len(COINS), len(FEATURES)), np.float32)
    mask = np.ones(features.shape, np.int8)
    for name, values in figures.items():
        features[:, FEATURES.index(name)] = values
    mask[:, [FEATURES.index(name) for name in unknown]] = 0
    return {"features": features, "mask": mask}


def account(**sides: float) -> dict[str, Any]:
    held: list[Any] = [
        PerpetualPosition(
            symbol=coin,
            quantity=side,
            entry_price=MARKS[coin],
            mark=MARKS[coin],
            liquidation_price=None,
            margin=1.0,
            leverage=5.0,
            stop=None,
            target=None,
            unrealised_pnl=0.0,
            funding=0.0,
            fees=0.0,
            notional=MARKS[coin],
        )
        for coin, side in sides.items()
    ]
    state = AccountState(cash=10_000.0, equity=10_000.0, costs=0.0, positions=held, marks=MARKS)
    return {"account": state}


def signals_of(rule: SignalRule, observation: dict[str, Any], **held: float) -> dict[str, str]:
    rule.begin(FACTS, "test", 1)
    chosen = rule.act(observation, account(**held))
    return {coin: each["signal"] for coin, each in chosen.items()}


@pytest.mark.parametrize("leverage", [1, 5, 10])
def test_entries_are_read_whole_and_their_stops_lie_before_liquidation(leverage: int) -> None:
    rule = LongAll(leverage=leverage)
    rule.begin(FACTS, "test", 1)
    chosen = rule.act(observed(), account())
    read = read_signals(chosen, COINS)
    assert read is not None and not read.rejections and not read.repairs
    margins = [each["quantity"] * MARKS[coin] / leverage for coin, each in chosen.items()]
    assert np.allclose(margins, 3_000.0)  # 0.9 of 10,000, a third each
    for coin, each in chosen.items():
        rate = 0.5 / HYPERLIQUID.contracts[coin].max_leverage(0.0)
        liquidation = MARKS[coin] * (1 - 1 / leverage) / (1 - rate)
        assert liquidation < each["stop_loss"] < MARKS[coin] < each["profit_target"]
        lost = (MARKS[coin] - each["stop_loss"]) * each["quantity"]
        assert each["risk_usd"] == pytest.approx(lost)
        assert each["risk_usd"] == pytest.approx(1_500.0)  # half of the margin


def test_a_price_without_a_trend_meets_the_target_first_as_often_as_is_stated() -> None:
    rule = LongAll()
    rule.begin(FACTS, "test", 1)
    entry = rule.act(observed(), account())["BTC"]
    up, down = entry["profit_target"] - MARKS["BTC"], MARKS["BTC"] - entry["stop_loss"]
    assert entry["confidence"] == pytest.approx(down / (up + down))


def test_flat_asks_for_nothing_and_long_all_for_what_is_missing() -> None:
    assert signals_of(baseline("flat"), observed()) == {}  # type: ignore[arg-type]
    assert signals_of(LongAll(), observed(), BTC=1.0) == dict.fromkeys(
        ("ETH", "SOL"), "buy_to_enter"
    )


def test_the_trend_is_followed_and_what_is_not_known_is_left_alone() -> None:
    averages = {"context_ema20": [2.0, 1.0, 1.0], "context_ema50": [1.0, 2.0, 1.0]}
    rule = TrendOfAverages()
    assert signals_of(rule, observed(**averages)) == {
        "BTC": "buy_to_enter",
        "ETH": "sell_to_enter",
    }
    # Another side is entered once the position is closed; equal averages mean no side.
    assert signals_of(rule, observed(**averages), ETH=1.0, SOL=1.0) == {
        "BTC": "buy_to_enter",
        "ETH": "close_position",
        "SOL": "close_position",
    }
    assert signals_of(rule, observed("context_ema50", **averages), ETH=1.0) == {}


def test_an_extreme_rsi_is_entered_and_left_in_the_middle() -> None:
    rule = MeanReversion()
    assert signals_of(rule, observed(rsi14=[29.0, 71.0, 50.0])) == {
        "BTC": "buy_to_enter",
        "ETH": "sell_to_enter",
    }
    held = {"BTC": 1.0, "ETH": -1.0, "SOL": -1.0}
    assert signals_of(rule, observed(rsi14=[49.0, 51.0, 50.0]), **held) == {"SOL": "close_position"}
    assert signals_of(rule, observed(rsi14=[51.0, 49.0, 60.0]), **held) == {
        "BTC": "close_position",
        "ETH": "close_position",
    }


def test_funding_is_collected_until_it_turns() -> None:
    rule = FundingCarry(least=2e-5)
    rates = [3e-5, -3e-5, 1.25e-5]
    assert signals_of(rule, observed(funding=rates)) == {
        "BTC": "sell_to_enter",
        "ETH": "buy_to_enter",
    }
    held = {"BTC": -1.0, "ETH": -1.0, "SOL": -1.0}
    assert signals_of(rule, observed(funding=rates), **held) == {"ETH": "close_position"}


def test_chance_changes_a_coin_as_often_as_it_is_asked_to() -> None:
    def acts(change_rate: float) -> int:
        rule, held, acted = RandomSignals(change_rate), dict[str, float](), 0
        rule.begin(FACTS, "test", 3)
        for _ in range(2_000):
            chosen = rule.act(observed(), account(**held))
            acted += len(chosen)
            for coin, each in chosen.items():
                if each["signal"] == "close_position":
                    del held[coin]
                else:
                    held[coin] = 1.0 if each["signal"] == "buy_to_enter" else -1.0
        return acted

    # Of nine pairs of sides that follow one another three change nothing, two need two signals.
    expected = 2_000 * 3 * 0.01 * (4 + 2 * 2) / 9
    assert acts(0.01) == pytest.approx(expected, rel=0.25)
    assert acts(0.0) == 0


def test_a_rule_of_perpetuals_refuses_other_tasks_and_settings_that_make_no_sense() -> None:
    for name in SIGNAL_RULES:
        with pytest.raises(InvestorBenchError, match="perpetuals/sim"):
            baseline(name).begin(
                Facts(
                    family="Stock", symbols=("A",), protocol="standard", steps=1, source="-",
                    window=("2025-07-17", "2025-07-26"), simulated=True, fingerprint="-",
                    action="trade",
                ),
                "test",
                1,
            )  # fmt: skip
    with pytest.raises(InvestorBenchError, match="leverage=0"):
        LongAll(leverage=0)
    with pytest.raises(InvestorBenchError, match="change_rate=2"):
        RandomSignals(2.0)


@pytest.mark.parametrize("rules", RULES)
def test_no_rule_of_an_arena_rejects_the_first_entries_of_a_baseline(rules: str) -> None:
    env = gym.make("InvestorBench/Perpetuals-SIM", rules=rules, every=480)
    observation, info = env.reset(seed=1)
    rule = LongAll()
    rule.begin(env.unwrapped.facts, "test", 1)  # type: ignore[attr-defined]
    *_, info = env.step(rule.act(observation, info))
    allowed = RULES[rules].entries_a_day or 6
    assert len(info["rejections"]) == 6 - allowed
    assert len({fill.symbol for fill in info["fills"]}) == allowed

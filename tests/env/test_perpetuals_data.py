"""The arena of six coins on real candles: its dates, what is observed, and an account over days."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.envs.perpetuals_features import FEATURES
from tests.env.perpetual_markets import entry

ARENA = "InvestorBench/Perpetuals-ARENA6"


def row_of(observation: dict[str, Any], coin: int) -> dict[str, float]:
    return dict(zip(FEATURES, observation["features"][coin].tolist(), strict=True))


@pytest.fixture(scope="module")
def seen(data_folder: Path) -> dict[str, Any]:
    """The observations of the test by time, without a trade."""
    env = gym.make(ARENA, data=str(data_folder), modalities=["features", "series"])
    observation, info = env.reset(seed=0)
    found = {info["time"][:19]: observation}
    while info["time"] < "2025-07-20T12:03":
        observation, *_, info = env.step({})
        found[info["time"][:19]] = observation
    return found


def test_the_arena_has_the_decisions_of_its_candles(data_folder: Path) -> None:
    test = gym.make(ARENA, data=str(data_folder)).unwrapped.facts  # type: ignore[attr-defined]
    assert test.steps == 4_417
    assert test.symbols == ("BTC", "ETH", "SOL", "BNB", "DOGE", "XRP")
    assert test.window == ("2025-07-17", "2025-07-26")
    warmup = gym.make(ARENA, data=str(data_folder), split="warmup").unwrapped
    _, info = warmup.reset(seed=0)
    assert info["time"] == "2025-07-14T12:54:00+00:00"
    assert warmup.facts.window[1] == "2025-07-16"  # type: ignore[attr-defined]
    said = " ".join(test.findings)
    for words in ("no oracle prices", "triggered by trades", "without a trade", "hindsight"):
        assert words in said


def test_indicators_are_those_of_the_closed_bars(seen: dict[str, Any]) -> None:
    # Recomputed by hand from the shared candles: the bars that open at 12:00 and at 08:00.
    btc = row_of(seen["2025-07-20T12:03:00"], 0)
    assert btc["ema20"] == pytest.approx(117_968.757689, rel=1e-7)
    assert btc["macd"] == pytest.approx(-22.299700, rel=1e-5)
    assert btc["rsi7"] == pytest.approx(30.936715, rel=1e-6)
    assert btc["rsi14"] == pytest.approx(37.460790, rel=1e-6)
    assert btc["context_atr3"] == pytest.approx(581.885922, rel=1e-6)
    assert btc["context_atr14"] == pytest.approx(1_074.120100, rel=1e-6)


def test_a_longer_bar_is_shown_from_its_end_on_and_not_before(seen: dict[str, Any]) -> None:
    before, after = (row_of(seen[f"2025-07-20T{time}:00"], 0) for time in ("11:57", "12:00"))
    assert before["context_volume"] != after["context_volume"]
    times = [f"2025-07-20T08:{minute:02}:00" for minute in range(0, 60, 3)]
    assert len({row_of(seen[time], 0)["context_volume"] for time in times}) == 1


def test_a_position_over_days_is_worth_what_its_price_and_its_funding_make_of_it(
    data_folder: Path,
) -> None:
    """The golden account of hourly bars: funding on the open, no slippage."""
    env = gym.make(
        "InvestorBench/Perpetuals", symbols=["BTC"], data=str(data_folder), interval="1h",
        context=None, start="2025-07-13", end="2025-07-23", slippage_bps=0, rules={},
    )  # fmt: skip
    _, info = env.reset(seed=0)
    while info["time"] < "2025-07-14T00:00":
        *_, info = env.step({})
    *_, info = env.step({"BTC": entry(0.25181, 10)})
    assert info["fills"][0].price == 119_133
    paid = 0.0
    for _ in range(239):
        *_, info = env.step({})
        paid -= sum(each.cash for each in info["funding"])
    assert paid == pytest.approx(234.64303644, abs=1e-8)
    assert info["equity"] == pytest.approx(9_674.29998723, abs=1e-8)


def test_nothing_fills_while_the_venue_was_out(data_folder: Path) -> None:
    env = gym.make(
        ARENA, data=str(data_folder), start="2025-07-19", end="2025-07-19",
        modalities=["account"], rules={},
    )  # fmt: skip
    _, info = env.reset(seed=0)
    outages = []
    rng = np.random.default_rng(0)
    while info["time"] < "2025-07-19T11:00":
        for each in info["fills"]:
            assert each.symbol not in info["outage"]
        if info["outage"]:
            outages.append(info["time"][11:16])
        coin = info["symbols"][int(rng.integers(6))]
        held = coin in info["plans"]
        price = info["account"].marks[coin]
        order = {"signal": "close_position"} if held else entry(1_000 / price, 5)
        *_, info = env.step({coin: order})
    # BNB alone did not trade from 06:54 on; all six from 09:54.
    assert outages[:3] == ["06:57", "09:57", "10:00"]
    assert len(outages) >= 8

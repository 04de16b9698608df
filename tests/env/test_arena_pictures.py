"""Episodes with perpetuals as text and as pictures: what they say, and what they never do."""

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.envs.perpetuals_pictures import perpetual_frame
from investorbench_env.errors import MarketError
from investorbench_env.rendering import (
    ArenaFrame,
    Event,
    PositionSpan,
    arena_ansi,
    arena_rgb_array,
)
from investorbench_env.rendering.arena_picture import LEVELS, most_traded
from investorbench_env.rendering.ticks import round_dates
from tests.env.test_rendering import columns, ink

BARS = 60
COINS = ("BTC", "ETH", "SOL")


def span(symbol: str = "BTC", quantity: float = 0.5, **changes: Any) -> PositionSpan:
    """A position that is held from bar 20 on, entered at 102, with a level on each side."""
    values: dict[str, Any] = {
        "leverage": 20, "first": 20, "last": BARS - 1, "entry": 102.0, "profit": 1.95,
        "stop": 101.0, "target": 109.0,
    }  # fmt: skip
    values |= changes
    length = values["last"] - values["first"] + 1
    return PositionSpan(
        symbol=symbol, quantity=quantity,
        **{"liquidation": np.full(length, 98.25), **values},
    )  # fmt: skip


LIQUIDATED = span(
    "ETH", -3.0, last=40, exit=104.25, reason="liquidation", profit=-6.75,
    liquidation=np.r_[np.full(20, 104.25), math.nan],
)  # fmt: skip


def frame_of(**changes: Any) -> ArenaFrame:
    """Prices that rise from 100 to 105.9, a long position and one that was liquidated."""
    prices = np.repeat(100.0 + np.arange(BARS)[:, None] / 10, len(COINS), axis=1)
    values: dict[str, Any] = {
        "name": "three coins", "symbols": COINS, "source": "made for a test", "simulated": False,
        "protocol": "standard", "prices": prices, "equity": np.linspace(1e4, 9.9e3, BARS),
        "dates": np.datetime64("2025-07-17T00:03", "m") + 3 * np.arange(BARS),
        "universe": np.linspace(5.0, 6.0, BARS), "positions": (LIQUIDATED, span()),
        "rejections": (Event(BARS - 1, "signal", "buy_to_enter 1 BTC: BTC is held"),),
        "fees": 12.5, "funding": -0.75,
    }  # fmt: skip
    return ArenaFrame(**{**values, **changes})


ONE = {"dates": np.array(["2025-07-17T00:03"], "datetime64[m]"), "prices": np.full((1, 3), 1.0),
       "equity": np.ones(1), "universe": np.ones(1), "positions": (), "rejections": ()}  # fmt: skip
EDGE_CASES = {
    "the first decision": frame_of(**ONE),
    "never invested, no price": frame_of(positions=(), prices=np.full((BARS, 3), np.nan)),
    "no level": frame_of(positions=(span(stop=math.nan, target=math.nan,
                                         liquidation=np.full(40, math.nan)),)),
    "many short ones": frame_of(
        positions=tuple(span(COINS[n % 3], -1.0, first=n, last=n + 1, exit=101.0, reason="close")
                        for n in range(50)),
        rejections=tuple(Event(n, "signal", "x" * 300) for n in range(50)),
    ),
    "a ruined account": frame_of(equity=np.linspace(1e4, 0.0, BARS), simulated=True),
}  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize("frame", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_every_frame_can_be_drawn_and_told_in_lines_that_fit(frame: ArenaFrame) -> None:
    assert arena_rgb_array(frame, (480, 450)).shape == (450, 480, 3)
    for width in (24, 80):
        assert max(map(columns, arena_ansi(frame, width).splitlines())) <= width


def test_text_names_what_ends_a_position_and_how_far_that_is() -> None:
    text = arena_ansi(frame_of())
    assert "BTC long 0.5, 20×: entered at 102.00, now 105.90, +1.95" in text
    assert "target 109.00 +2.9%, stop 101.00 −4.6%, liq. 98.25 −7.2%" in text
    assert "ETH short 3, 20×: liquidated at 104.25, −6.75" in text
    assert "fees 12.50 · funding −0.7500" in text
    assert "buy_to_enter 1 BTC: BTC is held" in text


@pytest.mark.heavy
def test_a_picture_has_a_line_for_each_level_of_what_is_held() -> None:
    picture = arena_rgb_array(frame_of())
    bare = arena_rgb_array(frame_of(positions=()))
    for name, (color, _) in LEVELS.items():
        lines = ink(picture, color) - ink(bare, color)  # equity is drawn in one of the colours
        assert lines > 20, name


def test_a_level_far_away_is_named_at_the_edge_and_leaves_the_price_its_room() -> None:
    far = arena_rgb_array(frame_of(positions=(span(target=900.0),)))
    assert min(ink(far, color) for color, _ in LEVELS.values()) > 20


def test_coins_that_are_held_are_drawn_before_those_that_were_traded_more() -> None:
    coins = tuple(f"C{n}" for n in range(9))
    often = [
        span(coins[n], first=0, last=1, exit=1.0, reason="close") for n in range(8) for _ in (0, 1)
    ]
    frame = frame_of(
        symbols=coins, prices=np.ones((BARS, 9)), positions=(*often, span("C8", first=50))
    )
    assert most_traded(frame) == ["C0", "C1", "C2", "C3", "C4", "C8"]


def test_a_position_outside_its_frame_is_refused() -> None:
    with pytest.raises(MarketError, match="outside the 60 bars of BTC, ETH, SOL"):
        frame_of(positions=(span("XRP"),))
    with pytest.raises(MarketError, match="one price of liquidation each, not 3"):
        span(liquidation=np.ones(3))


def test_a_frame_has_each_position_of_an_episode_as_its_infos_have_it() -> None:
    env: Any = gym.make(
        "InvestorBench/Perpetuals-SIM", every=20, end="2025-07-18", modalities=["account"],
        markets=[3], render_mode="ansi",
    ).unwrapped  # fmt: skip
    _, info = env.reset(seed=0)
    random, infos, ended = np.random.default_rng(5), [info], False
    while not ended:
        *_, terminated, ended, info = env.step(_signals(info, random))
        infos.append(info)
        assert not terminated
    frame = perpetual_frame(env._setup, env._path.history, env._trail)
    closed = [each for info in infos for each in info["closed"]]
    spans = {(each.symbol, each.entry, each.quantity): each for each in frame.positions}
    assert len(closed) > 10 and {each.reason for each in closed} >= {"target", "stop", "close"}
    for each in closed:
        span = spans.pop((each.symbol, each.entry_price, each.quantity))
        assert (span.exit, span.reason, span.profit) == (each.exit_price, each.reason, each.pnl)
        assert np.isnan(span.liquidation[-1])
    for each in info["positions"]:
        span = spans.pop((each.symbol, each.entry_price, each.quantity))
        assert span.is_open and span.last_liquidation == each.liquidation_price
        assert (span.stop, span.target) == (each.stop, each.target)
    assert spans == {}
    assert frame.start > 0 and len(frame.prices) == frame.start + len(infos)
    last = env._path.history.last_prices(env._trail[-1].now.t)
    np.testing.assert_array_equal(frame.prices[-1], last)
    assert frame.fees == pytest.approx(sum(f.cost for info in infos for f in info["fills"]))
    assert env.render().startswith("SIMULATED · Perpetuals-SIM")


def _signals(info: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """Entries of coins at random, some with levels so near that the next bars reach them."""
    held, marks = {each.symbol for each in info["positions"]}, info["account"].marks
    signals: dict[str, Any] = {}
    for symbol in info["symbols"]:
        side, away = random.choice([1, -1]), random.choice([0.001, 0.03])
        if symbol in held and random.random() < 0.2:
            signals[symbol] = {"signal": "close_position"}
        elif symbol not in held and random.random() < 0.3:
            signals[symbol] = {
                "signal": "buy_to_enter" if side > 0 else "sell_to_enter", "leverage": 10,
                "quantity": 0.8 * info["cash"] / marks[symbol],
                "stop_loss": marks[symbol] * (1 - side * away),
                "profit_target": marks[symbol] * (1 + side * away),
            }  # fmt: skip
    return signals


def test_the_rest_of_a_day_at_the_beginning_has_no_label_that_the_next_would_cover() -> None:
    times = np.datetime64("2025-07-16T21:03", "m") + 3 * np.arange(1561)
    assert list(round_dates(times).values()) == ["17 Jul", "18 Jul", "19 Jul", "20 Jul"]
    assert list(round_dates(times[:600]).values()) == ["16 Jul", "17 Jul", "18 Jul"]

"""Episodes with several assets as text and as pictures: what they say, and what they never do."""

import unicodedata
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.errors import MarketError
from investorbench_env.market.market import Delisting
from investorbench_env.rendering import (
    AssetTrade,
    Event,
    HoldingRow,
    PortfolioFrame,
    portfolio_ansi,
    portfolio_rgb_array,
)
from investorbench_env.rendering.portfolio_picture import BANDS, REST, bands
from tests.env.joint_markets import joint_market
from tests.env.small_markets import date
from tests.env.test_rendering import columns, ink


def frame_of(sessions: int = 40, assets: int = 3, **changes: Any) -> PortfolioFrame:
    """Equal weights in all assets from the third session on, of which the last is the largest."""
    symbols = tuple(f"A{number:02d}" for number in range(assets))
    weights = np.zeros((sessions, assets))
    weights[2:] = 0.8 / assets
    weights[2:, -1] += 0.1
    values: dict[str, Any] = {
        "name": "a few",
        "symbols": symbols,
        "source": "made for a test",
        "simulated": False,
        "protocol": "standard",
        "dates": np.arange("2020-01-01", sessions, dtype="datetime64[D]"),
        "equity": np.linspace(1000.0, 1500.0, sessions),
        "weights": weights,
        "universe": np.linspace(5.0, 6.0, sessions),
        "holdings": tuple(HoldingRow(name, 10.0, 25.0, 12.5) for name in symbols),
        "trades": tuple(
            AssetTrade(min(2, sessions - 1), name, 10.0, 23.75, 0.2) for name in symbols
        ),
        "rejections": (Event(sessions - 1, "order", "buy 5 A00: more than the cash"),),
        "waiting": 1,
        "events": (Event(sessions - 1, "news", "A00: a headline"),),
    }
    return PortfolioFrame(**{**values, **changes})


NOTHING: dict[str, Any] = {"holdings": (), "trades": (), "rejections": (), "events": ()}
EDGE_CASES = {
    "the first decision": frame_of(1, **NOTHING),
    "one asset": frame_of(assets=1),
    "forty assets": frame_of(200, 40),
    "never invested": frame_of(weights=np.zeros((40, 3)), **NOTHING),
    "all short": frame_of(weights=np.full((40, 3), -0.6)),
    "weights that are unknown": frame_of(weights=np.full((40, 3), np.nan)),
    "ruined": frame_of(equity=np.r_[np.full(20, 1e5), np.full(20, -3e3)]),
    "no equity at all": frame_of(equity=np.full(40, np.nan)),
    "no price of the others": frame_of(universe=np.full(40, np.nan)),
    "bars of minutes": frame_of(
        dates=np.arange("2020-01-01T14:30", 40, dtype="datetime64[m]"),
    ),
    "foreign words": frame_of(
        name="特斯拉 $a_b$", symbols=("^{", "\x1b[31m", "🚀"),
        holdings=(HoldingRow("🚀", -1.0, 1e9, -1e12),),
        trades=(AssetTrade(5, "🚀", 1.0, 1.0, 0.0),), simulated=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("frame", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_every_frame_can_be_drawn_in_full_size(frame: PortfolioFrame) -> None:
    picture = portfolio_rgb_array(frame)
    assert picture.shape == (800, 960, 3)
    assert picture.dtype == np.dtype("uint8")
    assert picture.min() < 100


@pytest.mark.parametrize("width", [24, 80, 132])
@pytest.mark.parametrize("frame", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_no_line_of_text_is_wider_than_the_terminal(frame: PortfolioFrame, width: int) -> None:
    text = portfolio_ansi(frame, width)
    assert max(columns(line) for line in text.splitlines()) <= width
    assert not [c for c in text if c != "\n" and unicodedata.category(c)[0] == "C"]


def test_the_same_frame_gives_the_same_bytes_in_the_size_that_was_asked_for() -> None:
    first, second = (portfolio_rgb_array(frame_of(), (600, 400)) for _ in range(2))
    assert first.shape == (400, 600, 3) and first.tobytes() == second.tobytes()


def test_assets_that_weigh_most_have_colours_of_their_own_and_the_rest_is_one() -> None:
    few, many = bands(frame_of(assets=8)), bands(frame_of(assets=9))
    assert [band.color for band in few] == list(BANDS)
    assert [band.name for band in many] == [*(f"A{n:02d}" for n in range(6)), "A08", "others"]
    assert many[-1].color == REST
    weights = sum(band.weights for band in many)
    np.testing.assert_allclose(weights, frame_of(assets=9).weights.sum(axis=1))


def test_weights_stand_upon_each_other_as_high_as_they_are() -> None:
    half, full = (
        portfolio_rgb_array(frame_of(assets=1, weights=np.full((40, 1), weight), trades=()))
        for weight in (0.5, 1.0)
    )
    assert ink(full, BANDS[0]) == pytest.approx(2 * ink(half, BANDS[0]), rel=0.03)


def test_what_is_bought_is_blue_and_what_is_sold_is_orange() -> None:
    flat: dict[str, Any] = {"weights": np.zeros((40, 3))}
    bought = portfolio_rgb_array(frame_of(trades=(AssetTrade(20, "A00", 1.0, 1.0, 0.1),), **flat))
    sold = portfolio_rgb_array(frame_of(trades=(AssetTrade(20, "A00", -1.0, 1.0, 0.1),), **flat))
    assert ink(bought, "#0072b2") > 20 > ink(sold, "#0072b2") == 0
    assert ink(sold, "#d55e00") > 20 > ink(bought, "#d55e00") == 0


def test_a_simulated_picture_carries_a_stamp_and_a_watermark() -> None:
    real, simulated = (portfolio_rgb_array(frame_of(simulated=s)) for s in (False, True))
    assert ink(simulated[:40], "#d55e00") > 800 > ink(real[:40], "#d55e00") == 0
    assert ink(simulated[90:250], "#fcf2eb") > 3000 > ink(real[90:250], "#fcf2eb") == 0
    assert portfolio_ansi(frame_of(simulated=True)).startswith("SIMULATED ")


def test_text_says_what_is_held_ordered_and_traded() -> None:
    frame = frame_of(
        holdings=(HoldingRow("A00", 10, 25, 12.5, stale=True), HoldingRow("A02", -3, 40, -8)),
        trades=(AssetTrade(2, "A00", 10.0, 23.75, 0.2), AssetTrade(9, "A02", -3.0, 41.0, 0.1)),
        weights=np.tile([0.25, 0.0, -0.4], (40, 1)),
    )
    lines = portfolio_ansi(frame).splitlines()
    assert lines[0] == "a few · standard protocol · decision of 2020-02-09"
    held = [line for line in lines if " at " in line]
    assert held[0].split() == [
        "holdings",
        "A02",
        "−40.0%",
        "███████",
        "−3",
        "at",
        "40.00,",
        "−8.00",
    ]
    assert held[1].split()[:2] == ["A00", "25.0%"]
    assert held[1].endswith("10 at 25.00, stale, +12.50")
    assert next(line for line in lines if "cash  " in line).split()[1] == "115.0%"
    assert "equity 1,500.00 · drawdown 0.0% (deepest 0.0%)" in "\n".join(lines)
    assert "return +50.0% since 2020-01-01 · equal parts +20.0%" in "\n".join(lines)
    assert "orders    1 waiting, 1 rejected, latest first:" in lines
    assert "          02-09 buy 5 A00: more than the cash" in lines
    traded = "trades    2 in all, latest first: 01-10 sell 3 A02 41.00, 01-03 buy 10 A00 23.75"
    assert traded in lines


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.zeros((39, 3))}, "weights has 39 values where the frame needs 40"),
        ({"universe": np.ones(41)}, "universe has 41 values where the frame needs 40"),
        ({"trades": (AssetTrade(40, "A00", 1.0, 1.0, 0.1),)}, "outside the 40 bars"),
        ({"rejections": (Event(-1, "order", ""),)}, "outside the 40 bars"),
    ],
)
def test_a_frame_refuses_what_does_not_fit_it(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MarketError, match=message):
        frame_of(**changes)


# --- of an environment -------------------------------------------------------------------------

SHORT: dict[str, Any] = {"markets": [3], "window": 3, "start": "2020-10-01", "end": "2020-10-16"}


def played(action: str, decide: Any, mode: str = "ansi") -> tuple[Any, dict[str, Any]]:
    env = gym.make("InvestorBench/Portfolio-SIM", action=action, render_mode=mode, **SHORT)
    _, info = env.reset(seed=0)
    ended = False
    while not ended:
        _, _, terminated, truncated, info = env.step(decide(info))
        ended = terminated or truncated
    return env, info


def test_a_text_of_an_episode_says_what_its_infos_say() -> None:
    def decide(info: dict[str, Any]) -> list[dict[str, Any]]:
        if info["session"] == "2020-10-05":
            return [
                {"symbol": "SIM-A", "side": "buy", "quantity": 50},
                {"symbol": "SIM-F", "side": "buy", "quantity": 10**6},
                {
                    "symbol": "SIM-B",
                    "side": "buy",
                    "quantity": 1,
                    "limit": 0.01,
                    "until": "cancelled",
                },
            ]
        return []

    env, info = played("orders", decide)
    text, account = env.render(), info["account"]
    assert text.startswith(
        "SIMULATED · SIM, 10 assets · standard protocol · decision of 2020-10-16"
    )
    assert f"equity {account.equity:,.0f}" in text
    (position,) = account.positions
    assert f"50 at {position.price:.2f}" in text
    assert "orders    1 waiting, 1 rejected, latest first:" in text
    assert "10-06 buy 1,000,000 SIM-F" in text
    assert "1 in all, latest first: 10-06 buy 50 SIM-A" in text


def test_equal_parts_are_those_of_all_assets_by_their_prices() -> None:
    env, _ = played("weights", lambda info: np.zeros(10, np.float32))
    path = env.unwrapped._path.history.market
    first, last = (
        int(np.flatnonzero(path.sessions == np.datetime64(day))[0])
        for day in (SHORT["start"], SHORT["end"])
    )
    ratios = path.share_splits[first + 1 : last + 1].prod(axis=0)
    growth = (path.bars[last, :, 3] * ratios / path.bars[first, :, 3]).mean() - 1.0
    assert f"equal parts {growth:+.1%}".replace("-", "−") in env.render()


def test_a_picture_of_an_episode_is_drawn_at_any_step_and_changes_nothing() -> None:
    options: dict[str, Any] = {"action": "weights", **SHORT}
    env, twin = (
        gym.make("InvestorBench/Portfolio-SIM", render_mode=mode, **options)
        for mode in ("rgb_array", None)
    )
    for one in (env, twin):
        one.reset(seed=0)
    first: Any = env.render()
    weights = np.full(10, 0.1, np.float32)
    steps = [[one.step(weights)[1] for _ in range(3)] for one in (env, twin)]
    assert steps[0] == steps[1]
    later: Any = env.render()
    assert later.shape == first.shape == (800, 960, 3)
    assert not np.array_equal(first, later)


def test_equal_parts_keep_what_holders_of_a_delisted_asset_are_paid() -> None:
    nan = float("nan")
    market = joint_market(
        {
            "A": {
                "closes": [50.0, 50.0, 40.0, nan, nan, nan],
                "splits": {1: 2.0},
                "delistings": {"A": Delisting(np.datetime64(date(3)), -0.25)},
            },
            "B": {"closes": [10.0, 10.0, 10.0, 12.0, 12.0, 12.0], "dividends": {2: 1.0}},
        }
    )
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=market, render_mode="ansi", start=date(0), end=date(5)
    )
    env.reset(seed=0)
    for _ in range(5):
        env.step(np.zeros(2, np.float32))
    # Of a share at 50: two at 40, paid out at 30 each; of B 12 for 10, dividends apart.
    assert f"equal parts {(60 / 50 + 12 / 10) / 2 - 1:+.1%}" in env.render()

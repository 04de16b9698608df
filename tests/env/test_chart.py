"""The chart of an observation: what a trader would see of the same bars, and of no later one."""

import zlib
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.envs.options import MODALITIES
from investorbench_env.errors import InvestorBenchError
from investorbench_env.rendering import chart as charts
from investorbench_env.rendering.chart import PALETTE, chart
from investorbench_env.rendering.glyphs import glyphs, text_width
from investorbench_env.rendering.png import png_of
from investorbench_env.rendering.words import number
from tests.env.small_markets import random_market, small_market
from tests.env.test_no_future import assert_nothing_from_the_future, plain

GREEN, RED, GREY, INK = ((0, 135, 90), (205, 50, 40), (176, 182, 190), (34, 39, 46))
EDGE = 408
"""Labels stand right of it."""
RANGE = {"start": "2020-01-06", "end": "2020-01-20", "window": 5}
DATES = np.arange("2020-01-01", 5, dtype="datetime64[D]")


def drawn(bars: Any, mask: Any = None, dates: Any = DATES, **about: Any) -> Any:
    rows = np.array(bars, dtype=np.float32)
    known = np.ones(len(rows), np.int8) if mask is None else np.array(mask, np.int8)
    return chart(rows, known, dates, **{"symbol": "TEST", "simulated": False, **about})


def rows_and_columns(pixels: Any, colour: tuple[int, int, int]) -> tuple[Any, Any]:
    """Where a colour stands among the bars, labels left out."""
    return np.nonzero((pixels[26:, :EDGE] == colour).all(axis=-1))


def test_a_higher_price_stands_higher_in_proportion() -> None:
    closes = [100.0, 120.0, 110.0, 150.0, 140.0]
    pixels = drawn([[close, close + 4, close - 4, close, 0] for close in closes])
    heights, columns = rows_and_columns(pixels, GREEN)
    middles = [6 + (place + 0.5) * 400 / 5 for place in range(5)]
    found = [
        (heights[abs(columns - x) < 20].min(), heights[abs(columns - x) < 20].max())
        for x in middles
    ]
    slope, base = np.polyfit(np.ravel([[c + 4, c - 4] for c in closes]), np.ravel(found), 1)
    expected = [[base + slope * (c + 4), base + slope * (c - 4)] for c in closes]
    assert slope < -2
    np.testing.assert_allclose(found, expected, atol=1.0)


def test_what_rises_is_green_and_hollow_and_what_falls_is_red_and_filled() -> None:
    for opened, closed, colour, is_filled in ((100, 110, GREEN, False), (110, 100, RED, True)):
        pixels = drawn([[100, 120, 90, 100, 0]] * 4 + [[opened, 115, 95, closed, 0]])
        heights, columns = rows_and_columns(pixels, colour)
        last = columns > 330
        body = pixels[26 + int(heights[last].mean()), int(columns[last].mean()) + 5]
        assert tuple(body) == (colour if is_filled else (255, 255, 255))


def test_without_opens_a_bar_rises_where_it_closes_above_the_one_before() -> None:
    pixels = drawn([[0, 101 + n, 98 + n, 100 - n * (-1) ** n, 0] for n in range(5)])
    _, risen = rows_and_columns(pixels, GREEN)
    _, fallen = rows_and_columns(pixels, RED)
    places = [{round((x - 6) / 80 - 0.5) for x in columns} for columns in (risen, fallen)]
    assert places == [{0, 1, 3}, {2, 4}]  # closes of 100, 101, 98, 103, 96


def test_volumes_are_as_high_as_they_are_large() -> None:
    volumes = [100.0, 50.0, 25.0, 75.0, 0.0]
    pixels = drawn([[100, 101, 99, 100, volume] for volume in volumes])
    heights, columns = rows_and_columns(pixels, GREY)
    tall = [len(set(heights[abs(columns - (6 + 80 * (n + 0.5))) < 30])) for n in range(5)]
    np.testing.assert_allclose(np.array(tall[:4]) / tall[0], np.array(volumes[:4]) / 100, atol=0.04)
    assert tall[4] == 1


def test_a_bar_that_is_missing_leaves_a_gap() -> None:
    bars = [[100, 101, 99, 100, 5]] * 2 + [[0] * 5] + [[100, 101, 99, 100, 5]] * 2
    pixels = drawn(bars, mask=[1, 1, 0, 1, 1])
    gap = pixels[26:290, 6 + 170 : 6 + 230]
    assert not any((gap == colour).all(axis=-1).any() for colour in (GREEN, RED, GREY))


def test_closes_alone_are_a_line() -> None:
    pixels = drawn([[0, 0, 0, close, 0] for close in (100, 104, 102, 108, 106)])
    heights, columns = rows_and_columns(pixels, INK)
    assert set(range(47, 366)) <= set(columns.tolist())  # from the first middle to the last
    assert len(rows_and_columns(pixels, GREEN)[0]) == 0 and heights.max() < 290 - 26


@pytest.mark.parametrize("simulated", [True, False])
def test_a_market_that_is_not_real_is_stamped(simulated: bool) -> None:
    pixels = drawn([[100, 101, 99, 100, 0]] * 5, simulated=simulated)
    assert (pixels[:26, 300:] == RED).all(axis=-1).any() == simulated


def test_dates_are_named_only_where_they_are_given() -> None:
    bars = [[100, 101, 99, 100, 0]] * 5
    dated, undated = drawn(bars), drawn(bars, dates=DATES[:0])
    assert (dated[300:] != 255).any() and not (undated[300:] != 255).any()
    another = drawn(bars, dates=DATES + np.timedelta64(700, "D"))
    assert (another != dated).any()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(1, 900),
    size=st.integers(-7, 12),
    parts=st.sampled_from(["all", "no opens", "closes", "constant"]),
    known=st.sampled_from([1.0, 0.7, 0.02, 0.0]),
    symbol=st.text(max_size=20),
    unit=st.sampled_from(["D", "m"]),
)
def test_any_window_is_drawn(
    seed: int, window: int, size: int, parts: str, known: float, symbol: str, unit: str
) -> None:
    rng = np.random.default_rng(seed)
    closes = 10.0**size * np.exp(rng.normal(0, 0.0 if parts == "constant" else 0.05, window))
    bars = np.stack([closes * f for f in (1.0, 1.02, 0.98, 1.0, 1.0)], axis=1) * np.ones(
        (window, 1)
    )
    bars[:, [0] if parts == "no opens" else [0, 1, 2] if parts == "closes" else []] = 0.0
    mask = rng.random(window) < known
    bars[~mask] = 0.0
    dates = np.datetime64("2020-01-01T09:30").astype(f"M8[{unit}]") + np.arange(window)
    pixels = drawn(bars, mask=mask, dates=dates[rng.integers(window) :], symbol=symbol)
    assert (pixels.shape, pixels.dtype) == ((320, 512, 3), np.uint8)
    codes = [each.astype(np.int64) @ (1, 256, 65536) for each in (pixels, PALETTE)]
    assert np.isin(*codes).all()


@given(
    price=st.floats(1e-12, 1e15).filter(lambda each: each > 0),
    sign=st.sampled_from([1, -1]),
)
def test_a_price_beside_the_bars_is_written_whole(price: float, sign: int) -> None:
    label = charts._label(sign * price, number(sign * price))
    assert text_width(label, charts.SCALE) <= 512 - EDGE - 2
    assert float(label.replace(",", "")) == pytest.approx(sign * price, rel=0.1)


def test_every_label_has_letters_of_its_own() -> None:
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    needed = set(f"0123456789.,:-+e {months}ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert needed <= glyphs().keys()
    assert len({letter.tobytes() for letter in glyphs().values()}) == len(glyphs())


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 20), width=st.integers(1, 20))
def test_a_file_of_a_picture_holds_its_pixels(seed: int, height: int, width: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = png_of(pixels)
    assert file[:8] == b"\x89PNG\r\n\x1a\n" and file[12:16] == b"IHDR"
    assert np.frombuffer(file[16:24], ">u4").tolist() == [width, height]
    size = int.from_bytes(file[33:37], "big")
    rows = np.frombuffer(zlib.decompress(file[41 : 41 + size]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 2).all()  # each pixel is the sum of those above it
    found = np.cumsum(rows[:, 1:].astype(np.int64), axis=0) % 256
    np.testing.assert_array_equal(found.reshape(height, width, 3), pixels)


def test_other_software_reads_the_file() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    from io import BytesIO

    pixels = drawn([[100, 101, 99, 100, 5]] * 5)
    np.testing.assert_array_equal(np.asarray(image.open(BytesIO(png_of(pixels)))), pixels)


@pytest.mark.parametrize("modalities", [["chart"], [*MODALITIES, "chart"]])
def test_an_environment_with_charts_passes_the_checker(modalities: list[str]) -> None:
    market = random_market(np.random.default_rng(1))
    make = {"id": "InvestorBench/Stock", "data": market, "modalities": modalities, **RANGE}
    check_env(gym.make(**make).unwrapped)
    lanes = gym.make_vec(**make, num_envs=2, vectorization_mode="sync")
    observation, _ = lanes.reset(seed=0)
    assert observation["chart"].shape == (2, 320, 512, 3)
    with pytest.raises(InvestorBenchError, match='vectorization_mode="sync"'):
        gym.make_vec(**make, num_envs=2)


def test_without_being_asked_for_there_is_none() -> None:
    env = gym.make("InvestorBench/Stock", data=small_market([100.0] * 30), **RANGE)
    assert "chart" not in env.observation_space.spaces  # type: ignore[attr-defined]
    assert "chart" not in env.reset(seed=0)[0]


def test_a_chart_is_drawn_once_for_all_and_each_reader_has_its_own() -> None:
    charts._drawn.cache_clear()
    market = small_market([100.0 + t % 7 for t in range(30)])
    make = {"data": market, "modalities": ["chart", "time"], **RANGE}
    envs = [gym.make("InvestorBench/Stock", **make) for _ in range(3)]
    first, *others = (env.reset(seed=0)[0]["chart"] for env in envs)
    assert charts._drawn.cache_info()[:2] == (2, 1)
    before = first.copy()
    first[:] = 0
    for other in (*others, envs[0].reset(seed=0)[0]["chart"]):
        np.testing.assert_array_equal(other, before)


def test_an_episode_that_is_gone_through_again_draws_nothing() -> None:
    charts._drawn.cache_clear()
    chosen = {"modalities": ["chart"], "markets": "one", "end": "2021-04-30"}
    for _ in range(2):
        env, ended, steps = gym.make("InvestorBench/Stock-SIM", **chosen), False, 0
        env.reset(seed=0)
        while not ended:
            _, _, terminated, truncated, _ = env.step(1)
            ended, steps = terminated or truncated, steps + 1
    assert charts._drawn.cache_info().misses == steps + 1 > 128


def test_a_chart_names_dates_only_where_the_observation_does() -> None:
    market = small_market([100.0 + t % 7 for t in range(30)])
    shown = [
        gym.make("InvestorBench/Stock", data=market, modalities=names, **RANGE).reset(seed=0)[0]
        for names in (["chart"], ["chart", "time"])
    ]
    undated, dated = ((each["chart"][300:] != 255).any() for each in shown)
    assert dated and not undated


@pytest.mark.parametrize("interval", ["1d", "3m"])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_future_changes_no_pixel(interval: str, seed: int) -> None:
    market = random_market(np.random.default_rng(seed), interval=interval)
    chosen = {"id": "InvestorBench/Stock", "modalities": ["chart", "time"], "split": "test"}
    assert_nothing_from_the_future(plain, market, seed, **chosen)

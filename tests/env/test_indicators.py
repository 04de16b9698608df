"""Indicators against values worked out by hand and by other forms of their definitions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from investorbench_env.indicators import atr, ema, macd, rsi

FloatArray = npt.NDArray[np.float64]

CLOSES = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.02, 120)))


def test_an_average_follows_its_recursion() -> None:
    # α = 2/(3 + 1) = 1/2: 10, then halfway to each next value.
    np.testing.assert_allclose(ema(np.array([10.0, 12.0, 16.0, 8.0]), 3), [10.0, 11.0, 13.5, 10.75])


@pytest.mark.parametrize("span", [1, 7, 20])
def test_an_average_is_the_weighted_sum_that_its_recursion_amounts_to(span: int) -> None:
    alpha = 2 / (span + 1)
    ages = np.arange(len(CLOSES))[::-1]
    weights = alpha * (1 - alpha) ** ages
    weights[0] = (1 - alpha) ** ages[0]
    assert ema(CLOSES, span)[-1] == pytest.approx(weights @ CLOSES, rel=1e-12)


def test_an_average_of_one_session_is_its_value_and_of_none_is_none() -> None:
    assert ema(np.array([5.0]), 12).tolist() == [5.0]
    assert ema(np.array([]), 12).tolist() == []


def test_macd_is_the_difference_of_the_averages_of_12_and_26() -> None:
    fast, slow = 2 / 13, 2 / 27
    # After one step from 100 to 113 the averages stand at 100 + 13 α.
    line = macd(np.array([100.0, 113.0]))
    np.testing.assert_allclose(line, [0.0, 13 * (fast - slow)], atol=1e-12)
    constant = np.full(50, 42.0)
    np.testing.assert_array_equal(macd(constant), 0.0)


def test_rsi_is_that_of_a_hand_calculation() -> None:
    # Changes +2, -1, +3 with α = 1/2: rises 2, 1, 2; falls 0, .5, .25.
    strength = rsi(np.array([10.0, 12.0, 11.0, 14.0]), period=2)
    np.testing.assert_allclose(strength, [50.0, 100.0, 100 * 1 / 1.5, 100 * 2 / 2.25])


def test_rsi_smooths_with_wilders_share_of_one_over_the_period() -> None:
    changes = np.diff(CLOSES)
    ages = np.arange(len(changes))[::-1]
    weights = (13 / 14) ** ages / 14
    weights[0] *= 14
    rise, fall = weights @ np.maximum(changes, 0), weights @ np.maximum(-changes, 0)
    assert rsi(CLOSES)[-1] == pytest.approx(100 - 100 / (1 + rise / fall), rel=1e-12)


@pytest.mark.parametrize(
    ("closes", "expected"),
    [([1.0, 2.0, 3.0], 100.0), ([3.0, 2.0, 1.0], 0.0), ([2.0, 2.0], 50.0), ([2.0], 50.0)],
)
def test_rsi_of_one_direction_or_of_none_is_at_an_end_or_in_the_middle(
    closes: list[float], expected: float
) -> None:
    assert rsi(np.array(closes))[-1] == expected


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_rsi_does_not_depend_on_the_unit_of_prices(scale: float) -> None:
    np.testing.assert_allclose(rsi(CLOSES * scale), rsi(CLOSES), rtol=1e-9)


def test_a_true_range_reaches_from_the_close_before_and_is_smoothed_by_wilders_share() -> None:
    # Ranges 2; 5 (12 - 7, though the close before was 9: 12 to 7); 6 (a gap down: 10 to 4).
    high, low, close = np.array([[10.0, 8.0, 9.0], [12.0, 7.0, 10.0], [6.0, 4.0, 5.0]]).T
    np.testing.assert_allclose(atr(high, low, close, period=2), [2.0, 3.5, 4.75])
    # A gap up: from the close before to the high.
    assert atr(np.array([10.0, 15.0]), np.array([9.0, 14.0]), np.array([9.5, 14.5]), 1)[1] == 5.5


def _sequence(values: FloatArray, share: float) -> list[float]:
    """The recursion as it is written, one value after the other."""
    average, result = float(values[0]), []
    for value in values.tolist():
        average += share * (value - average)
        result.append(average)
    return result


SERIES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "ema": lambda closes: ema(closes, 20),
    "macd": macd,
    "rsi": lambda closes: rsi(closes, 7),
    "atr": lambda closes: atr(closes * 1.01, closes * 0.98, closes, 14),
}
WALKS = 100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, (1500, 3)), axis=0))


@pytest.mark.parametrize("span", [2, 20, 300])
def test_a_long_series_is_its_recursion_step_by_step(span: int) -> None:
    expected = _sequence(WALKS[:, 0], 2 / (span + 1))
    np.testing.assert_allclose(ema(WALKS, span)[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", SERIES)
def test_an_indicator_of_a_bar_depends_on_no_later_one_by_a_bit(name: str) -> None:
    whole = SERIES[name](WALKS)
    for length in (1, 2, 63, 64, 65, 1000):
        np.testing.assert_array_equal(SERIES[name](WALKS[:length]), whole[:length])


@pytest.mark.parametrize("name", SERIES)
def test_assets_side_by_side_have_the_indicators_of_each_by_itself_to_the_bit(name: str) -> None:
    together = SERIES[name](WALKS.reshape(1500, 3, 1))
    for asset in range(3):
        alone = SERIES[name](WALKS[:, asset].copy())
        np.testing.assert_array_equal(together[:, asset, 0], alone)


@pytest.mark.parametrize("name", SERIES)
def test_an_unknown_bar_is_left_out_and_repeats_what_was_known(name: str) -> None:
    holes = WALKS[:40].copy()
    holes[:3, 1] = holes[7:9, 1] = holes[39, 1] = holes[:, 2] = np.nan
    values, rows = SERIES[name](holes), np.flatnonzero(~np.isnan(holes[:, 1]))
    np.testing.assert_array_equal(values[:, 0], SERIES[name](WALKS[:40])[:, 0])
    np.testing.assert_array_equal(values[rows, 1], SERIES[name](holes[rows, 1]))
    assert np.isnan(values[:3, 1]).all() and np.isnan(values[:, 2]).all()
    assert values[7, 1] == values[8, 1] == values[6, 1] and values[39, 1] == values[38, 1]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("interval", "opens", "expected"),
    [
        (
            "3m",
            "2025-07-20T12:00",
            {"ema20": 117968.757689, "macd": -22.299700, "rsi7": 30.936715, "rsi14": 37.460790},
        ),
        ("4h", "2025-07-20T08:00", {"atr3": 581.885922, "atr14": 1074.120100}),
    ],
)
def test_indicators_of_recorded_bars_are_those_of_an_independent_calculation(
    data_folder: Path, interval: str, opens: str, expected: dict[str, float]
) -> None:
    pandas = pytest.importorskip("pandas")
    bars = pandas.read_parquet(data_folder / "perpetuals/perps_bars_hyperliquid.parquet")
    bars = bars[(bars["symbol"] == "BTC") & (bars["interval"] == interval)]
    bars = bars.sort_values("timestamp")
    at = bars["timestamp"].searchsorted(pandas.Timestamp(opens, tz="UTC"))
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    found = {
        "ema20": ema(close, 20)[at],
        "macd": macd(close)[at],
        "rsi7": rsi(close, 7)[at],
        "rsi14": rsi(close, 14)[at],
        "atr3": atr(high, low, close, 3)[at],
        "atr14": atr(high, low, close, 14)[at],
    }
    assert {name: round(float(found[name]), 6) for name in expected} == expected

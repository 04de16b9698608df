"""The law of simulated perpetuals: what drives them, what they pay, and what no path gives away."""

import pickle
from dataclasses import replace
from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import MarketError
from investorbench_env.market.simulated import PerpetualDynamics, PerpetualLaw
from investorbench_env.market.simulated.bands import FRESH, HELD_OUT, NAMED, TRAIN, Origin
from investorbench_env.market.simulated.perpetual_bars import hourly_funding
from investorbench_env.market.simulated.perpetual_process import (
    draw_coin_shocks,
    draw_market_shocks,
    evolve_perpetual,
)
from investorbench_env.universes import find_universe

SIX = tuple(member.symbol for member in find_universe("Perpetuals-SIM").members)
SEEDS = range(70_000, 70_016)
"""Fixed before the first look; parameters were chosen on others."""


def law_of(
    symbols: tuple[str, ...] = SIX[:3],
    start: str = "2025-07-14",
    end: str = "2025-07-15",
    name: str = "some",
    **more: str | None,
) -> PerpetualLaw:
    return PerpetualLaw(name=name, symbols=symbols, start=start, end=end, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def long() -> PerpetualLaw:
    return law_of(SIX, end="2025-07-23")


@pytest.fixture(scope="module")
def returns(long: PerpetualLaw) -> npt.NDArray[np.float64]:
    """Log returns from close to close [N, T − 1, A]."""
    numbers = long.numbers([(NAMED, seed) for seed in SEEDS])
    return np.diff(np.log(numbers.bars[..., 3]), axis=1)


# --- funding ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0.0, 0.0001 / 8),
        (0.0006, 0.0001 / 8),  # the last premium that interest makes up for
        (-0.0004, 0.0001 / 8),
        (0.001, 0.0005 / 8),
        (-0.001, -0.0005 / 8),
        (0.5, 0.04),
        (-0.5, -0.04),
    ],
)
def test_funding_is_an_eighth_of_the_premium_beyond_interest_and_capped(
    premium: float, rate: float
) -> None:
    assert hourly_funding(np.full(21, premium), 20).tolist() == [pytest.approx(rate, rel=1e-12)]


def test_each_hour_is_charged_for_its_mean_premium_and_no_later_bar() -> None:
    market = law_of().market((FRESH, 1))
    assert market.funding is not None and market.hidden_state is not None
    stamps = np.flatnonzero(~np.isnan(market.funding).any(axis=1))
    assert stamps.tolist() == list(range(20, 960, 20))  # none before the first hour
    opens = market.times[stamps] - np.timedelta64(3, "m")
    assert (opens == opens.astype("datetime64[h]")).all()
    for stamp in (20, 500, 940):
        for coin, premium in enumerate(market.hidden_state["premium"][stamp - 20 : stamp].T):
            mean = float(sum(premium)) / 20
            rate = (mean + min(max(0.0001 - mean, -0.0005), 0.0005)) / 8
            assert market.funding[stamp, coin] == pytest.approx(rate, rel=1e-9)


def test_funding_is_charged_on_the_price_without_the_premium() -> None:
    market = law_of().market((FRESH, 1))
    assert market.oracle is not None and market.hidden_state is not None
    stamps = range(20, 960, 20)
    assert np.isnan(market.oracle[[0, *(stamp + 1 for stamp in stamps)]]).all()
    before = market.hidden_state["premium"][[stamp - 1 for stamp in stamps]]
    expected = market.bars[stamps, :, 0] / np.exp(before)
    np.testing.assert_allclose(market.oracle[stamps], expected, rtol=5e-5)  # half a tick


# --- bars -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "context"), [("3m", "4h"), ("1m", "15m"), ("15m", "1d")])
def test_bars_of_the_context_are_those_within_them(interval: str, context: str) -> None:
    market = law_of(interval=interval, context=context).market((FRESH, 2))
    other = market.intervals[context]
    length = other.times[1] - other.times[0]
    for place, end in enumerate(other.times):
        inside = (market.times <= end) & (market.times > end - length)
        bars = market.bars[inside]
        for coin in range(len(market.symbols)):
            opens, high, low, close, volume = bars[:, coin].T
            expected = [opens[0], max(high), min(low), close[-1], sum(volume)]
            assert other.bars[place, coin].tolist() == expected
    assert other.times[-1] == market.times[-1]


def test_there_may_be_no_context() -> None:
    market = law_of(context=None).market((FRESH, 2))
    assert not market.intervals and np.array_equal(market.bars, law_of().market((FRESH, 2)).bars)


def test_prices_stand_on_ticks_of_five_figures_and_in_order() -> None:
    market = law_of(SIX).market((FRESH, 3))
    opens, high, low, close, volume = np.moveaxis(market.bars, -1, 0)
    assert (low <= np.minimum(opens, close)).all() and (high >= np.maximum(opens, close)).all()
    for coin, decimals in enumerate((0, 1, 2, 4, 5, 2)):
        prices = market.bars[:, coin, :4]
        assert np.array_equal(prices, np.round(prices, decimals))
        assert not np.array_equal(prices, np.round(prices, decimals - 1))
    assert (volume == np.rint(volume)).all() and (volume > 0).all()


# --- what drives them --------------------------------------------------------------------------


def test_a_path_is_the_recursion_of_the_model_bar_by_bar() -> None:
    d = PerpetualDynamics(jump_rate=0.9, market_jump_rate=0.7, open_share=0.2, trend_strength=0.4)
    origins = [Origin("a", name, FRESH, 5) for name in ("market", "coin")]
    market = draw_market_shocks(origins[:1], 200)
    own = draw_coin_shocks(origins[1:], 200)
    sigma, hours = 0.002, 0.05
    path = evolve_perpetual(d, sigma, hours, market, own)
    of_market = {name: values[0].tolist() for name, values in market.items()}
    of_coin = {name: values[0].tolist() for name, values in own.items()}

    def shock(name: str, t: int) -> float:
        share = getattr(d, f"{name}_share")
        return sqrt(share) * of_market[name][t] + sqrt(1 - share) * of_coin[name][t]

    state = {name: shock(name, 0) for name in ("trend", "volatility", "premium")}
    spot, drift, volatility = 0.0, 0.0, sigma
    premium = path.premium[0, 0]
    size = d.jump_size * sigma / sqrt(hours)
    for t in range(200):
        jump = 0.0
        for shocks, rate in (
            (of_coin, d.jump_rate * hours),
            (of_market, d.market_jump_rate * hours),
        ):
            jump += size * shocks["jump"][t] if shocks["jump_time"][t] < rate else 0.0
            jump -= log(1 + rate * (exp(size**2 / 2) - 1))
        at_open = volatility * sqrt(d.open_share)
        spot += jump + at_open * of_coin["open"][t] - at_open**2 / 2
        assert path.spot_open[0, t] == pytest.approx(spot, abs=1e-12)
        assert path.open[0, t] == pytest.approx(spot + premium, abs=1e-12)
        opened = spot + premium
        within = volatility * sqrt(1 - d.open_share)
        spot += drift + within * shock("price", t) - within**2 / 2
        if t:
            for name in state:
                keep = exp(-hours / getattr(d, f"{name}_hours"))
                state[name] = keep * state[name] + sqrt(1 - keep**2) * shock(name, t)
        premium = d.premium_mean + d.premium_spread * (
            sqrt(d.crowding) * state["trend"] + sqrt(1 - d.crowding) * state["premium"]
        )
        drift = d.trend_strength * sigma * sqrt(hours) * state["trend"]
        s = d.volatility_spread
        volatility = sigma * exp(s * state["volatility"] - s**2)
        assert path.premium[0, t] == pytest.approx(premium, abs=1e-12)
        assert path.volatility[0, t] == pytest.approx(volatility, rel=1e-12)
        assert path.intraday[0, t] == pytest.approx(spot + premium - opened, abs=1e-12)


def test_returns_are_on_average_those_that_the_hidden_state_expects(long: PerpetualLaw) -> None:
    strong = replace(
        long, dynamics=PerpetualDynamics(trend_strength=1.0, jump_rate=0.5, premium_spread=0.003)
    )
    coins = [paths for _, paths in strong.drawn([(NAMED, seed) for seed in SEEDS[:8]])]
    close = np.stack([paths.open + paths.intraday for paths in coins], axis=1)
    gained = np.expm1(np.diff(close))
    expected = np.expm1(np.stack([paths.expected[:, :-1] for paths in coins], axis=1))
    surprise = gained - expected
    by_seed = surprise.mean(axis=(1, 2))
    assert abs(by_seed.mean()) < 3.5 * by_seed.std(ddof=1) / np.sqrt(len(by_seed))
    # And where a rise is expected no more and no less than where a fall is.
    sides = (surprise * np.sign(expected)).mean(axis=(1, 2))
    assert abs(sides.mean()) < 3.5 * sides.std(ddof=1) / np.sqrt(len(sides))
    worth = (gained * np.sign(expected)).mean(axis=(1, 2))
    assert worth.mean() > 10 * worth.std(ddof=1) / np.sqrt(len(worth))


STYLISED = {
    "correlation": (0.61, 0.74),
    "kurtosis": (2.7, 6.3),
    "sizes after one bar": (0.142, 0.225),
    "sizes after twenty": (0.097, 0.169),
}
"""Least and most of six real coins in bars of three minutes from 2025-07-14 to 07-26."""
FUNDING = {
    "interest alone": (0.43, 0.64),
    "deviation": (1.66e-5, 6.5e-5),
    "next hour": (0.82, 0.92),
}
"""The same of hourly funding rates, each year of 2024 and 2025 by itself."""


def stylised(returns: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """What is known of returns [T, A], by coin or by pair of coins."""
    size = np.abs(returns)
    centred = returns - returns.mean(axis=0)
    return {
        "correlation": np.corrcoef(returns.T)[np.triu_indices(returns.shape[1], 1)],
        "kurtosis": (centred**4).mean(axis=0) / (centred**2).mean(axis=0) ** 2 - 3,
        "sizes after one bar": following(size, 1),
        "sizes after twenty": following(size, 20),
    }


def following(values: npt.NDArray[np.float64], lag: int) -> npt.NDArray[np.float64]:
    """The autocorrelation of each column [T, A]."""
    centred = values - values.mean(axis=0)
    return np.asarray((centred[lag:] * centred[:-lag]).mean(axis=0) / (centred**2).mean(axis=0))


def about_funding(rates: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """The same of hourly funding rates [T, A]."""
    return {
        "interest alone": (np.abs(rates - 0.0001 / 8) < 1e-9).mean(axis=0),
        "deviation": rates.std(axis=0),
        "next hour": following(rates, 1),
    }


def test_coins_move_as_real_ones_do(returns: npt.NDArray[np.float64]) -> None:
    found = [stylised(path) for path in returns]
    for name, (low, high) in STYLISED.items():
        assert low < np.median([each[name] for each in found]) < high, name


def test_funding_is_as_real_funding_is(long: PerpetualLaw) -> None:
    funding = long.numbers([(NAMED, seed) for seed in SEEDS[:8]]).funding
    assert funding is not None
    found = [about_funding(path[20::20]) for path in funding]
    for name, (low, high) in FUNDING.items():
        assert low < np.median([each[name] for each in found]) < high, name


@pytest.mark.real_data
def test_what_real_coins_do_is_what_their_candles_show(data_folder: Path) -> None:
    pandas = pytest.importorskip("pandas")
    folder = data_folder / "perpetuals"
    bars = pandas.read_parquet(folder / "perps_bars_hyperliquid.parquet")
    closes = bars[bars["interval"] == "3m"].pivot_table(
        index="timestamp", columns="symbol", values="close", observed=True
    )
    shown = stylised(np.diff(np.log(closes.dropna().to_numpy()), axis=0))
    assert_ends(shown, STYLISED)
    rates = pandas.read_parquet(folder / "perps_funding_rates.parquet")
    rates = rates[(rates["venue"] == "hyperliquid") & rates["symbol"].isin(closes.columns)]
    years = rates.pivot_table(
        index="timestamp", columns="symbol", values="funding_rate", observed=True
    )
    each = [about_funding(years.loc[year].dropna().to_numpy()) for year in ("2024", "2025")]
    assert_ends({name: np.concatenate([one[name] for one in each]) for name in FUNDING}, FUNDING)


def assert_ends(
    found: dict[str, npt.NDArray[np.float64]], expected: dict[str, tuple[float, float]]
) -> None:
    for name, ends in expected.items():
        shown = found[name].min(), found[name].max()
        assert shown == pytest.approx(ends, rel=0.015), name


def test_each_coin_is_as_volatile_as_it_is_said_to_be(returns: npt.NDArray[np.float64]) -> None:
    annual = returns.std(axis=(0, 1)) * np.sqrt(365 * 480)
    # Jumps and trends come on top.
    np.testing.assert_allclose(
        annual, 1.03 * np.array([0.5, 0.75, 0.9, 1.0, 1.15, 0.55]), rtol=0.08
    )


# --- paths -------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(
    symbols=st.lists(st.sampled_from([*SIX, "ACME"]), min_size=1, max_size=3, unique=True),
    interval=st.sampled_from(["3m", "5m", "1h"]),
    seeds=st.lists(st.integers(0, 2**130), min_size=1, max_size=10, unique=True),
)
def test_numbers_are_those_of_the_markets_to_the_bit(
    symbols: list[str], interval: str, seeds: list[int]
) -> None:
    law = law_of(tuple(symbols), end="2025-07-14", interval=interval)
    numbers = law.numbers([(FRESH, seed) for seed in seeds])
    for path, seed in enumerate(seeds):
        market = law.market((FRESH, seed))
        assert np.array_equal(numbers.bars[path], market.bars)
        for name in ("funding", "oracle"):
            one, other = getattr(numbers, name)[path], getattr(market, name)
            assert np.array_equal(one, other, equal_nan=True)


def test_a_longer_simulation_begins_with_the_shorter_one() -> None:
    short, long = law_of().market((FRESH, 3)), law_of(end="2025-07-18").market((FRESH, 3))
    length = len(short.times)
    for name in ("bars", "funding", "oracle"):
        one, other = getattr(short, name), getattr(long, name)[:length]
        assert np.array_equal(one, other, equal_nan=True), name
    assert short.hidden_state is not None and long.hidden_state is not None
    for name, values in short.hidden_state.items():
        assert np.array_equal(values, long.hidden_state[name][:length]), name
    context = short.intervals["4h"].bars
    assert np.array_equal(context, long.intervals["4h"].bars[: len(context)])


def test_bands_sets_and_lengths_of_bars_share_no_path() -> None:
    laws = law_of(), law_of(name="other"), law_of(interval="1h")
    paths = [law_of().market((band, 3)).bars[:20, 0, 3] for band in (FRESH, TRAIN, HELD_OUT)]
    paths += [law.market((FRESH, 3)).bars[:20, 0, 3] for law in laws[1:]]
    assert len({path.tobytes() for path in paths}) == len(paths)
    assert len({law.fingerprint for law in laws}) == len(laws)


def test_paths_are_recorded_alike_and_lead_to_no_seed() -> None:
    first, second = (law_of().market((FRESH, seed)) for seed in (123_456_789, 987_654_321))
    assert first.fingerprint == second.fingerprint == law_of().fingerprint
    assert first.intervals["4h"].fingerprint == second.intervals["4h"].fingerprint
    assert b"123456789" not in pickle.dumps(first) and first.simulated


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"symbols": ()}, "no coin"),
        ({"end": "2025-07-01"}, "no day"),
        ({"interval": "7m"}, "do not divide an hour"),
        ({"context": "5h"}, "or those a day"),
        ({"interval": "5m", "context": "12m"}, "bars of 5m"),
        ({"interval": "three"}, "no length of a bar"),
    ],
)
def test_a_law_of_nothing_or_of_bars_that_do_not_fit_is_refused(
    changed: dict[str, str], message: str
) -> None:
    with pytest.raises(MarketError, match=message):
        replace(law_of(), **changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"price_share": 1.1},
        {"trend_hours": 0.0},
        {"jump_size": -1.0},
        {"crowding": np.nan},
        {"jump_rate": 2.0},
    ],
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(MarketError, match=next(iter(changed))):
        PerpetualDynamics(**changed)

"""Candles and funding rates from files: as they are meant, or refused with what would mend them."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    DataWarning,
    InvestorBenchError,
    MarketError,
)
from investorbench_env.market import library
from investorbench_env.market.files.checking import check
from investorbench_env.market.library import find_data, find_market, find_perpetuals
from investorbench_env.market.market import CLOSE, VOLUME

START = pd.Timestamp("2025-01-01 22:00", tz="UTC")
NAN = float("nan")


def candles(
    length: int = 60, interval: str = "3m", start: pd.Timestamp = START, **more: Any
) -> pd.DataFrame:
    """Bars that rise by one a bar, with the hourly rate on those that open at a stamp."""
    step = pd.Timedelta(interval.replace("m", "min"))
    at = pd.date_range(start, periods=length, freq=step)
    close = 100.0 + np.arange(length)
    stamp = (at.minute == 0) & (at.second == 0)
    return pd.DataFrame(
        {
            "timestamp": at, "symbol": "BTC", "interval": interval, "open": close - 1,
            "high": close + 1, "low": close - 2, "close": close, "volume": 5.0,
            "funding_rate": np.where(stamp, 1e-5 * at.hour, NAN), **more,
        }
    )  # fmt: skip


def rates(hours: int, length: int = 9, **more: Any) -> pd.DataFrame:
    at = pd.date_range(START.floor("D"), periods=length, freq=pd.Timedelta(hours=hours))
    return pd.DataFrame(
        {"timestamp": at, "symbol": "BTC", "funding_rate": 1e-4, "period_h": hours, **more}
    )


def write(folder: Path, name: str, *parts: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    table = pd.concat(parts, ignore_index=True)
    path = folder / name
    table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    return path


def bare(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["funding_rate"])


def test_bars_of_several_lengths_are_one_market_with_the_rate_at_its_stamps(tmp_path: Path) -> None:
    four = candles(4, "4h", START.floor("4h") - pd.Timedelta("8h"))
    write(tmp_path, "bars.parquet", candles(), four)
    market = find_perpetuals(["BTC"], tmp_path, interval="3m", context=["4h"])

    assert (market.asset_class, market.interval, market.timezone) == ("perpetual", "3m", "UTC")
    assert market.times[0] == np.datetime64("2025-01-01T22:03")
    # The bar before midnight ends with the day that it is of.
    assert market.sessions[39:41].astype(str).tolist() == ["2025-01-01", "2025-01-02"]
    assert market.funding is not None
    held = np.flatnonzero(~np.isnan(market.funding[:, 0]))
    assert held.tolist() == [0, 20, 40]
    np.testing.assert_allclose(market.funding[held, 0], [22e-5, 23e-5, 0.0])
    assert market.intervals["4h"].times[0] == np.datetime64("2025-01-01T16:00")
    assert find_data("BTC", "perpetual", tmp_path).intervals.keys() == {"4h"}  # type: ignore[union-attr]


SPELLINGS = {
    "seconds": lambda t: t.assign(timestamp=[int(each.timestamp()) for each in t["timestamp"]]),
    "milliseconds under another name": lambda t: t.assign(
        timestamp=[int(each.timestamp() * 1000) for each in t["timestamp"]]
    ).rename(columns={"timestamp": "open_time"}),
    "names in capitals": lambda t: t.rename(columns=str.upper),
    "without their length": lambda t: t.drop(columns="interval"),
    "lengths in minutes": lambda t: t.assign(interval="3min"),
    "the venue's symbol": lambda t: t.assign(symbol="BTCUSDT"),
    "times of another zone": lambda t: t.assign(
        timestamp=t["timestamp"].dt.tz_convert("Asia/Tokyo").astype(str)
    ),
    "no zone": lambda t: t.assign(timestamp=t["timestamp"].dt.tz_localize(None)),
    "a venue that is blank": lambda t: t.assign(venue=None),
    "lengths as words": lambda t: t.assign(interval="3 minutes"),
    "shuffled": lambda t: t.sample(frac=1.0, random_state=1),
    "given twice": lambda t: pd.concat([t, t.iloc[:5]]),
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_however_tools_write_them_the_bars_are_the_same(tmp_path: Path, spelt: Any) -> None:
    write(tmp_path / "one", "BTC.csv", candles())
    write(tmp_path / "other", "BTC.csv", spelt(candles()))
    one, other = (find_perpetuals(["BTC"], tmp_path / name) for name in ("one", "other"))
    assert one.fingerprint == other.fingerprint


def of_hyperliquid(t: pd.DataFrame) -> pd.DataFrame:
    """As its interface sends candles: opened, closed, coin, length, prices as texts."""
    at = [int(each.timestamp() * 1000) for each in t["timestamp"]]
    short = {"t": at, "T": [each + 179_999 for each in at], "s": "BTC", "i": t["interval"]}
    return pd.DataFrame(short | {name[0]: t[name].astype(str) for name in PRICES} | {"n": 7})


def of_binance(t: pd.DataFrame) -> pd.DataFrame:
    """As its files have candles."""
    at = [int(each.timestamp() * 1000) for each in t["timestamp"]]
    prices = {name: t[name] for name in PRICES}
    return pd.DataFrame({"open_time": at, **prices, "close_time": [each + 179_999 for each in at]})


PRICES = ("open", "high", "low", "close", "volume")
DUMPS = {
    "candles.csv": of_hyperliquid,
    "BTC.parquet": of_hyperliquid,
    "BTCUSDT-3m-2025-01.csv": of_binance,
    "BTCUSDT.parquet": of_binance,
}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(DUMPS)), order=st.randoms(), length=st.integers(2, 60))
def test_dumps_of_exchanges_are_read_in_any_order_of_their_columns(
    tmp_path: Path, name: str, order: Any, length: int
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    dump = DUMPS[name](candles(length))
    write(folder, name, dump[order.sample(list(dump), len(list(dump)))])
    write(folder / "one", "BTC.csv", bare(candles(length)))
    one, other = (find_perpetuals(["BTC"], place) for place in (folder / "one", folder / name))
    assert one.fingerprint == other.fingerprint


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["funding.csv", "BTCUSDT-fundingRate-2025-01.csv"]),
    unknown=st.sets(st.integers(1, 38), max_size=5),
)
def test_raw_rates_are_charged_and_a_stamp_without_one_is_said(
    tmp_path: Path, name: str, unknown: set[int]
) -> None:
    folder, plain = Path(tempfile.mkdtemp(dir=tmp_path)), rates(1, 40)
    at = [int(each.timestamp() * 1000) + 57 for each in plain["timestamp"]]
    given = [None if hour in unknown else "0.0000125" for hour in range(40)]
    raw = {"coin": "BTC", "time": at, "fundingRate": given, "premium": "0.0001"}
    vision = {"calc_time": at, "last_funding_rate": given}
    write(folder, name, pd.DataFrame(raw if name == "funding.csv" else vision))
    write(folder, "BTC.csv", bare(candles(700, start=plain["timestamp"][0])))
    market = find_perpetuals(["BTC"], folder)
    assert market.funding is not None
    silent = {each for each in unknown if each < 35}
    assert int((~np.isnan(market.funding)).sum()) == 35 - len(silent)
    assert any("without a rate" in finding for finding in market.findings) is bool(silent)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left_out=st.sets(st.integers(1, 18), max_size=8),
    spans=st.lists(st.tuples(st.integers(0, 6), st.integers(14, 20)), min_size=2, max_size=2),
)
def test_a_market_has_the_bars_of_all_coins_and_invents_none(
    tmp_path: Path, left_out: set[int], spans: list[tuple[int, int]]
) -> None:
    parts = [
        candles(20).drop(index=list(left_out) if name == "B" else []).loc[first:last]
        .assign(symbol=name)
        for name, (first, last) in zip("AB", spans, strict=True)
    ]  # fmt: skip
    path = write(tmp_path, "bars.parquet", *parts)
    market = find_perpetuals(["A", "B"], path, interval="3m", data_tolerance=1.0)

    first, last = max(p.index[0] for p in parts), min(p.index[-1] for p in parts)
    known = [part["close"].reindex(range(first, last + 1)).to_numpy() for part in parts]
    np.testing.assert_array_equal(market.bars[..., CLOSE], np.stack(known, axis=1))
    assert market.outages.tolist() == np.isnan(np.stack(known, axis=1)).tolist()
    path.unlink()


def test_a_bar_without_a_trade_is_an_outage_and_one_that_only_stands_still_is_none(
    tmp_path: Path,
) -> None:
    table = candles(21)
    still = table["close"].iloc[4]
    table.loc[[4, 5], ["open", "high", "low", "close"]] = still
    table.loc[4, "volume"] = 0.0
    table.loc[7, "volume"] = 0.0  # moved all the same: its volume is wrong
    write(tmp_path, "bars.parquet", table.drop(index=9))
    market = find_perpetuals(["BTC"], tmp_path, interval="3m", data_tolerance=0.1)

    assert np.flatnonzero(market.outages[:, 0]).tolist() == [4, 9]
    np.testing.assert_array_equal(market.until(5).outages[:, 0], [0, 0, 0, 0, 1, 0])
    assert any("1 bar of 3m without a trade" in each for each in market.findings)
    assert any("1 bar of 3m missing" in each for each in market.findings)
    assert market.bars[4, 0, VOLUME] == 0


def test_rates_of_eight_hours_are_refused_where_a_venue_charges_each_hour(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", bare(candles()))
    write(tmp_path, "funding.csv", rates(8))
    with pytest.raises(CorruptDataError, match=r"charges funding every 1 h.*funding.csv every 8 h"):
        find_perpetuals(["BTC"], tmp_path, interval="3m")
    market = find_perpetuals(["BTC"], tmp_path, interval="3m", venue="binance", funding_hours=8)
    assert market.funding is not None
    assert np.flatnonzero(~np.isnan(market.funding[:, 0])).tolist() == [40]


def test_rates_beside_candles_are_held_to_their_stamps_too(tmp_path: Path) -> None:
    table = candles(20 * 24)
    table["funding_rate"] = table["funding_rate"].where(table["timestamp"].dt.hour % 8 == 0)
    write(tmp_path, "bars.parquet", table)
    with pytest.raises(CorruptDataError, match="every 8 h"):
        find_perpetuals(["BTC"], tmp_path, interval="3m")


OFF_STAMP: dict[str, tuple[Any, str]] = {
    "half an hour late": (
        lambda t: t.assign(timestamp=t["timestamp"] + pd.Timedelta("30min")),
        "a funding rate of 2025-01-01T00:30:00, and hyperliquid charges every 1 h from midnight",
    ),
    "eight hours apart, called one": (
        lambda t: t[::8].assign(period_h=1),
        r"funding.parquet every 8 h",
    ),
    "eight hours apart, not called so": (
        lambda t: t[::8].drop(columns="period_h"),
        r"funding.parquet every 8 h",
    ),
    "in percent": (
        lambda t: t.assign(funding_rate=1.25),
        r"row 1: a funding rate of 1.25 is none between -1 and 1",
    ),
    "twice": (
        lambda t: pd.concat([t, t.assign(funding_rate=2e-4)]),
        "a second funding rate of 2025-01-01 00:00:00 contradicts the first",
    ),
}


@pytest.mark.parametrize(("change", "message"), OFF_STAMP.values(), ids=OFF_STAMP.keys())
def test_rates_that_are_not_of_the_stamps_are_refused(
    tmp_path: Path, change: Any, message: str
) -> None:
    write(tmp_path, "bars.parquet", bare(candles()))
    write(tmp_path, "funding.parquet", change(rates(1, 40)))
    with pytest.raises(CorruptDataError, match=message):
        find_perpetuals(["BTC"], tmp_path, interval="3m")


def test_of_two_venues_the_one_that_is_asked_for_is_read_and_never_a_mixture(
    tmp_path: Path,
) -> None:
    theirs = candles(venue="binance").assign(close=500.0, high=501.0)
    write(tmp_path, "bars.parquet", bare(candles(venue="hyperliquid")), bare(theirs))
    write(tmp_path, "funding.parquet", rates(8, venue="binance"), rates(1, 40, venue="hyperliquid"))
    own = find_perpetuals(["BTC"], tmp_path, interval="3m")
    other = find_perpetuals(["BTC"], tmp_path, interval="3m", venue="binance", funding_hours=8)

    assert (own.bars[:, 0, CLOSE] < 500).all() and (other.bars[:, 0, CLOSE] == 500).all()
    assert own.funding is not None and other.funding is not None
    assert (~np.isnan(own.funding)).sum() == 3 and (~np.isnan(other.funding)).sum() == 1
    assert own.source == "bars.parquet (hyperliquid), funding.parquet (hyperliquid)"
    third = find_perpetuals(["BTC"], tmp_path, interval="3m", venue="drift")
    assert any("funding rates from funding.parquet (hyperliquid), not of drift" in each
               for each in third.findings)  # fmt: skip


def test_a_rate_some_milliseconds_after_its_stamp_is_of_it_and_its_price_is_kept(
    tmp_path: Path,
) -> None:
    late = rates(1, 40, oracle=250.5)
    write(tmp_path, "bars.parquet", bare(candles()))
    late["timestamp"] += pd.Timedelta(milliseconds=137)
    write(tmp_path, "funding.parquet", late)
    market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    assert market.oracle is not None
    assert market.oracle[[0, 20, 40], 0].tolist() == [250.5] * 3
    assert np.isnan(market.oracle[1:20]).all()


def test_marks_beside_the_candles_are_the_markets(tmp_path: Path) -> None:
    table = candles()
    marks = {f"mark_{name}": table[name] * 1.01 for name in ("open", "high", "low", "close")}
    write(tmp_path, "bars.parquet", table.assign(**marks))
    market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    assert market.marks is not None
    np.testing.assert_array_equal(market.marks, market.bars[..., :4] * 1.01)


def test_without_any_rate_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", bare(candles()))
    market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    assert market.funding is None
    assert market.findings == ("BTC: no funding rates: no funding is charged",)


BAD: dict[str, tuple[Any, str]] = {
    "ends in the place of opens": (
        lambda t: t.assign(timestamp=t["timestamp"] + pd.Timedelta("2min 59.999s")),
        r"row 1: a bar of 3m opens at 2025-01-01T22:02:59.999, which is no multiple",
    ),
    "two bars that contradict": (
        lambda t: pd.concat([t, t.iloc[[3]].assign(close=104.0)]),
        r"a second bar of 2025-01-01 22:09 contradicts the first",
    ),
    "high below low": (
        lambda t: t.assign(high=np.where(t.index == 2, 1.0, t["high"])),
        r"row 3: high 1 is below low 100 on 2025-01-01 22:06",
    ),
    "times of day left out": (
        lambda t: t.assign(timestamp=t["timestamp"].dt.normalize()),
        "a second bar of 2025-01-01 contradicts the first",
    ),
    "lengths in other words": (
        lambda t: t.assign(interval="MINUTE_3"),
        "interval 'MINUTE_3' is no length of a bar; write 3m, 1h or 1d",
    ),
    "closes alone": (lambda t: t.drop(columns=["open", "high", "low"]), "candles need open, high"),
    "a hole": (lambda t: t.drop(index=range(5, 20)), r"15 bars of 3m missing; that is 25.0%"),
    "a rate in percent": (
        lambda t: t.assign(funding_rate=t["funding_rate"] * 1e5 + 1.25),
        "funding must be a rate between -1 and 1",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_right_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    write(tmp_path, "bars.parquet", change(candles()))
    with pytest.raises((CorruptDataError, MarketError), match=message):
        find_perpetuals(["BTC"], tmp_path, interval="3m")


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", candles(), candles(30, "1h"))
    with pytest.raises(DataNotFoundError, match=r"no candles of 3m, 4h for BTC.*3m, 1h"):
        find_perpetuals(["BTC"], tmp_path, interval="3m", context=["4h"])
    with pytest.raises(
        DataNotFoundError, match=r"no candles of ETH in .*intraday bars.*of BTC.*fetch"
    ):
        find_perpetuals(["BTC", "ETH"], tmp_path)
    write(tmp_path / "long", "bars.parquet", candles(30, "2h"))
    with pytest.raises(MarketError, match="bars of 2h do not meet"):
        find_perpetuals(["BTC"], tmp_path / "long", interval="2h")
    write(tmp_path / "apart", "bars.parquet", candles(),
          candles(start=START + pd.Timedelta("9D"), symbol="ETH"))  # fmt: skip
    with pytest.raises(MarketError, match="no time has bars of 3m of all: BTC"):
        find_perpetuals(["BTC", "ETH"], tmp_path / "apart")
    with pytest.raises(InvestorBenchError, match="give data= a folder, a file or a Market"):
        find_perpetuals(["BTC"], candles())  # type: ignore[arg-type]


def test_a_market_that_is_given_or_saved_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    write(tmp_path / "files", "bars.parquet", candles(), candles(90, "1h"))
    market = find_perpetuals(["BTC"], tmp_path / "files", interval="3m", context=["1h"])
    library.save(market, tmp_path / "saved")
    back = find_perpetuals(["BTC"], tmp_path / "saved", interval="3m", context=["1h"])
    assert back.fingerprint == market.fingerprint and list(back.intervals) == ["1h"]
    assert find_perpetuals(["BTC"], market, context=["1h"]) is market
    with pytest.raises(MarketError, match="no bars of context='4h'"):
        find_perpetuals(["BTC"], market, context=["4h"])
    with pytest.raises(MarketError, match="has bars of '3m', not interval='5m'"):
        find_perpetuals(["BTC"], market, interval="5m")
    # A coin is not a perpetual of it: what was saved of one is no market of the other.
    write(tmp_path / "saved", "BTC.csv", pd.DataFrame({"date": ["2025-01-01"], "close": [9.0]}))
    assert find_market("BTC", "crypto", tmp_path / "saved").bars[0, 0, CLOSE] == 9.0


def test_a_check_names_what_is_odd_in_candles_and_rates(tmp_path: Path) -> None:
    table = candles()
    table.loc[8, "high"] = 1.0
    write(tmp_path, "bars.parquet", table, candles(9, "1h").drop(index=3))
    write(tmp_path, "funding.csv", rates(1).drop(index=4))
    found = [(each.severity, each.text) for each in check(tmp_path)]
    assert ("error", "row 9: high 1 is below low 106 on 2025-01-01 22:24") in found
    assert ("warning", "1 bar of 1h missing") in found
    assert ("warning", "funding.csv: 1 pause other than 1 h") in found
    assert ("note", "bars of 3m, 1h: read for perpetuals alone") in found


def test_a_check_expects_no_nights_of_markets_that_close(tmp_path: Path) -> None:
    opens = pd.Timestamp("2025-01-02 14:30", tz="UTC")
    write(tmp_path, "bars.csv", candles(interval="60m", start=opens, symbol="TSLA").drop(index=[7]))
    (found,) = check(tmp_path)
    assert (found.severity, found.text) == ("note", "bars of 1h: read for perpetuals alone")


def test_a_news_file_may_mean_something_else_by_a_name(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", candles())
    news = {"timestamp": ["2025-01-01T23:00:00Z"], "symbol": ["BTC"], "headline": ["up"]}
    write(tmp_path, "news.csv", pd.DataFrame({**news, "oracle": ["of Delphi"]}))
    market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    assert [row.title for row in market.documents] == ["up"]
    assert market.source == "bars.parquet, news.csv"


def test_a_description_says_what_was_charged(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", candles(61, funding_rate=NAN))
    write(tmp_path, "funding.parquet", rates(1, 40))
    market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    said = dict(library.describe(market))
    assert said["funding"] == "4 rates of +0.01000 % in the mean, charged on the open"
    assert "dividends" not in said


def test_a_file_that_cannot_be_read_is_an_error_where_it_is_of_the_coin(tmp_path: Path) -> None:
    write(tmp_path, "bars.parquet", candles())
    (tmp_path / "notes.parquet").write_bytes(b"no parquet")
    with pytest.warns(DataWarning, match=r"passed over, .*notes.parquet"):
        market = find_perpetuals(["BTC"], tmp_path, interval="3m")
    assert len(market.times) == 60
    (tmp_path / "btc_more.parquet").write_bytes(b"no parquet")
    with pytest.raises(CorruptDataError, match=r"btc_more.parquet"):
        find_perpetuals(["ETH", "BTC"], tmp_path, interval="3m")


def test_of_coins_that_are_nowhere_the_one_command_that_fetches_them_is_said(
    tmp_path: Path,
) -> None:
    command = "investorbench data fetch perpetual/btc perpetual/eth"
    for data in ("real", tmp_path):
        with pytest.raises(DataNotFoundError, match=command):
            find_perpetuals(["BTC", "ETH"], data)

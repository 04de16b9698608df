"""Real data: figures that are published elsewhere come out, quickly."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from investorbench_env.market.files.assemble import assemble
from investorbench_env.market.files.checking import check
from investorbench_env.market.files.corporate_actions import on_whole_cents
from investorbench_env.market.library import find_market
from investorbench_env.market.market import CLOSE, Market

REPOSITORY = Path(__file__).resolve().parents[2]
TEST = ("2020-10-01", "2021-05-06")


def close(market: Market, day: str) -> float:
    return float(market.bars[list(market.sessions.astype(str)).index(day), 0, CLOSE])


@pytest.mark.parametrize(
    ("symbol", "day", "printed"),
    [
        ("AAPL", "2020-08-28", 499.23),
        ("AAPL", "2020-08-31", 129.04),
        ("TSLA", "2020-08-28", 2213.40),
        ("TSLA", "2020-08-31", 498.32),
    ],
)
def test_closes_are_as_they_were_printed_on_the_day(
    data_folder: Path, symbol: str, day: str, printed: float
) -> None:
    assert close(find_market(symbol, "stock", data_folder), day) == pytest.approx(printed, abs=5e-3)


SPLIT = ["AAPL", "AMZN", "GOOGL", "HON", "IBM", "KO", "MA", "MRK", "NFLX", "NKE", "NVDA", "PFE"]


@pytest.mark.parametrize(
    "symbol", [*SPLIT, "V", "WMT", "SHW", "CRM", "MSFT", "JNJ", "UVV", "TSLA", "NIO", "META"]
)
def test_every_close_as_traded_is_in_whole_cents(data_folder: Path, symbol: str) -> None:
    # An exchange trades in cents, so a wrong split ratio or date would show.
    assert on_whole_cents(find_market(symbol, "stock", data_folder).bars[:, 0, CLOSE]) > 0.995


@pytest.mark.parametrize(
    "symbol", ["SPY", "QQQ", "DIA", "GLD", "TLT", "IWM", "EEM", "SLV", "USO", "XLE"]
)
def test_every_close_of_a_fund_is_in_whole_cents_too(data_folder: Path, symbol: str) -> None:
    assert on_whole_cents(find_market(symbol, "etf", data_folder).bars[:, 0, CLOSE]) > 0.995


def growth(market: Market, vendors_way: bool) -> tuple[float, float]:
    """Total growth over the test window from closes, splits, dividends, and from adj_close."""
    steps = slice(market.span(*TEST).start, market.span(*TEST).stop)
    price, cash = market.bars[steps, 0, CLOSE], market.dividends[steps, 0][1:]
    ratio, adjusted = market.share_splits[steps, 0][1:], market.adjusted_close[steps, 0]
    if vendors_way:
        returns = ratio * price[1:] / (price[:-1] - ratio * cash)
    else:
        returns = ratio * (price[1:] + cash) / price[:-1]
    return float(np.prod(returns)), float(adjusted[-1] / adjusted[0])


@pytest.mark.parametrize("symbol", ["MSFT", "AAPL", "TSLA", "HON", "JNJ", "UVV", "NIO"])
def test_closes_splits_and_dividends_make_the_total_return(data_folder: Path, symbol: str) -> None:
    market = find_market(symbol, "stock", data_folder)
    # A vendor reinvests a dividend at the close before the ex-date; so do we here.
    ours, vendors = growth(market, vendors_way=True)
    assert ours == pytest.approx(vendors, rel=2e-6)
    # An account gets cash on the ex-date, which differs in the second order of the dividend.
    ours, vendors = growth(market, vendors_way=False)
    assert ours == pytest.approx(vendors, rel=1e-3 if symbol == "UVV" else 2e-4)


@pytest.mark.parametrize(
    ("symbol", "asset_class", "window", "printed"),
    [
        ("TSLA", "stock", TEST, 48.06),
        ("AAPL", "stock", TEST, 11.45),
        ("NIO", "stock", TEST, 68.57),
        ("MSFT", "stock", TEST, 18.12),
        ("HON", "stock", TEST, 40.98),
        ("SPY", "etf", ("2020-01-02", "2020-09-21"), 2.09),
    ],
)
def test_buy_and_hold_returns_are_the_known_ones(
    data_folder: Path, symbol: str, asset_class: str, window: tuple[str, str], printed: float
) -> None:
    market = find_market(symbol, asset_class, data_folder)
    days = market.span(*window)
    adjusted = market.adjusted_close[days.start : days.stop, 0]

    assert round(100 * (adjusted[-1] / adjusted[0] - 1), 2) == printed


def test_honeywell_and_apple_dividends_are_those_paid(data_folder: Path) -> None:
    apple = find_market("AAPL", "stock", data_folder)
    paid = {
        str(apple.sessions[t]): apple.dividends[t, 0] for t in apple.dividends[:, 0].nonzero()[0]
    }
    assert paid["2012-08-09"] == 2.65
    assert paid["2020-08-07"] == 0.82
    assert paid["2020-11-06"] == 0.205

    honeywell = find_market("HON", "stock", data_folder)
    days = list(honeywell.sessions.astype(str))
    assert honeywell.dividends[days.index("2021-02-25"), 0] == pytest.approx(0.93)


@pytest.mark.parametrize(
    ("symbol", "asset_class", "window", "year", "printed"),
    [
        ("MSFT", "stock", TEST, 252, ("17.00", "1.16")),
        ("HON", "stock", TEST, 252, ("29.83", "2.40")),
        ("BTC", "crypto", ("2023-04-05", "2023-11-05"), 365, ("30.88", "1.51")),
    ],
)
def test_the_sign_of_released_sentiment_gives_the_golden_row(
    data_folder: Path,
    symbol: str,
    asset_class: str,
    window: tuple[str, str],
    year: int,
    printed: tuple[str, str],
) -> None:
    path = data_folder / "investorbench" / f"{symbol.lower()}.json"
    market = find_market(symbol, asset_class, path)
    days = market.span(*window)
    price = market.adjusted_close[days.start : days.stop, 0]
    moods = [
        sum(
            (row.sentiment == "positive") - (row.sentiment == "negative")
            for row in market.until(t).documents(t - 1)
        )
        for t in days[:-1]
    ]
    returns = np.sign(moods) * np.diff(np.log(price))
    deviation = returns.std(ddof=1) * year**0.5
    ratio = returns.sum() / (len(price) / year) / deviation

    assert (f"{100 * returns.sum():.2f}", f"{ratio:.2f}") == printed


def test_no_text_of_bitcoin_is_shown_before_its_date_has_ended_everywhere(
    data_folder: Path,
) -> None:
    path = data_folder / "investorbench" / "btc.json"
    released = json.loads(path.read_text())
    market = find_market("BTC", "crypto", path)
    moved = 0
    for t in market.span("2023-04-05", "2023-11-05"):
        # At the end of a day, 24:00 UTC, the date before has ended everywhere since noon.
        day = str(market.sessions[t - 1])
        shown = [row.text for row in market.until(t).documents(t - 1)]
        assert shown == [
            re.sub(r"\s*\(sentiment:\s*\w+\)\s*$", "", item).strip()
            for item in released.get(day, {"news": []})["news"]
        ]
        moved += len(shown)
    print(f"{moved:,} texts of the test window moved to the next decision")
    assert moved > 1_000


def test_all_that_is_known_of_microsoft_comes_together(data_folder: Path) -> None:
    market = find_market("MSFT", "stock", data_folder)

    for name in ("prices_stocks_daily.parquet", "msft.json", "filings_text.parquet"):
        assert name in market.source
    kinds = {row.kind for row in market.documents}
    assert {"news", "10-K", "10-Q"} <= kinds
    assert not np.isnan(market.bars).any()


def test_bitcoin_is_spot_from_one_origin(data_folder: Path) -> None:
    market = find_market("BTC", "crypto", data_folder)

    assert "yahoo_spot" in market.source
    assert (np.diff(market.sessions) == np.timedelta64(1, "D")).all()


@pytest.mark.heavy
def test_nothing_real_is_wrong(data_folder: Path) -> None:
    assert [p for p in check(data_folder) if p.severity == "error"] == []


@pytest.mark.heavy
def test_one_symbol_loads_quickly_and_again_at_once(data_folder: Path) -> None:
    script = (
        "import sys, time; import pandas, exchange_calendars, pyarrow.parquet, pyarrow.dataset\n"
        "from investorbench_env.market.library import find_market\n"
        "began = time.process_time(); find_market('TSLA', 'stock', sys.argv[1])\n"
        "middle = time.process_time(); find_market('TSLA', 'stock', sys.argv[1])\n"
        "print(middle - began, time.process_time() - middle)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(data_folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    first, again = map(float, run.stdout.split())

    # Seconds of processor, which do not depend on what else runs; twice the half it takes.
    assert first < 1.5
    assert again < 0.005


@pytest.mark.parametrize("since", ["2012-01-01", "2018-06-01", "2021-01-01"])
@pytest.mark.parametrize("as_traded", [False, True])
@pytest.mark.parametrize("symbol", ["TSLA", "AMZN", "AAPL"])
def test_a_file_in_cents_pays_what_is_listed(
    data_folder: Path, symbol: str, as_traded: bool, since: str
) -> None:
    """Closes as vendors have them or as they were traded, beside adjusted ones, all in cents."""
    market = find_market(symbol, "stock", data_folder)
    days = market.sessions >= np.datetime64(since)
    close, cash = market.bars[days, 0, CLOSE], market.dividends[days, 0]
    later = np.append(np.cumprod(market.share_splits[days, 0][::-1])[::-1][1:], 1.0)
    rows = pd.DataFrame(
        {
            "date": market.sessions[days].astype("M8[ns]"),
            "close": (close if as_traded else close / later).round(2),
            "adj_close": market.adjusted_close[days, 0].round(2),
        }
    )
    inferred = assemble(symbol, "stock", rows, source="a test").dividends[:, 0]

    def yearly(paid: np.ndarray) -> float:
        return float((paid[1:] / close[:-1]).sum() * 252 / len(close))

    assert np.flatnonzero(inferred).tolist() == np.flatnonzero(cash).tolist()
    assert yearly(inferred) == pytest.approx(yearly(cash), abs=2e-5)


def test_no_share_pays_hundredths_of_a_cent(data_folder: Path) -> None:
    """As some did by the rounding of single precision."""
    for symbol in ("COST", "MA", "QCOM"):
        paid = find_market(symbol, "stock", data_folder).dividends[:, 0]
        assert paid[paid > 0].min() > 0.01

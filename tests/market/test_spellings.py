"""A daily market comes back the same from every spelling of its file, or the file is refused."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import CorruptDataError, DataNotFoundError
from investorbench_env.market.library import find_market

COLUMNS = ("open", "high", "low", "close", "volume")


def table(seed: int) -> pd.DataFrame:
    """Bars of 60 sessions across a change of clocks, prices in whole cents."""
    generator = np.random.default_rng(seed)
    start = ("2021-01-25", "2020-09-21", "2021-06-01")[generator.integers(3)]
    days = pd.bdate_range(start, periods=75)
    holidays = pd.to_datetime(["2021-02-15", "2021-04-02", "2020-11-26", "2021-07-05"])
    days = days[~days.isin(holidays) & (days < "2021-09-01")][:60]
    close = np.round(50 * np.exp(np.cumsum(generator.normal(0, 0.02, len(days)))), 2)
    open_ = np.round(close * (1 + generator.normal(0, 0.004, len(days))), 2)
    return pd.DataFrame(
        {
            "open": open_,
            "high": np.round(np.maximum(open_, close) * 1.01, 2),
            "low": np.round(np.minimum(open_, close) * 0.99, 2),
            "close": close,
            "volume": generator.integers(1_000, 9_000_000, len(days)).astype(float),
        },
        index=pd.DatetimeIndex(days, name="date"),
    )


def csv(frame: pd.DataFrame, dates: list[Any], separator: str = ",", name: str = "date") -> str:
    lines = [separator.join([name, *COLUMNS])]
    for date, row in zip(dates, frame.itertuples(index=False), strict=True):
        lines.append(separator.join([str(date), *(f"{value}" for value in row)]))
    return "\n".join(lines) + "\n"


def dated(form: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        (folder / "acme.csv").write_text(csv(frame, list(frame.index.strftime(form))))

    return write


def midnight(zone: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        (folder / "acme.csv").write_text(csv(frame, list(frame.index.tz_localize(zone))))

    return write


def midnight_in_utc(zone: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        moments = frame.index.tz_localize(zone).tz_convert("UTC")
        (folder / "acme.csv").write_text(csv(frame, list(moments.strftime("%Y-%m-%dT%H:%M:%SZ"))))

    return write


def epoch(unit: int, zone: str = "UTC") -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        moments = frame.index.tz_localize(zone).tz_convert("UTC").tz_localize(None)
        counts = moments.to_numpy().astype("datetime64[ns]").astype(np.int64) // 10 ** (9 - unit)
        (folder / "acme.csv").write_text(csv(frame, list(counts), name="timestamp"))

    return write


def at(time: str, zone: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        moments = (frame.index + pd.Timedelta(time)).tz_localize(zone).tz_convert("UTC")
        (folder / "acme.csv").write_text(csv(frame, list(moments.strftime("%Y-%m-%d %H:%M:%SZ"))))

    return write


def live(frame: pd.DataFrame, folder: Path) -> None:
    dates = [str(day.date()) for day in frame.index[:-1]]
    (folder / "acme.csv").write_text(csv(frame, [*dates, f"{frame.index[-1].date()}T20:00:04Z"]))


def parquet(index: Callable[[pd.DatetimeIndex], Any]) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        written = frame.copy()
        written.index = index(frame.index)
        written.to_parquet(folder / "acme.parquet")

    return write


def recoded(encode: Callable[[str], bytes], name: str = "acme.csv") -> Any:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        dates = [str(day.date()) for day in frame.index]
        (folder / name).write_bytes(encode(csv(frame, dates)))

    return write


def quoted(text: str) -> bytes:
    return "\n".join(f'"{line}"'.replace(",", '","') for line in text.splitlines()).encode()


def european(frame: pd.DataFrame, folder: Path) -> None:
    text = csv(frame, list(frame.index.strftime("%d.%m.%Y")), ";").replace(".0\n", "\n")
    lines = [line.split(";") for line in text.splitlines()]
    rows = [[row[0], *(cell.replace(".", ",") for cell in row[1:])] for row in lines[1:]]
    (folder / "acme.csv").write_text("\n".join(";".join(row) for row in [lines[0], *rows]))


def grouped(frame: pd.DataFrame, folder: Path) -> None:
    lines = ["Date,Close/Last,Volume,Open,High,Low"]
    lines += [
        f'{day:%m/%d/%Y},"${row.close:,.2f}","{row.volume:,.0f}","${row.open:,.2f}",'
        f'"${row.high:,.2f}","${row.low:,.2f}"'
        for day, row in zip(frame.index, frame.itertuples(index=False), strict=True)
    ]
    (folder / "acme.csv").write_text("\n".join(lines))


def kaggle(frame: pd.DataFrame, folder: Path) -> None:
    lines = ["date,open,high,low,close,volume,Name"]
    for symbol, times in (("AAL", 2), ("ACME", 1), ("BRK.B", 3)):
        text = csv(frame * times, [str(day.date()) for day in frame.index])
        lines += [f"{line},{symbol}" for line in text.splitlines()[1:]]
    (folder / "all_stocks_5yr.csv").write_text("\n".join(lines))


def investing(form: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        lines = ['"Date","Price","Open","High","Low","Vol.","Change %"']
        change = frame.close.pct_change()
        for day, row in frame[::-1].iterrows():
            volume = f"{row.volume / 1e6}M" if row.volume >= 1e6 else f"{row.volume / 1e3}K"
            prices = (row.close, row.open, row.high, row.low)
            cells = (f"{day:{form}}", *(f"{each:,.2f}" for each in prices), volume)
            lines.append(",".join(f'"{cell}"' for cell in (*cells, f"{change[day]:.2%}")))
        (folder / "ACME Historical Data.csv").write_text("\ufeff" + "\n".join(lines))

    return write


def yfinance(rows: int, kind: str) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, folder: Path) -> None:
        named = {"columns": ["Price", "Ticker"]} if rows == 3 else {"columns": [None, None]}
        wide = pd.concat({"ACME": frame, "MSFT": frame * 2}, axis=1).swaplevel(axis=1)
        wide.columns = wide.columns.set_levels(
            [
                level.str.capitalize() if n == 0 else level
                for n, level in enumerate(wide.columns.levels)
            ]
        )
        wide.columns.names = named["columns"]
        wide.index.name = "Date" if rows == 3 else None
        if kind == "csv":
            wide.to_csv(folder / "acme.csv")
        else:
            wide.to_parquet(folder / "acme.parquet")

    return write


SPELLINGS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "ISO": dated("%Y-%m-%d"),
    "slashes, year first": dated("%Y/%m/%d"),
    "points, year first": dated("%Y.%m.%d"),
    "compact": dated("%Y%m%d"),
    "compact, as a number with decimals": dated("%Y%m%d.0"),
    "day first": dated("%d/%m/%Y"),
    "day first, two digits": dated("%d/%m/%y"),
    "points, day first, two digits": dated("%d.%m.%y"),
    "year first, two digits": dated("%y-%m-%d"),
    "month first, two digits": dated("%m/%d/%y"),
    "month first": dated("%m/%d/%Y"),
    "points, day first": dated("%d.%m.%Y"),
    "name of the month": dated("%d-%b-%Y"),
    "name of the month, short year": dated("%d-%b-%y"),
    "American": dated("%b %d %Y"),
    "a midnight without a zone": dated("%Y-%m-%d %H:%M:%S"),
    "midnight UTC": midnight("UTC"),
    "midnight New York": midnight("America/New_York"),
    "midnight Berlin": midnight("Europe/Berlin"),
    "midnight Tokyo": midnight("Asia/Tokyo"),
    "midnight New York in UTC": midnight_in_utc("America/New_York"),
    "midnight London in UTC": midnight_in_utc("Europe/London"),
    "midnight Berlin in UTC": midnight_in_utc("Europe/Berlin"),
    "midnight Kolkata in UTC": midnight_in_utc("Asia/Kolkata"),
    "midnight all the year in UTC+1": midnight_in_utc("Etc/GMT-1"),
    "midnight all the year in UTC-5": midnight_in_utc("Etc/GMT+5"),
    "midnight Sydney in UTC": midnight_in_utc("Australia/Sydney"),
    "the close in UTC": at("16:00:00", "America/New_York"),
    "the open in UTC": at("09:30:00", "America/New_York"),
    "noon UTC": at("12:00:00", "UTC"),
    "seconds": epoch(0),
    "milliseconds": epoch(3),
    "microseconds": epoch(6),
    "nanoseconds": epoch(9),
    "seconds at midnight New York": epoch(0, "America/New_York"),
    "milliseconds at midnight Berlin": epoch(3, "Europe/Berlin"),
    "a last row that is live": live,
    "Parquet": parquet(lambda index: index),
    "Parquet, unnamed index": parquet(lambda index: index.rename(None)),
    "Parquet, New York": parquet(lambda index: index.tz_localize("America/New_York")),
    "Parquet, Berlin in UTC": parquet(
        lambda index: index.tz_localize("Europe/Berlin").tz_convert("UTC")
    ),
    "Parquet, dates": parquet(lambda index: pd.Index(index.date, name="date")),
    "Parquet, texts": parquet(lambda index: pd.Index(index.strftime("%d/%m/%Y"), name="date")),
    "Parquet, numbers": parquet(
        lambda index: pd.Index(index.strftime("%Y%m%d").astype(int), name="date")
    ),
    "semicolons": recoded(lambda text: text.replace(",", ";").encode()),
    "tabs": recoded(lambda text: text.replace(",", "\t").encode(), "acme.tsv"),
    "comments": recoded(lambda text: f"# prices\n\n{text}".encode()),
    "a spreadsheet's hint": recoded(lambda text: f"sep=;\n{text.replace(',', ';')}".encode()),
    "UTF-8 with a mark": recoded(lambda text: text.encode("utf-8-sig")),
    "UTF-16": recoded(lambda text: text.encode("utf-16")),
    "UTF-16 without a mark": recoded(lambda text: text.encode("utf-16-le")),
    "carriage returns": recoded(lambda text: text.replace("\n", "\r").encode()),
    "carriage returns and line feeds": recoded(lambda text: text.replace("\n", "\r\n").encode()),
    "quotes": recoded(quoted),
    "gzip": recoded(lambda text: gzip.compress(text.encode()), "acme.csv.gz"),
    "bzip2": recoded(lambda text: bz2.compress(text.encode()), "acme.csv.bz2"),
    "xz": recoded(lambda text: lzma.compress(text.encode()), "acme.csv.xz"),
    "European": european,
    "an exchange's site": grouped,
    "Kaggle": kaggle,
    "investing.com": investing("%b %d, %Y"),
    "investing.com, numbers": investing("%m/%d/%Y"),
    "yfinance, three rows": yfinance(3, "csv"),
    "yfinance, two rows": yfinance(2, "csv"),
    "yfinance, Parquet": yfinance(3, "parquet"),
}


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_market_is_read_back_from_every_spelling_or_refused(
    tmp_path: Path, spelling: str, seed: int
) -> None:
    frame = table(seed)
    SPELLINGS[spelling](frame, tmp_path)
    market = find_market("ACME", "stock", tmp_path)
    assert list(market.sessions) == list(frame.index.to_numpy().astype("datetime64[D]"))
    np.testing.assert_array_equal(market.bars[:, 0], frame[list(COLUMNS)].to_numpy())


@pytest.mark.long
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_few_rows_are_read_back_or_refused(tmp_path: Path, spelling: str, rows: int) -> None:
    generator = np.random.default_rng(rows)
    for part in range(3):
        start = int(generator.integers(60 - rows))
        frame = table(part).iloc[start : start + rows]
        folder = tmp_path / str(part)
        folder.mkdir()
        SPELLINGS[spelling](frame.copy(), folder)
        try:
            market = find_market("ACME", "stock", folder)
        except CorruptDataError:
            continue
        assert list(market.sessions) == list(frame.index.to_numpy().astype("datetime64[D]"))
        np.testing.assert_array_equal(market.bars[:, 0], frame[list(COLUMNS)].to_numpy())


@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_a_column_an_asset_is_read_where_it_is_said_to_be_of_closes(
    tmp_path: Path, kind: str
) -> None:
    wide = pd.DataFrame({"ACME": table(0).close, "BRK-B": 3 * table(0).close})
    wide.iloc[3, 1] = np.nan
    data: Any = wide
    if kind != "frame":
        data = tmp_path
        write = wide.to_parquet if kind == "parquet" else wide.to_csv
        write(tmp_path / f"volumes.{kind}")
        with pytest.raises(DataNotFoundError, match=r"a column an asset.*call it closes\.csv"):
            find_market("ACME", "stock", tmp_path)
        (tmp_path / f"volumes.{kind}").rename(tmp_path / f"sp500_closes.{kind}")
    for symbol in wide:
        market = find_market(symbol, "stock", data)
        np.testing.assert_array_equal(market.bars[:, 0, 3], wide[symbol])
        assert list(market.sessions) == list(wide.index.to_numpy().astype("datetime64[D]"))


def test_what_yfinance_adjusted_for_dividends_is_called_so(tmp_path: Path) -> None:
    adjusted = table(0)[["close", "high", "low", "open", "volume"]].rename(columns=str.capitalize)
    for written in (adjusted, adjusted.assign(**{"Adj Close": adjusted["Close"]})):
        written.to_csv(tmp_path / "acme.csv")
        market = find_market("ACME", "stock", tmp_path)
        said = any("yfinance adjusted these prices" in finding for finding in market.findings)
        assert said == (written is adjusted)


@pytest.mark.parametrize(
    "dates",
    [
        [f"{day:02}.01.21" for day in range(4, 9)],  # within a month it may be 2004, 2005, …
        [f"{day:02}-Jan-62" for day in range(2, 6)],  # 1962 or 2062
        [f"{year:02}.{month:02}.01" for year in range(1, 25) for month in range(1, 13)],
        [f"{year:02}.12.31" for year in range(5, 25)],
    ],
)
def test_years_of_two_digits_that_no_column_settles_are_refused(
    tmp_path: Path, dates: list[str]
) -> None:
    rows = "".join(f"{date},{10 + n / 10}\n" for n, date in enumerate(dates))
    (tmp_path / "acme.csv").write_text("date,close\n" + rows)
    with pytest.raises(CorruptDataError, match=r"acme\.csv.*(dates=|years of two digits)"):
        find_market("ACME", "stock", tmp_path)

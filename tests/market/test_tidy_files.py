"""Files are understood by their columns: kinds, names of columns, times, and what is corrupt."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import (
    CorruptDataError,
    InvestorBenchError,
    MarketError,
    UnknownNameError,
)
from investorbench_env.market import library
from investorbench_env.market.files import folders, index
from investorbench_env.market.library import find_market

BARS = "Date,Open,High,Low,Close,Adj Close,Volume\n2021-01-14,10,11,9,10.5,10.5,100\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def kind(folder: Path, header: str, row: str) -> tuple[str, str]:
    file = index.data_file(write(folder, "FILE.csv", f"{header}\n{row}\n"))
    return file.kind, file.note


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("date,symbol,close", "2021-01-14,A,1", "bars"),
        ("DATE,Ticker,OPEN,High,low,Close/Last,Volume", "2021-01-14,A,1,1,1,1,1", "bars"),
        ("timestamp,close", "2021-01-14T00:00:00Z,1", "bars"),
        ("timestamp,symbol,interval,close", "2021-01-14T10:00:00Z,A,1h,1", "candles"),
        ("timestamp,symbol,funding_rate", "2021-01-14T10:00:00Z,A,0.1", "funding"),
        ("symbol,action,date,amount", "A,split,2021-01-14,2", "actions"),
        ("date,symbol,headline", "2021-01-14,A,up", "news"),
        ("published_at,Ticker,Title,Body", "2021-01-14T10:00:00Z,A,up,so", "news"),
        ("symbol,form,filing_date,text", "A,10-K,2021-01-14,words", "filings"),
        ("symbol,form_type,acceptance_datetime,text", "A,10-K,2021-01-14,words", "filings"),
        ("date,series,value", "2021-01-14,VIX,20", "macro"),
        ("date,series,value,realtime_start", "2021-01-01,GDP,20,2021-02-03", "macro"),
        (
            "symbol,fiscal_period,end_date,filing_date,item,value",
            "A,Q1,2020-12-31,2021-01-14,revenues,7",
            "fundamentals",
        ),
        ("symbol,insider,shares,price,action,filed", "A,B,7,1,sale,2021-01-14", "insider"),
        ("ticker,firm,rating,published_at", "A,B,Buy,2021-01-14T10:00:00Z", "analyst"),
        ("date,symbol,headline,firm,rating", "2021-01-14,A,up,B,Buy", "news"),
    ],
)
def test_a_kind_is_told_by_columns(tmp_path: Path, header: str, row: str, expected: str) -> None:
    assert kind(tmp_path, header, row) == (expected, "")


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("id,date,movement_label", "1,2021-01-14,Rise", "labels"),
        ("sentence,sentiment", "up we go,positive", "labelled sentences"),
    ],
)
def test_other_kinds_are_listed_and_not_mistaken(
    tmp_path: Path, header: str, row: str, expected: str
) -> None:
    assert kind(tmp_path, header, row) == ("unused", expected)


def test_several_bars_a_day_are_not_daily_bars(tmp_path: Path) -> None:
    text = "timestamp,close\n" + "".join(f"2021-01-14T{h:02}:00:00Z,1\n" for h in range(9, 16))

    assert index.data_file(write(tmp_path, "A.csv", text)).kind == "candles"


def test_a_file_without_a_symbol_column_is_about_what_its_name_begins_with(tmp_path: Path) -> None:
    for name in ("abc.csv", "ABC_us_d.csv", "abc.us.csv", "Abc daily.csv"):
        assert set(index.data_file(write(tmp_path, name, BARS)).symbols) == {"ABC"}


def test_files_are_found_in_folders_of_folders_but_not_in_hidden_ones(tmp_path: Path) -> None:
    write(tmp_path, "a/b/ABC.csv", BARS)
    write(tmp_path, ".partial/XYZ.csv", BARS)

    assert [file.path.name for file in index.data_files(tmp_path)] == ["ABC.csv"]


def test_a_yahoo_download_loads_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, "MSFT.csv", BARS)

    market = find_market("MSFT", "stock", tmp_path)

    np.testing.assert_array_equal(market.bars[0, 0], [10, 11, 9, 10.5, 100])
    assert market.source == "MSFT.csv"


def test_prices_with_signs_and_thousands_are_numbers(tmp_path: Path) -> None:
    write(tmp_path, "MSFT.csv", 'Date,Close/Last,Volume\n01/14/2021,"$1,213.02","29,346,740"\n')

    assert find_market("MSFT", "stock", tmp_path).bars[0, 0, 3] == 1213.02


def test_the_symbol_is_found_however_it_is_written(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "date,symbol,close\n2021-01-14,brk-b,1.5\n2021-01-14,BTC-USD,2.5\n")

    assert find_market("BRK.B", "stock", tmp_path).bars[0, 0, 3] == 1.5
    assert find_market("BTC", "crypto", tmp_path).bars[0, 0, 3] == 2.5


def test_a_company_may_be_called_na_and_a_blank_price_is_a_missing_bar(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "date,symbol,close\n2021-01-14,NA,1.5\n2021-01-15,NA,NA\n")

    market = find_market("NA", "stock", tmp_path)

    assert list(market.bars[:, 0, 3]) == [1.5]


def test_a_midnight_with_a_time_zone_is_that_day_at_the_exchange(tmp_path: Path) -> None:
    write(tmp_path, "MSFT.csv", "Date,Close\n2021-01-14 00:00:00-05:00,10\n")

    assert str(find_market("MSFT", "stock", tmp_path).sessions[0]) == "2021-01-14"


def test_a_frame_whose_index_was_the_date_is_a_file_like_any_other(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": pd.to_datetime(["2021-01-14"]), "symbol": "ABC", "close": 1.5})
    frame.set_index("date").to_parquet(tmp_path / "a.parquet")

    assert find_market("ABC", "stock", tmp_path).bars[0, 0, 3] == 1.5


def test_several_origins_in_a_file_are_never_mixed(tmp_path: Path) -> None:
    lines = ["date,symbol,close,source"]
    lines += [f"2021-01-{day},BTC,{day},long_perp" for day in range(10, 30)]
    lines += [f"2021-01-{day},BTC,{day}.5,short_spot" for day in range(10, 13)]
    lines += [f"2021-01-{day},BTC,{day}.7,longer_spot" for day in range(10, 16)]
    write(tmp_path, "c.csv", "\n".join(lines))

    market = find_market("BTC", "crypto", tmp_path)

    np.testing.assert_allclose(market.bars[:, 0, 3] % 1, 0.7)
    assert market.source == "c.csv (longer_spot)"
    assert "short_spot" in market.findings[0]
    assert "long_perp" in market.findings[0]


def test_open_high_and_low_are_preferred_to_a_longer_series_of_closes(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "date,symbol,close\n2021-01-13,ABC,1\n2021-01-14,ABC,1\n")
    write(tmp_path, "b.csv", "date,symbol,open,high,low,close\n2021-01-14,ABC,2,2,2,2\n")

    assert find_market("ABC", "stock", tmp_path).source == "b.csv"


def news_times(folder: Path, moment: str, column: str = "timestamp") -> datetime:
    write(folder, "ABC.csv", BARS)
    write(folder, "n.csv", f"{column},symbol,headline\n{moment},ABC,up\n")
    return find_market("ABC", "stock", folder).documents.rows[0].available_at


@pytest.mark.parametrize(
    ("moment", "available"),
    [
        ("2021-01-14T15:30:05Z", datetime(2021, 1, 14, 15, 30, 5, tzinfo=UTC)),
        # A time without a zone is the market's own.
        ("2021-01-14 15:30:05", datetime(2021, 1, 14, 20, 30, 5, tzinfo=UTC)),
        ("2021-01-14T15:30:05-05:00", datetime(2021, 1, 14, 20, 30, 5, tzinfo=UTC)),
        # Exactly midnight is how a date is written, in UTC as at the exchange.
        ("2021-01-14T00:00:00Z", datetime(2021, 1, 15, 5, tzinfo=UTC)),
        ("2021-01-14", datetime(2021, 1, 15, 5, tzinfo=UTC)),
        ("2021-01-14T00:00:00-05:00", datetime(2021, 1, 15, 5, tzinfo=UTC)),
        ("2021-07-14", datetime(2021, 7, 15, 4, tzinfo=UTC)),
    ],
)
def test_a_text_is_available_at_its_moment_or_at_the_end_of_its_day(
    tmp_path: Path, moment: str, available: datetime
) -> None:
    assert news_times(tmp_path, moment) == available


def test_a_null_moment_leaves_the_date(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(tmp_path, "n.csv", "timestamp,date,symbol,headline\n,2021-01-14,ABC,up\n")

    (row,) = find_market("ABC", "stock", tmp_path).documents
    assert row.available_at == datetime(2021, 1, 15, 5, tzinfo=UTC)


def test_a_text_without_any_date_is_left_out_and_reported(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(tmp_path, "n.csv", "timestamp,date,symbol,headline\n,,ABC,up\n")

    market = find_market("ABC", "stock", tmp_path)

    assert len(market.documents) == 0
    assert any("1 text without a date" in finding for finding in market.findings)


def test_a_filing_is_available_when_it_was_accepted(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(
        tmp_path,
        "f.csv",
        "symbol,form,filing_date,accepted,text\n"
        "ABC,10-K,2021-01-15,2021-01-14T22:04:05Z,first\nABC,10-Q,2021-01-15,,second\n",
    )

    first, second = find_market("ABC", "stock", tmp_path).documents

    assert (first.kind, first.available_at) == ("10-K", datetime(2021, 1, 14, 22, 4, 5, tzinfo=UTC))
    assert (second.kind, second.available_at) == ("10-Q", datetime(2021, 1, 16, 5, tzinfo=UTC))


def test_single_items_of_a_filing_that_is_there_in_full_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(
        tmp_path,
        "f.csv",
        "symbol,form,filing_date,accession,item,text\n"
        "ABC,10-K,2021-01-15,1,FULL,all of it\nABC,10-K,2021-01-15,1,Item 7,a part\n"
        "ABC,10-K,2020-01-15,2,Item 7,only a part\nABC,10-Q,2021-02-15,,FULL,of no number\n",
    )

    texts = [row.text for row in find_market("ABC", "stock", tmp_path).documents]

    assert texts == ["only a part", "all of it", "of no number"]


@pytest.mark.parametrize(
    ("word", "sentiment"),
    [("Positive", "positive"), ("bullish", "positive"), ("bearish", "negative"), ("", None)],
)
def test_sentiments_have_three_names(tmp_path: Path, word: str, sentiment: str | None) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(tmp_path, "n.csv", f"date,symbol,headline,sentiment\n2021-01-14,ABC,up,{word}\n")

    assert find_market("ABC", "stock", tmp_path).documents.rows[0].sentiment == sentiment


def test_texts_come_from_every_file_and_have_stable_ids_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    write(tmp_path, "n.csv", "date,symbol,headline\n2021-01-14,ABC,up\n2021-01-14,XYZ,down\n")
    write(tmp_path, "m.csv", "date,symbol,headline\n2021-01-14,ABC,sideways\n")

    first = find_market("ABC", "stock", tmp_path).documents
    folders._loaded.cache_clear()
    second = find_market("ABC", "stock", tmp_path).documents

    assert sorted(row.title for row in first) == ["sideways", "up"]
    assert [row.id for row in first] == [row.id for row in second]
    assert len({row.id for row in first}) == 2


def test_listed_splits_and_dividends_are_used(tmp_path: Path) -> None:
    days = ["2021-01-14", "2021-01-15", "2021-01-19"]
    write(
        tmp_path,
        "ABC.csv",
        "date,close\n" + "".join(f"{d},{c}\n" for d, c in zip(days, (10, 11, 12), strict=True)),
    )
    write(
        tmp_path,
        "a.csv",
        "symbol,action,date,amount\nABC,split,2021-01-19,2\nABC,dividend,2021-01-15,0.3\n",
    )

    market = find_market("ABC", "stock", tmp_path)

    np.testing.assert_array_equal(market.bars[:, 0, 3], [20, 22, 12])
    np.testing.assert_array_equal(market.dividends[:, 0], [0, 0.3, 0])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("2021-01-14,A,1\n2021-01-15,A,one\n", r"row 2: close 'one' is not a number"),
        ("2021-01-14,A,1\nyesterday,A,2\n", r"row 2: date 'yesterday' is not a date"),
        ("2021-01-14,A,1\n,A,2\n", r"row 2: the date is missing"),
        ("2021-01-14,B,1\n2021-01-14,A,-1\n", r"row 2: close -1 on 2021-01-14 is not positive"),
        ("2021-01-14,A,1\n2021-01-15,A\n", r"last row: 2 of 3 columns, the file looks cut off"),
        ("2021-01-14,A,1\n2021-01-15,A,1,9,9\n", r"not readable as CSV"),
        # A date to pandas 3 alone.
        ("2021-01-14,A,1\n2912-01-15,A,1\n", r"row 2: date '?2912.* is not (plausible|a date)"),
    ],
)
def test_a_corrupt_csv_is_an_error_with_file_row_and_reason(
    tmp_path: Path, rows: str, reason: str
) -> None:
    write(tmp_path, "bad.csv", "date,symbol,close\n" + rows)

    with pytest.raises(CorruptDataError, match=rf"bad\.csv.*{reason}"):
        find_market("A", "stock", tmp_path)


def test_a_corrupt_parquet_row_is_counted_in_the_file_and_not_in_the_symbol(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"date": ["2021-01-14"] * 3, "symbol": ["B", "C", "A"], "close": [1.0, 1.0, 0.0]}
    )
    frame.to_parquet(tmp_path / "bad.parquet")

    with pytest.raises(CorruptDataError, match=r"bad\.parquet, row 3: close 0"):
        find_market("A", "stock", tmp_path)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(b"date,symbol,close\n2021-01-14,A\xff,1\n")

    with pytest.raises(CorruptDataError, match=r"bad\.csv.*not readable"):
        find_market("A", "stock", tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_damage_is_an_error_of_ours_or_none_at_all(tmp_path: Path, seed: int) -> None:
    days = pd.bdate_range("2021-02-16", "2021-03-31")
    frame = pd.DataFrame({"date": days, "symbol": "ABC", "close": np.arange(len(days)) + 10.0})
    generator = np.random.default_rng(seed)
    for name in ("a.csv", "a.parquet"):
        path = tmp_path / name
        frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
        content = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
        for _ in range(10):
            damaged = content.copy()
            damaged[generator.integers(len(content), size=3)] = generator.integers(256, size=3)
            path.write_bytes(damaged.tobytes())
            # Anything else than an error of ours fails the test.
            with suppress(InvestorBenchError):
                find_market("ABC", "stock", path)


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_parquet_file_that_was_cut_off_is_an_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.parquet"
    pd.DataFrame({"date": ["2021-01-14"], "symbol": ["A"], "close": [1.0]}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(CorruptDataError, match=r"cut\.parquet: not readable as Parquet"):
        find_market("A", "stock", tmp_path)


def test_an_unknown_symbol_of_a_folder_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "date,symbol,close\n2021-01-14,TSLA,1\n2021-01-14,AAPL,1\n")

    with pytest.raises(UnknownNameError, match="'TSLQ'; valid, nearest first: TSLA, AAPL"):
        find_market("TSLQ", "stock", tmp_path)


def test_two_saved_markets_of_a_symbol_ask_which(tmp_path: Path) -> None:
    write(tmp_path, "ABC.csv", BARS)
    market = find_market("ABC", "stock", tmp_path)
    library.save(market, tmp_path / "one")
    library.save(market, tmp_path / "two")

    with pytest.raises(MarketError, match="several saved markets hold ABC"):
        find_market("ABC", "stock", tmp_path)

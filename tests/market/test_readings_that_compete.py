"""Columns that two readings fit: the one that a market allows is taken, else both are named."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.checking import check
from investorbench_env.market.files.date_cells import time_of
from investorbench_env.market.library import find_market
from investorbench_env.market.market import CLOSE, Market

NEW_YORK = "America/New_York"
WEEKS = {"winter": ("2021-01-04", 8), "four days": ("2021-01-04", 4), "summer": ("2021-07-12", 4)}
SESSIONS = {
    name: [day for day in np.datetime64(first) + np.arange(12) if np.is_busday(day)][:count]
    for name, (first, count) in WEEKS.items()
}


def read(folder: Path, lines: list[str], header: str = "date,close", **options: str) -> Market:
    (folder / "acme.csv").write_text(header + "\n" + "".join(f"{line}\n" for line in lines))
    return find_market("ACME", "stock", folder, **options)


def moment(day: np.datetime64, hour: int, minute: int, zone: str, seen_from: str) -> str:
    date = day.astype(datetime)
    there = datetime(date.year, date.month, date.day, hour, minute, tzinfo=ZoneInfo(zone))
    return there.astimezone(ZoneInfo(seen_from)).isoformat()


@settings(deadline=None, max_examples=40)
@given(
    week=st.sampled_from(sorted(SESSIONS)),
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 30, 59]),
)
def test_a_time_on_the_clock_of_the_exchange_is_of_its_own_date(
    tmp_path_factory: pytest.TempPathFactory, week: str, hour: int, minute: int
) -> None:
    days = SESSIONS[week]
    cells = [
        f"{moment(day, hour, minute, NEW_YORK, NEW_YORK)},{n + 1}" for n, day in enumerate(days)
    ]
    assert list(read(tmp_path_factory.mktemp("a"), cells).sessions) == days


@settings(deadline=None, max_examples=40)
@given(
    week=st.sampled_from(sorted(SESSIONS)),
    hour=st.integers(4, 20),
    seen_from=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tokyo"]),
)
def test_a_time_of_trading_is_never_a_day_off_wherever_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, week: str, hour: int, seen_from: str
) -> None:
    days = SESSIONS[week]
    cells = [f"{moment(day, hour, 0, NEW_YORK, seen_from)},{n + 1}" for n, day in enumerate(days)]
    if all("T00:00:00" in cell for cell in cells):
        return  # a date as it is written
    folder = tmp_path_factory.mktemp("a")
    try:
        found = list(read(folder, cells).sessions)
    except CorruptDataError as error:
        said = str(error)
        found = list(read(folder, cells, dates=NEW_YORK).sessions)
    else:
        said = ""
    assert found == days
    assert not said or f"dates={NEW_YORK!r}" in said


def test_a_zone_that_is_said_holds_over_a_change_of_clocks(tmp_path: Path) -> None:
    days = [np.datetime64(day) for day in ("2021-03-11", "2021-03-12", "2021-03-15", "2021-03-16")]
    cells = [f"{moment(day, 20, 0, NEW_YORK, 'UTC')},{n + 1}" for n, day in enumerate(days)]
    with pytest.raises(CorruptDataError, match=f"dates={NEW_YORK!r}"):
        read(tmp_path, cells)
    assert list(read(tmp_path, cells, dates=NEW_YORK).sessions) == days


def test_a_zone_in_brackets_is_one_and_other_words_there_are_no_time() -> None:
    assert time_of("21:30:00[utc]") == (77400.0, "utc")
    assert time_of("16:30-05:00[america/new_york]") == (59400.0, "-05:00")
    assert time_of("21:30 (somewhere)") is None


@pytest.mark.parametrize("row", ["", "   ", ",,", " , ,", "# aside"])
@pytest.mark.parametrize("place", [2, 4])
def test_rows_in_which_nothing_stands_are_none(tmp_path: Path, row: str, place: int) -> None:
    rows = [f"{day},{n + 1},x" for n, day in enumerate(SESSIONS["four days"])]
    rows.insert(place, row)
    assert len(read(tmp_path, rows, "date,close,note").sessions) == 4
    rows.append("2021-01-08,no number,x")
    with pytest.raises(CorruptDataError, match="close 'no number' is not a number"):
        read(tmp_path, rows, "date,close,note")


@pytest.mark.parametrize("named", ["note, more, even", "note", "k, a, b, c"])
def test_a_separator_parts_every_line_into_as_many_cells(tmp_path: Path, named: str) -> None:
    rows = [f"{day};{n + 1},5;a" for n, day in enumerate(SESSIONS["four days"])]
    closes = read(tmp_path, rows, f"Date;Close;{named}").bars[:, 0, CLOSE]
    assert list(closes) == [1.5, 2.5, 3.5, 4.5]


def test_only_columns_that_are_read_must_have_one_name_each(tmp_path: Path) -> None:
    rows = [f"{day},{n + 1},7,8" for n, day in enumerate(SESSIONS["four days"])]
    assert len(read(tmp_path, rows, "date,close,change,change").sessions) == 4
    with pytest.raises(CorruptDataError, match="several columns are called 'close'"):
        read(tmp_path, rows, "date,close,close,change")


@pytest.mark.parametrize("cell", ["#N/A", ".", "---", "n.a.", "\\N"])
def test_a_blank_as_sources_write_it_is_none(tmp_path: Path, cell: str) -> None:
    days = SESSIONS["winter"]
    rows = [f"{day},{cell if n == 3 else n + 1}" for n, day in enumerate(days)]
    market = read(tmp_path, rows, data_tolerance=0.5)
    assert np.flatnonzero(np.isnan(market.bars[:, 0, CLOSE])).tolist() == [3]


@pytest.mark.parametrize("column", ["related_symbols", "ticker_symbols", "Tickers mentioned"])
def test_a_column_named_for_symbols_holds_them(tmp_path: Path, column: str) -> None:
    text = f"timestamp,{column},headline\n2021-01-05T21:30:00Z,'ACME',up\n"
    (tmp_path / "All_news.csv").write_text(text)
    rows = [f"{day},{n + 1}" for n, day in enumerate(SESSIONS["four days"])]
    assert len(read(tmp_path, rows).documents) == 1


@pytest.mark.parametrize("column", ["currency_symbol", "Exchange Symbol", "ticker_count"])
def test_a_column_of_symbols_of_something_else_does_not(tmp_path: Path, column: str) -> None:
    rows = [f"{day},{n + 1},USD" for n, day in enumerate(SESSIONS["four days"])]
    assert len(read(tmp_path, rows, f"date,close,{column}").sessions) == 4


@pytest.mark.parametrize("cell", ["#ACME", "@ACME", "ACME:US", "ACME-US", "ACME.O", "ACME.N"])
def test_signs_and_exchanges_around_a_symbol_are_not_of_it(tmp_path: Path, cell: str) -> None:
    (tmp_path / "feed.csv").write_text(
        f"timestamp,symbol,headline\n2021-01-05T21:30:00Z,{cell},up\n"
    )
    rows = [f"{day},{n + 1}" for n, day in enumerate(SESSIONS["four days"])]
    assert len(read(tmp_path, rows).documents) == 1
    assert not [each for each in check(tmp_path) if "not understood" in each.text]


@pytest.mark.parametrize("cell", ["ACME/MSFT", "ACME and MSFT", "{'name': 'ACME'}"])
def test_symbols_that_are_none_are_found_by_the_check(tmp_path: Path, cell: str) -> None:
    (tmp_path / "feed.csv").write_text(
        f'timestamp,symbol,headline\n2021-01-05T21:30:00Z,"{cell}",up\n'
    )
    (warning,) = [each.text for each in check(tmp_path) if each.severity == "warning"]
    assert "1 symbol not understood" in warning
    assert "ACME" in warning


def test_a_list_of_dividends_goes_by_its_ex_dates(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text("symbol,ex_date,cash_amount\nACME,2021-01-06,0.5\n")
    rows = [f"{day},{n + 10}" for n, day in enumerate(SESSIONS["four days"])]
    assert read(tmp_path, rows).dividends[:, 0].tolist() == [0.0, 0.0, 0.5, 0.0]

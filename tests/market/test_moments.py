"""Columns of dates: what is certain is read, what is not is refused with what settles it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import CorruptDataError, InvestorBenchError, UnknownNameError
from investorbench_env.market.library import find_market
from investorbench_env.market.market import Market


def market(folder: Path, *dates: str, **options: str) -> Market:
    rows = "".join(f"{date},{10 + n}\n" for n, date in enumerate(dates))
    (folder / "acme.csv").write_text("Date,Close\n" + rows)
    return find_market("ACME", "stock", folder, **options)


def sessions(folder: Path, *dates: str, **options: str) -> list[str]:
    return [str(day) for day in market(folder, *dates, **options).sessions]


def known(
    folder: Path, *moments: str, asset_class: str = "stock", header: str = "timestamp,headline"
) -> list[datetime]:
    days = "".join(f"2021-01-{day:02},{day}\n" for day in range(4, 8))
    (folder / "acme.csv").write_text("date,close\n" + days)
    lines = (f"{moment},text {n}\n" for n, moment in enumerate(moments))
    (folder / "acme_news.csv").write_text(header + "\n" + "".join(lines))
    documents = find_market("ACME", asset_class, folder).documents
    return [row.available_at for row in sorted(documents, key=lambda row: row.title)]


AMBIGUOUS = ("04/01/2021", "05/01/2021", "06/01/2021")


def test_dates_that_no_day_decides_are_refused_with_the_words_that_settle_them(
    tmp_path: Path,
) -> None:
    with pytest.raises(
        CorruptDataError,
        match=r"acme\.csv, column 'Date': row 1 \('04/01/2021'\) and row 3 \('06/01/2021'\).*"
        r"dates='day-first' or dates='month-first'.*investorbench\.yaml",
    ):
        market(tmp_path, *AMBIGUOUS)


def test_the_words_settle_them(tmp_path: Path) -> None:
    days = ["2021-01-04", "2021-01-05", "2021-01-06"]
    assert sessions(tmp_path, *AMBIGUOUS, dates="day-first") == days
    assert sessions(tmp_path, *AMBIGUOUS[:1], dates="month-first") == ["2021-04-01"]


@pytest.mark.parametrize(
    "text",
    [
        "dates: day-first\n",
        "files:\n  acme.csv: {dates: day-first}\n",
        "dates: month-first\nfiles:\n  ac*: {dates: day-first}\n",
    ],
)
def test_a_file_beside_them_settles_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "investorbench.yaml").write_text(text)
    (tmp_path / "in").mkdir()

    assert sessions(tmp_path, *AMBIGUOUS)[0] == "2021-01-04"
    assert sessions(tmp_path / "in", "2021-01-04")[0] == "2021-01-04"
    (tmp_path / "investorbench.yaml").unlink()
    with pytest.raises(CorruptDataError, match="day-first or month-first"):
        sessions(tmp_path, *AMBIGUOUS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dates: backwards\n", "unknown word of dates= 'backwards'"),
        ("date: day-first\n", r"\['date'\] is none of dates, numbers, encoding"),
        ("dates: [\n", "not readable as YAML"),
        ("- a\n", "expected dates, numbers, encoding"),
        ("numbers: roman\n", "numbers: 'roman' is none of"),
        ("encoding: morse\n", "encoding: 'morse' is no encoding"),
    ],
)
def test_a_file_beside_them_that_is_not_understood_is_an_error(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "investorbench.yaml").write_text(text)
    with pytest.raises(CorruptDataError, match=rf"investorbench\.yaml: .*{reason}"):
        market(tmp_path, "2021-01-04")


def test_a_word_that_means_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nearest first: day-first"):
        market(tmp_path, "2021-01-04", dates="dayfirst")
    with pytest.raises(InvestorBenchError, match="must be words"):
        find_market("ACME", "stock", tmp_path, dates=5)  # type: ignore[arg-type]


def test_a_column_in_two_orders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptDataError, match=r"row \d \('1[34]/0?1?.*different orders"):
        market(tmp_path, "13/01/2021", "01/14/2021", "05/01/2021")


def test_a_symbols_bad_date_is_no_matter_of_its_neighbours(tmp_path: Path) -> None:
    text = "date,symbol,close\n13/01/2021,A,1\n14/01/2021,A,1\nyesterday,B,1\n"
    (tmp_path / "a.csv").write_text(text)

    assert str(find_market("A", "stock", tmp_path).sessions[0]) == "2021-01-13"
    with pytest.raises(CorruptDataError, match=r"a\.csv, row 3: date 'yesterday' is not a date"):
        find_market("B", "stock", tmp_path)


def test_the_order_is_settled_by_rows_of_other_symbols_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,symbol,close\n05/01/2021,A,1\n13/01/2021,B,1\n")

    assert str(find_market("A", "stock", tmp_path).sessions[0]) == "2021-01-05"


def test_dates_and_moments_in_one_column_are_refused(tmp_path: Path) -> None:
    rows = ("2021-01-04", "2021-01-05T02:00:00Z", "2021-01-06")
    with pytest.raises(CorruptDataError, match=r"row 1 .* row 2 .*dates and moments"):
        market(tmp_path, *rows)
    assert sessions(tmp_path, *rows, dates="as-written") == [
        "2021-01-04",
        "2021-01-05",
        "2021-01-06",
    ]


def test_a_moment_that_has_one_date_everywhere_may_stand_among_dates(tmp_path: Path) -> None:
    days = ["2021-01-04", "2021-01-05", "2021-01-06"]
    assert sessions(tmp_path, days[0], "2021-01-05T15:00:00Z", days[2]) == days
    assert sessions(tmp_path, days[0], "2021-01-05 15:00", days[2]) == days


def test_a_row_with_a_time_moves_no_other(tmp_path: Path) -> None:
    days = ["2021-01-04", "2021-01-05", "2021-01-06"]
    midnights = [f"{day}T00:00:00Z" for day in days[:2]]
    assert sessions(tmp_path, *midnights, "2021-01-06T21:00:04Z") == days
    assert sessions(tmp_path, *days[:2], "2021-01-06T21:00:04Z") == days
    assert sessions(tmp_path, *days[:2], "2021-01-06 15:59") == days
    # 05:00 UTC is midnight in New York, 23:00 that in Berlin.
    assert sessions(tmp_path, "1609736400", "1609822800", "1609966804") == days
    evenings = ("2021-01-03T23:00:00Z", "2021-01-04T23:00:00Z", "2021-01-06T16:30:04Z")
    assert sessions(tmp_path, *evenings) == days


@pytest.mark.parametrize("dates", [("12345", "12346"), ("2021", "2022"), ("44200", "44201")])
def test_numbers_that_count_in_no_unit_are_no_dates(tmp_path: Path, dates: tuple[str, ...]) -> None:
    with pytest.raises(CorruptDataError, match=rf"row 1: date '{dates[0]}' is not a date"):
        market(tmp_path, *dates)


def test_bars_a_week_apart_are_refused(tmp_path: Path) -> None:
    dates = [f"2021-01-{day:02}" for day in (8, 15, 22, 29)]
    with pytest.raises(CorruptDataError, match=r"acme\.csv: its bars are 7 days apart"):
        market(tmp_path, *dates)


def test_a_time_of_day_beside_the_date_is_joined_to_it(tmp_path: Path) -> None:
    header, row = "date,time,headline", "2021-01-05,4:30 PM"
    assert known(tmp_path, row, header=header) == [datetime(2021, 1, 5, 21, 30, tzinfo=UTC)]
    with pytest.raises(CorruptDataError, match=r"row 1: time 'noonish' is not a time of day"):
        known(tmp_path, "2021-01-05,noonish", header=header)


CALIFORNIA = ("2021-01-05T08:00:00Z", "2021-01-06T08:00:00Z", "2021-07-05T07:00:00Z")


def test_a_midnight_that_most_items_of_a_source_share_is_a_bare_date(tmp_path: Path) -> None:
    moments = (*CALIFORNIA, "2021-01-05T13:14:15Z")
    assert known(tmp_path, *moments, asset_class="crypto") == [
        datetime(2021, 1, 6, 12, tzinfo=UTC),
        datetime(2021, 1, 7, 12, tzinfo=UTC),
        datetime(2021, 7, 6, 12, tzinfo=UTC),
        datetime(2021, 1, 5, 13, 14, 15, tzinfo=UTC),
    ]
    assert known(tmp_path, *moments)[:2] == [
        datetime(2021, 1, 6, 5, tzinfo=UTC),
        datetime(2021, 1, 7, 5, tzinfo=UTC),
    ]


def test_each_source_of_a_file_has_its_own_midnight(tmp_path: Path) -> None:
    moments = [f"{moment},California" for moment in CALIFORNIA]
    moments += [f"2021-01-05T0{hour}:17:00Z,wire" for hour in range(1, 8)]
    moments += ["2021-01-05T08:00:00Z,wire"]

    times = known(tmp_path, *moments, asset_class="crypto", header="timestamp,source,headline")

    assert times[0] == datetime(2021, 1, 6, 12, tzinfo=UTC)
    assert datetime(2021, 1, 5, 8, tzinfo=UTC) in times


def test_any_time_that_most_items_share_is_no_moment(tmp_path: Path) -> None:
    shared = [f"2021-01-0{day}T12:00:00Z" for day in (4, 5, 6, 7, 8)]
    assert known(tmp_path, *shared)[0] == datetime(2021, 1, 5, 5, tzinfo=UTC)
    assert known(tmp_path, *shared[:2])[0] == datetime(2021, 1, 4, 12, tzinfo=UTC)


def test_bare_dates_are_known_once_they_have_ended(tmp_path: Path) -> None:
    assert known(tmp_path, "2021-01-05") == [datetime(2021, 1, 6, 5, tzinfo=UTC)]
    assert known(tmp_path, "2021-01-05", asset_class="crypto") == [
        datetime(2021, 1, 6, 12, tzinfo=UTC)
    ]


def test_times_without_a_zone_are_the_markets_own_and_a_finding(tmp_path: Path) -> None:
    assert known(tmp_path, "2021-01-05 16:30") == [datetime(2021, 1, 5, 21, 30, tzinfo=UTC)]
    findings = find_market("ACME", "stock", tmp_path).findings
    assert any("1 text with a time and no zone, taken as that of America" in f for f in findings)

    (tmp_path / "investorbench.yaml").write_text("files:\n  acme_news.csv: {dates: Asia/Tokyo}\n")
    (row,) = find_market("ACME", "stock", tmp_path).documents
    assert row.available_at == datetime(2021, 1, 5, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2021-01-05T16:30:00-05:00", datetime(2021, 1, 5, 21, 30, tzinfo=UTC)),
        ("2021-01-05 16:30:00 EST", datetime(2021, 1, 5, 21, 30, tzinfo=UTC)),
        ("2021-01-05 16:30:00.250+0000", datetime(2021, 1, 5, 16, 30, 0, 250000, tzinfo=UTC)),
        ('"Tue, 05 Jan 2021 16:30:00 GMT"', datetime(2021, 1, 5, 16, 30, tzinfo=UTC)),
        ('"Jan 5, 2021, 4:30 PM ET"', datetime(2021, 1, 5, 21, 30, tzinfo=UTC)),
        ("20210105T163000Z", datetime(2021, 1, 5, 16, 30, tzinfo=UTC)),
        ("20210105163000", datetime(2021, 1, 5, 21, 30, tzinfo=UTC)),
        ("1609864200", datetime(2021, 1, 5, 16, 30, tzinfo=UTC)),
        ("1609864200.5", datetime(2021, 1, 5, 16, 30, 0, 500000, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_people_write_them(
    tmp_path: Path, written: str, moment: datetime
) -> None:
    assert known(tmp_path, written) == [moment]


@pytest.mark.parametrize("written", ["2021-01-05 25:00", "2021-02-30", "2021-01-05 16:30 XYZ", "5"])
def test_what_is_no_moment_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(CorruptDataError, match=r"acme_news\.csv, row 1: timestamp .* is not a dat"):
        known(tmp_path, written)


def test_the_clock_that_is_put_back_gives_the_later_moment(tmp_path: Path) -> None:
    assert known(tmp_path, "2021-11-07 01:30") == [datetime(2021, 11, 7, 6, 30, tzinfo=UTC)]


def test_a_column_of_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorruptDataError, match=r"acme\.csv, row 1: the date is missing"):
        market(tmp_path, "")


def test_numbers_are_dates_to_the_nanosecond(tmp_path: Path) -> None:
    days = np.array(["2021-01-04", "2021-01-05"], dtype="datetime64[ns]").astype(np.int64)
    assert sessions(tmp_path, *map(str, days)) == ["2021-01-04", "2021-01-05"]

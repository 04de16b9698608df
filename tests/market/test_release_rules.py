"""When figures could be known, against dates looked up elsewhere."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.market.release_rules import (
    MACRO,
    NEW_YORK,
    known_from_filing,
    next_business_day,
    released,
)


def day(text: str) -> date:
    return date.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("series", "of", "known"),
    [
        # A Friday's yield is known when Monday has ended; between the two the clocks change.
        ("DGS10", "2023-03-10", "2023-03-14T04:00"),
        ("DGS10", "2023-03-09", "2023-03-11T05:00"),
        ("BAMLH0A0HYM2", "2023-07-03", "2023-07-06T04:00"),  # over Independence Day
        ("DGS2", "2022-11-10", "2022-11-15T05:00"),  # over Veterans Day, when stocks trade
        ("DGS2", "2023-12-29", "2024-01-03T05:00"),  # over New Year
        ("VIXCLS", "2023-03-10", "2023-03-10T21:15"),
        ("VIXCLS", "2023-03-13", "2023-03-13T20:15"),
        ("UNRATE", "2023-02-01", "2023-03-10T13:30"),
        ("UNRATE", "2023-03-01", "2023-04-10T12:30"),
        ("UNRATE", "2022-12-01", "2023-01-10T13:30"),
        ("UNRATE", "2013-09-01", "2013-10-23T04:00"),  # the government was closed
    ],
)
def test_a_value_is_known_from_its_release_on(series: str, of: str, known: str) -> None:
    assert released(MACRO[series], day(of)) == utc(known)


@pytest.mark.parametrize(
    ("month", "report"),
    [
        ("2015-06-01", "2015-07-02"),
        ("2019-12-01", "2020-01-10"),
        ("2020-12-01", "2021-01-08"),
        ("2021-12-01", "2022-01-07"),
        ("2023-02-01", "2023-03-10"),
        ("2023-08-01", "2023-09-01"),
        ("2025-09-01", "2025-11-20"),
    ],
)
def test_unemployment_is_never_known_before_its_report(month: str, report: str) -> None:
    known = released(MACRO["UNRATE"], day(month)).astimezone(NEW_YORK)
    assert known.date() >= day(report)


def test_no_weekend_and_no_holiday_is_a_business_day() -> None:
    assert next_business_day(day("2023-04-06")) == day("2023-04-10")  # Good Friday
    assert next_business_day(day("2019-12-31")) == day("2020-01-02")  # into another decade
    assert next_business_day(day("2023-05-26")) == day("2023-05-30")  # Memorial Day


@pytest.mark.parametrize(
    ("filed", "accepted", "known"),
    [
        ("2023-02-03", None, "2023-02-04T05:00"),
        ("2023-07-03", None, "2023-07-04T04:00"),
        ("2023-03-12", None, "2023-03-13T04:00"),  # a day of 23 hours
        ("2009-10-27", "2009-10-27T20:18:29", "2009-10-27T20:18:29"),
        ("2023-05-05", "2023-05-04T22:03:52", "2023-05-05T10:00"),
        ("2024-02-02", "2024-02-01T23:03:38", "2024-02-02T11:00"),
        ("2010-03-01", "2010-02-26T23:20:23", "2010-03-01T11:00"),  # over a weekend
        ("2010-01-29", "2010-01-29T02:42:22", "2010-01-29T11:00"),  # the evening before
        # 17:30 in New York, in summer and in winter.
        ("2023-11-03", "2023-11-03T21:29:59", "2023-11-03T21:29:59"),
        ("2023-11-03", "2023-11-03T21:30:00", "2023-11-04T04:00"),
        ("2023-11-06", "2023-11-06T22:29:59", "2023-11-06T22:29:59"),
        ("2023-11-06", "2023-11-06T22:30:00", "2023-11-07T05:00"),
        ("2023-11-06", "2023-11-03T21:30:00", "2023-11-06T11:00"),
        ("2023-11-03", "2023-11-03T09:59:00", "2023-11-03T09:59:00"),  # before six
        (None, "2023-11-03T20:00:00", "2023-11-03T20:00:00"),
        (None, "2023-11-03T22:00:00", "2023-11-06T11:00"),
        # A filing date that contradicts its acceptance makes nothing known before it.
        ("2023-11-03", "2023-11-06T15:00:00", "2023-11-07T05:00"),
    ],
)
def test_a_statement_is_known_from_its_filing_on(
    filed: str | None, accepted: str | None, known: str
) -> None:
    given_day = None if filed is None else day(filed)
    moment = None if accepted is None else utc(accepted)
    assert known_from_filing(given_day, moment) == utc(known)


def test_a_statement_that_says_neither_is_never_known() -> None:
    assert known_from_filing(None, None) is None


@given(
    st.dates(day("2000-01-01"), day("2029-12-31")),
    st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
)
def test_nothing_is_known_before_its_filing_date_or_its_acceptance(
    filed: date, accepted: datetime | None
) -> None:
    known = known_from_filing(filed, accepted)
    assert known is not None
    assert known >= datetime(filed.year, filed.month, filed.day, tzinfo=NEW_YORK)
    assert accepted is None or known >= accepted

"""Statements of a company as documents, each known by its filing; fourth quarters are derived."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from investorbench_env.market.files import tidy
from investorbench_env.market.files.index import FILED, DataFile
from investorbench_env.market.files.moments import moments_of
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.files.texts import Texts, document, text_cells
from investorbench_env.market.files.tidy import FileRows
from investorbench_env.market.release_rules import known_from_filing

ITEMS: Mapping[str, str] = {
    "revenues": "revenues",
    "gross_profit": "gross profit",
    "operating_income_loss": "operating income",
    "net_income_loss": "net income",
    "diluted_earnings_per_share": "diluted earnings a share",
    "diluted_average_shares": "diluted shares",
    "research_and_development": "research and development",
    "net_cash_flow_from_operating_activities": "cash from operations",
    "net_cash_flow_from_investing_activities": "cash from investing",
    "net_cash_flow_from_financing_activities": "cash from financing",
    "assets": "assets",
    "current_assets": "current assets",
    "inventory": "inventory",
    "liabilities": "liabilities",
    "current_liabilities": "current liabilities",
    "long_term_debt": "long-term debt",
    "equity": "equity",
}
"""What is said of a statement, in this order, and how it is called."""
FLOWS = frozenset(("income_statement", "cash_flow_statement", "comprehensive_income"))
"""Statements of a period, whose amounts add up over quarters."""
NOT_ADDED = "share"
"""In the unit of what does not add up: earnings a share, and average shares."""
SIZES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
FIRST_THREE = ("Q1", "Q2", "Q3")
YEAR = timedelta(days=366)
SLACK = timedelta(days=10)
"""By so much the dates of fiscal periods may lie apart from the calendar's."""
LONGEST_QUARTER = timedelta(days=130)
"""One of 17 weeks is shorter; what covers the year so far, as in many a report, is longer."""
TEXTS = ("fiscal_period", "fiscal_year", "statement", "item", "unit")
FilingStamp = tuple[date | None, datetime | None]


class FiledPeriod(NamedTuple):
    """A period, and when its figures could be known.

    Attributes:
        known: in UTC.
        period: ``"FY"``, ``"Q1"`` and so on.
        year: the fiscal year as its source names it; may be empty.
        start: the first day of the period; None where unknown.
        end: the last one.
    """

    known: datetime
    period: str
    year: str
    start: date | None
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyStatement:
    """What was reported in a filing.

    Attributes:
        filing: which.
        values: by item.
        flows: the items that add up over quarters.
        derived: whether it is the year less three quarters, in place of a filing.
    """

    filing: FiledPeriod
    values: Mapping[str, float]
    flows: frozenset[str]
    derived: bool = False


def fundamentals(file: DataFile, spellings: Sequence[str], symbol: str) -> Texts:
    """A document for each statement of a symbol."""
    filed, without = filed_statements(file, spellings)
    statements = [*filed, *fourth_quarters(filed)]
    # The newest comes last: of a report, the quarter that it ends with.
    statements.sort(key=lambda each: (each.filing.known, each.filing.end, each.derived))
    documents = [
        document(
            kind="fundamentals",
            symbol=symbol,
            available_at=each.filing.known,
            title=_title(each),
            text=f"{_title(each)}: {_words(each, _year_before(each.filing, statements))}",
            source=file.path.name,
        )
        for each in statements
        if each.values.keys() & ITEMS.keys()
    ]
    findings = [f"{count(without, 'figure')} without a filing, never known"] if without else []
    if filed and not documents:
        some = min(name for each in filed for name in each.values)
        findings.append(f"no figure of {symbol} is one that is known by name; {some!r} is none")
    return Texts(documents=tuple(documents), findings=tuple(findings))


def filed_statements(
    file: DataFile, spellings: Sequence[str]
) -> tuple[list[CompanyStatement], int]:
    """What was filed, and how many figures say neither when they were filed nor accepted."""
    rows = tidy.read_rows(file, spellings)
    cells = zip(
        *_stamps(rows),
        *_periods(rows),
        *(text_cells(rows.frame, name) for name in TEXTS),
        rows.frame["amount"].tolist(),
        strict=True,
    )
    known: dict[FilingStamp, datetime | None] = {}
    values: dict[FiledPeriod, dict[str, float]] = {}
    flows: dict[FiledPeriod, set[str]] = {}
    without = 0
    for filed, accepted, start, end, period, year, statement, item, unit, value in cells:
        if (filed, accepted) not in known:
            known[filed, accepted] = known_from_filing(filed, accepted)
        moment = known[filed, accepted]
        if moment is None:
            without += 1
        elif end is not None and not math.isnan(value):
            # A column of numbers with gaps is one of 2022.0 in many a table.
            filing = FiledPeriod(moment, period.upper(), year.removesuffix(".0"), start, end)
            values.setdefault(filing, {})[_word(item)] = value
            if _word(statement) in FLOWS and NOT_ADDED not in unit.lower():
                flows.setdefault(filing, set()).add(_word(item))
    statements = [
        CompanyStatement(filing=filing, values=of, flows=frozenset(flows.get(filing, ())))
        for filing, of in values.items()
    ]
    return statements, without


def _stamps(rows: FileRows) -> tuple[list[date | None], list[datetime | None]]:
    """When each row was filed, and when it was accepted; a time without a zone is UTC."""
    nothing = [None] * len(rows.frame)
    for name in FILED & set(rows.moments):
        rows.moments[name].refuse_bad(rows.wanted)
    filed: list[date | None] = list(nothing)
    if "filing_date" in rows.moments:
        days = rows.moments["filing_date"].wall.astype("datetime64[D]")[rows.wanted]
        filed = days.tolist()
    accepted: list[datetime | None] = list(nothing)
    if "accepted" in rows.moments:
        moments = rows.moments["accepted"].in_utc()[rows.wanted].astype("datetime64[us]")
        accepted = [
            None if moment is None else moment.replace(tzinfo=UTC) for moment in moments.tolist()
        ]
    return filed, accepted


def fourth_quarters(filed: Sequence[CompanyStatement]) -> Iterator[CompanyStatement]:
    """Fourth quarters without a filing: the year less three quarters, known with the year."""
    own: dict[date, datetime] = {}
    for quarter in filed:
        if quarter.filing.period == "Q4":
            day, known = quarter.filing.end, quarter.filing.known
            own[day] = min(known, own.get(day, known))
    for year in filed:
        if year.filing.period != "FY":
            continue
        # One that is filed later is not known with the year, nor that it is going to be filed.
        if (first := own.get(year.filing.end)) is not None and first <= year.filing.known:
            continue
        three = [each for name in FIRST_THREE if (each := _quarter(year.filing, name, filed))]
        if len(three) < len(FIRST_THREE):
            continue
        added = year.flows.intersection(*(each.flows for each in three))
        values = {
            item: value - math.fsum(each.values[item] for each in three)
            for item, value in year.values.items()
            if item in added
        }
        start = three[-1].filing.end + timedelta(days=1)
        filing = year.filing._replace(period="Q4", start=start)
        yield CompanyStatement(filing=filing, values=values, flows=frozenset(values), derived=True)


def _quarter(
    year: FiledPeriod, period: str, filed: Sequence[CompanyStatement]
) -> CompanyStatement | None:
    """A quarter of a year as it stood when the year was filed."""
    begin = (year.start or year.end - YEAR) - SLACK
    of_it = [
        each
        for each in filed
        if each.filing.period == period
        and begin < each.filing.end < year.end
        and begin <= (each.filing.start or begin)
        and _length(each.filing) <= LONGEST_QUARTER
        and each.filing.known <= year.known
    ]
    return max(of_it, key=lambda each: each.filing.known, default=None)


def _year_before(each: FiledPeriod, statements: Sequence[CompanyStatement]) -> Mapping[str, float]:
    """The values of the same period a year before, as far as they were known then."""
    day = each.end - YEAR
    known = [
        other
        for other in statements
        if other.filing.period == each.period
        and day - SLACK <= other.filing.end <= day + SLACK
        and abs(_length(other.filing) - _length(each)) <= 2 * SLACK
        and other.filing.known <= each.known
    ]
    latest = max(known, key=lambda other: other.filing.known, default=None)
    return {} if latest is None else latest.values


def _length(each: FiledPeriod) -> timedelta:
    """How long a period is; where its first day is unknown, what its name says."""
    if each.start is None:
        return YEAR if each.period == "FY" else YEAR / 4
    return each.end - each.start


def _title(each: CompanyStatement) -> str:
    _, period, year, start, end = each.filing
    name = "Fiscal year" if period == "FY" else f"{period} of fiscal year"
    since = f"{start} to {end}" if start else f"to {end}"
    derived = ", derived: the year less the first three quarters" if each.derived else ""
    return f"{name}{year and ' '}{year}, {since}{derived}"


def _words(each: CompanyStatement, before: Mapping[str, float]) -> str:
    """Its figures, each beside that of a year before."""
    return ", ".join(
        f"{name} {shortened(each.values[item])}"
        + (f" (a year before {shortened(before[item])})" if item in before else "")
        for item, name in ITEMS.items()
        if item in each.values
    )


def shortened(value: float) -> str:
    """A number of three digits or so, in thousands, millions, billions or trillions."""
    size, letter = next(((s, n) for s, n in SIZES if abs(value) >= s), (1.0, ""))
    return f"{value / size:,.2f}{letter}"


def _periods(rows: FileRows) -> tuple[list[date | None], list[date | None]]:
    """The first and the last days of the periods; None where there is nothing.

    They are decided together: firsts of quarters alone do not tell days from months.
    """
    import pandas as pd

    names = [name for name in ("start_date", "end_date") if name in rows.frame]
    cells = pd.concat([rows.frame[name].set_axis(rows.frame["row"]) for name in names])
    written = " or ".join(rows.file.columns[name] for name in names)
    found = moments_of(cells, rows.file.path, written, rows.file.settings)
    found.refuse_bad()
    days: list[date | None] = found.wall.astype("datetime64[D]").tolist()
    number = len(rows.frame)
    return days[:-number] or [None] * number, days[-number:]


def _word(name: str) -> str:
    """A name as this package writes it: ``Income Statement`` is ``income_statement``."""
    return "_".join(name.lower().split())

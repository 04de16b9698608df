"""Macro series as documents: one for each release, which says what is known of its series then."""

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from investorbench_env.market.documents import Document
from investorbench_env.market.files import tidy
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.files.texts import Texts, document, text_cells
from investorbench_env.market.release_rules import MACRO, MacroSeries, end_of, released

COLUMNS = ("date", "timestamp", "series", "amount", "realtime_start")
BEFORE = timedelta(days=400)
"""So much older a value may be than the first release: it is compared with one of a year before."""
BACK = (("a month", 1), ("a year", 12))
"""With what earlier values a new one is compared, in months."""


class MacroValue(NamedTuple):
    """A value of a series.

    Attributes:
        known: when it could be known, in UTC.
        series: its id.
        day: that it is of.
        value: as it stood then.
    """

    known: datetime
    series: str
    day: date
    value: float


def macro(file: DataFile, symbol: str, first: datetime, last: datetime) -> Texts:
    """A document for each release of a series, about an asset.

    Args:
        file: with ``date``, ``series`` and ``value``; with ``realtime_start``, too, of vintages.
        symbol: the asset in whose market they stand.
        first, last: when they may have become known.
    """
    observations, findings = _observations(file, (first - BEFORE).date(), last.date())
    vintages = "realtime_start" in file.columns
    known: dict[str, dict[date, float]] = {}
    days: dict[str, list[date]] = {}
    documents = []
    for number, each in enumerate(observations):
        if each.known > last:
            break
        values = known.setdefault(each.series, {})
        of = days.setdefault(each.series, [])
        if each.day not in values:
            insort(of, each.day)
        values[each.day] = each.value
        following = observations[number + 1 : number + 2]
        same = bool(following) and following[0][:2] == each[:2]  # said once for all of a release
        if each.known >= first and not same:
            words = _words(each.series, of, values, vintages)
            documents.append(_document(symbol, each, words, file.path.name))
    return Texts(documents=tuple(documents), findings=findings)


def _observations(
    file: DataFile, earliest: date, latest: date
) -> tuple[list[MacroValue], tuple[str, ...]]:
    """All values in the order in which they could be known, and what was left out."""
    rows = tidy.read_rows(file, tuple(s for each in file.symbols.values() for s in each), COLUMNS)
    dated = "date" if "date" in rows.moments else "timestamp"
    moments = rows.moments[dated]
    moments.refuse_bad(rows.wanted)
    written = moments.wall.astype("datetime64[D]")[rows.wanted].tolist()
    names = text_cells(rows.frame, "series")
    starts = text_cells(rows.frame, "realtime_start")
    found, unknown, undated = [], set(), 0
    for day, name, value, start in zip(written, names, rows.frame["amount"], starts, strict=True):
        series = MACRO.get(name)
        if day is not None and not earliest <= day <= latest:
            continue
        if "realtime_start" in file.columns:
            known = _vintage(start)
        elif series is not None and day is not None:
            known = released(series, day)
        else:
            unknown.add(name)
            continue
        if known is None or day is None:
            undated += 1
        elif value == value:  # a holiday has none
            found.append(MacroValue(known, name, day, float(value)))
    findings = [f"{name} has no rule that says when it is published: left out" for name in unknown]
    if undated:
        findings.append(f"{count(undated, 'value')} of macro series without a date, left out")
    return sorted(found, key=lambda each: each[:3]), tuple(sorted(findings))


def _vintage(start: str) -> datetime | None:
    try:
        return end_of(date.fromisoformat(start[:10]))
    except ValueError:
        return None


def _words(series: str, days: list[date], values: Mapping[date, float], vintages: bool) -> str:
    """The latest value beside earlier ones, all of them as they are known."""
    about = MACRO.get(series, MacroSeries(series, "", "close"))
    day = days[-1]
    when = f"in {day:%Y-%m}" if about.monthly else f"on {day}"
    unit = f" {about.unit}" if about.unit else ""
    name = series if about.name == series else f"{series}, {about.name}"
    earlier = ", ".join(_earlier(days, values))
    vintage = ", latest vintage" if about.revised and not vintages else ""
    beside = f" ({earlier})" if earlier else ""
    return f"{name}: {_number(values[day])}{unit} {when}{beside}{vintage}"


def _earlier(days: list[date], values: Mapping[date, float]) -> Iterator[str]:
    if len(days) > 1:
        yield f"the value before {_number(values[days[-2]])}"
    for words, months in BACK:
        at = bisect_right(days, _months_before(days[-1], months)) - 1
        if 0 <= at < len(days) - 2:  # that of the one before is said already
            yield f"{words} before {_number(values[days[at]])}"


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, 28))


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 1_000 else f"{value:,.0f}"


def _document(symbol: str, each: MacroValue, words: str, source: str) -> Document:
    return document(
        kind="macro",
        symbol=symbol,
        available_at=each.known,
        title=each.series,
        text=words,
        source=source,
    )

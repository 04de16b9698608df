"""One cell of a date or a time as people write it: which forms there are, and what each says.

Which of three numbers is the day is not known here: that is for the whole column to say.
"""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

BLANKS = ("", "nan", "nat", "null", "none", "n/a", "na", "-")
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
NAMED_ZONES = {
    **dict.fromkeys(("z", "utc", "ut", "gmt"), "+00:00"),
    "est": "-05:00",
    "edt": "-04:00",
    "cst": "-06:00",
    "cdt": "-05:00",
    "mst": "-07:00",
    "mdt": "-06:00",
    "pst": "-08:00",
    "pdt": "-07:00",
    "et": "America/New_York",
}
"""The zones of RFC 822, and what American news agencies write."""
SHORT_FROM, SHORT_TO = 1970, 2039
"""Years of two digits are from here to there; 62 may be 1962 or 2062, so that it is none."""

_FORMS = tuple(
    re.compile(form, re.ASCII)
    for date in (
        r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})",
        r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?P<compact>)",
        r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日",
        r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<c>\d{4}|\d\d)",
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)?[-\s./]*(?P<month>[a-z]{3,9})[-\s.,/]*(?P<y>\d{4}|\d\d)",
        r"(?P<month>[a-z]{3,9})\.?\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})",
        r"(?P<y>\d{4})[-\s./]+(?P<month>[a-z]{3,9})[-\s./]+(?P<d>\d{1,2})",
    )
    for form in (rf"(?:[a-z]{{3,9}}\.?,?\s+)?{date}(?P<rest>(?:[t,\s].*)?)",)
)
_RUN_ON = re.compile(r"(?P<date>\d{8})(?P<time>\d{6})", re.ASCII)
_TIME = re.compile(
    r"(?:(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"|(?P<H2>\d\d)(?P<M2>\d\d)(?P<S2>\d\d)?)"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
    r"(?:\s*(?P<zone>(?:utc|gmt)?[+-]\d\d?(?::?\d\d)?|[a-z]{1,4}))?(?:\s*[\[(](?P<named>[^\])]*)[\])])?",
    re.ASCII,
)
_WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)
"""A whole number that a program wrote as one with decimals."""
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e\+?\d+)?", re.ASCII)

Fields = Mapping[str, Any]
"""y, m, d or a, b, c; seconds of the day; zone, empty where none is written; compact."""


def text_of(cell: Any) -> str | None:
    """A cell as text in small letters, None where nothing stands in it."""
    if cell is None:
        return None
    if isinstance(cell, float):
        if math.isnan(cell):
            return None
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return str(cell).lower()
    text = " ".join(str(cell).split()).lower()
    if whole := _WHOLE.fullmatch(text):
        return whole[1]
    return None if text in BLANKS else text


def is_number(text: str) -> bool:
    """Whether a cell is a number that may count from 1970."""
    return len(text) < 30 and _NUMBER.fullmatch(text) is not None


def fields_of(text: str) -> Fields | None:
    """What a cell says, None where it is no date."""
    if len(text) > 60:
        return None
    if run_on := _RUN_ON.fullmatch(text):
        text = f"{run_on['date']} {run_on['time']}"
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is None:
            continue
        parts = {name: value for name, value in found.groupdict().items() if value is not None}
        time = time_of(parts.pop("rest").strip(" ,").removeprefix("t").strip())
        if time is None:
            continue
        fields: dict[str, Any] = {"seconds": time[0], "zone": time[1]}
        if "month" in parts:
            month = parts["month"][:3]
            if month not in MONTHS:
                continue
            fields["m"] = MONTHS.index(month) + 1
        for name in ("y", "m", "d", "a", "b", "c"):
            if name in parts:
                fields[name] = int(parts[name])
        for name in ("y", "c"):
            if len(parts.get(name, "")) == 2:
                fields["short"] = True
        if "compact" in parts:
            fields["compact"] = True
        return fields
    return None


def time_of(text: str) -> tuple[float, str] | None:
    """Seconds of the day and the zone behind a time, None where it is none; blank is midnight."""
    if not text:
        return 0.0, ""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute = int(found["H"] or found["H2"]), int(found["M"] or found["M2"])
    second = int(found["S"] or found["S2"] or 0) + float(f"0.{found['f'] or 0}")
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"] == "p")
    zone = found["zone"] or found["named"] or ""
    if hour > 23 or minute > 59 or second >= 60 or (zone and _zone(zone) is None):
        return None
    return hour * 3600 + minute * 60 + second, zone


def orders_of(fields: Fields) -> dict[str, date]:
    """The dates that three numbers can be, by the order of day, month and year."""
    a, b, c = fields["a"], fields["b"], fields["c"]
    ways = {"day-first": (c, b, a), "month-first": (c, a, b)}
    if fields.get("short"):
        ways["year-first"] = (a, b, c)
    found = {}
    for order, (year, month, day) in ways.items():
        whole = _year(year) if fields.get("short") else year
        if (made := _date(whole, month, day)) is not None:
            found[order] = made
    return found


def date_of(fields: Fields, order: str) -> date | None:
    """The date of a cell, under the order that its column has."""
    if "a" in fields:
        return orders_of(fields).get(order)
    year = _year(fields["y"]) if fields.get("short") else fields["y"]
    return _date(year, fields["m"], fields["d"])


def offset_of(zone: str, wall: datetime) -> timedelta | None:
    """How far a written zone is ahead of UTC when its clock says so; None for no zone."""
    if not zone:
        return None
    known = _zone(zone)
    return wall.replace(tzinfo=known).utcoffset() if isinstance(known, ZoneInfo) else known


@lru_cache(maxsize=1024)
def _zone(text: str) -> timedelta | ZoneInfo | None:
    named = NAMED_ZONES.get(text, text.removeprefix("utc").removeprefix("gmt"))
    if "/" in named:
        return ZoneInfo(named)
    found = re.fullmatch(r"([+-])(\d\d?):?(\d\d)?", named, re.ASCII)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    if offset > timedelta(hours=14):
        return None
    return -offset if found[1] == "-" else offset


def _year(short: int) -> int | None:
    year = short + (1900 if short >= SHORT_FROM % 100 else 2000)
    return year if year <= SHORT_TO else None


def _date(year: int | None, month: int, day: int) -> date | None:
    try:
        return None if year is None else date(year, month, day)
    except ValueError:
        return None

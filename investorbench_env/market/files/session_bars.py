"""Daily bars: rows are laid onto the exchange's sessions, each of them possible, none invented."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.possible_bars import breaches, is_given_twice, is_outside
from investorbench_env.market.market import CLOSE, FIELDS, FloatArray
from investorbench_env.market.sessions import TimeArray, sessions_between

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBars:
    """Rows on sessions: bars [T, 5], the vendor's adjusted close [T] or None."""

    sessions: TimeArray
    bars: FloatArray
    adjusted: FloatArray | None
    findings: tuple[str, ...]


def on_sessions(
    asset_class: str, rows: "pd.DataFrame", origin: str, tolerance: float | None = None
) -> SessionBars:
    """Lay rows onto the sessions from the first to the last of them.

    Raises:
        CorruptDataError: a bar that cannot be; or more rows than a share of them are of no session,
            or more sessions than that are missing.
    """
    rows, findings = _checked(rows, origin)
    dates = rows["date"].to_numpy().astype("datetime64[D]")
    if not len(dates):
        raise CorruptDataError(f"{origin}: it holds no bar with a close")
    sessions = sessions_between(asset_class, str(dates[0]), str(dates[-1]))
    known = np.isin(dates, sessions)
    if not known.any():
        raise CorruptDataError(f"{origin}: none of its {len(dates)} days is a trading session")
    if not known.all():
        findings.append(
            f"{count((~known).sum(), 'row')} on days without a session dropped: "
            + some_days(dates[~known])
        )
        refuse_beyond(tolerance, float((~known).mean()), findings[-1], origin)
    dates, rows = dates[known], rows[known]
    sessions = sessions[(sessions >= dates[0]) & (sessions <= dates[-1])]
    place = np.searchsorted(sessions, dates)
    bars = np.full((len(sessions), len(FIELDS)), np.nan)
    for index, name in enumerate(FIELDS):
        if name in rows:
            bars[place, index] = rows[name].to_numpy(dtype=float)
    missing = sessions[np.isnan(bars[:, CLOSE])]
    if len(missing):
        findings.append(f"{count(len(missing), 'session')} without a bar: {some_days(missing)}")
        refuse_beyond(tolerance, len(missing) / len(sessions), findings[-1], origin)
    adjusted = None
    if "adj_close" in rows:
        adjusted = np.full(len(sessions), np.nan)
        adjusted[place] = rows["adj_close"].to_numpy(dtype=float)
    return SessionBars(sessions=sessions, bars=bars, adjusted=adjusted, findings=tuple(findings))


def refuse_beyond(tolerance: float | None, share: float, finding: str, origin: str) -> None:
    """Refuse a share of rows or bars that is more than may be taken for granted.

    Raises:
        CorruptDataError: it is.
    """
    if tolerance is not None and share > tolerance:
        least = np.ceil(share * 100) / 100
        raise CorruptDataError(
            f"{origin}: {finding}; that is {share:.1%}, and {tolerance:.0%} are taken for granted. "
            f"If its dates were read wrongly say with dates= what they are; if it is as it should "
            f"be: data_tolerance={least:g}"
        )


def _checked(rows: "pd.DataFrame", origin: str) -> tuple["pd.DataFrame", list[str]]:
    """The rows in order, one a day, each of them possible."""
    findings: list[str] = []
    rows = rows.dropna(subset=["close"]).sort_values("date", kind="stable")
    for breach in breaches(rows):
        first = rows[breach.rows].iloc[0]
        place = f", row {first['row']}" if "row" in rows else ""
        raise CorruptDataError(f"{origin}{place}: {breach.sentence(first)}")
    twice = is_given_twice(rows)
    if twice.any():
        findings.append(f"{count(int(twice.sum()), 'repeated bar')} dropped")
        rows = rows[~twice]
    outside = is_outside(rows)
    if outside.any():
        findings.append(
            f"{count(int(outside.sum()), 'bar')} with open or close outside low..high: "
            + some_days(rows.loc[outside, "date"].to_numpy())
        )
    return rows, findings


def count(number: int, noun: str) -> str:
    """A number of things in words."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def some_days(dates: TimeArray, most: int = 5) -> str:
    """The first few dates in words."""
    days = [str(day) for day in dates.astype("datetime64[D]")[:most]]
    return ", ".join(days) + (f" and {len(dates) - most} more" if len(dates) > most else "")

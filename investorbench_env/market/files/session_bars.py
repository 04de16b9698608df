"""Daily bars: rows are laid onto the exchange's sessions, each of them possible, none invented."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.market import (
    CLOSE,
    FIELDS,
    VOLUME,
    FloatArray,
)
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


def on_sessions(asset_class: str, rows: "pd.DataFrame", origin: str) -> SessionBars:
    """Lay rows onto the sessions from the first to the last of them."""
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
    adjusted = None
    if "adj_close" in rows:
        adjusted = np.full(len(sessions), np.nan)
        adjusted[place] = rows["adj_close"].to_numpy(dtype=float)
    return SessionBars(sessions=sessions, bars=bars, adjusted=adjusted, findings=tuple(findings))


def _checked(rows: "pd.DataFrame", origin: str) -> tuple["pd.DataFrame", list[str]]:
    """The rows in order, one a day, each of them possible."""
    findings: list[str] = []
    columns = [name for name in (*FIELDS, "adj_close") if name in rows]
    rows = rows.dropna(subset=["close"]).sort_values("date", kind="stable")
    _refuse_impossible(rows, origin)
    twice = rows.duplicated(["date"], keep="first")
    if twice.any():
        same = rows.duplicated(["date", *columns], keep="first")
        if (twice & ~same).any():
            date = rows.loc[twice & ~same, "date"].iloc[0]
            raise CorruptDataError(
                f"{origin}{_row(rows, twice & ~same)}: a second bar of {date:%Y-%m-%d} "
                "contradicts the first"
            )
        findings.append(f"{count(int(twice.sum()), 'repeated bar')} dropped")
        rows = rows[~twice]
    if {"high", "low", "open", "close"} <= set(columns):
        body_high = rows[["open", "close"]].max(axis=1)
        body_low = rows[["open", "close"]].min(axis=1)
        outside = (body_high > rows["high"] * 1.0001) | (body_low < rows["low"] * 0.9999)
        if outside.any():
            findings.append(
                f"{count(int(outside.sum()), 'bar')} with open or close outside low..high: "
                + some_days(rows.loc[outside, "date"].to_numpy())
            )
    return rows, findings


def _refuse_impossible(rows: "pd.DataFrame", origin: str) -> None:
    for name in (*FIELDS[:VOLUME], "adj_close"):
        if name in rows and (bad := rows[name] <= 0).any():
            value, date = rows.loc[bad, name].iloc[0], rows.loc[bad, "date"].iloc[0]
            raise CorruptDataError(
                f"{origin}{_row(rows, bad)}: {name} {value:g} on {date:%Y-%m-%d} is not positive"
            )
    if {"high", "low"} <= set(rows) and (bad := rows["high"] < rows["low"]).any():
        first = rows[bad].iloc[0]
        raise CorruptDataError(
            f"{origin}{_row(rows, bad)}: high {first['high']:g} is below low {first['low']:g} "
            f"on {first['date']:%Y-%m-%d}"
        )
    if "volume" in rows and (bad := rows["volume"] < 0).any():
        first = rows[bad].iloc[0]
        raise CorruptDataError(
            f"{origin}{_row(rows, bad)}: volume {first['volume']:g} on {first['date']:%Y-%m-%d} "
            "is negative"
        )


def _row(rows: "pd.DataFrame", bad: "pd.Series[bool]") -> str:
    """Where the first bad row stands in its file, as far as the loader names it."""
    return f", row {rows.loc[bad, 'row'].iloc[0]}" if "row" in rows else ""


def count(number: int, noun: str) -> str:
    """A number of things in words."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def some_days(dates: TimeArray, most: int = 5) -> str:
    """The first few dates in words."""
    days = [str(day) for day in dates.astype("datetime64[D]")[:most]]
    return ", ".join(days) + (f" and {len(dates) - most} more" if len(dates) > most else "")

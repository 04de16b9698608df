"""Funding rates of one asset: which source of them is of a venue's stamps, and what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import tidy
from investorbench_env.market.files.candles import CandleOrigin, named
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.possible_bars import is_given_twice
from investorbench_env.market.intervals import length_of
from investorbench_env.market.market import FloatArray, Market
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("date", "timestamp", "time", "funding_rate", "period_h", "oracle", "venue", "source")
HOUR = np.timedelta64(1, "h")
MINUTE = "datetime64[m]"
"""A venue charges some milliseconds after a stamp, and writes that down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What one source says of one asset.

    Attributes:
        origin: where it stands, in words.
        venue: as its rows or its file name it; empty where they do not.
        hours: from stamp to stamp; NaN where there is only one.
        stamps: ``datetime64[s]`` UTC, ascending [N].
        rates: of each stamp [N].
        oracle: the price that the rate was charged on, NaN where unknown [N].
    """

    origin: str
    venue: str
    hours: float
    stamps: TimeArray
    rates: FloatArray
    oracle: FloatArray


def funding_in(file: DataFile, spellings: Sequence[str]) -> Iterator[Funding]:
    """The rates of an asset in a file of rates, those of each venue and period by themselves.

    A row without a rate says nothing of its stamp.

    Raises:
        CorruptDataError: the file cannot be read, or a rate or its time is none.
    """
    rows = tidy.read_rows(file, spellings, COLUMNS)
    frame = rows.frame.assign(date=rows.moments_in_utc().astype(MINUTE).astype("datetime64[s]"))
    frame = frame[frame["funding_rate"].notna()]
    if (beyond := ~(frame["funding_rate"].abs() < 1.0)).any():
        first = frame[beyond].iloc[0]
        raise CorruptDataError(
            f"{file.path}, row {first['row']}: a funding rate of {first['funding_rate']:g} is none "
            "between -1 and 1; write .00125 % as .0000125"
        )
    said = str(file.metadata.get("source", ""))
    column = next((name for name in ("venue", "source") if name in frame), None)
    frame["venue"] = named(frame[column]) if column else said
    if "period_h" not in frame:
        frame["period_h"] = np.nan
    for (venue, hours), part in frame.groupby(["venue", "period_h"], dropna=False, sort=True):
        label = file.path.name + (f" ({venue})" if venue else "")
        yield _funding(part, label, str(venue), float(hours))


def funding_beside(origin: CandleOrigin, seconds: int) -> Iterator[Funding]:
    """The rates beside candles of a length, on those that open at a stamp; nothing for none."""
    rows = origin.rows[origin.rows["seconds"] == seconds]
    if "funding_rate" in rows and (there := rows["funding_rate"].notna()).any():
        given = rows[there].assign(date=rows.loc[there, "at"])
        yield _funding(given, str(origin), origin.venue, np.nan)


def _funding(rows: "pd.DataFrame", origin: str, venue: str, said: float) -> Funding:
    """The rates of rows; how far they are apart goes before the hours that somebody said."""
    rows = rows.sort_values("date", kind="stable")
    twice = is_given_twice(rows)
    other = twice & (rows["funding_rate"] != rows["funding_rate"].shift())
    if other.any():
        moment = rows.loc[other, "date"].iloc[0]
        raise CorruptDataError(f"{origin}: a second funding rate of {moment} contradicts the first")
    rows = rows[~twice]
    stamps = rows["date"].to_numpy().astype("datetime64[s]")
    apart = np.diff(stamps) / HOUR
    oracle = rows["oracle"] if "oracle" in rows else rows["funding_rate"] * np.nan
    return Funding(
        origin=origin,
        venue=venue,
        hours=float(np.median(apart)) if len(apart) else said,
        stamps=stamps,
        rates=rows["funding_rate"].to_numpy(dtype=float),
        oracle=oracle.to_numpy(dtype=float),
    )


def chosen(sources: Sequence[Funding], symbol: str, venue: str, hours: int) -> Funding | None:
    """The rates of a venue; None where there are none at all.

    Args:
        sources: those that there are, the preferred first.
        symbol: for messages.
        venue: whose account the rates are charged to.
        hours: from stamp to stamp of it.

    Raises:
        CorruptDataError: all that there are belong to other stamps.
    """
    fitting = [each for each in sources if each.hours == hours or np.isnan(each.hours)]
    if sources and not fitting:
        named = ", ".join(f"{each.origin} every {each.hours:g} h" for each in sources)
        raise CorruptDataError(
            f"{symbol}: {venue} charges funding every {hours} h, and there is none of that: "
            f"{named}; give its own rates, or a venue= with their funding_hours"
        )
    best = max(fitting, key=lambda each: is_named(venue, each), default=None)
    if best is not None:
        _refuse_between(best, symbol, venue, hours)
    return best


def require_stamps(market: Market, symbol: str, venue: str, hours: int) -> None:
    """See that the rates of a market are of a venue's stamps.

    Raises:
        CorruptDataError: they are of others.
    """
    assert market.funding is not None
    rates = market.funding[:, market.asset(symbol)]
    known = ~np.isnan(rates)
    opens = market.times[known] - length_of(market.interval)
    stamps = opens.astype("datetime64[s]")
    apart = np.diff(stamps) / HOUR
    own = Funding(
        origin=market.source,
        venue=venue,
        hours=float(np.median(apart)) if len(apart) else np.nan,
        stamps=stamps,
        rates=rates[known],
        oracle=rates[known] * np.nan,
    )
    chosen((own,), symbol, venue, hours)


def is_named(venue: str, rates: Funding) -> bool:
    """Whether rates are said to be of a venue."""
    return venue.lower() in f"{rates.venue} {rates.origin}".lower()


def _refuse_between(rates: Funding, symbol: str, venue: str, hours: int) -> None:
    """See that rates stand at stamps, which are counted from midnight UTC.

    Raises:
        CorruptDataError: one does not.
    """
    since = rates.stamps - rates.stamps.astype("datetime64[D]")
    between = since % np.timedelta64(hours, "h") != np.timedelta64(0, "s")
    if between.any():
        raise CorruptDataError(
            f"{symbol}: {rates.origin} has a funding rate of {rates.stamps[between][0]}, and "
            f"{venue} charges every {hours} h from midnight UTC on"
        )

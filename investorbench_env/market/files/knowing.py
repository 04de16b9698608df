"""From when a text could be known: late rather than early where its source does not say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.files.moments import ZONES, BoolArray, DateColumn, in_zone
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.files.settings import NOTHING, FileSettings
from investorbench_env.market.sessions import TimeArray, ends_of_days

EVERYWHERE = np.timedelta64(36, "h")
"""From the beginning of a date in UTC until it has ended west of all other zones, UTC-12."""
DAY_MICROSECONDS = 86_400_000_000
FEWEST_AT_MIDNIGHT = 2
"""So many items of a source at midnight of one zone show that they are dates."""
FEWEST_SHARING = 5
"""So many items of a source at one time of day show that it is no moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """When each row could be known, aware and in UTC, None where unknown [N].

    Attributes:
        times: the moments [N].
        bare: which of them come from a date without a time of day [N].
        findings: what was assumed, in words.
    """

    times: tuple[datetime | None, ...]
    bare: BoolArray
    findings: tuple[str, ...]


def known_from(
    columns: Sequence[DateColumn],
    wanted: BoolArray,
    sources: Sequence[npt.NDArray[np.int64]],
    asset_class: AssetClass,
    settings: FileSettings = NOTHING,
) -> Known:
    """From when rows could be known, by the first of some columns that says.

    A date without a time of day is known once it has ended. So is midnight, as written, in UTC or
    at the market; midnight in any one zone where most items of a source are; and any other time
    of day that most of them share. Times without a zone are the market's own.

    Args:
        columns: of dates and times, of a whole file [F].
        wanted: the rows that are meant [F].
        sources: numbers for the source of each row, from the narrowest to the widest [F].
        asset_class: where the market is.
        settings: what somebody says about the columns.
    """
    known = np.full(len(wanted), np.datetime64("NaT", "us"))
    dated, assumed = np.zeros(len(wanted), dtype=bool), np.zeros(len(wanted), dtype=bool)
    for moments in columns:
        here = np.isnat(known) & moments.known
        dates = _bare_dates(moments, sources, asset_class, settings)
        bare = ~np.isnat(dates)
        zone = settings.timezone or asset_class.timezone
        exact = np.where(moments.stated, moments.wall - moments.offset, _utc(moments.wall, zone))
        ends = dates_ended(dates, asset_class, settings.timezone)
        known = np.where(here, np.where(bare, ends, exact), known)
        dated |= here & bare
        assumed |= here & ~bare & ~moments.stated
    times = _datetimes(known[wanted])
    number = int((assumed & wanted).sum())
    zone = settings.timezone or asset_class.timezone
    finding = f"{count(number, 'text')} with a time and no zone, taken as that of {zone}"
    findings = (finding,) if number and not settings.timezone else ()
    return Known(times=times, bare=dated[wanted], findings=findings)


def dates_ended(dates: TimeArray, asset_class: AssetClass, timezone: str = "") -> TimeArray:
    """When dates had ended, ``datetime64[us]`` in UTC, NaT for NaT [N].

    In the market's zone, or in another that is known. In a market that never closes, whose texts
    come from everywhere, a date has ended once it has ended in all zones.

    Args:
        dates: ``datetime64[D]`` [N].
        asset_class: where the market is.
        timezone: the zone of the dates, where somebody says it.
    """
    if not timezone and asset_class.always_open:
        everywhere: TimeArray = np.add(dates.astype("datetime64[us]"), EVERYWHERE)
        return everywhere
    ended = np.full(len(dates), np.datetime64("NaT", "us"))
    known = ~np.isnat(dates)
    if known.any():
        ends = ends_of_days(dates[known], timezone or asset_class.timezone)
        ended[known] = ends.astype("datetime64[us]")
    return ended


def moments_ended(dates: TimeArray, asset_class: AssetClass) -> tuple[datetime, ...]:
    """When dates had ended, aware and in UTC [N]."""
    return tuple(moment for moment in _datetimes(dates_ended(dates, asset_class)) if moment)


def _bare_dates(
    moments: DateColumn,
    sources: Sequence[npt.NDArray[np.int64]],
    asset_class: AssetClass,
    settings: FileSettings,
) -> TimeArray:
    """The date of each row that is one and no moment, NaT for the others [F]."""
    written = moments.wall.astype("datetime64[D]")
    if settings.as_written:
        return written
    nothing = np.datetime64("NaT", "D")
    dates = np.where(moments.timed, nothing, written)
    if not moments.timed.any():
        return dates
    utc = moments.wall - moments.offset
    zones = [settings.timezone] if settings.timezone else ["UTC", asset_class.timezone]
    for zone in zones:
        local = in_zone(utc, zone)
        at_midnight = moments.stated & (local == local.astype("datetime64[D]"))
        dates = np.where(np.isnat(dates) & at_midnight, local.astype("datetime64[D]"), dates)
    if settings.timezone:
        return dates
    for of in sources:
        undated = np.isnat(dates) & moments.known
        if not undated.any():
            break
        shared = _shared_dates(moments, of, asset_class.timezone)
        dates = np.where(undated, shared, dates)
    return dates


def _shared_dates(moments: DateColumn, sources: npt.NDArray[np.int64], timezone: str) -> TimeArray:
    """The date of each row at a time of day that most of its source share, NaT elsewhere [F].

    A midnight of one zone goes before other times, and the market's zone before others.
    """
    dates = np.full(len(sources), np.datetime64("NaT", "D"))
    stated, number = moments.stated, int(sources.max(initial=-1)) + 1
    utc = moments.wall - moments.offset
    of_stated = sources[stated]
    counts = np.bincount(of_stated, minlength=number)
    settled = np.zeros(number, dtype=bool)
    for zone in (timezone, *ZONES):
        if settled[counts >= FEWEST_AT_MIDNIGHT].all():
            break
        local = in_zone(utc, zone)
        days = local.astype("datetime64[D]")
        midnight = stated & (local == days)
        share = np.bincount(of_stated, weights=midnight[stated], minlength=number)
        here = ~settled & (counts >= FEWEST_AT_MIDNIGHT) & (share > 0.5 * counts)
        dates = np.where(midnight & here[sources], days, dates)
        settled |= here
    written = moments.wall.astype("datetime64[D]")
    common = _common_times(moments, sources) & ~settled[sources]
    return np.where(common, written, dates)


def _common_times(moments: DateColumn, sources: npt.NDArray[np.int64]) -> BoolArray:
    """The rows at the time of day that most of their source have, as it is written [F]."""
    clock = (moments.wall - moments.wall.astype("datetime64[D]")).astype(np.int64)
    keys = sources * np.int64(DAY_MICROSECONDS) + np.where(moments.known, clock, 0)
    different, counts = np.unique(keys[moments.known], return_counts=True)
    whole = np.bincount(sources[moments.known], minlength=int(sources.max(initial=-1)) + 1)
    most = (counts >= FEWEST_SHARING) & (counts > 0.5 * whole[different // DAY_MICROSECONDS])
    common: BoolArray = moments.known & np.isin(keys, different[most])
    return common


def _utc(wall: TimeArray, timezone: str) -> TimeArray:
    """Dates and times from what a zone's clock said; of two, and of none, the later [F]."""
    import pandas as pd

    local = pd.DatetimeIndex(wall).tz_localize(
        timezone, ambiguous=np.zeros(len(wall), dtype=bool), nonexistent="shift_forward"
    )
    moments: TimeArray = local.tz_convert("UTC").tz_localize(None).to_numpy()
    return moments.astype("datetime64[us]")


def _datetimes(moments: TimeArray) -> tuple[datetime | None, ...]:
    import pandas as pd

    aware = pd.DatetimeIndex(moments).tz_localize("UTC")
    return tuple(None if moment is pd.NaT else moment.to_pydatetime() for moment in aware)

"""What there is already of a symbol, of each kind of data, and what of the wanted days is lacking.

A file that was fetched says by its provenance for which days it was asked; of any other the first
and the last row count. Of prices every session counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import PERPETUAL, AssetClass, find_asset_class
from investorbench_env.market.files import candles, index, store, tidy
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.released import dates_in
from investorbench_env.market.intervals import length_of
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.sources.source import FetchRequest, Kind, kinds_of

OF_FILES: dict[str, tuple[Kind, ...]] = {
    "bars": ("prices",),
    "candles": ("prices",),
    "funding": ("funding",),
    "actions": ("actions",),
    "news": ("news",),
    "filings": ("filings",),
    "released": ("news", "filings"),
    "market": get_args(Kind),
}
"""The kinds of data in a file of a kind; the closes of the release stand in for no bars."""
FORMAT = 2
"""Of what stands beside a file, and of pieces; what another version kept is fetched again."""
FETCHED = ("bars", "candles", "funding", "actions", "news", "filings")
"""Kinds of files that fetching writes: each with its provenance, or it is half-written."""
DAY = timedelta(days=1)
Span = tuple[date, date]


@dataclass(slots=True, kw_only=True)
class Held:
    """What there is of one kind.

    Attributes:
        rows: on the days that are wanted.
        names: of the files.
        dates: of prices, the days that have one.
        spans: the days that were asked for, or that there is something of.
        missing: how many of the wanted sessions have no price, or of the days nothing was asked
            for.
    """

    rows: int = 0
    names: list[str] = field(default_factory=list)
    dates: set[np.datetime64] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    missing: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing of what is wanted is missing."""
        return bool(self.names) and not self.missing


def held(request: FetchRequest, places: Iterable[Path]) -> dict[Kind, Held]:
    """What there is of each kind that a request wants, in some folders.

    A file that cannot be read holds nothing here; ``data check`` says what is wrong with it.
    """
    row = find_asset_class(request.asset_class)
    found: dict[Kind, Held] = {
        kind: Held() for kind in sorted(request.kinds & kinds_of(request.asset_class))
    }
    for place in places:
        files, _ = index.readable(index.stamps(place)) if place.exists() else ([], [])
        for file in files:
            if spellings := file.spellings(request.symbol, request.asset_class):
                try:
                    _add(found, file, spellings, request, row)
                except CorruptDataError:
                    continue
    for kind, each in found.items():
        each.missing = (
            _missing_prices(request, each) if kind == "prices" else _left(request, kind, each)
        )
    return found


def lacking(request: FetchRequest, places: Iterable[Path]) -> frozenset[Kind]:
    """The kinds that a request wants of which not all days are there."""
    return frozenset(kind for kind, each in held(request, places).items() if not each.is_whole)


def _add(
    found: dict[Kind, Held],
    file: DataFile,
    spellings: Sequence[str],
    request: FetchRequest,
    row: AssetClass,
) -> None:
    """Count what one file has."""
    provenance = store.read_provenance(file.path)
    was_fetched = "source" in file.metadata and file.kind in FETCHED
    is_ours = provenance.get("version") == FORMAT and store.is_whole(file.path)
    if file.metadata.get("simulated") or (was_fetched and not is_ours) or not is_of(file, row):
        return
    said = provenance.get("kinds")
    stated = said if isinstance(said, list) and said else OF_FILES.get(file.kind, ())
    kinds = {kind for kind in found if kind in stated}
    if not kinds:
        return
    dates = _dates(file, spellings, row, request)
    span = None if file.kind == "released" else _asked(provenance)
    span = span or _span(dates)
    for kind in kinds:
        each = found[kind]
        wanted = dates[
            (dates >= np.datetime64(request.first_of(kind)))
            & (dates <= np.datetime64(request.last))
        ]
        each.names.append(file.path.name)
        each.rows += len(wanted)
        each.spans += [span] if span else []
        if kind == "prices":
            each.dates |= set(wanted)
            if {"dividend", "split"} & set(file.columns) and "actions" in found:
                found["actions"].names.append(file.path.name)
                found["actions"].spans += [span] if span else []


def is_of(file: DataFile, row: AssetClass) -> bool:
    """Whether a file's bars are of a class: perpetuals alone have candles, and nothing else."""
    if file.kind == "market":
        return row.leveraged is (file.metadata["asset_class"] == PERPETUAL.name)
    return row.leveraged == (file.kind in ("candles", "funding"))


def _dates(
    file: DataFile, spellings: Sequence[str], row: AssetClass, request: FetchRequest
) -> np.ndarray:
    """The date of every row about a symbol, ``datetime64[D]`` [N]."""
    if file.kind == "released":
        days = dates_in(file.path.read_bytes(), str(file.path))
        return np.array(days, dtype="datetime64[D]")
    if file.kind == "market":  # of which every asset has every date
        dates: np.ndarray = index.column(file, "date").to_numpy().astype("datetime64[D]")
        return dates
    if file.kind == "bars":
        bars = tidy.bars(file, spellings, row)
        known: np.ndarray = bars["date"].to_numpy()[bars["close"].notna()].astype("datetime64[D]")
        return known
    if file.kind == "candles":
        return _days_with_all(file, spellings, request)
    dated = [name for name in index.DATED if name in file.columns]
    rows = tidy.read_rows(file, spellings, dated)
    wall = rows.moments[dated[0]].wall[rows.wanted]
    return wall[~np.isnat(wall)].astype("datetime64[D]")


def _days_with_all(file: DataFile, spellings: Sequence[str], request: FetchRequest) -> np.ndarray:
    """The days that have candles of all lengths that are wanted, of one venue."""
    found: set[np.datetime64] = set()
    for _, origin in candles.origins(file, {request.symbol: spellings}):
        at, seconds = origin.rows["at"].to_numpy().astype("datetime64[D]"), origin.rows["seconds"]
        lengths = [int(length_of(name) / candles.SECOND) for name in request.intervals]
        found |= set.intersection(*({*at[(seconds == each).to_numpy()]} for each in lengths))
    return np.array(sorted(found), dtype="datetime64[D]")


def _asked(provenance: Mapping[str, Any]) -> Span | None:
    """The days for which a file was fetched, as far as its source has them."""
    asked: Any = provenance.get("covers")
    try:
        return date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    except (KeyError, TypeError, ValueError):  # of a file that was not fetched, or not by this
        return None


def _span(dates: np.ndarray) -> Span | None:
    return (dates.min().item(), dates.max().item()) if len(dates) else None


def _missing_prices(request: FetchRequest, each: Held) -> int:
    sessions = sessions_between(
        request.asset_class, request.first.isoformat(), request.last.isoformat()
    )
    return len(set(sessions) - each.dates)


def _left(request: FetchRequest, kind: Kind, each: Held) -> int:
    """How many of the wanted days no span holds."""
    reached, left = date.fromordinal(max(1, request.first_of(kind).toordinal() - 1)), 0
    for first, last in sorted(each.spans):
        if first > reached + DAY:
            left += (min(first, request.last + DAY) - reached).days - 1
        reached = max(reached, min(last, request.last))
        if reached >= request.last:
            break
    return left + max(0, (request.last - reached).days)

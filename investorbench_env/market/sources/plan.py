"""What fetching a symbol would do: what is there, and where the rest would come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from investorbench_env.errors import UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.files import index
from investorbench_env.market.sources import coverage
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.coverage import Held
from investorbench_env.market.sources.source import FetchRequest, Kind, Source

BARS = ("bars", "released", "market", "candles")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPlan:
    """What is there of one symbol, and who is asked for what is not.

    Attributes:
        request: all that is wanted.
        held: what the folder has of each kind.
        asked: for each kind that is lacking, the sources in the order in which they are asked.
        read_before: a folder with bars of the symbol that is read before the one that is filled.
    """

    request: FetchRequest
    held: Mapping[Kind, Held]
    asked: Mapping[Kind, tuple[Source, ...]]
    read_before: Path | None = None

    @property
    def lacking(self) -> FetchRequest:
        """The request for what is lacking alone."""
        return replace(self.request, kinds=frozenset(self.asked))

    def first(self, kind: Kind) -> Source | None:
        """The source that is asked first: of those with their keys, the first of the catalogue."""
        able = (each for each in self.asked[kind] if not each.hindrance(self.request.contact))
        return next(able, None)

    def choices(self) -> tuple[Source, ...]:
        """The sources that are asked first for something."""
        found = (self.first(kind) for kind in self.asked)
        return tuple(dict.fromkeys(source for source in found if source is not None))

    def others(self) -> tuple[Source, ...]:
        """The sources that are asked where those fail, or would be with a key."""
        every = (source for kind in self.asked for source in self.asked[kind])
        return tuple(source for source in dict.fromkeys(every) if source not in self.choices())


def plan(request: FetchRequest, sources: Sequence[str], searched: Sequence[Path]) -> FetchPlan:
    """What to fetch for a request.

    Args:
        request: all that is wanted.
        sources: names of those that may be asked; all for none.
        searched: the folders that are read, in order.

    Raises:
        UnknownNameError: a source that does not exist.
    """
    for name in sources:
        if name not in SOURCES:
            raise UnknownNameError("source", name, SOURCES)
    held = coverage.held(request, [request.into])
    chosen = [SOURCES[name] for name in SOURCES if not sources or name in sources]
    asked = {
        kind: tuple(source for source in chosen if kind in source.serves(request))
        for kind, each in held.items()
        if request.again or not each.is_whole
    }
    return FetchPlan(
        request=request, held=held, asked=asked, read_before=_read_before(request, searched)
    )


def place_of(symbol: str, asset_class: str, searched: Sequence[Path]) -> Path:
    """The folder from which a symbol is read: the first with bars of it, else the last."""
    return next((each for each in searched if _has_bars(each, symbol, asset_class)), searched[-1])


def _read_before(request: FetchRequest, searched: Sequence[Path]) -> Path | None:
    """The first folder with bars of the symbol, where it is not the one that is filled."""
    for place in searched:
        if place.resolve() == request.into.resolve():
            return None
        if _has_bars(place, request.symbol, request.asset_class):
            return place
    return None


def _has_bars(place: Path, symbol: str, asset_class: str) -> bool:
    files, _ = index.readable(index.stamps(place)) if place.exists() else ([], [])
    row = find_asset_class(asset_class)
    return any(
        file.kind in BARS and coverage.is_of(file, row) and file.spellings(symbol, asset_class)
        for file in files
    )

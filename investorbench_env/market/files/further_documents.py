"""Documents of further kinds, added to a market where they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from investorbench_env.market.asset_classes import AssetClass, find_asset_class
from investorbench_env.market.documents import DocumentTable
from investorbench_env.market.files import index
from investorbench_env.market.files.fundamentals import fundamentals
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.macro import macro
from investorbench_env.market.files.notes import analyst, insider
from investorbench_env.market.files.texts import Texts
from investorbench_env.market.market import Market

BEFORE = timedelta(days=500)
"""So long before the first bar a document may have become known."""


def with_documents(
    market: Market,
    symbol: str,
    asset_class: str,
    places: Sequence[Path],
    sources: Sequence[str],
    dates: str | None = None,
) -> Market:
    """A market with the documents of further kinds that some places hold about its asset.

    Args:
        market: of the asset.
        symbol: the asset.
        asset_class: the name of its class.
        places: folders and files; of each kind the first that has some is used.
        sources: the kinds, of ``FURTHER_KINDS``.
        dates: what is said of the dates in the files, as `docs/data.md` has it.

    Raises:
        CorruptDataError: a file of such a kind cannot be read.
    """
    stamped = tuple(
        index.stamps(place.resolve(), dates) for place in dict.fromkeys(places) if place.exists()
    )
    wanted = tuple(sorted(set(sources)))
    return _with_documents(market, symbol, find_asset_class(asset_class), stamped, wanted)


@lru_cache(maxsize=64)
def _with_documents(
    market: Market,
    symbol: str,
    asset_class: AssetClass,
    places: tuple[tuple[tuple[Path, index.Stamp], ...], ...],
    sources: tuple[str, ...],
) -> Market:
    begin, end = (
        datetime.fromisoformat(str(moment.astype("datetime64[s]"))).replace(tzinfo=UTC)
        for moment in market.times[[0, -1]]
    )
    documents, names, findings = list(market.documents), [], []
    for kind in sources:
        for file, read in _first_that_has(kind, places, symbol, asset_class, (begin - BEFORE, end)):
            documents += [
                row for row in read.documents if begin - BEFORE <= row.available_at <= end
            ]
            names.append(file.path.name)
            findings += [f"{file.path.name}: {finding}" for finding in read.findings]
    if not names:
        return market
    unique = tuple({row.id: row for row in reversed(documents)}.values())[::-1]
    return replace(
        market,
        documents=DocumentTable(unique),
        source=", ".join([market.source, *dict.fromkeys(names)]),
        findings=tuple(dict.fromkeys([*market.findings, *findings])),
    )


def forget() -> None:
    """Let go of the markets that are kept in memory; those in use stay."""
    _with_documents.cache_clear()


def _first_that_has(
    kind: str,
    places: Sequence[Sequence[tuple[Path, index.Stamp]]],
    symbol: str,
    asset_class: AssetClass,
    span: tuple[datetime, datetime],
) -> Iterator[tuple[DataFile, Texts]]:
    """The files of the first place that hold documents of a kind about a symbol, and these."""
    for place in places:
        files = [file for file in index.readable(place)[0] if file.kind == kind]
        found = False
        for file in files:
            read = _read(file, symbol, asset_class, span)
            if read.documents:
                found = True
                yield file, read
        if found:
            return


def _read(
    file: DataFile, symbol: str, asset_class: AssetClass, span: tuple[datetime, datetime]
) -> Texts:
    if file.kind == "macro":
        return macro(file, symbol, *span)
    spellings = file.spellings(symbol, asset_class.name)
    if not spellings:
        return Texts(documents=(), findings=())
    if file.kind == "fundamentals":
        return fundamentals(file, spellings, symbol)
    return (insider if file.kind == "insider" else analyst)(file, spellings, symbol, asset_class)

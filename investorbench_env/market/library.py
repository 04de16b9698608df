"""Markets by name: where data is looked for, and what is done where there is none."""

import os
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market import index
from investorbench_env.market.assemble import assemble
from investorbench_env.market.documents import Document
from investorbench_env.market.index import DataFile
from investorbench_env.market.market import AssetClass, Market
from investorbench_env.market.sessions import TIMEZONES
from investorbench_env.market.sources import investorbench_json, tidy

VARIABLE = "INVESTORBENCH_DATA"
WAYS = ("auto", "real", "simulated")


def find_market(
    symbol: str, asset_class: AssetClass, data: "str | os.PathLike[str] | Market" = "auto"
) -> Market:
    """The market of one asset.

    Args:
        symbol: such as ``"TSLA"``.
        asset_class: says which exchange calendar and time zone hold.
        data: a market, which is returned as it is; a path to a folder or a file; or
            ``"auto"``: ``$INVESTORBENCH_DATA``, the user cache, then with a warning a simulation;
            ``"real"``: the same without the simulation;
            ``"simulated"``: only the simulation.

    Raises:
        DataNotFoundError: nothing was found; the message has the commands that would supply it.
        CorruptDataError: a file that should have been used is not readable.
        UnknownNameError: the market that was given does not hold the symbol.
    """
    if isinstance(data, Market):
        data.asset(symbol)
        return data
    name = os.fspath(data)
    if name == "simulated":
        return _simulated(symbol, asset_class)
    if name not in WAYS:
        return _from_path(symbol, asset_class, Path(name).expanduser())
    for place in places():
        market = _load(symbol, asset_class, place)
        if market is not None:
            return market
    if name == "real":
        raise DataNotFoundError(_not_found(symbol, "no real data"))
    warnings.warn(
        _not_found(symbol, "a simulated market stands in: no real data"),
        SimulatedDataWarning,
        stacklevel=2,
    )
    return _simulated(symbol, asset_class)


def cache_folder() -> Path:
    """Where ``investorbench data fetch`` puts what it gets."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "investorbench"


def places() -> tuple[Path, ...]:
    """The folders that are searched, in order; the variable may name several, as PATH does."""
    named = os.environ.get(VARIABLE, "")
    folders = [Path(part).expanduser() for part in named.split(os.pathsep) if part.strip()]
    return (*folders, cache_folder())


def _simulated(symbol: str, asset_class: AssetClass) -> Market:
    from investorbench_env.market.simulated import simulate

    return simulate(symbol=symbol, asset_class=asset_class)


def _from_path(symbol: str, asset_class: AssetClass, path: Path) -> Market:
    if not path.exists():
        raise DataNotFoundError(
            f"data={str(path)!r} does not exist; give a folder or a file, or one of "
            + ", ".join(repr(way) for way in WAYS)
        )
    market = _load(symbol, asset_class, path)
    if market is not None:
        return market
    known = [name for file in index.data_files(path) for name in file.symbols]
    if known:
        raise UnknownNameError(f"symbol in {path}", symbol, known)
    raise DataNotFoundError(_not_found(symbol, f"no daily bars in {path}"))


def _load(symbol: str, asset_class: AssetClass, place: Path) -> Market | None:
    """The market of a symbol from a folder or file, kept in memory until a file changes."""
    if not place.exists():
        return None
    return _loaded(symbol, asset_class, place.resolve(), index.stamps(place.resolve()))


@lru_cache(maxsize=32)
def _loaded(
    symbol: str,
    asset_class: AssetClass,
    place: Path,
    stamps: tuple[tuple[Path, tuple[int, int]], ...],
) -> Market | None:
    holding = [
        (file, spellings)
        for file in (index.data_file(path, stamp) for path, stamp in stamps)
        if (spellings := file.spellings(symbol, asset_class))
    ]
    return _tidy_market(symbol, asset_class, holding) or _released_market(
        symbol, asset_class, holding
    )


Holding = Sequence[tuple[DataFile, Sequence[str]]]


def _tidy_market(symbol: str, asset_class: AssetClass, holding: Holding) -> Market | None:
    """A market whose bars come from a tidy file, with the texts of every file."""
    timezone = TIMEZONES[asset_class]
    candidates = []
    for file, spellings in holding:
        if file.kind == "bars":
            rows = tidy.bars(file, spellings, timezone)
            origins = rows["source"].astype(str).unique() if "source" in rows else [""]
            for origin in origins:
                part = rows[rows["source"].astype(str) == origin] if "source" in rows else rows
                candidates.append((file, str(origin), part))
    if not candidates:
        return None
    file, origin, rows = max(
        candidates,
        key=lambda found: (found[0].has_ohlc, "perp" not in found[1].lower(), len(found[2])),
    )
    findings = []
    if len(candidates) > 1:
        others = sorted({f"{other.path.name} {name}".strip() for other, name, _ in candidates})
        chosen = f"{file.path.name} {origin}".strip()
        findings.append(f"bars taken from {chosen}; there were also " + ", ".join(
            name for name in others if name != chosen
        ))
    basis = file.metadata.get("adjusted_to")
    documents, text_files = _documents(symbol, asset_class, holding)
    action_files = [(other, spelt) for other, spelt in holding if other.kind == "actions"]
    names = [file.path.name + (f" ({origin})" if origin else ""), *text_files]
    return assemble(
        symbol,
        asset_class,
        rows,
        actions=tidy.actions(action_files),
        documents=documents,
        source=", ".join(dict.fromkeys([*names, *(f.path.name for f, _ in action_files)])),
        origin=str(file.path),
        basis=np.datetime64(basis) if basis else None,
        findings=findings,
    )


def _released_market(symbol: str, asset_class: AssetClass, holding: Holding) -> Market | None:
    """A market whose bars come from a released file: closes only, dividends inside."""
    released = [file for file, _ in holding if file.kind == "released"]
    if not released:
        return None
    if len(released) > 1:
        named = ", ".join(str(file.path) for file in released)
        raise CorruptDataError(f"{symbol} is in several released files: {named}")
    path = released[0].path
    read = investorbench_json.read(path, symbol, TIMEZONES[asset_class])
    documents, text_files = _documents(symbol, asset_class, holding)
    return assemble(
        symbol,
        asset_class,
        read.bars,
        documents=documents,
        source=", ".join(dict.fromkeys([f"{path.name} (InvestorBench release)", *text_files[1:]])),
        origin=str(path),
        findings=[investorbench_json.INSIDE, *read.findings],
        dividends_inside=True,
    )


def _documents(
    symbol: str, asset_class: AssetClass, holding: Holding
) -> tuple[list[Document], list[str]]:
    """Every text about a symbol, and the names of the files that gave one."""
    timezone = TIMEZONES[asset_class]
    documents: list[Document] = []
    names: list[str] = []
    for file, spellings in holding:
        found: Sequence[Document] = ()
        if file.kind == "released":
            found = investorbench_json.read(file.path, symbol, timezone).documents
        elif file.kind == "news":
            found = tidy.news(file, spellings, symbol, timezone)
        elif file.kind == "filings":
            found = tidy.filings(file, spellings, symbol, timezone)
        if found:
            documents += found
            names.append(file.path.name)
    return documents, names


def _not_found(symbol: str, what: str) -> str:
    looked = [f"{place}{'' if place.exists() else ' (does not exist)'}" for place in places()]
    return (
        f"{what} for {symbol}; looked in {', '.join(looked)}. Either point at a folder that has "
        f"it: export {VARIABLE}=/path/to/data, or download it: investorbench data fetch {symbol}"
    )

"""One asset's market from the files of a folder: which file gives the bars, and what adds to it."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.errors import DataWarning, MarketError
from investorbench_env.market.asset_classes import PERPETUAL, AssetClass, find_asset_class
from investorbench_env.market.documents import Document
from investorbench_env.market.files import comparing, index, saved, text_tables, texts, tidy
from investorbench_env.market.files.assemble import assemble
from investorbench_env.market.files.corporate_actions import Actions
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.listed_actions import actions_in_bars, listed_actions
from investorbench_env.market.files.released import read_released, what_is_inside
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.market import FloatArray, Market
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

Holding = Sequence[tuple[DataFile, Sequence[str]]]
"""The files that hold a symbol, each with the spellings that it uses."""
PERIODIC = ("10-K", "10-Q", "20-F", "40-F")
"""Reports of which there is one a period."""
ONE_REPORT = timedelta(days=4)
"""So much later a source may date a report that was accepted in the evening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bars:
    """Bars of one origin in one file."""

    file: DataFile
    origin: str
    rows: "pd.DataFrame"

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Open, high, low before closes alone, spot, with adjusted closes, then the longest."""
        return (
            self.file.has_ohlc,
            self.is_spot,
            "adj_close" in self.file.columns,
            len(self.rows),
        )

    @property
    def is_spot(self) -> bool:
        """Whether these are prices of the asset itself."""
        return "perp" not in self.origin.lower()

    @property
    def basis(self) -> np.datetime64 | None:
        """The day up to whose splits the prices are adjusted, where the file says so."""
        day = self.file.metadata.get("adjusted_to")
        return np.datetime64(day) if day else None

    def __str__(self) -> str:
        return self.file.path.name + (f" ({self.origin})" if self.origin else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextsAbout:
    """Texts about an asset, the files that they are from, and what was odd about them."""

    documents: tuple[Document, ...]
    paths: tuple[Path, ...]
    findings: tuple[str, ...]


def load(
    symbol: str,
    asset_class: str,
    place: Path,
    *,
    simulated_too: bool,
    dates: str | None = None,
    tolerance: float | None = None,
) -> Market | None:
    """The market of a symbol from a folder or file, kept in memory until a file changes.

    Args:
        symbol: the asset.
        asset_class: the name of its class.
        place: a folder or a file; one that does not exist holds nothing.
        simulated_too: whether a simulated market that was saved there counts.
        dates: what is said of the dates in the files, as `docs/data.md` has it.
        tolerance: the share of rows that may be of no session, and of sessions that may be missing;
            None for any. Released InvestorBench files are taken as they are.

    Returns:
        None where the place holds no bars of the symbol.

    Raises:
        CorruptDataError: a file of the symbol cannot be read; another one is a warning.
    """
    if not place.exists():
        return None
    place = place.resolve()
    stamps = index.stamps(place, dates)
    market = _loaded(symbol, find_asset_class(asset_class), stamps, simulated_too, tolerance)
    files, broken = index.readable(stamps)
    alone = not any(file.kind in ("bars", "released", "market") for file in files)
    for path, error in broken:
        # Where nothing else holds bars, this was meant to.
        if symbol.upper() in index.named_by(path) or (market is None and alone):
            raise error
        warnings.warn(f"passed over, {error}", DataWarning, stacklevel=6)
    return market


@lru_cache(maxsize=256)
def _loaded(
    symbol: str,
    asset_class: AssetClass,
    stamps: tuple[tuple[Path, index.Stamp], ...],
    simulated_too: bool,
    tolerance: float | None,
) -> Market | None:
    files, _ = index.readable(stamps)
    holding = [
        (file, spellings)
        for file in files
        if (spellings := file.spellings(symbol, asset_class.name))
    ]
    market = _saved_market(symbol, holding, simulated_too)
    if market is not None or not holding:
        return market
    about = texts_about(symbol, asset_class, holding)
    tidied = _tidy_market(symbol, asset_class, holding, about, tolerance)
    return tidied or _released_market(symbol, asset_class, holding, about)


def forget() -> None:
    """Let go of the markets that are kept in memory, and of the texts that they were made of."""
    _loaded.cache_clear()
    text_tables.text_table.cache_clear()


def without_texts(symbol: str, asset_class: AssetClass, files: Sequence[DataFile]) -> Market | None:
    """The market of a symbol from its bars and corporate actions alone; None without bars.

    Raises:
        CorruptDataError: they cannot be read, or contradict each other.
    """
    holding = [
        (file, spellings)
        for file in files
        if file.kind in ("bars", "actions")
        and (spellings := file.spellings(symbol, asset_class.name))
    ]
    nothing = TextsAbout(documents=(), paths=(), findings=())
    return _tidy_market(symbol, asset_class, holding, nothing, tolerance=None)


def _saved_market(symbol: str, holding: Holding, simulated_too: bool) -> Market | None:
    files = [
        file
        for file, _ in holding
        if file.kind == "market"
        and (simulated_too or not file.metadata.get("simulated"))
        and file.metadata.get("asset_class") != PERPETUAL.name
    ]
    if len(files) > 1:
        names = ", ".join(str(file.path) for file in files)
        raise MarketError(f"several saved markets hold {symbol}; give data= one of: {names}")
    return saved.load(files[0].path) if files else None


def _tidy_market(
    symbol: str,
    asset_class: AssetClass,
    holding: Holding,
    about: TextsAbout,
    tolerance: float | None,
) -> Market | None:
    """A market whose bars come from a tidy file."""
    candidates = _bars(asset_class, holding)
    if not candidates:
        return None
    chosen = max(candidates, key=lambda found: found.rank)
    others = sorted((other for other in candidates if other is not chosen), key=str)
    listed = [(file, spellings) for file, spellings in holding if file.kind == "actions"]
    actions = listed_actions(listed) or actions_in_bars(
        chosen.rows, str(chosen.file.path), chosen.file.path.name
    )
    findings = []
    if others:
        findings.append(f"bars from {chosen}; there were also {', '.join(map(str, others))}")
        findings += _compared(symbol, asset_class, chosen, others, actions)
    if chosen.file.adjusted:
        findings.append(
            "yfinance adjusted these prices for dividends, which are inside and not paid in cash; "
            "it writes prices as traded and Adj Close with auto_adjust=False"
        )
    paths = [chosen.file.path, *about.paths, *(file.path for file, _ in listed)]
    first, *more = _names(paths)
    return assemble(
        symbol,
        asset_class.name,
        chosen.rows,
        actions=actions,
        documents=about.documents,
        source=", ".join([first + (f" ({chosen.origin})" if chosen.origin else ""), *more]),
        origin=str(chosen.file.path),
        basis=chosen.basis,
        findings=[*findings, *about.findings],
        tolerance=tolerance,
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """Each file by its name, or with its folder where another one has the same."""
    each = list(dict.fromkeys(paths))
    shared = Counter(path.name for path in each)
    return [f"{p.parent.name}/{p.name}" if shared[p.name] > 1 else p.name for p in each]


def _compared(
    symbol: str,
    asset_class: AssetClass,
    chosen: _Bars,
    others: Sequence[_Bars],
    actions: Actions | None,
) -> list[str]:
    """How far the closes of other sources are from the chosen ones."""

    def closes(bars: _Bars) -> tuple[TimeArray, FloatArray]:
        return comparing.closes_as_traded(symbol, asset_class, bars.rows, actions, bars.basis)

    return comparing.differences(
        closes(chosen), ((str(other), *closes(other)) for other in others if other.is_spot)
    )


def _bars(asset_class: AssetClass, holding: Holding) -> list[_Bars]:
    """Every origin of daily bars; a file with several of them is never mixed."""
    candidates = []
    for file, spellings in holding:
        if file.kind != "bars":
            continue
        rows = tidy.bars(file, spellings, asset_class)
        if "source" not in rows:
            candidates.append(_Bars(file=file, origin="", rows=rows))
            continue
        for origin, part in rows.groupby(rows["source"].astype(str), sort=True):
            candidates.append(_Bars(file=file, origin=str(origin), rows=part))
    return candidates


def _released_market(
    symbol: str, asset_class: AssetClass, holding: Holding, about: TextsAbout
) -> Market | None:
    """A market whose bars come from a released file: closes only, dividends inside."""
    released = [file.path for file, _ in holding if file.kind == "released"]
    if not released:
        return None
    if len(released) > 1:
        named = ", ".join(str(path) for path in released)
        raise MarketError(f"several released files hold {symbol}; give data= one of: {named}")
    path = released[0]
    read = read_released(path, symbol, asset_class)
    others = _names([other for other in about.paths if other != path])
    return assemble(
        symbol,
        asset_class.name,
        read.bars,
        documents=about.documents,
        source=", ".join([f"{path.name} (InvestorBench release)", *others]),
        origin=str(path),
        findings=[what_is_inside(asset_class), *about.findings],
        dividends_inside=True,
    )


def texts_about(symbol: str, asset_class: AssetClass, holding: Holding) -> TextsAbout:
    """Every text about a symbol, from all files."""
    by_file: list[tuple[DataFile, Sequence[Document]]] = []
    paths: list[Path] = []
    findings: list[str] = []
    for file, spellings in holding:
        found: Sequence[Document] = ()
        if file.kind == "released":
            read = read_released(file.path, symbol, asset_class)
            found = read.documents
            findings += [f"{file.path.name}: {finding}" for finding in read.findings]
        elif file.kind in ("news", "filings"):
            read_texts = texts.news if file.kind == "news" else texts.filings
            given = read_texts(file, spellings, symbol, asset_class)
            found = given.documents
            findings += [f"{file.path.name}: {finding}" for finding in given.findings]
        if found:
            by_file.append((file, found))
            paths.append(file.path)
    twice = _repeated(by_file)
    documents = [row for file, rows in by_file for row in rows if (file.path, row.id) not in twice]
    if twice:
        findings.append(f"{count(len(twice), 'report')} of several files kept once")
    return TextsAbout(documents=tuple(documents), paths=tuple(paths), findings=tuple(findings))


def _repeated(by_file: Sequence[tuple[DataFile, Sequence[Document]]]) -> set[tuple[Path, str]]:
    """Files and ids of whole reports that another file has from a moment before.

    One source has the second at which a report was accepted, another its date alone.
    """
    whole = [
        (row, file.path)
        for file, rows in by_file
        for row in rows
        if file.kind == "filings" and row.kind in PERIODIC and row.title == row.kind
    ]
    twice: set[tuple[Path, str]] = set()
    known: dict[str, list[tuple[Document, Path]]] = defaultdict(list)
    for row, path in sorted(whole, key=lambda pair: pair[0].available_at):
        if any(
            path != other and row.available_at - first.available_at <= ONE_REPORT
            for first, other in known[row.kind]
        ):
            twice.add((path, row.id))
        else:
            known[row.kind].append((row, path))
    return twice

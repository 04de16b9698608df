"""Markets by name: where data is looked for, and what is done where there is none."""

import os
import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from investorbench_env.errors import (
    DataNotFoundError,
    InvestorBenchError,
    MarketError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market.asset_classes import ASSET_CLASSES, PERPETUAL, find_asset_class
from investorbench_env.market.market import DATA_TOLERANCE, Market

if TYPE_CHECKING:
    import pandas as pd

# What reads and writes files is imported where it is used: `import investorbench_env` stays quick.

VARIABLE = "INVESTORBENCH_DATA"
WAYS = ("auto", "real", "simulated")
DataLike: TypeAlias = "str | os.PathLike[str] | Market | pd.DataFrame | Mapping[str, pd.DataFrame]"


def find_market(
    symbol: str,
    asset_class: str,
    data: "DataLike" = "auto",
    *,
    dates: str | None = None,
    data_tolerance: float = DATA_TOLERANCE,
    sources: Collection[str] = (),
) -> Market:
    """The market of one asset: what ``find_data`` finds, or a simulated one where it finds none."""
    market = find_data(
        symbol, asset_class, data, dates=dates, data_tolerance=data_tolerance, sources=sources
    )
    return _simulated(symbol, asset_class) if market is None else market


def find_data(
    symbol: str,
    asset_class: str,
    data: "DataLike" = "auto",
    *,
    dates: str | None = None,
    data_tolerance: float = DATA_TOLERANCE,
    sources: Collection[str] = (),
) -> Market | None:
    """The market of one asset that is there; None where it is to be simulated.

    Args:
        symbol: such as ``"TSLA"``.
        asset_class: the name of its class; says which exchange calendar and time zone hold.
        data: a market, which is returned as it is; a pandas data frame of prices, or a dict of
            frames by symbol or by ``"prices"``, ``"news"``, ``"filings"`` and ``"actions"``; a path
            to a folder or a file; or
            ``"auto"``: ``$INVESTORBENCH_DATA``, the user cache, installed packages, then with a
            warning a simulation;
            ``"real"``: the same without the simulation;
            ``"simulated"``: only the simulation.
        dates: what the dates in files are where they do not say it themselves, such as
            ``"day-first"``; see `docs/data.md`.
        data_tolerance: the share of rows that may be of no session, and of sessions that may be
            missing.
        sources: which documents of further kinds are added from the same folder, or where
            none is named from the first one that has some: ``"fundamentals"``, ``"macro"``,
            ``"insider"``, ``"analyst"``. A market or frames that are given have their own.

    Raises:
        DataNotFoundError: nothing was found; the message has every file that was looked at, and
            the commands that would supply it.
        MarketError: the market is of another class.
        MissingDependencyError: a package that has it is not installed.
        CorruptDataError: a file that should have been used is not readable.
        UnknownNameError: what was given does not hold the symbol.
    """
    if isinstance(data, Market):
        data.asset(symbol)
        return _of_class(data, asset_class)
    row = find_asset_class(asset_class)
    if row.leveraged:
        return find_perpetuals((symbol,), data, dates=dates, data_tolerance=data_tolerance)
    reading: dict[str, Any] = {"dates": dates, "tolerance": data_tolerance}
    if not isinstance(data, str | os.PathLike):
        return _from_frames(symbol, asset_class, data, reading)
    name = os.fspath(data)
    if name == "simulated":
        return None
    if name not in WAYS:
        given = _of_class(_from_path(symbol, asset_class, name, reading), asset_class)
        return _with_sources(given, symbol, (Path(name).expanduser(),), sources, dates)
    from investorbench_env.market.files import folders

    for place in searched_places():
        market = folders.load(symbol, asset_class, place, simulated_too=False, **reading)
        if market is not None:
            places = place, *searched_places()
            return _with_sources(_of_class(market, asset_class), symbol, places, sources, dates)
    if row.installed and (market := _installed(row.installed, symbol)) is not None:
        return market
    if name == "real" or row.simulated is None:
        raise DataNotFoundError(absence("no real data", asset_class, symbol))
    warnings.warn(
        absence("a simulated market stands in: no real data", asset_class, symbol),
        SimulatedDataWarning,
        stacklevel=6,  # the caller of gym.make
    )
    return None


def forget_markets() -> None:
    """Let go of the markets that are kept in memory until their files change; those in use stay."""
    from investorbench_env.market.files import folders, further_documents

    folders.forget()
    further_documents.forget()


def _with_sources(
    market: Market,
    symbol: str,
    places: Sequence[Path],
    sources: Collection[str],
    dates: str | None,
) -> Market:
    if not sources:
        return market
    from investorbench_env.market.files.further_documents import with_documents

    return with_documents(market, symbol, market.asset_class, places, tuple(sources), dates)


def find_perpetuals(
    symbols: Sequence[str],
    data: "DataLike" = "auto",
    *,
    interval: str | None = None,
    context: Sequence[str] | None = None,
    venue: str = "hyperliquid",
    funding_hours: int = 1,
    dates: str | None = None,
    data_tolerance: float = DATA_TOLERANCE,
) -> Market:
    """The market of several perpetuals: the bars that all have, with funding at its stamps.

    Args:
        symbols: such as ``"BTC"``.
        data: as of :func:`find_data`, of which there are no frames, and no simulation.
        interval: the length of a bar; None for the shortest that there is.
        context: other lengths that stand beside it in ``Market.intervals``; None for all.
        venue: whose candles and funding rates are preferred, by its name.
        funding_hours: from stamp to stamp of funding there.
        dates: what the dates in files are where they do not say it themselves.
        data_tolerance: the share of bars that may be missing.

    Raises:
        DataNotFoundError: nothing was found, or not in these lengths.
        MarketError: the market is of another class, or has no such bars.
        CorruptDataError: a file that should have been used is not readable; or it, or the market,
            has no rates of this venue's stamps.
    """
    if isinstance(data, Market):
        given = _with_lengths(_of_class(data, PERPETUAL.name), symbols, interval, context)
        if given.funding is not None:
            from investorbench_env.market.files.funding import require_stamps

            for symbol in symbols:
                require_stamps(given, symbol, venue, funding_hours)
        return given
    if not isinstance(data, str | os.PathLike):
        raise InvestorBenchError(
            "perpetuals have candles of several lengths, and funding: give data= a folder, a file "
            "or a Market"
        )
    from investorbench_env.market.files import perpetuals
    from investorbench_env.market.files.perpetual_market import PerpetualsWanted

    wanted = PerpetualsWanted(
        symbols=tuple(symbols),
        interval=interval,
        context=None if context is None else tuple(context),
        venue=venue,
        funding_hours=funding_hours,
        tolerance=data_tolerance,
    )
    name = os.fspath(data)
    if name in WAYS:
        places = list(searched_places())
    elif _exists(name):
        places = [Path(name).expanduser()]
    else:
        raise DataNotFoundError(
            f"data={name!r} does not exist; give a folder or a file, or one of "
            + ", ".join(repr(way) for way in WAYS)
        )
    for place in places:
        market = perpetuals.load(wanted, place, simulated_too=name not in WAYS, dates=dates)
        if market is not None:
            return market
    if name in WAYS:
        raise DataNotFoundError(absence("no real data", PERPETUAL.name, *symbols))
    from investorbench_env.market.files import looking

    raise DataNotFoundError(
        f"no candles of {', '.join(looking.without_candles(places[0], symbols))} in {places[0]}; "
        f"looked at {places[0]}: {looking.why_not(places[0])}. A file is of the coins "
        "in its column symbol, or of the one that its name begins with. To download some: "
        + fetching_command(PERPETUAL.name, *symbols)
    )


def _with_lengths(
    market: Market,
    symbols: Sequence[str],
    interval: str | None,
    context: Sequence[str] | None,
) -> Market:
    """A market that has these assets in bars of these lengths."""
    for symbol in symbols:
        market.asset(symbol)
    if interval not in (None, market.interval):
        raise MarketError(f"the market has bars of {market.interval!r}, not interval={interval!r}")
    for name in context or ():
        if name != market.interval and name not in market.intervals:
            raise MarketError(
                f"the market has no bars of context={name!r} beside its own: give it some in "
                f"intervals=, or one of {sorted(market.intervals)}"
            )
    return market


def _of_class(market: Market, asset_class: str) -> Market:
    """A market of this class: its calendar, costs and days a year go by it."""
    if market.asset_class != asset_class:
        title = ASSET_CLASSES[market.asset_class].title
        raise MarketError(
            f"the market of {', '.join(market.symbols)} is of the class {market.asset_class!r} and "
            f"was asked for as {asset_class!r}: use InvestorBench/{title}, or make the market with "
            f"asset_class={asset_class!r}"
        )
    return market


def save(market: Market, folder: str | os.PathLike[str]) -> Path:
    """Write a market as tidy Parquet, atomically, with its provenance; returns the main file.

    Any ``data=`` understands the folder, and gives the same market to the last bit.
    """
    from investorbench_env.market.files import saved

    return saved.save(market, Path(folder))


def load(path: str | os.PathLike[str]) -> Market:
    """The market that ``save`` wrote: its file, or the folder where it stands alone.

    Raises:
        DataNotFoundError: no market was saved there.
        CorruptDataError: a file is cut off or was changed.
    """
    from investorbench_env.market.files import saved

    return saved.load(Path(path))


def describe(market: Market) -> tuple[tuple[str, str], ...]:
    """What a market holds, as pairs of a subject and a sentence."""
    from investorbench_env.market.files import describing

    return describing.describe(market)


def cache_folder() -> Path:
    """Where ``investorbench data fetch`` puts what it gets.

    Raises:
        InvestorBenchError: nothing says where the home of who runs this is.
    """
    if home := os.environ.get("XDG_CACHE_HOME"):
        return Path(home) / "investorbench"
    try:
        return Path.home() / ".cache" / "investorbench"
    except RuntimeError as error:
        raise InvestorBenchError(
            "there is no home folder, nor $XDG_CACHE_HOME, to keep data in: export "
            "XDG_CACHE_HOME=/path/to/cache"
        ) from error


def searched_places() -> tuple[Path, ...]:
    """The folders that are searched, in order; the variable may name several, as PATH does."""
    named = os.environ.get(VARIABLE, "")
    given = [Path(part).expanduser() for part in named.split(os.pathsep) if part.strip()]
    return (*given, cache_folder())


@lru_cache(maxsize=16)
def _installed(reader: str, symbol: str) -> Market | None:
    """The market of a symbol that a package on this machine carries; None without one."""
    module, name = reader.split(":")
    market: Market | None = getattr(import_module(module), name)(symbol)
    return market


@lru_cache(maxsize=16)
def _simulated(symbol: str, asset_class: str) -> Market:
    """The simulation of an asset: always the same one, so it is made once."""
    from investorbench_env.market.simulated import simulate

    return simulate(symbol=symbol, asset_class=asset_class)


def _from_frames(symbol: str, asset_class: str, data: object, reading: dict[str, Any]) -> Market:
    if "pandas" in sys.modules:
        from investorbench_env.market.files import frames

        if frames.is_frames(data):
            return frames.market_of_frames(symbol, asset_class, data, **reading)
    raise InvestorBenchError(
        f"data={data!r} must be a market, a data frame, a path, or one of {', '.join(WAYS)}"
    )


def _from_path(symbol: str, asset_class: str, name: str, reading: dict[str, Any]) -> Market:
    if not _exists(name):
        raise DataNotFoundError(
            f"data={name!r} does not exist; give a folder or a file, or one of "
            + ", ".join(repr(way) for way in WAYS)
        )
    from investorbench_env.market.files import folders, looking

    path = Path(name).expanduser()
    market = folders.load(symbol, asset_class, path, simulated_too=True, **reading)
    if market is not None:
        return market
    looked = f"looked at {path}: {looking.why_not(path)}"
    if known := looking.symbols_in(path):
        raise UnknownNameError(f"symbol in {path}", symbol, known, looked)
    raise DataNotFoundError(
        f"no daily bars in {path} for {symbol}; {looked}. To download some: "
        + fetching_command(asset_class, symbol)
    )


def _exists(name: object) -> bool:
    """Whether this leads to a file or folder; a name that cannot be one leads nowhere."""
    try:
        return isinstance(name, str) and bool(name) and Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


FETCHES = "investorbench data fetch "


def fetching_command(asset_class: str, *symbols: str) -> str:
    """The one command that downloads what there is of some symbols."""
    return FETCHES + " ".join(f"{asset_class}/{each.lower()}" for each in symbols)


def absence(what: str, asset_class: str, *symbols: str) -> str:
    """Where symbols were looked for, what was there, and the commands that would supply them."""
    from investorbench_env.market.files import looking

    looked = ", ".join(
        f"{place} ({looking.why_not(place) if place.exists() else 'does not exist'})"
        for place in searched_places()
    )
    return (
        f"{what} for {', '.join(symbols)}; looked in {looked}. Either point at a folder that has "
        f"it: export {VARIABLE}=/path/to/data, or download it: "
        f"{fetching_command(asset_class, *symbols)}"
    )

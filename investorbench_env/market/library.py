"""Markets by name: where data is looked for, and what is done where there is none."""

import os
import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from investorbench_env.errors import (
    DataNotFoundError,
    InvestorBenchError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.market import Market

# What reads and writes files is imported where it is used: `import investorbench_env` stays quick.

VARIABLE = "INVESTORBENCH_DATA"
WAYS = ("auto", "real", "simulated")


def find_market(
    symbol: str,
    asset_class: str,
    data: "str | os.PathLike[str] | Market" = "auto",
    *,
    dates: str | None = None,
) -> Market:
    """The market of one asset.

    Args:
        symbol: such as ``"TSLA"``.
        asset_class: the name of its class; says which exchange calendar and time zone hold.
        data: a market, which is returned as it is; a path to a folder or a file; or
            ``"auto"``: ``$INVESTORBENCH_DATA``, the user cache, installed packages, then with a
            warning a simulation;
            ``"real"``: the same without the simulation;
            ``"simulated"``: only the simulation.
        dates: what the dates in files are where they do not say it themselves, such as
            ``"day-first"``; see `docs/data.md`.

    Raises:
        DataNotFoundError: nothing was found; the message has the commands that would supply it.
        MissingDependencyError: a package that has it is not installed.
        CorruptDataError: a file that should have been used is not readable.
        UnknownNameError: what was given does not hold the symbol.
    """
    if isinstance(data, Market):
        data.asset(symbol)
        return data
    try:
        name = os.fspath(data)
    except TypeError:
        raise InvestorBenchError(
            f"data={data!r} must be a market, a path, or one of {', '.join(WAYS)}"
        ) from None
    if name == "simulated":
        return _simulated(symbol, asset_class)
    if name not in WAYS:
        return _from_path(symbol, asset_class, Path(name).expanduser(), dates)
    from investorbench_env.market.files import folders

    for place in searched_places():
        market = folders.load(symbol, asset_class, place, simulated_too=False, dates=dates)
        if market is not None:
            return market
    row = find_asset_class(asset_class)
    if row.installed and (market := _installed(row.installed, symbol)) is not None:
        return market
    if name == "real" or row.simulated is None:
        raise DataNotFoundError(absence(symbol, "no real data"))
    warnings.warn(
        absence(symbol, "a simulated market stands in: no real data"),
        SimulatedDataWarning,
        stacklevel=5,  # whoever called gym.make
    )
    return _simulated(symbol, asset_class)


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
    """Where ``investorbench data fetch`` puts what it gets."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "investorbench"


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


def _from_path(symbol: str, asset_class: str, path: Path, dates: str | None) -> Market:
    if not path.exists():
        raise DataNotFoundError(
            f"data={str(path)!r} does not exist; give a folder or a file, or one of "
            + ", ".join(repr(way) for way in WAYS)
        )
    from investorbench_env.market.files import folders, index

    market = folders.load(symbol, asset_class, path, simulated_too=True, dates=dates)
    if market is not None:
        return market
    files, _ = index.readable(index.stamps(path))
    known = {
        name
        for file in files
        if file.kind in ("bars", "released", "market")
        for name in file.symbols
    }
    if known:
        raise UnknownNameError(f"symbol in {path}", symbol, known)
    raise DataNotFoundError(absence(symbol, f"no daily bars in {path}"))


def absence(symbol: str, what: str) -> str:
    """Where a symbol was looked for, and the commands that would supply it."""
    looked = [
        f"{place}{'' if place.exists() else ' (does not exist)'}" for place in searched_places()
    ]
    return (
        f"{what} for {symbol}; looked in {', '.join(looked)}. Either point at a folder that has "
        f"it: export {VARIABLE}=/path/to/data, or download it: investorbench data fetch {symbol}"
    )

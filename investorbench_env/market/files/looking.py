"""What was looked at for a symbol and did not serve: every file of a place, and why."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from investorbench_env.errors import CorruptDataError, DataWarning
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.files import index
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.settings import SIDECAR

MOST = 20
"""So many files are named one by one."""
SYMBOLS = 5


def why_not(place: Path) -> str:
    """Every file under a place with what it holds instead of what was wanted, in words."""
    reasons = list(_reasons(place))
    left = f"; and {len(reasons) - MOST:,} more" if len(reasons) > MOST else ""
    return ("; ".join(reasons[:MOST]) + left) or "it holds no file"


def symbols_in(place: Path) -> set[str]:
    """The symbols of which a place has daily bars."""
    files, _ = index.readable(_stamps(place).items())
    kinds = ("bars", "released", "market")
    return {name for file in files if file.kind in kinds for name in file.symbols}


def without_candles(place: Path, symbols: Sequence[str]) -> list[str]:
    """The perpetuals of which a place has no candles."""
    files, _ = index.readable(_stamps(place).items())
    candles = [file for file in files if file.kind == "candles"]
    return [
        name
        for name in symbols
        if not any(file.spellings(name, PERPETUAL.name) for file in candles)
    ]


def _reasons(place: Path) -> Iterator[str]:
    root = place if place.is_dir() else place.parent
    stamped = _stamps(place)
    for path in sorted({*stamped, *_others(place)}):
        name = path.relative_to(root)
        if not path.exists():
            yield f"{name} leads nowhere"
        elif not path.is_file():
            yield f"{name} is no file but a pipe or a device"
        elif path not in stamped:
            yield f"{name} is no {', '.join(index.SUFFIXES[:-1])} or {index.SUFFIXES[-1]}"
        else:
            try:
                yield f"{name} has {_held(index.data_file(path, stamped[path]))}"
            except CorruptDataError as error:
                why = str(error).removeprefix(str(path)).lstrip(":, ")
                yield f"{name} cannot be read ({why})"


def _stamps(place: Path) -> "dict[Path, index.Stamp]":
    """The files that may hold data; of what was passed over the loader has warned already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return dict(index.stamps(place))


def _others(place: Path) -> list[Path]:
    """What is no file of data, hidden things, folders and our own notes apart."""
    if not place.is_dir():
        return [place]
    return [
        path
        for path in place.rglob("*")
        if not path.is_dir()
        and not any(part.startswith(".") for part in path.relative_to(place).parts)
        and not path.name.endswith((index.PROVENANCE, index.TERMS))
        and path.name != SIDECAR
    ]


def _held(file: DataFile) -> str:
    if file.kind == "unused":
        return file.note
    names = sorted(file.symbols)
    more = f" and {len(names) - SYMBOLS:,} more" if len(names) > SYMBOLS else ""
    simulated = "a simulated market" if file.metadata.get("simulated") else "a market"
    noun = {
        "bars": "daily bars",
        "candles": "intraday bars, as perpetuals have them,",
        "funding": "funding rates and no bars",
        "actions": "dividends and splits and no bars",
        "released": "the InvestorBench release",
        "market": simulated,
    }.get(file.kind, f"{file.kind} and no bars")
    return f"{noun} of {', '.join(names[:SYMBOLS])}{more}"

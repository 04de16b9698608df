"""What is wrong with a file, in plain words; nothing is changed and nothing is refused."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import (
    ASSET_CLASSES,
    CRYPTO,
    STOCK,
    AssetClass,
    asset_class_of,
    find_asset_class,
)
from investorbench_env.market.documents import FURTHER_KINDS
from investorbench_env.market.files import candles, folders, funding, index, texts, tidy
from investorbench_env.market.files.corporate_actions import (
    Actions,
    ShareSplit,
    known_actions,
    with_known,
)
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.jumps import jumps
from investorbench_env.market.files.listed_actions import listed_actions
from investorbench_env.market.files.possible_bars import breaches, is_outside, is_repeated
from investorbench_env.market.files.released import read_released
from investorbench_env.market.files.session_bars import count, some_days
from investorbench_env.market.market import CLOSE, FIELDS, VOLUME
from investorbench_env.market.sessions import TimeArray, sessions_between

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["error", "warning", "note"]
SplitsOf = Callable[[str], Sequence[ShareSplit]]

ON_DISTRIBUTIONS = ("distribution", "listed dividend", "may be in another unit")
"""Words of the findings that tell what bars and corporate actions say of each other."""
_NO_SYMBOL = re.compile(r"[\s{}()\[\]'\":/]")
WEEKEND_SHARE = 0.15
"""Bars of which more than this stand on weekends are of a market that never closes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        severity: an ``"error"`` makes the data unusable, a ``"warning"`` may mislead, a
            ``"note"`` is good to know.
        path: the file.
        symbol: the asset, or empty for the whole file.
        text: what is wrong, in words.
    """

    severity: Severity
    path: Path
    symbol: str = ""
    text: str


def check(
    place: Path, symbol: str | None = None, asset_class: str | None = None
) -> tuple[Problem, ...]:
    """Everything that is wrong under a path.

    Args:
        place: a folder or a file.
        symbol: look only at this asset.
        asset_class: the class of what is there; judged by symbols and weekends where it is None.
    """
    known = None if asset_class is None else find_asset_class(asset_class)
    files, broken = index.readable(index.stamps(place))
    problems = [_problem("error", path, "", _about(path, error)) for path, error in broken]
    splits = partial(_splits, files, known)
    for file in files:
        try:
            problems += _file(file, symbol, known, splits)
        except CorruptDataError as error:
            problems.append(_problem("error", file.path, "", _about(file.path, error)))
    problems += _markets(files, symbol, known, {problem.text for problem in problems})
    order = {file.path: number for number, file in enumerate(files)}
    return tuple(sorted(problems, key=lambda problem: order.get(problem.path, -1)))


def _about(path: Path, error: CorruptDataError) -> str:
    return str(error).removeprefix(f"{path}")


def _markets(
    files: Sequence[DataFile], symbol: str | None, asset_class: AssetClass | None, said: set[str]
) -> Iterator[Problem]:
    """What only shows when bars and corporate actions come together, by the loader itself."""
    for name in dict.fromkeys(name for file in files for name in file.symbols):
        of = _class_of(name, asset_class)
        listing = [
            file
            for file in files
            if (file.kind == "actions" or (file.kind == "bars" and _has_actions(file)))
            and file.spellings(name, of.name)
        ]
        if not listing or (symbol is not None and name != symbol.upper()):
            continue
        try:
            market = folders.without_texts(name, of, files)
        except CorruptDataError as error:
            text = _about(listing[0].path, error).lstrip(":, ")
            if text not in said:
                yield _problem("error", listing[0].path, name, text)
            continue
        for finding in market.findings if market is not None else ():
            if any(words in finding for words in ON_DISTRIBUTIONS) and finding not in said:
                yield _problem("warning", listing[0].path, name, finding)


def _has_actions(file: DataFile) -> bool:
    return any(name in file.columns for name in tidy.ACTIONS)


def _splits(
    files: Sequence[DataFile], asset_class: AssetClass | None, name: str
) -> Sequence[ShareSplit]:
    """The splits of an asset that a list or this package knows; a broken list is reported apart."""
    of = _class_of(name, asset_class).name
    listing = [(file, file.spellings(name, of)) for file in files if file.kind == "actions"]
    try:
        listed = listed_actions([(file, spellings) for file, spellings in listing if spellings])
    except CorruptDataError:
        listed = None
    return with_known(listed or Actions(), known_actions(name)).splits


def _file(
    file: DataFile, symbol: str | None, asset_class: AssetClass | None, splits: SplitsOf
) -> Iterator[Problem]:
    if file.kind == "unused":
        if symbol is None:
            yield _problem("note", file.path, "", f"not used here yet: {file.note}")
        return
    if symbol is None:
        spellings = tuple(spelt for spelt_so in file.symbols.values() for spelt in spelt_so)
    else:
        spellings = file.spellings(symbol, _class_of(symbol, asset_class).name)
    if not spellings:
        return
    name = symbol or (next(iter(file.symbols)) if len(file.symbols) == 1 else "")
    if file.kind == "bars":
        yield from _tidy_bars(file, spellings, asset_class, splits)
    elif file.kind == "released":
        yield from _released(file, name, _class_of(name, asset_class))
    elif file.kind in ("news", "filings"):
        yield from _odd_symbols(file)
        yield from _texts(file, name, spellings, _class_in(file, asset_class))
    elif file.kind in ("candles", "funding"):
        found = file.symbols if symbol is None else {symbol: spellings}
        check_rows = _candles if file.kind == "candles" else _funding
        yield from check_rows(file, found, asset_class)
    elif file.kind == "actions":
        yield from _actions(file, symbol)
    elif file.kind in FURTHER_KINDS:
        tidy.read_rows(file, spellings)
    else:
        yield from _saved(file, name)


def _tidy_bars(
    file: DataFile, spellings: Sequence[str], asset_class: AssetClass | None, splits: SplitsOf
) -> Iterator[Problem]:
    """Bars of every asset and every origin in a file, each by itself."""
    rows = tidy.bars(file, spellings, _class_in(file, asset_class))
    keys = [name for name in ("symbol", "source") if name in rows]
    if not keys:
        yield from _bars(file, spellings[0], rows, asset_class, splits(spellings[0]))
        return
    for key, part in rows.groupby([rows[name].astype(str) for name in keys]):
        symbol = key[0] if "symbol" in keys else spellings[0]
        label = f"{symbol} ({key[-1]})" if "source" in keys else symbol
        yield from _bars(file, label, part, asset_class, splits(symbol))


def _saved(file: DataFile, name: str) -> Iterator[Problem]:
    from investorbench_env.market.files import saved

    for finding in saved.load(file.path).findings:
        yield _problem("note", file.path, name, finding)


def _bars(
    file: DataFile,
    name: str,
    rows: "pd.DataFrame",
    asset_class: AssetClass | None,
    splits: Sequence[ShareSplit] = (),
) -> Iterator[Problem]:
    """Bars of one asset from one origin."""
    path, dates = file.path, rows["date"].to_numpy().astype("datetime64[D]")
    if not len(rows):
        return
    yield from _impossible(path, name, rows)
    weekend = _is_weekend(dates)
    always_open = weekend.mean() > WEEKEND_SHARE if asset_class is None else asset_class.always_open
    if weekend.any() and not always_open:
        yield _problem(
            "warning",
            path,
            name,
            f"{count(int(weekend.sum()), 'row')} on a weekend: {some_days(dates[weekend])}",
        )
    open_days = np.unique(dates[~weekend | always_open])
    yield from _gaps(path, name, open_days, CRYPTO if always_open else asset_class or STOCK)
    yield from _jumps(path, name, rows, splits)


def _impossible(path: Path, name: str, rows: "pd.DataFrame") -> Iterator[Problem]:
    for breach in breaches(rows):
        for _, row in rows[breach.rows].head(3).iterrows():
            yield _problem("error", path, name, f"row {row['row']}: {breach.sentence(row)}")
    if missing := int(rows["close"].isna().sum()):
        yield _problem("warning", path, name, f"{count(missing, 'row')} without a close")
    if "adj_close" in rows and rows["adj_close"].notna().any():
        gap = rows["adj_close"].isna() & rows["close"].notna()
        if gap.any():
            days = some_days(np.sort(rows.loc[gap, "date"].to_numpy()))
            text = f"{count(int(gap.sum()), 'row')} without an adj_close: {days}"
            yield _problem("warning", path, name, text)
    if not {"open", "high", "low"} <= set(rows):
        yield _problem("note", path, name, "close only: no open, high or low")
    for found, noun, how in (
        (is_outside(rows), "bar", "with open or close outside low..high"),
        (is_repeated(rows), "row", "given twice"),
    ):
        if found.any():
            days = some_days(rows.loc[found, "date"].to_numpy())
            text = f"{count(int(found.sum()), noun)} {how}: {days}"
            yield _problem("warning", path, name, text)


def _gaps(path: Path, name: str, days: TimeArray, asset_class: AssetClass) -> Iterator[Problem]:
    if not len(days):
        return
    sessions = sessions_between(asset_class.name, str(days[0]), str(days[-1]))
    missing = np.setdiff1d(sessions, days)
    closed = np.setdiff1d(days, sessions)
    if len(missing):
        text = f"{count(len(missing), 'session')} without a bar: {some_days(missing)}"
        yield _problem("warning", path, name, text)
    if len(closed):
        text = f"{count(len(closed), 'row')} on a day the exchange was closed: {some_days(closed)}"
        yield _problem("warning", path, name, text)


def _jumps(
    path: Path, name: str, rows: "pd.DataFrame", splits: Sequence[ShareSplit]
) -> Iterator[Problem]:
    """Closes and bars that change as no market does; as traded they change by splits, too."""
    rows = rows[rows["close"] > 0].sort_values("date", kind="stable").drop_duplicates("date")
    bars = np.full((len(rows), len(FIELDS)), np.nan)
    for number, field in enumerate(FIELDS):
        if field in rows:
            bars[:, number] = rows[field].to_numpy(dtype=float)
    bars[:, :VOLUME][bars[:, :VOLUME] <= 0] = np.nan
    adjusted = rows["adj_close"].to_numpy(dtype=float) if "adj_close" in rows else None
    dates, close = rows["date"].to_numpy().astype("datetime64[D]"), bars[:, CLOSE]
    ratios = np.ones(len(dates))
    for split in splits:
        t = int(np.searchsorted(dates, split.ex_date))
        if 0 < t < len(dates):
            fell = np.log(close[t - 1] / close[t])
            if abs(fell - np.log(split.ratio)) < abs(fell):
                ratios[t] = split.ratio
    for text in jumps(dates, bars, adjusted, ratios):
        yield _problem("warning", path, name, text)


def _odd_symbols(file: DataFile) -> Iterator[Problem]:
    """Cells of symbols that do not look like those of assets, and may name several of them."""
    odd = [name for name in file.symbols if _NO_SYMBOL.search(_without_suffix(name))]
    if odd:
        shown = ", ".join(repr(name[:30]) for name in odd[:3])
        number = count(len(odd), "symbol")
        yield _problem("warning", file.path, "", f"{number} not understood: {shown}")


def _without_suffix(name: str) -> str:
    suffixes = (suffix for row in ASSET_CLASSES.values() for suffix in row.suffixes)
    return name.removesuffix(next(filter(name.endswith, suffixes), ""))


def _texts(
    file: DataFile, name: str, spellings: Sequence[str], asset_class: AssetClass
) -> Iterator[Problem]:
    given = tidy.read_rows(file, spellings)
    rows = given.frame
    read = texts.news if file.kind == "news" else texts.filings
    for finding in read(file, spellings, name, asset_class).findings:
        if "without a date" not in finding:
            yield _problem("warning", file.path, name, finding)
    known = texts.known(given, asset_class)
    undated = np.array([moment is None for moment in known.times], dtype=bool)
    if undated.any():
        first = rows.loc[undated, "row"].iloc[0]
        number = count(int(undated.sum()), "text")
        yield _problem(
            "warning",
            file.path,
            name,
            f"{number} without a date, which will be left out (first: row {first})",
        )
    if known.bare.any():
        number = f"{int(known.bare.sum()):,} of {count(len(rows), 'text')}"
        yield _problem(
            "note",
            file.path,
            name,
            f"{number} without a time of day: known only once their day has ended",
        )
    words = [column for column in ("headline", "text", "form") if column in rows]
    blank = (rows[words].isna() | (rows[words].astype(str) == "")).all(axis=1)
    if blank.any():
        number = count(int(blank.sum()), "text")
        yield _problem("warning", file.path, name, f"{number} without words")
    same = [name for name in ("symbol", "item") if name in rows]
    at = rows.assign(known=[str(moment) for moment in known.times])
    twice = at.duplicated([*words, *same, "known"])
    if twice.any():
        number = count(int(twice.sum()), "text")
        yield _problem("note", file.path, name, f"{number} given more than once on the same day")


def _candles(
    file: DataFile, spellings: Mapping[str, Sequence[str]], asset_class: AssetClass | None
) -> Iterator[Problem]:
    """Bars of every asset, venue and length in a file, each by themselves.

    Those of markets that close are not read yet, and open with their sessions.
    """
    lengths: set[int] = set()
    for symbol, origin in candles.origins(file, spellings):
        lengths |= set(origin.lengths)
        is_read = _class_of(symbol, asset_class).always_open
        for seconds in origin.lengths if is_read else ():
            try:
                found = candles.candles_of(origin, seconds).findings
            except CorruptDataError as error:
                yield _problem("error", file.path, symbol, _about(file.path, error))
                continue
            for finding in found:
                yield _problem("warning", file.path, symbol, finding)
    shown = ", ".join(map(candles.in_words, sorted(lengths)))
    yield _problem("note", file.path, "", f"bars of {shown}: read for perpetuals alone")


def _funding(
    file: DataFile, spellings: Mapping[str, Sequence[str]], asset_class: AssetClass | None
) -> Iterator[Problem]:
    """Rates of every asset, venue and period in a file, each by themselves."""
    for symbol, own in spellings.items():
        try:
            sources = [*funding.funding_in(file, own)]
        except CorruptDataError as error:
            yield _problem("error", file.path, symbol, _about(file.path, error))
            continue
        for each in sources:
            apart = np.diff(each.stamps) / funding.HOUR
            if odd := int((apart != each.hours).sum()):
                text = f"{each.origin}: {count(odd, 'pause')} other than {each.hours:g} h"
                yield _problem("warning", file.path, symbol, text)


def _actions(file: DataFile, symbol: str | None) -> Iterator[Problem]:
    """Lists of actions, a symbol at a time."""
    for name, spellings in file.symbols.items():
        if symbol is not None and spellings != file.spellings(symbol):
            continue
        try:
            listed = listed_actions([(file, spellings)])
        except CorruptDataError as error:
            yield _problem("error", file.path, name, _about(file.path, error))
            continue
        for finding in listed.findings if listed is not None else ():
            yield _problem("warning", file.path, name, finding)


def _released(file: DataFile, name: str, asset_class: AssetClass) -> Iterator[Problem]:
    read = read_released(file.path, name, asset_class)
    for finding in read.findings:
        yield _problem("note", file.path, name, finding)
    yield from _bars(file, name, read.bars, asset_class)


def _class_of(symbol: str, asset_class: AssetClass | None) -> AssetClass:
    return asset_class or find_asset_class(asset_class_of(symbol))


def _class_in(file: DataFile, asset_class: AssetClass | None) -> AssetClass:
    """The class of what a file holds, judged by its first symbol where none is given."""
    return asset_class or _class_of(next(iter(file.symbols), ""), None)


def _is_weekend(dates: TimeArray) -> npt.NDArray[np.bool_]:
    # 1970-01-01 was a Thursday.
    weekend: npt.NDArray[np.bool_] = (dates.astype("int64") + 3) % 7 >= 5
    return weekend


def _problem(severity: Severity, path: Path, symbol: str, text: str) -> Problem:
    return Problem(severity=severity, path=path, symbol=symbol, text=text.lstrip(":, "))

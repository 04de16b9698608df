"""Tables with a column a symbol, or one a field and symbol as yfinance writes them, made long."""

import ast
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from investorbench_env.market.files.column_names import OURS, known_columns

if TYPE_CHECKING:
    import pandas as pd

FIELDS = frozenset(
    "open high low close adjclose volume dividends stocksplits capitalgains repaired".split()
)
"""What yfinance writes above a row of symbols, in small letters without blanks."""
CLOSES = frozenset(("close", "closes", "closing", "price", "prices"))
"""Words in the name of a file whose columns of symbols are closes."""
_TICKER = re.compile(r"\^?[A-Z][A-Z0-9]{0,5}(?:[.=-][A-Z0-9]{1,4})?", re.ASCII)


def fields_and_symbols(top: Sequence[Sequence[str]]) -> tuple[list[str], list[str], int] | None:
    """Fields, symbols and the number of lines of names, where they stand one above the other."""
    if len(top) < 2 or len(top[0]) < 2 or len(top[0]) != len(top[1]):
        return None
    if any(c.isdigit() for c in top[1][0]):
        return None  # a date, so the line is one of values
    first, second = ([cell.strip() for cell in row[1:]] for row in top[:2])
    for fields, symbols in ((first, second), (second, first)):
        if all(_plain(field) in FIELDS for field in fields) and all(
            symbol and not _is_number(symbol) and _plain(symbol) not in FIELDS for symbol in symbols
        ):
            return fields, symbols, 3 if len(top) > 2 and _names_the_dates(top[2]) else 2
    return None


def are_symbols(names: Sequence[str]) -> bool:
    """Whether a table has dates, and beside them nothing but columns that are called as assets."""
    known = known_columns(names)
    ours = {theirs for name, theirs in known.items() if name in OURS}
    others = [name for name in names if name not in ours]
    unique = len(set(names)) == len(names)
    return (
        ours == {_dated(names)} and unique and bool(others) and all(map(_TICKER.fullmatch, others))
    )


def closes_of(path: Path, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Field and symbol of each column of closes, where the name of their file says that they are.

    A table with a column a symbol may as well be one of volumes or of returns.
    """
    words = set(re.findall("[a-z]+", path.name.lower()))
    if not CLOSES & words or any(word.startswith("adj") for word in words):
        return {}
    if not are_symbols(names):
        return {}
    return {name: ("Close", name) for name in names if name != _dated(names)}


def _dated(names: Sequence[str]) -> str | None:
    known = known_columns(names)
    return known.get("date", known.get("timestamp"))


def _names_the_dates(line: Sequence[str]) -> bool:
    first, *others = (cell.strip() for cell in line)
    return bool(first) and not any(c.isdigit() for c in first) and not any(others)


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def _is_number(cell: str) -> bool:
    return not any(c.isalpha() for c in cell) and any(c.isdigit() for c in cell)


def long_names(wide: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The names of the columns of the long table, but for its dates."""
    return ("Ticker", *dict.fromkeys(field for field, _ in wide))


def long_table(
    frame: "pd.DataFrame", dated: str, wide: Sequence[tuple[str, str]]
) -> "pd.DataFrame":
    """A row a day and symbol from a row a day; where a symbol has nothing there is no row."""
    import pandas as pd

    parts = []
    for symbol in dict.fromkeys(symbol for _, symbol in wide):
        places = {field: n + 1 for n, (field, of) in enumerate(wide) if of == symbol}
        part = frame.iloc[:, [0, *places.values()]].set_axis([dated, *places], axis=1)
        blank = (part[list(places)].isna() | (part[list(places)] == "")).all(axis=1)
        part.insert(1, "Ticker", symbol)
        parts.append(part[~blank])
    names = [dated, *long_names(wide)]
    return pd.concat(parts).reindex(columns=names)


def paired_names(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Field and symbol of each column that pandas wrote as a pair of names, ("Close", "A")."""
    pairs = {name: pair for name in names if (pair := _pair(name)) is not None}
    if not pairs or len(names) - len(pairs) != 1:
        return {}
    for place in (0, 1):
        if all(_plain(pair[place]) in FIELDS for pair in pairs.values()):
            return {name: (pair[place], pair[1 - place]) for name, pair in pairs.items()}
    return {}


def _pair(name: str) -> tuple[str, str] | None:
    if not name.startswith("(") or len(name) > 200:
        return None
    try:
        pair = ast.literal_eval(name)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
        return pair
    return None


def dated_name(names: Sequence[str], wide: Collection[str]) -> str:
    """The column of a wide table that is of no field and symbol: its dates."""
    return next((name for name in names if name not in wide), "")

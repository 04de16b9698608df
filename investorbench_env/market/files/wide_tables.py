"""Tables with a row of fields above a row of symbols, as yfinance writes them, made long."""

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FIELDS = frozenset(
    "open high low close adjclose volume dividends stocksplits capitalgains repaired".split()
)
"""What yfinance writes above a row of symbols, in small letters without blanks."""


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


def dated_name(names: Sequence[str]) -> str:
    """The column of a wide table that is no pair: its dates."""
    return next((name for name in names if _pair(name) is None), "")

"""Cells that name assets: one or several, with the signs that sources put before and between."""

import ast
import re
from typing import Any

import numpy as np
import numpy.typing as npt

EXCHANGES = frozenset(
    "NASDAQ NASDAQGS NASDAQGM NASDAQCM NYSE NYSEARCA NYSEAMERICAN NYSEMKT AMEX ARCA BATS CBOE OTC "
    "OTCMKTS OTCBB XNYS XNAS TSX LSE LON FRA ETR EPA AMS TYO TSE HKG CRYPTO FOREX INDEX".split()
)
"""What stands before a colon and is no asset."""
_WHOLE = re.compile(r"\d+\.0", re.ASCII)
"""A number that had to be one of decimals, as beside a cell without one."""
_LIKE_TICKER = re.compile(r"\$?[A-Z][A-Z0-9.-]{0,9}", re.ASCII)
_SHORT = re.compile(r"[A-Z]{1,5}(?:[.-][A-Z]{1,2})?", re.ASCII)
_BETWEEN = re.compile(r"[,;|]+")


def spellings(cells: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The different texts of a column of symbols and which of them each cell is [N].

    Args:
        cells: a pandas series of texts, numbers, truth values or lists of texts.

    Returns:
        The place of each cell among the texts, -1 where it is blank, and the texts.
    """
    import pandas as pd

    if isinstance(cells.dtype, pd.CategoricalDtype):
        codes, different = cells.cat.codes.to_numpy().astype(np.int64), list(cells.cat.categories)
    else:
        try:
            codes, different = pd.factorize(cells.to_numpy())
        except TypeError:  # lists have no hash
            codes, different = pd.factorize(np.array([_text(cell) for cell in cells], dtype=object))
    texts = [_text(each) for each in different]
    # What differs in the file may be the same text, as 7203 and 7203.0.
    names = list(dict.fromkeys(text for text in texts if text))
    place = {name: number for number, name in enumerate(names)}
    moved = np.array([*(place.get(text, -1) for text in texts), -1], dtype=np.int64)
    return moved[codes], names


def all_tickers(cells: Any) -> bool:
    """Whether every cell of a column is written as tickers are: AAPL or BRK.B, not Apple."""
    codes, texts = spellings(cells)
    return bool(texts) and bool((codes >= 0).all()) and all(map(_SHORT.fullmatch, texts))


def tickers_in(text: str, several: bool) -> tuple[str, ...]:
    """The assets that a cell names, in capitals.

    Args:
        text: the cell as ``spellings`` gives it.
        several: whether it may name more than one, as a text may be about several assets.
    """
    if not several:
        return (name,) if (name := _plain(text)) else ()
    if text.startswith(("[", "(", "{")) and text.endswith(("]", ")", "}")):
        text = _listed(text)
    parts = _BETWEEN.split(text)
    if len(parts) == 1 and (words := text.split()) and all(map(_LIKE_TICKER.fullmatch, words)):
        parts = words
    return tuple(dict.fromkeys(name for part in parts if (name := _plain(part))))


def _text(cell: Any) -> str:
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace").strip()
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, list | tuple | set):
        return ",".join(filter(None, map(_text, cell)))
    if cell is None or cell != cell:  # NaN is no name, unlike the text of it
        return ""
    text = str(cell).strip()
    return text[:-2] if _WHOLE.fullmatch(text) else text


def _listed(text: str) -> str:
    """What stands in a list that was written as text, parted by commas."""
    try:
        given = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text[1:-1]
    if isinstance(given, list | tuple | set):
        return ",".join(str(each) for each in given)
    return text[1:-1]


def _plain(text: str) -> str:
    name = text.strip().strip("'\"").strip().upper()
    before, colon, after = name.partition(":")
    if colon and re.sub(r"\W", "", before) in EXCHANGES:
        name = after.strip()
    return name.lstrip("$#@").strip()

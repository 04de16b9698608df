"""Documents from tidy files: news and filings, and from when each could be known."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Document, Sentiment
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.knowing import Known, known_from
from investorbench_env.market.files.sentiments import sentiments_of
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.files.tidy import FileRows, read_rows

if TYPE_CHECKING:
    import pandas as pd

REPLACEMENT = "\ufffd"
_NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_TAG = re.compile(r"[\w-]{1,30}", re.ASCII)
DATED = {
    "news": ("timestamp", "date"),
    "filings": ("accepted", "timestamp", "filing_date", "date"),
    "insider": ("accepted", "timestamp", "filing_date"),
    "analyst": ("timestamp", "date"),
}
"""Columns that say when something could be known, the most exact first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Documents of one file, and what was odd about them, in words."""

    documents: tuple[Document, ...]
    findings: tuple[str, ...]


def news(file: DataFile, spellings: Sequence[str], symbol: str, asset_class: AssetClass) -> Texts:
    """News items; one without a time of day is known from the end of its day."""
    rows = read_rows(file, spellings)
    times = known(rows, asset_class)
    moods = sentiments_of(text_cells(rows.frame, "sentiment"), text_cells(rows.whole, "sentiment"))
    cells = zip(
        times.times,
        text_cells(rows.frame, "headline"),
        text_cells(rows.frame, "text"),
        moods.labels,
        text_cells(rows.frame, "source"),
        strict=True,
    )
    items = [
        document(
            kind=NEWS,
            symbol=symbol,
            available_at=moment,
            title=title,
            # A body of one plain word is a tag of the data set, not something that was published.
            text="" if title and _TAG.fullmatch(text) else text,
            sentiment=mood,
            source=source or file.path.name,
        )
        for moment, title, text, mood, source in cells
        if moment is not None and (title or text)
    ]
    return _given(items, rows, (*times.findings, *moods.findings))


def filings(
    file: DataFile, spellings: Sequence[str], symbol: str, asset_class: AssetClass
) -> Texts:
    """Filings, known when accepted, else from the end of the filing date.

    Of an accession that is there in full, its single items are left out.
    """
    rows = read_rows(file, spellings)
    times = known(rows, asset_class)
    cells = zip(
        times.times,
        _are_whole(rows),
        text_cells(rows.frame, "form"),
        text_cells(rows.frame, "item"),
        text_cells(rows.frame, "text"),
        text_cells(rows.frame, "source"),
        strict=True,
    )
    items = [
        document(
            kind=form,
            symbol=symbol,
            available_at=moment,
            title=form if item.upper() in ("", "FULL") else f"{form}, {item}",
            text=text,
            source=source or "SEC EDGAR",
        )
        for moment, whole, form, item, text, source in cells
        if whole and moment is not None and text
    ]
    return _given(items, rows, times.findings, parts=int((~_are_whole(rows)).sum()))


def without_surrogates(text: str) -> str:
    """A text with what is no character, halves of pairs and NUL, replaced."""
    if text.isascii() and "\0" not in text:
        return text
    return _NO_CHARACTER.sub(REPLACEMENT, text)


def replaced(texts: Iterable[str]) -> tuple[str, ...]:
    """A finding on texts as they are written, where something in them is no character."""
    number = sum(text != without_surrogates(text) for text in texts)
    return (f"{count(number, 'text')} with characters that are none, replaced",) if number else ()


def _given(items: list[Document], rows: FileRows, findings: Sequence[str], parts: int = 0) -> Texts:
    left_out = len(rows.frame) - parts - len(items)
    skipped = [f"{count(left_out, 'text')} without a date or without words, left out"] * bool(
        left_out
    )
    written = map(
        "".join,
        zip(text_cells(rows.frame, "headline"), text_cells(rows.frame, "text"), strict=True),
    )
    return Texts(documents=tuple(items), findings=(*skipped, *findings, *replaced(written)))


def document(
    *,
    kind: str,
    symbol: str,
    available_at: datetime,
    title: str,
    text: str,
    sentiment: Sentiment | None = None,
    source: str,
) -> Document:
    """A document whose id is the hash of all that it says, so equal ones have equal ids.

    What is no character in its words is replaced.
    """
    title, text, source = map(without_surrogates, (title, text, source))
    parts = (kind, symbol, available_at.isoformat(), title, text, sentiment or "")
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", errors="replace"))
    return Document(
        kind=kind,
        symbol=symbol,
        available_at=available_at,
        title=title,
        text=text,
        sentiment=sentiment,
        source=source,
        id=digest.hexdigest()[:16],
    )


def known(rows: FileRows, asset_class: AssetClass) -> Known:
    """From when each row of news or filings could be known.

    Raises:
        CorruptDataError: a cell is no date, or a column does not settle what it means.
    """
    import pandas as pd

    order = DATED[rows.file.kind]
    columns = [rows.moments[name] for name in order if name in rows.moments]
    if not columns:
        raise CorruptDataError(f"{rows.file.path}: none of {', '.join(order)} is a column")
    for moments in columns:
        moments.refuse_bad(rows.wanted)
    sources = [
        pd.factorize(rows.whole[name].astype(object), use_na_sentinel=False)[0]
        for name in ("source", "dataset")
        if name in rows.whole
    ]
    sources.append(np.zeros(len(rows.wanted), dtype=np.int64))
    return known_from(columns, rows.wanted, sources, asset_class, rows.file.settings)


def _are_whole(rows: FileRows) -> npt.NDArray[np.bool_]:
    """Which filings are no single items of one that is there in full [N]."""
    frame = rows.frame
    if not {"accession", "item"} <= set(frame.columns):
        return np.ones(len(frame), dtype=bool)
    full = np.array([item.upper() == "FULL" for item in text_cells(rows.frame, "item")], dtype=bool)
    numbers = np.array(text_cells(rows.frame, "accession"), dtype=object)
    whole = set(numbers[full]) - {""}
    apart: npt.NDArray[np.bool_] = ~np.array([number in whole for number in numbers], dtype=bool)
    return full | apart


def text_cells(frame: "pd.DataFrame", name: str) -> list[str]:
    """A column as texts, empty ones where there is nothing or no such column [N]."""
    if name not in frame:
        return [""] * len(frame)
    cells = frame[name].astype("object").to_numpy(dtype=object, na_value="")
    return [str(cell).strip() for cell in cells]

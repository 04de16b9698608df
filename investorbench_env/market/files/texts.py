"""Documents from tidy files: news and filings, and from when each could be known."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from investorbench_env.market.documents import NEWS, Document, Sentiment
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.tidy import read_rows, times_of
from investorbench_env.market.sessions import ends_of_days

if TYPE_CHECKING:
    import pandas as pd

WORDS: dict[str, Sentiment] = {
    "positive": "positive",
    "bullish": "positive",
    "neutral": "neutral",
    "negative": "negative",
    "bearish": "negative",
}
"""What sources call a sentiment, and what it is called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Documents of one file, and what was odd about them, in words."""

    documents: tuple[Document, ...]
    findings: tuple[str, ...]


def news(file: DataFile, spellings: Sequence[str], symbol: str, timezone: str) -> Texts:
    """News items; one without a time of day is available at the end of its day."""
    rows = read_rows(file, spellings)
    columns = [name for name in ("timestamp", "date") if name in rows]
    cells = zip(
        _available(rows, columns, file, timezone),
        _texts(rows, "headline"),
        _texts(rows, "text"),
        _texts(rows, "sentiment"),
        _texts(rows, "source"),
        strict=True,
    )
    items = [
        document(
            kind=NEWS,
            symbol=symbol,
            available_at=moment,
            title=title,
            # A body of one word is a tag of the data set, not something that was published.
            text="" if title and len(text.split()) == 1 else text,
            sentiment=WORDS.get(mood.lower()),
            source=source or file.path.name,
        )
        for moment, title, text, mood, source in cells
        if moment is not None and (title or text)
    ]
    return _given(items, len(rows))


def filings(file: DataFile, spellings: Sequence[str], symbol: str, timezone: str) -> Texts:
    """Filings, available when accepted, else at the end of the filing date.

    Of an accession that is there in full, its single items are left out.
    """
    rows = _without_parts(read_rows(file, spellings))
    order = ("accepted", "timestamp", "filing_date", "date")
    columns = [name for name in order if name in rows.columns]
    cells = zip(
        _available(rows, columns, file, timezone),
        _texts(rows, "form"),
        _texts(rows, "item"),
        _texts(rows, "text"),
        _texts(rows, "source"),
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
        for moment, form, item, text, source in cells
        if moment is not None and text
    ]
    return _given(items, len(rows))


def _given(items: list[Document], rows: int) -> Texts:
    left_out = rows - len(items)
    skipped = f"{left_out} texts without a date or without words, left out"
    return Texts(documents=tuple(items), findings=(skipped,) if left_out else ())


def has_time_of_day(
    rows: "pd.DataFrame", columns: Sequence[str], file: DataFile
) -> npt.NDArray[np.bool_]:
    """Which rows have a moment in any of these columns, and not only a date [N]."""
    exact = np.zeros(len(rows), dtype=bool)
    for name in columns:
        moments = times_of(rows, name, file, utc=True)
        exact |= (moments.notna() & (moments != moments.dt.normalize())).to_numpy()
    return exact


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
    """A document whose id is the hash of all that it says, so equal ones have equal ids."""
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


def end_of_day(dates: npt.NDArray[np.datetime64], timezone: str) -> list[datetime]:
    """The end of each date in a time zone, aware and in UTC."""
    import pandas as pd

    moments: list[datetime] = list(
        pd.DatetimeIndex(ends_of_days(dates, timezone)).tz_localize("UTC").to_pydatetime()
    )
    return moments


def _available(
    rows: "pd.DataFrame", columns: Sequence[str], file: DataFile, timezone: str
) -> list[datetime | None]:
    """When each row could be known: the first of these columns that says, None where none does.

    Exactly midnight, in UTC or at the exchange, is how a bare date is written, so it counts as
    the end of that day: late rather than early.
    """
    import pandas as pd

    known = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns, UTC]")
    for name in columns:
        stated = times_of(rows, name, file, utc=True).astype("datetime64[ns, UTC]")
        local = stated.dt.tz_convert(timezone)
        bare_utc = stated == stated.dt.normalize()
        bare = bare_utc | (local == local.dt.normalize())
        days = stated.where(bare_utc, local.dt.tz_localize(None).dt.tz_localize("UTC"))
        moments = stated.copy()
        whole = bare & stated.notna()
        if whole.any():
            dates = days[whole].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
            ends = pd.DatetimeIndex(ends_of_days(dates, timezone)).tz_localize("UTC")
            moments[whole] = ends
        known = known.where(known.notna(), moments)
    return [None if moment is pd.NaT else moment.to_pydatetime() for moment in known.dt.ceil("us")]


def _without_parts(rows: "pd.DataFrame") -> "pd.DataFrame":
    if not {"accession", "item"} <= set(rows.columns):
        return rows
    full = rows["item"].astype("string").str.upper().eq("FULL")
    whole = set(rows.loc[full, "accession"].dropna()) - {""}
    kept: pd.DataFrame = rows[full | ~rows["accession"].isin(whole)]
    return kept


def _texts(rows: "pd.DataFrame", name: str) -> list[str]:
    if name not in rows:
        return [""] * len(rows)
    cells = rows[name].astype("object").to_numpy(dtype=object, na_value="")
    return [str(cell).strip() for cell in cells]

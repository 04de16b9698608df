"""Text with the moment from which it could be known, and the table that holds it in that order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError

Sentiment = Literal["positive", "neutral", "negative"]
SENTIMENTS: tuple[Sentiment, ...] = get_args(Sentiment)
NEWS = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text about one asset.

    Attributes:
        kind: ``"news"``, or the form of a filing such as ``"10-K"`` or ``"10-Q"``.
        symbol: the asset it is about.
        available_at: when it could first be read, in UTC. A date without a time of day counts
            as the end of that day in the exchange's time zone.
        title: headline or form; may be empty.
        text: the body; may be empty where only a headline is known.
        sentiment: a label that came with the source, or None.
        source: who published it.
        id: unique within a market and stable between loads.
    """

    kind: str
    symbol: str
    available_at: datetime
    title: str
    text: str
    sentiment: Sentiment | None = None
    source: str = ""
    id: str = ""

    @property
    def is_filing(self) -> bool:
        return self.kind != NEWS

    def __str__(self) -> str:
        """Title and body as one text, which is what an observation holds."""
        if self.title and self.text and not self.text.startswith(self.title):
            return f"{self.title}\n{self.text}"
        return self.text or self.title


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTable:
    """Documents of a market, in the order in which they became available.

    Ties keep the order in which they were given, so a table is the same however often it is made.
    """

    rows: tuple[Document, ...] = ()
    available_at: npt.NDArray[np.datetime64] = field(init=False)
    """When each row became available, ``datetime64[ns]`` in UTC, ascending [N]."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.available_at.tzinfo is None:
                raise MarketError(
                    f"document {row.id or row.title!r} has available_at {row.available_at} without "
                    "a time zone; give it in UTC"
                )
        rows = tuple(sorted(self.rows, key=lambda row: row.available_at))
        times = np.array([utc64(row.available_at) for row in rows], dtype="datetime64[ns]")
        times.setflags(write=False)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "available_at", times)

    def __reduce__(self) -> tuple[type["DocumentTable"], tuple[tuple[Document, ...]]]:
        # Through the constructor: an array that was merely unpickled could be written to.
        return DocumentTable, (self.rows,)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.rows)

    def available_by(self, times: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
        """How many rows were available at each of these times in UTC, ``available_at <= time``."""
        return np.searchsorted(self.available_at, times, side="right").astype(np.int64)

    def between(self, after: np.datetime64, until: np.datetime64) -> slice:
        """The rows with ``after < available_at <= until``, as a slice of the table."""
        first, last = self.available_by(np.array([after, until])).tolist()
        return slice(first, last)

    def of(self, symbols: Iterable[str]) -> "DocumentTable":
        """The documents about any of these symbols."""
        wanted = frozenset(symbols)
        return DocumentTable(tuple(row for row in self.rows if row.symbol in wanted))


def utc64(moment: datetime) -> np.datetime64:
    """An aware datetime as ``datetime64[ns]`` in UTC."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns")

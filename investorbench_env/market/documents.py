"""Text with the moment from which it could be known, and the table that holds it in that order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args, overload

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError

Sentiment = Literal["positive", "neutral", "negative"]
SENTIMENTS: tuple[Sentiment, ...] = get_args(Sentiment)
NEWS = "news"
FURTHER_KINDS = ("fundamentals", "macro", "insider", "analyst")
"""Documents that are neither news nor filings, in a market where they were asked for."""


class _WrittenLater:
    """What may have no text yet, only what writes one."""

    __slots__ = ("_write",)
    _write: Callable[[], str]

    def __getattr__(self, name: str) -> str:
        # Called for what is not there: the text, until it is read for the first time.
        if name != "text":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        text = self._write()
        object.__setattr__(self, "text", text)
        # What wrote it knows more than it says, so only the text itself may be got at from now on.
        object.__setattr__(self, "_write", text.__str__)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(_WrittenLater):
    """One text about one asset.

    Attributes:
        kind: ``"news"``, the form of a filing such as ``"10-K"`` or ``"10-Q"``, or one of
            ``FURTHER_KINDS``.
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

    @classmethod
    def written_later(
        cls,
        write: Callable[[], str],
        *,
        kind: str,
        symbol: str,
        available_at: datetime,
        title: str,
        sentiment: Sentiment | None,
        source: str,
        id: str,
    ) -> "Document":
        """A document whose text is written when it is read; in all else like any other.

        Args:
            write: what gives the text; called once at most.
            kind, symbol, available_at, title, sentiment, source, id: as of any document.
        """
        document = object.__new__(cls)
        put = object.__setattr__
        put(document, "_write", write)
        put(document, "kind", kind)
        put(document, "symbol", symbol)
        put(document, "available_at", available_at)
        put(document, "title", title)
        put(document, "sentiment", sentiment)
        put(document, "source", source)
        put(document, "id", id)
        return document

    @property
    def is_filing(self) -> bool:
        return self.kind != NEWS and self.kind not in FURTHER_KINDS

    def __str__(self) -> str:
        """Title and body as one text, which is what an observation holds."""
        if self.title and self.text and not self.text.startswith(self.title):
            return f"{self.title}\n{self.text}"
        return self.text or self.title


class DocumentPlaces(NamedTuple):
    """Where the documents of an asset stand among those of its market, ascending."""

    all: Sequence[int]
    filings: Sequence[int]


class MadeWhenRead(Sequence[Document]):
    """Documents of which each is made when it is first asked for.

    Args:
        count: how many.
        make: gives the document at a place; called once at most for each.
        places: of the documents of each asset.
    """

    def __init__(
        self, count: int, make: Callable[[int], Document], places: Mapping[str, DocumentPlaces]
    ) -> None:
        self.places = places
        self._count, self._make = count, make
        self._made: dict[int, Document] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Document: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Document, ...]: ...
    def __getitem__(self, place: int | slice) -> Document | tuple[Document, ...]:
        places = range(self._count)[place]
        if isinstance(places, range):
            return tuple(map(self._document, places))
        return self._document(places)

    def _document(self, place: int) -> Document:
        if place not in self._made:
            self._made[place] = self._make(place)
        return self._made[place]


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTable:
    """Documents of a market, in the order in which they became available.

    Ties keep the order in which they were given, so a table is the same however often it is made.
    """

    rows: Sequence[Document] = ()
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

    @classmethod
    def in_order(
        cls, rows: Sequence[Document], available_at: npt.NDArray[np.datetime64]
    ) -> "DocumentTable":
        """A table of rows that are in order of time already.

        Args:
                rows: the documents.
            available_at: of each of them, in UTC, ascending [N].
        """
        table = object.__new__(cls)
        times = available_at.astype("datetime64[ns]")
        times.setflags(write=False)
        object.__setattr__(table, "rows", rows)
        object.__setattr__(table, "available_at", times)
        return table

    def __reduce__(self) -> tuple[type["DocumentTable"], tuple[tuple[Document, ...]]]:
        # Through the constructor: an array that was merely unpickled could be written to.
        return DocumentTable, (tuple(self.rows),)

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

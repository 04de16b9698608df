"""All that was known at a decision: ``info["history"]``, and nothing from which more follows.

A past is the rows since the decision before it, and the past of that decision. So it holds what it
shows, leads to no market, and costs a step no more than those rows; what it is asked for is put
together when it is asked.
"""

import math
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.dates import DateLike, date_text
from investorbench_env.errors import InvestorBenchError, NotYetKnownError, UnknownNameError
from investorbench_env.market.bar_rows import BAR, restate
from investorbench_env.market.documents import Document
from investorbench_env.market.searching import Counted, SearchHit, counted, ranked

FILING = "filing"
"""A filing of whatever form, where a kind of documents is asked for."""


class Past:
    """Bars and documents of one asset up to a decision; it cannot be changed.

    A copy is the same past. One that is pickled stays behind: it is of the process of its
    environment, and an info need not carry years of texts to another.
    """

    __slots__ = ("_before", "_chains", "_counted", "_documents", "_rows", "_symbol")

    def __init__(
        self,
        symbol: str,
        before: "Past | None",
        rows: bytes,
        documents: tuple[Document, ...],
    ) -> None:
        self._symbol = symbol
        self._before = before
        self._rows = rows
        self._documents = documents
        self._counted: tuple[Counted, ...] | None = None
        self._chains: Mapping[str, Link] | None = None

    @property
    def symbol(self) -> str:
        """The asset."""
        return self._symbol

    @property
    def session(self) -> str:
        """The date of the decision's session, ``YYYY-MM-DD``."""
        return str(self._last["session"])

    @property
    def time(self) -> str:
        """When the decision is taken, ISO 8601 in UTC."""
        moment: datetime = self._last["time"].astype(datetime)
        return moment.replace(tzinfo=UTC).isoformat()

    def __len__(self) -> int:
        """How many bars there are, missing ones included."""
        return sum(len(part._rows) for part in self._parts()) // BAR.itemsize

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Past) or type(self) is not type(other):
            return NotImplemented
        return self is other or self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self._symbol, self._rows[-BAR.itemsize :]))

    def __copy__(self) -> "Past":
        return self

    def __deepcopy__(self, memo: Mapping[int, Any]) -> "Past":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return PastElsewhere, (self._symbol, self._rows[-BAR.itemsize :])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._symbol}, until {self.time})"

    @property
    def kinds(self) -> dict[str, int]:
        """How many documents there are of each kind, the most frequent first."""
        count: dict[str, int] = {}
        for document in self._newest_first():
            count[document.kind] = count.get(document.kind, 0) + 1
        return dict(sorted(count.items(), key=lambda each: -each[1]))

    def bars(
        self,
        start: DateLike | None = None,
        end: DateLike | None = None,
        *,
        last: int | None = None,
        adjusted: bool = True,
    ) -> npt.NDArray[np.void]:
        """Bars, oldest first, in a structured array of the caller's own [N].

        Its fields are ``session``, ``time``, ``open``, ``high``, ``low``, ``close``, ``volume``,
        ``dividend`` (cash a share by its ex-date), ``split`` (new shares for an old one, else 1)
        and ``total_return`` (since the last known bar before, distributions included). A bar that
        is missing has NaN.

        Args:
            start: the first session; None for the beginning.
            end: the last one; None for the decision's.
            last: only so many, the latest of them.
            adjusted: whether prices, volumes and dividends are those of today's shares, by the
                splits up to the decision; else they are as they were traded.

        Raises:
            NotYetKnownError: a date lies after the decision.
            DateRangeError: it is none.
        """
        first, final = self._range(start, end)
        wanted = None if last is None or end is not None else _count("last", last, sys.maxsize)
        found = np.frombuffer(self._latest_rows(wanted), BAR).copy()
        if adjusted:
            restate(found)
        sessions = found["session"]
        found = found[(sessions >= np.datetime64(first)) & (sessions <= np.datetime64(final))]
        return found if last is None else found[len(found) - _count("last", last, len(found)) :]

    def documents(
        self,
        kind: str | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
        *,
        page: int = 1,
        size: int | None = None,
    ) -> tuple[Document, ...]:
        """Documents, the latest first.

        Args:
            kind: ``"news"``, a form such as ``"10-K"``, or ``"filing"`` for all forms.
            start: the first day on which they became available, in UTC; None for the beginning.
            end: the last one; None for the decision's.
            page: of so many; the first is 1.
            size: of a page; None for all on one.

        Raises:
            NotYetKnownError: a date lies after the decision.
            DateRangeError: it is none.
        """
        first, final = self._range(start, end)
        found = (row for row in self._newest_first() if _is_of(row, kind, first, final))
        number = _count("page", page, sys.maxsize)
        if size is None:
            return tuple(found) if number == 1 else ()
        size = _count("size", size, sys.maxsize)
        first_row, stop = (min(each * size, sys.maxsize) for each in (number - 1, number))
        return tuple(islice(found, first_row, stop))

    def newest(self, kind: str) -> Iterator[Document]:
        """Documents of a kind, the latest first, without a look at those of others.

        Args:
            kind: ``"news"``, a form such as ``"10-K"``, or another one of :attr:`kinds`.
        """
        link = self._linked().get(kind)
        while link is not None:
            yield link.document
            link = link.before

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms of which there are filings, in alphabetical order."""
        latest = self._linked().items()
        return tuple(sorted(kind for kind, link in latest if link.document.is_filing))

    def search(
        self,
        query: str,
        kind: str | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
        *,
        k: int = 10,
    ) -> tuple[SearchHit, ...]:
        """The documents that say most of what a query asks, best first, by BM25.

        How rare a word is, is counted in all documents of this past.

        Args:
            query: words.
            kind, start, end: as of :meth:`documents`.
            k: so many at most.

        Raises:
            NotYetKnownError: a date lies after the decision.
            DateRangeError: it is none.
        """
        if not isinstance(query, str):
            raise InvestorBenchError(f"query={query!r} must be words in one text")
        first, final = self._range(start, end)
        k = _count("k", k, sys.maxsize)
        documents: list[Document] = []
        counts: list[Counted] = []
        for part in self._parts():
            documents += reversed(part._documents)
            counts += reversed(part._counts())
        hits = ranked(query, counts)
        found = (SearchHit(documents[place], score) for place, score in hits)
        return tuple(hit for hit in found if _is_of(hit.document, kind, first, final))[:k]

    def read(self, id: str) -> Document:
        """The document with an id.

        Raises:
            UnknownNameError: none that is known has it.
        """
        for document in self._newest_first():
            if document.id == id:
                return document
        ids = [document.id for document in self._newest_first()]
        raise UnknownNameError(f"document of {self._symbol}", id, ids)

    @property
    def _last(self) -> np.void:
        """The bar at whose end the decision is taken."""
        row: np.void = np.frombuffer(self._rows[-BAR.itemsize :], BAR)[0]
        return row

    def _parts(self) -> "Iterator[Past]":
        """This past and those before it, each of which holds what was new."""
        part: Past | None = self
        while part is not None:
            yield part
            part = part._before

    def _content(self) -> tuple[Any, ...]:
        return self._symbol, self._latest_rows(None), *self._newest_first()

    def _latest_rows(self, wanted: int | None) -> bytes:
        """So many of the latest bars, oldest first; None for all there are."""
        chunks: list[bytes] = []
        bytes_left = math.inf if wanted is None else wanted * BAR.itemsize
        for part in self._parts():
            chunks.append(part._rows)
            bytes_left -= len(part._rows)
            if bytes_left <= 0:
                break
        rows = b"".join(reversed(chunks))
        return rows if wanted is None else rows[-wanted * BAR.itemsize :]

    def _newest_first(self) -> Iterator[Document]:
        for part in self._parts():
            yield from reversed(part._documents)

    def _linked(self) -> "Mapping[str, Link]":
        """The latest document of each kind, from which older ones follow; linked once."""
        new: list[Past] = []
        chains: Mapping[str, Link] = {}
        for part in self._parts():
            if part._chains is not None:
                chains = part._chains
                break
            new.append(part)
        for part in reversed(new):
            if part._documents:
                longer = dict(chains)
                for document in part._documents:
                    longer[document.kind] = Link(document, longer.get(document.kind))
                chains = longer
            part._chains = chains
        return chains

    def _counts(self) -> tuple[Counted, ...]:
        """The words of each document that was new, counted at the first search."""
        if self._counted is None:
            self._counted = tuple(counted(str(document)) for document in self._documents)
        return self._counted

    def _range(self, start: DateLike | None, end: DateLike | None) -> tuple[date, date]:
        """First and last day that are asked for."""
        days = [date.fromisoformat(self.session), datetime.fromisoformat(self.time).date()]
        for name, value in (("start", start), ("end", end)):
            if value is not None and (day := date_text(name, value)) > max(days).isoformat():
                raise NotYetKnownError(
                    f"{name}={day} lies after this decision of {self.time}: no more is known"
                )
        first = date.min if start is None else date.fromisoformat(date_text("start", start))
        return first, max(days) if end is None else date.fromisoformat(date_text("end", end))


class Link:
    """A document, and the one of its kind before it."""

    __slots__ = ("before", "document")

    def __init__(self, document: Document, before: "Link | None") -> None:
        self.document = document
        self.before = before


class PastElsewhere(Past):
    """A past that came to another process without what it holds."""

    __slots__ = ()

    def __init__(self, symbol: str, last: bytes) -> None:
        super().__init__(symbol, None, last, ())

    def _content(self) -> tuple[Any, ...]:
        return self._symbol, self._rows

    def _parts(self) -> Iterator[Past]:
        raise InvestorBenchError(
            f"{self!r} was pickled, and a past stays in the process of its environment: ask it "
            "there, or use gym.make_vec and envs.histories(info)"
        )


def _is_of(document: Document, kind: str | None, first: date, final: date) -> bool:
    if kind not in (None, document.kind) and not (kind == FILING and document.is_filing):
        return False
    return first <= document.available_at.astimezone(UTC).date() <= final


def _count(name: str, value: object, most: int) -> int:
    if not isinstance(value, int | np.integer) or type(value) is bool or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")
    return min(int(value), most)

"""One asset's market, decision by decision, in the form in which environments show it.

Everything here is made from ``Market.until(t)``; a moment is made once and then shared.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from investorbench_env.market.documents import NEWS, SENTIMENTS, Document
from investorbench_env.market.market import CLOSE, FIELDS, OPEN, VOLUME, Market

AnyArray = TypeVar("AnyArray", bound=npt.NDArray[np.generic])
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one decision, and what happened since the one before.

    Attributes:
        t: the session's index in the market.
        session: its date, ``YYYY-MM-DD``.
        time: the decision time, ISO 8601 in UTC.
        documents: what became available since the decision before.
        document_rows: where they stand in the market's table, between those of other assets.
        observation: what of an observation the market decides, in read-only arrays: ``bars``, the
            last ``window`` sessions as float32 [window, 5], oldest first, prices and volumes
            adjusted for the splits up to this day and no later one, 0 where unknown; ``mask``, 1
            where a session has a bar, int8 [window]; ``sentiment``, the number of positive, neutral
            and negative news since the decision before, float32 [3]; ``news`` and ``filings``, the
            texts of the documents; ``time`` as above; ``account`` is None.
        fill: the session's open, or its close where the open is unknown.
        final: the session's close.
        ex_date: whether there was a dividend or a split since the decision before.
        dividend: cash since the decision before, for each share held then.
        split: shares now for each share held then.
        log_return: of the adjusted close since the decision before.
    """

    t: int
    session: str
    time: str
    observation: dict[str, Any]
    documents: tuple[Document, ...]
    document_rows: slice
    fill: float
    final: float
    ex_date: bool
    dividend: float
    split: float
    log_return: float


class History:
    """The moments of one asset at which a decision can be taken: those sessions with a bar.

    A session without a bar has no decision; its row in later windows is masked and its documents
    come to the next decision.
    """

    def __init__(self, market: Market, symbol: str, window: int) -> None:
        self.market = market
        self.symbol = symbol
        self.window = window
        self.asset = market.asset(symbol)
        self._moments: dict[int, Moment] = {}
        self._opening: dict[int, tuple[Document, ...]] = {}
        self._filings = [
            number
            for number, row in enumerate(market.documents)
            if row.is_filing and row.symbol == symbol
        ]

    def decisions(self, span: range) -> npt.NDArray[np.int64]:
        """The sessions in a span at which there is a bar, ascending."""
        closes = self.market.bars[span.start : span.stop, self.asset, CLOSE]
        return np.flatnonzero(~np.isnan(closes)) + span.start

    def until(self, t: int) -> Moment:
        """What was known at the decision after session ``t``, which must have a bar."""
        moment = self._moments.get(t)
        if moment is None:
            moment = self._moments[t] = self._moment(t)
        return moment

    def opening_filings(self, t: int) -> tuple[Document, ...]:
        """The latest filing of each form at session ``t``, oldest first: what a new reader reads.

        Those that are among the moment's own documents are left out.
        """
        if t not in self._opening:
            rows = self.until(t).document_rows
            known = self._filings[: bisect_left(self._filings, rows.stop)]
            documents = self.market.documents.rows
            # Of each form the latest takes the place of those before it.
            latest = {documents[row].kind: row for row in known}
            old = sorted(row for row in latest.values() if row < rows.start)
            self._opening[t] = tuple(documents[row] for row in old)
        return self._opening[t]

    def _own(self, rows: slice) -> tuple[Document, ...]:
        documents = self.market.documents.rows[rows]
        if len(self.market.symbols) == 1:
            return documents
        return tuple(row for row in documents if row.symbol == self.symbol)

    def _moment(self, t: int) -> Moment:
        view = self.market.until(t)
        bars = view.bars[:, self.asset]
        before = _last_known(bars[:t, CLOSE])
        # The first session of a market has no decision before it; its own day stands in for that.
        rows = view.document_rows_of_last_day() if before is None else view.document_rows(before)
        documents = self._own(rows)
        since = slice(t if before is None else before + 1, t + 1)
        splits = view.share_splits[since, self.asset]
        # A dividend after a split is paid on the new shares.
        dividend = float((view.dividends[since, self.asset] * np.cumprod(splits)).sum())
        adjusted = view.adjusted_close[:, self.asset]
        growth = 1.0 if before is None else adjusted[t] / adjusted[before]
        opened, closed = float(bars[t, OPEN]), float(bars[t, CLOSE])
        seconds = int(view.time.astype("datetime64[s]").astype(np.int64))
        time = datetime.fromtimestamp(seconds, UTC).isoformat()
        window, mask = self._window(t)
        news = tuple(row for row in documents if row.kind == NEWS)
        return Moment(
            t=t,
            session=str(view.session),
            time=time,
            observation={
                "bars": window,
                "mask": mask,
                "account": None,
                "sentiment": _count_sentiments(news),
                "news": tuple(str(row) for row in news),
                "filings": tuple(str(row) for row in documents if row.is_filing),
                "time": time,
            },
            documents=documents,
            document_rows=rows,
            fill=closed if np.isnan(opened) else opened,
            final=closed,
            ex_date=bool(dividend or (splits != 1.0).any()),
            dividend=dividend,
            split=float(splits.prod()),
            log_return=float(np.log(growth)),
        )

    def _window(self, t: int) -> tuple[Float32Array, npt.NDArray[np.int8]]:
        view = self.market.until(t)
        known = view.bars[-self.window :, self.asset]
        splits = view.share_splits[-self.window :, self.asset]
        # Shares today for one share of each day: the product of the splits after that day.
        later = np.append(np.cumprod(splits[:0:-1])[::-1], 1.0)[:, None]
        rows = len(known)
        bars = np.zeros((self.window, len(FIELDS)), dtype=np.float32)
        bars[-rows:, :VOLUME] = np.nan_to_num(known[:, :VOLUME] / later)
        bars[-rows:, VOLUME:] = np.nan_to_num(known[:, VOLUME:] * later)
        mask = np.zeros(self.window, dtype=np.int8)
        mask[-rows:] = ~np.isnan(known[:, CLOSE])
        bars[mask == 0] = 0.0
        return _frozen(bars), _frozen(mask)


def _last_known(closes: npt.NDArray[np.float64]) -> int | None:
    known = np.flatnonzero(~np.isnan(closes))
    return int(known[-1]) if len(known) else None


def _count_sentiments(news: tuple[Document, ...]) -> Float32Array:
    labels = [row.sentiment for row in news]
    counts = np.array([labels.count(label) for label in SENTIMENTS], dtype=np.float32)
    return _frozen(counts)


def _frozen(array: AnyArray) -> AnyArray:
    array.setflags(write=False)
    return array


def history_of(market: Market, symbol: str, window: int) -> History:
    """The history of an asset, made once for a market that several environments share."""
    # Kept in the market itself: a table of them elsewhere would keep every market alive for ever.
    histories: dict[tuple[str, int], History] = vars(market).setdefault("_histories", {})
    return histories.setdefault((symbol, window), History(market, symbol, window))

"""One asset's market, decision by decision, in the form in which environments show it.

A moment is made of nothing that ``Market.until(t)`` does not show, once, and then shared.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from investorbench_env.market.bar_rows import BAR, bars_known
from investorbench_env.market.documents import (
    NEWS,
    SENTIMENTS,
    Document,
    DocumentPlaces,
    MadeWhenRead,
)
from investorbench_env.market.intervals import DAY
from investorbench_env.market.market import CLOSE, FIELDS, OPEN, VOLUME, Market
from investorbench_env.market.past import Past

AnyArray = TypeVar("AnyArray", bound=npt.NDArray[np.generic])
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one decision, and what happened since the one before.

    Attributes:
        t: the bar's index in the market.
        session: the date of its session, ``YYYY-MM-DD``.
        time: its end, when the decision is taken, ISO 8601 in UTC.
        documents: what became available since the decision before.
        document_rows: where they stand in the market's table, between those of other assets.
        observation: what of an observation the market decides, in read-only arrays: ``bars``, the
            last ``window`` of them as float32 [window, 5], oldest first, prices and volumes
            adjusted for the splits up to this one and no later one, 0 where unknown; ``mask``, 1
            where a bar is known, int8 [window]; ``sentiment``, the number of positive, neutral
            and negative news since the decision before, float32 [3]; ``news`` and ``filings``, the
            texts of the documents; ``time`` as above; ``account`` is None.
        fill: the bar's open, or its close where the open is unknown.
        final: the bar's close.
        ex_date: whether there was a dividend or a split since the decision before.
        dividend: cash since the decision before, for each share held then.
        split: shares now for each share held then.
        log_return: of the adjusted close since the decision before.
        period: 1.0 where the decision before was in another session, else 0.0.
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
    period: float


class AssetMoments(Protocol):
    """The moments of one asset, as an environment of one shows them; see ``History``."""

    market: Market
    symbol: str
    window: int
    asset: int

    def until(self, t: int) -> Moment: ...
    def past(self, t: int) -> Past: ...
    def opening_filings(self, t: int) -> tuple[Document, ...]: ...


class History:
    """The moments of one asset at which a decision can be taken: those at the end of a known bar.

    A bar that is missing has no decision; its row in later windows is masked and its documents
    come to the next decision. What a moment needs of the past is laid out once, each row from no
    later row, so that a moment costs the same however long the market is.

    Args:
        market: with the asset.
        symbol: the asset.
        window: bars in an observation.
        needs_adjusted: whether a bar without an adjusted close is a missing one, as it is where
            returns are those of adjusted closes.
    """

    def __init__(
        self, market: Market, symbol: str, window: int, *, needs_adjusted: bool = False
    ) -> None:
        self.market = market
        self.symbol = symbol
        self.window = window
        self.asset = asset = market.asset(symbol)
        self._moments: dict[int, Moment] = {}
        self._opening: dict[int, tuple[Document, ...]] = {}
        self._pasts: dict[int, Past] = {}
        self._past_ends: list[int] = []
        opens, self._final = market.bars[:, asset, OPEN], market.bars[:, asset, CLOSE]
        self._adjusted = market.adjusted_close[:, asset]
        known = ~np.isnan(self._final)
        if needs_adjusted:
            known &= ~np.isnan(self._adjusted)
        self.known = known
        self._fill = np.where(np.isnan(opens), self._final, opens)
        self._sessions = market.sessions.astype(str)
        self._seconds = market.times.astype("datetime64[s]").astype(np.int64)
        self._before = _last_before(known)
        self._last_split = _last_before(market.share_splits[:, asset] != 1.0, inclusive=True)
        self._stops = market.documents.available_by(market.times)
        # The last `window` bars are a slice, as they stand where no split lies within them.
        padded = np.zeros((window - 1 + len(known), len(FIELDS)), dtype=np.float32)
        padded[window - 1 :] = np.nan_to_num(market.bars[:, asset])
        padded[window - 1 :][~known] = 0.0
        self._bars = _frozen(padded)
        self._mask = _frozen(np.concatenate([np.zeros(window - 1, bool), known]).astype(np.int8))

    def __getstate__(self) -> dict[str, Any]:
        # Pasts stay behind where a copy goes to another process, which then makes its own.
        return {**self.__dict__, "_pasts": {}, "_past_ends": []}

    def decisions(self, span: range) -> npt.NDArray[np.int64]:
        """The bars in a span that are known, ascending."""
        return np.flatnonzero(self.known[span.start : span.stop]) + span.start

    def until(self, t: int) -> Moment:
        """What was known at the end of bar ``t``, which must be a known one."""
        moment = self._moments.get(t)
        if moment is None:
            moment = self._moments[t] = self._moment(t)
        return moment

    def with_recent_documents(self, t: int, bars: int) -> Moment:
        """The moment of bar ``t``, with the documents of so many bars up to it."""
        moment = self.until(t)
        start = self._document_rows(first := max(t + 1 - bars, 0), first - 1).start
        rows = slice(start, moment.document_rows.stop)
        documents = self._documents(rows)
        observation = moment.observation | _of_documents(documents)
        return replace(moment, documents=documents, document_rows=rows, observation=observation)

    def opening_filings(self, t: int) -> tuple[Document, ...]:
        """The latest filing of each form at bar ``t``, oldest first: what a new reader reads.

        Those that are among the moment's own documents are left out.
        """
        if t not in self._opening:
            rows = self.until(t).document_rows
            filings = rows_of(self.market, self.symbol).filings
            known = filings[: bisect_left(filings, rows.stop)]
            documents = self.market.documents.rows
            # Of each form the latest takes the place of those before it.
            latest = {documents[row].kind: row for row in known}
            old = sorted(row for row in latest.values() if row < rows.start)
            self._opening[t] = tuple(documents[row] for row in old)
        return self._opening[t]

    def past(self, t: int) -> Past:
        """All that was known at the end of bar ``t``, in an object that leads to nothing else."""
        past = self._pasts.get(t)
        return self._past(t) if past is None else past

    def _past(self, t: int) -> Past:
        """A past made of what is new since one that was made before."""
        ends = self._past_ends
        place = bisect_left(ends, t)
        last = ends[place - 1] if place else -1
        if last == self._before.item(t) >= 0:
            documents = self.until(t).documents
        else:
            first = self._stops.item(last) if place else 0
            documents = self._documents(slice(first, self._stops.item(t)))
        past = self._pasts[t] = Past(
            self.symbol,
            self._pasts[last] if place else None,
            self._bars_known[(last + 1) * BAR.itemsize : (t + 1) * BAR.itemsize],
            documents,
        )
        ends.insert(place, t)
        return past

    @cached_property
    def _bars_known(self) -> bytes:
        market, asset = self.market, self.asset
        return bars_known(
            market.sessions,
            market.times,
            market.bars[:, asset],
            market.dividends[:, asset],
            market.share_splits[:, asset],
            self._adjusted,
            self._before,
        )

    def _moment(self, t: int) -> Moment:
        before = self._before.item(t)
        rows = self._document_rows(t, before)
        documents = self._documents(rows)
        ex_date, dividend, split = self._distributions(t, before)
        growth = 1.0 if before < 0 else self._growth(t, before, dividend, split)
        time = datetime.fromtimestamp(self._seconds.item(t), UTC).isoformat()
        window, mask = self._window(t)
        return Moment(
            t=t,
            session=self._sessions.item(t),
            time=time,
            observation={
                "bars": window,
                "mask": mask,
                "account": None,
                **_of_documents(documents),
                "time": time,
            },
            documents=documents,
            document_rows=rows,
            fill=self._fill.item(t),
            final=self._final.item(t),
            ex_date=ex_date,
            dividend=dividend,
            split=split,
            log_return=float(np.log(growth)),
            period=float(before < 0 or self._sessions[t] != self._sessions[before]),
        )

    def _growth(self, t: int, before: int, dividend: float, split: float) -> float:
        """What a share became since the decision before, distributions included."""
        growth = self._adjusted.item(t) / self._adjusted.item(before)
        if np.isnan(growth):  # what is known of distributions then says it
            growth = (self._final.item(t) * split + dividend) / self._final.item(before)
        return growth

    def _document_rows(self, t: int, before: int) -> slice:
        """What became available since the decision before.

        The first bar of a market has no decision before it; the day before its end stands in for
        that.
        """
        stop = self._stops.item(t)
        if before >= 0:
            return slice(self._stops.item(before), stop)
        documents, end = self.market.documents, self.market.times[t]
        return slice(documents.between(end - DAY, end).start, stop)

    def _documents(self, rows: slice) -> tuple[Document, ...]:
        if rows.start == rows.stop:
            return ()
        documents = self.market.documents.rows
        if len(self.market.symbols) == 1:
            return tuple(documents[rows])
        own = rows_of(self.market, self.symbol).all
        first, last = (bisect_left(own, end) for end in (rows.start, rows.stop))
        return tuple(documents[row] for row in own[first:last])

    def _distributions(self, t: int, before: int) -> tuple[bool, float, float]:
        """Since the decision before: whether there was any, cash and shares for each share."""
        if before < 0 or before == t - 1:
            split = self.market.share_splits.item(t, self.asset)
            dividend = self.market.dividends.item(t, self.asset) * split
            return bool(dividend or split != 1.0), dividend, split
        since = slice(before + 1, t + 1)
        splits = self.market.share_splits[since, self.asset]
        dividends = self.market.dividends[since, self.asset]
        # A dividend after a split is paid on the new shares.
        dividend = float((dividends * np.cumprod(splits)).sum())
        return bool(dividend or (splits != 1.0).any()), dividend, float(splits.prod())

    def _window(self, t: int) -> tuple[Float32Array, npt.NDArray[np.int8]]:
        shown, mask = self._bars[t : t + self.window], self._mask[t : t + self.window]
        first = max(t + 1 - self.window, 0)
        if self._last_split.item(t) <= first:  # the first bar is as it traded after its own split
            return shown, mask
        known = slice(first, t + 1)
        bars, splits = self.market.bars[known, self.asset], self.market.share_splits[:, self.asset]
        return _frozen(restated(bars, splits[known], mask)), mask


def restated(
    bars: npt.NDArray[np.float64], splits: npt.NDArray[np.float64], mask: npt.NDArray[np.int8]
) -> Float32Array:
    """Windows in the shares of their last bars; one, or many of the same length.

    Args:
        bars: as traded, those of a window that there are [..., K, 5].
        splits: new shares for an old one [..., K].
        mask: 1 where a bar of a window is known [..., W], W >= K.
    """
    # Shares today for one share of each bar: the product of the splits after it.
    later = np.ones((*splits.shape, 1))
    later[..., :-1, 0] = np.cumprod(splits[..., :0:-1], axis=-1)[..., ::-1]
    shown = np.zeros((*mask.shape, len(FIELDS)), dtype=np.float32)
    there = shown[..., -splits.shape[-1] :, :]
    there[..., :VOLUME] = np.nan_to_num(bars[..., :VOLUME] / later)
    there[..., VOLUME:] = np.nan_to_num(bars[..., VOLUME:] * later)
    shown[mask == 0] = 0.0
    return shown


def rows_of(market: Market, symbol: str) -> DocumentPlaces:
    """Found once for a market and an asset, when the first history needs them."""
    documents = market.documents.rows
    if isinstance(documents, MadeWhenRead):
        return documents.places[symbol]
    found: dict[str, DocumentPlaces] = vars(market).setdefault("_rows_of", {})
    if symbol not in found:
        own = [number for number, row in enumerate(documents) if row.symbol == symbol]
        filings = [number for number in own if documents[number].is_filing]
        found[symbol] = DocumentPlaces(own, filings)
    return found[symbol]


def _last_before(
    marked: npt.NDArray[np.bool_], *, inclusive: bool = False
) -> npt.NDArray[np.int64]:
    """The last marked row before each row, or up to it; -1 where there is none [T]."""
    last = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))
    return last if inclusive else np.append(-1, last[:-1])


def _of_documents(documents: tuple[Document, ...]) -> dict[str, Any]:
    """What an observation shows of some documents."""
    news = tuple([row for row in documents if row.kind == NEWS])
    return {
        "sentiment": _count_sentiments(news) if news else NO_SENTIMENTS,
        "news": tuple([str(row) for row in news]),
        "filings": tuple([str(row) for row in documents if row.is_filing]),
    }


def _count_sentiments(news: tuple[Document, ...]) -> Float32Array:
    labels = [row.sentiment for row in news]
    counts = np.array([labels.count(label) for label in SENTIMENTS], dtype=np.float32)
    return _frozen(counts)


def _frozen(array: AnyArray) -> AnyArray:
    array.setflags(write=False)
    return array


NO_SENTIMENTS = _frozen(np.zeros(len(SENTIMENTS), dtype=np.float32))


def history_of(
    market: Market, symbol: str, window: int, *, needs_adjusted: bool = False
) -> History:
    """The history of an asset, made once for a market that several environments share."""
    # Kept in the market itself: a table of them elsewhere would keep every market alive for ever.
    histories: dict[tuple[str, int, bool], History] = vars(market).setdefault("_histories", {})
    key = symbol, window, needs_adjusted
    if key not in histories:
        histories[key] = History(market, symbol, window, needs_adjusted=needs_adjusted)
    return histories[key]

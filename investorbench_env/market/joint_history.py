"""The market of several assets, decision by decision, in the form in which environments show it.

What is known at a bar is made of nothing that ``Market.until(t)`` does not show.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.market.bar_rows import BAR, bars_known
from investorbench_env.market.documents import NEWS, SENTIMENTS, Document
from investorbench_env.market.history import restated, rows_of
from investorbench_env.market.intervals import DAY
from investorbench_env.market.joint_prices import (
    SessionStep,
    columns,
    joint_prices,
    last_before,
    last_marked,
)
from investorbench_env.market.market import FIELDS, HIGH, LOW, VOLUME, Market
from investorbench_env.market.pasts import Pasts

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class JointMoment:
    """What is known at one decision, and what happened since the one before.

    Attributes:
        t: the bar's index in the market.
        session: the date of its session, ``YYYY-MM-DD``.
        time: its end, when the decision is taken, ISO 8601 in UTC.
        documents: what became available since the decision before, about any of the assets.
        sentiment: the number of positive, neutral and negative news of each asset, float32 [A, 3].
        prices: what the assets did since then.
    """

    t: int
    session: str
    time: str
    documents: tuple[Document, ...]
    sentiment: npt.NDArray[np.float32]
    prices: SessionStep


class JointHistory:
    """The moments at which any of several assets traded: a decision is taken at each.

    Attributes:
        market: with the assets.
        symbols: of the A assets.
        known: which closes are known, of assets that are listed [T, A].
        gone: the bar at which each asset was no longer listed; T for none [A].
        before: the last bar before each at which any asset traded; -1 where there is none [T].
        prices: of every bar, in arrays [T, A]; at one at which no asset traded they mean nothing.
    """

    def __init__(self, market: Market, symbols: Sequence[str], window: int) -> None:
        """Lay out what decisions need of the past.

        Args:
            market: with the assets.
            symbols: of those that are traded.
            window: bars in an observation.
        """
        self.market, self.symbols, self.window = market, tuple(symbols), window
        self.assets = assets = [market.asset(symbol) for symbol in symbols]
        self._bars = columns(market.bars, assets)
        self._splits = columns(market.share_splits, assets)
        self.prices = prices = joint_prices(market, self.symbols)
        self.known, self.gone, self.before = prices.traded, prices.gone, prices.before
        self._sessions = market.sessions.astype(str)
        self._seconds = market.times.astype("datetime64[s]").astype(np.int64)
        self._stops = market.documents.available_by(market.times)
        self._moments: dict[int, JointMoment] = {}
        self._pasts: dict[int, Pasts] = {}
        self._past_ends: list[int] = []
        self._last_split = last_marked(self._splits != 1.0).astype(np.int32)
        self._last_of_any = self._last_split.max(axis=1)
        # The last `window` bars are a slice, as they stand where no split lies within them.
        padded = np.zeros((window - 1 + len(self.known), len(assets), len(FIELDS)), np.float32)
        padded[window - 1 :] = np.nan_to_num(self._bars)
        padded[window - 1 :][~self.known] = 0.0
        self._shown = _frozen(padded)
        self._mask = _frozen(
            np.concatenate([np.zeros((window - 1, len(assets)), bool), self.known]).astype(np.int8)
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "JointHistory":
        # Like its market it is never changed: copies of an environment share it.
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Pasts stay behind where a copy goes to another process, which then makes its own.
        return {**self.__dict__, "_pasts": {}, "_past_ends": []}

    def is_priced(self, t: int) -> npt.NDArray[np.bool_]:
        """Which assets are listed and have traded by bar ``t`` [A]."""
        priced: npt.NDArray[np.bool_] = (self.prices.stale[t] <= t) & (t < self.gone)
        return priced

    def until(self, t: int) -> JointMoment:
        """What was known at the end of bar ``t``, at which an asset must have traded."""
        moment = self._moments.get(t)
        if moment is None:
            moment = self._moments[t] = self._moment(t)
        return moment

    def traded_bars(self, t: int) -> Array:
        """What each asset did on the way to bar ``t``; NaN for prices of those that did not trade.

        Open (close where that is unknown), high and low (no closer than these two), close, volume,
        dividend and split, see :class:`JointPrices` [A, 7].
        """
        every, bars = self.prices, self._bars[t]
        fill, final = every.fill[t], every.final[t]
        high, low = (
            further(further(bars[:, column], fill), final)
            for column, further in ((HIGH, np.fmax), (LOW, np.fmin))
        )
        rows = np.array([
            fill, high, low, final, bars[:, VOLUME], every.dividend[t], every.split[t]
        ]).T  # fmt: skip
        rows[~every.traded[t], :VOLUME] = np.nan
        return rows

    def mask(self, t: int) -> npt.NDArray[np.int8]:
        """Which of the last bars are known, oldest first, read-only [window, A]."""
        mask: npt.NDArray[np.int8] = self._mask[t : t + self.window]
        return mask

    def bars(self, t: int) -> npt.NDArray[np.float32]:
        """The last bars, oldest first, in the shares of ``t``, read-only [window, A, 5].

        0 where unknown.
        """
        shown: npt.NDArray[np.float32] = self._shown[t : t + self.window]
        first = max(t + 1 - self.window, 0)
        if self._last_of_any.item(t) > first:  # the first bar is as it traded after its own split
            known, split = slice(first, t + 1), np.flatnonzero(self._last_split[t] > first)
            bars, ratios = self._bars[known, split], self._splits[known, split]
            again = restated(bars.swapaxes(0, 1), ratios.T, self.mask(t).T[split])
            shown = shown.copy()
            shown[:, split] = again.swapaxes(0, 1)
            shown.setflags(write=False)
        return shown

    def opening_filings(self, t: int) -> tuple[Document, ...]:
        """The latest filing of each form and asset at bar ``t``, but for the moment's own."""
        own, documents = self._rows(t), self.market.documents.rows
        found: list[int] = []
        for symbol in self.symbols:
            filings = rows_of(self.market, symbol).filings
            known = filings[: bisect_left(filings, own.stop)]
            # Of each form the latest takes the place of those before it.
            latest = {documents[row].kind: row for row in known}
            found += [row for row in latest.values() if row < own.start]
        return tuple(documents[row] for row in sorted(found))

    def past(self, t: int) -> Pasts:
        """All that was known at the end of bar ``t``, in an object that leads to nothing else."""
        past = self._pasts.get(t)
        if past is None:
            ends, size = self._past_ends, BAR.itemsize * len(self.symbols)
            place = bisect_left(ends, t)
            last = ends[place - 1] if place else -1
            past = self._pasts[t] = Pasts(
                self.symbols,
                self._pasts[last] if place else None,
                self._bars_known[(last + 1) * size : (t + 1) * size],
                self._documents(self._stops.item(last) if place else 0, t),
            )
            ends.insert(place, t)
        return past

    @cached_property
    def _bars_known(self) -> bytes:
        """The rows of all bars, those of the assets one after the other [T, A]."""
        market = self.market
        rows = [
            np.frombuffer(
                bars_known(
                    market.sessions,
                    market.times,
                    self._bars[:, place],
                    market.dividends[:, asset],
                    market.share_splits[:, asset],
                    market.adjusted_close[:, asset],
                    last_before(self.known[:, place]),
                ),
                BAR,
            )
            for place, asset in enumerate(self.assets)
        ]
        return np.stack(rows, axis=1).tobytes()

    def _moment(self, t: int) -> JointMoment:
        documents = self._documents(self._rows(t).start, t)
        return JointMoment(
            t=t,
            session=self._sessions.item(t),
            time=datetime.fromtimestamp(self._seconds.item(t), UTC).isoformat(),
            documents=documents,
            sentiment=self._sentiments(documents),
            prices=self.prices.step(t, self._starts_period(t)),
        )

    def _starts_period(self, t: int) -> bool:
        before = self.before.item(t)
        return before < 0 or bool(self._sessions[t] != self._sessions[before])

    def _rows(self, t: int) -> slice:
        """Where the documents since the decision before stand; of a first bar, of its last day."""
        before, stop = self.before.item(t), self._stops.item(t)
        if before >= 0:
            return slice(self._stops.item(before), stop)
        documents, end = self.market.documents, self.market.times[t]
        return slice(documents.between(end - DAY, end).start, stop)

    def _documents(self, first: int, t: int) -> tuple[Document, ...]:
        """Those of the assets from a row on that were available at a bar."""
        found = self.market.documents.rows[first : self._stops.item(t)]
        if self.symbols == self.market.symbols:
            return tuple(found)
        return tuple(row for row in found if row.symbol in self.symbols)

    def _sentiments(self, documents: tuple[Document, ...]) -> npt.NDArray[np.float32]:
        counts = np.zeros((len(self.symbols), len(SENTIMENTS)), np.float32)
        for row in documents:
            if row.kind == NEWS and row.sentiment is not None and row.symbol in self.symbols:
                counts[self.symbols.index(row.symbol), SENTIMENTS.index(row.sentiment)] += 1.0
        frozen: npt.NDArray[np.float32] = _frozen(counts)
        return frozen


def _frozen(array: Any) -> Any:
    array.setflags(write=False)
    return array


def joint_history_of(market: Market, symbols: tuple[str, ...], window: int) -> JointHistory:
    """The history of several assets, made once for a market that several environments share."""
    histories: dict[Any, JointHistory] = vars(market).setdefault("_joint_histories", {})
    key = symbols, window
    if key not in histories:
        histories[key] = JointHistory(market, symbols, window)
    return histories[key]

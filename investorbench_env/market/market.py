"""What was known, and when: bars and documents in immutable arrays behind ``until(t)``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.dates import DateLike, date_text
from investorbench_env.errors import DateRangeError, MarketError, UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.intervals import (
    DAILY,
    DAY,
    length_of,
    refuse_contradiction,
)
from investorbench_env.market.sessions import TimeArray, sessions_between

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("open", "high", "low", "close", "volume")
OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
PERPETUAL: dict[str, tuple[int, ...]] = {"funding": (), "oracle": (), "marks": (VOLUME,)}
"""What only markets of perpetuals have, with the axes beyond [T, A]."""

LEAST_PRICE, MOST_PRICE, MOST_VOLUME = 1e-12, 1e15, 1e24
"""Beyond them single precision holds no observation of a bar or an account."""
DATA_TOLERANCE = 0.05
"""Of more rows dropped or sessions missing a file was not read as it was meant."""
BEGINNING = np.datetime64("1677-09-22", "ns")
"""The earliest moment that ``datetime64[ns]`` can hold."""

FloatArray = npt.NDArray[np.float64]


class Delisting(NamedTuple):
    """The end of an asset's listing.

    Attributes:
        on: the day; it trades on no session after it on which it has no bar.
        gain: what the last price changed by for those who still held the asset, -.3 for a loss of
            30 %; NaN where unknown.
    """

    on: np.datetime64
    gain: float = np.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class Market:
    """Bars of one length and documents of one or more assets over consecutive sessions.

    A bar that is missing stays in place with NaN in its row: a daily market has a row for every
    session of the exchange's calendar. All arrays are made contiguous and read-only, a market is
    never copied (also not by the deep copy that ``gym.make`` does), and several environments may
    share one.

    Attributes:
        symbols: the A assets.
        asset_class: the name of a row of ``ASSET_CLASSES``.
        sessions: the date of the session that each bar belongs to, ``datetime64[D]``; several bars
            may share one, so dates ascend but repeat [T].
        times: the end of each bar, when it is complete and a decision may be taken,
            ``datetime64[ns]`` UTC, strictly ascending [T].
        bars: open, high, low, close and volume **as traded** on the day, NaN where unknown
            [T, A, 5].
        adjusted_close: close adjusted for splits and dividends, NaN where unknown [T, A]. Only its
            ratios mean anything.
        dividends: cash per share with its ex-date in that session [T, A].
        share_splits: new shares for one old one from that session's open, else 1 [T, A].
        documents: all texts.
        source: where it came from, in words; goes into every result.
        simulated: True where prices or text are not real.
        timezone: IANA name of the exchange's time zone.
        findings: what was wrong or missing in the data, in words.
        hidden_state: for a simulated market the variables that drive it, by name [T, A].
        interval: the length of a bar, such as ``"3m"``, ``"4h"``, ``"1d"`` or ``"1w"``.
        intervals: the same assets in bars of other lengths, by their ``interval``; a view shows
            those of them that were complete at its time.
        delistings: of the assets whose listing ended, by symbol.
        funding: of perpetuals, the rate that is charged at the stamp with which a bar opens, NaN
            for a bar that opens with none [T, A].
        oracle: of perpetuals, the price on which funding is charged at that stamp, NaN where
            unknown [T, A].
        marks: of perpetuals, open, high, low and close of the mark, NaN where unknown [T, A, 4].
        law_fingerprint: for a path that was drawn by a ``simulated.Law``, the fingerprint of that
            law, which stands for the market's own.
    """

    symbols: tuple[str, ...]
    asset_class: str
    sessions: TimeArray
    times: TimeArray
    bars: FloatArray
    adjusted_close: FloatArray
    dividends: FloatArray
    share_splits: FloatArray
    documents: DocumentTable = field(default_factory=DocumentTable)
    source: str
    simulated: bool = False
    timezone: str = "UTC"
    findings: tuple[str, ...] = ()
    hidden_state: Mapping[str, FloatArray] | None = None
    interval: str = DAILY
    intervals: "Mapping[str, Market]" = field(default_factory=dict)
    delistings: Mapping[str, Delisting] = field(default_factory=dict)
    funding: FloatArray | None = None
    oracle: FloatArray | None = None
    marks: FloatArray | None = None
    law_fingerprint: str | None = None

    def __post_init__(self) -> None:
        find_asset_class(self.asset_class)
        length, assets = len(self.sessions), len(self.symbols)
        self._freeze("sessions", "datetime64[D]", (length,))
        self._freeze("times", "datetime64[ns]", (length,))
        self._freeze("bars", "float64", (length, assets, len(FIELDS)))
        for name in ("adjusted_close", "dividends", "share_splits"):
            self._freeze(name, "float64", (length, assets))
        for name, more in PERPETUAL.items():
            if getattr(self, name) is not None:
                self._freeze(name, "float64", (length, assets, *more))
        if not length or not assets:
            raise MarketError(f"a market needs a session and a symbol; got {length} and {assets}")
        if (self.sessions[1:] < self.sessions[:-1]).any():
            raise MarketError("sessions must be ascending")
        if (self.times[1:] <= self.times[:-1]).any():
            raise MarketError("times must be strictly ascending")
        refuse_contradiction(self.interval, self.times, self.sessions)
        self._refuse_impossible_numbers()
        for symbol, delisting in self.delistings.items():
            self.asset(symbol)
            if delisting.gain < -1.0 or delisting.gain == np.inf:
                raise MarketError(f"a delisting of {symbol} changes its price by {delisting.gain}")
        for name, other in self.intervals.items():
            self._refuse_stranger(name, other)

    def _refuse_impossible_numbers(self) -> None:
        prices, volumes = self.bars[..., :VOLUME], self.bars[..., VOLUME]
        priced = {
            "prices": prices,
            "adjusted closes": self.adjusted_close,
            "oracle prices": self.oracle,
            "marks": self.marks,
        }
        for name, values in priced.items():
            if values is None:
                continue
            if (values <= 0).any():
                raise MarketError(f"{name} must be positive; use NaN for a bar that is missing")
            if (values > MOST_PRICE).any() or (values < LEAST_PRICE).any():
                raise MarketError(f"{name} must be within {LEAST_PRICE:g}..{MOST_PRICE:g}")
        if (volumes < 0).any() or (volumes > MOST_VOLUME).any():
            raise MarketError(f"volumes must be within 0..{MOST_VOLUME:g}, or NaN")
        ratios = self.share_splits
        if not ((self.dividends >= 0) & (self.dividends <= MOST_PRICE)).all():
            raise MarketError(f"dividends must be within 0..{MOST_PRICE:g}, 0 for none")
        if not ((ratios > 0) & np.isfinite(ratios)).all():
            raise MarketError("share_splits must be finite positive ratios, 1 for none")
        if self.funding is not None and (np.abs(self.funding) >= 1.0).any():
            raise MarketError(
                "funding must be a rate between -1 and 1, such as .0000125, or NaN for none"
            )

    def _refuse_stranger(self, name: str, other: "Market") -> None:
        if name != other.interval or name == self.interval:
            raise MarketError(
                f"intervals[{name!r}] has bars of {other.interval!r}; other lengths than "
                f"{self.interval!r} stand there, each under its own name"
            )
        for what in ("symbols", "asset_class", "timezone", "simulated"):
            if (own := getattr(self, what)) != (theirs := getattr(other, what)):
                raise MarketError(
                    f"intervals[{name!r}] is another market: its {what} {theirs!r}, not {own!r}"
                )

    def _freeze(self, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        array = np.array(getattr(self, name), dtype=dtype, order="C")
        if array.shape != shape:
            raise MarketError(f"{name} has shape {array.shape}, expected {shape}")
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    @classmethod
    def from_frame(
        cls,
        prices: "pd.DataFrame",
        news: "pd.DataFrame | None" = None,
        filings: "pd.DataFrame | None" = None,
        actions: "pd.DataFrame | None" = None,
        *,
        symbol: str | None = None,
        asset_class: str = "stock",
        dates: str | None = None,
        data_tolerance: float = DATA_TOLERANCE,
    ) -> "Market":
        """The market of one asset from pandas data frames with the columns that files may have.

        Args:
            prices: daily bars, of which dates may be the index.
            news: with a date or timestamp, and a headline or text.
            filings: with a form, a text and when it was accepted or filed.
            actions: dividends and splits, with date, action and amount.
            symbol: the asset; None for the only one that the prices name.
            asset_class: the name of a row of ``ASSET_CLASSES``.
            dates: what the dates are where they do not say it themselves, such as ``"day-first"``.
            data_tolerance: the share of rows that may be of no session, and of sessions that may be
                missing.

        Raises:
            CorruptDataError: the frames cannot be right; the message names frame and row.
            DataNotFoundError: there are no prices of the symbol.
        """
        # By name: what reads files needs this module.
        frames = import_module("investorbench_env.market.files.frames")
        given = {"prices": prices, "news": news, "filings": filings, "actions": actions}
        market: Market = frames.market_of_frames(
            symbol,
            asset_class,
            {kind: frame for kind, frame in given.items() if frame is not None},
            dates=dates,
            tolerance=data_tolerance,
        )
        return market

    def __deepcopy__(self, memo: dict[int, Any]) -> "Market":
        return self

    def __copy__(self) -> "Market":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: arrays that were merely unpickled could be written to.
        return partial(Market, **{part.name: getattr(self, part.name) for part in fields(self)}), ()

    def __repr__(self) -> str:
        kind = "simulated" if self.simulated else "real"
        bars = "sessions" if self.interval == DAILY else f"bars of {self.interval}"
        return (
            f"Market({'/'.join(self.symbols)}, {kind}, {self.sessions[0]}..{self.sessions[-1]}, "
            f"{len(self.times)} {bars}, {len(self.documents)} documents, "
            f"{self.source})"
        )

    def until(self, t: int) -> "MarketView":
        """All that was known when bar ``t`` was complete, and nothing that came later."""
        return MarketView(self, t)

    def at(self, time: np.datetime64) -> "MarketView | None":
        """The last view whose bar was complete at a time in UTC; None before the first."""
        t = int(np.searchsorted(self.times, time, side="right")) - 1
        return None if t < 0 else MarketView(self, t)

    def asset(self, symbol: str) -> int:
        """The index of a symbol on the asset axis.

        Raises:
            UnknownNameError: it is not in this market.
        """
        if symbol not in self.symbols:
            raise UnknownNameError("symbol", symbol, self.symbols)
        return self.symbols.index(symbol)

    def span(self, start: DateLike, end: DateLike) -> range:
        """The bars of the sessions ``start`` to ``end``, both inclusive.

        Raises:
            DateRangeError: no date, or the market misses a bar of the range at either end.
        """
        first = np.datetime64(date_text("start", start), "D")
        last = np.datetime64(date_text("end", end), "D")
        if last < first:
            raise DateRangeError(f"end {end} comes before start {start}")
        begin = int(np.searchsorted(self.sessions, first))
        stop = int(np.searchsorted(self.sessions, last, side="right"))
        # A bar of a week covers days on which none ends.
        bar = max(length_of(self.interval), DAY).astype("timedelta64[D]")
        missing = [
            len(sessions_between(self.asset_class, str(a), str(b)))
            for a, b in (
                (first, min(last, self.sessions[0] - bar)),
                (max(first, self.sessions[-1] + bar), last),
            )
            if a <= b
        ]
        if sum(missing) or begin >= stop:
            raise DateRangeError(
                f"{start}..{end} is outside the data, which runs from {self.sessions[0]} to "
                f"{self.sessions[-1]} ({self.source}); give start= and end= within it"
            )
        return range(begin, stop)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything an agent or an account can meet, for the record of a run.

        That of the law for a path drawn from one: it pairs the paths of a law, and leads to none.
        """
        if self.law_fingerprint is not None:
            return self.law_fingerprint
        about = {
            "symbols": list(self.symbols),
            "asset_class": self.asset_class,
            "timezone": self.timezone,
            "interval": self.interval,
            "simulated": self.simulated,
            "bars": len(self.times),
            "intervals": [self.intervals[name].fingerprint for name in sorted(self.intervals)],
        }
        if self.delistings:
            about["delistings"] = [[*map(str, row)] for row in sorted(self.delistings.items())]
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for array in self._arrays:
            digest.update(array.tobytes())
        for name in PERPETUAL:
            if (own := getattr(self, name)) is not None:
                digest.update(name.encode() + own.tobytes())
        for row in self.documents:
            digest.update(json.dumps([*_content(row), row.sentiment]).encode())
        return digest.hexdigest()

    @cached_property
    def fingerprint_v1(self) -> str:
        """What run folders of version 1 recorded: the same without names, zone and interval."""
        digest = hashlib.sha256()
        for array in self._arrays:
            digest.update(array.tobytes())
        for row in self.documents:
            digest.update("\x1f".join((*_content(row), row.sentiment or "")).encode())
        return digest.hexdigest()

    @cached_property
    def outages(self) -> npt.NDArray[np.bool_]:
        """Bars in which nothing was traded: missing, or flat without volume [T, A]."""
        bars = self.bars
        is_still = (bars[..., HIGH] == bars[..., LOW]) & (bars[..., VOLUME] == 0)
        outages: npt.NDArray[np.bool_] = is_still | np.isnan(bars[..., CLOSE])
        outages.setflags(write=False)
        return outages

    def is_the_one_recorded(self, fingerprint: str) -> bool:
        """Whether a record of any version that has this fingerprint was made with this market."""
        return fingerprint in (self.fingerprint, self.fingerprint_v1)

    @property
    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        dated = self.sessions, self.times
        return *dated, self.bars, self.adjusted_close, self.dividends, self.share_splits


def _content(row: Document) -> tuple[str, ...]:
    return row.kind, row.symbol, row.available_at.isoformat(), row.title, row.text


class MarketView:
    """A market as it stood when bar ``t`` was complete; arrays end there."""

    __slots__ = ("_market", "t")

    def __init__(self, market: Market, t: int) -> None:
        if not 0 <= t < len(market.times):
            raise DateRangeError(f"bar {t} is not in 0..{len(market.times) - 1}")
        self._market = market
        self.t = t

    @property
    def time(self) -> np.datetime64:
        """The decision time, UTC."""
        moment: np.datetime64 = self._market.times[self.t]
        return moment

    @property
    def session(self) -> np.datetime64:
        """The session of the last complete bar."""
        date: np.datetime64 = self._market.sessions[self.t]
        return date

    @property
    def bars(self) -> FloatArray:
        """Bars as traded [t + 1, A, 5]."""
        return self._market.bars[: self.t + 1]

    @property
    def adjusted_close(self) -> FloatArray:
        """Adjusted closes [t + 1, A]."""
        return self._market.adjusted_close[: self.t + 1]

    @property
    def dividends(self) -> FloatArray:
        """Cash per share by ex-date [t + 1, A]."""
        return self._market.dividends[: self.t + 1]

    @property
    def share_splits(self) -> FloatArray:
        """Split ratios [t + 1, A]."""
        return self._market.share_splits[: self.t + 1]

    @property
    def outages(self) -> npt.NDArray[np.bool_]:
        """Bars in which nothing was traded [t + 1, A]."""
        return self._market.outages[: self.t + 1]

    @property
    def funding(self) -> FloatArray | None:
        """The rate charged at the stamp with which each bar opens, else NaN [t + 1, A]."""
        return self._until_now(self._market.funding)

    @property
    def oracle(self) -> FloatArray | None:
        """The oracle price at the stamp with which each bar opens [t + 1, A]."""
        return self._until_now(self._market.oracle)

    @property
    def marks(self) -> FloatArray | None:
        """Open, high, low and close of the mark [t + 1, A, 4]."""
        return self._until_now(self._market.marks)

    def _until_now(self, values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[: self.t + 1]

    def interval(self, name: str) -> "MarketView | None":
        """The same moment in bars of another length; None while none of them is complete.

        Raises:
            UnknownNameError: the market has no bars of that length.
        """
        others = self._market.intervals
        if name not in others:
            raise UnknownNameError("interval", name, others)
        return others[name].at(self.time)

    def documents(self, since: int | None = None) -> tuple[Document, ...]:
        """What became available after the decision at bar ``since``; all of it for None."""
        after = BEGINNING if since is None else self._market.times[since]
        documents = self._market.documents
        return tuple(documents.rows[documents.between(after, self.time)])

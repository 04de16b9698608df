"""What was known, and when: bars and documents in immutable arrays behind ``until(t)``."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import DateRangeError, MarketError, UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.sessions import TimeArray, sessions_between

FIELDS = ("open", "high", "low", "close", "volume")
OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)

BEGINNING = np.datetime64("1677-09-22", "ns")
"""The earliest moment that ``datetime64[ns]`` can hold."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Market:
    """Bars and documents of one or more assets over consecutive sessions.

    Sessions are those of the exchange's calendar; a session whose bar is missing stays in place
    with NaN in its row. All arrays are made contiguous and read-only, a market is never copied
    (also not by the deep copy that ``gym.make`` does), and several environments may share one.

    Attributes:
        symbols: the A assets.
        asset_class: the name of a row of ``ASSET_CLASSES``.
        sessions: date labels ``datetime64[D]`` [T].
        decision_times: when the bar of a session is complete and a decision may be taken,
            ``datetime64[ns]`` UTC, strictly ascending [T].
        bars: open, high, low, close and volume **as traded** on the day, NaN where unknown
            [T, A, 5].
        adjusted_close: close adjusted for splits and dividends, NaN where unknown [T, A]. Only its
            ratios mean anything.
        dividends: cash per share with its ex-date in that session [T, A].
        splits: new shares for one old one with effect from that session's open, else 1 [T, A].
        documents: all texts.
        source: where it came from, in words; goes into every result.
        simulated: True where prices or text are not real.
        timezone: IANA name of the exchange's time zone.
        findings: what was wrong or missing in the data, in words.
        hidden_state: for a simulated market the variables that drive it, by name [T, A].
    """

    symbols: tuple[str, ...]
    asset_class: str
    sessions: TimeArray
    decision_times: TimeArray
    bars: FloatArray
    adjusted_close: FloatArray
    dividends: FloatArray
    splits: FloatArray
    documents: DocumentTable = field(default_factory=DocumentTable)
    source: str
    simulated: bool = False
    timezone: str = "UTC"
    findings: tuple[str, ...] = ()
    hidden_state: Mapping[str, FloatArray] | None = None

    def __post_init__(self) -> None:
        find_asset_class(self.asset_class)
        length, assets = len(self.sessions), len(self.symbols)
        self._freeze("sessions", "datetime64[D]", (length,))
        self._freeze("decision_times", "datetime64[ns]", (length,))
        self._freeze("bars", "float64", (length, assets, len(FIELDS)))
        for name in ("adjusted_close", "dividends", "splits"):
            self._freeze(name, "float64", (length, assets))
        if not length or not assets:
            raise MarketError(f"a market needs a session and a symbol; got {length} and {assets}")
        if (np.diff(self.sessions) <= np.timedelta64(0)).any():
            raise MarketError("sessions must be strictly ascending")
        if (np.diff(self.decision_times) <= np.timedelta64(0)).any():
            raise MarketError("decision_times must be strictly ascending")
        if (self.bars[..., :VOLUME] <= 0).any():
            raise MarketError("prices must be positive; use NaN for a bar that is missing")
        if not (np.isfinite(self.dividends).all() and (self.splits > 0).all()):
            raise MarketError("dividends must be finite and splits positive ratios (1 for none)")

    def _freeze(self, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        array = np.array(getattr(self, name), dtype=dtype, order="C")
        if array.shape != shape:
            raise MarketError(f"{name} has shape {array.shape}, expected {shape}")
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Market":
        return self

    def __copy__(self) -> "Market":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: arrays that were merely unpickled could be written to.
        return partial(Market, **{part.name: getattr(self, part.name) for part in fields(self)}), ()

    def __repr__(self) -> str:
        kind = "simulated" if self.simulated else "real"
        return (
            f"Market({'/'.join(self.symbols)}, {kind}, {self.sessions[0]}..{self.sessions[-1]}, "
            f"{len(self.sessions)} sessions, {len(self.documents)} documents, {self.source})"
        )

    def until(self, t: int) -> "MarketView":
        """All that was known at the decision after session ``t``, and nothing that came later."""
        return MarketView(self, t)

    def asset(self, symbol: str) -> int:
        """The index of a symbol on the asset axis.

        Raises:
            UnknownNameError: it is not in this market.
        """
        if symbol not in self.symbols:
            raise UnknownNameError("symbol", symbol, self.symbols)
        return self.symbols.index(symbol)

    def span(self, start: str, end: str) -> range:
        """The sessions from ``start`` to ``end``, both ``YYYY-MM-DD`` and inclusive.

        Raises:
            DateRangeError: no date, or the market misses a trading day of the range at either end.
        """
        first, last = self._date(start), self._date(end)
        if last < first:
            raise DateRangeError(f"end {end} comes before start {start}")
        begin = int(np.searchsorted(self.sessions, first))
        stop = int(np.searchsorted(self.sessions, last, side="right"))
        day = np.timedelta64(1, "D")
        missing = [
            len(sessions_between(self.asset_class, str(a), str(b)))
            for a, b in (
                (first, min(last, self.sessions[0] - day)),
                (max(first, self.sessions[-1] + day), last),
            )
            if a <= b
        ]
        if sum(missing) or begin >= stop:
            raise DateRangeError(
                f"{start}..{end} is outside the data, which runs from {self.sessions[0]} to "
                f"{self.sessions[-1]} ({self.source})"
            )
        return range(begin, stop)

    @staticmethod
    def _date(text: str) -> np.datetime64:
        try:
            return np.datetime64(text, "D")
        except ValueError:
            raise DateRangeError(f"{text!r} is not a date; write it as YYYY-MM-DD") from None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over everything an agent or an account can meet, for the record of a run."""
        digest = hashlib.sha256()
        for array in (
            self.sessions,
            self.decision_times,
            self.bars,
            self.adjusted_close,
            self.dividends,
            self.splits,
        ):
            digest.update(array.tobytes())
        for row in self.documents:
            parts = (row.kind, row.symbol, row.available_at.isoformat(), row.title, row.text)
            digest.update("\x1f".join((*parts, row.sentiment or "")).encode())
        return digest.hexdigest()


class MarketView:
    """A market as it stood at the decision after session ``t``; arrays end there."""

    __slots__ = ("_market", "t")

    def __init__(self, market: Market, t: int) -> None:
        if not 0 <= t < len(market.sessions):
            raise DateRangeError(f"session {t} is not in 0..{len(market.sessions) - 1}")
        self._market = market
        self.t = t

    @property
    def time(self) -> np.datetime64:
        """The decision time, UTC."""
        moment: np.datetime64 = self._market.decision_times[self.t]
        return moment

    @property
    def session(self) -> np.datetime64:
        """The date of the last complete session."""
        date: np.datetime64 = self._market.sessions[self.t]
        return date

    @property
    def bars(self) -> FloatArray:
        """Bars as traded on their day [t + 1, A, 5]."""
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
    def splits(self) -> FloatArray:
        """Split ratios [t + 1, A]."""
        return self._market.splits[: self.t + 1]

    def documents(self, since: int | None = None) -> tuple[Document, ...]:
        """What became available after the decision of session ``since``; all of it for None."""
        return self._market.documents.rows[self.document_rows(since)]

    def document_rows(self, since: int | None = None) -> slice:
        """Where those documents stand in the market's table."""
        after = BEGINNING if since is None else self._market.decision_times[since]
        return self._market.documents.between(after, self.time)

    def document_rows_of_last_day(self) -> slice:
        """Where the documents of the 24 hours up to the decision stand in the table."""
        return self._market.documents.between(self.time - np.timedelta64(24, "h"), self.time)

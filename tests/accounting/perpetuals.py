"""One account of perpetuals, bar by bar, in the words of a test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from investorbench_env.accounting.events import ClosedTrade, PerpetualPosition
from investorbench_env.accounting.margin_bars import Entries, PerpetualBar
from investorbench_env.accounting.margin_state import margin_terms
from investorbench_env.accounting.perpetual_book import PerpetualBook
from investorbench_env.accounting.perpetual_events import AccountEvents, perpetual_positions
from investorbench_env.accounting.venues import HYPERLIQUID

START = datetime(2025, 7, 14, tzinfo=UTC)
NONE = float("nan")


class Trader:
    """An account of some coins, whose bars are given as open, high, low and close."""

    def __init__(
        self, symbols: Sequence[str], cash: float = 10_000.0, *, marks: Any = NONE, **terms: Any
    ) -> None:
        self.symbols = tuple(symbols)
        self.book = PerpetualBook(
            margin_terms(HYPERLIQUID, symbols, **terms),
            np.array([cash]),
            np.broadcast_to(marks, (len(symbols),))[:, None] * 1.0,
        )
        self.number = 0
        self.events: AccountEvents

    def bar(
        self,
        bars: Mapping[str, Sequence[float]],
        enter: Mapping[str, Sequence[float]] | None = None,
        close: Sequence[str] = (),
        **more: Any,
    ) -> "Trader":
        """One bar: entries are size, leverage, stop and target, as many of them as are wanted."""
        rows = np.array([bars[symbol] for symbol in self.symbols], np.float64)
        columns = {
            name: value if name in ("number", "day") else self._column(value)
            for name, value in more.items()
            if name != "marks"
        }
        if "marks" in more:
            marks = np.array([more["marks"][symbol] for symbol in self.symbols], np.float64)
            columns["marks"] = tuple(marks.T[:, :, None])
        bar = PerpetualBar(*rows.T[:, :, None], **{"number": self.number, **columns})
        wanted = enter or {}
        orders = [(*wanted[name], NONE, NONE)[:4] for name in self.symbols if name in wanted]
        entries = Entries(
            np.array([at for at, name in enumerate(self.symbols) if name in wanted], np.intp),
            *np.array(orders, np.float64).reshape(-1, 4).T,
        )
        closes = np.array([self.symbols.index(name) for name in close], np.intp)
        events = self.book.take_bar(bar, entries if wanted else None, closes)
        self.events = AccountEvents(events, self.symbols)
        self.number += 1
        return self

    def _column(self, values: Mapping[str, float]) -> Any:
        return np.array([values[symbol] for symbol in self.symbols])[:, None]

    @property
    def closed(self) -> tuple[ClosedTrade, ...]:
        """What ended in the last bar."""
        return self.events.closed(self.number - 1, time_of)

    @property
    def held(self) -> dict[str, PerpetualPosition]:
        """Positions by symbol."""
        return {each.symbol: each for each in perpetual_positions(self.book, self.symbols)}

    @property
    def equity(self) -> float:
        """Free cash and positions."""
        return float(self.book.equity()[0])


def time_of(number: int, is_close: bool) -> datetime:
    return START + timedelta(hours=number + is_close)


def flat(price: float) -> tuple[float, float, float, float]:
    """A bar that stays at a price."""
    return price, price, price, price

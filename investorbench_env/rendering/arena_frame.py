"""What a picture of an account of perpetuals shows: equity, prices, positions with their levels."""

import math
from dataclasses import dataclass

import numpy as np

from investorbench_env.errors import MarketError
from investorbench_env.rendering.frame import EpisodeFrame, Event, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PositionSpan:
    """A position over the bars in which it was held.

    Attributes:
        symbol: the coin.
        quantity: coins, negative when short.
        leverage: at which it was entered.
        first: the bar that filled its entry, as an index into the frame's ``dates``.
        last: the bar in which it ended, or the last of the frame.
        entry: average price of its fills.
        exit: the price at which it ended; NaN while it is held.
        reason: what ended it: ``"target"``, ``"stop"``, ``"liquidation"`` or ``"close"``; empty
            while it is held.
        profit: what its price has brought so far.
        stop: the price at which a loss is taken; NaN for none.
        target: the price at which a profit is taken; NaN for none.
        liquidation: the price at which the venue ends it, at the end of each bar; NaN where there
            is none or it had ended [last - first + 1].
    """

    symbol: str
    quantity: float
    leverage: float
    first: int
    last: int
    entry: float
    exit: float = math.nan
    reason: str = ""
    profit: float = 0.0
    stop: float = math.nan
    target: float = math.nan
    liquidation: FloatArray

    def __post_init__(self) -> None:
        if len(self.liquidation) != self.last - self.first + 1:
            raise MarketError(
                f"a position over the bars {self.first} to {self.last} has one price of "
                f"liquidation each, not {len(self.liquidation)}"
            )

    @property
    def is_open(self) -> bool:
        """Whether it is still held."""
        return not self.reason

    @property
    def is_long(self) -> bool:
        """Whether it gains where the price rises."""
        return self.quantity > 0.0

    @property
    def last_liquidation(self) -> float:
        """The price at which the venue would end it, as last known."""
        known = self.liquidation[np.isfinite(self.liquidation)]
        return float(known[-1]) if known.size else math.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArenaFrame(EpisodeFrame):
    """Everything that a picture of an episode with perpetuals shows.

    Attributes:
        name: of the universe, or of the coins.
        symbols: the A coins.
        prices: of each, NaN where a bar is missing [n, A].
        universe: the value of equal parts of all coins that are held from the first decision on,
            without leverage, in any unit; NaN where it is unknown [n - start].
        positions: in the order of their entries, those that have ended among them.
        rejections: decisions that were not carried out, in order.
        fees: paid so far.
        funding: received so far, negative when paid.
    """

    name: str
    symbols: tuple[str, ...]
    prices: FloatArray
    universe: FloatArray
    positions: tuple[PositionSpan, ...] = ()
    rejections: tuple[Event, ...] = ()
    fees: float = 0.0
    funding: float = 0.0

    def __post_init__(self) -> None:
        EpisodeFrame.__post_init__(self)
        self.require_lengths(len(self.dates), "prices")
        self.require_lengths(len(self.dates) - self.start, "universe")
        self.require_inside(self.rejections)
        for span in self.positions:
            if span.symbol not in self.symbols or not 0 <= span.first <= span.last < len(
                self.dates
            ):
                raise MarketError(
                    f"a position in {span.symbol} over the bars {span.first} to {span.last} lies "
                    f"outside the {len(self.dates)} bars of {', '.join(self.symbols)}"
                )

    @property
    def held(self) -> tuple[PositionSpan, ...]:
        """The positions that are held now."""
        return tuple(span for span in self.positions if span.is_open)

    def price_of(self, symbol: str) -> FloatArray:
        """The price of a coin at the end of each bar [n]."""
        return self.prices[:, self.symbols.index(symbol)]

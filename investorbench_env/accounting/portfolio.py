"""What a long-only account of several assets is, on what terms it trades, and what happens to it.

Plain values; :mod:`investorbench_env.accounting.session` has the rules.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.events import Distribution, Fill, Rejection
from investorbench_env.accounting.orders import ShareOrder

LimitFill = Literal["touch", "through"]
LIMIT_FILLS: tuple[LimitFill, ...] = get_args(LimitFill)


class SessionBar(NamedTuple):
    """What one asset did in a session.

    Attributes:
        open: price as traded, NaN where it did not trade; likewise the next three.
        high: likewise.
        low: likewise.
        close: likewise.
        volume: shares; NaN where unknown.
        dividend: cash for each share held at the close before.
        split: shares for each share held then; 0 of what was delisted, whose dividend is all that
            holders get.
        market_cap: of the company; NaN where unknown.
    """

    open: float
    high: float
    low: float
    close: float
    volume: float = math.nan
    dividend: float = 0.0
    split: float = 1.0
    market_cap: float = math.nan

    @property
    def has_traded(self) -> bool:
        """Whether there are prices."""
        return not math.isnan(self.open + self.high + self.low + self.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms orders are filled.

    Attributes:
        commission: as a share of the notional.
        slippage: as a share of the price, for what fills at the open and for stops.
        limit_fill: whether a limit inside a bar is filled at a ``touch``, or only by a price
            ``through`` it.
        in_cents: whether fills without a limit are rounded to the cent.
        orders_first: whether all orders come in their order whatever came first in the bar, a sale
            inside it before a stop that it reaches, too. Who knows that can be sure of a profit;
            else the losing side counts, see ``filled_inside``.
        dividend_adjusts_orders: whether buy limits and stops fall by a dividend on its ex-date, as
            FINRA Rule 5330 has it.
    """

    commission: float = 5e-4
    slippage: float = 5e-4
    limit_fill: LimitFill = "touch"
    in_cents: bool = False
    orders_first: bool = False
    dividend_adjusts_orders: bool = False


LAB = Terms(commission=0.0, slippage=0.0, in_cents=True, orders_first=True)
"""Those of LLM-Trading-Lab's experiment."""


class HeldShares(NamedTuple):
    """Shares of one asset.

    Attributes:
        quantity: how many.
        entry: their average price.
        stop: at which all of them are sold; None for no stop.
    """

    quantity: float
    entry: float
    stop: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """An account between two sessions.

    Attributes:
        cash: money.
        costs: commissions so far.
        holdings: by symbol.
        waiting: orders until cancelled, oldest first.
        marks: the last price of each asset, by symbol.
        dollar_volumes: close times volume of the last session, by symbol.
    """

    cash: float
    costs: float = 0.0
    holdings: Mapping[str, HeldShares] = field(default_factory=dict)
    waiting: tuple[ShareOrder, ...] = ()
    marks: Mapping[str, float] = field(default_factory=dict)
    dollar_volumes: Mapping[str, float] = field(default_factory=dict)

    @property
    def equity(self) -> float:
        """Cash and all holdings at their marks."""
        return self.cash + in_order(
            holding.quantity * self.marks[symbol] for symbol, holding in self.holdings.items()
        )


def dollar_volumes_of(bars: Mapping[str, SessionBar]) -> dict[str, float]:
    """Close times volume of what traded in a session; NaN where the volume is unknown."""
    return {name: bar.close * bar.volume for name, bar in bars.items() if bar.has_traded}


class SessionOutcome(NamedTuple):
    """What happened in a session.

    Attributes:
        fills: in their order, those of stops last.
        refused: orders that were not carried out, each with its reason.
        distributions: dividends and splits, and what was paid for fractions of a share.
    """

    fills: tuple[Fill, ...]
    refused: tuple[Rejection, ...]
    distributions: tuple[Distribution, ...]

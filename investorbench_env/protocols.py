"""Protocols: when an order fills, at what price and cost, what HOLD means, how returns are counted.

A result always names its protocol, and results under different ones never share a table.
"""

from dataclasses import dataclass
from typing import Literal

from investorbench_env.errors import UnknownNameError
from investorbench_env.market.market import AssetClass

Convention = Literal["simple", "log"]
Hold = Literal["keep", "flat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The rules of one way to trade and to score.

    Attributes:
        name: what results and tables call it.
        fills: ``"next_open"``: the order of day t fills at the open of the next session, or at its
            close where the data has no open. ``"close"``: it fills at the close it was decided on.
        hold: what HOLD means: ``"keep"`` the position, or be ``"flat"``.
        prices: what the account is marked at: prices as ``"traded"`` with dividends in cash, or
            ``"adjusted"`` closes.
        convention: how returns are added up: see ``tasks.metrics``.
        commission_bps: commission on traded notional in basis points, by asset class.
        slippage_bps: slippage on traded notional in basis points, by asset class.
    """

    name: str
    fills: Literal["next_open", "close"]
    hold: Hold
    prices: Literal["traded", "adjusted"]
    convention: Convention
    commission_bps: dict[AssetClass, float]
    slippage_bps: dict[AssetClass, float]


STANDARD = Protocol(
    name="standard",
    fills="next_open",
    hold="keep",
    prices="traded",
    convention="simple",
    commission_bps={"stock": 5.0, "etf": 5.0, "crypto": 10.0},
    slippage_bps={"stock": 5.0, "etf": 5.0, "crypto": 5.0},
)
"""Our default, REFERENCE.md §1.4: only prices that could be had, with costs."""

PAPER = Protocol(
    name="paper",
    fills="close",
    hold="flat",
    prices="adjusted",
    convention="log",
    commission_bps={"stock": 0.0, "etf": 0.0, "crypto": 0.0},
    slippage_bps={"stock": 0.0, "etf": 0.0, "crypto": 0.0},
)
"""The arithmetic of the published tables, REFERENCE.md §1.3, for comparison with them only."""

PROTOCOLS: dict[str, Protocol] = {"standard": STANDARD, "paper": PAPER}


def find_protocol(name: str | Protocol) -> Protocol:
    """A protocol by its name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if isinstance(name, Protocol):
        return name
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]

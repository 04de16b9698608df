"""Protocols: when an order fills, at what price and cost, what HOLD means, how returns are counted.

A result always names its protocol, and results under different ones never share a table.
"""

from dataclasses import dataclass
from typing import Literal

from investorbench_env.errors import UnknownNameError

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
        commission_bps: commission on traded notional in basis points; None for the asset class's.
        slippage_bps: slippage on traded notional in basis points; None for the asset class's.
    """

    name: str
    fills: Literal["next_open", "close"]
    hold: Hold
    prices: Literal["traded", "adjusted"]
    convention: Convention
    commission_bps: float | None = None
    slippage_bps: float | None = None


STANDARD = Protocol(
    name="standard",
    fills="next_open",
    hold="keep",
    prices="traded",
    convention="simple",
)
"""Our default, as docs/protocols.md has it: only prices that could be had, with costs."""

PAPER = Protocol(
    name="paper",
    fills="close",
    hold="flat",
    prices="adjusted",
    convention="log",
    commission_bps=0.0,
    slippage_bps=0.0,
)
"""The arithmetic of InvestorBench (Li et al., 2025), for comparison with its tables only."""

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

"""Protocols: when an order fills, at what price and cost, what HOLD means, how returns are counted.

A result always names its protocol, and results under different ones never share a table.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from investorbench_env.errors import ProtocolError, UnknownNameError

Convention = Literal["simple", "log"]
Fills = Literal["next_open", "close"]
Hold = Literal["keep", "flat"]
MarkPrices = Literal["traded", "adjusted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The rules of one way to trade and to score.

    Two accounts keep them: one of cash and units at the prices that were ``"traded"``, whose
    returns are ``"simple"``, and one of a weight on ``"adjusted"`` closes, whose returns are
    ``"log"``, which has no costs and fills at the ``"close"``.

    Attributes:
        name: what results and tables call it; rules of your own have a name of their own.
        fills: ``"next_open"``: an order fills at the open of the next bar, or at its close where
            the data has no open. ``"close"``: it fills at the close it was decided on.
        hold: what HOLD means: ``"keep"`` the position, or be ``"flat"``.
        prices: what the account is marked at: prices as ``"traded"`` with dividends in cash, or
            ``"adjusted"`` closes.
        convention: how returns are added up: see ``tasks.metrics``.
        commission_bps: commission on traded notional in basis points; None for the asset class's.
        slippage_bps: slippage on traded notional in basis points; None for the asset class's.

    Raises:
        UnknownNameError: a field has a value that it cannot have.
        ProtocolError: no account keeps these rules together.
    """

    name: str
    fills: Fills
    hold: Hold
    prices: MarkPrices
    convention: Convention
    commission_bps: float | None = None
    slippage_bps: float | None = None

    def __post_init__(self) -> None:
        kinds: dict[str, Any] = {
            "fills": Fills, "hold": Hold, "prices": MarkPrices, "convention": Convention
        }  # fmt: skip
        for name, kind in kinds.items():
            if getattr(self, name) not in get_args(kind):
                raise UnknownNameError(name, getattr(self, name), get_args(kind))
        rules = f"the protocol {self.name!r} has convention={self.convention!r}"
        if self.convention == "simple" and self.prices != "traded":
            raise ProtocolError(f'{rules} and prices={self.prices!r}; it goes with "traded"')
        if self.convention == "log":
            if (self.prices, self.fills) != ("adjusted", "close"):
                raise ProtocolError(
                    f"{rules}, prices={self.prices!r} and fills={self.fills!r}; it goes with "
                    '"adjusted" and "close"'
                )
            if self.has_costs:
                raise ProtocolError(f"{rules} and costs; set commission_bps and slippage_bps to 0")

    @property
    def has_costs(self) -> bool:
        """Whether a trade can cost anything."""
        return (self.commission_bps, self.slippage_bps) != (0.0, 0.0)


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


def find_protocol(given: str | Protocol) -> Protocol:
    """A protocol by its name, or one of somebody's own as it is.

    Raises:
        UnknownNameError: there is none of that name.
        ProtocolError: it has the name of one of ours and other rules.
    """
    if isinstance(given, Protocol):
        if PROTOCOLS.get(given.name, given) != given:
            raise ProtocolError(
                f"the protocol {given.name!r} has other rules than ours of that name: give it a "
                "name of its own, for results go by it"
            )
        return given
    if not isinstance(given, str) or given not in PROTOCOLS:
        raise UnknownNameError("protocol", given, PROTOCOLS)
    return PROTOCOLS[given]

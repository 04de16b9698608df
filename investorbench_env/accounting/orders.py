"""Orders for shares, and at what price the bar of a session fills them.

The prices are pure functions of ``+ - * /``, comparisons and products with booleans: they take
Python floats or arrays of any common shape and give bitwise the same results for both.
"""

from typing import Any, Literal, NamedTuple, get_args

AnyAmount = Any
"""A float, or an array of floats."""
Side = Literal["buy", "sell", "stop", "cancel"]
SIDES: tuple[Side, ...] = get_args(Side)
Until = Literal["day", "cancelled"]
UNTIL: tuple[Until, ...] = get_args(Until)


class ShareOrder(NamedTuple):
    """What was asked for, in shares.

    Attributes:
        symbol: the asset.
        side: ``buy`` or ``sell``; ``stop`` sets the price at which all shares of a holding are
            sold; ``cancel`` takes back the order of that ``id``.
        quantity: shares.
        limit: the worst price; None: the market's.
        stop: of a purchase, the stop of the holding from then on; None keeps the one it has.
        until: ``day``: for the next session alone; or ``cancelled``: until then.
        id: by which it can be cancelled; may be empty.
    """

    symbol: str
    side: Side
    quantity: float = 0.0
    limit: float | None = None
    stop: float | None = None
    until: Until = "day"
    id: str = ""


def market_price(open: AnyAmount, side: int, slippage: float) -> AnyAmount:
    """What an order without a limit pays or gets: the open, worse by slippage.

    Args:
        open: of the session.
        side: 1 to buy, -1 to sell.
        slippage: as a share of the price.
    """
    return open * (1.0 + side * slippage)


def buy_limit(
    limit: AnyAmount, open: AnyAmount, low: AnyAmount, slippage: float, *, through: bool
) -> tuple[AnyAmount, AnyAmount]:
    """Whether a purchase fills, as 1.0 or 0.0, and at what price; 0 where it does not.

    At an open no higher than the limit it pays the open and slippage, at most the limit; below
    such an open the bar fills it at the limit itself.

    Args:
        limit: the most it pays.
        open: of the session.
        low: likewise.
        slippage: as a share of the price.
        through: whether the price has to fall below the limit, and not only to it.
    """
    slipped = open * (1.0 + slippage)
    at_open = (open <= limit) * 1.0
    within = (1.0 - at_open) * ((low < limit) if through else (low <= limit))
    price = at_open * ((slipped <= limit) * slipped + (slipped > limit) * limit) + within * limit
    return at_open + within, price


def sell_limit(
    limit: AnyAmount, open: AnyAmount, high: AnyAmount, slippage: float, *, through: bool
) -> tuple[AnyAmount, AnyAmount]:
    """The mirror image of :func:`buy_limit`: at least the limit.

    Args:
        limit: the least it gets.
        open: of the session.
        high: likewise.
        slippage: as a share of the price.
        through: whether the price has to rise above the limit.
    """
    slipped = open * (1.0 - slippage)
    at_open = (open >= limit) * 1.0
    within = (1.0 - at_open) * ((high > limit) if through else (high >= limit))
    price = at_open * ((slipped >= limit) * slipped + (slipped < limit) * limit) + within * limit
    return at_open + within, price


def stop_sale(
    stop: AnyAmount, open: AnyAmount, low: AnyAmount, slippage: float
) -> tuple[AnyAmount, AnyAmount]:
    """Whether a stop is reached, as 1.0 or 0.0, and at what price it sells; 0 where it is not.

    Over a gap it sells at the open, else at the stop, worse by slippage.

    Args:
        stop: the price that sets it off.
        open: of the session.
        low: likewise.
        slippage: as a share of the price.
    """
    reached = (low <= stop) * 1.0
    price = (open <= stop) * open + (open > stop) * stop
    return reached, reached * (price * (1.0 - slippage))

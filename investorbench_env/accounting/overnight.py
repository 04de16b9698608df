"""What a night does to holdings and to orders: splits and dividends on ex-dates, delistings."""

import math
from collections.abc import Mapping, Sequence

from investorbench_env.accounting.constraints import SLACK
from investorbench_env.accounting.events import Distribution, Rejection
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import HeldShares, SessionBar


def adjust_holding(
    symbol: str,
    holding: HeldShares,
    mark: float,
    bar: SessionBar,
    *,
    whole_shares: bool,
    lowers: bool,
) -> tuple[HeldShares, Distribution]:
    """A holding after a night, and what it was paid.

    Args:
        symbol: of the asset.
        holding: at the close before; its shares earn the dividend.
        mark: the close before, for the new share; the fraction of a whole one is paid in cash at
            that price.
        bar: of the session.
        whole_shares: whether shares are whole.
        lowers: whether a dividend lowers the stop.
    """
    cash, quantity = holding.quantity * bar.dividend, holding.quantity * bar.split
    if bar.split == 0.0:
        return HeldShares(0.0, 0.0), Distribution(symbol, cash, 0.0)
    if whole_shares and bar.split != 1.0:
        whole = float(math.floor(quantity + SLACK))
        cash, quantity = cash + (quantity - whole) * mark, whole
    stop = _after(holding.stop, bar, lowers)
    return HeldShares(quantity, holding.entry / bar.split, stop), Distribution(
        symbol, cash, bar.split
    )


def adjust_orders(
    orders: Sequence[ShareOrder],
    bars: Mapping[str, SessionBar],
    *,
    whole_shares: bool,
    lowers: bool,
) -> tuple[list[ShareOrder], list[Rejection]]:
    """Orders after a night, and those that a reverse split or a delisting cancels.

    Args:
        orders: all that were there at the close before.
        bars: of the session, by symbol.
        whole_shares: whether shares are whole.
        lowers: whether a dividend lowers buy limits and stops.
    """
    kept, refused = [], []
    for order in orders:
        bar = bars.get(order.symbol)
        if bar is None or order.side == "cancel":
            kept.append(order)
        elif bar.split == 0.0:
            refused.append(Rejection(order, f"{order.symbol} was delisted"))
        elif bar.split < 1.0 and order.side != "stop":
            reason = f"cancelled by a reverse split of {bar.split:g} for 1"
            refused.append(Rejection(order, reason))
        else:
            kept.append(_adjusted(order, bar, whole_shares, lowers))
    return kept, refused


def _adjusted(order: ShareOrder, bar: SessionBar, whole_shares: bool, lowers: bool) -> ShareOrder:
    quantity = order.quantity * bar.split
    if whole_shares and bar.split != 1.0:
        quantity = float(math.floor(quantity + SLACK))
    limit = _after(order.limit, bar, lowers and order.side == "buy")
    return order._replace(quantity=quantity, limit=limit, stop=_after(order.stop, bar, lowers))


def _after(price: float | None, bar: SessionBar, lowers: bool) -> float | None:
    if price is None:
        return None
    return (price - lowers * bar.dividend) / bar.split

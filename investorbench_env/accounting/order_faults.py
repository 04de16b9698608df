"""Orders that make no sense, whatever the session brings: each with its reason, in words."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from investorbench_env.accounting.constraints import SLACK
from investorbench_env.accounting.orders import SIDES, UNTIL, ShareOrder


def without_faults(
    orders: Sequence[ShareOrder],
    waiting: Sequence[ShareOrder],
    marks: Mapping[str, float],
    symbols: Collection[str],
    *,
    whole_shares: bool,
) -> Iterator[tuple[ShareOrder, str | None]]:
    """Each order, and why it cannot be meant; None where it can.

    Args:
        orders: that were decided, in their order.
        waiting: those that wait, whose ids are taken.
        marks: the last price of each asset.
        symbols: of all assets.
        whole_shares: whether shares are whole.
    """
    ids = {order.id for order in waiting if order.id}
    known = set(ids)
    for order in orders:
        reason = _fault(order, marks, symbols, whole_shares)
        if reason is None and order.side == "cancel":
            reason = None if order.id in known else f"no order {order.id!r} waits"
            known.discard(order.id)
        elif reason is None and order.id:
            reason = f"another order has the id {order.id!r}" if order.id in ids else None
            ids.add(order.id)
        yield order, reason


def _fault(
    order: ShareOrder, marks: Mapping[str, float], symbols: Collection[str], whole_shares: bool
) -> str | None:
    if order.side not in SIDES:
        return f"side {order.side!r} is none of {', '.join(SIDES)}"
    if order.side == "cancel":
        return None if order.id else "to cancel an order takes its id"
    if order.symbol not in symbols:
        return f"there is no asset {order.symbol!r} here"
    if order.until not in UNTIL:
        return f"until {order.until!r} is none of {', '.join(UNTIL)}"
    if order.side == "stop":
        return "a stop takes a price" if order.stop is None else _stop_fault(order, marks)
    if not math.isfinite(order.quantity) or order.quantity <= SLACK:
        return f"{order.quantity:g} shares cannot be traded"
    if whole_shares and order.quantity != math.floor(order.quantity):
        return f"shares are whole, not {order.quantity:g}"
    if order.limit is not None and not (math.isfinite(order.limit) and order.limit > 0):
        return f"a limit of {order.limit:g} is no price"
    return _stop_fault(order, marks)


def _stop_fault(order: ShareOrder, marks: Mapping[str, float]) -> str | None:
    if order.stop is None:
        return None
    if order.side == "sell":
        return "a sale takes no stop"
    if not (math.isfinite(order.stop) and order.stop > 0):
        return f"a stop of {order.stop:g} is no price"
    last = marks.get(order.symbol, math.inf)
    # That of a holding may lie above it: it sells at the next open.
    if order.side == "buy" and order.stop >= last:
        return f"a stop of {order.stop:g} is not below the last price, {last:.6g}"
    return None

"""What became of each order of an account: filled, in part, waiting, cancelled, refused, and why.

A record has the orders of each decision, and of each session its fills, rejections and orders that
wait after it. Orders trade in their order, those that waited after the new ones, stops last; so the
next fill of an asset and side belongs to the next order that has one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, Protocol

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.events import Fill, Rejection
from investorbench_env.accounting.order_lists import read_orders
from investorbench_env.accounting.orders import ShareOrder

Fate = Literal["filled", "part filled", "set", "done", "waiting", "cancelled", "refused"]
CAP = "volume_cap"
"""With which the reason of a rest begins that the cap has left."""
CANCELLED = "cancelled"
CONSTRAINTS = frozenset(each.name for each in fields(Constraints))


RULES: tuple[tuple[str, str], ...] = (
    ("cash", r"more than the cash"),
    ("shares held", r"are more than the .* held|^no share of"),
    ("not reached", r"^the limit of .* was not reached"),
    ("not traded", r"did not trade|has not traded|was delisted|is no member"),
    ("unknown asset", r"^there is no asset"),
    ("reverse split", r"^cancelled by a reverse split"),
    ("cancelled", r"^cancelled$"),
    ("stop price", r"^a stop|takes no stop"),
    ("limit price", r"^a limit of"),
    ("quantity", r"shares cannot be traded"),
    ("whole shares", r"^shares are whole"),
    ("id", r"has the id|^no order|takes its id"),
    ("sum of weights", r"^the weights add up"),
    ("ruin", r"ruined"),
    ("unreadable", r"is no (order|field|text|number)|^an order takes|is none of"),
)
"""What an order broke, and how the reason of its rejection can be known by it, the first that fits.
Constraints begin theirs with their name."""
OTHERS = "other"


def rule_of(reason: str) -> str:
    """What an order broke, in a word, by the reason of its rejection."""
    first = reason.partition(" ")[0]
    if first in CONSTRAINTS:
        return first
    return next((name for name, form in RULES if re.search(form, reason)), OTHERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFate:
    """An order and what became of it.

    Attributes:
        decided: the session of the decision; of a stop that sold, that of the sale.
        order: as it was given.
        fate: in a word.
        ended: the session of its last fill or of its end; empty while it waits.
        filled: shares that were traded.
        price: their mean price; 0 where there are none.
        reason: why it was not carried out, or not all of it.
    """

    decided: str
    order: ShareOrder
    fate: Fate = "waiting"
    ended: str = ""
    filled: float = 0.0
    price: float = 0.0
    reason: str = ""


@dataclass(slots=True)
class _Session:
    """What happened in a session and is not yet put down to an order."""

    day: str
    fills: list[Fill]
    rejections: list[Rejection]
    waiting: list[ShareOrder] = field(default_factory=list)

    def rejection_of(self, order: ShareOrder) -> str | None:
        """Why an order, or the rest of one, was rejected."""
        place = _place(order, [each.order for each in self.rejections])
        return None if place is None else self.rejections.pop(place).reason

    def rest_of(self, order: ShareOrder) -> ShareOrder | None:
        """An order as it waits after the session."""
        place = _place(order, self.waiting)
        return None if place is None else self.waiting.pop(place)

    def fill_of(self, order: ShareOrder) -> Fill | None:
        """The next fill of an order's asset and side."""
        sign = 1 if order.side == "buy" else -1
        for place, each in enumerate(self.fills):
            if each.symbol == order.symbol and each.quantity * sign > 0:
                return self.fills.pop(place)
        return None


class OrderedSession(Protocol):
    """A decision and what came of it, as a line of a record has them."""

    @property
    def session(self) -> str: ...

    @property
    def marked(self) -> str | None: ...

    @property
    def action(self) -> Any: ...

    @property
    def fills(self) -> Sequence[Fill]: ...

    @property
    def rejections(self) -> Sequence[Rejection]: ...

    @property
    def open_orders(self) -> Sequence[ShareOrder] | None: ...


def order_fates(lines: Iterable[OrderedSession]) -> list[OrderFate]:
    """What became of every order of a record, and each stop that sold, oldest decision first.

    Args:
        lines: of a record whose actions are lists of orders.
    """
    found: list[OrderFate] = []
    waiting: list[_Pending] = []
    for line in lines:
        orders, unreadable = read_orders(line.action) or ([], [])
        session = _Session(
            line.marked or line.session,
            list(line.fills),
            list(line.rejections),
            [each for each in line.open_orders or () if each.side != "stop"],
        )
        given = [
            *orders,
            *(each.order for each in unreadable if isinstance(each.order, ShareOrder)),
        ]
        new = [_Pending(OrderFate(decided=line.session, order=each), each) for each in given]
        after = [_after(each, session) for each in (*new, *waiting)]
        found += [each for each in after if isinstance(each, OrderFate)]
        waiting = [each for each in after if isinstance(each, _Pending)]
        found += _sold_at_stops(session)
    return sorted([*found, *(each.fate for each in waiting)], key=lambda each: each.decided)


class _Pending(NamedTuple):
    """The fate of an order so far, and what of it waits."""

    fate: OrderFate
    rest: ShareOrder


def _after(pending: _Pending, session: _Session) -> OrderFate | _Pending:
    """The fate of an order after one more session."""
    fate, order = pending
    reason = session.rejection_of(order)
    if reason is not None:
        return _ended(fate, order, session, reason)
    if order.side in ("stop", "cancel"):
        return replace(fate, fate="set" if order.side == "stop" else "done", ended=session.day)
    rest = session.rest_of(order)
    if rest is None:
        return replace(_filled(fate, session.fill_of(order)), fate="filled", ended=session.day)
    if rest.quantity < order.quantity:
        fate = replace(_filled(fate, session.fill_of(order)), reason="the rest waits")
    return _Pending(fate, rest)


def _ended(fate: OrderFate, order: ShareOrder, session: _Session, reason: str) -> OrderFate:
    if reason.startswith(CAP):
        fate = _filled(fate, session.fill_of(order))
    kind: Fate = "cancelled" if reason == CANCELLED else "refused"
    return replace(
        fate, fate="part filled" if fate.filled else kind, ended=session.day, reason=reason
    )


def _sold_at_stops(session: _Session) -> Iterator[OrderFate]:
    """What no order has filled: stops of holdings."""
    for each in session.fills:
        order = ShareOrder(each.symbol, "stop", abs(each.quantity))
        yield _filled(
            OrderFate(decided=session.day, order=order, fate="filled", ended=session.day,
                      reason="its stop was reached"), each,
        )  # fmt: skip


def _place(order: ShareOrder, among: Sequence[Any]) -> int | None:
    """Where an order stands: as it is, or else as a night has adjusted it."""
    if order in among:
        return among.index(order)
    key = _key(order)
    return next((n for n, each in enumerate(among) if _key(each) == key), None)


def _key(order: Any) -> tuple[Any, ...]:
    return tuple(getattr(order, name, None) for name in ("symbol", "side", "until", "id"))


def _filled(fate: OrderFate, fill: Fill | None) -> OrderFate:
    if fill is None:
        return fate
    shares = abs(fill.quantity)
    filled = fate.filled + shares
    price = (fate.filled * fate.price + shares * fill.price) / filled
    return replace(fate, filled=filled, price=price)

"""Orders as an agent gives them, in plain JSON, and what of them cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any

from investorbench_env.accounting.events import Rejection
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.errors import shown

NUMBERS = ("quantity", "limit", "stop")
TEXTS = ("symbol", "side", "until", "id")
REQUIRED = ("symbol", "side")
LONGEST = 80
"""Characters of a text that are kept of an order that cannot be read."""
_short = partial(shown, longest=LONGEST)

NO_ORDER = ShareOrder("", "")  # type: ignore[arg-type]
"""What stands in the place of an entry of which nothing can be read."""


def read_orders(given: object) -> tuple[list[ShareOrder], list[Rejection]] | None:
    """The orders of a list, and those entries that are none; None where it is no list at all.

    Args:
        given: a list of dicts with ``symbol`` and ``side``, and ``quantity``, ``limit``, ``stop``,
            ``until`` and ``id`` where they matter; or of ``ShareOrder``.
    """
    if not isinstance(given, Sequence) or isinstance(given, str | bytes | ShareOrder):
        return None
    try:
        entries = list(given)
    except Exception:  # noqa: BLE001 - whatever an object of somebody's own raises
        return None
    orders, rejections = [], []
    for entry in entries:
        try:
            order, reason = _read(entry)
        except Exception:  # noqa: BLE001 - as above
            order, reason = NO_ORDER, f"an entry of type {type(entry).__name__} cannot be read"
        if reason is None:
            orders.append(order)
        else:
            rejections.append(Rejection(order, reason))
    return orders, rejections


def _read(entry: object) -> tuple[ShareOrder, str | None]:
    """An order, and why it is none: then it is what could be read."""
    if isinstance(entry, ShareOrder):
        entry = entry._asdict()
    if not isinstance(entry, Mapping):
        return NO_ORDER, f"{_short(entry)} is no order: give symbol and side"
    values: dict[str, Any] = {name: value for name, value in entry.items() if value is not None}
    fault = next(_faults(values), None)
    readable: dict[str, Any] = {
        name: float(values[name]) if name in NUMBERS else str(values[name])
        for name in ShareOrder._fields
        if name in values and _fault(name, values[name]) is None
    }
    return NO_ORDER._replace(**readable), fault


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    for name in values:
        if name not in ShareOrder._fields:
            yield f"{_short(name)} is no field of an order: {', '.join(ShareOrder._fields)}"
    for name in REQUIRED:
        if name not in values and not (name == "symbol" and values.get("side") == "cancel"):
            yield f"an order takes a {name}"
    for name, value in values.items():
        if (fault := _fault(name, value)) is not None:
            yield fault


def _fault(name: str, value: object) -> str | None:
    if name in TEXTS and not isinstance(value, str):
        return f"{name} {_short(value)} is no text"
    if name in NUMBERS and not _is_number(value):
        return f"{name} {_short(value)} is no number"
    return None


def _is_number(value: object) -> bool:
    """Whether it can be a float; of NaN and the infinities the rules of orders say why not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True

"""How the offline reader divides an account: it buys an equal part of what it likes, and sells out.

A prompt has a section for each asset, under its symbol; what is held stands in a line of its own,
and how many shares a hundredth of equity buys in the section. Knows words and numbers, no account.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

INVESTED = 0.98
"""Of equity, all parts together: the next price may be above the last one."""

_HEADING = re.compile(r"(?m)^(#+) (\S+)[ \t]*$")
_HUNDREDTH = re.compile(r"1% of equity is ([\d.]+(?:e[+-]?\d+)?) shares")


def sections(prompt: str, names: Iterable[Any]) -> dict[str, str]:
    """The text under each heading that is one of some names, up to the next of its rank."""
    wanted = {*map(str, names)}
    found: dict[str, str] = {}
    for heading in _HEADING.finditer(prompt):
        rank, name = heading.groups()
        if name in wanted:
            rest = prompt[heading.end() :]
            end = re.search(rf"(?m)^#{{1,{len(rank)}}} ", rest)
            found[name] = rest[: end.start()] if end else rest
    return found


def ordered(
    plain: Mapping[str, Any], sign: int, section: str, prompt: str, parts: int
) -> Mapping[str, Any] | None:
    """An object about one asset as an order, where it has the keys of one; None for no order.

    Args:
        plain: the object, with a ``symbol``.
        sign: 1 to buy, -1 to sell, 0 for neither.
        section: about the asset.
        prompt: all of it.
        parts: into which the account is divided.
    """
    if "weight" in plain:
        weight = INVESTED / parts if sign > 0 else 0.0
        return {**plain, "weight": round(weight, 4)} if sign else None
    if not plain.keys() >= {"symbol", "side", "quantity"}:
        return plain
    held = re.search(rf"(?m)^- {re.escape(plain['symbol'])}: ([\d.,]+) shares?\b", prompt)
    size = _HUNDREDTH.search(section)
    quantity = 0.0
    if sign < 0 and held:
        quantity = float(held[1].replace(",", ""))
    elif sign > 0 and not held and size:
        quantity = float(math.floor(float(size[1]) * 100.0 * INVESTED / parts))
    if not quantity:
        return None
    nothing = dict.fromkeys(plain.keys() & {"limit", "stop", "id"})
    return {**plain, **nothing, "side": "buy" if sign > 0 else "sell", "quantity": quantity}

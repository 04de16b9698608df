"""Actions as plain JSON values, which a record holds; as environments take them; and in words."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from investorbench.tasks.wording import count, percent
from investorbench_env.accounting.order_lists import NUMBERS as ORDER_NUMBERS
from investorbench_env.accounting.order_words import order_words, signal_words
from investorbench_env.accounting.orders import SIDES, ShareOrder
from investorbench_env.accounting.signal_lists import COIN, read_signals
from investorbench_env.accounting.signals import (
    BUY_TO_ENTER,
    CLOSE,
    HOLD,
    SELL_TO_ENTER,
    Signal,
)
from investorbench_env.errors import InvalidActionError
from investorbench_env.facts import Facts
from investorbench_env.spaces import TRADE_WORDS, OrderLists, SignalsByCoin

DEEPEST_ORDER = 3
"""Levels of an entry of a list of orders beyond which it may hold itself."""
SIGNALLED: dict[str, str] = {BUY_TO_ENTER: "long", SELL_TO_ENTER: "short", CLOSE: "close"}
"""A signal in a word."""
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""Numbers that JSON has no word for, in orders."""


def takes_anything(space: gym.Space[Any]) -> bool:
    """Whether what makes no sense in an action is for the environment to reject."""
    return isinstance(space, OrderLists | SignalsByCoin)


def plain_action(space: gym.Space[Any], action: Any) -> Any:
    """An action as JSON values: what ``space.to_jsonable([action])`` holds of the one action.

    Of a list of orders, or of signals by coin, each entry is kept, by its type where it is nothing
    that JSON knows: what makes no sense in it is for the environment to reject.

    Raises:
        InvalidActionError: it is of a class that neither JSON nor the space's ``to_jsonable``
            knows.
    """
    if isinstance(space, OrderLists) and isinstance(action, list | tuple):
        return [_plain_order(each) for each in action]
    if isinstance(space, SignalsByCoin):
        if isinstance(action, Mapping):
            return {_writable(str(coin)): _plain_order(each) for coin, each in action.items()}
        if isinstance(action, list | tuple):
            return [_plain_order(each) for each in action]
    try:
        return _plain(action)
    except TypeError:
        pass
    try:
        return _plain(space.to_jsonable([action])[0])
    except (TypeError, AttributeError, LookupError):
        raise InvalidActionError(
            f"the action {action!r} cannot be recorded: it is no JSON value, and to_jsonable of "
            f"{space} makes none of it"
        ) from None


def action_of(space: gym.Space[Any], plain: Any) -> Any:
    """The action that :func:`plain_action` was given, as the environment takes it."""
    match space:
        case OrderLists():
            return [_order(each) for each in plain] if isinstance(plain, list) else plain
        case SignalsByCoin():
            return plain  # in which a number that is not finite is a word, and no number either
        case spaces.Dict():
            return {name: action_of(space[name], part) for name, part in plain.items()}
        case spaces.Tuple():
            return tuple(map(action_of, space.spaces, plain))
        case spaces.Sequence() if not space.stack:
            return tuple(action_of(space.feature_space, part) for part in plain)
        case spaces.Discrete():
            return plain
        case spaces.Box() | spaces.MultiBinary() | spaces.MultiDiscrete():
            return _array(plain, space.dtype) if isinstance(plain, list) else plain
        case _:
            return space.from_jsonable([plain])[0]


def action_word(plain: Any, kind: str = "trade") -> str:
    """An action in a few words.

    ``sell``, ``hold`` or ``buy``; a target weight with its sign; how many orders of each side,
    into how many assets what share of equity goes, or which coins are entered and closed; else the
    values themselves.

    Args:
        plain: the action in plain values.
        kind: what actions of its environment are, see ``Facts.action``.
    """
    if kind == "trade" and isinstance(plain, int) and 0 <= plain < len(TRADE_WORDS):
        return TRADE_WORDS[plain]
    if kind == "orders" and is_order_list(plain):
        return _sides(plain)
    if kind == "weights" and _are_numbers(plain):
        return _invested(plain)
    if kind == "signals" and isinstance(plain, Mapping | list):
        return _signalled(plain)
    value = plain[0] if isinstance(plain, list) and len(plain) == 1 else plain
    if isinstance(value, float):
        return f"{value:+.2f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def action_parts(plain: Any, facts: Facts) -> list[str]:
    """What an action says of each asset: an order, a signal or a weight that is not 0 each.

    Empty where it says all in a word.

    Args:
        plain: the action in plain values.
        facts: of its environment.
    """
    if facts.action == "orders" and is_order_list(plain):
        return [order_words(each) for each in plain]
    if facts.action == "weights" and _are_numbers(plain) and len(plain) == len(facts.symbols):
        pairs = zip(facts.symbols, plain, strict=True)
        return [f"{symbol} {percent(weight)} %" for symbol, weight in pairs if weight]
    if facts.action == "signals" and isinstance(plain, Mapping | list):
        return [signal_words(each) for each in _acting(plain, facts.symbols)]
    return []


def is_order_list(plain: Any) -> bool:
    """Whether an action is a list of orders for shares, as our environments take them."""
    return isinstance(plain, list) and (
        not plain or any(isinstance(each, Mapping) and "side" in each for each in plain)
    )


def _sides(orders: Sequence[Any]) -> str:
    """How many orders of each side: ``2 buy, 1 sell``; ``hold`` for none."""
    sides = Counter(
        str(each.get("side")) if isinstance(each, Mapping) else "unreadable" for each in orders
    )
    known = {side: sides.pop(side) for side in SIDES if side in sides}
    return ", ".join(f"{found} {side}" for side, found in (known | sides).items()) or "hold"


def _signalled(plain: Mapping[str, Any] | Sequence[Any]) -> str:
    """Which coins are entered and closed: ``long BTC, close ETH``; ``hold`` for none."""
    named = [
        *plain,
        *(each.get(name) for each in plain if isinstance(each, Mapping) for name in COIN),
    ]
    coins = list(dict.fromkeys(each for each in named if isinstance(each, str)))
    signals = _acting(plain, coins)
    return ", ".join(f"{SIGNALLED[each.signal]} {each.symbol}" for each in signals) or "hold"


def _acting(plain: Mapping[str, Any] | Sequence[Any], coins: Sequence[str]) -> list[Signal]:
    """The signals of an action but for those that leave a coin as it is."""
    read = read_signals(plain, coins)
    return [each for each in read.signals if each.signal != HOLD] if read is not None else []


def _invested(weights: Sequence[float]) -> str:
    """Into how many assets what share of equity goes: ``85 % in 5 assets``."""
    held = [weight for weight in weights if weight]
    if not held:
        return "cash"
    short = sum(weight for weight in held if weight < 0.0)
    long = sum(weight for weight in held if weight > 0.0)
    share = f"{percent(long, 0)} %" if not short else f"{percent(long, 0)}/{percent(short, 0)} %"
    return f"{share} in {count(len(held), 'asset')}"


def _are_numbers(plain: Any) -> bool:
    return isinstance(plain, list) and all(type(each) in (int, float) for each in plain)


def _plain_order(order: Any, depth: int = 0) -> Any:
    """An entry of a list of orders, which may be anything, itself included."""
    if isinstance(order, ShareOrder):
        order = order._asdict()
    elif isinstance(order, np.ndarray | np.generic):
        order = np.asarray(order).tolist()
    if isinstance(order, Mapping | list | tuple) and depth > DEEPEST_ORDER:
        return f"<{type(order).__qualname__}>"
    if isinstance(order, Mapping):
        return {_writable(str(n)): _plain_order(part, depth + 1) for n, part in order.items()}
    if isinstance(order, list | tuple):
        return [_plain_order(part, depth + 1) for part in order]
    if isinstance(order, str):
        return _writable(order)
    try:
        # What is larger than a float is no number of shares, and may be too long to be written.
        number = float(order) if isinstance(order, Decimal | Fraction | int) else 0.0
        plain = number if isinstance(order, Decimal | Fraction) else _plain(order)
    except (TypeError, OverflowError, ValueError):
        return f"<{type(order).__qualname__}>"
    is_finite = not isinstance(plain, float) or math.isfinite(plain)
    return plain if is_finite else json.dumps(plain)


def _writable(text: str) -> str:
    """A text as a file can hold it."""
    return text.encode("utf-8", "replace").decode()


def _order(plain: Any) -> Any:
    if not isinstance(plain, Mapping):
        return plain
    words = {name: plain[name] for name in ORDER_NUMBERS if isinstance(plain.get(name), str)}
    return {**plain, **{name: NOT_FINITE.get(word, word) for name, word in words.items()}}


def _array(values: Any, dtype: Any) -> Any:
    """An array of the space's type, if that holds every value to the bit."""
    exact = np.asarray(values)
    typed = exact.astype(dtype)
    return typed if np.array_equal(typed, exact) else exact


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        # As an environment reads it: a class of its own may list other values, a masked array none.
        return np.asarray(value).tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} is no JSON value")

"""Signals as an agent gives them, in plain JSON: what is read, repaired, and what cannot be read.

It knows the coins and no account: whether a signal can be carried out is for the rules to say.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

from investorbench_env.accounting.events import Rejection
from investorbench_env.accounting.signals import MOST_NUMBER, SIDES, SIGNAL_WORDS, Repair, Signal
from investorbench_env.errors import shown

NUMBERS = ("quantity", "leverage", "profit_target", "stop_loss", "confidence", "risk_usd")
TEXTS = ("invalidation_condition", "justification")
COIN = ("coin", "symbol")
"""Fields in which an object may name its coin."""
ARGUMENTS = "trade_signal_args"
LONGEST = 80
"""Characters of a value that are shown."""
_short = partial(shown, longest=LONGEST)
A_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)

UNREADABLE = {
    "object": "what stands for a coin is no object",
    "coin": "no coin, one that there is not, or two at once",
    "duplicate": "two signals for a coin, or one that says two things",
    "signal": "no signal, or one that there is not",
    "number": "what should be a number is none, or one that cannot be meant",
}
"""Why a decision cannot be read, by the kind with which the reason begins."""


class ReadSignals(NamedTuple):
    """What an action says.

    Attributes:
        signals: at most one a coin, in the order of the coins.
        repairs: what was not written as it should be, and whose meaning is certain.
        rejections: decisions that cannot be read; a reason begins with its kind and a colon.
    """

    signals: tuple[Signal, ...]
    repairs: tuple[Repair, ...] = ()
    rejections: tuple[Rejection, ...] = ()


class _UnreadableError(Exception):
    """A decision cannot be read.

    Args:
        kind: one of ``UNREADABLE``.
        why: in words.
        read: what of it could be read; None for nothing.
    """

    def __init__(self, kind: str, why: str, read: Signal | None = None) -> None:
        super().__init__(kind, why)
        self.kind, self.why, self.read = kind, why, read


def rejected(signal: Signal, kind: str, why: str) -> Rejection:
    """A decision that is not carried out; its reason begins with the kind and a colon."""
    return Rejection(signal, f"{kind}: {why}")


def kind_of(reason: str) -> str:
    """The kind with which the reason of a rejected signal begins: the rule that it breaks."""
    return reason.partition(":")[0]


def read_signals(action: object, symbols: Sequence[str]) -> ReadSignals | None:
    """The signals of an action; None where it is neither a mapping nor a list.

    Args:
        action: a mapping from coins to objects with ``signal`` and the other fields of
            :class:`~investorbench_env.accounting.signals.Signal` where they matter, by themselves
            or under ``trade_signal_args``; or a list of such objects, each with its ``coin``.
        symbols: the coins.
    """
    repairs: list[Repair] = []
    try:
        entries = _entries(action, repairs)
    except Exception:  # noqa: BLE001 - whatever an object of somebody's own raises
        return None
    if entries is None:
        return None
    found: dict[str, list[Signal | Rejection]] = {}
    for key, entry in entries:
        outcome = _read(key, entry, symbols, repairs)
        symbol = outcome.symbol if isinstance(outcome, Signal) else outcome.order.symbol
        found.setdefault(symbol, []).append(outcome)
    return _by_coin(found, repairs, symbols)


def _entries(action: object, repairs: list[Repair]) -> list[tuple[object, object]] | None:
    """What is said of each coin, with the coin where it stands outside the object."""
    if isinstance(action, Mapping):
        if "signal" not in action and ARGUMENTS not in action:
            return list(action.items())
        repairs.append(Repair("", "single", "one object in place of one by coin"))
        return [(None, action)]
    if not isinstance(action, Sequence) or isinstance(action, str | bytes | bytearray):
        return None
    if len(action):
        repairs.append(Repair("", "list", "a list in place of an object by coin"))
    return [(None, each) for each in action]


def _by_coin(
    found: Mapping[str, Sequence[Signal | Rejection]],
    repairs: Sequence[Repair],
    symbols: Sequence[str],
) -> ReadSignals:
    """One outcome for each coin: where there are several none of them holds."""
    outcomes: list[Signal | Rejection] = []
    for symbol in (*symbols, *(name for name in found if name not in symbols)):
        own = found.get(symbol, ())
        if len(own) > 1 and symbol in symbols:
            why = f"{len(own)} signals for {symbol}, and none of them is carried out"
            own = [rejected(Signal(symbol, ""), "duplicate", why)]
        outcomes += own
    signals = tuple(each for each in outcomes if isinstance(each, Signal))
    readable = {"", *(each.symbol for each in signals)}
    return ReadSignals(
        signals,
        tuple(each for each in repairs if each.symbol in readable),
        tuple(each for each in outcomes if isinstance(each, Rejection)),
    )


def _read(
    key: object, entry: object, symbols: Sequence[str], repairs: list[Repair]
) -> Signal | Rejection:
    """What is said of one coin."""
    symbol = key[:LONGEST] if isinstance(key, str) else ""
    try:
        if key is not None:
            symbol = _coin(key, symbols, repairs)
        fields, names = _fields(symbol, entry, repairs)
        coins = dict.fromkeys(_coin(name, symbols, repairs) for name in names)
        if symbol:
            coins = {symbol: None, **coins}
        if len(coins) != 1:
            named = " and ".join(coins) if coins else f"none in {_short(entry)}"
            raise _UnreadableError("coin", f"one object has one coin, and there is {named}")
        (symbol,) = coins
        return _signal(symbol, fields, repairs)
    except _UnreadableError as error:
        return rejected(error.read or Signal(symbol, ""), error.kind, error.why)
    except Exception:  # noqa: BLE001 - as above
        why = f"an entry of type {type(entry).__name__} cannot be read"
        return rejected(Signal(symbol, ""), "object", why)


def _coin(name: object, symbols: Sequence[str], repairs: list[Repair]) -> str:
    """The coin of a name."""
    if not isinstance(name, str):
        raise _UnreadableError("coin", f"{_short(name)} is no name of a coin")
    name = _characters(name)
    if name in symbols:
        return name
    alike = [each for each in symbols if each.upper() == name.strip().upper()]
    if len(alike) != 1:
        raise _UnreadableError("coin", f"there is no {_short(name)} here: {', '.join(symbols)}")
    repairs.append(Repair(alike[0], "case", f"{_short(name)} for {alike[0]}"))
    return alike[0]


def _fields(
    symbol: str, entry: object, repairs: list[Repair]
) -> tuple[Mapping[Any, Any], list[object]]:
    """The fields of an object, and the coins that it names."""
    if isinstance(entry, Signal):
        entry = entry._asdict()
    if isinstance(entry, str) and _characters(entry).strip().lower() in SIGNAL_WORDS:
        repairs.append(Repair(symbol, "word", f"{_short(entry)} in place of an object"))
        entry = {"signal": entry}
    if isinstance(entry, Sequence) and not isinstance(entry, str | bytes | bytearray):
        objects = sum(isinstance(each, Mapping) for each in entry)
        if objects > 1:
            raise _UnreadableError("duplicate", f"{objects} signals in a list for one coin")
        if objects == len(entry) == 1:
            repairs.append(Repair(symbol, "wrapped", "a list of one object in place of it"))
            entry = entry[0]
    if not isinstance(entry, Mapping):
        raise _UnreadableError("object", f"{_short(entry)} is no object with a signal")
    parts: list[Mapping[Any, Any]] = [entry]
    if (inner := entry.get(ARGUMENTS)) is not None:
        if not isinstance(inner, Mapping):
            raise _UnreadableError("object", f"{ARGUMENTS} {_short(inner)} is no object")
        parts.append(inner)
        for name in ("signal", *NUMBERS, *TEXTS):
            outside, inside = entry.get(name), inner.get(name)
            if outside is not None and inside is not None and outside != inside:
                why = f"{name} stands twice: {_short(outside)}, and {_short(inside)} in {ARGUMENTS}"
                raise _UnreadableError("duplicate", why)
    names = [part[name] for part in parts for name in COIN if part.get(name) is not None]
    return {name: value for part in parts for name, value in part.items()}, names


def _signal(symbol: str, fields: Mapping[Any, Any], repairs: list[Repair]) -> Signal:
    word = fields.get("signal")
    word = _characters(word) if isinstance(word, str) else word
    plain = word.strip().lower() if isinstance(word, str) else None
    if plain not in SIGNAL_WORDS:
        raise _UnreadableError("signal", f"{_short(word)} is none of {', '.join(SIGNAL_WORDS)}")
    if plain != word:
        repairs.append(Repair(symbol, "case", f"{_short(word)} for {plain}"))
    values: dict[str, Any] = {}
    unread: list[str] = []
    for name in (*NUMBERS, *TEXTS):
        if (given := fields.get(name)) is None:
            continue
        value = _number(symbol, name, given, repairs) if name in NUMBERS else _text(given)
        if value is not None:
            values[name] = value
        elif name in NUMBERS and plain in SIDES:
            unread.append(f"{name} {_short(given)}")
        else:
            repairs.append(Repair(symbol, "ignored", f"{name} {_short(given)}"))
    signal = Signal(symbol, plain, **values)
    if unread:
        raise _UnreadableError(
            "number", f"{', '.join(unread)}: no number that can be meant", signal
        )
    return signal


def _number(symbol: str, name: str, given: object, repairs: list[Repair]) -> float | None:
    """A number, or one in quotation marks; None where it is none, or too large for one."""
    is_text = isinstance(given, str) and A_NUMBER.fullmatch(given) is not None
    if not is_text and (isinstance(given, bool) or not isinstance(given, Real)):
        return None
    try:
        value = float(given)  # type: ignore[arg-type]
    except OverflowError:
        return None
    if not abs(value) <= MOST_NUMBER:  # nor is NaN
        return None
    if is_text:
        repairs.append(Repair(symbol, "number", f"{name} {_short(given)} is a text"))
    return value


def _text(given: object) -> str | None:
    return _characters(given) if isinstance(given, str) else None


def _characters(text: str) -> str:
    """A text without what a class of somebody's own makes of it."""
    return str.__str__(text)

"""Of what kind the values in the files of a corpus are: files of users, which may hold anything."""

from collections.abc import Callable, Mapping
from datetime import date
from math import inf
from typing import Any, NamedTuple, cast

SHOWN = 40
"""So much of a value that is of another kind stands in a message."""


class Scalar(NamedTuple):
    """A value of a kind.

    Attributes:
        words: what it is.
        is_one: whether a value is of the kind.
    """

    words: str
    is_one: Callable[[object], bool]


class OrNull(NamedTuple):
    """A value of a shape, or null.

    Attributes:
        shape: of what is not null.
    """

    shape: Any


class ListOf(NamedTuple):
    """A list of values of one shape.

    Attributes:
        each: their shape.
        length: how many there are; None for any number.
        fewest: so many there are at least.
    """

    each: Any
    length: int | None = None
    fewest: int = 0


def unlike(value: object, shape: Any, where: str = "") -> str:
    """Where a value has not the shape that it should have, and what stands there; else empty."""
    name = where or "it"
    if isinstance(shape, OrNull):
        return "" if value is None else unlike(value, shape.shape, where)
    if isinstance(shape, Scalar):
        return "" if shape.is_one(value) else f"{name} is no {shape.words}: {str(value)[:SHOWN]!r}"
    if isinstance(shape, ListOf):
        if not isinstance(value, list):
            return f"{name} is no list: {str(value)[:SHOWN]!r}"
        if shape.length not in (None, len(value)) or len(value) < shape.fewest:
            return f"{name} has {len(value)} values, not {shape.length or 'some'}"
        found = (unlike(each, shape.each, f"{name}[{at}]") for at, each in enumerate(value))
        return next(filter(None, found), "")
    if not isinstance(value, dict):
        return f"{name} is no object: {str(value)[:SHOWN]!r}"
    if missing := [key for key in shape if key not in value]:
        return f"{name} lacks {', '.join(missing)}"
    found = (unlike(value[key], each, f"{where}.{key}".strip(".")) for key, each in shape.items())
    return next(filter(None, found), "")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(cast(float, value)) < inf


def _is_date(value: object) -> bool:
    try:
        return date.fromisoformat(cast(str, value)).isoformat() == value
    except (TypeError, ValueError):
        return False


TEXT = Scalar("text", lambda value: isinstance(value, str))
WHOLE = Scalar("whole number", lambda value: type(value) is int and abs(value) < 1 << 63)
NUMBER = Scalar("number", _is_number)
DATE = Scalar("date", _is_date)
TRUTH = Scalar("true or false", lambda value: type(value) is bool)
OBJECT = Scalar("object", lambda value: isinstance(value, dict))
CHAT = ListOf({"role": TEXT, "content": TEXT}, fewest=1)

ROW: Mapping[str, Any] = {
    **dict.fromkeys(("id", "market", "task", "symbol", "split", "label", "briefing_sha256"), TEXT),
    **dict.fromkeys(("variant", "seed"), WHOLE),
    **dict.fromkeys(("score", "horizon_return", "daily_volatility", "round_trip_rate"), NUMBER),
    **dict.fromkeys(("completion", "teacher", "stage", "rejected"), OrNull(TEXT)),
    **dict.fromkeys(("structure", "evidence", "decision"), OrNull(NUMBER)),
    "market_seed": OrNull(WHOLE),
    "date": DATE,
    "ids": ListOf(TEXT),
    "prompt": CHAT,
    "messages": CHAT,
}
"""A row of a corpus."""

_TASK: Mapping[str, Any] = {
    "task": {"id": TEXT, "data": OrNull(TEXT), "start": OrNull(TEXT), "end": OrNull(TEXT),
             "options": OBJECT},
    "protocol": {"name": OrNull(TEXT)},
    "data": OrNull(TEXT),
}  # fmt: skip
_SPLITS: Mapping[str, Any] = {"train": WHOLE, "test": WHOLE}
WRITTEN: Mapping[str, Any] = {
    "settings": {
        "tasks": ListOf(_TASK),
        "instructions": TEXT,
        "variants": WHOLE,
        "seed": WHOLE,
        "train": OrNull(ListOf(TEXT, 2)),
        "test": OrNull(ListOf(TEXT, 2)),
        "labels": OBJECT,
        "markets": WHOLE,
        "form": OBJECT,
        "teacher": OrNull({"name": TEXT, "stage": TEXT, "structure": NUMBER, "evidence": NUMBER}),
    },
    "markets": ListOf(
        {
            **_TASK,
            "name": TEXT,
            "symbol": TEXT,
            "market_seed": OrNull(WHOLE),
            "simulated": TRUTH,
            "fingerprint": TEXT,
            "closes_sha256": TEXT,
            "test": ListOf(DATE, 2),
            "thresholds": {"window": ListOf(DATE, 2)},
            "days": _SPLITS,
        }
    ),
    "files": OBJECT,
}
"""What a check reads of a manifest."""

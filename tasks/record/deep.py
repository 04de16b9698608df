"""The first part in which two contents differ, in words: where it is, and both values."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 60
"""Characters of a text that are shown around the first that differs."""


def first_difference(now: Any, before: Any, name: str = "") -> str | None:
    """Where a content differs from the one that is recorded; None where it does not.

    Args:
        now: what comes out.
        before: what is recorded.
        name: of both, as it leads to them: ``"thought.decision"``.
    """
    if isinstance(now, Mapping) and isinstance(before, Mapping):
        for key in {**now, **before}:
            own, other = (each.get(key, _MISSING) for each in (now, before))
            if found := first_difference(own, other, f"{name}.{key}" if name else str(key)):
                return found
        return None
    if isinstance(now, list) and isinstance(before, list):
        if len(now) != len(before):
            return f"{name} has {len(now)} parts, recorded with {len(before)}"
        parts = (
            first_difference(own, other, f"{name}[{n}]")
            for n, (own, other) in enumerate(zip(now, before, strict=True))
        )
        return next(filter(None, parts), None)
    if type(now) is type(before) and now == before:
        return None
    if isinstance(now, str) and isinstance(before, str) and max(map(len, (now, before))) > SHOWN:
        at = _first_other(now, before)
        start = max(0, at - SHOWN // 3)
        own, other = (repr(text[start : start + SHOWN]) for text in (now, before))
        return f"{name} from character {at + 1} is …{own}…, recorded as …{other}…"
    if now == before and not isinstance(now, bool) and not isinstance(before, bool):
        return None  # 1 and 1.0 are one number in JSON
    return f"{name} is {_shown(now)}, recorded as {_shown(before)}"


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


_MISSING = _Missing()


def _first_other(one: Sequence[Any], other: Sequence[Any]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2 * SHOWN else f"{text[: 2 * SHOWN]}…"

"""Whether an object is what a JSON Schema asks for; mends only what has one meaning.

A number written as a string, an enumerated word in another case, a key that is left out where it
could be null or has one value, an object without the only key around it, and items of a list that
are not among those allowed (memory ids that were never shown) are mended; each mending is named.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from investorbench.agents.llm.answer import Schema
from investorbench.agents.llm.by_name import is_object, parts_of
from investorbench.agents.llm.canonical import canonical
from investorbench_env.errors import MissingDependencyError

LONGEST_PROBLEM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The mended object, what was mended, and what is still wrong with it."""

    value: dict[str, Any]
    tolerated: tuple[str, ...] = ()
    problem: str = ""
    too_long: bool = False
    prose: str = ""
    """All free text in it, for judging its language."""
    rest: dict[str, Any] | None = None
    """What is left without the objects, of a list or by name, that alone are wrong; None where more
    is."""
    unfit: int = 0
    """How many these are."""


def fit(value: dict[str, Any], schema: Schema) -> Fitted:
    """Mend an object where that is unambiguous, then check it against the schema."""
    notes: list[str] = []
    mended = _mend(value, schema, notes)
    errors = sorted(_validator(canonical(schema)).iter_errors(mended), key=_depth)
    unfit = [_in_words(error) for error in errors[:6]]
    if not errors and not _is_finite(mended):
        unfit = ["a number in it is not finite"]
    wrong = _wrong_objects(mended, schema, errors) if unfit else set()
    return Fitted(
        value=mended,
        tolerated=tuple(notes),
        problem="; ".join(unfit)[:LONGEST_PROBLEM],
        too_long=bool(errors) and all(error.validator == "maxLength" for error in errors),
        prose=" ".join(_prose(mended, schema)),
        rest=_without(mended, schema, wrong) if wrong else None,
        unfit=len(wrong),
    )


Place = tuple[str, int | None]
"""Of an object in an answer: its key, and where it is one of a list, its index."""


def _wrong_objects(value: Mapping[str, Any], schema: Schema, errors: Iterable[Any]) -> set[Place]:
    """Which objects are wrong, of lists and by name; none where anything else is, too.

    Where an answer has objects by name, one of another name is a wrong one.
    """
    known: Mapping[str, Any] = schema.get("properties", {})
    parts, lists = parts_of(schema), {*_lists_of_objects(value, known)}
    wrong: set[Place] = {*_infinite(value, parts, lists)}
    for error in errors:
        path = tuple(error.absolute_path)
        if path and path[0] in parts:
            wrong.add((str(path[0]), None))
        elif len(path) > 1 and path[0] in lists:
            wrong.add((str(path[0]), int(path[1])))
        elif not path and parts and error.validator == "additionalProperties":
            wrong |= {(name, None) for name in value if name not in known}
        else:
            return set()
    return wrong


def _lists_of_objects(value: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for name, part in known.items():
        items = part.get("items") if isinstance(part, Mapping) else None
        is_of_objects = isinstance(items, Mapping) and "properties" in items
        if is_of_objects and isinstance(value.get(name), list):
            yield name


def _infinite(
    value: Mapping[str, Any], parts: Iterable[str], lists: Iterable[str]
) -> Iterator[Place]:
    yield from ((name, None) for name in parts if not _is_finite(value.get(name)))
    for name in lists:
        yield from ((name, n) for n, item in enumerate(value[name]) if not _is_finite(item))


def _without(value: Mapping[str, Any], schema: Schema, wrong: Set[Place]) -> dict[str, Any] | None:
    """An object without some of its objects; None where it does not fit even so."""
    rest: dict[str, Any] = {}
    for name, part in value.items():
        if (name, None) in wrong:
            rest |= {name: None} if name in schema["properties"] else {}
        elif isinstance(part, list):
            rest[name] = [item for n, item in enumerate(part) if (name, n) not in wrong]
        else:
            rest[name] = part
    fits = _validator(canonical(schema)).is_valid(rest) and _is_finite(rest)
    return rest if fits else None


def _mend(value: Any, schema: Any, notes: list[str]) -> Any:
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, str):
        value = _mend_text(value, schema, notes)
    if isinstance(value, float) and schema.get("type") == "integer" and value.is_integer():
        return int(value)  # JSON knows one kind of number
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        value = _wrapped(value, parts, notes)
        mended = {utf8(key): _mend(item, parts.get(key), notes) for key, item in value.items()}
        left_out = [key for key in schema.get("required", ()) if key not in mended]
        absent = [key for key in left_out if _may_be(parts.get(key), "null")]
        notes += ["missing_null"] * len(absent)
        certain = {key: parts[key]["enum"][0] for key in left_out if _has_one_value(parts.get(key))}
        notes += ["missing_constant"] * len(certain)
        return mended | dict.fromkeys(absent) | certain
    if isinstance(value, list):
        items = schema.get("items")
        listed = [_mend(item, items, notes) for item in value]
        allowed = items.get("enum") if isinstance(items, Mapping) else None
        if allowed is None:
            return listed
        kept = [item for item in listed if _is_among(item, allowed)]
        notes += ["unknown_item"] * (len(listed) - len(kept))
        return kept
    return value


def _wrapped(value: dict[str, Any], parts: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """An object of which only what belongs under its one key was given, under that key."""
    if len(parts) != 1:
        return value
    ((key, part),) = parts.items()
    if not is_object(part) or key in value or not value:
        return value
    if not value.keys() <= part["properties"].keys():
        return value
    notes.append("unwrapped")
    return {key: value}


def _has_one_value(schema: Any) -> bool:
    return isinstance(schema, Mapping) and len(schema.get("enum", ())) == 1


def _mend_text(text: str, schema: Mapping[str, Any], notes: list[str]) -> Any:
    allowed = schema.get("enum")
    number = _number(text) if _wants_number(schema, allowed) else None
    if number is not None:
        notes.append("number_from_string")
        return number
    if allowed is not None and text not in allowed:
        same = [word for word in allowed if str(word).casefold() == text.strip().casefold()]
        if len(same) == 1:
            notes.append("enum_case")
            return same[0]
    clean = utf8(text)
    if clean != text:
        notes.append("lone_surrogate")
    return clean


def _wants_number(schema: Mapping[str, Any], allowed: Sequence[Any] | None) -> bool:
    if allowed is not None:
        return all(isinstance(word, int | float) and not isinstance(word, bool) for word in allowed)
    return any(_may_be(schema, kind) for kind in ("number", "integer"))


def _may_be(schema: Any, kind: str) -> bool:
    """Whether a schema names a kind of value, alone or among others."""
    named = schema.get("type") if isinstance(schema, Mapping) else None
    return kind == named or (isinstance(named, list) and kind in named)


def _number(text: str) -> int | float | None:
    """The number that a text is, and nothing else: no percent, no thousands, no words."""
    for kind in (int, float):
        try:
            number = kind(text.strip())
            float(number)
        except (ValueError, OverflowError):
            continue
        return number if math.isfinite(number) and "_" not in text else None
    return None


def _is_among(item: Any, allowed: Sequence[Any]) -> bool:
    """Equality in which, as in JSON, 1 is not true."""
    same = (other for other in allowed if item == other)
    return any(isinstance(item, bool) == isinstance(other, bool) for other in same)


def utf8(text: str) -> str:
    """Text that can be written to a file: a lone surrogate, legal in JSON, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _prose(value: Any, schema: Any) -> Iterator[str]:
    """Free text: every string that the schema does not enumerate."""
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, str) and "enum" not in schema and "const" not in schema:
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _prose(item, schema.get("properties", {}).get(key))
    elif isinstance(value, list):
        for item in value:
            yield from _prose(item, schema.get("items"))


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    if not isinstance(value, int | float):
        return True
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON knows integers of any length
        return False


def _depth(error: Any) -> tuple[int, str]:
    return len(error.absolute_path), str(error.message)


def _in_words(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path)) or "the object"
    return f"{where}: {str(error.message)[: LONGEST_PROBLEM // 2]}"


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """A validator; kept, because the same few schemas come again and again."""
    import json

    try:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependencyError("jsonschema", "llm", "checking a model's answers") from None
    return Draft202012Validator(json.loads(schema))

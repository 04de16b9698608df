"""Answers that are objects by name, such as a signal for each coin, though given as a list of them.

Each object stands by itself, and says which it is in a field for which its schema has one value.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from investorbench.agents.llm.answer import Schema


def parts_of(schema: Schema) -> dict[str, Schema]:
    """The objects that an answer of this schema has by name; none for most schemas."""
    found = schema.get("properties", {})
    return {name: part for name, part in found.items() if is_object(part)}


def is_object(schema: Any) -> bool:
    """Whether a schema is that of an object with named fields, alone or beside others."""
    if not isinstance(schema, Mapping) or not schema.get("properties"):
        return False
    kind = schema.get("type", "object")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def from_list(values: Sequence[Any], schema: Schema) -> dict[str, Any] | None:
    """One answer of the objects of a list, each of which says which it is; None where one does not.

    Of two that are the same one and differ, both stand in its place, which fits no schema.

    Args:
        values: the objects.
        schema: of the answer.
    """
    parts = parts_of(schema)
    if not parts:
        return None
    answer: dict[str, Any] = {}
    for value in values:
        if not isinstance(value, Mapping) or not value:
            return None
        if value.keys() <= schema["properties"].keys() - answer.keys():
            answer |= value
        elif (named := _named(value, parts)) is not None:
            given = answer.setdefault(named, value)
            answer[named] = given if given == value else [given, value]
        else:
            return None
    return answer


def _named(value: Mapping[str, Any], parts: Mapping[str, Schema]) -> str | None:
    """Which of the parts an object says that it is; None where that is none, or several."""
    fields = dict(_fields(value))
    found = []
    for name, part in parts.items():
        own = dict(_constants(part))
        if own and all(fields.get(field) == only for field, only in own.items()):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _fields(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of an object, and of objects in it."""
    for name, field in value.items():
        if isinstance(field, Mapping):
            yield from field.items()
        else:
            yield name, field


def _constants(schema: Schema) -> Iterator[tuple[str, Any]]:
    """The fields that can have one value alone, and it."""
    for name, field in schema.get("properties", {}).items():
        if is_object(field):
            yield from _constants(field)
        elif isinstance(field, Mapping) and len(field.get("enum", ())) == 1:
            yield name, field["enum"][0]

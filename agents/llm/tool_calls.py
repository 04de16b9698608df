"""Calls of tools: which a model may make, and which it makes in a reply."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from investorbench.agents.llm.answer import Tool, ToolCall
from investorbench.agents.llm.errors import ModelError, without_key
from investorbench.agents.llm.replies import refuse_constant, unrepeated
from investorbench.agents.llm.request import SCHEMA_NAME

LONGEST_NAME = 64
_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{LONGEST_NAME}}}")


class CalledFunction(NamedTuple):
    """A call as it stands in a reply: each part as text, whatever the server made of it."""

    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] = MappingProxyType({})


def checked(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """The tools, if each has a name of its own that servers take.

    Raises:
        ModelError: one has not.
    """
    names = [tool.name for tool in tools]
    for name in names:
        if not _NAME.fullmatch(name) or name == SCHEMA_NAME or names.count(name) > 1:
            raise ModelError(
                f"a tool cannot be called {name!r}: give each a name of its own, of at most "
                f"{LONGEST_NAME} letters, digits, _ and -, and none {SCHEMA_NAME!r}"
            )
    return tuple(tools)


def sorted_out(
    found: Sequence[CalledFunction], tools: Sequence[Tool]
) -> tuple[list[str], tuple[ToolCall, ...]]:
    """What of the calls in a reply is its answer, and which of them are to be carried out.

    Without tools a call can only be the answer. An answer beside calls of tools rests on none of
    their results, so it is left out.
    """
    if not tools:
        return [each.arguments for each in found], ()
    calls = [each for each in found if each.name != SCHEMA_NAME]
    if not calls:
        return [each.arguments for each in found], ()
    ids = [each.id for each in calls]
    named = [id if id and ids.count(id) == 1 else f"call{n:05d}" for n, id in enumerate(ids, 1)]
    return [], tuple(_call(id, each) for id, each in zip(named, calls, strict=True))


def _call(id: str, found: CalledFunction) -> ToolCall:
    # A name that no server takes could not be said again in the next question.
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", found.name)[:LONGEST_NAME] or "unnamed"
    call = ToolCall(id=id, name=name, extra=_sendable(found.extra))
    try:
        return replace(call, arguments=_arguments(found.arguments))
    except RecursionError:
        return replace(call, problem="the arguments are nested too deeply")
    except ValueError as error:
        problem = f"the arguments are no JSON object: {str(error)[:200]}"
        return replace(call, problem=problem)


def without_key_in(calls: Sequence[ToolCall], key: str) -> tuple[ToolCall, ...]:
    """The calls with a key blotted out, which a server may send back in whatever part."""
    plain = [json.dumps(asdict(call)) for call in calls]
    return tuple(ToolCall(**json.loads(without_key(text, key))) for text in plain)


def _arguments(text: str) -> dict[str, Any]:
    """The object in a text; servers leave the text empty where a tool takes no arguments."""
    value = json.loads(
        text.strip() or "{}",
        strict=False,
        object_pairs_hook=unrepeated,
        parse_constant=refuse_constant,
        parse_float=_finite,
    )
    if not isinstance(value, dict):
        raise ValueError(f"they are a {type(value).__name__}")
    # A lone surrogate, legal in JSON, can be written to no file and sent to no server.
    plain = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return dict(json.loads(plain))


def _sendable(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What can be sent again; nothing of what cannot."""
    try:
        return dict(
            json.loads(json.dumps(dict(extra), ensure_ascii=False, allow_nan=False).encode())
        )
    except (ValueError, TypeError, RecursionError):
        return {}


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value

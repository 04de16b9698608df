"""What can be asked through a proxy, and how a reply is read for the record; it goes out whole."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from investorbench.agents.llm.answer import Completion, Tool
from investorbench.agents.llm.replies import Reading, read_reply, read_text

Body = Mapping[str, Any]
"""Of a request or of a reply."""
ANY_OBJECT = {"type": "object"}
JSON_FORMS = frozenset({"json_schema", "json_object"})
SOME_TOOL = (Tool(name="some_tool", description="", parameters={}),)
"""In place of the client's own tools, so that calls in a reply are known to be such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One kind of request.

    Attributes:
        path: what it is posted to, after the server's address.
        completion_of: reads a reply, as that of a dialect does.
        form: the form that a request asks for, such as ``json_schema``; empty for text.
        events: a reply in the events of a stream, for a client that wants one.
        role: what the record calls its answers; None for those of language models.
    """

    path: str
    completion_of: Callable[[str, float, Sequence[Tool]], Completion]
    form: Callable[[Body], str]
    events: Callable[[Body, Body], Iterator[str]] | None
    role: str | None = None

    def completion(self, text: str, latency_s: float, tools: Sequence[Tool]) -> Completion:
        """A reply, read and whole.

        Raises:
            Fault: it is no reply of this kind.
        """
        return replace(self.completion_of(text, latency_s, tools or SOME_TOOL), body=text)

    def reading(self, completion: Completion, asked: Body) -> Reading:
        """Whether a reply can be used: whether it is a text, an object or a call, as was asked.

        Whether an object is the one that was asked for is for the client to say, which has a
        schema and a mind of its own.
        """
        if self.role is not None:
            return Reading()
        if completion.tool_calls:
            problem = next((call.problem for call in completion.tool_calls if call.problem), "")
            return Reading(defect="not_json" if problem else None, problem=problem)
        if self.form(asked) in JSON_FORMS:
            reading = read_reply(completion, ANY_OBJECT, len(completion.text))
            return Reading() if reading.defect == "language" else replace(reading, value=None)
        return read_text(completion)


def event(data: Body, name: str = "") -> str:
    """One event of a stream, on the wire."""
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(data, separators=(',', ':'))}\n\n"


def mapping(value: Any) -> Body:
    """A mapping; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Body]:
    """The mappings in a list; none in place of anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []

"""Chat completions through a proxy."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from investorbench.agents.llm.answer import Completion, Tool
from investorbench.agents.llm.providers.openai_chat import OPENAI
from investorbench.agents.llm.proxy.routes import Body, Route, event, mapping, mappings

DONE = "data: [DONE]\n\n"


def _completion_of(text: str, latency_s: float, tools: Sequence[Tool]) -> Completion:
    return OPENAI.completion_of(_with_functions(text), latency_s, tools)


def _with_functions(text: str) -> str:
    """A reply whose calls of tools that take any text are calls of functions, to be read so."""
    if '"custom"' not in text:
        return text
    try:
        reply = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    for choice in mappings(mapping(reply).get("choices")):
        for call in mappings(mapping(choice.get("message")).get("tool_calls")):
            custom = mapping(call.get("custom"))
            if custom and isinstance(call, dict):
                arguments = json.dumps({"input": custom.get("input")})
                call["function"] = {"name": custom.get("name"), "arguments": arguments}
    return json.dumps(reply)


def _form(asked: Body) -> str:
    return str(mapping(asked.get("response_format")).get("type") or "")


def _events(reply: Body, asked: Body) -> Iterator[str]:
    """A chunk with the role, one with all that is said, and one with the end, of each choice."""
    wants_usage = bool(mapping(asked.get("stream_options")).get("include_usage"))
    known = ("id", "created", "model", "system_fingerprint", "service_tier")
    head = {name: reply[name] for name in known if name in reply}
    head = {"id": "", "created": 0, **head, "object": "chat.completion.chunk"}
    usage = {"usage": None} if wants_usage else {}
    for choice in mappings(reply.get("choices")):
        yield from (event({**head, "choices": [part], **usage}) for part in _parts(choice))
    if wants_usage:
        yield event({**head, "choices": [], "usage": reply.get("usage")})
    yield DONE


def _parts(choice: Body) -> Iterator[dict[str, Any]]:
    message = dict(mapping(choice.get("message")))
    role = message.pop("role", "assistant")
    said = {name: part for name, part in message.items() if part not in (None, [])}
    if "tool_calls" in said:
        calls = enumerate(mappings(said["tool_calls"]))
        said["tool_calls"] = [{"index": number, **call} for number, call in calls]
    index = choice.get("index", 0)
    probabilities = {"logprobs": choice.get("logprobs")}
    opening = {"role": role, "content": ""}
    yield {"index": index, "delta": opening, "finish_reason": None, "logprobs": None}
    if said:
        yield {"index": index, "delta": said, "finish_reason": None, **probabilities}
    ended = choice.get("finish_reason") or "stop"
    yield {"index": index, "delta": {}, "finish_reason": ended, "logprobs": None}


CHAT = Route(
    path="/chat/completions",
    completion_of=_completion_of,
    form=_form,
    events=_events,
)

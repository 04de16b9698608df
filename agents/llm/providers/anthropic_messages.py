"""Anthropic's messages: the same questions in another protocol; structure is a tool to call."""

import json
from collections.abc import Mapping
from typing import Any

from investorbench.agents.llm.answer import Completion, Usage
from investorbench.agents.llm.providers.checked import counted, is_count, whole
from investorbench.agents.llm.providers.sdk import Dialect
from investorbench.agents.llm.request import SCHEMA_NAME, Request, with_schema
from investorbench.agents.llm.retrying import Fault
from investorbench.agents.llm.thinking import apart

FINISHED = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def body_of(request: Request) -> dict[str, Any]:
    """What is sent: instructions apart, structure as a tool to call."""
    model, sampling = request.model, request.model.sampling
    messages = with_schema(request.messages, request.schema, request.rung)
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    body: dict[str, Any] = {
        "model": model.id,
        "messages": [message for message in messages if message["role"] != "system"],
        "max_tokens": request.max_tokens,
    }
    if system:
        body["system"] = system
    if model.accepts.temperature and sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if request.schema is not None and request.rung == "tool":
        tool = {"name": SCHEMA_NAME, "description": "Answer.", "input_schema": request.schema}
        body |= {"tools": [tool], "tool_choice": {"type": "tool", "name": SCHEMA_NAME}}
    return body | dict(sampling.extra)


def completion_of(text: str, latency_s: float) -> Completion:
    """A completion from the body of a reply.

    Raises:
        Fault: it is no message of Anthropic's.
    """
    try:
        body = json.loads(text, strict=False)
        parts = body["content"]
        said = body.get("usage") or {}
        ended = body.get("stop_reason")
        calls = [json.dumps(part["input"]) for part in parts if part["type"] == "tool_use"]
        texts = [part["text"] for part in parts if part["type"] == "text"]
        thoughts = [part["thinking"] for part in parts if part["type"] == "thinking"]
        answer, reasoning = apart("\n".join(calls or texts), "\n".join(thoughts))
        completion = Completion(
            text=answer,
            reasoning=reasoning,
            finish_reason=FINISHED.get(str(ended), str(ended)),
            usage=usage_of(said, has_output=bool(parts)),
            model=str(body.get("model", "")),
            response_id=str(body.get("id") or ""),
            latency_s=latency_s,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Fault("not_json", "the reply is no message", reply=text) from None
    return whole(completion, ended)


def usage_of(said: Any, *, has_output: bool) -> Usage:
    """Tokens as Anthropic counted them: those that its cache read or wrote it counts apart."""
    if not isinstance(said, Mapping):
        return Usage()
    cache = [said.get(f"cache_{way}_input_tokens") or 0 for way in ("read", "creation")]
    read = [part for part in (said.get("input_tokens"), *cache) if is_count(part)]
    given = {
        "input": sum(read) if len(read) == 1 + len(cache) else None,
        "output": said.get("output_tokens"),
        "cached": cache[0],
    }
    return counted(given, has_output=has_output)


ANTHROPIC = Dialect(
    package="anthropic",
    client="AsyncAnthropic",
    extra="anthropic",
    default_url="https://api.anthropic.com",
    body_of=body_of,
    path="/v1/messages",
    completion_of=completion_of,
)

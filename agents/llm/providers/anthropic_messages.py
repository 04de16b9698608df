"""Anthropic's messages: the same questions in another protocol.

Structure is a form of the output, or a tool to call; newer models refuse to be made to call one.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.agents.llm.answer import Completion, Message, Part, Tool, Usage
from investorbench.agents.llm.contents import text_of
from investorbench.agents.llm.providers.checked import counted, is_count, whole
from investorbench.agents.llm.providers.sdk import Dialect
from investorbench.agents.llm.request import SCHEMA_NAME, Request, with_schema
from investorbench.agents.llm.retrying import Fault
from investorbench.agents.llm.thinking import apart
from investorbench.agents.llm.tool_calls import CalledFunction, sorted_out

FINISHED = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
CACHED = {"type": "ephemeral"}
"""Up to where a server is to keep what it has read, for five minutes after each use."""
NOT_IN_A_FORM = frozenset(
    "minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf "
    "minItems maxItems uniqueItems".split()
)
"""What a schema may say and a form of the output may not; replies are checked against it here."""


def body_of(request: Request) -> dict[str, Any]:
    """What is sent: instructions apart, structure as a form of the output or a tool to call."""
    model, sampling = request.model, request.model.sampling
    messages = with_schema(request.messages, request.schema, request.rung, request.tools)
    system = "\n\n".join(text_of(m["content"]) for m in messages if m["role"] == "system")
    body: dict[str, Any] = {
        "model": model.id,
        "messages": _as_sent([each for each in messages if each["role"] != "system"]),
        "max_tokens": request.max_tokens,
    }
    if system:
        # What never changes from one question to the next ends here; tools stand before it.
        body["system"] = [{"type": "text", "text": system, "cache_control": CACHED}]
    sent = request.parameters
    if "temperature" in sent:
        body["temperature"] = sampling.temperature
    config: dict[str, Any] = {}
    if "reasoning_effort" in sent:
        config["effort"] = sampling.reasoning_effort
    if request.schema is not None and request.rung == "json_schema":
        config["format"] = {"type": "json_schema", "schema": _form(request.schema)}
    if config:
        body["output_config"] = config
    tools = request.tools
    if request.schema is not None and request.rung == "tool":
        only = {"type": "tool", "name": SCHEMA_NAME}
        body["tool_choice"] = {"type": "any"} if tools else only
        tools = (*tools, Tool(name=SCHEMA_NAME, description="Answer.", parameters=request.schema))
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    return body | dict(sampling.extra)


def _form(schema: Any) -> Any:
    """A schema without what a form of the output cannot hold to; names of properties are kept."""
    if isinstance(schema, list):
        return [_form(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {name: part for name, part in schema.items() if name not in NOT_IN_A_FORM}
    properties = {name: _form(part) for name, part in kept.get("properties", {}).items()}
    rest = {name: _form(part) for name, part in kept.items() if name != "properties"}
    return rest | ({"properties": properties} if properties else {})


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }


def _as_sent(messages: Sequence[Message]) -> list[Message]:
    """Messages of ours as the protocol has them: all results of one turn in one message."""
    sent: list[Message] = []
    after_result = False
    for message in messages:
        if message["role"] == "tool":
            result = {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": message["content"],
            }
            if after_result:
                sent[-1]["content"].append(result)
            else:
                sent.append({"role": "user", "content": [result]})
        elif calls := message.get("tool_calls"):
            texts = [{"type": "text", "text": message["content"]}] if message["content"] else []
            uses = [
                {
                    "type": "tool_use",
                    "id": call["id"],
                    "name": call["name"],
                    "input": call["arguments"],
                }
                for call in calls
            ]
            sent.append({"role": "assistant", "content": [*texts, *uses]})
        elif isinstance(message["content"], str):
            sent.append(message)
        else:
            sent.append({**message, "content": [_block(part) for part in message["content"]]})
        after_result = message["role"] == "tool"
    return sent


def _block(part: Part) -> Mapping[str, Any]:
    if part["type"] != "image":
        return part
    source = {"type": "base64", "media_type": part["media_type"], "data": part["data"]}
    return {"type": "image", "source": source}


def completion_of(text: str, latency_s: float, tools: Sequence[Tool] = ()) -> Completion:
    """A completion from the body of a reply to a question with these tools.

    Raises:
        Fault: it is no message of Anthropic's.
    """
    try:
        body = json.loads(text, strict=False)
        parts = body["content"]
        said = body.get("usage") or {}
        ended = body.get("stop_reason")
        found = [
            CalledFunction(str(part.get("id") or ""), str(part["name"]), json.dumps(part["input"]))
            for part in parts
            if part["type"] == "tool_use"
        ]
        answers, calls = sorted_out(found, tools)
        texts = [part["text"] for part in parts if part["type"] == "text"]
        thoughts = [part["thinking"] for part in parts if part["type"] == "thinking"]
        answer, reasoning = apart("\n".join(answers or texts), "\n".join(thoughts))
        completion = Completion(
            text=answer,
            reasoning=reasoning,
            finish_reason=FINISHED.get(str(ended), str(ended)),
            usage=usage_of(said, has_output=bool(parts)),
            model=str(body.get("model", "")),
            response_id=str(body.get("id") or ""),
            latency_s=latency_s,
            tool_calls=calls,
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
        "stored": cache[1],
    }
    return counted(given, has_output=has_output)


ANTHROPIC = Dialect(
    package="anthropic",
    client="AsyncAnthropic",
    extra="anthropic",
    default_url="https://api.anthropic.com",
    body_of=body_of,
    path="/v1/messages",
    models_path="/v1/models",
    completion_of=completion_of,
)

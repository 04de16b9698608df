"""OpenAI's chat completions, which vLLM and most servers follow: what is sent, what is read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from investorbench.agents.llm.answer import Completion, Message, Part, Tool, Usage
from investorbench.agents.llm.providers.checked import counted, stated_error, whole
from investorbench.agents.llm.providers.sdk import Dialect
from investorbench.agents.llm.request import SCHEMA_NAME, Request, with_role, with_schema
from investorbench.agents.llm.retrying import Fault
from investorbench.agents.llm.thinking import apart
from investorbench.agents.llm.tool_calls import CalledFunction, sorted_out

THINKING_PARTS = frozenset({"thinking", "reasoning"})
"""Types of the parts of a content that are none of the answer."""


SAID_AGAIN = ("extra_content",)
"""Of a call, what a server wants back with it: Google's holds the signature of its thoughts."""


def body_of(request: Request) -> dict[str, Any]:
    """What is sent; only what the model accepts is in it."""
    model, schema = request.model, request.schema
    accepts, sampling = model.accepts, model.sampling
    messages = with_schema(request.messages, schema, request.rung, request.tools)
    body: dict[str, Any] = {
        "model": model.id,
        "messages": [_as_sent(each) for each in with_role(messages, accepts.system_role)],
        accepts.max_tokens: request.max_tokens,
    }
    sent = request.parameters
    for name in ("temperature", "top_p", "reasoning_effort"):
        if name in sent:
            body[name] = getattr(sampling, name)
    if "seed" in sent:
        body["seed"] = request.seed
    if request.tools:
        body["tools"] = [_function(tool) for tool in request.tools]
    if schema is not None:
        body |= _structure(request)
    return body | dict(sampling.extra)


def _part(part: Part) -> Mapping[str, Any]:
    if part["type"] != "image":
        return part
    url = f"data:{part['media_type']};base64,{part['data']}"
    return {"type": "image_url", "image_url": {"url": url}}


def _structure(request: Request) -> dict[str, Any]:
    schema = request.schema
    match request.rung:
        case "json_schema":
            form = {"name": SCHEMA_NAME, "strict": True, "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case "structured_outputs":
            return {"structured_outputs": {"json": schema}}
        case "tool":
            answer = Tool(name=SCHEMA_NAME, description="Answer.", parameters=schema or {})
            only = {"type": "function", "function": {"name": SCHEMA_NAME}}
            return {
                "tools": [_function(tool) for tool in (*request.tools, answer)],
                "tool_choice": "required" if request.tools else only,
            }
        case "json_object":
            return {"response_format": {"type": "json_object"}}
    return {}


def _function(tool: Tool) -> dict[str, Any]:
    named = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": named}


def _as_sent(message: Message) -> Message:
    """A message of ours as the protocol has it."""
    calls, content = message.get("tool_calls"), message["content"]
    if not calls and isinstance(content, str):
        return message
    if not calls:
        return {**message, "content": [_part(part) for part in content]}
    functions = [
        {"name": call["name"], "arguments": json.dumps(call["arguments"])} for call in calls
    ]
    called = [
        {**call.get("extra", {}), "id": call["id"], "type": "function", "function": function}
        for call, function in zip(calls, functions, strict=True)
    ]
    return {**message, "content": content or None, "tool_calls": called}


def completion_of(text: str, latency_s: float, tools: Sequence[Tool] = ()) -> Completion:
    """A completion from the body of a reply to a question with these tools.

    Raises:
        Fault: it is no chat completion, such as a page of HTML.
    """
    try:
        body = json.loads(text, strict=False)
        choice = body["choices"][0]
        message = choice["message"]
        content = _text(message.get("content"))
        answers, calls = sorted_out(_called(message.get("tool_calls") or []), tools)
        if answers:
            content = "\n".join(answers)
        thinking = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
        thinking = thinking or _text(message.get("content"), thinking=True)
        answer, reasoning = apart(content, thinking)
        refusal = _text(message.get("refusal"))
        ended = choice.get("finish_reason")
        completion = Completion(
            text=answer,
            reasoning=reasoning,
            refusal=refusal,
            finish_reason=str(ended or "stop"),
            usage=usage_of(
                body.get("usage"), has_output=bool(content or reasoning or refusal or calls)
            ),
            model=_text(body.get("model")),
            system_fingerprint=_text(body.get("system_fingerprint")),
            response_id=_text(body.get("id")),
            latency_s=latency_s,
            tool_calls=calls,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        reason = "the reply is no chat completion" + (" but HTML" if _is_html(text) else "")
        raise stated_error(text) or Fault("not_json", reason, reply=text) from None
    return whole(completion, ended)


def _called(calls: Any) -> list[CalledFunction]:
    return [
        CalledFunction(
            _text(call.get("id")),
            _text(call["function"].get("name")),
            _text(call["function"]["arguments"]),
            {name: call[name] for name in SAID_AGAIN if name in call},
        )
        for call in calls
    ]


def usage_of(usage: Any, *, has_output: bool) -> Usage:
    """Tokens as a server counted them, given whether the reply holds anything generated."""
    said = _mapping(usage)
    read = _mapping(said.get("prompt_tokens_details"))
    given = {
        "input": said.get("prompt_tokens"),
        "output": said.get("completion_tokens"),
        "total": said.get("total_tokens"),
        "cached": read.get("cached_tokens"),
        "stored": read.get("cache_write_tokens"),
        "reasoning": _mapping(said.get("completion_tokens_details")).get("reasoning_tokens"),
    }
    return counted(given, has_output=has_output)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any, thinking: bool = False) -> str:
    """A text, or the texts of a list of parts, as some servers send it: the answer or its thinking.

    A part of thinking holds its text under the name of its type, or as ``text``.
    """
    if isinstance(value, list):
        parts = [part for part in value if isinstance(part, Mapping)]
        found = [part for part in parts if (part.get("type") in THINKING_PARTS) == thinking]
        return "".join(_text(part.get("text") or part.get(part.get("type"))) for part in found)
    if thinking:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value)
    return value if isinstance(value, str) else ""


def _is_html(text: str) -> bool:
    return text.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))


OPENAI = Dialect(
    package="openai",
    client="AsyncOpenAI",
    extra="llm",
    default_url="https://api.openai.com/v1",
    body_of=body_of,
    path="/chat/completions",
    completion_of=completion_of,
)

VLLM = replace(
    OPENAI, default_url="http://127.0.0.1:8000/v1", program="vLLM", version_path="/version"
)
"""The same, where ``investorbench serve`` puts a model unless its address says otherwise."""

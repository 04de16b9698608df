"""Responses through a proxy: the newer protocol of OpenAI, which some frameworks speak first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from investorbench.agents.llm.answer import Completion, Tool, Usage
from investorbench.agents.llm.providers.checked import counted, whole
from investorbench.agents.llm.proxy.routes import Body, Route, event, mapping, mappings
from investorbench.agents.llm.retrying import Fault
from investorbench.agents.llm.tool_calls import CalledFunction, sorted_out

ENDED = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why a response is incomplete, in the words of chat completions."""
BROKEN = {"failed": "error", "cancelled": "cancelled"}
FUNCTION = "function_call"
CALLS = {FUNCTION: "arguments", "custom_tool_call": "input"}
"""Items that call a tool, and where each has what it calls it with."""


def _completion_of(text: str, latency_s: float, tools: Sequence[Tool]) -> Completion:
    try:
        reply = json.loads(text, strict=False)
        items = mappings(reply["output"])
        parts = [part for item in items for part in mappings(item.get("content"))]
        texts = [part["text"] for part in parts if part.get("type") == "output_text"]
        refusals = [part["refusal"] for part in parts if part.get("type") == "refusal"]
        thoughts = [
            str(part.get("text") or "")
            for item in items
            if item.get("type") == "reasoning"
            for part in (*mappings(item.get("summary")), *mappings(item.get("content")))
        ]
        answers, calls = sorted_out([*map(_called, filter(_is_call, items))], tools)
        ended = _ended(reply)
        completion = Completion(
            text="\n".join(texts or answers),
            reasoning="\n".join(thoughts),
            refusal="\n".join(refusals),
            finish_reason=ended,
            usage=_usage(reply.get("usage"), has_output=bool(items)),
            model=str(reply.get("model") or ""),
            response_id=str(reply.get("id") or ""),
            latency_s=latency_s,
            tool_calls=calls,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Fault("not_json", "the reply is no response", reply=text) from None
    return whole(completion, ended)


def _ended(reply: Body) -> str:
    if reply.get("status") in BROKEN:
        return BROKEN[str(reply["status"])]
    why = str(mapping(reply.get("incomplete_details")).get("reason") or "")
    return ENDED.get(why, why) or "stop"


def _usage(said: Any, *, has_output: bool) -> Usage:
    said = mapping(said)
    read = mapping(said.get("input_tokens_details"))
    given = {
        "input": said.get("input_tokens"),
        "output": said.get("output_tokens"),
        "total": said.get("total_tokens"),
        "cached": read.get("cached_tokens"),
        "stored": read.get("cache_write_tokens"),
        "reasoning": mapping(said.get("output_tokens_details")).get("reasoning_tokens"),
    }
    return counted(given, has_output=has_output)


def _is_call(item: Body) -> bool:
    return item.get("type") in CALLS


def _called(item: Body) -> CalledFunction:
    given = item.get(CALLS[item["type"]])
    arguments = str(given or "") if item["type"] == FUNCTION else json.dumps({"input": given})
    return CalledFunction(str(item.get("call_id") or ""), str(item.get("name") or ""), arguments)


def _form(asked: Body) -> str:
    return str(mapping(mapping(asked.get("text")).get("format")).get("type") or "")


def _events(reply: Body, asked: Body) -> Iterator[str]:
    """Every item begun, said whole and ended, between the beginning and the end of the response."""
    numbers = count()

    def sent(name: str, /, **parts: Any) -> str:
        kind = f"response.{name}"
        return event({"type": kind, "sequence_number": next(numbers), **parts}, kind)

    begun = {**reply, "status": "in_progress", "output": [], "usage": None}
    yield sent("created", response=begun)
    yield sent("in_progress", response=begun)
    for index, item in enumerate(mappings(reply.get("output"))):
        yield sent("output_item.added", output_index=index, item=_begun(item))
        for name, parts in _said(item):
            place = {"output_index": index, "item_id": item.get("id", "")}
            yield sent(name, **place, **parts)
        yield sent("output_item.done", output_index=index, item=item)
    ended = {"incomplete": "incomplete", "failed": "failed"}.get(str(reply.get("status")))
    yield sent(ended or "completed", response=reply)


def _begun(item: Body) -> dict[str, Any]:
    """An item of which nothing is said yet."""
    empty = {"content": [], "summary": [], "arguments": "", "input": ""}
    begun = {name: empty.get(name, part) for name, part in item.items()}
    return begun | ({"status": "in_progress"} if "status" in item else {})


def _said(item: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of one item, by the names of the events."""
    for index, part in enumerate(mappings(item.get("content"))):
        yield from _part(part, {"content_index": index})
    for index, part in enumerate(mappings(item.get("summary"))):
        at, text = {"summary_index": index}, part.get("text", "")
        yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        yield "reasoning_summary_text.delta", {**at, "delta": text}
        yield "reasoning_summary_text.done", {**at, "text": text}
        yield "reasoning_summary_part.done", {**at, "part": part}
    if item.get("type") == FUNCTION:
        arguments = item.get("arguments", "")
        yield "function_call_arguments.delta", {"delta": arguments}
        whole_call = {"arguments": arguments, "name": item.get("name", "")}
        yield "function_call_arguments.done", whole_call
    elif item.get("type") == "custom_tool_call":
        yield "custom_tool_call_input.delta", {"delta": item.get("input", "")}
        yield "custom_tool_call_input.done", {"input": item.get("input", "")}


def _part(part: Body, at: Mapping[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = str(part.get("type"))
    field = "refusal" if name == "refusal" else "text"
    more = {"logprobs": part.get("logprobs") or []} if name == "output_text" else {}
    text = part.get(field, "")
    yield "content_part.added", {**at, "part": {**part, field: ""}}
    yield f"{name}.delta", {**at, "delta": text, **more}
    yield f"{name}.done", {**at, field: text, **more}
    yield "content_part.done", {**at, "part": part}


RESPONSES = Route(path="/responses", completion_of=_completion_of, form=_form, events=_events)

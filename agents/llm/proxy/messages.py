"""Anthropic's messages through a proxy, of a model whose server speaks them."""

import json
from collections.abc import Iterator
from typing import Any

from investorbench.agents.llm.providers.anthropic_messages import ANTHROPIC
from investorbench.agents.llm.proxy.routes import Body, Route, event, mapping, mappings

EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}
"""A block of each type of which nothing is said yet."""


def _events(reply: Body, asked: Body) -> Iterator[str]:
    """Every block begun, said whole and ended, between the beginning and the end of the message."""
    usage = mapping(reply.get("usage"))
    read = {**usage, "output_tokens": 0}
    begun = {**reply, "content": [], "stop_reason": None, "stop_sequence": None, "usage": read}
    yield event({"type": "message_start", "message": begun}, "message_start")
    for index, block in enumerate(mappings(reply.get("content"))):
        opening = {**block, **EMPTY.get(str(block.get("type")), {})}
        start = {"type": "content_block_start", "index": index, "content_block": opening}
        yield event(start, "content_block_start")
        for delta in _deltas(block):
            said = {"type": "content_block_delta", "index": index, "delta": delta}
            yield event(said, "content_block_delta")
        yield event({"type": "content_block_stop", "index": index}, "content_block_stop")
    ended = {name: reply.get(name) for name in ("stop_reason", "stop_sequence")}
    end = {"type": "message_delta", "delta": ended, "usage": dict(usage)}
    yield event(end, "message_delta")
    yield event({"type": "message_stop"}, "message_stop")


def _deltas(block: Body) -> Iterator[dict[str, Any]]:
    match block.get("type"):
        case "text":
            yield {"type": "text_delta", "text": block.get("text", "")}
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block.get("thinking", "")}
            yield {"type": "signature_delta", "signature": block.get("signature", "")}
        case "tool_use":
            yield {"type": "input_json_delta", "partial_json": json.dumps(block.get("input"))}


MESSAGES = Route(
    path="/v1/messages",
    completion_of=ANTHROPIC.completion_of,
    form=lambda asked: "",
    events=_events,
)

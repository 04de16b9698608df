"""A message as OpenAI's protocol has it, and most frameworks write it, in our own form."""

import json
from collections.abc import Mapping
from typing import Any

from investorbench.agents.llm import Message, ModelError


def in_our_form(message: Mapping[str, Any]) -> Message:
    """A message of theirs as one of ours.

    Raises:
        ModelError: it holds what is neither text nor a picture's data.
    """
    calls = [
        {"id": call["id"], "name": call["function"]["name"], "arguments": _arguments(call)}
        for call in message.get("tool_calls", ())
    ]
    content = message["content"] or ""
    if not isinstance(content, str):
        content = [_part(part) for part in content]
    return {**message, "content": content, **({"tool_calls": calls} if calls else {})}


def _arguments(call: Mapping[str, Any]) -> Any:
    return json.loads(call["function"]["arguments"] or "{}")


def _part(part: Mapping[str, Any]) -> Mapping[str, str]:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    head, found, data = str(part.get("image_url", {}).get("url", "")).partition(";base64,")
    if not found:
        raise ModelError(f"a message holds a part of type {part['type']}: give texts and data URLs")
    return {"type": "image", "media_type": head.removeprefix("data:"), "data": data}

"""What a message holds: a text, or parts of text and of pictures.

A part is ``{"type": "text", "text": …}`` or ``{"type": "image", "media_type": "image/png",
"data": …}`` with the picture's bytes in base64; each dialect says it in its own words.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from investorbench.agents.llm.answer import Content, Message, Part
from investorbench.agents.llm.errors import ModelError
from investorbench.agents.llm.models import Model, require_images

BETWEEN = "\n\n"
"""Between the texts of a content, where they are read as one."""


def text_part(text: str) -> Part:
    """A text beside pictures."""
    return {"type": "text", "text": text}


def image_part(picture: bytes, media_type: str = "image/png") -> Part:
    """A picture, of its bytes as a file has them."""
    data = b64encode(picture).decode("ascii")
    return {"type": "image", "media_type": media_type, "data": data}


def text_of(content: Content) -> str:
    """The text of a content, without its pictures."""
    if isinstance(content, str):
        return content
    return BETWEEN.join(part["text"] for part in content if part["type"] == "text")


def with_text(content: Content, *, before: str = "", after: str = "") -> Content:
    """A content with more text at its ends."""
    if isinstance(content, str):
        return before + content + after
    ends = [[text_part(text.strip())] if text.strip() else [] for text in (before, after)]
    return [*ends[0], *content, *ends[1]]


def images_in(messages: Sequence[Message]) -> Iterator[Part]:
    """The pictures of a conversation."""
    for message in messages:
        content = message.get("content")
        if not isinstance(content, str) and content:
            yield from (part for part in content if part["type"] == "image")


def require_eyes(model: Model, messages: Sequence[Message]) -> None:
    """Refuse pictures for a model that takes none, and pictures where no server takes them.

    Raises:
        ModelError: as said.
    """
    for role in (message["role"] for message in messages if any(images_in([message]))):
        if role != "user":
            raise ModelError(f"a message of role {role} holds a picture: put it in the user's")
        require_images(model, "a message holds a picture")


def by_hash(message: Message) -> dict[str, Any]:
    """A message in which each picture is the SHA-256 of its bytes: what keys and records hold."""
    content = message.get("content")
    if isinstance(content, str) or not content:
        return dict(message)
    return {**message, "content": [_by_hash(part) for part in content]}


def _by_hash(part: Part) -> Mapping[str, str]:
    if part["type"] != "image":
        return part
    sha256 = hashlib.sha256(b64decode(part["data"])).hexdigest()
    return {"type": "image", "media_type": part["media_type"], "sha256": sha256}

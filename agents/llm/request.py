"""One question to a server, complete: everything in it determines the answer, and so its key."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from investorbench.agents.llm.answer import Message, Rung, Schema, Tool
from investorbench.agents.llm.canonical import canonical, digest
from investorbench.agents.llm.contents import BETWEEN, by_hash, images_in, text_of, with_text
from investorbench.agents.llm.models import Model

SCHEMA_NAME = "decision"
KEY_VERSION = 2
"""Raised when a request of the same content would be put to servers in another way."""

IMAGE_BYTES = 40_000
"""What a picture counts as: as text of the tokens that a small one costs where it costs most."""

_IN_WORDS = (
    "\n\nAnswer with one JSON object and nothing else: no other text, no code fence. "
    "It must satisfy this JSON Schema:\n"
)
_AFTER_TOOLS = "\n\nCall tools as you need them; when you have what you need, answer."
_AGAIN = (
    "That answer cannot be used: {problem}. Answer the question again, with one complete JSON "
    "object that satisfies the schema and nothing else."
)
_SHOWN_AGAIN = 4_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent for one reply.

    Attributes:
        model: whose settings say how to put it.
        messages: the conversation.
        schema: what to answer; None for plain text.
        rung: how to ask for it.
        seed: of the sampling; None leaves it to the server.
        repeat: distinguishes equal questions that are to be answered again.
        max_tokens: that the reply may have.
        tools: what may be called before the answer.
    """

    model: Model
    messages: tuple[Message, ...]
    schema: Schema | None
    rung: Rung
    seed: int | None
    repeat: int
    max_tokens: int
    tools: tuple[Tool, ...] = ()

    @property
    def key(self) -> str:
        """SHA-256 of all that determines the answer; the address is not part of it."""
        return digest([self.question, self.rung])

    @cached_property
    def question(self) -> str:
        """The same whatever the rung: equal questions in flight need one answer."""
        return digest(self._content())

    def on(self, rung: Rung) -> "Request":
        """The same question on another rung."""
        asked = replace(self, rung=rung)
        asked.__dict__["question"] = self.question  # long texts are hashed once
        return asked

    @property
    def size_bytes(self) -> int:
        """About how much text the server has to read."""
        schema = canonical(self.schema) if self.schema is not None else ""
        texts = [text_of(message.get("content", "")) for message in self.messages]
        calls = [canonical(m["tool_calls"]) for m in self.messages if m.get("tool_calls")]
        tools = [canonical(asdict(tool)) for tool in self.tools]
        texts += [schema, *calls, *tools]
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        return size + IMAGE_BYTES * sum(1 for _ in images_in(self.messages))

    def _content(self) -> dict[str, Any]:
        sampling = asdict(self.model.sampling)
        if not self.model.accepts.temperature:
            sampling |= {"temperature": None, "top_p": None}
        return {
            "version": KEY_VERSION,
            "model": self.model.id,
            "revision": self.model.revision,
            "system_role": self.model.accepts.system_role,
            "messages": [by_hash(message) for message in self.messages],
            "schema": self.schema,
            "sampling": {**sampling, "max_tokens": self.max_tokens},
            "seed": self.seed,
            "repeat": self.repeat,
            # Only where there are any, so that the key of a plain question stays what it was.
            **({"tools": [asdict(tool) for tool in self.tools]} if self.tools else {}),
        }


def with_schema(
    messages: Sequence[Message],
    schema: Schema | None,
    rung: Rung,
    tools: Sequence[Tool] = (),
) -> list[dict[str, Any]]:
    """The messages, with the schema in words where the rung sends it in no other way.

    It goes last, so that what does not change from one prompt to the next stays first.
    """
    plain = [dict(message) for message in messages]
    if schema is None or rung not in ("json_object", "text"):
        return plain
    words = (_AFTER_TOOLS if tools else "") + _IN_WORDS + canonical(schema)
    for message in reversed(plain):
        if message["role"] == "user":
            message["content"] = with_text(message["content"], after=words)
            return plain
    return [*plain, {"role": "user", "content": words.strip()}]


def with_role(messages: list[dict[str, Any]], role: str | None) -> list[dict[str, Any]]:
    """The messages with instructions in the role that the model takes, or in the first question."""
    if role is not None:
        return [{**m, "role": role if m["role"] == "system" else m["role"]} for m in messages]
    instructions = [
        text_of(message["content"]) for message in messages if message["role"] == "system"
    ]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if not instructions:
        return rest
    if not rest or rest[0]["role"] != "user":
        rest.insert(0, {"role": "user", "content": ""})
    opening = with_text(rest[0]["content"], before=BETWEEN.join([*instructions, ""]))
    rest[0]["content"] = opening.strip() if isinstance(opening, str) else opening
    return rest


def repair(messages: Sequence[Message], reply: str, problem: str) -> tuple[Message, ...]:
    """The conversation continued: the unusable reply, and what was wrong with it."""
    shown = reply.strip()[:_SHOWN_AGAIN].encode("utf-8", "replace").decode() or "(no answer)"
    return (
        *messages,
        {"role": "assistant", "content": shown},
        {"role": "user", "content": _AGAIN.format(problem=problem or "it is unusable")},
    )

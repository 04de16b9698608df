"""One question to a server, complete: everything in it determines the answer, and so its key."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from investorbench.agents.llm.answer import Message, Rung, Schema, Tool
from investorbench.agents.llm.canonical import canonical, digest
from investorbench.agents.llm.contents import BETWEEN, by_hash, images_in, text_of, with_text
from investorbench.agents.llm.models import Accepts, Model

SCHEMA_NAME = "decision"
KEY_VERSION = 3
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
        address: where it is asked, of a model that is published nowhere; empty for others.
    """

    model: Model
    messages: tuple[Message, ...]
    schema: Schema | None
    rung: Rung
    seed: int | None
    repeat: int
    max_tokens: int
    tools: tuple[Tool, ...] = ()
    address: str = ""

    @property
    def key(self) -> str:
        """SHA-256 of all that determines the answer."""
        return _key(self._fixed, self._leavable(self.model.accepts), self.rung)

    @property
    def refusal_key(self) -> str:
        """Under which a server's refusal is kept for a replay; empty where that ends a run."""
        return ""

    @property
    def question(self) -> str:
        """The same whatever the rung: equal questions in flight need one answer."""
        return f"{self._fixed} {self._leavable(self.model.accepts)}"

    @property
    def parameters(self) -> frozenset[str]:
        """The names of those that are sent and that a server might not take."""
        accepts, sampling = self.model.accepts, self.model.sampling
        is_sent = {
            "temperature": accepts.temperature and sampling.temperature is not None,
            "top_p": accepts.temperature and accepts.top_p and sampling.top_p is not None,
            "seed": accepts.seed and self.seed is not None,
            "reasoning_effort": sampling.reasoning_effort in accepts.reasoning_effort,
            "system_role": accepts.system_role is not None
            and any(message["role"] == "system" for message in self.messages),
            accepts.max_tokens: True,
        }
        return frozenset(name for name, sent in is_sent.items() if sent)

    def on(self, rung: Rung, accepts: Accepts | None = None) -> "Request":
        """The same question on another rung; plain text is asked for in one way only.

        Args:
            rung: how to ask for the schema.
            accepts: what the server takes; None: what the model's settings say.
        """
        model = self.model
        if accepts is not None and accepts != model.accepts:
            model = replace(model, accepts=accepts)
        asked = replace(self, model=model, rung="text" if self.schema is None else rung)
        asked.__dict__["_fixed"] = self._fixed  # long texts are hashed once
        return asked

    def variants(self, rungs: Sequence[Rung], taken: Accepts) -> dict[str, tuple[Rung, Accepts]]:
        """The keys under which an answer may be kept: on any rung, whatever was left out.

        It was asked in that way because the server took no other, in this process or another one.

        Args:
            rungs: in the order of their looking up.
            taken: what the server takes, as far as is known; it goes first.
        """
        rungs = ("text",) if self.schema is None else rungs
        ways: dict[str, Accepts] = {}
        for accepts in (taken, *_with_less(self.model.accepts)):
            ways.setdefault(self._leavable(accepts), accepts)
        return {
            _key(self._fixed, part, rung): (rung, accepts)
            for part, accepts in ways.items()
            for rung in rungs
        }

    @cached_property
    def _fixed(self) -> str:
        return digest(self._content())

    def _leavable(self, accepts: Accepts) -> str:
        """What of it is sent that a server may refuse, in one text."""
        sampling = self.model.sampling
        warm = sampling.temperature if accepts.temperature else None
        top = sampling.top_p if accepts.temperature and accepts.top_p else None
        effort = sampling.reasoning_effort
        effort = effort if effort in accepts.reasoning_effort else None
        return f"{warm} {top} {effort} {accepts.system_role}"

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
        """All that determines the answer, but for what a server may refuse."""
        model = self.model
        server = {} if model.server is None else model.server.identity
        return {
            "version": KEY_VERSION,
            "model": model.id,
            "revision": model.revision,
            "server": server,
            "address": self.address,
            "messages": [by_hash(message) for message in self.messages],
            "schema": self.schema,
            "sampling": {"max_tokens": self.max_tokens, "extra": model.sampling.extra},
            "seed": self.seed,
            "repeat": self.repeat,
            "tools": [asdict(tool) for tool in self.tools],
        }


def _key(fixed: str, leavable: str, rung: Rung) -> str:
    return hashlib.sha256(f"{fixed} {leavable} {rung}".encode()).hexdigest()


@lru_cache(maxsize=64)
def _with_less(accepts: Accepts) -> tuple[Accepts, ...]:
    """What a server may turn out to take, the most first."""
    roles: dict[str | None, tuple[Any, ...]] = {
        "developer": ("developer", "system", None),
        "system": ("system", None),
        None: (None,),
    }
    return tuple(
        replace(accepts, temperature=warm, top_p=top, reasoning_effort=effort, system_role=role)
        for role in roles[accepts.system_role]
        for effort in dict.fromkeys((accepts.reasoning_effort, ()))
        for warm in dict.fromkeys((accepts.temperature, False))
        for top in dict.fromkeys((accepts.top_p, False))
    )


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

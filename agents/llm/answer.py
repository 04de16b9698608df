"""What a language model is asked and what comes back; knows no server and no schema library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Part = Mapping[str, str]
"""Of a content: a text or a picture, see :mod:`investorbench.agents.llm.contents`."""
Content = str | Sequence[Part]
Message = Mapping[str, Any]
"""``{"role": "system" | "user" | "assistant", "content": text, or a user's parts}``.

An assistant's may have ``tool_calls``, each with ``id``, ``name`` and ``arguments``, and the
``extra`` of a :class:`ToolCall` where it has one; what a tool returned is ``{"role": "tool",
"tool_call_id": id, "content": text}``.
"""
Schema = Mapping[str, Any]
"""A JSON Schema of an object."""

Rung = Literal["json_schema", "structured_outputs", "tool", "json_object", "text"]
"""How an answer was asked for, from the strictest to the loosest."""
RUNGS: tuple[Rung, ...] = ("json_schema", "structured_outputs", "tool", "json_object", "text")

Status = Literal["ok", "repaired", "refused", "truncated", "invalid"]
"""What became of a question. Only ``ok`` and ``repaired`` carry a value; else the caller holds."""
USABLE: frozenset[str] = frozenset({"ok", "repaired"})
"""The statuses of an answer that carries a value."""

Defect = Literal[
    "empty",  # nothing, or thinking alone
    "refusal",  # the model declines
    "truncated",  # cut off at the limit of tokens
    "partial",  # JSON that ends too early though the model had finished
    "not_json",  # no JSON object, or a broken one
    "contradictory",  # several different objects, or one key with two values
    "over_long",  # longer than an answer may be
    "language",  # prose in another script than the one asked for
    "schema",  # an object, and not the one asked for
]
"""Why a reply could not be used."""


BROKEN_OFF = frozenset({"error", "abort", "aborted", "cancelled", "canceled", "timeout"})
"""Why a generation ended that the server, not the model, ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the server counted them; zeros, and ``known=False``, where it gave no whole count.

    Of several replies together, known means that of each.
    """

    input: int = 0
    output: int = 0
    """All that was generated, thinking included."""
    cached: int = 0
    """The part of ``input`` that the server read from its prefix cache."""
    reasoning: int = 0
    """The part of ``output`` that was thinking."""
    stored: int = 0
    """The part of ``input`` that the server wrote into its prefix cache, where it says so."""
    known: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
            reasoning=self.reasoning + other.reasoning,
            stored=self.stored + other.stored,
            known=self.known and other.known,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What a model may call before it answers.

    Attributes:
        name: letters, digits, ``_`` and ``-``, 64 at most; another one than ``decision``.
        description: what it returns, for the model.
        parameters: the schema of its arguments.
    """

    name: str
    description: str
    parameters: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to call a tool, which its caller carries out or refuses.

    Attributes:
        id: by which the model knows the result as that of this call.
        name: of the tool; perhaps one that there is not.
        arguments: as the model gives them; they need not fit the tool's schema.
        problem: why what it gave are no arguments, in words; the arguments are then empty.
        extra: what else the server says of the call, and wants to hear again with it, such as the
            signature of the thoughts behind it.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One reply of a server, before anything is read from it. This is what the cache keeps."""

    text: str
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    system_fingerprint: str = ""
    response_id: str = ""
    server: str = ""
    latency_s: float = 0.0
    tool_calls: tuple[ToolCall, ...] = ()
    body: str = ""
    """The whole reply as it came, for a client behind the proxy; empty for one of our own."""

    @property
    def is_broken_off(self) -> bool:
        """Whether the server, not the model, ended it."""
        return self.finish_reason.lower() in BROKEN_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of one question.

    Attributes:
        value: the object that was asked for; None unless ``status`` is ``ok`` or ``repaired``, and
            where the model calls tools first.
        text: the last reply as it came, thinking apart.
        reasoning: the thinking of a reasoning model; never part of ``text``.
        status: one of :data:`Status`.
        defects: why each unusable reply was unusable, in order: at most two.
        problem: the last defect in words; what the repair turn showed the model.
        tolerated: what was overlooked because its meaning was plain, such as ``"fence"``; one entry
            an occurrence, so that it can be counted.
        rung: how the last reply was asked for.
        usage: tokens of all replies of this question.
        cost_usd: what this question cost now: 0 where it was replayed, None without a price.
        latency_s: seconds that the server took; of a replayed answer, those it took back then.
        attempts: requests sent now, failed ones included; 0 for a replay.
        cached: every reply came from the cache.
        model: the model that the server says gave the last reply.
        system_fingerprint: what that server calls the state it was in; empty where it does not.
        response_id: what it calls the last reply; likewise.
        server: its program and version, such as ``"vLLM 0.11.0"``; likewise.
        address: where it was asked, of a model that is published nowhere; empty for others.
        finish_reason: why the last reply ended.
        request_hash: SHA-256 of everything that determines the last reply.
        is_language_model: False for the offline reader.
        tool_calls: what the model wants to call before it answers; ``text`` is what it says beside.
    """

    value: Mapping[str, Any] | None
    text: str
    status: Status
    rung: Rung
    model: str
    request_hash: str
    reasoning: str = ""
    defects: tuple[Defect, ...] = ()
    problem: str = ""
    tolerated: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    latency_s: float = 0.0
    attempts: int = 0
    cached: bool = False
    finish_reason: str = "stop"
    system_fingerprint: str = ""
    response_id: str = ""
    server: str = ""
    address: str = ""
    is_language_model: bool = True
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether it carries a value, or calls of tools."""
        return self.status in USABLE

    @property
    def repaired(self) -> bool:
        """Whether it took the repair turn to get a usable reply."""
        return self.status == "repaired"


@runtime_checkable
class LanguageModel(Protocol):
    """Whatever answers: a client of a server, or the offline reader."""

    @property
    def name(self) -> str: ...
    @property
    def is_language_model(self) -> bool: ...

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Answer:
        """Ask for an object of this schema, or with None for plain text (in ``Answer.text``).

        With tools the answer may be calls of them instead, in ``Answer.tool_calls``.
        """
        ...

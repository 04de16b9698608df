"""What a server takes of a model, found out by asking it one small question in several ways.

Each way is one request, never sent again: what cannot be found out so is unclear.
"""

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol

from investorbench.agents.llm.answer import Completion, Message, Rung, Tool, Usage
from investorbench.agents.llm.error_replies import words_of
from investorbench.agents.llm.ladder import REFUSING_STATUSES
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.replies import read_reply
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.retrying import Fault

MOST_TOKENS = 1024
"""Of each answer, where the model's own limit is no lower."""
MAX_USD = 0.1
SAID = 160
"""Characters of a server's reply that are shown."""
QUESTION = "Is a price of 3 USD above one of 2 USD? Answer yes or no."
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
TOOL = Tool(
    name="price_of",
    description="The price of a share.",
    parameters={
        "type": "object",
        "properties": {"symbol": {"type": "string"}},
        "required": ["symbol"],
    },
)
RUNGS: Mapping[str, tuple[Rung, ...]] = {
    "openai": ("json_schema", "tool", "json_object"),
    "vllm": ("json_schema", "structured_outputs", "tool", "json_object"),
    "anthropic": ("json_schema", "tool"),
}
"""What can be asked of each kind of server, besides in words."""
LIMITS: tuple[Literal["max_tokens", "max_completion_tokens"], ...] = (
    "max_tokens",
    "max_completion_tokens",
)

HowTaken = Literal["yes", "no", "ignored", "unclear", "not asked"]
State = Literal[
    "answers", "wants a key", "not reached", "is busy", "refuses us", "has no such model"
]


class Acceptance(NamedTuple):
    """Whether a server takes something.

    Attributes:
        what: the setting of ``accepts``, or the rung.
        taken: ``ignored`` where it is taken and the reply does not do as asked.
        expected: whether the model's file says so.
        says: what is known besides, such as the server's own words.
    """

    what: str
    taken: HowTaken
    expected: bool
    says: str = ""

    @property
    def differs(self) -> bool:
        """Whether the model's file says otherwise."""
        return self.taken in ("yes", "no", "ignored") and (self.taken == "yes") != self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCheck:
    """How a server stands with a model.

    Attributes:
        state: in short.
        says: what to do where it does not answer.
        answered_by: the model that it says answers, and its own program where it says so.
        usage: tokens of all answers together, where it counts those of each.
        cost_usd: of all answers; None without a price.
        requests: how many were sent.
        findings: what it takes.
        listed: the models that it lists, where it has not this one.
    """

    state: State
    says: str = ""
    answered_by: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    requests: int = 0
    findings: tuple[Acceptance, ...] = ()
    listed: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong that a key does not mend."""
        return self.state not in ("answers", "wants a key")


class AskedServer(Protocol):
    """What is asked: one request at a time, and which models there are."""

    async def complete(self, request: Request) -> Completion: ...
    async def models(self) -> list[str] | None: ...


async def probe(model: Model, server: AskedServer, max_usd: float = MAX_USD) -> ServerCheck:
    """Find out what a server takes of a model.

    Args:
        model: its settings; what they say is compared.
        server: who puts requests to it.
        max_usd: no request is sent that could cost more than what is left of it.
    """
    asker = _Asker(model, server, max_usd)
    first, limit = await asker.first()
    if not isinstance(first, Completion):
        return await _no_answer(asker, first)
    asker.model = _accepting(model, max_tokens=limit, temperature=False, seed=False)
    findings = [
        Acceptance(limit, "yes", limit == model.accepts.max_tokens),
        await asker.setting("temperature"),
        await asker.setting("seed"),
        *[await asker.rung(rung) for rung in RUNGS[model.provider]],
        await asker.tools(),
        await asker.images(),
    ]
    counted = asker.answers
    return ServerCheck(
        state="answers",
        answered_by=", ".join(filter(None, (first.model, first.server))),
        usage=sum((each.usage for each in counted), Usage(known=True)),
        cost_usd=asker.spent_usd if model.price else None,
        requests=asker.requests,
        findings=tuple(findings),
    )


async def _no_answer(asker: "_Asker", fault: Fault | None) -> ServerCheck:
    """Why there is none; a server that refuses the name of the model lists those that it has."""
    sent = asker.requests
    if fault is None:
        says = f"one request may cost more than max_usd={asker.max_usd:g}: allow more"
        return ServerCheck(state="refuses us", says=says, requests=sent)
    if fault.kind != "status":
        return ServerCheck(state="not reached", says=fault.reason, requests=sent)
    if fault.is_passing:
        return ServerCheck(state="is busy", says=f"{_said(fault)}: try again later", requests=sent)
    listed = await asker.server.models()
    said = _said(fault)
    if fault.status in REFUSING_STATUSES and listed is not None and asker.model.id not in listed:
        return ServerCheck(
            state="has no such model", says=said, listed=tuple(listed), requests=sent
        )
    return ServerCheck(state="refuses us", says=said, requests=sent)


class _Asker:
    """Asks, and keeps count of what it has cost."""

    def __init__(self, model: Model, server: AskedServer, max_usd: float) -> None:
        self.model, self.server, self.max_usd = model, server, max_usd
        self._file = model.accepts
        self.answers: list[Completion] = []
        self.requests = 0
        self.spent_usd = 0.0

    async def first(self) -> tuple[Completion | Fault | None, Any]:
        """The plain question, with the limit of tokens under the name that the server takes."""
        own = self.model.accepts.max_tokens
        for limit in (own, *(each for each in LIMITS if each != own)):
            plain = _accepting(self.model, max_tokens=limit, temperature=False, seed=False)
            reply = await self._ask(plain)
            refused = isinstance(reply, Fault) and limit in reply.reply and _refuses(reply)
            if not refused or self.model.provider == "anthropic":
                break
        return reply, limit

    async def setting(self, name: Literal["temperature", "seed"]) -> Acceptance:
        """Whether a setting of the sampling is taken."""
        sampling = self.model.sampling
        if name == "temperature":
            sampling = replace(sampling, temperature=sampling.temperature or 0.6)
        asked = replace(_accepting(self.model, **{name: True}), sampling=sampling)
        expected = getattr(self._file, name)
        if name == "seed" and self.model.provider == "anthropic":
            return Acceptance(name, "no", expected, "its protocol has none")
        return _finding(name, await self._ask(asked), expected)

    async def rung(self, rung: Rung) -> Acceptance:
        """Whether an answer comes as a rung asks for it."""
        reply = await self._ask(self.model, schema=SCHEMA, rung=rung)
        expected = rung in self._file.rungs
        if isinstance(reply, Completion):
            if reply.finish_reason == "length":
                return Acceptance(rung, "unclear", expected, "its answer was cut off")
            read = read_reply(reply, SCHEMA, self.model.limits.longest_answer)
            if read.defect is not None:
                return Acceptance(
                    rung, "ignored", expected, f"taken, and the reply is {read.problem}"
                )
        return _finding(rung, reply, expected)

    async def tools(self) -> Acceptance:
        """Whether it may be given tools that it need not call."""
        reply = await self._ask(self.model, tools=(TOOL,))
        return _finding("tools", reply, True)

    async def images(self) -> Acceptance:
        """Whether a message may hold an image."""
        parts = [
            {"type": "text", "text": "What colour is this? One word."},
            {"type": "image", "media_type": "image/png", "data": _red_square()},
        ]
        reply = await self._ask(self.model, content=parts)
        return _finding("images", reply, self._file.images)

    async def _ask(
        self,
        model: Model,
        *,
        content: Any = QUESTION,
        schema: Any = None,
        rung: Rung = "text",
        tools: tuple[Tool, ...] = (),
    ) -> Completion | Fault | None:
        """One request; None where it could cost more than what is left."""
        message: Message = {"role": "user", "content": content}
        request = Request(
            model=model,
            messages=(message,),
            schema=schema,
            rung=rung,
            seed=1,
            repeat=0,
            max_tokens=min(model.sampling.max_tokens, MOST_TOKENS),
            tools=tools,
        )
        if model.price:
            at_most = model.price.at_most(request.size_bytes, request.max_tokens)
            if not self.spent_usd + at_most <= self.max_usd:  # not a number is no allowance
                return None
        self.requests += 1
        try:
            completion = await self.server.complete(request)
        except Fault as fault:
            return fault
        self.answers.append(completion)
        if model.price:
            known = completion.usage.known
            self.spent_usd += model.price.of(completion.usage) if known else at_most
        return completion


def _finding(what: str, reply: Completion | Fault | None, expected: bool) -> Acceptance:
    if reply is None:
        return Acceptance(what, "not asked", expected, "it may cost more than is left of max_usd")
    if isinstance(reply, Completion):
        return Acceptance(what, "yes", expected)
    return Acceptance(what, "no" if _refuses(reply) else "unclear", expected, _said(reply))


def _refuses(fault: Fault) -> bool:
    return fault.kind == "status" and fault.status in REFUSING_STATUSES


def _said(fault: Fault) -> str:
    """A fault, with the beginning of what the server said."""
    lines = sorted(words_of(fault.reply).splitlines(), key=lambda line: line[:8] != "message:")
    words = " ".join(lines[0].partition(": ")[2].split()) if lines else ""
    return f"{fault.reason}: {words[:SAID]}" if words else fault.reason


def _accepting(model: Model, **changes: Any) -> Model:
    return replace(model, accepts=replace(model.accepts, **changes))


def _red_square(side: int = 32) -> str:
    """A PNG, in base64."""

    def chunks() -> Iterator[bytes]:
        rows = (b"\0" + b"\xff\0\0" * side) * side
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            yield struct.pack(">I", len(data)) + kind + data
            yield struct.pack(">I", zlib.crc32(kind + data))

    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks())).decode()

"""One reply to one question: from the cache or the server, on the best rung, until it is there."""

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from investorbench.agents.llm.answer import Completion, Usage
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.canonical import digest
from investorbench.agents.llm.endpoints import Endpoints
from investorbench.agents.llm.errors import (
    CacheMissError,
    ContextLengthError,
    RequestRefusedError,
    ServerError,
)
from investorbench.agents.llm.ladder import (
    REFUSING_STATUSES,
    WITH_TOOLS,
    Ladder,
    is_refusal_of,
)
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.outage import Say
from investorbench.agents.llm.persistence import Persistence
from investorbench.agents.llm.replies import read_reply
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.retrying import Fault
from investorbench.agents.llm.spending import Budget, Reservation

TOO_LONG = "context_length"
"""Why there is no answer to a question that was refused as too long."""


class Provider(Protocol):
    """What puts one request to a server."""

    @property
    def address(self) -> str: ...

    async def complete(self, request: Request) -> Completion: ...

    async def context_length(self, model: str) -> int | None: ...


class Exchanged(NamedTuple):
    """A reply, the request that it answers, and whether it came from the cache."""

    completion: Completion
    request: Request
    cached: bool


@dataclass(slots=True)
class Tally:
    """What one question has cost so far, and who pays for it."""

    payer: str = ""
    usage: Usage = field(default_factory=lambda: Usage(known=True))
    cost_usd: float = 0.0
    latency_s: float = 0.0
    attempts: int = 0
    cached: bool = True

    def add(self, exchanged: Exchanged) -> None:
        """Count a reply in."""
        self.usage += exchanged.completion.usage
        self.latency_s += exchanged.completion.latency_s
        self.cached = self.cached and exchanged.cached


class Exchange:
    """Gets replies of one model; for the arguments see ``Client``."""

    def __init__(
        self,
        model: Model,
        provider: Provider,
        cache: Cache | None,
        budget: Budget,
        rng: np.random.Generator,
        endpoints: Endpoints,
        say: Say | None = None,
    ) -> None:
        self._model, self._provider, self._cache = model, provider, cache
        self._budget = budget
        self._context_length: int | None = None
        endpoint = endpoints.at(provider.address)
        self._persistence = Persistence(model, endpoint, rng, say, self._ask_context_length)
        self.taken = endpoint.taken(model.id, model.accepts)
        self.ladder = endpoint.ladder(model.id, model.accepts.rungs)
        with_tools = [rung for rung in WITH_TOOLS if rung in model.accepts.rungs]
        self._ladder_with_tools = endpoint.ladder(
            f"{model.id} with tools", with_tools or WITH_TOOLS[-1:]
        )

    def ladder_of(self, request: Request) -> Ladder:
        """What is known of how a question like this one can be asked."""
        return self._ladder_with_tools if request.tools else self.ladder

    async def context_length(self) -> int | None:
        """Tokens that a request may have, as the server says, or said when it was asked first."""
        if self._context_length is None:
            place = "" if self._model.is_published else self._provider.address
            key = digest(["context length", self._model.id, self._model.revision, place])
            kept = None if self._cache is None else await self._cache.get([key])
            if kept:
                self._context_length = int(kept[1].text)
            elif self._cache is not None and self._cache.mode == "replay_only":
                raise CacheMissError(key, str(self._cache.path))
            else:
                said = await self._persistence.answer_of(self._ask_context_length)
                self._context_length = int(said.text) if said.text else None
                if self._cache is not None and said.text:
                    await self._cache.put(key, self._model.id, said)
        return self._context_length

    async def _ask_context_length(self) -> Completion:
        return Completion(text=str(await self._provider.context_length(self._model.id) or ""))

    async def get(self, request: Request, tally: Tally) -> Exchanged:
        """One reply, from the cache or from the server, on whatever rung it takes."""
        if self._cache is None:
            return await self._ask(request, tally)
        found: list[Exchanged] = []
        while not found:
            await self._cache.alone(
                request.question, partial(self._look_up_or_ask, self._cache, request, tally, found)
            )
        return found[0]

    async def _look_up_or_ask(
        self, cache: Cache, request: Request, tally: Tally, found: list[Exchanged]
    ) -> None:
        variants = request.variants(self.ladder_of(request).order(), self.taken.accepts)
        kept = await cache.get(variants)
        if kept:
            key, completion = kept
            if completion.finish_reason == TOO_LONG:
                limit_tokens, prompt_tokens, status = json.loads(completion.text)
                raise self._too_long(limit_tokens, prompt_tokens, key, completion.body, status)
            found.append(Exchanged(completion, request.on(*variants[key]), True))
            return
        if cache.mode == "replay_only":
            await self._require_not_refused(cache, request)
            raise CacheMissError(next(iter(variants)), str(cache.path))
        try:
            exchanged = await self._ask(request, tally)
        except ContextLengthError as error:
            await cache.put(error.request_hash, self._model.id, _kept(error))
            raise
        except RequestRefusedError as error:
            if request.refusal_key and error.status in REFUSING_STATUSES:
                refusal = Completion(text=str(error.status), body=error.reply)
                await cache.put(request.refusal_key, self._model.id, refusal)
            raise
        completion = await cache.put(exchanged.request.key, self._model.id, exchanged.completion)
        found.append(exchanged._replace(completion=completion))

    async def _require_not_refused(self, cache: Cache, request: Request) -> None:
        """Refuse what the server refused when it was recorded, in its words.

        Raises:
            RequestRefusedError: it did.
        """
        kept = await cache.get([request.refusal_key]) if request.refusal_key else None
        if kept:
            reason = f"it refused this request when it was recorded (model {self._model.name})"
            status, reply = int(kept[1].text), kept[1].body
            raise RequestRefusedError(self._provider.address, reason, reply, status)

    async def _ask(self, request: Request, tally: Tally) -> Exchanged:
        """Ask on the highest rung that the server takes, with the parameters that it takes."""
        ladder = self.ladder_of(request)
        while True:
            asked = request.on(ladder.rung, self.taken.accepts)
            try:
                completion = await self._persistence.answer_of(partial(self._send, asked, tally))
                return Exchanged(completion, asked, False)
            except Fault as fault:
                self._require_fitting(fault, asked)
                if not self._takes_otherwise(asked, ladder, fault):
                    raise self._refusal(fault) from None

    def _takes_otherwise(self, asked: Request, ladder: Ladder, fault: Fault) -> bool:
        """Whether the server may take the question without a parameter, or on a lower rung."""
        status, reply = fault.status, fault.reply
        if self.taken.refuse(asked, status, reply, fault.reason):
            return True
        evidence = f"{fault.reason} {reply[:200]}"
        return is_refusal_of(asked.rung, status, reply) and ladder.refuse(asked.rung, evidence)

    async def _send(self, request: Request, tally: Tally) -> Completion:
        """Send a request once, within the budget."""
        price = self._model.price
        at_most = price.at_most(request.size_bytes, request.max_tokens) if price else 0.0
        reservation = await self._budget.set_aside(at_most, tally.payer)
        tally.attempts += 1
        try:
            with self._budget.settling(reservation):
                completion = await self._complete(request, reservation)
                if price:
                    known = completion.usage.known
                    reservation.cost(price.of(completion.usage) if known else at_most)
                return completion
        finally:
            tally.cost_usd += reservation.cost_usd

    async def _complete(self, request: Request, reservation: Reservation) -> Completion:
        try:
            completion = await self._provider.complete(request)
            self._require_whole(completion, request)
            return completion
        except Fault as fault:
            if fault.may_be_billed:
                reservation.may_be_billed()
            raise
        except asyncio.CancelledError:
            reservation.may_be_billed()
            raise

    def _require_whole(self, completion: Completion, request: Request) -> None:
        """Refuse the beginning of an answer; what is whole though it was broken off is one.

        Raises:
            Fault: the server broke it off too early.
        """
        if not completion.is_broken_off:
            return
        schema, longest = request.schema, self._model.limits.longest_answer
        if schema is None or read_reply(completion, schema, longest).defect is not None:
            reason = f"the server broke the reply off: finish_reason {completion.finish_reason!r}"
            raise Fault("broken_off", reason, reply=completion.text)

    def _require_fitting(self, fault: Fault, asked: Request) -> None:
        """Refuse a request that is too long in words of its own: it says nothing of the server.

        Raises:
            ContextLengthError: that is what the server says.
        """
        found = fault.too_long
        if found:
            raise self._too_long(*found, asked.key, fault.reply, fault.status) from None

    def _too_long(
        self,
        limit_tokens: int | None,
        prompt_tokens: int | None,
        key: str,
        reply: str = "",
        status: int | None = None,
    ) -> ContextLengthError:
        address, name = self._provider.address, self._model.name
        error = ContextLengthError(address, name, limit_tokens, prompt_tokens, reply, status)
        error.request_hash = key
        return error

    def _refusal(self, fault: Fault) -> ServerError:
        status = fault.status or 0
        advice = {
            401: f"the key in {self._model.key_env} is not accepted",
            403: f"the key in {self._model.key_env} may not use {self._model.id}",
            404: f"there is no model {self._model.id}, or no such address",
        }.get(status, "it refuses the request; see accepts and sampling in conf/model")
        if 300 <= status < 400:
            advice = "it names another address: give that as model.base_url if it is the right one"
        reason = f"{fault.reason}: {advice} (model {self._model.name})"
        return RequestRefusedError(self._provider.address, reason, fault.reply, fault.status)


def _kept(error: ContextLengthError) -> Completion:
    """A refusal as the cache keeps it: a replay must find it, to ask for less as it did before."""
    numbers = json.dumps([error.limit_tokens, error.prompt_tokens, error.status])
    return Completion(text=numbers, finish_reason=TOO_LONG, body=error.reply)

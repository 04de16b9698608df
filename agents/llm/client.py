"""A language model behind a server: one question in, one answer out, whatever happens between."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np

from investorbench.agents.llm.answer import (
    Answer,
    Completion,
    Defect,
    Message,
    Schema,
    Status,
    Tool,
)
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.contents import require_eyes
from investorbench.agents.llm.endpoints import ENDPOINTS, Endpoints
from investorbench.agents.llm.errors import ContextLengthError
from investorbench.agents.llm.exchange import Exchange, Exchanged, Provider, Tally
from investorbench.agents.llm.ladder import Ladder
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.outage import Say
from investorbench.agents.llm.parameters import Taken
from investorbench.agents.llm.replies import Reading, read_reply, read_text, status_without
from investorbench.agents.llm.request import Request, repair
from investorbench.agents.llm.spending import Budget
from investorbench.agents.llm.tool_calls import checked

_OK: Status = "ok"


class Client:
    """Asks one model; many agents may share it, in one event loop or several.

    Args:
        model: its settings.
        provider: who puts requests to its server.
        cache: where answers are kept; None asks again each time.
        budget: the money of the run; None for no cap.
        rng: draws the jitter of retries, never anything of an answer.
        endpoints: what is known of servers; None: the process's own knowledge.
        say: takes lines about servers that are away; None: nothing is said.

    Raises:
        ModelError: the budget has a cap and the model no price.
    """

    is_language_model = True

    def __init__(
        self,
        model: Model,
        provider: Provider,
        *,
        cache: Cache | None = None,
        budget: Budget | None = None,
        rng: np.random.Generator | None = None,
        endpoints: Endpoints | None = None,
        say: Say | None = None,
    ) -> None:
        self.model, self.name = model, model.name
        self.budget = Budget() if budget is None else budget
        self.budget.require_price(model.name, model.price, has_key=bool(model.key_env))
        self._payer, self._address = "", provider.address
        self._exchange = Exchange(
            model,
            provider,
            cache,
            self.budget,
            np.random.default_rng() if rng is None else rng,
            ENDPOINTS if endpoints is None else endpoints,
            say,
        )

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self  # a copy of an agent asks through the same connections

    def asking_for(self, payer: str) -> Self:
        """The same client, whose calls a budget counts as those of one payer, such as an episode.

        Args:
            payer: its name, in one line.
        """
        other = copy(self)
        other._payer = payer
        return other

    @property
    def taken(self) -> Taken:
        """What is known of the parameters that its server takes."""
        return self._exchange.taken

    @property
    def ladder(self) -> Ladder:
        """What is known of how this model can be asked."""
        return self._exchange.ladder

    async def context_length(self) -> int | None:
        """Tokens that a request may have, as the settings say, or else the server's list of models.

        None where neither does. What a server says is kept like an answer, so a replay needs none.
        """
        return self.model.context_length or await self._exchange.context_length()

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
        """Ask for an object of a schema, once again if the reply is unusable.

        Where the second reply has objects that do not fit, in lists or by name, the others are
        taken.

        Args:
            messages: the conversation so far.
            schema: a JSON Schema of an object; None: plain text, in ``Answer.text``.
            seed: of the sampling, where the model takes one.
            repeat: distinguishes equal questions that are to be answered again.
            max_tokens: of each reply; None: the model's own.
            tools: what the model may call before it answers.

        Raises:
            ModelError: a tool has a name that servers do not take, or there is a picture and the
                model takes none.
            ContextLengthError: the question is too long for the server.
            ServerError: no reply after every retry, or the server refuses the request.
            SpendCapError: the call could exceed the cap.
            CacheMissError: replaying, and the answer is not in the cache.
        """
        require_eyes(self.model, messages)
        tally = Tally(payer=self._payer)
        defects: list[Defect] = []
        tolerated: tuple[str, ...] = ()
        first = Request(
            model=self.model,
            messages=tuple(messages),
            schema=schema,
            rung="text",
            seed=seed,
            repeat=repeat,
            max_tokens=max_tokens or self.model.sampling.max_tokens,
            tools=checked(tools),
            address="" if self.model.is_published else self._address,
        )
        asked, status, reading = first, _OK, Reading()
        while True:
            try:
                exchanged = await self._exchange.get(asked, tally)
            except ContextLengthError:
                if status == _OK:
                    raise
                status = status_without(reading)  # there is no room for what was wrong with it
                break
            tally.add(exchanged)
            reading = self._read(exchanged, schema)
            if status == "repaired":
                reading = reading.without_unfit()
            tolerated = (*tolerated, *reading.tolerated)
            if reading.defect is None:
                break
            defects.append(reading.defect)
            if status == "repaired" or schema is None or _declines(exchanged.completion):
                status = status_without(reading)
                break
            status = "repaired"  # if the next reply can be used
            again = repair(first.messages, exchanged.completion.text, reading.problem)
            asked = replace(first, messages=again)
        return Answer(
            value=reading.value,
            text=exchanged.completion.text,
            status=status,
            rung=exchanged.request.rung,
            model=exchanged.completion.model or self.model.id,
            request_hash=exchanged.request.key,
            reasoning=exchanged.completion.reasoning,
            defects=tuple(defects),
            problem=reading.problem,
            tolerated=tolerated,
            usage=tally.usage,
            cost_usd=tally.cost_usd if self.model.price else None,
            latency_s=tally.latency_s,
            attempts=tally.attempts,
            cached=tally.cached,
            finish_reason=exchanged.completion.finish_reason,
            system_fingerprint=exchanged.completion.system_fingerprint,
            response_id=exchanged.completion.response_id,
            server=exchanged.completion.server,
            address=first.address,
            tool_calls=() if reading.defect else exchanged.completion.tool_calls,
        )

    def _read(self, exchanged: Exchanged, schema: Schema | None) -> Reading:
        completion, request = exchanged.completion, exchanged.request
        if completion.tool_calls and not _declines(completion):
            reading = Reading()
        elif schema is None:
            return read_text(completion)
        else:
            reading = read_reply(completion, schema, self.model.limits.longest_answer)
        if completion.finish_reason in ("stop", "tool_calls") and not exchanged.cached:
            self._exchange.ladder_of(request).observe(request.rung, reading.defect)
        return reading


def _declines(completion: Completion) -> bool:
    """Whether the server itself says that the model declined: asking again would be pressing it."""
    return bool(completion.refusal) or completion.finish_reason == "content_filter"

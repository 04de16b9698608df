"""What a client posted, to the reply: from the cache, or from the server within the budget."""

from dataclasses import replace
from typing import Any

import numpy as np

from investorbench.agents.llm.answer import Answer
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.connect import DIALECTS
from investorbench.agents.llm.endpoints import ENDPOINTS, Endpoints
from investorbench.agents.llm.errors import ModelError, NotPassedError
from investorbench.agents.llm.exchange import Exchange, Exchanged, Tally
from investorbench.agents.llm.models import Model, ProviderName
from investorbench.agents.llm.outage import Say
from investorbench.agents.llm.providers.sdk import SdkProvider, key_of
from investorbench.agents.llm.proxy.chat import CHAT
from investorbench.agents.llm.proxy.embeddings import EMBEDDINGS
from investorbench.agents.llm.proxy.keys import KeyUse
from investorbench.agents.llm.proxy.messages import MESSAGES
from investorbench.agents.llm.proxy.passed import PassedRequest, passed_request
from investorbench.agents.llm.proxy.responses import RESPONSES
from investorbench.agents.llm.proxy.routes import Body, Route
from investorbench.agents.llm.replies import Reading, status_without
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.spending import Budget

OF_OPENAI = (CHAT, RESPONSES, EMBEDDINGS)
ROUTES: dict[ProviderName, tuple[Route, ...]] = {
    "openai": OF_OPENAI,
    "vllm": OF_OPENAI,
    "anthropic": (MESSAGES,),
}
"""What can be asked of the servers of each provider."""


class Forwarder:
    """Asks one model whatever clients post; for the arguments see ``Proxy``.

    Raises:
        ModelError: the model has no server, or the budget a cap and the model no price.
        MissingKeyError: the model needs a key, and its variable is not set; a replay needs none.
    """

    def __init__(
        self,
        model: Model,
        cache: Cache | None,
        budget: Budget,
        base_url: str | None,
        endpoints: Endpoints | None,
        say: Say | None,
    ) -> None:
        if model.provider not in ROUTES:
            raise ModelError(
                f"model {model.name} has no server that a proxy could ask: give another, such as "
                "model=local model.base_url=… model.id=…"
            )
        budget.require_price(model.name, model.price, has_key=bool(model.key_env))
        self.model, self.budget = model, budget
        self.routes = {route.path.removeprefix("/v1"): route for route in ROUTES[model.provider]}
        key = "" if cache is not None and cache.mode == "replay_only" else key_of(model)
        rng, known = np.random.default_rng(), ENDPOINTS if endpoints is None else endpoints

        def provider(route: Route) -> SdkProvider:
            dialect = replace(
                DIALECTS[model.provider],
                body_of=_as_sent,
                path=route.path,
                completion_of=route.completion,
            )
            return SdkProvider(model, dialect, key, base_url)

        providers = {path: provider(route) for path, route in self.routes.items()}
        self._address = next(iter(providers.values())).address
        self._exchanges = {
            path: Exchange(model, own, cache, budget, rng, known, say)
            for path, own in providers.items()
        }

    async def ask(self, path: str, body: Body, use: KeyUse) -> Exchanged:
        """The reply to what was posted to a path with a key.

        Raises:
            NotPassedError: it is not sent on, and why.
            ModelError: there is no reply.
        """
        route = self._route(path)
        if body.get("background"):
            raise NotPassedError(400, "a response in the background is not kept: wait for it")
        if use.listener is not None:
            use.listener.require_open()
        request = passed_request(
            self.model,
            path,
            body,
            sample=use.sample,
            address=self._address,
            is_capped=self.budget.max_usd is not None,
        )
        tally = Tally(payer=use.payer)
        try:
            exchanged = await self._exchanges[path].get(request, tally)
        except BaseException:
            use.pay(tally.attempts, tally.cost_usd)  # some of what brings no answer may be billed
            raise
        tally.add(exchanged)
        reading = route.reading(exchanged.completion, body)
        use.note(self._answer(exchanged, reading, tally), route.role)
        return exchanged

    def _route(self, path: str) -> Route:
        if path not in self.routes:
            served = ", ".join(f"/v1{path}" for path in self.routes)
            raise NotPassedError(
                404, f"the proxy does not pass on POST {path}; it passes on {served}", "not_passed"
            )
        return self.routes[path]

    def _answer(self, exchanged: Exchanged, reading: Reading, tally: Tally) -> Answer:
        completion = exchanged.completion
        return Answer(
            value=None,
            text=completion.text,
            status="ok" if reading.defect is None else status_without(reading),
            rung="text",
            model=completion.model or self.model.id,
            request_hash=exchanged.request.key,
            reasoning=completion.reasoning,
            defects=() if reading.defect is None else (reading.defect,),
            problem=reading.problem,
            tolerated=reading.tolerated,
            usage=tally.usage,
            cost_usd=tally.cost_usd if self.model.price else None,
            latency_s=tally.latency_s,
            attempts=tally.attempts,
            cached=tally.cached,
            finish_reason=completion.finish_reason,
            system_fingerprint=completion.system_fingerprint,
            response_id=completion.response_id,
            server=completion.server,
            address=exchanged.request.address,
            tool_calls=() if reading.defect else completion.tool_calls,
        )


def _as_sent(request: Request) -> dict[str, Any]:
    assert isinstance(request, PassedRequest)
    return dict(request.body)

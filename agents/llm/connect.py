"""From a model's settings to what answers for it: a client of its server, or the offline reader."""

from collections.abc import Mapping

import numpy as np

from investorbench.agents.llm.answer import LanguageModel
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.client import Client
from investorbench.agents.llm.endpoints import Endpoints
from investorbench.agents.llm.models import Model, ProviderName
from investorbench.agents.llm.offline import OfflineReader
from investorbench.agents.llm.outage import Say
from investorbench.agents.llm.providers.anthropic_messages import ANTHROPIC
from investorbench.agents.llm.providers.openai_chat import OPENAI, VLLM
from investorbench.agents.llm.providers.sdk import Dialect, SdkProvider, key_of
from investorbench.agents.llm.spending import Budget

DIALECTS: Mapping[ProviderName, Dialect] = {
    "openai": OPENAI,
    "vllm": VLLM,
    "anthropic": ANTHROPIC,
}
"""What each provider's servers understand; ``offline`` has none."""


def connect(
    model: Model,
    *,
    base_url: str | None = None,
    cache: Cache | None = None,
    budget: Budget | None = None,
    rng: np.random.Generator | None = None,
    endpoints: Endpoints | None = None,
    say: Say | None = None,
) -> LanguageModel:
    """Whatever answers for a model.

    Args:
        model: its settings, from ``load_model`` or ``model_of``.
        base_url: its server; None: the model's own, or its provider's.
        cache: where answers are kept; None asks again each time.
        budget: the money of the run, shared by all its models.
        rng: draws the jitter of retries.
        endpoints: what is known of servers; None: the process's own knowledge.
        say: takes lines about servers that are away; None: nothing is said.

    Raises:
        MissingKeyError: the model needs a key, and its variable is not set; a replay needs none.
    """
    if model.provider == "offline":
        return OfflineReader(model)
    replays = cache is not None and cache.mode == "replay_only"
    key = "" if replays else key_of(model)
    provider = SdkProvider(model, DIALECTS[model.provider], key, base_url)
    return Client(
        model, provider, cache=cache, budget=budget, rng=rng, endpoints=endpoints, say=say
    )

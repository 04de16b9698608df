"""From a model's settings to what answers for it: a client of its server, or the offline reader."""

import numpy as np

from investorbench.agents.llm.answer import LanguageModel
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.client import Client
from investorbench.agents.llm.endpoints import Endpoints
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.offline import OfflineReader
from investorbench.agents.llm.providers.anthropic_messages import ANTHROPIC
from investorbench.agents.llm.providers.openai_chat import OPENAI
from investorbench.agents.llm.providers.sdk import SdkProvider, key_of
from investorbench.agents.llm.spending import Budget

SERVED_URL = "http://127.0.0.1:8000/v1"
"""Where ``investorbench serve`` puts a model unless its address says otherwise."""


def connect(
    model: Model,
    *,
    base_url: str | None = None,
    cache: Cache | None = None,
    budget: Budget | None = None,
    rng: np.random.Generator | None = None,
    endpoints: Endpoints | None = None,
) -> LanguageModel:
    """Whatever answers for a model.

    Args:
        model: its settings, from ``load_model`` or ``model_of``.
        base_url: its server; None: the model's own, its provider's, or ``SERVED_URL``.
        cache: where answers are kept; None asks anew each time.
        budget: the money of the run, shared by all its models.
        rng: draws the jitter of retries.
        endpoints: what is known of servers; None: the process's own knowledge.

    Raises:
        MissingKeyError: the model needs a key, and its variable is not set; a replay needs none.
    """
    if model.provider == "offline":
        return OfflineReader(model)
    if model.provider == "vllm":
        base_url = base_url or model.base_url or SERVED_URL
    dialect = ANTHROPIC if model.provider == "anthropic" else OPENAI
    replays = cache is not None and cache.mode == "replay_only"
    provider = SdkProvider(model, dialect, "" if replays else key_of(model), base_url)
    return Client(model, provider, cache=cache, budget=budget, rng=rng, endpoints=endpoints)

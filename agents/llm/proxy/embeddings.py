"""Embeddings through a proxy: kept, counted and paid like answers, though they are none."""

import json
from collections.abc import Sequence

from investorbench.agents.llm.answer import Completion, Tool
from investorbench.agents.llm.providers.checked import counted
from investorbench.agents.llm.proxy.keys import EMBEDDING
from investorbench.agents.llm.proxy.routes import Route, mapping
from investorbench.agents.llm.retrying import Fault


def _completion_of(text: str, latency_s: float, tools: Sequence[Tool]) -> Completion:
    try:
        reply = json.loads(text, strict=False)
        vectors = [item["embedding"] for item in reply["data"]]
        read = mapping(reply.get("usage")).get("prompt_tokens")
        model = str(reply.get("model") or "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Fault("not_json", "the reply holds no embeddings", reply=text) from None
    if not vectors:
        raise Fault("broken_off", "the reply holds no embedding", reply=text)
    usage = counted({"input": read, "output": 0}, has_output=False)
    return Completion(text="", usage=usage, model=model, latency_s=latency_s)


EMBEDDINGS = Route(
    path="/embeddings",
    completion_of=_completion_of,
    form=lambda asked: "",
    events=None,
    role=EMBEDDING,
)

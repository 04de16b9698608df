"""What the tests of the client share: a schema, a model of a stub server, a way to ask it."""

import asyncio
import json
from typing import Any

from investorbench.agents.llm import Answer, Client, Endpoints, Model, connect, model_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string", "maxLength": 2000},
        "decision": {"type": "string", "enum": ["SELL", "HOLD", "BUY"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "memory_ids": {"type": "array", "items": {"type": "integer", "enum": [1, 2, 3]}},
    },
    "required": ["rationale", "decision", "confidence", "memory_ids"],
    "additionalProperties": False,
}
GOOD = {"rationale": "Demand is up.", "decision": "BUY", "confidence": 0.7, "memory_ids": [1, 3]}
GOOD_TEXT = json.dumps(GOOD)
MESSAGES = [
    {"role": "system", "content": "You trade."},
    {"role": "user", "content": "What now?"},
]
QUICK = {
    "first_wait_s": 0.001,
    "longest_wait_s": 0.01,
    "attempts": 3,
    "attempt_timeout_s": 10.0,
    "total_timeout_s": 60.0,
}
"""Of a server that fails on purpose, and then does not."""
HASTY = QUICK | {"total_timeout_s": 0.05}
"""Of a server that fails for good."""


def model(**settings: Any) -> Model:
    """A model whose server is a stub."""
    plain = {"name": "stub", "provider": "vllm", "id": "stub", "licence": "MIT"}
    plain |= {"patience": QUICK}
    return model_of(plain | settings)


def client(url: str, settings: dict[str, Any] | None = None, **options: Any) -> Client:
    """A client that knows nothing yet of any server."""
    options.setdefault("endpoints", Endpoints())
    connected = connect(model(**(settings or {})), base_url=url, **options)
    assert isinstance(connected, Client)
    return connected


def ask(asked: Client, **options: Any) -> Answer:
    """Ask one question in an event loop of its own."""
    return asyncio.run(asked.decide(MESSAGES, SCHEMA, **options))

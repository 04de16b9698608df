"""A row an answer of a language model: what was said, by which server, at what cost."""

import json
from collections.abc import Iterator

from investorbench.tasks.record.scanning import Scan
from investorbench.tasks.tables.fields import EPISODE, Field, TidyRow

FIELDS = (
    *EPISODE,
    Field("split", "string", "warmup or test"),
    Field("number", "Int64", "of the decision that it was asked for"),
    Field("time", "string", "of the decision, in UTC"),
    Field("session", "string", "of the decision"),
    Field("answer", "Int64", "of those of the decision, from 0"),
    Field("role", "string", "what it was asked for"),
    Field("about", "string", "the asset, where an agent asks about each"),
    Field("is_language_model", "boolean", "whether a model answered, and not rules"),
    Field("answered_by", "string", "the model as the server names it"),
    Field("status", "string", "ok, repaired, refused, truncated or invalid"),
    Field("rung", "string", "how it was asked for, from json_schema to text"),
    Field("problem", "string", "why it could not be used"),
    Field("finish_reason", "string", "why the server ended it"),
    Field("tokens_known", "boolean", "whether the server counted"),
    Field("tokens_read", "Int64", "of the prompt"),
    Field("tokens_cached", "Int64", "of those, from the server's cache"),
    Field("tokens_written", "Int64", "of the answer, thinking included"),
    Field("tokens_reasoning", "Int64", "of those, thinking"),
    Field("cost_usd", "Float64", "empty without a price"),
    Field("latency_s", "Float64", "how long the server was waited for"),
    Field("attempts", "Int64", "how often it was asked"),
    Field("cached", "boolean", "whether it came from our own cache"),
    Field("request_hash", "string", "of all that determines the answer"),
    Field("value_json", "string", "what was read from it"),
    Field("text", "string", "what the model wrote"),
    Field("reasoning", "string", "what it thought, where the server says so"),
)
TEXTS = (
    "role", "about", "status", "rung", "problem", "finish_reason", "request_hash", "text",
    "reasoning",
)  # fmt: skip
AS_THEY_ARE = ("is_language_model", "cost_usd", "latency_s", "attempts", "cached")
TOKENS = {
    "tokens_read": "input",
    "tokens_cached": "cached",
    "tokens_written": "output",
    "tokens_reasoning": "reasoning",
}
_json = json.JSONEncoder(ensure_ascii=False).encode
"""As ``json.dumps``, which makes an encoder at every call."""


def rows(scan: Scan) -> Iterator[TidyRow]:
    """The rows of a split; none of an agent that asks no model.

    Args:
        scan: its lines.
    """
    for line in scan.lines:
        for number, answer in enumerate(line["answers"]):
            tokens = answer.get("tokens") or {}
            known = bool(tokens.get("known"))
            value = answer.get("value")
            own = {"market_seed": str(line["market_seed"])} if "market_seed" in line else {}
            yield {
                **own,
                "number": line["number"],
                "time": line["time"],
                "session": line["session"],
                "answer": number,
                "answered_by": answer.get("model") or None,
                "tokens_known": known,
                **{name: tokens.get(own) if known else None for name, own in TOKENS.items()},
                **{name: answer.get(name) or None for name in TEXTS},
                **{name: answer.get(name) for name in AS_THEY_ARE},
                "value_json": None if value is None else _json(value),
            }

"""The reply that a model is asked for, a signal for each coin, and what is read from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from investorbench.agents.finmem.decision import brief
from investorbench.agents.llm import Answer
from investorbench_env.accounting.signals import HOLD

ARGUMENTS = "trade_signal_args"
"""The key around what is said of a coin, as the arena's models gave it."""
THINKING = "thinking"
UNFIT = "unfit_item"
"""How an answer counts what does not fit its schema and was left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaDecision:
    """What was read from an answer.

    Attributes:
        valid: whether there is one that can be used.
        signals: by coin what was said of it, without what was left empty.
        thinking: the reasons before the signals; may be empty.
        unfit: how many coins' signals did not fit the schema, and were left out.
        problem: what was wrong with these, in words.
    """

    valid: bool
    signals: Mapping[str, Mapping[str, Any]]
    thinking: str = ""
    unfit: int = 0
    problem: str = ""

    @property
    def entries_and_exits(self) -> dict[str, Mapping[str, Any]]:
        """The signals that do something."""
        return {coin: own for coin, own in self.signals.items() if own["signal"] != HOLD}


def schema_of(symbols: Sequence[str], *, thinks: bool) -> dict[str, Any]:
    """A JSON Schema that servers' strict modes take: every key required, no others.

    Args:
        symbols: the coins.
        thinks: whether the reasons come before the signals.
    """
    parts: dict[str, Any] = {THINKING: {"type": ["string", "null"]}} if thinks else {}
    for symbol in symbols:
        own = json.loads(reply_template())
        own["properties"]["coin"]["enum"] = [symbol]
        parts[symbol] = {
            "type": ["object", "null"],
            "properties": {ARGUMENTS: own},
            "required": [ARGUMENTS],
            "additionalProperties": False,
        }
    return {
        "type": "object",
        "properties": parts,
        "required": [*parts],
        "additionalProperties": False,
    }


@cache
def reply_template() -> str:
    """The schema of what is said of one coin."""
    return (files(__package__) / "prompts" / "reply.json").read_text(encoding="utf-8")


def read_reply(answer: Answer) -> ArenaDecision:
    """The decision in an answer; what it breaks of the rules is for the environment to say."""
    value = answer.value
    if value is None:
        return ArenaDecision(valid=False, signals={}, problem=answer.problem)
    given = {coin: part[ARGUMENTS] for coin, part in value.items() if isinstance(part, Mapping)}
    unfit = answer.tolerated.count(UNFIT)
    return ArenaDecision(
        valid=True,
        signals={coin: _said(own) for coin, own in given.items()},
        thinking=brief(value.get(THINKING)),
        unfit=unfit,
        problem=answer.problem if unfit else "",
    )


def _said(own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if value is not None}

"""What the model is asked to answer, and what is read from its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investorbench.agents.llm import Answer
from investorbench_env.spaces import TRADE_WORDS, TradeWord

LONGEST_REFLECTION = 1500
"""Characters of a rationale or reflection that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinMemDecision:
    """What was read from an answer.

    Attributes:
        word: what to do; ``hold`` where there is no valid answer.
        valid: whether there is one.
        rationale: why; may be empty.
        reflection: on recent decisions, where it was asked for.
        cited: ids of memories that were shown.
        dropped: how many labels were named that were never shown.
    """

    word: TradeWord
    valid: bool
    rationale: str = ""
    reflection: str = ""
    cited: tuple[int, ...] = ()
    dropped: int = 0


def schema_of(labels: Sequence[str]) -> dict[str, Any]:
    """A JSON Schema that servers' strict modes take: every key required, no others.

    It is the same for all questions of an episode, for servers keep what prompts have in common
    from their beginning, where many put the schema; and its labels are texts, for some servers
    take no other enumerations.

    Args:
        labels: by which an answer may cite what it was shown.
    """
    parts: dict[str, Any] = {
        "reflection": {"type": "string"},
        "rationale": {"type": "string"},
        "decision": {"type": "string", "enum": ["buy", "hold", "sell"]},
        "memory_ids": {"type": "array", "items": {"type": "string", "enum": [*labels]}},
    }
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }


def word_of(sign: float) -> TradeWord:
    """``buy`` for a positive number, ``sell`` for a negative one, else ``hold``."""
    return TRADE_WORDS[1 + (sign > 0) - (sign < 0)]


def read_answer(
    answer: Answer, shown: Mapping[str, int], forced: TradeWord | None, *, reflects: bool
) -> FinMemDecision:
    """The decision in an answer.

    Args:
        answer: of the model.
        shown: ids by the labels of what was shown.
        forced: what is done whatever the answer, in the warm-up.
        reflects: whether it was asked what recent decisions teach.
    """
    value = answer.value
    if value is None:
        return FinMemDecision(word=forced or "hold", valid=False)
    given = value.get("memory_ids")
    named = given if isinstance(given, list | tuple) else []
    known = [label for label in named if isinstance(label, str) and label in shown]
    word = forced or value.get("decision")
    return FinMemDecision(
        word=word if word in TRADE_WORDS else "hold",
        valid=word in TRADE_WORDS,
        rationale=brief(value.get("rationale")),
        reflection=brief(value.get("reflection")) if reflects else "",
        cited=tuple(dict.fromkeys(shown[label] for label in known)),
        dropped=len(named) - len(known) + answer.tolerated.count("unknown_item"),
    )


def brief(text: object) -> str:
    """As much of a rationale or a reflection as is remembered."""
    words = str(text or "").strip()
    return words if len(words) <= LONGEST_REFLECTION else words[:LONGEST_REFLECTION] + " […]"

"""What the model is asked to answer, and what is read from its answer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investorbench.agents.llm import Answer
from investorbench_env.spaces import TRADE_WORDS, TradeWord

LONGEST_REFLECTION = 1500
"""Characters of a rationale or reflection that are remembered."""

_PARTS: Mapping[str, Mapping[str, Any]] = {
    "reflection": {"type": "string"},
    "rationale": {"type": "string"},
    "decision": {"type": "string", "enum": ["buy", "hold", "sell"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was read from an answer.

    Attributes:
        word: what to do; ``hold`` where there is no valid answer.
        valid: whether there is one.
        rationale: why; may be empty.
        reflection: on recent decisions, where it was asked for.
        cited: ids of memories that were shown.
        dropped: how many ids were named that were never shown.
    """

    word: TradeWord
    valid: bool
    rationale: str = ""
    reflection: str = ""
    cited: tuple[int, ...] = ()
    dropped: int = 0


def schema_of(keys: Sequence[str], ids: Sequence[int]) -> dict[str, Any]:
    """A JSON Schema that servers' strict modes take: every key required, no others.

    Args:
        keys: of ``reflection``, ``rationale``, ``decision``, in that order.
        ids: of the memories shown; without any, none can be cited.
    """
    parts: dict[str, Any] = {key: dict(_PARTS[key]) for key in keys}
    if ids:
        parts["memory_ids"] = {"type": "array", "items": {"type": "integer", "enum": [*ids]}}
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }


def word_of(sign: float) -> TradeWord:
    """``buy`` for a positive number, ``sell`` for a negative one, else ``hold``."""
    return TRADE_WORDS[1 + (sign > 0) - (sign < 0)]


def read_answer(answer: Answer, shown: Collection[int], forced: TradeWord | None) -> Decision:
    """The decision in an answer.

    Args:
        answer: of the model.
        shown: ids of the memories that were shown.
        forced: what is done whatever the answer, in the warm-up.
    """
    value = answer.value
    if value is None:
        return Decision(word=forced or "hold", valid=False)
    given = value.get("memory_ids")
    named = given if isinstance(given, list | tuple) else []
    cited = tuple(dict.fromkeys(id for id in named if type(id) is int and id in shown))
    word = forced or value.get("decision")
    return Decision(
        word=word if word in TRADE_WORDS else "hold",
        valid=word in TRADE_WORDS,
        rationale=_brief(value.get("rationale")),
        reflection=_brief(value.get("reflection")),
        cited=cited,
        dropped=sum(type(id) is not int or id not in cited for id in named)
        + answer.tolerated.count("unknown_item"),
    )


def _brief(text: object) -> str:
    words = str(text or "").strip()
    return words if len(words) <= LONGEST_REFLECTION else words[:LONGEST_REFLECTION] + " […]"

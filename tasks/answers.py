"""What the answers of a language model came to: how many of each kind, at what cost.

An agent that asks one says so in what it records: ``thought["answer"]`` holds the fields of an
``agents.llm.Answer``, ``thought["decision"]["valid"]`` whether a decision was read from it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.result import Result

Thought = Mapping[str, Any]
FIELDS = {"status", "usage", "cost_usd", "latency_s", "is_language_model"}
TOKENS = ("input", "output", "cached", "reasoning")


def tally(thoughts: Iterable[Thought | None]) -> dict[str, Any] | None:
    """How the answers of some steps add up; None where no model was asked.

    ``invalid`` decisions are those without a usable answer, refused and truncated ones included;
    the agent held then. Latency is in seconds, as the server was waited for when it was asked;
    ``cost_usd`` is None where a price is not known.
    """
    asked = [thought for thought in thoughts if thought and _is_answered(thought)]
    if not asked:
        return None
    answers = [thought["answer"] for thought in asked]
    costs = [answer["cost_usd"] for answer in answers]
    decisions = [d if isinstance(d := each.get("decision"), Mapping) else {} for each in asked]
    latencies = np.array([answer["latency_s"] for answer in answers])
    return {
        "decisions": len(asked),
        "is_language_model": all(answer["is_language_model"] for answer in answers),
        "invalid": sum(not decision.get("valid", True) for decision in decisions),
        "status": dict(sorted(Counter(answer["status"] for answer in answers).items())),
        "dropped_ids": sum(decision.get("dropped", 0) for decision in decisions),
        "tokens": {name: sum(a["usage"][name] for a in answers) for name in TOKENS},
        "cost_usd": None if None in costs else float(sum(costs)),
        "latency_s": {
            "mean": float(latencies.mean()),
            "p50": float(np.median(latencies)),
            "p95": float(np.quantile(latencies, 0.95)),
        },
    }


def _is_answered(thought: Thought) -> bool:
    """Whether it holds such an answer, and not something of somebody's own under that name."""
    answer = thought.get("answer")
    return isinstance(answer, Mapping) and answer.keys() >= FIELDS


class Answers(NamedTuple):
    """Counts of a language model's answers, or of what stands in for one.

    Attributes:
        is_language_model: False where rules answered.
        decisions: how many there were.
        invalid: those without a usable answer, which became HOLD.
        refused: of those, the model refused.
        truncated: of those, the answer hit its limit of length.
        false_ids: memories that were cited and never shown.
        read: tokens of all prompts.
        written: tokens of all answers.
        cost_usd: what they cost; None without a price.
    """

    is_language_model: bool
    decisions: int
    invalid: int
    refused: int
    truncated: int
    false_ids: int
    read: int
    written: int
    cost_usd: float | None


def answers_of(result: Result) -> Answers | None:
    """Of an agent that asks a model; None of any other."""
    splits = [split for episode in result.episodes for split in (episode.answers or {}).values()]
    asked = [split for split in splits if split]
    if not asked:
        return None
    costs = [split["cost_usd"] for split in asked]
    statuses: Counter[str] = sum((Counter(split.get("status")) for split in asked), Counter())
    return Answers(
        is_language_model=all(split["is_language_model"] for split in asked),
        decisions=sum(split["decisions"] for split in asked),
        invalid=sum(split["invalid"] for split in asked),
        refused=statuses["refused"],
        truncated=statuses["truncated"],
        false_ids=sum(split.get("dropped_ids", 0) for split in asked),
        read=sum(split["tokens"]["input"] for split in asked),
        written=sum(split["tokens"]["output"] for split in asked),
        cost_usd=None if None in costs else sum(costs),
    )

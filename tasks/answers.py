"""The answers of language models: in what an agent records of a step, and how they add up.

An agent that asks one says so in its ``record()``: under ``answers`` a list of mappings, or under
``answer`` a single one, each with the fields of an ``agents.llm.Answer`` and, where several were
asked, the ``role`` of each. ``decision.valid`` says whether a decision was read from them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.result import Result

RecordedThought = Mapping[str, Any]
RecordedAnswer = Mapping[str, Any]
"""``role``, ``status``, ``tokens``, ``cost_usd``, ``latency_s``, ``is_language_model``, and what is
known besides: its text, the model, how it was asked for."""
FIELDS = {"status", "usage", "cost_usd", "latency_s", "is_language_model"}
TOKENS = ("input", "output", "cached", "reasoning")
DECISION = "decision"
"""The role of an answer that is the only one."""


def answers_in(thought: RecordedThought | None) -> tuple[RecordedAnswer, ...]:
    """The answers of a thought; what is somebody's own under that name is none."""
    found = _found(thought or {})
    return tuple(_answer(each) for each in found)


def without_answers(thought: RecordedThought | None) -> RecordedThought | None:
    """The rest of a thought."""
    if thought is None or not _found(thought):
        return thought
    return {name: part for name, part in thought.items() if name not in ("answer", "answers")}


def tally(
    steps: Iterable[tuple[Sequence[RecordedAnswer], RecordedThought | None]],
) -> dict[str, Any] | None:
    """How the answers of some steps add up; None where no model was asked.

    ``invalid`` decisions are those without a usable answer, refused and truncated ones included;
    the agent held then. Latency is in seconds, as the server was waited for when it was asked;
    ``cost_usd`` is None where a price is not known.

    Args:
        steps: the answers of each step, and what else the agent recorded of it.
    """
    asked = [(answers, thought) for answers, thought in steps if answers]
    if not asked:
        return None
    answers = [answer for own, _ in asked for answer in own]
    costs = [answer["cost_usd"] for answer in answers]
    decisions = [
        made if isinstance(made := (thought or {}).get("decision"), Mapping) else {}
        for _, thought in asked
    ]
    latencies = np.array([answer["latency_s"] for answer in answers])
    return {
        "decisions": len(asked),
        "is_language_model": all(answer["is_language_model"] for answer in answers),
        "invalid": sum(not decision.get("valid", True) for decision in decisions),
        "status": dict(sorted(Counter(answer["status"] for answer in answers).items())),
        "dropped_ids": sum(decision.get("dropped", 0) for decision in decisions),
        "tokens": {name: sum(a["tokens"][name] for a in answers) for name in TOKENS},
        "cost_usd": None if None in costs else float(sum(costs)),
        "latency_s": {
            "mean": float(latencies.mean()),
            "p50": float(np.median(latencies)),
            "p95": float(np.quantile(latencies, 0.95)),
        },
    }


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
    """Over all repeats and both splits, of an agent that asks a model; None of any other."""
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


def _found(thought: RecordedThought) -> list[Mapping[str, Any]]:
    several = thought.get("answers")
    given = several if isinstance(several, list | tuple) else [thought.get("answer")]
    known = [each for each in given if isinstance(each, Mapping) and each.keys() >= FIELDS]
    return known if len(known) == len(given) else []


def _answer(given: Mapping[str, Any]) -> RecordedAnswer:
    rest = {name: value for name, value in given.items() if name not in ("role", "usage")}
    return {
        "role": given.get("role", DECISION),
        "status": given["status"],
        "tokens": given["usage"],
        **rest,
    }

"""The record of one step: what was observed, recalled, asked, answered and done."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from investorbench.agents.finmem.character import Appetite
from investorbench.agents.finmem.decision import Decision
from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.perception import Perception
from investorbench.agents.finmem.question import Question
from investorbench.agents.llm import Answer
from investorbench.memory import Move, Recalled

DECISION, SUMMARY = "decision", "summary"
"""What an answer was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a step rests on up to its question; the attributes are those of :class:`Thought`.

    Attributes:
        equities: at the last decisions and now, oldest first.
    """

    perception: Perception
    label: float | None
    appetite: Appetite
    stored: Mapping[int, str]
    recalled: tuple[Recalled, ...]
    equities: list[float]
    summaries: tuple[Answer, ...]
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """One step of the agent.

    Attributes:
        split: ``"warmup"`` or ``"test"``.
        step: of the repeat, from 0, the warm-up included.
        perception: what was observed, in numbers.
        label: the next step's return; None outside the warm-up.
        appetite: for risk.
        stored: the new documents in memory, by id, with their beginnings.
        recalled: with the three parts of each score.
        summaries: answers to the questions about new filings, one an item.
        question: what was asked.
        answer: of the model.
        decision: what was read from it.
        reflections: ids of what was concluded, in memory.
        feedback: to memories cited earlier.
        deleted: ids that were forgotten at the end of the step.
        moves: of memories that changed their layer then.
        action: what went to the environment: 0 sell, 1 hold, 2 buy, or a target weight.
    """

    split: str
    step: int
    perception: Perception
    label: float | None
    appetite: Appetite
    stored: Mapping[int, str]
    recalled: tuple[Recalled, ...]
    summaries: tuple[Answer, ...]
    question: Question
    answer: Answer
    decision: Decision
    reflections: tuple[int, ...]
    feedback: Feedback
    deleted: tuple[int, ...]
    moves: tuple[Move, ...]
    action: float

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON values, the hash of the prompt beside its text.

        The texts of recalled memories are in the prompt, each in its block, and not repeated. Where
        the decision is not the only answer, all of them are under ``answers``, by their roles.
        """
        record = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        if summaries := record.pop("summaries"):
            record["answers"] = [
                *({**answer, "role": SUMMARY} for answer in summaries),
                {**record["answer"], "role": DECISION},
            ]
        record["question"]["sha256"] = self.question.sha256
        record["answer"]["repaired"] = self.answer.repaired
        for memory in record["recalled"]:
            del memory["text"], memory["metadata"]
        return record


def _plain(value: Any) -> Any:
    """Records and their parts as JSON values; ``dataclasses.asdict`` takes five times as long."""
    if hasattr(value, "_asdict"):
        return value._asdict()
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        return [_plain(item) for item in value]
    return value

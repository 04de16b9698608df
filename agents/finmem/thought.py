"""The record of one step: what was observed, recalled, asked, answered and done."""

from dataclasses import asdict, dataclass
from typing import Any

from agents.finmem.character import Appetite
from agents.finmem.decision import Decision
from agents.finmem.outcomes import Feedback
from agents.finmem.perception import Facts
from agents.finmem.question import Question
from agents.llm import Answer
from memory import Move, Recalled


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A step up to its question; the attributes are those of :class:`Thought`.

    Attributes:
        equities: at the last decisions and now, oldest first.
    """

    facts: Facts
    label: float | None
    appetite: Appetite
    stored: tuple[int, ...]
    recalled: tuple[Recalled, ...]
    equities: list[float]
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """One step of the agent.

    Attributes:
        split: ``"warmup"`` or ``"test"``.
        step: of the life, from 0, the warm-up included.
        facts: what was observed, in numbers.
        label: the next step's return; None outside the warm-up.
        appetite: for risk.
        stored: ids of the new documents in memory.
        recalled: with the three parts of each score.
        question: what was asked.
        answer: of the model.
        decision: what was read from it.
        reflections: ids of what was concluded, in memory.
        feedback: what earlier memories were told.
        deleted: ids that were forgotten at the end of the step.
        moves: of memories that changed their layer then.
        action: what went to the environment: 0 sell, 1 hold, 2 buy, or a target weight.
    """

    split: str
    step: int
    facts: Facts
    label: float | None
    appetite: Appetite
    stored: tuple[int, ...]
    recalled: tuple[Recalled, ...]
    question: Question
    answer: Answer
    decision: Decision
    reflections: tuple[int, ...]
    feedback: Feedback
    deleted: tuple[int, ...]
    moves: tuple[Move, ...]
    action: float

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON values, the hash of the prompt beside its text."""
        told = asdict(self)
        told["question"] = {"sha256": self.question.sha256, **told["question"]}
        told["answer"]["repaired"] = self.answer.repaired
        return told

"""The record of one step: what was observed, recalled, asked, answered and done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from investorbench.agents.finmem.character import Appetite
from investorbench.agents.finmem.decision import FinMemDecision
from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.perception import Perception
from investorbench.agents.finmem.question import AssetBriefing, Question, memory_label
from investorbench.agents.finmem.room import LeftOut, RefusedQuestion
from investorbench.agents.finmem.summaries import Summary
from investorbench.agents.finmem.today import Arrived, NewsSheet
from investorbench.agents.llm import Answer
from investorbench.memory import Move, Recalled

DECISION, SUMMARY = "decision", "summary"
"""What an answer was asked for."""


QUOTED_CHARACTERS = 120
"""Characters of a new text that a record quotes; the whole text is in the market."""


RECALLED = tuple(each.name for each in fields(Recalled) if each.name not in ("text", "metadata"))
"""What is recorded of a memory; its text stands in the prompt."""


class Shown(NamedTuple):
    """How much of what is new a prompt shows.

    Attributes:
        texts: how many arrived; a filing counts as many as it has passages.
        items: how many different things they say.
        shown: of these, those with at least a headline.
        whole: of these, those with all of their text.
        top: the most important ones, all passages of filings among them.
        top_shown: of these, those with at least a headline.
    """

    texts: int
    items: int
    shown: int
    whole: int
    top: int
    top_shown: int

    @classmethod
    def of(cls, news: Arrived, sheet: NewsSheet) -> "Shown":
        """What a sheet shows of what is new."""
        return cls(
            texts=sum(len(item.keys) for item in news.items),
            items=len(news.items),
            shown=len(sheet.places),
            whole=len(sheet.whole),
            top=min(news.top, len(news.items)),
            top_shown=sum(place < news.top for place in sheet.places),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a step rests on up to its question.

    Attributes:
        day: what may be shown.
        vectors: of the texts of its news [N, D].
        equities: at the last decisions and now, oldest first.
        summaries: that were asked for of new filings, one an item.
        refused: longer questions about these, which its server did not take.
    """

    day: AssetBriefing
    vectors: NDArray[np.float32]
    equities: list[float]
    summaries: tuple[Summary, ...]
    refused: tuple[RefusedQuestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """One step of the agent.

    Attributes:
        split: ``"warmup"`` or ``"test"``.
        step: of the repeat, from 0, the warm-up included.
        perception: what was observed, in numbers.
        label: the next step's return; None outside the warm-up.
        appetite: for risk.
        stored: the new texts in memory, by id, with their beginnings.
        news: how much of them the prompt shows.
        recalled: memories that it shows, with the three parts of each score, in its order.
        left_out: what the model had no room for.
        refused: longer questions, which its server did not take.
        summaries: that were asked for of new filings, one an item.
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
    news: Shown
    recalled: tuple[Recalled, ...]
    left_out: LeftOut
    refused: tuple[RefusedQuestion, ...]
    summaries: tuple[Summary, ...]
    question: Question
    answer: Answer
    decision: FinMemDecision
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
        written_apart = ("recalled", "summaries", "question")
        own = (each.name for each in fields(self) if each.name not in written_apart)
        record = {name: plain(getattr(self, name)) for name in own}
        record["recalled"] = recalled_records(self.recalled)
        record["question"] = self.question.record()
        record["answer"]["repaired"] = self.answer.repaired
        if self.summaries:
            record["answers"] = answers_record(self.answer, self.summaries)
        return record


def recalled_records(memories: Sequence[Recalled]) -> list[dict[str, Any]]:
    """What is recorded of the memories that a prompt shows, in its order."""
    return [
        {"label": memory_label(place), **{name: getattr(memory, name) for name in RECALLED}}
        for place, memory in enumerate(memories)
    ]


def answers_record(decision: Answer, summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """All answers of a step by their roles."""
    summed_up = ({**plain(answer), "role": SUMMARY, "about": about} for about, answer in summaries)
    return [
        *summed_up,
        {**plain(decision), "repaired": decision.repaired, "role": DECISION},
    ]


def plain(value: Any) -> Any:
    """Records and their parts as JSON values; ``dataclasses.asdict`` takes five times as long."""
    if hasattr(value, "_asdict"):
        return value._asdict()
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple) and value and not isinstance(value[0], int | float | str):
        return [plain(item) for item in value]
    return value

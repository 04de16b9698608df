"""Theses of a teacher about briefings, of which those are kept that pass a filter.

It asks and judges; answers are kept by the client that it is given, so that none is asked twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

from investorbench.agents.llm import LanguageModel, ModelError, Usage
from investorbench.agents.llm.answer import USABLE
from investorbench.agents.thesis.thesis import without_thinking
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.filters import Judged, reaches
from investorbench.tasks.trading_r1.corpus.rows import ChatMessage, CorpusRow
from investorbench.tasks.trading_r1.corpus.settings import TeacherSettings

NO_ANSWER = "no answer"
"""Of a reply that is no thesis at all: refused, cut off, or empty."""


@dataclass(slots=True, kw_only=True)
class Taught:
    """What a teacher was asked, and what came of it; the same however often it was interrupted.

    Attributes:
        asked: theses that were asked for.
        kept: those that passed.
        rejected: the others, by what they failed by first.
        without: briefings that stay without a thesis.
        input, output: tokens, as the server counted them.
    """

    asked: int = 0
    kept: int = 0
    rejected: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((NO_ANSWER, "structure", "evidence", "direction"), 0)
    )
    without: int = 0
    input: int = 0
    output: int = 0

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        """From what a file holds."""
        return cls(**content)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def count(self, usage: Usage, fault: str | None) -> None:
        """Count a thesis in."""
        self.asked += 1
        self.input += usage.input
        self.output += usage.output
        if fault is None:
            self.kept += 1
        else:
            self.rejected[fault] += 1


class _Try(NamedTuple):
    """One thesis that was asked for, and what it fails by."""

    text: str
    usage: Usage
    fault: str | None
    judged: Judged | None = None


class Teacher:
    """Writes theses into rows.

    Args:
        model: what answers.
        settings: which theses are kept.
        taught: where all is counted.
    """

    def __init__(self, model: LanguageModel, settings: TeacherSettings, taught: Taught) -> None:
        self._model, self._settings, self.taught = model, settings, taught
        self._failure: ModelError | None = None

    async def teach(self, rows: Sequence[CorpusRow]) -> None:
        """Ask about each row to train on, all at once, and write into it what is kept.

        Raises:
            ModelError: the teacher does not answer any more; what it had begun to answer is kept.
        """
        asked = [row for row in rows if row["split"] == "train"]
        found = await asyncio.gather(*map(self._tries, asked))
        if self._failure is not None:
            raise self._failure
        # Counted in the order of the rows, not in that of the answers.
        for row, tries in zip(asked, found, strict=True):
            self._write(row, tries)

    async def _tries(self, row: CorpusRow) -> list[_Try]:
        """All tries at a row."""
        settings, tries = self._settings, list[_Try]()
        most = settings.tries if self._model.is_language_model else 1  # what has but one answer
        citable = Citable.of(row["prompt"][-1]["content"], row["ids"])
        for number in range(most):
            if self._failure is not None:
                break
            try:
                answer = await self._model.decide(
                    row["prompt"],
                    None,
                    seed=row["seed"] + number,
                    repeat=number,
                    max_tokens=settings.max_tokens,
                )
            except ModelError as error:  # others that are on their way are waited for
                self._failure = error
                break
            text = without_thinking(answer.text).strip()
            if answer.status not in USABLE or not text:
                tries.append(_Try(text, answer.usage, NO_ANSWER))
                continue
            judged = settings.keeps.judge(text, citable, row["label"])
            fault = None if reaches(judged.stage, settings.stage) else judged.fault
            tries.append(_Try(text, answer.usage, fault, judged))
            if fault is None:
                break
        return tries

    def _write(self, row: CorpusRow, tries: Sequence[_Try]) -> None:
        for each in tries:
            self.taught.count(each.usage, each.fault)
        row["rejected"] = tries[-1].fault
        self.taught.without += tries[-1].fault is not None
        text, judged = tries[-1].text, tries[-1].judged
        if tries[-1].fault is None and judged is not None:
            said: ChatMessage = {"role": "assistant", "content": text}
            row["completion"] = text
            row["messages"] = [*row["prompt"], said]
            row["teacher"], row["stage"] = self._model.name, judged.stage
            row["structure"], row["evidence"], row["decision"] = judged.rewards

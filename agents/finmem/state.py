"""The state of the agent in one repeat: all that its steps change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from investorbench.agents.finmem.asset_memory import AssetMemory
from investorbench.agents.finmem.decision import FinMemDecision
from investorbench.agents.finmem.past_decisions import Lesson, TrackRecord
from investorbench.agents.finmem.perception import signed_percent
from investorbench.agents.finmem.room import LeftOut
from investorbench.agents.finmem.summaries import Summary, summary_in
from investorbench.agents.llm import Answer


@dataclass(slots=True, kw_only=True)
class Counts:
    """How often what happened.

    Attributes:
        decisions: all of them.
        invalid: those without a usable answer, refused and truncated ones included.
        repaired: those that took a second turn.
        refused: those that the model declined.
        truncated: those that were cut off.
        dropped_ids: labels that the model cited and had never been shown.
        shortened: those of whose day something was left out, for the model had no room for it.
        asked_again: questions that were too long for its server, and asked again with less.
        summaries: items of filings that the model was asked to sum up.
        extracts: those of them of which sentences are kept, because no summary could be used.
    """

    decisions: int = 0
    invalid: int = 0
    repaired: int = 0
    refused: int = 0
    truncated: int = 0
    dropped_ids: int = 0
    shortened: int = 0
    asked_again: int = 0
    summaries: int = 0
    extracts: int = 0

    def add(
        self, answer: Answer, left_out: LeftOut, asked_again: int, *, valid: bool, dropped: int
    ) -> None:
        """Count one decision.

        Args:
            answer: of the model.
            left_out: what it had no room for.
            asked_again: questions that were too long for its server.
            valid: whether the answer could be used.
            dropped: labels that it named and had never been shown.
        """
        self.decisions += 1
        self.invalid += not valid
        self.repaired += answer.repaired
        self.refused += answer.status == "refused"
        self.truncated += answer.status == "truncated"
        self.dropped_ids += dropped
        self.shortened += any(left_out)
        self.asked_again += asked_again

    def add_summaries(self, summaries: Iterable[Summary]) -> None:
        """Count what a model was asked about filings."""
        for summary in summaries:
            self.summaries += 1
            self.extracts += not summary_in(summary.answer)


@dataclass(slots=True, kw_only=True)
class AgentState(AssetMemory):
    """What an agent is between two steps.

    Attributes:
        task: family and symbol, such as ``"Stock-TSLA"``.
        seed: of the repeat.
        split: the one it is in.
        system: the static part of its prompts; empty before the first step.
        schema: of the answers.
        background: of the asset.
        lesson: what recent decisions taught, when that was last asked for.
        context_length: tokens that a request to the model may have; None before the first one, and
            where there is no limit.
        room: tokens of a question, after its server refused a longer one; None before that.
        track: its decisions and their outcomes.
        equities: at the last decisions of the split, oldest first.
        start_equity: at the first decision of the split; None before it.
        label: of the last decision; None outside the warm-up.
        counts: of answers.
    """

    task: str
    seed: int
    split: str
    system: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    background: str = ""
    lesson: Lesson | None = None
    track: TrackRecord = field(default_factory=TrackRecord)
    equities: list[float] = field(default_factory=list)
    start_equity: float | None = None
    label: float | None = None
    context_length: int | None = None
    room: int | None = None
    counts: Counts = field(default_factory=Counts)

    def enter(self, split: str) -> None:
        """Go on in another split: the account begins again, everything else stays."""
        self.split = split
        self.equities, self.start_equity = [], None
        self.label = None

    def reflect(
        self, session: str, decision: FinMemDecision, label: float | None
    ) -> tuple[int, ...]:
        """Remember why something was done, and what recent decisions taught; the ids of both."""
        before = "" if label is None else f", before a return of {signed_percent(label)}"
        why, taught = decision.rationale, decision.reflection
        conclusions = {
            "reflection": why and f"{session}: {decision.word}{before}. {why}",
            "extended reflection": taught and f"{session}, on recent decisions: {taught}",
        }
        ids = [self.conclude(kind, text, session) for kind, text in conclusions.items() if text]
        if taught:
            text = conclusions["extended reflection"]
            self.lesson = Lesson(id=ids[-1], time=session, text=text)
        return tuple(ids)

"""The state of the agent in one repeat: all that its steps change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench.agents.finmem.decision import Decision
from investorbench.agents.finmem.past_decisions import Lesson, TrackRecord
from investorbench.agents.finmem.perception import Arrival, signed_percent
from investorbench.agents.finmem.reports import Report
from investorbench.agents.finmem.room import LeftOut
from investorbench.agents.finmem.summaries import Summary, summary_in
from investorbench.agents.finmem.today import NewsItem
from investorbench.agents.llm import Answer
from investorbench.memory import LayeredMemory


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

    def add(self, answer: Answer, decision: Decision, left_out: LeftOut, asked_again: int) -> None:
        """Count one decision."""
        self.decisions += 1
        self.invalid += not decision.valid
        self.repaired += answer.repaired
        self.refused += answer.status == "refused"
        self.truncated += answer.status == "truncated"
        self.dropped_ids += decision.dropped
        self.shortened += any(left_out)
        self.asked_again += asked_again

    def add_summaries(self, summaries: Iterable[Summary]) -> None:
        """Count what a model was asked about filings."""
        for summary in summaries:
            self.summaries += 1
            self.extracts += not summary_in(summary.answer)


@dataclass(slots=True, kw_only=True)
class AgentState:
    """What an agent is between two steps.

    Attributes:
        task: family and symbol, such as ``"Stock-TSLA"``.
        seed: of the repeat.
        split: the one it is in.
        memory: its long-term memory.
        steps: taken in all.
        system: the static part of its prompts; empty before the first step.
        schema: of the answers.
        background: of the asset.
        seen: keys of all documents that were stored.
        pending: documents that came with the last outcome, to be read in the next step.
        reports: periodic ones that were read, oldest first.
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
    memory: LayeredMemory
    steps: int = 0
    system: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    background: str = ""
    seen: set[str] = field(default_factory=set)
    pending: tuple[Arrival, ...] = ()
    reports: list[Report] = field(default_factory=list)
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

    def arrived(self, documents: Iterable[Arrival], longest: int) -> list[Arrival]:
        """What is to be read: what was pending and what else came, each once; no second readings.

        A report of which somebody else's summary was read, or comes with it, is not read itself.

        Args:
            documents: that came.
            longest: characters to keep of a filing.
        """
        came = {each.key: each for each in (*self.pending, *documents)}
        new = [each for key, each in came.items() if key not in self.seen]
        reports = [Report.of(each.about_filing("")) for each in new]
        summaries = [
            Report.of(each.about_filing("whole")) if each.is_kept_whole(longest) else None
            for each in new
        ]
        beside = [report for report in summaries if report is not None]
        return [
            each
            for each, report, summary in zip(new, reports, summaries, strict=True)
            if report is None
            or not report.is_summed_up([*self.reports, *(() if summary else beside)])
        ]

    @property
    def usual_texts(self) -> float:
        """Documents a step, up to the last one."""
        return len(self.seen) / self.steps if self.steps else 0.0

    def store(self, items: Sequence[NewsItem], vectors: NDArray[np.float32]) -> dict[int, int]:
        """Remember what is new, all that was pending among it.

        Args:
            items: what is new.
            vectors: of their texts [N, D].

        Returns:
            Ids by the place of an item; a report that is summed up already has none.
        """
        places = sorted(range(len(items)), key=lambda place: _batch(items[place]))
        ids: dict[int, int] = {}
        for _, together in groupby(places, key=lambda place: _batch(items[place])):
            batch = list(together)
            made = self._remember([items[place] for place in batch], vectors[batch])
            ids.update(zip(batch, made, strict=False))
        self.seen.update(key for item in items for key in item.keys)
        self.pending = ()
        return dict(sorted(ids.items()))

    def _remember(self, items: Sequence[NewsItem], vectors: NDArray[np.float32]) -> list[int]:
        """Remember stories, or all passages of one filing, which may take the place of others."""
        first = items[0].part
        report = Report.of(first.metadata)
        metadata = [item.metadata() for item in items]
        if report is not None:
            if report.is_summed_up(self.reports):
                return []
            self.memory.forget(report.replaces(self.reports, {each["item"] for each in metadata}))
            self.reports.append(report)
        layer = self.memory.profile.place(first.layer)
        texts = [item.part.text for item in items]
        ids = self.memory.add(texts, layer, first.time, metadata, vectors=vectors)
        if report is not None:
            for id, about in zip(ids, metadata, strict=True):
                report.ids.setdefault(about["item"], []).append(id)
        return ids

    def reflect(self, session: str, decision: Decision, label: float | None) -> tuple[int, ...]:
        """Remember why something was done, and what recent decisions taught; the ids of both."""
        before = "" if label is None else f", before a return of {signed_percent(label)}"
        why, taught = decision.rationale, decision.reflection
        conclusions = {
            "reflection": why and f"{session}: {decision.word}{before}. {why}",
            "extended reflection": taught and f"{session}, on recent decisions: {taught}",
        }
        layer = self.memory.profile.reflections
        ids: list[int] = []
        for kind, text in conclusions.items():
            if text:
                ids += self.memory.add(text, layer, session, {"kind": kind})
        if taught:
            text = conclusions["extended reflection"]
            self.lesson = Lesson(id=ids[-1], time=session, text=text)
        return tuple(ids)


def _batch(item: NewsItem) -> tuple[str, str, str]:
    """What is added at once, oldest first; each report is by itself."""
    part = item.part
    is_report = Report.of(part.metadata) is not None
    return part.time, part.key if is_report else "", part.layer

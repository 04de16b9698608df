"""The state of the agent in one repeat: all that its steps change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from investorbench.agents.finmem.decision import Decision
from investorbench.agents.finmem.past_decisions import TrackRecord
from investorbench.agents.finmem.perception import Arrival, signed_percent
from investorbench.agents.finmem.reports import Report
from investorbench.agents.finmem.summaries import summary_in
from investorbench.agents.llm import Answer
from investorbench.memory import LayeredMemory

QUOTED_CHARACTERS = 120
"""Characters of a new document that a record quotes; the whole text is in the market."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """How often what happened.

    Attributes:
        decisions: all of them.
        invalid: those without a usable answer, refused and truncated ones included.
        repaired: those that took a second turn.
        refused: those that the model declined.
        truncated: those that were cut off.
        dropped_ids: ids that the model cited and had never been shown.
        summaries: items of filings that the model was asked to sum up.
        extracts: those of them of which sentences are kept, because no summary could be used.
    """

    decisions: int = 0
    invalid: int = 0
    repaired: int = 0
    refused: int = 0
    truncated: int = 0
    dropped_ids: int = 0
    summaries: int = 0
    extracts: int = 0

    def add(self, answer: Answer, decision: Decision) -> None:
        """Count one decision."""
        self.decisions += 1
        self.invalid += not decision.valid
        self.repaired += answer.repaired
        self.refused += answer.status == "refused"
        self.truncated += answer.status == "truncated"
        self.dropped_ids += decision.dropped

    def add_summaries(self, answers: Iterable[Answer]) -> None:
        """Count what a model was asked about filings."""
        for answer in answers:
            self.summaries += 1
            self.extracts += not summary_in(answer)


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
        background: of the asset.
        seen: keys of all documents that were stored.
        pending: documents that came with the last outcome, to be read in the next step.
        reports: periodic ones that were read, oldest first.
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
    background: str = ""
    seen: set[str] = field(default_factory=set)
    pending: tuple[Arrival, ...] = ()
    reports: list[Report] = field(default_factory=list)
    track: TrackRecord = field(default_factory=TrackRecord)
    equities: list[float] = field(default_factory=list)
    start_equity: float | None = None
    label: float | None = None
    counts: Counts = field(default_factory=Counts)

    def enter(self, split: str) -> None:
        """Go on in another split: the account begins again, everything else stays."""
        self.split = split
        self.equities, self.start_equity = [], None
        self.label = None

    def arrived(self, documents: Iterable[Arrival]) -> list[Arrival]:
        """What is to be read: what was pending and what else came, each once; no second readings.

        A report of which somebody else's summary was read is not read itself.
        """
        new = {each.key: each for each in (*self.pending, *documents)}
        return [
            each
            for key, each in new.items()
            if key not in self.seen and not self._has_summary_of(each)
        ]

    def _has_summary_of(self, document: Arrival) -> bool:
        about = {"form": document.metadata["kind"], "filed": document.time, "period": "", "by": ""}
        report = Report.of(about)
        return report is not None and report.is_summed_up(self.reports)

    def store(self, parts: Iterable[Arrival]) -> dict[int, str]:
        """Remember documents, all that were pending among them; their ids and beginnings."""
        stored: dict[int, str] = {}
        for _, together in groupby(parts, key=_batch):
            batch = tuple(together)
            stored |= self._remember(batch)
            self.seen.update(part.key for part in batch)
        self.pending = ()
        return stored

    def _remember(self, parts: tuple[Arrival, ...]) -> dict[int, str]:
        """Remember documents that are no reports, or all parts of one in the place of others."""
        report = Report.of(parts[0].metadata)
        if report is not None:
            if report.is_summed_up(self.reports):
                return {}
            items = {part.metadata["item"] for part in parts}
            self.memory.forget(report.replaces(self.reports, items))
            self.reports.append(report)
        layer = self.memory.profile.place(parts[0].layer)
        texts, metadata = [part.text for part in parts], [part.metadata for part in parts]
        ids = self.memory.add(texts, layer, parts[0].time, metadata)
        if report is not None:
            for id, about in zip(ids, metadata, strict=True):
                report.ids.setdefault(about["item"], []).append(id)
        return {id: text[:QUOTED_CHARACTERS] for id, text in zip(ids, texts, strict=True)}

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
        return tuple(ids)


def _batch(part: Arrival) -> tuple[str, str, str]:
    """What is embedded at once, which takes a fraction of the time; each report is by itself."""
    is_report = Report.of(part.metadata) is not None
    return part.key if is_report else "", part.layer, part.time

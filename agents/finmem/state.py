"""The state of the agent in one repeat: all that its steps change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from investorbench.agents.finmem.decision import Decision
from investorbench.agents.finmem.past_decisions import TrackRecord
from investorbench.agents.finmem.perception import Arrival, signed_percent
from investorbench.agents.finmem.reports import Report
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
    """

    decisions: int = 0
    invalid: int = 0
    repaired: int = 0
    refused: int = 0
    truncated: int = 0
    dropped_ids: int = 0

    def add(self, answer: Answer, decision: Decision) -> None:
        """Count one decision."""
        self.decisions += 1
        self.invalid += not decision.valid
        self.repaired += answer.repaired
        self.refused += answer.status == "refused"
        self.truncated += answer.status == "truncated"
        self.dropped_ids += decision.dropped


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
        pending: documents that came with the last outcome, to be stored in the next step.
        reports: periodic ones that were read, oldest first.
        track: its decisions and their outcomes.
        equities: at the last decisions of the split, oldest first.
        start_equity: at the first decision of the split; None before it.
        side: the sign of the position over the last step; None: not known.
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
    side: int | None = None
    label: float | None = None
    counts: Counts = field(default_factory=Counts)

    def enter(self, split: str) -> None:
        """Go on in another split: the account begins again, everything else stays."""
        self.split = split
        self.equities, self.start_equity = [], None
        self.side = self.label = None

    def store(self, documents: Iterable[Arrival]) -> dict[int, str]:
        """Remember documents and those that were pending, each once; their ids and beginnings."""
        stored: dict[int, str] = {}
        for batch in (self.pending, documents):
            for key, parts in groupby(batch, key=attrgetter("key")):
                if key not in self.seen:
                    stored |= self._remember(tuple(parts))
                    self.seen.add(key)
        self.pending = ()
        return stored

    def _remember(self, parts: tuple[Arrival, ...]) -> dict[int, str]:
        """Remember all parts of one document, in the place of what it supersedes."""
        report = Report.of(parts[0].metadata)
        if report is not None:
            if report.is_summed_up(self.reports):
                return {}
            items = {part.metadata["item"] for part in parts}
            self.memory.forget(report.replaces(self.reports, items))
            self.reports.append(report)
        stored: dict[int, str] = {}
        for part in parts:
            layer = self.memory.profile.place(part.layer)
            ids = self.memory.add(part.text, layer, part.time, part.metadata)
            stored |= dict.fromkeys(ids, part.text[:QUOTED_CHARACTERS])
            if report is not None:
                report.ids.setdefault(part.metadata["item"], []).extend(ids)
        return stored

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

"""What is remembered of one asset, and which of its documents were read."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.reports import Report
from investorbench.agents.finmem.today import NewsItem
from investorbench.memory import LayeredMemory
from investorbench_env.errors import InvestorBenchError

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class AssetMemory:
    """An asset's memory, and which of its documents went into it.

    Attributes:
        memory: long-term.
        steps: taken in all.
        seen: keys of all documents that were stored.
        pending: documents that came with the last outcome, to be read in the next step.
        reports: periodic ones that were read, oldest first.
    """

    memory: LayeredMemory
    steps: int = 0
    seen: set[str] = field(default_factory=set)
    pending: tuple[Arrival, ...] = ()
    reports: list[Report] = field(default_factory=list)

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

    def conclude(self, kind: str, text: str, session: str) -> int:
        """Remember what the agent itself concluded; the id of it.

        Args:
            kind: ``"reflection"`` on one decision, or ``"extended reflection"`` on several.
            text: what is remembered.
            session: of the decision, YYYY-MM-DD.
        """
        layer = self.memory.profile.reflections
        (id,) = self.memory.add(text, layer, session, {"kind": kind})
        return id


def require_new(memory: LayeredMemory) -> None:
    """Refuse a memory that already holds something when a repeat begins.

    Raises:
        InvestorBenchError: it has steps behind it.
    """
    if memory.steps > 0:
        raise InvestorBenchError(
            f"a new repeat begins, but its memory holds {memory.steps} steps already: load what "
            "was saved, or have memory=… make an empty one at each call"
        )


async def apart(memory: LayeredMemory, work: Callable[..., T], *arguments: object) -> T:
    """Do the work of a step, in another thread where memory may keep the event loop waiting."""
    if memory.is_slow:
        return await asyncio.to_thread(work, *arguments)
    return work(*arguments)


def _batch(item: NewsItem) -> tuple[str, str, str]:
    """What is added at once, oldest first; each report is by itself."""
    part = item.part
    is_report = Report.of(part.metadata) is not None
    return part.time, part.key if is_report else "", part.layer

"""Every decision of a run, for the browser in the page: as much as a budget of bytes allows.

First go the facts, actions and outcomes of all decisions; then memories, prompts and answers of the
repeats whose figures are shown; then those of the others. What is left out is named.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.report.content import RecordedRow
from investorbench.tasks.report.packing import PageBudget, packed_json
from investorbench.tasks.report.shared_lines import Lines
from investorbench.tasks.report.shown import DecisionRow, facts_of, outcome_names, texts_of
from investorbench_env.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeNote:
    """What a page says of an episode beside its decisions.

    Attributes:
        place: where it is recorded, from the name of the run on.
        days: how many decisions can be read.
        thinks: whether its agent recorded prompts, answers or thoughts.
        outcome: what the figures of an outcome are.
        begun: when its first decision was written, ISO 8601 in UTC; empty where that is not known.
        ended: when its last one was, likewise.
        opening: the account's value before it; None where that is not known.
        code: SHA-256 of the code that ran; empty where that is not known.
        problems: what of its file could not be read.
    """

    place: str
    days: int
    thinks: bool
    outcome: tuple[str, ...] = ()
    begun: str = ""
    ended: str = ""
    opening: float | None = None
    code: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDecisions:
    """The decisions of one repeat.

    Attributes:
        note: what is said of it beside them.
        facts: observation, action and outcome of each, short.
        texts: memories, prompt and answer of each; empty for an agent that records none.
    """

    note: EpisodeNote
    facts: list[DecisionRow] = field(default_factory=list)
    texts: list[DecisionRow] = field(default_factory=list)

    def packed(self, part: str, lines: Lines) -> str:
        """Its ``facts`` or ``texts`` with the lines that are its own."""
        decisions = self.facts if part == "facts" else self.texts
        own: dict[int, int] = {}
        placed = lines.placed(list(decisions), own)
        return packed_json({"decisions": placed, "lines": lines.texts(own)})


class ListedEpisode(NamedTuple):
    """A repeat as the page lists it.

    Attributes:
        task: the name of its task in the page.
        agent: who took the decisions.
        repeat: its number.
        simulated: whether the market is.
        shown: whether curves are those of this repeat.
        finished: whether it came to its end.
    """

    task: str
    agent: str
    repeat: int
    simulated: bool
    shown: bool
    finished: bool

    def entry(self, note: EpisodeNote, blocks: Mapping[str, str | None]) -> dict[str, Any]:
        """Its entry in the directory of a page, with the names of its blocks."""
        known = {"days": note.days, "path": note.place, "thinks": note.thinks}
        known |= {"outcome": note.outcome, "opening": note.opening}
        return {**self._asdict(), **known, **blocks}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedDecisions:
    """What goes into the page.

    Attributes:
        directory: of the episodes, with the names of their blocks; null for what is left out.
        blocks: packed JSON by name.
        is_whole: whether nothing was left out.
    """

    directory: dict[str, Any]
    blocks: dict[str, str]
    is_whole: bool


class ReadDecisions:
    """All decisions of the test split, of a page that holds as many of them as it has room for.

    Args:
        records: where they are, best agents first: these get room first.
        names: the task's name in the page, by the position of the record.
        watch: is called after each episode.
    """

    def __init__(
        self,
        records: Sequence[RecordedRow],
        names: Sequence[str],
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self.notes: list[EpisodeNote] = []
        self._tables: dict[str, Lines] = {}
        self._episodes: list[tuple[ListedEpisode, EpisodeDecisions]] = []
        for record, name in zip(records, names, strict=True):
            lines = self._tables.setdefault(name, Lines())
            for repeat, path in enumerate(record.job.episodes):
                read = read_record(path / FILES["test"])
                facts, owner = record.entry.result.facts, len(self._episodes)
                episode = decisions_of(record.job, repeat, read, facts, lines, owner)
                self.notes.append(episode.note)
                if episode.facts:
                    self._episodes.append((listed_episode(name, record, repeat), episode))
                watch()

    def pack(self, size: int) -> PackedDecisions:
        """As much as there is room for.

        Args:
            size: bytes of all blocks together.
        """
        budget = PageBudget(size)
        shared = {name: _shared(budget, name, lines) for name, lines in self._tables.items()}
        ids: list[dict[str, str | None]] = [{"facts": None, "texts": None} for _ in self._episodes]
        is_whole = all(shared.values())
        for part, wanted in (("facts", None), ("texts", True), ("texts", False)):
            for number, (listed, episode) in enumerate(self._episodes):
                decisions = episode.facts if part == "facts" else episode.texts
                if decisions and wanted in (None, listed.shown) and shared[listed.task]:
                    name = f"{part}-{number + 1}"
                    content = episode.packed(part, self._tables[listed.task])
                    ids[number][part] = name if budget.take(name, content) else None
                    is_whole = is_whole and ids[number][part] is not None
        entries = [
            listed.entry(episode.note, own)
            for (listed, episode), own in zip(self._episodes, ids, strict=True)
        ]
        return PackedDecisions(
            directory={"tables": shared, "episodes": entries},
            blocks=budget.blocks,
            is_whole=is_whole,
        )


def decisions_of(
    job: RecordedJob,
    repeat: int,
    record: RecordFile,
    environment: Facts,
    lines: Lines,
    owner: int = 0,
) -> EpisodeDecisions:
    """All that can be read of an episode's test split, as the page shows it.

    Args:
        job: of the episode.
        repeat: its number.
        record: its file.
        environment: what is known of the environment.
        lines: where texts are kept.
        owner: its number among those that have the same.
    """
    facts = [facts_of(line, environment, lines, owner) for line in record.lines]
    texts = [texts_of(line, lines, owner) for line in record.lines]
    note = note_of(job, repeat, record, environment)
    return EpisodeDecisions(note=note, facts=facts, texts=texts if any(texts) else [])


def note_of(job: RecordedJob, repeat: int, record: RecordFile, environment: Facts) -> EpisodeNote:
    """What the page says of an episode beside its decisions.

    Args:
        job: of the episode.
        repeat: its number.
        record: its file.
        environment: what is known of the environment.
    """
    place = f"{job.place}/repeat-{repeat}"
    problems = tuple(f"{place}/{FILES['test']}: {each}" for each in record.problems[:1])
    if not record.lines:
        return EpisodeNote(place=place, days=0, thinks=False, problems=problems)
    return EpisodeNote(
        place=place,
        days=len(record.lines),
        thinks=any(line.thought or line.answers for line in record.lines),
        outcome=outcome_names(environment),
        begun=record.lines[0].written_at,
        ended=record.lines[-1].written_at,
        opening=record.header.opening.equity if record.header else None,
        code=str(record.header.code.get("sha256") or "") if record.header else "",
        problems=problems,
    )


def listed_episode(name: str, record: RecordedRow, repeat: int) -> ListedEpisode:
    """A repeat of a recorded row as the page lists it.

    Args:
        name: of its task in the page.
        record: whose.
        repeat: its number.
    """
    failed = {failure.repeat for failure in record.entry.failures}
    finished = [number for number in range(record.job.repeats) if number not in failed]
    result = record.entry.result
    shown = {n for n, own in zip(finished, result.episodes, strict=False) if own is record.episode}
    return ListedEpisode(
        task=name,
        agent=record.agent,
        repeat=repeat,
        simulated=result.simulated,
        shown=repeat in shown,
        finished=repeat in finished,
    )


def problems_of(notes: Iterable[EpisodeNote]) -> list[str]:
    """What could not be read of all of them."""
    return [problem for note in notes for problem in note.problems]


def _shared(budget: PageBudget, name: str, lines: Lines) -> str | None:
    block = f"lines-{name}"
    return block if budget.take(block, packed_json(lines.shared())) else None

"""Every decision of a run, for the browser in the page: as much as a budget of bytes allows.

First go the facts, actions and outcomes of all decisions; then memories, prompts and answers of the
repeats whose figures are shown; then those of the others. What is left out is named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.report.content import RecordedRow
from investorbench.tasks.report.packing import PageBudget, packed_json
from investorbench.tasks.report.shared_lines import Lines
from investorbench.tasks.report.shown import DecisionRow, facts_of, outcome_names, texts_of
from investorbench_env.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeDecisions:
    """The decisions of one repeat.

    Attributes:
        task: the name of its task's table of lines.
        agent: who took them.
        repeat: its number.
        simulated: whether the market is.
        shown: whether curves are those of this repeat.
        finished: whether it came to its end.
        place: where it is recorded, from the name of the run on.
        environment: what is known of the task's environment.
        facts: observation, action and outcome of each, short.
        texts: memories, prompt and answer of each; empty for an agent that records none.
    """

    task: str
    agent: str
    repeat: int
    simulated: bool
    shown: bool
    finished: bool
    place: str
    environment: Facts
    facts: list[DecisionRow] = field(default_factory=list)
    texts: list[DecisionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedDecisions:
    """What goes into the page.

    Attributes:
        directory: of the episodes, with the names of their blocks; null for what is left out.
        blocks: packed JSON by name.
        problems: what could not be read.
    """

    directory: dict[str, Any]
    blocks: dict[str, str]
    problems: tuple[str, ...]


def pack_decisions(
    records: Sequence[RecordedRow],
    names: Mapping[int, str],
    *,
    size: int,
    watch: Callable[[], None] = lambda: None,
) -> PackedDecisions:
    """Read all decisions of the test split, and pack what there is room for.

    Args:
        records: where they are, best agents first: these get room first.
        names: the task's name in the page, by the position of the record.
        size: bytes of all blocks together.
        watch: is called after each episode.
    """
    tables: dict[str, Lines] = {}
    episodes: list[EpisodeDecisions] = []
    problems: list[str] = []
    for number, record in enumerate(records):
        lines = tables.setdefault(names[number], Lines())
        for repeat, path in enumerate(record.job.episodes):
            episode = _episode(names[number], record, repeat)
            broken = _read_into(episode, path / FILES["test"], lines, len(episodes))
            problems += [f"{episode.place}/{FILES['test']}: {each}" for each in broken[:1]]
            if episode.facts:
                episodes.append(episode)
            watch()
    budget = PageBudget(size)
    shared = {name: _shared(budget, name, lines) for name, lines in tables.items()}
    ids: list[dict[str, str | None]] = [{"facts": None, "texts": None} for _ in episodes]
    for part, wanted in (("facts", None), ("texts", True), ("texts", False)):
        for number, episode in enumerate(episodes):
            decisions = episode.facts if part == "facts" else episode.texts
            if decisions and wanted in (None, episode.shown) and shared[episode.task]:
                name = f"{part}-{number + 1}"
                content = _packed(decisions, tables[episode.task])
                ids[number][part] = name if budget.take(name, content) else None
    listed = [_listed(episode, own) for episode, own in zip(episodes, ids, strict=True)]
    return PackedDecisions(
        directory={"tables": shared, "episodes": listed},
        blocks=budget.blocks,
        problems=tuple(problems),
    )


def _episode(name: str, record: RecordedRow, repeat: int) -> EpisodeDecisions:
    failed = {failure.repeat for failure in record.entry.failures}
    finished = [number for number in range(record.job.repeats) if number not in failed]
    result = record.entry.result
    shown = {n for n, own in zip(finished, result.episodes, strict=False) if own is record.episode}
    return EpisodeDecisions(
        task=name,
        agent=record.agent,
        repeat=repeat,
        simulated=result.simulated,
        shown=repeat in shown,
        finished=repeat in finished,
        place=f"{record.job.place}/repeat-{repeat}",
        environment=result.facts,
    )


def _read_into(episode: EpisodeDecisions, path: Path, lines: Lines, owner: int) -> list[str]:
    """Read an episode's record; returns what is wrong with it."""
    record = read_record(path)
    texts = []
    for line in record.lines:
        episode.facts.append(facts_of(line, episode.environment, lines, owner))
        texts.append(texts_of(line, lines, owner))
    if any(texts):
        episode.texts.extend(texts)
    return list(record.problems)


def _shared(budget: PageBudget, name: str, lines: Lines) -> str | None:
    block = f"lines-{name}"
    return block if budget.take(block, packed_json(lines.shared())) else None


def _packed(decisions: Sequence[DecisionRow], lines: Lines) -> str:
    own: dict[int, int] = {}
    placed = lines.placed(list(decisions), own)
    return packed_json({"decisions": placed, "lines": lines.texts(own)})


def _listed(episode: EpisodeDecisions, ids: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "task": episode.task,
        "agent": episode.agent,
        "repeat": episode.repeat,
        "simulated": episode.simulated,
        "shown": episode.shown,
        "finished": episode.finished,
        "days": len(episode.facts),
        "path": episode.place,
        "thinks": bool(episode.texts),
        "outcome": outcome_names(episode.environment),
        **ids,
    }

"""The folder of one episode: its record as it grows, and how a killed one is resumed.

``warmup.jsonl`` and ``decisions.jsonl`` have a header and a line a step. ``checkpoint.json`` names
the folder in which the agent was last saved, if it can be. An episode that was killed is resumed
from there: recorded actions up to the checkpoint are taken again without asking the agent; those
after it the agent takes again, with answers that were kept, and must take as recorded; then new
lines follow.
"""

import asyncio
import contextlib
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from investorbench.agents.agent import Runner
from investorbench.tasks.answers import RecordedAnswer, tally
from investorbench.tasks.labelled import LabelledEpisode
from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.lines import (
    BEFORE_THE_FIRST,
    RecordError,
    RecordFile,
    chained,
    hash_of,
    read_record,
)
from investorbench.tasks.record.schema import SCHEMA, Content, Header, Line, steps_of
from investorbench.tasks.record.settings import hashes_of
from investorbench.tasks.result import Episode, Failure
from investorbench.tasks.step import Step
from investorbench_env.errors import InvestorBenchError

FILES = {"warmup": "warmup.jsonl", "test": "decisions.jsonl"}
METRICS, FAILURE = "metrics.json", "failure.json"
"""What came of an episode; and why it did not come to its end, gone when it has."""
LABELS = "labels.json"
"""What came after each decision, and what it earned, so that no market is needed to score it."""
CHECKPOINT = "checkpoint.json"
"""Where it is resumed."""
SAVE_EVERY = 10
"""Steps from one checkpoint to the next; an archived memory must be able to go back further."""
LEAST_USD = 1e-9
"""What is less came of rounding."""
MAY_DIFFER = ("agent.described", "code", "written_at")
"""Of a header, when an episode is resumed: one that is finished asks no agent any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where an episode is resumed.

    Attributes:
        split: the split it was in.
        steps: those taken in it.
        agent: where the agent was saved; None where it has nothing left to decide.
    """

    split: str
    steps: int
    agent: Path | None


@contextlib.contextmanager
def _nowhere() -> Iterator[Path]:
    """A folder for an agent's files, from which no path leads to the run and its seed."""
    with tempfile.TemporaryDirectory(prefix="investorbench-agent-") as room:
        yield Path(room)


def figures_in(path: Path) -> Content:
    """What was written of a finished episode in its folder, without a look at its lines."""
    return read_json(path / METRICS)


def labels_in(path: Path) -> LabelledEpisode | None:
    """What was written of the labels of an episode in its folder; None where nothing was.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    file = path / LABELS
    if not file.exists():
        return None
    try:
        return LabelledEpisode.of(read_json(file))
    except ValueError as error:
        raise InvestorBenchError(f"{file} cannot be read: {error}") from None


class EpisodeFolder:
    """What is known of an episode, and where the rest is written.

    Args:
        path: the folder; made when the first line is written.
        save_every: steps from one checkpoint to the next.
        settings: all that determines what comes out, for the headers.
        ahead: by how many steps the first checkpoint comes before the others would have it.
            Episodes that wait for one server reach their steps together, and need not all save
            there.

    Raises:
        RecordError: what is recorded was changed or damaged, or is of another version.
    """

    def __init__(
        self,
        path: Path,
        save_every: int = SAVE_EVERY,
        settings: Mapping[str, Any] | None = None,
        ahead: int = 0,
    ) -> None:
        self.path = path
        self._save_every = save_every
        self._settings = settings or {}
        self._described: Mapping[str, Any] | None = None
        self._unsaved = ahead % save_every
        self._uncharged_usd = 0.0
        self._records = {
            split: read_record(path / name).require_resumable() for split, name in FILES.items()
        }
        self._file: IO[bytes] | None = None
        self._before = BEFORE_THE_FIRST
        self.checkpoint = self._checkpoint()

    @property
    def is_finished(self) -> bool:
        """Whether its figures are there."""
        return (self.path / METRICS).exists()

    @property
    def needs_agent(self) -> bool:
        """Whether it goes on with an agent that was saved, and not only with what is recorded."""
        return self.checkpoint is not None and self.checkpoint.agent is not None

    def has_passed(self, split: str) -> bool:
        """Whether the episode is resumed in a later split than this one."""
        return split == "warmup" and self.checkpoint is not None and self.checkpoint.split == "test"

    def taken(self, split: str) -> list[Any]:
        """The recorded actions of a split that the agent need not take again, in plain values."""
        if self.checkpoint is None or self.checkpoint.split != split:
            return []
        return [line.action for line in self._records[split].lines[: self.checkpoint.steps]]

    def forecasts(self, split: str) -> list[Content | None]:
        """What was said of the return at each recorded decision of a split."""
        return [line.forecast for line in self._records[split].lines]

    def steps(self) -> list[Step]:
        """The recorded steps of the test split."""
        record = self._records["test"]
        return [] if record.header is None else steps_of(record.header, record.lines)

    def snapshot(self, number: int) -> "RecordedSnapshot":
        """What is recorded of a snapshot of a block."""
        return RecordedSnapshot(self, self._records["test"].lines[number : number + 1])

    def answers(self, split: str) -> list[Sequence[RecordedAnswer]]:
        """Those of each step of a split that was recorded before."""
        return [line.answers for line in self._records[split].lines]

    def thoughts(self) -> list[Content | None]:
        """What the agent recorded at each recorded decision of the test split."""
        return [line.thought for line in self._records["test"].lines]

    def equities(self, split: str) -> tuple[list[float], float]:
        """The account at each recorded decision of a split, and after the last of them."""
        record = self._records[split]
        assert record.header is not None  # it has lines
        known = [record.header.opening.equity, *(line.account.equity for line in record.lines)]
        return known[:-1], known[-1]

    def charge(self, paid_usd: float) -> None:
        """Add what was paid for answers that no line holds, as a kill leaves it, to the next one.

        Args:
            paid_usd: what the calls of this episode have cost so far.
        """
        known = [answer for split in FILES for own in self.answers(split) for answer in own]
        charged = math.fsum(answer["cost_usd"] or 0.0 for answer in known)
        self._uncharged_usd = paid_usd - charged if paid_usd - charged > LEAST_USD else 0.0

    def describe(self, described: Mapping[str, Any] | None) -> None:
        """What determines the agent, where it says so: headers and figures hold it."""
        self._described = described

    def header_of(self, step: Step) -> Header:
        """What is known before the first decision of a split, of which this is the step."""
        return Header(
            facts=step.facts,
            opening=step.info["account"],
            split=step.split,
            repeat=step.repeat,
            seed=step.seed,
            market_seed=step.market_seed,
            agent={"name": self._settings.get("name"), "described": self._described},
            model=self._settings.get("model"),
            configuration=hashes_of(self._settings),
            code=code_of(),
            written_at=_now(),
        )

    def write(self, step: Step) -> None:
        """Add the line of a step, or see that it is the one that is recorded.

        Raises:
            RecordError: it is recorded otherwise.
        """
        record = self._records[step.split]
        if step.number == 0 and record.header is not None:
            self._require_same_start(step, record.header)
        line = Line.of(step, written_at=_now())
        if step.number < len(record.lines):
            self._require_same(step, line, record.lines[step.number])
            # Without a cache the agent's questions were asked, and paid for, once more.
            self._uncharged_usd += math.fsum(answer["cost_usd"] or 0.0 for answer in line.answers)
            return
        if self._file is None or step.number == 0:
            self._open(step, record)
        self._append(self._charged(line).content())

    async def save(self, agent: Runner, step: Step) -> None:
        """Save an agent that can be saved, when it is time to."""
        if not agent.can_be_saved or step.number < len(self.taken(step.split)):
            return
        self._unsaved += 1
        if self._unsaved < self._save_every and not (step.split == "test" and step.is_last):
            return
        folder = self.path / "agent" / f"{step.split}-{step.number + 1}"
        shutil.rmtree(folder, ignore_errors=True)  # what a kill left of it
        if self._file is not None:  # the lines first: without them, a checkpoint is worth nothing
            await asyncio.to_thread(os.fsync, self._file.fileno())
        with _nowhere() as room:
            await agent.save(room)
            await asyncio.to_thread(self._keep, room, folder, step)
        self._unsaved = 0

    def _keep(self, room: Path, folder: Path, step: Step) -> None:
        """Make what an agent saved the checkpoint: it names a folder that is whole."""
        shutil.copytree(room, folder)
        steps = {"split": step.split, "steps": step.number + 1}
        write_json(self.path / CHECKPOINT, {**steps, "agent": folder.name})
        for other in folder.parent.iterdir():  # only now
            if other != folder:
                shutil.rmtree(other)

    async def load(self, agent: Runner) -> None:
        """Make an agent that has begun what it was at the checkpoint, if it was saved there."""
        if self.checkpoint is not None and self.checkpoint.agent is not None:
            with _nowhere() as room:
                shutil.copytree(self.checkpoint.agent, room, dirs_exist_ok=True)
                await agent.load(room)

    def finish(self, episode: Episode, described: Mapping[str, Any] | None = None) -> None:
        """Write what came of it, unless that is there.

        Args:
            episode: its figures.
            described: what determines the agent.
        """
        self.close()
        if self.is_finished:
            return
        records = {split: read_record(self.path / name) for split, name in FILES.items()}
        answers = {
            split: tally((line.answers, line.thought) for line in record.lines)
            for split, record in records.items()
        }
        figures: Content = {
            "schema": SCHEMA,
            "seed": episode.seed,
            "metrics": episode.metrics,
            "records": {split: own.bound for split, own in records.items() if own.bound},
        }
        if any(answers.values()):
            figures["answers"] = answers
        if described is not None:
            figures["described"] = dict(described)
        (self.path / FAILURE).unlink(missing_ok=True)  # first: a kill must not leave both
        if episode.labelled is not None:
            write_json(self.path / LABELS, {"schema": SCHEMA, **episode.labelled.plain()})
        write_json(self.path / METRICS, figures)

    def fail(self, failure: Failure) -> None:
        """Mark the episode as failed; its lines stay, and it can be resumed."""
        with contextlib.suppress(OSError):  # the disk may be full
            self.close()
        content = {"kind": failure.kind, "why": failure.why, "trace": failure.trace}
        write_json(self.path / FAILURE, content)

    def close(self) -> None:
        """Close the file that is written, with everything on disk."""
        file, self._file = self._file, None
        if file is not None:
            with file:
                os.fsync(file.fileno())

    def _checkpoint(self) -> Checkpoint | None:
        steps = len(self._records["test"].lines)
        if self.is_finished:
            return Checkpoint(split="test", steps=steps, agent=None)
        path = self.path / CHECKPOINT
        if not path.exists():
            return None
        found = read_json(path)
        if found["steps"] > len(self._records[found["split"]].lines):
            return None  # lines were lost that it came after
        return Checkpoint(**{**found, "agent": self.path / "agent" / found["agent"]})

    def _open(self, step: Step, record: RecordFile) -> None:
        self.close()
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / FILES[step.split]
        path.touch()
        with path.open("r+b") as file:
            file.truncate(record.end)  # half a line, after a kill
        self._file = path.open("ab")
        self._before = record.last
        if record.header is None:
            self._append(self.header_of(step).content())

    def _append(self, content: Content) -> None:
        assert self._file is not None
        line = chained(content, self._before)
        self._before = hash_of(line)
        self._file.write(line + b"\n")
        self._file.flush()

    def _charged(self, line: Line) -> Line:
        if not self._uncharged_usd or not line.answers:
            return line
        first, *others = line.answers
        cost = (first["cost_usd"] or 0.0) + self._uncharged_usd
        self._uncharged_usd = 0.0
        return replace(line, answers=({**first, "cost_usd": cost}, *others))

    def _require_same_start(self, step: Step, recorded: Header) -> None:
        now, before = (_flat(each.to_json()) for each in (self.header_of(step), recorded))
        for name in {**now, **before}:
            is_younger = name == "market_seed" and name not in before  # records began without it
            if now.get(name) != before.get(name) and not (
                is_younger or name.startswith(MAY_DIFFER)
            ):
                raise RecordError(
                    f"{self.path}: {name} was recorded as {before.get(name)!r} and is "
                    f"{now.get(name)!r} now ({step.split}), so the run cannot be resumed: the "
                    "market, the agent or its settings changed; give another folder=..."
                )

    def _require_same(self, step: Step, line: Line, recorded: Line) -> None:
        now, before = line.without_younger(recorded).outcome(), recorded.outcome()
        if now == before:
            return
        now, before = _flat(now), _flat(before)
        name = next(name for name in {**now, **before} if now.get(name) != before.get(name))
        raise RecordError(
            f"{self.path}: on {step.info['session']} ({step.split}) {name} was recorded as "
            f"{before.get(name)!r} and is {now.get(name)!r} now, so the run cannot be resumed: the "
            "agent, its data or the code changed, or its choices do not follow from its seed; "
            "give another folder=..."
        )


class RecordedSnapshot:
    """A line of a block, which is taken again without its agent.

    Args:
        folder: of the block.
        lines: the one of the snapshot, if it is there.
    """

    needs_agent = False

    def __init__(self, folder: EpisodeFolder, lines: Sequence[Line]) -> None:
        self._folder, self._lines = folder, lines

    def taken(self, split: str) -> list[Any]:
        """The recorded action."""
        return [line.action for line in self._lines]

    def forecasts(self, split: str) -> list[Content | None]:
        """What was said of the return."""
        return [line.forecast for line in self._lines]

    def describe(self, described: Mapping[str, Any] | None) -> None:
        """What determines the agent, which is the same in all of the block."""
        self._folder.describe(described)

    async def load(self, agent: Runner) -> None:
        """Nothing: no agent goes on after its one decision."""


def _flat(content: Mapping[str, Any]) -> Content:
    """Parts of parts by their names, such as ``account.equity``."""
    flat: Content = {}
    for name, part in content.items():
        if isinstance(part, dict):
            flat |= {f"{name}.{inner}": each for inner, each in part.items()}
        else:
            flat[name] = part
    return flat


def _now() -> str:
    return datetime.now(UTC).isoformat()

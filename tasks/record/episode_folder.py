"""The folder of one episode: its record as it grows, and how a killed one goes on.

``warmup.jsonl`` and ``decisions.jsonl`` have a line a step. ``checkpoint.json`` names the folder
in which the agent was last saved, if it can be. An episode that was killed goes on from there:
recorded actions up to the checkpoint are taken again without asking the agent; those after it the
agent takes again, with answers that were kept, and must take as recorded; then new lines follow.
"""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from investorbench.agents.agent import Runner
from investorbench.tasks.answers import tally
from investorbench.tasks.record.lines import (
    BEFORE_THE_FIRST,
    CHAIN,
    Line,
    RecordError,
    chained,
    decision_of,
    read_lines,
    without_nan,
    write_json,
)
from investorbench.tasks.result import Episode, Failure
from investorbench.tasks.step import Step

FILES = {"warmup": "warmup.jsonl", "test": "decisions.jsonl"}
FAILURE = "failure.json"
"""Why an episode did not come to its end; gone when it has."""
SAVE_EVERY = 10
"""Steps from one checkpoint to the next; an archived memory must be able to go back further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where an episode goes on.

    Attributes:
        split: the split it was in.
        steps: those taken in it.
        agent: where the agent was saved; None where it has nothing left to decide.
    """

    split: str
    steps: int
    agent: Path | None


class EpisodeFolder:
    """What is known of an episode, and where the rest is written.

    Args:
        path: the folder; made when the first line is written.
        save_every: steps from one checkpoint to the next.

    Raises:
        RecordError: what is recorded was changed or damaged.
    """

    def __init__(self, path: Path, save_every: int = SAVE_EVERY) -> None:
        self.path = path
        self._save_every = save_every
        self._unsaved = 0
        self._recorded: dict[str, list[Line]] = {}
        self._ends: dict[str, int] = {}
        self._lines: IO[str] | None = None
        self._hash = BEFORE_THE_FIRST
        for split, name in FILES.items():
            found = list(read_lines(path / name))
            self._recorded[split] = [line for line, _ in found]
            self._ends[split] = found[-1][1] if found else 0
        self.checkpoint = self._checkpoint()

    @property
    def is_finished(self) -> bool:
        """Whether its figures are there."""
        return (self.path / "metrics.json").exists()

    def has_passed(self, split: str) -> bool:
        """Whether the episode goes on in a later split than this one."""
        return split == "warmup" and self.checkpoint is not None and self.checkpoint.split == "test"

    def taken(self, split: str) -> list[Any]:
        """The recorded actions of a split that the agent need not take again."""
        if self.checkpoint is None or self.checkpoint.split != split:
            return []
        return [line["action"] for line in self._recorded[split][: self.checkpoint.steps]]

    def write(self, step: Step) -> None:
        """Add the line of a step, or see that it is the one that is recorded.

        Raises:
            RecordError: it is recorded otherwise.
        """
        recorded = self._recorded[step.split]
        told = as_read_again(decision_of(step))
        if step.number < len(recorded):
            self._require_same(step, told, recorded[step.number])
            return
        if self._lines is None or step.number == 0:
            self._open(step.split)
        assert self._lines is not None
        if step.thought is not None:
            told["thought"] = as_read_again(step.thought)
        line = chained(told, self._hash)
        self._hash = line["hash"]
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._lines.flush()

    async def save(self, agent: Runner, step: Step) -> None:
        """Save an agent that can be saved, when it is time to."""
        if not agent.can_be_saved or step.number < len(self.taken(step.split)):
            return
        self._unsaved += 1
        is_last = step.split == "test" and step.is_last
        if self._unsaved < self._save_every and not is_last:
            return
        folder = self.path / "agent" / f"{step.split}-{step.number + 1}"
        shutil.rmtree(folder, ignore_errors=True)  # what a kill left of it
        folder.mkdir(parents=True)
        if self._lines is not None:  # the lines first: without them, a checkpoint is worth nothing
            await asyncio.to_thread(os.fsync, self._lines.fileno())
        await agent.save(folder)
        # The checkpoint names a folder that is whole; only then do the others go.
        steps = {"split": step.split, "steps": step.number + 1}
        write_json(self.path / "checkpoint.json", {**steps, "agent": folder.name})
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other)
        self._unsaved = 0

    def finish(self, episode: Episode, described: Mapping[str, Any] | None = None) -> None:
        """Write what it came to, unless that is there.

        Args:
            episode: its figures.
            described: what determines the agent.
        """
        self.close()
        if self.is_finished:
            return
        lines = {
            split: [line for line, _ in read_lines(self.path / name)]
            for split, name in FILES.items()
        }
        answers = {split: tally(line.get("thought") for line in lines[split]) for split in FILES}
        figures: dict[str, Any] = {"seed": episode.seed, "metrics": episode.metrics}
        figures["records"] = {split: head_of(own) for split, own in lines.items() if own}
        if any(answers.values()):
            figures["answers"] = answers
        if described is not None:
            figures["described"] = dict(described)
        write_json(self.path / "metrics.json", figures)
        (self.path / FAILURE).unlink(missing_ok=True)

    def fail(self, failure: Failure) -> None:
        """Mark the episode as failed; its lines stay, and it can go on."""
        with contextlib.suppress(OSError):  # the disk may be full
            self.close()
        self.path.mkdir(parents=True, exist_ok=True)
        told = {"kind": failure.kind, "why": failure.why, "trace": failure.trace}
        write_json(self.path / FAILURE, told)

    def figures(self) -> dict[str, Any]:
        """What ``finish`` wrote."""
        return dict(json.loads((self.path / "metrics.json").read_text(encoding="utf-8")))

    def close(self) -> None:
        """Close the file that is written."""
        lines, self._lines = self._lines, None
        if lines is not None:
            lines.close()

    def _checkpoint(self) -> Checkpoint | None:
        steps = len(self._recorded["test"])
        if self.is_finished:
            return Checkpoint(split="test", steps=steps, agent=None)
        path = self.path / "checkpoint.json"
        if not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["steps"] > len(self._recorded[found["split"]]):
            return None  # lines were lost that it came after
        return Checkpoint(**{**found, "agent": self.path / "agent" / found["agent"]})

    def _open(self, split: str) -> None:
        self.close()
        self.path.mkdir(parents=True, exist_ok=True)
        path, recorded = self.path / FILES[split], self._recorded[split]
        path.touch()
        with path.open("r+b") as file:
            file.truncate(self._ends[split])  # half a line, after a kill
        self._lines = path.open("a", encoding="utf-8", errors="replace")
        self._hash = recorded[-1]["hash"] if recorded else BEFORE_THE_FIRST

    def _require_same(self, step: Step, told: Line, recorded: Line) -> None:
        before = {name: recorded[name] for name in recorded if name not in (*CHAIN, "thought")}
        if told == before:
            return
        name = next(name for name in told if told[name] != before.get(name))
        raise RecordError(
            f"{self.path}: on {step.info['session']} ({step.split}) {name} was recorded as "
            f"{before.get(name)!r} and is {told[name]!r} now, so the run cannot go on: the agent, "
            "its data or the code changed, or its choices do not follow from its seed; give "
            "another folder=..."
        )


def head_of(lines: Sequence[Line]) -> dict[str, Any]:
    """How many lines a record has and the hash of the last one, which stands for all of them."""
    return {"lines": len(lines), "head": lines[-1]["hash"]}


def as_read_again(content: Mapping[str, Any]) -> Line:
    """What reading a line gives back: a hash over other keys or values would not be found again."""
    return dict(json.loads(json.dumps(without_nan(content), ensure_ascii=False)))

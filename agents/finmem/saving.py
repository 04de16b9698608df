"""The agent's state as plain JSON values, and as a folder that a kill at any time leaves whole."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from investorbench.agents.finmem.asset_memory import AssetMemory
from investorbench.agents.finmem.past_decisions import Lesson, PastDecision, TrackRecord
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.reports import Report
from investorbench.agents.finmem.state import AgentState, Counts
from investorbench.memory import LayeredMemory
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

FORMAT = 6
STATE = "finmem.json"


def plain_values(state: AgentState) -> dict[str, Any]:
    """All of a state but what its memory holds, as plain JSON values."""
    kept = {each.name: getattr(state, each.name) for each in fields(state) if each.name != "memory"}
    return {
        **kept,
        **values_read(state),
        "format": FORMAT,
        "lesson": None if state.lesson is None else asdict(state.lesson),
        "track": [asdict(past) for past in state.track],
        "counts": asdict(state.counts),
    }


def restore(state: AgentState, saved: Mapping[str, Any]) -> None:
    """Make a state what it was; its memory must be that of the same step.

    Raises:
        InvestorBenchError: it was saved for another task or seed, or by another version.
    """
    require_same(saved, "FinMem", FORMAT, state.task, state.seed)
    plain = {
        **saved,
        **restored(saved),
        "lesson": None if saved["lesson"] is None else Lesson(**saved["lesson"]),
        "track": TrackRecord(
            PastDecision(**{**past, "cited": tuple(past["cited"])}) for past in saved["track"]
        ),
        "counts": Counts(**saved["counts"]),
    }
    for each in fields(state):
        if each.name in plain:
            setattr(state, each.name, plain[each.name])


def values_read(asset: AssetMemory) -> dict[str, Any]:
    """What of an asset's documents was read, as plain JSON values."""
    return {
        "seen": sorted(asset.seen),
        "pending": [asdict(each) for each in asset.pending],
        "reports": [asdict(report) for report in asset.reports],
    }


def restored(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The same as it was."""
    return {
        "seen": set(saved["seen"]),
        "pending": tuple(Arrival(**each) for each in saved["pending"]),
        "reports": [Report(**report) for report in saved["reports"]],
    }


def require_same(saved: Mapping[str, Any], agent: str, format: int, task: str, seed: int) -> None:
    """Refuse what is another agent's.

    Args:
        saved: the plain values.
        agent: what an agent is called in the error.
        format: that this version reads.
        task: of the agent at hand.
        seed: likewise.

    Raises:
        InvestorBenchError: it was saved for another task or seed, or by another version.
    """
    if saved.get("format") != format:
        raise InvestorBenchError(
            f"a {agent} agent was saved in format {saved.get('format')}, and this version reads "
            f"format {format} alone: start again in another folder"
        )
    ours = {"task": task, "seed": seed}
    theirs = {name: saved.get(name) for name in ours}
    if ours != theirs:
        raise InvestorBenchError(
            f"a {agent} agent was saved with {theirs}, and this one has {ours}: "
            "give the same task and seed, or start again in another folder"
        )


def save(state: AgentState, folder: Path) -> None:
    """Write a state to a folder, which holds either the old or the new one at any instant."""
    with kept_memories({"memory": state.memory}, folder, f"{state.split}-{state.steps}") as kept:
        saved = {**plain_values(state), "archive": kept["memory"]}
        write_atomically(folder / STATE, json.dumps(saved, allow_nan=False))


def load(state: AgentState, folder: Path) -> None:
    """Make a state what a folder holds.

    Raises:
        InvestorBenchError: there is none, or it is another agent's.
        ArchiveMismatchError: its memory was made with other constants.
        ArchiveError: the memory's store does not go back to that step. In all cases nothing was
            changed.
    """
    saved = read_state(folder / STATE, "FinMem")
    require_same(saved, "FinMem", FORMAT, state.task, state.seed)
    load_memory(state.memory, folder, saved["archive"], saved["steps"])
    restore(state, saved)


@contextmanager
def kept_memories(
    memories: Mapping[str, LayeredMemory], folder: Path, step: str
) -> Iterator[dict[str, str | None]]:
    """Files of memories while what refers to them is written; older ones are deleted after that.

    Args:
        memories: by what their files are called, a word beginning with ``memory``.
        folder: where they go; made where it is missing.
        step: which one it is, distinct from that of the files that are there.

    Yields:
        The names of the files, None where a store goes back to this step by itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept: dict[str, str | None] = {}
    for name, memory in memories.items():
        kept[name] = None if memory.is_durable else f"{name}-{step}.npz"
        if (file := kept[name]) is not None:
            memory.save(folder / file)
    yield kept
    for old in folder.glob("memory*.npz"):
        if old.name not in kept.values():
            old.unlink()


def load_memory(memory: LayeredMemory, folder: Path, file: str | None, steps: int) -> None:
    """Make a memory what it was after so many steps.

    Args:
        memory: of the same constants.
        folder: with its file.
        file: its name; None where its store goes back by itself.
        steps: completed ones.
    """
    if file is not None:
        memory.load(folder / file)
    elif memory.steps != steps:
        memory.rewind(steps)


def read_state(path: Path, agent: str) -> dict[str, Any]:
    """The plain values of a saved state.

    Args:
        path: of its file.
        agent: whose it is, for the error.

    Raises:
        InvestorBenchError: there is none.
    """
    try:
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvestorBenchError(f"no {agent} agent can be read from {path}: {error}") from error
    return saved

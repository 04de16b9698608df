"""The agent's state as plain JSON values, and as a folder that a kill at any time leaves whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from investorbench.agents.finmem.past_decisions import Lesson, PastDecision, TrackRecord
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.reports import Report
from investorbench.agents.finmem.state import AgentState, Counts
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

FORMAT = 6
STATE = "finmem.json"


def plain_values(state: AgentState) -> dict[str, Any]:
    """All of a state but what its memory holds, as plain JSON values."""
    kept = {each.name: getattr(state, each.name) for each in fields(state) if each.name != "memory"}
    return {
        **kept,
        "format": FORMAT,
        "seen": sorted(state.seen),
        "pending": [asdict(each) for each in state.pending],
        "reports": [asdict(report) for report in state.reports],
        "lesson": None if state.lesson is None else asdict(state.lesson),
        "track": [asdict(past) for past in state.track],
        "counts": asdict(state.counts),
    }


def restore(state: AgentState, saved: Mapping[str, Any]) -> None:
    """Make a state what it was; its memory must be that of the same step.

    Raises:
        InvestorBenchError: it was saved for another task or seed, or by another version.
    """
    require_same(state, saved)
    plain = {
        **saved,
        "seen": set(saved["seen"]),
        "pending": tuple(Arrival(**each) for each in saved["pending"]),
        "reports": [Report(**report) for report in saved["reports"]],
        "lesson": None if saved["lesson"] is None else Lesson(**saved["lesson"]),
        "track": TrackRecord(
            PastDecision(**{**past, "cited": tuple(past["cited"])}) for past in saved["track"]
        ),
        "counts": Counts(**saved["counts"]),
    }
    for each in fields(state):
        if each.name in plain:
            setattr(state, each.name, plain[each.name])


def require_same(state: AgentState, saved: Mapping[str, Any]) -> None:
    """Refuse what is another agent's.

    Raises:
        InvestorBenchError: it was saved for another task or seed, or by another version.
    """
    if saved.get("format") != FORMAT:
        raise InvestorBenchError(
            f"a FinMem agent was saved in format {saved.get('format')}, and this version reads "
            f"format {FORMAT} alone: start again in another folder"
        )
    ours = {"task": state.task, "seed": state.seed}
    theirs = {name: saved.get(name) for name in ours}
    if ours != theirs:
        raise InvestorBenchError(
            f"a FinMem agent was saved with {theirs}, and this one has {ours}: "
            "give the same task and seed, or start again in another folder"
        )


def save(state: AgentState, folder: Path) -> None:
    """Write a state to a folder, which holds either the old or the new one at any instant."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = None
    if not state.memory.is_durable:  # else its store goes back to this step
        archive = f"memory-{state.split}-{state.steps}.npz"
        state.memory.save(folder / archive)
    saved = {**plain_values(state), "archive": archive}
    write_atomically(folder / STATE, json.dumps(saved, allow_nan=False))
    for old in folder.glob("memory-*.npz"):
        if old.name != archive:
            old.unlink()


def load(state: AgentState, folder: Path) -> None:
    """Make a state what a folder holds.

    Raises:
        InvestorBenchError: there is none, or it is another agent's.
        ArchiveMismatchError: its memory was made with other constants.
        ArchiveError: the memory's store does not go back to that step. In all cases nothing was
            changed.
    """
    path = folder / STATE
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvestorBenchError(f"no FinMem agent can be read from {path}: {error}") from error
    require_same(state, saved)
    if saved["archive"] is not None:
        state.memory.load(folder / saved["archive"])
    elif state.memory.steps != saved["steps"]:
        state.memory.rewind(saved["steps"])
    restore(state, saved)

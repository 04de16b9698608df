"""A life as plain JSON values, and as a folder that a kill at any instant leaves whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from investorbench.agents.finmem.life import Counts, Life
from investorbench.agents.finmem.outcomes import Deed, TrackRecord
from investorbench.agents.finmem.perception import Arrival
from investorbench_env.errors import InvestorBenchError

FORMAT = 1
STATE = "finmem.json"


def state_of(life: Life) -> dict[str, Any]:
    """All of a life but what its memory holds, as plain JSON values."""
    kept = {each.name: getattr(life, each.name) for each in fields(life) if each.name != "memory"}
    return {
        **kept,
        "format": FORMAT,
        "seen": sorted(life.seen),
        "pending": [asdict(each) for each in life.pending],
        "track": [asdict(deed) for deed in life.track],
        "counts": asdict(life.counts),
    }


def restore(life: Life, state: Mapping[str, Any]) -> None:
    """Make a life what it was; its memory must be, or become, that of the same step.

    Raises:
        InvestorBenchError: the state is another task's, another seed's or of another version.
    """
    ours = {"format": FORMAT, "task": life.task, "seed": life.seed}
    theirs = {name: state.get(name) for name in ours}
    if ours != theirs:
        raise InvestorBenchError(
            f"a FinMem agent was saved with {theirs}, and this one has {ours}: "
            "give the same task and seed, or start anew in another folder"
        )
    plain = {
        **state,
        "seen": set(state["seen"]),
        "pending": tuple(Arrival(**each) for each in state["pending"]),
        "track": TrackRecord(
            Deed(**{**deed, "cited": tuple(deed["cited"])}) for deed in state["track"]
        ),
        "counts": Counts(**state["counts"]),
    }
    for each in fields(life):
        if each.name in plain:
            setattr(life, each.name, plain[each.name])


def save(life: Life, folder: Path) -> None:
    """Write a life to a folder, which holds either the old or the new one at any instant."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = None
    if not life.memory.is_durable:  # else its store goes back to this step
        archive = f"memory-{life.split}-{life.steps}.npz"
        life.memory.save(folder / archive)
    draft = folder / f"{STATE}.new"
    state = {**state_of(life), "archive": archive}
    draft.write_text(json.dumps(state, allow_nan=False), encoding="utf-8")
    draft.replace(folder / STATE)
    for old in folder.glob("memory-*.npz"):
        if old.name != archive:
            old.unlink()


def load(life: Life, folder: Path) -> None:
    """Make a life what a folder holds.

    Raises:
        InvestorBenchError: there is none, or it is another's; nothing was changed.
        ArchiveMismatchError: its memory was made with other constants.
        ArchiveError: the memory's store does not go back to that step.
    """
    path = folder / STATE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvestorBenchError(f"no FinMem agent can be read from {path}: {error}") from error
    restore(life, state)
    if state["archive"] is not None:
        life.memory.load(folder / state["archive"])
    elif life.memory.steps != life.steps:
        life.memory.rewind(life.steps)

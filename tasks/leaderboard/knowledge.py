"""Until when the model of an agent may know the world, and so what of a window it may remember."""

from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.agents.llm.lifetime import Knowledge, knowledge
from investorbench.tasks.leaderboard.columns import BoardLine, Cell, Column, Format, OverallLine
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.wording import TEXT

WITHIN = "●"
"""Beside a cutoff that the window begins before."""
NOTE = (
    f"the model's knowledge cutoff, ≤ its release where its makers state none; {WITHIN} it lies in "
    "the window or after it, and what the model earns there it may remember rather than know"
)


def model_of(entry: Entry | None) -> dict[str, Any]:
    """The settings of an agent's language model; empty where it asks none."""
    model = ((entry.result.described if entry else None) or {}).get("model")
    return model if isinstance(model, dict) else {}


def knowledge_of(model: Mapping[str, Any]) -> Knowledge | None:
    """Until when a model may know the world; None where neither cutoff nor release is given."""
    stated = (model.get("knowledge_cutoff"), model.get("released"))
    return knowledge(*(None if each is None else str(each) for each in stated))


def asks_model(result: Result) -> bool:
    """Whether an agent asks a language model, as far as it says."""
    described = result.described or {}
    return isinstance(described.get("model"), dict) and described.get("is_language_model", True)


def knowledge_cell(entry: Entry | None, settings: Sequence[Setting]) -> Cell:
    """A cutoff, marked where it is not before one of the windows of real markets.

    Args:
        entry: of the agent.
        settings: of the tasks.
    """
    if entry is None or not asks_model(entry.result):
        return Cell(reason="it asks no language model")
    known = knowledge_of(model_of(entry))
    if known is None:
        return Cell(reason="neither a cutoff nor a release is given in the configuration")
    covers = any(known.covers(each.start) for each in settings if not each.simulated)
    return Cell(f"{known} {WITHIN}" if covers else str(known))


def _column(value: Any) -> Column[Any]:
    return Column(
        key="knowledge",
        head="Knowledge to",
        doc="until when the model may know the world",
        note=NOTE,
        unit=TEXT,
        direction=0,
        value=value,
        formats={"page": Format()},
    )


KNOWLEDGE: Column[BoardLine] = _column(
    lambda line: knowledge_cell(line.row.entry, [line.board.setting])
)
KNOWLEDGE_OF_ALL: Column[OverallLine] = _column(
    lambda line: knowledge_cell(line.row.entry, line.table.settings)
)

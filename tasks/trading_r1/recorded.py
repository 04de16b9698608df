"""Theses in what agents record of their steps: the one reader of them.

An agent that writes theses says so in its ``record()``: under ``thesis`` a mapping with the
``text`` as the model wrote it, without its thinking, and the ``decision`` read from it, a class or
None. Under ``briefing`` stand the ``ids`` of the pieces that it was given, what was ``cut``, its
``seed`` and its ``sha256``; the text of the briefing is the user's part of the ``question``, which
is it and nothing else, and is not held twice. An agent without a briefing records a thesis
alone. Under ``left_out`` stands how many ``pieces`` its model had no room for. What is somebody's
own under these names is no thesis. docs/theses.md has these rules.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from investorbench.agents.thesis.thesis import parse
from investorbench.tasks.step import Step
from investorbench.tasks.trading_r1.citable import Citable
from investorbench_env.wrappers.briefing import text_hash


class RecordedThesis(NamedTuple):
    """A thesis, and what it was written about.

    Attributes:
        number: of the decision in its split, 0 for the first.
        session: of the decision, ``YYYY-MM-DD``.
        symbol: the asset; of snapshots of several, what stands for them.
        text: of the thesis, which all rewards follow from.
        decision: one of ``CLASSES``, as it follows from the text; None for none.
        briefing: the text that it may quote; empty where there is none.
        ids: of the pieces that it may cite.
        cut: what of the briefing there was no room for, in words.
        sha256: of the briefing, as it was recorded beside it; empty where there is none.
        seed: of the briefing; None where there is none.
        left_out: pieces of the briefing that its model had no room for; 0 where all had room.
    """

    number: int
    session: str
    symbol: str
    text: str
    decision: str | None
    briefing: str
    ids: tuple[str, ...]
    cut: tuple[str, ...]
    sha256: str
    seed: int | None = None
    left_out: int = 0

    @property
    def is_as_hashed(self) -> bool:
        """Whether its briefing is the one that its hash is of."""
        return not self.ids or text_hash(self.briefing) == self.sha256

    @property
    def citable(self) -> Citable:
        """What the thesis may cite; made at each call."""
        return Citable.of(self.briefing, self.ids)


def theses_of(steps: Iterable[Step]) -> tuple[RecordedThesis, ...]:
    """The theses of an episode, of those steps that have one.

    Args:
        steps: as they are taken, or as their record holds them.
    """
    return tuple(found for step in steps if (found := _thesis_of(step)) is not None)


def _thesis_of(step: Step) -> RecordedThesis | None:
    thought = step.thought or {}
    text = _part(thought, "thesis").get("text")
    if not isinstance(text, str):
        return None
    briefing = _part(thought, "briefing")
    shown = _part(thought, "question").get("user") if briefing else ""
    return RecordedThesis(
        number=step.number,
        session=str(step.info["session"]),
        symbol=step.facts.symbol,
        text=text,
        decision=parse(text).decision,
        briefing=shown if isinstance(shown, str) else "",
        ids=_texts(briefing.get("ids")),
        cut=_texts(briefing.get("cut")),
        sha256=str(briefing.get("sha256", "")),
        seed=_whole(briefing.get("seed")),
        left_out=_whole(_part(thought, "left_out").get("pieces")) or 0,
    )


def _part(thought: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = thought.get(name)
    return part if isinstance(part, Mapping) else {}


def _texts(given: Any) -> tuple[str, ...]:
    several = given if isinstance(given, list | tuple) else ()
    return tuple(each for each in several if isinstance(each, str))


def _whole(given: Any) -> int | None:
    return given if type(given) is int else None

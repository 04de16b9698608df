"""How structured an answer a server can give: which rung to ask on, and what evidence lowers it.

A rung is left only for a reason that lies with the server: it refuses the parameter by name, or it
takes the schema and ignores it. One bad answer is the model's, and changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from investorbench.agents.llm.answer import RUNGS, Defect, Rung
from investorbench.agents.llm.error_replies import words_of

IGNORED_AFTER = 3
"""Finished replies that break the schema, with none that keeps it, until a rung is given up."""

_NO_JSON: frozenset[Defect] = frozenset({"not_json", "partial"})
_NO_SCHEMA: frozenset[Defect] = frozenset({"not_json", "partial", "schema", "contradictory"})
IMPOSSIBLE: dict[Rung, frozenset[Defect]] = {
    "json_schema": _NO_SCHEMA,
    "structured_outputs": _NO_SCHEMA,
    "tool": _NO_JSON,
    "json_object": _NO_JSON,
    "text": frozenset(),
}
"""Defects of finished replies that a server which does what the rung asks cannot let through."""

WITH_TOOLS: tuple[Rung, ...] = ("tool", "text")
"""The rungs of a question with tools: the answer is one more tool to call, or stands in the text.

A grammar for the answer would leave a server no way to call anything.
"""

REFUSING_STATUSES = frozenset({400, 404, 405, 415, 422, 501})
_NAMES: dict[Rung, re.Pattern[str]] = {
    "json_schema": re.compile(
        r"(?i)response_format|json_schema|output_config|schema|structured|guided|grammar"
    ),
    "structured_outputs": re.compile(r"(?i)structured|guided|extra (?:field|input)|schema|grammar"),
    "tool": re.compile(r"(?i)tool|function|schema"),
    "json_object": re.compile(r"(?i)response_format|json_object|json mode|schema"),
}


@dataclass(slots=True)
class Ladder:
    """The rungs of one model at one address, and where on them it stands.

    Args:
        rungs: those that the model's configuration allows, strictest first.
    """

    rungs: Sequence[Rung] = RUNGS
    evidence: list[str] = field(default_factory=list)
    """Why each rung was left, in order."""
    _position: int = 0
    _kept: int = 0
    _broken: int = 0

    @property
    def rung(self) -> Rung:
        """The rung to ask on now."""
        return self.rungs[self._position]

    def order(self) -> list[Rung]:
        """All rungs, the current one first, then those below, then those that were left."""
        return [*self.rungs[self._position :], *self.rungs[: self._position]]

    def refuse(self, rung: Rung, reason: str) -> bool:
        """Go down from a rung that the server refuses; whether there is a lower one.

        Many calls may report the same refusal at once; only the first moves anything.
        """
        if rung == self.rungs[-1]:
            return False
        if rung == self.rung:
            self._leave(f"{rung}: {reason}")
        return True

    def observe(self, rung: Rung, defect: Defect | None) -> None:
        """Count a finished reply: could a server that does as it is asked have sent it?"""
        if rung != self.rung:
            return
        self._kept += defect is None
        self._broken += defect in IMPOSSIBLE[rung]
        ignored = self._kept == 0 and self._broken >= IGNORED_AFTER
        if ignored and self._position + 1 < len(self.rungs):
            self._leave(f"{rung}: what it asks was ignored in {self._broken} replies, kept in none")

    def _leave(self, reason: str) -> None:
        self.evidence.append(reason)
        self._position, self._kept, self._broken = self._position + 1, 0, 0


def is_refusal_of(rung: Rung, status: int | None, reply: str) -> bool:
    """Whether an error reply says that the server cannot do what this rung asks."""
    pattern = _NAMES.get(rung)
    if status not in REFUSING_STATUSES or pattern is None:
        return False
    return bool(pattern.search(words_of(reply)))

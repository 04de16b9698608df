"""A file of decisions that grows: of what is new in it, sums are kept."""

import json
import math
import os
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from investorbench.tasks.answers import is_unusable
from investorbench.tasks.record.schema import SCHEMA, Content, Header
from investorbench_env.facts import Facts
from investorbench_env.regular_files import open_file

BLOCK_BYTES = 1 << 16
"""Of the end of a file, in which its last line is looked for."""
KNOWN_BYTES = 200
"""Of what was read before, by which a file is known again: a line ends with when it was written and
the hash of the one before it."""

UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What comes of JSON that no run writes."""


@dataclass(slots=True)
class Spending:
    """What some decisions came to cost.

    Attributes:
        asked: decisions for which a model was asked.
        unusable: those of them without a usable answer.
        usd: what was paid.
        tokens: read and written.
        is_priced: whether all prices are known.
    """

    asked: int = 0
    unusable: int = 0
    usd: float = 0.0
    tokens: int = 0
    is_priced: bool = True

    def add(self, other: "Spending") -> None:
        """Add what others came to."""
        self.asked += other.asked
        self.unusable += other.unusable
        self.usd += other.usd
        self.tokens += other.tokens
        self.is_priced &= other.is_priced


@dataclass(slots=True)
class Sums:
    """What is kept of a file.

    Attributes:
        header: None where none can be read.
        decisions: how many lines there are.
        thinks: whether any of them has a thought or an answer.
        spending: for all of them.
        equity: of the account after each.
        begun: when the first was written.
        ended: when the last was.
        session: of the last.
        place: the first byte of the last, and the one after it.
        problem: what of it cannot be read; empty for nothing.
    """

    header: Header | None = None
    decisions: int = 0
    thinks: bool = False
    spending: Spending = field(default_factory=Spending)
    equity: "array[float]" = field(default_factory=lambda: array("d"))
    begun: str = ""
    ended: str = ""
    session: str = ""
    place: tuple[int, int] = (0, 0)
    problem: str = ""

    @property
    def facts(self) -> Facts | None:
        """Of its environment."""
        return None if self.header is None else self.header.facts


class GrownFile:
    """A file that another process may be writing; a line that is not whole yet is no line.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums = Sums()
        self.bytes_read = 0
        self._seen: tuple[int, int, int] | None = None
        self._end = 0
        self._known = b""

    def look(self, found: os.stat_result) -> bool:
        """Read what is new; whether anything was.

        Args:
            found: what the system says of the file.

        Raises:
            OSError: it cannot be read.
        """
        seen = found.st_ino, found.st_size, found.st_mtime_ns
        if seen == self._seen:
            return False
        changed = False
        if self._seen is not None and (found.st_ino, True) != (
            self._seen[0],
            found.st_size > self._seen[1],
        ):
            changed = self.forget()  # it was replaced, cut off or changed
        with open_file(self.path) as file:
            file.seek(self._end - len(self._known))
            if file.read(len(self._known)) != self._known:
                changed = self.forget()  # another one: a number of a file is soon given again
                file.seek(0)
            self._seen, before = seen, self._end
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._add(line)
                self._end += len(line)
                self._known = line[-KNOWN_BYTES:]
                self.bytes_read += len(line)
        return changed or self._end != before

    def forget(self) -> bool:
        """Begin with nothing; whether there was something."""
        had = self._end > 0
        self.sums, self._end, self._known, self._seen = Sums(), 0, b"", None
        return had

    def _add(self, text: bytes) -> None:
        sums = self.sums
        try:
            content = json.loads(text)
            if self._end == 0 and "schema" in content:
                if content["schema"] != SCHEMA:
                    raise ValueError(f"version {content['schema']} is another one")
                sums.header = Header.from_json(content)
                return
            add_line(sums, content)
        except UNREADABLE as error:
            why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            sums.problem = sums.problem or f"a line cannot be read: {why}"
            return
        sums.place = self._end, self._end + len(text)


def add_line(sums: Sums, content: Content) -> None:
    """Count a line."""
    answers, thought = content["answers"], content["thought"]
    equity = content["account"]["equity"]
    equity = math.nan if equity is None else float(equity)
    written = str(content["written_at"])
    spent = spending_of(answers, thought)
    sums.session = str(content["session"])
    sums.decisions += 1
    sums.thinks |= bool(thought or answers)
    sums.spending.add(spent)
    sums.equity.append(equity)
    sums.begun = sums.begun or written
    sums.ended = written


def spending_of(answers: Any, thought: Any) -> Spending:
    """What one decision came to cost; nothing where rules answered."""
    if not answers:
        return Spending()
    costs = [each["cost_usd"] for each in answers]
    tokens: list[Mapping[str, Any]] = [each["tokens"] for each in answers]
    return Spending(
        asked=1,
        unusable=int(is_unusable(answers, thought)),
        usd=sum(each or 0.0 for each in costs),
        tokens=sum(each["input"] + each["output"] for each in tokens),
        is_priced=None not in costs,
    )


def spending_in(figures: Content) -> Spending:
    """The same of a finished episode, as its ``metrics.json`` has it."""
    total = Spending()
    for tally in (figures.get("answers") or {}).values():
        if tally:
            tokens = tally["tokens"]
            total.add(
                Spending(
                    asked=tally["decisions"],
                    unusable=tally["invalid"],
                    usd=tally["cost_usd"] or 0.0,
                    tokens=tokens["input"] + tokens["output"],
                    is_priced=tally["cost_usd"] is not None,
                )
            )
    return total


def last_line(path: Path, place: tuple[int, int] | None = None) -> Content | None:
    """The last whole line of a file of decisions; None where there is none.

    Args:
        path: of the file.
        place: where it stands; where that is not known, it is looked for from the end.
    """
    try:
        with open_file(path) as file:
            if place is None:
                text = _end_of(file)
            else:
                file.seek(place[0])
                text = file.read(place[1] - place[0])
        content = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and "number" in content else None


def _end_of(file: BinaryIO) -> bytes:
    """The last line that has an end, read from behind."""
    left, text = file.seek(0, os.SEEK_END), b""
    while left > 0:
        start = max(0, left - BLOCK_BYTES)
        file.seek(start)
        text = file.read(left - start) + text
        left = start
        lines = text.split(b"\n")
        if len(lines) > 2 or (left == 0 and len(lines) > 1):
            return lines[-2]
    return b""

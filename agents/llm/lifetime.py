"""When a model was made: what it may know, and until when its maker's servers answer for it.

Days are texts, YYYY-MM-DD, or months, YYYY-MM, as makers state them. No clock is read here.
"""

import re
from dataclasses import dataclass
from datetime import date

from investorbench.agents.llm.errors import ModelError

_STATED = re.compile(r"\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Until when a model may know the world.

    Attributes:
        until: the last day or month.
        is_stated: its makers state it; otherwise its release bounds it.
    """

    until: str
    is_stated: bool

    def covers(self, day: str) -> bool:
        """Whether it may know of a day, YYYY-MM-DD; of a month it may know each day."""
        return day[: len(self.until)] <= self.until

    def __str__(self) -> str:
        return self.until if self.is_stated else f"≤ {self.until}"


def knowledge(cutoff: str | None, released: str | None) -> Knowledge | None:
    """What is known of a model's knowledge: its cutoff, else that it ends with its release."""
    if cutoff is not None:
        return Knowledge(cutoff, True)
    return None if released is None else Knowledge(released, False)


def is_past(retires: str | None, today: date) -> bool:
    """Whether the day has come on which a model is no longer served."""
    return retires is not None and date.fromisoformat(retires) <= today


def require_date(value: str | None, where: str, *, day: bool = False) -> None:
    """Check that a date is written as this module reads it.

    Args:
        value: the date; None is one that is not known.
        where: what it is of, for the message.
        day: a month is not enough.

    Raises:
        ModelError: it is not.
    """
    if value is None:
        return
    form = "a day such as 2026-09-28" if day else "a month or a day, such as 2026-09-28"
    if not _STATED.fullmatch(value) or (day and len(value) < 10):
        raise ModelError(f"{where}: {value!r} should be {form}")
    try:
        date.fromisoformat(value if len(value) == 10 else f"{value}-01")
    except ValueError:
        raise ModelError(f"{where}: {value!r} is no day of the calendar") from None

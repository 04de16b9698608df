"""Lines of text that many prompts share: each is kept once, and named by its number."""

from collections.abc import Iterable, Sequence
from typing import Any


class Numbered:
    """A list of lines as numbers, while it is not yet known which lines are shared."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers


class Lines:
    """All different lines of the records of one task.

    The same news goes to every agent, and stands in its prompts for weeks. A line that several
    episodes have is in the table of the task; others are in that of their episode.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._owners: list[int] = []
        self._places: dict[int, int] = {}

    def read(self, text: str, owner: int) -> Numbered:
        """The lines of a text that an episode has."""
        return Numbered([self._number(line, owner) for line in text.split("\n")])

    def shared(self) -> list[str]:
        """The table of the task, in the order in which lines were read."""
        several = [n for n, owner in enumerate(self._owners) if owner == -1]
        self._places = {number: place for place, number in enumerate(several)}
        return [self._texts[number] for number in several]

    def placed(self, value: Any, own: dict[int, int]) -> Any:
        """A value with places in place of lines: of the shared table, or −1, −2, … of the own one.

        Args:
            value: of dicts, lists and :class:`Numbered`.
            own: places in the episode's own table, which grows.
        """
        if isinstance(value, Numbered):
            return [self._place(number, own) for number in value.numbers]
        if isinstance(value, dict):
            return {key: self.placed(item, own) for key, item in value.items()}
        if isinstance(value, list):
            return [self.placed(item, own) for item in value]
        return value

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """The texts of lines by their numbers."""
        return [self._texts[number] for number in numbers]

    def _number(self, line: str, owner: int) -> int:
        number = self._numbers.setdefault(line, len(self._texts))
        if number == len(self._texts):
            self._texts.append(line)
            self._owners.append(owner)
        elif self._owners[number] != owner:
            self._owners[number] = -1
        return number

    def _place(self, number: int, own: dict[int, int]) -> int:
        place = self._places.get(number)
        return place if place is not None else -1 - own.setdefault(number, len(own))

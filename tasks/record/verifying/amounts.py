"""A recorded amount beside what the others make of it."""

from typing import NamedTuple

PRECISION = 1e-9
"""Of an amount, relative to the largest one that it is computed from."""


class Amount(NamedTuple):
    """A recorded amount beside what the others make of it.

    Attributes:
        name: of the amount.
        found: as it is recorded.
        follows: as it follows from the others.
        scale: the largest amount that it is computed from.
    """

    name: str
    found: float
    follows: float
    scale: float = 1.0

    @property
    def is_off(self) -> bool:
        """Whether the two differ by more than rounding; what is not known is not off."""
        scale = max(abs(self.found), abs(self.follows), abs(self.scale), 1e-300)
        return abs(self.found - self.follows) > PRECISION * scale

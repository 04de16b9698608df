"""Shares of trials: their interval, and whether one of two paired ones is larger."""

import math
from statistics import NormalDist
from typing import NamedTuple


class Share(NamedTuple):
    """How many of some trials came out so.

    Attributes:
        cases: those that did.
        of: all of them.
    """

    cases: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None without trials."""
        return self.cases / self.of if self.of else None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The interval of Wilson (1927); from 0 to 1 without trials."""
        return wilson(self.cases / self.of if self.of else 0.0, self.of, level)


def wilson(share: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of Wilson (1927) for a share; from 0 to 1 without trials."""
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    shrunk = 1.0 + z * z / trials
    middle = (share + z * z / (2.0 * trials)) / shrunk
    half = z * math.sqrt(share * (1.0 - share) / trials + (z / (2.0 * trials)) ** 2) / shrunk
    low = 0.0 if share == 0.0 else middle - half
    return low, 1.0 if share == 1.0 else middle + half


def more_often(first_alone: int, second_alone: int) -> float:
    """Exact p-value that the first of two paired outcomes is no more frequent than the second.

    The one-sided test of McNemar (1947) on pairs that differ: under the null either outcome of
    such a pair is as likely.

    Args:
        first_alone: pairs in which the first came out so, and the second did not.
        second_alone: the other way round.
    """
    pairs = first_alone + second_alone
    tail = sum(math.comb(pairs, k) for k in range(first_alone, pairs + 1))
    return float(tail / 2**pairs)

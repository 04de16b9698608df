"""Places that tests leave open: a range for each agent, equal ones being ties."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from investorbench.tasks.statistics import Tested

SIZE = 0.05
"""Two agents are distinguishable where the adjusted p-value of their difference is at most this."""


class Difference(NamedTuple):
    """One agent less another, with the p-value after control of the false-discovery rate."""

    first: str
    second: str
    value: float | None
    adjusted_p: float | None
    reason: str | None = None

    @property
    def is_distinguishable(self) -> bool:
        return self.adjusted_p is not None and self.adjusted_p <= SIZE

    @property
    def is_gain(self) -> bool:
        return self.value is not None and self.value > 0.0


def difference_of(pair: Tested) -> Difference:
    """A pair by the test that is quoted."""
    tested = pair.difference
    return Difference(*pair.names, tested.value, pair.adjusted_p, tested.reason)


def places(names: Sequence[str], differences: Iterable[Difference]) -> dict[str, tuple[int, int]]:
    """Best and worst place of each agent: 1 + those better than it, N − those worse than it."""
    better: Counter[str] = Counter()
    worse: Counter[str] = Counter()
    for each in differences:
        if each.is_distinguishable:
            winner, loser = each[:2] if each.is_gain else (each.second, each.first)
            better[loser] += 1
            worse[winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}

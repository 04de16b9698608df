"""Places that the tests of all pairs leave open: a range for each agent, equal ones being ties."""

from collections import Counter
from collections.abc import Iterable, Sequence

from investorbench.tasks.statistics.comparison import Tested

SIZE = 0.05
"""Two agents are distinguishable where the adjusted p-value of their difference is at most this."""


def rank_sets(names: Sequence[str], pairs: Iterable[Tested]) -> dict[str, tuple[int, int]]:
    """Best and worst place of each agent: 1 + those better than it, N − those worse than it.

    With the chance with which no difference of the family is found that is not there, all true
    places lie within them (Mogstad, Romano, Shaikh and Wilhelm 2024).
    """
    better: Counter[str] = Counter()
    worse: Counter[str] = Counter()
    for pair in pairs:
        if pair.adjusted_p is not None and pair.adjusted_p <= SIZE:
            is_gain = (pair.difference.value or 0.0) > 0.0
            winner, loser = pair.names if is_gain else pair.names[::-1]
            better[loser] += 1
            worse[winner] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}

"""How often an agent does better than the benchmark, one repeat after another."""

from investorbench.tasks.leaderboard.rows import Leaderboard, Row

ATTEMPTS = (1, 2, 3, 5, 10)
"""Of how many repeats it is said how often all succeed."""


def successes(board: Leaderboard, row: Row) -> tuple[int, int] | None:
    """In how many of its repeats an agent's Sharpe ratio is above the benchmark's, and of how many.

    Where repeats are other markets it is compared with the benchmark in the same one. None without
    a benchmark on the same days.
    """
    held = next((each for each in board.rows if each.agent == board.benchmark), None)
    if held is None or row.agent == board.benchmark or not row.ratios or not held.ratios:
        return None
    others = held.ratios if board.markets else held.ratios[:1] * len(row.ratios)
    better = [own > other for own, other in zip(row.ratios, others, strict=True)]
    return sum(better), len(better)

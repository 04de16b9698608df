"""How many decisions it takes to distinguish two agents, from the spread of their difference."""

from statistics import NormalDist

SIZE, POWER = 0.05, 0.80


def decisions_needed(
    difference: float, spread: float, *, size: float = SIZE, power: float = POWER
) -> float:
    """Of independent decisions, for a two-sided normal test; infinitely many where nothing differs.

    Args:
        difference: the mean of one agent's scores less the other's, a decision.
        spread: the standard deviation of that difference over decisions.
        size: of the test.
        power: with which the difference is seen.
    """
    z = NormalDist().inv_cdf(1 - size / 2) + NormalDist().inv_cdf(power)
    return (z * spread / difference) ** 2 if difference else float("inf")


def smallest_difference(
    decisions: float, spread: float, *, size: float = SIZE, power: float = POWER
) -> float:
    """What is seen with that power in so many decisions; see ``decisions_needed``."""
    z = NormalDist().inv_cdf(1 - size / 2) + NormalDist().inv_cdf(power)
    return float(z * spread / decisions**0.5)

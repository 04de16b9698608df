"""Days of decisions: of how many assets each is, and how many of them so many decisions are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class DayDeal(NamedTuple):
    """A deal of decisions day by day.

    Attributes:
        assets_a_day: that a day has at most.
        days: that are sure to be complete.
    """

    assets_a_day: int
    days: int


def day_deal(
    phases: Sequence[npt.NDArray[np.int64]], decisions: int, assets_a_day: int | None = None
) -> DayDeal:
    """How so many decisions are of as many whole days of one phase as can be.

    Horizons of one phase share no session, and days of several do: so a deal that stays within one
    has as many assets of each day as it takes, and no more.

    Args:
        phases: of each, how many assets each of its days has.
        decisions: that are to be dealt.
        assets_a_day: as it was given; None for the fewest that will do, or all there are.
    """
    if assets_a_day is None:
        most = max(int(own.max()) for own in phases)
        numbers = range(1, most + 1)
        enough = (
            number
            for number in numbers
            if all(np.minimum(own, number).sum() >= decisions for own in phases)
        )
        assets_a_day = next(enough, most)
    days = min(_whole(np.minimum(own, assets_a_day), decisions) for own in phases)
    return DayDeal(assets_a_day, days)


def _whole(day: npt.NDArray[np.int64], decisions: int) -> int:
    """Days that are complete after so many decisions, whatever their order."""
    return int(np.searchsorted(np.cumsum(np.sort(day)[::-1]), decisions, side="right"))

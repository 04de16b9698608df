"""Blocks of sessions that are one observation each: a label looks 15 sessions ahead.

Days nearer to each other share a part of what their labels rest on, and all tickers share a day.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.trading_r1.labels import LONGEST

BLOCK = LONGEST
"""Sessions of a block, at least."""
FEWEST_BLOCKS = 4
"""For an interval: as many as the published window has. Fewer leave Student's law no freedom."""


SHARED = 0.25
"""How far neighbouring blocks are correlated.

A label at the end of a block rests on sessions of the next. Sums over blocks of moves as long as
the blocks themselves have a covariance of 1/6 and a variance of 2/3.
"""


class MarketDay(NamedTuple):
    """A session of a market that is like no other: of real prices there is but one."""

    market: str
    session: str


def blocks_of(days: Iterable[MarketDay]) -> Mapping[MarketDay, int]:
    """The number of the block of each day, common to all tickers.

    The sessions of a market are cut into as many blocks as there are whole ones of ``BLOCK``, of
    equal length but for one session; fewer than ``BLOCK`` sessions are one block. The numbers of
    neighbouring blocks differ by one, and those of different markets by more.

    Args:
        days: in any order, each as often as it comes.
    """
    markets: dict[str, set[str]] = {}
    for day in days:
        markets.setdefault(day.market, set()).add(day.session)
    found: dict[MarketDay, int] = {}
    for market, own in markets.items():
        sessions, before = sorted(own), max(found.values(), default=-2) + 2
        blocks = max(1, len(sessions) // BLOCK)
        for place, session in enumerate(sessions):
            found[MarketDay(market, session)] = before + place * blocks // len(sessions)
    return found


def numbers_of(days: Sequence[MarketDay], blocks: Mapping[MarketDay, int]) -> npt.NDArray[np.int64]:
    """The blocks of days as an array [N]."""
    return np.array([blocks[day] for day in days], dtype=np.int64)

"""What answers earn on days that they are not about: how much of a reward is luck.

A label looks 15 sessions ahead, so days that lie near each other have much of it in common, and a
model that says the same for weeks earns by its luck on a few of them. Dealt one by one, answers
would lose that, and luck would look like reading. So they are dealt as whole stretches of days.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.trading_r1.corpus.rows import CorpusRow
from investorbench.tasks.trading_r1.labels import LONGEST

LEAST_TURNED = 2 * LONGEST
"""Weekdays that a market spans, at least, for its days to begin at another one."""
Places = npt.NDArray[np.int64]


class _Dealt(NamedTuple):
    """Rows in the order of their markets, assets and days.

    A stretch is the days of one asset of one market.

    Attributes:
        rows: their numbers, those of a day one after another [N].
        day, within: of each of them its day, and its place on it [N].
        begin, size: where the rows of each day begin, and how many it has [D].
        stretch, place: of each day its stretch, and its place in it [D].
        first, length: of each stretch its first day, and how many it has [S].
        market, beside: of each stretch its market, and its place among those of the market [S].
        opening: the first stretch of each market [M].
        alike: markets that may change places, group by group.
        turns: 1 of each market that is long enough to begin at another day, else 0 [M].
    """

    rows: Places
    day: Places
    within: Places
    begin: Places
    size: Places
    stretch: Places
    place: Places
    first: Places
    length: Places
    market: Places
    beside: Places
    opening: Places
    alike: tuple[Places, ...]
    turns: Places


def dealings(rows: Sequence[CorpusRow], number: int, seed: int = 0) -> Iterator[Places]:
    """For each row the one whose label its answer meets, as often as asked for.

    The days of a market stay in their order and begin at another one, with the first behind the
    last, and its assets with each other. Markets that were drawn apart turn by themselves, and
    change places with others of about as many rows, whose days count as far along; all that was
    not drawn is one market. One of a few weeks does not turn: its end does not lead to its begin.

    Args:
        rows: with their assets, markets and dates.
        number: of dealings; that of all answers to their own rows is among those drawn from.
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    of = _sorted(rows)
    for _ in range(number):
        other, dealt = np.arange(len(of.opening)), np.empty(len(rows), dtype=np.int64)
        for group in of.alike:
            other[group] = rng.permutation(group)
        met = (of.opening[other[of.market]] + of.beside)[of.stretch]
        length = of.length[met]
        turn = (of.turns * rng.random(len(of.turns)))[of.market[of.stretch]] * length
        along = of.place * length // of.length[of.stretch]
        day = of.first[met] + (along + turn.astype(np.int64)) % length
        row_day = day[of.day]
        dealt[of.rows] = of.rows[of.begin[row_day] + of.within % of.size[row_day]]
        yield dealt


def _sorted(rows: Sequence[CorpusRow]) -> _Dealt:
    """The rows by market, asset and day."""
    found: dict[int, dict[tuple[str, str], dict[str, list[int]]]] = {}
    for number, row in enumerate(rows):
        seed = -1 if row["market_seed"] is None else row["market_seed"]
        asset = (row["task"], row["symbol"])
        found.setdefault(seed, {}).setdefault(asset, {}).setdefault(row["date"], []).append(number)
    markets = [dict(sorted(of.items())) for _, of in sorted(found.items())]
    stretches = [[of[date] for date in sorted(of)] for market in markets for of in market.values()]
    days = [day for stretch in stretches for day in stretch]
    alike: dict[Any, list[int]] = {}
    for number, (market, seed) in enumerate(zip(markets, sorted(found), strict=True)):
        kind = (seed < 0, *((asset, _rows_in(of).bit_length()) for asset, of in market.items()))
        alike.setdefault(kind, []).append(number)
    size, length, assets = (_sizes(each) for each in (days, stretches, markets))
    return _Dealt(
        rows=np.array([row for day in days for row in day], dtype=np.int64),
        day=np.repeat(np.arange(len(days)), size),
        within=_counted(size),
        begin=np.cumsum(size) - size,
        size=size,
        stretch=np.repeat(np.arange(len(stretches)), length),
        place=_counted(length),
        first=np.cumsum(length) - length,
        length=length,
        market=np.repeat(np.arange(len(markets)), assets),
        beside=_counted(assets),
        opening=np.cumsum(assets) - assets,
        alike=tuple(np.array(group) for group in alike.values()),
        turns=np.array([_weekdays(market) >= LEAST_TURNED for market in markets], dtype=np.int64),
    )


def _rows_in(days: Mapping[str, Sequence[int]]) -> int:
    return sum(map(len, days.values()))


def _weekdays(market: Mapping[Any, Iterable[str]]) -> int:
    dates = [date for of in market.values() for date in of]
    return int(np.busday_count(min(dates), max(dates)))


def _sizes(groups: Sequence[Sized]) -> Places:
    return np.array([len(group) for group in groups], dtype=np.int64)


def _counted(sizes: Places) -> Places:
    """Places in groups of these sizes, one group after another."""
    return np.concatenate([np.arange(size) for size in sizes])

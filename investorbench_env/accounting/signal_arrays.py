"""Signals of many episodes at once: as arrays of numbers, or as a list of what one would decide.

Both come to the same: what is wanted of some coins of some episodes. Texts are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_bars import Places
from investorbench_env.accounting.signal_lists import kind_of, read_signals
from investorbench_env.accounting.signals import (
    BUY_TO_ENTER,
    CLOSE,
    HOLD,
    MOST_NUMBER,
    SELL_TO_ENTER,
)

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

CODES = {HOLD: 0, BUY_TO_ENTER: 1, SELL_TO_ENTER: -1, CLOSE: 2}
"""What stands for a signal in an array."""
LEAST, MOST = min(CODES.values()), max(CODES.values())
NUMBERS = ("quantity", "leverage", "profit_target", "stop_loss", "confidence", "risk_usd")
"""The other arrays, NaN where nothing is said."""
NAMES = frozenset(NUMBERS)
UNREADABLE = "number"
"""The kind of an entry with a number that cannot be meant."""


class LaneSignals(NamedTuple):
    """What is wanted, hold apart.

    Attributes:
        at: places, rising [K].
        code: of ``CODES`` [K].
        numbers: in the order of ``NUMBERS``, NaN where left out [6, K].
        unread: what could not be read: episode, coin (-1 for one that there is not), kind.
        repaired: how many things were not written as they should be and are certain [N].
    """

    at: Places
    code: npt.NDArray[np.int8]
    numbers: Floats
    unread: tuple[tuple[int, int, str], ...]
    repaired: npt.NDArray[np.int64]

    @property
    def episodes(self) -> int:
        """N."""
        return len(self.repaired)


def decided(actions: object, symbols: Sequence[str], count: int) -> LaneSignals | None:
    """What the actions of N episodes want; None where they are no actions.

    Args:
        actions: a mapping with ``signal``, an array of ``CODES`` [N, A], and those of ``NUMBERS``
            that matter, arrays [N, A]; or N actions as those of one episode are.
        symbols: of the A coins.
        count: N.
    """
    if isinstance(actions, Mapping):
        return _of_arrays(actions, (count, len(symbols)))
    if not isinstance(actions, Sequence | np.ndarray) or isinstance(actions, str | bytes):
        return None
    return _of_each(actions, symbols) if len(actions) == count else None


def _of_arrays(actions: Mapping[Any, Any], shape: tuple[int, int]) -> LaneSignals | None:
    try:
        arrays = {name: np.asarray(given) for name, given in actions.items()}
    except ValueError:  # rows of different lengths
        return None
    signal = arrays.pop("signal", None)
    if signal is None or signal.shape != shape or signal.dtype.kind not in "iu":
        return None
    if not arrays.keys() <= NAMES:
        return None
    for each in arrays.values():
        if each.shape != shape or each.dtype.kind not in "fiu":
            return None
    at = (signal != 0).T.reshape(-1).nonzero()[0]  # coin by coin
    coin, episode = np.divmod(at, shape[0])
    said = episode * shape[1] + coin
    code = signal.reshape(-1).take(said)
    if np.count_nonzero((code < LEAST) | (code > MOST)):
        return None
    numbers = np.full((len(NUMBERS), len(at)), np.nan)
    for row, name in enumerate(NUMBERS):
        if name in arrays:
            given = arrays[name]
            is_flat = given.flags.c_contiguous
            # What is spread out or turned around would be copied as a whole.
            numbers[row] = given.reshape(-1).take(said) if is_flat else given[episode, coin]
    found = LaneSignals(at, code.astype(np.int8), numbers, (), np.zeros(shape[0], np.int64))
    wrong = np.abs(numbers) > MOST_NUMBER
    return _without_too_large(found, wrong.any(axis=0)) if np.count_nonzero(wrong) else found


def _without_too_large(found: LaneSignals, wrong: npt.NDArray[np.bool_]) -> LaneSignals:
    """Of entries those alone whose numbers can be meant."""
    wrong &= found.code != CODES[CLOSE]
    coin, episode = np.divmod(found.at[wrong], found.episodes)
    places = zip(episode.tolist(), coin.tolist(), strict=True)
    return found._replace(
        at=found.at[~wrong],
        code=found.code[~wrong],
        numbers=found.numbers[:, ~wrong],
        unread=tuple((*place, UNREADABLE) for place in places),
    )


def _of_each(actions: Sequence[Any] | Array, symbols: Sequence[str]) -> LaneSignals | None:
    count, unread = len(actions), []
    repaired = np.zeros(count, np.int64)
    rows: list[tuple[Any, ...]] = []
    for episode, action in enumerate(actions):
        read = read_signals(action, symbols)
        if read is None:
            return None
        repaired[episode] = len(read.repairs)
        for rejection in read.rejections:
            symbol = rejection.order.symbol
            coin = symbols.index(symbol) if symbol in symbols else -1
            unread.append((episode, coin, kind_of(rejection.reason)))
        for each in read.signals:
            if code := CODES[each.signal]:  # type: ignore[index]
                place = symbols.index(each.symbol) * count + episode
                rows.append((place, code, *(getattr(each, name) for name in NUMBERS)))
    rows.sort(key=lambda row: row[0])
    at, codes, *numbers = zip(*rows, strict=True) if rows else [()] * (2 + len(NUMBERS))
    return LaneSignals(
        np.array(at, np.intp),
        np.array(codes, np.int8),
        np.array(numbers, np.float64),
        tuple(unread),
        repaired,
    )

"""The arrays of one environment's observations: each a reader's own, in memory made for many.

A block of memory has room for some observations one after the other. It is empty until they are
shown, each is written there once and never read again: a reader may keep its arrays and write into
them, and finds nothing beside them but what it was shown before.
"""

from collections.abc import Callable, Collection, Iterator
from itertools import repeat
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FIELDS
from investorbench_env.spaces import AccountFigures

Array = npt.NDArray[Any]

BLOCK = 64
"""Observations to a block: a view of memory takes half the time of an array of its own."""

WORD = 4
"""Bytes of a float32, at whose multiples one begins."""


class OwnArrays:
    """Makes the arrays of observations with bars of a window.

    Attributes:
        write: ``write(memory, offset, content, *account)`` fills the arrays of one observation
            with what ``content`` laid out and six figures of an account.
    """

    write: Callable[..., None]

    def __init__(self, window: int, shown: Collection[str]) -> None:
        self._made_of = window, shown
        rows, self._padding = window * len(FIELDS), -window % WORD
        mask = rows * WORD
        sentiment = mask + window + self._padding
        account = sentiment + 3 * WORD
        self._size = account + len(AccountFigures._fields) * WORD
        self._layout = {
            "bars": ((window, len(FIELDS)), np.float32, 0),
            "mask": ((window,), np.int8, mask),
            "sentiment": ((3,), np.float32, sentiment),
            "account": ((len(AccountFigures._fields),), np.float32, account),
        }
        self._shown = frozenset(shown)
        self.write = Struct(f"={account}s{len(AccountFigures._fields)}f").pack_into

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of  # a Struct has no copies

    def content(self, observation: dict[str, Any]) -> bytes:
        """Bars, mask and sentiment of an observation, as they are laid out in memory."""
        arrays: list[Array] = [observation[name] for name in ("bars", "mask", "sentiment")]
        bars, mask, sentiment = (array.tobytes() for array in arrays)
        return bars + mask + bytes(self._padding) + sentiment

    def block(self) -> Iterator[tuple[Any, ...]]:
        """For some observations: memory, offset, bars, mask, sentiment and account."""
        memory = bytearray(BLOCK * self._size)
        arrays = (
            self._views(memory, *layout) if name in self._shown else repeat(None)
            for name, layout in self._layout.items()
        )
        return zip(repeat(memory), range(0, len(memory), self._size), *arrays, strict=False)

    def _views(self, memory: bytearray, shape: tuple[int, ...], kind: Any, offset: int) -> Array:
        """One array of each observation in a block."""
        inner = np.empty(shape, kind).strides
        strides = (self._size, *inner)
        return np.ndarray((BLOCK, *shape), kind, memory, offset, strides)

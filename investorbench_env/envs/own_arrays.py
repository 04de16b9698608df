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

from investorbench_env.market.market import FIELDS
from investorbench_env.spaces import AccountFigures

BLOCK = 64
"""Observations to a block: a view of memory takes half the time of an array of its own."""


class OwnArrays:
    """Makes the arrays of observations with bars of a window.

    Attributes:
        write: ``write(memory, offset, content, *account)`` fills the arrays of one observation
            with what ``content`` laid out and six figures of an account.
    """

    write: Callable[..., None]

    def __init__(self, window: int, shown: Collection[str]) -> None:
        self._made_of = window, shown
        figures = len(AccountFigures._fields)
        market: list[tuple[Any, ...]] = [
            ("bars", np.float32, (window, len(FIELDS))),
            ("mask", np.int8, window),
            ("sentiment", np.float32, 3),
        ]
        # Aligned, so that bytes without a name follow a mask of an odd window.
        self._content = np.dtype(market, align=True)
        self._record = np.dtype([*market, ("account", np.float32, figures)], align=True)
        self._names = [name if name in shown else None for name in self._record.names or ()]
        self.write = Struct(f"{self._content.itemsize}s{figures}f").pack_into

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of  # a Struct has no copies

    def content(self, observation: dict[str, Any]) -> bytes:
        """Bars, mask and sentiment of an observation, as they are laid out in memory."""
        content = np.zeros((), self._content)
        for name in self._content.names or ():
            content[name] = observation[name]
        return content.tobytes()

    def block(self) -> Iterator[tuple[Any, ...]]:
        """For some observations: memory, offset, bars, mask, sentiment and account.

        What is not shown is None.
        """
        size = self._record.itemsize
        memory = bytearray(BLOCK * size)
        records = np.frombuffer(memory, self._record)
        arrays = (repeat(None) if name is None else records[name] for name in self._names)
        return zip(repeat(memory), range(0, len(memory), size), *arrays, strict=False)

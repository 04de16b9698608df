"""What observations show of the positions of N accounts, kept from step to step.

Most figures stay as they are while a position is held: they are found again only where something
happened. What follows the marks is found at every step.
"""

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_state import COLUMNS, MarginState
from investorbench_env.envs.perpetuals_features import HeldFigures
from investorbench_env.envs.perpetuals_view import ALWAYS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp] | slice

ALL = slice(None)
STATED = ("confidence", "risk")
"""Figures that an entry may state."""
POSITIVE = ("liquidation", "stop", "target")
"""Figures that are unknown where they cannot be reached."""
OF_COLUMNS = {
    "quantity": "size", "entry": "entry", "leverage": "leverage", "margin": "margin",
    "received": "funding", "liquidation": "liquidation", "stop": "stop", "target": "target",
}  # fmt: skip
"""Figures that are columns of a position, the positive ones last."""
HOUR = 3_600.0

PLACE = {name: place for place, name in enumerate(HeldFigures._fields)}
_SHOWN, _POSITIVE, _STATED, _ALWAYS = (
    [PLACE[name] for name in names] for names in (OF_COLUMNS, POSITIVE, STATED, ALWAYS)
)
_COLUMNS = [COLUMNS.index(name) for name in OF_COLUMNS.values()]


class PositionFigures:
    """The figures of the positions of a book, in the order of ``HeldFigures``.

    Args:
        book: of N accounts.
    """

    def __init__(self, book: MarginState) -> None:
        self._book = book
        places = book.marks.size
        self._figures = np.empty((len(PLACE), places), np.float32)
        self._known = np.empty((len(PLACE), places), np.bool_)
        self._stated = np.empty((len(STATED), places), np.float32)
        self._held = np.empty(places)
        self.renew(ALL)

    def state(self, at: Places, stated: Floats) -> None:
        """Keep what entries stated [2, K]; NaN for nothing."""
        self._stated[:, at] = stated

    def renew(self, at: Places) -> None:
        """Find what changed at some places; the marks apart."""
        columns = self._book.columns[:, at]
        held = columns[0] != 0.0
        shown = columns[_COLUMNS]
        reached = shown[-len(POSITIVE) :]
        np.fmax(reached, 0.0, out=reached)
        figures = np.empty((len(PLACE), len(held)), np.float32)
        known = np.empty(figures.shape, np.bool_)
        figures[_SHOWN], known[:] = shown, held
        known[_POSITIVE] = reached > 0.0
        stated = self._stated[:, at]
        known[_STATED] = is_stated = held & (stated == stated)
        figures[_STATED] = np.where(is_stated, stated, np.float32(0.0))
        known[_ALWAYS] = True
        self._figures[:, at], self._known[:, at], self._held[at] = figures, known, held

    def show(
        self,
        features: npt.NDArray[np.float32],
        mask: npt.NDArray[np.int8],
        unrealised: Floats,
        now: npt.NDArray[np.int64],
    ) -> None:
        """Write all of it [14, A, N].

        Args:
            features: of an observation.
            mask: which of them are known.
            unrealised: what the price of each position has brought [A, N].
            now: the times of the decisions, in seconds [N].
        """
        book = self._book
        held = self._held.reshape(book.shape)
        features[:] = self._figures.reshape(features.shape)
        np.multiply(book.marks, held, out=features[PLACE["mark"]], casting="same_kind")
        features[PLACE["unrealised"]] = unrealised
        features[PLACE["notional"]] = book.notionals()
        hours = (now.astype(np.float64) - book.column("opened")) / HOUR
        np.multiply(hours, held, out=features[PLACE["hours"]], casting="same_kind")
        known = mask.view(np.bool_)
        known[:] = self._known.reshape(mask.shape)
        if book.terms.cross:  # the marks move these too
            features[PLACE["margin"]] = book.margins()
            prices = np.fmax(book.liquidation_prices(), 0.0)
            features[PLACE["liquidation"]] = prices
            np.greater(prices, 0.0, out=known[PLACE["liquidation"]])

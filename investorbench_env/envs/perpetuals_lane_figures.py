"""What observations show of the positions of N accounts, kept from step to step.

Most figures stay as they are while a position is held: they are found again only where something
happened. What follows the marks is found at every step.
"""

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_bars import BarEvents, Places
from investorbench_env.accounting.margin_state import MarginState
from investorbench_env.envs.perpetuals_features import HeldFigures
from investorbench_env.envs.perpetuals_view import ALWAYS

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HOUR = 3_600.0
FIGURES = HeldFigures._fields
(
    QUANTITY, ENTRY, MARK, LIQUIDATION, UNREALISED, LEVERAGE, STOP, TARGET, MARGIN, NOTIONAL,
    CONFIDENCE, RISK, RECEIVED, HOURS,
) = range(len(FIGURES))  # fmt: skip
STATED, RESTING = slice(CONFIDENCE, RISK + 1), slice(STOP, TARGET + 1)
KEPT = (
    slice(QUANTITY, MARK), LIQUIDATION, slice(LEVERAGE, NOTIONAL), slice(CONFIDENCE, HOURS),
)  # fmt: skip
"""All but those that follow the marks or the time."""
NOT_HELD = np.array([[name in ALWAYS] for name in FIGURES])
"""What is known of a coin that is not held."""


class PositionFigures:
    """The figures of the positions of a book, in the order of ``HeldFigures``.

    Args:
        book: of N accounts.
    """

    def __init__(self, book: MarginState) -> None:
        self._book, places = book, book.marks.size
        self._figures = np.zeros((len(FIGURES), places), np.float32)
        self._known = np.repeat(NOT_HELD, places, axis=1)
        self._held = np.zeros(places, np.float32)

    def begin(self, which: Flags) -> None:
        """Some accounts hold nothing any more [N]."""
        self._leave(np.flatnonzero(np.broadcast_to(which, self._book.shape)))

    def follow(self, events: BarEvents, stated: Floats) -> None:
        """Find again what a bar has changed.

        Args:
            events: of the bar.
            stated: confidence and risk of what was entered, NaN for nothing [2, K].
        """
        if events.funded is not None:
            self._fund()
        for ended in events.ended:
            if not ended.after_entries:
                self._leave(ended.at)
        if events.entered is not None:
            self._enter(events.entered.at, stated)
        for ended in events.ended:
            if ended.after_entries:
                self._leave(ended.at)

    def _leave(self, at: Places) -> None:
        self._figures[:, at], self._known[:, at], self._held[at] = 0.0, NOT_HELD, 0.0

    def _enter(self, at: Places, stated: Floats) -> None:
        columns = self._book.columns.take(at, axis=1)
        size, entry, margin, leverage = columns[:4]
        reached = np.fmax(columns[4:7], 0.0)  # stop, target and liquidation; NaN is none
        is_reached, is_stated = reached > 0.0, stated == stated
        figures = np.zeros((len(FIGURES), len(at)), np.float32)
        known = np.ones(figures.shape, np.bool_)
        figures[QUANTITY], figures[ENTRY], figures[LEVERAGE] = size, entry, leverage
        figures[MARGIN], figures[RECEIVED] = margin, columns[11]
        figures[RESTING], known[RESTING] = reached[:2], is_reached[:2]
        figures[LIQUIDATION], known[LIQUIDATION] = reached[2], is_reached[2]
        figures[STATED], known[STATED] = np.where(is_stated, stated, 0.0), is_stated
        self._figures[:, at], self._known[:, at], self._held[at] = figures, known, 1.0

    def _fund(self) -> None:
        """What funding changes of all positions."""
        rows = self._book.rows
        self._figures[RECEIVED], self._figures[MARGIN] = rows["funding"], rows["margin"]
        self._figures[LIQUIDATION] = prices = np.fmax(rows["liquidation"], 0.0)
        self._known[LIQUIDATION] = prices > 0.0

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
        book, known = self._book, mask.view(np.bool_)
        held = self._held.reshape(book.shape)
        figures = self._figures.reshape(features.shape)
        for kept in KEPT:
            features[kept] = figures[kept]
        known[:] = self._known.reshape(mask.shape)
        features[MARK] = book.marks
        features[MARK] *= held
        features[UNREALISED] = unrealised
        notional = features[NOTIONAL]
        np.multiply(book.size, book.marks, out=notional, casting="same_kind")
        np.abs(notional, out=notional)
        hours = now - book.column("opened")
        hours /= HOUR
        np.multiply(hours, held, out=features[HOURS], casting="same_kind")
        if book.terms.cross:  # the marks move these too
            features[MARGIN] = book.margins()
            features[LIQUIDATION] = prices = np.fmax(book.liquidation_prices(), 0.0)
            np.greater(prices, 0.0, out=known[LIQUIDATION])

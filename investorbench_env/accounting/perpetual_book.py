"""Accounts of leveraged perpetuals, from bar to bar.

A book holds N accounts of A coins, N = 1 for a scalar environment. Within a bar, in order: funding
of what was held before; positions that the open ends; orders to close; entries at the open, which
may end them at once; stop or liquidation, whichever lies nearer, and then the target. A bar that
touches both sides meets the losing one. A coin that does not trade fills nothing.
"""

import numpy as np

from investorbench_env.accounting.cross_step import CrossStep
from investorbench_env.accounting.margin_bars import BarEvents, Entries, PerpetualBar, Places
from investorbench_env.accounting.margin_state import MarginState, MarginTerms
from investorbench_env.accounting.perpetual_step import IsolatedStep

__all__ = ["NO_PLACES", "BarEvents", "Entries", "MarginTerms", "PerpetualBar", "PerpetualBook"]

NO_PLACES = np.empty(0, np.intp)


class PerpetualBook(MarginState):
    """N accounts of A perpetuals that trade."""

    def take_bar(
        self, bar: PerpetualBar, entries: Entries | None = None, closes: Places = NO_PLACES
    ) -> BarEvents:
        """Take all accounts over one bar; they change in place.

        Args:
            bar: what the market did.
            entries: orders that were decided before it; None for none.
            closes: places of positions to close in full, rising; those without one are passed over.
        """
        step = (CrossStep if self.terms.cross else IsolatedStep)(self, bar)
        return step.take(entries, closes)

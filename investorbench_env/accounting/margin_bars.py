"""What a book of perpetuals is given for one bar, and what happened in it, as arrays.

Coins of accounts are named by their places in the flat array [A * N]: coin times N plus account.
Only those with a position, an order or a stamp appear.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

TARGET, STOP, LIQUIDATION, CLOSE = range(4)
REASONS = ("target", "stop", "liquidation", "close")
"""Why a position ended, by its code."""
NOT_TRADING, OTHER_SIDE, TOO_LITTLE = range(3)
"""Why an order was refused."""


class PerpetualBar(NamedTuple):
    """What the market did in one bar; arrays [A, 1] or [A, N].

    Attributes:
        open: price of trades; orders fill at it.
        high: of trades.
        low: of trades.
        close: of trades.
        trades: whether it can be traded at all; None for all. What cannot keeps its last mark.
        rate: that longs pay at the stamp with which the bar opens, NaN without; None for no stamp.
        oracle: price at that stamp; where it is NaN, or None, the open stands in.
        marks: open, high, low and close of the mark, which then trigger and value; None where
            trades stand in.
        number: of the bar, kept as the opening of what is entered; [N] where accounts differ,
            else [1] or one number.
        day: number of the UTC day, by which traded volume sets fees; likewise, and None for fees
            that stay.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    trades: Booleans | None = None
    rate: Floats | None = None
    oracle: Floats | None = None
    marks: tuple[Floats, Floats, Floats, Floats] | None = None
    number: Any = 0
    day: Any = None


class Entries(NamedTuple):
    """Orders to enter, or to add to what is held on the same side; arrays [K].

    Attributes:
        at: places, rising.
        size: coins, negative to sell short; not 0.
        leverage: notional over margin.
        stop: NaN for none, or for the one that rests already.
        target: likewise.
    """

    at: Places
    size: Floats
    leverage: Floats
    stop: Floats
    target: Floats

    def those(self, which: Booleans) -> "Entries":
        """Some of them."""
        at, *columns = self
        kept = which.nonzero()[0]
        return Entries(at.take(kept), *(column.take(kept) for column in columns))


class Entered(NamedTuple):
    """Entries that filled; arrays [K]."""

    at: Places
    size: Floats
    price: Floats
    margin: Floats
    fee: Floats


class Ended(NamedTuple):
    """Positions that ended at one moment of a bar; arrays [K].

    Attributes:
        at: places.
        reason: codes.
        inside: whether it was after the open.
        after_entries: whether it was after the entries of the bar.
        price: of the fill.
        pnl: what the price brought, less what the venue bears of a loss.
        fee: of the exit.
        held: the columns of the position before [13, K].
    """

    at: Places
    reason: npt.NDArray[np.intp]
    inside: bool
    after_entries: bool
    price: Floats
    pnl: Floats
    fee: Floats
    held: Floats


class Funded(NamedTuple):
    """Funding that was received, negative when paid; arrays [K]."""

    at: Places
    cash: Floats
    rate: Floats
    price: Floats


class Refused(NamedTuple):
    """Orders that were not filled; arrays [K].

    Attributes:
        at: places.
        reason: codes.
        required: margin and fee, where there was too little.
        free: what there was.
    """

    at: Places
    reason: npt.NDArray[np.intp]
    required: Floats
    free: Floats


class BarEvents(NamedTuple):
    """What happened to the accounts of a book in one bar; None for nothing of a kind."""

    funded: Funded | None
    entered: Entered | None
    ended: tuple[Ended, ...]
    refused: tuple[Refused, ...]

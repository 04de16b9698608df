"""Fees that fall with what an account traded in the 14 UTC days before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.venues import FeeTier

DAYS = 14
NEVER = -1_000_000_000


class TradedVolume:
    """What N accounts traded by day, and the fee of an order of theirs that fills at once.

    Attributes:
        taker: the fee as a share of notional [N].
    """

    def __init__(self, fees: Sequence[FeeTier], accounts: int) -> None:
        """Accounts that have traded nothing.

        Args:
            fees: by volume.
            accounts: N.
        """
        self._fees = fees
        # A ring: the day being traded and those before it that count.
        self._traded = np.zeros((DAYS + 1, accounts))
        self._day = np.full(accounts, NEVER)
        self._slot = np.zeros(accounts, np.intp)
        self._find_places()
        self.taker = np.full(accounts, fees[0].taker)

    def reach(self, day: Any) -> None:
        """Go on to a day: it counts from the next one on.

        Args:
            day: its number; [N] where accounts differ.
        """
        passed = day - self._day
        if len(self._fees) == 1 or not np.count_nonzero(passed):
            return
        for more in range(1, int(min(passed.max(), DAYS + 1)) + 1):
            those = np.flatnonzero(passed >= more)
            self._traded[(self._slot[those] + more) % (DAYS + 1), those] = 0.0
        self._day = self._day + passed
        self._slot = self._day % (DAYS + 1)
        self._find_places()
        # The day itself is empty where it is new; one by one, as NumPy would add up pairs.
        before = np.add.accumulate(self._traded, axis=0)[-1]
        taker = np.full(len(before), self._fees[0].taker)
        for tier in self._fees[1:]:
            taker = np.where(before > tier.above, tier.taker, taker)
        self.taker = np.where(passed > 0, taker, self.taker)

    def _find_places(self) -> None:
        """Where in the ring each account counts what it trades."""
        accounts = len(self._slot)
        self._places = self._slot * accounts + np.arange(accounts)

    def add(self, account: npt.NDArray[np.intp], notional: npt.NDArray[np.float64]) -> None:
        """Count trades of the day.

        Args:
            account: whose [K].
            notional: of each [K].
        """
        if len(self._fees) > 1:
            np.add.at(self._traded.reshape(-1), self._places.take(account), notional)

    def reopen(self, which: npt.NDArray[np.bool_]) -> None:
        """Forget what some accounts traded."""
        self._traded[:, which] = 0.0
        self._day[which] = NEVER
        self._slot[which] = 0
        self._find_places()
        self.taker[which] = self._fees[0].taker

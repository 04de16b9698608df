"""The amounts of accounts of leveraged perpetuals: free cash and positions, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from investorbench_env.accounting.margin import initial_margin, liquidation_price, maintenance
from investorbench_env.accounting.margin_bars import Booleans, Floats, Places
from investorbench_env.accounting.traded_volume import TradedVolume
from investorbench_env.accounting.venues import FeeTier, PerpetualVenue, TierTable, tier_table
from investorbench_env.accounting.weights import over_assets

COLUMNS = (
    "size", "entry", "margin", "leverage", "stop", "target", "liquidation", "lower", "upper",
    "put_in", "fees", "funding", "opened",
)  # fmt: skip
"""Of a position. ``put_in`` is the margin of its entries, ``fees`` are theirs, ``funding`` is what
it received, ``opened`` the number of the bar of its first entry; it ends at ``lower`` and
``upper``. With cross margin, ``margin`` is 0 and ``liquidation`` NaN: they are the account's."""
EMPTY = np.array([0, 0, 0, 0, np.nan, np.nan, np.nan, -np.inf, np.inf, 0, 0, 0, 0], np.float64)
"""The columns of a coin that is not held."""
BASIS_POINT = 1e-4
CLEARLY = 0.5
"""A notional of less than this share of a bound lies below it, whatever rounding does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTerms:
    """Terms of the fills and of the margin.

    Attributes:
        tiers: of margin, a column a coin.
        fees: by traded volume.
        funding_cap: the most that the rate of a stamp may be.
        slippage: by which entries, stops and closes fill worse, as a share of the price.
        cross: whether all positions of an account share one margin.
        backstop: whether a position is lost with all its margin where the open leaves it less than
            two thirds of its maintenance.
    """

    tiers: TierTable
    fees: tuple[FeeTier, ...]
    funding_cap: float = 0.04
    slippage: float = 0.0
    cross: bool = False
    backstop: bool = False


def margin_terms(
    venue: PerpetualVenue,
    symbols: Sequence[str],
    *,
    commission_bps: float | None = None,
    slippage_bps: float = 0.0,
    cross: bool = False,
    backstop: bool = False,
) -> MarginTerms:
    """The terms of a venue for some coins, in their order.

    Args:
        venue: where they trade.
        symbols: of the coins.
        commission_bps: in basis points of notional, whatever is traded; None for its own fees.
        slippage_bps: in basis points of the price.
        cross: see ``MarginTerms``.
        backstop: see ``MarginTerms``.
    """
    fees = venue.fees
    if commission_bps is not None:
        fees = (FeeTier(0.0, commission_bps * BASIS_POINT, commission_bps * BASIS_POINT),)
    return MarginTerms(
        tiers=tier_table([venue.contract(symbol) for symbol in symbols]),
        fees=fees,
        funding_cap=venue.funding_cap * venue.funding_hours,
        slippage=slippage_bps * BASIS_POINT,
        cross=cross,
        backstop=backstop,
    )


class MarginState:
    """N accounts of A perpetuals.

    Attributes:
        terms: of fills and margin.
        cash: that is free [N]; with cross margin, all but what positions have brought.
        fees: of all fills so far [N].
        marks: at which positions are valued [A, N].
        columns: of the positions [13, A * N], in the order of ``COLUMNS``.
        rows: the same by name.
        volume: what was traded, and the fees it leads to.
    """

    def __init__(self, terms: MarginTerms, cash: Floats, marks: Floats) -> None:
        """Accounts without positions.

        Args:
            terms: of fills and margin.
            cash: what each starts with [N].
            marks: the last prices [A, 1] or [A, N]; NaN of what has none yet.
        """
        self.terms = terms
        self.cash = np.array(cash, np.float64)
        self.fees = np.zeros_like(self.cash)
        self.shape = len(marks), len(self.cash)
        self.marks = np.nan_to_num(np.broadcast_to(marks, self.shape))
        self.columns = np.repeat(EMPTY[:, None], self.marks.size, axis=1)
        self.rows = dict(zip(COLUMNS, self.columns, strict=True))
        self.volume = TradedVolume(terms.fees, len(self.cash))
        rates, deductions = terms.tiers
        self._first_tier = np.stack([rates[0], deductions[0], CLEARLY * terms.tiers.beyond_first()])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy, whose rows are again those of its own columns."""
        rows = dict(zip(COLUMNS, state["columns"], strict=True))
        self.__dict__.update(state | {"rows": rows})

    def reopen(self, which: Booleans, cash: Floats, marks: Floats) -> None:
        """Put fresh accounts in the place of some.

        Args:
            which: accounts [N].
            cash: what they start with [K].
            marks: their last prices [A, 1] or [A, K].
        """
        self.cash[which], self.fees[which] = cash, 0.0
        self.marks[:, which] = np.nan_to_num(marks)
        self.columns.reshape(len(COLUMNS), *self.shape)[:, :, which] = EMPTY[:, None, None]
        self.volume.reopen(which)

    @property
    def size(self) -> Floats:
        """Coins held, negative when short [A, N]."""
        return self.column("size")

    def column(self, name: str) -> Floats:
        """A column of the positions [A, N], by its name; it is the state's own."""
        own: Floats = self.rows[name].reshape(self.shape)
        return own

    def position(self, coin: int, account: int) -> list[float]:
        """The columns of one position."""
        values: list[float] = self.columns[:, coin * self.shape[1] + account].tolist()
        return values

    def values(self) -> Floats:
        """What each position is worth [A, N]: its margin and what its price has brought."""
        size, entry, margin = (self.column(name) for name in COLUMNS[:3])
        worth: Floats = margin + size * (self.marks - entry)
        return worth

    def equity(self) -> Floats:
        """Of each account [N]: free cash and all positions."""
        worth: Floats = self.cash + over_assets(self.values())
        return worth

    def margins(self) -> Floats:
        """What secures each position [A, N].

        With cross margin it is the initial margin at the mark, as the venue shows it.
        """
        if not self.terms.cross:
            return self.column("margin")
        leverage = self.column("leverage")
        used: Floats = self.notionals() / (leverage + (leverage == 0.0))
        return used

    def notionals(self) -> Floats:
        """The value of each position at its mark, positive [A, N]."""
        value: Floats = np.abs(self.size) * self.marks
        return value

    def free_margin(self) -> Floats:
        """What entries may use at the marks [N]."""
        if not self.terms.cross:
            return self.cash
        free: Floats = self.equity() - over_assets(self.margins())
        return free

    def spare(self) -> Floats:
        """The value of the account less the maintenance of all other positions [A, N]."""
        rates, deductions = (each[:, :, None] for each in self.terms.tiers)
        needed = maintenance(self.notionals(), rates, deductions)
        left: Floats = self.equity() - (over_assets(needed) - needed)
        return left

    def liquidation_prices(self) -> Floats:
        """At which the venue ends each position [A, N]; NaN of what is not held.

        With cross margin it is the price that ends the account while all other marks stay.
        """
        if not self.terms.cross:
            return self.column("liquidation")
        prices: Floats = np.full(self.shape, np.nan)
        at = np.flatnonzero(self.rows["size"])
        marks, spare = self.marks.reshape(-1)[at], self.spare().reshape(-1)[at]
        prices.reshape(-1)[at] = self._ends_at(at, self.rows["size"][at], marks, spare)
        return prices

    def liquidation_after(
        self, at: Places, size: Floats, price: Floats, leverage: Floats
    ) -> Floats:
        """At which entries, with what is held on their side, would be ended [K].

        Args:
            at: places.
            size: coins, negative to sell short.
            price: of the entries.
            leverage: of the entries.
        """
        held, entry, margin = self.columns[:3].take(at, axis=1)
        if self.terms.cross:
            marks = self.marks.reshape(-1)[at]
            worth = self.spare().reshape(-1)[at] + held * (price - marks)
        else:
            worth = margin + held * (price - entry) + initial_margin(size, price, leverage)
        after = held + size
        # What turns a position around is no entry; its price means nothing.
        return self._ends_at(at, after + (after == 0.0), price, worth)

    def _ends_at(self, at: Places, size: Floats, price: Floats, worth: Floats) -> Floats:
        coin = at // self.shape[1]
        rate, deduction, beyond = self._first_tier.take(coin, axis=1)
        found: Floats = liquidation_price(size, price, worth, (rate,), (deduction,))
        # Mostly no other tier is near.
        if np.count_nonzero(np.abs(size) * found > beyond):
            each = (tiers.take(coin, axis=1) for tiers in self.terms.tiers)
            found = liquidation_price(size, price, worth, *each)
        return found

    def put(self, at: Places, held: Floats) -> None:
        """Put positions into their places, with the prices at which they end.

        Args:
            at: places.
            held: their columns [13, K]; the prices are found here.
        """
        held[6], held[7], held[8] = self.levels(at, held)
        self.columns[:, at] = held

    def levels(self, at: Places, held: Floats) -> tuple[Floats, Floats, Floats]:
        """Liquidation prices, and the prices below and above at which positions end [K].

        Args:
            at: places.
            held: their first six columns [6, K].
        """
        size, entry, margin, _, stop, target = held[:6]
        if self.terms.cross:
            price = np.full(len(at), np.nan)
        else:
            price = self._ends_at(at, size, entry, margin)
        is_long = size > 0.0
        below = np.where(is_long, np.fmax(stop, price), target)
        above = np.where(is_long, target, np.fmin(stop, price))
        return price, np.fmax(below, -np.inf), np.fmin(above, np.inf)

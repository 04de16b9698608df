"""Venues of perpetuals, as data: contracts with their margin tiers, fees, funding, rounding.

The figures of a venue are those of its own documentation; ``conf/perpetual`` holds them for tasks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import InvestorBenchError, UnknownNameError

SIMULATED_TERMS = {
    "SIM-U": "BTC", "SIM-V": "ETH", "SIM-W": "SOL", "SIM-X": "XRP", "SIM-Y": "DOGE", "SIM-Z": "BNB"
}  # fmt: skip
"""Whose margin tiers and size decimals simulated coins have."""
CONTINUOUS = 1e-6
"""How far, as a share, a deduction may be from the one that makes a tier table continuous."""


class MarginTier(NamedTuple):
    """Margin terms of positions above a notional.

    Attributes:
        above: notional of the position.
        max_leverage: of an entry; half of its inverse is the maintenance rate.
        deduction: what the maintenance is less than notional times rate.
    """

    above: float
    max_leverage: float
    deduction: float

    @property
    def rate(self) -> float:
        """The maintenance rate."""
        return 0.5 / self.max_leverage


class FeeTier(NamedTuple):
    """Fees as shares of notional, of accounts that traded more than a volume in 14 days.

    Attributes:
        above: notional traded in the 14 UTC days before.
        taker: of an order that fills at once.
        maker: of an order that rested.
    """

    above: float
    taker: float
    maker: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualContract:
    """One perpetual.

    Attributes:
        tiers: of margin, from the smallest positions on.
        size_decimals: of quantities.
    """

    tiers: tuple[MarginTier, ...]
    size_decimals: int

    def max_leverage(self, notional: float) -> float:
        """Of an entry that makes a position of so much notional."""
        return min(
            tier.max_leverage for tier in self.tiers if notional > tier.above or not tier.above
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualVenue:
    """Rules of a venue.

    Attributes:
        name: of the venue.
        contracts: by symbol.
        fees: by volume, from none on.
        min_notional: of an order.
        significant_figures: of prices; whole numbers are allowed all the same.
        price_decimals: of prices, less the size decimals of the contract.
        funding_hours: between two stamps of funding, counted from midnight UTC.
        funding_cap: the most that a funding rate may be an hour.
    """

    name: str
    contracts: Mapping[str, PerpetualContract]
    fees: tuple[FeeTier, ...]
    min_notional: float
    significant_figures: int
    price_decimals: int
    funding_hours: int
    funding_cap: float

    def contract(self, symbol: str) -> PerpetualContract:
        """The contract of a symbol; a simulated coin has that of the real one it stands for.

        Raises:
            UnknownNameError: the venue has none.
        """
        for name in (symbol, SIMULATED_TERMS.get(symbol, symbol)):
            if name in self.contracts:
                return self.contracts[name]
        raise UnknownNameError(
            "contract",
            symbol,
            self.contracts,
            "give venue= a mapping with its margin tiers, as conf/perpetual/hyperliquid.yaml has",
        )


class TierTable(NamedTuple):
    """Margin tiers of several contracts [K, A]; shorter tables repeat their last tier.

    Attributes:
        rates: of maintenance.
        deductions: from notional times rate.
    """

    rates: npt.NDArray[np.float64]
    deductions: npt.NDArray[np.float64]

    def beyond_first(self) -> npt.NDArray[np.float64]:
        """The notional above which another tier than the first may ask for most [A]."""
        steeper, lower = self.rates - self.rates[0], self.deductions - self.deductions[0]
        never = np.where(lower < 0.0, -np.inf, np.inf)
        above = np.where(steeper > 0.0, lower / np.where(steeper > 0.0, steeper, 1.0), never)
        least: npt.NDArray[np.float64] = above.min(axis=0)
        return least


def tier_table(contracts: Sequence[PerpetualContract]) -> TierTable:
    """The tiers of contracts, in their order."""
    longest = max(len(each.tiers) for each in contracts)
    padded = [(*each.tiers, *[each.tiers[-1]] * (longest - len(each.tiers))) for each in contracts]
    return TierTable(
        np.array([[tier.rate for tier in tiers] for tiers in padded]).T.copy(),
        np.array([[tier.deduction for tier in tiers] for tiers in padded]).T.copy(),
    )


def margin_tiers(rows: Sequence[Sequence[float]]) -> tuple[MarginTier, ...]:
    """Tiers from rows of lower bound, maximum leverage and, where given, deduction.

    Raises:
        InvestorBenchError: bounds that do not rise from 0, leverages that do not fall, or a
            deduction that does not continue the tier before.
    """
    tiers: list[MarginTier] = []
    for row in rows:
        if len(row) not in (2, 3) or not all(map(is_finite, row)):
            raise InvestorBenchError(
                f"a margin tier is [above, max_leverage] or with its deduction, not {row!r}"
            )
        above, max_leverage, *given = map(float, row)
        _require_order(tiers, above, max_leverage)
        deduction = _continuous(tiers, above, max_leverage)
        if given and not math.isclose(given[0], deduction, rel_tol=CONTINUOUS, abs_tol=CONTINUOUS):
            raise InvestorBenchError(
                f"maintenance is not continuous at {above:,.0f}: the deduction of {given[0]:,.2f} "
                f"must be {deduction:,.2f}, or be left out"
            )
        tiers.append(MarginTier(above, max_leverage, deduction))
    if not tiers:
        raise InvestorBenchError("a contract needs a margin tier, such as [0, 10]")
    return tuple(tiers)


def _require_order(tiers: Sequence[MarginTier], above: float, max_leverage: float) -> None:
    if max_leverage < 1.0:
        raise InvestorBenchError(f"max_leverage={max_leverage:g} must be at least 1")
    if not tiers and above != 0.0:
        raise InvestorBenchError(f"the first margin tier begins at 0, not at {above:,.0f}")
    if tiers and not (above > tiers[-1].above and max_leverage < tiers[-1].max_leverage):
        raise InvestorBenchError(
            f"margin tiers rise in notional and fall in leverage; [{above:,.0f}, {max_leverage:g}] "
            f"comes after [{tiers[-1].above:,.0f}, {tiers[-1].max_leverage:g}]"
        )


def _continuous(tiers: Sequence[MarginTier], above: float, max_leverage: float) -> float:
    if not tiers:
        return 0.0
    before = tiers[-1]
    return before.deduction + above * (0.5 / max_leverage - before.rate)


def is_finite(value: object) -> bool:
    """Whether a value is a number, and a finite one."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


HYPERLIQUID = PerpetualVenue(
    name="hyperliquid",
    contracts={
        symbol: PerpetualContract(tiers=margin_tiers(rows), size_decimals=size_decimals)
        for symbol, size_decimals, rows in (
            ("BTC", 5, [(0, 40), (150e6, 20)]),
            ("ETH", 4, [(0, 25), (100e6, 15)]),
            ("SOL", 2, [(0, 20), (70e6, 10)]),
            ("XRP", 0, [(0, 20), (40e6, 10)]),
            ("DOGE", 0, [(0, 10), (20e6, 5)]),
            ("BNB", 2, [(0, 10), (3e6, 5)]),
        )
    },
    fees=(
        FeeTier(0.0, 0.00045, 0.00015),
        FeeTier(5e6, 0.00040, 0.00012),
        FeeTier(25e6, 0.00035, 0.00008),
        FeeTier(100e6, 0.00030, 0.00004),
        FeeTier(500e6, 0.00028, 0.0),
        FeeTier(2e9, 0.00026, 0.0),
        FeeTier(7e9, 0.00024, 0.0),
    ),
    min_notional=10.0,
    significant_figures=5,
    price_decimals=6,
    funding_hours=1,
    funding_cap=0.04,
)
VENUES: Mapping[str, PerpetualVenue] = {HYPERLIQUID.name: HYPERLIQUID}
"""By the name under which an environment takes them."""

"""Hard limits of a portfolio: an order that breaks one is refused, with rule and figures."""

import math
from dataclasses import dataclass, fields

from investorbench_env.accounting.order_words import amount
from investorbench_env.errors import InvestorBenchError

SLACK = 1e-9
"""What rounding may add to a figure that stands exactly at its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Limits of purchases; None for none. Sales are never held back.

    Attributes:
        max_positions: assets held at once.
        max_weight: of one asset in equity, at the price of the fill.
        min_price: of a share.
        min_dollar_volume: traded in the session before, close times volume.
        max_market_cap: of the company; where the data does not say it, a purchase is rejected.
        cash_floor: money that is left after a purchase.
        whole_shares: whether shares are whole.
        volume_cap: the share of a session's volume that an order may fill; the rest of a day order
            ends, that of another waits. A stop sells all the same.
    """

    max_positions: int | None = None
    max_weight: float | None = None
    min_price: float | None = None
    min_dollar_volume: float | None = None
    max_market_cap: float | None = None
    cash_floor: float | None = None
    whole_shares: bool = False
    volume_cap: float | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or isinstance(value, bool):
                continue
            if not math.isfinite(value) or value < 0:
                raise InvestorBenchError(f"{item.name}={value!r} must be a number of at least 0")

    def broken_by(self, purchase: "Purchase") -> str | None:
        """The first rule that a purchase breaks, in words; None where it breaks none."""
        for name, value, is_broken in (
            ("max_positions", purchase.positions, _above),
            ("max_weight", purchase.weight, _above),
            ("min_price", purchase.price, _below),
            ("min_dollar_volume", purchase.dollar_volume, _below),
            ("max_market_cap", purchase.market_cap, _above),
            ("cash_floor", purchase.cash, _below),
        ):
            limit = getattr(self, name)
            if limit is None:
                continue
            if value is None or math.isnan(value):
                return f"{name} is {amount(limit)}, and the data does not say it"
            if is_broken(value, limit):
                return f"{name} is {amount(limit)}, it would be {amount(float(f'{value:.6g}'))}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a purchase comes to, before it is made.

    Attributes:
        positions: assets held after it.
        weight: of the asset after it.
        price: of the fill.
        dollar_volume: of the session before; NaN where it is not known.
        market_cap: likewise.
        cash: after it.
    """

    positions: int
    weight: float
    price: float
    dollar_volume: float
    market_cap: float
    cash: float


def _above(value: float, limit: float) -> bool:
    return value > limit + SLACK * max(1.0, limit)


def _below(value: float, limit: float) -> bool:
    return value < limit - SLACK * max(1.0, limit)

"""Indices, which cannot be traded and which few sources have: the funds that track them."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingFund:
    """The fund that stands for an index.

    Attributes:
        index: its name.
        symbol: of the fund.
    """

    index: str
    symbol: str


SP500 = TrackingFund(index="S&P 500", symbol="SPY")
RUSSELL_2000 = TrackingFund(index="Russell 2000", symbol="IWM")
NASDAQ_100 = TrackingFund(index="NASDAQ-100", symbol="QQQ")
DOW = TrackingFund(index="Dow Jones Industrial Average", symbol="DIA")

PROXIES = MappingProxyType(
    {
        **dict.fromkeys(("^GSPC", "^SPX", "SPX"), SP500),
        **dict.fromkeys(("^RUT", "RUT"), RUSSELL_2000),
        **dict.fromkeys(("^NDX", "NDX"), NASDAQ_100),
        **dict.fromkeys(("^DJI", "DJI"), DOW),
    }
)
"""By the symbols that vendors give the indices."""

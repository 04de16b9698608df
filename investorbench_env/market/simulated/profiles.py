"""How a simulated asset looks, and the parameters that follow from it."""

from dataclasses import replace

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import AssetClass, Simulated, find_asset_class
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.noise import NoisyDynamics

FIGURES: dict[tuple[str, str], tuple[float, float, float]] = {
    ("stock", "MSFT"): (0.27, 46.0, 3e7),
    ("stock", "JNJ"): (0.19, 100.0, 8e6),
    ("stock", "UVV"): (0.28, 42.0, 3e5),
    ("stock", "HON"): (0.24, 95.0, 3e6),
    ("stock", "TSLA"): (0.58, 220.0, 3e7),
    ("stock", "AAPL"): (0.30, 110.0, 5e7),
    ("stock", "NIO"): (0.75, 12.0, 5e7),
    ("stock", "NFLX"): (0.42, 49.0, 1e7),
    ("crypto", "BTC"): (0.60, 315.0, 3e4),
    ("crypto", "ETH"): (0.75, 90.0, 3e5),
    ("etf", "SPY"): (0.19, 205.0, 8e7),
    ("stock", "SIM-A"): (0.42, 120.0, 2e7),
    ("stock", "SIM-B"): (0.36, 65.0, 8e6),
    ("stock", "SIM-C"): (0.50, 28.0, 3e7),
    ("stock", "SIM-D"): (0.32, 210.0, 5e6),
    ("stock", "SIM-E"): (0.38, 90.0, 4e6),
    ("stock", "SIM-F"): (0.24, 75.0, 6e6),
    ("stock", "SIM-G"): (0.28, 140.0, 3e6),
    ("stock", "SIM-H"): (0.22, 55.0, 1e7),
    ("stock", "SIM-I"): (0.34, 36.0, 7e6),
    ("stock", "SIM-J"): (0.26, 180.0, 2e6),
    ("perpetual", "SIM-U"): (0.50, 40_000.0, 9e4),
    ("perpetual", "SIM-V"): (0.75, 2_500.0, 1.5e6),
    ("perpetual", "SIM-W"): (0.90, 150.0, 8e6),
    ("perpetual", "SIM-X"): (1.00, 2.5, 2.5e8),
    ("perpetual", "SIM-Y"): (1.15, 0.25, 1.2e9),
    ("perpetual", "SIM-Z"): (0.55, 600.0, 5e4),
}
"""Annual volatility, first price and units a day of single assets, in place of their class's.

Round figures that make an asset recognisable; nothing else of it is simulated.
"""


NOISY = {("stock", "SIM-Noise")}
"""Assets under the law by which memory pays."""


def dynamics_of(symbol: str = "SIM", asset_class: str = "stock") -> Dynamics:
    """The default parameters of an asset."""
    row = find_asset_class(asset_class)
    kind = NoisyDynamics if (asset_class, symbol) in NOISY else Dynamics
    dynamics = kind(
        annual_volatility=profile_of(symbol, row).annual_volatility, days_a_year=row.days_a_year
    )
    # What trades around the clock opens where it closed.
    return replace(dynamics, overnight_share=0.0) if row.always_open else dynamics


def profile_of(symbol: str, asset_class: AssetClass) -> Simulated:
    """How an asset looks: like its class, but for the figures that are its own.

    Raises:
        MarketError: assets of that class cannot be simulated.
    """
    profile = asset_class.simulated
    if profile is None:
        raise MarketError(f"assets of the class {asset_class.name!r} cannot be simulated")
    own = FIGURES.get((asset_class.name, symbol))
    if own is None:
        return profile
    annual_volatility, level, units_a_day = own
    return replace(
        profile, annual_volatility=annual_volatility, level=level, units_a_day=units_a_day
    )

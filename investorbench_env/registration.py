"""Every environment id, in one table.

Ids carry no version, so that Gymnasium prints no warning about newer ones; the version of a result
is that of the package, in every record.
"""

import gymnasium as gym

from investorbench_env.market.asset_classes import ASSET_CLASSES

NAMESPACE = "InvestorBench"
SIMULATED = "SIM"
FAMILIES: dict[str, tuple[str, ...]] = {
    "stock": ("MSFT", "JNJ", "UVV", "HON", "TSLA", "AAPL", "NIO"),
    "crypto": ("BTC", "ETH"),
    "etf": ("SPY",),
}
"""The assets of the benchmark, REFERENCE.md §1.1."""


def environment_ids() -> list[str]:
    """The ids that stand for one asset each, real ones first in each family."""
    return [
        f"{NAMESPACE}/{ASSET_CLASSES[asset_class].title}-{symbol}"
        for asset_class, symbols in FAMILIES.items()
        for symbol in (*symbols, SIMULATED)
    ]


def family_ids() -> list[str]:
    """The ids that stand for any asset of a class: give them ``symbol=`` and ``data=``."""
    return [f"{NAMESPACE}/{ASSET_CLASSES[asset_class].title}" for asset_class in FAMILIES]


def register_all() -> None:
    """Make every id known to ``gym.make`` and ``gym.make_vec``."""
    for asset_class, symbols in FAMILIES.items():
        family = f"{NAMESPACE}/{ASSET_CLASSES[asset_class].title}"
        _register(family, asset_class=asset_class)
        for symbol in symbols:
            _register(f"{family}-{symbol}", asset_class=asset_class, symbol=symbol)
        _register(
            f"{family}-{SIMULATED}", asset_class=asset_class, symbol=SIMULATED, data="simulated"
        )


def _register(id: str, **options: str) -> None:
    if id in gym.registry:
        return
    gym.register(
        id=id,
        entry_point="investorbench_env.envs.single_asset:SingleAssetEnv",
        vector_entry_point="investorbench_env.envs.single_asset_vector:SingleAssetVectorEnv",
        # Each wrapper costs a sixth of a step. The tests run check_env over every id, and the
        # environment itself raises what the order-enforcing wrapper would.
        disable_env_checker=True,
        order_enforce=False,
        kwargs=options,
    )

"""Facts of a simulated stock, as an agent gets them when it begins."""

from dataclasses import replace
from typing import Any

from investorbench_env.facts import Facts

SIMULATED_STOCK = Facts(
    family="Stock",
    symbols=("SIM",),
    asset_class="stock",
    protocol="standard",
    action="trade",
    steps=10,
    window=("2020-10-01", "2020-10-15"),
    source="simulated",
    simulated=True,
    fingerprint="0",
)


def facts(**changes: Any) -> Facts:
    """These facts with some changes."""
    return replace(SIMULATED_STOCK, **changes)

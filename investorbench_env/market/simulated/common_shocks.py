"""What drives several assets at once: a market and its sectors, mixed into what is an asset's own.

The shocks of an asset are those of a single one in distribution, whatever it shares with others: a
normal one is a weighted sum of three, a uniform one is one of three, chosen without regard to them.
So an asset by itself follows the law that it would follow alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from investorbench_env.errors import MarketError
from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.process import NORMALS

CHOSEN = ("regime_uniform", "jump_time_uniform")
"""Shocks that are uniform and in common: when a regime ends, and when prices jump."""

Shocks = dict[str, FloatArray]


class Shares(NamedTuple):
    """How much of an asset's shocks comes from what it has in common with others.

    Of normal shocks it is their variance, and so the correlation of those of two assets: ``market``
    in different sectors, ``market + sector`` in one. Of uniform ones it is how often two assets
    have the same.
    """

    market: float
    sector: float

    def require_sound(self) -> None:
        """Refuse a negative share, and shares that add up to more than 1.

        Raises:
            MarketError: there are such.
        """
        if min(self) < 0 or sum(self) > 1:
            raise MarketError(
                f"shares of market and sector must be at least 0 and at most 1 in all; got "
                f"{self.market:g} and {self.sector:g}"
            )


def draw_choices(origins: Sequence[Origin], length: int) -> Shocks:
    """What decides whose uniform shock it is, the same for all assets of a path [N, T]."""
    uniforms = np.empty((len(origins), length, len(CHOSEN)))
    for path, origin in enumerate(origins):
        origin.generator(Purpose.CHOICES).random(out=uniforms[path])
    return {name: uniforms[..., place] for place, name in enumerate(CHOSEN)}


def mixed(own: Shocks, sector: Shocks, market: Shocks, choices: Shocks, shares: Shares) -> Shocks:
    """The shocks of an asset, by name [N, T]; those that are not in common are its own."""
    alone = max(1 - shares.market - shares.sector, 0.0)
    of_market, of_sector, of_own = np.sqrt([shares.market, shares.sector, alone]).tolist()
    sums = {
        name: of_market * market[name] + of_sector * sector[name] + of_own * own[name]
        for name in NORMALS
    }
    whose = {
        name: np.where(
            chosen < shares.market,
            market[name],
            np.where(chosen < shares.market + shares.sector, sector[name], own[name]),
        )
        for name, chosen in choices.items()
    }
    return own | sums | whose

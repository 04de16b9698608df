"""What snapshots are drawn from: an asset and a day, and where it is simulated a market."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.history import History
from investorbench_env.market.market import Market
from investorbench_env.market.simulated.law import Law
from investorbench_env.market.simulated.path_market import SOURCE
from investorbench_env.market.simulated.profiles import dynamics_of

DAYS = 16
"""So many decision days has a simulated asset, spread over the dates of its split."""


class Occasion(NamedTuple):
    """An asset and a day on which a decision may be taken.

    Attributes:
        symbol: the asset.
        session: of the decision, ``YYYY-MM-DD``.
        start: the first session of its market.
        end: the last session of its horizon, with which its market ends.
    """

    symbol: str
    session: str
    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSnapshots:
    """Markets of a few sessions, each of an occasion and a path; their numbers are the seeds.

    A number has its occasion by its remainder, and its path by the whole of it.

    Attributes:
        asset_class: of the assets.
        occasions: all there are.
        horizon, document_sessions: as of ``SnapshotOptions``.
        band, name, numbers, pool: as of ``DrawnMarkets``.
    """

    asset_class: str
    occasions: tuple[Occasion, ...]
    horizon: int
    document_sessions: int
    band: int
    name: str
    numbers: tuple[int, ...] | None = None
    pool: int | None = None

    @property
    def simulated(self) -> bool:
        return True

    @property
    def source(self) -> str:
        return SOURCE

    @property
    def window(self) -> tuple[str, str]:
        """The first day of a decision, and the last of a horizon."""
        return (
            min(each.session for each in self.occasions),
            max(each.end for each in self.occasions),
        )

    def about(self) -> dict[str, Any]:
        """What else facts say of a market, and hold for all of them."""
        laws = [self._law(each) for each in self.occasions]
        together = hashlib.sha256(",".join(law.fingerprint for law in laws).encode())
        return {
            "interval": laws[0].interval,
            "timezone": ASSET_CLASSES[self.asset_class].timezone,
            "findings": (),
            "fingerprint": together.hexdigest(),
        }

    def has_opens(self) -> bool:
        return True

    def occasion(self, number: int) -> Occasion:
        """The asset and the day of a number."""
        return self.occasions[number % len(self.occasions)]

    def law(self, number: int) -> Law:
        """What the path of a number is drawn from."""
        return self._law(self.occasion(number))

    def draw(self, number: int) -> Market:
        """The market of a number, which ends with the horizon."""
        return self.law(number).market((self.band, number))

    def history(self, number: int, window: int) -> SnapshotHistory:
        """The moments of a number."""
        market = self.draw(number)
        (symbol,) = market.symbols
        at = len(market.times) - 1 - self.horizon
        history = History(market, symbol, window)
        return SnapshotHistory(history, at, self.horizon, self.document_sessions)

    def _law(self, occasion: Occasion) -> Law:
        return _law_of(self.asset_class, occasion)


@lru_cache(maxsize=1024)
def _law_of(asset_class: str, occasion: Occasion) -> Law:
    return Law(
        symbol=occasion.symbol,
        asset_class=asset_class,
        dynamics=dynamics_of(occasion.symbol, asset_class),
        start=occasion.start,
        end=occasion.end,
    )

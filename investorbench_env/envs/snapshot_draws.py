"""What snapshots are drawn from: an asset and a day, and where it is simulated a market."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.envs.snapshot_numbers import SnapshotNumbers
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.history import History
from investorbench_env.market.market import Market
from investorbench_env.market.simulated.dated_paths import DatedPaths
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

    A number has its occasion by its remainder, and its path by the whole of it. In antithetic pairs
    half of it does, and an odd one has the mirrored path.

    Attributes:
        asset_class: of the assets.
        occasions: all there are.
        horizon, document_sessions, antithetic: as of ``SnapshotOptions``.
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
    antithetic: bool = False

    @property
    def simulated(self) -> bool:
        return True

    @property
    def source(self) -> str:
        return SOURCE

    @property
    def without_overlap(self) -> int | None:
        """Any number of them, but where it is said which markets there are: the next may be any."""
        return None if self.numbers is None else 1

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

    @property
    def symbols(self) -> tuple[str, ...]:
        """The assets."""
        return tuple(dict.fromkeys(each.symbol for each in self.occasions))

    def has_opens(self) -> bool:
        return True

    def occasion(self, number: int) -> Occasion:
        """The asset and the day of a number."""
        return self.occasions[self._occasion(number)]

    def entropy(self, number: int) -> tuple[int, ...]:
        """What the path of a number is drawn from, as in ``Law.market``."""
        return (self.band, number // 2, number % 2) if self.antithetic else (self.band, number)

    def law(self, number: int) -> Law:
        """What the path of a number is drawn from."""
        return self._law(self.occasion(number))

    def draw(self, number: int) -> Market:
        """The market of a number, which ends with the horizon."""
        return self.law(number).market(self.entropy(number))

    def history(self, number: int, window: int) -> SnapshotHistory:
        """The moments of a number."""
        market = self.draw(number)
        (symbol,) = market.symbols
        at = len(market.times) - 1 - self.horizon
        history = History(market, symbol, window)
        return SnapshotHistory(history, at, self.horizon, self.document_sessions)

    def numbers_of(
        self, numbers: Sequence[int], window: int, *, news: bool
    ) -> Iterator[tuple[npt.NDArray[np.intp], SnapshotNumbers]]:
        """What many of them hold, to the bit what each holds that is drawn alone, asset by asset.

        Args:
            numbers: of the markets [N].
            window: bars in an observation.
            news: whether news is counted.

        Yields:
            Which of them, and what they hold.
        """
        occasions = np.array([self._occasion(number) for number in numbers])
        for first, drawer in _drawers(self.asset_class, self.occasions):
            own = (occasions >= first) & (occasions < first + len(drawer.laws))
            rows = np.flatnonzero(own)
            if not len(rows):
                continue
            which = occasions[rows] - first
            entropies = [self.entropy(numbers[row]) for row in rows.tolist()]
            at = drawer.length - 1 - self.horizon
            yield (
                rows,
                SnapshotNumbers.of_paths(
                    drawer.laws[0].symbol,
                    drawer.sessions[which[:, None], [at, drawer.length - 1]],
                    drawer.times[which[:, None], [at, drawer.length - 1]],
                    drawer.numbers(which, entropies, state_after=at, news=news),
                    horizon=self.horizon,
                    window=window,
                    document_sessions=self.document_sessions,
                ),
            )

    def _occasion(self, number: int) -> int:
        return (number // 2 if self.antithetic else number) % len(self.occasions)

    def _law(self, occasion: Occasion) -> Law:
        return _law_of(self.asset_class, occasion)


@lru_cache(maxsize=16)
def _drawers(
    asset_class: str, occasions: tuple[Occasion, ...]
) -> tuple[tuple[int, DatedPaths], ...]:
    """What draws the paths of each asset together, and the place of its first occasion."""
    found, first = [], 0
    for _, own in groupby(occasions, attrgetter("symbol")):
        laws = [_law_of(asset_class, occasion) for occasion in own]
        found.append((first, DatedPaths(laws)))
        first += len(laws)
    return tuple(found)


@lru_cache(maxsize=1024)
def _law_of(asset_class: str, occasion: Occasion) -> Law:
    return Law(
        symbol=occasion.symbol,
        asset_class=asset_class,
        dynamics=dynamics_of(occasion.symbol, asset_class),
        start=occasion.start,
        end=occasion.end,
    )

"""The law of a simulated market: what is known of it before a path is drawn."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import AssetClass, Simulated, find_asset_class
from investorbench_env.market.documents import SENTIMENTS
from investorbench_env.market.intervals import DAILY
from investorbench_env.market.market import FIELDS, FloatArray, Market
from investorbench_env.market.sessions import TimeArray, ends_of_days, sessions_between
from investorbench_env.market.simulated.bands import Origin
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.emission import emit
from investorbench_env.market.simulated.news import Factor, count_labels, plan_news
from investorbench_env.market.simulated.noise import (
    Lasting,
    NoisyDynamics,
    add_labels,
    lasting,
)
from investorbench_env.market.simulated.noise_texts import what_matters
from investorbench_env.market.simulated.path_market import (
    SimulatedAsset,
    frozen,
    hidden_state,
    hidden_state_that_lasts,
    market_of,
)
from investorbench_env.market.simulated.process import SimulatedPaths, draw_shocks, evolve
from investorbench_env.market.simulated.profiles import profile_of
from investorbench_env.market.simulated.traded_bars import (
    ExDates,
    TradedBars,
    ex_dates_of,
    on_sessions,
    traded_bars,
)

BLOCK = 64
VERSION = 2
"""Goes up with every change after which the same entropy gives another path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNumbers:
    """What N paths of a law hold besides their texts, to the bit what each path's market holds.

    Attributes:
        bars: open, high, low, close and volume as traded [N, T, 5].
        adjusted_close: as in ``Market`` [N, T].
        ex_dates: the sessions on which a path may pay a dividend or split, ascending [E].
        dividends: cash per share on the ex-dates; 0 on all other sessions [N, E].
        share_splits: new shares for an old one on the ex-dates; 1 on all other sessions [N, E].
        labels: how many news with each of ``SENTIMENTS`` came since the decision before
            [N, T, 3].
        funding, oracle: as in ``Market``; None but of perpetuals [N, T].
        hidden_state: what drives each path, by name, where it is asked for [N, T].
    """

    bars: FloatArray
    adjusted_close: FloatArray
    ex_dates: npt.NDArray[np.intp]
    dividends: FloatArray
    share_splits: FloatArray
    labels: npt.NDArray[np.uint8]
    funding: FloatArray | None = None
    oracle: FloatArray | None = None
    hidden_state: dict[str, FloatArray] | None = None


@dataclass(frozen=True, kw_only=True)
class Law:
    """A simulated market before it is drawn. See ``simulate`` for the model.

    Attributes:
        symbol: its name.
        asset_class: the name of its class: calendar, events in the texts, plausible level.
        dynamics: the model's parameters.
        start: first date, ``YYYY-MM-DD``. Every path begins there.
        end: last date, ``YYYY-MM-DD``. A later one changes nothing before it.
    """

    symbol: str
    asset_class: str
    dynamics: Dynamics
    start: str
    end: str

    def __post_init__(self) -> None:
        profile_of(self.symbol, self._row)
        if not len(self.sessions):
            raise MarketError(f"there is no session from {self.start} to {self.end} to simulate")

    @property
    def name(self) -> str:
        """That of the asset."""
        return self.symbol

    @property
    def interval(self) -> str:
        """The length of a bar."""
        return DAILY

    @property
    def symbols(self) -> tuple[str, ...]:
        """The one asset."""
        return (self.symbol,)

    @cached_property
    def sessions(self) -> TimeArray:
        """The dates, ``datetime64[D]`` [T]."""
        return frozen(sessions_between(self.asset_class, self.start, self.end))

    @cached_property
    def times(self) -> TimeArray:
        """When the decision of each session is taken, ``datetime64[ns]`` UTC [T]."""
        return frozen(ends_of_days(self.sessions, self._row.timezone))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides how likely a path is; nothing of any path."""
        about = {
            "version": VERSION,
            "symbol": self.symbol,
            "asset_class": self.asset_class,
            "timezone": self._row.timezone,
            "looks": asdict(self._profile),
            "dynamics": asdict(self.dynamics),
        }
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for dates in (self.sessions, self.times):
            digest.update(dates.tobytes())
        return digest.hexdigest()

    def market(self, entropy: Sequence[int]) -> Market:
        """The path of an entropy, with its texts and its hidden state.

        Its source names no seed, and its fingerprint is that of the law, so that neither leads to
        the path.

        Args:
            entropy: band and seed, and in an antithetic pair 0 or 1 for its second path; see
                ``bands``.
        """
        origin = self.origin(entropy)
        lasts = self._lasting([origin])
        path = self._paths([origin], lasts)
        return market_of({self.symbol: self.asset(path, origin, lasts)}, self)

    def asset(
        self,
        path: SimulatedPaths,
        origin: Origin,
        lasts: Sequence[Lasting] = (),
        factors: Sequence[Factor] = (),
    ) -> SimulatedAsset:
        """All that one path holds.

        Args:
            path: the path.
            origin: what it was drawn from.
            lasts: what lasts on it; nothing under most laws.
            factors: what else its news reports on.
        """
        texts = emit(
            self.dynamics,
            path,
            self.sessions,
            self.times,
            self._row,
            self._profile.vocabulary,
            origin,
            lasts[0] if lasts else None,
            factors,
        )
        hidden = hidden_state(path) | (hidden_state_that_lasts(lasts[0]) if lasts else {})
        traded, days, length = self.traded(path), self.ex_dates.days, len(self.sessions)
        return SimulatedAsset(
            bars=traded.bars[0],
            adjusted_close=traded.adjusted_close[0],
            dividends=on_sessions(traded.dividends, days, length, 0.0)[0],
            share_splits=on_sessions(traded.splits, days, length, 1.0)[0],
            texts=texts,
            hidden_state=hidden,
        )

    def traded(self, paths: SimulatedPaths) -> TradedBars:
        """Paths as they traded."""
        return traded_bars(paths, self.ex_dates, self._profile)

    def labels(
        self, paths: SimulatedPaths, origins: Sequence[Origin], factors: Sequence[Factor] = ()
    ) -> npt.NDArray[np.uint8]:
        """How many news with each of ``SENTIMENTS`` came since the decision before [N, T, 3]."""
        news = plan_news(
            self.dynamics, paths, self.sessions, self.times, self._row, origins, factors
        )
        counted = count_labels(news, paths.regime.shape)
        if isinstance(self.dynamics, NoisyDynamics):
            for counts, origin in zip(counted, origins, strict=True):
                add_labels(counts, len(self.sessions), origin)
        return counted

    def numbers(
        self, entropies: Sequence[Sequence[int]], *, news: bool = True, state: bool = False
    ) -> SimulatedNumbers:
        """The paths of many entropies without their words.

        Args:
            entropies: of each path, as in ``market``.
            news: whether news is counted, which takes half the time; without, ``labels`` is 0.
            state: whether the hidden state is given, too.
        """
        shape = len(entropies), len(self.sessions)
        events = len(entropies), len(self.ex_dates.days)
        numbers = SimulatedNumbers(
            bars=np.empty((*shape, len(FIELDS))),
            adjusted_close=np.empty(shape),
            ex_dates=self.ex_dates.days,
            dividends=np.empty(events),
            share_splits=np.empty(events),
            labels=np.zeros((*shape, len(SENTIMENTS)), dtype=np.uint8),
            hidden_state={} if state else None,
        )
        origins = [self.origin(entropy) for entropy in entropies]
        # In blocks that a processor's cache holds, and no array of all paths but what is kept.
        for first in range(0, len(entropies), BLOCK):
            block = slice(first, first + BLOCK)
            paths = self._paths(origins[block], self._lasting(origins[block]))
            traded = self.traded(paths)
            numbers.bars[block] = traded.bars
            numbers.adjusted_close[block] = traded.adjusted_close
            numbers.dividends[block] = traded.dividends
            numbers.share_splits[block] = traded.splits
            if news:
                numbers.labels[block] = self.labels(paths, origins[block])
            if numbers.hidden_state is not None:
                for name, values in hidden_state(paths, of=slice(None)).items():
                    numbers.hidden_state.setdefault(name, np.empty(shape))[block] = values
        return numbers

    def what_matters(self, entropy: Sequence[int]) -> dict[str, str]:
        """What each document that matters on a path is about, by its id, for an evaluator.

        Raises:
            MarketError: nothing lasts under this law.
        """
        origin = self.origin(entropy)
        lasts = self._lasting([origin])
        if not lasts:
            raise MarketError(f"nothing that is said of {self.symbol} lasts: its law has no noise")
        return what_matters(lasts[0], origin)

    def _lasting(self, origins: Sequence[Origin]) -> list[Lasting]:
        """What lasts on each path; nothing under most laws."""
        if not isinstance(self.dynamics, NoisyDynamics):
            return []
        return [lasting(self.dynamics, self.sessions, origin) for origin in origins]

    def _paths(self, origins: Sequence[Origin], lasts: Sequence[Lasting]) -> SimulatedPaths:
        shocks = draw_shocks(origins, len(self.sessions))
        if not isinstance(self.dynamics, NoisyDynamics):
            return evolve(self.dynamics, shocks)
        drift = np.array([each.drift(self.dynamics) for each in lasts])
        return evolve(self.dynamics, shocks, drift.reshape(len(lasts), len(self.sessions)))

    def origin(self, entropy: Sequence[int]) -> Origin:
        """What the path of an entropy is drawn from."""
        band, seed, *which = entropy
        return Origin(self.asset_class, self.symbol, band, seed, bool(which[0]) if which else None)

    @cached_property
    def ex_dates(self) -> ExDates:
        """The sessions on which a path may pay a dividend or split."""
        return ex_dates_of(self.sessions, self._profile)

    @property
    def _row(self) -> AssetClass:
        return find_asset_class(self.asset_class)

    @property
    def _profile(self) -> Simulated:
        return profile_of(self.symbol, self._row)

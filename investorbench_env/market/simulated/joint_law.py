"""The law of several simulated assets that have a market and sectors in common."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.documents import SENTIMENTS
from investorbench_env.market.intervals import DAILY
from investorbench_env.market.market import FIELDS, Market
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import Origin
from investorbench_env.market.simulated.common_shocks import Shares, draw_choices, mixed
from investorbench_env.market.simulated.law import BLOCK, Law, SimulatedNumbers
from investorbench_env.market.simulated.lexicon import INDUSTRY
from investorbench_env.market.simulated.news import Factor
from investorbench_env.market.simulated.noise import NoisyDynamics
from investorbench_env.market.simulated.path_market import hidden_state, market_of
from investorbench_env.market.simulated.process import SimulatedPaths, draw_shocks, evolve
from investorbench_env.market.simulated.profiles import dynamics_of

VERSION = 1
"""Goes up with every change after which the same entropy gives another path."""
SHARES = Shares(market=0.3, sector=0.2)
STOCK_MARKET = "the stock market", INDUSTRY
MARKETS = {"crypto": ("the coin market", "coin")}
"""Name and vocabulary of what all assets have in common, where it is not the stock market."""


class ListedAsset(NamedTuple):
    """An asset of a joint law."""

    symbol: str
    asset_class: str
    sector: str = ""
    """As texts name it, such as ``the mining sector``; empty for none."""


class JointPaths(NamedTuple):
    """N paths of one of the assets, with what they were drawn from and what they share."""

    law: Law
    origins: list[Origin]
    paths: SimulatedPaths
    factors: dict[str, Factor]
    """``market``, and ``sector`` where the asset has one."""


@dataclass(frozen=True, kw_only=True)
class JointLaw:
    """Several simulated assets before they are drawn. See ``simulate`` for the model of each.

    The market and each sector are paths of that model, too, which are not traded. An asset's shocks
    are mixed from those of the market, of its sector and of its own, so that it follows the law of
    a single asset and moves with the others. Texts report on the asset and, now and then, on its
    sector and on the market as a whole.

    Attributes:
        name: of the set of assets; a set of another name has other paths.
        asset_class: the name of a class with the sessions of all of them.
        assets: the A assets.
        shares: how much they have in common.
        start: first date, ``YYYY-MM-DD``. Every path begins there.
        end: last date, ``YYYY-MM-DD``. A later one changes nothing before it.

    Raises:
        MarketError: there is no asset, or one that cannot be simulated with the others.
    """

    name: str
    asset_class: str
    assets: tuple[ListedAsset, ...]
    shares: Shares = SHARES
    start: str
    end: str

    def __post_init__(self) -> None:
        self.shares.require_sound()
        if not self.assets:
            raise MarketError(f"{self.name} has no asset to simulate")
        for law in self.laws:
            if isinstance(law.dynamics, NoisyDynamics):
                raise MarketError(
                    f"{law.symbol} is simulated by itself alone, for the noise that drowns its "
                    f"texts: leave it out of {self.name}"
                )
            if not np.array_equal(law.times, self.times):
                raise MarketError(
                    f"{law.symbol} and {self.symbols[0]} have other sessions, and no market "
                    "together: leave one of them out"
                )

    @property
    def interval(self) -> str:
        """The length of a bar."""
        return DAILY

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of the assets [A]."""
        return tuple(asset.symbol for asset in self.assets)

    @cached_property
    def laws(self) -> tuple[Law, ...]:
        """The law that each asset follows by itself [A]."""
        return tuple(
            Law(
                symbol=asset.symbol,
                asset_class=asset.asset_class,
                dynamics=dynamics_of(asset.symbol, asset.asset_class),
                start=self.start,
                end=self.end,
            )
            for asset in self.assets
        )

    @property
    def sessions(self) -> TimeArray:
        """The dates, ``datetime64[D]`` [T]."""
        return self.laws[0].sessions

    @property
    def times(self) -> TimeArray:
        """When the decision of each session is taken, ``datetime64[ns]`` UTC [T]."""
        return self.laws[0].times

    @cached_property
    def ex_dates(self) -> npt.NDArray[np.intp]:
        """The sessions on which any asset may pay a dividend or split, ascending [E]."""
        return np.unique(np.concatenate([law.ex_dates.days for law in self.laws]))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides how likely a path is; nothing of any path."""
        about = {
            "version": VERSION,
            "name": self.name,
            "sectors": [asset.sector for asset in self.assets],
            "shares": self.shares,
            "laws": [law.fingerprint for law in self.laws],
        }
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()

    def market(self, entropy: Sequence[int]) -> Market:
        """The path of an entropy, with its texts and its hidden state.

        Beside that of each asset, ``hidden_state`` has the state of its sector and of the market,
        by names that begin with ``sector_`` and ``market_``; NaN where an asset has no sector.

        Args:
            entropy: band and seed; see ``bands``.
        """
        assets = {}
        for law, origins, paths, factors in self.drawn([entropy]):
            asset = law.asset(paths, origins[0], factors=tuple(factors.values()))
            hidden = asset.hidden_state.copy()
            for name, factor in factors.items():
                hidden |= hidden_state(factor.paths, f"{name}_")
            assets[law.symbol] = asset._replace(hidden_state=hidden)
        return market_of(assets, self)

    def numbers(self, entropies: Sequence[Sequence[int]], *, news: bool = True) -> SimulatedNumbers:
        """The paths of many entropies without their words; arrays have an axis of assets.

        Args:
            entropies: of each path, as in ``market``.
            news: whether news is counted, which takes half the time; without, ``labels`` is 0.
        """
        assets = len(self.symbols)
        shape = len(entropies), len(self.sessions), assets
        events = len(entropies), len(self.ex_dates), assets
        numbers = SimulatedNumbers(
            bars=np.empty((*shape, len(FIELDS))),
            adjusted_close=np.empty(shape),
            ex_dates=self.ex_dates,
            dividends=np.zeros(events),
            share_splits=np.ones(events),
            labels=np.zeros((*shape, len(SENTIMENTS)), dtype=np.uint8),
        )
        for first in range(0, len(entropies), BLOCK):
            block = slice(first, first + BLOCK)
            for place, drawn in enumerate(self.drawn(entropies[block])):
                law, origins, paths, factors = drawn
                traded = law.traded(paths)
                numbers.bars[block, :, place] = traded.bars
                numbers.adjusted_close[block, :, place] = traded.adjusted_close
                events_at = np.searchsorted(self.ex_dates, law.ex_dates.days)
                numbers.dividends[block, events_at, place] = traded.dividends
                numbers.share_splits[block, events_at, place] = traded.splits
                if news:
                    counted = law.labels(paths, origins, tuple(factors.values()))
                    numbers.labels[block, :, place] = counted
        return numbers

    def drawn(self, entropies: Sequence[Sequence[int]]) -> Iterator[JointPaths]:
        """The paths of each asset, one asset after the other."""
        length = len(self.sessions)
        market, vocabulary = MARKETS.get(self.asset_class, STOCK_MARKET)
        plain = dynamics_of(asset_class=self.asset_class)
        names = dict.fromkeys([market, *(asset.sector or market for asset in self.assets)])
        shocks = {name: draw_shocks(self.origins(name, entropies), length) for name in names}
        factors = {
            name: Factor(name, vocabulary, plain, evolve(plain, shocks[name])) for name in names
        }
        choices = draw_choices(self.origins(market, entropies), length)
        for asset, law in zip(self.assets, self.laws, strict=True):
            origins = self.origins(asset.symbol, entropies)
            own = draw_shocks(origins, length)
            sector = asset.sector or market
            # Without a sector, an asset has that share of its shocks to itself.
            shares = self.shares if asset.sector else self.shares._replace(sector=0.0)
            together = mixed(own, shocks[sector], shocks[market], choices, shares)
            reported = {"sector": factors[sector]} if asset.sector else {}
            reported["market"] = factors[market]
            yield JointPaths(law, origins, evolve(law.dynamics, together), reported)

    def origins(self, name: str, entropies: Sequence[Sequence[int]]) -> list[Origin]:
        """What the paths of an asset or factor are drawn from."""
        # Apart from those of the same symbol by itself, whose paths are others.
        group = f"{self.asset_class} of {self.name}"
        return [Origin(group, name, band, seed) for band, seed in entropies]

"""The law of simulated perpetuals: what is known of their market before a path of it is drawn."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import PERPETUAL, Simulated
from investorbench_env.market.documents import SENTIMENTS
from investorbench_env.market.intervals import length_of
from investorbench_env.market.market import CLOSE, FIELDS, FloatArray, Market
from investorbench_env.market.sessions import TimeArray, sessions_between
from investorbench_env.market.simulated.bands import Origin
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.law import SimulatedNumbers
from investorbench_env.market.simulated.path_market import SOURCE, frozen
from investorbench_env.market.simulated.perpetual_bars import (
    coarser_bars,
    traded_perpetual,
)
from investorbench_env.market.simulated.perpetual_dynamics import HOURS_A_YEAR, PerpetualDynamics
from investorbench_env.market.simulated.perpetual_process import (
    PerpetualPaths,
    draw_coin_shocks,
    draw_market_shocks,
    evolve_perpetual,
)
from investorbench_env.market.simulated.profiles import profile_of

BLOCK = 2
VERSION = 1
"""Goes up with every change after which the same entropy gives another path."""
MARKET = "the market"
HOUR, DAY = np.timedelta64(3_600, "s"), np.timedelta64(86_400, "s")


@dataclass(frozen=True, kw_only=True)
class PerpetualLaw:
    """Simulated perpetuals before they are drawn.

    The state of a coin after bar t is a trend z and a log volatility h, common in part to all
    coins, and the premium π of its perpetual over the oracle price, which longs that crowd into a
    trend drive up. Over a bar of Δ hours, with σ the coin's volatility over one::

        drift          μ_t = θ·σ·√Δ·z_t,   volatility v_t = σ·exp(h_t − s²)
        oracle price   log S_{t+1} = log S_t + μ_t − v_t²/2 + v_t·ε_{t+1} + J_{t+1} − c
        premium        π_t = m + p·(√k·z_t + √(1 − k)·x_t)
        perpetual      log P_t = log S_t + π_t

    z, h/s and x are autoregressions of unit variance (Taylor 1986 for h), ε normal, and J rare
    jumps of a coin or of all at once (Merton 1976), for which c compensates. Jumps, and a small
    share of the diffusion, fall between a close and the next open; high and low are the extremes
    of the Brownian bridge from open to close. At each full hour funding is charged, from the mean
    premium of the hour, on the oracle price; prices stand on ticks of five significant figures.

    Attributes:
        name: of the set of coins; a set of another name has other paths.
        symbols: the A coins.
        start: first date, ``YYYY-MM-DD``. Every path begins there at midnight UTC.
        end: last date, ``YYYY-MM-DD``. A later one changes nothing before it.
        interval: the length of a bar, which divides an hour.
        context: that of the bars beside them, a multiple of it that divides a day; None for none.
        dynamics: the model's parameters.

    Raises:
        MarketError: there is no coin or no day, or one length of bars does not divide the other.
    """

    name: str
    symbols: tuple[str, ...]
    start: str
    end: str
    interval: str = "3m"
    context: str | None = "4h"
    dynamics: PerpetualDynamics = field(default_factory=PerpetualDynamics)

    def __post_init__(self) -> None:
        if not self.symbols:
            raise MarketError(f"{self.name} has no coin to simulate")
        bar, context = length_of(self.interval), length_of(self.context or "1d")
        if HOUR % bar or context % bar or DAY % context:
            raise MarketError(
                f"bars of {self.interval} do not divide an hour or bars of {self.context}, or "
                'those a day; such as interval="3m" and context="4h" do'
            )
        if not len(self._days):
            raise MarketError(f"there is no day from {self.start} to {self.end} to simulate")

    @property
    def asset_class(self) -> str:
        """The name of their class."""
        return PERPETUAL.name

    @cached_property
    def sessions(self) -> TimeArray:
        """The date of each bar, ``datetime64[D]`` [T]."""
        return frozen(np.repeat(self._days, DAY // length_of(self.interval)))

    @cached_property
    def times(self) -> TimeArray:
        """The end of each bar, ``datetime64[ns]`` UTC [T]."""
        return frozen(self._ends(self.interval))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides how likely a path is; nothing of any path."""
        looks = [asdict(profile_of(symbol, PERPETUAL)) for symbol in self.symbols]
        about = {"version": VERSION, "looks": looks}
        about |= asdict(self)
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def market(self, entropy: Sequence[int]) -> Market:
        """The path of an entropy, with its hidden state and the bars of the context.

        Args:
            entropy: band and seed; see ``bands``.
        """
        bars, funding, oracle, coins = self._traded([entropy])
        states = [hidden_state_of(paths) for paths in coins]
        hidden = {name: np.stack([s[name] for s in states], axis=1) for name in states[0]}
        return self._market(
            self.interval,
            bars[0],
            intervals=self._context_of(bars[0]),
            funding=funding[0],
            oracle=oracle[0],
            hidden_state={name: frozen(values) for name, values in hidden.items()},
        )

    def numbers(self, entropies: Sequence[Sequence[int]], *, news: bool = True) -> SimulatedNumbers:
        """The paths of many entropies; to the bit what the market of each holds.

        Args:
            entropies: of each path, as in ``market``.
            news: there is none of perpetuals.
        """
        shape = len(entropies), len(self.times), len(self.symbols)
        bars, funding, oracle = np.empty((*shape, len(FIELDS))), np.empty(shape), np.empty(shape)
        # In blocks that a processor's cache holds, and no array of all paths but what is kept.
        for first in range(0, len(entropies), BLOCK):
            block = slice(first, first + BLOCK)
            bars[block], funding[block], oracle[block], _ = self._traded(entropies[block])
        nothing = np.zeros((len(entropies), 0, len(self.symbols)))
        return SimulatedNumbers(
            bars=bars,
            adjusted_close=bars[..., CLOSE],
            ex_dates=np.zeros(0, dtype=np.intp),
            dividends=nothing,
            share_splits=nothing,
            labels=np.broadcast_to(np.uint8(0), (*shape, len(SENTIMENTS))),
            funding=funding,
            oracle=oracle,
        )

    def drawn(
        self, entropies: Sequence[Sequence[int]]
    ) -> Iterator[tuple[Simulated, PerpetualPaths]]:
        """How each coin looks, and its paths [N, T], one coin after the other."""
        length, hours = len(self.times), 1 / self._bars_an_hour
        market = draw_market_shocks(self._origins(MARKET, entropies), length)
        for symbol in self.symbols:
            profile = profile_of(symbol, PERPETUAL)
            scale = profile.annual_volatility * float(np.sqrt(hours / HOURS_A_YEAR))
            own = draw_coin_shocks(self._origins(symbol, entropies), length)
            yield profile, evolve_perpetual(self.dynamics, scale, hours, market, own)

    def _origins(self, name: str, entropies: Sequence[Sequence[int]]) -> list[Origin]:
        """What paths of the market or of a coin are drawn from."""
        group = f"{self.asset_class} of {self.name} in {self.interval}"
        return [Origin(group, name, band, seed) for band, seed in entropies]

    def _traded(
        self, entropies: Sequence[Sequence[int]]
    ) -> tuple[FloatArray, FloatArray, FloatArray, list[PerpetualPaths]]:
        """Bars [N, T, A, 5], funding and oracle prices [N, T, A], and the paths of each coin."""
        coins, traded = [], []
        for profile, paths in self.drawn(entropies):
            coins.append(paths)
            traded.append(traded_perpetual(paths, profile, self._bars_an_hour))
        bars, funding, oracle = (np.stack(each, axis=2) for each in zip(*traded, strict=True))
        return bars, funding, oracle, coins

    def _context_of(self, bars: FloatArray) -> dict[str, Market]:
        """The market in longer bars, if there are to be any."""
        if self.context is None:
            return {}
        count = int(length_of(self.context) / length_of(self.interval))
        return {self.context: self._market(self.context, coarser_bars(bars, count))}

    def _market(self, interval: str, bars: FloatArray, **more: Any) -> Market:
        times = self.times if interval == self.interval else self._ends(interval)
        return Market(
            symbols=self.symbols,
            asset_class=self.asset_class,
            interval=interval,
            sessions=np.repeat(self._days, DAY // length_of(interval)),
            times=times,
            bars=bars,
            adjusted_close=bars[..., CLOSE],
            dividends=np.zeros(bars.shape[:-1]),
            share_splits=np.ones(bars.shape[:-1]),
            source=SOURCE,
            simulated=True,
            law_fingerprint=self.fingerprint,
            **more,
        )

    @cached_property
    def _days(self) -> TimeArray:
        return sessions_between(self.asset_class, self.start, self.end)

    @property
    def _bars_an_hour(self) -> int:
        return int(HOUR / length_of(self.interval))

    def _ends(self, interval: str) -> TimeArray:
        """The end of each bar of a length."""
        bar = length_of(interval)
        count = len(self._days) * (DAY // bar)
        ends: TimeArray = self._days[0].astype("datetime64[ns]") + bar * np.arange(1, count + 1)
        return ends


def hidden_state_of(paths: PerpetualPaths) -> dict[str, FloatArray]:
    """What drives the first path of a coin after each bar, by name [T]."""
    return {
        "trend": paths.trend[0],
        "volatility": paths.volatility[0],
        "premium": paths.premium[0],
        "expected_return": exp(paths.expected[0]) - 1.0,
    }

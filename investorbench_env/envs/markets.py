"""What the markets of an environment's episodes are: one that is there, or as many as are drawn.

It knows what holds for all of them before any is drawn, and makes the one of a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.options import MarketOptions, Options
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.market.asset_classes import ASSET_CLASSES, PERPETUAL
from investorbench_env.market.history import History, history_of
from investorbench_env.market.library import find_data
from investorbench_env.market.market import CLOSE, OPEN, Market
from investorbench_env.market.sessions import TimeArray, session_before
from investorbench_env.market.simulated.bands import FRESH, HELD_OUT, NAMED, ONE, TRAIN
from investorbench_env.market.simulated.joint_law import JointLaw
from investorbench_env.market.simulated.law import Law, SimulatedNumbers
from investorbench_env.market.simulated.path_market import SOURCE
from investorbench_env.market.simulated.perpetual_law import PerpetualLaw
from investorbench_env.market.simulated.profiles import dynamics_of
from investorbench_env.universes import Split, Universe

BANDS = {"fresh": FRESH, "train": TRAIN, "held_out": HELD_OUT}
"""Where markets are drawn from, by the word that asks for them."""

LEAD, PERPETUAL_LEAD = 60, 8
"""Sessions of a simulated market before the first decision of its warm-up."""

EARLIEST, LATEST = "1960-01-01", "2100-12-31"
"""Dates that can be simulated: those for which there are calendars of exchanges."""


class Draws(Protocol):
    """The markets of an environment; each has a number."""

    @property
    def name(self) -> str:
        """What they are drawn from, as in ``Facts.markets``."""

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """Those there are; None where every number has a market."""

    @property
    def pool(self) -> int | None:
        """How many are drawn for all episodes; None where each episode has one of its own."""

    @property
    def simulated(self) -> bool:
        """Whether prices or texts are not real."""

    @property
    def source(self) -> str:
        """Where they come from, in words that lead to none of them."""

    def about(self) -> dict[str, Any]:
        """What else facts say of a market, and hold for all of them."""

    def draw(self, number: int) -> Market:
        """One of them, with its texts."""


class Markets(Draws, Protocol):
    """Markets that have their bars at the same times."""

    @property
    def sessions(self) -> TimeArray:
        """Dates of the bars [T]."""

    @property
    def times(self) -> TimeArray:
        """Ends of the bars, UTC [T]."""

    def span(self, start: str, end: str) -> range:
        """The bars of the sessions from one date to another, both inclusive."""

    def decisions(self, span: range) -> npt.NDArray[np.int64]:
        """The bars of a span that are known, ascending."""

    def has_opens(self, t: int) -> bool:
        """Whether any open is known up to a bar."""

    def history(self, number: int, window: int) -> History:
        """The moments of one that is of one asset."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfGivenMarket:
    """What is drawn from one market that is there, whatever the number.

    Attributes:
        market: with the assets.
        symbols: the assets; a bar is known where that of any of them is.
    """

    market: Market
    symbols: tuple[str, ...]

    @property
    def pool(self) -> None:
        return None

    @property
    def simulated(self) -> bool:
        return self.market.simulated

    @property
    def source(self) -> str:
        return self.market.source

    def about(self) -> dict[str, Any]:
        names = ("interval", "timezone", "findings", "fingerprint")
        return {name: getattr(self.market, name) for name in names}

    def draw(self, number: int) -> Market:
        return self.market

    def opens_until(self, t: int) -> bool:
        """Whether any open is known up to a bar."""
        return not np.isnan(self.market.bars[: t + 1, self._assets, OPEN]).all()

    @property
    def _assets(self) -> list[int]:
        return [self.market.asset(symbol) for symbol in self.symbols]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMarket(OfGivenMarket):
    """One market that is there, all of it an episode.

    Attributes:
        needs_adjusted: as in ``History``.
    """

    needs_adjusted: bool = False

    @property
    def name(self) -> str:
        return ""

    @property
    def numbers(self) -> tuple[int, ...]:
        return (0,)

    @property
    def sessions(self) -> TimeArray:
        return self.market.sessions

    @property
    def times(self) -> TimeArray:
        return self.market.times

    def span(self, start: str, end: str) -> range:
        return self.market.span(start, end)

    def decisions(self, span: range) -> npt.NDArray[np.int64]:
        shown, assets = slice(span.start, span.stop), self._assets
        closes = self.market.bars[shown, assets, CLOSE]
        if self.needs_adjusted:
            closes = closes * self.market.adjusted_close[shown, assets]
        return np.flatnonzero(~np.isnan(closes).all(axis=1)) + span.start

    def has_opens(self, t: int) -> bool:
        return self.opens_until(t)

    def history(self, number: int, window: int) -> History:
        (symbol,) = self.symbols
        return history_of(self.market, symbol, window, needs_adjusted=self.needs_adjusted)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMarkets:
    """Paths of a law, drawn from a band of seeds; their numbers are the seeds."""

    law: Law | JointLaw | PerpetualLaw
    band: int
    name: str
    numbers: tuple[int, ...] | None = None
    pool: int | None = None

    @property
    def sessions(self) -> TimeArray:
        return self.law.sessions

    @property
    def times(self) -> TimeArray:
        return self.law.times

    @property
    def simulated(self) -> bool:
        return True

    @property
    def source(self) -> str:
        return SOURCE

    def about(self) -> dict[str, Any]:
        return {
            "interval": self.law.interval,
            "timezone": ASSET_CLASSES[self.law.asset_class].timezone,
            "findings": (),
            "fingerprint": self.law.fingerprint,
        }

    def span(self, start: str, end: str) -> range:
        first = int(np.searchsorted(self.sessions, np.datetime64(start, "D")))
        stop = int(np.searchsorted(self.sessions, np.datetime64(end, "D"), side="right"))
        if first >= stop:
            raise DateRangeError(f"there is no session from {start} to {end}")
        return range(first, stop)

    def decisions(self, span: range) -> npt.NDArray[np.int64]:
        return np.arange(span.start, span.stop)

    def has_opens(self, t: int) -> bool:
        return True

    def draw(self, number: int) -> Market:
        return self.law.market((self.band, number))

    def history(self, number: int, window: int) -> History:
        (symbol,) = self.law.symbols
        return History(self.draw(number), symbol, window)

    def without_words(
        self, numbers: Sequence[int], *, news: bool, state: bool = False
    ) -> SimulatedNumbers:
        """What many of them hold, to the bit what each holds that is drawn alone.

        Args:
            numbers: of the markets.
            news: whether news is counted.
            state: whether the hidden state is given, too; of one asset.
        """
        entropies = [(self.band, number) for number in numbers]
        if state and isinstance(self.law, Law):
            return self.law.numbers(entropies, news=news, state=True)
        return self.law.numbers(entropies, news=news)


def markets_of(
    options: Options,
    symbol: str,
    universe: Universe | None,
    split: Split,
    *,
    needs_adjusted: bool,
) -> Markets:
    """The markets that options ask for.

    Raises:
        DataNotFoundError: no data for the symbol where ``data`` says to look.
        DateRangeError: dates that cannot be simulated.
        InvestorBenchError: markets are to be drawn where there is one that is there.
    """
    market = find_data(
        symbol,
        options.asset_class,
        options.data,
        dates=options.dates,
        data_tolerance=options.data_tolerance,
        sources=options.sources,
    )
    if market is None:
        return drawn(options, _law_of(options.asset_class, symbol, universe, split))
    require_nothing_to_draw(options, symbol, market)
    return GivenMarket(market=market, symbols=(symbol,), needs_adjusted=needs_adjusted)


def require_nothing_to_draw(options: MarketOptions, name: str, market: Market) -> None:
    """See that no markets are asked for where there is one.

    Raises:
        InvestorBenchError: they are.
    """
    for option, default in (("markets", "fresh"), ("pool", None)):
        if (given := getattr(options, option)) != default:
            raise InvestorBenchError(
                f"{option}={given!r}: {name} has one market, {market.source}; leave {option}= "
                'out, or draw simulated markets with data="simulated"'
            )


def drawn(options: MarketOptions, law: Law | JointLaw | PerpetualLaw) -> DrawnMarkets:
    """The paths of a law that options ask for."""
    band = band_of(options, law.asset_class, law.name)
    return DrawnMarkets(law=law, pool=options.pool, **band._asdict())


class SeedBand(NamedTuple):
    """A band of seeds; see ``DrawnMarkets``."""

    band: int
    name: str
    numbers: tuple[int, ...] | None = None


def band_of(options: MarketOptions, asset_class: str, symbols: str) -> SeedBand:
    """The band of seeds from which options ask for markets of some assets."""
    given, pool = options.markets, options.pool
    if given == "one":
        return SeedBand(ONE, given, (crc32(f"{asset_class}-{symbols}".encode()),))
    if not isinstance(given, str):
        listed = ", ".join(map(str, given))
        return SeedBand(NAMED, f"market{'s' if len(given) > 1 else ''} {listed}", tuple(given))
    return SeedBand(BANDS[given], given if pool is None else f"{given}; pool of {pool}")


def _law_of(asset_class: str, symbol: str, universe: Universe | None, split: Split) -> Law:
    """The law of an asset, from some sessions before the warm-up to the end of the test.

    It is the same for both splits, so that warm-up and test of one number are of one market. Other
    dates move its ends where they lie beyond them.
    """
    start, end = dates_of_law(asset_class, universe, split)
    dynamics = dynamics_of(symbol, asset_class)
    return Law(symbol=symbol, asset_class=asset_class, dynamics=dynamics, start=start, end=end)


def perpetual_law_of(
    symbols: tuple[str, ...],
    universe: Universe | None,
    split: Split,
    *,
    interval: str = "3m",
    context: str | None = "4h",
) -> PerpetualLaw:
    """The law of perpetuals that are simulated together, likewise the same for both splits.

    Raises:
        DateRangeError: dates that cannot be simulated.
        MarketError: lengths of bars that do not divide one another.
    """
    start, end = dates_of_law(PERPETUAL.name, universe, split, PERPETUAL_LEAD)
    return PerpetualLaw(
        name=",".join(symbols),
        symbols=symbols,
        start=start,
        end=end,
        interval=interval,
        context=context,
    )


def dates_of_law(
    asset_class: str, universe: Universe | None, split: Split, lead: int = LEAD
) -> tuple[str, str]:
    """First and last date of the law of an asset of a universe, see above."""
    splits = [split, *(universe.splits.values() if universe else ())]
    start, end = min(one.start for one in splits), max(one.end for one in splits)
    require_calendar(start, end)
    return session_before(asset_class, start, lead), end


def require_calendar(*dates: str) -> None:
    """Refuse dates that cannot be simulated.

    Raises:
        DateRangeError: one of them cannot.
    """
    for date in dates:
        if not EARLIEST <= date <= LATEST:
            raise DateRangeError(
                f"{date} cannot be simulated; dates go from {EARLIEST} to {LATEST}"
            )

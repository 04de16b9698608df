"""What the markets of a portfolio's episodes are: one that is there, or as many as are drawn."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from investorbench_env.envs.markets import (
    GivenMarket,
    Markets,
    dates_of_law,
    drawn,
    require_nothing_to_draw,
)
from investorbench_env.envs.options import MarketOptions
from investorbench_env.envs.portfolio_options import PortfolioOptions
from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    InvestorBenchError,
    MarketError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market.asset_classes import asset_class_of, class_beside
from investorbench_env.market.joining import join
from investorbench_env.market.library import DataLike, absence, find_data
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import JointLaw, ListedAsset
from investorbench_env.universes import Member, Split, Universe


class NamesAssets(Protocol):
    """Options that may name assets."""

    @property
    def symbols(self) -> Sequence[str] | str | None: ...
    @property
    def universe(self) -> str | None: ...
    @property
    def asset_class(self) -> str: ...
    @property
    def data(self) -> DataLike: ...


def members_of(
    options: NamesAssets, universe: Universe | None, family: str = "Portfolio"
) -> tuple[Member, ...]:
    """The assets that options ask for.

    Args:
        options: they may name them.
        universe: whose assets they are, unless they are named.
        family: of the environment, for the message.

    Raises:
        InvestorBenchError: they name none.
    """
    own = {} if universe is None else {member.symbol: member for member in universe.members}
    if options.symbols is not None:
        symbols = tuple(options.symbols)
    elif options.universe is not None:
        symbols = tuple(own)
    elif isinstance(options.data, Market):
        symbols = options.data.symbols
    else:
        raise InvestorBenchError(
            f'which assets? Name them: gym.make("InvestorBench/{family}", symbols=["AAPL", "MSFT"])'
        )
    return tuple(own.get(symbol) or _member(symbol, options) for symbol in symbols)


def _member(symbol: str, options: NamesAssets) -> Member:
    """An asset by itself, of the class of its own that trades on the same exchange, if any."""
    return Member(symbol=symbol, asset_class=class_beside(symbol, options.asset_class))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMarkets:
    """Where the markets of a portfolio come from.

    Attributes:
        markets: what an episode's market is drawn from.
        symbols: the assets of which there is data.
        asset_class: of the whole.
        findings: what was left out, in words.
    """

    markets: Markets
    symbols: tuple[str, ...]
    asset_class: str
    findings: tuple[str, ...] = ()


def portfolio_markets_of(
    options: PortfolioOptions, members: Sequence[Member], universe: Universe | None, split: Split
) -> FoundMarkets:
    """The markets that options ask for.

    Raises:
        DataNotFoundError: no data for an asset where ``data`` says to look.
        DateRangeError: dates that cannot be simulated.
        InvestorBenchError: markets are to be drawn where there is one that is there.
    """
    given = joint_market_of(options, members)
    if given is None:
        law = _law_of(options.asset_class, tuple(members), universe, split)
        symbols = tuple(member.symbol for member in members)
        return FoundMarkets(
            markets=drawn(options, law), symbols=symbols, asset_class=options.asset_class
        )
    market, there, findings = given
    return FoundMarkets(
        markets=GivenMarket(market=market, symbols=there),
        symbols=there,
        asset_class=market.asset_class,
        findings=findings,
    )


class JointMarket(NamedTuple):
    """One market of several assets.

    Attributes:
        market: with the assets.
        symbols: those of which there is data.
        findings: what was left out, in words.
    """

    market: Market
    symbols: tuple[str, ...]
    findings: tuple[str, ...]


def joint_market_of(
    options: MarketOptions, members: Sequence[Member], *, stacklevel: int = 7
) -> JointMarket | None:
    """The market of some assets that is there; None where it is to be simulated.

    Args:
        options: where to look.
        members: the assets, some of which may be done without.
        stacklevel: of a warning, so that it names the caller of ``gym.make``.

    Raises:
        DataNotFoundError: no data for an asset where ``data`` says to look.
        InvestorBenchError: markets are to be drawn where there is one that is there.
    """
    if isinstance(options.data, Market):
        market = options.data
        there = tuple(m.symbol for m in members if m.required or m.symbol in market.symbols)
        for symbol in there:
            market.asset(symbol)
    else:
        is_simulated = isinstance(options.data, str) and options.data == "simulated"
        found = None if is_simulated else _found(options, members, stacklevel)
        if found is None:
            return None
        there = tuple(found)
        market = _joined(there, tuple(found.values()), options.asset_class)
    require_nothing_to_draw(options, ", ".join(there), market)
    absent = (member.symbol for member in members if member.symbol not in there)
    findings = tuple(f"{symbol} is left out: there is no data of it" for symbol in absent)
    return JointMarket(market, there, findings)


def _found(
    options: MarketOptions, members: Sequence[Member], stacklevel: int
) -> dict[str, Market] | None:
    """The market of each asset; None where they are to be simulated together.

    Raises:
        DataNotFoundError: an asset that is required has none.
        MarketError: one is asked for as of a class that trades on other days.
    """
    may_simulate = isinstance(options.data, str) and options.data == "auto"
    data = "real" if may_simulate else options.data
    found: dict[str, Market] = {}
    for member in members:
        try:
            market = find_data(
                member.symbol, member.asset_class, data,
                dates=options.dates, data_tolerance=options.data_tolerance,
                sources=options.sources,
            )  # fmt: skip
        except (DataNotFoundError, UnknownNameError):
            if not member.required:
                continue
            if not may_simulate:
                raise
            what = "simulated markets stand in for all: no real data"
            warnings.warn(
                absence(what, member.asset_class, member.symbol),
                SimulatedDataWarning,
                stacklevel=stacklevel,
            )
            return None
        except CorruptDataError as error:
            own = asset_class_of(member.symbol)
            if own == member.asset_class:
                raise
            raise MarketError(
                f"{member.symbol} is best known as {own}, and was asked for as "
                f"{member.asset_class}: give asset_class={own!r}, or leave it out of symbols="
            ) from error
        assert market is not None
        found[member.symbol] = market
    if not found:
        raise DataNotFoundError(f"no data of {', '.join(member.symbol for member in members)}")
    return found


@lru_cache(maxsize=8)
def _joined(symbols: tuple[str, ...], markets: tuple[Market, ...], asset_class: str) -> Market:
    """Several markets as one, made once for all environments of it."""
    return join(dict(zip(symbols, markets, strict=True)), asset_class)


def _law_of(
    asset_class: str, members: Sequence[Member], universe: Universe | None, split: Split
) -> JointLaw:
    """The law of assets that are simulated together, on the dates of that of one of them."""
    start, end = dates_of_law(asset_class, universe, split)
    assets = tuple(ListedAsset(each.symbol, each.asset_class, each.sector) for each in members)
    name = ",".join(member.symbol for member in members)
    return JointLaw(name=name, asset_class=asset_class, assets=assets, start=start, end=end)

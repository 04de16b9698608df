"""What the markets of perpetuals' episodes are: one that is there, or as many as are drawn."""

import warnings

from investorbench_env.accounting.venues import PerpetualVenue
from investorbench_env.envs.markets import (
    GivenMarket,
    drawn,
    perpetual_law_of,
    require_nothing_to_draw,
)
from investorbench_env.envs.perpetuals_options import PerpetualOptions
from investorbench_env.envs.portfolio_markets import FoundMarkets
from investorbench_env.errors import (
    DataNotFoundError,
    InvestorBenchError,
    SimulatedDataWarning,
)
from investorbench_env.market.library import absence, find_perpetuals
from investorbench_env.market.market import Market
from investorbench_env.universes import Split, Universe


def coins_of(options: PerpetualOptions, universe: Universe | None) -> tuple[str, ...]:
    """The coins that options ask for.

    Raises:
        InvestorBenchError: they name none.
    """
    if options.symbols is not None:
        return tuple(options.symbols)
    if options.universe is not None and universe is not None:
        return tuple(member.symbol for member in universe.members)
    if isinstance(options.data, Market):
        return options.data.symbols
    raise InvestorBenchError(
        'which coins? Name them: gym.make("InvestorBench/Perpetuals", symbols=["BTC", "ETH"])'
    )


def perpetual_markets_of(
    options: PerpetualOptions,
    venue: PerpetualVenue,
    symbols: tuple[str, ...],
    universe: Universe | None,
    split: Split,
) -> FoundMarkets:
    """The markets that options ask for.

    Raises:
        DataNotFoundError: no data of a coin where ``data`` says to look.
        DateRangeError: dates that cannot be simulated.
        InvestorBenchError: markets are to be drawn where there is one that is there.
    """
    market = _found(options, venue, symbols)
    if market is None:
        law = perpetual_law_of(
            symbols, universe, split, interval=options.interval, context=options.context
        )
        markets = drawn(options, law)
        return FoundMarkets(markets=markets, symbols=symbols, asset_class=options.asset_class)
    require_nothing_to_draw(options, ", ".join(symbols), market)
    return FoundMarkets(
        markets=GivenMarket(market=market, symbols=symbols),
        symbols=symbols,
        asset_class=market.asset_class,
    )


def _found(
    options: PerpetualOptions, venue: PerpetualVenue, symbols: tuple[str, ...]
) -> Market | None:
    """The market of the coins; None where it is to be simulated."""
    if isinstance(options.data, str) and options.data == "simulated":
        return None
    try:
        return find_perpetuals(
            symbols,
            options.data,
            interval=options.interval,
            context=() if options.context is None else (options.context,),
            venue=venue.name,
            funding_hours=venue.funding_hours,
            dates=options.dates,
            data_tolerance=options.data_tolerance,
        )
    except DataNotFoundError:
        if not isinstance(options.data, str) or options.data != "auto":
            raise
        what = "simulated markets stand in for all: no real data"
        warnings.warn(
            absence(what, options.asset_class, *symbols),
            SimulatedDataWarning,
            stacklevel=6,  # the caller of gym.make
        )
        return None

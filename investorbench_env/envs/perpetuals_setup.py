"""The data that options of perpetuals lead to and the rules that hold, for both of their forms.

It knows no state of an episode.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.accounting.margin_state import MarginTerms, margin_terms
from investorbench_env.accounting.trading_rules import TradingRules, rules_of
from investorbench_env.accounting.venue_settings import venue_of
from investorbench_env.accounting.venues import PerpetualContract, PerpetualVenue
from investorbench_env.envs.markets import DrawnMarkets, GivenMarket, Markets
from investorbench_env.envs.perpetuals_features import FEATURES, SERIES, PerpetualFigures
from investorbench_env.envs.perpetuals_history import PerpetualHistory, perpetual_history_of
from investorbench_env.envs.perpetuals_markets import coins_of, perpetual_markets_of
from investorbench_env.envs.perpetuals_options import CROSS, PerpetualOptions
from investorbench_env.envs.portfolio_findings import hindsight
from investorbench_env.envs.setup import fills_of, rates_of
from investorbench_env.envs.split_setup import SplitSetup, bars_of, universe_for
from investorbench_env.errors import DateRangeError, ProtocolError
from investorbench_env.facts import Facts
from investorbench_env.protocols import find_protocol
from investorbench_env.spaces import Documents, FreeText, SignalsByCoin, unbounded
from investorbench_env.universes import Universe, find_split

NEWS = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualSetup(SplitSetup):
    """Options of perpetuals with all they lead to that is known before an episode begins.

    Attributes:
        options: as they were given.
        symbols: of the A coins.
        contracts: of the coins [A].
        rules: of the arena.
        venue: whose contracts and fees hold.
        terms: of fills and margin.
        findings: what is to be said beside what the market's data says.
    """

    options: PerpetualOptions
    symbols: tuple[str, ...]
    contracts: tuple[PerpetualContract, ...]
    rules: TradingRules
    venue: PerpetualVenue
    terms: MarginTerms
    findings: tuple[str, ...]

    @property
    def modalities(self) -> Collection[str]:
        """What is observed: news only where the rules have traders shown it."""
        if self.options.modalities is not None:
            return self.options.modalities
        return [name for name in self.options.MODALITIES if name != NEWS or self.rules.news]

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self._facts(
            self.options.asset_class,
            family="Perpetuals",
            symbols=self.symbols,
            cost_rate=self.terms.fees[0].taker + self.terms.slippage,
            benchmark=None if self.universe is None else self.universe.benchmark,
            findings=(*self.markets.about()["findings"], *self.findings),
        )

    @property
    def limits(self) -> dict[str, Any]:
        """What an entry must keep to, in values of the reader's own.

        The rules by their names; and by coin the most leverage and the decimals of a quantity, as
        the venue has them for small positions.
        """
        terms = list(zip(self.symbols, self.contracts, strict=True))
        return {
            **{each.name: getattr(self.rules, each.name) for each in fields(self.rules)},
            "max_leverage": {symbol: own.tiers[0].max_leverage for symbol, own in terms},
            "size_decimals": {symbol: own.size_decimals for symbol, own in terms},
        }

    def observation_space(self) -> gym.spaces.Dict:
        """The space of one environment's observations."""
        window, coins = self.options.window, len(self.symbols)
        series = coins, window, len(SERIES)
        spaces: dict[str, dict[str, gym.Space[Any]]] = {
            "features": {
                "features": unbounded(coins, len(FEATURES)),
                "mask": gym.spaces.Box(0, 1, (coins, len(FEATURES)), np.int8),
            },
            "series": {
                "series": unbounded(*series),
                "series_mask": gym.spaces.Box(0, 1, series, np.int8),
            },
            "account": {"account": unbounded(len(PerpetualFigures._fields))},
            "text": {"text": FreeText()},
            NEWS: {NEWS: Documents()},
            "time": {"time": FreeText()},
        }
        return self._observed(spaces)

    def action_space(self) -> gym.Space[Any]:
        """SignalsByCoin by coin."""
        most = [self.rules.most_leverage_of(each.tiers[0].max_leverage) for each in self.contracts]
        least = [each if self.rules.full_leverage else self.rules.least_leverage for each in most]
        return SignalsByCoin(self.symbols, list(zip(least, most, strict=True)))

    def history_of(self, number: int) -> PerpetualHistory:
        """The moments of a market."""
        market = self.markets.draw(number)
        options = self.options
        if isinstance(self.markets, DrawnMarkets):
            return PerpetualHistory(market, self.symbols, options.window, options.context)
        return perpetual_history_of(market, self.symbols, options.window, options.context)


def prepare(options: PerpetualOptions) -> PerpetualSetup:
    """Find the data that options ask for and check that it serves them.

    Raises:
        UnknownNameError: a split, protocol, coin or contract that does not exist.
        ProtocolError: a protocol of one asset.
        DataNotFoundError: no data of a coin where ``data`` says to look.
        DateRangeError: the data does not cover the dates, or too few decisions lie in them.
    """
    protocol = find_protocol(options.protocol)
    if protocol.convention != "simple" or protocol.fills != "next_open":
        raise ProtocolError(
            f"the protocol {protocol.name!r} is of one asset; perpetuals are decided at a close "
            'and filled at the next open: use protocol="standard"'
        )
    rules, venue = rules_of(options.rules), venue_of(options.venue)
    universe = universe_for(options)
    split = find_split(universe, options.split, options.start, options.end)
    symbols = coins_of(options, universe)
    found = perpetual_markets_of(options, venue, symbols, universe, split)
    markets = found.markets
    _, slippage_bps = rates_of(options, protocol, options.asset_class)
    terms = margin_terms(
        venue,
        symbols,
        commission_bps=options.commission_bps,
        slippage_bps=slippage_bps,
        cross=options.margin == CROSS,
        backstop=options.backstop,
    )
    span, bars = bars_of(replace(options, episode_length=None), markets, split, ", ".join(symbols))
    decisions = bars[:: options.every]
    length = options.episode_length or 1
    if len(decisions) - 1 < length:
        raise DateRangeError(
            f"{split.start}..{split.end} holds {len(decisions)} decision(s), one every "
            f"{options.every} bar(s); an episode of {length} step(s) needs one more than its steps"
        )
    return PerpetualSetup(
        options=options,
        protocol=protocol,
        universe=universe,
        markets=markets,
        span=span,
        decisions=decisions,
        fills=fills_of(protocol, markets.has_opens(int(decisions[0]))),
        symbols=symbols,
        contracts=tuple(venue.contract(symbol) for symbol in symbols),
        rules=rules,
        venue=venue,
        terms=terms,
        findings=(*found.findings, *_findings(options, markets, universe, span)),
    )


def _findings(
    options: PerpetualOptions, markets: Markets, universe: Universe | None, span: range
) -> Iterator[str]:
    """What is to be said under results."""
    if not isinstance(markets, GivenMarket):
        return
    market = markets.market
    if market.funding is not None and market.oracle is None:
        yield (
            "funding is charged on the open of the bar at its stamp: the data has no oracle prices"
        )
    if market.marks is None:
        yield (
            "stops and liquidations are triggered by trades, which reach further than the mark: "
            "the data has none"
        )
    is_chosen = options.universe is not None and options.symbols is None
    if is_chosen and universe is not None and not markets.simulated:
        yield from hindsight(universe, str(markets.sessions[span.start]))


def setup_of(given: Mapping[str, Any]) -> PerpetualSetup:
    """What the keywords of ``gym.make`` lead to, without making the environment.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare(PerpetualOptions.of(given))

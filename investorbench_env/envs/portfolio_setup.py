"""The data that options of a portfolio lead to and the rules that hold, for both of its forms.

It knows no state of an episode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.portfolio import Terms
from investorbench_env.accounting.settings import constraints_of, terms_of
from investorbench_env.accounting.weights_account import WeightsAccount
from investorbench_env.envs.markets import DrawnMarkets, GivenMarket, Markets
from investorbench_env.envs.portfolio_findings import gaps, hindsight
from investorbench_env.envs.portfolio_markets import members_of, portfolio_markets_of
from investorbench_env.envs.portfolio_options import ORDERS, PortfolioOptions
from investorbench_env.envs.setup import ALL_OF_IT, fills_of, rates_of
from investorbench_env.envs.split_setup import SplitSetup, bars_of, universe_for
from investorbench_env.errors import InvestorBenchError, ProtocolError
from investorbench_env.facts import Facts
from investorbench_env.market.joint_history import JointHistory, joint_history_of
from investorbench_env.market.market import FIELDS, Market
from investorbench_env.protocols import Protocol, find_protocol
from investorbench_env.spaces import (
    Documents,
    FreeText,
    HoldingFigures,
    OrderLists,
    PortfolioFigures,
    unbounded,
)
from investorbench_env.universes import Member, Universe, find_split


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSetup(SplitSetup):
    """Options of a portfolio with all they lead to that is known before an episode begins.

    Attributes:
        options: as they were given.
        members: the A assets.
        asset_class: of the market.
        commission: as a share of traded notional.
        slippage: as a share of the price.
        findings: what is to be said beside what the market's data says.
    """

    options: PortfolioOptions
    members: tuple[Member, ...]
    asset_class: str
    commission: float
    slippage: float
    findings: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The A assets."""
        return tuple(member.symbol for member in self.members)

    @property
    def has_dates(self) -> bool:
        """Whether any asset is a member on some dates alone."""
        return any(each.member_from or each.member_to for each in self.members)

    @property
    def cost_rate(self) -> float:
        """Commission and slippage as a share of traded notional."""
        return self.commission + self.slippage

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self._facts(
            self.asset_class,
            family="Portfolio",
            symbols=self.symbols,
            cost_rate=self.cost_rate,
            long_only=not self.options.long_short,
            benchmark="equal_weight",
            findings=(*self.markets.about()["findings"], *self.findings),
        )

    @property
    def terms(self) -> Terms:
        """On what terms orders are filled."""
        given = terms_of(self.options.terms)
        return replace(given, commission=self.commission, slippage=self.slippage)

    @property
    def constraints(self) -> Constraints:
        """Limits of purchases."""
        return constraints_of(self.options.constraints)

    def observation_space(self) -> gym.spaces.Dict:
        """The space of one environment's observations."""
        window, assets = self.options.window, len(self.members)
        spaces: dict[str, dict[str, gym.Space[Any]]] = {
            "bars": {
                "bars": unbounded(window, assets, len(FIELDS)),
                "mask": gym.spaces.Box(0, 1, (window, assets), np.int8),
            },
            "account": {
                "tradable": gym.spaces.Box(0, 1, (assets,), np.int8),
                "account": unbounded(len(PortfolioFigures._fields)),
                "holdings": unbounded(assets, len(HoldingFigures._fields)),
            },
            "sentiment": {"sentiment": unbounded(assets, 3, low=0.0)},
            "news": {"news": Documents()},
            "filings": {"filings": Documents()},
            "time": {"time": FreeText()},
        }
        return self._observed(spaces)

    def action_space(self) -> gym.Space[Any]:
        """Lists of orders, or target weights as a ``Box`` [A]."""
        if self.options.action == ORDERS:
            return OrderLists(self.symbols)
        least = -1.0 if self.options.long_short else 0.0
        return gym.spaces.Box(least, 1.0, (len(self.members),), np.float32)

    def barred(self, history: JointHistory, t: int) -> dict[str, str]:
        """The assets that cannot be bought after bar ``t``, each with the reason."""
        is_priced, reasons = history.is_priced(t), dict[str, str]()
        if is_priced.all() and not self.has_dates:
            return reasons
        session = history.until(t).session
        states = zip(self.members, is_priced.tolist(), history.gone <= t, strict=True)
        for member, has_price, is_gone in states:
            if is_gone:
                reasons[member.symbol] = f"{member.symbol} was delisted"
            elif not member.belongs_on(session):
                reasons[member.symbol] = f"{member.symbol} is no member on {session}"
            elif not has_price:
                reasons[member.symbol] = f"{member.symbol} has not traded yet"
        return reasons

    def weights_account(self) -> WeightsAccount:
        """The rules of an account that is traded to target weights."""
        options, facts = self.options, self.facts
        return WeightsAccount(
            cost_rate=self.cost_rate,
            max_gross=options.max_gross,
            cash_rate=facts.cash_rate_a_period,
            borrow_rate=options.borrow_bps / ALL_OF_IT / facts.periods_a_year,
            can_be_ruined=options.long_short or options.max_gross > 1.0,
        )

    def history_of(self, number: int) -> JointHistory:
        """The moments of a market."""
        market = self.markets.draw(number)
        if isinstance(self.markets, DrawnMarkets):
            return JointHistory(market, self.symbols, self.options.window)
        return joint_history_of(market, self.symbols, self.options.window)


def prepare(options: PortfolioOptions) -> PortfolioSetup:
    """Find the data that options ask for and check that it serves them.

    Raises:
        UnknownNameError: a split, protocol or symbol that does not exist.
        ProtocolError: a protocol of one asset.
        DataNotFoundError: no data for an asset where ``data`` says to look.
        DateRangeError: the data does not cover the dates.
    """
    protocol = find_protocol(options.protocol)
    if protocol.convention != "simple" or protocol.fills != "next_open":
        raise ProtocolError(
            f"the protocol {protocol.name!r} is of one asset; a portfolio decides at a close and "
            'fills at the next open: use protocol="standard"'
        )
    if isinstance(options.data, Market):
        options = replace(options, asset_class=options.data.asset_class)
    universe = universe_for(options)
    split = find_split(universe, options.split, options.start, options.end)
    members = members_of(options, universe)
    found = portfolio_markets_of(options, members, universe, split)
    markets = found.markets
    options = replace(options, window=min(options.window, len(markets.times)))
    span, decisions = bars_of(options, markets, split, ", ".join(found.symbols))
    commission, slippage = _rates(options, protocol, found.asset_class)
    if (commission + slippage) * options.max_gross >= 1.0:
        raise InvestorBenchError(
            f"commission_bps and slippage_bps take all of what max_gross={options.max_gross:g} "
            "lets an account trade: lower one of them"
        )
    return PortfolioSetup(
        options=options,
        protocol=protocol,
        universe=universe,
        members=tuple(member for member in members if member.symbol in found.symbols),
        asset_class=found.asset_class,
        markets=markets,
        span=span,
        decisions=decisions,
        commission=commission,
        slippage=slippage,
        fills=fills_of(protocol, markets.has_opens(int(decisions[0]))),
        findings=(*found.findings, *_findings(options, markets, universe, span)),
    )


def _findings(
    options: PortfolioOptions, markets: Markets, universe: Universe | None, span: range
) -> Iterator[str]:
    """What is to be said under results.

    Raises:
        DateRangeError: an asset has no bar at all in a span.
    """
    if options.long_short and not options.borrow_bps:
        yield "what is sold short is borrowed free of charge: borrow_bps=0"
    if options.max_gross > 1.0:
        yield f"debts cost no interest: max_gross={options.max_gross:g}"
    if not isinstance(markets, GivenMarket):
        return
    history = joint_history_of(markets.market, markets.symbols, options.window)
    yield from gaps(history, span)
    is_chosen = options.universe is not None and options.symbols is None
    if is_chosen and universe is not None and not markets.simulated:
        yield from hindsight(universe, str(markets.sessions[span.start]))


def setup_of(given: Mapping[str, Any]) -> PortfolioSetup:
    """What the keywords of ``gym.make`` lead to, without making the environment.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare(PortfolioOptions.of(given))


def _rates(options: PortfolioOptions, protocol: Protocol, asset_class: str) -> tuple[float, float]:
    """Commission and slippage as shares: those of named terms where neither is given."""
    if isinstance(options.terms, str) and options.terms != "standard":
        own = terms_of(options.terms)
        costs = (options.commission_bps, own.commission), (options.slippage_bps, own.slippage)
        given = [share * ALL_OF_IT if bps is None else bps for bps, share in costs]
        options = replace(options, commission_bps=given[0], slippage_bps=given[1])
    commission, slippage = rates_of(options, protocol, asset_class)
    return commission / ALL_OF_IT, slippage / ALL_OF_IT

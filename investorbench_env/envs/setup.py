"""The data that options lead to and the rules that hold, shared by both forms of an environment.

It knows no state of an episode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Account, Expected, SpotAccount
from investorbench_env.accounting.paper import PaperAccount
from investorbench_env.envs.markets import markets_of
from investorbench_env.envs.options import (
    CHART,
    MarketOptions,
    Options,
)
from investorbench_env.envs.split_setup import SplitSetup, bars_of, universe_for
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.history import AssetMoments
from investorbench_env.market.market import FIELDS, Market
from investorbench_env.market.simulated.conditional import next_session
from investorbench_env.market.simulated.profiles import dynamics_of
from investorbench_env.protocols import Protocol, find_protocol
from investorbench_env.rendering.chart import HEIGHT, WIDTH
from investorbench_env.spaces import (
    HOLD,
    TRADE_WORDS,
    AccountFigures,
    Documents,
    FreeText,
    unbounded,
)
from investorbench_env.universes import find_split

AMOUNTS = ("equity", "cash", "position", "weight", "fill_price", "notional", "cost", "costs")
"""What an info of a single asset says of its account besides the nouns that all have."""

ALL_OF_IT = 10_000
"""Basis points in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup(SplitSetup):
    """Options of one asset with all they lead to that is known before an episode begins.

    Attributes:
        options: as they were given.
        symbol: the asset.
        cost_rate: commission and slippage as a share of traded notional.
    """

    options: Options
    symbol: str
    cost_rate: float

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        options = self.options
        return self._facts(
            options.asset_class,
            family=ASSET_CLASSES[options.asset_class].title,
            symbols=(self.symbol,),
            cost_rate=self.cost_rate,
            long_only=options.long_only,
            benchmark=None if self.universe is None else self.universe.benchmark,
        )

    @property
    def sides(self) -> tuple[float, float, float]:
        """The target weights of sell, hold and buy; that of hold counts where it means flat."""
        return (0.0 if self.options.long_only else -1.0, 0.0, 1.0)

    @property
    def no_order(self) -> int | None:
        """The trade action that keeps the position whatever it is; None where none does."""
        return HOLD if self.protocol.hold == "keep" else None

    def history_of(self, number: int) -> AssetMoments:
        """The moments of a market."""
        return self.calendar.history(number, self.options.window)

    def observation_space(self) -> gym.spaces.Dict:
        """The space of one environment's observations."""
        window = self.options.window
        spaces: dict[str, dict[str, gym.Space[Any]]] = {
            "bars": {
                "bars": unbounded(window, len(FIELDS)),
                "mask": gym.spaces.Box(0, 1, (window,), np.int8),
            },
            "account": {"account": unbounded(len(AccountFigures._fields))},
            "sentiment": {"sentiment": unbounded(3, low=0.0)},
            "news": {"news": Documents()},
            "filings": {"filings": Documents()},
            "time": {"time": FreeText()},
        }
        if CHART in self.modalities:  # the bounds of half a million numbers take their time
            spaces[CHART] = {CHART: gym.spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)}
        return self._observed(spaces)

    def action_space(self) -> gym.Space[Any]:
        """Sell, hold, buy as ``Discrete(3)``, or a target weight as a ``Box`` of one number."""
        if self.options.action == "trade":
            return gym.spaces.Discrete(len(TRADE_WORDS))
        return gym.spaces.Box(self.sides[0], 1.0, (1,), np.float32)

    def account(self) -> Account:
        """The rules of the account that the protocol keeps."""
        if self.protocol.convention == "log":
            return PaperAccount()
        return SpotAccount(
            self.cost_rate,
            resizes=self.options.action == "weight",
            at_close=self.fills == "close",
            cash_rate=self.facts.cash_rate_a_period,
        )

    def expected(self, symbol: str, state: Mapping[str, Any]) -> Expected:
        """What a step from hidden states of a simulated asset is expected to bring [...]."""
        dynamics = dynamics_of(symbol, self.options.asset_class)
        return Expected(*next_session(dynamics, state["expected_return"], state["volatility"]))

    def expected_after(self, history: AssetMoments) -> list[Expected]:
        """The same of a market after each decision [D]."""
        states = self.expected(history.symbol, states_of(history, self.decisions))
        return list(map(Expected, *(part.tolist() for part in states)))

    def label(self, history: AssetMoments, decision: int) -> float:
        """What a long position earns from its fill to the end of the step after a decision.

        It is what a warm-up may learn from. An order that fills at the close of the step earns
        nothing within it; there it is the step after that, as far as the split goes.
        """
        place = decision + (2 if self.fills == "next_close" else 1)
        if place == len(self.decisions):
            return 0.0
        moment = history.until(int(self.decisions[place]))
        if self.protocol.convention == "log":
            return moment.log_return
        if self.fills == "next_open":
            return moment.final / moment.fill - 1.0
        return float(np.expm1(moment.log_return))


def states_of(history: AssetMoments, bars: npt.NDArray[np.int64]) -> dict[str, Any]:
    """The hidden state of a simulated asset after some bars, by name [D]."""
    state = history.market.hidden_state
    assert state is not None
    return {name: of[bars, history.asset] for name, of in state.items()}


def prepare(options: Options) -> Setup:
    """Find the data that options ask for and check that it serves them.

    Raises:
        UnknownNameError: a split, protocol or symbol that does not exist.
        DataNotFoundError: no data for the symbol where ``data`` says to look.
        DateRangeError: the data does not cover the dates.
    """
    protocol = find_protocol(options.protocol)
    _require_cash(options, protocol)
    universe = universe_for(options)
    split = find_split(universe, options.split, options.start, options.end)
    symbol = _symbol_of(options)
    adjusted = protocol.prices == "adjusted"
    markets = markets_of(options, symbol, universe, split, needs_adjusted=adjusted)
    options = replace(options, window=min(options.window, len(markets.times)))
    span, decisions = bars_of(options, markets, split, symbol)
    return Setup(
        options=options,
        protocol=protocol,
        universe=universe,
        symbol=symbol,
        markets=markets,
        span=span,
        decisions=decisions,
        cost_rate=_cost_rate(options, protocol),
        fills=fills_of(protocol, markets.has_opens(int(decisions[0]))),
    )


def setup_of(given: Mapping[str, Any]) -> Setup:
    """What the keywords of ``gym.make`` lead to, without making the environment.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare(Options.of(given))


def _symbol_of(options: Options) -> str:
    if options.symbol is not None:
        return options.symbol
    if isinstance(options.data, Market) and len(options.data.symbols) == 1:
        return options.data.symbols[0]
    raise InvestorBenchError(
        'which asset? Name it: gym.make("InvestorBench/Stock", symbol="NVDA", data=...)'
    )


def _require_cash(options: Options, protocol: Protocol) -> None:
    if protocol.convention == "log" and options.cash_rate:
        raise InvestorBenchError(
            f"the protocol {protocol.name} has no cash that could earn anything: leave cash_rate "
            'out, or use protocol="standard"'
        )


def rates_of(options: MarketOptions, protocol: Protocol, asset_class: str) -> tuple[float, float]:
    """Commission and slippage in basis points: those of the options, protocol or asset class.

    Raises:
        InvestorBenchError: they take a whole trade.
    """
    commission, slippage = options.commission_bps, options.slippage_bps
    own = ASSET_CLASSES[asset_class]
    if commission is None:
        commission = (
            own.commission_bps if protocol.commission_bps is None else protocol.commission_bps
        )
    if slippage is None:
        slippage = own.slippage_bps if protocol.slippage_bps is None else protocol.slippage_bps
    if commission + slippage >= ALL_OF_IT:
        raise InvestorBenchError(
            f"commission_bps={commission:g} and slippage_bps={slippage:g} take the whole trade: "
            f"together they must stay below {ALL_OF_IT:,} basis points of its notional"
        )
    return commission, slippage


def _cost_rate(options: Options, protocol: Protocol) -> float:
    if protocol.convention == "log" and (options.commission_bps or options.slippage_bps):
        raise InvestorBenchError(
            f"the protocol {protocol.name} has no costs: leave commission_bps and slippage_bps "
            'out, or use protocol="standard"'
        )
    return sum(rates_of(options, protocol, options.asset_class)) / ALL_OF_IT


def fills_of(protocol: Protocol, has_opens: bool) -> str:
    """When orders fill, where opens were known up to the first decision or not."""
    no_opens = protocol.fills == "next_open" and not has_opens
    return "next_close" if no_opens else protocol.fills

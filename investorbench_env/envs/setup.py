"""Everything that defines a single-asset environment, checked once and shared by both its forms.

It knows no state of an episode.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from numbers import Real
from os import PathLike
from typing import Any, Literal, Self

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Account, SpotAccount
from investorbench_env.accounting.paper import PaperAccount
from investorbench_env.errors import DateRangeError, InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.history import History, history_of
from investorbench_env.market.intervals import periods_a_year
from investorbench_env.market.library import find_market
from investorbench_env.market.market import FIELDS, OPEN, Market
from investorbench_env.protocols import Protocol, find_protocol
from investorbench_env.spaces import Documents, FreeText, unbounded
from investorbench_env.universes import Universe, find_split, find_universe, universe_of

DataLike = str | PathLike[str] | Market
RewardFunction = Callable[[Any, Any], Any]
"""(equity before, equity after) to reward; floats, or arrays in the vectorised environment."""

SELL, HOLD, BUY = 0, 1, 2
"""The trade actions, in the order that every environment and agent uses."""
TradeWord = Literal["sell", "hold", "buy"]
TRADE_WORDS: tuple[TradeWord, ...] = ("sell", "hold", "buy")
"""The same in words."""

ACTIONS = ("trade", "weight")
MODALITIES = ("bars", "account", "sentiment", "news", "filings", "time")
AMOUNTS = ("equity", "cash", "position", "weight", "fill_price", "notional", "cost", "costs")
"""What an info says of the account."""
ACCOUNT_FIELDS = ("position", "weight", "cash", "equity", "unrealised_pnl", "steps_left")

"""The agent that others are compared with where there is one asset."""

RUIN = 1e-6
"""Ruin has no logarithm; it counts as the loss of all but this share."""


def _log_return(before: Any, after: Any) -> Any:
    return np.log(np.maximum(after / (before + (before == 0.0)), RUIN))


def _pnl(before: Any, after: Any) -> Any:
    return after - before


REWARDS: dict[str, RewardFunction | None] = {
    "return": None,
    "log_return": _log_return,
    "pnl": _pnl,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``gym.make`` and ``gym.make_vec`` accept for a single-asset environment.

    Attributes:
        symbol: the asset; an id with a symbol in it has set this already.
        asset_class: the name of a row of ``ASSET_CLASSES``; the id has set this already.
        universe: the name of a row of ``UNIVERSES``, whose dates and benchmark hold; the id has
            set this already. None for the first with assets of the class.
        split: ``"warmup"`` or ``"test"``; their dates are those of the universe.
        protocol: ``"standard"`` or ``"paper"``, or a Protocol.
        data: ``"auto"``, ``"real"``, ``"simulated"``, a folder, a file, or a Market.
        window: number of bars in ``bars``.
        start: first date of the split, ``YYYY-MM-DD``, in place of its own.
        end: last date of the split, in place of its own.
        action: ``"trade"`` for sell, hold, buy; ``"weight"`` for a target weight.
        reward: ``"return"``, ``"log_return"``, ``"pnl"``, or a function of equity before and after.
        long_only: whether SELL means cash instead of a short position.
        modalities: which of ``MODALITIES`` an observation holds; all of them for None.
        commission_bps: commission in basis points of traded notional; None for the protocol's or
            the asset class's.
        slippage_bps: slippage in basis points of traded notional; None likewise.
        initial_cash: what an account starts with.
        episode_length: steps an episode; it then starts at a random session of the split. None for
            the whole split.
    """

    symbol: str | None = None
    asset_class: str = "stock"
    universe: str | None = None
    split: str = "test"
    protocol: str | Protocol = "standard"
    data: DataLike = "auto"
    window: int = 30
    start: str | None = None
    end: str | None = None
    action: str = "trade"
    reward: str | RewardFunction = "return"
    long_only: bool = False
    modalities: Collection[str] | None = None
    commission_bps: float | None = None
    slippage_bps: float | None = None
    initial_cash: float = 100_000.0
    episode_length: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, each checked by itself.

        Raises:
            UnknownNameError: no such option, or no such value for it.
            InvestorBenchError: a number that makes no sense.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            _require("option", name, known)
        options = cls(**given)
        _require("asset class", options.asset_class, ASSET_CLASSES)
        _require("action", options.action, ACTIONS)
        if options.modalities is not None:
            if isinstance(options.modalities, str) or not options.modalities:
                raise InvestorBenchError(
                    f"modalities={options.modalities!r} must list at least one of "
                    + ", ".join(MODALITIES)
                )
            for name in options.modalities:
                _require("modality", name, MODALITIES)
        if not callable(options.reward):
            _require("reward", options.reward, REWARDS)
        _require_count("window", options.window)
        if options.episode_length is not None:
            _require_count("episode_length", options.episode_length)
        _require_number("initial_cash", options.initial_cash, above=0.0)
        for name in ("commission_bps", "slippage_bps"):
            if getattr(options, name) is not None:
                _require_number(name, getattr(options, name), least=0.0)
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Options with the data they lead to.

    Attributes:
        options: as they were given.
        universe: whose dates and benchmark hold; None for an asset class that has none.
        protocol: timing, meaning of HOLD and metric convention.
        history: the asset's moments.
        span: the sessions of the split, gaps included.
        decisions: the sessions among them that have a bar [D]; the last is never acted on.
        cost_rate: commission and slippage as a share of traded notional.
        fills: ``"next_open"``, ``"close"``, or ``"next_close"`` where the data has no opens.
    """

    options: Options
    protocol: Protocol
    universe: Universe | None
    history: History
    span: range
    decisions: npt.NDArray[np.int64]
    cost_rate: float
    fills: str

    @property
    def market(self) -> Market:
        return self.history.market

    @property
    def symbol(self) -> str:
        return self.history.symbol

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        options, protocol, market = self.options, self.protocol, self.market
        return Facts(
            family=ASSET_CLASSES[options.asset_class].title,
            symbols=(self.symbol,),
            asset_class=options.asset_class,
            interval=market.interval,
            timezone=market.timezone,
            protocol=protocol.name,
            convention=protocol.convention,
            hold=protocol.hold,
            fills=self.fills,
            cost_rate=self.cost_rate,
            periods_a_year=periods_a_year(
                market.interval, ASSET_CLASSES[options.asset_class].days_a_year
            ),
            action=options.action,
            long_only=options.long_only,
            initial_cash=options.initial_cash,
            steps=self.steps,
            window=self.window,
            source=market.source,
            simulated=market.simulated,
            findings=market.findings,
            fingerprint=market.fingerprint,
            benchmark=None if self.universe is None else self.universe.benchmark,
        )

    @property
    def steps(self) -> int:
        """How many steps an episode has."""
        return self.options.episode_length or len(self.decisions) - 1

    @property
    def window(self) -> tuple[str, str]:
        """First and last session with a bar."""
        first, last = self.market.sessions[self.decisions[[0, -1]]]
        return str(first), str(last)

    @property
    def labelled(self) -> bool:
        """Whether info carries the next step's return, as it does in the warm-up only."""
        return self.options.split == "warmup"

    @property
    def modalities(self) -> Collection[str]:
        return MODALITIES if self.options.modalities is None else self.options.modalities

    @property
    def sides(self) -> tuple[float, float, float]:
        """The target weights of sell, hold and buy; that of hold counts where it means flat."""
        return (0.0 if self.options.long_only else -1.0, 0.0, 1.0)

    @property
    def reward(self) -> RewardFunction | None:
        """The reward function; None where the account itself says what a step returned."""
        reward = self.options.reward
        return reward if callable(reward) else REWARDS[reward]

    def observation_space(self) -> gym.spaces.Dict:
        """The space of one environment's observations."""
        window = self.options.window
        spaces: dict[str, dict[str, gym.Space[Any]]] = {
            "bars": {
                "bars": unbounded(window, len(FIELDS)),
                "mask": gym.spaces.Box(0, 1, (window,), np.int8),
            },
            "account": {"account": unbounded(len(ACCOUNT_FIELDS))},
            "sentiment": {"sentiment": unbounded(3, low=0.0)},
            "news": {"news": Documents()},
            "filings": {"filings": Documents()},
            "time": {"time": FreeText()},
        }
        wanted = [spaces[name] for name in MODALITIES if name in self.modalities]
        return gym.spaces.Dict({key: space for part in wanted for key, space in part.items()})

    def action_space(self) -> gym.Space[Any]:
        """Sell, hold, buy as ``Discrete(3)``, or a target weight as a ``Box`` of one number."""
        if self.options.action == "trade":
            return gym.spaces.Discrete(3)
        return gym.spaces.Box(self.sides[0], 1.0, (1,), np.float32)

    def account(self) -> Account:
        """The rules of the account that the protocol keeps."""
        if self.fills == "close":
            return PaperAccount()
        return SpotAccount(self.cost_rate, resizes=self.options.action == "weight")

    def label(self, decision: int) -> float:
        """The asset's return over the step after a decision: what a warm-up may learn from."""
        log_return = self.history.until(int(self.decisions[decision + 1])).log_return
        return log_return if self.protocol.convention == "log" else math.expm1(log_return)


def prepare(options: Options) -> Setup:
    """Find the data that options ask for and check that it serves them.

    Raises:
        UnknownNameError: a split, protocol or symbol that does not exist.
        DataNotFoundError: no data for the symbol where ``data`` says to look.
        DateRangeError: the data does not cover the dates.
    """
    protocol = find_protocol(options.protocol)
    universe = _universe_of(options)
    split = find_split(universe, options.split, options.start, options.end)
    symbol = _symbol_of(options)
    market = find_market(symbol, options.asset_class, options.data)
    span = market.span(split.start, split.end)
    history = history_of(market, symbol, options.window)
    decisions = history.decisions(span)
    steps = len(decisions) - 1
    if steps < (options.episode_length or 1):
        raise DateRangeError(
            f"{split.start}..{split.end} holds {len(decisions)} session(s) of {symbol} with a bar; "
            f"an episode of {options.episode_length or 1} step(s) needs one more than its steps"
        )
    return Setup(
        options=options,
        protocol=protocol,
        universe=universe,
        history=history,
        span=span,
        decisions=decisions,
        cost_rate=_cost_rate(options, protocol),
        fills=_fills(protocol, market.until(int(decisions[0])).bars[:, history.asset, OPEN]),
    )


def facts_of(given: Mapping[str, Any]) -> Facts:
    """The facts of the environment that these keywords of ``gym.make`` make, without making it.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare(Options.of(given)).facts


def market_of(given: Mapping[str, Any]) -> Market:
    """The market of the environment that these keywords of ``gym.make`` make, without making it.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare(Options.of(given)).market


def _universe_of(options: Options) -> Universe | None:
    if options.universe is None:
        return universe_of(options.asset_class)
    return find_universe(options.universe)


def _symbol_of(options: Options) -> str:
    if options.symbol is not None:
        return options.symbol
    if isinstance(options.data, Market) and len(options.data.symbols) == 1:
        return options.data.symbols[0]
    raise InvestorBenchError(
        'which asset? Name it: gym.make("InvestorBench/Stock", symbol="NVDA", data=...)'
    )


def _cost_rate(options: Options, protocol: Protocol) -> float:
    commission, slippage = options.commission_bps, options.slippage_bps
    own = ASSET_CLASSES[options.asset_class]
    if protocol.fills == "close" and (commission or slippage):
        raise InvestorBenchError(
            f"the protocol {protocol.name} has no costs: leave commission_bps and slippage_bps "
            'out, or use protocol="standard"'
        )
    if commission is None:
        commission = (
            own.commission_bps if protocol.commission_bps is None else protocol.commission_bps
        )
    if slippage is None:
        slippage = own.slippage_bps if protocol.slippage_bps is None else protocol.slippage_bps
    return (commission + slippage) / 10_000.0


def _fills(protocol: Protocol, opens: npt.NDArray[np.float64]) -> str:
    """When orders fill, judged by the opens up to the first decision."""
    no_opens = protocol.fills == "next_open" and bool(np.isnan(opens).all())
    return "next_close" if no_opens else protocol.fills


def _require(kind: str, name: object, valid: Collection[str]) -> None:
    if name not in tuple(valid):  # not by hash, which a list or a dict has none of
        raise UnknownNameError(kind, name, valid)


def _require_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")


def _require_number(
    name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf
) -> None:
    number = float(value) if isinstance(value, Real) else math.nan
    if not (math.isfinite(number) and number > above and number >= least):
        bound = f"above {above:g}" if above > least else f"of at least {least:g}"
        raise InvestorBenchError(f"{name}={value!r} must be a number {bound}")

"""What ``gym.make`` accepts, each option checked by itself."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np

from investorbench_env.accounting.account import RUIN
from investorbench_env.dates import DateLike
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.documents import FURTHER_KINDS
from investorbench_env.market.library import DataLike
from investorbench_env.market.market import DATA_TOLERANCE
from investorbench_env.protocols import Protocol

RewardFunction = Callable[[Any, Any], Any]
"""(equity before, equity after) to reward; floats, or arrays in the vectorised environment."""

ACTIONS = ("trade", "weight")
LEAST_CASH, MOST_CASH = 1e-15, 1e15
"""Observations hold it in single precision, and what becomes of it."""
MARKETS = ("fresh", "train", "held_out", "one")
NUMBERS = ("initial_cash", "cash_rate", "commission_bps", "slippage_bps")
MODALITIES = ("bars", "account", "sentiment", "news", "filings", "time")
CHART = "chart"
"""A further one, for agents with eyes, which an observation holds only where it is asked for."""


def _log_return(before: Any, after: Any) -> Any:
    return np.log(np.maximum(after / (before + (before == 0.0)), RUIN))


def _pnl(before: Any, after: Any) -> Any:
    return after - before


REWARD_FUNCTIONS: dict[str, RewardFunction | None] = {
    "return": None,
    "log_return": _log_return,
    "pnl": _pnl,
}
EXPECTED = "expected"
"""A further reward: what a step was expected to return, given the hidden state of its market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOptions:
    """What every environment accepts: its market, dates, costs, and what an observation holds.

    Attributes:
        asset_class: the name of a row of ``ASSET_CLASSES``; the id has set this already.
        universe: the name of a row of ``UNIVERSES``, whose dates and benchmark hold; the id has
            set this already. None for the first with assets of the class.
        split: ``"warmup"`` or ``"test"``; their dates are those of the universe.
        protocol: ``"standard"`` or ``"paper"``, or a Protocol.
        data: ``"auto"``, ``"real"``, ``"simulated"``, a folder, a file, a Market, a pandas data
            frame of prices, or a dict of frames by symbol or by what they hold.
        dates: what the dates in files of ``data`` are where they do not say it themselves:
            ``"day-first"``, ``"month-first"``, a unit such as ``"milliseconds"``, a time zone.
        data_tolerance: the share of a file's rows that may be of no session, and of sessions that
            may be missing. Released InvestorBench files are taken as they are.
        window: number of bars in ``bars``, of those that the market has.
        start: first date of the split in place of its own: ``YYYY-MM-DD``, a ``date``, a
            ``datetime64`` or a ``Timestamp`` of a whole day.
        end: last date of the split, in place of its own.
        action: what an action is: one of ``ACTIONS`` of the class.
        reward: one of ``REWARDS`` of the class, or a function of equity before and after.
        modalities: which of ``MODALITIES`` of the class an observation holds; None for all but the
            picture.
        commission_bps: commission in basis points of traded notional; None for the protocol's or
            the asset class's.
        slippage_bps: slippage in basis points of traded notional; None likewise.
        initial_cash: what an account starts with.
        cash_rate: what idle cash earns a year, a fraction: .04 for 4 %.
        episode_length: steps an episode; it then starts at a random session of the split. None for
            the whole split.
        markets: of which simulated markets every reset draws one: ``"fresh"``, any; ``"train"`` and
            ``"held_out"``, which share none with each other or with any other; a list of the
            numbers of some; ``"one"``, the one of the symbol.
        pool: how many of them are drawn for all episodes to choose from; None for a new one each.
        sources: which of ``FURTHER_KINDS`` the market has documents of, beside news and filings,
            where its folder of data holds some. They stand in ``info``, not in an observation.
    """

    ACTIONS: ClassVar[tuple[str, ...]]
    REWARDS: ClassVar[tuple[str, ...]] = tuple(REWARD_FUNCTIONS)
    MODALITIES: ClassVar[tuple[str, ...]]
    LEVERAGED: ClassVar[bool] = False

    asset_class: str = "stock"
    universe: str | None = None
    split: str = "test"
    protocol: str | Protocol = "standard"
    data: DataLike = "auto"
    dates: str | None = None
    data_tolerance: float = DATA_TOLERANCE
    window: int = 30
    start: DateLike | None = None
    end: DateLike | None = None
    action: str
    reward: str | RewardFunction = "return"
    modalities: Collection[str] | None = None
    commission_bps: float | None = None
    slippage_bps: float | None = None
    initial_cash: float = 100_000.0
    cash_rate: float = 0.0
    episode_length: int | None = None
    markets: str | Sequence[int] = "fresh"
    pool: int | None = None
    sources: Collection[str] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, each checked by itself.

        Raises:
            UnknownNameError: no such option, or no such value for it.
            InvestorBenchError: a number that makes no sense.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            require("option", name, known)
        options = cls(**{name: _plain(value) for name, value in given.items()})
        require_texts(options, "universe", "split")
        require("asset class", options.asset_class, ASSET_CLASSES)
        _require_account(options.asset_class, cls.LEVERAGED)
        if options.dates is not None:
            from investorbench_env.market.files.settings import FileSettings

            FileSettings.of_dates(options.dates)
        require("action", options.action, cls.ACTIONS)
        if options.modalities is not None:
            _require_modalities(options.modalities, cls.MODALITIES)
        if not callable(options.reward):
            require("reward", options.reward, cls.REWARDS)
        _require_sources(options.sources, cls.LEVERAGED)
        require_number("data_tolerance", options.data_tolerance, least=0.0, most=1.0)
        require_count("window", options.window)
        for name in ("episode_length", "pool"):
            if getattr(options, name) is not None:
                require_count(name, getattr(options, name))
        _require_markets(options.markets, options.pool)
        if options.reward == EXPECTED and options.markets != "train":
            raise InvestorBenchError(
                f'reward="{EXPECTED}" gives away what drives a market, so it is for training on '
                f'simulated ones alone: markets="train" in place of markets={options.markets!r}'
            )
        require_number("initial_cash", options.initial_cash, least=LEAST_CASH, most=MOST_CASH)
        require_number("cash_rate", options.cash_rate, least=0.0, most=1.0)
        for name in ("commission_bps", "slippage_bps"):
            if getattr(options, name) is not None:
                require_number(name, getattr(options, name), least=0.0)
        # Numbers of other kinds make an account's arithmetic theirs, such as single precision.
        numbers = {name: getattr(options, name) for name in NUMBERS}
        plain: dict[str, Any] = {k: float(v) for k, v in numbers.items() if v is not None}
        return replace(options, **plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(MarketOptions):
    """What ``gym.make`` and ``gym.make_vec`` accept for a single-asset environment.

    Attributes:
        symbol: the asset; an id with a symbol in it has set this already.
        action: ``"trade"`` for sell, hold, buy; ``"weight"`` for a target weight.
        long_only: whether SELL means cash instead of a short position.
        reward: also ``"expected"``, what the step was expected to return given the hidden state at
            the decision, on markets to train on.
    """

    ACTIONS = ACTIONS
    REWARDS = (*REWARD_FUNCTIONS, EXPECTED)
    MODALITIES = (*MODALITIES, CHART)

    symbol: str | None = None
    action: str = "trade"
    long_only: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, as those of every environment."""
        options = super(Options, cls).of(given)
        require_texts(options, "symbol")
        require_flags(options, "long_only")
        return options


def _plain(value: Any) -> Any:
    """Whole numbers and truths of NumPy as those of Python, also in a list; all else as it is."""
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def _require_markets(markets: object, pool: int | None) -> None:
    if isinstance(markets, str):
        require("markets", markets, MARKETS)
    elif not (
        isinstance(markets, Sequence)
        and not isinstance(markets, bytes)
        and markets
        and all(isinstance(number, int) and type(number) is not bool for number in markets)
        and min(markets) >= 0
        and len(set(markets)) == len(markets)
    ):
        raise InvestorBenchError(
            f"markets={markets!r} must be one of {', '.join(MARKETS)}, or a list of numbers of at "
            "least 0, each once"
        )
    if pool is not None and (markets == "one" or not isinstance(markets, str)):
        raise InvestorBenchError(
            f"pool={pool} and markets={markets!r}: a pool is drawn where there are as many markets "
            "as wanted; leave pool out"
        )


def require(kind: str, name: object, valid: Collection[str]) -> None:
    """A name that is one of some."""
    if not isinstance(name, str) or name not in valid:
        raise UnknownNameError(kind, name, valid)


def require_texts(options: MarketOptions, *names: str) -> None:
    """Options that are texts, or None."""
    for name in names:
        value = getattr(options, name)
        if value is not None and not isinstance(value, str):
            raise InvestorBenchError(
                f"{name}={value!r} must be a text: quote it, such as {name}={str(value)!r} in "
                f"Python and {name}='\"{value}\"' on a command line"
            )


def require_flags(options: MarketOptions, *names: str) -> None:
    """Options that are either set or not."""
    for name in names:
        if not isinstance(getattr(options, name), bool):
            raise InvestorBenchError(f"{name}={getattr(options, name)!r} must be True or False")


def _require_account(asset_class: str, leveraged: bool) -> None:
    """An asset class that is held in accounts of this kind."""
    row = ASSET_CLASSES[asset_class]
    if row.leveraged is not leveraged:
        how = "on margin alone" if row.leveraged else "for cash, not on margin"
        raise InvestorBenchError(
            f"asset_class={asset_class!r} is held {how}: use InvestorBench/{row.title}"
        )


def _require_modalities(given: object, known: Collection[str]) -> None:
    names: list[object] = []
    if isinstance(given, Collection) and not isinstance(given, str | Mapping):
        names = list(given)
    if not names:
        raise InvestorBenchError(
            f"modalities={given!r} must list at least one of {', '.join(known)}"
        )
    for name in names:
        require("modality", name, known)


def _require_sources(given: object, leveraged: bool) -> None:
    if not isinstance(given, Collection) or isinstance(given, str | Mapping):
        raise InvestorBenchError(f"sources={given!r} must list some of {', '.join(FURTHER_KINDS)}")
    for name in given:
        require("source", name, FURTHER_KINDS)
    if given and leveraged:
        raise InvestorBenchError(
            f"sources={list(given)!r}: perpetuals have no such documents; leave sources out"
        )


def require_symbols(given: object) -> tuple[str, ...]:
    """Symbols in a list, each once."""
    if (
        isinstance(given, Sequence)
        and not isinstance(given, str | bytes)
        and given
        and all(isinstance(symbol, str) and symbol for symbol in given)
        and len({symbol.upper() for symbol in given}) == len(given)  # data knows no case
    ):
        return tuple(given)
    raise InvestorBenchError(
        f'symbols={given!r} must list the assets, each once, such as ["AAPL", "MSFT"]'
    )


def require_count(name: str, value: object) -> None:
    """A whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")


def require_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
) -> None:
    """A finite number within bounds."""
    try:
        number = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        number = math.inf
    fits = math.isfinite(number) and least <= number <= most
    if not fits or type(value) is bool:
        bound = f"of at least {least:g}"
        bound += f" and at most {most:g}" if most < math.inf else ""
        raise InvestorBenchError(f"{name}={value!r} must be a number {bound}")

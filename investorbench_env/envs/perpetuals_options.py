"""What ``gym.make`` accepts for perpetuals, each option checked by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from investorbench_env.accounting.trading_rules import TradingRules, rules_of
from investorbench_env.accounting.venue_settings import venue_of
from investorbench_env.accounting.venues import HYPERLIQUID, PerpetualVenue
from investorbench_env.envs.options import (
    MarketOptions,
    require,
    require_count,
    require_flags,
    require_symbols,
)
from investorbench_env.envs.perpetuals_features import LENGTH
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.intervals import length_of

SIGNALS = "signals"
CONTEXT = "4h"
ISOLATED, CROSS = MARGINS = ("isolated", "cross")
OF_DATA = TradingRules | PerpetualVenue
MODALITIES = ("features", "series", "account", "text", "news", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualOptions(MarketOptions):
    """What ``gym.make`` and ``gym.make_vec`` accept for perpetuals.

    Attributes:
        window: bars in a series.
        symbols: the coins; None for those of the universe, or of a market that was given.
        interval: the length of a bar.
        context: that of longer bars, of which a decision sees those that are complete; None for
            none.
        every: so many bars from one decision to the next.
        rules: of the arena: a name of ``RULES``, or attributes of
            :class:`~investorbench_env.accounting.trading_rules.TradingRules` by their names.
        venue: its contracts and fees: a name of ``VENUES``, or attributes of
            :class:`~investorbench_env.accounting.venues.PerpetualVenue` by their names.
        margin: ``"isolated"``: each position has a margin of its own; ``"cross"``: all share that
            of the account.
        backstop: whether a position is lost with all its margin where the open leaves it less than
            two thirds of its maintenance.
    """

    ACTIONS: ClassVar[tuple[str, ...]] = (SIGNALS,)
    MODALITIES: ClassVar[tuple[str, ...]] = MODALITIES
    LEVERAGED: ClassVar[bool] = True

    asset_class: str = PERPETUAL.name
    window: int = LENGTH
    initial_cash: float = 10_000.0
    symbols: Sequence[str] | None = None
    action: str = SIGNALS
    interval: str = "3m"
    context: str | None = CONTEXT
    every: int = 1
    rules: str | Mapping[str, Any] | TradingRules = "season1"
    venue: str | Mapping[str, Any] | PerpetualVenue = HYPERLIQUID.name
    margin: str = ISOLATED
    backstop: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, as those of every environment.

        Raises:
            UnknownNameError: no such option, or no such value for it.
            InvestorBenchError: a value that makes no sense.
        """
        options = super(PerpetualOptions, cls).of(given)
        require_flags(options, "backstop")
        require("margin", options.margin, MARGINS)
        require_count("every", options.every)
        _require_lengths(options)
        if options.cash_rate:
            raise InvestorBenchError(
                f"cash_rate={options.cash_rate:g}: a venue of perpetuals pays nothing on free "
                "cash; leave it out"
            )
        for name in ("rules", "venue"):
            if not isinstance(given_as := getattr(options, name), str | Mapping | OF_DATA):
                raise InvestorBenchError(
                    f"{name}={given_as!r} must be a name or a mapping of its attributes"
                )
        rules, venue = rules_of(options.rules), venue_of(options.venue)
        if not rules.news and "news" in (options.modalities or ()):
            raise InvestorBenchError(
                f"rules={rules.name!r} show no news: leave it out of modalities=, or use "
                'rules="baseline"'
            )
        symbols = None if options.symbols is None else require_symbols(options.symbols)
        changes: dict[str, Any] = {"symbols": symbols, "rules": rules, "venue": venue}
        return replace(options, **changes)


def _require_lengths(options: PerpetualOptions) -> None:
    for name in ("interval", "context"):
        value = getattr(options, name)
        if not isinstance(value, str) and (name, value) != ("context", None):
            raise InvestorBenchError(f"{name}={value!r} must be the length of a bar, such as '4h'")
    length = length_of(options.interval)
    if options.context is not None and length_of(options.context, "context") <= length:
        raise InvestorBenchError(
            f"context={options.context!r} must be longer than interval={options.interval!r}, or "
            "None for no longer bars"
        )

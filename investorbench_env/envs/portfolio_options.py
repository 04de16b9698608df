"""What ``gym.make`` accepts for a portfolio, each option checked by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.portfolio import Terms
from investorbench_env.accounting.settings import constraints_of, terms_of
from investorbench_env.envs.options import (
    MODALITIES,
    MarketOptions,
    require_flags,
    require_number,
    require_symbols,
)
from investorbench_env.errors import InvestorBenchError

ORDERS, WEIGHTS = "orders", "weights"
MOST_GROSS = 10.0
MOST_BORROW_BPS = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioOptions(MarketOptions):
    """What ``gym.make`` and ``gym.make_vec`` accept for a portfolio.

    Attributes:
        symbols: the assets; None for those of the universe, or of a market that was given.
        action: ``"weights"`` for a target weight of each asset; ``"orders"`` for a list of orders.
        long_short: whether weights may be negative.
        max_gross: the most that absolute weights may add up to.
        borrow_bps: what a short position pays a year, in basis points of its value.
        strict: whether weights that add up to more are rejected and not scaled down.
        constraints: limits of purchases by their names, as of
            :class:`~investorbench_env.accounting.constraints.Constraints`.
        terms: on what terms orders are filled: ``"standard"``, ``"lab"``, or attributes of
            :class:`~investorbench_env.accounting.portfolio.Terms` by their names.
    """

    ACTIONS: ClassVar[tuple[str, ...]] = (WEIGHTS, ORDERS)
    MODALITIES: ClassVar[tuple[str, ...]] = MODALITIES

    symbols: Sequence[str] | None = None
    action: str = WEIGHTS
    long_short: bool = False
    max_gross: float = 1.0
    borrow_bps: float = 0.0
    strict: bool = False
    constraints: Mapping[str, Any] | Constraints | None = None
    terms: Mapping[str, Any] | str | Terms = "standard"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, as those of every environment.

        Raises:
            UnknownNameError: no such option, or no such value for it.
            InvestorBenchError: a value that makes no sense, or that the action has no use for.
        """
        options = super(PortfolioOptions, cls).of(given)
        require_flags(options, "long_short", "strict")
        require_number("max_gross", options.max_gross, least=1e-6, most=MOST_GROSS)
        require_number("borrow_bps", options.borrow_bps, least=0.0, most=MOST_BORROW_BPS)
        terms_of(options.terms)
        constraints_of(options.constraints)
        _require_use(options)
        symbols = None if options.symbols is None else require_symbols(options.symbols)
        numbers = {name: float(getattr(options, name)) for name in ("max_gross", "borrow_bps")}
        changes: dict[str, Any] = {"symbols": symbols, **numbers}
        return replace(options, **changes)


def _require_use(options: PortfolioOptions) -> None:
    """See that no option is given that the action makes no use of."""
    others = {
        ORDERS: ("long_short", "max_gross", "borrow_bps", "strict"),
        WEIGHTS: ("constraints", "terms"),
    }
    defaults = {field.name: field.default for field in fields(options)}
    for name in others[options.action]:
        if getattr(options, name) != defaults[name]:
            (other,) = set(options.ACTIONS) - {options.action}
            raise InvestorBenchError(
                f'{name}={getattr(options, name)!r} goes with action="{other}"; this one is '
                f'action="{options.action}"'
            )
    if options.borrow_bps and not options.long_short:
        raise InvestorBenchError(
            f"borrow_bps={options.borrow_bps!r} is what short positions pay: set long_short=True"
        )

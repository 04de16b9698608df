"""Metrics, a row each: name, definition, unit, and in which tables they stand; knows arrays only.

A metric of daily returns is a row of ``PERFORMANCE``, one of what was traded a row of ``ACTIVITY``;
tables and exports have a column for each row and need no other change. All definitions are
vectorised over any leading axes.

Two conventions, never mixed in a table. ``simple``: that of the protocol ``standard``. ``log``:
that of InvestorBench's tables (Li et al., 2025), where step returns are added up although a
drawdown compounds them. Figures are fractions, not percent; a drawdown is positive.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import ROUNDING, varies
from investorbench.tasks.wording import MEAN_COUNT, PERCENT, RATIO, USD, Table, Unit
from investorbench_env.errors import UnknownNameError
from investorbench_env.protocols import Convention

FloatArray = npt.NDArray[np.float64]
Figure = Any
"""A float, or an array of the leading axes."""
Measured = TypeVar("Measured")

NORMAL_95 = 1.959963984540054
RISK_AVERSION = 3.0
EVERYWHERE: frozenset[Table] = frozenset({"terminal", "paper", "file", "page"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Generic[Measured]):
    """A figure of an account.

    Attributes:
        key: its name in ``Result.metrics`` and in files.
        head: of its column, with the unit.
        short: the same where there is little room; else the head.
        doc: what it is, in a few words.
        unit: what it is counted in.
        digits: after the point.
        direction: 1 where more is better, −1 where less is, 0 where neither is.
        definition: from what it is computed, and how.
        tables: where it has a column.
    """

    key: str
    head: str
    doc: str
    definition: Callable[[Measured], Figure]
    short: str = ""
    unit: Unit = RATIO
    digits: int = 2
    direction: Literal[1, 0, -1] = 1
    tables: frozenset[Table] = EVERYWHERE


class Curve:
    """Returns [..., T], and what several metrics of them have in common, each computed once.

    Args:
        returns: what each period returned; under ``log`` the weight times the log return.
        convention: ``"simple"`` or ``"log"``.
        periods_a_year: how many periods are a year.
        risk_free: yearly risk-free rate; the published convention has none.
    """

    def __init__(
        self,
        returns: FloatArray,
        convention: Convention,
        periods_a_year: float,
        risk_free: float = 0.0,
    ) -> None:
        if convention not in ("simple", "log"):
            raise UnknownNameError("convention", convention, ["simple", "log"])
        self.returns = np.asarray(returns, dtype=np.float64)
        self.is_simple = convention == "simple"
        self.periods_a_year = periods_a_year
        self.risk_free = (1.0 + risk_free) ** (1.0 / periods_a_year) - 1.0
        self.excess = self.returns - self.risk_free

    @property
    def periods(self) -> int:
        return int(self.returns.shape[-1])

    @cached_property
    def mean_excess(self) -> Figure:
        return self.excess.mean(axis=-1)

    @cached_property
    def deviation(self) -> FloatArray:
        """Sample standard deviation of a period."""
        return _deviation(self.returns)

    @cached_property
    def volatility(self) -> FloatArray:
        """The same of a year."""
        return np.asarray(self.deviation * np.sqrt(self.periods_a_year))

    @cached_property
    def total(self) -> Figure:
        """Cumulative return."""
        if self.is_simple:
            return np.prod(1.0 + self.returns, axis=-1) - 1.0
        return self.returns.sum(axis=-1)

    @cached_property
    def growth(self) -> Figure:
        """Return of a year; a growth below nothing has none and counts as all lost."""
        if self.is_simple:
            grown = np.maximum(1.0 + self.total, 0.0)
            return grown ** (self.periods_a_year / self.periods) - 1.0
        # The number of prices, one more than of steps, stands for the length of the window.
        return self.total / ((self.periods + 1) / self.periods_a_year)

    @cached_property
    def sharpe(self) -> Figure:
        """Sharpe ratio a year; 0 where the returns do not vary."""
        if self.is_simple:
            a_period = ratio(self.mean_excess, self.deviation, 0.0)
            return a_period * np.sqrt(self.periods_a_year)
        return ratio(self.growth, self.volatility, 0.0)

    @cached_property
    def sharpe_margin(self) -> Figure:
        """Half the width of the Sharpe ratio's normal 95 % interval."""
        return NORMAL_95 * sharpe_error(self.excess) * np.sqrt(self.periods_a_year)

    @cached_property
    def power_mean(self) -> Figure:
        """Sure return a year that an investor of constant risk aversion 3 would as soon have.

        ln(mean of ((1 + r)/(1 + f))^(1 − ρ))/(1 − ρ) a period, with r a return, f the risk-free one
        and ρ = 3. Undefined once all is lost.
        """
        power = 1.0 - RISK_AVERSION
        grown = 1.0 + self.returns if self.is_simple else np.exp(self.returns)
        powers = np.where(grown > 0.0, grown / (1.0 + self.risk_free), np.nan) ** power
        return np.log(powers.mean(axis=-1)) / power * self.periods_a_year

    @cached_property
    def downside(self) -> Figure:
        """Root of the mean square of the losses."""
        return np.sqrt(np.mean(np.minimum(self.excess, 0.0) ** 2, axis=-1))

    @cached_property
    def drawdown(self) -> Figure:
        """Largest fall from a peak, as a share of the peak."""
        return max_drawdown(equity_of(self.returns))


PERFORMANCE: tuple[Metric[Curve], ...] = (
    Metric(
        key="CR",
        head="CR %",
        doc="cumulative return",
        unit=PERCENT,
        digits=1,
        definition=lambda curve: curve.total,
        tables=frozenset(),  # leaderboards show it with its interval by bootstrap
    ),
    Metric(
        key="SR",
        head="SR",
        doc="Sharpe ratio a year",
        definition=lambda curve: curve.sharpe,
        tables=frozenset(),  # likewise
    ),
    Metric(
        key="SR_low",
        head="SR from",
        doc="lower end of its normal 95 % interval",
        definition=lambda curve: curve.sharpe - curve.sharpe_margin,
        tables=frozenset(),
    ),
    Metric(
        key="SR_high",
        head="SR to",
        doc="upper end of its normal 95 % interval",
        definition=lambda curve: curve.sharpe + curve.sharpe_margin,
        tables=frozenset(),
    ),
    Metric(
        key="AV",
        head="AV %",
        doc="volatility a year",
        unit=PERCENT,
        digits=1,
        direction=-1,
        definition=lambda curve: curve.volatility,
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="MDD",
        head="MDD %",
        short="MDD",
        doc="largest drawdown",
        unit=PERCENT,
        digits=1,
        direction=-1,
        definition=lambda curve: curve.drawdown,
        tables=EVERYWHERE | {"trading"},
    ),
    Metric(
        key="sortino",
        head="Sortino",
        doc="mean over downside deviation, a year",
        definition=lambda curve: (
            ratio(curve.mean_excess, curve.downside, np.nan) * np.sqrt(curve.periods_a_year)
        ),
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="calmar",
        head="Calmar",
        doc="return a year over the largest drawdown",
        definition=lambda curve: ratio(curve.growth, curve.drawdown, np.nan),
        tables=frozenset({"file", "trading"}),
    ),
    # A Sharpe ratio is raised by taking less risk after luck, this is not (Goetzmann, Ingersoll,
    # Spiegel and Welch 2007).
    Metric(
        key="MPPM",
        head="MPPM %",
        doc="manipulation-proof performance a year, at a risk aversion of 3",
        unit=PERCENT,
        digits=1,
        definition=lambda curve: curve.power_mean,
        tables=frozenset({"file", "trading"}),
    ),
)


class Trading:
    """What was held and traded, step by step.

    Args:
        returns: of each step [..., T].
        exposure: position as a share of equity during each step, of several positions the sum of
            their absolute shares [..., T].
        notional: value traded in each step [..., T].
        equity: at each decision, the first included [..., T + 1].
        costs: of all trades together [...].
    """

    def __init__(
        self,
        returns: FloatArray,
        exposure: FloatArray,
        notional: FloatArray,
        equity: FloatArray,
        costs: Figure,
    ) -> None:
        self.returns = returns
        self.exposure = exposure
        self.notional = notional
        self.equity = equity
        self.costs = costs

    @cached_property
    def held(self) -> npt.NDArray[np.bool_]:
        """Whether there was a position in each step."""
        return np.asarray(self.exposure != 0.0)


ACTIVITY: tuple[Metric[Trading], ...] = (
    Metric(
        key="hit_ratio",
        head="Hits %",
        doc="share of the steps with a position that gained",
        unit=PERCENT,
        digits=1,
        definition=lambda of: ratio(
            (of.held & (of.returns > 0.0)).sum(-1), of.held.sum(-1), np.nan
        ),
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="turnover",
        head="Turnover",
        doc="value traded over mean equity",
        digits=1,
        direction=0,
        definition=lambda of: of.notional.sum(axis=-1) / of.equity.mean(axis=-1),
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="exposure",
        head="Exposure %",
        doc="mean absolute weight of the positions",
        unit=PERCENT,
        digits=1,
        direction=0,
        definition=lambda of: np.abs(of.exposure).mean(axis=-1),
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="time_in_market",
        head="In market %",
        short="held",
        doc="share of steps with a position",
        unit=PERCENT,
        digits=1,
        direction=0,
        definition=lambda of: of.held.mean(axis=-1),
        tables=frozenset({"terminal", "file", "trading"}),
    ),
    Metric(
        key="trades",
        head="Trades",
        doc="steps with a fill",
        unit=MEAN_COUNT,
        digits=0,
        direction=0,
        definition=lambda of: (of.notional > 0.0).sum(axis=-1),
        tables=frozenset({"file", "trading"}),
    ),
    Metric(
        key="costs",
        head="Costs USD",
        doc="commission and slippage",
        unit=USD,
        direction=-1,
        definition=lambda of: of.costs,
        tables=frozenset({"file"}),
    ),
    Metric(
        key="steps",
        head="Steps",
        doc="decisions taken",
        unit=MEAN_COUNT,
        digits=0,
        direction=0,
        definition=lambda of: of.returns.shape[-1],
        tables=frozenset({"file"}),
    ),
)


def metrics() -> tuple[Metric[Any], ...]:
    """All of them, in the order in which tables show them."""
    return (*PERFORMANCE, *ACTIVITY)


def performance(
    returns: FloatArray, convention: Convention, periods_a_year: float, risk_free: float = 0.0
) -> dict[str, Figure]:
    """Every metric of returns [..., T] by its key.

    Args:
        returns: what each period returned; under ``log`` the weight times the log return.
        convention: ``"simple"`` or ``"log"``.
        periods_a_year: how many periods are a year, such as 252 or 365 days.
        risk_free: yearly risk-free rate; the published convention has none.

    Returns:
        CR cumulative return, SR Sharpe ratio a year, AV volatility a year, MDD largest drawdown,
        sortino and calmar ratio, MPPM manipulation-proof performance a year, SR_low and SR_high the
        95 % interval of SR. A ratio whose denominator is 0 but for rounding is 0 for SR and NaN for
        the others.
    """
    curve = Curve(returns, convention, periods_a_year, risk_free)
    return {metric.key: _plain(metric.definition(curve)) for metric in PERFORMANCE}


def sharpe_ratio(
    returns: FloatArray, convention: Convention, periods_a_year: float, risk_free: float = 0.0
) -> FloatArray:
    """Sharpe ratio a year of returns [..., T], alone."""
    return np.asarray(Curve(returns, convention, periods_a_year, risk_free).sharpe)


def activity(
    returns: FloatArray,
    exposure: FloatArray,
    notional: FloatArray,
    equity: FloatArray,
    costs: Figure = 0.0,
) -> dict[str, Figure]:
    """Every metric of what was held and traded, by its key.

    Args:
        returns: step returns [..., T].
        exposure: position as a share of equity during each step, of several positions the sum of
            their absolute shares [..., T].
        notional: value traded in each step [..., T].
        equity: equity at each decision, the first included [..., T + 1].
        costs: of all trades together [...].
    """
    of = Trading(returns, exposure, notional, equity, costs)
    return {metric.key: _plain(metric.definition(of)) for metric in ACTIVITY}


def mean_of(repeats: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
    """Each metric of an agent, the mean over its repeats: what one run of it is expected to show.

    A repeat in which one is not defined is left out of its mean. One whose returns do not vary has
    a Sharpe ratio of 0 without an error, so that both ends of its interval are 0, too.

    Args:
        repeats: the metrics of each, by key; a figure may be None or NaN where there is none.

    Returns:
        By key, in the order of the first; NaN where no repeat has a figure.
    """
    has_ends = any(_is_known(metrics.get("SR_low")) for metrics in repeats)
    found = {}
    for name in dict.fromkeys(name for metrics in repeats for name in metrics):
        own = [metrics.get(name) for metrics in repeats]
        if has_ends and name in ("SR_low", "SR_high"):
            own = [
                end if _is_known(end) else metrics.get("SR")
                for end, metrics in zip(own, repeats, strict=True)
            ]
        known = [value for value in own if _is_known(value)]
        found[name] = math.fsum(known) / len(known) if known else math.nan
    return found


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def equity_of(returns: FloatArray) -> FloatArray:
    """Equity that compounds returns [..., T], starting at 1 [..., T + 1]."""
    start = np.ones((*returns.shape[:-1], 1))
    return np.concatenate([start, np.cumprod(1.0 + returns, axis=-1)], axis=-1)


def max_drawdown(equity: FloatArray) -> Figure:
    """Largest fall from a peak so far, as a share of the peak; the start value is a peak."""
    peaks = np.maximum.accumulate(equity, axis=-1)
    return np.max(1.0 - equity / peaks, axis=-1)


def sharpe_error(returns: FloatArray) -> Figure:
    """Standard error of the Sharpe ratio a step, with skew and kurtosis (Mertens 2002).

    var(SR) = (1 − γ3·SR + (γ4 − 1)/4·SR²)/T. It is NaN where the returns do not vary but for
    rounding.
    """
    steps = returns.shape[-1]
    deviation = _deviation(returns)
    sharpe = ratio(returns.mean(axis=-1), deviation, np.nan)
    centred = returns - returns.mean(axis=-1, keepdims=True)
    squares = centred * centred
    scale = np.sqrt(np.mean(squares, axis=-1))
    scale = np.where(deviation > 0.0, scale, np.nan)
    # Products: third and fourth powers of so many numbers take longer than all else here.
    skew = np.mean(squares * centred, axis=-1) / scale**3
    kurtosis = np.mean(squares * squares, axis=-1) / scale**4
    variance = (1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2) / steps
    return np.sqrt(np.maximum(variance, 0.0))


def ratio(numerator: Figure, denominator: Figure, otherwise: float) -> Figure:
    """Quotient, or ``otherwise`` where the denominator is 0 but for rounding."""
    denominator = np.asarray(denominator, dtype=np.float64)
    defined = np.abs(denominator) > ROUNDING
    return np.where(defined, numerator / np.where(defined, denominator, 1.0), otherwise)


def _deviation(returns: FloatArray) -> FloatArray:
    """Sample standard deviation; exactly 0 for returns that are equal but for rounding."""
    if returns.shape[-1] < 2:
        return np.zeros(returns.shape[:-1])
    deviation: FloatArray = returns.std(axis=-1, ddof=1) * varies(returns)
    return deviation


def _plain(figure: Figure) -> Figure:
    """A zero-dimensional array as a plain number, so that a single curve has plain figures."""
    return np.asarray(figure).item() if np.ndim(figure) == 0 else figure

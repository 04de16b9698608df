"""What scoring costs: a thousand equity curves at once, beside quantstats taking them one by one.

Both compute what both know; the table says which figures are equal, and where definitions differ.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.tasks.metrics import activity, equity_of, performance
from investorbench_env.errors import MissingDependencyError

CURVES = 1000
DAYS = 250
DAYS_A_YEAR = 252
ROUNDS = 5
EQUAL = 1e-12
"""Figures that differ by less, of their own size or of 1, are equal."""

FloatArray = npt.NDArray[np.float64]

YARDSTICKS = {
    "CR": "comp",
    "SR": "sharpe",
    "AV": "volatility",
    "MDD": "max_drawdown",
    "sortino": "sortino",
    "calmar": "calmar",
    "hit_ratio": "win_rate",
    "time_in_market": "exposure",
}
"""Our figures, and the functions of quantstats that compute them."""
DIFFERENCES = {
    "SR_low": "no interval in quantstats",
    "SR_high": "no interval in quantstats",
    "MPPM": "quantstats knows no such measure",
    "time_in_market": "quantstats rounds up to a percent",
    "exposure": "mean absolute weight; quantstats knows no weights",
    "turnover": "quantstats knows no trades",
    "trades": "likewise",
    "costs": "likewise",
    "steps": "as many as were given",
}
"""Where there is nothing to be equal to, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Equity curves with what an account knows beside them.

    Attributes:
        returns: of each step [N, T].
        weights: position as a share of equity [N, T].
        notional: value traded [N, T].
        equity: at each decision [N, T + 1].
    """

    returns: FloatArray
    weights: FloatArray
    notional: FloatArray
    equity: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What was measured.

    Attributes:
        ours_s: seconds for all figures of all curves, the median of some rounds.
        theirs_s: seconds of quantstats for those that it has, one round.
        apart: the largest difference of each figure that both compute, relative where above 1.
    """

    ours_s: float
    theirs_s: float
    apart: dict[str, float]


def accounts(curves: int = CURVES, days: int = DAYS, seed: int = 0) -> Accounts:
    """Accounts that are short, flat or long, in returns with fat tails; there are no costs."""
    rng = np.random.default_rng(seed)
    weights = rng.choice([-1.0, 0.0, 1.0], (curves, days))
    returns = weights * rng.standard_t(4, (curves, days)) * 0.01
    equity = 100_000.0 * equity_of(returns)
    traded = np.abs(np.diff(weights, axis=-1, prepend=0.0))
    return Accounts(
        returns=returns, weights=weights, notional=traded * equity[:, :-1], equity=equity
    )


def ours(given: Accounts) -> dict[str, Any]:
    """Every metric of all curves at once [N] each."""
    figures = performance(given.returns, "simple", DAYS_A_YEAR)
    return figures | activity(given.returns, given.weights, given.notional, given.equity)


def quantstats_metrics() -> dict[str, Callable[[Any], float]]:
    """Functions of one curve, under our names; a drawdown is positive.

    Raises:
        MissingDependencyError: quantstats is not installed.
    """
    try:
        from quantstats import stats
    except ImportError:
        raise MissingDependencyError("quantstats", "bench", "the yardstick of scoring") from None
    by_year = {"SR", "AV", "sortino", "calmar"}

    def metric(name: str, function: str) -> Callable[[Any], float]:
        compute = getattr(stats, function)
        if name in by_year:
            return lambda curve: float(compute(curve, periods=DAYS_A_YEAR))
        sign = -1.0 if name == "MDD" else 1.0
        return lambda curve: sign * float(compute(curve))

    return {name: metric(name, function) for name, function in YARDSTICKS.items()}


def measure(given: Accounts, console: Console) -> Scoring:
    """Score the accounts with both, and compare."""
    import pandas as pd

    metrics = quantstats_metrics()
    dates = pd.bdate_range("2020-01-01", periods=given.returns.shape[1])
    curves = [pd.Series(returns, index=dates) for returns in given.returns]
    ours(given)  # what is done once a process is not counted, here as there
    for metric in metrics.values():
        metric(curves[0])
    rounds: list[float] = []
    theirs: dict[str, FloatArray] = {}
    theirs_s = 0.0
    for name, metric in track(
        metrics.items(), "measuring", console=console, transient=True,
        disable=not console.is_terminal,
    ):  # fmt: skip
        # By turns, so that a moment of load falls on both.
        rounds += [_timed(lambda: ours(given)) for _ in range(ROUNDS)]
        begin = time.perf_counter()
        theirs[name] = np.array([metric(curve) for curve in curves])
        theirs_s += time.perf_counter() - begin
    return Scoring(ours_s=median(rounds), theirs_s=theirs_s, apart=differences(ours(given), theirs))


def differences(figures: Mapping[str, Any], others: Mapping[str, FloatArray]) -> dict[str, float]:
    """The largest of each figure [N] that both have; of those above 1 in relation to them."""
    return {
        name: float(np.max(np.abs(figures[name] - other) / np.maximum(np.abs(other), 1.0)))
        for name, other in others.items()
    }


def report() -> None:
    """Measure and print."""
    console = Console()
    given = accounts()
    scoring = measure(given, console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("figure", no_wrap=True)
    table.add_column("quantstats", no_wrap=True)
    table.add_column("largest difference", overflow="fold")
    for name in ours(given):
        table.add_row(name, YARDSTICKS.get(name, "–"), _compared(name, scoring.apart.get(name)))
    console.print(f"[bold]{CURVES:,} equity curves of {DAYS} days[/]", table, sep="\n")
    console.print(
        f"ours, all figures at once: {1000 * scoring.ours_s:,.1f} ms; quantstats, curve by curve: "
        f"{1000 * scoring.theirs_s:,.0f} ms; ratio 1/{scoring.theirs_s / scoring.ours_s:,.0f}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _compared(name: str, apart: float | None) -> str:
    why = DIFFERENCES.get(name)
    if apart is None:
        return why or "–"
    if why is not None:
        return f"{apart:.1g}: {why}"
    return f"{apart:.0e}: equal" if apart <= EQUAL else f"{apart:.0e}: differs"


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin

"""Lots of an account, first in, first out, and what its trades came to by them."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from investorbench.tasks.portfolio_metrics import ratio_or_reason
from investorbench.tasks.statistics import Estimate
from investorbench_env.accounting.events import Fill
from investorbench_env.errors import InvestorBenchError


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares that were bought together and sold together, first in, first out.

    Attributes:
        symbol: the asset.
        quantity: shares.
        bought: the session.
        sold: likewise.
        pnl: what it earned, commissions of both sides included.
    """

    symbol: str
    quantity: float
    bought: date
    sold: date
    pnl: float


def closed_lots(fills: Iterable[tuple[date, Fill]]) -> list[Lot]:
    """The lots that were sold, in the order of their sales.

    Args:
        fills: with their sessions, oldest first.

    Raises:
        InvestorBenchError: more is sold than was bought.
    """
    held: dict[str, deque[tuple[date, float, float]]] = defaultdict(deque)
    lots = []
    for day, fill in fills:
        a_share = fill.notional / abs(fill.quantity)
        cost = fill.cost / abs(fill.quantity)
        if fill.quantity > 0:
            held[fill.symbol].append((day, fill.quantity, a_share + cost))
            continue
        left, waiting = -fill.quantity, held[fill.symbol]
        while left > 1e-9:
            if not waiting:
                raise InvestorBenchError(
                    f"{left:g} shares of {fill.symbol} sold on {day}, not held"
                )
            bought, quantity, paid = waiting.popleft()
            part = min(left, quantity)
            lots.append(Lot(fill.symbol, part, bought, day, part * (a_share - cost - paid)))
            if quantity - part > 1e-9:
                waiting.appendleft((bought, quantity - part, paid))
            left -= part
    return lots


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFigures:
    """What the lots of an account came to.

    Attributes:
        lots: how many.
        win_rate: the share that earned something, those that earned nothing among all.
        profit_factor: gains by losses.
        expectancy: mean profit of a lot.
        lab_expectancy: as the experiment's script has it: the share that won times the mean gain,
            less all others times the mean loss.
        loss_aversion: mean loss by mean gain.
    """

    lots: int
    win_rate: Estimate
    profit_factor: Estimate
    expectancy: Estimate
    lab_expectancy: Estimate
    loss_aversion: Estimate


def trade_figures(profits: Sequence[float]) -> TradeFigures:
    """Win rate, profit factor, expectancy and loss aversion of the profits of lots."""
    pnl = np.asarray(profits, dtype=np.float64)
    gains, losses = pnl[pnl > 0], -pnl[pnl < 0]
    rate = ratio_or_reason(len(gains), len(pnl), "no lot was sold")
    gain, loss = (part.mean() if len(part) else 0.0 for part in (gains, losses))
    share = rate.value or 0.0
    lab = share * gain - (1.0 - share) * loss
    return TradeFigures(
        lots=len(pnl),
        win_rate=rate,
        profit_factor=ratio_or_reason(gains.sum(), losses.sum(), "no lot lost"),
        expectancy=ratio_or_reason(pnl.sum(), len(pnl), "no lot was sold"),
        lab_expectancy=ratio_or_reason(lab * len(pnl), len(pnl), "no lot was sold"),
        loss_aversion=ratio_or_reason(loss, gain, "no lot gained"),
    )

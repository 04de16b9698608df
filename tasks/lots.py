"""Lots of an account, first in, first out, and what its trades came to by them."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from investorbench.tasks.portfolio_metrics import ratio_or_reason
from investorbench.tasks.statistics import Estimate
from investorbench_env.accounting.events import Distribution, Fill

SAME = 1e-9
"""Shares closer to each other are as many."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares that were traded together and closed together, first in, first out.

    Attributes:
        symbol: the asset.
        quantity: shares, of the time when it was closed; negative if they were sold short.
        opened: the session.
        closed: likewise.
        pnl: what it earned, commissions of both sides included, dividends not.
    """

    symbol: str
    quantity: float
    opened: date
    closed: date
    pnl: float


class _Open(NamedTuple):
    """Shares that are held: since when, how many, and at what price each, commission included."""

    opened: date
    quantity: float
    price: float


def closed_lots(events: Iterable[tuple[date, Fill | Distribution]]) -> list[Lot]:
    """The lots that were closed, in the order in which they were.

    Args:
        events: fills and distributions with their sessions, oldest first; a share split changes
            how many shares are held and what each has cost.
    """
    held: dict[str, deque[_Open]] = defaultdict(deque)
    lots: list[Lot] = []
    for day, event in events:
        own = held[event.symbol]
        if isinstance(event, Fill):
            lots += _traded(own, day, event)
        elif event.ratio != 1.0:
            held[event.symbol] = deque(
                _Open(day_before, quantity * event.ratio, price / event.ratio)
                for day_before, quantity, price in own
            )
    return lots


def _traded(held: deque[_Open], day: date, fill: Fill) -> Iterator[Lot]:
    """Close what a fill closes of an asset, and hold what is left of it."""
    price = fill.notional / abs(fill.quantity) + fill.cost / fill.quantity
    left = fill.quantity
    while abs(left) > SAME and held and held[0].quantity * left < 0:
        opened, quantity, paid = held.popleft()
        part = min(abs(left), abs(quantity)) * (1 if quantity > 0 else -1)
        yield Lot(fill.symbol, part, opened, day, part * (price - paid))
        if abs(quantity - part) > SAME:
            held.appendleft(_Open(opened, quantity - part, paid))
        left += part
    if abs(left) > SAME:
        held.append(_Open(day, left, price))


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

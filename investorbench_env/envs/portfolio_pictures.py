"""The frame that a picture of a portfolio's episode shows, from its setup and the marks it left."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.events import AnyOrder, Order
from investorbench_env.accounting.order_words import order_words, signal_words
from investorbench_env.accounting.signals import Signal
from investorbench_env.envs.pictures import dates_of
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.envs.portfolio_traders import Closed
from investorbench_env.market.joint_history import JointHistory, JointMoment
from investorbench_env.rendering import (
    AssetTrade,
    Event,
    HoldingRow,
    PortfolioFrame,
    portfolio_ansi,
    portfolio_rgb_array,
)


class PortfolioMark(NamedTuple):
    """The account after one step."""

    now: JointMoment
    closed: Closed


def draw_portfolio(
    setup: PortfolioSetup, history: JointHistory, trail: Sequence[PortfolioMark], mode: str
) -> Any:
    """Text for ``"ansi"``, pixels uint8 [height, width, 3] for ``"rgb_array"``."""
    frame = portfolio_frame(setup, history, trail)
    return portfolio_ansi(frame) if mode == "ansi" else portfolio_rgb_array(frame)


def portfolio_frame(
    setup: PortfolioSetup, history: JointHistory, trail: Sequence[PortfolioMark]
) -> PortfolioFrame:
    """Account, fills and events from the first decision of an episode up to its last mark."""
    bars = np.array([mark.now.t for mark in trail])
    last = trail[-1].closed
    return PortfolioFrame(
        name=_name(setup),
        symbols=setup.symbols,
        source=setup.markets.source,
        simulated=setup.markets.simulated,
        protocol=setup.protocol.name,
        dates=dates_of(history.market, bars),
        equity=np.array([mark.closed.amounts.equity for mark in trail], dtype=np.float64),
        weights=np.array([mark.closed.amounts.weights for mark in trail], dtype=np.float64),
        universe=_equal_parts(history, bars),
        holdings=_holdings(setup, history, trail[-1]),
        trades=_trades(trail),
        rejections=_rejections(trail),
        waiting=len([order for order in last.open_orders if order.side != "stop"]),
        events=_events(trail),
    )


def _name(setup: PortfolioSetup) -> str:
    symbols, universe = setup.symbols, setup.universe
    if universe is not None and setup.options.symbols is None and setup.options.universe:
        return f"{universe.name}, {len(symbols)} assets"
    return ", ".join(symbols) if len(symbols) <= 3 else f"{len(symbols)} assets"


def _equal_parts(history: JointHistory, bars: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """What equal parts of all assets that have a price at the first bar are worth, by prices."""
    every, first = history.prices, bars.item(0)
    priced = every.stale[first] <= first
    shares, paid = 1.0 / every.final[first], np.zeros(len(history.symbols))
    worth = [1.0 if priced.any() else np.nan]
    for t in bars[1:].tolist():
        # What is closed out leaves cash; all other dividends do not count.
        paid = paid + np.where(every.split[t] == 0.0, shares * every.dividend[t], 0.0)
        shares = shares * every.split[t]
        worth.append(float((shares * every.final[t] + paid)[priced].mean()))
    return np.array(worth)


def _holdings(
    setup: PortfolioSetup, history: JointHistory, mark: PortfolioMark
) -> tuple[HoldingRow, ...]:
    amounts, stale = mark.closed.amounts, history.prices.stale[mark.now.t]
    rows = zip(
        setup.symbols, amounts.units.tolist(), amounts.marks.tolist(),
        amounts.unrealised.tolist(), (stale > 0).tolist(), strict=True,
    )  # fmt: skip
    return tuple(HoldingRow(*row) for row in rows if row[1])


def _trades(trail: Sequence[PortfolioMark]) -> tuple[AssetTrade, ...]:
    return tuple(
        AssetTrade(
            index, fill.symbol, fill.quantity, fill.price, fill.notional / _whole(mark.closed)
        )
        for index, mark in enumerate(trail)
        for fill in mark.closed.fills
    )


def _whole(closed: Closed) -> float:
    """Equity, or what stands in for one that is gone."""
    return abs(float(closed.amounts.equity)) or 1.0


def _rejections(trail: Sequence[PortfolioMark]) -> tuple[Event, ...]:
    return tuple(
        Event(index, "order", f"{text_of_order(rejection.order)}: {rejection.reason}")
        for index, mark in enumerate(trail)
        for rejection in mark.closed.rejections
    )


def text_of_order(order: AnyOrder) -> str:
    """What was asked for and not carried out, in words."""
    if isinstance(order, Order):
        return f"{order.symbol} to {order.weight:.1%}"
    if isinstance(order, Signal):
        return signal_words(order)
    return order_words(order._asdict())


def _events(trail: Sequence[PortfolioMark]) -> tuple[Event, ...]:
    events: list[Event] = []
    for index, mark in enumerate(trail):
        events += [
            Event(index, row.kind, f"{row.symbol}: {row.title or row.text}")
            for row in mark.now.documents
        ]
        for paid in mark.closed.distributions:
            if paid.cash:
                events.append(Event(index, "dividend", f"{paid.symbol}: {paid.cash:,.2f} in all"))
            if paid.ratio != 1.0:
                events.append(Event(index, "split", f"{paid.symbol}: {paid.ratio:g} for 1"))
    return tuple(events)

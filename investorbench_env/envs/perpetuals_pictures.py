"""The frame that a picture of an episode with perpetuals shows, from the marks that it left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.events import ClosedTrade, PerpetualPosition
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.envs.perpetuals_trader import PerpetualMark
from investorbench_env.envs.pictures import LOOKBACK, dates_of
from investorbench_env.envs.portfolio_pictures import text_of_order
from investorbench_env.market.market import CLOSE
from investorbench_env.rendering import (
    ArenaFrame,
    Event,
    PositionSpan,
    arena_ansi,
    arena_rgb_array,
)


def draw_perpetuals(
    setup: PerpetualSetup, history: PerpetualHistory, trail: Sequence[PerpetualMark], mode: str
) -> Any:
    """Text for ``"ansi"``, pixels uint8 [height, width, 3] for ``"rgb_array"``."""
    frame = perpetual_frame(setup, history, trail)
    return arena_ansi(frame) if mode == "ansi" else arena_rgb_array(frame)


def perpetual_frame(
    setup: PerpetualSetup, history: PerpetualHistory, trail: Sequence[PerpetualMark]
) -> ArenaFrame:
    """Prices, account and positions, from some decisions before the episode up to its last mark."""
    decided = np.array([mark.now.t for mark in trail])
    before = decided[0] - setup.options.every * np.arange(LOOKBACK, 0, -1)
    before = before[before >= 0]
    bars, start = np.concatenate([before, decided]), len(before)
    market, last = history.market, trail[-1]
    prices = market.until(last.now.t).bars[bars][:, history.assets, CLOSE]
    return ArenaFrame(
        name=_name(setup),
        symbols=setup.symbols,
        source=setup.markets.source,
        simulated=setup.markets.simulated,
        protocol=setup.protocol.name,
        dates=dates_of(market, bars),
        start=start,
        equity=np.array([mark.account.equity for mark in trail], dtype=np.float64),
        prices=prices,
        universe=_equal_parts(np.array([history.last_prices(t) for t in decided.tolist()])),
        positions=_spans(trail, start),
        rejections=_rejections(trail, start),
        fees=last.account.costs,
        funding=last.received,
        events=_events(trail, start),
    )


def _name(setup: PerpetualSetup) -> str:
    """The universe where all of it is traded, else the coins or their number."""
    if setup.universe is not None and setup.options.symbols is None and setup.options.universe:
        return setup.universe.name
    few = len(setup.symbols) <= 3
    return ", ".join(setup.symbols) if few else f"{len(setup.symbols)} coins"


def _equal_parts(prices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What equal parts of the coins that have a price at first are worth [n]."""
    priced = np.isfinite(prices[0]) & (prices[0] > 0.0)
    if not priced.any():
        return np.full(len(prices), np.nan)
    return np.asarray((prices[:, priced] / prices[0, priced]).mean(axis=1))


@dataclass(slots=True)
class _Held:
    """A position while it is held: where it began, and what is known of it since."""

    first: int
    last: PerpetualPosition
    liquidation: list[float] = field(default_factory=list)

    def see(self, position: PerpetualPosition) -> None:
        price = position.liquidation_price
        self.last = position
        self.liquidation.append(math.nan if price is None else price)


def _spans(trail: Sequence[PerpetualMark], start: int) -> tuple[PositionSpan, ...]:
    """Every position, in the order of their entries."""
    held: dict[str, _Held] = {}
    spans: list[PositionSpan] = []
    for index, mark in enumerate(trail, start):
        spans += [_ended(each, held.pop(each.symbol, None), index) for each in mark.closed]
        for position in mark.positions:
            if position.symbol not in held:
                held[position.symbol] = _Held(index, position)
            held[position.symbol].see(position)
    spans += [_open(each, start + len(trail) - 1) for each in held.values()]
    return tuple(sorted(spans, key=lambda span: span.first))


def _ended(closed: ClosedTrade, held: _Held | None, index: int) -> PositionSpan:
    """A position that ended; one that began since the decision before was in no info."""
    return PositionSpan(
        symbol=closed.symbol,
        quantity=closed.quantity,
        leverage=closed.leverage,
        first=index if held is None else held.first,
        last=index,
        entry=closed.entry_price,
        exit=closed.exit_price,
        reason=closed.reason,
        profit=closed.pnl,
        stop=math.nan if held is None else _known(held.last.stop),
        target=math.nan if held is None else _known(held.last.target),
        liquidation=np.array([*([] if held is None else held.liquidation), math.nan]),
    )


def _open(held: _Held, index: int) -> PositionSpan:
    position = held.last
    return PositionSpan(
        symbol=position.symbol,
        quantity=position.quantity,
        leverage=position.leverage,
        first=held.first,
        last=index,
        entry=position.entry_price,
        profit=position.unrealised_pnl,
        stop=_known(position.stop),
        target=_known(position.target),
        liquidation=np.array(held.liquidation),
    )


def _known(level: float | None) -> float:
    return math.nan if level is None else level


def _rejections(trail: Sequence[PerpetualMark], start: int) -> tuple[Event, ...]:
    return tuple(
        Event(index, "signal", f"{text_of_order(rejection.order)}: {rejection.reason}")
        for index, mark in enumerate(trail, start)
        for rejection in mark.rejections
    )


def _events(trail: Sequence[PerpetualMark], start: int) -> tuple[Event, ...]:
    return tuple(
        Event(index, row.kind, f"{row.symbol}: {row.title or row.text}")
        for index, mark in enumerate(trail, start)
        for row in mark.now.documents
    )

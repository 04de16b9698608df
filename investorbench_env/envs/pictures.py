"""The frame that a picture of an episode shows, made from its setup and the marks it left."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.setup import Setup
from investorbench_env.market.history import AssetMoments, Moment
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.market.market import CLOSE, Market
from investorbench_env.rendering import Event, Frame, Trade, ansi, rgb_array
from investorbench_env.rendering.chart import chart

LOOKBACK = 60
"""Bars of history before the episode that a picture shows."""


class Mark(NamedTuple):
    """The account after one step."""

    now: Moment
    equity: float
    weight: float
    position: float
    fill_price: float


def draw(setup: Setup, history: AssetMoments, trail: Sequence[Mark], mode: str) -> Any:
    """Text for ``"ansi"``, pixels uint8 [height, width, 3] for ``"rgb_array"``."""
    frame = episode_frame(setup, history, trail)
    return ansi(frame) if mode == "ansi" else rgb_array(frame)


def chart_of(setup: Setup, history: AssetMoments, now: Moment) -> npt.NDArray[np.uint8]:
    """The bars of a decision's window as a picture, red, green and blue [320, 512, 3].

    It names dates where the observation does.
    """
    market, seen = history.market, now.observation
    first = max(now.t + 1 - history.window, 0) if "time" in setup.modalities else now.t + 1
    return chart(
        seen["bars"],
        seen["mask"],
        dates_of(market, slice(first, now.t + 1)),
        symbol=history.symbol,
        simulated=market.simulated,
    )


def episode_frame(setup: Setup, history: AssetMoments, trail: Sequence[Mark]) -> Frame:
    """Prices, account and events from some bars before the episode up to its last mark."""
    market, asset = history.market, history.asset
    view = market.until(trail[-1].now.t)
    first = max(trail[0].now.t - LOOKBACK, 0)
    splits = view.share_splits[first:, asset]
    # Shares at the last mark for one share of each session.
    later = np.append(np.cumprod(splits[:0:-1])[::-1], 1.0)
    start = trail[0].now.t - first
    # Bars that are missing have no mark of their own; the one before still holds.
    marks = np.full(len(splits) - start, -1)
    for number, mark in enumerate(trail):
        marks[mark.now.t - trail[0].now.t] = number
    marks = np.maximum.accumulate(marks)
    return Frame(
        symbol=history.symbol,
        source=market.source,
        simulated=market.simulated,
        protocol=setup.protocol.name,
        dates=dates_of(market, slice(first, view.t + 1)),
        close=view.bars[first:, asset, CLOSE] / later,
        start=start,
        equity=np.array([mark.equity for mark in trail])[marks],
        weight=np.array([mark.weight for mark in trail])[marks],
        trades=_trades(trail, first, later, setup.fills == "close"),
        events=_events(trail, first),
    )


def dates_of(market: Market, bars: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    """The sessions of bars, or their ends in the market's zone where a session has several."""
    if length_of(market.interval) >= DAY:
        return market.sessions[bars]
    zone = ZoneInfo(market.timezone)
    ends = market.times[bars].astype("datetime64[s]").astype(np.int64).tolist()
    local = [datetime.fromtimestamp(end, zone).replace(tzinfo=None) for end in ends]
    return np.array(local, dtype="datetime64[m]")


def _trades(trail: Sequence[Mark], first: int, later: Any, at_close: bool) -> tuple[Trade, ...]:
    trades: list[Trade] = []
    for before, after in pairwise(trail):
        if after.fill_price > 0.0:
            # At the close a weight is set on the session of the decision, else on the next.
            filled = before if at_close else after
            index = filled.now.t - first
            held_before = before.position * after.now.split
            side = 1 if after.position > held_before else -1
            trades.append(Trade(index, side, float(after.fill_price / later[index])))
    return tuple(trades)


def _events(trail: Sequence[Mark], first: int) -> tuple[Event, ...]:
    events: list[Event] = []
    for before, mark in zip((None, *trail), trail, strict=False):
        index = mark.now.t - first
        events += [Event(index, row.kind, row.title or row.text) for row in mark.now.documents]
        if before is not None and mark.now.dividend:
            events.append(Event(index, "dividend", f"{mark.now.dividend:.4g} a share"))
        if before is not None and mark.now.split != 1.0:
            events.append(Event(index, "split", f"{mark.now.split:g} for 1"))
    return tuple(events)

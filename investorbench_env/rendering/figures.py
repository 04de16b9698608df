"""The figures that text and pixels share: equity, drawdown, price and position of a frame."""

import math

import numpy as np

from investorbench_env.rendering.arena_frame import ArenaFrame
from investorbench_env.rendering.frame import (
    EpisodeFrame,
    FloatArray,
    Frame,
    PortfolioFrame,
)
from investorbench_env.rendering.words import clean, number, percent


def account_words(frame: EpisodeFrame) -> tuple[str, str, str, str]:
    """Equity, return, drawdown and the return of what is compared with, each as words."""
    fallen = drawdowns(frame.equity)
    name, held = compared_with(frame)
    return (
        f"equity {number(last_known(frame.equity))}",
        f"return {percent(last_known(indexed(frame.equity)) / 100.0 - 1.0, '+')}",
        f"drawdown {percent(last_known(fallen))} (deepest {percent(deepest(fallen))})",
        f"{name} {percent(last_known(held) / 100.0 - 1.0, '+')}",
    )


def compared_with(frame: EpisodeFrame) -> tuple[str, FloatArray]:
    """The asset, or equal parts of all: its name, and its price, 100 at the first decision."""
    if isinstance(frame, PortfolioFrame | ArenaFrame):
        return "equal parts", indexed(frame.universe)
    assert isinstance(frame, Frame)
    return "asset price", price_index(frame)


def position_words(frame: Frame) -> str:
    """The position after the last step, such as ``long 98%``."""
    weight = last_known(frame.weight)
    if not abs(weight) >= 0.0005:
        return "flat"
    return f"{'long' if weight > 0 else 'short'} {percent(abs(weight))}"


def origin(frame: EpisodeFrame) -> str:
    """Where the market comes from, and that it is not a real one where it is not."""
    label = "Not a real market" if frame.simulated else "Source"
    return f"{label}: {clean(frame.source)}"


def price_index(frame: Frame) -> FloatArray:
    """The asset's price, 100 at the first decision; NaN where a bar is missing [n - start]."""
    carried = _carried(frame.close)[frame.start :]
    return np.where(np.isfinite(frame.close[frame.start :]), indexed(carried), np.nan)


def indexed(values: FloatArray) -> FloatArray:
    """Values as multiples of 100 at the first that is finite and not zero; else all NaN [n]."""
    usable = values[np.isfinite(values) & (values > 0)]
    return values / usable[0] * 100.0 if usable.size else np.full(len(values), np.nan)


def last_known(values: FloatArray) -> float:
    """The last finite value, else NaN."""
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else math.nan


def _carried(values: FloatArray) -> FloatArray:
    """Each value, or where it is missing the last one before it [n]."""
    known = np.where(np.isfinite(values), np.arange(len(values)), -1)
    last = np.maximum.accumulate(known)
    return np.where(last >= 0, values[last], np.nan)


def deepest(fallen: FloatArray) -> float:
    """The largest of some drawdowns, NaN where none is known."""
    return float(np.nanmax(fallen)) if np.isfinite(fallen).any() else math.nan


def drawdowns(equity: FloatArray) -> FloatArray:
    """How far equity is below its highest so far, as a share of that [n - start]."""
    known = np.where(np.isfinite(equity), equity, np.nan)
    peaks = np.fmax.accumulate(known)
    return np.where(peaks > 0, 1.0 - known / np.where(peaks > 0, peaks, 1.0), np.nan)

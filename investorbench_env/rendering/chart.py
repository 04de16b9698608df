"""The bars of a window as a picture, as a trader sees them: candles, volume, prices and dates.

It is drawn in whole pixels and letters of our own, so its bytes are the same on every machine.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.rendering.glyphs import ROWS, text_pixels, text_width
from investorbench_env.rendering.ticks import round_dates, round_numbers, tick_label
from investorbench_env.rendering.words import clean, number

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

HEIGHT, WIDTH = 320, 512
"""In pixels; models that see in tiles of 512 pixels see it in one."""
KEPT = 8192
"""Charts that are kept, packed, for all that show the same window: all of many splits in 40 MB."""

# Up is hollow and down is filled, so that they differ without colours, too.
PAPER, INK, QUIET, GRID, UP, DOWN, BUSY = range(7)
PALETTE = np.array(
    [
        (255, 255, 255),
        (34, 39, 46),
        (104, 112, 122),
        (230, 232, 235),
        (0, 135, 90),
        (205, 50, 40),
        (176, 182, 190),
    ],
    dtype=np.uint8,
)
SCALE = 2
"""Pixels to a dot of a letter: smaller ones are hard to read for a model."""
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 6, 106, 26, 22, 8
VOLUME_SHARE = 0.2
LETTERS = ROWS * SCALE


class Bars(NamedTuple):
    """The bars of a window, those that are unknown left out.

    Attributes:
        places: of the bars in the window [N].
        open: prices [N], like the next three; that of the close where there is none.
        high: likewise.
        low: likewise.
        close: likewise.
        volume: 0 where there is none [N].
        rises: whether it closed at its open or above; without one, at the close before [N].
    """

    places: npt.NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    rises: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, bars: npt.NDArray[np.float32], mask: npt.NDArray[np.int8]) -> "Bars":
        """From ``bars`` [W, 5] and ``mask`` [W] of an observation."""
        places = np.flatnonzero(mask)
        opens, highs, lows, closes, volumes = bars[places].astype(np.float64).T
        before = np.append(closes[:1], closes[:-1])
        rises = closes >= np.where(opens > 0, opens, before)
        opens = np.where(opens > 0, opens, closes)
        highs = np.maximum(np.where(highs > 0, highs, closes), np.maximum(opens, closes))
        lows = np.minimum(np.where(lows > 0, lows, closes), np.minimum(opens, closes))
        return cls(places, opens, highs, lows, closes, volumes, rises)

    @property
    def have_ranges(self) -> bool:
        """Whether there is more than a close of any of them."""
        return bool((self.high > self.low).any())


class Window(NamedTuple):
    """All that a chart shows, in values that can be looked up.

    Attributes:
        symbol: the asset.
        simulated: whether its market is not real.
        bars: float32 [W, 5], as an observation has them.
        mask: int8 [W], likewise.
        dates: of the last of these bars, ``datetime64`` in their unit [K], K <= W.
        unit: of the dates, ``"D"`` or ``"m"``.
    """

    symbol: str
    simulated: bool
    bars: bytes
    mask: bytes
    dates: bytes
    unit: str


def chart(
    bars: npt.NDArray[np.float32],
    mask: npt.NDArray[np.int8],
    dates: npt.NDArray[np.datetime64],
    *,
    symbol: str,
    simulated: bool,
) -> Pixels:
    """The picture of a window, drawn once, in an array of the reader's own.

    Args:
        bars: open, high, low, close, volume [W, 5], as an observation has them, oldest first.
        mask: 1 where a bar is known [W].
        dates: of the last K bars, ``datetime64[D]``, or ``[m]`` of several a day; none of them for
            a picture that names no date.
        symbol: the asset.
        simulated: whether its market is not real, which the picture says.

    Returns:
        Red, green and blue [320, 512, 3].
    """
    unit = np.datetime_data(dates.dtype)[0]
    window = Window(symbol, simulated, bars.tobytes(), mask.tobytes(), dates.tobytes(), unit)
    places = np.frombuffer(zlib.decompress(_drawn(window)), np.uint8)
    return PALETTE.take(places.reshape(HEIGHT, WIDTH), axis=0)


@lru_cache(maxsize=KEPT)
def _drawn(window: Window) -> bytes:
    """A chart as places in the palette, packed."""
    mask = np.frombuffer(window.mask, np.int8)
    known = Bars.of(np.frombuffer(window.bars, np.float32).reshape(len(mask), -1), mask)
    dates = np.frombuffer(window.dates, f"datetime64[{window.unit}]")
    canvas = PixelCanvas.blank()
    _draw_heading(canvas, window, dates)
    if len(known.places):
        has_volume = known.volume.max() > 0
        floor = HEIGHT - BOTTOM - BETWEEN
        share = VOLUME_SHARE if has_volume else 0.0
        split = floor - round(share * (floor - TOP))
        across = Across(len(mask))
        prices = Upward.over(known.low, known.high, TOP + LETTERS // 2, split - BETWEEN)
        if len(dates):
            _draw_dates(canvas, across, dates, len(mask) - len(dates))
        _draw_prices(canvas, prices, known)
        _draw_bars(canvas, across, prices, known)
        if has_volume:
            _draw_volume(canvas, across, known, split, floor)
    return zlib.compress(canvas.ink.tobytes(), 1)


@dataclass(frozen=True, slots=True)
class PixelCanvas:
    """A picture being drawn: places in the palette [height, width]."""

    ink: Pixels

    @classmethod
    def blank(cls) -> "PixelCanvas":
        return cls(np.full((HEIGHT, WIDTH), PAPER, dtype=np.uint8))

    def box(self, left: int, top: int, right: int, bottom: int, colour: int) -> None:
        """Fill from one pixel to another, both included."""
        self.ink[top : bottom + 1, left : right + 1] = colour

    def write(self, left: int, middle: int, text: str, colour: int) -> None:
        """A text from a pixel on, around a height; what reaches over the edge is left out."""
        top = middle - LETTERS // 2
        shown = self.ink[max(top, 0) : top + LETTERS, left:]
        dots = text_pixels(text, SCALE)[max(-top, 0) :][: shown.shape[0], : shown.shape[1]]
        shown[: dots.shape[0], : dots.shape[1]][dots] = colour


@dataclass(frozen=True, slots=True)
class Across:
    """Where the bars of a window stand, from left to right."""

    bars: int

    @property
    def step(self) -> float:
        return (WIDTH - LEFT - RIGHT) / self.bars

    @property
    def half(self) -> int:
        """Pixels of a body beside its middle."""
        return max(int(0.35 * self.step), 0)

    def middle(self, place: float) -> int:
        return int(LEFT + (place + 0.5) * self.step)


@dataclass(frozen=True, slots=True)
class Upward:
    """How high a price stands: pixels from the top, between two."""

    low: float
    high: float
    top: int
    bottom: int

    @classmethod
    def over(cls, lows: Floats, highs: Floats, top: int, bottom: int) -> "Upward":
        low, high = float(lows.min()), float(highs.max())
        room = 0.04 * (high - low) if high - low > 1e-9 * high else 0.05 * high or 1.0
        return cls(low - room, high + room, top, bottom)

    def heights(self, prices: Floats) -> list[int]:
        shares = (prices - self.low) / (self.high - self.low)
        found: list[int] = (
            np.rint(self.bottom - shares * (self.bottom - self.top)).astype(int).tolist()
        )
        return found

    def height(self, price: float) -> int:
        return self.heights(np.array([price]))[0]


def _draw_heading(canvas: PixelCanvas, window: Window, dates: npt.NDArray[np.datetime64]) -> None:
    """Which asset, until when, and that it is simulated where it is."""
    words = [clean(window.symbol)[:12].upper()]
    if len(dates):
        words.append(str(dates[-1]).replace("T", " "))
    heading = " ".join(words)
    canvas.write(LEFT, TOP // 2, heading, INK)
    if window.simulated:
        stamp = "SIMULATED"
        canvas.write(WIDTH - LEFT - text_width(stamp, SCALE), TOP // 2, stamp, DOWN)


def _draw_dates(
    canvas: PixelCanvas, across: Across, dates: npt.NDArray[np.datetime64], first: int
) -> None:
    free_from = 0
    for place, label in round_dates(dates).items():
        x, width = across.middle(first + place), text_width(label, SCALE)
        left = min(max(x - width // 2, LEFT), WIDTH - RIGHT - width)
        if left < free_from:
            continue
        canvas.box(x, TOP, x, HEIGHT - BOTTOM - BETWEEN, GRID)
        canvas.write(left, HEIGHT - BOTTOM // 2, label, QUIET)
        free_from = left + width + 3 * SCALE


def _draw_prices(canvas: PixelCanvas, prices: Upward, known: Bars) -> None:
    """Faint lines at round prices, labelled at the right; the last close stands out."""
    edge, last = WIDTH - RIGHT + 4, known.close[-1]
    ticks = round_numbers(prices.low, prices.high)
    for tick in ticks:
        y = prices.height(tick)
        canvas.box(LEFT, y, WIDTH - RIGHT, y, GRID)
        if abs(y - prices.height(last)) > LETTERS + SCALE:
            canvas.write(edge + SCALE, y, _label(tick, tick_label(tick, ticks)), QUIET)
    y, label = prices.height(last), _label(last, number(last))
    reach = LETTERS // 2 + SCALE
    canvas.box(edge - SCALE, y - reach, WIDTH - 1, y + reach - 1, INK)
    canvas.write(edge + SCALE, y, label, PAPER)


def _draw_bars(canvas: PixelCanvas, across: Across, prices: Upward, known: Bars) -> None:
    if not known.have_ranges:
        _draw_line(canvas, across, prices, known)
        return
    half = across.half
    bodies = np.maximum(known.open, known.close), np.minimum(known.open, known.close)
    ends = (prices.heights(each) for each in (*bodies, known.high, known.low))
    for place, top, bottom, high, low, rises in zip(known.places, *ends, known.rises, strict=True):
        x, colour = across.middle(place), UP if rises else DOWN
        canvas.box(x, high, x, low, colour)
        canvas.box(x - half, top, x + half, bottom, colour)
        if rises and half > 1 and bottom - top > 2:
            canvas.box(x - half + 1, top + 1, x + half - 1, bottom - 1, PAPER)


def _draw_line(canvas: PixelCanvas, across: Across, prices: Upward, known: Bars) -> None:
    """Closes that have no ranges, joined from one to the next."""
    xs = [across.middle(place) for place in known.places]
    ys = prices.heights(known.close)
    columns = range(xs[0], xs[-1] + 1)
    heights: list[int] = np.rint(np.interp(columns, xs, ys)).astype(int).tolist()
    for x, before, y in zip(columns, heights[:1] + heights, heights, strict=False):
        canvas.box(x, min(before, y), x, max(before, y) + 1, INK)


def _draw_volume(canvas: PixelCanvas, across: Across, known: Bars, top: int, floor: int) -> None:
    most = known.volume.max()
    canvas.box(LEFT, floor, WIDTH - RIGHT, floor, GRID)
    for place, volume in zip(known.places, known.volume, strict=True):
        x, height = across.middle(place), round((floor - top) * volume / most)
        canvas.box(x - across.half, floor - height, x + across.half, floor, BUSY)
    canvas.write(WIDTH - RIGHT + 4 + SCALE, (top + floor) // 2, "VOLUME", QUIET)


def _label(price: float, label: str) -> str:
    """A price with as many digits as have room beside the bars."""
    plain = label.replace("−", "-")
    shorter = (f"{price:.{digits}g}" for digits in (4, 3, 2, 1))
    labels = (plain, plain.replace(",", ""), *shorter)
    fitting = (each for each in labels if text_width(each, SCALE) <= RIGHT - 4 - SCALE)
    return next(fitting, labels[-1])

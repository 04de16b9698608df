"""Distributions that are not listed: what the adjusted close says beyond the rounding of its file.

An adjusted close is the close times a factor that is constant between ex-dates and rises on each
by what was paid. Both columns are rounded, so a day tells the factor only within an interval; a
distribution is where no single factor lies in the intervals of all days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FloatArray

SINGLE_PRECISION = 1e-6
"""Vendors store prices in single precision, and multiply factors of which each is rounded."""
DECIMALS = (2, 3, 4, 5, 6)
"""Places after the point to which files round; prices in cents are those with two."""
ENOUGH = 100
"""Days from which on a file shows by itself how it was rounded."""
NEARLY_ALL = 0.99
"""So many days must fit the rounding that a file seems to have, or it has another."""
ODD_DAYS = 5
"""A factor that returns within so many days was a slip and no distribution."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpliedDividend:
    """A rise of the adjusted close against the close.

    Attributes:
        session: from which it shows, most likely.
        earliest: the first session that may have been the ex-date.
        latest: the last one.
        share: what was paid, as a share of the close before.
    """

    session: int
    earliest: int
    latest: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What the two columns say of each other.

    Attributes:
        distributions: in order.
        odd: sessions whose two closes contradict those around them.
        falls: sessions from which the factor is lower, which no distribution explains.
        factor: adjusted close by close, one number between two distributions, NaN on days of
            which either is missing or odd [T].
        piece: which of these numbers holds; -1 where there is none [T].
    """

    distributions: tuple[ImpliedDividend, ...]
    odd: IntArray
    falls: IntArray
    factor: FloatArray
    piece: IntArray


@dataclass(frozen=True, slots=True)
class _Piece:
    """Days ``start`` to before ``stop`` that share a factor between ``low`` and ``high``."""

    start: int
    stop: int
    low: float
    high: float


def read_adjustment(
    close: FloatArray, adjusted: FloatArray, scale: FloatArray, ratios: FloatArray
) -> Adjustment:
    """What the adjusted close says of distributions.

    Args:
        close: as the file has it, NaN where missing [T].
        adjusted: likewise [T].
        scale: what leads a close to the shares that the adjusted close counts in [T].
        ratios: new shares for one old one, else 1; files are rounded separately between them [T].
    """
    days = np.flatnonzero(np.isfinite(close) & np.isfinite(adjusted))
    factor = adjusted[days] / (close[days] * scale[days])
    noise = rounding_noise(close[days], adjusted[days], factor, np.cumsum(ratios != 1)[days])
    odd = np.zeros(len(days), dtype=bool)
    while True:
        kept = np.flatnonzero(~odd)
        low, high = (factor * (1 - noise))[kept], (factor * (1 + noise))[kept]
        pieces = _pieces(low, high)
        slips = list(_slips(pieces))
        if not slips:
            break
        for slip in slips:
            odd[kept[slip.start : slip.stop]] = True
    levels = [
        float(np.clip(np.median(factor[kept][piece.start : piece.stop]), piece.low, piece.high))
        for piece in pieces
    ]
    starts = [piece.start for piece in pieces[1:]]
    # Forwards a piece ends as late as it can, backwards as early.
    early = [len(kept) - p.start for p in _pieces(low[::-1], high[::-1])[1:]][::-1]
    step = np.append(0.0, np.diff(factor[kept]))
    found, falls = [], []
    for first, last, (before, after) in zip(early, starts, pairwise(levels), strict=True):
        sign = np.sign(after - before)
        at = first + int((sign * step[first : last + 1]).argmax())
        if sign < 0:
            falls.append(days[kept[at]])
            continue
        if after - before < SINGLE_PRECISION * after:  # the closest that any file tells it
            continue
        found.append(
            ImpliedDividend(
                session=int(days[kept[at]]),
                earliest=int(days[kept[first - 1]] + 1),
                latest=int(days[kept[last]]),
                share=1 - before / after,
            )
        )
    constant, piece_of = np.full(len(close), np.nan), np.full(len(close), -1)
    for number, (piece, level) in enumerate(zip(pieces, levels, strict=True)):
        constant[days[kept[piece.start : piece.stop]]] = level
        piece_of[days[kept[piece.start : piece.stop]]] = number
    return Adjustment(
        distributions=tuple(found),
        odd=days[odd],
        falls=np.array(falls, dtype=np.int64),
        factor=constant,
        piece=piece_of,
    )


def rounding_noise(
    close: FloatArray, adjusted: FloatArray, factor: FloatArray, stretch: IntArray
) -> FloatArray:
    """By what share of it the factor of each day may be wrong [N].

    Args:
        close: as the file has it [N].
        adjusted: likewise [N].
        factor: the one by the other, in the same shares [N].
        stretch: numbers of the stretches between splits: each has a rounding of its own [N].
    """
    noise = np.zeros(len(close))
    for number in np.unique(stretch):
        inside = stretch == number
        alone = SINGLE_PRECISION + _half_unit(adjusted[inside]) / adjusted[inside]
        both = alone + _half_unit(close[inside]) / close[inside]
        # A factor never falls but by rounding: closes are exact where that of the other column
        # explains every day, dividends apart.
        if len(alone) > ENOUGH and not _falls(factor[inside], alone):
            noise[inside] = alone
        else:
            noise[inside] = both * _widened(factor[inside], both)
    return noise


def _falls(factor: FloatArray, noise: FloatArray) -> bool:
    pieces = _pieces(factor * (1 - noise), factor * (1 + noise))
    return any(after.high < before.low for before, after in pairwise(pieces))


def _widened(factor: FloatArray, noise: FloatArray) -> float:
    """By what to multiply the noise so that it explains nearly all falls from a day to the next."""
    if len(factor) < 2:
        return 1.0
    fall = 1 - factor[1:] / factor[:-1]
    beyond = float(np.quantile(fall / (noise[1:] + noise[:-1]), NEARLY_ALL, method="lower"))
    return 1.5 * beyond if beyond > 1 else 1.0


def _half_unit(prices: FloatArray) -> float:
    """Half of the unit that all these prices are whole numbers of; 0 where there is none."""
    for decimals in DECIMALS:
        units = prices * 10.0**decimals
        slack = np.maximum(1e-6, units * 1.2e-7)
        # Where single precision has no such places it may be this unit or a finer one.
        if (slack > 0.1).any() or (np.abs(units - np.round(units)) <= slack).all():
            return 0.5 * 10.0**-decimals
    return 0.0


def _pieces(low: FloatArray, high: FloatArray) -> list[_Piece]:
    """The fewest runs of days that can each share one factor, each as long as it can be."""
    pieces: list[_Piece] = []
    start, least, most = 0, -np.inf, np.inf
    for day, (lower, upper) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if lower > most or upper < least:
            pieces.append(_Piece(start, day, least, most))
            start, least, most = day, lower, upper
        else:
            least, most = max(least, lower), min(most, upper)
    return [*pieces, _Piece(start, len(low), least, most)] if len(low) else []


def _slips(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Short pieces between two that agree."""
    taken = False
    for before, piece, after in zip(pieces, pieces[1:], pieces[2:], strict=False):
        agree = max(before.low, after.low) <= min(before.high, after.high)
        if agree and piece.stop - piece.start <= ODD_DAYS and not taken:
            yield piece
            taken = True
        else:
            taken = False

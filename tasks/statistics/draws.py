"""Units drawn again in circular blocks, the same for all agents, and how long blocks are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import varies
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.scores import DrawnUnit

IntArray = npt.NDArray[np.int64]

FEWEST_BLOCKS = 6
"""Fewer have no variance that could be relied on."""
FEWEST_DRAWN = 20
"""Of fewer markets than these, draws of them repeat each other."""
AT_ONCE = 50_000
"""Counts that are held at a time: few enough for a processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLength:
    """How long blocks are.

    Attributes:
        days: length; 1 where markets are drawn.
        rule: where it comes from, in words.
    """

    days: int
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """Which units are drawn, how often, in blocks of which length.

    Attributes:
        units: how many there are, U.
        unit: what they are.
        groups: of units whose scores add up to 0 each, such as tasks.
        block: length of a block.
        draws: how often they are drawn.
        seed: of the draws; with the length of blocks it fixes them.
    """

    units: int
    unit: DrawnUnit = "day"
    groups: int = 1
    block: int = 1
    draws: int
    seed: int

    @property
    def blocks(self) -> int:
        """In a draw."""
        return self.units // self.block

    @property
    def drawn(self) -> int:
        """Units in a draw."""
        return self.blocks * self.block

    def counts(self) -> Iterator[FloatArray]:
        """How often blocks begin with each unit [draws, U], a part of the draws at a time."""
        rng = np.random.default_rng([self.seed, self.block])
        at_once = max(1, AT_ONCE // self.units)
        for begun in range(0, self.draws, at_once):
            number = min(at_once, self.draws - begun)
            starts = rng.integers(self.units, size=(number, self.blocks))
            flat = (starts + self.units * np.arange(number)[:, None]).ravel()
            counted = np.bincount(flat, minlength=number * self.units)
            yield counted.reshape(number, self.units).astype(np.float64)

    @property
    def is_normal(self) -> bool:
        """Whether units are few, and their values are drawn from a normal law instead.

        A Sharpe ratio of a whole market is nearly normal, and so few of them know of no other law.
        """
        return self.unit == "market" and self.independent < FEWEST_DRAWN

    @property
    def independent(self) -> int:
        """As many units of one group would know as much of their variance."""
        return self.units - self.groups + 1

    def normal(self, rows: int) -> Iterator[FloatArray]:
        """Normal numbers [draws, U, independent units], a part of the draws at a time.

        Args:
            rows: how many rows of U numbers are made of each draw.
        """
        rng = np.random.default_rng([self.seed, self.block])
        at_once = max(1, 20 * AT_ONCE // (max(1, rows) * self.units))
        for begun in range(0, self.draws, at_once):
            number = min(at_once, self.draws - begun)
            yield rng.standard_normal((number, self.units, self.independent))

    def sums(self, scores: FloatArray) -> FloatArray:
        """Scores [F, U] added up over the circular block that begins with each unit [F, U]."""
        around = np.concatenate([scores, scores[:, : self.block - 1]], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(around, self.block, axis=1)
        return np.asarray(windows.sum(axis=-1), dtype=np.float64)


def each_by_itself(counts: FloatArray, rows: FloatArray) -> FloatArray:
    """The product of counts [draws, U] and each of some rows [H, U], to the bit whatever H is.

    In the product of two matrices the order of a sum, and so its last digit, hangs on their sizes,
    and on the processor.
    """
    found = np.empty((len(counts), len(rows)))
    for number, row in enumerate(rows):
        found[:, number] = counts @ row
    return found


def block_length(runs: FloatArray) -> BlockLength:
    """Length for runs [R, T]: the mean of theirs, rounded; 1 where none varies."""
    lengths = [politis_white(run) for run in runs if varies(run)]
    known = [length for length in lengths if np.isfinite(length)] or [1.0]
    longest = max(1, runs.shape[-1] // FEWEST_BLOCKS)
    return BlockLength(
        days=min(max(1, round(float(np.mean(known)))), longest), rule="Politis–White"
    )


def politis_white(returns: FloatArray) -> float:
    """Length that suits a stationary bootstrap of returns [T], which vary; NaN if none is found.

    Politis and White (2004), as corrected by Patton, Politis and White (2009). ``arch`` finds the
    same; it is not asked, since to import it takes longer than a whole table.
    """
    days = len(returns)
    centred = returns - returns.mean()
    run = max(5, int(np.log10(days)))
    longest = int(np.ceil(np.sqrt(days))) + run
    covariances = np.correlate(centred, centred, "full")[days - 1 : days + longest] / days
    # Autocorrelations [lag], each by the squares of the days that have a partner and one more.
    squares = np.cumsum(centred**2)
    lags = np.arange(longest + 1)
    scale = np.sqrt(squares[days - 2 - lags] * (squares[-1] - squares[lags]))
    # A return that stands alone among equal ones has 0/0.
    with np.errstate(divide="ignore", invalid="ignore"):
        small = np.abs(covariances) * days / scale < 2.0 * np.sqrt(np.log10(days) / days)
    runs = np.lib.stride_tricks.sliding_window_view(small[:-1], run).all(axis=1)
    band = min(2 * max(int(runs.argmax()), 1), longest) if runs.any() else longest
    lags = np.arange(1, band + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / band)) * covariances[1 : band + 1]
    spread = covariances[0] + 2.0 * weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        best = ((2.0 * lags @ weights) ** 2 / spread**2 * days) ** (1.0 / 3.0)
    return float(np.minimum(best, np.ceil(min(3.0 * np.sqrt(days), days / 3.0))))

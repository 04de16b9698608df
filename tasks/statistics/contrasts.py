"""Figures beside 0 or beside one another, and how far draws lie from them.

A figure is divided by its HAC standard error, and in each draw by that of the draw's own blocks
(Götze and Künsch 1996), so that intervals hold with few days and with dependent ones. Days are
drawn for scores averaged over repeats; what repeats differ in for good is a normal term beside
them, of a variance that so many repeats know only so well. Repeats are never drawn: that would
count the noise of their days again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Self

import numpy as np

from investorbench.tasks.statistics.draws import IntArray, Resampling, each_by_itself
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.scores import MeanFigure, stacked, variance_of_mean

NO_SPREAD = 1e-12
"""Scores below it are rounding; so is a variance that is such a share of what is usual."""
MOST_WITHOUT = 0.005
"""Of all draws, those that may hold equal blocks alone: beyond, they decide what is largest."""
NO_DIFFERENCE = "there is no difference from day to day"
TOO_FEW_COUNT = "too few returns differ from all others: too many draws hold none of them"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrasts:
    """Figures, or differences of two of them, over the same units; each can be drawn.

    Attributes:
        values: of each [H].
        scores: what each unit adds to it [H, U].
        variances: of each value over other units like these [H].
        between: variance besides, because repeats differ for good [H].
        noise: normal terms of that variance in each draw, of figures and of none [draws, F + 1].
        spread: that variance as each draw would estimate it from its repeats [draws, F + 1].
        pairs: which column of them is added, and which is taken off [2, H].
        resampling: how units are drawn.
    """

    values: FloatArray
    scores: FloatArray
    variances: FloatArray
    between: FloatArray
    noise: FloatArray
    spread: FloatArray
    pairs: IntArray
    resampling: Resampling

    @classmethod
    def of(
        cls,
        figures: Sequence[MeanFigure],
        resampling: Resampling,
        pairs: Sequence[tuple[int, int]] | None = None,
    ) -> Self:
        """The figures, or of each pair the first less the second."""
        none = MeanFigure(value=0.0, scores=np.zeros(resampling.units))
        values, scores, between = stacked([*figures, none])
        if pairs is None:
            pairs = [(at, len(figures)) for at in range(len(figures))]
        one, other = sides = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        scores = scores[one] - scores[other]
        noise, spread = _noise([*figures, none], resampling)
        return cls(
            values=values[one] - values[other],
            scores=scores,
            variances=variance_of_mean(scores, resampling.unit),
            between=between[one] + between[other],
            noise=noise,
            spread=spread,
            pairs=sides,
            resampling=resampling,
        )

    def only(self, which: Sequence[int]) -> Self:
        """These of them."""
        at = list(which)
        return replace(
            self,
            values=self.values[at],
            scores=self.scores[at],
            variances=self.variances[at],
            between=self.between[at],
            pairs=self.pairs[:, at],
        )

    @property
    def errors(self) -> FloatArray:
        """Standard error of each value [H]."""
        return np.sqrt(self.variances + self.between)

    def drawn(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """How far draws lie from the values, and the standard error of each [draws, H], in parts.

        An error is 0 where a draw holds equal blocks alone.
        """
        begun = 0
        for means, variances in self._normal() if self.resampling.is_normal else self._blocks():
            part = slice(begun, begun + len(means))
            begun += len(means)
            terms, spread = self.noise[part], self.spread[part]
            one, other = self.pairs
            apart = means + terms[:, one] - terms[:, other]
            yield apart, np.sqrt(variances + spread[:, one] + spread[:, other])

    def _blocks(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Means of drawn blocks, and the variance of each [draws, H]."""
        resampling = self.resampling
        sums = resampling.sums(self.scores)
        squares = sums**2
        rounding = NO_SPREAD * squares.mean(axis=-1) / resampling.block
        for counts in resampling.counts():
            means = each_by_itself(counts, sums) / resampling.drawn
            spread = each_by_itself(counts, squares) / resampling.drawn
            spread -= resampling.block * means**2
            spread[spread <= rounding] = 0.0
            yield means, spread / resampling.drawn

    def _normal(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """The same of as many values from a normal law that has the covariances of these."""
        units = self.resampling.units
        scores = self.scores / np.sqrt(units - 1)
        for mixed in self.resampling.normal(len(scores)):
            values = np.empty((len(mixed), len(scores), mixed.shape[-1]))
            for number, row in enumerate(scores):  # each by itself, as in the other way
                values[:, number] = row @ mixed
            means = values.mean(axis=-1) * np.sqrt(values.shape[-1] / units)
            yield means, values.var(axis=-1, ddof=1) / units

    def reasons(self) -> list[str | None]:
        """Why a contrast cannot be tested; None where it can."""
        sums = self.resampling.sums(self.scores)
        return [
            None if between > 0.0 else self._why_not(row, added)
            for row, added, between in zip(self.scores, sums, self.between, strict=True)
        ]

    def _why_not(self, scores: FloatArray, sums: FloatArray) -> str | None:
        scale = float(np.abs(scores).max())
        if scale <= NO_SPREAD:
            return NO_DIFFERENCE
        if self.resampling.is_normal:
            return None
        commonest = int(np.unique(np.round(sums / scale, 9), return_counts=True)[1].max())
        without = (commonest / len(sums)) ** self.resampling.blocks
        return TOO_FEW_COUNT if without > MOST_WITHOUT else None


def in_errors(apart: FloatArray, errors: FloatArray) -> FloatArray:
    """Draws in their own standard errors; infinite, which counts against a figure, without one."""
    return np.divide(apart, errors, out=np.copysign(np.inf, apart), where=errors > 0.0)


def _noise(figures: Sequence[MeanFigure], resampling: Resampling) -> tuple[FloatArray, FloatArray]:
    """Normal terms, and their variance as each draw would estimate it [draws, F].

    The variance between two repeats is known as badly as that of any two numbers: without its
    spread, the interval of two that differ for good would be a sixth of Student's (1908). A
    figure's own terms do not depend on which others there are.
    """
    noise = np.zeros((resampling.draws, len(figures)))
    spread = np.zeros_like(noise)
    for column, figure in enumerate(figures):
        if figure.between > 0.0:
            digest = sha256(figure.scores.tobytes()).digest()
            rng = np.random.default_rng([resampling.seed, int.from_bytes(digest[:8], "little")])
            noise[:, column] = np.sqrt(figure.between) * rng.standard_normal(resampling.draws)
            spread[:, column] = figure.between
            if math.isfinite(figure.freedom):
                spread[:, column] *= rng.chisquare(figure.freedom, resampling.draws)
                spread[:, column] /= figure.freedom
    return noise, spread

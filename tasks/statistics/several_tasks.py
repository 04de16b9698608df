"""Agents over several tasks: dates of a common calendar, or markets of all tasks, are drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from investorbench.tasks.statistics.draws import BlockLength, Resampling
from investorbench.tasks.statistics.estimate import CONSTANT, FloatArray, ReturnsError
from investorbench.tasks.statistics.lineup import Beside, Lineup, Own
from investorbench.tasks.statistics.one_task import OneTask
from investorbench.tasks.statistics.scores import MeanFigure, freedom_of_sum, variance_of_mean

ONE_MARKET = "one market of a task says nothing of others: two of each task are needed"


class SeveralTasks(Lineup):
    """Agents over several tasks; each figure is the mean over these.

    A task counts those of the drawn dates that it has, as often as they were drawn. That keeps
    together what happened to all assets on one day.

    Args:
        tasks: with the same agents and benchmark, all with the same unit.
        dates: days of each task [T]; not looked at where markets are drawn.
    """

    def __init__(
        self, tasks: Sequence[OneTask], dates: Sequence[npt.NDArray[np.datetime64]]
    ) -> None:
        if len({task.unit for task in tasks}) != 1:
            raise ReturnsError("days of some tasks cannot be drawn with markets of others")
        self.tasks = tasks
        first = tasks[0]
        self.names, self.benchmark, self.unit = first.names, first.benchmark, first.unit
        self.convention = first.convention
        if self.unit == "day":
            calendar = np.unique(np.concatenate(list(dates)))
            self._places = [np.searchsorted(calendar, own) for own in dates]
            self.units = self.days = len(calendar)
        else:
            ends = np.cumsum([task.units for task in tasks])
            self._places = np.split(np.arange(ends[-1]), ends[:-1])
            self.units, self.days = int(ends[-1]), sum(task.days for task in tasks)
        self.twins = frozenset.intersection(*(task.twins for task in tasks))
        found = {name: self._why_not(name) for name in self.names}
        self.reasons = {name: reason for name, reason in found.items() if reason}

    def key(self, name: str) -> FloatArray:
        return np.concatenate([task.key(name) for task in self.tasks])

    def repeats(self, name: str) -> int:
        return min(task.repeats(name) for task in self.tasks)

    def idle(self, name: str) -> int:
        return sum(task.idle(name) for task in self.tasks)

    def is_idle(self, name: str) -> bool:
        return all(task.is_idle(name) for task in self.tasks)

    def compounds(self, name: str) -> bool:
        return all(task.compounds(name) for task in self.tasks)

    def own_block(self, name: str) -> BlockLength:
        lengths = [task.own_block(name) for task in self.tasks]
        mean = float(np.mean([each.days for each in lengths]))
        return BlockLength(days=max(1, round(mean)), rule=f"{lengths[0].rule}, mean over tasks")

    def value(self, name: str, kind: Own) -> float:
        return float(np.mean([task.value(name, kind) for task in self.tasks]))

    def own(self, name: str, kind: Own) -> MeanFigure:
        return self._mean(lambda task: task.own(name, kind))

    def beside(self, name: str, kind: Beside) -> MeanFigure:
        return self._mean(lambda task: task.beside(name, kind))

    def variance_without_skill(self, name: str) -> float:
        return float(variance_of_mean(self.own(name, "sharpe").scores, self.unit))

    @property
    def too_few_markets(self) -> str | None:
        alone = self.unit == "market" and any(task.units == 1 for task in self.tasks)
        return ONE_MARKET if alone else super().too_few_markets

    def resampling(self, block: int, draws: int, seed: int) -> Resampling:
        groups = len(self.tasks) if self.unit == "market" else 1
        return replace(super().resampling(block, draws, seed), groups=groups)

    def _mean(self, of: Callable[[OneTask], MeanFigure]) -> MeanFigure:
        figures, scores = [of(task) for task in self.tasks], np.zeros(self.units)
        for figure, places in zip(figures, self._places, strict=True):
            # The mean over all units is that over the task's own.
            share = self.units / len(places) / len(figures)
            scores[places] += figure.scores * share * self._widening(len(places))
        return MeanFigure(
            value=float(np.mean([figure.value for figure in figures])),
            scores=scores,
            between=sum(figure.between for figure in figures) / len(figures) ** 2,
            freedom=freedom_of_sum(figures),
        )

    def _widening(self, markets: int) -> float:
        """What makes scores of markets, less the mean of their own task, as wide as those of one.

        Each task takes a degree of freedom, of its own markets and not of all together.
        """
        if self.unit == "day" or markets == 1:
            return 1.0
        return math.sqrt(markets / (markets - 1.0) * (self.units - 1.0) / self.units)

    def _why_not(self, name: str) -> str | None:
        found = [task.defects[name] for task in self.tasks]
        grave = [reason for reason in found if reason and reason != CONSTANT]
        if grave or all(found):
            return (grave or found)[0]
        return self.too_few_markets

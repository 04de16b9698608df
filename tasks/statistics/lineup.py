"""Which agents can be compared, over which units, and who is whose copy."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from investorbench.tasks.statistics.alpha import SAME
from investorbench.tasks.statistics.draws import BlockLength, Resampling
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.scores import DrawnUnit, MeanFigure
from investorbench_env.protocols import Convention

Own = Literal["sharpe", "growth"]
Beside = Literal["alpha", "beta", "correlation", "appraisal", "excess", "information_ratio"]
NO_BENCHMARK = "there is no benchmark among the agents"
IS_BENCHMARK = "this is the benchmark"
FEWEST_MARKETS = 4


class Lineup(ABC):
    """Agents as statistics see them, on one task or on several.

    Attributes:
        names: of all agents, in the order given.
        benchmark: its name; None without one.
        twins: agents that decide as the benchmark does.
        reasons: why an agent cannot be tested; without those that can.
        unit: what is drawn.
        units: how many there are to draw.
        days: steps; over several markets, all together.
        convention: how returns add up.
    """

    names: Sequence[str]
    benchmark: str | None
    twins: frozenset[str]
    reasons: Mapping[str, str]
    unit: DrawnUnit
    units: int
    days: int
    convention: Convention

    @abstractmethod
    def key(self, name: str) -> FloatArray:
        """All returns, which two agents have in common if they are the same."""

    @abstractmethod
    def repeats(self, name: str) -> int:
        """How many runs figures are means of; of several tasks the fewest."""

    @abstractmethod
    def idle(self, name: str) -> int:
        """How many runs never invested."""

    @abstractmethod
    def is_idle(self, name: str) -> bool:
        """Whether no run ever invested."""

    @abstractmethod
    def compounds(self, name: str) -> bool:
        """Whether no return of an agent is a ruin."""

    @abstractmethod
    def own_block(self, name: str) -> BlockLength:
        """That which suits an agent's own returns."""

    @abstractmethod
    def value(self, name: str, kind: Own) -> float:
        """A figure without its scores, which a ruined account has as well."""

    @abstractmethod
    def own(self, name: str, kind: Own) -> MeanFigure:
        """A figure of an agent alone."""

    @abstractmethod
    def beside(self, name: str, kind: Beside) -> MeanFigure:
        """A figure that the benchmark's returns decide as well."""

    @abstractmethod
    def variance_without_skill(self, name: str) -> float:
        """Of a Sharpe ratio over other days or markets, if its true value is 0."""

    def lone_run(self, name: str) -> tuple[FloatArray, float] | None:
        """Returns beyond cash [T] of an agent with a single run, and what scales its ratio."""
        return None

    @cached_property
    def copies(self) -> Mapping[str, str]:
        """Of each agent, one that stands for all that are the same but for rounding."""
        found: dict[str, str] = {}
        firsts: list[str] = []
        for name in sorted(self.names, key=lambda name: (name != self.benchmark, name)):
            own = self.key(name)
            alike = (first for first in firsts if _is_same(own, self.key(first)))
            found[name] = next(alike, name)
            if found[name] == name:
                firsts.append(name)
        return found

    @cached_property
    def same_as(self) -> Mapping[str, str]:
        """Of each agent that can be tested, one that stands for all that are the same.

        It is the benchmark for its twins.
        """
        usable = [name for name in self.names if name not in self.reasons]
        held = self.benchmark if self.benchmark in usable else None
        return {name: held if held and name in self.twins else self.copies[name] for name in usable}

    @cached_property
    def distinct(self) -> list[str]:
        """Those that stand for others, in an order of their own.

        It is that of their returns, so that neither names nor the order given change a digit.
        """
        return sorted(set(self.same_as.values()), key=lambda name: self.key(name).tobytes())

    @property
    def block(self) -> BlockLength:
        """That of the benchmark, so that no entry changes how others are tested."""
        if self.benchmark in self.same_as:
            assert self.benchmark is not None
            return self.own_block(self.benchmark)
        lengths = [self.own_block(name) for name in self.distinct]
        mean = float(np.mean([each.days for each in lengths])) if lengths else 1.0
        rule = lengths[0].rule if lengths else "none were drawn"
        return BlockLength(days=max(1, round(mean)), rule=rule)

    @property
    def too_few_markets(self) -> str | None:
        """Why nothing can be drawn, where markets are; None if it can."""
        if self.unit == "day" or self.units >= FEWEST_MARKETS:
            return None
        return f"{self.units} markets, at least {FEWEST_MARKETS} are needed"

    def resampling(self, block: int, draws: int, seed: int) -> Resampling:
        """Draws of the units in blocks of that length."""
        return Resampling(units=self.units, unit=self.unit, block=block, draws=draws, seed=seed)

    def without_benchmark(self, name: str) -> str | None:
        """Why an agent cannot be regressed on the benchmark; None if it can."""
        if name in self.reasons:
            return self.reasons[name]
        if self.benchmark is None:
            return NO_BENCHMARK
        if name == self.benchmark:
            return IS_BENCHMARK
        held = self.reasons.get(self.benchmark)
        return held and f"{self.benchmark}: {held}"


def _is_same(one: FloatArray, other: FloatArray) -> bool:
    return one.shape == other.shape and bool(np.all(np.abs(one - other) <= SAME))

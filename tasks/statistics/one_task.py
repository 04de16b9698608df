"""Agents on one task: on the same days, or in the same markets."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from investorbench.tasks.days import varies
from investorbench.tasks.statistics.alpha import SAME, is_twin
from investorbench.tasks.statistics.draws import BlockLength, block_length
from investorbench.tasks.statistics.estimate import (
    CONSTANT,
    FEWEST_DAYS,
    FloatArray,
    ReturnsError,
    require_same_days,
)
from investorbench.tasks.statistics.lineup import Beside, Lineup, Own
from investorbench.tasks.statistics.scores import (
    DrawnUnit,
    MeanFigure,
    over_markets,
    over_repeats,
)
from investorbench.tasks.statistics.track_record import (
    variance_over_markets,
    variance_without_skill,
)
from investorbench.tasks.statistics.yearly import Yearly
from investorbench_env.errors import UnknownNameError

Runs = Sequence[FloatArray] | FloatArray
"""Returns of an agent's repeats on the same days [R, T], or one [T_m] in each market."""


class OneTask(Lineup):
    """Agents on one task.

    Attributes:
        defects: why an agent cannot be tested, however many markets there are; None if it can.

    Args:
        runs: of each agent by name; where markets are drawn, in the order of these.
        benchmark: its name among them; None without one.
        unit: what is drawn.
        yearly: how figures of a table are made.
        days_of_markets: where each return of a run is that of a whole market, how many days these
            have; else None. Such returns follow from nothing in one another, their mean is the
            cumulative return, and an account that is never invested has a ratio of 0.

    Raises:
        UnknownNameError: the benchmark is not among the runs.
        ReturnsError: not the same days or markets for all.
    """

    def __init__(
        self,
        runs: Mapping[str, Runs],
        benchmark: str | None,
        unit: DrawnUnit,
        yearly: Yearly,
        days_of_markets: int | None = None,
    ) -> None:
        if benchmark is not None and benchmark not in runs:
            raise UnknownNameError("benchmark", benchmark, runs)
        _require_shapes(runs, unit)
        self.names, self.benchmark, self.unit, self.yearly = list(runs), benchmark, unit, yearly
        self.convention, self.of_markets = yearly.convention, days_of_markets is not None
        self.runs = {name: _ordered(own, unit) for name, own in runs.items()}
        lengths = [len(run) for run in next(iter(self.runs.values()), ())]
        self.units = len(lengths) if unit == "market" else lengths[0] if lengths else 0
        self.days = days_of_markets or (sum(lengths) if unit == "market" else self.units)
        self.defects = {name: _why_not(own, self.of_markets) for name, own in self.runs.items()}
        found = {name: why or self.too_few_markets for name, why in self.defects.items()}
        self.reasons = {name: reason for name, reason in found.items() if reason}
        self.twins = frozenset(name for name in self.names if self._is_twin(name))

    def key(self, name: str) -> FloatArray:
        return self._keys[name]

    def repeats(self, name: str) -> int:
        return len(self.runs[name])

    def idle(self, name: str) -> int:
        return sum(not bool(varies(run)) for run in self.runs[name])

    def is_idle(self, name: str) -> bool:
        return self.idle(name) == len(self.runs[name])

    def compounds(self, name: str) -> bool:
        return self.of_markets or all(map(self.yearly.compounds, self.runs[name]))

    def own_block(self, name: str) -> BlockLength:
        if self.unit == "market" or self.of_markets:
            return BlockLength(days=1, rule="whole markets")
        return block_length(np.array(self.runs[name]))

    def value(self, name: str, kind: Own) -> float:
        if self.of_markets and kind == "growth":
            return float(np.mean(self.runs[name]))
        of_runs = self.yearly.total if kind == "growth" else self._sharpes
        return float(np.mean([of_runs(run[None])[0] for run in self.runs[name]]))

    def own(self, name: str, kind: Own) -> MeanFigure:
        if self.of_markets and kind == "growth":
            return over_markets(np.concatenate(self.runs[name]))
        scored = self.yearly.growth if kind == "growth" else self.yearly.sharpe
        if self.unit == "day":
            return over_repeats(scored(np.array(self.runs[name])))
        return over_markets(np.array([scored(run[None]).values[0] for run in self.runs[name]]))

    def beside(self, name: str, kind: Beside) -> MeanFigure:
        scored = getattr(self.yearly, kind)
        found = [scored(*both) for both in self._beside_benchmark(name)]
        if self.unit == "day":
            return over_repeats(found[0])
        return over_markets(np.array([each.values[0] for each in found]))

    def variance_without_skill(self, name: str) -> float:
        if self.unit == "market":
            return variance_over_markets(self.own(name, "sharpe"))
        scale = self.yearly.root(self.units)
        return variance_without_skill(self.yearly.sharpe(np.array(self.runs[name])), scale)

    def lone_run(self, name: str) -> tuple[FloatArray, float] | None:
        own = self.runs[name]
        if len(own) > 1:
            return None
        return self.yearly.beyond_cash(own[0]), self.yearly.root(self.units)

    @property
    def in_a_row(self) -> dict[str, FloatArray]:
        """Returns beyond cash of repeats [R, T], of markets one after another [1, T], by agent."""
        found = {}
        for name, own in self.runs.items():
            runs = [self.yearly.beyond_cash(run) for run in own]
            found[name] = np.array(runs) if self.unit == "day" else np.concatenate(runs)[None]
        return found

    @cached_property
    def _keys(self) -> dict[str, FloatArray]:
        return {name: _key(own) for name, own in self.runs.items()}

    def _sharpes(self, returns: FloatArray) -> FloatArray:
        return self.yearly.sharpe(returns).values

    def _is_twin(self, name: str) -> bool:
        if self.benchmark is None or name == self.benchmark:
            return False
        return all(is_twin(*both) for both in self._beside_benchmark(name))

    def _beside_benchmark(self, name: str) -> list[tuple[FloatArray, FloatArray]]:
        """Runs [R, T] with the benchmark's [1, T]; a pair a market where these are drawn."""
        assert self.benchmark is not None
        own, benchmark = self.runs[name], self.runs[self.benchmark]
        if self.unit == "day":
            return [(np.array(own), benchmark[0][None])]
        return [(one[None], other[None]) for one, other in zip(own, benchmark, strict=True)]


def _require_shapes(runs: Mapping[str, Runs], unit: DrawnUnit) -> None:
    shapes = {name: [np.shape(run) for run in own] for name, own in runs.items()}
    if any(not own or any(len(s) != 1 or not s[0] for s in own) for own in shapes.values()):
        listed = ", ".join(f"{name} {own}" for name, own in shapes.items())
        raise ReturnsError(f"returns must be [repeats, days], at least one of each: {listed}")
    if unit == "day":
        require_same_days(*(np.asarray(run) for own in runs.values() for run in own))
    elif len({tuple(own) for own in shapes.values()}) > 1:
        raise ReturnsError("agents met different markets: give those that all of them met")


def _why_not(own: Runs, of_markets: bool) -> str | None:
    """Why an agent cannot be tested, whatever is drawn; None if it can."""
    if not all(np.isfinite(run).all() for run in own):
        return "a return is missing or not finite"
    if (days := min(map(len, own))) < FEWEST_DAYS:
        return f"{days} returns, at least {FEWEST_DAYS} are needed"
    is_idle = of_markets and not np.any(own)  # of which 0 is certain
    return None if is_idle or any(bool(varies(run)) for run in own) else CONSTANT


def _ordered(own: Runs, unit: DrawnUnit) -> list[FloatArray]:
    """Repeats in an order that neither that given nor rounding decides; markets as they are.

    It is that of a sum in which no two days weigh the same: what is near in it is nearly the same.
    """
    runs = [np.asarray(run, dtype=np.float64) for run in own]
    if unit == "market":
        return runs
    with np.errstate(invalid="ignore"):  # a return may be infinite
        return sorted(runs, key=lambda run: float(run @ np.cos(np.arange(len(run)))))


def _key(own: Runs) -> FloatArray:
    """All returns; of repeats that are all the same, those of one."""
    first, *others = own
    alike = all(len(run) == len(first) and np.all(np.abs(run - first) <= SAME) for run in others)
    return np.asarray(first) if alike else np.concatenate(list(own))

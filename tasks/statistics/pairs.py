"""Every two agents, and every agent beside the benchmark: two families of hypotheses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from investorbench.tasks.statistics.comparison import FamilyName, Tested
from investorbench.tasks.statistics.contrasts import NO_DIFFERENCE, Contrasts
from investorbench.tasks.statistics.distinguishing import days_to_distinguish, selection_bias
from investorbench.tasks.statistics.draws import Resampling
from investorbench.tasks.statistics.estimate import IDENTICAL, ONE_RATIO, Estimate
from investorbench.tasks.statistics.families import Hypothesis, step_down
from investorbench.tasks.statistics.jobson_korkie import jobson_korkie
from investorbench.tasks.statistics.lineup import Lineup
from investorbench.tasks.statistics.scores import MeanFigure

IS_TWIN = "it decides as the benchmark does"
SEVERAL_RUNS = "it is of one run each"
OF_RATIOS = "it is of two Sharpe ratios"
BY_CHANCE = "choosing the largest of so many adds as much"


@dataclass(frozen=True, kw_only=True, eq=False)
class Families:
    """The tests of a table. Agents that are the same count once.

    Attributes:
        lineup: the agents.
        resampling: how days or markets are drawn, the same for all.
    """

    lineup: Lineup
    resampling: Resampling

    @cached_property
    def sharpes(self) -> dict[str, MeanFigure]:
        """Sharpe ratio of each distinct agent."""
        return {name: self.lineup.own(name, "sharpe") for name in self.lineup.distinct}

    @cached_property
    def alphas(self) -> dict[str, MeanFigure]:
        """Alpha of each distinct agent that can be regressed on the benchmark."""
        lineup = self.lineup
        names = [name for name in lineup.distinct if lineup.without_benchmark(name) is None]
        return {name: lineup.beside(name, "alpha") for name in names}

    @cached_property
    def against(self) -> dict[str, Tested]:
        """The family of alphas: every agent over the benchmark, by name."""
        lineup, benchmark = self.lineup, self.lineup.benchmark
        if benchmark is None:
            return {}
        family = step_down(list(self.alphas.values()), self.resampling)
        known = dict(zip(self.alphas, family, strict=True))
        found = {}
        for name in lineup.names:
            if name == benchmark:
                continue
            why = lineup.without_benchmark(name)
            names, same = (name, benchmark), lineup.same_as.get(name)
            if why or same == benchmark:
                found[name] = _untested(names, "alpha", why or IS_TWIN)
            else:
                assert same is not None
                found[name] = self._tested(names, "alpha", known[same])
        return found

    @cached_property
    def pairs(self) -> tuple[Tested, ...]:
        """The family of pairs: Sharpe ratios of every two agents."""
        return tuple(map(self._pair, self._names_of_pairs()))

    @property
    def days_of_best(self) -> Estimate:
        """Days until the largest lead over the benchmark is found, less what picking it adds."""
        names, benchmark = list(self.sharpes), self.lineup.benchmark
        rivals = [name for name in names if name != benchmark]
        if benchmark is None or not rivals or benchmark not in names:
            return Estimate(reason="nothing is compared with a benchmark")
        best = max(rivals, key=lambda name: self.sharpes[name].value)
        lead = self._known[best, benchmark]
        if lead.estimate.value is None or lead.estimate.reason is not None:
            return Estimate(reason=lead.estimate.reason)
        held = [(names.index(name), names.index(benchmark)) for name in rivals]
        leads = Contrasts.of(list(self.sharpes.values()), self.resampling, held)
        left = lead.estimate.value - selection_bias(leads)
        if left <= 0.0:
            return Estimate(reason=BY_CHANCE)
        corrected = replace(lead, estimate=Estimate(value=left))
        return days_to_distinguish(corrected, self.lineup.days)

    @cached_property
    def _of_pairs(self) -> tuple[Hypothesis, ...]:
        two = list(combinations(range(len(self.sharpes)), 2))
        return step_down(list(self.sharpes.values()), self.resampling, two)

    @cached_property
    def _known(self) -> Mapping[tuple[str, str], Hypothesis]:
        """What was found of two distinct agents, in either order."""
        found = {}
        for two, member in zip(combinations(self.sharpes, 2), self._of_pairs, strict=True):
            found[two], found[two[::-1]] = member, _turned(member)
        return found

    def _names_of_pairs(self) -> Iterator[tuple[str, str]]:
        benchmark = self.lineup.benchmark
        others = [name for name in self.lineup.names if name != benchmark]
        if benchmark is not None:
            yield from ((name, benchmark) for name in others)
        yield from combinations(others, 2)

    def _pair(self, names: tuple[str, str]) -> Tested:
        reasons, same_as = self.lineup.reasons, self.lineup.same_as
        if why := reasons.get(names[0]) or reasons.get(names[1]):
            return _untested(names, "pairs", why)
        one, other = same_as[names[0]], same_as[names[1]]
        if one == other:
            twins = self.lineup.twins.intersection(names)
            return _untested(names, "pairs", IS_TWIN if twins else IDENTICAL)
        return self._tested(names, "pairs", self._known[one, other])

    def _tested(self, names: tuple[str, str], name: FamilyName, found: Hypothesis) -> Tested:
        reason = found.estimate.reason
        if reason == NO_DIFFERENCE and name == "pairs":
            return _untested(names, name, ONE_RATIO)
        return Tested(
            names=names,
            family=name,
            difference=found.estimate,
            adjusted_p=found.adjusted_p,
            jobson_korkie=(
                jobson_korkie_of(self.lineup, names)
                if name == "pairs"
                else Estimate(reason=OF_RATIOS)
            ),
            days=days_to_distinguish(found, self.lineup.days),
        )


def jobson_korkie_of(lineup: Lineup, names: tuple[str, str]) -> Estimate:
    """Jobson–Korkie–Memmel of two agents, a year, where each has a single run."""
    one, other = (lineup.lone_run(name) for name in names)
    if one is None or other is None:
        return Estimate(reason=SEVERAL_RUNS)
    (first, scale), (second, _) = one, other
    return jobson_korkie(first, second).times(scale)


def _turned(found: Hypothesis) -> Hypothesis:
    """The second less the first."""
    value, low, high = found.estimate.value, found.estimate.low, found.estimate.high
    turned = replace(
        found.estimate,
        value=None if value is None else -value,
        low=None if high is None else -high,
        high=None if low is None else -low,
    )
    return replace(found, estimate=turned)


def _untested(names: tuple[str, str], family: FamilyName, reason: str) -> Tested:
    none = Estimate(reason=reason)
    return Tested(names=names, family=family, difference=none, jobson_korkie=none, days=none)

"""What is said of one agent: its figures, each with an interval of its own."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from investorbench.tasks.statistics.estimate import CONSTANT, Estimate
from investorbench.tasks.statistics.families import intervals
from investorbench.tasks.statistics.lineup import Beside, Lineup, Own
from investorbench.tasks.statistics.scores import MeanFigure
from investorbench_env.protocols import Convention

RUINED = "the account was ruined: such a return does not compound"
OWN: tuple[Own, ...] = ("sharpe", "growth")
BESIDE: tuple[Beside, ...] = ("beta", "correlation", "appraisal", "excess", "information_ratio")
Key = tuple[str, str | None]
NEARLY_ONE = 1.0 - 1e-9
"""A correlation that has no interval."""


def own_figures(lineup: Lineup, draws: int, seed: int) -> dict[str, dict[str, Estimate]]:
    """Of each agent CR, Sharpe ratio and figures beside the benchmark; or why there are none.

    Blocks are as long as suits an agent's own returns, so that no interval depends on others.

    Args:
        lineup: the agents.
        draws: of the bootstrap.
        seed: of the draws.

    Returns:
        By name, then by figure. One that has no interval has the reason beside it.
    """
    known = {name: _without_interval(lineup, name) for name in lineup.names}
    keys = {name: (lineup.copies[name], lineup.without_benchmark(name)) for name in lineup.names}
    alike: dict[int, dict[Key, Mapping[str, Unbounded]]] = defaultdict(dict)
    for key, name in {key: name for name, key in keys.items()}.items():  # one of those alike
        if figures := _figures(lineup, name):
            alike[lineup.own_block(name).days][key] = figures
    made: dict[Key, dict[str, Estimate]] = {}
    for block, of_keys in alike.items():
        every = [
            (key, kind, each) for key, figures in of_keys.items() for kind, each in figures.items()
        ]
        resampling = lineup.resampling(block, draws, seed)
        found = intervals([each.figure for _, _, each in every], resampling)
        for (key, kind, each), estimate in zip(every, found, strict=True):
            is_idle = kind in OWN and lineup.is_idle(key[0])
            own = replace(estimate, reason=CONSTANT) if is_idle else estimate
            made.setdefault(key, {})[kind] = each.bounded(own)
    return {name: own | made.get(keys[name], {}) for name, own in known.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unbounded:
    """A figure where an interval of it has no bounds, and the way back.

    Attributes:
        value: of the figure as tables have it.
        figure: as its interval is made.
        back: from there.
    """

    value: float
    figure: MeanFigure
    back: Callable[[float], float] = field(default=float)

    @classmethod
    def of(cls, kind: str, figure: MeanFigure, convention: Convention) -> "Unbounded":
        """A return that compounds by its logarithm, a correlation by Fisher's transformation."""
        if kind == "growth" and convention == "simple":
            grown = 1.0 + figure.value
            mapped = figure.mapped(math.log(grown), 1.0 / grown)
            return cls(value=figure.value, figure=mapped, back=math.expm1)
        if kind == "correlation":
            inside = min(max(figure.value, -NEARLY_ONE), NEARLY_ONE)
            mapped = figure.mapped(math.atanh(inside), 1.0 / (1.0 - inside**2))
            return cls(value=figure.value, figure=mapped, back=math.tanh)
        return cls(value=figure.value, figure=figure)

    def bounded(self, found: Estimate) -> Estimate:
        """The interval as tables have it; no hypothesis of one figure alone is tested."""
        low, high = (None if end is None else self.back(end) for end in (found.low, found.high))
        return Estimate(value=self.value, low=low, high=high, reason=found.reason)


def _without_interval(lineup: Lineup, name: str) -> dict[str, Estimate]:
    """What exists of any agent, and why the rest does not."""
    none = Estimate(reason=lineup.without_benchmark(name))
    found: dict[str, Estimate] = dict.fromkeys(BESIDE, none)
    for kind in OWN:
        value = lineup.value(name, kind)
        known = value if math.isfinite(value) else None
        found[kind] = Estimate(value=known, reason=lineup.reasons.get(name))
    if name not in lineup.reasons and not lineup.compounds(name):
        found["growth"] = replace(found["growth"], reason=RUINED)
    return found


def _figures(lineup: Lineup, name: str) -> dict[str, Unbounded]:
    """What of an agent has an interval."""
    figures: dict[str, MeanFigure] = {}
    if name not in lineup.reasons:
        figures["sharpe"] = lineup.own(name, "sharpe")
        if lineup.compounds(name):
            figures["growth"] = lineup.own(name, "growth")
    kinds = BESIDE if lineup.without_benchmark(name) is None else _gains(lineup, name)
    figures |= {kind: lineup.beside(name, kind) for kind in kinds}
    return {kind: Unbounded.of(kind, figure, lineup.convention) for kind, figure in figures.items()}


def _gains(lineup: Lineup, name: str) -> tuple[Beside, ...]:
    """What an agent in cash gave up exists, and so does what a benchmark in cash did."""
    benchmark = lineup.benchmark
    if benchmark in (None, name) or lineup.too_few_markets:
        return ()
    reasons = {lineup.reasons.get(name), lineup.reasons.get(benchmark)}
    return ("excess", "information_ratio") if reasons <= {None, CONSTANT} else ()

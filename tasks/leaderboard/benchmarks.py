"""What agents are compared with, and what readers call it."""

from typing import NamedTuple

from investorbench.agents.allocators import EqualWeight
from investorbench.agents.baselines import BuyAndHold
from investorbench.agents.signal_rules import LongAll
from investorbench_env.facts import Facts


class Benchmark(NamedTuple):
    """An agent that others are compared with.

    Attributes:
        agent: its name in records.
        title: what sentences call it.
        short: the same in the head of a column.
    """

    agent: str
    title: str
    short: str


BENCHMARKS = {
    each.agent: each
    for each in (
        Benchmark(BuyAndHold.name, title="Buy & Hold", short="B&H"),
        Benchmark(EqualWeight.name, title="the equal-weighted universe", short="EW"),
        Benchmark(LongAll.name, title="long in every coin", short="long"),
    )
}


def benchmark_of(facts: Facts) -> Benchmark | None:
    """What agents are compared with, in an environment of these facts; None for nothing.

    One that is not in the table is called by its name.
    """
    name = facts.benchmark
    return None if name is None else BENCHMARKS.get(name) or Benchmark(name, name, name)

"""What agents are compared with, and what readers call it."""

from typing import NamedTuple

from investorbench.agents.baselines import BuyAndHold


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
    each.agent: each for each in (Benchmark(BuyAndHold.name, title="Buy & Hold", short="B&H"),)
}


def benchmark_named(agent: str) -> Benchmark:
    """By the agent's name; one that is not in the table is called by that."""
    return BENCHMARKS.get(agent) or Benchmark(agent, agent, agent)

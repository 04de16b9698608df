"""What the agents of a leaderboard are compared with: the benchmark, and random policies."""

from collections.abc import Sequence

from investorbench.tasks.leaderboard.benchmarks import benchmark_of
from investorbench.tasks.leaderboard.contestants import Contestant
from investorbench.tasks.result import Reference, Result
from investorbench.tasks.running.references import references_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

AGENT, POLICIES = "agent", "policies"
"""Kinds of references."""


def references_for(results: Sequence[Result]) -> tuple[list[Reference], list[str]]:
    """The references of results that share a setting, and what is missing, a line each.

    Results that hold none, as those of records of version 1, have theirs computed where the market
    is at hand and is the one that was recorded.
    """
    facts = results[0].facts
    known_of = [result.references for result in results if result.references is not None]
    recorded = {(each.kind, each.name): each for own in known_of for each in own}
    found, why = list(recorded.values()), "no reference is recorded"
    if not known_of:
        try:
            found = _computed(results[0])
        except InvestorBenchError as error:
            why = str(error).split(";")[0]  # what follows concerns folders of this machine
    missing = [] if any(each.kind == POLICIES for each in found) else ["random policies"]
    benchmark = benchmark_of(facts)
    known = {each.name for each in found} | {result.agent for result in results}
    if benchmark and benchmark.agent not in known:
        missing.insert(0, benchmark.title)
    notes = [f"without {' and '.join(missing)}: {why}"] if missing else []
    if benchmark is None:
        notes.append("nothing is compared with a benchmark, since the task has none")
    return found, notes


def benchmark_among(
    contestants: dict[str, Contestant], references: Sequence[Reference], facts: Facts
) -> str | None:
    """What the table calls the benchmark, which is added where it was not scored as an agent."""
    for name, each in contestants.items():
        if each.agent == facts.benchmark:
            return name
    for reference in references:
        if reference.kind == AGENT and reference.name == facts.benchmark:
            contestants[reference.name] = Contestant.of_reference(reference, facts)
            return reference.name
    return None


def _computed(result: Result) -> list[Reference]:
    task, recorded = result.task, result.facts.fingerprint
    is_same = task.facts("test").fingerprint == recorded
    if not (is_same or task.market().is_the_one_recorded(recorded)):
        raise InvestorBenchError("the market found here is not the one that was recorded")
    return list(references_of(task))

"""What the agents of a leaderboard are compared with: the benchmark, and random policies."""

from collections.abc import Mapping, Sequence

import numpy as np

from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.leaderboard.benchmarks import benchmark_of
from investorbench.tasks.leaderboard.contestants import CommonDays, Contestant
from investorbench.tasks.result import Reference, Result
from investorbench.tasks.running.matched import MATCHED, matched_policies
from investorbench.tasks.running.references import references_of
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

AGENT, POLICIES = "agent", "policies"
"""Kinds of references."""
NO_POLICIES = "its environment knows no such policies"


def references_for(
    results: Sequence[Result], common: CommonDays | str
) -> tuple[list[Reference], list[str]]:
    """The references of results that share a setting, and what is missing, a line each.

    Results that hold none, as those of records of version 1, have theirs computed where the market
    is at hand and is the one that was recorded.

    Args:
        results: of a setting.
        common: the days on which they are compared, or why there are none.
    """
    facts = results[0].facts
    known_of = [result.references for result in results if result.references is not None]
    shared = (each for own in known_of for each in own if each.kind != MATCHED)
    recorded = {(each.kind, each.name, each.market_seed): each for each in shared}
    found, why = list(recorded.values()), "no reference is recorded"
    if not known_of:
        try:
            found = _computed(results)
        except InvestorBenchError as error:
            why = _why(error)
    if facts.draws_markets:
        found = _in_all_markets(found, results, common)
    has_policies = any(each.kind == POLICIES for each in found) or is_of_perpetuals(facts)
    missing = [] if has_policies else ["random policies"]
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
    own = [each for each in references if each.kind == AGENT and each.name == facts.benchmark]
    if not own:
        return None
    contestants[own[0].name] = Contestant.of_references(own, facts)
    return own[0].name


def random_policies(
    references: Sequence[Reference], common: CommonDays | str, facts: Facts
) -> FloatArray | None:
    """Sharpe ratios a year of random policies, means over the markets of a table; None if unknown.

    The same policies act in each market, so that each has a mean, as an agent has.
    """
    known = {each.market_seed: each for each in references if each.kind == POLICIES}
    if not facts.draws_markets:
        return known[None].figures["SR"] if None in known else None
    if isinstance(common, str) or not known.keys() >= set(common.markets):
        return None
    return _means(known, common.markets)


def policies_matched_to(result: Result, common: CommonDays | str) -> FloatArray | str:
    """The same of policies of an agent's own exposure and turnover; if unknown, why.

    Where none are recorded, they are computed if the market is at hand and the one recorded.
    """
    if isinstance(common, str):
        return common
    recorded = result.references
    if recorded is not None and not {each.kind for each in recorded} & {MATCHED, POLICIES}:
        return NO_POLICIES
    needed = common.markets or (None,)
    known = {each.market_seed: each for each in recorded or () if each.kind == MATCHED}
    if not known.keys() >= set(needed):
        try:
            _require_market_of(result)
            found = matched_policies(result.task, result.episodes)
        except InvestorBenchError as error:
            return _why(error)
        known = {each.market_seed: each for each in found}
    return _means(known, needed) if known else NO_POLICIES


def _means(known: Mapping[int | None, Reference], markets: Sequence[int | None]) -> FloatArray:
    """Sharpe ratios a year of policies, means over markets."""
    return np.asarray(np.mean([known[market].figures["SR"] for market in markets], axis=0))


def _why(error: InvestorBenchError) -> str:
    """In words, without what concerns folders of this machine."""
    return str(error).split(";")[0]


def _in_all_markets(
    references: Sequence[Reference], results: Sequence[Result], common: CommonDays | str
) -> list[Reference]:
    """Those that were run in every market that all agents met, and in no other."""
    met = {episode.market_seed for result in results for episode in result.episodes}
    if not isinstance(common, str):
        met = set(common.markets)
    runs: dict[tuple[str, str], set[int | None]] = {}
    for each in references:
        runs.setdefault((each.kind, each.name), set()).add(each.market_seed)
    return [
        each for each in references if each.market_seed in met and runs[each.kind, each.name] >= met
    ]


def _computed(results: Sequence[Result]) -> list[Reference]:
    _require_market_of(results[0])
    met = [episode.market_seed for result in results for episode in result.episodes]
    return list(references_of(results[0].task, met))


def _require_market_of(result: Result) -> None:
    """Refuse where the market of a result is not at hand, or is another one here."""
    task, facts = result.task, result.facts
    found = task.facts("test")
    is_same = found.fingerprint == facts.fingerprint
    if not is_same and (
        found.draws_markets or not task.market().is_the_one_recorded(facts.fingerprint)
    ):
        raise InvestorBenchError("the market found here is not the one that was recorded")

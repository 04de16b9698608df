"""A leaderboard for each setting."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from investorbench.tasks.judging import (
    is_of_snapshots,
    is_one_observation,
    why_not_compared,
    without_ratios,
)
from investorbench.tasks.leaderboard.contestants import (
    CommonDays,
    Contestant,
    common_days,
    periods_a_year,
)
from investorbench.tasks.leaderboard.entries import Group, Setting, grouped, trials_among
from investorbench.tasks.leaderboard.notes import notes_of
from investorbench.tasks.leaderboard.references import (
    benchmark_among,
    policies_matched_to,
    random_policies,
    references_for,
)
from investorbench.tasks.leaderboard.rows import Leaderboard, Row
from investorbench.tasks.leaderboard.sentences import sentence_of
from investorbench.tasks.result import Entry, ratio_or_return
from investorbench.tasks.servers import Asking, asked_model, differences_of_servers
from investorbench.tasks.statistics import (
    AgentStatistics,
    Comparison,
    Tested,
    compare_agents,
    nothing_to_compare,
)
from investorbench.tasks.statistics.estimate import DRAWS

NO_RANK = "no agent has a rank"


def leaderboards(
    entries: Iterable[Entry], *, jointly: bool = True, draws: int = DRAWS
) -> list[Leaderboard]:
    """A leaderboard for each setting; the task's benchmark is added where it is not an entry.

    The benchmark and random policies are references of the results. Where none are recorded and the
    market is not at hand either, there is a note instead of them.

    Snapshots have tables of their own, see ``snapshot_boards``.

    Args:
        entries: agents on tasks, in any order.
        jointly: whether to test all agents of a setting at once, see ``compare_agents``.
        draws: of each bootstrap.
    """
    accounts = [each for each in entries if not is_of_snapshots(each.result.facts)]
    return [
        _board(setting, group, notes, jointly, draws)
        for setting, (group, notes) in grouped(accounts).items()
    ]


def _board(
    setting: Setting, group: Group, notes: Sequence[str], jointly: bool, draws: int
) -> Leaderboard:
    results = [entry.result for entry in group.values()]
    facts = results[0].facts
    contestants = {name: Contestant.recorded(entry) for name, entry in group.items()}
    references, missing = references_for(results, common_days(contestants.values()))
    benchmark = benchmark_among(contestants, references, facts)
    found = common_days(contestants.values())
    common = None if isinstance(found, str) else found
    chance = random_policies(references, found, facts)

    matched = {
        name: policies_matched_to(each.entry.result, found)
        for name, each in contestants.items()
        if each.entry
    }

    configuration_of = {name: each.result.configuration_of for name, each in group.items()}
    markets = () if common is None else common.markets
    rules = results[0].task.options.get("rules")
    days = 0 if common is None else len(common.dates)
    is_whole = is_one_observation(facts)
    unfinished = [name for name, each in contestants.items() if not each.is_whole]
    apart_for = why_not_compared(facts, rules, days, len(markets), unfinished)

    def compared(names: Collection[str]) -> Comparison:
        own = {name: contestants[name] for name in names}
        if isinstance(found, str):
            return nothing_to_compare({name: len(each.runs) for name, each in own.items()}, found)
        if not own:
            return nothing_to_compare({}, NO_RANK)
        if apart_for is not None:
            repeats = {name: len(each.runs) for name, each in own.items()}
            return replace(nothing_to_compare(repeats, apart_for), rank_sets={}, days=days)
        compared = compare_agents(
            {name: each.runs_on(found) for name, each in own.items()},
            benchmark,
            periods_a_year(facts, found),
            facts.convention,
            unit="market" if found.markets and not is_whole else "day",
            days_of_markets=days if is_whole else None,
            cash_rate=facts.cash_rate,
            trials=trials_among({name: group[name] for name in names if name in group}),
            configuration_of=configuration_of,
            random_sharpes=chance,
            matched_sharpes=matched,
            jointly=jointly,
            draws=draws,
        )
        return over_whole_markets(compared, own, found) if is_whole else compared

    ranked = [name for name, each in contestants.items() if each.is_ranked or name == benchmark]
    comparison = compared(ranked)
    # What has no rank is in no family and no trial; its own figures need the benchmark alone.
    apart = {
        name: compared([name, *([benchmark] if benchmark else [])]).agents[name]
        for name in contestants
        if name not in ranked
    }
    rows = [
        _row(name, each, comparison, apart.get(name), benchmark, common)
        for name, each in contestants.items()
    ]
    if apart_for is not None:
        rows = [replace(row, metrics=without_ratios(row.metrics)) for row in rows]
    rows.sort(key=lambda row: (-ratio_or_return(row.metrics), row.agent))
    return Leaderboard(
        setting=setting,
        facts=facts,
        dates=None if common is None else common.dates,
        markets=markets,
        rows=tuple(rows),
        benchmark=benchmark,
        comparison=comparison,
        sentence=sentence_of(setting, facts, rows, benchmark, comparison, len(markets), apart_for),
        apart_for=apart_for,
        notes=(*notes_of(facts, rows, comparison, chance, markets), *missing, *notes),
        findings=tuple(dict.fromkeys(_findings(group))),
    )


def over_whole_markets(
    found: Comparison, own: Mapping[str, Contestant], common: CommonDays
) -> Comparison:
    """A comparison of returns of whole markets, each of which is a repeat of an agent."""
    markets = len(common.markets)
    agents = {
        name: replace(each, repeats=markets, idle_repeats=own[name].idle_in(common), scope="agent")
        for name, each in found.agents.items()
    }
    return replace(found, agents=agents, markets=markets)


def _findings(group: Group) -> Iterator[str]:
    """What is wrong or missing in the data, and where one model answered as several."""
    for entry in group.values():
        yield from entry.result.findings
    yield from differences_of_servers(
        Asking(name, asked_model(entry.result.described), entry.result.tallies)
        for name, entry in group.items()
    )


def _row(
    name: str,
    contestant: Contestant,
    comparison: Comparison,
    apart: AgentStatistics | None,
    benchmark: str | None,
    common: CommonDays | None,
) -> Row:
    days = common or contestant.own_days
    drawn = contestant.drawn_on(days)
    return Row(
        agent=name,
        entry=contestant.entry,
        metrics=contestant.metrics_on(days),
        median=contestant.median,
        shown=contestant.runs[drawn],
        episode=contestant.entry.result.episodes[drawn] if contestant.entry else None,
        runs=None if common is None else contestant.runs_on(common),
        ratios=contestant.ratios_on(days),
        is_ruined=contestant.is_ruined,
        statistics=apart or comparison.agents[name],
        against=comparison.against.get(name),
        beside=pair_of(comparison, name, benchmark),
        rank=comparison.rank_sets.get(name),
    )


def pair_of(comparison: Comparison, name: str, benchmark: str | None) -> Tested | None:
    """The test of an agent's Sharpe ratio and the benchmark's."""
    return next((pair for pair in comparison.pairs if pair.names == (name, benchmark)), None)

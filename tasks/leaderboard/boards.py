"""A leaderboard for each setting."""

from collections.abc import Iterable, Sequence

from investorbench.tasks.leaderboard.contestants import Contestant, common_days
from investorbench.tasks.leaderboard.entries import Group, Setting, grouped
from investorbench.tasks.leaderboard.notes import notes_of
from investorbench.tasks.leaderboard.references import (
    benchmark_among,
    policies_matched_to,
    random_policies,
    references_for,
)
from investorbench.tasks.leaderboard.rows import Leaderboard, Row
from investorbench.tasks.leaderboard.sentences import sentence_of
from investorbench.tasks.result import Entry
from investorbench.tasks.statistics import Comparison, compare_agents, nothing_to_compare
from investorbench.tasks.statistics.estimate import DRAWS, FloatArray
from investorbench_env.facts import Facts


def leaderboards(
    entries: Iterable[Entry], *, jointly: bool = True, draws: int = DRAWS
) -> list[Leaderboard]:
    """A leaderboard for each setting; the task's benchmark is added where it is not an entry.

    The benchmark and random policies are references of the results. Where none are recorded and the
    market is not at hand either, there is a note instead of them.

    Args:
        entries: agents on tasks, in any order.
        jointly: whether to test all agents of a setting at once, see ``compare_agents``.
        draws: of each bootstrap.
    """
    return [
        _board(setting, group, notes, jointly, draws)
        for setting, (group, notes) in grouped(entries).items()
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
    chance = random_policies(references, found, facts)
    returns: dict[str, FloatArray] = {}
    common = None
    if isinstance(found, str):
        repeats = {name: len(each.runs) for name, each in contestants.items()}
        comparison = nothing_to_compare(repeats, found)
    else:
        common = found
        returns = {name: each.returns_on(common) for name, each in contestants.items()}
        matched = {
            name: policies_matched_to(each.entry.result, common)
            for name, each in contestants.items()
            if each.entry
        }
        comparison = _compare(returns, benchmark, facts, chance, matched, jointly, draws)
    markets = () if common is None else common.markets
    against = {pair.names[0]: pair for pair in comparison.pairs if pair.names[1] == benchmark}
    days = {name: common or each.own_days for name, each in contestants.items()}
    drawn = {name: each.drawn_on(days[name]) for name, each in contestants.items()}
    rows = [
        Row(
            agent=name,
            entry=each.entry,
            metrics=each.metrics_on(days[name]),
            shown=each.runs[drawn[name]],
            episode=each.entry.result.episodes[drawn[name]] if each.entry else None,
            returns=returns.get(name),
            is_ruined=each.is_ruined,
            statistics=comparison.agents[name],
            against=against.get(name),
            rank=comparison.rank_sets[name],
        )
        for name, each in contestants.items()
    ]
    rows.sort(key=lambda row: (-row.sr, row.agent))
    return Leaderboard(
        setting=setting,
        facts=facts,
        dates=None if common is None else common.dates,
        markets=markets,
        rows=tuple(rows),
        benchmark=benchmark,
        comparison=comparison,
        sentence=sentence_of(setting, facts, rows, benchmark, comparison, len(markets)),
        notes=(*notes_of(facts, rows, comparison, chance, markets), *missing, *notes),
        findings=tuple(dict.fromkeys(found for result in results for found in result.findings)),
    )


def _compare(
    returns: dict[str, FloatArray],
    benchmark: str | None,
    facts: Facts,
    chance: FloatArray | None,
    matched: dict[str, FloatArray | str],
    jointly: bool,
    draws: int,
) -> Comparison:
    return compare_agents(
        returns,
        benchmark,
        facts.periods_a_year,
        facts.convention,
        random_sharpes=chance,
        matched_sharpes=matched,
        jointly=jointly,
        draws=draws,
    )

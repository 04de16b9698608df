"""Two runs beside each other: what both hold, and how far it differs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from investorbench.tasks.days import is_within_a_day
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
from investorbench.tasks.leaderboard.entries import Setting, is_benchmark, setting_of
from investorbench.tasks.result import Entry, Episode
from investorbench.tasks.statistics import Estimate, TwoCompared, compare_two, holm
from investorbench.tasks.statistics.comparison import Scope
from investorbench.tasks.statistics.estimate import DRAWS

Metrics = Mapping[str, float]


class MatchedPair(NamedTuple):
    """An agent on a task as two runs have it."""

    first: Entry
    second: Entry


class Paired(NamedTuple):
    """What two runs have in common, and what not.

    Attributes:
        pairs: agents on tasks that both have.
        refused: those that cannot be compared, and why.
        only_first: agents that only the first has, by task.
        only_second: the same of the second.
    """

    pairs: list[MatchedPair]
    refused: list[str]
    only_first: dict[str, list[str]]
    only_second: dict[str, list[str]]


class Decisions(NamedTuple):
    """How far decisions differ, over the repeats that both have.

    Attributes:
        differing: how many decisions differ.
        compared: of how many.
        first: when the first of them was taken, with its repeat; None if none does.
    """

    differing: int
    compared: int
    first: tuple[str, int] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunDifference:
    """The first run's agent less the second's, means over their repeats or markets.

    Attributes:
        setting: what they were scored on.
        pair: the two.
        metrics: of each, over the days or markets that both met.
        sr: difference of the Sharpe ratios a year.
        jobson_korkie: p-value for independent, normal returns.
        cr: difference of the cumulative returns.
        scope: whether they speak of the agents, or of these runs, where one has one repeat.
        adjusted_p: p-value of ``sr`` after Holm's control over all pairs.
        decisions: how many differ.
    """

    setting: Setting
    pair: MatchedPair
    metrics: tuple[Metrics, Metrics]
    sr: Estimate
    jobson_korkie: Estimate
    cr: Estimate
    scope: Scope
    adjusted_p: float | None
    decisions: Decisions


def pair_up(first: Sequence[Entry], second: Sequence[Entry]) -> Paired:
    """Find what two runs both hold; where each holds one agent only, whatever their names.

    The benchmark is not paired with another agent.
    """
    lone = [
        {entry.result.agent for entry in run if not is_benchmark(entry.result)}
        for run in (first, second)
    ]
    anonymous = all(len(names) == 1 for names in lone)
    theirs = defaultdict(list)
    for entry in second:
        theirs[_key(entry, anonymous)].append(entry)
    found = Paired([], [], defaultdict(list), defaultdict(list))
    for entry in first:
        candidates = theirs[_key(entry, anonymous)]
        setting = setting_of(entry.result)
        twin = next((each for each in candidates if setting_of(each.result) == setting), None)
        if twin is not None:
            candidates.remove(twin)
            if is_of_snapshots(entry.result.facts):
                found.refused.append(
                    f"{entry.result.agent} on {setting.name}: decisions on snapshots are no days "
                    "of an account; one table of both runs tests them: "
                    "investorbench report RUN_A RUN_B"
                )
                continue
            found.pairs.append(MatchedPair(entry, twin))
        elif candidates:
            other = candidates.pop(0)
            found.refused.append(_refusal(entry, setting, setting_of(other.result)))
        else:
            found.only_first[setting.name].append(entry.result.agent)
    for rest in theirs.values():
        for entry in rest:
            found.only_second[setting_of(entry.result).name].append(entry.result.agent)
    return found


def differences(pairs: Iterable[MatchedPair], draws: int = DRAWS) -> list[RunDifference]:
    """How far each two differ.

    Args:
        pairs: agents on tasks that both runs have.
        draws: of each bootstrap.
    """
    made = [(pair, *_compared(pair, draws)) for pair in pairs]
    adjusted = holm([compared.sr.p_value for *_, compared in made])
    return [
        RunDifference(
            setting=setting_of(pair.first.result),
            pair=pair,
            metrics=metrics,
            sr=compared.sr,
            jobson_korkie=compared.jobson_korkie,
            cr=compared.cr,
            scope=compared.scope,
            adjusted_p=p,
            decisions=decisions_of(pair.first, pair.second),
        )
        for (pair, metrics, compared), p in zip(made, adjusted, strict=True)
    ]


def decisions_of(first: Entry, second: Entry) -> Decisions:
    """How many decisions differ, in the repeats that both finished."""
    episodes = [
        dict(zip(entry.repeats, entry.result.episodes, strict=True)) for entry in (first, second)
    ]
    interval = first.result.facts.interval
    differing = compared = 0
    earliest: list[tuple[str, int]] = []
    for repeat in sorted(episodes[0].keys() & episodes[1].keys()):
        one, other = (of_run[repeat] for of_run in episodes)
        steps = min(len(one.actions), len(other.actions))
        unequal = [step for step in range(steps) if one.actions[step] != other.actions[step]]
        compared += steps
        differing += len(unequal)
        earliest += [(_when(one, step, interval), repeat) for step in unequal[:1]]
    return Decisions(differing, compared, min(earliest, default=None))


def _when(episode: Episode, step: int, interval: str) -> str:
    """The session of a decision, or its moment in UTC where a session has several."""
    if is_within_a_day(interval):
        return str(episode.times[step].astype("datetime64[m]")).replace("T", " ")
    return str(episode.sessions[step])


def _compared(pair: MatchedPair, draws: int) -> tuple[tuple[Metrics, Metrics], TwoCompared]:
    """Figures and tests of the two on the days, or in the markets, that both of them met."""
    first, second = (Contestant.recorded(entry) for entry in pair)
    common = common_days([first, second])
    if isinstance(common, str):
        return (pair.first.result.metrics, pair.second.result.metrics), _untested(common)
    metrics = first.metrics_on(common), second.metrics_on(common)
    task, days = pair.first.result.task, len(common.dates)
    unfinished = [f"{each.agent} in {run}" for each, run in ((first, "A"), (second, "B"))
                  if not each.is_whole]  # fmt: skip
    reason = why_not_compared(
        first.facts, task.options.get("rules"), days, len(common.markets), unfinished
    )
    if reason is not None:
        return (without_ratios(metrics[0]), without_ratios(metrics[1])), _untested(reason)
    return metrics, _tests(first, second, common, draws)


def _tests(first: Contestant, second: Contestant, common: CommonDays, draws: int) -> TwoCompared:
    facts, days, is_whole = first.facts, len(common.dates), is_one_observation(first.facts)
    found = compare_two(
        first.runs_on(common),
        second.runs_on(common),
        periods_a_year(facts, common),
        facts.convention,
        unit="market" if common.markets and not is_whole else "day",
        days_of_markets=days if is_whole else None,
        cash_rate=facts.cash_rate,
        draws=draws,
    )
    return replace(found, scope="agent") if is_whole else found


def _untested(reason: str) -> TwoCompared:
    none = Estimate(reason=reason)
    return TwoCompared(sr=none, cr=none, jobson_korkie=none, scope="run")


def _key(entry: Entry, anonymous: bool) -> tuple[str, tuple[str, ...], str]:
    result = entry.result
    name = "" if anonymous and not is_benchmark(result) else result.agent
    return result.task.id, result.facts.symbols, name


def _refusal(entry: Entry, first: Setting, second: Setting) -> str:
    differing = "; ".join(_unequal(first, second))
    return (
        f"{entry.result.agent} on {first.name} cannot be compared, since the two were scored "
        f"differently: {differing}"
    )


def _unequal(first: Setting, second: Setting) -> Iterator[str]:
    for name, one, other in zip(first._fields, first, second, strict=True):
        if one != other:
            yield f"{name.replace('_', ' ')} {_short(one)} and {_short(other)}"


def _short(value: object) -> str:
    text = str(value) or "none"
    return text if len(text) <= 40 else f"{text[:12]}…"

"""Tables of snapshots: what decisions were worth, and whose can be distinguished."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from investorbench.agents.simulated.snapshots import AVERSION, SnapshotFilter
from investorbench.tasks.answers import Answers, answers_of
from investorbench.tasks.configured import TARGET
from investorbench.tasks.forecasts import ForecastScores, clustered_mean
from investorbench.tasks.foretold import observations_of
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.leaderboard.entries import Setting, grouped
from investorbench.tasks.record.settings import RACE
from investorbench.tasks.result import Entry, Episode, Result
from investorbench.tasks.running.observed import scores_of
from investorbench.tasks.running.racing import pairs_again
from investorbench.tasks.snapshots.figures import SnapshotFigures
from investorbench.tasks.snapshots.results import decisions_in, figures_in
from investorbench.tasks.snapshots.scores import BPS, edge, in_pairs
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.estimate import FEWEST_DAYS, FloatArray
from investorbench.tasks.statistics.sequential import Look, Race, Stopping
from investorbench.tasks.suites.opening import OF_A_JOB
from investorbench.tasks.suites.wordings import WORDED
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

FILTER: Mapping[str, Any] = {
    TARGET: f"{SnapshotFilter.__module__}.{SnapshotFilter.__qualname__}",
    "particles": 500,
    "aversion": AVERSION,
}
"""The filter whose mean the references of simulated snapshots know."""
REAL = "what was to be expected is known of simulated markets alone"
ONE_WORDING = "all of its questions were put in one wording"
NO_MODEL = "no language model is asked"
CONTROLLED = (
    "edge, skill: by a regression on the filter's edge in the same markets, of which the mean is "
    "known; what these markets were kinder than usual is taken off"
)
STOPPED = (
    "agents raced, and left when what was asked was known: pairs are tested by the design of the "
    "race; an agent's own interval knows nothing of the looks"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SnapshotRow:
    """An agent in a table of snapshots.

    Attributes:
        agent: as the table calls it.
        entry: what was recorded.
        figures: what its decisions were worth.
        places: those that tests of all pairs leave open, best and worst.
        forecasts: how good its forecasts are.
        spread: the largest edge by a wording of the prompt less the smallest, in basis points.
        answers: of its language model; None where it asks none.
    """

    agent: str
    entry: Entry
    figures: SnapshotFigures
    places: tuple[int, int]
    forecasts: ForecastScores
    spread: Estimate
    answers: Answers | None

    @property
    def decisions(self) -> int:
        """How many there are."""
        return sum(len(episode.rewards) for episode in self.entry.result.episodes)

    @property
    def tokens(self) -> float | None:
        """Read and written a decision; None where not all were counted."""
        if self.answers is None or self.answers.tokens is None:
            return None
        return self.answers.tokens / self.decisions

    @property
    def brier(self) -> Estimate:
        """Of its forecasts, 0 at best, .25 for always one half."""
        return self.forecasts.brier.realised

    @property
    def headline(self) -> Estimate:
        """By what rows are ranked: the edge, or on real markets what came of decisions."""
        return self.figures.edge if self.figures.edge.value is not None else self.figures.realised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SnapshotBoard:
    """Agents on one task of snapshots.

    Attributes:
        setting: what they have in common.
        facts: of the task.
        suite: that it is a task of; empty for none.
        rows: best first.
        look: what is known of each pair; None of fewer than two agents.
        observations: that all of them have, each independent of the others.
        scores: of each agent by name, in basis points [observations] each.
        notes: what else is to be known of them.
    """

    setting: Setting
    facts: Facts
    suite: str
    rows: tuple[SnapshotRow, ...]
    look: Look | None
    observations: int
    scores: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def snapshot_boards(entries: Iterable[Entry]) -> list[SnapshotBoard]:
    """A table for each setting of snapshots; other entries are left out."""
    own = [each for each in entries if is_of_snapshots(each.result.facts)]
    return [_board(setting, *group) for setting, group in grouped(own).items()]


def _board(setting: Setting, group: Mapping[str, Entry], notes: Sequence[str]) -> SnapshotBoard:
    results = {name: entry.result for name, entry in group.items()}
    race = _setting_of_race(results)
    compared = [name for name, entry in group.items() if race is not None or not _gave_up(entry)]
    scores = dict(zip(compared, _scores([results[name] for name in compared]), strict=True))
    look, count = _look(scores, results)
    control = next((each for each in results.values() if _is_filter(each)), None)
    rows = [
        SnapshotRow(
            agent=name,
            entry=entry,
            figures=_figures(entry.result, control),
            places=_places(name, look, len(group)) if name in compared else (1, len(group)),
            forecasts=entry.result.forecast_scores,
            spread=_spread(entry),
            answers=answers_of(entry.result),
        )
        for name, entry in group.items()
    ]
    rows.sort(key=lambda row: (row.agent not in compared, -(row.headline.value or 0.0), row.agent))
    first = next(iter(results.values()))
    is_controlled = control and any(row.figures.skill.value is not None for row in rows)
    notes = [*([CONTROLLED] if is_controlled else []), *notes]
    return SnapshotBoard(
        setting=setting,
        facts=first.facts,
        suite=str(first.settings.get(OF_A_JOB, {}).get("name", "")),
        rows=tuple(rows),
        look=look,
        observations=count,
        scores=scores,
        notes=(*notes, *_unfinished(group), *([STOPPED] if race else [])),
    )


def _scores(results: Sequence[Result]) -> list[FloatArray]:
    """Scores of the snapshots that all played, in basis points, one an observation [n] each.

    An observation is a market, an antithetic pair or, of real markets, a day over all assets.
    """
    blocks = [
        {each.scored.market_seeds: each for each in result.episodes if each.scored}
        for result in results
    ]
    common = [seeds for seeds in blocks[0] if all(seeds in own for own in blocks)] if blocks else []
    return [
        _independent(replace(result, episodes=tuple(own[seeds] for seeds in common)))
        for result, own in zip(results, blocks, strict=True)
        if common
    ] or [np.empty(0) for _ in results]


def _independent(result: Result) -> FloatArray:
    if not result.simulated:
        days = np.concatenate([episode.dates for episode in result.episodes])
        _, numbers = np.unique(days, return_inverse=True)
        came = _came(result)
        return np.asarray(np.bincount(numbers, came) / np.bincount(numbers)) * BPS
    found = edge(decisions_in(result)) * BPS
    is_paired = result.task.options.get("antithetic") and len(found) % 2 == 0
    return in_pairs(found) if is_paired else found


def _came(result: Result) -> FloatArray:
    """What came of each decision, costs paid; a wrapper may give another reward."""
    blocks = [each.scored for each in result.episodes if each.scored]
    weights = np.concatenate([each.weights for each in blocks])
    returns = np.concatenate([each.returns for each in blocks])
    return np.asarray(weights * returns - result.facts.cost_rate * np.abs(weights))


def _look(
    scores: Mapping[str, FloatArray], results: Mapping[str, Result]
) -> tuple[Look | None, int]:
    """What is known of each pair, all of them at once: at the end, or by the design of a race."""
    count = min(map(len, scores.values()), default=0)
    if len(scores) < 2 or count < FEWEST_DAYS or not all(map(_is_known, scores.values())):
        return None, count
    if (setting := _setting_of_race(results)) is not None:
        whole = {
            name: [scores_of(episode, result.task, result.facts) for episode in result.episodes]
            for name, result in results.items()
        }
        return pairs_again(setting, whole), count
    race = Race(stopping=Stopping(until="ranked", most=count), names=tuple(scores))
    return race.look(scores), count


def _setting_of_race(results: Mapping[str, Result]) -> Mapping[str, Any] | None:
    raced = (result.settings[RACE] for result in results.values() if RACE in result.settings)
    return next(raced, None)


def _is_known(scores: FloatArray) -> bool:
    return bool(np.isfinite(scores).all())


def _places(name: str, look: Look | None, agents: int) -> tuple[int, int]:
    if look is None:
        return 1, agents
    lost = sum(pair.worse == name for pair in look.pairs)
    won = sum(name in pair.names and pair.worse not in (None, name) for pair in look.pairs)
    return 1 + lost, agents - won


def _is_filter(result: Result) -> bool:
    """Whether it is the filter as it comes, whose mean is known."""
    agent = result.settings.get("agent", {})
    return agent.get(TARGET) == FILTER[TARGET] and all(
        FILTER.get(name) == value for name, value in agent.items()
    )


def _figures(result: Result, control: Result | None) -> SnapshotFigures:
    """All figures; without what was to be expected where that is not known."""
    try:
        return figures_in(result, None if control is None else _beside(result, control))
    except InvestorBenchError as error:
        unknown = Estimate(reason=str(error) if result.simulated else REAL)
        realised = clustered_mean(_came(result), *observations_of(result)).times(BPS)
        return SnapshotFigures(unknown, unknown, realised, unknown, unknown)


def _beside(result: Result, control: Result) -> Result | None:
    """The control on the snapshots of a result; None where it did not play all of them."""
    known = {each.scored.market_seeds: each for each in control.episodes if each.scored}
    found: list[Episode] = [
        known[each.scored.market_seeds]
        for each in result.episodes
        if each.scored and each.scored.market_seeds in known
    ]
    if len(found) < len(result.episodes):
        return None
    return replace(control, episodes=tuple(found))


def _spread(entry: Entry) -> Estimate:
    """How far apart its edges are by the wordings of its prompt."""
    result, wordings = entry.result, int(entry.result.settings.get(WORDED, 1))
    if "model" not in result.settings:
        return Estimate(reason=NO_MODEL)
    if wordings == 1:
        return Estimate(reason=ONE_WORDING)
    means = []
    for wording in range(wordings):
        own = tuple(
            episode
            for number, episode in zip(entry.repeats, result.episodes, strict=True)
            if number % wordings == wording
        )
        if not own:
            return Estimate(reason=f"none of its repeats has wording {wording + 1} of {wordings}")
        means.append(float(_independent(replace(result, episodes=own)).mean()))
    return Estimate(value=max(means) - min(means))


def _unfinished(group: Mapping[str, Entry]) -> Iterator[str]:
    for name, entry in group.items():
        if entry.failures:
            rest = (
                "it failed in others, and is not compared: who fails may choose where"
                if _gave_up(entry)
                else "pairs are tested on the blocks that all have"
            )
            yield f"{name}: {len(entry.result.episodes)} of {entry.planned} blocks; {rest}"


def _gave_up(entry: Entry) -> bool:
    """Whether blocks are missing because the agent itself raised or gave no answer to be used."""
    return any(failure.kind in ("agent", "model") for failure in entry.failures)

"""What races have shown, as people read it: a row an agent, and what stopping has saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from investorbench.tasks.record.settings import RACE
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.running.observed import (
    ASSETS_A_DAY,
    RepeatScores,
    is_paired,
    observations,
    scores_of,
)
from investorbench.tasks.running.racing import (
    AGENTS,
    race_key,
    rounds_again,
)
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.statistics.sequential import GOALS, Look, PairedLook
from investorbench.tasks.wording import count, number, percent, usd

ENDS = {
    "answered": "answered",
    "exhausted": "all that was planned is played, and some of it is open",
    "unaffordable": "max_usd would not pay for another round, and some of it is open",
    "": "not finished",
}


class RacedRow(NamedTuple):
    """What a race has shown of an agent.

    Attributes:
        agent: its name.
        score: mean, in basis points, over all that it played.
        beside: the agent that it is shown beside: the reference, the best, or its neighbour above.
        pair: the two, the agent first; None where it was not compared with it.
        played: observations.
        left: why it left.
    """

    agent: str
    score: float
    beside: str
    pair: PairedLook | None
    played: int
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """One race, from its scores.

    Attributes:
        task: its id.
        setting: its rule, as records have it.
        look: the last.
        scores: mean score of each agent, in basis points.
        costs: USD that each agent has cost; None where that is not known.
        observation: what one observation is.
    """

    task: str
    setting: Mapping[str, Any]
    look: Look
    scores: Mapping[str, float]
    costs: Mapping[str, float | None]
    observation: str

    @property
    def rows(self) -> list[RacedRow]:
        """The agents, the best first."""
        ranked = sorted(self.scores, key=lambda name: -self.scores[name])
        return [self._row(name, self._beside(name, ranked)) for name in ranked]

    def _beside(self, name: str, ranked: Sequence[str]) -> str:
        above = ranked[ranked.index(name) - 1] if name != ranked[0] else ranked[1]
        if self.setting["until"] == "best":
            worse_than = [
                next(other for other in pair.names if other != name)
                for pair in self.look.pairs
                if pair.worse == name
            ]
            return min(worse_than, key=ranked.index) if worse_than else above
        reference = self.setting.get("reference")
        return above if reference is None else "" if name == reference else str(reference)

    def _row(self, name: str, beside: str) -> RacedRow:
        found = (pair for pair in self.look.pairs if set(pair.names) == {name, beside})
        pair = next(found, None)
        if pair is not None and pair.names[0] != name:
            pair = pair.turned
        return RacedRow(
            agent=name,
            score=self.scores[name],
            beside=beside,
            pair=pair if pair is not None and pair.observations else None,
            played=self.look.observations[name],
            left=self.look.left.get(name, "goes on"),
        )

    @property
    def summary(self) -> str:
        """How it ended, on what its intervals rest, and what was saved, in sentences."""
        setting, played = self.setting, sum(self.look.observations.values())
        most = int(setting["most"]) * len(self.look.observations)
        rule = "a confidence sequence" if setting["anytime"] else "alpha spent by O'Brien–Fleming"
        text = (
            f"Until {GOALS[setting['until']]}: {ENDS[self.look.end]}. Intervals are those of the "
            f"design ({rule}, {percent(1.0 - setting['alpha'], 0)} % for all pairs and looks at "
            "once); differences at a stop are biased away from 0. "
            f"{count(played, self.observation)} of {number(most)} played, "
            f"{percent(1.0 - played / most, 0)} % saved"
        )
        saved = self.saved_usd
        return f"{text}, some {usd(saved)}." if saved else f"{text}."

    @property
    def saved_usd(self) -> float | None:
        """What the rest would have cost at what each agent's decisions cost so far."""
        saved = 0.0
        for name, played in self.look.observations.items():
            cost = self.costs[name]
            if cost is None or not played:
                return None
            saved += cost * (int(self.setting["most"]) / played - 1.0)
        return saved


def raced(entries: Iterable[Entry]) -> list[Raced]:
    """The races of a run, from what came of its jobs; those are left out that lack an agent."""
    by_race: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        if (key := race_key(entry.result)) is not None:
            by_race.setdefault(key, {})[entry.result.agent] = entry
    return [_raced(own) for own in by_race.values() if _is_whole(own)]


def _is_whole(entries: Mapping[str, Entry]) -> bool:
    first = next(iter(entries.values()))
    return set(first.result.settings[RACE][AGENTS]) == set(entries)


def _raced(entries: Mapping[str, Entry]) -> Raced:
    results = {name: entry.result for name, entry in entries.items()}
    first = next(iter(results.values()))
    setting = first.settings[RACE]
    scores = {
        name: [scores_of(episode, result.task, result.facts) for episode in result.episodes]
        for name, result in results.items()
    }
    race = rounds_again(setting, scores).race
    if not race.last.end and not any(entry.failures for entry in entries.values()):
        race.stop("unaffordable")  # nothing else ends a run before its races
    return Raced(
        task=first.task.id,
        setting=setting,
        look=race.last,
        scores={name: _mean(own, setting) for name, own in scores.items()},
        costs={name: _cost(result) for name, result in results.items()},
        observation=_observation(first),
    )


def _mean(repeats: Sequence[RepeatScores], setting: Mapping[str, Any]) -> float:
    """Over observations; before a whole day is played, over decisions."""
    found = observations(repeats, setting)
    return float((found if len(found) else observations(repeats)).mean())


def _observation(result: Result) -> str:
    if is_paired(result.task):
        return "antithetic pair"
    if ASSETS_A_DAY in result.settings[RACE]:
        return "day"
    return "decision" if BLOCK in result.settings else "episode"


def _cost(result: Result) -> float | None:
    """USD that the models of an agent have cost; None where the price of one is not known."""
    costs = [
        tally["cost_usd"]
        for episode in result.episodes
        for tally in (episode.answers or {}).values()
        if tally
    ]
    return None if None in costs else float(sum(costs))

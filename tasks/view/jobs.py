"""A job that is followed: its settings, its episodes, and what it comes to as a row of a table."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.record.schema import Content, Line
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.report.shared_lines import Lines
from investorbench.tasks.report.shown import action_text, facts_of, outcome_names, texts_of
from investorbench.tasks.view.episodes import A_LINK, FollowedEpisode
from investorbench.tasks.view.grown import Spending
from investorbench_env.errors import InvestorBenchError

JobState = Literal["not begun", "running", "waiting", "stopped", "failed", "finished"]
POINTS = 60
"""Of a curve that is as small as a word."""
DIGITS = 5
LONGEST = 100
"""Characters of a day or an action in a table."""


class FollowedJob:
    """One agent on one task, as far as it came.

    Args:
        path: its folder.
        place: the same from the name of the run on.
        run: that name.
        number: it is named by, in pages.
    """

    def __init__(self, path: Path, place: str, run: str, number: int) -> None:
        self.path, self.place, self.run, self.number = path, place, run, number
        self.recorded: RecordedJob | None = None
        self.episodes: list[FollowedEpisode] = []
        self.problem = ""
        self.state: JobState = "not begun"
        self._settings: tuple[int, int, bool] | None = None
        self._last: tuple[object, Content | None] = (None, None)

    def look(self, now: float) -> bool:
        """Read what is new; whether anything was.

        Args:
            now: seconds since 1970.
        """
        changed = self._read_settings()
        for episode in self.episodes:
            changed = episode.look(now) or changed
        return changed

    def _read_settings(self) -> bool:
        """Its configuration where it is new, or a header says of which assets it is."""
        try:
            if not os.path.lexists(self.path / CONFIG):
                raise InvestorBenchError(f"{CONFIG} is missing, which says what was run")
            found = (self.path / CONFIG).lstat()
            has_header = any(
                file.sums.header for each in self.episodes for file in each.files.values()
            ) or any(each.state == "finished" for each in self.episodes)
            settings = found.st_size, found.st_mtime_ns, has_header
            if settings == self._settings:
                return False
            self._settings = settings
            if (self.path / CONFIG).is_symlink():
                raise InvestorBenchError(f"{CONFIG} {A_LINK}")
            self.recorded = job_in(self.path, self.place)
            self.problem = ""
        except (OSError, InvestorBenchError) as error:
            why = str(getattr(error, "strerror", None) or error).removeprefix(f"{self.path}/")
            changed = self.problem != why
            self.recorded, self.problem = None, why
            return changed
        known = {each.path: each for each in self.episodes}
        paths = self.recorded.episodes
        self.episodes = [known.get(path) or FollowedEpisode(path) for path in paths]
        return True

    @property
    def of_task(self) -> str:
        """What jobs have in common that take as many decisions."""
        assert self.recorded is not None
        names = ("task", "protocol", "data", "warmup", "block")
        parts = [self.recorded.settings.get(name) for name in names]
        return json.dumps(parts, sort_keys=True, default=str)

    @property
    def steps(self) -> int | None:
        """Decisions of an episode's test split; None where that is not known yet."""
        if self.recorded is not None and self.recorded.snapshots:
            return len(self.recorded.snapshots[0])
        for episode in self.episodes:
            if (facts := episode.files["test"].sums.facts) is not None:
                return facts.steps
        done = [each.decisions for each in self.episodes if each.state == "finished"]
        return done[0] if done else None

    @property
    def all_steps(self) -> int | None:
        """Decisions of an episode, with its warm-up; None where that is not known yet."""
        if self.recorded is None or (test := self.steps) is None:
            return None
        if not self.recorded.warmup:
            return test
        found = (each.files["warmup"].sums.facts for each in self.episodes)
        warmup = next((facts.steps for facts in found if facts is not None), None)
        done = [each.taken - each.decisions for each in self.episodes if each.state == "finished"]
        known = warmup if warmup is not None else done[0] if done else None
        return None if known is None else test + known

    @property
    def spending(self) -> Spending:
        """For all decisions of its episodes so far."""
        total = Spending()
        for episode in self.episodes:
            total.add(episode.spending)
        return total

    def count(self, state: str) -> int:
        """How many episodes are in a state."""
        return sum(episode.state == state for episode in self.episodes)

    def judge(self, writing: Iterable[FollowedEpisode], *, goes_on: bool) -> bool:
        """Say in which state it is; whether that is another one.

        Args:
            writing: episodes that something writes.
            goes_on: whether something in the run is written.
        """
        before, active = self.state, set(map(id, writing))
        done = self.count("finished")
        if any(id(each) in active for each in self.episodes):
            self.state = "running"
        elif self.episodes and done == len(self.episodes):
            self.state = "finished"
        elif self.count("failed"):
            self.state = "failed"
        elif done or self.count("begun"):
            self.state = "waiting" if goes_on else "stopped"
        else:
            self.state = "not begun"
        return before != self.state

    @property
    def name(self) -> str:
        """What tables call its agent."""
        return self.recorded.name if self.recorded else self.path.name

    def row(self) -> Content:
        """What a page shows of it in a table, as JSON values."""
        recorded, spent = self.recorded, self.spending
        last = self._latest()
        steps = self.steps
        failures = [each.problem for each in self.episodes if each.problem]
        return {
            "id": self.number,
            "agent": self.name,
            "task": recorded.task.id.removeprefix("InvestorBench/") if recorded else "",
            "run": self.run,
            "state": self.state,
            "episodes": [self.count("finished"), len(self.episodes)],
            "decisions": sum(each.decisions for each in self.episodes),
            "planned": None if steps is None else steps * len(self.episodes),
            "warmup": self._warmup(last),
            "asked": spent.asked,
            "unusable": spent.unusable,
            "usd": spent.usd if spent.is_priced else None,
            "tokens": spent.tokens,
            "equity": self._equity(last),
            "last": self._last_words(last),
            "problem": self.problem or "; ".join(dict.fromkeys(failures)),
        }

    def decision(self, repeat: int) -> Content | None:
        """The last decision of a repeat, as the page shows any; None where there is none."""
        if not 0 <= repeat < len(self.episodes) or self.recorded is None:
            return None
        episode = self.episodes[repeat]
        header, content = episode.header(), episode.last()
        if header is None or content is None:
            return None
        lines = Lines()
        try:
            line = Line.from_json(content)
            shown = facts_of(line, header.facts, lines, 0), texts_of(line, lines, 0)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        own: dict[int, int] = {}
        facts, texts = (lines.placed(each, own) for each in shown)
        return {
            "agent": self.recorded.name,
            "repeat": repeat,
            "split": episode.split,
            "number": line.number,
            "outcome": outcome_names(header.facts),
            "thinks": bool(texts),
            "decision": facts,
            "thought": texts or None,
            "lines": lines.texts(own),
        }

    def problems(self) -> list[str]:
        """What is wrong with it, or with its episodes, each with where it is."""
        own = [f"{self.place}: {self.problem}"] if self.problem else []
        return own + [
            f"{self.place}/{each.path.name}: {each.problem}"
            for each in self.episodes
            if each.problem
        ]

    def _latest(self) -> FollowedEpisode | None:
        """The episode that something was written of last."""
        begun = [each for each in self.episodes if each.state != "waiting"]
        return max(begun, key=lambda each: each.written_at, default=None)

    def _warmup(self, latest: FollowedEpisode | None) -> list[int] | None:
        """How far the warm-up came, of an episode that is still in it."""
        if latest is None or latest.split != "warmup" or latest.state == "finished":
            return None
        sums = latest.files["warmup"].sums
        return None if sums.facts is None else [sums.decisions, sums.facts.steps]

    def _equity(self, latest: FollowedEpisode | None) -> list[float | None]:
        """The account of an episode from 1, as many points as can be seen."""
        if latest is None or self.recorded is None or self.recorded.snapshots:
            return []
        sums = latest.files["test"].sums
        if sums.header is None or not sums.equity:
            return []
        values = [sums.header.opening.equity, *sums.equity]
        step = max(1, math.ceil(len(values) / POINTS))
        kept = values[:-1:step] + values[-1:]
        return [_rounded(each / values[0]) if values[0] else None for each in kept]

    def _last_words(self, latest: FollowedEpisode | None) -> Content | None:
        """Day and action of the last decision."""
        if latest is None:
            return None
        sums = latest.files[latest.split].sums
        key = latest.path, latest.split, sums.decisions, latest.finished_as
        if self._last[0] != key:
            self._last = key, self._words_of(latest)
        return self._last[1]

    def _words_of(self, latest: FollowedEpisode) -> Content | None:
        content, header = latest.last(), latest.header()
        if content is None or header is None:
            return None
        try:
            action = action_text(content.get("action"), header.facts)
        except (ValueError, LookupError, TypeError, AttributeError):
            action = "?"
        return {
            "repeat": self.episodes.index(latest),
            "split": latest.split,
            "number": content["number"],
            "day": str(content.get("session"))[:LONGEST],
            "action": action[:LONGEST],
        }


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def plain_state(jobs: Iterable[FollowedJob]) -> dict[str, Any]:
    """What jobs come to together, as JSON values."""
    listed = list(jobs)
    steps: dict[str, int] = {}
    for job in listed:
        if job.recorded is not None and (own := job.all_steps) is not None:
            steps.setdefault(job.of_task, own)
    planned: int | None = 0
    for job in listed:
        if job.recorded is not None and planned is not None:
            own = steps.get(job.of_task)
            planned = None if own is None else planned + own * len(job.episodes)
    total = Spending()
    for job in listed:
        total.add(job.spending)
    return {
        "episodes": [
            sum(job.count("finished") for job in listed),
            sum(len(job.episodes) for job in listed),
        ],
        "failed": sum(job.count("failed") for job in listed),
        "decisions": [sum(each.taken for job in listed for each in job.episodes), planned],
        "has_warmup": any(job.recorded is not None and job.recorded.warmup for job in listed),
        "asked": total.asked,
        "unusable": total.unusable,
        "usd": total.usd if total.is_priced else None,
        "tokens": total.tokens,
    }

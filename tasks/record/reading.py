"""Episodes and results as their records tell them, without running anything again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from investorbench.agents.baselines import BuyAndHold
from investorbench.tasks.answers import tally
from investorbench.tasks.record.episode_folder import FAILURE, FILES, head_of
from investorbench.tasks.record.lines import Line, read_lines
from investorbench.tasks.result import Entry, Episode, Failure, Result, episode_of
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName, Task
from investorbench_env.envs.setup import Options
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.protocols import find_protocol

Content = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedJob:
    """Where a job is recorded, and what was to be run.

    Attributes:
        path: its folder.
        name: what tables call the agent.
        task: what it was scored on.
        seeds: of the episodes that there should be.
        warmup: whether each begins with the warm-up split.
    """

    path: Path
    name: str
    task: Task
    seeds: tuple[int, ...]
    warmup: bool

    @property
    def repeats(self) -> int:
        """How many episodes there should be."""
        return len(self.seeds)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        return ("warmup", "test") if self.warmup else ("test",)

    @property
    def episodes(self) -> list[Path]:
        """The folders of the repeats, there or not."""
        return [self.path / f"repeat-{number}" for number in range(self.repeats)]

    @property
    def manifest(self) -> Content | None:
        """What was written at the end; None before that."""
        path = self.path / "manifest.json"
        return read_json(path) if path.exists() else None


def read_json(path: Path) -> Content:
    """A file of figures.

    Raises:
        InvestorBenchError: it cannot be read as one.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvestorBenchError(f"{path} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvestorBenchError(f"{path} is no JSON object")
    return content


def recorded_entry(job: RecordedJob, run: str = "") -> Entry:
    """What a job came to as far as it is finished, computed anew from its lines.

    What is said of the data is taken from the manifest; where there is none yet, from the data.

    Args:
        job: where it is recorded.
        run: the name of the run folder.

    Raises:
        InvestorBenchError: no repeat is finished.
    """
    episodes: dict[int, Episode] = {}
    failures = []
    for number, path in enumerate(job.episodes):
        if not (path / "metrics.json").exists():
            failures.append(recorded_failure(path, number))
            continue
        try:
            episodes[number] = recorded_episode(job, number)
        except InvestorBenchError as error:
            failures.append(Failure(number, "damaged", str(error)))
    if not episodes:
        raise InvestorBenchError(
            f"{job.path}: none of {job.repeats} repeats can be shown: "
            + "; ".join(dict.fromkeys(failure.why for failure in failures))
        )
    result = _result_of(job, episodes, list(episodes.values()))
    return Entry(result=result, planned=job.repeats, failures=tuple(failures), run=run)


def recorded_failure(path: Path, number: int) -> Failure:
    """Why the repeat in a folder is not finished."""
    marked = path / FAILURE
    if marked.exists():
        told = read_json(marked)
        known = (str(told.get(name, "")) for name in ("kind", "why", "trace"))
        return Failure(number, *known)
    written = [path / name for name in FILES.values() if (path / name).exists()]
    steps = sum(file.read_bytes().count(b"\n") for file in written)
    why = f"not finished, {steps} steps are recorded" if steps else "not begun"
    return Failure(number, "unfinished", why)


def recorded_episode(job: RecordedJob, number: int) -> Episode:
    """A finished repeat, computed anew from its lines.

    Raises:
        InvestorBenchError: it is not finished, or its lines were changed.
    """
    path = job.episodes[number]
    if not (path / "metrics.json").exists():
        raise InvestorBenchError(f"{path} is not finished; the command that began it goes on")
    lines = {split: [line for line, _ in read_lines(path / name)] for split, name in FILES.items()}
    heads = {split: head_of(own) for split, own in lines.items() if own}
    if "test" not in heads or heads != read_json(path / "metrics.json").get("records"):
        raise InvestorBenchError(
            f"{path} does not hold the lines that its metrics.json was written for; "
            "`investorbench verify` says more"
        )
    return episode_from(lines, job.task, job.seeds[number])


def _result_of(job: RecordedJob, numbers: Iterable[int], episodes: Sequence[Episode]) -> Result:
    first = job.episodes[next(iter(numbers))]
    described = read_json(first / "metrics.json").get("described")
    manifest = job.manifest
    if manifest is None:
        return Result(
            agent=job.name,
            task=job.task,
            facts=job.task.facts("test"),
            episodes=tuple(episodes),
            described=described,
        )
    try:
        facts = _facts_of(manifest, job.task, max(len(each.rewards) for each in episodes))
    except KeyError as error:
        raise InvestorBenchError(
            f"{job.path / 'manifest.json'} has no {error}: another version wrote it, or it was "
            "changed"
        ) from None
    return Result(
        agent=manifest["agent"],
        task=job.task,
        facts=facts,
        episodes=tuple(episodes),
        described=described,
    )


def _facts_of(manifest: Content, task: Task, steps: int) -> Facts:
    return Facts(
        family=ASSET_CLASSES[task.asset_class].title,
        symbols=(task.symbol,),
        asset_class=task.asset_class,
        protocol=task.protocol,
        convention=find_protocol(task.protocol).convention,
        periods_a_year=task.days_a_year,
        action=task.action,
        long_only=bool(task.options.get("long_only", False)),
        initial_cash=float(task.options.get("initial_cash", Options().initial_cash)),
        steps=steps,
        window=tuple(manifest["window"]),
        source=manifest["data_source"],
        simulated=manifest["simulated"],
        fills=manifest["fills"],
        findings=tuple(manifest["findings"]),
        fingerprint=manifest["market_sha256"],
        benchmark=BuyAndHold.name,
    )


def episode_from(lines: Mapping[str, Sequence[Line]], task: Task, seed: int) -> Episode:
    """What an episode came to, from its lines by split; of the test at least one."""
    answers = {split: tally(line.get("thought") for line in own) for split, own in lines.items()}
    episode = episode_of(steps_from(lines["test"], task, seed), task)
    return replace(episode, answers=answers if any(answers.values()) else None)


def steps_from(lines: Sequence[Line], task: Task, seed: int) -> list[Step]:
    """The steps that the lines of a test split record; at least one.

    Weights follow from cash and equity, up to rounding. The session on which the last step was
    marked is in no line, and NaT here; an account that was ruined in it counts as ruined early.
    """
    cash = float(task.options.get("initial_cash", Options().initial_cash))
    start = {"cash": cash, "equity": cash, "position": 0.0, "cost": 0.0}
    sessions = [*(line["session"] for line in lines), "NaT"]
    infos, costs = [], 0.0
    for line, session in zip([start, *lines], sessions, strict=True):
        costs += line["cost"]
        weight = (line["equity"] - line["cash"]) / (line["equity"] or 1.0)
        weight = weight if line["position"] else 0.0
        infos.append({**line, "session": session, "weight": weight, "costs": costs})
    return [
        Step(
            repeat=0,
            seed=seed,
            split="test",
            number=number,
            steps=len(lines) + (lines[-1]["equity"] <= 0.0),
            info=infos[number],
            action=line["action"],
            reward=line["reward"],
            outcome=infos[number + 1],
            is_last=number == len(lines) - 1,
            thought=line.get("thought"),
        )
        for number, line in enumerate(lines)
    ]

"""Running an environment again from the recorded actions: does it come to the same, to the bit?"""

from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.record.episode_folder import FILES, as_read_again
from investorbench.tasks.record.lines import CHAIN, Line, decision_of
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.verifying import METRICS, read_all
from investorbench.tasks.running.episode import as_action
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName
from investorbench_env.errors import InvestorBenchError


class Replayed(NamedTuple):
    """How the replay of an episode went.

    Attributes:
        path: its folder.
        steps: how many came to the same, in both splits.
        difference: the first that did not, in words; None where all did.
    """

    path: Path
    steps: int
    difference: str | None


def replay(job: RecordedJob, number: int) -> Replayed:
    """Take the recorded actions of a repeat again, and compare all that comes of each.

    Args:
        job: of the repeat.
        number: of the repeat.

    Raises:
        InvestorBenchError: there is no data to replay on.
    """
    path, steps = job.episodes[number], 0
    is_finished = (path / METRICS).exists()
    for split in job.splits:
        lines, _ = read_all(path / FILES[split])
        if not lines and not is_finished:
            continue  # it has not come so far
        same, difference = _replay_split(job, split, job.seeds[number], lines, is_finished)
        steps += same
        if difference is not None:
            return Replayed(path, steps, difference)
    return Replayed(path, steps, None)


def _replay_split(
    job: RecordedJob, split: SplitName, seed: int, lines: list[Line], is_finished: bool
) -> tuple[int, str | None]:
    """How many steps came to the same, and what the first other one came to."""
    env = job.task.make(split)
    _, info = env.reset(seed=seed)
    is_last = False
    for number, line in enumerate(lines):
        when = f"{line['session']} ({split})"
        if is_last:
            return number, f"{when}: recorded after the end of the split"
        try:
            _, reward, terminated, truncated, outcome = env.step(as_action(line["action"]))
        except (InvestorBenchError, KeyError) as error:
            return number, f"{when}: {error}"
        is_last = terminated or truncated
        step = Step(
            repeat=0, seed=seed, split=split, number=number, steps=len(lines), info=info,
            action=line["action"], reward=float(reward), outcome=outcome, is_last=is_last,
        )  # fmt: skip
        if (difference := _difference(as_read_again(decision_of(step)), line)) is not None:
            return number, f"{when}: {difference}"
        info = outcome
    if is_finished and not is_last:
        return len(lines), f"the end of the record: {split} goes on after {len(lines)} steps"
    return len(lines), None


def _difference(told: Line, line: Line) -> str | None:
    recorded = {name: line[name] for name in line if name not in (*CHAIN, "thought")}
    for name in {**told, **recorded}:
        if told.get(name) != recorded.get(name):
            return f"{name} is {told.get(name)!r}, recorded as {recorded.get(name)!r}"
    return None

"""Running an environment again from the recorded actions: does it come to the same, to the bit?"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.actions import action_of
from investorbench.tasks.horizon import scored_by
from investorbench.tasks.record import version_1
from investorbench.tasks.record.deep import first_difference
from investorbench.tasks.record.episode_folder import FILES, METRICS
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.observed import observed_hash
from investorbench.tasks.record.reading import RecordedJob, is_drawn_no_more
from investorbench.tasks.record.schema import Content, Header, Line
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName
from investorbench_env.errors import InvestorBenchError
from investorbench_env.registration import facts_in

HEADER = "the header of"

OtherStep = Callable[[Header, Step], str | None]
"""How what an agent recorded of a step differs from what follows from the step, in words."""


class Replayed(NamedTuple):
    """How the replay of an episode went.

    Attributes:
        path: its folder.
        steps: how many came to the same, in both splits.
        difference: the first that did not, in words; None where all did.
        file: the file in which that is; None where it is in none.
        line: its number there, the header's being 1; likewise.
    """

    path: Path
    steps: int
    difference: str | None
    file: Path | None = None
    line: int | None = None


def replay(job: RecordedJob, number: int, other: OtherStep | None = None) -> Replayed:
    """Take the recorded actions of a repeat again, and compare all that comes of each.

    Args:
        job: of the repeat.
        number: of the repeat.
        other: compares what the agent recorded of each step, which no environment knows; it is not
            asked where a wrapper stood between the two.

    Raises:
        InvestorBenchError: the environment cannot be made here, or has no data.
    """
    path, steps = job.episodes[number], 0
    is_finished = (path / METRICS).exists()
    for split in job.splits:
        record = read_record(path / FILES[split])
        if record.problems and not record.lines:
            raise InvestorBenchError(f"{record.path} {record.problems[0]}")
        if not record.lines and not is_finished:
            continue  # it has not come so far
        same, difference = _replay_split(job, split, number, record, is_finished, other)
        steps += same
        if difference is not None:
            is_header = not same and difference.startswith(HEADER)
            line = 1 if is_header else min(same, len(record.lines) - 1) + 2
            return Replayed(path, steps, difference, record.path, line)
    return Replayed(path, steps, None)


def _replay_split(
    job: RecordedJob,
    split: SplitName,
    repeat: int,
    record: RecordFile,
    is_finished: bool,
    other: OtherStep | None,
) -> tuple[int, str | None]:
    """How many steps came to the same, and what the first other one came to."""
    env = job.task.make(split)
    facts = facts_in(env)
    if is_drawn_no_more(None if record.header is None else record.header.facts, facts):
        raise InvestorBenchError(
            f"{record.path} is of a simulated market that an older version drew and this one does "
            "not: it can be scored, verified, inspected and reported"
        )
    # Records without a header are older than markets that had a seed of their own.
    agent = job.seeds[repeat].agent
    seeds = Seeds(agent, agent) if record.header is None else record.header.seeds
    own = job.snapshots[repeat] if job.snapshots else ()
    observation, info = env.reset(seed=seeds.market)
    if record.header is not None:
        again = replace(record.header, facts=facts, opening=info["account"])
        now, before = again.to_json(), record.header.to_json()
        if (difference := first_difference(now, before)) is not None:
            return 0, f"{HEADER} {split}: {difference}"
    is_last = False
    for recorded in record.lines:
        # What a wrapper makes of an observation is not to be had without the wrapper.
        line = recorded if job.wrapper is None else replace(recorded, observed=None)
        when = f"{line.session} ({split})"
        if is_last:
            return line.number, f"{when}: recorded after the end of the split"
        if own and line.number > 0:
            seeds = own[line.number]
            observation, info = env.reset(seed=seeds.market)
        if line.ranks is not None:  # which follow from the accounts beside this one
            info = {**info, "ranks": line.ranks}
        try:
            action = action_of(env.action_space, line.action)
            observed = observed_hash(observation, info)
            observation, reward, terminated, truncated, outcome = env.step(action)
        except (InvestorBenchError, LookupError, TypeError) as error:
            return line.number, f"{when}: {error}"
        is_foretold = line.forecast is not None
        scored = scored_by(env, facts, is_foretold=is_foretold)
        if scored is not None:
            outcome = {**outcome, "scored": scored}
        is_last = line.number == len(own) - 1 if own else terminated or truncated
        step = Step(
            repeat=repeat,
            seed=seeds.agent,
            market_seed=seeds.market,
            split=split,
            facts=facts,
            number=line.number,
            info=info,
            action=line.action,
            reward=float(reward),
            outcome=outcome,
            is_last=is_last,
            observed=observed,
            forecast=line.forecast,
            thought=line.thought,
        )
        taken = Line.of(step).without_younger(line)
        now, before = (_recorded(each, record.schema) for each in (taken, line))
        difference = first_difference(now, before)
        if difference is None and other is not None and record.header and job.wrapper is None:
            difference = other(record.header, step)
        if difference is not None:
            return line.number, f"{when}: {difference}"
        info = outcome
    steps = len(record.lines)
    if is_finished and not is_last:
        return steps, f"the end of the record: {split} continues after {steps} steps"
    return steps, None


def _recorded(line: Line, schema: int) -> Content:
    """All of a line that must come out again, as that version of the record holds it."""
    return version_1.fields_of(line) if schema == 1 else line.outcome()

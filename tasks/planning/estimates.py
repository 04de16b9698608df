"""What a run of a suite will cost and show, before any of it is played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.agents.llm.answer import Usage
from investorbench.agents.llm.models import Model
from investorbench.tasks.planning.lengths import days_of, sharpe_error, steps_of
from investorbench.tasks.snapshots.power import SIZE, smallest_difference
from investorbench.tasks.snapshots.references import (
    YARDSTICKS,
    SnapshotReference,
)
from investorbench.tasks.snapshots.results import reference_for
from investorbench.tasks.snapshots.scores import BPS
from investorbench.tasks.suites.freezing import task_of_suite
from investorbench.tasks.suites.suite import Suite, SuiteTask
from investorbench.tasks.task import Task
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError

FloatArray = npt.NDArray[np.float64]

SECONDS = 5.0
"""That an answer is taken to need, where no pilot has shown it."""
AT_ONCE = 64
"""Episodes that a run plays at once, as ``concurrency`` has it."""
HOUR, MINUTE = 3_600.0, 60.0
BASIS_POINTS, SHARPE = "bps a decision", "Sharpe ratio"
PILOT = "what it distinguishes is for a pilot to say: pilot=RUN"


class AnswerSize(NamedTuple):
    """What an answer takes.

    Attributes:
        read, written: tokens.
        seconds: from question to answer.
    """

    read: float
    written: float
    seconds: float = SECONDS


class DifferenceSpread(NamedTuple):
    """How far the differences of two agents vary from observation to observation.

    Attributes:
        least: of the two agents whose decisions are most alike.
        most: of those whose are least alike.
        source: what it was found from, in words.
    """

    least: float
    most: float
    source: str


class PilotTask(NamedTuple):
    """What a pilot shows of a task.

    Attributes:
        spread: of the differences of its agents.
        decisions: of an agent that are one observation, on average.
    """

    spread: DifferenceSpread
    decisions: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEstimate:
    """What one agent plays of a task, and what that can show.

    Attributes:
        task: its name.
        decisions: that it is asked for, those of the warm-up split included.
        independent: scores that do not hang on each other: snapshots or pairs of them, days of
            real ones, or episodes.
        at_once: episodes that can be played at once.
        spread: of differences, over what is independent; None where it is not known.
        unit: of differences.
        scale: what skill 1 is worth in basis points; None where that is not known.
        why_not: why the spread is not known.
    """

    task: str
    decisions: int
    independent: int
    at_once: int
    spread: DifferenceSpread | None = None
    unit: str = BASIS_POINTS
    scale: float | None = None
    why_not: str = ""

    def differences(self, agents: int = 2) -> tuple[float, float] | None:
        """The differences that are seen with 80 % power: least and most.

        Args:
            agents: of which all pairs are compared at once, by Bonferroni; the tests of a table
                are sharper, as differences go together.
        """
        if self.spread is None:
            return None
        size = SIZE / (agents * (agents - 1) / 2)
        least, most = (
            smallest_difference(self.independent, each, size=size)
            for each in (self.spread.least, self.spread.most)
        )
        return least, most


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEstimate:
    """What one model will take.

    Attributes:
        name: of the model.
        decisions: that it is asked for.
        read, written: tokens.
        usd: what they cost; None for a model without a price.
        hours: with as many questions at once as the run and the server allow.
        as_of: the day on which its price was read; None where that is not known.
    """

    name: str
    decisions: int
    read: float
    written: float
    usd: float | None
    hours: float
    as_of: str | None = None


def task_estimates(
    suite: Suite, pilots: Mapping[str, PilotTask] | None = None, data: str | None = None
) -> list[TaskEstimate]:
    """What one agent plays of a suite, task by task.

    Args:
        suite: that is to be run.
        pilots: what one shows, by the names of tasks.
        data: where that of real markets is; None where the task says so, or for the calendar alone.

    Raises:
        InvestorBenchError: a task does not fit its data.
    """
    return [_task_estimate(each, suite, pilots or {}, data) for each in suite.tasks]


def model_estimate(
    name: str, model: Model, tasks: Sequence[TaskEstimate], answering: AnswerSize
) -> ModelEstimate:
    """What a model will take for these tasks, asked once for each decision.

    Args:
        name: that the command line gave it.
        model: its settings.
        tasks: of the suite.
        answering: what an answer takes.
    """
    decisions = sum(each.decisions for each in tasks)
    read, written = decisions * answering.read, decisions * answering.written
    usage, price = Usage(input=round(read), output=round(written)), model.price
    at_once = min(AT_ONCE, model.limits.concurrency, sum(each.at_once for each in tasks))
    seconds = decisions * answering.seconds / at_once
    if (most := model.limits.requests_per_minute) is not None:
        seconds = max(seconds, decisions / most * MINUTE)
    return ModelEstimate(
        name=name,
        decisions=decisions,
        read=read,
        written=written,
        usd=None if price is None else price.of(usage),
        hours=seconds / HOUR,
        as_of=None if price is None else price.as_of,
    )


def spread_of(scores: Mapping[str, FloatArray], source: str) -> DifferenceSpread | None:
    """The spread of the differences of agents, from what each scored on the same [n] each."""
    found = [
        float((one - other).std(ddof=1))
        for one, other in combinations(scores.values(), 2)
        if len(one) > 1
    ]
    varying = [each for each in found if each > 0.0]
    return DifferenceSpread(min(varying), max(varying), source) if varying else None


def between_yardsticks(reference: SnapshotReference, in_pair: int = 1) -> DifferenceSpread:
    """The spread between neighbours among the yardsticks, of pairs as if they were independent."""
    covariance = reference.covariance * reference.markets / in_pair
    found = [
        float(np.sqrt(step @ covariance @ step)) * BPS
        for step in np.diff(np.eye(len(YARDSTICKS)), axis=0)
    ]
    return DifferenceSpread(
        min(found), max(found), f"the reference run of {reference.markets:,} markets"
    )


def _task_estimate(
    task: SuiteTask, suite: Suite, pilots: Mapping[str, PilotTask], data: str | None
) -> TaskEstimate:
    made = task_of_suite(task, suite)
    made = made if data is None or made.is_simulated else replace(made, data=data)
    pilot = pilots.get(task.task)
    if not made.is_of_snapshots:
        return _of_accounts(task.task, made, suite, pilot)
    scale, why_not, spread = None, PILOT, None if pilot is None else pilot.spread
    if made.is_simulated:
        try:
            reference = reference_for(made)
            scale = (reference.filter - reference.floor) * BPS
            spread = spread or between_yardsticks(reference, _in_one(made))
        except InvestorBenchError as error:
            why_not = str(error)
    in_one = _in_one(made) if pilot is None else pilot.decisions
    independent = max(round(suite.decisions / in_one), 1)
    if not made.is_simulated:
        independent = days_of(made, suite.decisions, is_counted=data is not None)
        why_not = f"its decisions are of {count(independent, 'day')}, each one observation; {PILOT}"
    return TaskEstimate(
        task=task.task,
        decisions=suite.decisions,
        independent=independent,
        at_once=suite.repeats,
        spread=spread,
        scale=scale,
        why_not="" if spread else why_not,
    )


def _of_accounts(name: str, made: Task, suite: Suite, pilot: PilotTask | None) -> TaskEstimate:
    """Whole episodes, of which the repeats on one market are one observation."""
    steps = steps_of(made, "test")
    error = sharpe_error(made, steps)
    before = steps_of(made, "warmup") if suite.warmup else 0
    known = DifferenceSpread(
        error, error * 2**0.5,
        f"the error of a Sharpe ratio over {steps} days, of returns that correlate by a half or "
        "not at all",
    )  # fmt: skip
    return TaskEstimate(
        task=name,
        decisions=suite.repeats * (steps + before),
        independent=suite.repeats if made.is_simulated else 1,
        at_once=suite.repeats,
        spread=known if pilot is None else pilot.spread,
        unit=SHARPE,
    )


def _in_one(made: Task) -> int:
    """Snapshots that are one observation."""
    return 2 if made.options.get("antithetic") else 1

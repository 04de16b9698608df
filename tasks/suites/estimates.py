"""What a run of a suite will cost and show, before any of it is played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.agents.llm.answer import Usage
from investorbench.agents.llm.models import Model
from investorbench.tasks.snapshots.power import SIZE, smallest_difference
from investorbench.tasks.snapshots.references import (
    YARDSTICKS,
    SnapshotReference,
)
from investorbench.tasks.snapshots.results import reference_for
from investorbench.tasks.snapshots.scores import BPS
from investorbench.tasks.suites.freezing import task_of_suite
from investorbench.tasks.suites.suite import Suite, SuiteTask
from investorbench_env.errors import InvestorBenchError

FloatArray = npt.NDArray[np.float64]

SECONDS = 5.0
"""That an answer is taken to need, where no pilot has shown it."""
AT_ONCE = 64
"""Episodes that a run plays at once, as ``concurrency`` has it."""
HOUR, MINUTE = 3_600.0, 60.0


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
    """How far the differences of two agents vary from decision to decision, in basis points.

    Attributes:
        least: of the two agents whose decisions are most alike.
        most: of those whose are least alike.
        source: what it was found from, in words.
    """

    least: float
    most: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEstimate:
    """What one agent plays of a task, and what that can show.

    Attributes:
        task: its name.
        decisions: that it is asked for, those of the warm-up split included.
        independent: scores that do not hang on each other: snapshots or pairs of them, else
            episodes.
        at_once: episodes that can be played at once.
        spread: of differences; None where it is not known.
        scale: what skill 1 is worth in basis points; None where that is not known.
        why_not: why the spread is not known.
    """

    task: str
    decisions: int
    independent: int
    at_once: int
    spread: DifferenceSpread | None = None
    scale: float | None = None
    why_not: str = ""

    def differences(self, agents: int = 2) -> tuple[float, float] | None:
        """The differences, in basis points, that are seen with 80 % power: least and most.

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
    suite: Suite, spreads: Mapping[str, DifferenceSpread] | None = None
) -> list[TaskEstimate]:
    """What one agent plays of a suite, task by task.

    Args:
        suite: that is to be run.
        spreads: of a pilot by the names of tasks; without one those of the frozen references.

    Raises:
        InvestorBenchError: a task's data is not there.
    """
    return [_task_estimate(each, suite, spreads or {}) for each in suite.tasks]


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


def spread_of(edges: Mapping[str, FloatArray], source: str) -> DifferenceSpread | None:
    """The spread of the differences of agents, from edges on the same snapshots [n] each."""
    found = [
        float((one - other).std(ddof=1)) * BPS
        for one, other in combinations(edges.values(), 2)
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
    task: SuiteTask, suite: Suite, spreads: Mapping[str, DifferenceSpread]
) -> TaskEstimate:
    made = task_of_suite(task, suite)
    facts, spread = made.facts("test"), spreads.get(task.task)
    if facts.horizon is None:
        steps = facts.steps + (made.facts("warmup").steps if suite.warmup else 0)
        return TaskEstimate(
            task=task.task,
            decisions=suite.repeats * steps,
            independent=suite.repeats,
            at_once=suite.repeats,
            why_not="what accounts distinguish over days their own table says",
        )
    in_pair = 2 if made.options.get("antithetic") else 1
    scale, why_not = None, ""
    try:
        reference = reference_for(made)
        scale = (reference.filter - reference.floor) * BPS
        spread = spread or between_yardsticks(reference, in_pair)
    except InvestorBenchError as error:
        why_not = str(error)
    return TaskEstimate(
        task=task.task,
        decisions=suite.decisions,
        independent=suite.decisions // in_pair,
        at_once=suite.repeats,
        spread=spread,
        scale=scale,
        why_not="" if spread else why_not,
    )

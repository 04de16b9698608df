"""All that is known of a suite's run before it: what models will take, and what it will show."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.agents.llm.models import Model
from investorbench.tasks.planning.estimates import (
    SECONDS,
    AnswerSize,
    ModelEstimate,
    TaskEstimate,
    model_estimate,
    task_estimates,
)
from investorbench.tasks.planning.pilots import Pilot, pilot_of
from investorbench.tasks.suites.suite import Suite


class SuitePlan(NamedTuple):
    """What is expected of a run.

    Attributes:
        suite: that is run.
        tasks: what each model plays of it.
        models: what each will take.
        answering: what an answer was taken to need.
        pilot: that this rests on; None where it rests on the suite alone.
    """

    suite: Suite
    tasks: list[TaskEstimate]
    models: list[ModelEstimate]
    answering: AnswerSize
    pilot: Pilot | None

    @property
    def in_a_table(self) -> int:
        """Agents of a table, all pairs of which are tested at once: models and references."""
        return len(self.models) + len(self.suite.references)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        agents = self.in_a_table
        return {
            "suite": self.suite.name,
            "answering": self.answering._asdict(),
            "pilot": None if self.pilot is None else str(self.pilot.run),
            "tasks": [
                {
                    **asdict(each),
                    "spread": None if each.spread is None else each.spread._asdict(),
                    "of_two": each.differences(),
                    "of_all": each.differences(agents) if agents > 1 else None,
                }
                for each in self.tasks
            ],
            "models": [asdict(each) for each in self.models],
        }


def plan_of(
    suite: Suite,
    models: Mapping[str, Model],
    pilot: Path | None = None,
    seconds: float = SECONDS,
    data: str | None = None,
) -> SuitePlan:
    """What is expected of a run of a suite.

    Args:
        suite: that is to be run.
        models: by name.
        pilot: the folder of an earlier run; None to go by the suite's own figures.
        seconds: that an answer takes.
        data: where that of real markets is.

    Raises:
        InvestorBenchError: the pilot shows nothing of the suite, or a task does not fit its data.
    """
    seen = None if pilot is None else pilot_of(pilot, suite)
    tasks = task_estimates(suite, None if seen is None else seen.tasks, data)
    answering = AnswerSize(suite.tokens.read, suite.tokens.written)
    if seen is not None and seen.answering is not None:
        answering = seen.answering
    answering = answering._replace(seconds=seconds)
    estimates = [model_estimate(name, own, tasks, answering) for name, own in models.items()]
    return SuitePlan(suite, tasks, estimates, answering, seen)

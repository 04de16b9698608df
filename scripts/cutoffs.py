"""Snapshots of real days for language models: after what any of a run may know, by its makers."""

from collections.abc import Sequence

from investorbench.agents.llm import Model
from investorbench.tasks.running.job import Job
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

OPTION = "knowledge_cutoff"


def with_cutoff(overrides: Sequence[str], jobs: Sequence[Job], of_run: Sequence[Job]) -> list[str]:
    """A command line with the latest knowledge cutoff of a run, where it plays real snapshots.

    It is that of all agents of the run, which so stand in one table, unless the line gives one.

    Args:
        overrides: the command line.
        jobs: that it asks for.
        of_run: all jobs of the run.

    Raises:
        InvestorBenchError: it asks for other tasks besides.
    """
    models = [job.model for job in of_run if job.model is not None and _draws_days(job.task)]
    stated = [latest for model in models if (latest := model.knowledge_cutoff) is not None]
    drawn = [job for job in jobs if _draws_days(job.task) and OPTION not in job.task.options]
    if not stated or not drawn:
        return list(overrides)
    cutoff = max(stated, key=_last_day)
    if len(drawn) < len(jobs):
        ids = ", ".join(sorted({job.task.id for job in drawn}))
        raise InvestorBenchError(
            f"days of {ids} are drawn after the knowledge cutoff of {_named(models, cutoff)}, "
            f"{cutoff}: run them by themselves, or give task.options.{OPTION}="
        )
    return [*overrides, f"++task.options.{OPTION}='{cutoff}'"]


def _draws_days(task: Task) -> bool:
    """Whether it is of snapshots of real markets."""
    return task.is_of_snapshots and not task.is_simulated


def _last_day(cutoff: str) -> str:
    """A day, or the last of a month, so that they can be compared."""
    return f"{cutoff}-31"[: len("YYYY-MM-DD")]


def _named(models: Sequence[Model], cutoff: str) -> str:
    return next(model.name for model in models if model.knowledge_cutoff == cutoff)

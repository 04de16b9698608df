"""What is evaluated, and how."""

from investorbench.tasks.evaluator import evaluate
from investorbench.tasks.loading import LoadedRun, load
from investorbench.tasks.result import Result
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.outcomes import RunOutcome
from investorbench.tasks.task import Task

__all__ = ["Job", "LoadedRun", "Result", "RunOutcome", "Task", "evaluate", "load", "run"]

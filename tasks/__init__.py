"""What is evaluated, and how."""

from investorbench.tasks.evaluator import evaluate
from investorbench.tasks.result import Result
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.outcomes import RunOutcome, load
from investorbench.tasks.task import Task

__all__ = ["Job", "Result", "RunOutcome", "Task", "evaluate", "load", "run"]

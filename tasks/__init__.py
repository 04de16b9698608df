"""What is evaluated, and how."""

from investorbench.tasks.evaluator import evaluate
from investorbench.tasks.result import Result
from investorbench.tasks.task import Task

__all__ = ["Result", "Task", "evaluate"]

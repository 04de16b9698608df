"""What is evaluated, and how."""

from tasks.imports import require_our_agents

require_our_agents()

from tasks.evaluator import evaluate  # noqa: E402
from tasks.result import Result  # noqa: E402
from tasks.task import Task  # noqa: E402

__all__ = ["Result", "Task", "evaluate"]

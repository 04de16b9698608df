"""How long tasks of accounts are, with their data or without it, and what lengths can show."""

from investorbench.tasks.task import SplitName, Task
from investorbench_env.errors import DataNotFoundError
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.sessions import sessions_between
from investorbench_env.universes import find_split, universe_of


def steps_of(task: Task, split: SplitName) -> int:
    """Decisions of an episode; where there is no data, those that the sessions of its dates allow.

    Raises:
        InvestorBenchError: the task names no dates, or does not fit its data.
    """
    try:
        return task.facts(split).steps
    except DataNotFoundError:
        own = (task.start, task.end) if split == "test" else (None, None)
        found = find_split(task.universe or universe_of(task.asset_class), split, *own)
        return len(sessions_between(task.asset_class, found.start, found.end)) - 1


def sharpe_error(task: Task, steps: int) -> float:
    """The standard error of an annual Sharpe ratio near 0, over so many days."""
    return float((ASSET_CLASSES[task.asset_class].days_a_year / steps) ** 0.5)

"""How long tasks are, with their data or without it, and what lengths can show."""

from investorbench.tasks.task import SplitName, Task
from investorbench_env.envs.snapshot_given import GivenSnapshots
from investorbench_env.envs.snapshot_options import SnapshotOptions
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


def days_of(task: Task, decisions: int, *, is_counted: bool = True) -> int:
    """Days that so many real snapshots are of, as a race deals them; each is one observation.

    Args:
        task: of real snapshots.
        decisions: how many.
        is_counted: whether its data is read, which takes seconds for many assets. Else, and where
            there is none, the days are those that the sessions of its dates allow.

    Raises:
        InvestorBenchError: the task names no dates, or does not fit its data.
    """
    if is_counted and (markets := _given(task)) is not None:
        return markets.day_by_day(decisions).days
    universe = task.universe or universe_of(task.asset_class)
    found = find_split(universe, "test", task.start, task.end)
    sessions = len(sessions_between(task.asset_class, found.start, found.end))
    horizon = int(task.options.get("horizon", SnapshotOptions().horizon))
    return min(decisions, sessions // horizon)


def _given(task: Task) -> GivenSnapshots | None:
    """What real snapshots are drawn from; None where there is no data."""
    try:
        markets = task.snapshots().markets
    except DataNotFoundError:
        return None
    return markets if isinstance(markets, GivenSnapshots) else None


def sharpe_error(task: Task, steps: int) -> float:
    """The standard error of an annual Sharpe ratio near 0, over so many days."""
    return float((ASSET_CLASSES[task.asset_class].days_a_year / steps) ** 0.5)

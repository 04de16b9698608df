"""``investorbench baselines``: all baselines on all markets that are there."""

from rich.console import Console

from investorbench.scripts.choices import Choices
from investorbench.scripts.run import run_with
from investorbench.tasks.task import Task
from investorbench_env.errors import DataNotFoundError, InvestorBenchError, MissingDependencyError

ORACLE = "oracle"
NO_BASELINES = (ORACLE, "finmem")


def baselines() -> None:
    """Score the baselines on the simulated markets and on every real one that has data."""
    ours = Choices()
    tasks = ours.names("task")
    simulated = [name for name in tasks if name.endswith("/sim")]
    real = [name for name in tasks if name not in simulated and _has_data(name)]
    agents = [name for name in ours.names("agent") if name not in NO_BASELINES]
    run_with(["-m", f"agent={','.join([*agents, ORACLE])}", f"task={','.join(simulated)}"])
    if real:
        run_with(["-m", f"agent={','.join(agents)}", f"task={','.join(real)}"])
    else:
        Console(stderr=True).print(
            "no real market data found; set INVESTORBENCH_DATA to a folder that has some, or see "
            "investorbench data fetch --help",
            highlight=False,
        )


def _has_data(name: str) -> bool:
    try:
        Task.of(name).make("test")
    except (DataNotFoundError, MissingDependencyError):
        return False
    except InvestorBenchError:
        return True  # there is something, and its own job will say what is wrong with it
    return True

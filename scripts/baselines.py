"""``investorbench baselines``: all baselines on all markets that are there."""

from rich.console import Console

from investorbench.scripts.choices import Choices
from investorbench.scripts.run import run_with
from investorbench.tasks.task import Task
from investorbench_env.errors import DataNotFoundError, InvestorBenchError, MissingDependencyError
from investorbench_env.market.asset_classes import ASSET_CLASSES

ORACLE = "oracle"
SEED = 0
"""Named, so that everybody who scores the baselines gets the same figures."""
NO_BASELINES = (ORACLE, "filter", "finmem")
NO_DATA = (
    "no market data of your own found; set INVESTORBENCH_DATA to a folder that has some, or see "
    "investorbench data fetch --help"
)


def baselines() -> None:
    """Score the baselines: on real markets in installed packages, simulated ones, those of data."""
    ours = Choices()
    agents = [name for name in ours.names("agent") if name not in NO_BASELINES]
    tasks = ours.names("task")
    simulated = [name for name in tasks if name.endswith("/sim")]
    installed = [name for name in tasks if ASSET_CLASSES[name.split("/")[0]].installed]
    rest = [name for name in tasks if name not in (*simulated, *installed)]
    # Each in a run of its own: a mean over tasks is one over tasks of a kind.
    _score(agents, installed)
    _score([*agents, ORACLE], simulated)
    _score(agents, rest, otherwise=NO_DATA)


def _score(agents: list[str], tasks: list[str], otherwise: str = "") -> None:
    """Score agents on those tasks whose markets are there; where none is, say what to do."""
    lacking = {name: reason for name in tasks if (reason := _lacks(name))}
    present = [name for name in tasks if name not in lacking]
    if present:
        chosen = [f"agent={','.join(agents)}", f"task={','.join(present)}"]
        run_with(["-m", *chosen, f"seed={SEED}"])
    elif lacking:
        advice = otherwise or next(iter(lacking.values()))
        Console(stderr=True).print(advice, highlight=False, markup=False, soft_wrap=True)


def _lacks(name: str) -> str:
    """Why there is no market for a task; empty where there is one."""
    try:
        Task.of(name).facts("test")
    except (DataNotFoundError, MissingDependencyError) as error:
        return str(error)
    except InvestorBenchError:
        return ""  # there is something, and its own job will say what is wrong with it
    return ""

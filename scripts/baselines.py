"""``investorbench baselines``: all baselines on all markets that are there."""

import shutil
import sys
from pathlib import Path

from investorbench.scripts.choices import Choices
from investorbench.scripts.run import run_with
from investorbench.scripts.terminal import Console
from investorbench.tasks.task import Task
from investorbench_env.errors import DataNotFoundError, InvestorBenchError, MissingDependencyError
from investorbench_env.market.asset_classes import ASSET_CLASSES

COMMAND = "investorbench"
ORACLE = "oracle"
SEED = 0
"""Named, so that everybody who scores the baselines gets the same figures."""
NO_BASELINES = (ORACLE, "filter", "finmem")
NO_DATA = (
    "no market data of your own found. To download what the tasks of the paper need: {command} "
    "data fetch paper. Or set INVESTORBENCH_DATA to a folder that has some"
)


def baselines() -> None:
    """Score the baselines: on real markets in installed packages, simulated ones, those of data."""
    ours = Choices()
    agents = [name for name in ours.names("agent") if name not in NO_BASELINES]
    tasks = ours.names("task")
    simulated = [name for name in tasks if name.endswith("/sim")]
    installed = [name for name in tasks if ASSET_CLASSES[name.split("/")[0]].installed]
    rest = [name for name in tasks if name not in (*simulated, *installed)]
    lacking = {name: reason for name in tasks if (reason := _lacks(name))}
    if set(rest) <= set(lacking):
        _say(NO_DATA.format(command=_command()))
    if installed and set(installed) <= set(lacking):
        _say(lacking[installed[0]])
    # Each in a run of its own: a mean over tasks is one over tasks of a kind.
    for group, extra in ((installed, []), (simulated, [ORACLE]), (rest, [])):
        if present := [name for name in group if name not in lacking]:
            chosen = [f"agent={','.join([*agents, *extra])}", f"task={','.join(present)}"]
            run_with(["-m", *chosen, f"seed={SEED}"])


def _say(advice: str) -> None:
    Console(stderr=True).print(advice, highlight=False, markup=False, soft_wrap=True)


def _command() -> str:
    """The command as it can be called here: in a checkout it lies in .venv."""
    beside = Path(sys.executable).with_name(COMMAND)
    if shutil.which(COMMAND) is not None or not beside.exists():
        return COMMAND
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def _lacks(name: str) -> str:
    """Why there is no market for a task; empty where there is one."""
    try:
        Task.of(name).facts("test")
    except (DataNotFoundError, MissingDependencyError) as error:
        return str(error)
    except InvestorBenchError:
        return ""  # there is something, and its own job will say what is wrong with it
    return ""

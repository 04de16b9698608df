"""``investorbench baselines``: all baselines on all markets that are there."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from investorbench.agents.allocators import ALLOCATORS
from investorbench.agents.baselines import BASELINES
from investorbench.agents.signal_rules import SIGNAL_RULES
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
PORTFOLIO, PERPETUALS = "portfolio/", "perpetuals/"
INSTALLED = frozenset(name for name, each in ASSET_CLASSES.items() if each.installed)
NO_DATA = (
    "no market data of your own found. To download what the tasks of the paper need: {command} "
    "data fetch paper. Or set INVESTORBENCH_DATA to a folder that has some"
)


def baselines() -> None:
    """Score the baselines: on real markets in installed packages, simulated ones, those of data."""
    ours = Choices()
    names, tasks = ours.names("agent"), ours.names("task")
    rules = [name for name in names if name in BASELINES]
    divide = [name for name in names if name.removeprefix(PORTFOLIO) in ALLOCATORS]
    trade = [name for name in names if name.removeprefix(PERPETUALS) in SIGNAL_RULES]
    portfolios = [name for name in tasks if name.startswith(PORTFOLIO)]
    perpetuals = [name for name in tasks if name.startswith(PERPETUALS)]
    simulated = [name for name in tasks if name.endswith("/sim")]
    installed = [name for name in tasks if name.split("/")[0] in INSTALLED]
    rest = [name for name in tasks if name not in (*simulated, *installed)]
    lacking = {name: reason for name in tasks if (reason := _lacks(name))}
    if set(rest) <= set(lacking):
        _say(NO_DATA.format(command=_command()))
    if installed and set(installed) <= set(lacking):
        _say(lacking[installed[0]])
    # Each in a run of its own: a mean over tasks is one over tasks of a kind.
    for group, extra in ((installed, []), (simulated, [ORACLE]), (rest, [])):
        of_one = [name for name in group if name not in (*lacking, *portfolios, *perpetuals)]
        _score([*rules, *extra], of_one)
        of_several = [name for name in group if name in portfolios and name not in lacking]
        _score([*divide, *(f"{PORTFOLIO}{name}" for name in extra)], of_several)
        _score(trade, [name for name in group if name in perpetuals and name not in lacking])


def _score(agents: Sequence[str], tasks: Sequence[str]) -> None:
    if agents and tasks:
        run_with(["-m", f"agent={','.join(agents)}", f"task={','.join(tasks)}", f"seed={SEED}"])


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

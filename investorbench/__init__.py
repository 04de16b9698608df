"""Environments and a benchmark for agents that make financial decisions.

In a checkout the packages of this folder are links to those at the top of the repository.
"""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from investorbench.tasks import Job, Result, Task, evaluate, load, run

__all__ = ["Job", "Result", "Task", "evaluate", "load", "run"]
__version__ = version("investorbench")

if not Path(__file__).with_name("agents").is_dir():
    # A checkout without its links, as on Windows or out of an sdist: the packages are beside this.
    __path__.append(str(Path(__file__).resolve().parent.parent))


def __getattr__(name: str) -> Any:
    # On first use: `import investorbench.memory` must not load the tasks.
    if name in __all__:
        from investorbench import tasks

        return getattr(tasks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

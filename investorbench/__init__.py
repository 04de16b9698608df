"""Environments and a benchmark for agents that make financial decisions.

The packages of this folder are links to those at the top of the repository.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from investorbench.tasks import Result, Task, evaluate

__all__ = ["Result", "Task", "evaluate"]
__version__ = version("investorbench")


def __getattr__(name: str) -> Any:
    # On first use: `import investorbench.memory` must not load the tasks.
    if name in __all__:
        from investorbench import tasks

        return getattr(tasks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

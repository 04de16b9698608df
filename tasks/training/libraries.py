"""torch, transformers, TRL and datasets, imported where a training begins; nothing before it is."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from investorbench_env.errors import MissingDependencyError

QUIET = {"TRL_EXPERIMENTAL_SILENCE": "1", "TOKENIZERS_PARALLELISM": "false"}


class Libraries(NamedTuple):
    """The modules that train; they have types only where they are installed, so here they are Any.

    Attributes:
        torch, transformers, trl, datasets: the modules.
    """

    torch: Any
    transformers: Any
    trl: Any
    datasets: Any


def libraries() -> Libraries:
    """Import what trains.

    Raises:
        MissingDependencyError: something is not installed; with the extra that installs it.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of their own making: a reader can do nothing about them
        found = Libraries(*map(_imported, Libraries._fields))
    found.datasets.disable_progress_bars()
    found.transformers.utils.logging.set_verbosity_error()
    found.transformers.utils.logging.disable_progress_bar()
    return found


@contextmanager
def without_their_warnings() -> Iterator[None]:
    """Let libraries warn of what they themselves deprecate without ending a training by it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        missing = (error.name or name).partition(".")[0]
        raise MissingDependencyError(missing, "train", "training") from None

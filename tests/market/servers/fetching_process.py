"""A process that fetches, forked from one that has imported everything, so that many are cheap."""

import os
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["investorbench.scripts.data", "pandas", "yfinance", __name__])


def fetching(name: str, folder: Path) -> BaseProcess:
    """Fetch a task into a folder, in a process that may be killed."""
    started = CONTEXT.Process(target=_fetch, args=(dict(os.environ), name, str(folder)))
    started.start()
    return started


def _fetch(environment: Mapping[str, str], name: str, folder: str) -> None:
    from investorbench.scripts.data import main

    os.environ.update(environment)
    main(["fetch", name, "--yes", "--into", folder])

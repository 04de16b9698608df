"""Jobs in processes of their own: joblib here, submitit on Slurm, or tasks of Ray."""

import contextlib
import importlib.util
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from investorbench.tasks.running.job import Job
from investorbench_env.errors import InvestorBenchError, MissingDependencyError

PLUGINS = {
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
    "submitit_slurm": "hydra_plugins.hydra_submitit_launcher",
    "ray": "ray",
}
"""What each launcher but ``basic`` needs."""
LAUNCHER = "launcher"
HERE, RAY = "basic", "ray"
ONE_MACHINE = ("joblib", "submitit_local", RAY)
"""Launchers that may start several jobs on one machine."""
LOOK_EVERY_S = 0.5


def launcher_in(overrides: Sequence[str]) -> str:
    """The launcher that a command line names.

    Raises:
        InvestorBenchError: it is not installed, or cannot be used so.
    """
    given = dict(override.partition("=")[::2] for override in overrides if "=" in override)
    name = given.get(LAUNCHER) or given.get(f"hydra/{LAUNCHER}", HERE)
    if name == HERE:
        return name
    if "-m" not in overrides and "--multirun" not in overrides:
        raise InvestorBenchError(f"launcher={name} is for sweeps: give -m, too")
    if "shard" in given:
        raise InvestorBenchError(
            f"launcher={name} starts processes for all jobs: leave out shard=..., which is for "
            "processes that you start"
        )
    if given.get("serve", "").lower() == "true" and name in ONE_MACHINE:
        raise InvestorBenchError(
            f"launcher={name} would start a server for every job, on one machine: leave out "
            "launcher=..., or serve=true and name the server that runs with model.base_url=..."
        )
    if name in PLUGINS and importlib.util.find_spec(PLUGINS[name]) is None:
        package = PLUGINS[name].rpartition(".")[2].replace("_", "-")
        extra = RAY if name == RAY else "sweep"
        raise MissingDependencyError(package, extra, f"launcher={name}")
    return name


def without_launcher(overrides: Sequence[str]) -> list[str]:
    """A command line without what concerns how its jobs are launched."""
    how = (f"{LAUNCHER}=", f"hydra/{LAUNCHER}=", f"hydra.{LAUNCHER}.")
    return [each for each in overrides if not each.startswith(how)]


@contextlib.contextmanager
def launched_shown(jobs: Sequence[Job], folder: Path) -> Iterator[None]:
    """A bar of the episodes that are finished, in any process, while the block runs."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    ended = threading.Event()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        planned = sum(job.repeats for job in jobs)
        bar = progress.add_task("episodes finished", total=planned)

        def look() -> None:
            while not ended.wait(LOOK_EVERY_S):
                finished = sum(
                    job.is_finished(folder, n) for job in jobs for n in range(job.repeats)
                )
                progress.update(bar, completed=finished)

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()


@contextlib.contextmanager
def errors_raised() -> Iterator[None]:
    """Let errors of launched jobs through, which Hydra would print with a trace of its own."""
    name = "HYDRA_FULL_ERROR"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before

"""``launcher=ray``: jobs as tasks on a Ray cluster that runs already.

What comes of them is in their records: in a folder that all machines of the cluster share, or,
where there is none, at an address from which the folder of this machine fetches it.
"""

import contextlib
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

from investorbench.agents.errors import EXPLAINED, INFRASTRUCTURE
from investorbench.scripts.composing import Composed
from investorbench.tasks.record.episode_folder import FAILURE
from investorbench.tasks.record.files import write_json
from investorbench.tasks.record.object_store import put_from_here
from investorbench.tasks.running.episodes import WhenEnded
from investorbench.tasks.running.job import Job
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError, UnknownNameError

RAY = "ray"
ADDRESS = "RAY_ADDRESS"
ON_ITS_MACHINE = "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"
HOST_AND_PORT = re.compile(r"(ray://)?\[?(?P<host>[^/\[\]]+)\]?:(?P<port>\d{1,5})")
PATIENCE_S = 10.0
"""How long a cluster may take to be there."""
Play = Callable[[Sequence[Composed], WhenEnded | None], list[str]]
"""Runs jobs of one command line in this process; why some failed of which no record says so."""
Say = Callable[[str], None]


class RayJobs(NamedTuple):
    """What one task of the cluster runs.

    Attributes:
        jobs: the jobs: one, or several that may ask the same and have no cache in common.
        composed: the configuration of each.
        play: runs them.
    """

    jobs: Sequence[Job]
    composed: Sequence[Composed]
    play: Play


@dataclass(frozen=True, slots=True, kw_only=True)
class RaySettings:
    """How jobs are placed on a cluster.

    Attributes:
        address: of the cluster; None for that of the environment, or of this machine.
        cpus: that each job takes.
        gpus: likewise.
        tries: how often a job is begun whose worker died.
        pass_on: names of variables of the environment that jobs are given.
        runtime_env: as Ray takes it: files, packages.
    """

    address: str | None
    cpus: float
    gpus: float
    tries: int
    pass_on: Sequence[str]
    runtime_env: Mapping[str, Any] | None

    @classmethod
    def of(cls, config: DictConfig) -> "RaySettings":
        """From the part ``ray`` of a configuration.

        Raises:
            InvestorBenchError: a setting does not do.
        """
        given: Any = OmegaConf.to_container(config, resolve=True)
        for name in ("cpus", "gpus"):
            if not isinstance(given[name], int | float) or given[name] < 0:
                raise InvestorBenchError(f"ray.{name}={given[name]!r} must be a number from 0 on")
        if not isinstance(given["tries"], int) or given["tries"] < 1:
            wanted = "must be a whole number of at least 1"
            raise InvestorBenchError(f"ray.tries={given['tries']!r} {wanted}")
        if missing := [name for name in given["pass_on"] if name not in os.environ]:
            raise InvestorBenchError(f"ray.pass_on names ${missing[0]}, which is not set here")
        return cls(**given)


class _Place(NamedTuple):
    """Where a task finds and leaves what it runs; plain, for it goes to another machine."""

    folder: str
    """From which the command was given."""
    environment: Mapping[str, str]
    address: str | None
    places: Sequence[str]


def launch(
    tasks: Sequence[RayJobs],
    settings: RaySettings,
    address: str | None,
    ended: Callable[[RayJobs], None],
    say: Say,
) -> dict[Job, str]:
    """Run jobs on the cluster, and wait for all of them.

    Args:
        tasks: what to run.
        settings: how to place them.
        address: where records are put; None where the folder of the run is shared.
        ended: called with each of them that has come to its end.
        say: takes lines on the cluster.

    Returns:
        Why jobs failed of which their records cannot say so.

    Raises:
        InvestorBenchError: there is no such cluster.
    """
    ray: Any = import_module("ray")
    environment = {name: os.environ[name] for name in settings.pass_on}
    failed: dict[Job, str] = {}
    with _connected(settings):
        say(_described(ray.nodes(), settings, len(tasks)))
        play = ray.remote(
            num_cpus=settings.cpus, num_gpus=settings.gpus, max_retries=settings.tries - 1
        )(_play)
        running = {}
        for task in tasks:
            places = [job.path(Path()).as_posix() for job in task.jobs]
            place = _Place(str(Path.cwd()), environment, address, places)
            running[play.remote(task.play, task.composed, place)] = task
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            task = running.pop(done)
            try:
                reasons = ray.get(done)
            except ray.exceptions.RayError as error:
                reasons = [f"its Ray task failed: {_in_a_line(error)}"]
            try:
                ended(task)
            except (*EXPLAINED, *INFRASTRUCTURE) as error:  # the others go on
                reasons = [*reasons, str(error)]
            if reasons:
                failed |= dict.fromkeys(task.jobs, "; ".join(reasons))
    return failed


def mark_failed(job: Job, folder: Path, why: str) -> None:
    """Mark the repeats of a job that are not finished, where no process is writing them."""
    if not job.path(folder).is_dir():
        return
    for repeat in range(job.repeats):
        path = job.path(folder) / f"repeat-{repeat}"
        if job.is_finished(folder, repeat) or (path / FAILURE).exists():
            continue
        with (
            contextlib.suppress(Timeout, OSError),
            FileLock(job.path(folder) / f".repeat-{repeat}.lock", timeout=0),
        ):
            path.mkdir(exist_ok=True)
            write_json(path / FAILURE, {"kind": "infrastructure", "why": why, "trace": ""})


def _play(play: Play, composed: Sequence[Composed], place: _Place) -> list[str]:
    """What a worker does: run jobs, and say what their records do not."""
    os.environ.update(place.environment)
    here = chdir(place.folder) if Path(place.folder).is_dir() else contextlib.nullcontext()
    with here:
        sys.path.append(str(Path.cwd()))
        try:
            if place.address is None:
                return play(composed, None)
            with put_from_here(place.address, place.places) as (run, putting):
                for each in composed:
                    each.config.folder = str(run)
                return play(composed, putting.ended)
        except (*EXPLAINED, *INFRASTRUCTURE) as error:
            return [str(error)]  # in words, for some errors cannot be sent
        finally:
            sys.path.pop()


@contextlib.contextmanager
def _connected(settings: RaySettings) -> Iterator[None]:
    """A connection to a cluster while the block runs; none is started.

    Raises:
        InvestorBenchError: there is none.
    """
    ray: Any = import_module("ray")
    address = settings.address or os.environ.get(ADDRESS) or "auto"
    os.environ.setdefault(ON_ITS_MACHINE, "0")  # of what it would warn
    _require_known(settings.runtime_env or {})
    try:
        _require_listener(address)
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env=None if settings.runtime_env is None else dict(settings.runtime_env),
        )
    except Exception as error:  # noqa: BLE001 - Ray raises whatever it likes
        raise InvestorBenchError(
            f"no Ray cluster at {address}: {_in_a_line(error).rstrip('.')}. Start one with "
            f"`ray start --head`, or name it: ray.address=…, or ${ADDRESS}"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()  # and with it what still runs for this process


def _require_known(runtime_env: Collection[str]) -> None:
    """Refuse parts of an environment that Ray leaves out with a warning that nobody sees.

    Raises:
        UnknownNameError: there are some.
    """
    known: Any = import_module("ray.runtime_env").RuntimeEnv.known_fields
    for name in runtime_env:
        if name not in known:
            raise UnknownNameError("part of ray.runtime_env", name, sorted(known))


def _require_listener(address: str) -> None:
    """Refuse a place where nothing listens, on which Ray would wait for minutes.

    Raises:
        OSError: nothing does.
    """
    if (place := HOST_AND_PORT.fullmatch(address)) is not None:
        with socket.create_connection((place["host"], int(place["port"])), PATIENCE_S):
            pass


def _described(nodes: Sequence[Mapping[str, Any]], settings: RaySettings, tasks: int) -> str:
    own = [node["Resources"] for node in nodes if node["Alive"]]
    total = sum(node.get("CPU", 0.0) for node in own)
    said = (
        f"{count(tasks, 'task')} on a Ray cluster of {count(len(own), 'machine')} "
        f"with {total:g} CPUs"
    )
    wanted = {"CPU": settings.cpus, "GPU": settings.gpus}
    if not any(all(node.get(name, 0.0) >= n for name, n in wanted.items()) for node in own):
        asked = ", ".join(f"{n:g} {name}" for name, n in wanted.items())
        said += f"; none of them has {asked}, as a job takes: they wait for one that has"
    return said


def _in_a_line(error: BaseException) -> str:
    """What an error says, in one line, for Ray's hold whole traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if lines[0].startswith("\x1b") or "Traceback" in str(error):
        return lines[-1]
    # What ends with a colon says nothing without what follows, as versions that do not match.
    said = " ".join(lines[:8]) if lines[0].endswith(":") else lines[0]
    return f"{type(error).__name__}: {said}"

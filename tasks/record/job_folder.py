"""Run folders: a record of everything an agent decided, written as it happens.

A job is one agent on one task. Its folder holds ``config.yaml``, ``manifest.json`` and a folder for
each repeat with ``warmup.jsonl`` and ``decisions.jsonl`` (a line a step, each carrying the hash of
the one before) and ``metrics.json``.
"""

import contextlib
import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import BaseFileLock, FileLock, Timeout

from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder
from investorbench.tasks.record.lines import RecordError, write_atomically, write_json
from investorbench.tasks.result import Result
from investorbench.tasks.step import Step

PACKAGES = (
    "investorbench_env",
    "investorbench.memory",
    "investorbench.agents",
    "investorbench.tasks",
    "investorbench.scripts",
)
DEPENDENCIES = ("investorbench", "gymnasium", "numpy", "pandas", "exchange_calendars")
CONFIG = "config.yaml"
REPEATS = re.compile(r"^repeats: (\d+)$", re.MULTILINE)
PATIENCE_S = 60.0
"""How long another process may take to write a file of a job."""


class BusyError(RecordError):
    """An episode that another process is writing."""


class JobFolder:
    """Where one job is recorded; a context manager, and callable as ``watch`` of ``evaluate``.

    Several processes may write a job at once, each other episodes of it. A job that is to have more
    repeats than before goes on.

    Args:
        path: the folder; what it holds of the same job goes on.
        config: the configuration of the job, as YAML: all that determines what comes out.
        save_every: steps from one checkpoint of the agent to the next.

    Raises:
        RecordError: the folder holds another job.
    """

    def __init__(self, path: Path, config: str, save_every: int = SAVE_EVERY) -> None:
        self.path = path
        self._save_every = save_every
        self._episodes: dict[int, EpisodeFolder] = {}
        self._locks: dict[int, BaseFileLock] = {}
        self._made = [each for each in (path, *path.parents) if not each.exists()]
        with self._alone():
            self._claim(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for repeat in list(self._episodes):
            self.release(repeat)
        if error is not None and not list(self.path.glob("repeat-*")):
            self._leave_nothing()

    def __call__(self, step: Step) -> None:
        """Append a step to the record of its repeat and split."""
        self.episode(step.repeat).write(step)

    def episode(self, repeat: int) -> EpisodeFolder:
        """The folder of a repeat, for this process alone until it is released.

        Raises:
            BusyError: another process is writing it.
            RecordError: what is recorded was changed or damaged.
        """
        if repeat not in self._episodes:
            path = self.path / f"repeat-{repeat}"
            lock = FileLock(self.path / f".repeat-{repeat}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise BusyError(f"{path} is being written by another run") from None
            self._locks[repeat] = lock
            try:
                self._episodes[repeat] = EpisodeFolder(path, self._save_every)
            except BaseException:
                self._locks.pop(repeat).release()
                raise
        return self._episodes[repeat]

    def release(self, repeat: int) -> None:
        """Close the folder of a repeat and let other processes write it."""
        self._episodes.pop(repeat).close()
        self._locks.pop(repeat).release()

    def finish(self, result: Result) -> None:
        """Write what the job came to, when all its repeats are there."""
        heads = []
        for number, episode in enumerate(result.episodes):
            folder = EpisodeFolder(self.path / f"repeat-{number}")
            folder.finish(episode)
            heads.append(folder.figures().get("records"))
        with self._alone():
            bound = {
                "config_sha256": text_hash((self.path / CONFIG).read_text(encoding="utf-8")),
                "records": heads,
            }
            write_json(self.path / "manifest.json", manifest_of(result) | bound)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """For the moment that it takes to write a file of the whole job."""
        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / ".lock").acquire(timeout=PATIENCE_S):
            yield

    def _claim(self, config: str) -> None:
        path = self.path / CONFIG
        if not path.exists():
            write_atomically(path, config)
        elif _has_more_repeats(config, path.read_text(encoding="utf-8")):
            (self.path / "manifest.json").unlink(missing_ok=True)  # it is not finished any more
            write_atomically(path, config)
        elif (found := path.read_text(encoding="utf-8")) != config:
            raise RecordError(
                f"{self.path} holds a run of another configuration ({_difference(found, config)}); "
                "give another folder=..., or remove it"
            )

    def _leave_nothing(self) -> None:
        """Take away what was made of a job that failed before there was anything to record."""
        locks = [FileLock(path) for path in self.path.glob(".repeat-*.lock")]
        with contextlib.ExitStack() as stack, contextlib.suppress(Timeout):
            for lock in locks:  # another process may be about to write
                stack.enter_context(lock.acquire(timeout=0))
            for path in (self.path / CONFIG, *self.path.glob(".*lock")):
                path.unlink(missing_ok=True)
            for folder in self._made:
                with contextlib.suppress(OSError):  # another job's files are in it
                    folder.rmdir()


def manifest_of(result: Result) -> dict[str, Any]:
    """What it takes to know where a result comes from, and its metrics."""
    return {
        "agent": result.agent,
        "described": result.described,
        "task": result.task.id,
        "symbol": result.facts.symbol,
        "protocol": result.protocol,
        "fills": result.fills,
        "window": list(result.window),
        "data_source": result.data_source,
        "simulated": result.simulated,
        "market_sha256": result.market_fingerprint,
        "findings": list(result.findings),
        "options": {name: str(value) for name, value in result.task.options.items()},
        "seeds": [episode.seed for episode in result.episodes],
        "metrics": result.metrics,
        "answers": [episode.answers for episode in result.episodes],
        "code_sha256": code_hash(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in DEPENDENCIES},
    }


def code_hash(folders: Mapping[str, Path] | None = None) -> str:
    """SHA-256 over the source files of packages by name; None for our own."""
    digest = hashlib.sha256()
    for package, root in (source_folders() if folders is None else folders).items():
        for path in sorted(root.rglob("*.py")):
            name = f"{package}/{path.relative_to(root).as_posix()}"
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def source_folders() -> dict[str, Path]:
    """Where our packages are, in a checkout or installed."""
    return {package: Path(str(files(package))) for package in PACKAGES}


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _has_more_repeats(config: str, found: str) -> bool:
    """Whether a configuration asks for more repeats than another one, and for the same else."""
    wanted, had = REPEATS.search(config), REPEATS.search(found)
    if wanted is None or had is None or REPEATS.sub("", config) != REPEATS.sub("", found):
        return False
    return int(wanted[1]) > int(had[1])


def _difference(found: str, config: str) -> str:
    """The first lines that tell two configurations apart."""
    theirs, ours = (
        [line for line in text.splitlines() if line not in other.splitlines()]
        for text, other in ((found, config), (config, found))
    )
    parts = (f"it has {theirs[0].strip()!r}" if theirs else "",
             f"this one {ours[0].strip()!r}" if ours else "")  # fmt: skip
    return ", ".join(part for part in parts if part) or "lines in another order"

"""Run folders: a record of everything an agent decided, written as it happens.

A job is one agent on one task. Its folder holds ``config.yaml``, ``references.json``,
``manifest.json`` and a folder for each repeat with ``warmup.jsonl`` and ``decisions.jsonl`` (a
header, then a line a step, each carrying the hash of the one before) and ``metrics.json``.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from filelock import BaseFileLock, FileLock, Timeout

from investorbench.tasks.metrics import mean_of
from investorbench.tasks.plain import plain
from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.digests import MANIFEST, write_manifest
from investorbench.tasks.record.episode_folder import (
    FILES,
    METRICS,
    SAVE_EVERY,
    EpisodeFolder,
    figures_in,
)
from investorbench.tasks.record.files import bytes_of, read_json
from investorbench.tasks.record.kept_answers import (
    request_hashes,
    rows_bound,
    rows_in_use,
)
from investorbench.tasks.record.lines import RecordError, read_record, version_of
from investorbench.tasks.record.references import (
    REFERENCES,
    plain_references,
    usable_references,
    write_references,
)
from investorbench.tasks.record.schema import SCHEMA, Content
from investorbench.tasks.record.settings import (
    CONFIG,
    RACE,
    REPEATS,
    as_yaml,
    has_more_repeats,
    settings_in,
    text_hash,
)
from investorbench.tasks.result import Reference, Result
from investorbench.tasks.step import Step
from investorbench_env.whole_files import write_atomically

MEAN = "mean over repeats"
"""What the metrics of a manifest are; without a word on it they are those of the repeat with the
median Sharpe ratio, as earlier versions wrote them."""
PATIENCE_S = 60.0
"""How long another process may take to write a file of a job."""


class BusyError(RecordError):
    """An episode that another process is writing."""


class JobFolder:
    """Where one job is recorded; a context manager, and callable as ``watch`` of ``evaluate``.

    Several processes may write a job at once, each other episodes of it. A job that is to have more
    repeats than before is resumed.

    Args:
        path: the folder; what it holds of the same job is resumed.
        config: the configuration of the job, as YAML: all that determines what comes out.
        save_every: steps from one checkpoint of the agent to the next.

    Raises:
        RecordError: the folder holds another job.
    """

    def __init__(self, path: Path, config: str, save_every: int = SAVE_EVERY) -> None:
        self.path = path
        self._settings = settings_in(config)
        self._save_every = save_every
        self._episodes: dict[int, EpisodeFolder] = {}
        self._locks: dict[int, BaseFileLock] = {}
        self._made = [each for each in (path, *path.parents) if not each.exists()]
        with alone_in(self.path):
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
                self._episodes[repeat] = EpisodeFolder(
                    path,
                    self._save_every,
                    self._settings,
                    crc32(f"{self.path.name}/{repeat}".encode()),
                )
            except BaseException:
                self._locks.pop(repeat).release()
                raise
        return self._episodes[repeat]

    def release(self, repeat: int) -> None:
        """Close the folder of a repeat and let other processes write it."""
        self._episodes.pop(repeat).close()
        self._locks.pop(repeat).release()

    @property
    def repeats(self) -> int:
        """How many repeats the job has come to have."""
        return int(self._settings[REPEATS])

    def go_on_to(self, repeat: int) -> None:
        """Have the job come to a repeat, where how many there are is not known before."""
        if repeat >= self.repeats:
            self._settings = {**self._settings, REPEATS: repeat + 1}
            with alone_in(self.path):
                self._claim(as_yaml(self._settings))

    def keep_references(self, references: Sequence[Reference] | None) -> None:
        """Keep what the job is compared with, unless more is kept already."""
        if references is None:
            return
        kept = usable_references(self.path)
        if kept is None or (
            len(references) >= len(kept) and plain_references(references) != plain_references(kept)
        ):
            with alone_in(self.path):
                write_references(self.path, references)

    @property
    def binds_references(self) -> bool:
        """Whether the job is finished, and its manifest speaks of the references as they are."""
        manifest = self.path / MANIFEST
        if not manifest.exists():
            return False
        return read_json(manifest).get("references_sha256") == references_hash(self.path)

    def finish(self, result: Result, answers: Path | None = None) -> None:
        """Write what came of the job, when all its repeats are there.

        Args:
            result: of the job.
            answers: where replies of its model were kept; None where they were not.
        """
        self.keep_references(result.references)
        heads = []
        for number, episode in enumerate(result.episodes):
            path = self.path / f"repeat-{number}"
            if not (path / METRICS).exists():
                EpisodeFolder(path).finish(episode)
            heads.append(figures_in(path).get("records"))
        with alone_in(self.path):
            bound: Content = {
                "config_sha256": text_hash((self.path / CONFIG).read_text(encoding="utf-8")),
                "records": heads,
                "references_sha256": references_hash(self.path),
            }
            if answers is not None and answers.is_file():
                rows = rows_in_use(answers, self._request_hashes(len(heads)))
                bound["kept_answers"] = rows_bound(rows)
            write_manifest(self.path, manifest_of(result) | bound)

    def _request_hashes(self, repeats: int) -> Iterator[str]:
        for number in range(repeats):
            for name in FILES.values():
                for line in read_record(self.path / f"repeat-{number}" / name).lines:
                    yield from request_hashes(line.answers)

    def _claim(self, config: str) -> None:
        self._require_this_version()
        path = self.path / CONFIG
        found = path.read_text(encoding="utf-8") if path.exists() else None
        if found == config:
            return
        if found is not None and RACE in self._settings and has_more_repeats(found, config):
            self._settings = settings_in(found)  # it has come further than its first round
            return
        if found is not None and not has_more_repeats(config, found):
            raise RecordError(
                f"{self.path} holds a run of another configuration ({_difference(found, config)}); "
                "give another folder=..., or remove it"
            )
        (self.path / MANIFEST).unlink(missing_ok=True)  # it is not finished any more
        write_atomically(path, config)

    def _require_this_version(self) -> None:
        for name in FILES.values():
            for path in sorted(self.path.glob(f"repeat-*/{name}")):
                if version_of(path) not in (0, SCHEMA):
                    read_record(path).require_resumable()

    def _leave_nothing(self) -> None:
        """Take away what was made of a job that failed before there was anything to record."""
        locks = [FileLock(path) for path in self.path.glob(".repeat-*.lock")]
        with contextlib.ExitStack() as stack, contextlib.suppress(Timeout):
            for lock in locks:  # another process may be about to write
                stack.enter_context(lock.acquire(timeout=0))
            for path in (self.path / CONFIG, self.path / REFERENCES, *self.path.glob(".*lock")):
                path.unlink(missing_ok=True)
            for folder in self._made:
                with contextlib.suppress(OSError):  # another job's files are in it
                    folder.rmdir()


@contextlib.contextmanager
def alone_in(job: Path) -> Iterator[None]:
    """For the moment that it takes to write a file of a whole job."""
    try:
        job.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(
            f"{job} cannot be made ({error.strerror}): remove what stands there, or name another "
            "folder"
        ) from None
    with FileLock(job / ".lock").acquire(timeout=PATIENCE_S):
        yield


def manifest_of(result: Result) -> dict[str, Any]:
    """What it takes to know where a result comes from, and its metrics."""
    code = code_of()
    return {
        "schema": SCHEMA,
        "agent": result.agent,
        **({"knows": result.knows} if result.knows else {}),
        "described": result.described,
        "task": result.task.id,
        "symbol": result.facts.symbol,
        "protocol": result.protocol,
        "fills": result.fills,
        "window": list(result.facts.window),
        "data_source": result.data_source,
        "simulated": result.simulated,
        "markets": result.facts.markets,
        "market_sha256": result.market_fingerprint,
        "findings": list(result.facts.findings),
        "options": {name: str(plain(value)) for name, value in result.task.options.items()},
        "seeds": [episode.seed for episode in result.episodes],
        "market_seeds": [episode.market_seed for episode in result.episodes],
        "metrics": result.metrics,
        "metrics_of": MEAN,
        "answers": [episode.answers for episode in result.episodes],
        "code_sha256": code["sha256"],
        "python": code["python"],
        "versions": code["versions"],
    }


def summed_up(
    repeats: Sequence[Mapping[str, float | None]], manifest: Mapping[str, Any]
) -> Mapping[str, float | None]:
    """What a manifest says of the metrics of a job's repeats, as the version that wrote it does."""
    if manifest.get("metrics_of") == MEAN:
        return mean_of(repeats)
    ranked = sorted(repeats, key=lambda metrics: metrics.get("SR") or 0.0)
    return ranked[(len(ranked) - 1) // 2]


def references_hash(job: Path) -> str | None:
    """SHA-256 of what the job in a folder is compared with; None where nothing was kept.

    Raises:
        InvestorBenchError: it is there, and cannot be read.
    """
    path = job / REFERENCES
    return hashlib.sha256(bytes_of(path)).hexdigest() if path.exists() else None


def _difference(found: str, config: str) -> str:
    """The first lines that tell two configurations apart."""
    theirs, ours = (
        [line for line in text.splitlines() if line not in other.splitlines()]
        for text, other in ((found, config), (config, found))
    )
    parts = (f"it has {theirs[0].strip()!r}" if theirs else "",
             f"this one {ours[0].strip()!r}" if ours else "")  # fmt: skip
    return ", ".join(part for part in parts if part) or "lines in another order"

"""The seed of a run: the one that is named, or recorded, or else drawn and kept in its folder."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from investorbench.tasks.record.run_folder import SEED, SEED_LOCK
from investorbench.tasks.record.settings import CONFIG, read_settings
from investorbench.tasks.running.job import Job
from investorbench.tasks.seeds import drawn_seed, require_seed
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

SHARED = "\n\n"
"""How the file of a seed ends once a second process has read it."""


@contextlib.contextmanager
def seeded(jobs: Sequence[Job], run: Path | None) -> Iterator[list[Job]]:
    """Jobs whose seed is known while the block runs; those that name none share one.

    It is that of the folder where there is one: processes that share a folder meet the same
    markets, and a run that is resumed goes on with those that it met.

    Args:
        jobs: of one run.
        run: its folder; None where nothing is recorded.

    Raises:
        InvestorBenchError: a seed is none, or that of the folder was damaged.
    """
    seeds = [_named_or_recorded(job, run) for job in jobs]
    if run is None or None not in seeds:
        yield _with(jobs, seeds, drawn_seed())
        return
    made = [each for each in (run, *run.parents) if not each.exists()]
    drawn = False
    try:
        seed, drawn = _kept(run)
        yield _with(jobs, seeds, seed)
    finally:
        if drawn:
            _leave_no_seed_alone(run, made)


def _with(jobs: Sequence[Job], seeds: Sequence[int | None], shared: int) -> list[Job]:
    return [
        replace(job, settings={**job.settings, "seed": shared if seed is None else seed})
        for job, seed in zip(jobs, seeds, strict=True)
    ]


def _named_or_recorded(job: Job, run: Path | None) -> int | None:
    if job.settings["seed"] is not None:
        return require_seed(job.settings["seed"])
    return None if run is None else _recorded(job.path(run) / CONFIG)


def _recorded(config: Path) -> int | None:
    """The seed that a configuration holds; None where there is none that can be read."""
    if not config.exists():
        return None
    with contextlib.suppress(InvestorBenchError, LookupError):  # its next reader says why
        return require_seed(read_settings(config.parent)["seed"])
    return None


def _kept(run: Path) -> tuple[int, bool]:
    """The seed of a folder and whether it had none yet: what was recorded by a name counts, too.

    A second reader adds an empty line, so that who wrote it sees that it is no longer alone.
    """
    path = run / SEED
    try:
        run.mkdir(parents=True, exist_ok=True)
        with FileLock(run / SEED_LOCK):
            if path.exists():
                text = path.read_text(encoding="utf-8")
                read = require_seed(int(text))
                write_atomically(path, f"{text.rstrip()}{SHARED}")
                return read, False
            known = map(_recorded, sorted(run.rglob(CONFIG)))
            seed = next((each for each in known if each is not None), None)
            seed = drawn_seed() if seed is None else seed
            write_atomically(path, f"{seed}\n")
            return seed, True
    except ValueError:
        raise InvestorBenchError(f"{path} holds no seed: it was changed or damaged") from None


def _leave_no_seed_alone(run: Path, made: Sequence[Path]) -> None:
    """Take away a seed under which nothing came to be recorded, and what was made to keep it.

    One that another process has read stays: that one may be about to record something.
    """
    with contextlib.suppress(OSError), FileLock(run / SEED_LOCK):
        alone = not (run / SEED).read_text(encoding="utf-8").endswith(SHARED)
        if alone and {each.name for each in run.iterdir()} <= {SEED, SEED_LOCK}:
            for name in (SEED, SEED_LOCK):
                (run / name).unlink(missing_ok=True)
            for folder in made:
                folder.rmdir()

"""Sealing a plan before anything is run, and the whole record after.

A seal that lies in the folder of its run proves nothing by itself, since it can be made again: what
counts is that its line was published before the run, or before anybody had a reason to change it.
"""

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from investorbench.tasks.record.run_files import A_LINK, SealedParts
from investorbench.tasks.record.sealing.plans import Planned, planned_parts, record_parts
from investorbench.tasks.record.sealing.seals import Seal, name_of, seal_file
from investorbench.tasks.record.settings import CONFIG
from investorbench_env.errors import InvestorBenchError

NONCE_BYTES = 16
LOCK = ".plan.seal.lock"
LISTED = 3


def seal_plan(jobs: Sequence[Planned], run: str | Path) -> Seal:
    """Fix what is to be run in a folder; the same plan again has the same seal.

    Args:
        jobs: all that is to be run, with the seed of the run.
        run: the folder, in which nothing is recorded yet.

    Raises:
        InvestorBenchError: something is recorded, another plan was sealed, there is no data for a
            job, or it has no seed.
    """
    run = Path(run)
    content = {_place(job, run): planned_parts(job) for job in jobs}
    path = seal_file(run, "plan")
    with _alone_in(run):
        if path.exists():
            seal = Seal.read(path)
            others = Seal.of("plan", content).other_parts(seal)
            if others:
                raise InvestorBenchError(
                    f"{path} is the seal of another plan ({_listed(others)}): give another "
                    "folder=..., or remove it where it was not published"
                )
        elif next(run.rglob("repeat-*/*.jsonl"), None) is not None:
            raise InvestorBenchError(
                f"{run} holds decisions already, and a plan is sealed before anything is run: give "
                "another folder=..., or seal what is recorded when all of it is"
            )
        else:
            seal = Seal.of("plan", content, secrets.token_hex(NONCE_BYTES))
        seal.write(run)
    return seal


def require_planned(jobs: Sequence[Planned], run: Path) -> None:
    """Refuse to run what a plan that was sealed for the folder does not have, or has otherwise.

    Raises:
        InvestorBenchError: which parts of which job are others.
    """
    path = seal_file(run, "plan")
    if not path.exists():
        return
    sealed: Mapping[str, SealedParts] = Seal.read(path).content or {}
    others = []
    for job in jobs:
        place = _place(job, run)
        for part, own in planned_parts(job).items():
            if sealed.get(place, {}).get(part) != own:
                others.append(name_of(place, part))
    if others:
        raise InvestorBenchError(
            f"{path} is the seal of a plan that this run does not fit ({_listed(others)}): give "
            "another folder=..., or remove it to run without a sealed plan"
        )


def seal_record(run: str | Path) -> Seal:
    """Fix all that is recorded in a folder; the same record has the same seal everywhere.

    Args:
        run: the folder of a whole run.

    Raises:
        InvestorBenchError: it holds no record, or links, is being written, or was sealed as another
            one.
    """
    run = Path(run)
    if (run / CONFIG).exists():
        raise InvestorBenchError(f"{run} is the folder of one job: seal that of its run")
    seal = Seal.of("record", _require_files(record_parts(run)))
    _require_at_rest(run)
    path = seal_file(run, "record")
    if path.exists():
        known = Seal.read(path)
        if others := known.other_parts(seal):
            raise InvestorBenchError(
                f"{path} is the seal of another record ({_listed(others)}): `investorbench seal "
                f"--check {run}` names all of it; without that file it is sealed as it is now"
            )
        seal = known
    seal.write(run)
    return seal


def _require_files(parts: Mapping[str, SealedParts]) -> Mapping[str, SealedParts]:
    """The same, if all of it are files.

    Raises:
        InvestorBenchError: which are none.
    """
    links = [
        name_of(place, f"{name} ({part})")
        for place, own in parts.items()
        for part, content in own.items()
        for name, found in content.items()
        if found == A_LINK
    ]
    if links:
        raise InvestorBenchError(
            f"{_listed(links)}: {A_LINK}, which others would not find: put the file in its place"
        )
    return parts


@contextlib.contextmanager
def _alone_in(run: Path) -> Iterator[None]:
    """For the moment that it takes to seal a plan, so that processes that share it share a seal."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / LOCK).acquire()
    except OSError as error:
        raise InvestorBenchError(f"{run} cannot be written to: {error.strerror}") from None
    with lock:
        yield


def _require_at_rest(run: Path) -> None:
    """Refuse a record that another process is writing."""
    for path in sorted(run.rglob(".repeat-*.lock")):
        try:
            # A folder that cannot be written to is not being written.
            with contextlib.suppress(OSError), FileLock(path, timeout=0):
                pass
        except Timeout:
            raise InvestorBenchError(
                f"{path.parent} is being written by another process: seal it when that is done"
            ) from None


def _place(job: Planned, run: Path) -> str:
    return job.path(run).relative_to(run).as_posix()


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more

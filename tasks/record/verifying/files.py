"""Whether the files of a job are its own, all there, and those its manifest was written for."""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from investorbench.tasks.record.digests import (
    DIGEST,
    FILES_OF,
    MANIFEST,
    OF_A_REPEAT,
    file_hashes,
    manifest_digest,
)
from investorbench.tasks.record.episode_folder import FAILURE, METRICS
from investorbench.tasks.record.files import is_of_a_system
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.references import REFERENCES
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.record.verifying.findings import Finding, without_place
from investorbench_env.errors import InvestorBenchError

OF_A_JOB = {CONFIG, MANIFEST, REFERENCES, ".lock"}
OF_A_JOB_TOO = re.compile(r"\.repeat-\d+\.lock$|report\.|report$|leaderboard\.|seal\.")
LISTED = 3


def foreign(job: RecordedJob) -> Iterator[Finding]:
    """Files and repeats that are not of the job, and links, which are not of the record at all."""
    for path in _listed(job.path):
        if path in job.episodes and path.is_dir():
            for inner in _listed(path):
                if inner.name not in OF_A_REPEAT:
                    yield Finding(path=inner, what="is no part of a record", is_wrong=False)
            if (path / METRICS).exists() and (path / FAILURE).exists():
                what = f"is there beside {METRICS}, and no run leaves both"
                yield Finding(path=path / FAILURE, what=what)
        elif re.fullmatch(r"repeat-\d+", path.name):
            yield Finding(path=path, what=f"is one more than the {job.repeats} of {CONFIG}")
        elif path.name not in OF_A_JOB and not OF_A_JOB_TOO.match(path.name):
            yield Finding(path=path, what="is no part of a record", is_wrong=False)
    yield from _links(job.path)


def not_as_bound(
    job: RecordedJob, manifest: Content, named: Collection[Path], *, is_younger: bool
) -> Iterator[Finding]:
    """Files that are not those which the manifest was written for, itself among them.

    Args:
        job: of the files.
        manifest: what it says.
        named: files and folders of which other findings say that they were changed, and how.
        is_younger: whether its lines hold what no version without a digest wrote.
    """
    path = job.path / MANIFEST
    if DIGEST not in manifest:
        what = f"has no {DIGEST}: an older version wrote it, and nothing binds the files of the job"
        if is_younger:
            what = f"has no {DIGEST}, and the version that wrote its lines writes one"
        yield Finding(path=path, what=what, is_wrong=is_younger, kind="digest")
        return
    if manifest_digest(manifest) != manifest[DIGEST]:
        what = f"its {DIGEST} is that of another content: it was changed since the job was finished"
        yield Finding(path=path, what=what, kind="digest")
    bound = manifest.get(FILES_OF)
    try:
        found = file_hashes(job.path)
    except InvestorBenchError as error:
        yield Finding(path=path, what=f"not compared with the files: {error}", kind="digest")
        return
    bound = bound if isinstance(bound, dict) else {}
    changed = [
        name
        for name in found
        if name in bound and found[name] != bound[name]
        if not {job.path / name, (job.path / name).parent} & {*named}
    ]
    for words, names in (
        ("is missing, and was there when the job was finished", bound.keys() - found.keys()),
        ("was not there when the job was finished", found.keys() - bound.keys()),
        ("was changed since the job was finished", changed),
    ):
        if names:
            first, *others = sorted(names)
            shown = ", ".join([*others[:LISTED], *["…"] * (len(others) > LISTED)])
            rest = f"; so it is with {shown}" if others else ""
            yield Finding(path=job.path / first, what=f"{words}{rest}", kind="digest")


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not is_of_a_system(path))


def _links(folder: Path) -> Iterator[Finding]:
    for where, folders, names in os.walk(folder):
        for name in sorted((*folders, *names)):
            path = Path(where) / name
            if path.is_symlink():
                try:
                    leads = f" to {path.readlink()}"
                except OSError as error:
                    leads = f" ({without_place(error, path)})"
                what = f"is a link{leads}: a record holds its own files, which nothing else changes"
                yield Finding(path=path, what=what)

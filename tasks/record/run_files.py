"""The files that the record of a run consists of, and the hash of each.

Left out is what may change while the record does not: locks, the file of a seed, seals, reports,
figures of trackers, what file managers leave. Of ``answers.sqlite`` the rows count, not the bytes.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from investorbench.tasks.record.answer_rows import answer_rows
from investorbench.tasks.record.files import is_of_a_system
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.schema import Content
from investorbench_env.errors import InvestorBenchError

THE_RUN = "."
"""The place of what belongs to no job."""
FILES, ROWS = "files", "answers"
"""SealedParts: files that are of no repeat; the rows of answers."""
OF_THE_RUN = ("spending.txt", "suite.json")
NOT_OF_A_JOB = re.compile(r"(?:report|leaderboard)\.|.*\.lock$")
REPORT = "report"
"""The folder of a report, where it is one."""
A_LINK = "a link, or no file"
"""Stands for the hash of what is no file of its own."""

SealedParts = dict[str, Content]
"""What a place holds, by the name of the part."""


def files_of(run: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a record but the answers, with the job in whose folder it lies.

    Args:
        run: the folder.

    Yields:
        The path of the job's folder in the run, ``"."`` for what is of no job, and the file.

    Raises:
        InvestorBenchError: it is no run folder.
    """
    jobs = set(jobs_in(run))
    for where, folders, names in os.walk(run):
        folder = Path(where)
        # A report may be a folder beside the repeats; one that holds a job is none.
        folders[:] = sorted(each for each in folders if each != REPORT or folder not in jobs)
        links = [each for each in folders if (folder / each).is_symlink()]
        job = next((each for each in (folder, *folder.parents) if each in jobs), None)
        for name in sorted([*names, *links]):
            if is_of_a_system(folder / name):
                continue
            if job is not None and not (folder in (job, run) and NOT_OF_A_JOB.match(name)):
                if not name.endswith(".lock"):
                    yield job.relative_to(run).as_posix(), folder / name
            elif job is None and name in (*OF_THE_RUN, ANSWERS):
                if folder != run:
                    raise InvestorBenchError(f"{run} holds several runs: name {folder}, or others")
                if name in OF_THE_RUN:
                    yield THE_RUN, folder / name


def file_parts(run: Path) -> dict[str, SealedParts]:
    """SHA-256 of every file of a record, by place, part and path in the part.

    Raises:
        InvestorBenchError: it is no run folder, or a file cannot be read.
    """
    parts: dict[str, SealedParts] = {}
    for place, path in files_of(run):
        first, *rest = path.relative_to(run / place).parts
        part, name = (first, "/".join(rest)) if rest else (FILES, first)
        parts.setdefault(place, {}).setdefault(part, {})[name] = file_hash(path)
    if (run / ANSWERS).exists():
        rows = answer_rows(run / ANSWERS)
        found = {
            "rows": len(rows) - 1,
            "sha256": hashlib.sha256("".join(rows).encode()).hexdigest(),
        }
        parts.setdefault(THE_RUN, {})[ROWS] = found
    return parts


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a link or a pipe, which others would not find, what it is.

    Raises:
        InvestorBenchError: the system does not give it out.
    """
    if path.is_symlink() or not path.is_file():
        return A_LINK
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvestorBenchError(f"{path} cannot be read: {error.strerror}") from None

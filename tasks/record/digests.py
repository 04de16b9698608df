"""One digest over everything that a finished job holds: what its manifest binds together.

Left out are files that may change afterwards: locks, reports, seals, and what is not the record's.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from investorbench.agents.llm.canonical import digest
from investorbench.tasks.record.files import bytes_of, is_of_a_system, read_json, write_json
from investorbench.tasks.record.schema import Content, without_nan

MANIFEST = "manifest.json"
FILES_OF, DIGEST = "files", "digest"
"""In a manifest: SHA-256 of every other file of the job by its path, and of the manifest itself."""
NAMES = ("config.yaml", "references.json")
OF_A_REPEAT = (
    "warmup.jsonl", "decisions.jsonl", "metrics.json", "labels.json", "failure.json",
    "checkpoint.json", "collection", "agent", "memory",
)  # fmt: skip
PASSING = (".lock",)
"""How the names of files end that hold nothing."""


def bound_paths(job: Path) -> Iterator[str]:
    """The paths of all files that the record of a job consists of, in it, but for its manifest."""
    for name in NAMES:
        if (job / name).is_file():
            yield name
    for repeat in sorted(job.glob("repeat-*")):
        for name in OF_A_REPEAT:
            path = repeat / name
            found = _files_below(path) if path.is_dir() else [path] * path.is_file()
            for each in found:
                if not each.name.endswith(PASSING) and not is_of_a_system(each):
                    yield each.relative_to(job).as_posix()


def file_hashes(job: Path) -> dict[str, str]:
    """SHA-256 of every file of a job by its path in it.

    Raises:
        InvestorBenchError: one cannot be read.
    """
    return {path: hashlib.sha256(bytes_of(job / path)).hexdigest() for path in bound_paths(job)}


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of all that a manifest says, the hashes of the other files included."""
    rest = {name: part for name, part in manifest.items() if name != DIGEST}
    return digest(without_nan(rest))


def write_manifest(job: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a job, bound to all its other files as they are now."""
    bound: Content = {**content, FILES_OF: file_hashes(job)}
    write_json(job / MANIFEST, {**bound, DIGEST: manifest_digest(bound)})


def bind_again(job: Path) -> None:
    """Renew what a manifest binds after a file of the job was renewed; an older one binds none."""
    manifest = read_json(job / MANIFEST)
    if DIGEST in manifest:
        write_manifest(job, manifest)


def _files_below(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(where) / name for name in sorted(names))

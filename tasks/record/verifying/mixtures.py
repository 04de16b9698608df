"""What tells the jobs of one run apart that should not, and what was mixed within one job."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from investorbench.tasks.record.lines import RecordFile
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.verifying.findings import Finding, Manifests, brief
from investorbench.tasks.servers import (
    Asking,
    asked_model,
    changes_of_server,
    differences_of_servers,
    servers_of,
)

VERSIONS = {
    "code_sha256": "another version of the code",
    "versions": "other versions of packages",
    "python": "another version of Python",
}
APART = ("protocol", "data_source", "window", "options")
"""Results that differ in these are no mistake, and share no table."""


def mixtures(manifests: Manifests) -> Iterator[Finding]:
    """What tells the jobs of one run folder apart that should not, and what may.

    Args:
        manifests: by the folder of the job.
    """
    yield from servers_between(manifests)
    for name, words in VERSIONS.items():
        for path, other in _odd(manifests, name):
            what = f"mixed: was run with {words} than {_name(other)}"
            yield Finding(path=path, what=what, kind="mixed")
    same: dict[tuple[str, ...], dict[Path, Content]] = defaultdict(dict)
    for path, manifest in manifests.items():
        same[tuple(str(manifest.get(name)) for name in ("task", "symbol"))][path] = manifest
    for own in same.values():
        for name in APART:
            for path, other in _odd(own, name):
                values = [brief(own[each].get(name)) for each in (path, other)]
                what = f"{name} is {values[0]}, in {_name(other)} {values[1]}: never in one table"
                yield Finding(path=path, what=what, is_wrong=False, kind="mixed")
        by_source: dict[tuple[str, ...], dict[Path, Content]] = defaultdict(dict)
        for path, manifest in own.items():  # another version takes other fingerprints
            source = tuple(str(manifest.get(name)) for name in ("data_source", "schema"))
            by_source[source][path] = manifest
        for alike in by_source.values():
            for path, other in _odd(alike, "market_sha256"):
                what = f"mixed: was run on other data from the same source than {_name(other)}"
                yield Finding(path=path, what=what, kind="mixed")


def servers_between(manifests: Manifests) -> Iterator[Finding]:
    """A model that answered one job as something else than another one."""
    try:
        asking = [
            Asking(
                _name(path),
                asked_model(manifest.get("described")),
                [one for each in manifest.get("answers") or () for one in (each or {}).values()],
            )
            for path, manifest in manifests.items()
        ]
        found = list(differences_of_servers(asking))
    except (LookupError, TypeError, AttributeError):
        return  # a manifest that was changed, which is found elsewhere
    for what in found:
        run = next(iter(manifests)).parent
        yield Finding(path=run, what=f"mixed: {what}", is_wrong=False, kind="mixed")


def versions_within(records: Sequence[RecordFile], manifest: Content) -> Iterator[Finding]:
    """Of the files begun with other versions than the job was finished with, which may be, one."""
    for name, words in VERSIONS.items():
        others = [
            record.path
            for record in records
            if record.header is not None
            and record.header.code.get(name.removeprefix("code_")) != manifest.get(name)
        ]
        if others:
            rest = f"; so were {len(others) - 1} more files" if len(others) > 1 else ""
            what = f"was begun with {words} than manifest.json names{rest}"
            yield Finding(path=others[0], what=what, is_wrong=False, kind="mixed")


def servers_within(job: RecordedJob, records: Sequence[RecordFile]) -> Iterator[Finding]:
    """What the answers of a job say of the servers that gave them, where that is several things."""
    servers = servers_of(
        answer for record in records for line in record.lines for answer in line.answers
    )
    for what in changes_of_server(job.name, [{"servers": servers}]):
        yield Finding(path=job.path, what=f"mixed: {what}", is_wrong=False, kind="mixed")


def _name(job: Path) -> str:
    return "/".join(job.resolve().parts[-2:])


def _odd(manifests: Mapping[Path, Content], name: str) -> Iterator[tuple[Path, Path]]:
    """Jobs that differ in a field from what most have, each with one of those."""
    values = {path: json.dumps(manifest.get(name)) for path, manifest in manifests.items()}
    ((usual, _),) = Counter(values.values()).most_common(1)
    other = next(path for path, value in values.items() if value == usual)
    for path, value in values.items():
        if value != usual:
            yield path, other

"""Whether the files of a job that hold no lines say each thing once, as their writer writes it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from investorbench.tasks.record.digests import DIGEST, FILES_OF, MANIFEST
from investorbench.tasks.record.episode_folder import CHECKPOINT, METRICS
from investorbench.tasks.record.files import bytes_of
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.references import REFERENCES
from investorbench.tasks.record.schema import SCHEMA
from investorbench.tasks.record.settings import CONFIG, as_yaml, read_settings
from investorbench.tasks.record.verifying.findings import Finding
from investorbench.tasks.record.verifying.kept import BOUND
from investorbench.tasks.record.verifying.written import TwiceError, each_once
from investorbench_env.errors import InvestorBenchError

WRITTEN = {
    METRICS: ("schema", "seed", "metrics", "records", "answers", "described"),
    CHECKPOINT: ("split", "steps", "agent"),
    REFERENCES: ("schema", "references"),
    MANIFEST: (
        "schema", "agent", "knows", "described", "task", "symbol", "protocol", "fills", "window",
        "data_source", "simulated", "markets", "market_sha256", "findings", "options", "seeds",
        "market_seeds", "metrics", "metrics_of", "answers", "code_sha256", "python", "versions",
        "config_sha256", "records", "references_sha256", BOUND, FILES_OF, DIGEST,
    ),
}  # fmt: skip
"""What the files of a record say, by name."""


def ambiguous(job: RecordedJob) -> Iterator[Finding]:
    """Files that two readers may read otherwise: with a key twice, or YAML of another hand."""
    names = (MANIFEST, REFERENCES)
    for path in (
        *(job.path / name for name in names),
        *(path / name for path in job.episodes for name in (METRICS, CHECKPOINT)),
    ):
        try:
            content = json.loads(bytes_of(path), object_pairs_hook=each_once)
            yield from _strange(path, content)
        except TwiceError as error:
            yield Finding(path=path, what=f"{error} stands twice in one object", kind="bytes")
        except (InvestorBenchError, ValueError, RecursionError):
            continue  # another finding says so
    yield from _named(job)
    path = job.path / CONFIG
    if bytes_of(path) != as_yaml(read_settings(job.path)).encode():
        what = "is not written as a run writes it: a key stands twice, or it was edited by hand"
        yield Finding(path=path, what=what, is_wrong=False, kind="bytes")


def _strange(path: Path, content: Any) -> Iterator[Finding]:
    """The first part of a file that its writer never wrote, so that it says nothing on its own."""
    is_ours = isinstance(content, dict) and content.get("schema", SCHEMA) == SCHEMA
    if is_ours and (strange := [name for name in content if name not in WRITTEN[path.name]]):
        what = f"it has {strange[0]!r}, which no version up to this one writes"
        yield Finding(path=path, what=what, kind="bytes")


def _named(job: RecordedJob) -> Iterator[Finding]:
    """Whether the name of a job names the model that answered, where it names one."""
    model = read_settings(job.path).get("model")
    found = re.search(r"(?:^| )model=(\S+)", job.name)
    if found and isinstance(model, dict) and found[1] != str(model.get("name")):
        what = f"the job is called {job.name}, and its model {model.get('name')}"
        yield Finding(path=job.path / CONFIG, what=what, is_wrong=False, kind="headers")

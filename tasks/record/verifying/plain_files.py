"""Whether the files of a job that hold no lines say each thing once, as their writer writes it."""

import json
from collections.abc import Iterator

from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import METRICS
from investorbench.tasks.record.files import bytes_of
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.references import REFERENCES
from investorbench.tasks.record.settings import CONFIG, as_yaml, read_settings
from investorbench.tasks.record.verifying.findings import Finding
from investorbench.tasks.record.verifying.written import TwiceError, each_once
from investorbench_env.errors import InvestorBenchError


def ambiguous(job: RecordedJob) -> Iterator[Finding]:
    """Files that two readers may read otherwise: with a key twice, or YAML of another hand."""
    names = (MANIFEST, REFERENCES)
    for path in (
        *(job.path / name for name in names),
        *(path / name for path in job.episodes for name in (METRICS, "checkpoint.json")),
    ):
        try:
            json.loads(bytes_of(path), object_pairs_hook=each_once)
        except TwiceError as error:
            yield Finding(path=path, what=f"{error} stands twice in one object", kind="bytes")
        except (InvestorBenchError, ValueError, RecursionError):
            continue  # another finding says so
    path = job.path / CONFIG
    if bytes_of(path) != as_yaml(read_settings(job.path)).encode():
        what = "is not written as a run writes it: a key stands twice, or it was edited by hand"
        yield Finding(path=path, what=what, is_wrong=False, kind="bytes")

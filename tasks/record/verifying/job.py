"""All that the record of one job shows by itself, and the facts of the market that is here."""

from collections.abc import Iterator
from pathlib import Path

from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import header_in, is_observed, read_record
from investorbench.tasks.record.reading import (
    RecordedJob,
    is_drawn_no_more,
    require_one_version,
)
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.verifying.episode import Records, unobserved, verify_episode
from investorbench.tasks.record.verifying.files import foreign, not_as_bound
from investorbench.tasks.record.verifying.findings import Finding, without_place
from investorbench.tasks.record.verifying.headers import verify_descriptions, verify_headers
from investorbench.tasks.record.verifying.kept import not_as_kept
from investorbench.tasks.record.verifying.manifest import verify_manifest
from investorbench.tasks.record.verifying.mixtures import servers_within, versions_within
from investorbench.tasks.record.verifying.plain_files import ambiguous
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from investorbench_env.facts import Facts


def verify_job(job: RecordedJob) -> Iterator[Finding]:
    """What is wrong with the record of a job, or worth knowing of it."""
    findings = list(_but_for_digests(job))
    yield from findings
    try:
        manifest = job.manifest
    except InvestorBenchError:
        return  # a finding says so already
    if manifest is not None:
        wrong = [each for each in findings if each.is_wrong]
        # An episode in the wrong place has none of the files that it should have.
        misplaced = {each.path.parent for each in wrong if each.kind == "headers"}
        named = {each.path for each in wrong} | misplaced
        yield from not_as_bound(job, manifest, named, is_younger=_is_observed(job))


def _but_for_digests(job: RecordedJob) -> Iterator[Finding]:
    is_finished = (job.path / MANIFEST).exists()
    yield from foreign(job)
    try:
        require_one_version(job)
    except InvestorBenchError as error:
        yield Finding(path=job.path, what=without_place(error, job.path), kind="chain")
        return
    market, unchecked = _market(job)
    if unchecked is not None:
        yield unchecked
    records: dict[Path, Records] = {}
    for number, path in enumerate(job.episodes):
        if path.is_dir():
            own = {split: read_record(path / name) for split, name in FILES.items()}
            records[path] = own
            yield from verify_episode(job, number, own, market)
        else:
            what = f"is missing, one of {job.repeats} repeats that were to be run"
            yield Finding(path=path, what=what, is_wrong=is_finished, kind="unfinished")
    yield from verify_headers(job, records, market)
    yield from verify_descriptions(job)
    yield from ambiguous(job)
    yield from unobserved(job.path, [each for own in records.values() for each in own.values()])
    files = [record for own in records.values() for record in own.values()]
    manifest: Content | None = None
    if is_finished:
        try:
            manifest = job.manifest
        except InvestorBenchError as error:
            what = without_place(error, job.path / MANIFEST)
            yield Finding(path=job.path / MANIFEST, what=what, kind="manifest")
    else:
        what = f"has no {MANIFEST}: not finished; the command that began it resumes it"
        yield Finding(path=job.path, what=what, is_wrong=False, kind="unfinished")
    if manifest is not None:
        yield from verify_manifest(job, manifest, records, market.get("test"))
        yield from versions_within(files, manifest)
    yield from servers_within(job, files)
    yield from not_as_kept(job.path, files, manifest)


def _is_observed(job: RecordedJob) -> bool:
    """Whether lines hold what was observed, which no version without a digest wrote."""
    paths = [path / name for path in job.episodes for name in FILES.values()]
    return any(is_observed(path) for path in paths)


def _market(job: RecordedJob) -> tuple[dict[str, Facts], Finding | None]:
    """The facts of the splits as the data that is here has them, and why there are none."""
    try:
        found: dict[str, Facts] = {split: job.task.facts(split) for split in job.splits}
    except DataNotFoundError as error:
        what = f"not checked against market data: {str(error).split(';')[0]}"
        return {}, Finding(path=job.path, what=what, is_wrong=False, level=2, kind="market")
    except InvestorBenchError as error:
        is_ours = job.task.is_ours
        what = f"{'does not fit' if is_ours else 'not checked against'} the market data: {error}"
        return {}, Finding(path=job.path, what=what, is_wrong=is_ours, level=2, kind="market")
    if any(is_drawn_no_more(_recorded_facts(job), facts) for facts in found.values()):
        what = "not checked against its simulated market, which an older version drew"
        return {}, Finding(path=job.path, what=what, is_wrong=False, level=2, kind="market")
    return found, None


def _recorded_facts(job: RecordedJob) -> Facts | None:
    """What the first header says of the environment; None where there is none."""
    headers = (header_in(path / name) for path in job.episodes for name in FILES.values())
    return next((header.facts for header in headers if header is not None), None)

"""Whether a record is whole, and what is said of it follows from it; runs nothing again.

What it cannot see is a record that was forged throughout, hashes and figures included: running the
recorded actions again (:mod:`investorbench.tasks.record.replaying`) can.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from investorbench.tasks.answers import as_written
from investorbench.tasks.handed import knowledge
from investorbench.tasks.metrics import performance
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import FAILURE, FILES, METRICS
from investorbench.tasks.record.files import folder_name, read_json
from investorbench.tasks.record.job_folder import references_hash, summed_up
from investorbench.tasks.record.lines import CUT_OFF, RecordFile, header_in, read_record
from investorbench.tasks.record.reading import (
    RecordedJob,
    episode_from,
    is_drawn_no_more,
    recorded_failure,
    require_one_version,
)
from investorbench.tasks.record.references import REFERENCES, read_references
from investorbench.tasks.record.schema import SCHEMA, Content, as_json, without_nan
from investorbench.tasks.record.settings import CONFIG, hashes_of, read_settings, text_hash
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from investorbench_env.facts import Facts

OF_A_JOB = {CONFIG, MANIFEST, REFERENCES, ".lock"}
OF_A_JOB_TOO = re.compile(r"\.repeat-\d+\.lock$|report\.|leaderboard\.")
OF_A_REPEAT = {
    *FILES.values(),
    METRICS,
    FAILURE,
    "checkpoint.json",
    "agent",
    "memory",
    "collection",
}
VERSIONS = {
    "code_sha256": "another version of the code",
    "versions": "other versions of packages",
    "python": "another version of Python",
}
APART = ("protocol", "data_source", "window", "options")
"""Results that differ in these are no mistake, and share no table."""
PRECISION = 1e-9
"""Relative: a weight is recomputed from cash and equity, which rounds."""

LONGEST = 40
"""Characters of a value that a finding quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a file of a record.

    Attributes:
        path: the file or folder.
        what: what is wrong with it, or worth knowing.
        is_wrong: whether the record cannot be trusted there.
    """

    path: Path
    what: str
    is_wrong: bool = True


def verify_job(job: RecordedJob) -> Iterator[Finding]:
    """What is wrong with the record of a job, or worth knowing of it."""
    is_finished = (job.path / MANIFEST).exists()
    yield from _foreign(job)
    try:
        require_one_version(job)
    except InvestorBenchError as error:
        yield Finding(path=job.path, what=str(error).removeprefix(f"{job.path} "))
        return
    market, unchecked = _market(job)
    if unchecked is not None:
        yield unchecked
    older = [facts for facts in market.values() if is_drawn_no_more(_recorded_facts(job), facts)]
    if older:
        market = {}
        what = "not checked against its simulated market, which an older version drew"
        yield Finding(path=job.path, what=what, is_wrong=False)
    records: dict[Path, dict[str, RecordFile]] = {}
    for number, path in enumerate(job.episodes):
        if path.is_dir():
            own = {split: read_record(path / name) for split, name in FILES.items()}
            records[path] = own
            yield from _episode(job, number, own, market)
        else:
            missing = f"is missing, one of {job.repeats} repeats that were to be run"
            yield Finding(path=path, what=missing, is_wrong=is_finished)
    yield from _headers(job, records, market)
    if is_finished:
        yield from _manifest(job, records, market.get("test"))
    else:
        unfinished = f"has no {MANIFEST}: not finished; the command that began it resumes it"
        yield Finding(path=job.path, what=unfinished, is_wrong=False)


def mixtures(manifests: Mapping[Path, Content]) -> Iterator[Finding]:
    """What tells the jobs of one run folder apart that should not, and what may.

    Args:
        manifests: by the folder of the job.
    """
    for name, words in VERSIONS.items():
        for path, other in _odd(manifests, name):
            yield Finding(path=path, what=f"mixed: was run with {words} than {_name(other)}")
    same: dict[tuple[str, ...], dict[Path, Content]] = defaultdict(dict)
    for path, manifest in manifests.items():
        same[tuple(str(manifest.get(name)) for name in ("task", "symbol"))][path] = manifest
    for own in same.values():
        for name in APART:
            for path, other in _odd(own, name):
                values = [_brief(own[each].get(name)) for each in (path, other)]
                what = f"{name} is {values[0]}, in {_name(other)} {values[1]}: never in one table"
                yield Finding(path=path, what=what, is_wrong=False)
        by_source: dict[tuple[str, ...], dict[Path, Content]] = defaultdict(dict)
        for path, manifest in own.items():  # another version takes other fingerprints
            source = tuple(str(manifest.get(name)) for name in ("data_source", "schema"))
            by_source[source][path] = manifest
        for alike in by_source.values():
            for path, other in _odd(alike, "market_sha256"):
                what = f"mixed: was run on other data from the same source than {_name(other)}"
                yield Finding(path=path, what=what)


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


def _foreign(job: RecordedJob) -> Iterator[Finding]:
    for path in sorted(job.path.iterdir()):
        if path in job.episodes and path.is_dir():
            for inner in sorted(path.iterdir()):
                if inner.name not in OF_A_REPEAT:
                    yield Finding(path=inner, what="is no part of a record", is_wrong=False)
        elif re.fullmatch(r"repeat-\d+", path.name):
            yield Finding(path=path, what=f"is one more than the {job.repeats} of {CONFIG}")
        elif path.name not in OF_A_JOB and not OF_A_JOB_TOO.match(path.name):
            yield Finding(path=path, what="is no part of a record", is_wrong=False)


def _market(job: RecordedJob) -> tuple[dict[str, Facts], Finding | None]:
    """The facts of the splits as the data that is here has them, and why there are none."""
    try:
        return {split: job.task.facts(split) for split in job.splits}, None
    except DataNotFoundError as error:
        what = f"not checked against market data: {str(error).split(';')[0]}"
        return {}, Finding(path=job.path, what=what, is_wrong=False)
    except InvestorBenchError as error:
        is_ours = job.task.is_ours
        what = f"{'does not fit' if is_ours else 'not checked against'} the market data: {error}"
        return {}, Finding(path=job.path, what=what, is_wrong=is_ours)


def _recorded_facts(job: RecordedJob) -> Facts | None:
    """What the first header says of the environment; None where there is none."""
    headers = (header_in(path / name) for path in job.episodes for name in FILES.values())
    return next((header.facts for header in headers if header is not None), None)


def _episode(
    job: RecordedJob, number: int, records: Mapping[str, RecordFile], market: Mapping[str, Facts]
) -> Iterator[Finding]:
    path = job.episodes[number]
    is_finished = (path / METRICS).exists()
    for split, record in records.items():
        file = path / FILES[split]
        for what in record.problems:
            yield Finding(path=file, what=what)
        if record.is_cut:
            yield Finding(path=file, what=CUT_OFF, is_wrong=is_finished)
        if split not in job.splits and record.lines:
            yield Finding(path=file, what=f"was not to be run, says {CONFIG}")
        is_due = is_finished or (split == "warmup" and records["test"].lines)
        if split in job.splits and is_due and not record.lines:
            yield Finding(path=file, what="is missing or empty")
        elif record.lines and (is_finished or split == "warmup"):
            yield from _length(file, record, market.get(split), is_finished)
    if not is_finished:
        failed = (path / FAILURE).exists()
        why = f"failed: {recorded_failure(path, 0).why}" if failed else f"it has no {METRICS}"
        what = f"is not finished: {why}, and {len(records['test'].lines)} decisions"
        is_wrong = (job.path / MANIFEST).exists()  # which says that every repeat was
        yield Finding(path=path, what=what, is_wrong=is_wrong)
        return
    try:
        figures = read_json(path / METRICS)
    except InvestorBenchError as error:
        yield Finding(path=path / METRICS, what=str(error).removeprefix(f"{path / METRICS} "))
        return
    header = records["test"].header
    seed = job.seeds[number].agent if header is None else header.seed
    expected: Content = {"seed": seed}
    if header is not None:
        expected["schema"] = SCHEMA
    expected["records"] = {split: own.bound for split, own in records.items() if own.bound}
    if records["test"].lines:
        try:
            with np.errstate(all="ignore"):
                episode = episode_from(job, number, records)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            yield Finding(path=path, what=f"cannot be scored: {type(error).__name__} {error}")
        else:
            expected |= {"metrics": episode.metrics, "answers": episode.answers}
    yield from differences(path / METRICS, figures, expected, "from the decisions follows")


def _length(
    path: Path, record: RecordFile, market: Facts | None, is_finished: bool
) -> Iterator[Finding]:
    """Whether a split goes to its end, or to the ruin of its account."""
    facts = market if record.header is None else record.header.facts
    if facts is None:
        return
    lines, last = len(record.lines), record.lines[-1]
    is_over = last.is_last or last.account.equity <= 0.0
    if lines > facts.steps or (lines < facts.steps and is_finished and not is_over):
        yield Finding(path=path, what=f"has {lines} lines; the split has {facts.steps} steps")


def _headers(
    job: RecordedJob,
    records: Mapping[Path, Mapping[str, RecordFile]],
    market: Mapping[str, Facts],
) -> Iterator[Finding]:
    """Whether headers fit their place, the configuration, each other, and the data that is here."""
    hashes = hashes_of(read_settings(job.path))
    first: dict[str, Facts] = {}
    for number, path in enumerate(job.episodes):
        seeds = job.seeds[number]
        findings: list[Finding] = []
        for split, record in records.get(path, {}).items():
            header, file = record.header, path / FILES[split]
            if header is None:
                continue
            found = header.to_json()
            place: Content = {"split": split, "repeat": number, "seed": seeds.agent}
            if header.market_seed is not None:
                place["market_seed"] = seeds.market
            findings += differences(file, found, place, "its place asks for")
            changed = {"configuration": hashes}
            findings += differences(file, found, changed, f"from {CONFIG} follows")
            if split in first and header.facts != first[split]:
                facts = {"facts": as_json(asdict(first[split]))}
                findings += differences(file, found, facts, "a repeat before it has")
            elif split not in first and split in market:
                facts = {"facts": as_json(asdict(market[split]))}
                yield from differences(file, found, facts, "the market data that is here has")
            first.setdefault(split, header.facts)
        yield from findings[:1]  # an episode in the wrong place differs in much


def _manifest(
    job: RecordedJob,
    records: Mapping[Path, Mapping[str, RecordFile]],
    market: Facts | None,
) -> Iterator[Finding]:
    path = job.path / MANIFEST
    try:
        manifest = read_json(path)
        figures = [read_json(each / METRICS) for each in job.episodes if (each / METRICS).exists()]
    except InvestorBenchError as error:
        yield Finding(path=path, what=f"not checked: {error}")
        return
    config = (job.path / CONFIG).read_text(encoding="utf-8")
    task = job.task
    expected: Content = {
        "config_sha256": text_hash(config),
        "task": task.id,
        **({"protocol": task.protocol} if task.protocol else {}),
        "options": {name: str(value) for name, value in task.options.items()},
    }
    yield from differences(path, manifest, expected, f"from {CONFIG} follows")
    if folder_name(str(manifest.get("agent"))) != job.path.name:
        yield Finding(path=path, what=f"is that of {manifest.get('agent')}, not of this folder")
    if len(figures) == job.repeats:
        expected = {
            "seeds": [each.get("seed") for each in figures],
            "records": [each.get("records") for each in figures],
            "metrics": dict(summed_up([_metrics_in(each) for each in figures], manifest)),
            "answers": [each.get("answers") for each in figures],
            "described": figures[0].get("described"),
        }
        heads = [own["test"].header for own in records.values()]
        if all(head is not None and head.market_seed is not None for head in heads):
            expected["market_seeds"] = [seeds.market for seeds in job.seeds]
        yield from differences(path, manifest, expected, "from the repeats follows")
    headers = [own["test"].header for own in records.values() if own["test"].header is not None]
    if headers:
        facts = headers[0].facts
        expected = {"schema": SCHEMA, **_of_facts(facts)}
        if job.handed:
            expected["knows"] = knowledge(job.handed, facts)
        yield from differences(path, manifest, expected, "in the headers is")
        yield from _other_versions(records, manifest)
        yield from _references(job.path / REFERENCES, manifest, facts)
    elif market is not None:
        expected = _of_facts(market)
        recorded = str(manifest.get("market_sha256"))
        if not market.draws_markets and task.market().is_the_one_recorded(recorded):
            expected["market_sha256"] = recorded
        yield from differences(path, manifest, expected, "the market data that is here has")


def _other_versions(
    records: Mapping[Path, Mapping[str, RecordFile]], manifest: Content
) -> Iterator[Finding]:
    """Of the files begun with other versions than the job was finished with, which may be, one."""
    for name, words in VERSIONS.items():
        others = [
            record.path
            for own in records.values()
            for record in own.values()
            if record.header is not None
            and record.header.code.get(name.removeprefix("code_")) != manifest.get(name)
        ]
        if others:
            rest = f"; so were {len(others) - 1} more files" if len(others) > 1 else ""
            what = f"was begun with {words} than {MANIFEST} names{rest}"
            yield Finding(path=others[0], what=what, is_wrong=False)


def _references(path: Path, manifest: Content, facts: Facts) -> Iterator[Finding]:
    """Whether references are those of the manifest, and their figures follow from their returns."""
    try:
        expected: Content = {"references_sha256": references_hash(path.parent)}
        yield from differences(path.parent / MANIFEST, manifest, expected, f"of {REFERENCES} is")
        references = read_references(path.parent) or ()
    except InvestorBenchError as error:
        yield Finding(path=path, what=str(error).removeprefix(f"{path} "))
        return
    for reference in references:
        if reference.returns is None:
            continue
        with np.errstate(all="ignore"):
            expected = performance(reference.returns, facts.convention, facts.periods_a_year)
        known = {name: reference.figures[name] for name in expected if name in reference.figures}
        name = f"figures of {reference.name}"
        expected = {each: expected[each] for each in known}
        whence = "from its returns follows"
        yield from differences(path, without_nan({name: known}), {name: expected}, whence)


def _of_facts(facts: Facts) -> Content:
    """What a manifest says of them."""
    return {
        "symbol": facts.symbol,
        "market_sha256": facts.fingerprint,
        "data_source": facts.source,
        "simulated": facts.simulated,
        **({"markets": facts.markets} if facts.markets else {}),
        "findings": list(facts.findings),
        "window": list(facts.window),
        "fills": facts.fills,
    }


def differences(
    path: Path, found: Mapping[str, Any], expected: Mapping[str, Any], whence: str
) -> Iterator[Finding]:
    """What a file says that does not follow, by name; of several figures the first."""
    for name, value in without_nan(expected).items():
        own = found.get(name)
        if name == "metrics" and isinstance(own, dict):  # some may be younger than the record
            value = {key: figure for key, figure in value.items() if key in own}
        if name == "answers":
            value = as_written(value, own)
        if _same(own, value):
            continue
        if name not in found:
            what = f"has no {name}: another version wrote it, or it was changed"
            yield Finding(path=path, what=what)
            continue
        others = ""
        if isinstance(value, dict) and isinstance(own, dict):
            first, *rest = [
                key for key in {**value, **own} if not _same(own.get(key), value.get(key))
            ]
            others = f"; also {', '.join(rest)}" if rest else ""
            name, own, value = f"{name}.{first}", own.get(first), value.get(first)
        yield Finding(path=path, what=f"{name} is {_brief(own)}; {whence} {_brief(value)}{others}")


def _same(found: Any, expected: Any) -> bool:
    """Whether two values are equal, floats but for rounding."""
    if isinstance(expected, float) and isinstance(found, int | float):
        return math.isclose(found, expected, rel_tol=PRECISION, abs_tol=PRECISION)
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(
            _same(found[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, found, expected))
    return bool(found == expected)


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _metrics_in(figures: Content) -> dict[str, float]:
    metrics = figures.get("metrics")
    if not isinstance(metrics, dict):
        return {}
    return {str(name): _number(value) for name, value in metrics.items()}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

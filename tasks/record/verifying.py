"""Whether a record is whole, and what is said of it follows from it; runs nothing again.

What it cannot see is a record that was forged throughout, hashes and figures included: running the
recorded actions again (:mod:`investorbench.tasks.record.replaying`) can.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from investorbench.tasks.record.episode_folder import FAILURE, FILES, head_of
from investorbench.tasks.record.job_folder import CONFIG, text_hash
from investorbench.tasks.record.lines import BEFORE_THE_FIRST, CHAIN, Line, chained, without_nan
from investorbench.tasks.record.reading import (
    Content,
    RecordedJob,
    episode_from,
    read_json,
    recorded_failure,
)
from investorbench_env.envs.setup import Setup
from investorbench_env.errors import DataNotFoundError, InvestorBenchError

MANIFEST, METRICS = "manifest.json", "metrics.json"
OF_A_JOB = {CONFIG, MANIFEST, ".lock"}
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

CUT_OFF = "the last line is cut off, as a kill leaves it"
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
    setups, unprepared = _setups(job)
    if unprepared is not None:
        yield unprepared
    for number, path in enumerate(job.episodes):
        if path.is_dir():
            yield from _episode(job, path, job.seeds[number], setups)
        else:
            missing = f"is missing, one of {job.repeats} repeats that were to be run"
            yield Finding(path=path, what=missing, is_wrong=is_finished)
    if is_finished:
        yield from _manifest(job, setups.get("test"))
    else:
        unfinished = f"has no {MANIFEST}: not finished; the command that began it goes on"
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
        by_source: dict[str, dict[Path, Content]] = defaultdict(dict)
        for path, manifest in own.items():
            by_source[str(manifest.get("data_source"))][path] = manifest
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
        if path in job.episodes:
            for inner in sorted(path.iterdir()):
                if inner.name not in OF_A_REPEAT:
                    yield Finding(path=inner, what="is no part of a record", is_wrong=False)
        elif re.fullmatch(r"repeat-\d+", path.name):
            yield Finding(path=path, what=f"is one more than the {job.repeats} of {CONFIG}")
        elif path.name not in OF_A_JOB and not OF_A_JOB_TOO.match(path.name):
            yield Finding(path=path, what="is no part of a record", is_wrong=False)


def _setups(job: RecordedJob) -> tuple[dict[str, Setup], Finding | None]:
    """The splits with their data, and why there are none."""
    try:
        return {
            split: job.task.make(split).unwrapped.setup  # type: ignore[attr-defined]
            for split in job.splits
        }, None
    except DataNotFoundError:
        what = "not checked against market data: there is none here"
        return {}, Finding(path=job.path, what=what, is_wrong=False)
    except InvestorBenchError as error:
        what = f"does not fit the market data that is here: {error}"
        return {}, Finding(path=job.path, what=what)


def _episode(
    job: RecordedJob, path: Path, seed: int, setups: Mapping[str, Setup]
) -> Iterator[Finding]:
    is_finished = (path / METRICS).exists()
    lines: dict[str, list[Line]] = {}
    for split, name in FILES.items():
        own, problems = read_all(path / name)
        lines[split] = own
        for what in problems:
            is_left = what == CUT_OFF and not is_finished
            yield Finding(path=path / name, what=what, is_wrong=not is_left)
        if split not in job.splits and own:
            yield Finding(path=path / name, what=f"was not to be run, says {CONFIG}")
        is_due = split in job.splits and (is_finished or (split == "warmup" and lines.get("test")))
        if is_due and not own:
            yield Finding(path=path / name, what="is missing or empty")
        elif split in setups and own and (is_finished or split == "warmup"):
            yield from _length(path / name, own, setups[split].steps, is_finished)
    if not is_finished:
        failed = (path / FAILURE).exists()
        why = f"failed: {recorded_failure(path, 0).why}" if failed else f"it has no {METRICS}"
        what = f"is not finished: {why}, and {len(lines['test'])} decisions"
        yield Finding(path=path, what=what, is_wrong=False)
        return
    try:
        figures = read_json(path / METRICS)
    except InvestorBenchError as error:
        yield Finding(path=path / METRICS, what=str(error).removeprefix(f"{path / METRICS} "))
        return
    expected: Content = {"seed": seed}
    expected["records"] = {split: head_of(own) for split, own in lines.items() if own}
    if lines["test"]:
        try:
            with np.errstate(all="ignore"):
                episode = episode_from(lines, job.task, seed)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            yield Finding(path=path, what=f"cannot be scored: {type(error).__name__} {error}")
        else:
            expected |= {"metrics": episode.metrics, "answers": episode.answers}
    yield from differences(path / METRICS, figures, expected, "from the decisions follows")


def _length(path: Path, lines: Sequence[Line], steps: int, is_finished: bool) -> Iterator[Finding]:
    """Whether a split goes to its end, or to the ruin of its account."""
    is_ruined = _number(lines[-1].get("equity")) <= 0.0
    if len(lines) > steps or (len(lines) < steps and is_finished and not is_ruined):
        yield Finding(path=path, what=f"has {len(lines)} lines; the split has {steps} steps")


def _manifest(job: RecordedJob, setup: Setup | None) -> Iterator[Finding]:
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
        "symbol": task.symbol,
        "protocol": task.protocol,
        "options": {name: str(value) for name, value in task.options.items()},
    }
    yield from differences(path, manifest, expected, f"from {CONFIG} follows")
    if re.sub(r"[^\w.,=+-]+", "_", str(manifest.get("agent"))) != job.path.name:
        yield Finding(path=path, what=f"is that of {manifest.get('agent')}, not of this folder")
    if len(figures) == job.repeats:
        ranked = sorted(figures, key=_sharpe)
        expected = {
            "seeds": [each.get("seed") for each in figures],
            "records": [each.get("records") for each in figures],
            "metrics": ranked[(len(ranked) - 1) // 2].get("metrics"),
            "answers": [each.get("answers") for each in figures],
            "described": figures[0].get("described"),
        }
        yield from differences(path, manifest, expected, "from the repeats follows")
    if setup is not None:
        recorded = str(manifest.get("market_sha256"))
        known = setup.market.is_the_one_recorded(recorded)
        expected = {
            "market_sha256": recorded if known else setup.market.fingerprint,
            "data_source": setup.market.source,
            "simulated": setup.market.simulated,
            "findings": list(setup.market.findings),
            "window": list(setup.window),
            "fills": setup.fills,
        }
        yield from differences(path, manifest, expected, "the market data that is here has")


def differences(
    path: Path, found: Mapping[str, Any], expected: Mapping[str, Any], whence: str
) -> Iterator[Finding]:
    """What a file says that does not follow, by name; of several figures the first."""
    for name, value in without_nan(expected).items():
        own = found.get(name)
        if name == "metrics" and isinstance(own, dict):  # some may be younger than the record
            value = {key: figure for key, figure in value.items() if key in own}
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


def _sharpe(figures: Content) -> float:
    metrics = figures.get("metrics")
    return _number(metrics.get("SR")) if isinstance(metrics, dict) else math.nan


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def read_all(path: Path) -> tuple[list[Line], list[str]]:
    """The lines of a record that can be read, and what is wrong with it, in words."""
    if not path.exists():
        return [], []
    *texts, rest = path.read_bytes().split(b"\n")
    problems = [CUT_OFF] if rest else []
    read = [_parsed(text) for text in texts]
    hashes = [None if line is None else line["hash"] for line in read]
    before: Any = BEFORE_THE_FIRST
    for n, line in enumerate(read):
        if line is None:
            problems.append(f"line {n + 1} cannot be read: it was changed or damaged")
            before = None
            continue
        problems += _what_is_wrong(line, n, hashes, before)
        before = line["hash"]
    return [line for line in read if line is not None], problems


def _what_is_wrong(line: Line, n: int, hashes: Sequence[Any], before: Any) -> list[str]:
    """How line n, counted from 0, does not follow from the one before, whose hash is given."""
    body = {name: value for name, value in line.items() if name not in CHAIN}
    if chained(body, line["before"])["hash"] != line["hash"]:
        return [f"line {n + 1} ({_day(line)}) was edited: its hash is that of another content"]
    if line["hash"] in hashes[:n]:
        return [f"line {n + 1} ({_day(line)}) repeats line {hashes.index(line['hash']) + 1}"]
    if before in (None, line["before"]):
        return []  # where its number is another, lines above are missing or repeated
    if line["before"] in hashes:
        return [
            f"line {n + 1} ({_day(line)}) is out of order: it follows from line "
            f"{hashes.index(line['before']) + 1}"
        ]
    return [f"before line {n + 1} ({_day(line)}) a line is missing or was replaced"]


def _day(line: Line) -> str:
    return _brief(line["session"]).strip('"')


def _parsed(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    known = {"number", "session", "equity", *CHAIN}
    return line if isinstance(line, dict) and known <= line.keys() else None

"""Episodes and results as they are recorded, without running anything again."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from investorbench.tasks.answers import tally
from investorbench.tasks.record import version_1
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import FAILURE, FILES, LABELS, METRICS, labels_in
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.lines import (
    RecordFile,
    header_in,
    read_record,
    unknown_version,
    version_of,
)
from investorbench.tasks.record.references import usable_references
from investorbench.tasks.record.schema import SCHEMA, Content, steps_of
from investorbench.tasks.result import Entry, Episode, Failure, Result, episode_of
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.task import SplitName, Task
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

Records = Mapping[str, RecordFile]
"""What an episode's files hold, by split."""
Seen = Callable[["RecordedJob", int, RecordFile], None]
"""Is called with the test split of each repeat of a job while it is read, so that who wants more of
it than its figures need not read it once more."""
ReadEpisode = Callable[["RecordedJob", int, Seen | None], tuple[Facts | None, Episode]]
"""What reads a finished repeat, as :func:`recorded_episode` does."""
ReadFailure = Callable[["RecordedJob", int], Failure]
"""What says why a repeat is not finished, as :func:`recorded_failure` does."""
LISTED = 3


class NothingFinishedError(InvestorBenchError):
    """A job of which no repeat can be shown.

    Attributes:
        job: where it is recorded.
        failures: why, for each repeat.
    """

    def __init__(self, job: "RecordedJob", failures: Sequence[Failure]) -> None:
        super().__init__(
            f"{job.path}: none of {job.repeats} repeats can be shown: "
            + "; ".join(dict.fromkeys(failure.why for failure in failures))
        )
        self.job = job
        self.failures = tuple(failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedJob:
    """Where a job is recorded, and what was to be run.

    Attributes:
        path: its folder.
        name: what tables call the agent.
        task: what it was scored on.
        seed: of the run.
        seeds: of both sides of the episodes that there should be; of a block, those of its first
            snapshot.
        settings: all that determines what comes out.
        snapshots: the seeds of all snapshots of each block; empty where repeats are episodes.
        warmup: whether each begins with the warm-up split.
        place: its folder as messages and pages name it; that of a run begins with the run's name,
            and so is the same on every machine.
        handed: what its agents were handed that others cannot know.
        configuration_of: the agent's name without its model and the settings of a sweep.
        is_baseline: whether it is a baseline as it comes.
        wrapper: what its environments were wrapped in, as the configuration names it.
    """

    path: Path
    name: str
    task: Task
    seed: int
    seeds: tuple[Seeds, ...]
    warmup: bool
    place: str
    handed: tuple[str, ...] = ()
    configuration_of: str = ""
    is_baseline: bool = False
    wrapper: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    snapshots: tuple[tuple[Seeds, ...], ...] = ()

    @property
    def repeats(self) -> int:
        """How many episodes there should be."""
        return len(self.seeds)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        return ("warmup", "test") if self.warmup else ("test",)

    @property
    def episodes(self) -> list[Path]:
        """The folders of the repeats, there or not."""
        return [self.path / f"repeat-{number}" for number in range(self.repeats)]

    @property
    def manifest(self) -> Content | None:
        """What was written at the end; None before that."""
        path = self.path / MANIFEST
        return read_json(path) if path.exists() else None

    def seen_anywhere(self, error: InvestorBenchError) -> str:
        """What went wrong with its files, named by its place instead of the folder here."""
        return str(error).replace(str(self.path), self.place)

    @property
    def versions(self) -> dict[Path, int]:
        """The version of each file of decisions that is there."""
        paths = [path / name for path in self.episodes for name in FILES.values()]
        return {path: version for path in paths if (version := version_of(path))}


def recorded_entry(
    job: RecordedJob,
    run: str = "",
    seen: Seen | None = None,
    *,
    read_episode: ReadEpisode | None = None,
    read_failure: ReadFailure | None = None,
) -> Entry:
    """What came of a job as far as it is finished, recomputed from its lines.

    Needs no market, and no environment: what is said of them is in the headers. A record of version
    1 has none; there it is in the manifest, and where that is not written yet, the data is asked.

    Args:
        job: where it is recorded.
        run: the name of the run folder.
        seen: sees the test split of each repeat, finished or not.
        read_episode: in place of :func:`recorded_episode`, where something keeps what it read.
        read_failure: in place of :func:`recorded_failure`, likewise.

    Raises:
        NothingFinishedError: no repeat is finished.
        InvestorBenchError: its files are of several versions.
    """
    read_episode = read_episode or recorded_episode
    read_failure = read_failure or _failure
    require_one_version(job)
    found: dict[int, tuple[Facts | None, Episode]] = {}
    failures = []
    for number, path in enumerate(job.episodes):
        if not (path / METRICS).exists():
            failures.append(read_failure(job, number))
            if seen is not None:
                seen(job, number, read_record(path / FILES["test"]))
            continue
        try:
            found[number] = read_episode(job, number, seen)
        except InvestorBenchError as error:
            failures.append(Failure(number, "damaged", job.seen_anywhere(error)))
    if not found:
        raise NothingFinishedError(job, failures)
    first = next(iter(found))
    facts, _ = found[first]
    for number, (other, _) in list(found.items()):
        if other != facts:
            why = f"ran in another environment, or on other data, than repeat-{first}"
            failures.append(Failure(number, "damaged", f"{job.place}/repeat-{number} {why}"))
            del found[number]
    episodes = [episode for _, episode in found.values()]
    described = read_json(job.episodes[first] / METRICS).get("described")
    failures.sort(key=lambda failure: failure.repeat)
    result = replace(
        _result_of(job, facts, episodes, described), code=_code_of(job, job.episodes[first])
    )
    return Entry(result=result, planned=job.repeats, failures=tuple(failures), run=run)


def left_out(job: RecordedJob, failure: Failure) -> str:
    """A line on a repeat that is in no table: which it is, and why.

    Args:
        job: whose.
        failure: what became of the repeat.
    """
    place = f"{job.place}/repeat-{failure.repeat}"
    return failure.why if failure.why.startswith(place) else f"{place}: {failure.why}"


def is_drawn_no_more(recorded: Facts | None, found: Facts) -> bool:
    """Whether a record is of a simulated market as older versions drew it.

    Args:
        recorded: the facts of its environment; None of a record of version 1, which has none.
        found: those of the environment that its task makes here.
    """
    return bool(found.markets) and not (recorded is not None and recorded.markets)


def require_one_version(job: RecordedJob) -> None:
    """Refuse a job whose files are of several versions, or of a later one.

    Raises:
        InvestorBenchError: they are, and what can still be done.
    """
    files: dict[int, list[str]] = defaultdict(list)
    for path, version in job.versions.items():
        files[version].append(str(path.relative_to(job.path)))
    if len(files) > 1:
        listed = "; ".join(
            f"of version {version} {', '.join(names[:LISTED])}{', …' * (len(names) > LISTED)}"
            for version, names in sorted(files.items())
        )
        raise InvestorBenchError(
            f"{job.path} mixes records of several versions ({listed}), which no run writes: "
            "`investorbench inspect` shows each repeat; with those of one version alone in the "
            "folder, it can be scored"
        )
    if (version := max(files, default=0)) > SCHEMA:
        raise InvestorBenchError(f"{job.path} {unknown_version(version)}")


def recorded_failure(path: Path, number: int) -> Failure:
    """Why the repeat in a folder is not finished."""
    marked = path / FAILURE
    if marked.exists():
        content = read_json(marked)
        known = (str(content.get(name, "")) for name in ("kind", "why", "trace"))
        return Failure(number, *known)
    steps = sum(len(read_record(path / name).lines) for name in FILES.values())
    why = f"not finished, {steps} steps are recorded" if steps else "not begun"
    return Failure(number, "unfinished", why)


def recorded_episode(
    job: RecordedJob, number: int, seen: Seen | None = None
) -> tuple[Facts | None, Episode]:
    """A finished repeat, recomputed from its lines, and the facts of its environment.

    The facts are None in a record of version 1.

    Args:
        job: where it is recorded.
        number: of the repeat.
        seen: sees its test split, also where it was changed.

    Raises:
        InvestorBenchError: it is not finished, or its lines were changed.
    """
    path = job.episodes[number]
    if not (path / METRICS).exists():
        raise InvestorBenchError(f"{path} is not finished; the command that began it resumes it")
    records = {split: read_record(path / name) for split, name in FILES.items()}
    if seen is not None:
        seen(job, number, records["test"])
    for record in records.values():
        record.require_whole()
    heads = {split: own.bound for split, own in records.items() if own.bound}
    if "test" not in heads or heads != read_json(path / METRICS).get("records"):
        raise InvestorBenchError(
            f"{path} does not hold the lines that its metrics.json was written for; "
            "`investorbench verify` says more"
        )
    header = records["test"].header
    facts = None if header is None else header.facts
    return facts, episode_from(job, number, records)


def episode_from(job: RecordedJob, number: int, records: Records) -> Episode:
    """What came of an episode, from its lines; of the test at least one.

    Raises:
        InvestorBenchError: nothing follows from them: they hold what no run writes.
    """
    test = records["test"]
    seed = job.seeds[number].agent
    header = test.header or version_1.header_of(job.task, seed, number, test.lines)
    try:
        episode = episode_of(steps_of(header, test.lines))
        answers = {
            split: tally((line.answers, line.thought) for line in record.lines)
            for split, record in records.items()
        }
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        path = job.episodes[number]
        why = f"{type(error).__name__} {error}"
        raise InvestorBenchError(f"{path} cannot be scored: {why}") from None
    labelled = labels_in(job.episodes[number])
    if labelled is not None and len(labelled.days) != len(episode.actions):
        raise InvestorBenchError(
            f"{job.episodes[number] / LABELS} has {len(labelled.days)} days, and "
            f"{len(episode.actions)} decisions are recorded: one of them was changed"
        )
    return replace(episode, answers=answers if any(answers.values()) else None, labelled=labelled)


def _failure(job: RecordedJob, number: int) -> Failure:
    return recorded_failure(job.episodes[number], number)


def _code_of(job: RecordedJob, path: Path) -> str:
    """SHA-256 of the code that ran an episode; a record of version 1 has it in its manifest."""
    header = header_in(path / FILES["test"])
    try:
        code = header.code.get("sha256") if header else (job.manifest or {}).get("code_sha256")
    except InvestorBenchError:
        code = None  # the manifest is damaged, which is said elsewhere
    return str(code or "")


def _result_of(
    job: RecordedJob,
    facts: Facts | None,
    episodes: Sequence[Episode],
    described: Content | None,
) -> Result:
    if facts is None:
        manifest = job.manifest
        steps = max(len(episode.rewards) for episode in episodes)
        try:
            facts = (
                job.task.facts("test")
                if manifest is None
                else version_1.facts_of(job.task, steps, manifest)
            )
        except KeyError as error:
            raise InvestorBenchError(
                f"{job.path / MANIFEST} has no {error}: another version wrote it, or it was changed"
            ) from None
    return Result(
        agent=job.name,
        task=job.task,
        facts=facts,
        episodes=tuple(episodes),
        seed=job.seed,
        handed=job.handed,
        configuration_of=job.configuration_of,
        is_baseline=job.is_baseline,
        settings=job.settings,
        described=described,
        references=usable_references(job.path),
    )

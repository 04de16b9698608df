"""What a run folder stands up to, in three levels: its record, the market, and the agent again.

A level finds what the ones before it cannot: a record that was forged with all its hashes is
consistent with itself, and its actions may still not follow from its answers. What none can show,
:attr:`Verdict.never_shown` says.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.briefings_again import briefing_differs, wrong_cards
from investorbench.tasks.labels_again import other_labels, wrong_labels
from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.episode_folder import FILES, METRICS
from investorbench.tasks.record.lines import header_in
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.references import REFERENCES
from investorbench.tasks.record.replaying import Replayed, replay
from investorbench.tasks.record.run_folder import foreign_files, job_in, jobs_in
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.sealing import CheckedSeal, check_seals
from investorbench.tasks.record.settings import CONFIG, read_settings
from investorbench.tasks.record.verifying import Finding, mixtures, verify_job
from investorbench.tasks.record.verifying.ranks import wrong_ranks
from investorbench.tasks.record.verifying.suites import off_suite
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.rederiving import rederive
from investorbench.tasks.running.references_again import lacking_references, other_references
from investorbench.tasks.running.stops_again import wrong_stops
from investorbench_env.errors import InvestorBenchError

RECORD, MARKET, AGENT = 1, 2, 3
REFERENCE = 0
"""In place of a level: what a job is compared with, which is of no repeat."""
OF_THE_FILES = ("bytes", "chain", "money", "headers", "files", "unfinished")
"""Kinds of findings after which the lines of a repeat are not run again."""

LISTED = 3
UNREADABLE = (InvestorBenchError, ArithmeticError, LookupError, TypeError, ValueError)

JobAgain = Callable[[RecordedJob], Job]
"""Makes the job again that is recorded, so that its agents can run."""


class Outcome(NamedTuple):
    """What one check came to.

    Attributes:
        level: 1, 2 or 3.
        path: the folder of the job, or of the repeat.
        findings: what is wrong, or worth knowing.
        steps: that came out again, of a level above the first.
        not_checked: why nothing can be said; None where something is.
    """

    level: int
    path: Path
    findings: tuple[Finding, ...] = ()
    steps: int = 0
    not_checked: str | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether it was checked and nothing is wrong."""
        return self.not_checked is None and not any(each.is_wrong for each in self.findings)


RecordCheck = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run folder stands up to.

    Attributes:
        run: the folder.
        jobs: the folders of its jobs.
        repeats: the folders of the finished repeats, and of those that are there otherwise.
        findings: what is wrong, or worth knowing.
        outcomes: of all checks.
        seals: those in the folder, and the one that was given.
        models: the names of the language models that are said to have answered.
    """

    run: Path
    jobs: tuple[Path, ...]
    repeats: tuple[Path, ...]
    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]
    seals: tuple[CheckedSeal, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def never_shown(self) -> str:
        """What no level can show of the record; a seal that was published before the run helps."""
        gave = ""
        if self.models:
            gave = f"that {' and '.join(self.models)} gave these answers, "
            gave += "that what is said of it (cutoff, price, latency) is so, "
        return f"{gave}that no run was left out, or when any of it was written"

    @property
    def wrong(self) -> list[Finding]:
        """The findings for which the record cannot be trusted."""
        return [each for each in self.findings if each.is_wrong]

    @property
    def standing(self) -> list[Path]:
        """The repeats in whose own files nothing is wrong, and whose configuration can be read."""
        fallen = {each.path for each in self.wrong}
        return [
            repeat
            for repeat in self.repeats
            if not any(repeat in (path, *path.parents) for path in fallen)
            and not {repeat.parent, repeat.parent / CONFIG} & fallen
        ]

    def at(self, level: int) -> list[Outcome]:
        """The outcomes of a level that is of repeats."""
        return [each for each in self.outcomes if each.level == level]


class Checks:
    """The checks of a run folder, to be made one after another; what they come to is a verdict.

    Args:
        run: the folder of a run, or of an agent in it.
        again: makes jobs again whose agents are to run; None leaves level 3 out.
        seal: a seal that comes from elsewhere: its file, its line or its digest.

    Raises:
        InvestorBenchError: it is no folder of a run, or the seal is none.
    """

    def __init__(self, run: Path, again: JobAgain | None = None, seal: str | None = None) -> None:
        self._run, self._again = run, again
        self._paths = jobs_in(run)
        self._seals = check_seals(run, seal)
        self._jobs: dict[Path, RecordedJob] = {}
        self._outcomes: list[Outcome] = []
        self._unreadable: list[Finding] = []
        for path in self._paths:
            try:
                self._jobs[path] = job_in(path)
            except InvestorBenchError as error:
                what = str(error).removeprefix(f"{path / CONFIG} ")
                what = f"{what}; nothing else of the job was checked"
                self._unreadable.append(Finding(path=path / CONFIG, what=what, kind="headers"))

    def __iter__(self) -> Iterator[RecordCheck]:
        """What there is to do, level after level of each job."""
        for job in self._jobs.values():
            yield partial(self._of_record, job)
            for number in range(job.repeats):
                yield partial(self._of_repeat, MARKET, job, number)
                if self._again is not None:
                    yield partial(self._of_repeat, AGENT, job, number)
            yield partial(self._of_references, job)

    def __len__(self) -> int:
        levels = 1 if self._again is None else 2
        return sum(2 + levels * job.repeats for job in self._jobs.values())

    def verdict(self) -> Verdict:
        """What all of it comes to, once every check was made."""
        findings = [*self._unreadable]
        findings += [finding for seal in self._seals for finding in seal.findings]
        outcomes = sorted(self._outcomes, key=lambda each: self._place(each.path))
        for outcome in outcomes:
            findings += outcome.findings
        return Verdict(
            run=self._run,
            jobs=tuple(self._paths),
            repeats=tuple(
                path
                for job in self._jobs.values()
                for path in job.episodes
                if (path / METRICS).exists()
            ),
            findings=(*findings, *self._together()),
            outcomes=tuple(self._outcomes),
            seals=tuple(self._seals),
            models=tuple(dict.fromkeys(filter(None, map(_model_of, self._jobs)))),
        )

    def _place(self, path: Path) -> int:
        return next(n for n, job in enumerate(self._jobs) if job in (path, *path.parents))

    def _of_record(self, job: RecordedJob) -> Outcome:
        findings = (*verify_job(job), *wrong_labels(job), *wrong_cards(job))
        return self._done(Outcome(RECORD, job.path, findings))

    def _of_repeat(self, level: int, job: RecordedJob, number: int) -> Outcome:
        path = job.episodes[number]
        if (why := self._not_again(job, path, level)) is not None:
            return self._done(Outcome(level, path, not_checked=why))
        try:
            if level == MARKET:
                came = replay(job, number, briefing_differs)
            else:
                assert self._again is not None
                came = asyncio.run(rederive(job, number, self._again(job)))
        except InvestorBenchError as error:
            return self._done(Outcome(level, path, not_checked=str(error)))
        except Exception as error:  # noqa: BLE001 - of what no run writes, or an agent of others
            why = f"cannot be run again: {type(error).__name__}: {error}"
            if level == AGENT:
                return self._done(Outcome(level, path, not_checked=why))
            found = Finding(path=path, what=why, level=level, kind="market")
            return self._done(Outcome(level, path, (found,)))
        findings = () if came.difference is None else (_differs(came, level),)
        return self._done(Outcome(level, path, findings, came.steps))

    def _of_references(self, job: RecordedJob) -> None:
        """What the job is compared with, and labels; it counts only where it is wrong."""
        path = job.path / REFERENCES
        if self._not_again(job, job.path, MARKET) is not None:
            return
        with contextlib.suppress(*UNREADABLE):  # what cannot be read is a finding already
            of_them = partial(Finding, path=path, level=MARKET, kind="market")
            findings = (
                *(of_them(what=what) for what in other_references(job)),
                *(of_them(what=what, is_wrong=False) for what in lacking_references(job)),
            )
            self._done(Outcome(REFERENCE, job.path, findings))
        with contextlib.suppress(*UNREADABLE):
            self._done(Outcome(REFERENCE, job.path, tuple(other_labels(job))))

    def _not_again(self, job: RecordedJob, path: Path, level: int) -> str | None:
        """Why a repeat is not run again; None where it is."""
        if level == AGENT and not (path / METRICS).exists():
            return "it is not finished"
        if path != job.path and not any((path / name).exists() for name in FILES.values()):
            return "nothing is recorded"
        for outcome in self._outcomes:
            for finding in outcome.findings:
                of_market = finding.level == MARKET and finding.kind == "market"
                if of_market and outcome.path == job.path:
                    return finding.what.removeprefix("not checked against market data: ")
                own = path in (finding.path, *finding.path.parents)
                if finding.is_wrong and own and finding.kind in OF_THE_FILES:
                    return "its own files are wrong"
        return None

    def _done(self, outcome: Outcome) -> Outcome:
        self._outcomes.append(outcome)
        return outcome

    def _together(self) -> Iterator[Finding]:
        """What the jobs of one folder are to each other, and what lies beside them."""
        manifests: dict[Path, Content] = {}
        for path, job in self._jobs.items():
            try:
                manifest = job.manifest
            except InvestorBenchError:
                continue  # a finding says so already
            if manifest is not None:
                manifests[path] = manifest
        if len(seeds := sorted({job.seed for job in self._jobs.values()})) > 1:
            listed = ", ".join(map(str, seeds[:LISTED])) + ", …" * (len(seeds) > LISTED)
            what = f"mixed: its jobs have different seeds of the run: {listed}"
            yield Finding(path=self._run, what=what, is_wrong=False, kind="mixed")
        if manifests:
            yield from mixtures(manifests)
            if all(each.get("code_sha256") != code_of()["sha256"] for each in manifests.values()):
                what = "was run with another version of the code than the one that checks it"
                yield Finding(path=self._run, what=what, is_wrong=False, kind="mixed")
        yield from wrong_ranks(self._jobs.values())
        yield from wrong_stops(self._jobs.values())
        yield from off_suite(self._run, self._jobs.values())
        for path in foreign_files(self._run, self._paths):
            yield Finding(path=path, what="is no part of a record", is_wrong=False)


def _model_of(job: Path) -> str:
    """The name of the language model that answered in a job; empty where none did."""
    model = read_settings(job).get("model")
    if not isinstance(model, dict) or model.get("provider") == "offline":
        return ""
    return str(model.get("name", ""))


def _differs(came: Replayed, level: int) -> Finding:
    """A step that did not come out, with what may be why besides a change."""
    assert came.difference is not None
    where = "" if came.line is None else f"line {came.line}, "
    what = f"{where}{came.difference}"
    header = None if came.file is None else header_in(came.file)
    if header is not None and header.code.get("sha256") != code_of()["sha256"]:
        what += "; other code wrote it, and its own version should check it"
    return Finding(
        path=came.file or came.path,
        what=what,
        level=level,
        kind="market" if level == MARKET else "agent",
    )

"""``investorbench run``: score agents on tasks, with Hydra, and record it."""

import json
import secrets
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import typer
from omegaconf import DictConfig

from investorbench.agents.llm import model_names
from investorbench.agents.parts import MODEL
from investorbench.scripts.choices import GROUPS, Choices, choosing
from investorbench.scripts.composing import (
    Composed,
    call_for_each,
    composed,
    composed_here,
    is_question,
    quoted,
    unquoted,
)
from investorbench.scripts.cutoffs import with_cutoff
from investorbench.scripts.expected_output import print_expected
from investorbench.scripts.jobs import OF_THE_RUN, job_of, maker_of, options_of
from investorbench.scripts.launching import (
    HERE,
    RAY,
    errors_raised,
    launched_shown,
    launcher_in,
    without_launcher,
)
from investorbench.scripts.on_ray import RayJobs, RaySettings, launch, mark_failed
from investorbench.scripts.racing import print_races, with_races
from investorbench.scripts.retired import warn_of_retired
from investorbench.scripts.settings import require_known_settings, swept
from investorbench.scripts.suites import names_suite, suite_lines
from investorbench.scripts.tables import print_results
from investorbench.scripts.terminal import Console
from investorbench.tasks.expected import why_unknown
from investorbench.tasks.finding import our_id
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import FAILURE
from investorbench.tasks.record.job_folder import manifest_of
from investorbench.tasks.record.object_store import RunStore, address_in, mirror_of
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.record.sealing import seal_record
from investorbench.tasks.running.episodes import WhenEnded
from investorbench.tasks.running.episodes import run_with as run_jobs
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.outcomes import JobFailure, RunOutcome, recorded
from investorbench.tasks.running.planning import sealed_plan
from investorbench.tasks.running.raced import raced
from investorbench.tasks.running.run_seed import seeded
from investorbench.tasks.running.seating import require_one_process
from investorbench.tasks.suites import OpenedSuite, close_suite
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
OF_THE_TABLE = ("task", "protocol", "data")
"""Settings that a table names by itself; what else a sweep changes is named beside the agent."""
OUTPUTS = ("table", "json")
OURS = Choices()
"""What came with this package."""


def run(context: typer.Context) -> None:
    """Score an agent on a task: agent=… task=… protocol=… data=…  (run --help lists them)."""
    run_with(context.args)


def run_with(overrides: list[str]) -> None:
    """Run all jobs that Hydra's command line asks for, then show their results.

    Raises:
        InvestorBenchError: a job failed; the results of the others have been shown.
    """
    with planning(overrides) as plan:
        if plan is not None:
            _run(plan)


class PlannedLine(NamedTuple):
    """One command line as Hydra takes it.

    Attributes:
        overrides: what it sets.
        jobs: all that it asks for.
        composed: the configuration of each of them, by the folder of the job in that of the run.
        changing: the settings that differ from job to job.
        own_tasks: names of tasks of a user's own.
    """

    overrides: list[str]
    jobs: list[Job]
    composed: Mapping[Path, Composed]
    changing: list[str]
    own_tasks: frozenset[str]

    @property
    def config(self) -> DictConfig:
        """The configuration of the first of them."""
        return next(iter(self.composed.values())).config


class RunPlan(NamedTuple):
    """What a command line asks for.

    Attributes:
        lines: itself; where it runs a suite, a line for each task of it, and for each task one of
            the agents that stand in every table.
        jobs: all that is to be run.
        suite: that is run; None for none.
        store: where its records are put, from which its folder fetches them; None for none.
    """

    lines: list[PlannedLine]
    jobs: list[Job]
    suite: OpenedSuite | None = None
    store: RunStore | None = None

    @property
    def config(self) -> DictConfig:
        """Where settings of the whole run stand."""
        return self.lines[0].config

    @property
    def overrides(self) -> list[str]:
        """The command line, without its suite."""
        return self.lines[0].overrides

    @property
    def folder(self) -> Path:
        """Where it is recorded."""
        return Path(self.config.folder)


@contextmanager
def planning(overrides: list[str]) -> Iterator[RunPlan | None]:
    """What a command line asks for, while the block runs; None where Hydra was asked for help.

    Raises:
        InvestorBenchError: it asks for what cannot be run.
    """
    launcher = launcher_in(overrides)
    if not any(override.startswith("folder=") for override in overrides):
        overrides = [*overrides, f"folder={new_folder()}"]
    *_, folder = (each.removeprefix("folder=") for each in overrides if each.startswith("folder="))
    store = None
    if (address := address_in(unquoted(folder))) is not None and not is_question(overrides):
        overrides, store = _with_mirror(overrides, address, launcher)
    # Other machines may have to read what is a user's own.
    within = None if launcher in (HERE, RAY) else Path(folder)
    suite, lines = None, [overrides]
    if names_suite(overrides) and not is_question(overrides):
        suite, lines = suite_lines(overrides)
    sys.path.append(str(Path.cwd()))  # where an agent of somebody's own is found
    try:
        with ExitStack() as stack:
            chosen = [stack.enter_context(choosing(line, within)) for line in lines]
            planned = [_line(require_known_settings(*each), each[1]) for each in chosen]
            found = _after_cutoffs([each for each in planned if each is not None], chosen)
            yield _together(found, suite)._replace(store=store) if found else None
    finally:
        sys.path.pop()


def _with_mirror(
    overrides: Sequence[str], address: str, launcher: str
) -> tuple[list[str], RunStore]:
    """A command line whose folder is that of this machine for an address, and what is there.

    Raises:
        InvestorBenchError: it is no run whose records are put elsewhere, or they are refused.
    """
    if launcher != RAY:
        raise InvestorBenchError(f"folder={address} is for launcher={RAY}; give a folder")
    store, folder = RunStore(address), mirror_of(address)
    if store.fetch(folder):
        _say(f"fetched what {address} has into {folder}")
    others = [each for each in overrides if not each.startswith("folder=")]
    return [*others, f"folder={quoted(folder.as_posix())}"], store


def _line(overrides: list[str], choices: Choices) -> PlannedLine | None:
    changing = swept(overrides)
    for name in changing:
        if name.partition(".")[0] in OF_THE_RUN:
            raise InvestorBenchError(f"{name} is one for the whole run: it takes no list of values")
    found = composed(without_launcher(overrides))
    if found is None:  # Hydra was asked for help
        for group in GROUPS:
            if more := choices.not_ours(group):
                print(f"{group}, not ours: {', '.join(more)}")
        return None
    jobs = _planned(found, changing, choices.tasks)
    by_path = {job.path(Path()): each for job, each in jobs}
    return PlannedLine(overrides, [job for job, _ in jobs], by_path, changing, choices.tasks)


def _after_cutoffs(
    lines: list[PlannedLine], chosen: Sequence[tuple[list[str], Choices]]
) -> list[PlannedLine]:
    """Lines whose real days lie after what any model of the run may know."""
    jobs = [job for line in lines for job in line.jobs]
    found = []
    for line, (_, choices) in zip(lines, chosen, strict=False):
        overrides = with_cutoff(line.overrides, line.jobs, jobs)
        again = line if overrides == line.overrides else _line(overrides, choices)
        found.append(again or line)
    return found


def _together(lines: list[PlannedLine], suite: OpenedSuite | None) -> RunPlan:
    """What all lines ask for; those of their agents that race are known only now."""
    aside = () if suite is None else suite.suite.references
    return RunPlan(lines, with_races(_each_once(lines), lines[0].config, aside), suite)


def _each_once(lines: Sequence[PlannedLine]) -> list[Job]:
    """The jobs of all lines; a suite's agents may be those of the user, too."""
    if len(lines) == 1:
        return lines[0].jobs
    return list({job.path(Path()): job for line in reversed(lines) for job in line.jobs}.values())


def _run(plan: RunPlan) -> None:
    jobs, config, folder = plan.jobs, plan.config, plan.folder
    options, launcher = options_of(config), launcher_in(plan.overrides)
    if config.seal:
        jobs, seal = sealed_plan(jobs, folder)
        _say(f"plan sealed, publish it before you look at results: {seal.line}")
    if options.cache != "replay_only":
        warn_of_retired((job.model for job in jobs if job.model is not None), plan.overrides)
    if launcher == HERE:
        outcome = run_jobs(jobs, options)
    elif launcher == RAY:
        require_one_process(jobs, f"launcher={launcher}")
        outcome = _run_on_ray(plan, jobs)
    else:
        require_one_process(jobs, f"launcher={launcher}")
        with launched_shown(jobs, folder), errors_raised():
            for line in plan.lines:
                call_for_each(line.overrides, Launched(line.changing, line.own_tasks))
        outcome = recorded(jobs, folder)
    if plan.suite is not None and outcome.is_whole(jobs):
        _say(close_suite(folder))
    show(outcome, config.output, folder, plan.store)
    if config.output == "table":
        if plan.suite is not None:
            results = [entry.result for entry in outcome.entries]
            known = [one for one in results if why_unknown(one.task, one.facts) is None]
            print_expected(known, Console())
        print_races(raced(outcome.entries), Console())
    if config.seal and outcome.is_whole(jobs):
        _say(f"record sealed: {seal_record(folder).line}")


def _run_on_ray(plan: RunPlan, jobs: Sequence[Job]) -> RunOutcome:
    folder, store, settings = plan.folder, plan.store, RaySettings.of(plan.config.ray)

    def fetch(ended: RayJobs) -> None:
        if store is not None:
            store.fetch(folder, [job.path(Path()).as_posix() for job in ended.jobs])

    with seeded(jobs, folder) as known, launched_shown(known, folder):
        folder.mkdir(parents=True, exist_ok=True)
        if store is not None:
            store.put_run(folder)
        tasks = [each for each in _ray_tasks(plan, known) if not _are_finished(each.jobs, folder)]
        address = None if store is None else store.address
        failed = launch(tasks, settings, address, fetch, _say) if tasks else {}
        for job, why in failed.items():
            mark_failed(job, folder, why)
        nothing = (
            f"nothing of it is in {folder}, which all machines have to share; where they do not, "
            "name an object store, folder=s3://bucket/prefix"
        )
        outcome = recorded(known, folder, dict.fromkeys(known, nothing) | failed)
        # Of a job that is whole here, its address may have been refused a part.
        unsaid = [
            JobFailure(f"{job.name} on {job.task.id}: {why}")
            for job, why in failed.items()
            if not any(why in each.why for each in outcome.failed)
        ]
        return replace(outcome, failed=[*outcome.failed, *unsaid])


def _ray_tasks(plan: RunPlan, jobs: Sequence[Job]) -> list[RayJobs]:
    """What each task runs: a job, or, where they share no cache, all that may ask the same."""
    lines = {path: line for line in plan.lines for path in line.composed}
    groups: dict[object, list[Job]] = {}
    for job in jobs:
        alike = job.path(Path()) if plan.store is None else job.seeds[0].agent
        groups.setdefault(alike, []).append(job)
    tasks = []
    for own in groups.values():
        line = lines[own[0].path(Path())]
        composed = [lines[path].composed[path] for path in (job.path(Path()) for job in own)]
        for job, each in zip(own, composed, strict=True):
            each.config.folder = str(plan.folder.resolve())
            each.config.seed = job.settings["seed"]
            if plan.store is not None and each.config.max_usd is not None:
                each.config.max_usd = plan.config.max_usd / len(groups)
        tasks.append(RayJobs(own, composed, Launched(line.changing, line.own_tasks).play))
    return tasks


def _are_finished(jobs: Sequence[Job], folder: Path) -> bool:
    return all(
        (job.path(folder) / MANIFEST).exists()
        and all(job.is_finished(folder, repeat) for repeat in range(job.repeats))
        for job in jobs
    )


def _planned(
    found: Sequence[Composed], swept: Sequence[str], own_tasks: Collection[str]
) -> list[tuple[Job, Composed]]:
    """The jobs of a command line, each with its configuration.

    Args:
        found: their configuration.
        swept: the settings that differ from job to job.
        own_tasks: names of tasks of a user's own, which have folders of their own.

    Raises:
        InvestorBenchError: some could not be planned, and so none is run.
    """
    jobs: list[tuple[Job, Composed]] = []
    errors: list[str] = []
    beside_models = "agent" in swept and any(map(_asks_model, found))
    for each in found:
        try:
            job = _job(each, swept, own_tasks, beside_models)
            # Agents that ask no model are one job, however many models others ask.
            known = {other.path(Path()) for other, _ in jobs} if job.model is None else ()
            if not beside_models or job.path(Path()) not in known:
                jobs.append((job, each))
        except InvestorBenchError as error:
            errors.append(str(error))
    _raise(errors)
    return jobs


def _asks_model(composed: Composed) -> bool:
    try:
        return maker_of(composed.config.agent).asks_model
    except InvestorBenchError:
        return False  # its own job will say what is wrong with it


def _job(
    composed: Composed,
    swept: Sequence[str],
    own_tasks: Collection[str],
    beside_models: bool = False,
) -> Job:
    """A job, with what distinguishes it from the others in its name and its folders."""
    config, choices, given = composed
    if config.output not in OUTPUTS:
        raise UnknownNameError("output", config.output, OUTPUTS)
    for name in ("repeats", "concurrency"):
        if not isinstance(config[name], int) or config[name] < 1:
            wanted = "must be a whole number of at least 1"
            raise InvestorBenchError(f"{name}={config[name]!r} {wanted}")
    agent = _called(choices["agent"], OURS.names("agent"))
    changed: list[str] = []
    place = [f"task={choices['task']}"] if choices["task"] in own_tasks else []
    for override in given:
        key, _, value = override.lstrip("+").partition("=")
        if key == "agent._target_":  # an agent of somebody's own, in place of ours
            agent = value.rpartition(".")[2]
        elif key not in swept or key in ("agent", "task", MODEL):
            continue
        elif key.partition(".")[0] in OF_THE_TABLE:
            place.append(f"{key}={value}")
        else:
            changed.append(f"{key.rpartition('.')[2]}={value}")
    if maker_of(config.agent).asks_model:
        changed.insert(0, f"model={_called(choices['model'], model_names())}")
    elif not beside_models and any(override.startswith("model=") for override in given):
        raise InvestorBenchError(f"{agent} asks no language model: leave out model=…")
    if our_id(str(config.task.id)) is None:
        _leave_out_ours(config, given)
    return job_of(config, agent, " ".join([agent, *changed]), tuple(place))


def _called(name: str, ours: Collection[str]) -> str:
    """What tables and folders call a choice: of ours the last part of its name, its own."""
    return name.rpartition("/")[2] if name in ours else name


def _leave_out_ours(config: DictConfig, given: Sequence[str]) -> None:
    """Take out our own defaults, which an environment of somebody else's does not know."""
    chosen = {override.lstrip("+").partition("=")[0] for override in given}
    if not any(name.partition(".")[0] == "protocol" for name in chosen):
        config.protocol = {"name": None}
    if "task.id" in chosen:  # the rest is that of the task in whose place it is
        for name in ("data", "start", "end"):
            if f"task.{name}" not in chosen:
                config.task[name] = None


def new_folder() -> str:
    """Where a run is recorded that names no folder."""
    now = datetime.now()
    return f"runs/{now:%Y-%m-%d}/{now:%H-%M-%S}-{secrets.token_hex(2)}"


def show(outcome: RunOutcome, output: str, folder: Path, store: RunStore | None = None) -> None:
    """Print what came of jobs, where it is recorded, and what failed.

    Args:
        outcome: what came of them.
        output: as a table, or as JSON.
        folder: of the run.
        store: from which the folder is fetched.

    Raises:
        InvestorBenchError: some failed.
    """
    if output == "json":
        for entry in outcome.entries:
            failures = [each.why for each in entry.failures]
            line = without_nan(manifest_of(entry.result) | {"failures": failures})
            print(json.dumps(line, ensure_ascii=False))
    else:
        print_results(outcome.entries, Console())
    is_resumable = any(each.can_be_resumed for each in outcome.failed)
    advice = "; the same command with this folder=... resumes it" if is_resumable else ""
    if folder.exists():
        place = f"{folder}" if store is None else f"{store.address}, fetched into {folder}"
        _say(f"recorded in {place}{advice}")
    _raise([each.why for each in outcome.failed])


def _say(message: str) -> None:
    Console(stderr=True).print(message, highlight=False, markup=False, soft_wrap=True)


class Launched:
    """What a launcher's process does with the configuration of one job: it runs it.

    Args:
        swept: the settings that differ from job to job.
        own_tasks: names of tasks of a user's own, which have folders of their own.
    """

    __name__ = "investorbench"

    def __init__(self, swept: list[str], own_tasks: frozenset[str]) -> None:
        self.swept = swept
        self.own_tasks = own_tasks
        self.folder = str(Path.cwd())  # where an agent of somebody's own is found

    def __call__(self, config: DictConfig) -> None:
        """Run one job; what came of it, and what failed, is in its record.

        Raises:
            InvestorBenchError: there is no record of why it failed.
        """
        sys.path.append(self.folder)
        _raise(self.play([composed_here(config)]))

    def play(self, composed: Sequence[Composed], ended: WhenEnded | None = None) -> list[str]:
        """Run jobs; why some failed of which there is no record that says so.

        Args:
            composed: their configuration; how they are run stands in the first.
            ended: called with the folder of each episode that has ended.
        """
        # Whether another of its jobs asks a model was seen when all of them were planned.
        beside_models = "agent" in self.swept
        jobs = [_job(each, self.swept, self.own_tasks, beside_models) for each in composed]
        options = options_of(composed[0].config, shows="messages")
        outcome = run_jobs(jobs, replace(options, ended=ended))
        marks = [job.path(Path(composed[0].config.folder)).glob(f"*/{FAILURE}") for job in jobs]
        if outcome.entries or any(mark for own in marks for mark in own):
            return []
        return [each.why for each in outcome.failed]


def _raise(errors: Sequence[str]) -> None:
    if errors:
        raise InvestorBenchError("\n".join(dict.fromkeys(errors)))

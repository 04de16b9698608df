"""The one runner: model after model, and under each all episodes in one event loop."""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.agents.errors import EXPLAINED, INFRASTRUCTURE
from investorbench.agents.llm import (
    Budget,
    Cache,
    Client,
    LanguageModel,
    Model,
    UnusableAnswersError,
    connect,
)
from investorbench.agents.llm.cache import FILES, MODES, CacheFiles, CacheMode, files_for
from investorbench.agents.llm.proxy import Proxy
from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder, figures_in
from investorbench.tasks.record.job_folder import BusyError, JobFolder
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.lines import RecordError
from investorbench.tasks.record.reading import recorded_failure
from investorbench.tasks.record.references import usable_references
from investorbench.tasks.record.sealing import require_planned
from investorbench.tasks.record.settings import RACE, REPEATS, as_yaml
from investorbench.tasks.result import Entry, Episode, Failure, Reference, Result
from investorbench.tasks.running.arguments import (
    folder_of,
    require_callable,
    require_trackers,
    require_writable,
)
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.block import require_days
from investorbench.tasks.running.episode import Watch, live, require_order, run_to_end
from investorbench.tasks.running.garbage import fewer_collections
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.matched import MATCHED, matched_policies
from investorbench.tasks.running.observed import scores_of
from investorbench.tasks.running.outcomes import JobFailure, RunOutcome
from investorbench.tasks.running.progress import Shows, Steps, steps_shown
from investorbench.tasks.running.racing import ROUND, race_key, rounds_of
from investorbench.tasks.running.references import references_of
from investorbench.tasks.running.rounds import Rounds
from investorbench.tasks.running.run_proxy import RunProxy
from investorbench.tasks.running.run_seed import seeded
from investorbench.tasks.running.seating import (
    Seats,
    require_one_process,
    rivals_of,
    seated,
    side_by_side,
    with_rivals,
)
from investorbench.tasks.running.tournament import AloneError, Seat
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench.tasks.step import Step
from investorbench.tasks.tracking import Tracker, Tracking
from investorbench_env.errors import InvestorBenchError, UnknownNameError

POLL_S = 0.5
"""How often to look whether another process has done with an episode."""

Say = Callable[[str], None]
WhenEnded = Callable[[Path], None]
Serve = Callable[[Model, Say], contextlib.AbstractContextManager[str]]
"""Starts the server of a model while a block runs, and gives its URL."""


class JobOutcome(NamedTuple):
    """What came of one job; neither an entry nor a failure where other processes are at it."""

    entry: Entry | None = None
    failed: tuple[JobFailure, ...] = ()


class Answering(NamedTuple):
    """What answers for a model, and the same for agents with a client of their own."""

    model: LanguageModel | None = None
    proxy: RunProxy | None = None


class NotNeeded(NamedTuple):
    """A repeat that an agent does not play, since it has left its race before."""


class Failed(NamedTuple):
    """A repeat that failed, and what was raised."""

    failure: Failure
    error: Exception


BUSY = JobOutcome()
Plan = dict[Job, list[int]]
"""The repeats of each job that are to be run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How jobs are run; nothing of it changes what an agent does. See :func:`run`."""

    folder: Path | None = None
    concurrency: int = 64
    shard: str | None = None
    watch: Watch | None = None
    trackers: Sequence[Tracker] = ()
    max_usd: float | None = None
    cache: CacheMode = "read_write"
    cache_path: Path | None = None
    cache_files: CacheFiles | None = None
    serve: Serve | None = None
    shows: Shows = "bar"
    ended: WhenEnded | None = None
    """Called in a thread with the folder of each episode that has ended here, or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeContext:
    """What all episodes of a model share, or of a tournament.

    Attributes:
        options: how they are run.
        answering: what answers for the model of each job.
        budget: what its calls are paid from.
        places: for as many episodes as may run at once.
        seats: of those that are shown their ranks.
        rounds: of those that race.
        bar: where progress is shown.
        tracking: what figures are handed to besides.
        waits: whether to wait for episodes that other processes are running.
    """

    options: RunOptions
    answering: "Mapping[Job, Answering]"
    budget: Budget
    places: asyncio.Semaphore
    seats: Seats
    rounds: "Mapping[Job, Rounds]"
    bar: Steps
    tracking: Tracking
    waits: bool


def run(
    jobs: Sequence[Job],
    *,
    folder: str | Path | None = None,
    concurrency: int = 64,
    shard: str | None = None,
    watch: Watch | None = None,
    trackers: Sequence[Tracker] = (),
    max_usd: float | None = None,
    cache: CacheMode = "read_write",
    cache_path: str | Path | None = None,
    cache_files: CacheFiles | None = None,
    serve: Serve | None = None,
    shows: Shows = "bar",
) -> RunOutcome:
    """Run jobs; one that fails leaves the others alone.

    Model after model, and under each all episodes at once, so that its server stays busy.

    Args:
        jobs: what to run.
        folder: where all of it is recorded, and what of it is there already is read or resumed;
            None records nothing.
        concurrency: episodes at once.
        shard: ``"2/5"`` for the second of five processes that share the episodes; None for all.
        watch: called after every step.
        trackers: what figures are handed to besides.
        max_usd: what all calls of models may cost; None for no limit.
        cache: of answers: ``"off"``, ``"read_write"``, or ``"replay_only"``, which asks no server.
        cache_path: its file; None for one in the folder.
        cache_files: ``"one"`` for all processes, or ``"each"`` adds to one of its own; None for
            what the file system calls for.
        serve: starts the servers of self-hosted models; None where they run already.
        shows: what is printed meanwhile.

    Raises:
        InvestorBenchError: a model has no key, or a cap and no price; nothing was run.
    """
    options = RunOptions(
        folder=folder_of(folder),
        concurrency=concurrency,
        shard=shard,
        watch=watch,
        trackers=trackers,
        max_usd=max_usd,
        cache=cache,
        cache_path=folder_of(cache_path, "cache_path"),
        cache_files=cache_files,
        serve=serve,
        shows=shows,
    )
    return run_with(jobs, options)


def run_with(jobs: Sequence[Job], options: RunOptions) -> RunOutcome:
    """Run jobs, see :func:`run`."""
    if options.cache not in MODES:
        raise UnknownNameError("cache mode", options.cache, MODES)
    if options.cache_files not in (None, *FILES):
        raise UnknownNameError("cache_files", options.cache_files, FILES)
    if not isinstance(options.concurrency, int) or options.concurrency < 1:
        wanted = "must be a whole number of at least 1"
        raise InvestorBenchError(f"concurrency={options.concurrency!r} {wanted}")
    require_callable("watch", options.watch, "a function of a step")
    require_trackers(options.trackers)
    if options.folder is not None:
        require_writable(options.folder)
    if options.shard is not None:
        require_one_process(jobs, f"shard={options.shard}")
    if options.folder is None and any(map(race_key, jobs)):
        raise InvestorBenchError("a race is recorded as it goes on: give folder=...")
    with seeded(with_rivals(jobs), options.folder) as jobs:
        if options.folder is not None:
            require_planned(jobs, options.folder)
        return _run(jobs, options)


def _run(jobs: Sequence[Job], options: RunOptions) -> RunOutcome:
    ledger = None if options.folder is None else options.folder / "spending.txt"
    budget = Budget(options.max_usd, ledger=ledger)
    plan = _plan(jobs, options.shard)
    if options.cache != "replay_only":
        for model, _ in _by_model(plan, options.folder):
            if model is not None:
                connect(model, budget=budget)  # the last model's key is missed now, not at night
    outcomes: dict[Job, JobOutcome] = {}
    with (
        fewer_collections(),
        steps_shown(options.shows) as bar,
        Tracking(options.trackers, bar.say if bar.speaks else None) as tracking,
    ):

        def play(plan: Plan, *, waits: bool) -> None:
            alone, tournaments = side_by_side(plan)
            groups = [([model], own) for model, own in _by_model(alone, options.folder)]
            for own in tournaments:
                models = [model for model, asks in _by_model(own, options.folder) if asks]
                groups.append((models, own))
            for models, own in groups:
                if own:
                    outcomes.update(
                        _play_models(models, own, options, budget, bar, tracking, waits)
                    )

        try:
            play(plan, waits=False)
            waiting = {job for job in jobs if outcomes[job] is BUSY}
            busy = {job: plan[job] for job in jobs if not waiting.isdisjoint(rivals_of(job, jobs))}
            if busy:
                bar.say("waiting for episodes that other processes are running")
                play(busy, waits=True)
        except KeyboardInterrupt as error:
            for job in jobs:
                if outcomes.get(job, BUSY) is BUSY:
                    outcomes[job] = JobOutcome(failed=(JobFailure("interrupted", error=error),))
        if budget.overrun:
            bar.say(budget.overrun)
    ordered = [outcomes[job] for job in jobs]
    return RunOutcome(
        entries=[each.entry for each in ordered if each.entry is not None],
        failed=[failed for each in ordered for failed in each.failed],
    )


def _plan(jobs: Sequence[Job], shard: str | None) -> Plan:
    """The repeats of each job that this process has to run: all, or every n-th.

    Raises:
        InvestorBenchError: the shard is none.
    """
    all_episodes = [(job, repeat) for job in jobs for repeat in range(job.repeats)]
    part, parts = shard_of(shard)
    plan: Plan = {job: [] for job in jobs}
    for job, repeat in all_episodes[part - 1 :: parts]:
        plan[job].append(repeat)
    return plan


def shard_of(shard: str | None) -> tuple[int, int]:
    """``"2/5"`` as (2, 5).

    Raises:
        InvestorBenchError: it is not one of that many.
    """
    if shard is None:
        return 1, 1
    with contextlib.suppress(ValueError):
        part, parts = map(int, str(shard).split("/"))
        if 1 <= part <= parts:
            return part, parts
    raise InvestorBenchError(f"shard={shard} must be i/n, such as 1/4 for the first of four")


def _by_model(plan: Plan, folder: Path | None) -> list[tuple[Model | None, Plan]]:
    """The models that have to be asked, each with its jobs, in the order of their naming.

    Jobs that ask none, or have nothing left to run here, come first, with None.
    """
    models: list[Model | None] = [None]
    asked: dict[Job, Model | None] = {}
    for job, repeats in plan.items():
        is_finished = all(job.is_finished(folder, repeat) for repeat in repeats)
        asked[job] = None if is_finished else job.model
        models += [asked[job]] * (asked[job] not in models)
    return [
        (model, {job: repeats for job, repeats in plan.items() if asked[job] == model})
        for model in models
    ]


def _play_models(
    models: Sequence[Model | None],
    plan: Plan,
    options: RunOptions,
    budget: Budget,
    bar: Steps,
    tracking: Tracking,
    waits: bool,
) -> dict[Job, JobOutcome]:
    """What comes of the jobs that ask a model, or of those of a tournament, that ask several."""
    try:
        with contextlib.ExitStack() as stack:
            answers = [
                (model, stack.enter_context(_answering(model, options, budget, bar)))
                for model in models
            ]
            context = EpisodeContext(
                options=options,
                answering={
                    job: next((each for model, each in answers if model == job.model), Answering())
                    for job in plan
                },
                budget=budget,
                places=asyncio.Semaphore(options.concurrency),
                seats=seated(plan),
                rounds=rounds_of(plan, budget),
                bar=bar,
                tracking=tracking,
                waits=waits,
            )
            return run_to_end(_play(plan, context))
    except EXPLAINED as error:
        return dict.fromkeys(plan, JobOutcome(failed=(JobFailure(str(error), error=error),)))


@contextlib.contextmanager
def _answering(
    model: Model | None, options: RunOptions, budget: Budget, bar: Steps
) -> Iterator[Answering]:
    """What answers for a model, its server started where that was asked for."""
    if model is None or not model.is_language_model:
        yield (
            Answering()
            if model is None
            else Answering(connect(model), RunProxy(partial(Proxy, model)))
        )
        return
    folder, path = options.folder, _cache_path(options)
    if folder is not None:
        resumed = f"if it is interrupted, folder={folder} resumes it"
        bar.say(f"{model.name}: recording in {folder}; {resumed}")
    with contextlib.ExitStack() as stack:
        cache = None
        if options.cache != "off" and path is not None:
            files = files_for(path, options.cache_files)
            if files.said and options.cache == "read_write":
                bar.say(files.said)
            cache = stack.enter_context(Cache(path, options.cache, files.files))
        url = None
        if options.serve and model.provider == "vllm" and options.cache != "replay_only":
            url = stack.enter_context(options.serve(model, bar.say))
        connected: dict[str, Any] = {
            "base_url": url,
            "cache": cache,
            "budget": budget,
            "say": bar.say,
        }
        proxy = stack.enter_context(RunProxy(partial(Proxy, model, **connected)))
        yield Answering(connect(model, **connected), proxy)


def _cache_path(options: RunOptions) -> Path | None:
    """Where answers are kept; None where neither a file nor a folder is named."""
    if options.cache_path is not None or options.folder is None:
        return options.cache_path
    return options.folder / ANSWERS


async def _play(plan: Plan, context: EpisodeContext) -> dict[Job, JobOutcome]:
    # Memories wait in threads, for disks and servers; none should wait for another one's.
    threads = ThreadPoolExecutor(context.options.concurrency)
    asyncio.get_running_loop().set_default_executor(threads)
    outcomes = await asyncio.gather(*(_play_job(job, own, context) for job, own in plan.items()))
    return dict(zip(plan, outcomes, strict=True))


async def _play_job(job: Job, repeats: Sequence[int], context: EpisodeContext) -> JobOutcome:
    """What comes of a job: of these repeats, and of those that are finished already."""
    run, bar = context.options.folder, context.bar
    where = f"{job.name} on {job.task.id}"
    numbers = [n for n in range(job.repeats) if n in repeats or job.is_finished(run, n)]
    try:
        # Before anything is made, for it finds out whether there is data.
        bar.expect(job, numbers)
        if job.warmup:
            require_order(job.task)
        if job.block is not None:
            require_days(job.task, job.repeats * job.block)
        if not numbers:
            return JobOutcome()  # all of it belongs to other shards, which have not begun
        if run is None:
            return await _play_unrecorded(job, numbers, context)
        # With a cache, the steps since a checkpoint are asked of the cache; else there are none.
        save_every = 1 if context.options.cache == "off" else SAVE_EVERY
        with JobFolder(job.path(run), as_yaml(_begun_with(job)), save_every) as folder:
            references = _references(job, folder)
            played = await asyncio.gather(
                *(_play_in_rounds(job, repeat, folder, context) for repeat in numbers),
                return_exceptions=True,
            )
            repeated = {
                number: each
                for number, each in zip(numbers, played, strict=True)
                if not isinstance(each, NotNeeded)
            }
            return _outcome(job, repeated, references, folder, context)
    except (*EXPLAINED, *INFRASTRUCTURE) as error:
        can_be_resumed = not isinstance(error, RecordError)
        why = f"{where}: {_in_a_line(error)}"
        return JobOutcome(failed=(JobFailure(why, can_be_resumed, error),))
    except Exception as error:  # noqa: BLE001 - a mistake in an agent of somebody's own
        bar.say(_trace(error))
        return JobOutcome(failed=(JobFailure(f"{where}: {_in_a_line(error)}", error=error),))
    finally:
        for seat in context.seats.of_job(job):
            seat.leave()


def _begun_with(job: Job) -> Mapping[str, Any]:
    """The settings of a job; of one that races, with the repeats of its first round alone."""
    if RACE not in job.settings:
        return job.settings
    return {**job.settings, REPEATS: min(job.repeats, job.settings[RACE][ROUND])}


def _references(job: Job, folder: JobFolder) -> tuple[Reference, ...]:
    """What a job is compared with, kept before anything is run: now the market is at hand."""
    references = usable_references(folder.path)
    markets = [seeds.market for seeds in job.seeds]
    known = {each.market_seed for each in references or ()}
    if references is None or (known != {None} and not known.issuperset(markets)):
        references = references_of(job.task, markets)
        with contextlib.suppress(OSError):  # the disk may be full; the end writes them, or fails
            folder.keep_references(references)
    return references


async def _play_unrecorded(job: Job, numbers: Sequence[int], context: EpisodeContext) -> JobOutcome:
    """What comes of a job that nothing is kept of: the first failure ends it."""
    try:
        async with asyncio.TaskGroup() as group:

            async def play(repeat: int) -> tuple[Episode, dict[str, Any] | None]:
                seat = context.seats.get(job, repeat)
                async with _place(seat, context):
                    await asyncio.sleep(0)  # where a failure before cancels it
                    return await _live(job, repeat, None, context, seat)

            repeats = [group.create_task(play(repeat)) for repeat in numbers]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    played = [repeat.result() for repeat in repeats]
    result = Result(
        agent=job.name,
        task=job.task,
        facts=job.task.facts("test"),
        episodes=tuple(episode for episode, _ in played),
        seed=int(job.settings["seed"]),
        handed=tuple(job.handed),
        configuration_of=job.configuration_of,
        is_baseline=job.is_baseline,
        settings=job.settings,
        described=played[0][1],
    )
    return JobOutcome(Entry(result=result, planned=job.repeats))


async def _play_in_rounds(
    job: Job, repeat: int, folder: JobFolder, context: EpisodeContext
) -> Episode | Failed | NotNeeded | None:
    """An episode once its round begins, as :func:`_play_recorded`."""
    if (rounds := context.rounds.get(job)) is None:
        return await _play_recorded(job, repeat, folder, context)
    try:
        if not await rounds.begins(job.name, repeat):
            return NotNeeded()
        folder.go_on_to(repeat)
        played = await _play_recorded(job, repeat, folder, context)
        if isinstance(played, Episode):
            facts = job.task.facts("test")
            rounds.finish(job.name, repeat, scores_of(played, job.task, facts))
            return played
        rounds.leave(job.name)
        return played
    except AloneError as error:
        return Failed(Failure(repeat, "infrastructure", str(error)), error)
    except BaseException:
        rounds.leave(job.name)
        raise


async def _play_recorded(
    job: Job, repeat: int, folder: JobFolder, context: EpisodeContext
) -> Episode | Failed | None:
    """An episode, or why it failed; None where another process is running it."""
    seat = context.seats.get(job, repeat)
    while True:
        async with _place(seat, context):
            own = None
            try:
                with contextlib.suppress(BusyError):
                    own = folder.episode(repeat)
                is_ready = own is not None
                if seat is not None:
                    is_ready = await seat.all_ready(is_ready)
                if own is not None and is_ready:
                    return await _live_on_record(job, repeat, own, context, seat)
            except AloneError as error:
                return Failed(Failure(repeat, "infrastructure", str(error)), error)
            finally:
                if own is not None:
                    folder.release(repeat)
        if not context.waits:
            return None
        await asyncio.sleep(POLL_S)


def _place(
    seat: Seat | None, context: EpisodeContext
) -> contextlib.AbstractAsyncContextManager[object]:
    """Where an episode runs; those of a tournament, who wait for each other, share a place."""
    return context.places if seat is None else seat.place(context.places)


async def _live_on_record(
    job: Job, repeat: int, folder: EpisodeFolder, context: EpisodeContext, seat: Seat | None
) -> Episode | Failed:
    was_finished = folder.is_finished
    try:
        episode, described = await _live(job, repeat, folder, context, seat)
        folder.finish(episode, described)
        if not was_finished:
            await _say_ended(folder, context)
        return replace(episode, answers=figures_in(folder.path).get("answers"))
    except RecordError:
        raise  # nothing is added to a record that was changed
    except Exception as error:
        kind = _kind_of(error)
        if kind == "agent" and isinstance(error, EXPLAINED) and not folder.path.exists():
            raise  # its settings do not do
        failure = Failure(repeat, kind, _in_a_line(error), _trace(error))
        with contextlib.suppress(OSError):  # the disk may be full
            folder.fail(failure)
            await _say_ended(folder, context)
        return Failed(failure, error)


async def _say_ended(folder: EpisodeFolder, context: EpisodeContext) -> None:
    if context.options.ended is not None:
        await asyncio.to_thread(context.options.ended, folder.path)


async def _live(
    job: Job,
    repeat: int,
    folder: EpisodeFolder | None,
    context: EpisodeContext,
    seat: Seat | None,
) -> tuple[Episode, dict[str, Any] | None]:
    """An episode, and what determines its agent."""
    # One that is finished is read from its record, and nothing is decided.
    is_new = folder is None or not folder.is_finished
    unusable = UnusableAnswers()
    asked = _asked_by(job, repeat, folder, context, unusable) if is_new else None
    runner = job.runner(repeat, asked, folder, is_new=is_new)
    shown = context.bar.watch(job, repeat)

    def watch(step: Step) -> None:
        shown(step)
        if is_new and context.options.watch is not None:
            context.options.watch(step)

    try:
        with context.tracking.episode(
            job.name,
            job.task,
            model="" if job.model is None else job.model.name,
            configuration=job.settings,
        ) as log:
            episode = await live(
                runner,
                job.task,
                seeds=job.seeds[repeat],
                repeat=repeat,
                warmup=job.warmup,
                wrapper=job.wrapper,
                watch=log.beside(watch) if is_new else watch,
                folder=folder,
                unusable=unusable,
                asked=asked,
                seat=seat,
            )
            log.end(episode)
        described = await runner.describe()
        if job.model is not None and described is not None:
            described["model"] = asdict(job.model)
        return episode, described
    except Exception as error:
        # What a framework makes of an error that it was sent is not the agent's own mistake.
        if asked is not None and asked.failure is not None:
            raise asked.failure from error
        raise
    finally:
        if seat is not None:
            seat.leave()  # before its end the others cannot go on without it
        await runner.close()


def _asked_by(
    job: Job,
    repeat: int,
    folder: EpisodeFolder | None,
    context: EpisodeContext,
    unusable: UnusableAnswers,
) -> Asked | None:
    """The model for one episode, which pays for its calls."""
    run, (model, proxy) = context.options.folder, context.answering[job]
    payer = ""
    if folder is not None and run is not None and isinstance(model, Client):
        payer = folder.path.relative_to(run).as_posix()
        folder.charge(context.budget.paid_by(payer))
        model = model.asking_for(payer)
    if model is None or proxy is None:
        return None
    key = partial(proxy.key, payer, job.seeds[repeat].agent)
    return Asked(model, unusable, key, job.wording(repeat))


def _outcome(
    job: Job,
    played: Mapping[int, Episode | Failed | BaseException | None],
    references: tuple[Reference, ...],
    folder: JobFolder,
    context: EpisodeContext,
) -> JobOutcome:
    """What comes of the repeats of a job together."""
    for each in played.values():
        if isinstance(each, BaseException):
            raise each
    if None in played.values():
        return BUSY
    run = context.options.folder
    was_finished = (folder.path / "manifest.json").exists()
    episodes = {n: each for n, each in played.items() if isinstance(each, Episode)}
    errors = {n: each for n, each in played.items() if isinstance(each, Failed)}
    failures = {n: each.failure for n, each in errors.items()}
    traces = [each.trace for each in failures.values() if each.kind == "agent"]
    if traces:
        context.bar.say(traces[0])
    failed = tuple(
        JobFailure(
            f"{job.name} on {job.task.id}, {_numbered(numbers)}: {why}",
            error=errors[numbers[0]].error,
        )
        for why, numbers in _by_reason(failures.values()).items()
    )
    if not episodes:
        return JobOutcome(failed=failed)
    for number in range(folder.repeats):  # those of other shards
        if number not in played:
            failures[number] = recorded_failure(folder.path / f"repeat-{number}", number)
    described = figures_in(folder.path / f"repeat-{min(episodes)}").get("described")
    if not failures and not folder.binds_references:
        others = (each for each in references if each.kind != MATCHED)
        references = (*others, *matched_policies(job.task, list(episodes.values())))
    result = Result(
        agent=job.name,
        task=job.task,
        facts=job.task.facts("test"),
        episodes=tuple(episodes.values()),
        seed=int(job.settings["seed"]),
        handed=tuple(job.handed),
        configuration_of=job.configuration_of,
        is_baseline=job.is_baseline,
        settings=job.settings,
        described=described,
        references=references,
    )
    folder.keep_references(result.references)
    if not failures and not was_finished:
        # Of a cache elsewhere nothing is bound: it is not part of what is recorded.
        own = None if job.model is None or run is None else run / ANSWERS
        folder.finish(result, own)
    kept = tuple(failures[number] for number in sorted(failures))
    name = "" if run is None else run.name
    return JobOutcome(Entry(result=result, planned=folder.repeats, failures=kept, run=name), failed)


def _by_reason(failures: Iterable[Failure]) -> dict[str, list[int]]:
    """The numbers of the repeats that failed, by why they did."""
    reasons: dict[str, list[int]] = {}
    for failure in failures:
        reasons.setdefault(failure.why, []).append(failure.repeat)
    return reasons


def _numbered(repeats: Sequence[int]) -> str:
    return f"repeat{'s' * (len(repeats) > 1)} {', '.join(map(str, repeats))}"


def _kind_of(error: Exception) -> str:
    if isinstance(error, UnusableAnswersError):
        return "model"
    return "infrastructure" if isinstance(error, (*INFRASTRUCTURE, AloneError)) else "agent"


def _in_a_line(error: Exception) -> str:
    """An error in words; one that is not ours with its class."""
    if isinstance(error, EXPLAINED):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).rstrip()

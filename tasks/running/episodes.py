"""Jobs run together: model after model, and under each all episodes in one event loop."""

import asyncio
import contextlib
import sqlite3
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig

from investorbench.agents.agent import as_agent
from investorbench.agents.llm import Budget, Cache, LanguageModel, Model, ModelError, connect
from investorbench.agents.llm.cache import MODES
from investorbench.memory import LayeredMemoryError
from investorbench.scripts.jobs import Job
from investorbench.scripts.serving import served
from investorbench.tasks.evaluator import live, require_order, result_of
from investorbench.tasks.leaderboard import Entry
from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder
from investorbench.tasks.record.job_folder import BusyError, JobFolder
from investorbench.tasks.record.lines import RecordError
from investorbench.tasks.record.reading import recorded_failure
from investorbench.tasks.result import Episode, Failure
from investorbench.tasks.running.progress import Steps, steps_shown
from investorbench.tasks.tracking import Tracking, trackers_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError

Errors = (InvestorBenchError, LayeredMemoryError)
INFRASTRUCTURE = (ModelError, LayeredMemoryError, OSError, sqlite3.Error)
"""What an agent is not to blame for: servers, disks, a cap on what may be spent."""
POLL_S = 0.5
"""How often to look whether another process has done with an episode."""


class Failed(NamedTuple):
    """What went wrong with a job, and whether the same command may go on with it."""

    why: str
    can_go_on: bool = True


class Done(NamedTuple):
    """What jobs came to: as far as they are finished, and what failed."""

    entries: list[Entry]
    failed: list[Failed]


class CameTo(NamedTuple):
    """What one job came to; neither an entry nor a failure where other processes are at it."""

    entry: Entry | None = None
    failed: tuple[Failed, ...] = ()


BUSY = CameTo()
Plan = dict[Job, list[int]]
"""The repeats of each job that are to be run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What all episodes of a model share.

    Attributes:
        model: what answers; None for agents that ask none.
        places: for as many episodes as may run at once.
        bar: where progress is shown.
        tracking: what figures are handed to besides.
        waits: whether to wait for episodes that other processes are running.
    """

    model: LanguageModel | None
    places: asyncio.Semaphore
    bar: Steps
    tracking: Tracking
    waits: bool


def play_all(jobs: Sequence[Job], *, is_shown: bool = True) -> Done:
    """Run jobs; one that fails leaves the others alone.

    Args:
        jobs: of one command; how they run is what the first one's configuration says.
        is_shown: whether to show a bar.

    Raises:
        InvestorBenchError: a model has no key, or a cap and no price; nothing was run.
    """
    config = jobs[0].config
    if config.cache not in MODES:
        raise UnknownNameError("cache mode", config.cache, MODES)
    budget = Budget(config.max_usd, ledger=Path(config.folder) / "spending.txt")
    trackers = trackers_of(config.tracking, config.folder)
    plan = _plan(jobs, config.shard)
    if config.cache != "replay_only":
        for model, _ in _by_model(plan):
            if model is not None:
                connect(model, budget=budget)  # the last model's key is missed now, not at night
    came_to: dict[Job, CameTo] = {}
    with steps_shown(is_shown) as bar, Tracking(trackers, bar.say) as tracking:
        try:
            _play_by_model(plan, budget, bar, tracking, came_to, waits=False)
            busy = {job: plan[job] for job in jobs if came_to[job] is BUSY}
            if busy:
                bar.say("waiting for episodes that other processes are running")
                _play_by_model(busy, budget, bar, tracking, came_to, waits=True)
        except KeyboardInterrupt:
            for job in jobs:
                if came_to.get(job, BUSY) is BUSY:
                    came_to[job] = CameTo(failed=(Failed("interrupted"),))
    ordered = [came_to[job] for job in jobs]
    return Done(
        [each.entry for each in ordered if each.entry is not None],
        [failed for each in ordered for failed in each.failed],
    )


def _plan(jobs: Sequence[Job], shard: str | None) -> Plan:
    """The repeats of each job that this process has to run: all, or every n-th.

    Raises:
        InvestorBenchError: the shard is none.
    """
    all_episodes = [(job, repeat) for job in jobs for repeat in range(job.config.repeats)]
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


def _by_model(plan: Plan) -> list[tuple[Model | None, Plan]]:
    """The models that have to be asked, each with its jobs, in the order of their naming.

    Jobs that ask none, or have nothing left to run here, come first, with None.
    """
    models: list[Model | None] = [None]
    asked: dict[Job, Model | None] = {}
    for job, repeats in plan.items():
        asked[job] = None if all(map(job.is_finished, repeats)) else job.model
        models += [asked[job]] * (asked[job] not in models)
    return [
        (model, {job: repeats for job, repeats in plan.items() if asked[job] == model})
        for model in models
    ]


def _play_by_model(
    plan: Plan,
    budget: Budget,
    bar: Steps,
    tracking: Tracking,
    came_to: dict[Job, CameTo],
    *,
    waits: bool,
) -> None:
    """Add what jobs come to, model after model."""
    for model, own in _by_model(plan):
        if not own:
            continue
        config = next(iter(own)).config
        try:
            with _answering(model, config, budget, bar) as answering:
                places = asyncio.Semaphore(config.concurrency)
                turn = Turn(model=answering, places=places, bar=bar, tracking=tracking, waits=waits)
                came_to |= asyncio.run(_play(own, turn, config.concurrency))
        except Errors as error:
            came_to |= dict.fromkeys(own, CameTo(failed=(Failed(str(error)),)))


@contextlib.contextmanager
def _answering(
    model: Model | None, config: DictConfig, budget: Budget, bar: Steps
) -> Iterator[LanguageModel | None]:
    """What answers for a model, its server started where that was asked for."""
    if model is None or not model.is_language_model:
        yield None if model is None else connect(model)
        return
    folder = Path(config.folder)
    bar.say(f"{model.name}: recording in {folder}; if it is interrupted, folder={folder} goes on")
    with contextlib.ExitStack() as stack:
        cache = None
        if config.cache != "off":
            cache = Cache(config.cache_path or folder / "answers.sqlite", config.cache)
            stack.enter_context(cache)
        url = None
        if config.serve and model.provider == "vllm" and config.cache != "replay_only":
            url = stack.enter_context(served(model, **config.server, say=bar.say))
        yield connect(model, base_url=url, cache=cache, budget=budget)


async def _play(plan: Plan, turn: Turn, concurrency: int) -> dict[Job, CameTo]:
    # Memories wait in threads, for disks and servers; none should wait for another one's.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(concurrency))
    came_to = await asyncio.gather(*(_play_job(job, own, turn) for job, own in plan.items()))
    return dict(zip(plan, came_to, strict=True))


async def _play_job(job: Job, repeats: Sequence[int], turn: Turn) -> CameTo:
    """What comes of a job: of these repeats, and of those that are finished already."""
    where = f"{job.name} on {job.config.task.id}"
    numbers = [n for n in range(job.config.repeats) if n in repeats or job.is_finished(n)]
    try:
        # With a cache, the steps since a checkpoint are asked of the cache; else there are none.
        save_every = 1 if job.config.cache == "off" else SAVE_EVERY
        turn.bar.expect(
            job, numbers
        )  # and finds out whether there is data, before anything is made
        if job.config.warmup:
            require_order(job.task)
        if not numbers:
            return CameTo()  # all of it belongs to other shards, which have not begun
        with JobFolder(job.path, job.record, save_every) as folder:
            played = await asyncio.gather(
                *(_play_episode(job, repeat, folder, turn) for repeat in numbers),
                return_exceptions=True,
            )
            return _came_to(job, dict(zip(numbers, played, strict=True)), folder, turn.bar)
    except Errors as error:
        return CameTo(failed=(Failed(f"{where}: {error}", not isinstance(error, RecordError)),))
    except Exception as error:  # noqa: BLE001 - a mistake in an agent of somebody's own
        turn.bar.say("".join(traceback.format_exception(error)).rstrip())
        return CameTo(failed=(Failed(f"{where}: {_in_a_line(error)}"),))


async def _play_episode(
    job: Job, repeat: int, folder: JobFolder, turn: Turn
) -> Episode | Failure | None:
    """An episode, or why it failed; None where another process is running it."""
    while True:
        async with turn.places:
            with contextlib.suppress(BusyError):
                own = folder.episode(repeat)
                try:
                    return await _live(job, repeat, own, turn)
                finally:
                    folder.release(repeat)
        if not turn.waits:
            return None
        await asyncio.sleep(POLL_S)


async def _live(job: Job, repeat: int, folder: EpisodeFolder, turn: Turn) -> Episode | Failure:
    # One that is finished is read from its record, and nobody decides anything.
    is_new = not folder.is_finished
    runner = as_agent(job.agent(turn.model, folder) if is_new else _decides_nothing)
    shown = turn.bar.watch(job, repeat)
    try:
        with turn.tracking.episode(
            job.name,
            job.task,
            model="" if job.model is None else job.model.name,
            configuration=job.settings,
        ) as log:
            episode = await live(
                runner,
                job.task,
                seed=job.seed(repeat),
                repeat=repeat,
                warmup=job.config.warmup,
                watch=log.beside(shown) if is_new else shown,
                folder=folder,
            )
            log.end(episode)
        described = await runner.describe()
        if job.model is not None and described is not None:
            described["model"] = asdict(job.model)
        folder.finish(episode, described)
        return replace(episode, answers=folder.figures().get("answers"))
    except RecordError:
        raise  # nothing is added to a record that was changed
    except Exception as error:
        kind = "infrastructure" if isinstance(error, INFRASTRUCTURE) else "agent"
        if kind == "agent" and isinstance(error, Errors) and not folder.path.exists():
            raise  # its settings do not do
        failure = Failure(repeat, kind, _in_a_line(error), _trace(error))
        with contextlib.suppress(OSError):  # the disk may be full
            folder.fail(failure)
        return failure
    finally:
        await runner.close()


def _came_to(
    job: Job,
    played: Mapping[int, Episode | Failure | BaseException | None],
    folder: JobFolder,
    bar: Steps,
) -> CameTo:
    """What the repeats of a job come to together."""
    for each in played.values():
        if isinstance(each, BaseException):
            raise each
    if None in played.values():
        return BUSY
    was_finished = (job.path / "manifest.json").exists()
    episodes = {n: each for n, each in played.items() if isinstance(each, Episode)}
    failures = {n: each for n, each in played.items() if isinstance(each, Failure)}
    traces = [each.trace for each in failures.values() if each.kind == "agent"]
    if traces:
        bar.say(traces[0])
    failed = tuple(
        Failed(f"{job.name} on {job.config.task.id}, {_numbered(numbers)}: {why}")
        for why, numbers in _by_reason(failures.values()).items()
    )
    if not episodes:
        return CameTo(failed=failed)
    for number in range(job.config.repeats):  # those of other shards
        if number not in played:
            failures[number] = recorded_failure(job.path / f"repeat-{number}", number)
    described = EpisodeFolder(job.path / f"repeat-{min(episodes)}").figures().get("described")
    result = result_of(job.name, job.task, list(episodes.values()), described)
    if not failures and not was_finished:
        folder.finish(result)
    run = Path(job.config.folder).name
    kept = tuple(failures[number] for number in sorted(failures))
    entry = Entry(result=result, planned=job.config.repeats, failures=kept, run=run)
    return CameTo(entry, failed)


def _by_reason(failures: Iterable[Failure]) -> dict[str, list[int]]:
    """The numbers of the repeats that failed, by why they did."""
    reasons: dict[str, list[int]] = {}
    for failure in failures:
        reasons.setdefault(failure.why, []).append(failure.repeat)
    return reasons


def _numbered(repeats: Sequence[int]) -> str:
    return f"repeat{'s' * (len(repeats) > 1)} {', '.join(map(str, repeats))}"


def _in_a_line(error: Exception) -> str:
    """An error in words; one that is not ours with its class."""
    if isinstance(error, Errors):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _decides_nothing(observation: object, info: object) -> int:
    raise AssertionError("an episode that is finished has nothing left to decide")

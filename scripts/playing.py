"""Jobs run together: model after model, and under each all episodes in one event loop."""

import asyncio
import contextlib
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig

from agents.agent import as_agent
from agents.llm import Budget, Cache, LanguageModel, Model, connect
from agents.llm.cache import MODES
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from memory import LayeredMemoryError
from scripts.jobs import Job
from scripts.progress import Steps, steps_shown
from scripts.serving import served
from tasks.episodes import SAVE_EVERY, EpisodeFolder
from tasks.evaluator import live, result_of
from tasks.records import RecordError
from tasks.result import Episode, Result
from tasks.runs import JobFolder

Errors = (InvestorBenchError, LayeredMemoryError)


class Failed(NamedTuple):
    """What went wrong with a job, and whether the same command may go on with it."""

    why: str
    can_go_on: bool = True


class Done(NamedTuple):
    """What jobs came to: the results of those that are finished, and what failed."""

    results: list[Result]
    failed: list[Failed]


def play_all(jobs: Sequence[Job]) -> Done:
    """Run jobs; one that fails leaves the others alone.

    Args:
        jobs: of one command; how they run is what the first one's configuration says.

    Raises:
        InvestorBenchError: a model has no key, or a cap and no price; nothing was run.
    """
    config = jobs[0].config
    if config.cache not in MODES:
        raise UnknownNameError("cache mode", config.cache, MODES)
    budget = Budget(config.max_usd, ledger=Path(config.folder) / "spending.txt")
    by_model = _by_model(jobs)
    if config.cache != "replay_only":
        for model, _ in by_model:
            if model is not None:
                connect(model, budget=budget)  # the last model's key is missed now, not at night
    came_to: dict[Job, Result | Failed] = {}
    with steps_shown() as bar:
        try:
            for model, own in by_model:
                try:
                    with _answering(model, config, budget, bar) as answering:
                        came_to |= asyncio.run(_play(own, answering, config.concurrency, bar))
                except Errors as error:
                    came_to |= dict.fromkeys(own, Failed(str(error)))
        except KeyboardInterrupt:
            came_to |= {job: Failed("interrupted") for job in jobs if job not in came_to}
    ordered = [came_to[job] for job in jobs]
    return Done(
        [each for each in ordered if isinstance(each, Result)],
        [each for each in ordered if isinstance(each, Failed)],
    )


def _by_model(jobs: Sequence[Job]) -> list[tuple[Model | None, list[Job]]]:
    """The models that have to be asked, each with its jobs, in the order of their naming.

    Jobs that ask none, or are finished, come first, with None.
    """
    models: list[Model | None] = [None]
    asked: dict[Job, Model | None] = {}
    for job in jobs:
        asked[job] = None if _is_finished(job) else job.model
        models += [asked[job]] * (asked[job] not in models)
    return [(model, [job for job in jobs if asked[job] == model]) for model in models]


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


async def _play(
    jobs: Sequence[Job], model: LanguageModel | None, concurrency: int, bar: Steps
) -> dict[Job, Result | Failed]:
    # Memories wait in threads, for disks and servers; none should wait for another one's.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(concurrency))
    places = asyncio.Semaphore(concurrency)
    results = await asyncio.gather(*(_play_job(job, model, places, bar) for job in jobs))
    return dict(zip(jobs, results, strict=True))


async def _play_job(
    job: Job, model: LanguageModel | None, places: asyncio.Semaphore, bar: Steps
) -> Result | Failed:
    """The result of a job, or what went wrong."""
    where = f"{job.name} on {job.config.task.id}"
    try:
        # With a cache, the steps since a checkpoint are asked of the cache; else there are none.
        save_every = 1 if job.config.cache == "off" else SAVE_EVERY
        bar.expect(job)  # which finds out whether there is data, before anything is written
        is_finished = _is_finished(job)
        with JobFolder(job.path, job.record, save_every) as folder:
            played = await asyncio.gather(
                *(
                    _play_episode(job, repeat, folder.episode(repeat), model, places, bar)
                    for repeat in range(job.config.repeats)
                ),
                return_exceptions=True,
            )
            episodes = []
            for each in played:
                if isinstance(each, BaseException):
                    raise each
                episodes.append(each)
            described = folder.episode(0).figures().get("described")
            result = result_of(job.name, job.task, episodes, described)
            if not is_finished:
                folder.finish(result)
            return result
    except Errors as error:
        return Failed(f"{where}: {error}", not isinstance(error, RecordError))
    except Exception as error:  # noqa: BLE001 - a mistake in an agent of somebody's own
        bar.say("".join(traceback.format_exception(error)).rstrip())
        return Failed(f"{where}: {type(error).__name__}: {error}")


async def _play_episode(
    job: Job,
    repeat: int,
    folder: EpisodeFolder,
    model: LanguageModel | None,
    places: asyncio.Semaphore,
    bar: Steps,
) -> Episode:
    async with places:
        # One that is finished is read from its record, and nobody decides anything.
        runner = as_agent(_decides_nothing if folder.is_finished else job.agent(model, folder))
        try:
            episode = await live(
                runner,
                job.task,
                seed=job.config.seed + repeat,
                repeat=repeat,
                warmup=job.config.warmup,
                watch=bar.watch(job, repeat),
                folder=folder,
            )
            described = await runner.describe()
        finally:
            folder.close()
            await runner.close()
        if job.model is not None and described is not None:
            described["model"] = asdict(job.model)
        folder.finish(episode, described)
        return replace(episode, answers=folder.figures().get("answers"))


def _is_finished(job: Job) -> bool:
    try:
        path = job.path
    except InvestorBenchError:
        return False  # there is no such task; the job itself will say so
    repeats = (path / f"repeat-{repeat}" / "metrics.json" for repeat in range(job.config.repeats))
    return all(figures.exists() for figures in (path / "manifest.json", *repeats))


def _decides_nothing(observation: object, info: object) -> int:
    raise AssertionError("an episode that is finished has nothing left to decide")

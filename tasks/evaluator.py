"""Run an agent over a task's warm-up and test split, and score what it did."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np

from investorbench.agents.agent import Runner, as_agent
from investorbench.agents.baselines import baseline
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.result import Episode, Result, episode_of
from investorbench.tasks.seeds import episode_seed
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName, Task
from investorbench.tasks.tracking import Tracker, Tracking
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.registration import facts_in

Wrap = Callable[[gym.Env[Any, Any]], gym.Env[Any, Any]]
Watch = Callable[[Step], None]
"""Called after every step, with what there is to record or to show of it."""

STEPS_A_TURN = 64
"""After so many steps an agent that waits for nothing lets others, and Ctrl-C, have their turn."""

T = TypeVar("T")


def evaluate(
    agent: Any,
    id_or_task: str | Task,
    repeats: int = 1,
    *,
    protocol: str | None = None,
    data: Any = None,
    start: str | None = None,
    end: str | None = None,
    seed: int = 0,
    warmup: bool = True,
    wrapper: Wrap | None = None,
    watch: Watch | None = None,
    trackers: Sequence[Tracker] = (),
    **options: Any,
) -> Result:
    """Let an agent live through the warm-up split, then score it on the test split.

    Args:
        agent: an :class:`~investorbench.agents.agent.Agent`, a function ``(observation, info) ->
            action``, an object with Stable-Baselines3's ``predict``, or the name of a baseline.
        id_or_task: ``"InvestorBench/Stock-TSLA"``, ``"stock/tsla"``, or a Task.
        repeats: how often to run, each time with another seed.
        protocol: ``"standard"`` or ``"paper"``; the task's own for None.
        data: ``"real"`` (the default, which never falls back), ``"simulated"``, a folder, a file or
            a Market.
        start: first date of the test split, in place of its own.
        end: last date of the test split, in place of its own.
        seed: of the evaluation; each repeat's own follows from it, the task and the agent's name.
        warmup: whether to run the warm-up split first.
        wrapper: what to wrap the environment in, such as ``NumericObservation``.
        watch: called after every step.
        trackers: where to log steps and metrics besides, such as ``TensorBoard("tb")``.
        options: further options of the environment, such as ``long_only=True``.

    Returns:
        A result with ``.metrics``, ``.equity``, ``.actions`` and ``.to_frame()``.

    Raises:
        InvestorBenchError: something is unknown, missing or outside the data; says what would do.
    """
    task = Task.of(id_or_task, protocol=protocol, data=data, start=start, end=end, options=options)
    if not isinstance(repeats, int) or repeats < 1:
        raise InvestorBenchError(f"repeats={repeats!r} must be a whole number of at least 1")
    runner = as_agent(baseline(agent) if isinstance(agent, str) else agent)

    async def episode(repeat: int, tracking: Tracking) -> Episode:
        with tracking.episode(runner.name, task) as log:
            played = await live(
                runner,
                task,
                seed=episode_seed(task, runner.name, "", repeat, seed),
                repeat=repeat,
                warmup=warmup,
                wrapper=wrapper,
                watch=log.beside(watch),
            )
            log.end(played)
            return played

    async def episodes(tracking: Tracking) -> list[Episode]:
        return [await episode(repeat, tracking) for repeat in range(repeats)]

    with Tracking(trackers) as tracking:
        played = run_to_end(episodes(tracking))
    return result_of(runner.name, task, played)


async def live(
    agent: Runner,
    task: Task,
    *,
    seed: int,
    repeat: int = 0,
    warmup: bool = True,
    wrapper: Wrap | None = None,
    watch: Watch | None = None,
    folder: EpisodeFolder | None = None,
) -> Episode:
    """One episode: an agent's way through the warm-up and the test split.

    Args:
        agent: who decides.
        task: on what.
        seed: of the environment and the agent.
        repeat: its number among those of the task.
        warmup: whether to run the warm-up split first.
        wrapper: what to wrap the environments in.
        watch: called after every step.
        folder: where the episode is recorded, and goes on if it had begun.
    """
    if warmup:
        require_order(task)
    splits: tuple[SplitName, ...] = ("warmup", "test") if warmup else ("test",)
    envs = {split: (wrapper or _as_it_is)(task.make(split)) for split in splits}
    steps: list[Step] = []
    for split in splits:
        if folder is not None and folder.has_passed(split):
            continue
        steps = []
        async for step in play(agent, envs[split], task, split, seed, repeat, folder):
            steps.append(step)
            if folder is not None:
                folder.write(step)
                await folder.save(agent, step)
            if watch is not None:
                watch(step)
    return episode_of(steps, task)


async def play(
    agent: Runner,
    env: gym.Env[Any, Any],
    task: Task,
    split: SplitName,
    seed: int,
    repeat: int,
    folder: EpisodeFolder | None = None,
) -> AsyncIterator[Step]:
    """Let an agent act through one split, yielding each step as it is taken."""
    facts = facts_in(env)
    observation, info = env.reset(seed=seed)
    checkpoint = folder.checkpoint if folder is not None else None
    taken = folder.taken(split) if folder is not None else []
    if not taken:
        await agent.begin(facts, split, seed)
    elif checkpoint is not None and checkpoint.agent is not None:
        await agent.begin(facts, split, seed)
        await agent.load(checkpoint.agent)
    steps = facts.steps
    for number in range(steps):
        if number % STEPS_A_TURN == 0:
            await asyncio.sleep(0)
        is_new = number >= len(taken)
        action = await agent.act(observation, info) if is_new else as_action(taken[number])
        observation, reward, terminated, truncated, outcome = env.step(action)
        if is_new:
            await agent.learn(float(reward), outcome)
        yield Step(
            repeat=repeat,
            seed=seed,
            split=split,
            number=number,
            steps=steps,
            info=info,
            action=action,
            reward=float(reward),
            outcome=outcome,
            is_last=terminated or truncated,
            thought=await agent.record() if is_new else None,
        )
        info = outcome
        if terminated or truncated:
            return


def as_action(recorded: Any) -> Any:
    """An action as an environment takes it, from its record."""
    return np.array(recorded, dtype=np.float32) if isinstance(recorded, list) else recorded


def result_of(
    name: str, task: Task, episodes: Sequence[Episode], described: dict[str, Any] | None = None
) -> Result:
    """What the episodes of an agent on a task come to."""
    return Result(
        agent=name,
        task=task,
        facts=task.facts("test"),
        episodes=tuple(episodes),
        described=described,
    )


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; in a thread where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def _as_it_is(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    return env


def require_order(task: Task) -> None:
    """Refuse a test split that begins in the warm-up split.

    Raises:
        DateRangeError: it does.
    """
    first, last = task.facts("warmup").window
    start, _ = task.facts("test").window
    if start <= last:
        raise DateRangeError(
            f"the test split would start on {start}, inside the warm-up split {first}..{last}, "
            "whose labels the agent has seen; start later, or pass warmup=False"
        )

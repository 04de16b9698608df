"""One episode: an agent's way through the warm-up and the test split of a task."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any, TypeVar

import gymnasium as gym

from investorbench.agents.agent import Runner
from investorbench.tasks.answers import answers_in, tally
from investorbench.tasks.record.episode_folder import EpisodeFolder, labels_in
from investorbench.tasks.result import Episode, episode_of
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.block import RenewedAgent, play_block
from investorbench.tasks.running.play import play
from investorbench.tasks.running.tournament import Seat
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName, Task
from investorbench.tasks.trading_r1.marking import marked, truths_for
from investorbench_env.errors import DateRangeError, InvestorBenchError

Wrap = Callable[[gym.Env[Any, Any]], gym.Env[Any, Any]]
Watch = Callable[[Step], None]
"""Called after every step, with what there is to record or to show of it."""

T = TypeVar("T")


async def live(
    agent: Runner,
    task: Task,
    *,
    seeds: Seeds,
    repeat: int = 0,
    warmup: bool = True,
    wrapper: Wrap | None = None,
    watch: Watch | None = None,
    folder: EpisodeFolder | None = None,
    unusable: UnusableAnswers | None = None,
    asked: Asked | None = None,
    seat: Seat | None = None,
) -> Episode:
    """One episode: an agent's way through the warm-up and the test split.

    Args:
        agent: who decides; the snapshots of a block are decided by a RenewedAgent.
        task: on what.
        seeds: of the environment and the agent; of a block, those of its first snapshot.
        repeat: its number among those of the task.
        warmup: whether to run the warm-up split first.
        wrapper: what to wrap the environments in.
        watch: called after every step.
        folder: where the episode is recorded, and resumed if it had begun; its figures say what
            the answers of both parts add up to.
        unusable: counts answers in a row that cannot be used.
        asked: the model that the agent was given; None where it was given none.
        seat: the agent's place among those whose ranks it is shown; None where it is shown none.

    Raises:
        UnusableAnswersError: there were too many of them; the last step is on record.
    """
    unusable = unusable or UnusableAnswers()
    if isinstance(agent, RenewedAgent) and folder is not None and folder.is_finished:
        return _as_recorded(folder, watch)
    truths = truths_for(task, seeds.market)  # of which the agent hears nothing
    if warmup:
        require_order(task)
    splits: tuple[SplitName, ...] = ("warmup", "test") if warmup else ("test",)
    envs = {split: (wrapper or _as_it_is)(task.make(split)) for split in splits}
    if folder is not None:
        for env in envs.values():
            _require_own_actions(env)
    steps: list[Step] = []
    thoughts: dict[str, list[dict[str, Any] | None]] = {}
    for split in splits:
        known = [] if folder is None else folder.answers(split)
        if folder is not None and folder.has_passed(split):
            unusable.add(answer for own in known for answer in own)
            if seat is not None:
                seat.recall(split, *folder.equities(split))
            continue
        steps = []
        thoughts[split] = []
        ranked = None if seat is None else seat.ranks
        played = (
            play_block(agent, envs[split], repeat, folder, asked)
            if isinstance(agent, RenewedAgent)
            else play(agent, envs[split], split, seeds, repeat, folder, asked, ranked)
        )
        async for step in played:
            steps.append(step)
            thoughts[split].append(step.thought)
            if seat is not None and step.is_last:
                seat.end(split, step.outcome["account"].equity)
            if folder is not None:
                folder.write(step)
                await folder.save(agent, step)
            if watch is not None:
                watch(step)
            is_recorded = step.number < len(known)
            unusable.add(known[step.number] if is_recorded else answers_in(step.thought))
            if not is_recorded:  # a run that was ended for this may try again
                unusable.require_few()
    answers = {
        split: tally((answers_in(thought), thought) for thought in own)
        for split, own in thoughts.items()
    }
    return replace(
        episode_of(steps),
        answers=answers if any(answers.values()) else None,
        labelled=marked(_with_thoughts(steps, folder), truths),
    )


def _with_thoughts(steps: Sequence[Step], folder: EpisodeFolder | None) -> list[Step]:
    """Steps with what the agent recorded, also of those that it did not take again."""
    recorded = [] if folder is None else folder.thoughts()
    return [
        replace(step, thought=recorded[step.number]) if step.number < len(recorded) else step
        for step in steps
    ]


def _as_recorded(folder: EpisodeFolder, watch: Watch | None) -> Episode:
    """A block that is finished: its markets need not be drawn again."""
    steps = folder.steps()
    if watch is not None:
        for step in steps:
            watch(step)
    return replace(episode_of(steps), labelled=labels_in(folder.path))


def _as_it_is(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    return env


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; in a thread where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        # In this context, so that what is shown is shown in the cell that asked for it.
        return thread.submit(copy_context().run, asyncio.run, coroutine).result()


def _require_own_actions(env: gym.Env[Any, Any]) -> None:
    """Refuse to record an environment whose wrapper takes other actions than itself.

    Raises:
        InvestorBenchError: it does.
    """
    if env.action_space != env.unwrapped.action_space:
        raise InvestorBenchError(
            f"{env} takes other actions than the environment in it, which could not be replayed: "
            "leave out folder=..., or translate the actions in the agent"
        )


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

"""One episode: an agent's way through the warm-up and the test split of a task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy, deepcopy
from dataclasses import replace
from typing import Any, TypeVar

import gymnasium as gym

from investorbench.agents.agent import Runner
from investorbench.agents.forecasts import plain_forecast
from investorbench.tasks.actions import action_of, plain_action, takes_anything
from investorbench.tasks.answers import answers_in, tally, with_asked
from investorbench.tasks.days import is_within_a_day
from investorbench.tasks.ranks import Ranks
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.record.observed import observed_hash
from investorbench.tasks.result import Episode, episode_of
from investorbench.tasks.running.asked import Asked, Noted
from investorbench.tasks.running.tournament import Seat
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName, Task
from investorbench_env.errors import DateRangeError, FactsError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.registration import facts_in

Wrap = Callable[[gym.Env[Any, Any]], gym.Env[Any, Any]]
Watch = Callable[[Step], None]
"""Called after every step, with what there is to record or to show of it."""
Ranked = Callable[[str, int, float], Awaitable[Ranks]]

T = TypeVar("T")

SECRET = ("market_seed", "hidden_state")
"""What the last info of an episode on a simulated market tells somebody who steps it directly."""
EVENTS = (
    "documents", "fills", "rejections", "distributions", "open_orders", "stale", "closed",
    "funding", "repairs",
)  # fmt: skip
"""The parts of an info that are sequences of what can never change."""

STEPS_A_TURN = 64
"""After so many steps an agent that waits for nothing lets others, and Ctrl-C, have their turn."""


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
        agent: who decides.
        task: on what.
        seeds: of the environment and the agent.
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
        async for step in play(agent, envs[split], split, seeds, repeat, folder, asked, ranked):
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
    return replace(episode_of(steps), answers=answers if any(answers.values()) else None)


async def play(
    agent: Runner,
    env: gym.Env[Any, Any],
    split: SplitName,
    seeds: Seeds,
    repeat: int,
    folder: EpisodeFolder | None = None,
    asked: Asked | None = None,
    ranked: Ranked | None = None,
) -> AsyncIterator[Step]:
    """Let an agent act through one split, yielding each step as it is taken.

    Args:
        agent: who decides.
        env: of the split.
        split: its name.
        seeds: of the environment and the agent.
        repeat: the number of the episode among those of the task.
        folder: where it is recorded; what is recorded is taken again.
        asked: the model that the agent was given; None where it was given none.
        ranked: gives the ranks that it is shown, from the split, the number of the decision and
            the equity of its account; None where it is shown none.

    Raises:
        FactsError: the environment does not do as its facts say.
    """
    facts = facts_in(env)
    within_a_day = is_within_a_day(facts.interval)
    observation, shown = env.reset(seed=seeds.market)
    _require_as_said(facts, shown, ("session", "time", "account"))
    info = _kept(shown)
    taken = folder.taken(split) if folder is not None else []
    foretold = folder.forecasts(split) if folder is not None else []
    public = replace(facts, findings=())  # those that date a jump in the data say what is to come
    if not taken or (folder is not None and folder.needs_agent):
        await agent.begin(public, split, seeds.agent)
    if taken and folder is not None:
        await folder.load(agent)
    if folder is not None:
        folder.describe(await agent.describe())
    for number in range(facts.steps):
        if number % STEPS_A_TURN == 0:
            await asyncio.sleep(0)
        if ranked is not None:
            ranks = await ranked(split, number, info["account"].equity)
            shown, info = {**shown, "ranks": deepcopy(ranks)}, {**info, "ranks": ranks}
        is_new = number >= len(taken)
        observed = None if folder is None else observed_hash(observation, shown)
        if is_new:
            # Of its own: an agent may choose into one buffer again and again.
            decision = await agent.decide(observation, _shown(shown))
            action, said = deepcopy(decision.action), decision.forecast
            forecast = None if said is None else plain_forecast(said, facts)
        else:
            action = action_of(env.action_space, taken[number])
            forecast = foretold[number]
        chosen = plain_action(env.action_space, action)
        if takes_anything(env.action_space):
            # As they are recorded, so that what they come to is the same when they are replayed.
            action = action_of(env.action_space, chosen)
        observation, reward, terminated, truncated, shown = env.step(action)
        _require_as_said(facts, shown, ("session", "time", "account", "fills"))
        outcome = _kept(shown)
        if outcome["session"] == info["session"] and not within_a_day:
            raise FactsError(
                f"the session {info['session']} has several steps, but by the facts of "
                f"{facts.family} a bar takes {facts.interval}: give the length of one, such as '3m'"
            )
        if is_new:
            await agent.learn(float(reward), _shown(shown))
        noted = Noted() if asked is None else asked.taken()
        yield Step(
            repeat=repeat,
            seed=seeds.agent,
            market_seed=seeds.market,
            split=split,
            facts=facts,
            number=number,
            info=info,
            action=chosen,
            reward=float(reward),
            outcome=outcome,
            is_last=terminated or truncated,
            thought=with_asked(await agent.record(), *noted) if is_new else None,
            observed=observed,
            forecast=forecast,
        )
        info = outcome
        if terminated or truncated:
            return
    raise FactsError(
        f"{env} continues after {facts.steps} steps, the most that an episode has by its facts: "
        "end it there as truncated, or give the true number"
    )


def _shown(info: Mapping[str, Any]) -> dict[str, Any]:
    """An info as an agent sees it: a dict of its own, without what it may not know."""
    return {name: part for name, part in info.items() if name not in SECRET}


def _kept(info: Mapping[str, Any]) -> dict[str, Any]:
    """An info as it is scored and recorded, with copies of what can be written into."""
    own = _shown(info)
    own["account"] = copy(info["account"])
    for name in EVENTS:
        if name in own:
            own[name] = tuple(own[name])
    return own


def _require_as_said(facts: Facts, info: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in info:
            raise FactsError(
                f"an info of {facts.family} has no {name!r}: an environment gives session, time, "
                "account and, after a step, fills"
            )
    first, last = facts.window
    if not first <= info["session"] <= last:
        raise FactsError(
            f"the session {info['session']} lies outside {first}..{last}, the window in the facts "
            f"of {facts.family}"
        )


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

"""One split of an episode: an agent and an environment in turn, a step after the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from typing import Any, Protocol

import gymnasium as gym

from investorbench.agents.agent import Runner
from investorbench.agents.forecasts import plain_forecast
from investorbench.tasks.actions import action_of, plain_action, takes_anything
from investorbench.tasks.answers import with_asked
from investorbench.tasks.days import is_within_a_day
from investorbench.tasks.horizon import scored_by
from investorbench.tasks.ranks import Ranks
from investorbench.tasks.record.observed import observed_hash
from investorbench.tasks.running.asked import Asked, Noted
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName
from investorbench_env.errors import FactsError
from investorbench_env.facts import Facts
from investorbench_env.registration import facts_in

Ranked = Callable[[str, int, float], Awaitable[Ranks]]

SECRET = ("market_seed", "hidden_state")
"""What the last info of an episode on a simulated market tells somebody who steps it directly."""
EVENTS = (
    "documents", "fills", "rejections", "distributions", "open_orders", "stale", "closed",
    "funding", "repairs",
)  # fmt: skip
"""The parts of an info that are sequences of what can never change."""

STEPS_A_TURN = 64
"""After so many steps an agent that waits for nothing lets others, and Ctrl-C, have their turn."""


class Recorded(Protocol):
    """What is recorded of the steps that are played, such as a folder of an episode."""

    @property
    def needs_agent(self) -> bool: ...
    def taken(self, split: str) -> Sequence[Any]: ...
    def forecasts(self, split: str) -> Sequence[Any]: ...
    def describe(self, described: Mapping[str, Any] | None) -> None: ...
    async def load(self, agent: Runner) -> None: ...


async def play(
    agent: Runner,
    env: gym.Env[Any, Any],
    split: SplitName,
    seeds: Seeds,
    repeat: int,
    folder: Recorded | None = None,
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
    public = facts_for_agent(facts, shown)
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
        if (scored := scored_by(env, facts, is_foretold=forecast is not None)) is not None:
            outcome["scored"] = scored
        if outcome["session"] == info["session"] and not within_a_day:
            raise FactsError(
                f"the session {info['session']} has several steps, but by the facts of "
                f"{facts.family} a bar takes {facts.interval}: give the length of one, such as '3m'"
            )
        # Who decides once has nothing to learn for, and a pair of markets mirrors what came.
        if is_new and facts.horizon is None:
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


def facts_for_agent(facts: Facts, info: Mapping[str, Any]) -> Facts:
    """The facts that an agent begins with, given the first info.

    Findings that date a jump in the data say what is to come; and of snapshots of several assets,
    an agent is asked about one.
    """
    own = facts if facts.horizon is None else facts.of(info["symbol"])
    return replace(own, findings=())


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

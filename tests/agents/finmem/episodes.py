"""What the tests of FinMem share: short episodes on a market of their own, models, a fixed record.

An episode is stepped here by hand, so that it can be broken off, or interleaved with another one.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import gymnasium as gym
import numpy as np

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.state import AgentState
from investorbench.agents.finmem.thought import Thought
from investorbench.agents.finmem.today import items_of
from investorbench.agents.llm import Answer, Message, Schema
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks.task import Task
from investorbench_env.market import Market
from tests.env.small_markets import document, small_market

SPLITS = {"warmup": ("2020-07-01", "2020-07-11"), "test": ("2020-07-20", "2020-08-01")}
STEPS = {"warmup": 10, "test": 12}

# Every return is a whole number of basis points, and no two within 499 days have the same size.
RETURNS = [(1 + t * 311 % 499) * (-1 if t * 7 % 5 < 2 else 1) / 10_000 for t in range(300)]
CLOSES = [100.0 * float(level) for level in np.cumprod([1.0, *(1.0 + r for r in RETURNS)])]
OPENS = [100.0, *CLOSES[:-1]]  # nights are without a move, so that a fill misses none
NEWS = [f"Session {t}: orders rose at the plant." for t in range(300)]

Value = dict[str, Any]
Say = Callable[[Sequence[Message], Value], Value | None]


class Day(NamedTuple):
    """One step of an episode."""

    split: str
    observation: Any
    info: dict[str, Any]
    action: Any
    outcome: dict[str, Any]
    thought: Thought


def market(texts: Sequence[str] | None = None, **changes: Any) -> Market:
    """A market with a piece of news at noon of every session, and reports in between."""
    (symbol,) = changes.get("symbols", ("TEST",))
    reports = {50: ("10-K", "Report of the year.")}
    reports |= {t: ("10-Q", f"Report {t}.") for t in (100, 190, 205)}
    news = NEWS if texts is None else texts
    documents = [document(t + 0.5, text, symbol=symbol) for t, text in enumerate(news)]
    documents += [
        document(t + 0.6, text, kind, symbol=symbol) for t, (kind, text) in reports.items()
    ]
    return small_market(CLOSES, **{"opens": OPENS, "documents": documents, **changes})


def arrays(seed: int) -> LayeredMemory:
    return LayeredMemory("layered", Arrays(), HashedNgrams(64), seed=seed)


def task_of(data: Market, protocol: str = "standard", **options: Any) -> Task:
    return Task(id="InvestorBench/Stock", data=data, protocol=protocol, options=options)


def environment(task: Task, split: str) -> gym.Env[Any, Any]:
    start, end = SPLITS[split]
    return gym.make(
        task.id, split=split, data=task.data, protocol=task.protocol, start=start, end=end,
        **task.options,
    )  # fmt: skip


async def days(
    agent: FinMem,
    task: Task,
    *,
    taken: Sequence[Day] = (),
    shown: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda split, info: info,
) -> AsyncIterator[Day]:
    """An episode, day by day.

    Args:
        agent: who decides; where days were taken, it has loaded what was saved after them.
        task: on what.
        taken: days that are over.
        shown: makes of an info what the agent is shown in a split.
    """
    for split in SPLITS:
        env = environment(task, split)
        observation, info = env.reset(seed=0)
        over = [day.action for day in taken if day.split == split]
        if not over:
            agent.begin(env.unwrapped.facts, split, 0)
        for number in range(STEPS[split]):
            if number < len(over):
                observation, _, _, _, info = env.step(over[number])
                continue
            seen, known = observation, shown(split, dict(info))
            action = await agent.act(seen, known)
            observation, reward, _, _, info = env.step(action)
            outcome = shown(split, dict(info))
            agent.learn(float(reward), outcome)
            assert agent.last is not None
            yield Day(split, seen, known, action, outcome, agent.last)


def play(agent: FinMem, task: Task, **options: Any) -> list[Day]:
    """A whole episode, in an event loop of its own."""

    async def live() -> list[Day]:
        return [day async for day in days(agent, task, **options)]

    return asyncio.run(live())


def store(state: AgentState, parts: Sequence[Arrival]) -> dict[int, int]:
    """Have a state remember what arrived."""
    items = items_of(parts, ())
    return state.store(items, state.memory.embed([item.part.text for item in items]))


class Scripted:
    """A model that answers as a function of the question does, and keeps what it was asked."""

    name, is_language_model = "scripted", False

    def __init__(self, say: Say) -> None:
        self.say = say
        self.asked: list[tuple[Sequence[Message], Value]] = []

    async def decide(
        self, messages: Sequence[Message], schema: Schema | None, **options: Any
    ) -> Answer:
        assert schema is not None
        self.asked.append((messages, dict(schema)))
        value = self.say(messages, dict(schema))
        return Answer(
            value=value, text=json.dumps(value), status="invalid" if value is None else "ok",
            rung="text", model=self.name, request_hash="", is_language_model=False,
        )  # fmt: skip


LABEL = re.compile(r'(?m)^(?:<memory id="(M\d+)"|(N\d+)[ :])')


def shown_labels(messages: Sequence[Message]) -> list[str]:
    """Labels of what a question shows, in its order."""
    return [memory or new for memory, new in LABEL.findall(messages[-1]["content"])]


def answer(messages: Sequence[Message], **more: Any) -> Value:
    """An answer that gives what is asked for: buy, and the first two things that are shown."""
    reflects = "First write the reflection" in messages[-1]["content"]
    return {
        "reflection": "So it goes." if reflects else "", "rationale": "Orders rose.",
        "decision": "buy", "memory_ids": shown_labels(messages)[:2], **more,
    }  # fmt: skip


def varied(messages: Sequence[Message], schema: Mapping[str, Any]) -> Value:
    """An answer that depends on nothing but the question, and differs from day to day."""
    chance = np.random.default_rng(crc32(messages[-1]["content"].encode()))
    if "decision" not in schema["properties"]:
        return {"summary": f"Summary {chance.integers(1000)}."}
    return answer(
        messages,
        rationale=f"Reason {chance.integers(1000)}.",
        decision=str(chance.choice(["buy", "hold", "sell"])),
        memory_ids=[str(label) for label in chance.permutation(shown_labels(messages))[:3]],
    )

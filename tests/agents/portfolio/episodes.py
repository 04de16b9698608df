"""What the tests of a portfolio's agent share: a market of several assets, models, episodes."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import gymnasium as gym
import numpy as np

from investorbench.agents.finmem.asset_memory import AssetMemory
from investorbench.agents.llm import Message
from investorbench.agents.portfolio import FinMemPortfolio, PortfolioThought
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench_env.market import Market
from investorbench_env.market.joining import join
from tests.agents.finmem.episodes import Scripted
from tests.env.small_markets import date, document, small_market

SYMBOLS = ("ACME", "BOLT", "CALX")
LENGTH = 40
SPLITS = {"warmup": (date(10), date(16)), "test": (date(20), date(28))}
STEPS = {"warmup": 6, "test": 8}
Value = dict[str, Any]


class Day(NamedTuple):
    """One step of an episode."""

    split: str
    info: dict[str, Any]
    action: Any
    outcome: dict[str, Any]
    thought: PortfolioThought


def market(
    symbols: Sequence[str] = SYMBOLS,
    news: Callable[[str, int], str] | None = None,
    **changes: Mapping[str, Any],
) -> Market:
    """Assets that move apart, each with a piece of news at noon and a report now and then.

    Args:
        symbols: of the assets.
        news: the text of an asset and a session.
        changes: of the market of an asset, by its symbol; ``last`` is its last session with a bar.
    """
    words = news or (lambda symbol, t: f"Session {t}: orders rose at the {symbol} plant.")
    parts = {}
    for place, symbol in enumerate(symbols):
        moves = [((t * 37 + place * 61) % 41 - 19) / 1000 for t in range(LENGTH)]
        closes = [50.0 * (place + 1) * float(level) for level in np.cumprod(1.0 + np.array(moves))]
        own = {**changes.get(symbol, {})}
        last = own.pop("last", LENGTH)
        closes = [close if t <= last else float("nan") for t, close in enumerate(closes)]
        documents = [document(t + 0.5, words(symbol, t), symbol=symbol) for t in range(LENGTH)]
        documents += [
            document(t + 0.6, f"{symbol} reports on quarter {t}.", "10-Q", symbol=symbol)
            for t in (12, 24)
        ]
        given = {"opens": [100.0, *closes[:-1]], "documents": documents, **own}
        parts[symbol] = small_market(closes, symbols=(symbol,), **given)
    return join(parts, "stock")


def arrays(seed: int, symbol: str) -> LayeredMemory:
    return LayeredMemory("layered", Arrays(), HashedNgrams(64), seed=seed)


def environment(data: Market, split: str, action: str = "orders", **options: Any) -> Any:
    start, end = SPLITS[split]
    return gym.make(
        "InvestorBench/Portfolio", symbols=[*data.symbols], data=data, split=split, start=start,
        end=end, action=action, **options,
    )  # fmt: skip


async def days(
    agent: FinMemPortfolio,
    data: Market,
    action: str = "orders",
    *,
    taken: Sequence[Day] = (),
    **options: Any,
) -> AsyncIterator[Day]:
    """An episode, day by day.

    Args:
        agent: who decides; where days were taken, it has loaded what was saved after them.
        data: on what.
        action: of which kind.
        taken: days that are over.
        options: of the environment.
    """
    for split in SPLITS:
        env = environment(data, split, action, **options)
        observation, info = env.reset(seed=0)
        over = [day.action for day in taken if day.split == split]
        if not over:
            agent.begin(env.unwrapped.facts, split, 0)
        for number in range(STEPS[split]):
            if number < len(over):
                observation, _, _, _, info = env.step(over[number])
                continue
            known = dict(info)
            acted = await agent.act(observation, known)
            observation, reward, _, _, info = env.step(acted)
            agent.learn(float(reward), dict(info))
            assert agent.last is not None
            yield Day(split, known, acted, dict(info), agent.last)


def play(agent: FinMemPortfolio, data: Market, action: str = "orders", **options: Any) -> list[Day]:
    """A whole episode, in an event loop of its own."""

    async def live() -> list[Day]:
        return [day async for day in days(agent, data, action, **options)]

    return asyncio.run(live())


def agent_of(say: Callable[..., Any], **options: Any) -> FinMemPortfolio:
    return FinMemPortfolio(Scripted(say), arrays, **options)


LABEL = re.compile(r'(?m)^(?:<memory id="(M\d+)"|(N\d+)[ :])')
SECTION = re.compile(r"(?ms)^## ([A-Z0-9.]+)\n(.*?)(?=^## [A-Z0-9.]+\n|^# )")


def sections(prompt: str) -> dict[str, str]:
    """What stands under each asset's symbol."""
    return dict(SECTION.findall(prompt))


def labels_in(section: str) -> list[str]:
    """What may be cited of a section."""
    return [memory or new for memory, new in LABEL.findall(section)]


def answer(messages: Sequence[Message], orders: Sequence[Value] = (), **more: Any) -> Value:
    """An answer with a view on each asset that cites what it is shown first."""
    prompt = messages[-1]["content"]
    views = [
        {"symbol": symbol, "rationale": f"{symbol} is busy.", "memory_ids": labels_in(text)[:2]}
        for symbol, text in sections(prompt).items()
    ]
    reflects = "First write the reflection" in prompt
    return {
        "reflection": "So it goes." if reflects else "", "rationale": "Orders rose.",
        "views": views, "orders": [*orders], **more,
    }  # fmt: skip


def order(symbol: str, side: str, quantity: float | None = None, **more: Any) -> Value:
    """An order with all its keys."""
    plain = {"limit": None, "stop": None, "until": "day", "id": None}
    return {"symbol": symbol, "side": side, "quantity": quantity, **plain, **more}


def varied(messages: Sequence[Message], schema: Mapping[str, Any]) -> Value:
    """An answer that depends on nothing but the question, and differs from day to day."""
    chance = np.random.default_rng(crc32(messages[-1]["content"].encode()))
    symbols = [*sections(messages[-1]["content"])]
    if "weights" in schema["properties"]:
        listed = [{"symbol": s, "weight": float(chance.uniform(0, 0.6))} for s in symbols]
        value = answer(messages, weights=listed)
        del value["orders"]
        return value
    orders = []
    for symbol in symbols:
        side = str(chance.choice(["buy", "sell", "stop"]))
        price = float(chance.uniform(20, 160))
        orders.append(
            order(
                symbol, side, float(chance.integers(1, 300)),
                stop=price if side == "stop" else None,
                until=str(chance.choice(["day", "cancelled"])),
                limit=price if chance.random() < 0.4 else None,
            )
        )  # fmt: skip
    return answer(messages, orders, rationale=f"Reason {chance.integers(1000)}.")


def everything(memories: Mapping[str, LayeredMemory] | Mapping[str, AssetMemory]) -> Any:
    """All that the memories of all assets hold."""
    from tests.memory.small_memories import everything as of_one

    return {symbol: of_one(memory) for symbol, memory in memories.items()}

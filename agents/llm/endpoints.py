"""What all calls to one address share: how many may run, how often, and what its ladders learned.

The tables are of the process on purpose: a server's capacity is one, however many agents ask it.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from investorbench.agents.llm.answer import Rung
from investorbench.agents.llm.ladder import Ladder
from investorbench.agents.llm.models import Accepts
from investorbench.agents.llm.outage import Outage
from investorbench.agents.llm.parameters import Taken

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One thing for each event loop: locks and connections cannot cross from one to another."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._things: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get(self) -> T:
        """The running loop's own, made when first asked for."""
        loop = asyncio.get_running_loop()
        if loop not in self._things:
            # What belongs to a closed loop may refer to it, and would keep both for ever.
            for closed in [known for known in self._things if known.is_closed()]:
                del self._things[closed]
            self._things[loop] = self._make()
        return self._things[loop]


class Gate:
    """Lets calls to one address through: so many at once, so many a minute, none while it rests."""

    def __init__(self, concurrency: int, requests_per_minute: float | None) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._gap_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next = self._open_at = -math.inf

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it."""
        async with self._places:
            await self._wait()
            yield

    def rest(self, seconds: float) -> None:
        """Let no request start for so long: the server asked for it."""
        self._open_at = max(self._open_at, asyncio.get_running_loop().time() + seconds)

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self._next)
        self._next = start + self._gap_s  # before sleeping, so that the next one queues behind
        while (pause := max(start, self._open_at) - loop.time()) > 0:
            await asyncio.sleep(pause)


class Endpoint:
    """One address: gates and outages of each event loop, and a ladder for each model."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._gates: PerLoop[dict[tuple[int, float | None], Gate]] = PerLoop(dict)
        self._outages: PerLoop[Outage] = PerLoop(lambda: Outage(address))
        self._taken: dict[tuple[str, Accepts], Taken] = {}
        self._ladders: dict[tuple[str, tuple[Rung, ...]], Ladder] = {}

    def gate(self, concurrency: int, requests_per_minute: float | None) -> Gate:
        """The gate that all who set the same limits share."""
        gates, limits = self._gates.get(), (concurrency, requests_per_minute)
        if limits not in gates:
            gates[limits] = Gate(*limits)
        return gates[limits]

    def outage(self) -> Outage:
        """Whether it is away."""
        return self._outages.get()

    def taken(self, model: str, accepts: Accepts) -> Taken:
        """What is known of the parameters that this model takes here."""
        return self._taken.setdefault((model, accepts), Taken(accepts))

    def ladder(self, model: str, rungs: Sequence[Rung]) -> Ladder:
        """What is known of this model here."""
        return self._ladders.setdefault((model, tuple(rungs)), Ladder(tuple(rungs)))


class Endpoints:
    """All addresses that were asked."""

    def __init__(self) -> None:
        self._known: dict[str, Endpoint] = {}

    def at(self, address: str) -> Endpoint:
        """The endpoint of an address."""
        return self._known.setdefault(address, Endpoint(address))


ENDPOINTS = Endpoints()
"""The process's own; a test, or a sweep that must forget, makes another."""

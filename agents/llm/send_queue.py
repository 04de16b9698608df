"""Who may use an event loop's one thread next, so that many calls follow each other like a queue.

Left to itself, asyncio runs one step of every waiting task in its round. Of 64 agents whose answers
came together, each would then work, and each request would be sent, only when the last one is
ready: they stay together for ever, and the server idles in between. With turns, an agent takes its
answer, works, and its next request is on its way before the next agent begins.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from investorbench.agents.llm.endpoints import PerLoop

STEPS_TO_SEND = 5
"""Steps of the event loop in which a request over an open connection is written."""


class SendQueue:
    """One turn at a time; who wants to send goes before who wants to take an answer."""

    def __init__(self) -> None:
        self._taken = False
        self._senders: deque[asyncio.Future[None]] = deque()
        self._takers: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def to_send(self) -> AsyncIterator[None]:
        """A turn that lasts until what was begun in it is on its way."""
        await self._wait(self._senders)
        try:
            yield
            for _ in range(STEPS_TO_SEND):
                await asyncio.sleep(0)
        finally:
            self._pass_on()

    async def to_take(self) -> None:
        """A turn that lasts until the caller waits for something, such as its next turn."""
        await self._wait(self._takers)
        asyncio.get_running_loop().call_soon(self._pass_on)

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had the turn already
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for queue in (self._senders, self._takers):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._taken = False


SEND_QUEUES: PerLoop[SendQueue] = PerLoop(SendQueue)
"""Of all calls of a loop, whomever they ask: what they compete for is its one thread."""

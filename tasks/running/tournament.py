"""Agents in lock-step: who is shown ranks decides when every account of the path has been marked.

A :class:`Tournament` is one repeat of a task, with a :class:`Seat` for each agent. What an account
comes to follows from its own decisions alone, and those from the ranks, so a tournament that was
killed is resumed as any run is: everybody takes what is recorded again, and the same ranks follow.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from investorbench.tasks.ranks import Ranks, ranks_of
from investorbench_env.errors import InvestorBenchError

_When = tuple[str, int]
"""A split, and the number of a decision in it."""


class AloneError(InvestorBenchError):
    """Another agent of the tournament did not come to its end, and so no ranks follow."""


class Tournament:
    """One repeat that several agents play side by side, in one event loop.

    Args:
        names: of the agents.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._marked: dict[_When, dict[str, float]] = {}
        self._ended: dict[tuple[str, str], float] = {}
        self._waiting: dict[_When, asyncio.Future[None]] = {}
        self._ready: dict[str, bool] = {}
        self._start: asyncio.Future[bool] | None = None
        self._broken: AloneError | None = None
        self._left: set[str] = set()
        self._inside, self._entering = 0, asyncio.Lock()

    @asynccontextmanager
    async def place(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        """One place for all of its agents together, for as long as one of them plays.

        Args:
            places: for as many episodes or tournaments as may run at once.
        """
        async with self._entering:
            if not self._inside:
                await places.acquire()
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                places.release()

    def seat(self, name: str) -> "Seat":
        """The place of an agent."""
        return Seat(self, name)

    async def all_ready(self, name: str, is_ready: bool) -> bool:
        """Wait until everybody has said whether they can begin; whether all can.

        Raises:
            AloneError: somebody has left.
        """
        self._require_whole()
        if self._start is None:
            self._start = asyncio.get_running_loop().create_future()
        start = self._start
        self._ready[name] = is_ready
        if len(self._ready) == len(self.names):
            start.set_result(all(self._ready.values()))
            self._start, self._ready = None, {}
        return await start

    def mark(self, name: str, mark: _When, equity: float) -> None:
        """Note what an account is worth at a decision."""
        self._marked.setdefault(mark, {})[name] = equity
        self._go_on(mark)

    def end(self, name: str, split: str, equity: float) -> None:
        """Note what an account is worth at the end of a split, be it that of ruin."""
        self._ended[name, split] = equity
        for mark in [each for each in self._waiting if each[0] == split]:
            self._go_on(mark)

    async def equities(self, mark: _When) -> dict[str, float]:
        """What all accounts are worth at a decision, once that is known.

        Raises:
            AloneError: somebody has left.
        """
        if not self._is_known(mark):
            self._require_whole()
            future = self._waiting.setdefault(mark, asyncio.get_running_loop().create_future())
            await future
        found = self._marked[mark]
        return {name: found.get(name, self._ended.get((name, mark[0]), 0.0)) for name in self.names}

    def leave(self, name: str) -> None:
        """Have an agent leave; before its end the others cannot go on."""
        if name in self._left:
            return
        self._left.add(name)
        if (name, "test") in self._ended:
            return
        self._broken = AloneError(
            f"{name} did not come to its end, and ranks are shown beside its account: the same "
            "command resumes all of them"
        )
        for future in (*self._waiting.values(), self._start):
            if future is not None and not future.done():
                future.set_exception(self._broken)
        self._waiting, self._start = {}, None

    def _is_known(self, mark: _When) -> bool:
        found = self._marked.get(mark, {})
        return all(name in found or (name, mark[0]) in self._ended for name in self.names)

    def _go_on(self, mark: _When) -> None:
        if mark in self._waiting and self._is_known(mark):
            future = self._waiting.pop(mark)
            if not future.done():
                future.set_result(None)

    def _require_whole(self) -> None:
        if self._broken is not None:
            raise self._broken


class Seat:
    """The place of one agent in a tournament."""

    def __init__(self, tournament: Tournament, name: str) -> None:
        self._tournament, self.name = tournament, name

    def place(self, places: asyncio.Semaphore) -> AbstractAsyncContextManager[None]:
        """Where its episode runs; see :meth:`Tournament.place`."""
        return self._tournament.place(places)

    async def all_ready(self, is_ready: bool) -> bool:
        """Whether everybody can begin; see :meth:`Tournament.all_ready`."""
        return await self._tournament.all_ready(self.name, is_ready)

    def recall(self, split: str, equities: Sequence[float], last: float) -> None:
        """Note a split that was played before, and is not stepped again.

        Args:
            split: which.
            equities: at each of its decisions.
            last: after the last of them.
        """
        for number, equity in enumerate(equities):
            self._tournament.mark(self.name, (split, number), equity)
        self._tournament.end(self.name, split, last)

    async def ranks(self, split: str, number: int, equity: float) -> Ranks:
        """The ranks at a decision, once all accounts are marked.

        Args:
            split: of the decision.
            number: of the decision.
            equity: of the own account.
        """
        self._tournament.mark(self.name, (split, number), equity)
        return ranks_of(await self._tournament.equities((split, number)), self.name)

    def end(self, split: str, equity: float) -> None:
        """Note the end of a split."""
        self._tournament.end(self.name, split, equity)

    def leave(self) -> None:
        """Leave the tournament, at the end or before."""
        self._tournament.leave(self.name)

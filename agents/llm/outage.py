"""Whether an address is away: then one call at a time tries it, and all others wait for that.

Left to themselves, all calls in flight would try a server that is down, each at its own times, and
storm it when it comes back.
"""

import asyncio
import contextlib
from collections.abc import Callable

from investorbench.agents.llm.retrying import Fault, Patience, Uniform

SAID_AFTER = 3
"""Tries that failed, until an outage is worth a line."""
Say = Callable[[str], None]


class OutlastedError(Exception):
    """An outage lasts longer than a call may wait."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class Outage:
    """Of one address in one event loop; there is none until a call reports one.

    Args:
        address: whose it is, for what is said of it.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.fault: Fault | None = None
        """What was reported last; None where it is there."""
        self._failures = 0
        self._since = self._next_at = 0.0
        self._is_tried = self._is_said = False
        self._changed = asyncio.Event()

    @property
    def is_on(self) -> bool:
        """Whether the address is away, as far as is known."""
        return self.fault is not None

    async def turn(self, deadline: float) -> bool:
        """Wait until the address is there; whether the caller is the one to try it.

        Who tries must say how it ended, by :meth:`goes_on`, :meth:`over` or :meth:`untried`.

        Args:
            deadline: of the loop's clock, when to wait no longer.

        Raises:
            OutlastedError: the next try is due after the deadline.
        """
        loop = asyncio.get_running_loop()
        while self.fault is not None:
            now = loop.time()
            if max(now, 0.0 if self._is_tried else self._next_at) > deadline:
                raise OutlastedError(self.fault)
            if not self._is_tried and now >= self._next_at:
                self._is_tried = True
                return True
            until = deadline if self._is_tried else self._next_at
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._changed.wait()
        return False

    def goes_on(
        self, fault: Fault, patience: Patience, rng: Uniform, *, tried: bool, say: Say | None
    ) -> None:
        """The address did not answer: the first such report, or a try that failed.

        Many calls in flight may report one outage; only a try lengthens the wait. What a server
        asks for itself holds, whichever call it answered.
        """
        now = asyncio.get_running_loop().time()
        if self.fault is None:
            self._failures, self._since, self._next_at = 0, now, now
        counts = tried or self.fault is None
        self.fault = fault
        self._failures += counts
        if counts or fault.retry_after_s is not None:
            wait_s = patience.wait_s(self._failures, fault, rng)
            self._next_at = max(self._next_at, now + wait_s)
        if say and self._failures >= SAID_AFTER and not self._is_said:
            self._is_said = True
            say(
                f"{self._address}: {fault.reason}; it is tried again for up to "
                f"{patience.total_timeout_s:g} s"
            )
        self._change(ended=tried)

    def over(self, say: Say | None) -> None:
        """The address answered, whatever it said."""
        if self.fault is None:
            return
        if say and self._is_said:
            took_s = asyncio.get_running_loop().time() - self._since
            say(f"{self._address} answers again, after {took_s:.0f} s")
        self.fault, self._is_said = None, False
        self._change(ended=True)

    def untried(self) -> None:
        """Who was to try it did not, such as a call that was cancelled: the next one may."""
        self._change(ended=True)

    def _change(self, *, ended: bool) -> None:
        if ended:
            self._is_tried = False
        self._changed.set()
        self._changed = asyncio.Event()

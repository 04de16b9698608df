"""Sends a request again and again until it is answered, the server refuses it, or patience ends.

What may cost money is tried a number of times; what costs nothing but time, for some time.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from investorbench.agents.llm.answer import Completion
from investorbench.agents.llm.endpoints import Endpoint, Gate
from investorbench.agents.llm.errors import ServerError
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.outage import Outage, OutlastedError, Say
from investorbench.agents.llm.retrying import Fault, Uniform

Send = Callable[[], Awaitable[Completion]]


class Persistence:
    """Of all requests of one model at one address.

    Args:
        model: its settings.
        endpoint: what all calls to its address share.
        rng: draws the jitter of waits.
        say: takes lines about an address that is away; None: nothing is said.
        ask_freely: asks the server something that costs nothing.
    """

    def __init__(
        self, model: Model, endpoint: Endpoint, rng: Uniform, say: Say | None, ask_freely: Send
    ) -> None:
        self._model, self._endpoint, self._rng, self._say = model, endpoint, rng, say
        self._ask_freely = ask_freely

    async def answer_of(self, send: Send) -> Completion:
        """Send a request until it is answered.

        Args:
            send: sends it once.

        Raises:
            Fault: the server refuses it.
            ServerError: patience is at an end.
        """
        loop, outage = asyncio.get_running_loop(), self._endpoint.outage()
        patience, limits = self._model.patience, self._model.limits
        gate = self._endpoint.gate(limits.concurrency, limits.requests_per_minute)
        deadline, failures, lost = None, 0, 0
        while True:
            if outage.is_on and deadline is None:
                deadline = loop.time() + patience.total_timeout_s
            async with self._turn(outage, deadline) as tries, gate.place():
                if outage.is_on and not tries:
                    continue  # it went away while this call waited for its place
                if deadline is None:
                    deadline = loop.time() + patience.total_timeout_s
                try:
                    if tries and not self._is_own:
                        await self._ping()
                    completion = await send()
                    outage.over(self._say)
                    return completion
                except Fault as fault:
                    last = fault
                if not last.is_passing:
                    outage.over(self._say)
                    raise last
                self._report(outage, last, tries)
            failures += 1
            lost += self._may_cost(last)
            if lost >= patience.attempts:
                raise self._exhausted(last, f"{lost} request{'s' * (lost > 1)}")
            # Its own wait, too: what breaks this request alone would else be tried without end.
            await self._wait(gate, last, failures, deadline)

    async def _ping(self) -> None:
        """Try an address by what costs nothing: it may take every connection and break it off.

        Raises:
            Fault: it is still away.
        """
        try:
            await self._ask_freely()
        except Fault as fault:
            raise Fault("unreachable", fault.reason) from None

    @contextlib.asynccontextmanager
    async def _turn(self, outage: Outage, deadline: float | None) -> AsyncIterator[bool]:
        """A turn to send; whether it is the one that tries an address which is away."""
        try:
            tries = deadline is not None and await outage.turn(deadline)
        except OutlastedError as error:
            raise self._exhausted(error.fault, self._total()) from None
        try:
            yield tries
        finally:
            if tries:
                outage.untried()

    def _report(self, outage: Outage, fault: Fault, tried: bool) -> None:
        """Tell all who ask there what a failed request says of the address."""
        answers = fault.kind == "status" and not fault.is_of_the_address
        if fault.is_of_the_address or (tried and not answers):
            patience = self._model.patience
            outage.goes_on(fault, patience, self._rng, tried=tried, say=self._say)
        elif answers:
            outage.over(self._say)

    async def _wait(self, gate: Gate, fault: Fault, failures: int, deadline: float) -> None:
        """Wait before the next request.

        Raises:
            ServerError: it is due after the deadline.
        """
        wait_s = self._model.patience.wait_s(failures, fault, self._rng)
        if asyncio.get_running_loop().time() + wait_s > deadline:
            raise self._exhausted(fault, self._total())
        if fault.retry_after_s is not None:
            gate.rest(fault.retry_after_s)
        await asyncio.sleep(wait_s)

    @property
    def _is_own(self) -> bool:
        """Whether it is a server of one's own, which charges nothing."""
        return self._model.price is None and self._model.key_env is None

    def _may_cost(self, fault: Fault) -> bool:
        """Whether a failed request may cost money.

        Connections break when a server stops, where something in front of it still takes them.
        """
        return fault.may_be_billed and not (self._is_own and fault.kind == "cut_off")

    def _total(self) -> str:
        return f"total_timeout_s={self._model.patience.total_timeout_s:g}"

    def _exhausted(self, fault: Fault, after: str) -> ServerError:
        asked = "" if fault.retry_after_s is None else f", and asks for {fault.retry_after_s:g} s"
        reason = f"gave up after {after}: {fault.reason}{asked}; the run can be resumed"
        return ServerError(self._endpoint.address, reason, fault.reply)

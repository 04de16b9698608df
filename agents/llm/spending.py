"""What calls cost, and the cap that stops before the call that could exceed it."""

import asyncio
import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from investorbench.agents.llm.answer import Usage
from investorbench.agents.llm.errors import BEYOND, SHOWN_USD, ModelError, SpendCapError

BYTES_A_TOKEN = 2.5
"""Fewer than in practice (English has about four), so that an estimate errs upwards."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for a million tokens.

    Attributes:
        input: of tokens read.
        output: of tokens generated, thinking included.
        cached: of tokens read from the server's prefix cache; None: as ``input``.
        stored: of tokens written into it, where that is charged; None: as ``input``.
        as_of: the day on which the price was read, YYYY-MM-DD.
    """

    input: float
    output: float
    cached: float | None = None
    stored: float | None = None
    as_of: str | None = None

    def of(self, usage: Usage) -> float:
        """What these tokens cost, in USD."""
        cached = self.input if self.cached is None else self.cached
        stored = self.input if self.stored is None else self.stored
        fresh = max(usage.input - usage.cached - usage.stored, 0)
        read = fresh * self.input + usage.cached * cached + usage.stored * stored
        return (read + usage.output * self.output) / MILLION

    def at_most(self, request_bytes: int, max_tokens: int) -> float:
        """An upper estimate for a call that has not been made, in USD."""
        tokens = int(request_bytes / BYTES_A_TOKEN) + 64
        return self.of(Usage(input=tokens, stored=tokens, output=max_tokens))


class Reservation:
    """Money set aside for one call; what it really cost is settled when it is over."""

    def __init__(self, at_most_usd: float, payer: str = "") -> None:
        self.at_most_usd, self.payer = at_most_usd, payer
        self.cost_usd = 0.0

    def cost(self, usd: float) -> None:
        """What the call cost."""
        self.cost_usd = usd

    def may_be_billed(self) -> None:
        """The server got the request and its reply did not arrive: count the worst."""
        self.cost_usd = self.at_most_usd


class Budget:
    """The money of one run, shared by all its calls, in any thread or event loop.

    A server that writes more than it was asked for can make a call dearer than what was set aside
    for it; ``beyond_usd`` says by how much calls were. A cap is exceeded by no more than that of
    the calls in flight together. ``dearest_usd`` is the most that was set aside for one call.

    Args:
        max_usd: what may be spent; None for no cap.
        spent_usd: what was spent already.
        ledger: a file that says what was spent, so that it counts when a killed run goes on, and
            for other processes that share the file; None keeps no account. A line is an amount and
            its payer. What a call can cost at most is written before it is made, and the difference
            after it, so a call that a kill cut off counts with its most.

    Raises:
        ModelError: the cap is negative, or no number.
    """

    def __init__(
        self,
        max_usd: float | None = None,
        spent_usd: float = 0.0,
        ledger: Path | None = None,
    ) -> None:
        if max_usd is not None and not max_usd >= 0.0:  # nor is what is no number
            raise ModelError(f"max_usd={max_usd:g} is no amount: give USD, 0 or more")
        self.max_usd, self.beyond_usd, self.dearest_usd = max_usd, 0.0, 0.0
        self._ledger = ledger
        self._read = 0
        self._counted = spent_usd
        self._paid: dict[str, float] = {}
        self._set_aside: dict[int, float] = {}
        self._catch_up()
        self._waiting: set[asyncio.Future[None]] = set()
        self._lock = threading.Lock()

    def require_price(self, model: str, price: Price | None, *, has_key: bool) -> None:
        """Refuse a cap that cannot be kept, since nothing says what calls of a model cost.

        Args:
            model: its name.
            price: of its tokens.
            has_key: whether it takes a key, as servers do that cost money.

        Raises:
            ModelError: there is a cap, and no price.
        """
        if self.max_usd is not None and price is None and has_key:
            raise ModelError(
                f"max_usd={self.max_usd:g} cannot be kept: model {model} has no price; "
                "give model.price={input: …, output: …} in USD per million tokens"
            )

    @property
    def overrun(self) -> str:
        """By how much the cap is exceeded, and why, in words; empty where it is not."""
        over = 0.0 if self.max_usd is None else self.spent_usd - self.max_usd
        if over < SHOWN_USD:
            return ""
        return (
            f"{self.spent_usd:.4f} USD are spent, {over:.4f} beyond max_usd={self.max_usd:g}, by "
            f"{BEYOND}"
        )

    @property
    def spent_usd(self) -> float:
        """What was spent; of other processes' calls in flight the most that they can cost."""
        own = 0.0 if self._ledger is None else math.fsum(self._set_aside.values())
        return self._counted - own

    def paid_by(self, payer: str) -> float:
        """What the calls of a payer cost, by the ledger, in USD."""
        with self._lock:
            self._catch_up()
            return self._paid.get(payer, 0.0)

    async def set_aside(self, at_most_usd: float, payer: str = "") -> Reservation:
        """Set money aside for a call.

        Where calls in flight hold what is left, it waits for them: most cost less than was set
        aside for them.

        Args:
            at_most_usd: what the call can cost.
            payer: whose call it is, for the ledger.

        Raises:
            SpendCapError: the call could exceed the cap even if it were alone.
        """
        self.dearest_usd = max(self.dearest_usd, at_most_usd)
        while True:
            with self._lock:
                self._catch_up()
                if self.max_usd is None or self._fits(at_most_usd):
                    reservation = Reservation(at_most_usd, payer)
                    self._set_aside[id(reservation)] = at_most_usd
                    self._write(at_most_usd, payer)
                    return reservation
                if self.spent_usd + at_most_usd > self.max_usd:
                    raise SpendCapError(self.max_usd, self.spent_usd, at_most_usd, self.beyond_usd)
                settled = asyncio.get_running_loop().create_future()
                self._waiting.add(settled)
            try:
                await settled
            finally:
                self._waiting.discard(settled)

    @contextlib.contextmanager
    def settling(self, reservation: Reservation) -> Iterator[Reservation]:
        """Settle a reservation at the end of the block, whatever happens in it."""
        try:
            yield reservation
        finally:
            with self._lock:
                del self._set_aside[id(reservation)]
                self.beyond_usd += max(reservation.cost_usd - reservation.at_most_usd, 0.0)
                if self._ledger is None:
                    self._counted += reservation.cost_usd
                self._write(reservation.cost_usd - reservation.at_most_usd, reservation.payer)
                waiting = list(self._waiting)
            for settled in waiting:
                with contextlib.suppress(RuntimeError):  # its loop may be gone
                    settled.get_loop().call_soon_threadsafe(_wake, settled)

    def _write(self, usd: float, payer: str) -> None:
        """Add a line to the ledger."""
        if self._ledger is not None and usd:
            with self._ledger.open("a", encoding="utf-8") as file:
                file.write(f"{usd!r} {payer}".rstrip() + "\n")
            self._catch_up()

    def _catch_up(self) -> None:
        """Count the lines that were added to the ledger; half a line, after a kill, is no line."""
        if self._ledger is None or not self._ledger.is_file():
            return
        with self._ledger.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        lines = [line.decode("utf-8").partition(" ") for line in whole.splitlines()]
        self._counted = math.fsum([self._counted, *(float(usd) for usd, _, _ in lines)])
        for usd, _, payer in lines:
            self._paid[payer] = self._paid.get(payer, 0.0) + float(usd)
        self._read += len(whole + end)

    def _fits(self, usd: float) -> bool:
        # Summed again each time: a rest of rounding would keep the last caller waiting for ever.
        set_aside = math.fsum(self._set_aside.values())
        return self.max_usd is None or self.spent_usd + set_aside + usd <= self.max_usd


def _wake(settled: asyncio.Future[None]) -> None:
    if not settled.done():
        settled.set_result(None)

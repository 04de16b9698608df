"""The two moments of a snapshot: its decision, and the end of the horizon after it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from investorbench_env.accounting.horizon import earned_over
from investorbench_env.market.documents import Document
from investorbench_env.market.history import History, Moment
from investorbench_env.market.market import Market
from investorbench_env.market.past import Past

DECISION, END = range(2)
"""The places of a snapshot's moments."""

NOTHING_PAID: dict[str, Any] = {"ex_date": False, "dividend": 0.0, "split": 1.0}


@dataclass(frozen=True, slots=True)
class HorizonEnd(Moment):
    """The end of a horizon, at which a position is closed.

    ``fill`` is the price in the first bar of the horizon at which it was entered. Of dividends and
    splits on the way none is left to pay: what was earned has them.

    Attributes:
        earned: the sum of simple returns from the fill on, for a long position.
    """

    earned: float


class SnapshotHistory:
    """The moments of a snapshot, by their places: ``DECISION`` and ``END``.

    Args:
        history: of the asset; others may share it.
        at: the bar at whose end the decision is taken.
        horizon: bars after it; one of them at least is known.
        document_sessions: bars up to the decision whose documents are shown.
        payout: what a holder gains on the last price by a delisting within the horizon.
    """

    def __init__(
        self,
        history: History,
        at: int,
        horizon: int,
        document_sessions: int,
        payout: float = 0.0,
    ) -> None:
        self._history, self._at, self._horizon = history, at, horizon
        self._payout = payout
        self._document_sessions = document_sessions
        self.market: Market = history.market
        self.symbol: str = history.symbol
        self.window: int = history.window
        self.asset: int = history.asset

    def until(self, place: int) -> Moment:
        """The moment of a place."""
        return self.decision if place == DECISION else self.end

    @cached_property
    def decision(self) -> Moment:
        """What is known when it is taken; of dividends and splits before it none is paid."""
        recent = self._history.with_recent_documents(self._at, self._document_sessions)
        return replace(recent, **NOTHING_PAID)

    @cached_property
    def end(self) -> HorizonEnd:
        """The last bar of the horizon that is known, and what was earned up to it."""
        last = self.held[-1]
        since_decision = self._history.with_recent_documents(last.t, last.t - self._at)
        own = {field.name: getattr(since_decision, field.name) for field in fields(Moment)}
        changes: dict[str, Any] = {
            "fill": self.held[0].fill,
            "log_return": sum(each.log_return for each in self.held),
            **NOTHING_PAID,
        }
        return HorizonEnd(**own | changes, earned=self._earned(self.held) + self._payout)

    @cached_property
    def held(self) -> tuple[Moment, ...]:
        """The moments of the horizon, one a bar that is known."""
        bars = self._history.decisions(range(self._at + 1, self._at + 1 + self._horizon))
        return tuple(map(self._history.until, bars.tolist()))

    def earned_by_bar(self) -> list[float]:
        """What a long position had earned at each of these moments, the last one as at the end."""
        before = [self._earned(self.held[: count + 1]) for count in range(len(self.held) - 1)]
        return [*before, self.end.earned]

    def _earned(self, held: Sequence[Moment]) -> float:
        earned: float = earned_over(
            held[0].fill,
            [each.final for each in held],
            [each.dividend for each in held],
            [each.split for each in held],
        )
        return earned

    def opening_filings(self, place: int) -> tuple[Document, ...]:
        """None: a snapshot shows the documents of its last bars alone."""
        return ()

    def past(self, t: int) -> Past:
        """All that was known at the end of bar ``t`` of the market."""
        return self._history.past(t)

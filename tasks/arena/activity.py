"""What an account of perpetuals did, as samples: of its trades, its entries, its signals."""

from functools import cached_property

import numpy as np

from investorbench.tasks.arena.confidence import Forecasts, forecasts_of
from investorbench.tasks.arena.consistency import Consistency, consistency_of
from investorbench.tasks.arena.history import ArenaHistory, ArenaTrade, FilledSignal, FloatArray
from investorbench_env.accounting.events import ClosedTrade

MINUTE = 60.0


class ArenaActivity:
    """What an account did, and what several figures of it have in common, each computed once.

    Args:
        history: of an episode.
    """

    def __init__(self, history: ArenaHistory) -> None:
        self.history = history

    @cached_property
    def ended(self) -> list[tuple[ArenaTrade, ClosedTrade]]:
        """Trades that have ended, each with its end [N]."""
        return [(each, each.closed) for each in self.history.trades if each.closed is not None]

    @cached_property
    def gross(self) -> FloatArray:
        """What price brought each trade, before fees and funding [N]."""
        return np.array([closed.pnl for _, closed in self.ended])

    @cached_property
    def fees(self) -> FloatArray:
        """Of each trade [N]."""
        return np.array([closed.fees for _, closed in self.ended])

    @cached_property
    def net(self) -> FloatArray:
        """What each trade added to the account [N]."""
        return np.array([each.pnl - each.fees + each.funding for _, each in self.ended])

    @cached_property
    def minutes(self) -> FloatArray:
        """How long each trade lasted [N]."""
        return np.array([self.minutes_of(trade) for trade, _ in self.ended])

    @cached_property
    def notional(self) -> FloatArray:
        """Value of each trade at its entry [N]."""
        return np.array([abs(each.quantity) * each.entry_price for _, each in self.ended])

    def ended_by(self, reason: str) -> int:
        """How many trades ended for a reason."""
        return sum(closed.reason == reason for _, closed in self.ended)

    @cached_property
    def entries(self) -> list[FilledSignal]:
        """Signals that were filled [E]."""
        return [entry for _, entry in self.history.entries]

    @cached_property
    def leverage(self) -> FloatArray:
        """Of each entry [E]."""
        return np.array([_known(each.signal.leverage) for each in self.entries])

    @cached_property
    def size(self) -> FloatArray:
        """Value of each entry as a share of the account [E]."""
        return np.array([each.notional / each.equity for each in self.entries])

    @cached_property
    def stop_distance(self) -> FloatArray:
        """From each entry to its stop, as a share of its price; NaN without a stop [E]."""
        return np.array([_away(each, each.signal.stop_loss) for each in self.entries])

    @cached_property
    def target_distance(self) -> FloatArray:
        """From each entry to its target, likewise [E]."""
        return np.array([_away(each, each.signal.profit_target) for each in self.entries])

    @cached_property
    def given(self) -> dict[str, FloatArray]:
        """The confidences of all signals by their kind, NaN where none that can be was stated."""
        found: dict[str, list[float]] = {}
        for signals in self.history.signals:
            for each in signals.values():
                found.setdefault(each.signal, []).append(_probability(each.confidence))
        return {kind: np.array(values) for kind, values in found.items()}

    @property
    def signals(self) -> int:
        """How many were given."""
        return sum(map(len, self.given.values()))

    def confidence(self, kind: str) -> FloatArray:
        """Of the signals of a kind."""
        return self.given.get(kind, np.empty(0))

    @cached_property
    def forecasts(self) -> Forecasts:
        """Stated confidences, and whether the target came before the stop."""
        return forecasts_of(self.history)

    @cached_property
    def consistency(self) -> Consistency:
        """Whether it kept to what it had said."""
        return consistency_of(self.history)

    def minutes_of(self, trade: ArenaTrade) -> float:
        """How long a trade lasted, or has lasted at the last mark."""
        return self.history.held_for(trade).total_seconds() / MINUTE

    def minutes_held(self, side: int) -> float:
        """Minutes of all positions on a side, 1 or −1, each coin counted by itself."""
        return sum(self.minutes_of(each) for each in self.history.trades if each.side == side)

    @property
    def minutes_flat(self) -> float:
        """Minutes without a position, each coin counted by itself."""
        span = self.history.times[-1] - self.history.times[0]
        whole = span.total_seconds() / MINUTE * len(self.history.symbols)
        return whole - self.minutes_held(1) - self.minutes_held(-1)


def _known(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _probability(stated: float | None) -> float:
    """A stated confidence, where it can be one."""
    value = _known(stated)
    return value if 0.0 <= value <= 1.0 else np.nan


def _away(entry: FilledSignal, level: float | None) -> float:
    return abs(entry.price - _known(level)) / entry.price

"""A stated confidence as a forecast: that the target of an entry is reached before its stop."""

from dataclasses import dataclass

import numpy as np

from investorbench.tasks.arena.history import ArenaHistory, ArenaTrade, FilledSignal, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Entries with a target, a stop and a confidence, and what came of them.

    Attributes:
        stated: the confidences of those that were decided [N].
        came: 1 where the target came first, 0 where the stop or the liquidation did [N].
        undecided: how many had reached neither at the last mark.
    """

    stated: FloatArray
    came: FloatArray
    undecided: int

    @property
    def brier(self) -> float:
        """Mean squared difference of forecast and outcome; 0.25 for always one half."""
        return float(np.mean((self.stated - self.came) ** 2)) if len(self.came) else np.nan

    @property
    def brier_of_base_rate(self) -> float:
        """What stating the true share of targets at every entry is expected to come to.

        Their own share is fitted to them, and N forecasts would score N − 1 of N parts of that.
        """
        rate, count = self.hit_rate, len(self.came)
        return rate * (1.0 - rate) * count / (count - 1) if count > 1 else np.nan

    @property
    def hit_rate(self) -> float:
        """The share of targets that came first."""
        return float(self.came.mean()) if len(self.came) else np.nan

    @property
    def mean_stated(self) -> float:
        return float(self.stated.mean()) if len(self.stated) else np.nan


def forecasts_of(history: ArenaHistory) -> Forecasts:
    """All forecasts of an episode.

    The outcome is that of the trade. Where the agent closed it before either, or entered again
    with other levels, marks decide: the first at or beyond one of the two.
    """
    found = [
        (entry.signal.confidence, target_came_first(history, trade, entry))
        for trade, entry in history.entries
        if _is_forecast(entry)
    ]
    decided = [(stated, came) for stated, came in found if came is not None]
    return Forecasts(
        stated=np.array([stated for stated, _ in decided], dtype=np.float64),
        came=np.array([came for _, came in decided], dtype=np.float64),
        undecided=len(found) - len(decided),
    )


def target_came_first(history: ArenaHistory, trade: ArenaTrade, entry: FilledSignal) -> bool | None:
    """Whether an entry's target was reached before its stop; None where neither was.

    Args:
        history: of the account.
        trade: which the entry belongs to.
        entry: with both levels.
    """
    signal, side = entry.signal, entry.side
    assert signal.profit_target is not None
    assert signal.stop_loss is not None
    marks = history.price_of(trade.symbol)[entry.step + 1 :]
    gained = side * (marks - signal.profit_target) >= 0.0
    lost = side * (marks - signal.stop_loss) <= 0.0
    reached = np.flatnonzero(gained | lost)
    first = int(reached[0]) if len(reached) else len(marks)
    closed = trade.closed
    if closed is not None and not trade.is_closed_by_agent and trade.entries[-1] is entry:
        assert trade.ended is not None
        if trade.ended - entry.step <= first:
            return closed.reason == "target"
    return None if first == len(marks) else bool(gained[first])


def _is_forecast(entry: FilledSignal) -> bool:
    signal = entry.signal
    return None not in (signal.profit_target, signal.stop_loss, signal.confidence)

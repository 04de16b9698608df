"""How an agent traded perpetuals: every figure of the arena's table of behaviour, a row each.

Figures are of one episode; an agent's are means over its repeats, as all metrics are. One that is
not defined, such as the mean of no trade, is NaN.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from investorbench.tasks.arena.activity import ArenaActivity
from investorbench.tasks.arena.history import ArenaHistory, FloatArray
from investorbench.tasks.metrics import Metric, max_drawdown
from investorbench.tasks.wording import MEAN_COUNT, PERCENT, RATIO, USD, Table, Unit
from investorbench_env.accounting.signals import BUY_TO_ENTER, CLOSE, HOLD, SELL_TO_ENTER

FILE: frozenset[Table] = frozenset({"file"})
STANDINGS: frozenset[Table] = FILE | {"terminal"}
STATISTICS: dict[str, Callable[[FloatArray], float]] = {
    "mean": lambda values: float(values.mean()),
    "median": lambda values: float(np.median(values)),
    "sd": lambda values: float(values.std(ddof=1)) if len(values) > 1 else np.nan,
    "best": lambda values: float(values.max()),
    "worst": lambda values: float(values.min()),
    "largest": lambda values: float(values.max()),
}
BehaviourRow = Metric[ArenaActivity]
Figure = Callable[[ArenaActivity], float]
Sample = Callable[[ArenaActivity], FloatArray]


class RowGroup(NamedTuple):
    """Rows that belong together.

    Attributes:
        title: what they are about.
        rows: in the order of the table.
    """

    title: str
    rows: tuple[BehaviourRow, ...]


def behaviour(history: ArenaHistory) -> dict[str, float]:
    """Every figure of an episode, by its key."""
    of = ArenaActivity(history)
    return {row.key: float(row.definition(of)) for group in BEHAVIOUR for row in group.rows}


def _row(
    key: str,
    head: str,
    doc: str,
    definition: Figure,
    unit: Unit = MEAN_COUNT,
    digits: int = 0,
    short: str = "",
) -> BehaviourRow:
    """A row; one with a short head stands in the standings, too."""
    return Metric(
        key=key, head=head, short=short, doc=doc, definition=definition, unit=unit, digits=digits,
        direction=0, tables=STANDINGS if short else FILE,
    )  # fmt: skip


def _sample(
    key: str, head: str, values: Sample, unit: Unit, statistics: str, digits: int = 0
) -> Iterable[BehaviourRow]:
    """A row for each statistic of a sample; what is not known in it is left out."""
    for name in statistics.split():
        yield _row(f"{key}_{name}", f"{head}, {name}", "", _of(values, name), unit, digits)


def _of(values: Sample, name: str) -> Figure:
    def figure(of: ArenaActivity) -> float:
        own = values(of)
        known = own[np.isfinite(own)]
        return STATISTICS[name](known) if len(known) else np.nan

    return figure


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def _signal_share(kind: str) -> Figure:
    return lambda of: _share(len(of.confidence(kind)), of.signals)


def _exit_share(reason: str) -> Figure:
    return lambda of: _share(of.ended_by(reason), len(of.ended))


def _kept(part: str, whole: str) -> Figure:
    """How often an agent did other than it had said, of how often that could be seen."""
    return lambda of: _share(getattr(of.consistency, part), getattr(of.consistency, whole))


def _seen(name: str) -> Figure:
    return lambda of: float(getattr(of.consistency, name))


def _winning(of: ArenaActivity, values: FloatArray) -> FloatArray:
    return values[of.net > 0.0]


def _losing(of: ArenaActivity, values: FloatArray) -> FloatArray:
    return values[of.net <= 0.0]


def _confidence(name: str, kind: str) -> Iterable[BehaviourRow]:
    return _sample(
        f"confidence_{name}", f"Confidence, {name}", lambda of: of.confidence(kind), RATIO,
        "mean median sd", 2,
    )  # fmt: skip


# fmt: off
ACCOUNT = (
    _row("account_value", "Account value", "equity at the last mark",
         lambda of: of.history.equity[-1], USD, short="value"),
    _row("account_return", "Return, %", "",
         lambda of: of.history.equity[-1] / of.history.equity[0] - 1.0, PERCENT, 1, "return %"),
    _row("account_drawdown", "Drawdown, %", "largest fall from a peak of all marks",
         lambda of: float(max_drawdown(of.history.equity)), PERCENT, 1, "MDD %"),
    _row("fees", "Fees", "", lambda of: of.history.fees, USD, short="fees"),
    _row("fees_share", "Fees, % of the opening account", "",
         lambda of: of.history.fees / of.history.equity[0], PERCENT, 1),
    _row("funding", "Funding", "received, negative when paid", lambda of: of.history.funding, USD),
)
TRADES = (
    _row("trades_ended", "Trades", "that have ended", lambda of: len(of.ended), short="trades"),
    _row("trades_open", "Still open", "at the last mark",
         lambda of: len(of.history.trades) - len(of.ended)),
    *_sample("gross", "PnL before fees and funding", lambda of: of.gross, USD,
             "mean sd best worst", 2),
    *_sample("net", "PnL after them", lambda of: of.net, USD, "mean sd best worst", 2),
    *_sample("trade_fees", "Fees of a trade", lambda of: of.fees, USD, "mean", 2),
    _row("won", "Won, %", "trades that added to the account",
         lambda of: _share(float((of.net > 0.0).sum()), len(of.ended)), PERCENT, 1, "won %"),
    *_sample("minutes_won", "Minutes held, winners", lambda of: _winning(of, of.minutes),
             MEAN_COUNT, "mean"),
    *_sample("minutes_lost", "Minutes held, losers", lambda of: _losing(of, of.minutes),
             MEAN_COUNT, "mean"),
    *_sample("notional_won", "Notional, winners", lambda of: _winning(of, of.notional),
             USD, "mean"),
    *_sample("notional_lost", "Notional, losers", lambda of: _losing(of, of.notional),
             USD, "mean"),
    *(_row(f"ended_{reason}", f"Ended by {words}, %", "", _exit_share(reason), PERCENT, 1)
      for reason, words in (("target", "its target"), ("stop", "its stop"),
                            ("liquidation", "liquidation"), ("close", "a signal to close"))),
)
SIGNALS = (
    _row("signals", "Signals", "that could be read", lambda of: of.signals),
    *(_row(f"signals_{name}", f"{head}, % of signals", "", _signal_share(kind), PERCENT, 2)
      for name, head, kind in (("long", "To enter long", BUY_TO_ENTER),
                               ("short", "To enter short", SELL_TO_ENTER),
                               ("hold", "To hold", HOLD), ("close", "To close", CLOSE))),
    _row("rejected_signals", "Rejected", "signals that were not carried out, or not read",
         lambda of: of.history.rejections.total()),
    _row("repaired_signals", "Repaired", "signals whose form was not the right one",
         lambda of: of.history.repairs.total()),
    *_confidence("long", BUY_TO_ENTER), *_confidence("short", SELL_TO_ENTER),
    *_confidence("hold", HOLD), *_confidence("close", CLOSE),
)
EXPOSURE = (
    *_sample("leverage", "Leverage", lambda of: of.leverage, RATIO, "mean median largest", 1),
    *_sample("size", "Size, % of the account", lambda of: of.size, PERCENT,
             "mean median largest", 1),
    *_sample("stop_distance", "To the stop, % of the price", lambda of: of.stop_distance,
             PERCENT, "mean median", 2),
    *_sample("target_distance", "To the target, % of the price", lambda of: of.target_distance,
             PERCENT, "mean median", 2),
    _row("minutes_long", "Minutes long", "each coin counted by itself",
         lambda of: of.minutes_held(1)),
    _row("minutes_short", "Minutes short", "", lambda of: of.minutes_held(-1)),
    _row("minutes_flat", "Minutes flat", "", lambda of: of.minutes_flat),
)
FORECASTS = (
    _row("forecasts", "Forecasts", "entries with confidence, target and stop that were decided",
         lambda of: len(of.forecasts.came)),
    _row("forecasts_open", "Undecided", "neither level was reached by the last mark",
         lambda of: of.forecasts.undecided),
    _row("confidence_stated", "Stated, mean %", "confidence of the decided ones",
         lambda of: of.forecasts.mean_stated, PERCENT, 1),
    _row("target_first", "Target came first, %", "of the decided ones",
         lambda of: of.forecasts.hit_rate, PERCENT, 1),
    _row("brier", "Brier score", "mean squared difference of confidence and outcome",
         lambda of: of.forecasts.brier, RATIO, 3, "Brier"),
    _row("brier_base", "Brier score of the base rate",
         "what stating the true share of targets at each entry is expected to come to",
         lambda of: of.forecasts.brier_of_base_rate, RATIO, 3),
)
CONSISTENCY = (
    _row("against_plan", "Closed against its own invalidation, %",
         "of the positions that it closed and that had a price for it: that price was not passed",
         _kept("against_plan", "judged"), PERCENT, 1),
    _row("judged", "of positions", "that it closed, with a price for their invalidation",
         _seen("judged")),
    _row("held_on", "Held on though it was invalid, %",
         "of the positions whose price of invalidation was passed: not closed at that decision",
         _kept("held_on", "passed"), PERCENT, 1),
    _row("passed", "of positions", "whose price of invalidation was passed", _seen("passed")),
    _row("changed_on_hold", "Plan changed on hold, %",
         "of the signals to hold that state the plan again", _kept("changed", "restated"),
         PERCENT, 1),
    _row("idle_on_hold", "Changed by a thousandth or less, %", "of the same",
         _kept("idle", "restated"), PERCENT, 1),
    _row("restated", "of holds", "that state the plan again", _seen("restated")),
    _row("wrong_risk", "Risk computed wrong, %",
         "of the entries that state it: it is the distance to the stop times the quantity",
         _kept("wrong_risks", "risks"), PERCENT, 1),
    _row("risks", "of entries", "with a stated risk and a stop", _seen("risks")),
    _row("reentered", "Closed and entered again",
         "at the next decision, on the same side", _seen("reentered")),
)
# fmt: on
BEHAVIOUR = (
    RowGroup("Account", ACCOUNT),
    RowGroup("Trades", TRADES),
    RowGroup("Signals and stated confidence", SIGNALS),
    RowGroup("Exposure", EXPOSURE),
    RowGroup("Confidence as a forecast that the target comes before the stop", FORECASTS),
    RowGroup("Self-consistency", CONSISTENCY),
)

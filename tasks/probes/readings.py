"""What of a reply is compared between two wordings of a question."""

from collections.abc import Callable, Hashable, Iterator

from investorbench.tasks.probes.states import ProbeState
from investorbench_env.accounting.signal_lists import ReadSignals
from investorbench_env.accounting.signals import CLOSE, HOLD, Signal

ReplyReading = Callable[[ProbeState, ReadSignals], Hashable]

SAME = 1e-4
"""How far, as a share, a price of a plan may be from the one before and still be the same."""
NO_CHANGE = 0.01
"""How far, as a share, a price of a plan may be moved for a change in name alone."""
ARITHMETIC = 0.02
"""How far, as a share, a stated risk may be from the right one: prices move before the entry."""
DEAR = 10.0
"""Of a price: half a hundredth is at most 0.05 % of it."""


def signals_of(state: ProbeState, read: ReadSignals) -> Hashable:
    """What is done to which coin."""
    done = {(each.symbol, each.signal) for each in read.signals if each.signal != HOLD}
    return frozenset(done), frozenset(each.order.symbol for each in read.rejections)


def signals_of_dear(state: ProbeState, read: ReadSignals) -> Hashable:
    """What is done to coins whose prices lose nothing that matters by two decimals."""
    dear = {name for name, coin in state.shown.coins.items() if coin.price >= DEAR}
    return frozenset(
        (each.symbol, each.signal)
        for each in read.signals
        if each.signal != HOLD and each.symbol in dear
    )


def signals_and_cash(state: ProbeState, read: ReadSignals) -> Hashable:
    """What is done, and whether the entries together take more cash than is free."""
    margins = [_margin(state, each) for each in read.signals if each.is_entry]
    return signals_of(state, read), sum(margins) > (state.shown.cash or 0.0)


def closes_against_plan(state: ProbeState, read: ReadSignals) -> bool:
    """Whether a position is closed whose invalidation is said not to be met."""
    return any(each.signal == CLOSE and each.symbol == state.held for each in read.signals)


def moves_in_name(state: ProbeState, read: ReadSignals) -> bool:
    """Whether a plan is changed by so little that only a rule can be the reason."""
    return any(SAME < moved <= NO_CHANGE for moved in _moves(state, read))


def changes_plan(state: ProbeState, read: ReadSignals) -> bool:
    """Whether a hold gives another plan than the position has."""
    return any(moved > SAME for moved in _moves(state, read))


def miscounts_risk(state: ProbeState, read: ReadSignals) -> Hashable:
    """Whether the risk of an entry is not what its stop loses; ``"no entry"`` without one."""
    wrong = [_is_wrong(state, each) for each in read.signals if each.is_entry]
    return any(wrong) if wrong else "no entry"


def _is_wrong(state: ProbeState, entry: Signal) -> bool:
    coin = state.shown.coins.get(entry.symbol)
    if coin is None or None in (entry.stop_loss, entry.quantity, entry.risk_usd):
        return True
    assert entry.stop_loss is not None and entry.quantity is not None
    assert entry.risk_usd is not None
    right = abs(coin.price - entry.stop_loss) * entry.quantity
    return abs(entry.risk_usd - right) > ARITHMETIC * right + 0.01


def _margin(state: ProbeState, entry: Signal) -> float:
    coin = state.shown.coins.get(entry.symbol)
    if coin is None or not entry.quantity or not entry.leverage:
        return 0.0
    return coin.price * entry.quantity / entry.leverage


def _moves(state: ProbeState, read: ReadSignals) -> Iterator[float]:
    """By how much the prices of plans differ that a hold gives, as shares of those before."""
    for each in read.signals:
        position = state.shown.positions.get(each.symbol)
        if each.signal != HOLD or position is None:
            continue
        plan = position["exit_plan"]
        prices = ((each.profit_target, plan["profit_target"]), (each.stop_loss, plan["stop_loss"]))
        for given, before in prices:
            if given is not None and before:
                yield abs(given / before - 1.0)

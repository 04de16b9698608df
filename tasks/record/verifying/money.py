"""Whether the amounts of an account follow from each other, line after line, without any market.

docs/protocols.md has the rules: an account of cash and units, or the weight of the published
experiments. Environments of others may keep accounts of another kind, and are not judged here.
"""

import math
from collections.abc import Iterator, Sequence

from investorbench.tasks.days import is_within_a_day
from investorbench.tasks.judging import is_of_perpetuals, is_of_snapshots
from investorbench.tasks.record.lines import RecordFile
from investorbench.tasks.record.schema import Line
from investorbench.tasks.record.verifying.amounts import PRECISION, Amount
from investorbench.tasks.record.verifying.findings import Finding
from investorbench.tasks.record.verifying.perpetuals import of_perpetuals
from investorbench_env.accounting.account import RUIN
from investorbench_env.accounting.events import AccountState
from investorbench_env.facts import Facts

ORDERS = "orders"


def off_by_money(record: RecordFile, reward: str | None) -> Iterator[Finding]:
    """The first line whose amounts do not follow, and how many more do not.

    Args:
        record: of a split of one of our own environments, with a header.
        reward: what a step returned, ``"return"`` or ``"log_return"`` or ``"pnl"``; None where
            that was a function of somebody's own, or changed by a wrapper.
    """
    header = record.header
    assert header is not None
    before, wrong = header.opening, list[tuple[str, Amount]]()
    rate = _cost_rate(header.facts, record.lines)
    if off := next((each for each in _opening(header.facts, before) if each.is_off), None):
        wrong.append(("line 1, the header", off))
    for number, line in enumerate(record.lines):
        amounts = (*_step(header.facts, before, line, rate), *_reward(reward, before, line))
        if off := next((each for each in amounts if each.is_off), None):
            wrong.append((f"line {number + 2} ({line.session})", off))
        # Each snapshot of a block begins with an account of its own.
        before = header.opening if is_of_snapshots(header.facts) else line.account
    if wrong:
        where, off = wrong[0]
        rest = f"; so it is in {len(wrong) - 1} more lines" if len(wrong) > 1 else ""
        what = f"{where}: {off.name} is {off.found!r}; from the other amounts follows"
        yield Finding(path=record.path, what=f"{what} {off.follows!r}{rest}", kind="money")


def _opening(facts: Facts, account: AccountState) -> Iterator[Amount]:
    yield Amount("cash", account.cash, facts.initial_cash)
    yield Amount("equity", account.equity, facts.initial_cash)
    yield Amount("costs", account.costs, 0.0)
    yield Amount("number of positions", len(account.positions), 0)


def _cost_rate(facts: Facts, lines: Sequence[Line]) -> float:
    """What fills cost as a share of their notional: one rate for all.

    Slippage is in the price of an order for shares, so that its cost is the commission alone, which
    no record has by itself: it is that of the first fill.
    """
    first = next((fill for line in lines for fill in line.fills if fill.notional), None)
    if facts.action != ORDERS or first is None:
        return facts.cost_rate
    return min(first.cost / first.notional, facts.cost_rate)


def _step(facts: Facts, before: AccountState, line: Line, cost_rate: float) -> Iterator[Amount]:
    if is_of_perpetuals(facts):
        yield from of_perpetuals(facts, before, line)
        return
    if is_of_snapshots(facts):
        yield from _over_a_horizon(facts, line)
        return
    after, cost = line.account, sum(fill.cost for fill in line.fills)
    fee = _fee(facts, before, line)
    yield Amount("costs", after.costs, before.costs + cost + fee)
    for position in after.positions:
        mark = after.marks.get(position.symbol, math.nan)
        yield Amount("price of the position", position.price, mark)
    if facts.convention == "log":
        yield from _weighted(before, line)
    else:
        yield from _in_units(facts, before, line, cost_rate)


def _over_a_horizon(facts: Facts, line: Line) -> Iterator[Amount]:
    """An account that has closed its position at the end of a horizon, paid for once."""
    after = line.account
    yield Amount("number of positions", len(after.positions), 0)
    yield Amount("equity", after.equity, after.cash)
    yield Amount("costs", after.costs, sum(fill.cost for fill in line.fills))
    yield from _of_fills(line, facts.cost_rate)
    if line.scored is None:
        return
    for fill in line.fills:
        weight = fill.quantity * fill.price / facts.initial_cash
        earned = (line.reward + facts.cost_rate * abs(weight)) / weight
        yield Amount("return of the horizon", line.scored["return"], earned, 1.0 / abs(weight))


def _of_fills(line: Line, cost_rate: float) -> Iterator[Amount]:
    for fill in line.fills:
        yield Amount("notional of the fill", fill.notional, abs(fill.quantity * fill.price))
        yield Amount("cost of the fill", fill.cost, cost_rate * fill.notional)


def _weighted(before: AccountState, line: Line) -> Iterator[Amount]:
    """An account of a weight, whose quantity is the weight itself."""
    after = line.account
    held, had = _quantity(after), _quantity(before)
    yield Amount("cash", after.cash, after.equity - held * after.equity, after.equity)
    yield Amount("position", held, had + sum(fill.quantity for fill in line.fills))
    for position in after.positions:
        yield Amount("weight of the position", position.weight, position.quantity)
    for fill in line.fills:
        yield Amount("notional of the fill", fill.notional, abs(fill.quantity) * before.equity)


def _in_units(facts: Facts, before: AccountState, line: Line, cost_rate: float) -> Iterator[Amount]:
    """An account of cash and units; dividends and splits come before a fill, or after one."""
    after = line.account
    spent = sum(fill.quantity * fill.price for fill in line.fills)
    value = sum(position.quantity * position.price for position in after.positions)
    largest = max(abs(after.cash), abs(value), abs(before.cash), abs(spent))
    yield Amount("equity", after.equity, after.cash + value, largest)
    dividends = 0.0
    for symbol in facts.symbols:
        had, has = _quantity(before, symbol), _quantity(after, symbol)
        bought = sum(fill.quantity for fill in line.fills if fill.symbol == symbol)
        at_close = facts.fills == "close"
        dividend, split = _distributed(line, symbol, had + bought * at_close)
        dividends += dividend
        held = (had + bought) * split if at_close else had * split + bought
        if facts.action == ORDERS and split != 1.0 and has < held:
            # Of whole shares a split leaves no fraction: that was paid in cash.
            held = math.floor(had * split + PRECISION) + bought
        what = "position" if len(facts.symbols) == 1 else f"position in {symbol}"
        yield Amount(what, has, held, max(abs(had * split), abs(bought)))
    cost = sum(fill.cost for fill in line.fills)
    fee = _fee(facts, before, line)
    cash = before.cash + dividends - spent - cost - fee + _interest(facts, before, line)
    yield Amount("cash", after.cash, cash, largest)
    for position in after.positions:
        worth = position.quantity * position.price
        yield Amount("weight of the position", position.weight, worth / after.equity)
        gain = worth - position.quantity * position.entry_price
        yield Amount("unrealised PnL", position.unrealised_pnl, gain, largest)
    yield from _of_fills(line, cost_rate)


def _fee(facts: Facts, before: AccountState, line: Line) -> float:
    """What borrowed shares cost beside trades; nothing where none were short.

    A record has no rate of it: what costs hold beside those of trades is taken for it.
    """
    if facts.long_only or not any(position.quantity < 0.0 for position in before.positions):
        return 0.0
    beside = line.account.costs - before.costs - sum(fill.cost for fill in line.fills)
    return max(beside, 0.0) if len(facts.symbols) > 1 else 0.0


def _interest(facts: Facts, before: AccountState, line: Line) -> float:
    """What cash earned that was idle at the decision, after orders that filled at it."""
    if not facts.cash_rate or (is_within_a_day(facts.interval) and line.session == line.marked):
        return 0.0
    values = [position.quantity * position.price for position in before.positions]
    cash = before.cash
    if facts.fills == "close":  # of one asset
        bought = sum(fill.quantity * fill.price for fill in line.fills)
        values = [sum(values) + bought]
        cash -= bought + sum(fill.cost for fill in line.fills)
    return max(cash + sum(values) - sum(map(abs, values)), 0.0) * facts.cash_rate_a_period


def _distributed(line: Line, symbol: str, holding: float) -> tuple[float, float]:
    """Cash from dividends on a holding, and units for each unit held before the step."""
    if line.dividend is not None and line.split is not None:
        return holding * line.dividend, line.split
    own = [each for each in line.distributions if each.symbol == symbol]
    return sum(each.cash for each in own), math.prod(each.ratio for each in own)


def _reward(kind: str | None, before: AccountState, line: Line) -> Iterator[Amount]:
    """What the step returned, so that growth is the product of all of them."""
    had, has = before.equity, line.account.equity
    if kind == "return":
        yield Amount("reward", line.reward, has / had - 1.0 if had else math.nan)
    elif kind == "pnl":
        yield Amount("reward", line.reward, has - had, had)
    elif kind == "log_return" and had > 0.0:
        yield Amount("reward", line.reward, math.log(max(has / had, RUIN)))


def _quantity(account: AccountState, symbol: str | None = None) -> float:
    """What is held of an asset, or of the one that there is."""
    return sum(each.quantity for each in account.positions if symbol in (None, each.symbol))

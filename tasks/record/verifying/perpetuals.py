"""Whether the amounts of an account of perpetuals follow from each other, line after line.

What an account is worth changes by what its prices bring, by fees and by funding, whichever kind
of margin it has; a loss that the venue bears is none of it.
"""

from collections.abc import Iterator

from investorbench.tasks.record.schema import Line
from investorbench.tasks.record.verifying.amounts import Amount
from investorbench_env.accounting.events import AccountState
from investorbench_env.facts import Facts


def of_perpetuals(facts: Facts, before: AccountState, line: Line) -> Iterator[Amount]:
    """The amounts of a line beside what the others make of them."""
    after = line.account
    fees = sum(fill.cost for fill in line.fills)
    yield Amount("costs", after.costs, before.costs + fees)
    for fill in line.fills:
        yield Amount("notional of the fill", fill.notional, abs(fill.quantity * fill.price))
    for symbol in facts.symbols:
        bought = sum(fill.quantity for fill in line.fills if fill.symbol == symbol)
        had, has = (_quantity(account, symbol) for account in (before, after))
        yield Amount(f"position in {symbol}", has, had + bought, max(abs(had), abs(bought)))
    yield from _positions(line)
    yield from _worth(before, line)


def _positions(line: Line) -> Iterator[Amount]:
    """Each position, as every account has it and with its margin."""
    after, margined = line.account, {each.symbol: each for each in line.perpetuals or ()}
    yield Amount("number of positions", len(margined), len(after.positions))
    for held in after.positions:
        worth = held.quantity * held.price
        gain = worth - held.quantity * held.entry_price
        yield Amount("price of the position", held.price, after.marks.get(held.symbol, held.price))
        yield Amount("weight of the position", held.weight, worth / after.equity)
        yield Amount("unrealised PnL", held.unrealised_pnl, gain, abs(worth))
        own = margined.get(held.symbol)
        if own is None:
            yield Amount(f"margined position in {held.symbol}", 0.0, held.quantity)
            continue
        yield Amount("quantity with its margin", own.quantity, held.quantity)
        yield Amount("mark", own.mark, held.price)
        yield Amount("notional", own.notional, abs(worth))
        yield Amount("unrealised PnL with its margin", own.unrealised_pnl, gain, abs(worth))


def _worth(before: AccountState, line: Line) -> Iterator[Amount]:
    """What the account is worth, from what it was worth and all that came of the step."""
    after = line.account
    unrealised = _unrealised(after) - _unrealised(before)
    realised = sum(trade.pnl for trade in line.closed or ())
    funding = sum(payment.cash for payment in line.funding or ())
    fees = sum(fill.cost for fill in line.fills)
    values = [abs(each.quantity * each.price) for own in (before, after) for each in own.positions]
    notionals = [fill.notional for fill in line.fills]
    follows = before.equity + unrealised + realised + funding - fees
    largest = max([abs(before.equity), *values, *notionals])
    yield Amount("equity", after.equity, follows, largest)
    # Where all positions share one margin, what their prices have brought is free, too.
    shared = after.equity - sum(each.margin for each in line.perpetuals or ())
    apart = shared - _unrealised(after)
    cash = min(shared, apart, key=lambda each: abs(after.cash - each))
    yield Amount("cash", after.cash, cash, largest)


def _unrealised(account: AccountState) -> float:
    return sum(each.unrealised_pnl for each in account.positions)


def _quantity(account: AccountState, symbol: str) -> float:
    return sum(each.quantity for each in account.positions if each.symbol == symbol)

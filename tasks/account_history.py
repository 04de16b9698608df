"""What an account of several assets did over its days, and all figures that follow from it.

It may come from a run's record or from a ledger; from the dividends and splits of an account
follows what was paid for fractions of shares and for what was delisted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from investorbench.tasks.lots import SAME, Lot, TradeFigures, closed_lots, trade_figures
from investorbench.tasks.portfolio_metrics import (
    RISK_FREE,
    Allocation,
    Drawdown,
    FloatArray,
    MarketModel,
    RiskAndReturn,
    allocation,
    drawdowns,
    invested,
    market_model,
    risk_and_return,
)
from investorbench.tasks.record.schema import Header, Line
from investorbench_env.accounting.events import AccountState, Distribution, Fill

AccountEvent = Fill | Distribution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountHistory:
    """An account at T + 1 closes.

    Attributes:
        symbols: the A assets.
        days: of the closes [T + 1].
        cash: at each [T + 1].
        values: of each asset, negative if it was sold short [T + 1, A].
        events: fills and distributions, each with its day, oldest first.
    """

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    cash: FloatArray
    values: FloatArray
    events: tuple[tuple[date, AccountEvent], ...]

    @property
    def equity(self) -> dict[date, float]:
        """At each close."""
        levels = self.cash + self.values.sum(axis=1)
        return dict(zip(self.days, levels.tolist(), strict=True))

    @property
    def lots(self) -> list[Lot]:
        """Those that were closed, first in, first out."""
        return closed_lots(self.events)

    @property
    def traded(self) -> float:
        """The sum of the value of all fills."""
        return float(sum(each.notional for _, each in self.events if isinstance(each, Fill)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFigures:
    """What an account came to.

    Attributes:
        risk: Sharpe and Sortino ratios, and the largest drawdown.
        falls: each fall from a peak, oldest first.
        spread: concentration, share of cash, turnover.
        trades: of its lots.
        markets: alpha and beta, by the name of the index.
        hundred_dollars: in the account and in each index, by name and date.
    """

    risk: RiskAndReturn
    falls: tuple[Drawdown, ...]
    spread: Allocation
    trades: TradeFigures
    markets: Mapping[str, MarketModel] = field(default_factory=dict)
    hundred_dollars: Mapping[str, Mapping[date, float]] = field(default_factory=dict)


def portfolio_figures(
    history: AccountHistory,
    markets: Mapping[str, Mapping[date, float]] | None = None,
    risk_free: float = RISK_FREE,
) -> HistoryFigures:
    """All figures of an account.

    Args:
        history: of the account, over at least three closes.
        markets: closes of indices by date, by the name of each, such as ``"S&P 500"``.
        risk_free: a year.

    Raises:
        InvestorBenchError: too few closes, equity that is not positive, or an index that lacks one.
    """
    equity, indices = history.equity, dict(markets or {})
    closes = {"account": equity, **indices}
    return HistoryFigures(
        risk=risk_and_return(list(equity.values()), risk_free),
        falls=tuple(drawdowns(equity)),
        spread=allocation(history.values, history.cash, history.traded),
        trades=trade_figures([lot.pnl for lot in history.lots]),
        markets={name: market_model(equity, own, risk_free) for name, own in indices.items()},
        hundred_dollars={name: invested(own, history.days) for name, own in closes.items()},
    )


def history_of(header: Header, lines: Sequence[Line]) -> AccountHistory:
    """The history of an account that a run recorded.

    Args:
        header: of the record.
        lines: its decisions, at least one, to the end.
    """
    symbols = header.facts.symbols
    place = {symbol: n for n, symbol in enumerate(symbols)}
    accounts = [header.opening, *(line.account for line in lines)]
    values = np.zeros((len(accounts), len(symbols)))
    for row, account in zip(values, accounts, strict=True):
        for each in account.positions:
            row[place[each.symbol]] = each.quantity * each.price
    days = [lines[0].session, *(line.marked or line.session for line in lines)]
    return AccountHistory(
        symbols=symbols,
        days=tuple(map(date.fromisoformat, days)),
        cash=np.array([account.cash for account in accounts]),
        values=values,
        events=tuple(
            (date.fromisoformat(day), event)
            for day, line, before in zip(days[1:], lines, accounts[:-1], strict=True)
            for event in _events(line, before)
        ),
    )


def _events(line: Line, before: AccountState) -> Iterator[AccountEvent]:
    """What happened in a step: distributions first, with what they paid out, then fills."""
    held = {each.symbol: each.quantity for each in before.positions}
    left = {each.symbol: each.quantity for each in line.account.positions}
    for fill in line.fills:
        left[fill.symbol] = left.get(fill.symbol, 0.0) - fill.quantity
    for each in line.distributions:
        yield each if each.ratio else each._replace(ratio=1.0)
        quantity = held.get(each.symbol, 0.0)
        gone = quantity * (each.ratio or 1.0) - left.get(each.symbol, 0.0)
        if abs(gone) > SAME * max(1.0, abs(quantity)) and each.ratio != 1.0:
            if each.ratio:  # a part of a share, at the close before
                price = before.marks[each.symbol] / each.ratio
            else:  # delisted: all of it, for what was paid
                price = each.cash / quantity
            yield Fill(each.symbol, -gone, price, abs(gone) * price, 0.0)
    yield from line.fills

"""What the accounts of an experiment came to, from its ledger, by the figures of every account."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.account_history import (
    AccountEvent,
    AccountHistory,
    HistoryFigures,
    portfolio_figures,
)
from investorbench.tasks.live.experiment.accounts import (
    distributions_in,
    fills_in,
    held_in,
    rejections_in,
)
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.accounting.events import Fill, Rejection
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.errors import InvestorBenchError

START = 100.0
SAME = 1e-9
"""Shares closer to each other are as many."""


class LedgerSession(NamedTuple):
    """One session of an account: the orders that met it and what came of them.

    Attributes:
        session: in which the orders were given.
        marked: the session itself.
        action: the orders as they were given.
        fills: trades.
        rejections: orders that were not carried out.
        open_orders: that wait after it.
    """

    session: str
    marked: str
    action: Any
    fills: Sequence[Fill]
    rejections: Sequence[Rejection]
    open_orders: Sequence[ShareOrder]


def sessions_of(view: LedgerView, agent: str) -> list[LedgerSession]:
    """All sessions of an account."""
    found = []
    for session in view.sessions:
        entry, decision = view.account(session, agent), view.decision_for(session, agent)
        assert entry is not None  # every agent has one of each session
        found.append(
            LedgerSession(
                session=session if decision is None else decision.session,
                marked=session,
                action=[] if decision is None else decision.content["orders"],
                fills=fills_in(entry.content),
                rejections=rejections_in(entry.content),
                open_orders=held_in(entry.content).waiting,
            )
        )
    return found


def history_in(view: LedgerView, agent: str) -> AccountHistory:
    """An account at every close."""
    symbols = view.settings.symbols
    entries = [view.account(session, agent) for session in view.sessions]
    portfolios = [held_in(entry.content) for entry in entries if entry is not None]
    values = [
        [
            portfolio.holdings[symbol].quantity * portfolio.marks[symbol]
            if symbol in portfolio.holdings
            else 0.0
            for symbol in symbols
        ]
        for portfolio in portfolios
    ]
    return AccountHistory(
        symbols=symbols,
        days=tuple(map(date.fromisoformat, view.sessions)),
        cash=np.array([portfolio.cash for portfolio in portfolios]),
        values=np.array(values),
        events=tuple(
            (date.fromisoformat(session), event)
            for session in view.sessions
            for event in _events(view, agent, session)
        ),
    )


def figures_in(view: LedgerView, history: AccountHistory) -> HistoryFigures | None:
    """All figures of an account; None where there are too few closes for them."""
    markets = {
        symbol: dict(zip(history.days, curve, strict=True))
        for symbol in view.settings.indices
        if (curve := index_curve(view, symbol)) is not None
    }
    for known in (markets, None):
        try:
            return portfolio_figures(history, known)
        except InvestorBenchError:  # too few closes, or an index that does not move
            continue
    return None


def index_curve(view: LedgerView, symbol: str) -> list[float] | None:
    """What $100 in an index came to at each close; None where it has no price at the start.

    From one close to the next within one answer of a source, so that a fund that stands for the
    index on some days is as good as the index.
    """
    level, curve = START, list[float]()
    for place, session in enumerate(view.sessions):
        prices = view.prices(session, symbol)
        if prices and place:
            before = prices[0].content["before"]
            level *= prices[0].content["close"] / before if before else 1.0
        curve.append(level)
    return curve if view.sessions and view.prices(view.sessions[0], symbol) else None


def _events(view: LedgerView, agent: str, session: str) -> Iterator[AccountEvent]:
    """Distributions, with the fractions of shares that a split paid out, then fills."""
    entry, before = view.account(session, agent), view.session_before(session)
    known = None if before is None else view.account(before, agent)
    assert entry is not None  # as above
    for paid in distributions_in(entry.content):
        yield paid
        if paid.ratio == 1.0 or known is None:
            continue
        portfolio = held_in(known.content)
        held, price = portfolio.holdings[paid.symbol], portfolio.marks[paid.symbol] / paid.ratio
        cash = paid.cash - held.quantity * view.bar(session, paid.symbol).dividend
        if (fraction := cash / price) > SAME:
            yield Fill(paid.symbol, -fraction, price, cash, 0.0)
    yield from fills_in(entry.content)

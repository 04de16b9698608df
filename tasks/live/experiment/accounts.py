"""The accounts of an experiment: taken over sessions from what the ledger holds alone."""

import math
from collections.abc import Mapping
from typing import Any

from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.accounting.events import AnyOrder, Distribution, Fill, Rejection
from investorbench_env.accounting.order_lists import read_orders
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import HeldShares, Portfolio
from investorbench_env.accounting.session import take_session


def account_after(view: LedgerView, session: str, agent: str) -> dict[str, Any]:
    """The account of an agent at the close of a session, from that of the session before.

    The orders are those that were written down for the session before it opened.
    """
    settings = view.settings
    before = view.session_before(session)
    known = None if before is None else view.account(before, agent)
    portfolio = Portfolio(cash=settings.initial_cash) if known is None else held_in(known.content)
    decision = view.decision_for(session, agent)
    listed = [] if decision is None else decision.content["orders"]
    orders, unreadable = read_orders(listed) or ([], [])
    bars = {symbol: view.bar(session, symbol) for symbol in settings.symbols}
    after, outcome = take_session(portfolio, orders, bars, settings.terms, settings.constraints)
    rejections = [*unreadable, *outcome.refused]
    return {
        "decision": None if decision is None else decision.number,
        "equity": after.equity,
        "portfolio": plain_portfolio(after),
        "fills": [list(fill) for fill in outcome.fills],
        "rejections": [[plain_order(each.order), each.reason] for each in rejections],
        "distributions": [list(each) for each in outcome.distributions],
    }


def plain_portfolio(portfolio: Portfolio) -> dict[str, Any]:
    """A portfolio as JSON values."""
    return {
        "cash": portfolio.cash,
        "costs": portfolio.costs,
        "holdings": {name: list(held) for name, held in portfolio.holdings.items()},
        "waiting": [plain_order(order) for order in portfolio.waiting],
        "marks": dict(portfolio.marks),
        "dollar_volumes": {
            name: volume for name, volume in portfolio.dollar_volumes.items() if volume == volume
        },
    }


def held_in(account: Mapping[str, Any]) -> Portfolio:
    """The portfolio of an account entry."""
    plain = account["portfolio"]
    return Portfolio(
        cash=plain["cash"],
        costs=plain["costs"],
        holdings={name: HeldShares(*held) for name, held in plain["holdings"].items()},
        waiting=tuple(ShareOrder(**order) for order in plain["waiting"]),
        marks=plain["marks"],
        dollar_volumes=plain["dollar_volumes"],
    )


def fills_in(account: Mapping[str, Any]) -> list[Fill]:
    """The fills of an account entry."""
    return [Fill(*fill) for fill in account["fills"]]


def rejections_in(account: Mapping[str, Any]) -> list[Rejection]:
    """The rejections of an account entry."""
    return [Rejection(ShareOrder(**order), reason) for order, reason in account["rejections"]]


def distributions_in(account: Mapping[str, Any]) -> list[Distribution]:
    """The dividends and splits of an account entry."""
    return [Distribution(*each) for each in account["distributions"]]


def plain_order(order: AnyOrder) -> dict[str, Any]:
    """An order as JSON values; a figure that is none is its word."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in order._asdict().items()
    }

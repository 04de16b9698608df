"""What an agent sees of a live experiment: past prices of the ledger and its own account."""

from typing import Any

import numpy as np

from investorbench.tasks.live.experiment.accounts import (
    distributions_in,
    fills_in,
    held_in,
    rejections_in,
)
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.accounting.events import AccountState, Position
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import Portfolio
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.market import Market
from investorbench_env.market.sessions import ends_of_days

A_YEAR = 252
"""Steps that facts name, of an experiment whose end is open."""
SOURCE = "live prices of Yahoo and Stooq"


def market_of(view: LedgerView) -> Market:
    """Everything that the ledger knows of prices, as a market up to its last session."""
    settings = view.settings
    sessions = [*view.past_sessions(), *view.sessions]
    bars = [[view.bar(day, symbol) for symbol in settings.symbols] for day in sessions]
    values = np.array([[bar[:5] for bar in row] for row in bars], dtype=np.float64)
    dates = np.array(sessions, dtype="datetime64[D]")
    return Market(
        symbols=settings.symbols,
        asset_class=settings.asset_class,
        sessions=dates,
        times=ends_of_days(dates, find_asset_class(settings.asset_class).timezone),
        bars=values,
        adjusted_close=values[..., 3],
        dividends=np.array([[bar.dividend for bar in row] for row in bars]),
        share_splits=np.array([[bar.split for bar in row] for row in bars]),
        source=SOURCE,
        timezone=find_asset_class(settings.asset_class).timezone,
    )


def facts_of(view: LedgerView) -> Facts:
    """What agents may know beforehand."""
    settings = view.settings
    terms, kind = settings.terms, find_asset_class(settings.asset_class)
    first = view.sessions[0]
    return Facts(
        family="Portfolio",
        symbols=settings.symbols,
        asset_class=settings.asset_class,
        timezone=kind.timezone,
        protocol="standard",
        cost_rate=terms.commission + terms.slippage,
        periods_a_year=float(kind.days_a_year),
        action="orders",
        long_only=True,
        initial_cash=settings.initial_cash,
        steps=A_YEAR,
        window=(first, view.sessions[-1]),
        source=SOURCE,
        simulated=False,
        fingerprint=view.entries[0].hash,
        benchmark="equal_weight",
    )


def state_of(portfolio: Portfolio, symbols: tuple[str, ...]) -> AccountState:
    """An account as agents see it."""
    equity = portfolio.equity
    positions = [
        Position(
            symbol=symbol, quantity=held.quantity, entry_price=held.entry,
            price=(mark := portfolio.marks[symbol]), weight=held.quantity * mark / equity,
            unrealised_pnl=held.quantity * (mark - held.entry),
        )
        for symbol in symbols
        if (held := portfolio.holdings.get(symbol)) is not None
    ]  # fmt: skip
    return AccountState(
        cash=portfolio.cash, equity=equity, costs=portfolio.costs, positions=positions,
        marks=portfolio.marks,
    )  # fmt: skip


def observed(view: LedgerView, agent: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The observation and the info of an agent at the last session."""
    settings, market = view.settings, market_of(view)
    session = view.sessions[-1]
    entry = view.account(session, agent)
    assert entry is not None  # every agent has one of each session
    portfolio = held_in(entry.content)
    account = state_of(portfolio, settings.symbols)
    history = JointHistory(market, settings.symbols, settings.window)
    last = len(market.sessions) - 1
    bars, mask = history.bars(last), history.mask(last)
    weights = {each.symbol: each for each in account.positions}
    holdings = np.zeros((len(settings.symbols), 4), dtype=np.float32)
    for row, symbol in enumerate(settings.symbols):
        if held := weights.get(symbol):
            holdings[row] = held.quantity, held.weight, held.entry_price, held.unrealised_pnl
    time = history.until(last).time
    equity = account.equity
    observation = {
        "bars": bars.copy(),
        "mask": mask.copy(),
        "tradable": np.ones(len(settings.symbols), dtype=np.int8),
        "account": np.array([account.cash, account.cash / equity, equity, A_YEAR], np.float32),
        "holdings": holdings,
        "sentiment": np.zeros((len(settings.symbols), 3), dtype=np.float32),
        "news": (),
        "filings": (),
        "time": time,
    }
    info = {
        "symbols": settings.symbols,
        "session": session,
        "time": time,
        "documents": (),
        "history": history.past(last),
        "account": account,
        "fills": tuple(fills_in(entry.content)),
        "rejections": tuple(rejections_in(entry.content)),
        "distributions": tuple(distributions_in(entry.content)),
        "open_orders": (*portfolio.waiting, *_stops(portfolio)),
        "scaled": None,
        "constraints": settings.constraints,
        "stale": tuple(
            each.subject for each in view.flagged[session]
            if each.kind == "stale" and each.subject in settings.symbols
        ),
        "equity": equity,
        "cash": account.cash,
        "costs": account.costs,
        "data_source": SOURCE,
        "simulated": False,
        "protocol": "standard",
    }  # fmt: skip
    return observation, info


def _stops(portfolio: Portfolio) -> tuple[ShareOrder, ...]:
    """The stops of holdings, as orders that wait."""
    return tuple(
        ShareOrder(symbol, "stop", held.quantity, stop=held.stop, until="cancelled")
        for symbol, held in portfolio.holdings.items()
        if held.stop is not None
    )

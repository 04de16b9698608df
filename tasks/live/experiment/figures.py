"""What an experiment came to: curves of accounts and indices, ratios, lots, and orders' fates."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from investorbench.tasks.live.experiment.accounts import fills_in, held_in, rejections_in
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench.tasks.lots import Lot, TradeFigures, closed_lots, trade_figures
from investorbench.tasks.portfolio_metrics import (
    MarketModel,
    RiskAndReturn,
    market_model,
    risk_and_return,
)
from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.events import Fill
from investorbench_env.accounting.order_words import order_words
from investorbench_env.errors import InvestorBenchError

FEWEST = 3
"""Sessions from which there are ratios."""
START = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFigures:
    """One account.

    Attributes:
        agent: whose.
        equity: at each close.
        weights: of each asset and of cash at each close, by name.
        fills: with their sessions, oldest first.
        fates: what became of orders: session, the order in words, and how it ended.
        rejected: how many orders were rejected by which rule.
        lots: that were sold.
        risk: None of fewer than three sessions.
        trades: what the lots came to.
        market: the market model; None where there is none.
    """

    agent: str
    equity: Sequence[float]
    weights: dict[str, list[float]]
    fills: list[tuple[date, Fill]]
    fates: list[tuple[str, str, str]]
    rejected: Counter[str]
    lots: list[Lot]
    risk: RiskAndReturn | None
    trades: TradeFigures
    market: MarketModel | None


def figures_of(view: LedgerView, agent: str) -> LedgerFigures:
    """The figures of an account."""
    accounts = [view.account(session, agent) for session in view.sessions]
    contents = [each.content for each in accounts if each is not None]
    portfolios = [held_in(content) for content in contents]
    equity = [portfolio.equity for portfolio in portfolios]
    weights = {
        symbol: [
            portfolio.holdings[symbol].quantity * portfolio.marks[symbol] / total
            if symbol in portfolio.holdings
            else 0.0
            for portfolio, total in zip(portfolios, equity, strict=True)
        ]
        for symbol in view.settings.symbols
    }
    weights["cash"] = [one.cash / total for one, total in zip(portfolios, equity, strict=True)]
    fills, fates = [], []
    rejected: Counter[str] = Counter()
    for session, content in zip(view.sessions, contents, strict=True):
        for fill in fills_in(content):
            fills.append((date.fromisoformat(session), fill))
            side = "buy" if fill.quantity > 0 else "sell"
            words = f"{side} {abs(fill.quantity):,.6g} {fill.symbol}"
            fates.append((session, words, f"filled at {fill.price:,.4f}"))
        for rejection in rejections_in(content):
            rejected[rule_of(rejection.reason)] += 1
            fates.append((session, order_words(rejection.order._asdict()), rejection.reason))
    lots = closed_lots((day, _today(view, day, fill)) for day, fill in fills)
    return LedgerFigures(
        agent=agent, equity=equity, weights=weights, fills=fills, fates=fates, rejected=rejected,
        lots=lots, risk=risk_and_return(equity) if len(equity) >= FEWEST else None,
        trades=trade_figures([lot.pnl for lot in lots]), market=_market(view, equity),
    )  # fmt: skip


def rule_of(reason: str) -> str:
    """The rule by which an order was rejected: the constraint, or its reason without figures."""
    constraint = reason.partition(" is ")[0]
    if constraint in Constraints.__dataclass_fields__:
        return constraint
    words = [word for word in reason.split() if not any(map(str.isdigit, word))]
    return " ".join(word for word in words if not (len(word) > 1 and word.isupper())) or reason


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


def _market(view: LedgerView, equity: Sequence[float]) -> MarketModel | None:
    curve = index_curve(view, view.settings.indices[0]) if view.settings.indices else None
    if curve is None:
        return None
    days = [date.fromisoformat(session) for session in view.sessions]
    try:
        return market_model(
            dict(zip(days, equity, strict=True)), dict(zip(days, curve, strict=True))
        )
    except InvestorBenchError:
        return None


def _today(view: LedgerView, day: date, fill: Fill) -> Fill:
    """A fill in the shares of the last session."""
    ratio = math.prod(
        split.amount for split in view.splits(fill.symbol) if split.session > str(day)
    )
    return fill._replace(quantity=fill.quantity * ratio, price=fill.price / ratio)

"""How a decision about a portfolio is carried out, and reported: as orders, or as target weights.

A trader knows the rules and keeps nothing of an episode: what it hands back is the account.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.events import Distribution, Fill, Order, Rejection
from investorbench_env.accounting.order_lists import read_orders
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.portfolio import (
    HeldShares,
    Portfolio,
    SessionBar,
    dollar_volumes_of,
)
from investorbench_env.accounting.session import take_session
from investorbench_env.accounting.spot import idle_cash
from investorbench_env.accounting.weights import scale
from investorbench_env.accounting.weights_account import WeightAmounts
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.errors import InvalidActionError, shown
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.joint_prices import SessionStep

Array = npt.NDArray[np.float64]
_named: Any = tuple.__new__
"""A named tuple of values that stand in a tuple already, in half the time of its own class."""
NEGLIGIBLE = 1e-6
"""By so much weights in single precision may add up to more than they were meant to."""


class Closed(NamedTuple):
    """A portfolio at a close, and what happened since the one before.

    Attributes:
        amounts: of the account.
        account: what the trader needs of it besides.
        fills: trades.
        rejections: orders that were not carried out, each with its reason.
        distributions: dividends and splits of what was held.
        open_orders: that wait, and the stops of holdings.
        scaled: what weights added up to where they had to be scaled down; else None.
    """

    amounts: WeightAmounts
    account: Any = None
    fills: tuple[Fill, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    open_orders: tuple[ShareOrder, ...] = ()
    scaled: float | None = None


class Trader(Protocol):
    """Carries out decisions of one kind."""

    def open(self, cash: float, history: JointHistory, t: int) -> Closed:
        """The account at the first decision.

        Args:
            cash: what it starts with.
            history: of the market.
            t: the bar of the decision.
        """

    def trade(
        self, before: Closed, action: Any, barred: Mapping[str, str], history: JointHistory, t: int
    ) -> Closed:
        """Go from one decision to the next.

        Args:
            before: the account at the earlier decision.
            action: what was decided then.
            barred: the assets that could not be bought then, each with the reason.
            history: of the market.
            t: the bar of the later decision.

        Raises:
            InvalidActionError: the action is none.
        """


class WeightTrader:
    """Trades to target weights."""

    def __init__(self, setup: PortfolioSetup) -> None:
        self._symbols, self._options = setup.symbols, setup.options
        self._least = -1.0 if setup.options.long_short else 0.0
        self._account = setup.weights_account()

    def open(self, cash: float, history: JointHistory, t: int) -> Closed:
        return Closed(self._account.open(cash, history.until(t).prices.final))

    def trade(
        self, before: Closed, action: Any, barred: Mapping[str, str], history: JointHistory, t: int
    ) -> Closed:
        given = weights = self._weights(action)
        step, rejections = history.until(t).prices, []
        if barred:
            weights = weights.copy()
            for symbol, reason in barred.items():
                asset = self._symbols.index(symbol)
                if weights[asset]:
                    rejections.append(Rejection(Order(symbol, weights.item(asset)), reason))
                    weights[asset] = 0.0
        weights, gross = scale(weights, self._options.max_gross)
        is_above = gross > self._options.max_gross * (1.0 + NEGLIGIBLE)
        accepted = not (is_above and self._options.strict)
        after, traded, ruined = self._account.step(before.amounts, weights, accepted, step)
        if not accepted:
            why = f"the weights add up to {gross:g}, which is above {self._options.max_gross:g}"
            rejections = self._rejections(given, why)
        elif np.any(ruined):
            why = "the account was ruined at the fill prices and closed out there"
            rejections = self._rejections(given, why)
        elif step.trades is not None:
            rejections += self._untraded(weights, before.amounts, step)
        return Closed(
            after,
            fills=self._fills(traded.bought, traded.notional, step.fill),
            rejections=tuple(rejections),
            distributions=self._distributions(before.amounts.units, step),
            scaled=float(gross) if is_above and accepted else None,
        )

    def _weights(self, action: Any) -> Array:
        try:
            weights = np.asarray(action).astype(np.float64, casting="same_kind")
            is_valid = weights.shape == (len(self._symbols),) and bool(
                ((weights >= self._least) & (weights <= 1.0)).all()
            )
        except Exception:  # noqa: BLE001 - whatever an object of somebody's own raises
            is_valid = False
        if not is_valid:
            raise InvalidActionError(
                f"action {shown(action)} is no {len(self._symbols)} weights from "
                f"{self._least:g} to 1; nothing was traded"
            )
        return weights

    def _rejections(self, weights: Array, reason: str) -> list[Rejection]:
        return [
            Rejection(Order(symbol, weight), reason)
            for symbol, weight in zip(self._symbols, weights.tolist(), strict=True)
            if weight
        ]

    def _untraded(
        self, weights: Array, before: WeightAmounts, step: SessionStep
    ) -> list[Rejection]:
        """Orders for assets that did not trade: all but those that would change nothing."""
        assert step.trades is not None
        gone = step.split == 0.0
        wanted = ~step.trades & ((weights != 0.0) | ((before.units != 0.0) & ~gone))
        return [
            Rejection(
                Order(symbol := self._symbols[n], weights.item(n)),
                f"{symbol} was delisted" if gone[n] else f"{symbol} did not trade",
            )
            for n in np.flatnonzero(wanted).tolist()
        ]

    def _fills(self, bought: Array, notional: Array, prices: Array) -> tuple[Fill, ...]:
        traded = zip(
            self._symbols, bought.tolist(), prices.tolist(), notional.tolist(),
            (self._account.cost_rate * notional).tolist(), strict=True,
        )  # fmt: skip
        # Rounding may leave a value without a share, or a share without a value.
        return tuple([_named(Fill, row) for row in traded if row[1] and row[3]])

    def _distributions(self, units: Array, step: SessionStep) -> tuple[Distribution, ...]:
        if not step.ex_date:
            return ()
        paid = (units != 0.0) & ((step.dividend != 0.0) | (step.split != 1.0))
        return tuple(
            Distribution(
                self._symbols[n], units.item(n) * step.dividend.item(n), step.split.item(n)
            )
            for n in np.flatnonzero(paid).tolist()
        )


class OrderTrader:
    """Carries out lists of orders."""

    def __init__(self, setup: PortfolioSetup) -> None:
        self._symbols = setup.symbols
        self._terms, self._constraints = setup.terms, setup.constraints
        self._cash_rate = setup.facts.cash_rate_a_period

    def open(self, cash: float, history: JointHistory, t: int) -> Closed:
        marks = history.until(t).prices.final
        priced = zip(self._symbols, marks.tolist(), strict=True)
        account = Portfolio(
            cash=cash,
            marks=dict(compress(priced, history.is_priced(t))),
            dollar_volumes=dollar_volumes_of(_session_bars(history, t)),
        )
        return Closed(self._amounts(account, marks), account=account)

    def trade(
        self, before: Closed, action: Any, barred: Mapping[str, str], history: JointHistory, t: int
    ) -> Closed:
        read = read_orders(action)
        if read is None:
            raise InvalidActionError(
                f"action {shown(action)} is no list of orders, such as "
                '[{"symbol": "AAPL", "side": "buy", "quantity": 10}]; nothing was traded'
            )
        orders, unreadable = read
        account: Portfolio = before.account
        delisted = set(compress(self._symbols, history.gone <= t))
        allowed, refused = _without_barred(orders, barred, delisted)
        waiting, gone = _without_barred(account.waiting, barred, delisted)
        if gone:
            account = replace(account, waiting=tuple(waiting))
        bars = _session_bars(history, t)
        after, outcome = take_session(account, allowed, bars, self._terms, self._constraints)
        prices = history.until(t).prices
        if self._cash_rate and prices.period:
            earned = idle_cash(before.amounts.cash, 0.0) * self._cash_rate
            after = replace(after, cash=after.cash + earned)
        return Closed(
            self._amounts(after, prices.final),
            account=after,
            fills=outcome.fills,
            rejections=(*unreadable, *refused, *gone, *outcome.refused),
            distributions=outcome.distributions,
            open_orders=(*after.waiting, *_stops(after.holdings)),
        )

    def _amounts(self, account: Portfolio, marks: Array) -> WeightAmounts:
        nothing = HeldShares(0.0, 0.0)
        held = [account.holdings.get(symbol, nothing) for symbol in self._symbols]
        units = np.array([holding.quantity for holding in held])
        entries = np.array([holding.entry for holding in held])
        values = units * marks
        equity = account.equity
        return WeightAmounts(
            account.cash, equity, account.costs, units, entries, marks, values,
            values / (equity + (equity == 0.0)), values - units * entries,
        )  # fmt: skip


def _session_bars(history: JointHistory, t: int) -> dict[str, SessionBar]:
    """What each asset did on the way to a bar, by symbol."""
    rows = zip(history.symbols, history.traded_bars(t).tolist(), strict=True)
    return {symbol: SessionBar(*row) for symbol, row in rows}


def _without_barred(
    orders: Sequence[ShareOrder], barred: Mapping[str, str], delisted: Collection[str]
) -> tuple[list[ShareOrder], list[Rejection]]:
    """Orders without purchases of assets that cannot be bought, and those as rejections.

    Of what was delisted nothing is sold either.
    """
    kept, rejections = [], []
    for order in orders:
        is_trade = order.side == "buy" or (order.side != "cancel" and order.symbol in delisted)
        if is_trade and order.symbol in barred:
            rejections.append(Rejection(order, barred[order.symbol]))
        else:
            kept.append(order)
    return kept, rejections


def _stops(holdings: Mapping[str, HeldShares]) -> list[ShareOrder]:
    return [
        ShareOrder(symbol, "stop", holding.quantity, stop=holding.stop, until="cancelled")
        for symbol, holding in holdings.items()
        if holding.stop is not None
    ]

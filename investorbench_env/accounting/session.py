"""One session of a long-only account of several assets, in a fixed order.

Splits, dividends, the orders as they are listed, those that wait by age, stops; of the orders what
the open fills, then what the bar fills inside, the nearest first. Orders that were
decided after one session meet the bar of the next. A pure function of what it is given, so that it
serves an environment and a ledger alike.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.constraints import SLACK, Constraints, Purchase
from investorbench_env.accounting.events import Distribution, Fill, Rejection
from investorbench_env.accounting.filled_inside import FilledInside
from investorbench_env.accounting.order_faults import without_faults
from investorbench_env.accounting.order_words import amount
from investorbench_env.accounting.orders import (
    ShareOrder,
    buy_limit,
    market_price,
    sell_limit,
    stop_sale,
)
from investorbench_env.accounting.overnight import adjust_holding, adjust_orders
from investorbench_env.accounting.portfolio import (
    HeldShares,
    Portfolio,
    SessionBar,
    SessionOutcome,
    Terms,
    dollar_volumes_of,
)


def take_session(
    before: Portfolio,
    orders: Sequence[ShareOrder],
    bars: Mapping[str, SessionBar],
    terms: Terms,
    constraints: Constraints,
) -> tuple[Portfolio, SessionOutcome]:
    """Take an account over one session.

    Args:
        before: the account at the close before.
        orders: that were decided then, in their order.
        bars: of the session, by symbol; every asset of the market has one.
        terms: of fills.
        constraints: of purchases.

    Returns:
        The account at the close, and what happened.
    """
    session = _Session(before, bars, terms, constraints)
    listed = session.sound(orders)
    session.pass_night()
    older = session.adjusted(session.not_cancelled(listed))
    listed = session.adjusted(listed)
    session.note_stops([*listed, *older])
    session.execute(listed, older)
    session.sell_at_stops()
    return session.closed(), session.outcome()


class _Session:
    """A session in progress."""

    def __init__(
        self,
        before: Portfolio,
        bars: Mapping[str, SessionBar],
        terms: Terms,
        constraints: Constraints,
    ) -> None:
        self.before, self.bars, self.terms, self.constraints = before, bars, terms, constraints
        self.cash, self.costs = before.cash, before.costs
        self.holdings, self.marks = dict(before.holdings), dict(before.marks)
        self.waiting: dict[int, ShareOrder] = {}  # by age
        self.inside = FilledInside()
        self.listed_stops: dict[str, float] = {}
        self.traded: defaultdict[str, float] = defaultdict(float)
        self.fills: list[Fill] = []
        self.refused: list[Rejection] = []
        self.distributions: list[Distribution] = []

    # --- before the open ----------------------------------------------------------------------

    def sound(self, orders: Sequence[ShareOrder]) -> list[ShareOrder]:
        """The orders that can be meant; the others are refused."""
        whole = self.constraints.whole_shares
        waiting, marks = self.before.waiting, self.before.marks
        found = []
        for order, reason in without_faults(orders, waiting, marks, self.bars, whole_shares=whole):
            if reason is None:
                found.append(order)
            else:
                self.refused.append(Rejection(order, reason))
        return found

    def pass_night(self) -> None:
        """Splits, dividends and delistings of what is held."""
        for symbol, bar in self.bars.items():
            if symbol in self.marks and bar.split:
                self.marks[symbol] /= bar.split
            holding = self.holdings.get(symbol)
            if holding is None or (bar.split == 1.0 and not bar.dividend):
                continue
            after, paid = adjust_holding(
                symbol, holding, self.marks[symbol], bar,
                whole_shares=self.constraints.whole_shares,
                lowers=self.terms.dividend_adjusts_orders,
            )  # fmt: skip
            self.cash += paid.cash
            self.distributions.append(paid)
            if after.quantity:
                self.holdings[symbol] = after
            else:
                del self.holdings[symbol]
        for symbol in [name for name, bar in self.bars.items() if not bar.split]:
            self.marks.pop(symbol, None)

    def adjusted(self, orders: Sequence[ShareOrder]) -> list[ShareOrder]:
        """Orders after the night; those that it cancels are refused."""
        kept, refused = adjust_orders(
            orders, self.bars, whole_shares=self.constraints.whole_shares,
            lowers=self.terms.dividend_adjusts_orders,
        )  # fmt: skip
        self.refused += refused
        return kept

    def not_cancelled(self, listed: Sequence[ShareOrder]) -> list[ShareOrder]:
        """What waited and is not taken back."""
        taken_back = {order.id for order in listed if order.side == "cancel"}
        gone = [order for order in self.before.waiting if order.id in taken_back]
        self.refused += [Rejection(order, "cancelled") for order in gone]
        return [order for order in self.before.waiting if order not in gone]

    # --- the session --------------------------------------------------------------------------

    def note_stops(self, orders: Sequence[ShareOrder]) -> None:
        """Note the highest stop of each asset that an order sets in this session.

        By itself or by a purchase that the bar fills, wherever it stands among the orders.
        """
        for order in orders:
            if order.stop is None or order.side == "cancel":
                continue
            if order.side == "stop" or self._price_of(order, self.bars[order.symbol]) is not None:
                highest = max(order.stop, self.listed_stops.get(order.symbol, 0.0))
                self.listed_stops[order.symbol] = highest

    def execute(self, listed: Sequence[ShareOrder], older: Sequence[ShareOrder]) -> None:
        """Fill orders, or let them wait, or refuse them.

        First what the open fills, as listed and then by age; then what the bar fills inside, the
        nearest to its open first. Otherwise money or shares of an order at the open would hang on
        what came after it, and a ladder of limits would trade at the best price of the bar.
        """
        inside: list[tuple[float, int, ShareOrder]] = []
        for age, order in (*enumerate(listed, len(older)), *enumerate(older)):
            distance = self._distance(order)
            if distance:
                inside.append((distance, age, order))
            elif order.side == "stop" and self._comes_inside(order, inside):
                inside.append((math.inf, age, order))
            else:
                self._carry_out(order, age)
        for _, age, order in sorted(inside, key=lambda each: each[0]):
            self._carry_out(order, age)

    def _distance(self, order: ShareOrder) -> float:
        """How far from the open the bar has to go to fill an order, as a share; 0 for none."""
        if self.terms.orders_first or order.limit is None or order.side not in ("buy", "sell"):
            return 0.0
        bar = self.bars[order.symbol]
        away = bar.open - order.limit if order.side == "buy" else order.limit - bar.open
        return away / bar.open if away > 0.0 else 0.0

    def _comes_inside(
        self, order: ShareOrder, inside: Sequence[tuple[float, int, ShareOrder]]
    ) -> bool:
        """Whether a stop is for what only an earlier order may buy inside the bar."""
        return order.symbol not in self.holdings and any(
            each.symbol == order.symbol for *_, each in inside
        )

    def _carry_out(self, order: ShareOrder, age: int) -> None:
        if order.side == "cancel":
            return
        reason = self._set_stop(order) if order.side == "stop" else self._trade_or_wait(order, age)
        if reason is not None:
            self.refused.append(Rejection(order, reason))

    def _set_stop(self, order: ShareOrder) -> str | None:
        holding = self.holdings.get(order.symbol)
        if holding is None:
            return f"no share of {order.symbol} is held"
        self.holdings[order.symbol] = holding._replace(stop=order.stop)
        return None

    def _trade_or_wait(self, order: ShareOrder, age: int) -> str | None:
        """Why an order is neither filled nor waits; None where it is or does."""
        bar = self.bars[order.symbol]
        if not bar.has_traded:
            return self._wait(order, age, f"{order.symbol} did not trade")
        if order.side == "sell" and (reason := self._lacks_shares(order)) is not None:
            return reason
        price = self._price_of(order, bar)
        if price is None:
            return self._wait(order, age, f"the limit of {order.limit:g} was not reached")
        quantity = self._capped(order, bar)
        if quantity and order.side == "buy":
            reason = self._unaffordable(order.symbol, quantity, price)
            if reason is not None:
                return reason
        if quantity:
            self.traded[order.symbol] += quantity
            if not self.terms.orders_first:
                self.inside.note(order, bar, quantity, price * (1.0 - self.terms.commission))
            self._trade(order, quantity, price)
        rest = order.quantity - quantity
        if rest <= SLACK:
            return None
        left = order._replace(quantity=rest)
        return self._wait(
            left, age, f"volume_cap left {amount(rest)} of {amount(order.quantity)} shares"
        )

    def _wait(self, order: ShareOrder, age: int, reason: str) -> str | None:
        if order.until == "day":
            return reason
        self.waiting[age] = order
        return None

    def _lacks_shares(self, order: ShareOrder) -> str | None:
        holding = self.holdings.get(order.symbol)
        late = self.inside.shares[order.symbol]
        held = holding.quantity - late if holding else 0.0
        if order.quantity <= held + SLACK:
            return None
        wanted, there = amount(order.quantity), amount(held)
        bought = f", {amount(late)} bought inside this bar apart" if late else ""
        return f"{wanted} shares of {order.symbol} are more than the {there} held{bought}"

    def _price_of(self, order: ShareOrder, bar: SessionBar) -> float | None:
        """The price of a fill; None where there is none."""
        terms, limit = self.terms, order.limit
        through = terms.limit_fill == "through"
        if limit is None:
            side = 1 if order.side == "buy" else -1
            return self._rounded(market_price(bar.open, side, terms.slippage))
        if order.side == "buy":
            filled, price = buy_limit(limit, bar.open, bar.low, terms.slippage, through=through)
            return price if filled else None
        filled, price = sell_limit(limit, bar.open, bar.high, terms.slippage, through=through)
        stop = max(
            self.holdings[order.symbol].stop or 0.0, self.listed_stops.get(order.symbol, 0.0)
        )
        meets_stop = bar.low <= stop and bar.open < limit
        return price if filled and (terms.orders_first or not meets_stop) else None

    def _capped(self, order: ShareOrder, bar: SessionBar) -> float:
        """What the volume cap leaves of an order, after those before it."""
        cap = self.constraints.volume_cap
        if cap is None:
            return order.quantity
        most = 0.0 if math.isnan(bar.volume) else cap * bar.volume - self.traded[order.symbol]
        if self.constraints.whole_shares:
            most = float(math.floor(most + SLACK))
        return min(order.quantity, most) if most > SLACK else 0.0

    def _unaffordable(self, symbol: str, quantity: float, price: float) -> str | None:
        """Why a purchase may not be made; None where it may."""
        cost = quantity * price * (1.0 + self.terms.commission)
        cash = self.cash - self.inside.proceeds
        # Of no cash rounding makes none.
        if cost > cash + SLACK * min(1.0, cash):
            late = ", what sales inside this bar brought apart" if self.inside.proceeds else ""
            return f"{cost:,.2f} are more than the cash, {cash:,.2f}{late}"
        held = self.holdings.get(symbol, HeldShares(0.0, 0.0)).quantity
        value = (held + quantity) * price
        others = in_order(
            other.quantity * self.marks.get(name, other.entry)
            for name, other in self.holdings.items()
            if name != symbol
        )
        return self.constraints.broken_by(
            Purchase(
                positions=len({*self.holdings, symbol}),
                weight=value / (self.cash - cost + others + value),
                price=price,
                dollar_volume=self.before.dollar_volumes.get(symbol, math.nan),
                market_cap=self.bars[symbol].market_cap,
                cash=cash - cost,
            )
        )

    def _trade(self, order: ShareOrder, quantity: float, price: float) -> None:
        """Buy or sell so many shares; all of a holding where rounding alone would be left."""
        held = self.holdings.get(order.symbol, HeldShares(0.0, 0.0))
        bought = quantity if order.side == "buy" else -min(quantity, held.quantity)
        notional = abs(bought) * price
        cost = self.terms.commission * notional
        # A purchase for all the cash may exceed it by what rounding adds.
        self.cash, self.costs = max(0.0, self.cash - bought * price - cost), self.costs + cost
        self.fills.append(Fill(order.symbol, bought, price, notional, cost))
        after = held.quantity + bought
        if after <= SLACK:
            del self.holdings[order.symbol]
        elif bought > 0:
            entry = (held.quantity * held.entry + bought * price) / after
            stop = held.stop if order.stop is None else order.stop
            self.holdings[order.symbol] = HeldShares(after, entry, stop)
        else:
            self.holdings[order.symbol] = held._replace(quantity=after)

    def sell_at_stops(self) -> None:
        """Sell what has reached its stop, each holding as a whole."""
        for symbol, holding in list(self.holdings.items()):
            bar = self.bars[symbol]
            if holding.stop is None or not bar.has_traded:
                continue
            stop = min(holding.stop, self.inside.lowest.get(symbol, math.inf))
            reached, price = stop_sale(stop, bar.open, bar.low, self.terms.slippage)
            if reached:
                order = ShareOrder(symbol, "sell", holding.quantity)
                self._trade(order, holding.quantity, self._rounded(price))

    # --- the close ----------------------------------------------------------------------------

    def closed(self) -> Portfolio:
        """The account at the close; an asset that did not trade keeps its last price."""
        traded = {name: bar for name, bar in self.bars.items() if bar.has_traded}
        return Portfolio(
            cash=self.cash,
            costs=self.costs,
            holdings=self.holdings,
            waiting=tuple(order for _, order in sorted(self.waiting.items())),
            marks=self.marks | {name: bar.close for name, bar in traded.items()},
            dollar_volumes=dollar_volumes_of(self.bars),
        )

    def outcome(self) -> SessionOutcome:
        """What happened."""
        return SessionOutcome(tuple(self.fills), tuple(self.refused), tuple(self.distributions))

    def _rounded(self, price: float) -> float:
        # What costs less than half a cent is not free.
        return (round(price, 2) or price) if self.terms.in_cents else price

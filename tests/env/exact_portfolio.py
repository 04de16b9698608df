"""The rules of a portfolio that takes orders, read once more and written in fractions.

Nothing here is shared with the account under test; where the rules have a table, this has a branch.
"""

from fractions import Fraction
from typing import Any

F = Fraction

Order = dict[str, Any]
Bar = dict[str, F]


class ExactPortfolio:
    def __init__(
        self, cash: int, *, rate: F, slip: F, through: bool, lab: bool, **rules: Any
    ) -> None:
        self.cash, self.rate, self.slip, self.through, self.lab = F(cash), rate, slip, through, lab
        self.rules = rules
        self.shares: dict[str, F] = {}
        self.paid: dict[str, F] = {}
        self.stops: dict[str, F] = {}
        self.last: dict[str, F] = {}
        self.traded: dict[str, F] = {}
        self.book: list[Order] = []
        self.forget()

    def forget(self) -> None:
        """What holds for one session alone."""
        self.late: dict[str, F] = {}  # shares bought after the open
        self.cheapest: dict[str, F] = {}  # at what price at the least
        self.late_cash = F(0)
        self.volume: dict[str, F] = {}
        self.named_stops: dict[str, F] = {}

    def session(self, orders: list[Order], bars: dict[str, Bar | None]) -> list[tuple[str, F, F]]:
        """The fills of a session: symbol, shares (negative when sold), price."""
        self.forget()
        new = self.sensible(orders)
        cancelled = {order["id"] for order in new if order["side"] == "cancel"}
        old = [order for order in self.book if order["id"] not in cancelled]
        nights = {name: bar["split"] for name, bar in bars.items() if bar and bar["split"] != 1}
        for name, bar in bars.items():
            if bar and name in self.shares:
                self.cash += self.shares[name] * bar["dividend"]
        for name, ratio in nights.items():
            self.split(name, ratio)
        new, old = self.after(new, nights), self.after(old, nights)
        fills: list[tuple[str, F, F]] = []
        waits: list[tuple[int, Order]] = []
        for order in (*new, *old):
            if order["side"] in ("buy", "stop") and order["stop"] is not None:
                name, bar = order["symbol"], bars.get(order["symbol"])
                if bar and (
                    order["side"] == "stop" or self.price(name, "buy", order["limit"], bar)
                ):
                    self.named_stops[name] = max(self.named_stops.get(name, F(0)), order["stop"])
        late: list[tuple[F, int, Order]] = []
        for age, order in (*enumerate(new, len(old)), *enumerate(old)):
            name, bar, limit = order["symbol"], bars.get(order["symbol"]), order["limit"]
            is_late_stop = order["side"] == "stop" and name not in self.shares
            away = F(0)
            if bar and limit is not None and order["side"] in ("buy", "sell") and not self.lab:
                away = (limit - bar["open"]) / bar["open"] * (-1 if order["side"] == "buy" else 1)
            if away > 0 or (is_late_stop and any(o["symbol"] == name for *_, o in late)):
                late.append((F(10**9) if is_late_stop else away, age, order))
            else:
                self.carry_out(order, age, bars, fills, waits)
        for _, age, order in sorted(late, key=lambda each: each[0]):
            self.carry_out(order, age, bars, fills, waits)
        self.book = [order for _, order in sorted(waits, key=lambda each: each[0])]
        for name in list(self.shares):
            self.stopped(name, bars[name], fills)
        for name, bar in bars.items():
            if bar:
                self.last[name] = bar["close"]
        self.traded = {name: bar["close"] * bar["volume"] for name, bar in bars.items() if bar}
        return fills

    def sensible(self, orders: list[Order]) -> list[Order]:
        ids, waiting, kept = {o["id"] for o in self.book}, {o["id"] for o in self.book}, []
        for order in orders:
            side, stop, last = order["side"], order["stop"], self.last.get(order["symbol"])
            if side == "cancel":
                if order["id"] in waiting:
                    waiting.remove(order["id"])
                    kept.append(order)
                continue
            if stop is not None and (side == "sell" or stop <= 0):
                continue
            if stop is not None and side == "buy" and stop >= last:
                continue
            if side in ("buy", "sell"):
                if order["quantity"] <= 0 or order["id"] in ids:
                    continue
                if self.rules.get("whole") and order["quantity"].denominator != 1:
                    continue
            elif stop is None or order["id"] in ids:
                continue
            ids.add(order["id"])
            kept.append(order)
        return kept

    def split(self, name: str, ratio: F) -> None:
        if name in self.last:
            self.last[name] /= ratio
        if name in self.stops:
            self.stops[name] /= ratio
        if name in self.shares:
            self.paid[name] /= ratio
            self.shares[name] *= ratio
            if self.rules.get("whole"):
                whole = F(int(self.shares[name]))
                self.cash += (self.shares[name] - whole) * self.last[name]
                self.shares[name] = whole
            self.drop(name)

    def after(self, orders: list[Order], nights: dict[str, F]) -> list[Order]:
        kept = []
        for order in orders:
            ratio = nights.get(order["symbol"])
            if ratio is None or order["side"] == "cancel":
                kept.append(order)
                continue
            if ratio < 1 and order["side"] != "stop":
                continue
            changed = {k: order[k] / ratio for k in ("limit", "stop") if order[k] is not None}
            quantity = order["quantity"] * ratio
            if self.rules.get("whole"):
                quantity = F(int(quantity))
            kept.append(order | changed | {"quantity": quantity})
        return kept

    def carry_out(
        self,
        order: Order,
        age: int,
        bars: dict[str, Bar | None],
        fills: list[tuple[str, F, F]],
        waits: list[tuple[int, Order]],
    ) -> None:
        rest = self.one(order, bars.get(order["symbol"]), fills)
        if rest and order["until"] == "cancelled" and order["side"] in ("buy", "sell"):
            waits.append((age, order | {"quantity": rest}))

    def one(self, order: Order, bar: Bar | None, fills: list[tuple[str, F, F]]) -> F:
        """Try one order; the shares that are still wanted."""
        name, side, quantity, limit = (order[k] for k in ("symbol", "side", "quantity", "limit"))
        if side == "cancel":
            return F(0)
        if side == "stop":
            if name in self.shares:
                self.stops[name] = order["stop"]
            return F(0)
        if bar is None:
            return quantity
        held = self.shares.get(name, F(0))
        if side == "sell" and quantity > held - self.late.get(name, F(0)):
            return F(0)
        price = self.price(name, side, limit, bar)
        if price is None:
            return quantity
        most = quantity
        if self.rules.get("cap") is not None:
            most = self.rules["cap"] * bar["volume"] - self.volume.get(name, F(0))
            if self.rules.get("whole"):
                most = F(int(most))
        filled = min(quantity, most)
        if not filled:
            return quantity
        if side == "buy":
            cost = filled * price * (1 + self.rate)
            if cost > self.cash - self.late_cash or self.breaks_a_rule(
                name, held + filled, price, cost
            ):
                return F(0)
            self.paid[name] = (self.paid.get(name, F(0)) * held + filled * price) / (held + filled)
            self.shares[name] = held + filled
            self.cash -= cost
            if limit is not None and bar["open"] > limit and not self.lab:
                self.late[name] = self.late.get(name, F(0)) + filled
                self.cheapest[name] = min(limit, self.cheapest.get(name, limit))
            if order["stop"] is not None:
                self.stops[name] = order["stop"]
            fills.append((name, filled, price))
        else:
            self.shares[name] -= filled
            self.cash += filled * price * (1 - self.rate)
            if limit is not None and bar["open"] < limit and not self.lab:
                self.late_cash += filled * price * (1 - self.rate)
            fills.append((name, -filled, price))
            self.drop(name)
        self.volume[name] = self.volume.get(name, F(0)) + filled
        return quantity - filled

    def price(self, name: str, side: str, limit: F | None, bar: Bar) -> F | None:
        open_, high, low = bar["open"], bar["high"], bar["low"]
        if side == "buy":
            worse = open_ * (1 + self.slip)
            if limit is None:
                return self.cents(worse)
            if open_ <= limit:
                return min(worse, limit)
            return limit if (low < limit if self.through else low <= limit) else None
        worse = open_ * (1 - self.slip)
        if limit is None:
            return self.cents(worse)
        if open_ >= limit:
            return max(worse, limit)
        stop = max(self.stops.get(name, F(0)), self.named_stops.get(name, F(0)))
        if low <= stop and not self.lab:
            return None
        return limit if (high > limit if self.through else high >= limit) else None

    def breaks_a_rule(self, name: str, shares: F, price: F, cost: F) -> bool:
        rules = self.rules
        cash = self.cash - cost
        value = shares * price
        others = sum(q * self.last[n] for n, q in self.shares.items() if n != name)
        return (
            ("positions" in rules and len({*self.shares, name}) > rules["positions"])
            or ("weight" in rules and value > rules["weight"] * (cash + others + value))
            or ("price" in rules and price < rules["price"])
            or ("dollars" in rules and self.traded.get(name, F(0)) < rules["dollars"])
            or ("floor" in rules and cash - self.late_cash < rules["floor"])
        )  # fmt: skip

    def stopped(self, name: str, bar: Bar | None, fills: list[tuple[str, F, F]]) -> None:
        stop = self.stops.get(name)
        if bar is None or stop is None or bar["low"] > stop:
            return
        stop = min(stop, self.cheapest.get(name, stop))
        price = self.cents(min(bar["open"], stop) * (1 - self.slip))
        quantity = self.shares[name]
        self.cash += quantity * price * (1 - self.rate)
        fills.append((name, -quantity, price))
        self.shares[name] = F(0)
        self.drop(name)

    def drop(self, name: str) -> None:
        if not self.shares[name]:
            del self.shares[name], self.paid[name]
            self.stops.pop(name, None)

    def cents(self, price: F) -> F:
        return F(round(price * 100), 100) if self.lab else price

    def equity(self) -> F:
        return self.cash + sum(q * self.last[name] for name, q in self.shares.items())

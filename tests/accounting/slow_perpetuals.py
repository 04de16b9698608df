"""The margin account once more, in exact decimals, one position and one event after another.

Written from the rules alone, without a look at how the package goes about them: tiers are looked
up where the price lies, and an account's way through a bar is cut at every bound of a tier.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, getcontext
from itertools import pairwise
from typing import NamedTuple

from investorbench_env.accounting.venues import FeeTier, MarginTier

getcontext().prec = 40
ZERO, ONE = Decimal(0), Decimal(1)


class Candle(NamedTuple):
    """One bar of one coin; the mark is that of trades unless it is given."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    mark_open: Decimal
    mark_high: Decimal
    mark_low: Decimal
    mark_close: Decimal
    trades: bool
    rate: Decimal | None
    oracle: Decimal | None


class Wish(NamedTuple):
    """An entry."""

    coin: int
    size: Decimal
    leverage: Decimal
    stop: Decimal | None
    target: Decimal | None


@dataclass
class Lot:
    """A position."""

    size: Decimal
    entry: Decimal
    margin: Decimal
    leverage: Decimal
    stop: Decimal | None
    target: Decimal | None

    @property
    def side(self) -> int:
        return 1 if self.size > 0 else -1

    def gain(self, price: Decimal) -> Decimal:
        return self.size * (price - self.entry)


@dataclass
class SlowAccount:
    """One account of all coins."""

    cash: Decimal
    tiers: Sequence[Sequence[MarginTier]]
    fee_tiers: Sequence[FeeTier]
    cap: Decimal
    slippage: Decimal
    cross: bool
    backstop: bool
    marks: list[Decimal]
    fees: Decimal = ZERO
    lots: dict[int, Lot] = field(default_factory=dict)
    traded: dict[int, Decimal] = field(default_factory=dict)
    day: int = 0
    log: list[tuple[int, str]] = field(default_factory=list)

    # --- figures ------------------------------------------------------------------------------

    def fee_rate(self) -> Decimal:
        before = sum((v for d, v in self.traded.items() if self.day - 14 <= d < self.day), ZERO)
        return Decimal([tier.taker for tier in self.fee_tiers if before >= tier.above][-1])

    def tier_at(self, coin: int, notional: Decimal) -> tuple[Decimal, Decimal]:
        *_, tier = (each for each in self.tiers[coin] if notional >= Decimal(each.above))
        rate = ONE / (2 * Decimal(tier.max_leverage))
        return rate, self.deduction(coin, tier)

    def deduction(self, coin: int, wanted: MarginTier) -> Decimal:
        sum_, last = ZERO, ONE / (2 * Decimal(self.tiers[coin][0].max_leverage))
        for tier in self.tiers[coin]:
            rate = ONE / (2 * Decimal(tier.max_leverage))
            sum_, last = sum_ + Decimal(tier.above) * (rate - last), rate
            if tier is wanted:
                break
        return sum_

    def need(self, coin: int, price: Decimal) -> Decimal:
        notional = abs(self.lots[coin].size) * price
        rate, deduction = self.tier_at(coin, notional)
        return notional * rate - deduction

    def equity(self) -> Decimal:
        return self.cash + sum(
            (lot.margin + lot.gain(self.marks[coin]) for coin, lot in self.lots.items()), ZERO
        )

    def liquidation(self, coin: int) -> Decimal:
        """The displayed price."""
        lot = self.lots[coin]
        if not self.cross:
            return self.ends_at(coin, lot.entry, lot.margin)
        others = sum(
            (self.need(each, self.marks[each]) for each in self.lots if each != coin), ZERO
        )
        return self.ends_at(coin, self.marks[coin], self.equity() - others)

    def ends_at(self, coin: int, price: Decimal, worth: Decimal, share: Decimal = ONE) -> Decimal:
        """Where a position that is worth so much at a price has no more than its maintenance."""
        lot, bounds = self.lots[coin], [Decimal(tier.above) for tier in self.tiers[coin]]
        found = []
        for low, high in zip(bounds, [*bounds[1:], Decimal("Infinity")], strict=True):
            rate, deduction = (share * each for each in self.tier_at(coin, low))
            level = (lot.size * price - worth - deduction) / (lot.size - abs(lot.size) * rate)
            notional = abs(lot.size) * level
            # Below 0 the first tier goes on.
            if (notional >= low or low == 0) and notional < high:
                found.append(level)
        (level,) = found
        return level

    # --- a bar --------------------------------------------------------------------------------

    def bar(
        self, day: int, candles: Sequence[Candle], wishes: Sequence[Wish], closes: Sequence[int]
    ) -> None:
        self.log, self.day = [], day
        self.fund(candles)
        self.at_open(candles, list(self.lots))
        for coin in closes:
            candle = candles[coin]
            if coin in self.lots and candle.trades:
                price = candle.open * (1 - self.lots[coin].side * self.slippage)
                self.finish({coin: price}, "close")
        entered = self.enter(candles, wishes)
        if entered:
            self.at_open(candles, entered)
        self.inside(candles)
        for coin, candle in enumerate(candles):
            if candle.trades:
                self.marks[coin] = candle.mark_close

    def fund(self, candles: Sequence[Candle]) -> None:
        for coin, lot in sorted(self.lots.items()):
            candle = candles[coin]
            if candle.rate is None:
                continue
            rate = max(-self.cap, min(self.cap, candle.rate))
            paid = lot.size * (candle.open if candle.oracle is None else candle.oracle) * rate
            if self.cross:
                self.cash -= paid
            else:
                lot.margin -= paid

    def now(self, candles: Sequence[Candle], coin: int) -> Decimal:
        candle = candles[coin]
        return candle.mark_open if candle.trades else self.marks[coin]

    def at_open(self, candles: Sequence[Candle], coins: Sequence[int]) -> None:
        if self.cross:
            self.account_at_open(candles)
        for coin in sorted(coins):
            candle, lot = candles[coin], self.lots.get(coin)
            if lot is None or not candle.trades:
                continue
            side, price = lot.side, candle.mark_open
            level, reason = self.losing_level(coin)
            if level is not None and side * price <= side * level:
                self.lose_at_open(coin, candle, level, reason)
            elif lot.target is not None and side * price >= side * lot.target:
                self.finish({coin: candle.open}, "target")

    def losing_level(self, coin: int) -> tuple[Decimal | None, str]:
        """The nearer of stop and liquidation."""
        lot = self.lots[coin]
        if self.cross:
            return lot.stop, "stop"
        level = self.ends_at(coin, lot.entry, lot.margin)
        if lot.stop is not None and lot.side * lot.stop >= lot.side * level:
            return lot.stop, "stop"
        return level, "liquidation"

    def lose_at_open(self, coin: int, candle: Candle, level: Decimal, reason: str) -> None:
        lot = self.lots[coin]
        price = self.worse(lot, level, candle.open)
        if reason == "stop":
            price *= 1 - lot.side * self.slippage
        gone = False
        if self.backstop and not self.cross:
            last = self.ends_at_share(coin, Decimal(2) / 3)
            gone = lot.side * candle.mark_open < lot.side * last
        self.finish({coin: price}, reason, gone=gone)

    def ends_at_share(self, coin: int, share: Decimal) -> Decimal:
        lot = self.lots[coin]
        return self.ends_at(coin, lot.entry, lot.margin, share)

    @staticmethod
    def worse(lot: Lot, a: Decimal, b: Decimal) -> Decimal:
        return min(a, b) if lot.side > 0 else max(a, b)

    def enter(self, candles: Sequence[Candle], wishes: Sequence[Wish]) -> list[int]:
        entered = []
        free = self.cash
        if self.cross:
            for coin, lot in self.lots.items():
                price = self.now(candles, coin)
                free += lot.gain(price) - abs(lot.size) * price / lot.leverage
        for coin, size, leverage, stop, target in sorted(wishes):
            candle, lot = candles[coin], self.lots.get(coin)
            if not candle.trades or (lot is not None and lot.size * size < 0):
                continue
            price = candle.open * (1 + (1 if size > 0 else -1) * self.slippage)
            notional = abs(size) * price
            margin, fee = notional / leverage, notional * self.fee_rate()
            if margin + fee > free:
                continue
            free -= margin + fee
            self.cash -= fee + (0 if self.cross else margin)
            self.count(notional, fee)
            if lot is None:
                lot = Lot(ZERO, ZERO, ZERO, leverage, stop, target)
            entry = (lot.size * lot.entry + size * price) / (lot.size + size)
            more = ZERO if self.cross else margin
            stop = lot.stop if stop is None else stop
            target = lot.target if target is None else target
            self.lots[coin] = Lot(lot.size + size, entry, lot.margin + more, leverage, stop, target)
            entered.append(coin)
        return entered

    def count(self, notional: Decimal, fee: Decimal) -> None:
        self.fees += fee
        self.traded[self.day] = self.traded.get(self.day, ZERO) + notional

    def inside(self, candles: Sequence[Candle]) -> None:
        if self.cross:
            self.go_to_extremes(candles)
        for coin in sorted(self.lots):
            candle, lot = candles[coin], self.lots[coin]
            if not candle.trades:
                continue
            worst = candle.mark_low if lot.side > 0 else candle.mark_high
            level, reason = self.losing_level(coin)
            if level is not None and lot.side * worst <= lot.side * level:
                if reason == "stop":
                    level = self.worse(lot, level, candle.open)
                    level *= 1 - lot.side * self.slippage
                self.finish({coin: level}, reason)
        for coin in sorted(self.lots):
            candle, lot = candles[coin], self.lots[coin]
            best = candle.mark_high if lot.side > 0 else candle.mark_low
            if not candle.trades or lot.target is None:
                continue
            if lot.side * best >= lot.side * lot.target:
                # A mark may get there alone.
                traded = candle.high if lot.side > 0 else candle.low
                price = lot.side * min(lot.side * lot.target, lot.side * traded)
                self.finish({coin: price}, "target")

    def finish(self, prices: dict[int, Decimal], reason: str, *, gone: bool = False) -> None:
        """End positions together; with margins of their own there is only ever one."""
        left = self.cash
        for coin, price in sorted(prices.items()):
            lot = self.lots.pop(coin)
            fee = abs(lot.size) * price * self.fee_rate()
            worth = lot.margin + lot.gain(price)
            if not self.cross:
                left = ZERO if gone else max(worth, ZERO)
                fee = min(fee, left)
                self.cash += left - fee
            else:
                fee = ZERO if gone else fee
                self.cash += worth - fee
                is_last = coin == max(prices) and not self.lots
                if is_last and self.cash < 0:
                    fee, self.cash = max(fee + self.cash, ZERO), ZERO
                if is_last and gone:
                    self.cash = ZERO
            self.count(abs(lot.size) * price, fee)
            self.log.append((coin, reason))

    # --- one margin ---------------------------------------------------------------------------

    def account_at_open(self, candles: Sequence[Candle]) -> None:
        prices = {coin: self.now(candles, coin) for coin in self.lots}
        worth, needed = self.worth(prices), self.needed(prices)
        if self.lots and worth <= needed:
            gone = self.backstop and worth < needed * 2 / 3
            self.liquidate(candles, {coin: candles[coin].open for coin in self.lots}, gone)

    def worth(self, prices: dict[int, Decimal]) -> Decimal:
        return self.cash + sum((lot.gain(prices[c]) for c, lot in self.lots.items()), ZERO)

    def needed(self, prices: dict[int, Decimal]) -> Decimal:
        return sum((self.need(coin, prices[coin]) for coin in self.lots), ZERO)

    def liquidate(
        self, candles: Sequence[Candle], prices: dict[int, Decimal], gone: bool = False
    ) -> None:
        can = {coin: price for coin, price in prices.items() if candles[coin].trades}
        if can:
            self.finish(can, "liquidation", gone=gone)

    def go_to_extremes(self, candles: Sequence[Candle]) -> None:
        """All coins from the open to where they hurt, step by step from one event to the next."""
        start, worst = {}, {}
        for coin, lot in self.lots.items():
            candle = candles[coin]
            start[coin] = worst[coin] = self.now(candles, coin)
            if candle.trades:
                worst[coin] = candle.mark_low if lot.side > 0 else candle.mark_high
        reached = ZERO
        while self.lots:
            stop_share, coin = min(self.stop_shares(start, worst), default=(Decimal(2), -1))
            until = min(stop_share, ONE)
            share = self.meets_maintenance(start, worst, reached, until, stop_share <= 1)
            if share is not None:
                prices = {c: start[c] + share * (worst[c] - start[c]) for c in self.lots}
                self.liquidate(candles, prices)
                return
            if stop_share > 1:
                return
            lot = self.lots[coin]
            assert lot.stop is not None
            price = self.worse(lot, lot.stop, candles[coin].open)
            self.finish({coin: price * (1 - lot.side * self.slippage)}, "stop")
            reached = stop_share

    def stop_shares(
        self, start: dict[int, Decimal], worst: dict[int, Decimal]
    ) -> Iterator[tuple[Decimal, int]]:
        for coin, lot in sorted(self.lots.items()):
            if lot.stop is None or start[coin] == worst[coin]:
                continue
            if lot.side * worst[coin] <= lot.side * lot.stop:
                yield (start[coin] - lot.stop) / (start[coin] - worst[coin]), coin

    def meets_maintenance(
        self,
        start: dict[int, Decimal],
        worst: dict[int, Decimal],
        reached: Decimal,
        until: Decimal,
        before_only: bool,
    ) -> Decimal | None:
        """The first share of the way at which the account has no more than it needs."""
        cuts = {reached, until}
        for coin, lot in self.lots.items():
            for tier in self.tiers[coin][1:]:
                if start[coin] != worst[coin]:
                    bound = Decimal(tier.above) / abs(lot.size)
                    cuts.add((bound - start[coin]) / (worst[coin] - start[coin]))
        shares = sorted(each for each in cuts if reached <= each <= until)

        def spare(share: Decimal) -> Decimal:
            prices = {c: start[c] + share * (worst[c] - start[c]) for c in self.lots}
            return self.worth(prices) - self.needed(prices)

        if spare(reached) <= 0 and not (before_only and reached == until):
            return reached
        for left, right in pairwise(shares):
            here, there = spare(left), spare(right)
            if there < 0 or (there == 0 and not before_only):
                return left + (right - left) * here / (here - there)
        return None

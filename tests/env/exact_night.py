"""What a night and a session do to an account, read off a market's arrays and worked in fractions.

Nothing here is shared with the accounts under test.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from investorbench_env.market import Market

F = Fraction


class ExactAccount(NamedTuple):
    """Cash, shares and last prices; None of what has no price yet."""

    cash: F
    shares: list[F]
    marks: list[F | None]


class ExactMarket:
    """A market bar by bar, in fractions."""

    def __init__(self, market: Market) -> None:
        self.market = market
        close = market.bars[..., 3]
        self.over = [len(close)] * len(market.symbols)
        for asset, symbol in enumerate(market.symbols):
            if symbol in market.delistings:
                missing = np.isnan(close[:, asset]) & (
                    market.sessions >= market.delistings[symbol].on
                )
                if missing.any():
                    self.over[asset] = int(np.flatnonzero(missing)[0])
        self.trades = ~np.isnan(close) & (np.arange(len(close))[:, None] < self.over)
        self.decisions = np.flatnonzero(~np.isnan(close).all(axis=1)).tolist()

    def bar(self, t: int) -> int:
        """The decision before the one at a bar."""
        before: int = self.decisions[self.decisions.index(t) - 1]
        return before

    def night(self, account: ExactAccount, t: int, *, whole: bool) -> ExactAccount:
        """Splits, dividends and delistings from the decision before to the open of bar ``t``."""
        cash, shares, marks = account.cash, list(account.shares), list(account.marks)
        market = self.market
        for asset, symbol in enumerate(market.symbols):
            for bar in range(self.bar(t) + 1, t + 1):
                ratio = F(float(market.share_splits[bar, asset]))
                shares[asset] *= ratio
                mark = marks[asset]
                marks[asset] = None if mark is None else mark / ratio
                cash += shares[asset] * F(float(market.dividends[bar, asset]))
            if self.over[asset] <= t and shares[asset]:
                gain = market.delistings[symbol].gain
                last = marks[asset]
                assert last is not None
                cash += shares[asset] * last * (0 if np.isnan(gain) else 1 + F(float(gain)))
                shares[asset] = F(0)
            elif whole and shares[asset].denominator != 1:
                last, kept = marks[asset], F(int(shares[asset] + F(1, 10**9)))
                assert last is not None
                cash += (shares[asset] - kept) * last
                shares[asset] = kept
        return ExactAccount(cash, shares, marks)

    def fills(self, t: int, marks: Sequence[F | None]) -> list[F]:
        """Opens, or closes where they are unknown; of what does not trade, the last price."""
        return [self._price(t, asset, 0, mark) for asset, mark in enumerate(marks)]

    def closes(self, t: int, marks: Sequence[F | None]) -> list[F]:
        return [self._price(t, asset, 3, mark) for asset, mark in enumerate(marks)]

    def _price(self, t: int, asset: int, field: int, mark: F | None) -> F:
        if not self.trades[t, asset]:
            return F(1) if mark is None else mark
        price = float(self.market.bars[t, asset, field])
        return F(float(self.market.bars[t, asset, 3]) if np.isnan(price) else price)


def exact_root(equity: F, values: list[F], weights: list[F], rate: F) -> F:
    """The root of E' = E - c * sum |w * E' - V|, found between the points at which it bends."""

    def beyond(left: F) -> F:
        pairs = zip(weights, values, strict=True)
        return left - equity + rate * sum(abs(w * left - v) for w, v in pairs)

    points = sorted({v / w for w, v in zip(weights, values, strict=True) if w})
    low = min([*points, equity]) - abs(equity) - sum(map(abs, values)) - 1
    while beyond(low) > 0:
        low = 2 * low - abs(equity) - 1
    for point in (*points, equity):
        if beyond(point) >= 0:
            slope = (beyond(point) - beyond(low)) / (point - low)
            return low - beyond(low) / slope if slope else low
        low = point
    raise AssertionError("there is none")


def exact_weights(
    account: ExactAccount, prices: list[F], weights: list[F], trades: Any, rate: F, gross: F
) -> tuple[F, list[F]]:
    """Cash and shares after trading to weights."""
    values = [s * p for s, p in zip(account.shares, prices, strict=True)]
    equity = account.cash + sum(values)
    free = [value if t else F(0) for value, t in zip(values, trades, strict=True)]
    wanted = [weight if t else F(0) for weight, t in zip(weights, trades, strict=True)]
    stuck = sum(abs(v) for v, t in zip(values, trades, strict=True) if not t)
    left = exact_root(equity, free, wanted, rate)
    targets = [weight * left for weight in wanted]
    if stuck and sum(map(abs, targets)) + stuck > gross * left:
        total = sum(map(abs, wanted)) or F(1)
        parts = [weight / total for weight in wanted]
        room = exact_root(gross * equity - stuck, free, parts, rate * gross)
        targets = [part * max(room, F(0)) for part in parts]
    spent = [target - value for target, value in zip(targets, free, strict=True)]
    shares = [
        target / price if t else old
        for target, price, t, old in zip(targets, prices, trades, account.shares, strict=True)
    ]
    return account.cash - sum(spent) - rate * sum(map(abs, spent)), shares

"""The margin account against a second one, in exact decimals, over random sequences."""

from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest

from investorbench_env.accounting.margin_bars import REASONS, BarEvents, Entries, PerpetualBar
from investorbench_env.accounting.margin_state import margin_terms
from investorbench_env.accounting.perpetual_book import PerpetualBook
from investorbench_env.accounting.venues import HYPERLIQUID
from tests.accounting.perpetual_worlds import SYMBOLS, World, make_world
from tests.accounting.slow_perpetuals import Candle, SlowAccount, Wish

CLOSE = 1e-9
MODES = list(product((False, True), (False, True), (False, True), (0.0, 5.0)))
"""Cross, backstop, marks, slippage in basis points."""


@pytest.mark.parametrize("mode", [MODES[3], MODES[13]])
def test_a_book_is_the_slow_account(mode: tuple[bool, bool, bool, float]) -> None:
    compare(mode, seed=1, accounts=12, length=12)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_a_book_is_the_slow_account_over_20_000_sequences(
    mode: tuple[bool, bool, bool, float],
) -> None:
    for seed in range(5):
        compare(mode, seed=100 + seed, accounts=250, length=12)


def compare(mode: tuple[bool, bool, bool, float], seed: int, accounts: int, length: int) -> None:
    """Take both through one world, and look at them after every bar."""
    cross, backstop, has_marks, slippage_bps = mode
    world = make_world(seed, accounts, length, has_marks=has_marks)
    terms = margin_terms(
        HYPERLIQUID, SYMBOLS, slippage_bps=slippage_bps, cross=cross, backstop=backstop
    )
    book = PerpetualBook(terms, world.cash, world.marks)
    slow = [slow_account(world, account, terms) for account in range(accounts)]
    for bar, entries, closes in zip(world.bars, world.entries, world.closes, strict=True):
        events = book.take_bar(bar, entries, closes)
        for account, each in enumerate(slow):
            own = closes[closes % accounts == account] // accounts
            each.bar(
                int(bar.day), candles(bar, account), wishes(entries, account, accounts),
                own.tolist(),
            )  # fmt: skip
        same(book, events, slow)


def same(book: PerpetualBook, events: BarEvents, slow: list[SlowAccount]) -> None:
    """Equity, fees, positions, liquidation prices and what ended are those of the slow accounts."""
    accounts = len(slow)
    scale = np.array([max(float(abs(each.cash)), 1e3) for each in slow])
    for name, found in (("equity", book.equity()), ("cash", book.cash), ("fees", book.fees)):
        exact = [each.equity() if name == "equity" else getattr(each, name) for each in slow]
        wrong = np.abs(found - np.array(exact, np.float64)) > CLOSE * scale
        assert not wrong.any(), (name, np.flatnonzero(wrong))
    held = {
        (int(place) // accounts, int(place) % accounts)
        for place in np.flatnonzero(book.rows["size"])
    }
    assert held == {(coin, account) for account, each in enumerate(slow) for coin in each.lots}
    prices = book.liquidation_prices()
    for coin, account in held:
        exact_price = float(slow[account].liquidation(coin))
        unit = max(abs(exact_price), float(slow[account].marks[coin]))
        assert abs(prices[coin, account] - exact_price) <= CLOSE * unit, (coin, account)
    ended = sorted(
        (int(place) % accounts, int(place) // accounts, REASONS[code])
        for each in events.ended
        for place, code in zip(each.at, each.reason, strict=True)
    )
    assert ended == sorted(
        (account, *what) for account, each in enumerate(slow) for what in each.log
    )


def slow_account(world: World, account: int, terms: Any) -> SlowAccount:
    return SlowAccount(
        cash=Decimal(world.cash[account].item()),
        tiers=[HYPERLIQUID.contract(symbol).tiers for symbol in SYMBOLS],
        fee_tiers=HYPERLIQUID.fees,
        cap=Decimal(terms.funding_cap),
        slippage=Decimal(terms.slippage),
        cross=terms.cross,
        backstop=terms.backstop,
        marks=[Decimal(mark) for mark in world.marks[:, account].tolist()],
    )


def candles(bar: PerpetualBar, account: int) -> list[Candle]:
    """The bar of one account."""
    found = []
    for coin in range(len(SYMBOLS)):
        prices = [Decimal(each.item(coin, account)) for each in bar[:4]]
        marks = [Decimal(each.item(coin, account)) for each in bar.marks or bar[:4]]
        trades = bar.trades is None or bar.trades.item(coin, account)
        rate, oracle = (known(each, coin, account) for each in (bar.rate, bar.oracle))
        found.append(Candle(*prices, *marks, trades, rate, oracle))
    return found


def known(values: Any, coin: int, account: int) -> Decimal | None:
    value = np.nan if values is None else values.item(coin, account)
    return None if np.isnan(value) else Decimal(value)


def wishes(entries: Entries, account: int, accounts: int) -> list[Wish]:
    """The entries of one account."""
    return [
        Wish(
            int(entries.at[k]) // accounts, Decimal(entries.size.item(k)),
            Decimal(entries.leverage.item(k)), level(entries.stop.item(k)),
            level(entries.target.item(k)),
        )
        for k in np.flatnonzero(entries.at % accounts == account)
    ]  # fmt: skip


def level(value: float) -> Decimal | None:
    return None if np.isnan(value) else Decimal(value)

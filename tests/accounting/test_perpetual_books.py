"""What holds for every book of perpetuals: lanes, money, mirrors, scale."""

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from investorbench_env.accounting.margin_bars import BarEvents, Entries, PerpetualBar
from investorbench_env.accounting.margin_state import margin_terms
from investorbench_env.accounting.perpetual_book import PerpetualBook
from investorbench_env.accounting.venues import HYPERLIQUID
from tests.accounting.perpetual_worlds import LEVELS, SYMBOLS, World, make_world
from tests.accounting.perpetuals import NONE, Trader, flat

ISOLATED: dict[str, Any] = {"slippage_bps": 5.0, "backstop": True}
CROSS: dict[str, Any] = {**ISOLATED, "cross": True}


def book_of(world: World, **terms: Any) -> PerpetualBook:
    return PerpetualBook(margin_terms(HYPERLIQUID, SYMBOLS, **terms), world.cash, world.marks)


def run(book: PerpetualBook, world: World) -> list[BarEvents]:
    steps = zip(world.bars, world.entries, world.closes, strict=True)
    return [book.take_bar(bar, entries, closes) for bar, entries, closes in steps]


def lane(world: World, account: int) -> World:
    """The same for one account alone."""
    accounts = len(world.cash)

    def own(values: Any) -> Any:
        return values[:, [account]] if isinstance(values, np.ndarray) else values

    def bar(each: PerpetualBar) -> PerpetualBar:
        marks = each.marks and tuple(map(own, each.marks))
        return PerpetualBar(*map(own, each[:7]), marks, each.number, each.day)

    def entries(each: Entries) -> Entries:
        those = each.those(each.at % accounts == account)
        return those._replace(at=those.at // accounts)

    return World(
        world.cash[[account]],
        world.marks[:, [account]],
        [bar(each) for each in world.bars],
        [entries(each) for each in world.entries],
        [each[each % accounts == account] // accounts for each in world.closes],
    )


@pytest.mark.parametrize("terms", [ISOLATED, CROSS])
@pytest.mark.parametrize("has_marks", [False, True])
def test_an_account_among_many_is_the_account_alone_to_the_bit(
    terms: dict[str, Any], has_marks: bool
) -> None:
    world = make_world(7, accounts=40, length=10, has_marks=has_marks)
    many = book_of(world, **terms)
    run(many, world)
    for account in range(40):
        alone = book_of(lane(world, account), **terms)
        run(alone, lane(world, account))
        columns = many.columns.reshape(-1, *many.shape)
        for whole, own in (
            (many.cash, alone.cash), (many.fees, alone.fees), (many.marks, alone.marks),
            (columns, alone.columns),
        ):  # fmt: skip
            assert whole[..., account].tobytes() == own.tobytes()
        equity, prices = alone.equity().item(), alone.liquidation_prices()[:, 0]
        assert many.equity()[account].item() == equity
        np.testing.assert_array_equal(many.liquidation_prices()[:, account], prices)


@pytest.mark.parametrize("terms", [ISOLATED, CROSS])
def test_no_money_appears_or_is_lost(terms: dict[str, Any]) -> None:
    world = make_world(11, accounts=60, length=12, has_marks=False)
    book = book_of(world, **terms)
    expected, accounts = world.cash.copy(), len(world.cash)
    for events in run(book, world):
        for ended in events.ended:
            _, _, _, _, *_, fees, funding, _ = ended.held
            gained = ended.pnl - ended.fee - fees + funding
            np.add.at(expected, ended.at % accounts, gained)
    open_ = book.size * (book.marks - book.column("entry"))
    expected += (open_ - book.column("fees") + book.column("funding")).sum(axis=0)
    np.testing.assert_allclose(book.equity(), expected, rtol=1e-10, atol=1e-6)


def test_an_isolated_loss_never_exceeds_its_margin_and_the_fees_already_paid() -> None:
    world = make_world(13, accounts=100, length=14, has_marks=False)
    book = book_of(world, slippage_bps=50.0)
    seen = 0
    for events in run(book, world):
        for ended in events.ended:
            *_, put_in, fees, funding, _ = ended.held
            loss = fees + ended.fee - ended.pnl - funding
            assert (loss <= (put_in + fees) * (1 + 1e-12)).all()
            seen += np.count_nonzero(loss > 0.9 * put_in)
        assert (book.cash >= 0.0).all()
    assert seen >= 5


def test_a_cross_account_that_holds_nothing_owes_nothing() -> None:
    world = make_world(17, accounts=100, length=14, has_marks=False)
    book = book_of(world, **CROSS)
    for bar, entries, closes in zip(world.bars, world.entries, world.closes, strict=True):
        book.take_bar(bar, entries, closes)
        assert (book.cash[~book.size.any(axis=0)] >= 0.0).all()


@pytest.mark.parametrize("copied", [deepcopy, lambda book: pickle.loads(pickle.dumps(book))])
def test_a_copy_goes_on_by_itself(copied: Any) -> None:
    world = make_world(23, accounts=5, length=8, has_marks=False)
    book = book_of(world, **CROSS)
    steps = list(zip(world.bars, world.entries, world.closes, strict=True))
    for step in steps[:4]:
        book.take_bar(*step)
    before = book.columns.tobytes()
    copy = copied(book)
    for step in steps[4:]:
        copy.take_bar(*step)
    assert book.columns.tobytes() == before
    for step in steps[4:]:
        book.take_bar(*step)
    assert book.columns.tobytes() == copy.columns.tobytes()
    assert book.equity().tobytes() == copy.equity().tobytes()


def traded(sign: float, leverage: float, scale: float = 1.0, rate: float = 2e-4) -> Trader:
    """BTC entered at 100,000, with one stamp, then closed at 101,000."""
    trader = Trader(["BTC"], cash=1e6)
    trader.bar({"BTC": flat(1e5)}, {"BTC": (sign * scale, leverage)})
    trader.bar({"BTC": flat(1e5)}, rate={"BTC": rate})
    return trader.bar({"BTC": flat(101_000.0)}, close=["BTC"])


def test_leverage_moves_margin_and_liquidation_but_no_profit() -> None:
    (low,), (high,) = traded(1, 5).closed, traded(1, 10).closed
    assert (low.pnl, low.fees, low.funding) == (high.pnl, high.fees, high.funding)
    assert low.margin == 2 * high.margin
    near, far = (
        Trader(["BTC"], cash=1e6).bar({"BTC": flat(1e5)}, {"BTC": (1, leverage)}).held["BTC"]
        for leverage in (10, 5)
    )
    assert near.liquidation_price is not None and far.liquidation_price is not None
    assert far.liquidation_price < near.liquidation_price < 1e5


def test_a_short_mirrors_a_long() -> None:
    (long,), (short,) = traded(1, 10).closed, traded(-1, 10).closed
    assert (long.pnl, long.funding) == (1_000, -20)
    assert (short.pnl, short.funding) == (-1_000, 20)
    assert (long.fees, long.margin) == (short.fees, short.margin)


def test_fees_profit_and_funding_scale_with_the_notional() -> None:
    (one,), (four,) = traded(1, 10).closed, traded(1, 10, scale=4.0).closed
    for name in ("pnl", "fees", "funding", "margin"):
        assert getattr(four, name) == 4 * getattr(one, name)


def test_funding_changes_sign_with_the_rate() -> None:
    assert traded(1, 10, rate=-2e-4).closed[0].funding == 20


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_where_an_entry_would_end_is_known_before_it_is_made(cross: bool, sign: float) -> None:
    trader = Trader(["BNB", "ETH"], cash=1e6, cross=cross, commission_bps=0)
    bars = {"BNB": flat(800.0), "ETH": flat(4_000.0)}
    trader.bar(bars, {"BNB": (sign * 3_000, 10), "ETH": (-10, 5)})
    for size, leverage, price in ((500.0, 8.0, 810.0), (2_000.0, 5.0, 790.0)):
        bars["BNB"] = flat(price)
        marks = {**bars, "BNB": flat(price - 5)}
        trader.bar(bars, marks=marks)
        order = (np.array([each]) for each in (sign * size, price, leverage))
        expected = trader.book.liquidation_after(np.array([0]), *order).item()
        trader.bar(bars, {"BNB": (sign * size, leverage)}, marks=marks)
        assert trader.held["BNB"].liquidation_price == pytest.approx(expected, rel=1e-12)


def test_a_rate_counts_up_to_the_venues_cap() -> None:
    assert traded(1, 5, rate=0.5).closed[0].funding == -0.04 * 1e5


def test_an_entry_at_a_stamp_does_not_pay_it() -> None:
    trader = Trader(["BTC"]).bar({"BTC": flat(1e5)}, {"BTC": (0.1, 10)}, rate={"BTC": 0.001})
    assert trader.events.funding() == ()
    assert trader.held["BTC"].funding == 0.0


def test_an_oracle_price_that_is_not_known_is_the_open() -> None:
    trader = Trader(["BTC"]).bar({"BTC": flat(1e5)}, {"BTC": (0.1, 10)})
    trader.bar({"BTC": flat(9e4)}, rate={"BTC": 0.001}, oracle={"BTC": NONE})
    (paid,) = trader.events.funding()
    assert (paid.price, paid.rate, paid.cash) == (9e4, 0.001, -9.0)


def test_funding_that_eats_the_margin_lets_the_open_end_the_position() -> None:
    trader = Trader(["BTC"]).bar({"BTC": flat(1e5)}, {"BTC": (0.1, 40)})
    trader.bar({"BTC": flat(1e5)}, rate={"BTC": 0.03})
    (trade,) = trader.closed
    assert trade.reason == "liquidation"
    assert trader.equity == pytest.approx(10_000 - 250 - 4.5, abs=1e-9)
    assert trade.pnl - trade.fees + trade.funding == pytest.approx(-254.5, abs=1e-9)


def test_an_open_beyond_the_stop_fills_there_less_slippage() -> None:
    trader = Trader(["SOL"], slippage_bps=10).bar({"SOL": flat(100.0)}, {"SOL": (1, 5, 95, 120)})
    trader.bar({"SOL": (93, 121, 92, 100)})
    (trade,) = trader.closed
    assert (trade.reason, trade.exit_price) == ("stop", 93 * (1 - 0.001))
    assert trade.closed == trade.opened.replace(hour=1)


def test_an_open_beyond_the_target_fills_there() -> None:
    trader = Trader(["SOL"], slippage_bps=10).bar({"SOL": flat(100.0)}, {"SOL": (-1, 5, 120, 95)})
    trader.bar({"SOL": (93, 121, 92, 100)})
    assert [(trade.reason, trade.exit_price) for trade in trader.closed] == [("target", 93)]


def test_an_entry_can_be_ended_by_the_open_it_fills_at() -> None:
    trader = Trader(["SOL"]).bar({"SOL": (94, 99, 94, 99)}, {"SOL": (1, 5, 95, 120)})
    assert [(trade.reason, trade.exit_price) for trade in trader.closed] == [("stop", 94)]
    assert [fill.quantity for fill in trader.events.fills()] == [1, -1]


def test_a_stop_beyond_the_liquidation_never_fires() -> None:
    trader = Trader(["SOL"]).bar({"SOL": flat(100.0)}, {"SOL": (1, 10, 90)})
    trader.bar({"SOL": (100, 100, 89, 95)})
    assert [trade.reason for trade in trader.closed] == ["liquidation"]


def test_an_open_beyond_two_thirds_of_the_maintenance_returns_nothing_with_a_backstop() -> None:
    bars = {"SOL": flat(91.0)}
    kept = Trader(["SOL"]).bar({"SOL": flat(100.0)}, {"SOL": (50, 10)}).bar(bars)
    lost = Trader(["SOL"], backstop=True).bar({"SOL": flat(100.0)}, {"SOL": (50, 10)}).bar(bars)
    # 500 of margin less 450; two thirds of the maintenance are 75.8.
    assert kept.equity == pytest.approx(10_000 - 2.25 - 450 - 91 * 50 * 0.00045)
    assert lost.equity == pytest.approx(10_000 - 2.25 - 500)


def test_the_mark_triggers_where_there_is_one() -> None:
    trader = Trader(["SOL"]).bar({"SOL": flat(100.0)}, {"SOL": (1, 5, 95)})
    trader.bar({"SOL": (100, 101, 94, 100)}, marks={"SOL": (100, 101, 96, 100)})
    assert trader.closed == ()
    trader.bar({"SOL": (100, 101, 99, 100)}, marks={"SOL": (100, 101, 94, 100)})
    assert [trade.exit_price for trade in trader.closed] == [95]


def test_a_coin_that_does_not_trade_fills_nothing_and_keeps_its_mark() -> None:
    trader = Trader(["SOL"]).bar({"SOL": flat(100.0)}, {"SOL": (1, 5, 95)})
    trader.bar({"SOL": flat(50.0)}, close=["SOL"], trades={"SOL": False})
    assert trader.events.refused() == {"SOL": "outage: SOL does not trade in the next bar"}
    assert trader.held["SOL"].mark == 100.0
    trader = Trader(["SOL"]).bar({"SOL": flat(1.0)}, {"SOL": (1, 5)}, trades={"SOL": False})
    assert trader.held == {}


def test_an_entry_without_the_margin_for_it_is_refused_with_both_figures() -> None:
    trader = Trader(["BTC", "ETH"], cash=1_000.0)
    opening = {"BTC": flat(1e5), "ETH": flat(4_000.0)}
    trader.bar(opening, {"BTC": (0.05, 10), "ETH": (1.2, 8)})
    assert list(trader.held) == ["BTC"]
    assert trader.events.refused() == {
        "ETH": "cash: margin and fee of 602.16 are more than the free margin of 497.75"
    }


def test_a_position_can_grow_but_not_turn_around() -> None:
    trader = Trader(["SOL"]).bar({"SOL": flat(100.0)}, {"SOL": (10, 10, 90, 150)})
    trader.bar({"SOL": flat(110.0)}, {"SOL": (30, 5, 95)})
    held = trader.held["SOL"]
    assert (held.quantity, held.entry_price, held.margin) == (40, 107.5, 100 + 660)
    assert (held.leverage, held.stop, held.target) == (5, 95, 150)
    trader.bar({"SOL": flat(110.0)}, {"SOL": (1, 5, NONE, 160)})
    assert (trader.held["SOL"].stop, trader.held["SOL"].target) == (95, 160)
    trader.bar({"SOL": flat(110.0)}, {"SOL": (-50, 5)})
    assert trader.held["SOL"].quantity == 41
    assert "close it first" in trader.events.refused()["SOL"]


def test_fees_fall_on_the_day_after_enough_was_traded_and_rise_when_it_is_long_past() -> None:
    trader = Trader(["BTC"], cash=1e6)
    fees = []
    for day in (0, 0, 1, 14, 15):
        trader.bar({"BTC": flat(1e5)}, {"BTC": (51, 40)}, day=day)
        fees.append(trader.events.fills()[0].cost / 51e5)
        trader.bar({"BTC": flat(1e5)}, close=["BTC"], day=day)
    assert fees == pytest.approx([0.00045, 0.00045, 0.00040, 0.00035, 0.00040])
    trader.bar({"BTC": flat(1e5)}, {"BTC": (51, 40)}, day=30)
    assert trader.events.fills()[0].cost / 51e5 == pytest.approx(0.00045)


def test_accounts_can_be_opened_in_the_place_of_others() -> None:
    world = make_world(19, accounts=6, length=8, has_marks=False)
    book = book_of(world, **ISOLATED)
    run(book, world)
    which = np.arange(6) % 2 == 0
    book.reopen(which, np.full(3, 500.0), LEVELS[:, None])
    assert book.cash[which].tolist() == [500.0] * 3
    assert not book.size[:, which].any() and book.size[:, ~which].any()
    assert book.equity()[which].tolist() == [500.0] * 3
    assert (book.marks[:, which] == LEVELS[:, None]).all()

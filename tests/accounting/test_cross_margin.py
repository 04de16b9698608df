"""Accounts whose positions share one margin, worked out by hand."""

import pytest

from tests.accounting.perpetuals import Trader, flat

START = {"SOL": flat(100.0), "ETH": flat(4_000.0)}
FEES = (500 * 100 + 10 * 4_000) * 0.00045
WORSE = {"SOL": (100, 100, 90, 99), "ETH": (4_000, 4_600, 4_000, 4_100)}


def hedged(stop: float = float("nan")) -> Trader:
    """500 SOL long and 10 ETH short, with 10,000 of cash before fees of 40.5."""
    orders = {"SOL": (500, 20, stop), "ETH": (-10, 20)}
    return Trader(["SOL", "ETH"], cross=True).bar(START, orders)


def test_one_position_ends_at_the_price_that_is_shown() -> None:
    trader = Trader(["SOL"], cross=True).bar({"SOL": flat(100.0)}, {"SOL": (1_000, 20)})
    price = (1_000 * 100 - (10_000 - 45)) / (1_000 * (1 - 0.025))
    assert trader.held["SOL"].liquidation_price == pytest.approx(price, rel=1e-12)
    assert trader.held["SOL"].margin == 5_000
    trader.bar({"SOL": (100, 100, 90, 95)})
    (trade,) = trader.closed
    assert (trade.reason, trade.exit_price) == ("liquidation", pytest.approx(price, rel=1e-12))
    assert trader.equity == pytest.approx(1_000 * price * (0.025 - 0.00045), rel=1e-10)


def test_coins_go_to_what_hurts_them_in_step() -> None:
    trader = hedged().bar(WORSE)
    # 9,959.5 - 11,000 x = 2,050 - 5 x
    share = (10_000 - FEES - 2_050) / 10_995
    assert [(trade.reason, trade.exit_price) for trade in trader.closed] == [
        ("liquidation", pytest.approx(100 - 10 * share)),
        ("liquidation", pytest.approx(4_000 + 600 * share)),
    ]
    assert trader.closed[0].closed.hour == 2


def test_a_stop_on_the_way_can_save_an_account() -> None:
    trader = hedged(stop=95.0).bar(WORSE)
    assert [(trade.symbol, trade.reason) for trade in trader.closed] == [("SOL", "stop")]
    left = 10_000 - FEES - 2_500 - 500 * 95 * 0.00045 - 10 * 100
    assert trader.equity == pytest.approx(left)


def test_a_stop_farther_than_the_liquidation_does_not_fire() -> None:
    assert {trade.reason for trade in hedged(stop=92.0).bar(WORSE).closed} == {"liquidation"}


def test_a_stop_that_costs_too_much_ends_the_account_where_it_fired() -> None:
    trader = Trader(["SOL", "ETH"], cash=11_500, cross=True, slippage_bps=400)
    trader.bar(START, {"SOL": (500, 20, 95), "ETH": (-10, 20)}).bar(WORSE)
    # Worth 2,359.32 of 2,047.5 half of the way; then 438.8 of 860.
    assert [(each.reason, each.exit_price) for each in trader.closed] == [
        ("stop", pytest.approx(95 * 0.96)),
        ("liquidation", pytest.approx(4_300)),
    ]


def test_an_open_that_leaves_too_little_ends_all_at_the_open() -> None:
    trader = hedged(stop=95.0).bar({"SOL": flat(90.0), "ETH": flat(4_400.0)})
    assert [(each.reason, each.exit_price) for each in trader.closed] == [
        ("liquidation", 90),
        ("liquidation", 4_400),
    ]
    assert trader.equity == pytest.approx(
        10_000 - FEES - 5_000 - 4_000 - (500 * 90 + 10 * 4_400) * 0.00045
    )


def test_an_account_that_loses_more_than_it_has_is_left_with_nothing() -> None:
    trader = hedged().bar({"SOL": flat(80.0), "ETH": flat(4_000.0)})
    assert trader.equity == 0.0
    gained = sum(trade.pnl - trade.fees + trade.funding for trade in trader.closed)
    assert gained == pytest.approx(-10_000)


def test_a_backstop_takes_what_is_left_below_two_thirds_of_the_maintenance() -> None:
    orders = {"SOL": (500, 20), "ETH": (-10, 20)}
    opens = {"SOL": flat(84.0), "ETH": flat(4_000.0)}
    kept, lost = (
        Trader(["SOL", "ETH"], cross=True, backstop=backstop).bar(START, orders)
        for backstop in (False, True)
    )
    # Worth 1,959.5 of 1,850, then 959.5.
    assert len(kept.bar(opens).held) == 2
    opens["SOL"] = flat(82.0)
    fees = (500 * 82 + 10 * 4_000) * 0.00045
    assert kept.bar(opens).equity == pytest.approx(10_000 - FEES - 9_000 - fees)
    assert lost.bar(opens).equity == 0.0


def test_funding_goes_through_the_cash() -> None:
    trader = hedged().bar(START, rate={"SOL": 1e-4, "ETH": 1e-4})
    assert trader.book.cash.item() == pytest.approx(10_000 - FEES - 5 + 4)
    assert trader.held["SOL"].margin == 2_500


def test_what_is_lost_is_no_longer_free_and_what_is_gained_is() -> None:
    # An entry of 1,000 at 1.25x needs 800.45; free are 234.5, 1,184.5 and 14,959.5.
    for price, fits in ((89.0, False), (91.0, True), (120.0, True)):
        bars = {"SOL": flat(price), "ETH": flat(4_000.0)}
        trader = hedged().bar(bars, {"SOL": (1_000 / price, 1.25)})
        worth = 10_000 - FEES + 500 * (price - 100)
        free = worth - 500 * price / 20 - 2_000
        assert (free >= 1_000 / 1.25 + 0.45) == fits == (trader.events.refused() == {})

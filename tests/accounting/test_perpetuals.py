"""Golden values of the margin account, each worked out by hand from the venue's rules."""

import pytest

from tests.accounting.perpetuals import Trader, flat

SOL = {"SOL": flat(100.0)}


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize(
    ("symbol", "price"),
    [("BTC", 91.139), ("ETH", 91.837), ("SOL", 92.308), ("XRP", 92.308), ("BNB", 94.737),
     ("DOGE", 94.737)],
)  # fmt: skip
def test_ten_times_leverage_is_liquidated_at_the_venues_price(symbol: str, price: float) -> None:
    trader = Trader([symbol]).bar({symbol: flat(100.0)}, {symbol: (10, 10)})
    liquidation = trader.held[symbol].liquidation_price
    assert liquidation == pytest.approx(price, abs=5e-4)


def test_a_long_of_twenty_times_lies_farther_from_its_liquidation_than_a_short() -> None:
    long = Trader(["BTC"]).bar({"BTC": flat(1e5)}, {"BTC": (0.1, 20)}).held["BTC"]
    short = Trader(["BTC"]).bar({"BTC": flat(1e5)}, {"BTC": (-0.1, 20)}).held["BTC"]
    assert long.liquidation_price == pytest.approx(1e5 * (1 - 0.03797), abs=1)
    assert short.liquidation_price == pytest.approx(1e5 * (1 + 0.03704), abs=1)


def test_a_long_that_pays_funding_and_reaches_its_target() -> None:
    trader = Trader(["BTC"])
    price = 108_026.0
    trader.bar({"BTC": flat(price)}, {"BTC": (0.62, 20, 106_361.0, 111_000.0)})
    assert trader.held["BTC"].margin == near(3_348.806)
    assert trader.held["BTC"].liquidation_price == near(103_923.74683544304)
    for _ in range(16):
        trader.bar({"BTC": flat(price)}, rate={"BTC": 1.25e-5}, oracle={"BTC": 109_000.0})
    assert trader.held["BTC"].liquidation_price == near(103_945.82278481013)
    trader.bar({"BTC": (price, 111_500.0, price, 111_200.0)})
    (trade,) = trader.closed
    assert (trade.reason, trade.exit_price) == ("target", 111_000.0)
    assert trade.fees == near(61.108254)
    assert trade.funding == near(-13.516)
    assert trader.equity - 10_000 == near(1_769.255746)
    assert trade.pnl - trade.fees + trade.funding == near(1_769.255746)


def test_a_bar_that_touches_both_sides_meets_the_stop() -> None:
    trader = Trader(["SOL"]).bar(SOL, {"SOL": (50, 10, 96, 104)})
    assert trader.held["SOL"].liquidation_price == near(92.3076923076923)
    trader.bar({"SOL": (100, 105, 95, 100)})
    assert [trade.reason for trade in trader.closed] == ["stop"]
    assert trader.equity == near(9_795.59)


def test_without_a_stop_a_low_liquidates() -> None:
    trader = Trader(["SOL"]).bar(SOL, {"SOL": (50, 10)}).bar({"SOL": (100, 101, 92, 100)})
    assert [trade.reason for trade in trader.closed] == ["liquidation"]
    assert trader.equity == near(9_611.0576923076923)


def test_a_cross_account_is_liquidated_against_the_maintenance_of_all_its_positions() -> None:
    trader = Trader(["BTC", "ETH"], cross=True)
    opening = {"BTC": flat(100_000.0), "ETH": flat(4_000.0)}
    trader.bar(opening, {"BTC": (0.5, 20), "ETH": (-5, 20)})
    fees = (50_000 + 20_000) * 0.00045
    trader.book.cash += fees
    trader.bar({"BTC": flat(99_000.0), "ETH": flat(4_050.0)})
    assert trader.equity == near(9_250)
    assert trader.held["BTC"].liquidation_price == near(82_339.24050632911)

"""Figures of a portfolio: those of the published experiment, and cases worked out by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from investorbench.tasks.lots import Lot, closed_lots, trade_figures
from investorbench.tasks.portfolio_metrics import (
    Drawdown,
    allocation,
    drawdowns,
    invested,
    market_model,
    risk_and_return,
)
from investorbench_env.accounting.events import Distribution, Fill
from investorbench_env.errors import InvestorBenchError

EQUITY = [296, 296.8, 303.2, 302.4, 302.4, 300, 293.6, 295.2, 295.2, 295.2]
DAY = date(2025, 7, 1)


def days(count: int) -> list[date]:
    return [DAY + timedelta(days=n) for n in range(count)]


@pytest.mark.parametrize(
    ("rows", "sharpe", "sortino", "drawdown"),
    [
        (6, (0.5032, 3.6227), (1.4720, 10.5970), 0.0106),
        (7, (-0.2660, -1.6360), (-0.3954, -2.4319), 0.0317),
        (10, (-0.1258, -0.5862), (-0.1846, -0.8602), 0.0317),
    ],
)
def test_ratios_of_a_published_curve(
    rows: int, sharpe: tuple[float, float], sortino: tuple[float, float], drawdown: float
) -> None:
    found = risk_and_return(EQUITY[:rows])
    figures = (found.sharpe, found.sharpe_a_year, found.sortino, found.sortino_a_year)
    assert [figure.value for figure in figures] == pytest.approx([*sharpe, *sortino], abs=5e-5)
    assert found.max_drawdown == pytest.approx(drawdown, abs=5e-5)


def test_a_curve_without_risk_has_no_ratio_and_says_why() -> None:
    flat = risk_and_return([100.0, 100.0, 100.0])
    assert flat.sharpe.value is None and flat.sharpe.reason == "the returns do not vary"
    assert risk_and_return([100.0, 102.0, 103.0, 106.0]).sortino.reason is not None
    with pytest.raises(InvestorBenchError, match="at least three"):
        risk_and_return([100.0, 0.0, 1.0])


def test_a_market_is_compounded_over_a_session_that_the_account_missed() -> None:
    rng = np.random.default_rng(5)
    moves = rng.normal(0.001, 0.01, 60)
    market = dict(zip(days(61), 100.0 * np.cumprod([1.0, *(1.0 + moves)]), strict=True))
    rate = 1.045 ** (1 / 252) - 1
    account = {day: market[day] for day in market if day.day % 3}  # a market fund, days missing
    found = market_model(account, market)
    assert found.beta == pytest.approx(1.0, abs=1e-12)
    assert found.alpha == pytest.approx(0.0, abs=1e-12)
    assert found.r_squared == pytest.approx(1.0, abs=1e-12)
    geared = [100.0]
    for move in moves:
        geared.append(geared[-1] * (1.0 + rate + 0.0002 + 1.7 * (move - rate)))
    found = market_model(dict(zip(days(61), geared, strict=True)), market)
    assert found.beta == pytest.approx(1.7, abs=1e-10)
    assert found.alpha == pytest.approx(1.0002**252 - 1.0, abs=1e-10)
    with pytest.raises(InvestorBenchError, match="no close on 2025-07-03"):
        market_model(dict(zip(days(5), [1.0] * 5, strict=True)), dict.fromkeys(days(2), 1.0))


def fill(day: int, symbol: str, quantity: float, price: float, cost: float = 0.0):
    return DAY + timedelta(days=day), Fill(symbol, quantity, price, abs(quantity) * price, cost)


def test_lots_go_first_in_first_out_and_bear_the_commissions_of_both_sides() -> None:
    fills = [
        fill(0, "A", 10, 5.0, cost=1.0),
        fill(1, "A", 10, 6.0),
        fill(2, "B", 4, 2.0),
        fill(3, "A", -15, 7.0, cost=3.0),
        fill(4, "B", -4, 2.0),
    ]
    when = [DAY + timedelta(days=n) for n in range(5)]
    assert closed_lots(fills) == [
        Lot("A", 10, when[0], when[3], pytest.approx(10 * (7 - 5) - 1 - 2)),
        Lot("A", 5, when[1], when[3], pytest.approx(5 * (7 - 6) - 1)),
        Lot("B", 4, when[2], when[4], 0.0),
    ]


def test_a_lot_that_was_sold_short_is_closed_by_what_is_bought() -> None:
    fills = [fill(0, "A", 5, 4.0), fill(1, "A", -8, 6.0, cost=0.8), fill(2, "A", 3, 5.0)]
    when = [DAY + timedelta(days=n) for n in range(3)]
    assert closed_lots(fills) == [
        Lot("A", 5, when[0], when[1], pytest.approx(5 * (6 - 4) - 0.5)),
        Lot("A", -3, when[1], when[2], pytest.approx(3 * (6 - 5) - 0.3)),
    ]


def test_a_share_split_divides_what_a_lot_has_cost() -> None:
    events = [
        fill(0, "A", 10, 8.0),
        (DAY + timedelta(days=1), Distribution("A", 3.0, 4.0)),
        fill(2, "A", -30, 2.5),
    ]
    (lot,) = closed_lots(events)
    assert (lot.quantity, lot.pnl) == (30, pytest.approx(30 * (2.5 - 2.0)))


def test_a_lot_that_earned_nothing_is_one_of_all_lots() -> None:
    found = trade_figures([10.0, -4.0, 0.0, -2.0])
    assert found.lots == 4
    assert found.win_rate.value == 0.25
    assert found.profit_factor.value == pytest.approx(10 / 6)
    assert found.expectancy.value == 1.0
    assert found.lab_expectancy.value == pytest.approx(0.25 * 10 - 0.75 * 3)
    assert found.loss_aversion.value == pytest.approx(0.3)
    assert trade_figures([]).win_rate.reason == "no lot was sold"
    assert trade_figures([1.0]).profit_factor.reason == "no lot lost"


def test_an_account_is_spread_over_all_its_days() -> None:
    found = allocation(np.array([[0.0, 0.0], [50.0, 25.0]]), np.array([100.0, 25.0]), 150.0)
    assert found.concentration == pytest.approx((1.0 + 0.25 + 0.0625 + 0.0625) / 2)
    assert found.cash_share == pytest.approx((1.0 + 0.25) / 2)
    assert found.turnover == pytest.approx(1.5)


def test_each_fall_from_a_peak_has_its_trough_and_its_recovery() -> None:
    when = days(8)
    equity = dict(zip(when, [100.0, 90.0, 95.0, 100.0, 120.0, 60.0, 90.0, 80.0], strict=True))
    assert drawdowns(equity) == [
        Drawdown(when[0], when[1], when[3], pytest.approx(0.1)),
        Drawdown(when[4], when[5], None, pytest.approx(0.5)),
    ]


def test_a_hundred_dollars_in_an_index_grow_as_it_does() -> None:
    closes = {DAY: 50.0, DAY + timedelta(days=1): 40.0, DAY + timedelta(days=2): 55.0}
    kept = [DAY, DAY + timedelta(days=2)]
    assert invested(closes, kept) == {kept[0]: 100.0, kept[1]: pytest.approx(110.0)}
    with pytest.raises(InvestorBenchError, match="no close on 2025-07-09"):
        invested(closes, [DAY, DAY + timedelta(days=8)])

"""Behaviour on perpetuals: a table of 20 trades made by hand, and what follows from it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import comb
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import investorbench_env  # noqa: F401  (registers the environments)
from investorbench.tasks.arena.confidence import Forecasts
from investorbench.tasks.arena.history import ArenaHistory, arena_history
from investorbench.tasks.arena.invalidations import PriceCondition, read_condition
from investorbench.tasks.behaviour import BEHAVIOUR, behaviour
from investorbench.tasks.step import Step
from investorbench_env.accounting.events import (
    AccountState,
    ClosedTrade,
    Fill,
    FundingPayment,
    Position,
    Rejection,
)
from investorbench_env.accounting.signals import Signal
from investorbench_env.facts import Facts

COINS = ("BTC", "ETH")
PRICES = {"BTC": 100.0, "ETH": 50.0}
START = datetime(2025, 7, 17, tzinfo=UTC)
BAR = timedelta(minutes=3)
T = 42
"""Decisions: four for each of a coin's ten trades, and two that are left."""


class Row(NamedTuple):
    """A trade: entered at the price of its coin at its first decision."""

    coin: str
    side: int
    quantity: float
    leverage: int
    stop: float
    target: float
    confidence: float
    risk: float
    invalidation: str
    minutes: int
    exit: float
    reason: str
    pnl: float
    fees: float
    funding: float
    marks: tuple[float, ...] = ()
    """At the ends of its four bars, where the coin is not at its usual price."""


# fmt: off
TABLE = (
    # BTC at 100
    Row("BTC", 1, 10, 10, 98, 104, .8, 20, "closes below 99", 3, 104, "target", 40, .92, 0),
    Row("BTC", 1, 10, 10, 98, 104, .8, 20, "closes below 99", 6, 98, "stop", -20, .89, 0),
    Row("BTC", -1, 20, 5, 103, 94, .6, 60, "closes above 101", 9, 94, "target", 120, 1.75, .1),
    Row("BTC", 1, 5, 40, 97, 105, .5, 15, "price < 99", 9, 101, "close", 5, .45, 0,
        (100, 100, 101, 105)),                         # closed too early; its target came after
    Row("BTC", -1, 10, 20, 104, 92, .7, 40, "price > 103", 6, 103.5, "close", -35, .92, 0,
        (100, 103.5, 104, 100)),                       # closed by its plan; its stop came after
    Row("BTC", 1, 40, 40, 95, 110, .9, 200, "RSI7 below 30", 3, 98.7, "liquidation", -52, 3.6, 0),
    Row("BTC", 1, 10, 10, 99, 106, .4, 99, "price < 99.5", 9, 99, "stop", -10, .9, -.2,
        (99.4, 99.4, 99.2, 100)),                      # held on though it was invalid
    Row("BTC", -1, 10, 10, 101, 97, .6, 10, "4h MACD turns", 3, 97, "target", 30, .88, 0),
    Row("BTC", 1, 1, 5, 90, 130, .3, 10, "below 95 on a 4h candle", 6, 100, "close", 0, .09, 0),
    Row("BTC", 1, 10, 10, 98, 104, .8, 20, "closes below 99", 3, 104, "target", 40, .92, 0),
    # ETH at 50
    Row("ETH", -1, 20, 10, 51, 48, .7, 20, "ETH above 50.5", 3, 48, "target", 40, .88, .05),
    Row("ETH", -1, 20, 10, 51, 48, .7, 20, "ETH above 50.5", 6, 51, "stop", -20, .91, .05),
    Row("ETH", 1, 40, 20, 49, 52, .9, 40, "BTC below 95", 6, 49.5, "close", -20, 1.79, 0,
        (49.5, 49.5, 49, 50)),                         # closed too early; its stop came after
    Row("ETH", 1, 40, 20, 49, 52, .9, 40, "BTC below 95", 3, 52, "target", 80, 1.84, -.3),
    Row("ETH", 1, 10, 5, 45, 55, .5, 50, "", 9, 51, "close", 10, .45, 0, (51, 51, 51, 50)),
    Row("ETH", 1, 10, 5, 45, 55, .5, 40, "", 3, 50, "close", 0, .45, 0),      # entered again
    Row("ETH", 1, 100, 25, 47, 53, .95, 300, "below 49", 3, 48.5, "liquidation", -150, 4.5, 0),
    Row("ETH", 1, 20, 10, 49, 52, .6, 20, "below 49.2", 6, 52, "target", 40, .92, 0),
    Row("ETH", -1, 20, 10, 51, 48, .6, 20, "above 50.8", 9, 48, "target", 40, .88, 0),
    Row("ETH", -1, 20, 10, 51, 48, .6, 20, "above 50.8", 9, 51, "stop", -20, .91, 0),
)
# fmt: on
SLOT = 4


RESTATED: dict[int, dict[str, Any]] = {
    5: {"stop_loss": 98, "profit_target": 104, "invalidation_condition": "Closes  below 99"},
    9: {"stop_loss": 103.05, "profit_target": 94},
    10: {"stop_loss": 103, "profit_target": 90, "leverage": 5},
    13: {"stop_loss": 97, "quantity": 5},
    14: {"invalidation_condition": "below 98"},
}
"""What is said of BTC with a signal to hold: twice the same, one idle change, two true ones."""
LAST: dict[int, dict[str, Any]] = {
    40: {"BTC": {"signal": "buy_to_enter", "quantity": 1, "leverage": 5, "stop_loss": 101}},
    41: {"ETH": "hold"},
}
"""The last two decisions: one that breaks a rule, one whose form has to be repaired."""


def episode() -> list[Step]:
    """The record of the table."""
    slots = {coin: [row for row in TABLE if row.coin == coin] for coin in COINS}
    equity, held, steps = 10_000.0, dict[str, Row](), []
    info = _info(0, equity, held, PRICES)
    for t in range(T):
        action, marks = dict(LAST.get(t, {})), dict(PRICES)
        happened: dict[str, list[Any]] = {"fills": [], "closed": [], "funding": []}
        slot, within = divmod(t, SLOT)
        for coin, row in ((coin, own[slot]) for coin, own in slots.items() if slot < len(own)):
            marks[coin] = row.marks[within] if row.marks else PRICES[coin]
            # A signal ends a trade at the open of a bar, a price inside it.
            ends = within == row.minutes // 3 - (row.reason != "close")
            if within == 0:
                held[coin] = row
                action[coin] = _entry(row)
                happened["fills"].append(_fill(row, 1, PRICES[coin]))
            elif coin in held:
                closes = ends and row.reason == "close"
                more = RESTATED.get(t, {}) if coin == "BTC" else {}
                word = "close_position" if closes else "hold"
                action[coin] = {"signal": word, "confidence": 0.5, **more}
            if ends:
                happened["fills"].append(_fill(row, -1, row.exit))
                happened["closed"].append(_closed(row, START + SLOT * slot * BAR))
                happened["funding"].append(FundingPayment(coin, row.funding, 1e-5, PRICES[coin]))
                equity += row.pnl - row.fees + row.funding
                del held[coin]
        outcome = _info(t + 1, equity, held, marks, **happened)
        steps.append(_step(t, info, action, outcome))
        info = outcome
    return steps


def _entry(row: Row) -> dict[str, Any]:
    return {
        "signal": "buy_to_enter" if row.side > 0 else "sell_to_enter",
        "quantity": row.quantity, "leverage": row.leverage, "profit_target": row.target,
        "stop_loss": row.stop, "invalidation_condition": row.invalidation,
        "confidence": row.confidence, "risk_usd": row.risk, "justification": "so it seems",
    }  # fmt: skip


def _fill(row: Row, sign: int, price: float) -> Fill:
    size = sign * row.side * row.quantity
    return Fill(row.coin, size, price, abs(size) * price, row.fees / 2)


def _closed(row: Row, opened: datetime) -> ClosedTrade:
    return ClosedTrade(
        row.coin, row.side * row.quantity, PRICES[row.coin], row.exit, row.reason, opened,
        opened + timedelta(minutes=row.minutes), row.pnl, row.fees, row.funding, 1.0, row.leverage,
    )  # fmt: skip


def _info(
    t: int, equity: float, held: Mapping[str, Row], marks: Mapping[str, float], **happened: Any
) -> dict[str, Any]:
    positions = [
        Position(coin, row.side * row.quantity, PRICES[coin], marks[coin], 0.1, 0.0)
        for coin, row in held.items()
    ]
    account = AccountState(
        cash=equity, equity=equity, costs=0.0, positions=positions, marks=dict(marks)
    )
    wrong = [Rejection(Signal("BTC", "buy_to_enter"), "stop: 101 is above 100")] * (t == 41)
    time = (START + t * BAR).isoformat()
    return {"time": time, "session": time[:10], "account": account, "rejections": wrong, **happened}


def _step(t: int, info: dict[str, Any], action: Any, outcome: dict[str, Any]) -> Step:
    facts = Facts(
        family="Perpetuals", symbols=COINS, protocol="standard", steps=T, source="made by hand",
        window=("2025-07-17", "2025-07-17"), simulated=True, fingerprint="0" * 64, interval="3m",
        action="signals", initial_cash=10_000.0,
    )  # fmt: skip
    return Step(
        repeat=0, seed=0, market_seed=0, split="test", facts=facts, number=t, info=info,
        action=action, reward=0.0, outcome=outcome, is_last=t == T - 1,
    )  # fmt: skip


# fmt: off
BY_HAND = {
    "account_value": 10_092.85, "account_return": 0.009285,
    "account_drawdown": 0.024278863331789746,
    "fees": 24.85, "fees_share": 0.002485, "funding": -0.3,
    "trades_ended": 20, "trades_open": 0,
    "gross_mean": 5.9, "gross_sd": 54.895978186499526, "gross_best": 120, "gross_worst": -150,
    "net_mean": 4.6425, "net_sd": 55.442226342762474, "net_best": 118.35, "net_worst": -154.5,
    "trade_fees_mean": 1.2425, "won": 0.5, "minutes_won_mean": 5.7, "minutes_lost_mean": 5.7,
    "notional_won_mean": 1100, "notional_lost_mean": 1660,
    "ended_target": 8 / 20, "ended_stop": 4 / 20, "ended_liquidation": 2 / 20,
    "ended_close": 6 / 20,
    "signals": 46, "signals_long": 14 / 46, "signals_short": 7 / 46, "signals_hold": 19 / 46,
    "signals_close": 6 / 46, "rejected_signals": 1, "repaired_signals": 1,
    "confidence_long_mean": 8.85 / 13, "confidence_long_median": 0.8,
    "confidence_long_sd": 0.2213015114597254,
    "confidence_short_mean": 4.5 / 7, "confidence_short_median": 0.6,
    "confidence_short_sd": 0.053452248382484864,
    "confidence_hold_mean": 0.5, "confidence_hold_median": 0.5, "confidence_hold_sd": 0,
    "confidence_close_mean": 0.5, "confidence_close_median": 0.5, "confidence_close_sd": 0,
    "leverage_mean": 14.25, "leverage_median": 10, "leverage_largest": 40,
    "size_mean": 0.1366547925920849, "size_median": 0.09945175108454535,
    "size_largest": 0.4934348493296688,
    "stop_distance_mean": 0.0365, "stop_distance_median": 0.02,
    "target_distance_mean": 0.067, "target_distance_median": 0.04,
    "minutes_long": 69, "minutes_short": 45, "minutes_flat": 2 * 126 - 69 - 45,
    "forecasts": 17, "forecasts_open": 3, "confidence_stated": 12.05 / 17, "target_first": 9 / 17,
    "brier": 5.7325 / 17, "brier_base": 9 / 17 * 8 / 16,
    "against_plan": 3 / 4, "judged": 4, "held_on": 1 / 2, "passed": 2,
    "changed_on_hold": 2 / 5, "idle_on_hold": 1 / 5, "restated": 5,
    "wrong_risk": 2 / 20, "risks": 20, "reentered": 1,
}
# fmt: on


def test_figures_equal_those_of_a_table_of_20_trades_made_by_hand() -> None:
    assert behaviour(arena_history(episode())) == pytest.approx(BY_HAND, rel=1e-12, abs=1e-12)


@given(st.integers(2, 12), st.floats(0.0, 1.0))
def test_a_base_rate_scores_on_average_what_the_true_share_does(count: int, share: float) -> None:
    mean = 0.0
    for reached in range(count + 1):
        came = np.arange(count) < reached
        found = Forecasts(stated=came / 2, came=came.astype(float), undecided=0)
        ways = comb(count, reached) * share**reached * (1.0 - share) ** (count - reached)
        mean += ways * found.brier_of_base_rate
    assert mean == pytest.approx(share * (1.0 - share), abs=1e-12)


def test_every_figure_has_a_row_of_its_own() -> None:
    keys = [row.key for group in BEHAVIOUR for row in group.rows]
    assert keys == list(BY_HAND)


def test_what_is_still_held_at_the_end_counts_with_its_time_and_fees_and_not_as_a_trade() -> None:
    figures = behaviour(arena_history(episode()[:10]))  # rows 3 and 13 are two bars old
    assert (figures["trades_ended"], figures["trades_open"]) == (4, 2)
    assert (figures["minutes_short"], figures["minutes_long"]) == (3 + 6 + 6, 3 + 6 + 6)
    assert figures["fees"] == pytest.approx(0.92 + 0.89 + 0.88 + 0.91 + (1.75 + 1.79) / 2)


def test_an_account_that_does_nothing_has_a_figure_or_none_and_no_warning() -> None:
    steps = [_step(t, _nothing(t), {}, _nothing(t + 1)) for t in range(3)]
    figures = behaviour(arena_history(steps))
    assert figures["minutes_flat"] == 18
    assert {name for name, value in figures.items() if value == value} == {
        "account_value", "account_return", "account_drawdown", "fees", "fees_share", "funding",
        "trades_ended", "trades_open", "signals", "rejected_signals", "repaired_signals",
        "minutes_long", "minutes_short", "minutes_flat", "forecasts", "forecasts_open",
        "judged", "passed", "restated", "risks", "reentered",
    }  # fmt: skip


def test_an_entry_after_a_stop_at_the_same_open_is_a_trade_of_its_own() -> None:
    row = next(row for row in TABLE if row.side > 0)
    enter = _nothing(1) | {"fills": [_fill(row, 1, 100.0)]}
    account = _info(1, 10_000.0, {"BTC": row}, PRICES)["account"]
    both = _nothing(2) | {
        "fills": [_fill(row, -1, 97.0), _fill(row, 1, 97.0)],
        "closed": [_closed(row, START)._replace(reason="stop")],
    }
    added = _nothing(2) | {
        "fills": [_fill(row, 1, 97.0), _fill(row, -2, 96.0)],
        "closed": [_closed(row, START)._replace(reason="stop", quantity=20)],
    }
    first = _step(0, _nothing(0), {"BTC": _entry(row)}, enter | {"account": account})
    trades = {
        name: arena_history([first, _step(1, first.outcome, {"BTC": _entry(row)}, outcome)]).trades
        for name, outcome in {"both": both, "added": added}.items()
    }
    assert [(len(each.entries), each.ended) for each in trades["both"]] == [(1, 1), (1, None)]
    assert [(len(each.entries), each.ended) for each in trades["added"]] == [(2, 1)]


def test_a_fill_belongs_to_no_entry_that_was_rejected() -> None:
    # A purchase is refused because of a short position, and that is bought back at its stop.
    signal = {"signal": "buy_to_enter", "quantity": 20, "leverage": 5, "stop_loss": 97}
    short = next(row for row in TABLE if row.side < 0 and row.coin == "BTC")
    enter = _nothing(1) | {"fills": [_fill(short, 1, 100.0)]}
    stop = _nothing(2) | {
        "fills": [_fill(short, -1, 103.0)],
        "closed": [_closed(short, START)._replace(reason="stop")],
        "rejections": [Rejection(Signal("BTC", "buy_to_enter"), "pyramiding: BTC is held")],
    }
    steps = [
        _step(0, _nothing(0), {"BTC": _entry(short)}, enter),
        _step(1, enter, {"BTC": signal}, stop),
    ]
    (trade,) = arena_history(steps).trades
    assert (trade.side, len(trade.entries), trade.ended) == (-1, 1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("If the price closes below 105,000 on a 3-minute candle", ("ETH", -1, 105_000, 3)),
        ("BTC breaks below $105k, confirming a market correction", ("BTC", -1, 105_000, None)),
        ("ETH 4-hour candle close above 4,120.5", ("ETH", 1, 4_120.5, 240)),
        ("daily close under 3.8k", ("ETH", -1, 3_800, 1440)),
        ("price <= 0.185", ("ETH", -1, 0.185, None)),
    ],
)
def test_a_condition_on_one_price_is_read(text: str, expected: tuple[Any, ...]) -> None:
    coin, side, level, minutes = expected
    candle = None if minutes is None else timedelta(minutes=minutes)
    assert read_condition(text, "ETH", COINS) == PriceCondition(coin, side, level, candle)


@pytest.mark.parametrize(
    "text",
    ["", "none", "4H RSI breaks back below 40", "4-hour MACD crosses above 1000",
     "below 100 or above 120", "not above 100 within 2 hours", "closes below EMA20",
     "drops below 5 % of its entry", "BTC below 95 or ETH below 95", "momentum fades"],
)  # fmt: skip
def test_a_condition_of_another_kind_is_judged_by_nothing(text: str) -> None:
    assert read_condition(text, "ETH", COINS) is None


def _nothing(t: int) -> dict[str, Any]:
    return _info(t, 10_000.0, {}, PRICES) | {"fills": [], "closed": [], "funding": []}


@pytest.mark.parametrize(
    "options", [{}, {"margin": "cross"}, {"rules": "baseline"}], ids=["isolated", "cross", "adding"]
)
def test_trades_add_up_to_what_the_account_has_become(options: dict[str, Any]) -> None:
    env: Any = gym.make(
        "InvestorBench/Perpetuals-SIM", every=20, markets=[12], modalities=["time"],
        slippage_bps=3, **options,
    ).unwrapped  # fmt: skip
    history, last = played(env)
    closed = [each.closed for each in history.trades if each.closed is not None]
    brought = sum(each.pnl - each.fees + each.funding for each in closed)
    held = sum(each.unrealised_pnl + each.funding - each.fees for each in last["positions"])
    assert history.equity[-1] - history.equity[0] == pytest.approx(brought + held, abs=1e-6)
    assert history.fees == pytest.approx(last["costs"], rel=1e-12)
    assert len(closed) > 10
    wanted = {"target", "stop", "close", *({"liquidation"} if "margin" not in options else ())}
    assert {each.reason for each in closed} >= wanted
    for trade in history.trades:
        size = sum(entry.quantity for entry in trade.entries)
        known = trade.closed or trade.position
        assert known is not None and size == pytest.approx(known.quantity, rel=1e-12)
        if trade.closed is not None:
            assert trade.closed.opened == trade.opened
    assert any(len(trade.entries) > 1 for trade in history.trades) == ("rules" in options)
    figures = behaviour(history)
    kinds = ("long", "short", "hold", "close")
    assert sum(figures[f"signals_{kind}"] for kind in kinds) == pytest.approx(1.0)
    span = (history.times[-1] - history.times[0]).total_seconds() / 60 * len(history.symbols)
    assert sum(figures[f"minutes_{side}"] for side in ("long", "short", "flat")) == span
    assert figures["minutes_flat"] > 0


def played(env: Any) -> tuple[ArenaHistory, dict[str, Any]]:
    """What random signals lead to: levels near and far, leverage that a few bars can end."""
    random = np.random.default_rng(2)
    _, info = env.reset(seed=0)
    steps: list[Step] = []
    ended = False
    while not ended:
        prices, held = info["account"].marks, {each.symbol for each in info["positions"]}
        action: dict[str, Any] = {}
        for symbol in info["symbols"]:
            side, away = random.choice([1, -1]), random.choice([0.002, 0.02, 0.2])
            if random.random() < 0.1:
                action[symbol] = {"signal": "close_position" if symbol in held else "hold"}
            elif random.random() < 0.2:
                action[symbol] = {
                    "signal": "buy_to_enter" if side > 0 else "sell_to_enter",
                    "leverage": int(random.choice([5, 10, 20, 40])), "confidence": random.random(),
                    "quantity": 0.8 * info["cash"] / prices[symbol],
                    **({"profit_target": prices[symbol] * (1 + side * away)} if away < 0.1 else {}),
                    **({"stop_loss": prices[symbol] * (1 - side * away)} if away < 0.1 else {}),
                }  # fmt: skip
        *_, terminated, truncated, after = env.step(action)
        steps.append(replace(_step(len(steps), info, action, after), facts=env.facts))
        info, ended = after, terminated or truncated
    return arena_history(steps), info

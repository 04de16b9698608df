"""Perpetuals as an environment: what is observed, decided, filled and reported."""

import pickle
from copy import deepcopy
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.venues import HYPERLIQUID
from investorbench_env.envs.perpetuals_features import FEATURES, SERIES
from investorbench_env.errors import CorruptDataError, InvalidActionError, InvestorBenchError
from investorbench_env.registration import facts_of
from investorbench_env.wrappers import NumericObservation, NumericVectorObservation
from tests.env.perpetual_markets import (
    entry,
    flat,
    perpetual_market,
    perpetuals,
    random_perpetual_market,
)

SIM = "InvestorBench/Perpetuals-SIM"
FEE = 0.00045
FINE = replace(HYPERLIQUID, significant_figures=12, price_decimals=12, min_notional=0.0)
"""A venue whose rounding changes nothing."""


def kinds(info: dict[str, Any]) -> list[str]:
    return [each.reason.partition(":")[0] for each in info["rejections"]]


@pytest.mark.parametrize("split", ["warmup", "test"])
def test_the_environment_passes_the_check_of_gymnasium(split: str) -> None:
    env = gym.make(SIM, split=split, every=40, markets="one").unwrapped
    check_env(env, skip_render_check=True)
    assert env.facts == facts_of(SIM, split=split, every=40, markets="one")  # type: ignore[attr-defined]


def test_a_long_position_earns_what_its_price_does_less_its_fees() -> None:
    market = perpetual_market({"BTC": [*flat(100_000.0), *flat(100_000.0), *flat(102_000.0)]})
    env = perpetuals(market)
    env.reset(seed=0)
    signal = entry(0.5, 10, profit_target=110_000, stop_loss=95_000, confidence=0.7, risk_usd=2500)
    _, reward, _, truncated, info = env.step({"BTC": signal})
    fee = 0.5 * 100_000 * FEE
    assert reward == pytest.approx(-fee / 10_000, rel=1e-12)
    (fill,) = info["fills"]
    assert fill == ("BTC", 0.5, 100_000.0, 50_000.0, pytest.approx(fee))
    (held,) = info["positions"]
    assert (held.quantity, held.leverage, held.stop, held.target) == (0.5, 10, 95_000, 110_000)
    assert held.liquidation_price == pytest.approx(100_000 * (1 - 1 / 10) / (1 - 0.0125))
    assert info["plans"]["BTC"].confidence == 0.7
    assert info["account"].positions[0].weight == pytest.approx(50_000 / (10_000 - fee))
    assert info["cash"] == pytest.approx(10_000 - 5_000 - fee)
    observation, _, _, truncated, info = env.step({})
    assert truncated
    assert info["equity"] == pytest.approx(10_000 - fee + 1_000)
    row = dict(zip(FEATURES, observation["features"][0].tolist(), strict=True))
    assert (row["quantity"], row["confidence"], row["risk"]) == (0.5, np.float32(0.7), 2500)
    assert row["unrealised"] == 1_000
    assert row["hours"] == np.float32(0.1)
    assert '"quantity": 0.5' in observation["text"]


def test_an_exit_ends_the_plan_and_is_reported_once() -> None:
    bars = [*flat(100.0), (100, 101, 95.5, 96, 1e3), *flat(96.0, 2)]
    env = perpetuals(perpetual_market({"SOL": bars}))
    env.reset(seed=0)
    *_, info = env.step({"SOL": entry(50, 10, stop_loss=96, profit_target=120)})
    (trade,) = info["closed"]
    assert (trade.reason, trade.exit_price, trade.quantity) == ("stop", 96.0, 50.0)
    assert (str(trade.opened), str(trade.closed)) == (
        "2025-07-14 00:03:00+00:00", "2025-07-14 00:06:00+00:00",
    )  # fmt: skip
    assert (info["positions"], info["plans"]) == ((), {})
    assert [fill.quantity for fill in info["fills"]] == [50.0, -50.0]
    *_, info = env.step({})
    assert (info["closed"], info["fills"]) == ((), ())


def test_every_few_bars_one_decision_is_taken_and_all_between_is_reported() -> None:
    funding = np.full((21, 1), np.nan)
    funding[[0, 20]] = 0.0001
    bars = flat(100.0, 21)
    env = perpetuals(perpetual_market({"SOL": bars}, funding=funding), every=10)
    _, info = env.reset(seed=0)
    assert env.facts.steps == 2
    assert info["time"] == "2025-07-14T00:03:00+00:00"
    *_, info = env.step({"SOL": entry(50, 5)})
    assert (info["time"], info["funding"]) == ("2025-07-14T00:33:00+00:00", ())
    *_, truncated, info = env.step({})
    assert truncated
    (paid,) = info["funding"]
    assert (paid.symbol, paid.rate, paid.price) == ("SOL", 0.0001, 100.0)
    assert paid.cash == pytest.approx(-50 * 100 * 0.0001)


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        ({"signal": "buy_to_enter", "leverage": 10}, "missing"),
        (entry(1e-9, 10), "quantity"),
        ({"signal": "sell_to_enter", "quantity": -1, "leverage": 10}, "quantity"),
        (entry(1e13, 10), "quantity"),
        (entry(1e300, 10), "number"),
        (entry(50, 10, risk_usd=1e300), "number"),
        (entry(0.05, 10), "notional"),
        (entry(50, 4), "leverage"),
        (entry(50, 21), "leverage"),
        (entry(50, 7.5), "leverage"),
        (entry(50, 5e-324), "leverage"),
        (entry(50, 10, confidence=1.2), "confidence"),
        (entry(50, 10, profit_target=99), "target"),
        (entry(-50, 10, profit_target=101), "target"),
        (entry(50, 10, profit_target=-1), "target"),
        (entry(50, 10, stop_loss=101), "stop"),
        (entry(-50, 10, stop_loss=99), "stop"),
        (entry(50, 10, stop_loss=0), "stop"),
        (entry(50, 10, stop_loss=92), "liquidation"),
        (entry(-50, 10, stop_loss=108), "liquidation"),
        (entry(40, 10), "least_margin"),
        (entry(1200, 10), "cash"),
        ({"signal": "close_position"}, "no_position"),
        ({"signal": "buy"}, "signal"),
    ],
)
def test_a_decision_that_breaks_a_rule_is_rejected_with_the_rule(
    signal: dict[str, Any], kind: str
) -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 3), "BTC": flat(1e5, 3)}))
    env.reset(seed=0)
    *_, info = env.step({"SOL": signal, "BTC": entry(0.1, 10)})
    assert kinds(info) == [kind]
    assert [each.symbol for each in info["positions"]] == ["BTC"]


def test_too_little_cash_says_what_is_required_and_what_is_free() -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 3)}))
    env.reset(seed=0)
    *_, info = env.step({"SOL": entry(2000, 20)})
    (rejection,) = info["rejections"]
    assert "10,090.00" in rejection.reason
    assert "10,000.00" in rejection.reason


def test_a_position_is_neither_added_to_nor_turned_nor_closed_in_part() -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 6)}))
    env.reset(seed=0)
    env.step({"SOL": entry(50, 10)})
    for signal, kind in (
        (entry(50, 10), "pyramiding"),
        (entry(-50, 10), "opposite"),
        ({"signal": "close_position", "quantity": 20}, "partial"),
    ):
        *_, info = env.step({"SOL": signal})
        assert kinds(info) == [kind]
        assert info["positions"][0].quantity == 50.0
    *_, info = env.step({"SOL": {"signal": "close_position", "quantity": 50}})
    assert [each.reason for each in info["closed"]] == ["close"]


def test_nothing_is_filled_in_an_outage_and_it_is_flagged() -> None:
    outage = (100.0, 100.0, 100.0, 100.0, 0.0)
    env = perpetuals(perpetual_market({"SOL": [*flat(100.0), outage, *flat(100.0, 2)]}))
    env.reset(seed=0)
    *_, info = env.step({"SOL": entry(50, 10)})
    assert (kinds(info), info["outage"], info["positions"]) == (["outage"], ("SOL",), ())
    *_, info = env.step({"SOL": entry(50, 10)})
    assert (info["outage"], len(info["positions"])) == ((), 1)


class Unwritable:
    """Cannot be written into a message."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_an_action_that_is_none_changes_nothing() -> None:
    env = perpetuals(perpetual_market({"SOL": flat(100.0, 3)}))
    env.reset(seed=0)
    for action in (None, "hold", 3, np.zeros(3), 10**5_000, Unwritable()):
        with pytest.raises(InvalidActionError, match="no object of signals by coin"):
            env.step(action)
    *_, info = env.step({})
    assert info["time"] == "2025-07-14T00:06:00+00:00"


@pytest.mark.parametrize("name", ["Stock-SIM", "Portfolio-SIM"])
@pytest.mark.parametrize("action", [10**5_000, Unwritable()], ids=["long", "unwritable"])
def test_no_environment_needs_to_write_an_action_to_refuse_it(name: str, action: object) -> None:
    env = gym.make(f"InvestorBench/{name}").unwrapped
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match="of type"):
        env.step(action)


@given(st.integers(1, 5), st.integers(0, 3), st.sampled_from([1, 2, 4]))
@settings(max_examples=25, deadline=None)
def test_rates_of_other_stamps_than_the_venues_are_refused(
    apart: int, quarters: int, hours: int
) -> None:
    rates = np.full((48, 1), np.nan)
    rates[quarters :: 4 * apart] = 1e-5
    market = perpetual_market({"SOL": flat(100.0, 48)}, minutes=15, funding=rates)
    venue = replace(HYPERLIQUID, funding_hours=hours)
    if (apart, quarters) == (hours, 0):
        assert perpetuals(market, venue=venue).reset(seed=0)
    else:
        with pytest.raises(CorruptDataError, match=r"charges (funding )?every"):
            perpetuals(market, venue=venue)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"cash_rate": 0.04}, "pays nothing on free cash"),
        ({"modalities": ["news"]}, "show no news"),
        ({"context": "3m"}, "must be longer"),
        ({"rules": "season2"}, "unknown rules"),
        ({"rules": {"leverage": 3}}, "unknown attribute of rules"),
        ({"venue": "x"}, "unknown venue"),
        ({"margin": "none"}, "unknown margin"),
        ({"every": 0}, "every=0"),
        ({"every": 3}, "holds 1 decision"),
        ({"protocol": "paper"}, "is of one asset"),
        ({"action": "trade"}, "unknown action"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvestorBenchError, match=complaint):
        perpetuals(perpetual_market({"SOL": flat(100.0, 3)}), **options)


def test_an_observation_is_the_readers_own_and_a_copy_goes_its_own_way() -> None:
    env = gym.make(SIM, every=60, markets="one").unwrapped
    observation, info = env.reset(seed=0)
    assert observation["features"].shape == observation["mask"].shape == (6, len(FEATURES))
    assert observation["series"].shape == (6, 10, len(SERIES))
    env.action_space.seed(0)
    for _ in range(10):
        twins = deepcopy(env), pickle.loads(pickle.dumps(env))
        action = env.action_space.sample()
        for array in observation.values():
            if isinstance(array, np.ndarray):
                array[:] = 0
        info["plans"].clear()
        ours = env.step(action)
        for twin in twins:
            theirs = twin.step(action)
            assert theirs[1:4] == ours[1:4]
            assert theirs[0]["text"] == ours[0]["text"]
            assert np.array_equal(theirs[0]["features"], ours[0]["features"])
        observation, *_, info = ours


def test_as_numbers_perpetuals_have_no_scale_of_prices_or_cash() -> None:
    rng = np.random.default_rng(0)
    market = random_perpetual_market(rng, ("SOL", "BTC"), minutes=15, context=4, count=40)
    dear = replace(
        market, bars=market.bars * [16, 16, 16, 16, 1], adjusted_close=market.adjusted_close * 16,
        intervals={}, oracle=None, marks=None,
    )  # fmt: skip
    shown = []
    for scale, each in ((1, replace(market, intervals={}, oracle=None, marks=None)), (16, dear)):
        inner = perpetuals(each, rules={}, venue=FINE, initial_cash=1e4 * scale, window=4)
        env = NumericObservation(inner)
        features, info = env.reset(seed=0)
        assert len(env.feature_names) == len(features) == env.observation_space.shape[0]  # type: ignore[index]
        seen = [features]
        for step in range(12):
            price = info["account"].marks["SOL"]
            signal = entry(32, 8, stop_loss=0.95 * price) if step % 4 == 1 else {"signal": "hold"}
            features, *_, info = env.step({"SOL": signal})
            seen.append(features)
        shown.append(np.array(seen))
    assert np.isfinite(shown[0]).all()
    assert np.abs(shown[0]).max() > 0.5
    np.testing.assert_allclose(shown[0], shown[1], atol=2e-4)


def test_perpetuals_as_numbers_pass_the_check_and_are_the_same_in_lanes() -> None:
    options = {"markets": "one", "every": 60, "episode_length": 3}
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(NumericObservation(gym.make(SIM, **options)), skip_render_check=True)
    one = NumericObservation(gym.make(SIM, **options))
    many = NumericVectorObservation(gym.make_vec(SIM, num_envs=2, **options))
    alone, together = one.reset(seed=0)[0], many.reset(seed=0)[0]
    assert np.array_equal(alone, together[0])
    action = {"SIM-V": entry(10, 10), "SIM-Y": entry(-50_000, 5)}
    assert np.array_equal(one.step(action)[0], many.step([action, {}])[0][0])


def test_a_trade_of_the_arena_comes_to_what_it_came_to_there() -> None:
    # 0.62 BTC at 108,026 with 20×, sixteen hours of funding on 109,000, closed at 111,000.
    bars = [*flat(108_026.0, 17), (109_000, 111_500, 108_900, 111_400, 1e3)]
    shape = len(bars), 1
    market = perpetual_market(
        {"BTC": bars}, minutes=60, oracle=np.full(shape, 109_000.0), funding=np.full(shape, 1.25e-5)
    )
    env = perpetuals(market)
    env.reset(seed=0)
    plan = {"profit_target": 111_000, "stop_loss": 106_361, "confidence": 0.75}
    *_, info = env.step({"BTC": entry(0.62, 20, **plan)})
    (held,) = info["positions"]
    assert held.margin == pytest.approx(3_348.806, abs=1e-9)
    assert held.liquidation_price == pytest.approx(103_923.746835, abs=1e-6)
    while not info["closed"]:
        *_, info = env.step({})
        held = info["positions"][0] if info["positions"] else held
    assert held.liquidation_price == pytest.approx(103_945.822785 - 1.379747, abs=1e-5)
    (trade,) = info["closed"]
    assert (trade.reason, trade.exit_price) == ("target", 111_000.0)
    assert trade.fees == pytest.approx(61.108254, abs=1e-9)
    assert trade.funding == pytest.approx(-13.516, abs=1e-9)
    assert info["equity"] == pytest.approx(10_000 + 1_769.255746, abs=1e-6)

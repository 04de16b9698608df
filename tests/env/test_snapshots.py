"""A snapshot is one decision: what it shows, what a position earns, and what it costs."""

from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import Delisting
from investorbench_env.registration import facts_of, market_of
from investorbench_env.wrappers import NumericObservation, TextObservation
from tests.env.small_markets import date, document, random_market, small_market
from tests.env.test_secrecy import ENGINE, handed_out, seeds_in

SIM = "InvestorBench/Snapshot-SIM"
ANY = "InvestorBench/Snapshot"
SELL, HOLD, BUY = range(3)


def snapshot(closes: list[float], *, horizon: int, at: int = 1, **changes: Any) -> Any:
    """The only snapshot of a small market: decided at a session, held to so many later."""
    market = small_market(closes, **changes)
    return gym.make(
        ANY, data=market, horizon=horizon, start=date(at), end=date(at + horizon), window=3
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**64), horizon=st.sampled_from([1, 2, 7]))
def test_a_position_earns_the_day_of_its_entry_and_the_returns_after_it(
    seed: int, horizon: int
) -> None:
    env: Any = gym.make(SIM, horizon=horizon, window=3, document_sessions=2)
    _, before = env.reset(seed=seed)
    decided = len(before["history"].bars())
    *_, info = env.step(BUY)
    bars = info["history"].bars(adjusted=False)[decided:]
    assert len(bars) == horizon
    returns = [bars["close"][0] / bars["open"][0] - 1.0]
    for last, bar in pairwise(bars):
        returns.append(bar["split"] * (bar["close"] + bar["dividend"]) / last["close"] - 1.0)
    earned = info["equity"] / 100_000.0 - 1.0
    assert earned == pytest.approx(sum(returns) - 0.001, abs=1e-12)
    # Prices are in cents and the market's own returns are not: each of two is off by half a cent.
    half_cents = 0.0101 / bars["close"].min()
    np.testing.assert_allclose(returns[1:], bars["total_return"][1:], rtol=0, atol=half_cents)


@pytest.mark.parametrize(
    ("action", "earned"), [(BUY, 0.1 + 0.5 - 0.2), (SELL, -0.1 - 0.5 + 0.2), (HOLD, 0.0)]
)
def test_what_sell_hold_and_buy_earn_by_hand(action: int, earned: float) -> None:
    env = snapshot([9.0, 9.0, 11.0, 16.5, 13.2], opens=[9.0, 9.0, 10.0, 1.0, 1.0], horizon=3)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(action)
    cost = 0.001 * (action != HOLD)
    assert (terminated, truncated) == (True, False)
    assert reward == pytest.approx(earned - cost, abs=1e-12)
    assert info["equity"] == info["cash"] == pytest.approx(100_000.0 * (1.0 + reward))
    assert (info["position"], info["account"].positions) == (0.0, ())
    if action == HOLD:
        assert info["fills"] == ()
    else:
        (fill,) = info["fills"]
        assert fill.price == 10.0
        assert fill.quantity == pytest.approx((action - 1) * 10_000.0)
        assert (fill.notional, fill.cost) == (100_000.0, pytest.approx(100.0))


@settings(max_examples=25, deadline=None)
@given(weight=st.floats(-1.0, 1.0, width=32), seed=st.integers(0, 2**32))
def test_a_weight_earns_its_share_and_costs_its_size(weight: float, seed: int) -> None:
    env: Any = gym.make(SIM, action="weight", window=2, document_sessions=1)
    rewards = []
    for each in (1.0, weight):
        env.reset(seed=seed)
        rewards.append(env.step(np.array([each], np.float32))[1])
    earned = rewards[0] + 0.001
    assert rewards[1] == pytest.approx(weight * earned - 0.001 * abs(weight), abs=1e-12)


def test_dividends_and_splits_on_the_way_are_earned_and_those_before_the_entry_are_not() -> None:
    closes, splits = [10.0, 10.0, 12.0, 6.6, 6.0], {3: 2.0}
    env = snapshot(closes, dividends={2: 5.0, 4: 0.3}, splits=splits, horizon=3)
    env.reset(seed=0)
    *_, info = env.step(BUY)
    earned = (12 / 12 - 1) + (2 * 6.6 / 12 - 1) + ((6.0 + 0.3) / 6.6 - 1)
    assert info["equity"] == pytest.approx(100_000.0 * (1.0 + earned - 0.001))
    assert (info["dividend"], info["split"], info["distributions"]) == (0.0, 1.0, ())


def test_a_position_is_entered_at_the_first_bar_of_the_horizon_that_there_is() -> None:
    nan = float("nan")
    env = snapshot([9.0, 9.0, nan, 11.0, nan, 12.0], opens=[10.0] * 6, horizon=4)
    env.reset(seed=0)
    *_, info = env.step(BUY)
    assert info["fill_price"] == 10.0
    assert info["equity"] == pytest.approx(100_000.0 * (1 + 0.1 + (12 / 11 - 1) - 0.001))


@pytest.mark.parametrize(("gain", "paid"), [(-0.3, -0.3), (float("nan"), -1.0), (0.25, 0.25)])
@pytest.mark.parametrize("rows", [4, 9], ids=["ends with it", "goes on"])
def test_a_delisting_within_the_horizon_pays_its_holders_what_they_got(
    gain: float, paid: float, rows: int
) -> None:
    closes = [10.0, 10.0, 10.0, 12.0, *[float("nan")] * (rows - 4)]
    market = small_market(closes, delistings={"TEST": Delisting(np.datetime64(date(4), "D"), gain)})
    options = {"data": market, "horizon": 5, "start": date(1), "window": 2}
    env: Any = gym.make(ANY, end=date(rows - 1), **options)
    _, info = env.reset(seed=0)
    decisions = {info["session"]: env.step(SELL)}
    for _ in range(10):
        _, info = env.reset()
        decisions[info["session"]] = env.step(SELL)
    # Nothing could be entered after the last bar.
    assert sorted(decisions) == [date(1), date(2)]
    earned = -(0.2 + paid)
    assert decisions[date(1)][1] == pytest.approx(earned - 0.001, abs=1e-12)
    assert decisions[date(2)][1] == pytest.approx(-paid - 0.001, abs=1e-12)


def test_data_without_opens_is_entered_at_the_next_close() -> None:
    env = snapshot([9.0, 9.0, 10.0, 11.0], opens=[float("nan")] * 4, horizon=2)
    env.reset(seed=0)
    *_, info = env.step(BUY)
    assert env.unwrapped.facts.fills == "next_close"
    assert info["fill_price"] == 10.0
    assert info["equity"] == pytest.approx(100_000.0 * (1.1 - 0.001))


def test_the_documents_are_those_of_the_last_sessions_and_no_others() -> None:
    texts = [document(day, f"at {day}") for day in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5)]
    for sessions, shown in (
        (1, [2.5, 3.0]),
        (2, [1.5, 2.0, 2.5, 3.0]),
        (9, [0.5, 1, 1.5, 2, 2.5, 3]),
    ):
        env: Any = gym.make(
            ANY,
            data=small_market([10.0] * 6, documents=texts),
            document_sessions=sessions,
            horizon=1,
            start=date(2),
            end=date(3),
        )
        observation, info = env.reset(seed=0)
        assert [float(row.text.split()[1]) for row in info["documents"]] == shown
        assert [text.split()[-1] for text in observation["news"]] == [
            str(row.text.split()[1]) for row in info["documents"]
        ]
        assert len(info["history"].documents()) == 6


@pytest.mark.parametrize("action", ["trade", "weight"])
@pytest.mark.parametrize("id", [SIM, ANY])
def test_the_environment_keeps_gymnasiums_contract(id: str, action: str) -> None:
    data = {} if id == SIM else {"data": random_market(np.random.default_rng(2)), "start": date(3)}
    if data:
        data["end"] = date(23)
    env: Any = gym.make(id, action=action, window=4, horizon=2, **data)
    check_env(env.unwrapped, skip_render_check=True)


def test_the_account_is_flat_and_one_step_is_left() -> None:
    env: Any = gym.make(SIM, window=4)
    observation, info = env.reset(seed=1)
    assert observation["account"].tolist() == [0.0, 0.0, 100_000.0, 100_000.0, 0.0, 1.0]
    assert (info["equity"], info["position"], info["fills"]) == (100_000.0, 0.0, ())
    observation, *_ = env.step(HOLD)
    assert observation["account"].tolist() == [0.0, 0.0, 100_000.0, 100_000.0, 0.0, 0.0]


def test_every_reset_draws_another_market_and_a_seed_the_same() -> None:
    env: Any = gym.make(SIM, window=4)
    first = [env.reset(seed=5)[0]["bars"], *(env.reset()[0]["bars"] for _ in range(5))]
    again = [env.reset(seed=5)[0]["bars"], *(env.reset()[0]["bars"] for _ in range(5))]
    assert len({each.tobytes() for each in first}) == 6
    assert [each.tobytes() for each in first] == [each.tobytes() for each in again]


def test_seeds_lead_to_many_days() -> None:
    env: Any = gym.make(SIM, window=2, document_sessions=1)
    days = {env.reset(seed=seed)[1]["session"] for seed in range(32)}
    assert len(days) == 16
    assert min(days) == "2020-10-01"
    assert env.unwrapped.facts.window == ("2020-10-01", "2021-05-06")


def test_the_end_names_the_market_and_what_drove_it_as_an_oracle_is_handed_it() -> None:
    env: Any = gym.make(SIM, window=4, document_sessions=3, horizon=6)
    _, info = env.reset(seed=11)
    assert {"market_seed", "hidden_state"}.isdisjoint(info)
    *_, info = env.step(HOLD)
    market = market_of(SIM, 11, window=4, document_sessions=3, horizon=6)
    assert info["market_seed"] == 11
    assert len(market.times) == 4 + 3 + 6
    for name, values in (market.hidden_state or {}).items():
        np.testing.assert_array_equal(info["hidden_state"][name], values[:, 0])
    np.testing.assert_array_equal(
        info["history"].bars(adjusted=False)["close"], market.bars[:, 0, 3]
    )


def test_a_warm_up_has_a_label_and_names_no_market() -> None:
    env: Any = gym.make(SIM, split="warmup", window=4)
    _, info = env.reset(seed=3)
    label = info["label"]
    _, reward, _, _, info = env.step(BUY)
    assert reward == pytest.approx(label - 0.001)
    assert {"label", "market_seed", "hidden_state"}.isdisjoint(info)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32])
@pytest.mark.parametrize("several", [list, tuple])
def test_whole_numbers_of_numpy_are_whole_numbers_in_lists_too(kind: Any, several: Any) -> None:
    given = {"markets": several([kind(1), kind(7)]), "window": kind(20)}
    found = facts_of(SIM, **given, antithetic=np.True_)
    assert found == facts_of(SIM, markets=[1, 7], window=20, antithetic=True)
    with pytest.raises(InvestorBenchError, match="each once"):
        gym.make(SIM, markets=several([kind(1), 1]))


def test_facts_have_the_horizon_and_records_of_others_do_not() -> None:
    facts = facts_of(SIM, horizon=np.int64(10))  # a whole number of NumPy is one
    assert type(facts.horizon) is int
    assert (facts.family, facts.symbols, facts.steps, facts.horizon) == (
        "Snapshot",
        ("SIM",),
        1,
        10,
    )
    assert facts.periods_a_year == pytest.approx(25.2)
    assert facts.values()["horizon"] == 10
    assert Facts(**facts.values()) == facts
    assert "horizon" not in facts_of("InvestorBench/Stock-SIM").values()


def test_coins_have_the_costs_and_the_year_of_coins() -> None:
    facts = facts_of("InvestorBench/Snapshot-Coins", data="simulated", horizon=5)
    assert (facts.symbols, facts.asset_class, facts.periods_a_year) == (("Coins",), "crypto", 73.0)
    assert facts.cost_rate == pytest.approx(0.0015)


def test_a_prompt_says_how_long_a_position_is_held_and_of_which_asset() -> None:
    env = TextObservation(gym.make(SIM, horizon=5))
    text, _ = env.reset(seed=4)
    assert "Decide once about one asset: SIM (stock), after the close of t." in text
    assert "at the open of the next session and held for 5 sessions, to the close of the" in text
    assert "sum of returns from the open of the next session to its close, then" in text
    assert "Recent news: 7 (3 positive, 0 neutral, 2 negative, 2 unlabelled)" in text
    assert "since the last decision" not in text and "Repeating" not in text
    day = TextObservation(gym.make(SIM, horizon=1)).reset(seed=4)[0]
    assert "at the open of the next session and held to its close." in day
    several = TextObservation(gym.make("InvestorBench/Snapshot-Coins", data="simulated"))
    for seed in range(0, 40, 8):
        text, info = several.reset(seed=seed)
        assert f"one asset: {info['symbol']} (crypto)" in text


def test_numbers_are_those_of_an_environment_of_one_asset() -> None:
    ours, stocks = (
        NumericObservation(gym.make(f"InvestorBench/{name}-SIM", window=6))
        for name in ("Snapshot", "Stock")
    )
    assert ours.feature_names == stocks.feature_names
    first, _ = ours.reset(seed=1)
    assert np.isfinite(first).all() and first in ours.observation_space
    assert ours.step(BUY)[0] in ours.observation_space


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon": 0}, "horizon=0 must be a whole number of at least 1"),
        ({"horizon": 251}, "at most 250"),
        ({"horizon": 2.5}, "horizon=2.5"),
        ({"horizon": 200}, "a horizon of 200 needs one more than its sessions"),
        ({"start": "2021-05-05", "end": "2021-05-06"}, "holds 2 session"),
        ({"document_sessions": 0}, "document_sessions=0"),
        ({"protocol": "paper"}, "protocol of a snapshot 'paper'; valid, nearest first: standard"),
        ({"episode_length": 3}, "a snapshot is one decision"),
        ({"cash_rate": 0.04}, "a snapshot is one decision"),
        ({"reward": "pnl"}, "unknown reward 'pnl'"),
        ({"reward": lambda before, after: 0.0}, "unknown reward"),
        ({"symbol": "SIM", "symbols": ["SIM"]}, "give one of them"),
        ({"symbols": "SIM"}, "must list the assets"),
        ({"symbols": []}, "must list the assets"),
        ({"symbols": "all"}, "lists those of a folder of data"),
        ({"knowledge_cutoff": "2020-12"}, "what is simulated never happened"),
        ({"knowledge_cutoff": "last year"}, "knowledge_cutoff"),
        ({"side": "before"}, "before' of what"),
        ({"side": "both", "knowledge_cutoff": "2020-12"}, "unknown side 'both'"),
    ],
)
def test_bad_input_gets_one_clear_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvestorBenchError) as raised:
        gym.make(SIM, **options)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_action_space_is_that_of_one_asset() -> None:
    env: Any = gym.make(SIM, window=2, action="weight")
    env.reset(seed=0)
    for action in (1.5, float("nan"), "buy"):
        with pytest.raises(InvestorBenchError):
            env.step(action)
    assert env.step(0.25)[2]


@pytest.mark.parametrize(
    ("action", "side", "held"), [(BUY, "buy", "long 100%"), (SELL, "sell", "short")]
)
def test_a_picture_shows_the_entry_and_the_account_over_the_horizon(
    action: int, side: str, held: str
) -> None:
    closes, opens = [9.0, 9.0, 11.0, 16.5, 13.2], [9.0, 9.0, 10.0, 1.0, 1.0]
    market = small_market(closes, opens=opens)
    own = {"data": market, "horizon": 3, "start": date(1), "end": date(4), "window": 3}
    env: Any = gym.make(ANY, render_mode="ansi", **own)
    env.reset(seed=0)
    assert "none yet" in env.render() and "flat" in env.render()
    _, reward, *_ = env.step(action)
    text = env.render()
    assert f"latest first: 01-03 {side} 10.00" in text
    assert held in text
    assert f"equity {100_000 * (1 + reward):,.0f}" in text
    with pytest.warns(UserWarning, match="already ended"):
        env.step(HOLD)
    assert env.render() == text
    marks = env.unwrapped._trail
    growth = [mark.equity / 100_000.0 - 1.0 for mark in marks]
    sign = action - 1
    assert growth == pytest.approx([0.0, *(sign * x - 0.001 for x in (0.1, 0.6, 0.4))])


def test_nothing_public_leads_to_the_seed_the_market_or_what_is_earned() -> None:
    env: Any = gym.make(SIM, window=5)
    seed = 123_456_789
    observation, info = env.reset(seed=seed)
    values = list(handed_out(env, observation, info))
    assert not [value for value in values if isinstance(value, (*ENGINE, SnapshotHistory))]
    assert seed not in seeds_in(iter(values))
    assert not hasattr(env.unwrapped, "earned")
    _, reward, *_ = env.step(BUY)
    assert env.unwrapped.earned == pytest.approx(reward + 0.001)
    numbers = {float(value) for value in values if isinstance(value, float)}
    assert not {reward, env.unwrapped.earned} & numbers
    market = market_of(SIM, seed, window=5)
    assert not set(market.bars[-5:, 0, 3].tolist()) & numbers
    assert market.bars[-6, 0, 3] in numbers

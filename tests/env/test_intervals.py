"""Bars of any length: the same environment on minutes, hours, sessions and weeks."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from investorbench_env.market import Market
from investorbench_env.wrappers import NumericObservation, TextObservation
from tests.env.small_markets import INTERVALS, bars_of, random_market, small_market
from tests.env.test_money import NO_COSTS, episode
from tests.env.test_registration import check_vector_env, check_wrapped

LENGTH, FIRST = 40, 7
each_interval = pytest.mark.parametrize("interval", INTERVALS)


def make(market: Market, **options: Any) -> Any:
    return gym.make("InvestorBench/Stock", **options_of(market), **options)


def options_of(market: Market) -> dict[str, Any]:
    start, end = str(market.sessions[FIRST]), str(market.sessions[-1])
    return {"data": market, "start": start, "end": end, "window": 5}


def market_of(interval: str) -> Market:
    return random_market(np.random.default_rng(5), LENGTH, interval)


def first_decision(market: Market) -> int:
    """The first bar of the session at which an episode starts."""
    return int(np.searchsorted(market.sessions, market.sessions[FIRST]))


def rising(interval: str) -> Market:
    """Closes 101, 102, … and opens at the close before."""
    closes = 101.0 + np.arange(LENGTH)
    return small_market(closes.tolist(), opens=closes - 1.0, **bars_of(interval, LENGTH))


@each_interval
@pytest.mark.parametrize("split", ["warmup", "test"])
def test_environments_on_bars_of_any_length_pass_the_checks(interval: str, split: str) -> None:
    market = market_of(interval)
    # Of a universe whose test is on other dates, within which no warm-up may lie.
    chosen = {"split": split, "universe": "Coins"}
    check_env(make(market, **chosen).unwrapped)
    check_wrapped(NumericObservation(make(market, **chosen)))
    check_wrapped(TextObservation(make(market, **chosen)))
    options = {**options_of(market), **chosen, "episode_length": 5}
    check_vector_env(lambda: gym.make_vec("InvestorBench/Stock", num_envs=3, **options))


@each_interval
def test_an_order_fills_at_the_open_of_the_next_bar(interval: str) -> None:
    market = rising(interval)
    infos = episode(make(market, **NO_COSTS), [2])
    first = first_decision(market)
    assert infos[1]["fills"][0].price == 101.0 + first
    assert infos[-1]["equity"] == pytest.approx(100_000 * (100.0 + LENGTH) / (101.0 + first))


@each_interval
def test_a_decision_is_dated_by_the_session_and_timed_by_the_end_of_its_bar(interval: str) -> None:
    market = rising(interval)
    infos = episode(make(market), [1])
    first = LENGTH - len(infos)
    assert [info["session"] for info in infos] == market.sessions[first:].astype(str).tolist()
    times = [np.datetime64(info["time"].removesuffix("+00:00"), "ns") for info in infos]
    assert (np.array(times) == market.times[first:]).all()
    sessions = len({info["session"] for info in infos})
    assert (sessions < len(infos)) == (interval in ("3m", "4h"))


@each_interval
def test_steps_left_are_bars(interval: str) -> None:
    market = market_of(interval)
    env = make(market)
    observation, _ = env.reset()
    first = first_decision(market)
    known = ~np.isnan(market.bars[first:, 0, 3])
    assert observation["account"][5] == LENGTH - 1 - first - int(np.argmax(known))
    assert env.unwrapped.facts.steps == known.sum() - 1


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ("3m", ["Decide once every 3 minutes and grow equity until the last bar.",
                "fills at the open of the next bar", "# Bar t: 2020-01-02 00:03\n", "\nbar  ",
                "Volatility: ", " a bar (", "over 3 bars", "Bars left after t: 33"]),
        ("4h", ["every 4 hours", "# Bar t: 2020-01-02 04:00\n"]),
        ("1d", ["Decide once a session, after its close, and", "# Session t: 2020-01-08\n",
                "over 3 sessions", "Sessions left after t: 32"]),
        ("1w", ["every week and", "# Bar t: 2020-02-23\n"]),
    ],
)  # fmt: skip
def test_a_text_calls_bars_by_their_length(interval: str, words: list[str]) -> None:
    text = TextObservation(make(rising(interval))).reset()[0]
    assert [part for part in words if part not in text] == []


def test_a_text_gives_times_in_the_zone_of_the_market() -> None:
    market = small_market([1.0] * LENGTH, timezone="America/New_York", **bars_of("3m", LENGTH))
    text = TextObservation(make(market)).reset()[0]
    assert "# Bar t: 2020-01-01 19:03\n" in text


@pytest.mark.parametrize(("interval", "unit"), [("1d", 0.1), ("1w", 0.1 * 7**0.5), ("4h", 0.0408)])
def test_the_features_of_short_bars_are_as_large_as_those_of_long_ones(
    interval: str, unit: float
) -> None:
    market = rising(interval)
    env = NumericObservation(make(market))
    features = dict(zip(env.feature_names, env.reset()[0].tolist(), strict=True))
    last = 101.0 + first_decision(market)
    assert features["log_close[t-1]"] == pytest.approx(np.log(1 - 1 / last) / unit, rel=1e-3)


@each_interval
@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_an_episode_of_any_bars_can_be_drawn(interval: str, mode: str) -> None:
    env = make(market_of(interval), render_mode=mode)
    env.reset()
    for action in (2, 1, 0):
        env.step(action)
    picture = env.render()
    assert len(picture) > 100 if mode == "ansi" else picture.shape[2] == 3


def test_a_picture_of_short_bars_says_the_time_of_a_decision() -> None:
    env = make(rising("3m"), render_mode="ansi")
    env.reset()
    env.step(2)
    assert "decision of 2020-01-02 00:06" in env.render()
    assert "latest first: 01-02 00:06 buy 107.00" in env.render()

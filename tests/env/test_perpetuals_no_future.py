"""Nothing that comes after a decision about perpetuals changes what is seen at it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.margin_bars import PerpetualBar
from investorbench_env.envs import perpetuals_history
from investorbench_env.envs.perpetuals import PerpetualsEnv
from investorbench_env.envs.perpetuals_features import MarketFigures, market_figures
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.market import Market
from investorbench_env.market.market import PERPETUAL
from tests.env.perpetual_markets import MINUTE, entry, perpetuals, random_perpetual_market
from tests.env.test_no_future import canonical, time_of

COINS = ("BTC", "ETH")
COUNT, CONTEXT = 40, 8
"""Bars of a market, and those that make a longer one."""
MINUTES = (1, 3, 15, 60)


def decided(info: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Entries and closes of sizes that fit the account, at random."""
    action: dict[str, Any] = {}
    for symbol in info["symbols"]:
        price, draw = info["account"].marks.get(symbol, 0.0), rng.random(5)
        if draw[0] < 0.2:
            action[symbol] = {"signal": "close_position"}
        elif draw[0] < 0.7 and price > 0.0:
            leverage, side = 5 + int(15 * draw[1]), 1 if draw[2] < 0.5 else -1
            quantity = side * info["cash"] * (0.1 + 0.5 * draw[3]) * leverage / price
            away = 0.08 * draw[4]
            plan = {
                "stop_loss": price * (1 - side * away), "profit_target": price * (1 + side * away)
            }  # fmt: skip
            stated = plan if draw[4] > 0.3 else {}
            action[symbol] = entry(quantity, leverage, confidence=float(draw[4]), **stated)
    return action


def seen_until(market: Market, last: np.datetime64, seed: int, **options: Any) -> list[Any]:
    """All that an agent meets up to the decision at a time, in canonical form."""
    env, rng = perpetuals(market, **options), np.random.default_rng(seed)
    observation, info = env.reset(seed=0)
    seen = [shown(observation, info)]
    is_last = False
    while not is_last:
        observation, reward, terminated, truncated, info = env.step(decided(info, rng))
        if time_of(info) > last:
            break
        seen.append((shown(observation, info), reward))
        is_last = terminated or truncated
    return seen


def shown(observation: Any, info: dict[str, Any]) -> Any:
    """What is seen, the label of the warm-up apart: it is the future by intention."""
    info = {name: value for name, value in info.items() if name != "label"}
    return canonical((observation, {**info, "history": dict(info["history"])}))


def other_future(market: Market, t: int, seed: int) -> Market:
    """The same market up to bar ``t``, and another one after it.

    So are its longer bars: the one in progress is finished by other bars.
    """
    minutes = int((market.times[1] - market.times[0]) / MINUTE)
    rng = np.random.default_rng(seed)
    other = random_perpetual_market(
        rng, market.symbols, minutes=minutes, context=CONTEXT, count=len(market.times)
    )
    after = slice(t + 1, None)
    arrays = {}
    for name in ("bars", "adjusted_close", *PERPETUAL):
        own, theirs = getattr(market, name), getattr(other, name)
        if own is not None and theirs is not None:
            arrays[name] = own.copy()
            arrays[name][after] = theirs[after]
    (length,) = market.intervals
    longer, wild = market.intervals[length], other.intervals[length]
    bars = longer.bars.copy()
    later = longer.times > market.times[t]
    bars[later] = wild.bars[later]
    context = replace(longer, bars=bars, adjusted_close=bars[..., 3])
    return replace(market, intervals={length: context}, **arrays)


def look_at(seed: int, **options: Any) -> None:
    """Change the future after a random decision; what was seen must be the same."""
    rng = np.random.default_rng(seed)
    minutes = int(rng.choice(MINUTES))
    market = random_perpetual_market(rng, COINS, minutes=minutes, context=CONTEXT, count=COUNT)
    t = int(rng.integers(2, COUNT - 2))
    (context,) = market.intervals
    given = {"context": context, "every": int(rng.choice([1, 1, 3])), "window": 4, **options}
    one, other = (
        seen_until(world, market.times[t], seed, **given)
        for world in (market, other_future(market, t, seed + 1))
    )
    assert one == other


def look_often(count: int) -> None:
    for seed in range(count):
        look_at(seed, margin="isolated" if seed % 3 else "cross")


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 2),
    split=st.sampled_from(["warmup", "test"]),
    rules=st.sampled_from(["season1", "baseline", "monk"]),
    margin=st.sampled_from(["isolated", "cross"]),
)
def test_the_future_changes_nothing_that_is_seen_of_perpetuals(
    seed: int, split: str, rules: str, margin: str
) -> None:
    look_at(seed, split=split, rules=rules, margin=margin)


@pytest.mark.long
def test_the_future_changes_nothing_in_many_markets_of_perpetuals() -> None:
    look_often(300)


def see_the_longer_bar_in_progress(patch: pytest.MonkeyPatch) -> None:
    def leaky(market: Market, assets: Any, context: str | None) -> MarketFigures:
        figures = market_figures(market, assets, context)
        return replace(figures, last=np.minimum(figures.last + 1, len(figures.context) - 1))

    patch.setattr(perpetuals_history, "market_figures", leaky)


def see_the_next_bar(patch: pytest.MonkeyPatch) -> None:
    at = MarketFigures.at
    patch.setattr(MarketFigures, "at", lambda self, t: at(self, min(t + 1, COUNT - 1)))


def know_the_next_funding(patch: pytest.MonkeyPatch) -> None:
    def leaky(market: Market, assets: Any, context: str | None) -> MarketFigures:
        figures = market_figures(market, assets, context)
        own = figures.own.copy()
        own[:-1, :, -1] = own[1:, :, -1]
        return replace(figures, own=own)

    patch.setattr(perpetuals_history, "market_figures", leaky)


def end_positions_by_the_bar_after(patch: pytest.MonkeyPatch) -> None:
    bar = PerpetualHistory.perpetual_bar

    def leaky(self: PerpetualHistory, t: int) -> PerpetualBar:
        later = bar(self, min(t + 1, COUNT - 1))
        return bar(self, t)._replace(high=later.high, low=later.low)

    patch.setattr(PerpetualHistory, "perpetual_bar", leaky)


def fill_what_will_rise_alone(patch: pytest.MonkeyPatch) -> None:
    bar = PerpetualHistory.perpetual_bar

    def leaky(self: PerpetualHistory, t: int) -> PerpetualBar:
        later = bar(self, min(t + 1, COUNT - 1))
        return bar(self, t)._replace(trades=later.close >= bar(self, t).close)

    patch.setattr(PerpetualHistory, "perpetual_bar", leaky)


def tell_the_label_in_the_test(patch: pytest.MonkeyPatch) -> None:
    show = PerpetualsEnv._shown

    def leaky(self: PerpetualsEnv) -> Any:
        observation, info = show(self)
        return observation, {**info, "hint": self._label()}

    patch.setattr(PerpetualsEnv, "_shown", leaky)


LEAKS = (
    see_the_longer_bar_in_progress,
    see_the_next_bar,
    know_the_next_funding,
    end_positions_by_the_bar_after,
    fill_what_will_rise_alone,
    tell_the_label_in_the_test,
)


@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_a_leak_that_is_planted_in_perpetuals_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        look_often(20)

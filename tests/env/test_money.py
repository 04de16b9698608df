"""Money: no step of any account makes some or loses some, and all forms agree to the bit."""

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market import Market
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.protocols import PAPER, STANDARD, Fills, Hold
from tests.env.small_markets import date, random_market, small_market

FIRST = 4
NO_COSTS = {"commission_bps": 0.0, "slippage_bps": 0.0}

HOLDS: tuple[Hold, ...] = ("keep", "flat")
FILLS: tuple[Fills, ...] = ("next_open", "close")
RULES: list[dict[str, Any]] = [
    *({"protocol": replace(PAPER, name="a weight", hold=hold)} for hold in HOLDS),
    *(
        {
            "protocol": replace(STANDARD, name="cash and units", hold=hold, fills=fills),
            "commission_bps": cost,
        }
        for hold in HOLDS
        for fills in FILLS
        for cost in (0.0, 5.0, 300.0)
    ),
]
"""Every combination of fields for which there is an account."""


def cash_rate(rules: dict[str, Any], rate: float) -> dict[str, float]:
    """What idle cash earns, where an account has cash."""
    return {"cash_rate": rate} if rules["protocol"].convention == "simple" else {}


OPTIONS = st.builds(
    lambda rules, rest, rate: {**rules, **rest, **cash_rate(rules, rate)},
    st.sampled_from(RULES),
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["trade", "weight"]),
            "long_only": st.booleans(),
            "initial_cash": st.sampled_from([1.0, 1e5, 3e12]),
        }
    ),
    st.sampled_from([0.0, 0.04, 1.0]),
)
SEEDS = st.integers(0, 2**32 - 1)


def make(market: Market, **options: Any) -> Any:
    first = options.pop("first", 0)
    return gym.make(
        "InvestorBench/Stock",
        **{
            "data": market, "window": 3,
            "start": date(first), "end": date(len(market.sessions) - 1), **options,
        },
    )  # fmt: skip


def random_actions(env: Any, rng: np.random.Generator) -> Any:
    """An endless series of valid actions; weights are often the extreme ones, or none."""
    while True:
        if isinstance(env.action_space, gym.spaces.Discrete):
            yield int(rng.integers(3))
        else:
            weight = float(rng.choice([env.action_space.low[0], 0.0, 1.0, rng.uniform(0.0, 1.0)]))
            yield np.array([weight], np.float32)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, options=OPTIONS)
def test_money_is_conserved_at_every_step(seed: int, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng)
    env = make(market, first=FIRST, **options)
    _, before = env.reset()
    t = session(before)
    growth, costs, ended = 1.0, 0.0, False
    for action in random_actions(env, rng):
        if ended:
            break
        _, reward, terminated, truncated, after = env.step(action)
        growth *= 1.0 + reward
        costs += after["cost"]
        s = session(after)
        if options["protocol"].convention == "simple":
            assert_spot_step(market, env, before, after, t, s)
        else:
            assert after["equity"] == pytest.approx(
                after["cash"] + after["position"] * after["equity"], rel=1e-12, abs=1e-12
            )
        assert after["equity"] / options["initial_cash"] == pytest.approx(growth, rel=1e-12)
        assert after["costs"] == pytest.approx(costs, rel=1e-12)
        assert terminated == (after["equity"] <= 0.0)
        ended, before, t = terminated or truncated, after, s


def assert_spot_step(
    market: Market, env: Any, before: dict[str, Any], after: dict[str, Any], t: int, s: int
) -> None:
    """From session t to s: shares, cash, notional and cost, worked out from the market alone."""
    close, shares, cash = market.bars[s, 0, CLOSE], before["position"], before["cash"]
    at_close = env.unwrapped.facts.fills == "close"
    fill = market.bars[t, 0, CLOSE] if at_close else market.bars[s, 0, OPEN]
    fill = close if np.isnan(fill) else fill
    bought = sum(each.quantity for each in after["fills"])
    if not at_close:
        shares, cash = held_over_ex_dates(market, shares, cash, t, s)
    interest = 0.0
    rate = (1.0 + env.unwrapped.facts.cash_rate) ** (1 / 252) - 1.0
    mark = market.bars[t, 0, CLOSE]
    if not at_close:
        interest = rate * max(before["equity"] - abs(before["position"] * mark), 0.0)
    was_ruined = cash + shares * fill <= 0.0
    scale = 1e-12 * max(abs(cash), abs(shares) * fill, 1e-9)
    assert after["notional"] == pytest.approx(abs(bought) * fill, rel=1e-9, abs=10 * scale)
    assert after["cost"] == env.unwrapped.facts.cost_rate * after["notional"]
    shares, cash = shares + bought, cash - bought * fill - after["cost"]
    if at_close:
        interest = rate * max(cash + shares * mark - abs(shares * mark), 0.0)
    cash += interest
    if at_close:
        shares, cash = held_over_ex_dates(market, shares, cash, t, s)
    assert after["position"] == pytest.approx(shares, rel=1e-12, abs=10 * scale / fill)
    assert after["cash"] == pytest.approx(cash, rel=1e-12, abs=10 * scale)
    assert after["equity"] == after["cash"] + after["position"] * close
    assert after["fill_price"] == (fill if after["notional"] else 0.0)
    if was_ruined:
        assert after["position"] == 0.0
        assert after["equity"] <= 0.0


def held_over_ex_dates(
    market: Market, shares: float, cash: float, t: int, s: int
) -> tuple[float, float]:
    for day in range(t + 1, s + 1):
        shares *= market.share_splits[day, 0]
        cash += shares * market.dividends[day, 0]
    return shares, cash


def session(info: dict[str, Any]) -> int:
    return int((np.datetime64(info["session"]) - np.datetime64(date(0))).astype(int))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, options=OPTIONS, reward=st.sampled_from(["return", "log_return", "pnl"]))
def test_scalar_and_vectorised_agree_to_the_bit(
    seed: int, options: dict[str, Any], reward: str
) -> None:
    rng = np.random.default_rng(seed)
    options = {**options, "data": random_market(rng), "reward": reward, "window": 3}
    options |= {"start": date(FIRST), "end": date(23), "split": "warmup"}
    numeric = ("bars", "account", "sentiment")
    id = "InvestorBench/Stock"
    many: Any = gym.make_vec(id, num_envs=3, **options)
    alone: Any = [gym.make(id, modalities=numeric, **options) for _ in range(3)]
    actions = [random_actions(env, rng) for env in alone]
    observation, info = many.reset()
    for n, env in enumerate(alone):
        assert_same(n, env.reset(), (observation, info))
    ended = [False] * 3
    # Beyond one episode, so that one which ended starts again.
    for _ in range(40):
        chosen = [next(source) for source in actions]
        observation, rewards, terminated, truncated, info = many.step(np.array(chosen))
        for n, env in enumerate(alone):
            if ended[n]:
                step = (0.0, False, False)
                seen, known = env.reset()
            else:
                seen, *step, known = env.step(chosen[n])
            assert_same(n, (seen, known), (observation, info))
            assert bits(step[0]) == bits(rewards[n])
            assert (terminated[n], truncated[n]) == tuple(step[1:])
            ended[n] = step[1] or step[2]


def assert_same(n: int, one: tuple[Any, Any], many: tuple[Any, Any]) -> None:
    """The observation and info of one environment, and those of number n among many."""
    observation, info = one
    assert observation.keys() == many[0].keys()
    for name, value in observation.items():
        assert value.dtype == many[0][name].dtype
        assert value.tobytes() == np.ascontiguousarray(many[0][name][n]).tobytes(), name
    for name, value in info.items():
        if isinstance(value, float):
            assert bits(value) == bits(many[1][name][n]), name
            assert many[1]["_" + name][n]
    assert info["session"] == str(many[1]["session"][n])
    if "label" not in info:
        assert not many[1]["_label"][n]


def bits(value: Any) -> bytes:
    return np.float64(value).tobytes()


def episode(env: Any, actions: Any) -> list[dict[str, Any]]:
    """The infos of an episode from its reset on; the last action is repeated until it ends."""
    _, info = env.reset()
    infos, ended = [info], False
    for action in actions:
        _, _, terminated, truncated, info = env.step(action)
        infos.append(info)
        ended = terminated or truncated
    while not ended:
        _, _, terminated, truncated, info = env.step(actions[-1])
        infos.append(info)
        ended = terminated or truncated
    return infos


def test_idle_cash_earns_its_rate_a_period_and_the_proceeds_of_a_short_sale_none() -> None:
    market = small_market([100.0, 100.0, 110.0, 121.0])
    rate = 1.05 ** (1 / 252) - 1.0
    flat = episode(make(market, cash_rate=0.05, **NO_COSTS), [1])
    expected = 100_000 * (1.0 + rate) ** np.arange(4)
    np.testing.assert_allclose([info["equity"] for info in flat], expected, rtol=1e-14)
    # What is idle at a decision has earned its rate at the next one, after the trade between them.
    half = episode(
        make(market, action="weight", cash_rate=0.05, **NO_COSTS),
        [np.array([0.5]), np.array([0.5])],
    )
    assert half[1]["cash"] == pytest.approx(50_000 + 100_000 * rate, rel=1e-14)
    short = episode(make(market, cash_rate=0.05, **NO_COSTS), [0])
    # Short with all of it only what it had earned before is idle, and once the price rose nothing.
    earned = 100_000 * rate, 100_000 * rate * (1 + rate)
    assert [info["equity"] for info in short[1:]] == pytest.approx(
        [100_000 + earned[0], 90_000 + earned[1], 79_000 + earned[1]], rel=1e-14
    )
    none = episode(make(market, **NO_COSTS), [1])
    assert [info["equity"] for info in none] == [100_000.0] * 4


def test_a_paper_account_has_no_cash_that_could_earn_anything() -> None:
    with pytest.raises(InvestorBenchError, match=r"protocol paper has no cash.*cash_rate"):
        make(small_market([100.0, 110.0]), protocol="paper", cash_rate=0.01)
    with pytest.raises(InvestorBenchError, match=r"cash_rate=4\.5 must be .* at most 1"):
        make(small_market([100.0, 110.0]), cash_rate=4.5)


def test_holding_without_costs_earns_the_growth_from_the_first_fill() -> None:
    market = small_market([100.0, 110.0, 99.0, 120.0], opens=[100.0, 105.0, 110.0, 100.0])
    last = episode(make(market, **NO_COSTS), [2])[-1]
    assert last["equity"] == pytest.approx(100_000 * 120 / 105, rel=1e-12)


def test_dividends_stay_in_cash_and_are_not_reinvested() -> None:
    market = small_market([100.0, 100.0, 100.0, 200.0], dividends={2: 10.0})
    last = episode(make(market, **NO_COSTS), [2])[-1]
    # 1,000 shares; reinvested, the 10,000 would have doubled with the price.
    assert last["cash"] == pytest.approx(10_000)
    assert last["equity"] == pytest.approx(210_000)


def test_a_short_position_pays_the_dividend() -> None:
    market = small_market([100.0, 100.0, 100.0], dividends={2: 10.0})
    infos = episode(make(market, **NO_COSTS), [0])
    assert infos[1]["position"] == -1000.0
    assert [info["equity"] for info in infos] == [100_000.0, 100_000.0, 90_000.0]


def test_the_dividend_of_the_fill_day_is_not_earned_by_the_order_that_fills_then() -> None:
    market = small_market([100.0, 100.0, 100.0], dividends={1: 10.0})
    assert episode(make(market, **NO_COSTS), [2])[1]["cash"] == 0.0


def test_a_split_changes_no_value() -> None:
    closes, opens = np.array([100.0, 104.0, 98.0, 103.0]), np.array([99.0, 101.0, 97.0, 102.0])
    ratio = np.array([1.0, 1.0, 4.0, 4.0])
    whole = episode(make(small_market(closes, opens=opens)), [2, 1, 0])
    cut = episode(make(small_market(closes / ratio, opens=opens / ratio, splits={2: 4.0})), [2, 1])
    for one, other in zip(whole[:3], cut[:3], strict=True):
        assert one["equity"] == pytest.approx(other["equity"], rel=1e-14)
    assert cut[2]["position"] == 4 * cut[1]["position"]


def test_a_dividend_after_a_split_in_a_gap_is_paid_on_the_new_shares() -> None:
    market = small_market([100.0, 100.0, np.nan, np.nan, 50.0], splits={2: 2.0}, dividends={3: 1.0})
    infos = episode(make(market, **NO_COSTS), [2])
    assert infos[1]["position"] == 1000.0
    assert (infos[2]["position"], infos[2]["cash"]) == (2000.0, 2000.0)


def test_costs_are_commission_and_slippage_on_traded_notional() -> None:
    market = small_market([100.0, 100.0, 100.0])
    first = episode(make(market, commission_bps=60.0, slippage_bps=40.0), [2])[1]
    # H + 0.01 H = 100,000
    assert first["notional"] == pytest.approx(100_000 / 1.01)
    assert first["cost"] == pytest.approx(1_000 / 1.01)
    assert first["equity"] == pytest.approx(99_000 + 10 / 1.01)


def test_an_account_that_is_ruined_is_closed_out_and_terminated() -> None:
    market = small_market([100.0, 100.0, 250.0, 100.0], opens=[100.0, 100.0, 220.0, 100.0])
    env = make(market, **NO_COSTS)
    infos = episode(env, [0])
    # Short 1,000 shares at 100: at an open of 220 they cost 20,000 more than there is.
    assert infos[-1]["equity"] == infos[-1]["cash"] == pytest.approx(-20_000)
    assert infos[-1]["position"] == 0.0
    assert len(infos) == 3


def test_an_order_fills_at_the_close_where_the_open_is_unknown() -> None:
    market = small_market([100.0, 110.0, 121.0], opens=[100.0, np.nan, 121.0])
    env = make(market, **NO_COSTS)
    infos = episode(env, [2])
    assert infos[1]["fill_price"] == 110.0
    assert env.unwrapped.facts.fills == "next_open"
    assert infos[2]["equity"] == pytest.approx(110_000)


def test_an_order_before_a_gap_fills_at_the_next_bar_there_is() -> None:
    market = small_market([100.0, np.nan, 120.0, 120.0], opens=[100.0, 1.0, 110.0, 120.0])
    infos = episode(make(market, **NO_COSTS), [2])
    assert infos[1]["session"] == date(2)
    assert infos[1]["fill_price"] == 110.0


def test_paper_earns_weight_times_log_return_and_hold_is_flat() -> None:
    market = small_market([100.0, 110.0, 99.0, 120.0])
    infos = episode(make(market, protocol="paper"), [2, 1, 0])
    up, down = np.log(1.1), np.log(120 / 99)
    equity = 100_000 * np.array([1.0, 1 + up, 1 + up, (1 + up) * (1 - down)])
    np.testing.assert_allclose([info["equity"] for info in infos], equity, rtol=1e-12)
    assert [info["position"] for info in infos] == [0.0, 1.0, 0.0, -1.0]


def test_selling_means_cash_where_the_task_is_long_only() -> None:
    market = small_market([100.0, 100.0, 110.0, 120.0])
    infos = episode(make(market, long_only=True, **NO_COSTS), [2, 0, 0])
    assert [info["position"] for info in infos] == [0.0, 1000.0, 0.0, 0.0]
    assert infos[-1]["equity"] == pytest.approx(110_000)


def test_repeating_a_signal_trades_nothing() -> None:
    market = small_market([100.0, 100.0, 130.0, 90.0, 95.0])
    infos = episode(make(market), [2, 2, 2, 2])
    assert [info["notional"] > 0 for info in infos] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        ("return", 0.1),
        ("log_return", np.log(1.1)),
        ("pnl", 10_000.0),
        (lambda before, after: (after - before) / 1000, 10.0),
    ],
)
def test_the_reward_is_what_was_asked_for(reward: Any, expected: float) -> None:
    market = small_market([100.0, 110.0, 110.0], opens=[100.0, 100.0, 110.0])
    env = make(market, reward=reward, **NO_COSTS)
    env.reset()
    assert env.step(2)[1] == pytest.approx(expected)


def test_an_account_that_is_worth_exactly_nothing_does_not_disturb_the_others() -> None:
    market = small_market([100.0, 100.0, 200.0, 100.0, 110.0, 120.0])
    options = {"data": market, "start": date(0), "end": date(5), **NO_COSTS}
    many = gym.make_vec("InvestorBench/Stock", num_envs=2, **options)
    many.reset()
    many.step(np.array([0, 2]))
    _, rewards, terminated, _, _ = many.step(np.array([1, 1]))
    assert rewards.tolist() == [-1.0, 1.0]
    assert terminated.tolist() == [True, False]
    _, rewards, terminated, _, info = many.step(np.array([2, 1]))
    assert rewards.tolist() == [0.0, -0.5]
    assert terminated.tolist() == [False, False]
    assert info["session"].astype(str).tolist() == [date(0), date(3)]


def test_the_log_return_of_ruin_is_a_finite_loss() -> None:
    market = small_market([100.0, 100.0, 250.0, 100.0])
    env = make(market, reward="log_return")
    env.reset()
    env.step(0)
    _, reward, terminated, _, _ = env.step(1)
    assert terminated
    assert np.isfinite(reward)
    assert reward < -5.0

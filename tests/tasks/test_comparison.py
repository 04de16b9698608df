"""What a table says of its agents: all that exists, reasons for the rest, and none in the way."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.metrics import performance
from investorbench.tasks.statistics import (
    Comparison,
    Estimate,
    ReturnsError,
    Tested,
    compare_agents,
    compare_two,
    filled_up,
)
from investorbench.tasks.statistics.agents import RUINED
from investorbench.tasks.statistics.contrasts import NO_DIFFERENCE
from investorbench.tasks.statistics.estimate import CONSTANT, IDENTICAL, ONE_RATIO
from investorbench.tasks.statistics.lineup import IS_BENCHMARK, NO_BENCHMARK
from investorbench.tasks.statistics.pairs import IS_TWIN
from investorbench_env.errors import UnknownNameError

FloatArray = npt.NDArray[np.float64]
DAYS = 80
GROWN = 1e5 * 1.0007 ** np.arange(DAYS + 1)
GROWING = GROWN[1:] / GROWN[:-1] - 1.0
"""Returns that are equal but for the rounding of what they are computed from."""
Tested.__test__ = False  # type: ignore[attr-defined]


def market(seed: int = 1, days: int = DAYS) -> FloatArray:
    return 0.001 + 0.02 * np.random.default_rng(seed).standard_t(6, days)


def agents(number: int, repeats: int = 2, seed: int = 2, days: int = DAYS) -> dict[str, FloatArray]:
    """Agents on one market, and Buy & Hold."""
    rng, held = np.random.default_rng(seed), market(days=days)
    runs = {
        f"agent {n}": 0.6 * held + 0.01 * rng.standard_t(5, (repeats, days)) for n in range(number)
    }
    return {**runs, "hold": held[None]}


def compared(
    runs: dict[str, FloatArray], benchmark: str | None = "hold", **more: Any
) -> Comparison:
    return compare_agents(runs, benchmark, 252, jointly=False, **{"draws": 199, **more})


def of_pairs(found: Comparison) -> dict[frozenset[str], Tested]:
    return {frozenset(pair.names): pair for pair in found.pairs}


# What is said.


def test_a_comparison_has_everything_of_all_agents_and_pairs() -> None:
    runs = agents(3, repeats=3)
    runs["cash"] = np.zeros((1, DAYS))
    found = compare_agents(
        runs,
        "hold",
        252,
        random_sharpes=np.linspace(-3, 3, 50),
        matched_sharpes={"agent 0": np.linspace(-3, 3, 40), "agent 1": "unknown"},
        draws=199,
    )
    others = ["agent 0", "agent 1", "agent 2", "cash"]
    assert list(found.agents) == list(runs) and list(found.against) == others
    assert [pair.names for pair in found.pairs[:5]] == [
        *((name, "hold") for name in others),
        ("agent 0", "agent 1"),
    ]
    assert len(found.pairs) == 10 and found.rank_sets.keys() == runs.keys()
    assert (found.days, found.markets, found.bootstrap.draws) == (DAYS, 0, 199)
    assert found.smallest_p == 1 / 200
    for name in others[:3]:
        agent, every = found.agents[name], performance(runs[name], "simple", 252)
        assert agent.sr.value == pytest.approx(np.mean(every["SR"]))
        assert agent.cr.value == pytest.approx(np.mean(every["CR"]))
        assert agent.best.value == pytest.approx(agent.sr.value)
        for cell in (agent.sr, agent.cr, agent.alpha, agent.beta, agent.appraisal,
                     agent.correlation, agent.excess, agent.information_ratio):  # fmt: skip
            assert cell.low < cell.value < cell.high  # type: ignore[operator]
        assert agent.excess.p_value is None and agent.information_ratio.p_value is None
        assert (agent.scope, agent.repeats, agent.idle_repeats) == ("agent", 3, 0)
        assert agent.alpha == found.against[name].difference
        assert None not in (agent.variance.path, agent.variance.repeat, agent.variance.error)
        pair = of_pairs(found)[frozenset((name, "hold"))]
        assert pair.difference.value == pytest.approx(
            agent.sr.value - found.agents["hold"].sr.value
        )  # type: ignore[operator]
        assert (pair.days.value is None) is (pair.days.reason is not None)
        assert pair.jobson_korkie.reason is not None
    assert found.agents["agent 0"].random.value is not None
    assert found.agents["agent 1"].random.reason == "unknown"
    assert found.agents["hold"].beta.reason == IS_BENCHMARK
    assert found.luck.trials == 3 and found.superior.p_value is not None
    again = compare_agents(runs, "hold", 252, jointly=False, draws=199)
    assert again.pairs == found.pairs and again.against == found.against


def test_alpha_and_beta_are_those_of_least_squares_and_ratios_those_of_a_year() -> None:
    runs, cash = agents(1, repeats=1), 1.04 ** (1 / 252) - 1.0
    found = compared(runs, cash_rate=0.04).agents["agent 0"]
    own, held = runs["agent 0"][0] - cash, runs["hold"][0] - cash
    slope, intercept = np.polyfit(held, own, 1)
    assert found.beta.value == pytest.approx(slope)
    assert found.alpha.value == pytest.approx(intercept * 252)
    assert found.excess.value == pytest.approx((own - held).mean() * 252)
    assert found.correlation.value == pytest.approx(np.corrcoef(own, held)[0, 1])
    assert found.sr.value == pytest.approx(own.mean() / own.std(ddof=1) * math.sqrt(252))
    left = own - intercept - slope * held
    deviation = math.sqrt(np.sum(left**2) / (DAYS - 2))
    assert found.appraisal.value == pytest.approx(intercept / deviation * math.sqrt(252))


def test_a_row_of_one_repeat_speaks_of_this_run_and_of_more_of_the_agent() -> None:
    one, two = agents(1, repeats=1), agents(1, repeats=2)
    assert compared(one).agents["agent 0"].scope == "run"
    assert compared(one).pairs[0].jobson_korkie.p_value is not None
    assert compared(two).agents["agent 0"].scope == "agent"


def test_a_repeat_that_never_invested_counts_as_0_and_is_counted() -> None:
    runs = agents(1, repeats=2)
    whole = compared(runs).agents["agent 0"]
    runs["agent 0"] = np.vstack([runs["agent 0"], np.zeros((2, DAYS))])
    half = compared(runs).agents["agent 0"]
    assert half.sr.value == pytest.approx(whole.sr.value / 2)  # type: ignore[operator]
    assert (half.idle_repeats, half.repeats, whole.idle_repeats) == (2, 4, 0)


def test_more_repeats_narrow_what_days_alone_leave_open() -> None:
    widths = []
    for repeats in (2, 20):
        sr = compared(agents(1, repeats=repeats)).agents["agent 0"].sr
        widths.append(sr.high - sr.low)  # type: ignore[operator]
    assert widths[1] < widths[0]


def test_an_interval_of_a_return_does_not_reach_below_the_loss_of_everything() -> None:
    wild = 0.15 * np.random.default_rng(3).normal(size=(1, DAYS))
    cr = compared({"wild": wild, "hold": market()[None]}).agents["wild"].cr
    assert -1.0 < cr.low < cr.value < cr.high  # type: ignore[operator]
    assert cr.high - cr.value > cr.value - cr.low  # type: ignore[operator]


# Reasons.


def test_cash_and_a_ruined_account_have_the_figures_that_exist() -> None:
    ruined = filled_up(np.append(market()[:30], -1.2), DAYS)
    runs = {**agents(1), "cash": np.zeros((1, DAYS)), "even": GROWING[None], "lost": ruined[None]}
    found = compared(runs)
    for name in ("cash", "even"):
        agent = found.agents[name]
        assert agent.sr == Estimate(value=0.0, reason=CONSTANT) and agent.cr.low is None
        assert agent.cr.value == pytest.approx(float(np.prod(1.0 + runs[name]) - 1.0))
        assert found.against[name].difference.reason == CONSTANT
        assert found.rank_sets[name] == (1, 5) and agent.idle_repeats == 1
    lost = found.agents["lost"]
    assert lost.cr == Estimate(value=float(np.prod(1.0 + ruined) - 1.0), reason=RUINED)
    assert lost.sr.low is not None and lost.alpha.p_value is not None
    assert filled_up(np.array([0.1, -1.2]), 4).tolist() == [0.1, -1.2, 0.0, 0.0]


@pytest.mark.parametrize(
    ("runs", "benchmark", "reason"),
    [
        ({"a": market(days=1)[None], "hold": market(2, 1)[None]}, "hold", "1 returns, at least 20"),
        ({"a": market(days=19)[None], "b": market(2, 19)[None]}, None, "19 returns, at least 20"),
        ({"a": np.full((1, 30), np.nan), "b": market(2, 30)[None]}, None, "not finite"),
        ({"a": np.zeros((2, 30)), "hold": np.zeros((1, 30))}, "hold", CONSTANT),
    ],
)
def test_returns_that_carry_no_statistic_have_the_reason_everywhere(
    runs: dict[str, FloatArray], benchmark: str | None, reason: str
) -> None:
    found = compared(runs, benchmark)
    agent = found.agents["a"]
    cells = [getattr(agent, each.name) for each in fields(agent) if each.type is Estimate]
    for cell in (*cells, *(pair.difference for pair in found.pairs), found.days_of_best):
        assert cell.low is None and cell.p_value is None and cell.reason
    assert agent.sr.reason is not None and reason in agent.sr.reason
    assert agent.variance.reason is not None and found.luck.reason


def test_without_a_benchmark_and_alone_there_is_what_can_be() -> None:
    runs = agents(2)
    del runs["hold"]
    found = compared(runs, None)
    assert found.against == {} and len(found.pairs) == 1
    assert found.agents["agent 0"].beta.reason == NO_BENCHMARK
    assert found.pairs[0].adjusted_p is not None
    alone = compared({"agent 0": runs["agent 0"]}, None)
    assert alone.pairs == () and alone.rank_sets == {"agent 0": (1, 1)}
    assert alone.agents["agent 0"].sr.low is not None
    assert compared({"hold": market()[None]}).agents["hold"].alpha.reason == IS_BENCHMARK


def test_the_same_runs_and_multiples_of_one_another_have_no_difference() -> None:
    runs = agents(1)
    runs |= {"copy": runs["agent 0"][::-1], "half": runs["agent 0"] / 2, "twin": runs["hold"]}
    found = compared(runs)
    pairs = of_pairs(found)
    reasons = {
        frozenset(("agent 0", "copy")): IDENTICAL,
        frozenset(("agent 0", "half")): ONE_RATIO,
        frozenset(("hold", "twin")): IS_TWIN,
    }
    for names, reason in reasons.items():
        assert pairs[names].difference == Estimate(reason=reason)
        assert pairs[names].adjusted_p is None
    assert found.agents["twin"].is_twin and found.against["twin"].difference.reason == IS_TWIN
    assert found.agents["twin"].deflated.reason == IS_TWIN
    assert found.rank_sets["twin"] == found.rank_sets["hold"]
    assert found.luck.trials == 2  # the copy adds nothing, nor does the twin


def test_a_benchmark_that_is_not_there_and_runs_without_returns_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="buy_and_hold"):
        compare_agents({"buy_and_hold": market()[None]}, "buy and hold", 252)
    with pytest.raises(ReturnsError, match="at least one of each"):
        compare_agents({"a": market()}, None, 252)
    with pytest.raises(ReturnsError, match="of 30, 31 days"):
        compare_agents({"a": market(days=30)[None], "b": market(days=31)[None]}, None, 252)
    with pytest.raises(ReturnsError, match="different markets"):
        compare_agents(
            {"a": [market(days=30), market(days=40)], "b": [market(days=40), market(days=30)]},
            None, 252, unit="market",
        )  # fmt: skip


def test_repeats_that_cancel_each_other_on_every_day_leave_nothing_to_test() -> None:
    even = market() - market().mean()
    found = compared({**agents(1), "both sides": np.array([even, -even])})
    agent = found.agents["both sides"]
    assert agent.sr.value == pytest.approx(0.0) and agent.sr.reason == NO_DIFFERENCE
    assert agent.probabilistic.reason == agent.track_record.reason == NO_DIFFERENCE
    assert found.against["both sides"].adjusted_p == 1.0


# Who else is there.


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(2, 4), repeats=st.integers(1, 3))
def test_neither_order_nor_names_nor_copies_change_anything_of_others(
    seed: int, number: int, repeats: int
) -> None:
    runs = agents(number, repeats, seed)
    rng = np.random.default_rng(seed)
    found = compared(runs, draws=59)
    copied = {f"a copy {n}": rng.permutation(own) for n, own in enumerate(runs.values())}
    shuffled = {name: rng.permutation(own) for name, own in runs.items()}
    mixed = {**copied, **dict(reversed(shuffled.items()))}
    beside = compared(mixed, draws=59)
    before, after = of_pairs(found), of_pairs(beside)
    for names, pair in before.items():
        assert after[names].adjusted_p == pair.adjusted_p
        same = after[names] if after[names].names == pair.names else None
        if same is not None:
            assert same.difference == pair.difference and same.days == pair.days
    for name in runs:
        assert beside.agents[name].sr == found.agents[name].sr
        assert beside.agents[name].cr == found.agents[name].cr
        if name != "hold":
            assert beside.against[name] == found.against[name]
            assert beside.agents[name].deflated == found.agents[name].deflated
    clear = {names for names, pair in before.items() if (pair.adjusted_p or 1.0) <= 0.05}
    assert clear == {names for names in before if (after[names].adjusted_p or 1.0) <= 0.05}


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    repeats=st.integers(1, 5),
    rounding=st.sampled_from([1e-16, 1e-14, 1e-12, 1e-10]),
)
def test_copies_that_differ_by_rounding_are_copies(
    seed: int, repeats: int, rounding: float
) -> None:
    runs, rng = agents(3, repeats, seed), np.random.default_rng(seed)
    bought = rng.random((repeats, DAYS)) < 0.5
    runs["at times"] = bought * market()
    found = compared(runs, draws=59)
    copied = {
        f"copy {n}": own[::-1] + rounding * rng.standard_normal(own.shape)
        for n, own in enumerate(runs.values())
    }
    beside = compared({**runs, **copied}, draws=59)
    assert beside.luck.trials == found.luck.trials == 4
    for name in runs:
        if name != "hold":
            assert beside.against[name].adjusted_p == pytest.approx(found.against[name].adjusted_p)
            before, after = (each.agents[name].deflated.value for each in (found, beside))
            assert after == pytest.approx(before, abs=1e-6)


def test_an_own_interval_does_not_depend_on_who_else_is_there() -> None:
    runs = agents(4)
    few = {name: runs[name] for name in ("agent 2", "hold")}
    for part in ("sr", "cr", "beta", "excess"):
        one, other = (getattr(compared(each).agents["agent 2"], part) for each in (runs, few))
        ends = ([each.low, each.value, each.high] for each in (one, other))
        first, second = ends
        assert first == pytest.approx(second, rel=1e-9)


def test_ranks_are_what_the_tests_of_pairs_leave_open() -> None:
    rng = np.random.default_rng(5)
    common = rng.normal(0.0, 0.01, 300)
    runs = {f"agent {n}": (common + rng.normal(0.0, 0.002, 300))[None] for n in range(12)}
    runs["hold"] = common[None] + 0.0
    runs["agent 3"] = runs["agent 3"] + 0.0011
    runs["agent 7"] = runs["agent 7"] - 0.0011
    found = compared(runs, draws=999)
    pair = of_pairs(found)[frozenset(("agent 3", "agent 7"))]
    # 78 pairs; nothing but the draws limits how small a p-value may be.
    assert pair.adjusted_p == found.smallest_p == 0.001
    assert found.rank_sets["agent 3"][0] == 1 and found.rank_sets["agent 7"][1] == 13
    better = sum(
        (pair.adjusted_p or 1.0) <= 0.05
        and (pair.difference.value or 0.0) * (1 if pair.names[0] == "agent 7" else -1) < 0.0
        for names, pair in of_pairs(found).items()
        if "agent 7" in names
    )
    assert found.rank_sets["agent 7"][0] == 1 + better > 2


# Markets.


@pytest.mark.parametrize(("markets", "reason"), [(2, "2 markets, at least 4"), (6, None)])
def test_where_each_repeat_has_a_market_of_its_own_markets_are_drawn(
    markets: int, reason: str | None
) -> None:
    rng = np.random.default_rng(6)
    held = [market(seed, 40 + seed) for seed in range(markets)]
    own = [0.5 * each + 0.01 * rng.normal(size=len(each)) + 0.004 for each in held]
    found = compare_agents(
        {"a": own, "hold": held}, "hold", 252, unit="market", draws=499, jointly=False
    )
    agent, days = found.agents["a"], sum(map(len, held))
    ratios = [each.mean() / each.std(ddof=1) * math.sqrt(252) for each in own]
    assert agent.sr.value == pytest.approx(np.mean(ratios))
    assert (found.markets, found.days) == (markets, days)
    if reason:
        assert agent.sr.reason is not None and reason in agent.sr.reason
        assert found.pairs[0].difference.reason == agent.sr.reason
    else:
        assert agent.sr.low < agent.sr.value < agent.sr.high  # type: ignore[operator]
        slopes = [np.polyfit(h, o, 1) for h, o in zip(held, own, strict=True)]
        assert agent.alpha.value == pytest.approx(252 * np.mean([s[1] for s in slopes]))
        assert found.pairs[0].adjusted_p is not None
        assert agent.variance.reason is not None


def test_of_a_single_market_days_are_drawn() -> None:
    runs = {name: [own[0]] for name, own in agents(1, repeats=1).items()}
    one = compare_agents(runs, "hold", 252, unit="market", draws=99, jointly=False)
    assert one.markets == 0 and one.agents["agent 0"].sr.low is not None
    assert one == compare_agents(runs, "hold", 252, draws=99, jointly=False)


# Two runs.


def test_two_runs_are_compared_by_the_means_over_their_repeats() -> None:
    runs = agents(2, repeats=3)
    first, second = runs["agent 0"], runs["agent 1"][:2]
    found = compare_two(first, second, 252, draws=199)
    for part, key in (("sr", "SR"), ("cr", "CR")):
        one, other = (np.mean(performance(each, "simple", 252)[key]) for each in (first, second))
        cell = getattr(found, part)
        assert cell.value == pytest.approx(one - other)
        assert (cell.low <= 0.0 <= cell.high) is (cell.p_value > 0.05)
    assert found.scope == "agent" and found.jobson_korkie.reason
    turned = compare_two(second, first, 252, draws=199)
    assert turned.sr.p_value == found.sr.p_value
    assert turned.sr.low == pytest.approx(-found.sr.high)  # type: ignore[operator]
    alone = compare_two(first[:1], second[:1], 252, draws=199)
    assert alone.scope == "run" and alone.jobson_korkie.p_value is not None


@pytest.mark.parametrize(
    ("other", "sr", "cr"),
    [
        (lambda a: a, IDENTICAL, IDENTICAL),
        (lambda a: a / 2.0, ONE_RATIO, None),
        (lambda a: a * 0.0, CONSTANT, CONSTANT),
        (lambda a: np.where(np.arange(DAYS) == 9, -1.1, a), None, RUINED),
    ],
)
def test_two_runs_without_a_difference_to_test_have_the_reason(
    other: Any, sr: str | None, cr: str | None
) -> None:
    run = agents(1, repeats=1)["agent 0"]
    found = compare_two(run, other(run), 252, draws=99)
    assert (found.sr.reason, found.cr.reason) == (sr, cr)
    assert found.sr.value is not None and found.cr.value is not None

"""Races that stop when the answer is known: boundaries, sequences, who leaves and who may not."""

from collections.abc import Mapping
from math import exp, log, pi, sqrt
from typing import Any

import numpy as np
import pytest

from investorbench.tasks.statistics.sequential import Look, Race, Stopping, StoppingError
from investorbench.tasks.statistics.sequential.anytime import critical_at, empirical_bernstein
from investorbench.tasks.statistics.sequential.intervals import around
from investorbench.tasks.statistics.sequential.spending import (
    Boundary,
    chance_left,
    error_spent,
    in_students,
)
from investorbench_env.errors import InvestorBenchError

ONE_PAIR = np.array([[0], [1]])
NAMES = ("weak", "fair", "strong")


def drawn(skills: Mapping[str, float], number: int, seed: int = 7) -> dict[str, np.ndarray]:
    """Scores that share what the market does."""
    rng = np.random.default_rng(seed)
    market = 2.0 * rng.standard_normal(number)
    return {name: market + skill + rng.standard_normal(number) for name, skill in skills.items()}


def raced(race: Race, scores: Mapping[str, np.ndarray], size: int = 25) -> list[Look]:
    """The looks of a race, round after round."""
    looks: list[Look] = []
    while not race.last.end:
        until = size * (len(looks) + 1)
        looks.append(race.look({name: scores[name][:until] for name in race.last.going}))
    return looks


def test_boundaries_of_five_looks_are_those_of_lan_and_demets() -> None:
    boundary = Boundary(pairs=ONE_PAIR, most=500, alpha=0.05)
    scores = np.random.default_rng(3).standard_normal((2, 500))
    found = [boundary.look(number, scores).now for number in range(100, 501, 100)]
    assert found == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=0.04)
    assert error_spent(0.2, 0.05) == pytest.approx(1.08e-6, rel=0.02)


def test_one_look_at_thirteen_agents_has_the_boundary_of_tukey() -> None:
    scores = np.random.default_rng(3).standard_normal((13, 50_000))
    pairs = Stopping(until="ranked", most=100).pairs([str(each) for each in range(13)])
    found, at_end = Boundary(pairs=pairs, most=100, alpha=0.05).look(100, scores)
    assert found == pytest.approx(4.685 / sqrt(2.0), abs=0.03)  # studentised range, 13 means
    assert at_end == pytest.approx(found, abs=0.001)


def test_equal_agents_neither_break_the_boundary_nor_widen_it_for_others() -> None:
    scores = np.random.default_rng(3).standard_normal((2, 400))
    doubled = np.array([scores[0], scores[0], scores[1]])
    pairs = Stopping(until="ranked", most=100).pairs(["a", "b", "c"])
    found, _ = Boundary(pairs=pairs, most=100, alpha=0.05).look(100, doubled)
    assert 2.15 < found < 2.4  # of two independent differences, 2.24


@pytest.mark.parametrize(
    ("number", "normal", "exact"), [(20, 2.0, 2.140494), (25, 4.0, 4.833996), (150, 3.0, 3.051122)]
)
def test_boundaries_are_widened_as_students_law_asks(
    number: int, normal: float, exact: float
) -> None:
    assert in_students(normal, number) == pytest.approx(exact, rel=0.002)  # exact by SciPy


def test_a_confidence_sequence_starts_where_robbins_boundary_has_its_error() -> None:
    a = critical_at(100, 0.05)
    density, above = exp(-a * a / 2) / sqrt(2 * pi), 0.5 - _integral(a)
    assert 2 * (above + a * density) == pytest.approx(0.05, abs=1e-9)
    assert critical_at(300, 0.05) == pytest.approx(sqrt(a * a + log(3.0)))
    assert critical_at(99, 0.05) == float("inf")


def _integral(upper: float, steps: int = 20_000) -> float:
    """Of the normal density from 0, by Simpson's rule."""
    at = np.linspace(0.0, upper, steps + 1)
    weights = np.ones(steps + 1)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return float((weights * np.exp(-at * at / 2)).sum() * upper / steps / 3 / sqrt(2 * pi))


def test_the_empirical_bernstein_sequence_is_that_of_a_loop() -> None:
    values = np.random.default_rng(5).uniform(-2.0, 1.0, 60)
    unit = [(value + 3.0) / 5.0 for value in values]
    mean, spread, weighted, weights, charge = 0.5, 0.25, 0.0, 0.0, 0.0
    for t, value in enumerate(unit, 1):
        weight = min(0.5, sqrt(2 * log(2 / 0.05) / (spread * t * log(1 + t))))
        charge += 4 * (value - mean) ** 2 * (-log(1 - weight) - weight) / 4
        weighted, weights = weighted + weight * value, weights + weight
        so_far = unit[:t]
        mean = (0.5 + sum(so_far)) / (t + 1)
        # Every deviation is from the mean as it was known then.
        means = [(0.5 + sum(unit[:k])) / (k + 1) for k in range(1, t + 1)]
        spread = (0.25 + sum((x - m) ** 2 for x, m in zip(so_far, means, strict=True))) / (t + 1)
    margin = (log(2 / 0.05) + charge) / weights
    low, high = empirical_bernstein(values[None], -3.0, 2.0, 0.05)
    assert (low[0] + 3.0) / 5.0 == pytest.approx(weighted / weights - margin, abs=1e-12)
    assert (high[0] + 3.0) / 5.0 == pytest.approx(weighted / weights + margin, abs=1e-12)


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("until", ["best", "ranked", "distinguished"])
def test_a_planted_order_is_found_before_the_end(until: Any, anytime: bool) -> None:
    reference = "fair" if until == "distinguished" else None
    rule = Stopping(until=until, most=2000, reference=reference, anytime=anytime)
    looks = raced(Race(stopping=rule, names=NAMES), drawn({"weak": 0, "fair": 1, "strong": 2}, 900))
    assert looks[-1].end == "answered"
    worse = {(pair.names, pair.worse) for pair in looks[-1].pairs if pair.worse}
    assert (("fair", "strong"), "fair") in worse or (("strong", "fair"), "fair") in worse
    assert {pair.worse for pair in looks[-1].pairs} <= {"weak", "fair", None}
    assert looks[-1].left.keys() == set(NAMES)
    assert max(looks[-1].observations.values()) < 900


def test_losers_leave_a_race_for_the_best_and_are_not_looked_at_again() -> None:
    scores = drawn({"weak": 0, "fair": 2.8, "strong": 3}, 3000)
    race = Race(stopping=Stopping(until="best", most=3000), names=NAMES)
    looks = raced(race, scores)
    gone = next(look for look in looks if "weak" in look.left)
    assert gone.left["weak"].startswith("worse than") and gone.going == ("fair", "strong")
    assert looks[-1].observations["weak"] == gone.observations["weak"] < 500
    assert "fair" in looks[-1].left["strong"]


def test_a_race_is_resumed_by_looking_again() -> None:
    scores = drawn({"weak": 0, "fair": 0.5, "strong": 1}, 2000)
    rule = Stopping(until="ranked", most=2000)
    whole = raced(Race(stopping=rule, names=NAMES), scores)
    again = Race(stopping=rule, names=NAMES)
    for look in whole:
        until = max(look.observations.values())
        assert again.look({name: row[:until] for name, row in scores.items()}) == look


def test_nothing_is_said_of_agents_that_are_the_same() -> None:
    scores = drawn({"one": 0.0}, 400)["one"]
    for anytime in (False, True):
        race = Race(stopping=Stopping(until="best", most=400, anytime=anytime), names=("a", "b"))
        last = raced(race, {"a": scores, "b": scores})[-1]
        assert last.end == "exhausted"
        assert last.pairs[0].standing == "open" and last.pairs[0].high == float("inf")


def test_no_difference_of_interest_is_not_waited_for() -> None:
    scores = drawn({"a": 0.0, "b": 0.0}, 4000, seed=11)
    planned = Stopping(until="ranked", most=700, smallest=0.15)
    last = raced(Race(stopping=planned, names=("a", "b")), scores)[-1]
    assert last.pairs[0].standing == "futile" and last.observations["a"] < 700
    assert last.left["a"] == "would hardly be distinguished any more from b"
    anytime = Stopping(until="ranked", most=4000, smallest=0.3, anytime=True)
    last = raced(Race(stopping=anytime, names=("a", "b")), scores)[-1]
    assert last.pairs[0].standing == "close" and last.observations["a"] < 4000
    assert -0.3 < last.pairs[0].low < last.pairs[0].high < 0.3


def test_conditional_power_is_that_of_normal_paths() -> None:
    rng = np.random.default_rng(5)
    ends = 60 * 0.05 + 140 * 0.2 + sqrt(140) * rng.standard_normal(200_000)
    simulated = float((ends > 1.96 * sqrt(200)).mean())
    assert chance_left(0.05, 1.0, 60, 200, 1.96, 0.2) == pytest.approx(simulated, abs=0.005)
    assert chance_left(0.5, 1.0, 200, 200, 1.96, 0.2) == 1.0


def test_scores_within_a_bound_need_no_burn_in() -> None:
    rng = np.random.default_rng(2)
    scores = {"a": (rng.random(90) < 0.9) * 1.0, "b": (rng.random(90) < 0.1) * 1.0}
    rule = Stopping(until="best", most=90, anytime=True, bound=(0.0, 1.0))
    last = raced(Race(stopping=rule, names=("a", "b")), scores, size=10)[-1]
    assert last.pairs[0].worse == "b" and last.observations["a"] < 90


def test_means_that_do_not_vary_have_no_interval() -> None:
    low, high = around(np.full((1, 50), 0.1), 2.0)
    assert np.isneginf(low).all() and np.isposinf(high).all()


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"alpha": 0.5}, "alpha=0.5 must lie between 0 and .5"),
        ({"alpha": float("nan")}, "alpha=nan"),
        ({"alpha": "x"}, "alpha='x' must be a number"),
        ({"smallest": True}, "smallest=True must be a number"),
        ({"anytime": "often"}, "anytime='often' must be true or false"),
        ({"bound": (0.0, 1.0, 2.0), "anytime": True}, "the lowest and the highest"),
        ({"most": 10}, "at least 20"),
        ({"smallest": 0.0}, "is above 0"),
        ({"smallest": float("nan")}, "is above 0"),
        ({"until": "winner"}, "unknown goal 'winner'"),
        ({"until": "distinguished"}, "needs the name of a reference"),
        ({"reference": "a"}, "leave it out"),
        ({"bound": (0.0, 1.0)}, "a bound is for anytime=true"),
        ({"bound": (1.0, 0.0), "anytime": True}, "the lowest and the highest"),
    ],
)
def test_a_rule_that_is_none_is_refused(wrong: dict[str, Any], what: str) -> None:
    with pytest.raises(InvestorBenchError, match=what):
        Stopping(**{"until": "best", "most": 100, **wrong})


@pytest.mark.parametrize(
    ("scores", "what"),
    [
        ({"a": [0.0] * 25}, "no scores of b"),
        ({"a": [0.0] * 25, "b": [0.0] * 24}, "aligned by number"),
        ({"a": [0.0] * 25, "b": [0.0] * 24 + [float("nan")]}, "score 24 of b is nan: not finite"),
        ({"a": [], "b": []}, "none is new"),
    ],
)
def test_scores_that_cannot_be_looked_at_are_refused(scores: dict[str, Any], what: str) -> None:
    race = Race(stopping=Stopping(until="best", most=100), names=("a", "b"))
    with pytest.raises(StoppingError, match=what):
        race.look(scores)


def test_scores_outside_their_bound_are_refused() -> None:
    rule = Stopping(until="best", most=100, anytime=True, bound=(0.0, 1.0))
    with pytest.raises(StoppingError, match=r"score 3 of b is 1.5: outside \[0, 1\]"):
        Race(stopping=rule, names=("a", "b")).look({"a": [0.0] * 5, "b": [0.0, 0, 0, 1.5, 0]})


def test_a_reference_that_did_not_run_is_named() -> None:
    rule = Stopping(until="distinguished", most=100, reference="filter")
    with pytest.raises(StoppingError, match="'filter' did not run: add it to a, b"):
        Race(stopping=rule, names=("a", "b"))
    with pytest.raises(StoppingError, match="names of their own"):
        Race(stopping=Stopping(until="best", most=100), names=("a", "a"))


def test_a_race_that_is_over_is_not_looked_at_again() -> None:
    race = Race(stopping=Stopping(until="best", most=25), names=("a", "b"))
    scores = drawn({"a": 0.0, "b": 0.0}, 50)
    assert race.look({name: row[:25] for name, row in scores.items()}).end == "exhausted"
    with pytest.raises(StoppingError, match="the race is over"):
        race.look(scores)


@pytest.mark.heavy
def test_the_study_keeps_its_promises_at_a_twentieth_of_its_size() -> None:
    from investorbench.scripts.bench.stopping import EQUAL, planted, sizes, stubs

    _, _, planned, _, by_ten = planted(100).splitlines()
    mean, most, power = (float(each.rstrip("%")) for each in planned.split()[1:4])
    assert mean <= 1.0 and most <= 1.1 and power >= 72.0
    mean, most = (float(each) for each in by_ten.split()[3:5])
    assert mean <= 1.3 and most <= 2.4
    # Five are expected; twelve or more would come of one kind in 200.
    assert all(each.wrong < 12 for each in sizes(100, EQUAL[:2]))
    best, ranked, *_ = stubs(5)
    assert "best right in 5" in best and "with a wrong pair 0" in ranked


def test_skewed_differences_are_missed_on_neither_side_more_often_than_they_may() -> None:
    rng = np.random.default_rng(1)
    values = (rng.random((3000, 150)) < 0.2) * rng.exponential(1.0, (3000, 150)) - 0.2
    for sign in (1.0, -1.0):
        plain, own = (around(sign * values, 1.97, skewed=skewed) for skewed in (False, True))
        assert max((plain[0] > 0.0).mean(), (plain[1] < 0.0).mean()) > 0.05
        assert max((own[0] > 0.0).mean(), (own[1] < 0.0).mean()) < 0.032  # .025, and its error
    even = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0] * 10])
    assert around(even, 2.0, skewed=True) == around(even, 2.0)

"""Size and power of every test and coverage of every interval, by simulation."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks import statistics
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.paired import jobson_korkie_spread
from investorbench.tasks.statistics.sharpe import moments_of

FloatArray = npt.NDArray[np.float64]
pytestmark = pytest.mark.heavy

DAYS = 149
WORLDS = 2000
SIZE = 0.05
WITHIN = 0.015


def worlds(
    agents: int,
    *,
    tails: float | None = None,
    echo: float = 0.0,
    common: float = 0.5,
    days: int = DAYS,
    number: int = WORLDS,
    seed: int = 0,
) -> FloatArray:
    """Returns of agents without skill, deviation .02 [N, A, T].

    Args:
        agents: how many, A.
        tails: degrees of freedom of Student's t, normal without.
        echo: autocorrelation from day to day.
        common: correlation of any two agents.
        days: T.
        number: N.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)

    def noise(*shape: int) -> FloatArray:
        if tails is None:
            return rng.normal(size=shape)
        return np.asarray(rng.standard_t(tails, shape) / math.sqrt(tails / (tails - 2)))

    mixed = math.sqrt(common) * noise(number, 1, days + 20)
    mixed = mixed + math.sqrt(1 - common) * noise(number, agents, days + 20)
    for t in range(1, days + 20):
        mixed[..., t] = echo * mixed[..., t - 1] + math.sqrt(1 - echo**2) * mixed[..., t]
    return 0.02 * np.asarray(mixed[..., 20:])


def rejected(cells: list[Estimate]) -> float:
    """Share of cells whose p-value is below the size."""
    return float(np.mean([cell.p_value is not None and cell.p_value <= SIZE for cell in cells]))


def bootstrapped(a: FloatArray, b: FloatArray) -> Estimate:
    """With the block that independent days have."""
    return statistics.ledoit_wolf(a, b, block_days=1, draws=499)


def in_blocks(a: FloatArray, b: FloatArray) -> Estimate:
    return statistics.ledoit_wolf(a, b, block_days=4, draws=499)


@pytest.mark.parametrize(
    ("test", "world"),
    [
        (statistics.jobson_korkie, {}),
        (bootstrapped, {}),
        (bootstrapped, {"tails": 5.0}),
        (in_blocks, {"tails": 6.0, "echo": 0.1}),
    ],
    ids=["jobson-korkie", "ledoit-wolf", "ledoit-wolf, fat tails", "ledoit-wolf, dependent days"],
)
def test_a_paired_test_finds_a_difference_that_is_not_there_in_one_of_twenty(
    test: Callable[[FloatArray, FloatArray], Estimate], world: dict[str, Any]
) -> None:
    share = rejected([test(a, b) for a, b in worlds(2, **world) + 0.001])
    print(f"size {share:.4f}")
    assert share == pytest.approx(SIZE, abs=WITHIN)


@pytest.mark.parametrize("test", [statistics.jobson_korkie, bootstrapped])
def test_a_planted_difference_is_found_at_the_predicted_power(
    test: Callable[[FloatArray, FloatArray], Estimate],
) -> None:
    # Sharpe ratios a day of .2 and 0, correlation .5.
    spread = 2 - 2 * 0.5 + 0.2**2 / 2
    needed = statistics.days_until(0.2, spread).value
    assert needed is not None
    drawn = worlds(2, days=math.ceil(needed))
    drawn[:, 0] += 0.2 * 0.02
    share = rejected([test(a, b) for a, b in drawn])
    print(f"{math.ceil(needed)} days: power {share:.4f}")
    assert share == pytest.approx(0.80, abs=0.03)
    spreads = [jobson_korkie_spread(a, b).value for a, b in drawn]
    assert np.mean(np.array(spreads)) == pytest.approx(spread, rel=0.02)


@pytest.mark.parametrize("form", ["null", "plug-in"])
def test_a_probability_above_95_per_cent_comes_to_one_of_twenty_without_skill(form: Any) -> None:
    drawn = worlds(1, tails=6.0)[:, 0]
    sure = [statistics.probabilistic_sharpe(moments_of(each), 0.0, form) > 0.95 for each in drawn]
    print(f"size {np.mean(sure):.4f}")
    assert np.mean(sure) == pytest.approx(SIZE, abs=WITHIN)


def test_after_the_minimum_track_record_half_of_the_records_are_sure() -> None:
    # At the true ratio the track record is the length at which the estimate lies on the threshold.
    record = statistics.minimum_track_record(
        statistics.Moments(sharpe=0.15, skew=0.0, kurtosis=3.0, days=1)
    ).value
    assert record is not None
    drawn = worlds(1, days=round(record))[:, 0] + 0.15 * 0.02
    sure = [statistics.probabilistic_sharpe(moments_of(each)) > 0.95 for each in drawn]
    print(f"{record:.1f} days: {np.mean(sure):.4f}")
    assert np.mean(sure) == pytest.approx(0.5, abs=0.04)


def test_the_best_of_many_without_skill_is_as_lucky_as_expected() -> None:
    drawn = worlds(13, common=0.0)
    sharpes = drawn.mean(axis=-1) / drawn.std(axis=-1, ddof=1)
    best = float(sharpes.max(axis=1).mean() * math.sqrt(252))
    expected = statistics.expected_maximum(13) * math.sqrt(252 / DAYS)
    print(f"best of 13 {best:.3f}, expected {expected:.3f}")
    assert best == pytest.approx(expected, rel=0.03)
    sure = []
    for returns, trials in zip(drawn, sharpes, strict=True):
        cell = statistics.deflated_sharpe(returns[trials.argmax()], trials)
        assert cell.value is not None
        sure.append(cell.value > 0.95)
    undeflated = np.mean([s.max() * math.sqrt(DAYS) > 1.645 for s in sharpes])
    print(f"DSR above .95 {np.mean(sure):.4f}, PSR of the best above .95 {undeflated:.4f}")
    assert np.mean(sure) <= SIZE
    assert undeflated > 0.4


@pytest.mark.parametrize("measure", ["sharpe"])
def test_superiority_is_found_where_there_is_none_in_one_of_twenty(measure: Any) -> None:
    cells = [
        statistics.superiority(
            returns[0], returns[1:], block_days=1, measure=measure, draws=199, seed=number
        )
        for number, returns in enumerate(worlds(5, tails=6.0))
    ]
    print(f"size {rejected(cells):.4f}")
    assert rejected(cells) == pytest.approx(SIZE, abs=WITHIN)


def test_superiority_of_one_among_many_is_found() -> None:
    drawn = worlds(5, number=300, days=504)
    drawn[:, 2] += 0.2 * 0.02
    cells = [
        statistics.superiority(returns[0], returns[1:], block_days=2, draws=199)
        for returns in drawn
    ]
    print(f"power {rejected(cells):.3f}")
    assert rejected(cells) > 0.9


def test_equal_agents_are_all_in_the_confidence_set_in_19_of_20_worlds() -> None:
    whole = [
        all(
            cell.p_value is not None and cell.p_value > SIZE
            for cell in statistics.confidence_set(returns, block_days=1, draws=199, seed=number)
        )
        for number, returns in enumerate(worlds(5, tails=6.0))
    ]
    print(f"whole set {np.mean(whole):.4f}")
    assert np.mean(whole) == pytest.approx(1 - SIZE, abs=WITHIN)


def test_the_best_agent_is_in_the_confidence_set_and_bad_ones_are_not() -> None:
    drawn = worlds(4, number=300, days=504)
    drawn[:, 0] += 0.25 * 0.02
    drawn[:, 1] += 0.20 * 0.02
    sets = np.array(
        [
            [cell.p_value for cell in statistics.confidence_set(each, block_days=2, draws=199)]
            for each in drawn
        ]
    )
    inside = (sets > SIZE).mean(axis=0)
    print(f"inside {inside}")
    assert inside[0] >= 0.95
    assert inside[2:].max() < 0.1


@pytest.mark.parametrize(
    "world",
    [{}, {"tails": 5.0}, {"tails": 6.0, "echo": 0.1}],
    ids=["normal", "fat tails", "dependent days"],
)
def test_intervals_cover_the_truth_in_19_of_20_worlds(world: dict[str, Any]) -> None:
    # A skilled agent with a Sharpe ratio of .1 a day; log returns, so that its CR is known as well.
    drawn = worlds(1, **world) + 0.1 * 0.02
    cells = [
        statistics.score_intervals(
            [run], 252, "log", block_days=statistics.block_length(run).days, draws=499, seed=number
        )[0]
        for number, run in enumerate(drawn)
    ]
    total, sharpe = 0.1 * 0.02 * DAYS, 0.1 * math.sqrt(252) * DAYS / (DAYS + 1)
    for name, truth, column in (("CR", total, 0), ("SR", sharpe, 1)):
        covered = np.mean([pair[column].low < truth < pair[column].high for pair in cells])  # type: ignore[operator]
        print(f"{name} covered {covered:.4f}")
        assert covered == pytest.approx(0.95, abs=0.03)


def test_intervals_of_pairs_cover_the_truth_in_19_of_20_worlds() -> None:
    drawn = worlds(2, tails=6.0)
    drawn[:, 0] += 0.1 * 0.02
    for test in (statistics.jobson_korkie, bootstrapped):
        cells = [test(a, b) for a, b in drawn]
        covered = np.mean([cell.low < 0.1 < cell.high for cell in cells])  # type: ignore[operator]
        print(f"{test.__name__} covered {covered:.4f}")
        assert covered == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("common", [0.2, 0.8])
def test_variance_is_split_as_it_was_planted(common: float) -> None:
    splits = [
        statistics.variance_split(run, block_days=1, draws=200)
        for run in worlds(5, common=common, number=500)
    ]
    path, repeat = (
        np.mean([getattr(split, part) for split in splits]) * DAYS for part in ("path", "repeat")
    )
    print(f"common {common}: path {path:.3f}, repeat {repeat:.3f}")
    assert path == pytest.approx(common, abs=0.05)
    assert repeat == pytest.approx(1 - common, abs=0.05)


@pytest.mark.parametrize("method", ["BH", "BY"])
def test_of_what_is_found_at_most_one_in_twenty_is_false(method: Any) -> None:
    rng = np.random.default_rng(0)
    false = []
    for _ in range(WORLDS):
        z = rng.normal(size=12) + np.repeat([3.0, 0.0], [4, 8])
        adjusted = statistics.adjusted_p_values(
            [math.erfc(abs(x) / math.sqrt(2)) for x in z], method
        )
        found = [k for k, p in enumerate(adjusted) if p is not None and p <= SIZE]
        false.append(sum(k >= 4 for k in found) / max(len(found), 1))
    print(f"false share {np.mean(false):.4f}")
    assert np.mean(false) <= SIZE

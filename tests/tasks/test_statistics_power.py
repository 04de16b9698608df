"""Size and power of every test and coverage of every interval, by simulation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks import statistics
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.scores import sharpe
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


def test_jobson_korkie_finds_a_difference_that_is_not_there_in_one_of_twenty() -> None:
    share = rejected([statistics.jobson_korkie(a, b) for a, b in worlds(2) + 0.001])
    print(f"size {share:.4f}")
    assert share == pytest.approx(SIZE, abs=WITHIN)


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


def gains(returns: FloatArray) -> FloatArray:
    """What each day counts of Sharpe ratios [A, T]."""
    values, scores = sharpe(returns)
    return values[:, None] + scores


def test_superiority_is_found_where_there_is_none_in_one_of_twenty() -> None:
    counted = [gains(returns) for returns in worlds(5, tails=6.0)]
    cells = [
        statistics.superiority(each[1:] - each[0], block=1, draws=199, seed=number)
        for number, each in enumerate(counted)
    ]
    print(f"size {rejected(cells):.4f}")
    assert rejected(cells) == pytest.approx(SIZE, abs=WITHIN)


def test_superiority_of_one_among_many_is_found() -> None:
    drawn = worlds(5, number=300, days=504)
    drawn[:, 2] += 0.2 * 0.02
    counted = [gains(returns) for returns in drawn]
    cells = [statistics.superiority(each[1:] - each[0], block=2, draws=199) for each in counted]
    print(f"power {rejected(cells):.3f}")
    assert rejected(cells) > 0.9


def test_equal_agents_are_all_in_the_confidence_set_in_19_of_20_worlds() -> None:
    whole = [
        all(
            cell.p_value is not None and cell.p_value > SIZE
            for cell in statistics.confidence_set(gains(returns), block=1, draws=199, seed=number)
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
            [cell.p_value for cell in statistics.confidence_set(gains(each), block=2, draws=199)]
            for each in drawn
        ]
    )
    inside = (sets > SIZE).mean(axis=0)
    print(f"inside {inside}")
    assert inside[0] >= 0.95
    assert inside[2:].max() < 0.1


@pytest.mark.parametrize("common", [0.2, 0.8])
def test_variance_is_split_as_it_was_planted(common: float) -> None:
    splits = [
        statistics.compare_agents({"a": run}, None, 1.0, jointly=False, draws=19)
        .agents["a"]
        .variance
        for run in worlds(5, common=common, number=500)
    ]
    path, repeat = (
        np.mean([getattr(split, part) for split in splits]) * DAYS for part in ("path", "repeat")
    )
    print(f"common {common}: path {path:.3f}, repeat {repeat:.3f}")
    assert path == pytest.approx(common, abs=0.05)
    assert repeat == pytest.approx(1 - common, abs=0.05)

"""A choice among configurations and repeats that succeed, against loops and worlds drawn before."""

from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks.statistics import ReturnsError
from investorbench.tasks.statistics.overfitting import all_succeed, overfitting_probability

FloatArray = npt.NDArray[np.float64]


def noise(seed: int, count: int, days: int = 149, repeats: int = 1) -> FloatArray:
    rng = np.random.default_rng(seed)
    market = rng.standard_normal((1, 1, days))
    return np.asarray(0.01 * (market + rng.standard_normal((count, repeats, days))))


def by_loops(configurations: FloatArray, blocks: int = 10) -> float:
    """CSCV as its authors describe it, a split at a time; a logit of 0 counts half."""
    days = np.array_split(np.arange(configurations.shape[-1]), blocks)
    below = []
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([days[block] for block in half])
        outside = np.concatenate([days[block] for block in range(blocks) if block not in half])
        first, second = (
            [
                np.mean([run[part].mean() / run[part].std(ddof=1) for run in own])
                for own in configurations
            ]
            for part in (inside, outside)
        )
        reached = second[int(np.argmax(first))]
        rank = 1 + sum(other < reached for other in second)
        share = rank / (len(second) + 1)
        logit = np.log(share / (1.0 - share))
        below.append(0.5 if abs(logit) < 1e-12 else float(logit < 0.0))
    return float(np.mean(below))


@pytest.mark.parametrize(("count", "repeats", "days"), [(2, 1, 100), (3, 2, 149), (7, 1, 203)])
def test_the_probability_is_that_of_a_loop_over_all_halves(
    count: int, repeats: int, days: int
) -> None:
    for seed in range(3):
        configurations = noise(seed, count, days, repeats)
        found = overfitting_probability(list(configurations)).value
        assert found == pytest.approx(by_loops(configurations), abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_among_equal_configurations_the_choice_is_no_better_than_a_coin(count: int) -> None:
    worlds = [
        overfitting_probability(list(noise(seed, count))).value for seed in range(73000, 73200)
    ]
    error = np.std(worlds) / np.sqrt(len(worlds))  # type: ignore[arg-type]
    assert np.mean(worlds) == pytest.approx(0.5, abs=3.0 * error)  # type: ignore[arg-type]
    assert error < 0.03


def test_a_configuration_that_is_truly_better_is_chosen_rightly() -> None:
    configurations = noise(73000, 6)
    configurations[2] += 0.01
    assert overfitting_probability(list(configurations)).value == 0.0


def test_a_configuration_that_was_fitted_to_single_blocks_is_found_out() -> None:
    days = np.arange(200)
    wave = 0.01 * (1.0 + 0.1 * np.sin(days))
    # Each earns in five blocks of ten and loses in the others, so the best of a half is the worst.
    configurations = []
    for half in combinations(range(10), 5):
        sign = np.where(np.isin(days // 20, half), 1.0, -1.0)
        configurations.append((sign * wave)[None])
    assert overfitting_probability(configurations).value == 1.0


def test_configurations_that_do_the_same_are_none_better_than_the_other() -> None:
    (own,) = noise(1, 1)
    assert overfitting_probability([own, own, own]).value == 0.5


def test_a_configuration_that_stays_in_cash_has_a_ratio_of_nothing() -> None:
    good = np.abs(noise(2, 1)[0]) + 0.001
    cash = np.zeros_like(good)
    assert overfitting_probability([cash, good]).value == 0.0
    assert overfitting_probability([cash, -good]).value == 0.0
    nothing = overfitting_probability([cash, cash])
    assert (nothing.value, nothing.reason) == (None, "no configuration ever invested")


@pytest.mark.parametrize(
    ("configurations", "reason"),
    [
        (noise(1, 1), "1 configurations, at least 2 are needed"),
        (noise(1, 2, days=99), "99 days, at least 100 are needed"),
    ],
)
def test_too_few_configurations_or_days_have_a_reason(
    configurations: FloatArray, reason: str
) -> None:
    assert overfitting_probability(list(configurations)).reason == reason


@pytest.mark.parametrize(("successes", "repeats"), [(0, 3), (2, 4), (3, 5), (5, 5)])
def test_all_of_some_repeats_succeed_as_often_as_in_a_list_of_them(
    successes: int, repeats: int
) -> None:
    outcomes = [number < successes for number in range(repeats)]
    for attempts in range(1, repeats + 1):
        listed = [all(some) for some in permutations(outcomes, attempts)]
        assert all_succeed(successes, repeats, attempts) == pytest.approx(np.mean(listed))


@pytest.mark.parametrize("attempts", [0, 4])
def test_more_attempts_than_repeats_are_refused(attempts: int) -> None:
    with pytest.raises(ReturnsError, match=f"pass\\^{attempts} of 3 repeats: give 1 to 3"):
        all_succeed(2, 3, attempts)

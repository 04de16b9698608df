"""How sure a Sharpe ratio above 0 is: closed forms, and worlds where days depend on each other."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks.statistics.scores import MeanFigure, over_markets, over_repeats, sharpe
from investorbench.tasks.statistics.sharpe import (
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
)
from investorbench.tasks.statistics.track_record import (
    days_until_sure,
    probability_above_zero,
    variance_over_markets,
    variance_without_skill,
)

FloatArray = npt.NDArray[np.float64]
NORMAL = NormalDist()


def drawn(seed: int, days: int, memory: float = 0.0, repeats: int = 1) -> FloatArray:
    noise = np.random.default_rng(seed).standard_normal((repeats, days + 50))
    for day in range(1, days + 50):
        noise[:, day] += memory * noise[:, day - 1]
    return np.asarray(0.01 * noise[:, 50:])


def test_independent_days_have_the_closed_forms() -> None:
    returns = 0.001 + drawn(1, 20_000)
    scored = sharpe(returns)
    figure, variance = over_repeats(scored), variance_without_skill(scored)
    moments = moments_of(returns[0])
    assert variance == pytest.approx(1 / 20_000, rel=0.05)
    assert probability_above_zero(figure, 1 / 20_000).value == pytest.approx(
        probabilistic_sharpe(moments), rel=1e-6
    )
    assert days_until_sure(figure, 1 / 20_000, 20_000).value == pytest.approx(
        minimum_track_record(moments).value, rel=1e-3
    )


@pytest.mark.parametrize("memory", [-0.3, 0.3])
def test_dependent_days_count_as_fewer_or_more(memory: float) -> None:
    scored = sharpe(drawn(2, 20_000, memory))
    expected = (1.0 + memory) / (1.0 - memory)
    assert variance_without_skill(scored) * 20_000 == pytest.approx(expected, rel=0.07)


@pytest.mark.parametrize("memory", [0.0, 0.3, -0.3])
def test_in_one_world_of_twenty_a_run_without_skill_is_95_percent_sure(memory: float) -> None:
    sure = 0
    for seed in range(76000, 76600):
        scored = sharpe(drawn(seed, 149, memory))
        found = probability_above_zero(over_repeats(scored), variance_without_skill(scored))
        assert found.value is not None
        sure += found.value > 0.95
    assert 0.02 < sure / 600 < 0.085


def test_after_the_days_that_it_takes_the_level_is_reached() -> None:
    figure = MeanFigure(value=0.08, scores=np.zeros(100), between=0.0004)
    record = days_until_sure(figure, 0.012, 100)
    assert record.value is not None
    later = probability_above_zero(figure, 0.012 * 100 / record.value)
    assert later.value == pytest.approx(0.95, abs=1e-12)


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (MeanFigure(value=-0.1, scores=np.zeros(9)), "is not above 0"),
        (MeanFigure(value=0.0, scores=np.zeros(9)), "is not above 0"),
        (MeanFigure(value=0.1, scores=np.zeros(9), between=0.01), "repeats differ by more"),
    ],
)
def test_where_no_number_of_days_is_enough_it_says_so(figure: MeanFigure, reason: str) -> None:
    record = days_until_sure(figure, 0.01, 9)
    assert record.value is None
    assert record.reason and reason in record.reason


def test_repeats_that_do_unlike_make_their_mean_surer() -> None:
    scored = sharpe(0.0005 + drawn(3, 5000, repeats=10))
    assert variance_without_skill(scored) * 5000 == pytest.approx(0.1, rel=0.2)


def test_markets_are_the_days_of_those_who_have_one_each() -> None:
    ratios = np.array([0.1, 0.05, -0.02, 0.12, 0.07])
    figure = over_markets(ratios)
    error = np.std(ratios, ddof=1) / sqrt(5)
    found = probability_above_zero(figure, variance_over_markets(figure)).value
    assert found == pytest.approx(NORMAL.cdf(ratios.mean() / error), rel=1e-12)
    record = days_until_sure(figure, variance_over_markets(figure), 5 * 149).value
    assert record == pytest.approx(745 * (1.6448536269514722 * error / ratios.mean()) ** 2)

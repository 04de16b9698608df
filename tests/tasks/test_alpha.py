"""Alpha and the figures beside it, against matrices, perturbed days and returns made by hand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.statistics.alpha import (
    Regression,
    Scored,
    excess,
    information_ratio,
    is_twin,
)

FloatArray = npt.NDArray[np.float64]
DAYS = 149


def world(seed: int, days: int = DAYS, runs: int = 3) -> tuple[FloatArray, FloatArray]:
    """Fat-tailed runs [R, T] that depend on the day before, and their benchmark [1, T]."""
    rng = np.random.default_rng(seed)
    market = 0.001 + 0.02 * rng.standard_t(5, (1, days))
    own = 0.01 * rng.standard_t(5, (runs, days))
    own[:, 1:] += 0.3 * own[:, :-1]
    return 0.0005 + rng.uniform(-1.0, 1.5, (runs, 1)) * market + own, market


def line(returns: FloatArray, market: FloatArray) -> FloatArray:
    """Intercept and slope."""
    design = np.column_stack([np.ones_like(market), market])
    return np.asarray(np.linalg.lstsq(design, returns, rcond=None)[0])


# Each figure of one run under weights of its days, written as the textbook has it.


def weighted(y: FloatArray, x: FloatArray, w: FloatArray) -> dict[str, float]:
    w = w / w.sum()
    mean_y, mean_x = w @ y, w @ x
    var_y, var_x = w @ (y - mean_y) ** 2, w @ (x - mean_x) ** 2
    both = w @ ((y - mean_y) * (x - mean_x))
    beta = both / var_x
    alpha = mean_y - beta * mean_x
    left = w @ (y - alpha - beta * x) ** 2
    gain = y - x
    return {
        "beta": beta,
        "alpha": alpha,
        "appraisal": alpha / np.sqrt(left),
        "correlation": both / np.sqrt(var_x * var_y),
        "excess": w @ gain,
        "information_ratio": w @ gain / np.sqrt(w @ (gain - w @ gain) ** 2),
    }


def found(returns: FloatArray, market: FloatArray) -> dict[str, Scored]:
    of = Regression(returns=returns, benchmark=market)
    return {
        "beta": of.beta,
        "alpha": of.alpha,
        "appraisal": of.appraisal,
        "correlation": of.correlation,
        "excess": excess(returns, market),
        "information_ratio": information_ratio(returns, market),
    }


FIGURES = tuple(found(*world(0)))
UNBIASED = {"appraisal": DAYS / (DAYS - 2), "information_ratio": DAYS / (DAYS - 1)}
"""By how much a variance exceeds that of weighted days, which knows no degrees of freedom."""


def test_alpha_and_beta_are_those_of_least_squares() -> None:
    returns, market = world(1)
    of = Regression(returns=returns, benchmark=market)
    for row, alpha, beta in zip(returns, of.alpha.values, of.beta.values, strict=True):
        np.testing.assert_allclose([alpha, beta], line(row, market[0]), rtol=1e-11)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_the_textbook_one_of_each_run(figure: str) -> None:
    returns, market = world(2)
    ours = found(returns, market)[figure].values
    expected = [weighted(row, market[0], np.ones(DAYS))[figure] for row in returns]
    np.testing.assert_allclose(ours, np.array(expected) / UNBIASED.get(figure, 1.0) ** 0.5)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_score_is_what_a_day_of_a_little_more_weight_does_to_the_figure(figure: str) -> None:
    returns, market = world(3, days=DAYS, runs=2)
    ours = found(returns, market)[figure].scores
    step = 1e-6
    for row, scores in zip(returns, ours, strict=True):
        for day in (0, 17, 148):
            more = np.ones(DAYS) / DAYS * (1.0 - step)
            more[day] += step
            less = np.ones(DAYS) / DAYS * (1.0 + step)
            less[day] -= step
            up, down = (weighted(row, market[0], each)[figure] for each in (more, less))
            assert scores[day] == pytest.approx((up - down) / (2.0 * step), rel=1e-4, abs=1e-7)
        assert scores.sum() == pytest.approx(0.0, abs=1e-9)


def test_the_error_of_alpha_is_that_of_white_written_with_matrices() -> None:
    returns, market = world(4, runs=1)
    y, x = returns[0], market[0]
    design = np.column_stack([np.ones(DAYS), x])
    bread = np.linalg.inv(design.T @ design)
    moments = design * (y - design @ line(y, x))[:, None]
    expected = (bread @ moments.T @ moments @ bread)[0, 0]
    (scores,) = Regression(returns=returns, benchmark=market).alpha.scores
    assert np.mean(scores**2) / DAYS == pytest.approx(expected, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(-1.0, 2.0), cost=st.floats(0.0, 1e-3))
def test_a_share_of_the_benchmark_has_it_as_beta_and_its_cost_as_alpha(
    seed: int, share: float, cost: float
) -> None:
    _, market = world(seed)
    of = Regression(returns=share * market - cost, benchmark=market)
    assert of.beta.values[0] == pytest.approx(share, abs=1e-9)
    assert of.alpha.values[0] == pytest.approx(-cost, abs=1e-9)
    assert of.appraisal.values[0] == 0.0
    assert not of.appraisal.scores.any()


@pytest.mark.parametrize("figure", FIGURES)
def test_a_run_in_cash_counts_as_nothing_and_owes_the_benchmark_its_return(figure: str) -> None:
    _, market = world(5)
    cash = found(np.zeros((1, DAYS)), market)[figure]
    if figure in ("excess", "information_ratio"):
        assert cash.values[0] == -found(2.0 * market, market)[figure].values[0]
    else:
        assert cash.values[0] == 0.0
        assert not cash.scores.any()


@pytest.mark.parametrize("figure", FIGURES)
def test_the_benchmark_itself_has_figures_without_an_error(figure: str) -> None:
    _, market = world(6)
    own = found(market, market)[figure]
    expected = 1.0 if figure in ("beta", "correlation") else 0.0
    assert own.values[0] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(own.scores, 0.0, atol=1e-12)


def test_a_benchmark_that_does_not_move_explains_nothing() -> None:
    returns, _ = world(9)
    of = found(returns, np.full((1, DAYS), 0.0001))
    assert not of["beta"].values.any() and not of["correlation"].values.any()
    np.testing.assert_allclose(of["alpha"].values, returns.mean(axis=1))
    np.testing.assert_allclose(of["alpha"].scores, returns - returns.mean(axis=1, keepdims=True))


def test_each_run_has_the_figures_that_it_has_alone() -> None:
    returns, market = world(7, runs=4)
    together = found(returns, market)
    for number, row in enumerate(returns):
        for figure, alone in found(row[None], market).items():
            assert together[figure].values[number] == pytest.approx(alone.values[0], rel=1e-12)
            np.testing.assert_allclose(together[figure].scores[number], alone.scores[0], rtol=1e-9)


# Twins.


def changed(returns: FloatArray, days: int) -> FloatArray:
    other = returns.copy()
    other[..., :days] += 0.001
    return other


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda market: market, True),
        (lambda market: market * (1.0 + 1e-14), True),
        (lambda market: changed(market, 1), True),
        (lambda market: changed(market, 2), False),
        (lambda market: 0.99 * market, False),
        (lambda market: 0.0 * market, False),
        (lambda market: np.vstack([market, market]), True),
        (lambda market: np.vstack([market, changed(market, 2)]), False),
    ],
)
def test_a_twin_returns_what_the_benchmark_does_in_every_run(
    make: Callable[[FloatArray], FloatArray], expected: bool
) -> None:
    _, market = world(8)
    assert is_twin(make(market), market) is expected


def test_days_on_which_nothing_moves_make_no_twin() -> None:
    market = np.zeros((1, 300))
    market[0, :2] = 0.01
    assert not is_twin(np.zeros((1, 300)), market)
    assert not is_twin(np.zeros((1, 300)), np.zeros((1, 300)))

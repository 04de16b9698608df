"""What agents without skill would reach, against known maxima, copies and hand calculation."""

from collections.abc import Collection
from math import pi, sqrt
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks.statistics import compare_agents
from investorbench.tasks.statistics.alpha import Regression
from investorbench.tasks.statistics.comparison import Luck
from investorbench.tasks.statistics.contrasts import NO_DIFFERENCE
from investorbench.tasks.statistics.draws import Resampling
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.statistics.luck import NO_ALPHA, luck_of
from investorbench.tasks.statistics.scores import MeanFigure, over_markets, over_repeats

FloatArray = npt.NDArray[np.float64]
DAYS = 300
NORMAL = NormalDist()
MARKET = 0.0005 + 0.02 * np.random.default_rng(1).standard_normal((1, DAYS))


def own(count: int, seed: int = 2) -> FloatArray:
    """Returns of agents that owe the market nothing [count, T]."""
    return np.asarray(0.01 * np.random.default_rng(seed).standard_normal((count, DAYS)))


def alpha(returns: FloatArray, market: FloatArray = MARKET) -> MeanFigure:
    return over_repeats(Regression(returns=np.atleast_2d(returns), benchmark=market).alpha)


def luck(
    agents: dict[str, FloatArray], trials: Collection[str] | None = None, draws: int = 9999
) -> tuple[Luck, dict[str, Estimate]]:
    alphas = {name: alpha(returns) for name, returns in agents.items()}
    resampling = Resampling(units=DAYS, draws=draws, seed=7)
    return luck_of(alphas, agents if trials is None else trials, resampling)


def named(returns: FloatArray) -> dict[str, FloatArray]:
    return {f"agent {number}": each for number, each in enumerate(returns)}


@pytest.mark.parametrize(("count", "expected"), [(2, 1 / sqrt(pi)), (3, 0.846284), (13, 1.66799)])
def test_agents_that_do_unlike_expect_the_largest_of_as_many_normal_numbers(
    count: int, expected: float
) -> None:
    found, _ = luck(named(own(count)))
    assert found.trials == count
    assert found.expected_t == pytest.approx(expected, abs=0.08)
    assert found.t_95 == pytest.approx(NORMAL.inv_cdf(0.95 ** (1 / count)), abs=0.15)


def test_one_agent_and_its_copies_expect_nothing() -> None:
    (returns,) = own(1)
    for copies in (1, 2, 5):
        agents = {f"copy {number}": returns for number in range(copies)}
        found, deflated = luck(agents)
        assert found.expected_t == pytest.approx(0.0, abs=1e-12)
        assert found.trials == 1
        assert deflated["copy 0"].value == pytest.approx(
            NORMAL.cdf(found.largest_t or 0.0), abs=1e-12
        )


def test_an_agent_and_its_opposite_expect_the_larger_of_a_number_and_its_negative() -> None:
    (returns,) = own(1)
    found, _ = luck({"one": returns, "other": -returns})
    assert found.expected_t == pytest.approx(sqrt(2 / pi), abs=0.03)


def test_a_copy_moves_nothing_of_the_others_and_near_copies_hardly_anything() -> None:
    agents = named(own(6))
    before, deflated = luck(agents)
    (noise,) = own(1, seed=3)
    more = {f"copy {number}": agents["agent 3"] for number in range(3)}
    after, redone = luck({**agents, **more})
    assert after == before
    assert {name: redone[name] for name in agents} == deflated
    near = {"near": agents["agent 3"] + 0.02 * noise}
    _, changed = luck({**agents, **near})
    for name in agents:
        assert changed[name].value == pytest.approx(deflated[name].value, abs=0.01)


def test_a_deflated_ratio_is_the_probability_of_a_t_statistic_above_the_one_to_expect() -> None:
    agents = named(own(4, seed=5))
    agents["agent 2"] = agents["agent 2"] + 0.002
    found, deflated = luck(agents)
    assert found.agent == "agent 2"
    assert found.expected_t is not None and found.largest_t is not None
    assert deflated["agent 2"].value == NORMAL.cdf(found.largest_t - found.expected_t)
    # Days are independent here, so the error is nearly that of the textbook.
    design = np.column_stack([np.ones(DAYS), MARKET[0]])
    coefficients, squares, *_ = np.linalg.lstsq(design, agents["agent 2"], rcond=None)
    error = sqrt(squares[0] / (DAYS - 2) * np.linalg.inv(design.T @ design)[0, 0])
    assert found.largest_t == pytest.approx(coefficients[0] / error, rel=0.1)


def test_an_agent_that_is_no_trial_is_measured_as_if_it_were_one() -> None:
    agents = named(own(5))
    tried = [name for name in agents if name != "agent 0"]
    fewer, deflated = luck(agents, tried)
    every, redone = luck(agents)
    assert (fewer.trials, every.trials) == (4, 5)
    assert deflated["agent 0"] == redone["agent 0"]
    alone, _ = luck({name: agents[name] for name in tried})
    assert fewer == alone
    assert deflated["agent 1"].value > redone["agent 1"].value  # type: ignore[operator]


def test_cash_has_a_reason_and_is_no_trial() -> None:
    agents = {**named(own(2)), "cash": np.zeros(DAYS), "half": 0.5 * MARKET[0]}
    found, deflated = luck(agents)
    assert found.trials == 2
    for name in ("cash", "half"):
        assert deflated[name].value is None
        assert deflated[name].reason


def test_without_a_trial_there_is_no_luck_to_speak_of() -> None:
    found, deflated = luck(named(own(2)), trials=())
    assert (found.trials, found.expected_t, found.largest_t) == (0, None, None)
    assert found.reason and "no agent" in found.reason
    assert all(cell.value is not None for cell in deflated.values())


def test_an_agent_that_hardly_ever_trades_leaves_finite_figures() -> None:
    rare = np.zeros(DAYS)
    rare[[40, 90, 150, 151, 200, 260]] = [0.02, -0.01, 0.03, 0.01, -0.02, 0.01]
    found, deflated = luck({**named(own(2)), "rare": rare})
    assert found.expected_t is not None and 0.4 < found.expected_t < 1.2
    assert deflated["rare"].value is not None and 0.0 < deflated["rare"].value < 1.0


@pytest.mark.parametrize("jump", [-1.0, 5.0])
def test_an_account_that_one_day_decides_is_one_more_trial_and_no_more(jump: float) -> None:
    agents = named(own(10))
    before, deflated = luck(agents)
    (steady,) = own(1, seed=8)
    after, changed = luck({**agents, "jump": np.concatenate([steady[:150], [jump], steady[151:]])})
    assert before.expected_t is not None and after.expected_t is not None
    assert 0.0 < after.expected_t - before.expected_t < 0.1
    for name in agents:
        assert changed[name].value == pytest.approx(deflated[name].value, abs=0.04)


@pytest.mark.parametrize(("unit", "units", "repeats"), [("market", 4, 0), ("day", 60, 1)])
def test_what_is_seldom_exceeded_without_skill_seldom_is(
    unit: Literal["day", "market"], units: int, repeats: int
) -> None:
    exceeded, sure = [], []
    for world in range(300):
        rng = np.random.default_rng([73_600, world])
        if unit == "market":
            alphas = {f"agent {n}": over_markets(rng.normal(size=units)) for n in range(6)}
        else:
            held = 0.02 * rng.standard_normal((1, units))
            bought = rng.random((6, repeats, units)) < 0.5
            alphas = {f"agent {n}": alpha(own * held, held) for n, own in enumerate(bought)}
        resampling = Resampling(units=units, unit=unit, draws=399, seed=7)
        found, deflated = luck_of(alphas, list(alphas), resampling)
        assert found.largest_t is not None and found.t_95 is not None
        exceeded.append(found.largest_t > found.t_95)
        sure.append(max(each.value or 0.0 for each in deflated.values()) > 0.95)
    # Taken as normal ones, t-statistics of four markets are exceeded in three worlds of ten.
    assert np.mean(exceeded) < 0.16 and np.mean(sure) < 0.07


@pytest.mark.parametrize("unit", ["day", "market"])
def test_agents_that_hold_a_share_of_the_benchmark_have_no_luck(unit: Any) -> None:
    rng = np.random.default_rng(73_601)
    held = [0.02 * rng.standard_normal(40) for _ in range(5 if unit == "market" else 1)]
    found = compare_agents(
        {"half": [0.5 * run for run in held], "hold": held},
        "hold",
        252,
        unit=unit,
        jointly=False,
        draws=99,
    )
    assert (found.luck.trials, found.luck.reason) == (0, NO_ALPHA)
    assert found.agents["half"].deflated.reason == NO_DIFFERENCE

"""The studies of tests and intervals: at a twentieth of their size, and what they draw."""

import numpy as np
import pytest

from investorbench.scripts.bench import verdict
from investorbench.tasks.statistics import compare_agents


@pytest.mark.parametrize("law", verdict.LAWS)
def test_every_law_has_mean_0_and_variance_1(law: str) -> None:
    drawn = verdict.returns_of(law, np.random.default_rng(1), 40_000)
    assert drawn.mean() == pytest.approx(0.0, abs=0.03)
    assert drawn.std() == pytest.approx(1.0, abs=0.15)
    echo = np.corrcoef(drawn[1:], drawn[:-1])[0, 1]
    expected = float(law.removeprefix("AR ")) if law.startswith("AR") else 0.0
    assert echo == pytest.approx(expected, abs=0.05)


def test_the_better_agent_is_on_the_right_side_of_58_days_of_100() -> None:
    market = np.random.default_rng(2).normal(size=50_000)
    runs = verdict.coin_flips(np.random.default_rng(3), market, 2, verdict.EDGE)
    assert (runs > 0.0).mean(axis=1) == pytest.approx([0.58, 0.58], abs=0.01)
    assert np.array_equal(np.abs(runs[0]), np.abs(market))


def test_intervals_that_are_studied_are_those_of_a_table() -> None:
    rng = np.random.default_rng(4)
    held, own = rng.normal(size=(2, 90))
    cells = verdict.cells_of(own, held, draws=99)
    runs = {"a": own[None], "hold": held[None]}
    table = compare_agents(runs, "hold", 252, jointly=False, draws=99)
    shown = {
        "SR": table.agents["hold"].sr,
        "difference": table.pairs[0].difference,
        "alpha": table.against["a"].difference,
    }
    for name, cell in cells.items():
        assert [cell.low, cell.high] == pytest.approx([shown[name].low, shown[name].high])


@pytest.mark.long
@pytest.mark.parametrize(
    ("repeats", "least", "most"), [(1, 0.10, 0.33), (5, 0.50, 0.80), (10, 0.80, 1.0)]
)
def test_a_planted_edge_is_found_the_oftener_the_more_repeats_there_are(
    repeats: int, least: float, most: float
) -> None:
    found = verdict.shares_found(repeats, worlds=300, draws=299)
    print(repeats, found)
    assert least <= found["planted"] <= most
    # Of 300 worlds 15 are expected, and 27 come once in 400 times; the first hundred have 13.
    assert found["equal"] <= 0.09
    assert repeats == 1 or found["sides"] <= 0.09


@pytest.mark.long
@pytest.mark.parametrize("repeats", [1, 5])
def test_a_table_of_equal_agents_rarely_calls_any_difference_real(repeats: int) -> None:
    found = verdict.false_families(repeats, worlds=50)
    print(repeats, found)
    # Of 50 worlds 2 or 3 are expected, and more than 7 once in 300 times.
    assert max(found.values()) <= 0.14


@pytest.mark.long
@pytest.mark.parametrize("law", verdict.LAWS)
@pytest.mark.parametrize("days", [30, 149])
def test_intervals_hold_the_truth_in_19_of_20_worlds(law: str, days: int) -> None:
    shares = verdict.covered(law, days, worlds=100, draws=299)
    print(law, days, shares)
    assert min(shares.values()) >= 0.87


@pytest.mark.heavy
def test_a_table_of_sixty_agents_needs_less_than_500_mib() -> None:
    seconds, mib = verdict.time_table()
    print(f"{seconds:.1f} s, {mib:.0f} MiB")
    assert mib < 500.0

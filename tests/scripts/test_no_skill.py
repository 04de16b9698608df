"""A twentieth of the study of agents without skill."""

import pytest

from investorbench.scripts.bench.no_skill import FIRST, MARKETS, moved, report, world

DRAWS = 999


@pytest.mark.long
@pytest.mark.parametrize("sharpe", MARKETS)
def test_luck_does_not_pass_for_skill_in_any_market(sharpe: float) -> None:
    worlds = [world(seed, sharpe, DRAWS) for seed in range(FIRST, FIRST + 50)]
    assert sum(each.is_skill for each in worlds) <= 0.07 * 50
    assert sum(each.is_significant for each in worlds) <= 0.14 * 50


@pytest.mark.long
@pytest.mark.parametrize("sharpe", MARKETS)
def test_copies_and_a_bad_entry_change_nothing_that_is_said_of_others(sharpe: float) -> None:
    for seed in range(FIRST, FIRST + 2):
        found = moved(seed, sharpe)
        assert found.by_copies <= 0.01
        assert found.verdicts == 0
        assert found.by_short <= 0.02


def test_the_study_prints_a_line_for_a_market() -> None:
    line = report(0.0, [world(FIRST, 0.0, 99)], [moved(FIRST, 0.0, 99)])
    assert line.split()[0] == "0.0"
    assert len(line.split()) == 7

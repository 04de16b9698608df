"""Whatever is in a file, an environment on it runs with finite numbers or is refused in words."""

import pytest

from tests.market.damage import outcome, outcomes, whole

FEW = range(24)
MANY = range(24, 1_500)


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.long)], ids=len)
def test_a_damaged_file_is_read_or_refused_in_one_sentence_and_none_hangs(seeds: range) -> None:
    counts = outcomes(seeds)
    assert set(counts) == {"refused", "read"}
    assert 0.1 < counts["read"] / len(seeds) < 0.9


@pytest.mark.parametrize("seed", range(6))
def test_files_that_are_not_damaged_are_read(seed: int) -> None:
    assert outcome(seed, whole) == "read"

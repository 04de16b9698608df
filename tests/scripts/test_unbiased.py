"""Realised and expected returns of snapshots agree, and scores of weights are fair."""

import numpy as np
import pytest

from investorbench.scripts.bench.textless import study
from investorbench.scripts.bench.unbiased import HORIZONS, agreements, page, scores


@pytest.mark.long
def test_what_came_is_what_was_expected_and_no_weight_beats_those_that_know_more() -> None:
    studies = [study(horizon, 1_000, particles=60) for horizon in HORIZONS]
    compared = agreements(studies)
    assert len(compared) == 15 and all(row.agrees for row in compared)
    for each in studies:
        rows = {row.policy: row for row in scores(each)}
        assert all(row.below_oracle.low > 0 for name, row in rows.items() if name != "oracle")
        assert rows["best constant"].skill.low <= 0 <= rows["best constant"].skill.high
        assert rows["filter, its sign at full weight"].edge.value < rows["filter"].edge.value
        assert rows["constant of 1"].edge.value < rows["best constant"].edge.value
        assert rows["random"].edge.value < rows["best constant"].edge.value
    assert len(list(page(studies))) == 2 + 15 + 1 + 3 * (2 + 6)


def test_returns_of_another_expectation_do_not_agree() -> None:
    given = study(1, 30, particles=10)
    biased = given.markets._replace(realised=given.markets.realised + 0.05)
    rows = agreements([given, given._replace(markets=biased)])
    held = [row for row in rows if row.policy == "buy and hold"]
    assert [row.agrees for row in held] == [True, False]
    assert np.isclose(held[1].realised - held[0].realised, 500.0)
    assert len(list(page([given]))) == 2 + 5 + 1 + 2 + 6  # also where the filter has no skill

"""What was to be expected of the days of a corpus, where the hidden state is known."""

from typing import Any

import numpy as np
import pytest

from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.corpus.markets import for_training
from investorbench.tasks.training.expected import expected_returns
from investorbench_env.errors import InvestorBenchError

pytestmark = pytest.mark.heavy


def test_what_came_differs_from_what_was_expected_by_luck_alone() -> None:
    task = for_training(Task.of("stock/sim"))
    market = task.market(3)
    closes = market.adjusted_close[:, 0]
    days = np.arange(20, len(closes) - 8, 8)
    rows: Any = [
        {"market": "SIM@3", "market_seed": 3, "date": str(market.sessions[day])} for day in days
    ]
    expected = np.array(expected_returns(rows, {"SIM@3": task}))
    came = closes[days + 7] / closes[days] - 1.0
    luck = came - expected
    assert abs(luck.mean()) < 4.0 * luck.std() / len(days) ** 0.5
    assert np.corrcoef(expected, came)[0, 1] > 0.1
    assert luck.std() < came.std()


def test_nobody_knows_what_was_expected_of_a_real_market() -> None:
    rows: Any = [{"market": "AAPL", "market_seed": None, "date": "2023-01-04"}]
    with pytest.raises(InvestorBenchError, match="AAPL is no simulated market"):
        expected_returns(rows, {})

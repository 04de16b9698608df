"""Days: steps of a day and longer count as they are, shorter ones by the session of their mark."""

import numpy as np
import pytest

from investorbench.tasks.days import daily_returns
from investorbench_env.errors import InvestorBenchError


def days(*names: str) -> np.ndarray:
    return np.array(names, dtype="datetime64[D]")


@pytest.mark.parametrize("interval", ["1d", "24h", "1w"])
def test_a_step_of_a_day_or_longer_is_a_period_dated_by_its_decision(interval: str) -> None:
    sessions = days("2024-01-01", "2024-01-02", "2024-01-05", "2024-01-05")
    dates, returns = daily_returns(sessions, np.array([100.0, 110.0, 55.0, 66.0]), interval)
    assert dates.tolist() == sessions[:-1].tolist()
    assert returns.tolist() == [110.0 / 100.0 - 1.0, -0.5, 66.0 / 55.0 - 1.0]


def test_shorter_steps_go_from_the_last_mark_of_a_day_to_the_last_of_the_next() -> None:
    # Decided at the first bar of Monday; two marks on Monday, one on Tuesday, two on Thursday.
    sessions = days(*["2024-01-01"] * 3, "2024-01-02", *["2024-01-04"] * 2)
    equity = np.array([100.0, 90.0, 120.0, 60.0, 75.0, 66.0])
    dates, returns = daily_returns(sessions, equity, "3m")
    assert [str(day) for day in dates] == ["2024-01-01", "2024-01-02", "2024-01-04"]
    assert returns == pytest.approx([0.2, -0.5, 0.1])
    _, two = daily_returns(sessions, np.stack([equity, 2.0 * equity]), "4h")
    assert two.tolist() == [returns.tolist()] * 2


def test_a_day_with_one_decision_before_it_counts_from_the_opening_account() -> None:
    sessions = days("2024-01-01", "2024-01-02", "2024-01-02")
    dates, returns = daily_returns(sessions, np.array([10.0, 20.0, 5.0]), "12h")
    assert [str(day) for day in dates] == ["2024-01-02"]
    assert returns.tolist() == [-0.5]


def test_what_is_no_length_of_a_bar_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="'daily' is no length of a bar"):
        daily_returns(days("2024-01-01", "2024-01-02"), np.ones(2), "daily")

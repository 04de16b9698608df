"""Dates as options: what counts as one, and one clear error for everything else."""

from datetime import UTC, date, datetime
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest

from investorbench_env.dates import date_text
from investorbench_env.errors import DateRangeError
from investorbench_env.market.simulated import simulate
from tests.env.small_markets import small_market

SPELLINGS = [
    "2020-01-02",
    date(2020, 1, 2),
    datetime(2020, 1, 2),
    datetime(2020, 1, 2, tzinfo=UTC),
    np.datetime64("2020-01-02"),
    np.datetime64("2020-01-02", "ns"),
    np.str_("2020-01-02"),
    pd.Timestamp("2020-01-02"),
    pd.Timestamp("2020-01-02", tz="America/New_York"),
]
NO_DATES = [
    *("", " ", "2021", "2021-02", "20210201", "2021-2-1", "2021-02-30", "02/01/2021", "NaT", "now"),
    *(
        "2021-02-01T00:00",
        "2021-02-01 ",
        "today",
        "٢٠٢١-٠٢-٠١",
        20201102,
        2021,
        2021.0,
        True,
        False,
    ),
    *(
        np.datetime64("NaT", "D"),
        np.datetime64("2021"),
        np.datetime64("2021-02"),
        pd.NaT,
        float("nan"),
    ),
    *(np.datetime64("2021-02-01T12"), pd.Timestamp("2021-02-01 12:00"), datetime(2021, 2, 1, 1)),
    *(b"2021-02-01", [], ["2021-02-01"], ("2021", 2, 1), {}, object, np.array(["2021-02-01"])),
    *("0001-01-01", "1677-01-01", "9999-12-31", "2263-01-01", np.datetime64("9999-12-31")),
]


@pytest.mark.parametrize("value", SPELLINGS, ids=repr)
def test_a_day_may_be_written_in_each_of_these_ways(value: Any) -> None:
    assert date_text("start", value) == "2020-01-02"


@pytest.mark.parametrize("value", SPELLINGS, ids=repr)
def test_an_environment_takes_each_of_them(value: Any) -> None:
    env = gym.make(
        "InvestorBench/Stock", data=small_market([1.0, 2.0, 3.0]), start=value, end="2020-01-03"
    )
    assert env.reset(seed=0)[1]["session"] == "2020-01-02"


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize("value", NO_DATES, ids=repr)
def test_everything_else_is_one_clear_error(name: str, value: Any) -> None:
    dates = {"start": "2020-01-01", "end": "2020-01-03", name: value}

    with pytest.raises(DateRangeError, match=rf"^{name}="):
        gym.make("InvestorBench/Stock", data=small_market([1.0, 2.0, 3.0]), **dates)


@pytest.mark.parametrize("value", SPELLINGS, ids=repr)
def test_a_simulation_takes_each_of_them(value: Any) -> None:
    assert str(simulate(start=value, end="2020-01-10").sessions[0]) == "2020-01-02"


@pytest.mark.parametrize("value", NO_DATES, ids=repr)
def test_a_simulation_refuses_everything_else(value: Any) -> None:
    with pytest.raises(DateRangeError, match=r"^end="):
        simulate(start="2020-01-02", end=value)


def test_an_episode_begins_on_the_date_that_a_reset_names() -> None:
    market = small_market([100.0, 110.0, 121.0, 133.1, 146.4, 161.1])
    options = {"window": 1, "start": "2020-01-01", "end": "2020-01-06", "episode_length": 2}
    env = gym.make("InvestorBench/Stock", symbol="TEST", data=market, **options)
    for day in ("2020-01-03", "2020-01-01", "2020-01-04"):
        _, info = env.reset(seed=1, options={"date": day})
        assert info["session"] == day
        env.step(2)
        *_, truncated, info = env.step(2)
        assert truncated and info["session"] == str(np.datetime64(day) + np.timedelta64(2, "D"))


@pytest.mark.parametrize("day", ["2020-01-05", "2019-12-31", "2020-01-40", "tomorrow"])
def test_a_date_from_which_no_whole_episode_is_left_is_refused(day: str) -> None:
    market = small_market([100.0, 110.0, 121.0, 133.1, 146.4, 161.1])
    options = {"window": 1, "start": "2020-01-01", "end": "2020-01-06", "episode_length": 2}
    env = gym.make("InvestorBench/Stock", symbol="TEST", data=market, **options)
    with pytest.raises(DateRangeError):
        env.reset(options={"date": day})


def test_a_snapshot_whose_day_follows_from_its_seed_takes_no_date() -> None:
    env = gym.make("InvestorBench/Snapshot-SIM")
    with pytest.raises(DateRangeError, match="seed"):
        env.reset(seed=1, options={"date": "2021-03-01"})

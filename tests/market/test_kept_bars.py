"""Whatever order and company bars come in, those that are kept are of the wanted days, and one a
day.
"""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench_env.market.sources import kept
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import DownloadError, NotThereError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest

DAYS = [f"2020-06-{day:02}" for day in range(1, 31)]


def keep(into: Path, table: pd.DataFrame, kind: str = "bars") -> tuple[FetchOutcome, pd.DataFrame]:
    request = FetchRequest(
        symbol="ACME",
        asset_class="stock",
        first=date(2020, 6, 1),
        last=date(2020, 6, 30),
        into=into,
    )
    path = into / "prices" / "ACME.parquet"
    asked: Any = SimpleNamespace(records=[])
    outcome = kept.keep(request, path, SOURCES["tiingo"], kind, table, asked)
    return outcome, pd.read_parquet(path)


def bars(days: list[str] = DAYS) -> pd.DataFrame:
    close = [100.0 + int(day[-2:]) for day in days]
    return pd.DataFrame(
        {
            "date": pd.to_datetime(days),
            "symbol": "ACME",
            "open": close,
            "high": [value + 1 for value in close],
            "low": [value - 1 for value in close],
            "close": close,
            "volume": 1000.0,
            "source": "Tiingo",
        }
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.permutations(range(30)),
    again=st.lists(st.integers(0, 29), max_size=5),
    without_close=st.sets(st.sampled_from(["2019-01-01", "2020-06-05", "2030-01-01"])),
)
def test_order_repetitions_other_days_and_days_without_a_close_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    again: list[int],
    without_close: set[str],
) -> None:
    more = bars(["2020-05-31", "2020-07-01", "2099-01-01"])
    empty = bars(sorted(without_close)).assign(close=np.nan)
    came = pd.concat([bars().iloc[[*order, *again]], more, empty])

    outcome, found = keep(tmp_path_factory.mktemp("kept"), came)

    pd.testing.assert_frame_equal(found, bars())
    assert (outcome.rows, outcome.note) == (30, "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"close": 0.0}, "close 0 on 2020-06-05 is not positive"),
        ({"close": np.inf}, "close inf on 2020-06-05 is not one of any market"),
        ({"open": -1.0}, "open -1 on 2020-06-05 is not positive"),
        ({"high": 1.0}, "high 1 is below low 104 on 2020-06-05"),
        ({"volume": -1.0}, "volume -1 on 2020-06-05 is negative"),
    ],
)
def test_a_bar_that_cannot_be_is_left_out_and_named(
    tmp_path: Path, change: dict[str, float], says: str
) -> None:
    came = bars()
    for name, value in change.items():
        came.loc[4, name] = value

    outcome, found = keep(tmp_path, came)

    pd.testing.assert_frame_equal(found, bars([*DAYS[:4], *DAYS[5:]]))
    assert says in outcome.note


def test_of_two_bars_of_a_day_that_contradict_each_other_none_is_taken(tmp_path: Path) -> None:
    second = bars(["2020-06-05"]).assign(close=105.5)
    outcome, found = keep(tmp_path, pd.concat([bars(), second]))

    pd.testing.assert_frame_equal(found, bars([*DAYS[:4], *DAYS[5:]]))
    assert "a second bar of 2020-06-05 contradicts the first" in outcome.note


@pytest.mark.parametrize("amount", [0.0, -1.0, np.nan, np.inf])
def test_an_amount_that_no_dividend_or_split_has_is_refused_before_it_is_written(
    tmp_path: Path, amount: float
) -> None:
    listed = pd.DataFrame(
        {
            "symbol": "ACME",
            "date": pd.to_datetime(["2020-06-05"]),
            "action": "split",
            "amount": amount,
            "source": "Tiingo",
        }
    )
    with pytest.raises(DownloadError, match=r"a split of .* on 2020-06-05 cannot be"):
        keep(tmp_path, listed, "actions")
    assert not list(tmp_path.rglob("*.parquet"))


def test_where_many_bars_cannot_be_none_is_taken_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="bars of 30 days cannot be"):
        keep(tmp_path, bars().rename(columns={"high": "low", "low": "high"}))
    with pytest.raises(NotThereError, match="no bars from 2020-06-01 to 2020-06-30"):
        keep(tmp_path, bars(["2019-01-01", "2099-01-01"]))
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_text_at_no_date_of_the_past_is_left_out(tmp_path: Path) -> None:
    moments = ["2020-06-05", "0001-01-01", "2999-01-01", None]
    news = pd.DataFrame(
        {
            "date": pd.to_datetime(moments).astype("datetime64[us]"),
            "symbol": "ACME",
            "headline": ["new", "old", "to come", "at no date"],
            "source": "a source",
        }
    )
    outcome, found = keep(tmp_path, news, "news")

    assert found["headline"].tolist() == ["new"]
    assert (outcome.rows, outcome.note) == (1, "left out 3 without a date of the past")

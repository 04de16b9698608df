"""Prices in another unit and splits that divide a part of the rows are findings of the market."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from investorbench_env.market.files.assemble import assemble
from investorbench_env.market.files.checking import check
from investorbench_env.market.files.corporate_actions import Actions, ShareSplit
from investorbench_env.market.library import find_market
from investorbench_env.market.sessions import sessions_between

DAYS = sessions_between("stock", "2021-01-04", "2021-03-31")
CLOSE = np.round(50 + 0.1 * np.arange(len(DAYS)), 2)
OTHER = 20
"""The session that is wrong."""


def findings(asset_class: str = "stock", actions: Actions | None = None, **columns: object):
    frame = pd.DataFrame({"date": DAYS.astype("M8[ns]"), "close": CLOSE, **columns})
    market = assemble("ACME", asset_class, frame, actions=actions, source="a test")
    return [finding for finding in market.findings if "looks like" in finding]


def scaled(factor: float, since: int = OTHER, until: int = OTHER + 1) -> np.ndarray:
    close = CLOSE.copy()
    close[since:until] *= factor
    return close


@pytest.mark.parametrize("factor", [100, 0.01, 1000, 25])
@pytest.mark.parametrize("asset_class", ["stock", "etf", "crypto", "index"])
def test_a_close_in_another_unit_is_named_there_and_back(factor: float, asset_class: str) -> None:
    found = findings(asset_class, close=scaled(factor))

    assert [str(DAYS[OTHER]) in found[0], str(DAYS[OTHER + 1]) in found[1]] == [True, True]


def test_an_adjusted_close_in_the_same_other_unit_excuses_nothing() -> None:
    assert len(findings(close=scaled(100), adj_close=scaled(100))) == 2


def test_an_open_in_another_unit_than_its_close_is_named() -> None:
    opens = CLOSE.copy()
    opens[OTHER] *= 100

    assert f"open 5200 on {DAYS[OTHER]} beside a close of 52" in findings(open=opens)[0]


@pytest.mark.parametrize("ratio", [2, 3, 10])
def test_a_split_that_divides_a_part_of_the_rows_is_named(ratio: float) -> None:
    found = findings(close=scaled(1 / ratio, 0, OTHER))

    assert f"on {DAYS[OTHER]}: looks like a 1:{ratio} reverse split" in found[0]


def test_a_split_that_the_market_knows_is_none_to_name() -> None:
    split = ShareSplit(ex_date=DAYS[OTHER], ratio=2.0)

    assert findings(actions=Actions(complete=True, dividends=(), splits=(split,))) == []


def test_of_listed_splits_another_day_shows_that_only_a_part_is_divided() -> None:
    """Both columns are divided up to the wrong day."""
    split = ShareSplit(ex_date=DAYS[40], ratio=4.0)
    wrong = scaled(0.25, 0, OTHER)
    actions = Actions(complete=True, dividends=(), splits=(split,))
    found = findings(actions=actions, close=wrong, adj_close=wrong)

    assert any(f"on {DAYS[OTHER]}: looks like" in each for each in found)


@pytest.mark.parametrize("ratio", [2, 4, 10])
@pytest.mark.parametrize("until", [OTHER + 1, OTHER + 15])
def test_a_part_that_both_columns_divide_is_no_news(ratio: float, until: int) -> None:
    for factor in (ratio, 1 / ratio):
        wrong = scaled(factor, until=until)
        found = findings(close=wrong, adj_close=0.9 * wrong)

        assert len(found) == 2
        assert [str(DAYS[day]) in text for day, text in zip((OTHER, until), found, strict=True)]


def test_a_day_of_news_is_no_split() -> None:
    halved = scaled(0.5, OTHER, len(CLOSE))

    assert findings(close=halved, adj_close=halved) == []


def test_a_coin_that_halves_has_not_split() -> None:
    assert findings("crypto", close=scaled(0.5, OTHER, len(CLOSE))) == []


def test_many_jumps_are_counted() -> None:
    close = CLOSE.copy()
    close[10:40:2] *= 100

    assert len(findings(close=close)) == 5


def test_a_folder_is_checked_for_what_a_market_of_it_finds(tmp_path: Path) -> None:
    rows = [f"{day},{close}" for day, close in zip(DAYS, scaled(100), strict=True)]
    (tmp_path / "acme.csv").write_text("\n".join(["date,close", *rows]) + "\n")
    found = [each for each in find_market("ACME", "stock", tmp_path).findings if "jumps" in each]
    warned = [problem.text for problem in check(tmp_path) if "jumps" in problem.text]

    assert found == warned
    assert len(found) == 2

"""What is wrong with a file is found, and reported in plain words."""

import json
from pathlib import Path

import pandas as pd
import pytest

from investorbench_env.market.files.checking import check

DAYS = ["2021-01-13", "2021-01-14", "2021-01-15", "2021-01-19", "2021-01-20", "2021-01-21"]


def problems(
    folder: Path, text: str, name: str = "ABC.csv", **options: str
) -> list[tuple[str, str]]:
    (folder / name).write_text(text, encoding="utf-8")
    return [(problem.severity, problem.text) for problem in check(folder, **options)]


def closes(*prices: float, days: list[str] = DAYS) -> str:
    lines = [
        f"{day},{price},{price},{price},{price}" for day, price in zip(days, prices, strict=False)
    ]
    return "\n".join(["date,open,high,low,close", *lines]) + "\n"


def test_a_good_file_has_nothing_wrong(tmp_path: Path) -> None:
    assert problems(tmp_path, closes(10, 11, 12, 11, 10, 11)) == []


def test_gaps_are_found(tmp_path: Path) -> None:
    found = problems(tmp_path, closes(10, 11, 12, days=[DAYS[0], DAYS[2], DAYS[3]]))

    assert found == [("warning", "1 session without a bar: 2021-01-14")]


def test_weekend_rows_are_found_where_the_exchange_has_weekends(tmp_path: Path) -> None:
    days = [*DAYS[:3], "2021-01-16", *DAYS[3:], "2021-01-22"]

    found = problems(tmp_path, closes(10, 11, 12, 11, 12, 13, 11, 12, days=days))

    assert found == [("warning", "1 row on a weekend: 2021-01-16")]


def test_a_holiday_row_is_found(tmp_path: Path) -> None:
    days = [*DAYS[:3], "2021-01-18", *DAYS[3:]]

    found = problems(tmp_path, closes(10, 11, 12, 11, 12, 13, 11, days=days))

    assert found == [("warning", "1 row on a day the exchange was closed: 2021-01-18")]


def test_weekends_are_right_where_trading_never_stops(tmp_path: Path) -> None:
    days = [f"2021-01-{day}" for day in range(10, 24)]

    assert problems(tmp_path, closes(*range(20, 34), days=days), "BTC.csv") == []


def test_equal_duplicates_are_a_warning_and_contradictions_an_error(tmp_path: Path) -> None:
    days = [DAYS[0], DAYS[0], DAYS[1], DAYS[1]]

    found = problems(tmp_path, closes(10, 10, 11, 12, days=days))

    assert ("warning", "1 row given twice: 2021-01-13") in found
    assert ("error", "row 4: a second bar of 2021-01-14 contradicts the first") in found


def test_impossible_bars_are_errors(tmp_path: Path) -> None:
    text = (
        "date,open,high,low,close,volume\n2021-01-13,10,9,11,10,5\n"
        "2021-01-14,10,11,9,-3,5\n2021-01-15,10,11,9,10,-5\n"
    )

    found = problems(tmp_path, text)

    assert ("error", "row 1: high 9 is below low 11 on 2021-01-13") in found
    assert ("error", "row 2: close -3 on 2021-01-14 is not positive") in found
    assert ("error", "row 3: volume -5 on 2021-01-15 is negative") in found


def test_a_jump_that_looks_like_a_split_is_found(tmp_path: Path) -> None:
    ((severity, text),) = problems(tmp_path, closes(498, 499.23, 129.04, 134, 130, 131))

    assert severity == "warning"
    assert text.startswith("close jumps from 499.23 to 129.04 on 2021-01-15: looks like a 4:1")


def test_a_reverse_split_is_found_too(tmp_path: Path) -> None:
    ((_, text),) = problems(tmp_path, closes(2.5, 2.52, 20.1, 20, 21, 20))

    assert "1:8 reverse split" in text


def test_a_fall_that_the_adjusted_close_shares_is_news_and_no_split(tmp_path: Path) -> None:
    text = "date,close,adj_close\n2021-01-13,100,90\n2021-01-14,50,45\n"

    assert all("looks like" not in finding for _, finding in problems(tmp_path, text))


def test_texts_without_date_or_time_are_found(tmp_path: Path) -> None:
    text = (
        "timestamp,date,symbol,headline\n2021-01-14T10:00:00Z,2021-01-14,ABC,timed\n"
        ",2021-01-14,ABC,dated\n,,ABC,undated\n,2021-01-14,ABC,dated\n"
    )

    found = problems(tmp_path, text, "news.csv")

    assert ("warning", "1 text without a date, which will be left out (first: row 3)") in found
    assert any("2 of 4 texts without a time of day" in finding for _, finding in found)
    assert ("note", "1 text given more than once on the same day") in found


def test_an_action_that_is_not_positive_is_an_error(tmp_path: Path) -> None:
    text = "symbol,action,date,amount\nABC,split,2021-01-14,0\n"

    ((severity, said),) = problems(tmp_path, text, "actions.csv")
    assert (severity, said[:44]) == ("error", "row 1: a split on 2021-01-14 of 0 cannot be;")


def test_a_dividend_above_the_price_is_found_where_both_are_known(tmp_path: Path) -> None:
    actions = "date,symbol,action,amount\n2021-01-15,ABC,dividend,62\n"
    assert problems(tmp_path, actions, "actions.csv") == []
    found = problems(tmp_path, closes(10, 11, 12))

    assert [said for severity, said in found if severity == "error"] == [
        "row 1: a dividend of 62 on 2021-01-15 is not below the price, which closed at 11 before; "
        "correct it or leave it out"
    ]


def test_what_a_column_leaves_open_is_an_error_with_what_settles_it(tmp_path: Path) -> None:
    text = "date,close\n04/01/2021,1\n05/01/2021,1\n"
    ((severity, said),) = problems(tmp_path, text)
    assert severity == "error"
    assert "dates='day-first' or dates='month-first'" in said

    (tmp_path / "investorbench.yaml").write_text("dates: day-first\n")
    assert [severity for severity, _ in problems(tmp_path, text)] == ["note"]


def test_labels_characters_and_times_that_are_assumed_are_found(tmp_path: Path) -> None:
    text = (
        "timestamp,symbol,headline,sentiment\n2021-01-14 10:00,ABC,up\0,0.7\n"
        "2021-01-14 11:00,ABC,down,negative\n"
    )
    found = [said for severity, said in problems(tmp_path, text, "n.csv") if severity == "warning"]
    assert found == [
        "2 texts with a time and no zone, taken as that of America/New_York",
        "1 label of sentiment not understood, left out: '0.7'",
        "1 text with characters that are none, replaced",
    ]


def test_a_released_file_is_checked_as_well(tmp_path: Path) -> None:
    days = {DAYS[0]: {"prices": 10.0, "news": ["a", "a"]}, DAYS[2]: {"prices": 11.0, "news": []}}

    found = problems(tmp_path, json.dumps(days), "msft.json")

    assert ("note", "1 repeated items in the release, kept") in found
    assert ("warning", "1 session without a bar: 2021-01-14") in found


@pytest.mark.parametrize("name", ["cut.parquet", "cut.json"])
def test_a_file_that_cannot_be_read_is_an_error_and_the_others_are_still_checked(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text('{"2021-01-14": {"prices": 1')
    found = problems(tmp_path, closes(-1), "ABC.csv")

    assert sum(severity == "error" for severity, _ in found) >= 2


def test_only_a_symbol_may_be_asked_for(tmp_path: Path) -> None:
    text = "date,symbol,close\n2021-01-13,AAA,-1\n2021-01-13,BBB,1\n"

    assert [s for s, _ in problems(tmp_path, text, symbol="BBB")] == ["note"]
    assert "error" in [s for s, _ in problems(tmp_path, text, symbol="AAA")]


def test_a_file_of_an_unknown_kind_is_only_noted(tmp_path: Path) -> None:
    assert problems(tmp_path, "a,b\n1,2\n", "else.csv") == [
        ("note", "not used here yet: columns of no known kind: a, b")
    ]


def test_a_gap_of_adjusted_closes_and_a_dividend_in_cents_are_warnings(tmp_path: Path) -> None:
    rows = ["2021-02-16,50,50", "2021-02-17,51,", "2021-02-18,52,52", "2021-02-19,53,53"]
    (tmp_path / "acme.csv").write_text("\n".join(["date,close,adj_close", *rows]) + "\n")
    (tmp_path / "acme_actions.csv").write_text("date,action,amount\n2021-02-19,dividend,45\n")
    texts = [problem.text for problem in check(tmp_path) if problem.severity == "warning"]

    assert "1 row without an adj_close: 2021-02-17" in texts
    assert any("a dividend of 45 on 2021-02-19 is 87% of the close" in text for text in texts)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("as_traded", [True, False])
def test_a_split_that_is_listed_is_no_jump_of_prices_as_traded(
    tmp_path: Path, listed: bool, as_traded: bool
) -> None:
    days = ["2021-03-01", "2021-03-02", "2021-03-03", "2021-03-04"]
    closes = [400.0, 404.0, 101.5, 102.0] if as_traded else [100.0, 101.0, 101.5, 102.0]
    pd.DataFrame({"date": days, "close": closes}).to_csv(tmp_path / "ABC.csv", index=False)
    if listed:
        actions = {"date": ["2021-03-03"], "symbol": "ABC", "action": "split", "amount": 4.0}
        pd.DataFrame(actions).to_csv(tmp_path / "actions.csv", index=False)

    jumps = [problem for problem in check(tmp_path) if "4:1 split" in problem.text]

    assert bool(jumps) == (as_traded and not listed)

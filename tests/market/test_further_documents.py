"""Fundamentals, macro series, insider transactions and ratings, where they are asked for."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market import Market
from investorbench_env.market.documents import FURTHER_KINDS
from investorbench_env.market.files import fundamentals, further_documents, index, macro
from investorbench_env.market.files.texts import Texts
from investorbench_env.market.library import find_market
from investorbench_env.market.release_rules import end_of
from investorbench_env.market.sessions import sessions_between
from investorbench_env.registration import facts_in
from investorbench_env.wrappers import BriefingForm, TextObservation, brief

SESSIONS = sessions_between("stock", "2023-01-03", "2023-04-28")
FIRST_DECISION = "2023-02-01"
STATEMENTS = (
    "symbol,fiscal_period,fiscal_year,start_date,end_date,filing_date,accepted,statement,item,"
    "value,unit"
)


def statement(
    period: str, start: str, end: str, filed: str = "", accepted: str = "", **values: float
) -> list[str]:
    """Rows of a statement of AAA."""
    flow, share = "income_statement", "USD / shares"
    others = {"assets": ("balance_sheet", "USD"), "diluted_earnings_per_share": (flow, share)}
    about = f"AAA,{period},2022,{start},{end},{filed},{accepted}"
    kinds = {item: others.get(item, (flow, "USD")) for item in values}
    return [
        f"{about},{kinds[item][0]},{item},{value},{kinds[item][1]}"
        for item, value in values.items()
    ]


QUARTERS = (
    *statement("Q1", "2022-01-01", "2022-03-31", "2022-05-02", revenues=10e9, assets=50e9),
    *statement("Q2", "2022-04-01", "2022-06-30", "2022-08-02", revenues=12e9, assets=51e9),
    *statement("Q3", "2022-07-01", "2022-09-30", "2022-11-02", revenues=11e9, assets=52e9),
)
YEAR = statement(
    "FY", "2022-01-01", "2022-12-31", "2023-02-02", "2023-02-01T23:00:00Z",
    revenues=50e9, assets=60e9, diluted_earnings_per_share=4.0,
)  # fmt: skip
UNFILED = statement("Q4", "2022-10-01", "2022-12-31", revenues=99e9)


def write(folder: Path, name: str, header: str, rows: Any) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bars of AAA, statements, three series, an insider and an analyst."""
    closes = 100.0 + np.arange(len(SESSIONS)) % 7
    bars = [f"{day},{c},{c + 1},{c - 1},{c},1000" for day, c in zip(SESSIONS, closes, strict=True)]
    write(tmp_path, "AAA.csv", "date,open,high,low,close,volume", bars)
    write(tmp_path, "statements.csv", STATEMENTS, [*QUARTERS, *YEAR, *UNFILED])
    yields = [f"{day},DGS10,{3 + n / 100:.2f}" for n, day in enumerate(SESSIONS)]
    jobs = ["2022-12-01,UNRATE,3.5", "2023-01-01,UNRATE,3.4", "2023-02-01,UNRATE,3.6"]
    write(tmp_path, "macro.csv", "date,series,value", [*yields, *jobs, "2023-01-03,WHAT,1"])
    write(
        tmp_path, "form4.csv", "symbol,insider,relation,transaction,shares,price,date,filing_date",
        ["AAA,Ann Lee,director,sale,5000,101.5,2023-02-06,2023-02-08"],
    )  # fmt: skip
    write(
        tmp_path, "ratings.csv", "symbol,firm,rating,previous_rating,target_price,date",
        ["AAA,Some Bank,Buy,Hold,120,2023-02-07"],
    )  # fmt: skip
    return tmp_path


def market(folder: Path, *sources: str) -> Market:
    return find_market("AAA", "stock", str(folder), sources=sources)


def rows(found: Market | Texts, kind: str) -> list[tuple[str, str]]:
    """When each document of a kind became known in New York, and what it says."""
    zone = "America/New_York"
    return [
        (f"{pd.Timestamp(row.available_at).tz_convert(zone):%Y-%m-%d %H:%M}", row.text)
        for row in found.documents
        if row.kind == kind
    ]


def test_without_being_asked_for_nothing_changes(folder: Path) -> None:
    alone = market(folder)
    assert not len(alone.documents)
    assert market(folder, *FURTHER_KINDS).fingerprint != alone.fingerprint
    assert market(folder) is alone


def test_a_statement_is_known_by_its_filing_and_not_by_its_period(folder: Path) -> None:
    found = rows(market(folder, "fundamentals"), "fundamentals")
    assert [(when, text.partition(":")[0]) for when, text in found] == [
        ("2022-05-03 00:00", "Q1 of fiscal year 2022, 2022-01-01 to 2022-03-31"),
        ("2022-08-03 00:00", "Q2 of fiscal year 2022, 2022-04-01 to 2022-06-30"),
        ("2022-11-03 00:00", "Q3 of fiscal year 2022, 2022-07-01 to 2022-09-30"),
        ("2023-02-02 06:00", "Fiscal year 2022, 2022-01-01 to 2022-12-31"),
        (
            "2023-02-02 06:00",
            "Q4 of fiscal year 2022, 2022-10-01 to 2022-12-31, derived",
        ),
    ]


def test_a_fourth_quarter_is_the_year_less_three_for_flows_alone(folder: Path) -> None:
    *_, (_, year), (_, derived) = rows(market(folder, "fundamentals"), "fundamentals")
    assert year.endswith("revenues 50.00B, diluted earnings a share 4.00, assets 60.00B")
    assert derived.endswith("derived: the year less the first three quarters: revenues 17.00B")
    findings = market(folder, "fundamentals").findings
    assert any("1 figure without a filing" in each for each in findings)


def _read(folder: Path, written: Iterable[str]) -> Texts:
    path = write(folder, "statements.csv", STATEMENTS, written)
    return fundamentals.fundamentals(index.data_file(path), ["AAA"], "AAA")


def derived_in(folder: Path, written: Sequence[str]) -> list[float]:
    path = write(folder, "statements.csv", STATEMENTS, written)
    filed, _ = fundamentals.filed_statements(index.data_file(path), ["AAA"])
    return [value for each in fundamentals.fourth_quarters(filed) for value in each.values.values()]


def test_what_covers_the_year_so_far_is_no_quarter(tmp_path: Path) -> None:
    cumulative = (
        *statement("Q2", "2022-01-01", "2022-06-30", "2022-08-02", revenues=22e9),
        *statement("Q3", "2022-01-01", "2022-09-30", "2022-11-02", revenues=33e9),
    )
    assert derived_in(tmp_path, [QUARTERS[0], *cumulative, *YEAR]) == []
    assert derived_in(tmp_path, [*cumulative, *QUARTERS, *YEAR]) == [17e9]


def test_a_figure_is_compared_with_a_period_of_its_length(tmp_path: Path) -> None:
    before = (
        *statement("Q2", "2021-01-01", "2021-06-30", "2021-08-02", revenues=19e9),
        *statement("Q2", "2021-04-01", "2021-06-30", "2021-08-02", revenues=9e9),
    )
    path = write(tmp_path, "statements.csv", STATEMENTS, [*before, *QUARTERS])
    found = fundamentals.fundamentals(index.data_file(path), ["AAA"], "AAA").documents
    assert any("revenues 12.00B (a year before 9.00B)" in str(each) for each in found)


@pytest.mark.parametrize("filed", ["2023-02-01", "2023-02-03", "2023-06-01"])
def test_a_fourth_quarter_that_is_filed_later_takes_nothing_from_what_was_known(
    tmp_path: Path, filed: str
) -> None:
    later = statement("Q4", "2022-10-01", "2022-12-31", filed, revenues=99e9)
    found = derived_in(tmp_path, [*QUARTERS, *YEAR, *later])
    assert found == ([] if filed < "2023-02-02" else [17e9])


def test_dates_and_names_in_other_spellings_are_read(tmp_path: Path) -> None:
    def respelled(row: str) -> str:
        cells = row.split(",")
        cells[3:5] = [f"{day[5:7]}/{day[8:]}/{day[:4]}" for day in cells[3:5]]
        words = {"income_statement": "Income Statement", "revenues": "Revenues", "2022": "2022.0"}
        return ",".join(words.get(cell, cell) for cell in cells)

    written = [*QUARTERS, *YEAR]
    expected = rows(_read(tmp_path, written), "fundamentals")
    assert rows(_read(tmp_path, map(respelled, written)), "fundamentals") == expected


def test_statements_without_a_known_figure_are_named(tmp_path: Path) -> None:
    found = _read(tmp_path, [row.replace("revenues", "turnover") for row in QUARTERS[:1]])
    assert found.findings == ("no figure of AAA is one that is known by name; 'turnover' is none",)
    wrong = [QUARTERS[0].replace("2022-03-31", "spring")]
    with pytest.raises(InvestorBenchError, match="start_date or end_date 'spring' is not a date"):
        _read(tmp_path, wrong)


def test_a_fourth_quarter_needs_the_three_before(tmp_path: Path) -> None:
    path = write(tmp_path, "statements.csv", STATEMENTS, [*QUARTERS[:4], *YEAR])
    filed, _ = fundamentals.filed_statements(index.data_file(path), ["AAA"])
    assert len(filed) == 3
    assert not list(fundamentals.fourth_quarters(filed))


def test_a_quarter_that_was_filed_after_its_year_derives_nothing(tmp_path: Path) -> None:
    late = [row.replace("2022-11-02", "2023-03-02") for row in QUARTERS]
    path = write(tmp_path, "statements.csv", STATEMENTS, [*late, *YEAR])
    filed, _ = fundamentals.filed_statements(index.data_file(path), ["AAA"])
    assert not list(fundamentals.fourth_quarters(filed))


def test_a_series_is_known_by_its_rule_and_beside_what_came_before(folder: Path) -> None:
    found = market(folder, "macro")
    said = rows(found, "macro")
    assert ("2023-01-05 00:00", "DGS10, 10-year Treasury yield: 3.00 % on 2023-01-03") in said
    jobs = [each for each in said if "UNRATE" in each[1]]
    assert jobs == [
        ("2023-01-10 08:30", "UNRATE, Unemployment rate: 3.50 % in 2022-12, latest vintage"),
        (
            "2023-02-10 08:30",
            "UNRATE, Unemployment rate: 3.40 % in 2023-01 (the value before 3.50), latest vintage",
        ),
        (
            "2023-03-10 08:30",
            "UNRATE, Unemployment rate: 3.60 % in 2023-02 (the value before 3.40), latest vintage",
        ),
    ]
    assert any("WHAT has no rule" in finding for finding in found.findings)


def test_vintages_are_known_from_their_day_and_revise_what_was_said(tmp_path: Path) -> None:
    path = write(
        tmp_path, "alfred.csv", "date,series,value,realtime_start",
        ["2022-12-01,GDP,1.0,2023-01-06", "2023-01-01,GDP,2.0,2023-02-03",
         "2022-12-01,GDP,1.5,2023-02-03", "2022-12-01,GDP,1.7,2023-03-03"],
    )  # fmt: skip
    span = (end_of(date(2022, 1, 1)), end_of(date(2023, 12, 31)))
    found = macro.macro(index.data_file(path), "AAA", *span).documents
    assert [(row.available_at, row.text) for row in found] == [
        (end_of(date(2023, 1, 6)), "GDP: 1.00 on 2022-12-01"),
        (end_of(date(2023, 2, 3)), "GDP: 2.00 on 2023-01-01 (the value before 1.50)"),
        (end_of(date(2023, 3, 3)), "GDP: 2.00 on 2023-01-01 (the value before 1.70)"),
    ]


def test_insiders_and_analysts_are_known_once_they_are_published(folder: Path) -> None:
    found = market(folder, "insider", "analyst")
    assert rows(found, "insider") == [
        ("2023-02-09 00:00", "Ann Lee, director: sale of 5.00K shares at 101.50")
    ]
    assert rows(found, "analyst") == [
        ("2023-02-08 00:00", "Some Bank: Buy (before Hold), target 120.00")
    ]


def test_a_briefing_has_them_and_observations_do_not(folder: Path) -> None:
    given: dict[str, Any] = {
        "data": str(folder),
        "symbol": "AAA",
        "start": FIRST_DECISION,
        "end": "2023-04-28",
    }
    plain = TextObservation(gym.make("InvestorBench/Stock", **given))
    env = TextObservation(gym.make("InvestorBench/Stock", sources=FURTHER_KINDS, **given))
    source = ", fundamentals"
    for _ in range(2):
        env.reset()
    for seen, other in zip(walk(env, 10), walk(plain, 10), strict=True):
        text, bare = (each[0].partition("# Session")[2] for each in (seen, other))
        assert text == bare
    form = BriefingForm(drop=0.0, shuffle=False)
    found = brief(seen[1]["history"], facts_in(env), seed=1, form=form)
    assert [p.section for p in found.pieces if p.id.endswith("1")][:5] == [
        "technical", "fundamentals", "macro", "insider", "analyst",
    ]  # fmt: skip
    assert source not in found.text
    bare_brief = brief(other[1]["history"], facts_in(plain), seed=1, form=form)
    assert {piece.section for piece in bare_brief.pieces} == {"technical"}


def walk(env: Any, steps: int) -> list[tuple[Any, Any]]:
    seen = [env.reset(seed=0)]
    for _ in range(steps):
        observation, *_, info = env.step(1)
        seen.append((observation, info))
    return seen


def test_a_source_that_is_not_there_is_absent(folder: Path) -> None:
    (folder / "macro.csv").unlink()
    assert not rows(market(folder, "macro"), "macro")
    assert market(folder, "macro") is market(folder)


@pytest.mark.parametrize("given", ["macro", None, {"macro": 1}, 3])
def test_sources_that_are_no_list_are_refused(given: Any) -> None:
    with pytest.raises(InvestorBenchError, match="sources="):
        gym.make("InvestorBench/Stock-SIM", sources=given)


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="macros"):
        gym.make("InvestorBench/Stock-SIM", sources=["macros"])


def test_perpetuals_have_no_sources() -> None:
    with pytest.raises(InvestorBenchError, match="perpetuals"):
        gym.make("InvestorBench/Perpetuals-SIM", sources=["macro"])


def differences_after_a_change(folder: Path, last: date) -> set[str]:
    """Documents known by the end of a day that change with what is published after it."""

    def known() -> dict[str, str]:
        documents = market(folder, *FURTHER_KINDS).documents
        return {row.id: row.text for row in documents if row.available_at <= end_of(last)}

    before = known()
    for path, name in ((folder / "statements.csv", "filing_date"), (folder / "macro.csv", "date")):
        frame = pd.read_csv(path, dtype=str)
        later = frame[name] > str(last)
        if name == "filing_date":
            later |= frame[name].isna()
        frame.loc[later, "value"] = "77"
        frame.to_csv(path, index=False)
    after = known()
    return {before.get(id) or after[id] for id in before.keys() ^ after.keys()}


@pytest.mark.parametrize("last", ["2023-01-15", "2023-02-01", "2023-02-02", "2023-03-09"])
def test_what_is_published_later_changes_nothing_that_is_known(folder: Path, last: str) -> None:
    assert not differences_after_a_change(folder, date.fromisoformat(last))


def by_period(statement: Callable[..., Any]) -> Callable[..., Any]:
    """Statements that are known as their period ends: the leak."""

    def leaking(*args: Any) -> Any:
        found, without = statement(*args)
        early = [
            each.__class__(
                filing=each.filing._replace(known=end_of(each.filing.end)),
                values=each.values,
                flows=each.flows,
            )
            for each in found
        ]
        return early, without

    return leaking


def test_a_statement_that_is_known_by_its_period_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = by_period(fundamentals.filed_statements)
    monkeypatch.setattr(fundamentals, "filed_statements", leaking)
    further_documents.forget()
    assert differences_after_a_change(folder, date(2023, 2, 1))


@pytest.fixture
def pivoted(data_folder: Path) -> pd.DataFrame:
    return pd.read_parquet(data_folder / "fundamentals" / "fundamentals_stockbench.parquet")


@pytest.mark.heavy
def test_real_fourth_quarters_agree_with_another_arithmetic(
    data_folder: Path, pivoted: pd.DataFrame
) -> None:
    path = data_folder / "fundamentals" / "fundamentals_stockbench.parquet"
    checked = 0
    for symbol in ("AAPL", "MSFT", "JPM"):
        filed, _ = fundamentals.filed_statements(index.data_file(path), [symbol])
        own = pivoted[(pivoted.symbol == symbol) & (pivoted["item"] == "net_income_loss")]
        own = own.drop_duplicates(["timeframe", "end_date"], keep="last")
        by_end = own[own.fiscal_period != "FY"].set_index("end_date")["value"]
        for each in fundamentals.fourth_quarters(filed):
            theirs = by_end.get(str(each.filing.end))
            if theirs is not None and "net_income_loss" in each.values:
                assert each.values["net_income_loss"] == pytest.approx(theirs, rel=1e-6)
                checked += 1
    assert checked > 20


@pytest.mark.heavy
def test_real_statements_are_known_as_pandas_reckons(
    data_folder: Path, pivoted: pd.DataFrame
) -> None:
    found = find_market("AAPL", "stock", str(data_folder), sources=["fundamentals"])
    known = {
        str(pd.Timestamp(row.available_at).tz_convert("America/New_York"))
        for row in found.documents
        if row.kind == "fundamentals"
    }
    own = pivoted[(pivoted.symbol == "AAPL") & pivoted.filing_date.notna()]
    expected = set()
    for filed, accepted in own[["filing_date", "acceptance_datetime"]].drop_duplicates().to_numpy():
        day = pd.Timestamp(filed, tz="America/New_York")
        moment = day + pd.DateOffset(days=1)
        if not pd.isna(accepted):
            at = pd.Timestamp(accepted).tz_convert("America/New_York")
            in_time = at >= day and at < day + pd.DateOffset(hours=17, minutes=30)
            moment = at if in_time else day + pd.DateOffset(hours=6)
        expected.add(str(moment))
    first, last = (pd.Timestamp(each, tz="UTC") for each in found.times[[0, -1]])
    first -= further_documents.BEFORE
    assert known == {each for each in expected if first <= pd.Timestamp(each) <= last}


@pytest.mark.heavy
def test_real_figures_that_are_published_later_change_nothing(data_folder: Path) -> None:
    from datetime import UTC, datetime

    last = datetime(2022, 7, 1, 4, tzinfo=UTC)
    first = datetime(2021, 1, 1, tzinfo=UTC)
    path = data_folder / "macro" / "macro_fred.parquet"
    whole = macro.macro(index.data_file(path), "AAPL", first, datetime(2023, 1, 1, tzinfo=UTC))
    short = macro.macro(index.data_file(path), "AAPL", first, last)
    early = [row for row in whole.documents if row.available_at <= last]
    assert early == list(short.documents)
    assert len(early) > 1_000

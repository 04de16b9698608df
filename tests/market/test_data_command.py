"""``investorbench data``: what people see, also when something is wrong."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from investorbench.scripts.data import app
from investorbench_env.market.sources.catalogue import SOURCES

GOOD = "date,open,high,low,close,volume\n2021-01-13,10,11,9,10.5,7\n2021-01-15,10,11,9,10.6,7\n"


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVESTORBENCH_DATA", raising=False)


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ABC.csv").write_text(GOOD)
    (tmp_path / "macro.csv").write_text("date,series,value\n2021-01-13,VIX,20\n")
    return tmp_path


def test_list_shows_files_their_days_and_what_can_be_fetched(folder: Path) -> None:
    output = run("list", "--data", folder).stdout

    assert "ABC.csv" in output
    assert "daily bars · ABC · 2 rows · 2021-01-13..2021-01-15" in output
    assert "macro.csv\n    macro series · 1 rows · 2021-01-13..2021-01-13" in output
    assert "terms of use" in output
    assert "investorbench data sources" in output


def test_sources_names_each_with_its_terms_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVESTORBENCH_CONTACT", raising=False)
    output = run("sources").stdout

    for source in SOURCES.values():
        assert f"\n{source.name} " in f"\n{output}"
    assert " ".join(output.split()).count("the SEC asks who you are") == 1


def test_list_without_any_data_says_so() -> None:
    result = run("list")

    assert result.exit_code == 0
    assert "does not exist" in result.stdout


def test_describe_says_what_a_market_holds(folder: Path) -> None:
    output = run("describe", "abc", "--data", folder).stdout

    assert "ABC: real stock" in output
    assert "3 from 2021-01-13 to 2021-01-15" in output
    assert "2 (open to volume), 1 missing" in output
    assert "1 session without a bar: 2021-01-14" in output


def test_describe_without_data_is_one_line_with_the_commands() -> None:
    result = run("describe", "TSLA")

    assert result.exit_code == 1
    assert "investorbench data fetch stock/tsla" in result.stderr
    assert "export INVESTORBENCH_DATA=" in result.stderr
    assert result.stderr.count("\n") == 1


def test_check_of_a_good_file_ends_well(folder: Path) -> None:
    (folder / "ABC.csv").write_text(GOOD.replace("2021-01-15", "2021-01-14"))
    result = run("check", folder / "ABC.csv")

    assert result.exit_code == 0
    assert result.stdout.strip() == "✓ 1 file checked: nothing wrong"


def test_check_names_what_is_wrong_and_ends_with_one(folder: Path) -> None:
    (folder / "ABC.csv").write_text(GOOD.replace("10.6", "-1"))
    result = run("check", folder)

    assert result.exit_code == 1
    assert "row 2: close -1 on 2021-01-15 is not positive" in result.stdout
    assert "✗ 2 files checked: 1 error" in result.stdout


def test_check_of_a_symbol_looks_at_its_files_only(folder: Path) -> None:
    (folder / "XYZ.csv").write_text(GOOD.replace("10.6", "-1"))
    result = run("check", "ABC", "--data", folder)

    assert result.exit_code == 0
    assert "1 file checked" in result.stdout


def test_check_of_an_unknown_symbol_names_the_nearest(folder: Path) -> None:
    result = run("check", "ABD", "--data", folder)

    assert result.exit_code == 1
    assert "valid, nearest first: ABC" in result.stderr


def test_check_of_a_path_that_does_not_exist_is_said() -> None:
    result = run("check", "nowhere/ABC.csv")

    assert result.exit_code == 1
    assert "nowhere/ABC.csv does not exist" in result.stderr


def test_output_fits_into_eighty_columns(folder: Path) -> None:
    shown = (
        ("list", "--data", folder),
        ("describe", "ABC", "--data", folder),
        ("sources",),
        ("fetch", "paper", "--dry-run", "--into", folder),
    )
    for command in shown:
        lines = run(*command).stdout.splitlines()
        # The folder's own path is not ours to shorten, nor an address to be broken.
        ours = [line for line in lines if str(folder) not in line and "https://" not in line]
        assert max(map(len, ours)) <= 80


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("ABC", "--from", "soon"), "'soon' is not a date; write it as YYYY-MM-DD"),
        (("ABC", "--from", "2021-02-01", "--to", "2021-01-01"), "comes before"),
        (("ABC", "--source", "yaho"), "unknown source 'yaho'; valid, nearest first: yahoo"),
        (("ABC", "--asset-class", "bond"), "unknown asset class 'bond'"),
    ],
)
def test_fetch_refuses_what_makes_no_sense(arguments: tuple[str, ...], reason: str) -> None:
    result = run("fetch", *arguments)

    assert result.exit_code == 1
    assert reason in result.stderr


@pytest.mark.heavy
def test_fetch_shows_what_it_got_and_then_finds_it(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOOQ_API_KEY", "key")
    for source in ("YAHOO", "STOOQ"):
        monkeypatch.setenv(f"INVESTORBENCH_{source}_URL", server.url)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.answer("/q/d/l/", "Date,Open,High,Low,Close,Volume\n2021-01-14,10,11,9,10.5,5\n")
    result = run("fetch", "ABC", "--to", "2021-01-31", "--into", tmp_path)

    # Nothing gave the dividends and splits that Yahoo failed to give.
    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert "ABC_stooq.parquet" in result.stdout
    assert "1 from 2021-01-14" in run("describe", "ABC", "--data", tmp_path).stdout
    assert "no licence stated" in run("list", "--data", tmp_path).stdout


@pytest.mark.heavy
def test_fetch_ends_with_one_where_nothing_came(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOOQ_API_KEY", "key")
    for source in ("YAHOO", "STOOQ"):
        monkeypatch.setenv(f"INVESTORBENCH_{source}_URL", server.url)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    result = run("fetch", "ABC", "--into", tmp_path)

    assert result.exit_code == 1
    assert "HTTP 404" in result.stdout.replace("\n", "")


def test_a_file_that_cannot_be_read_is_listed_beside_the_others(folder: Path) -> None:
    (folder / "cut.parquet").write_bytes(b"PAR1")
    output = run("list", "--data", folder).stdout

    assert "daily bars · ABC · 2 rows" in output
    assert f"cannot be read: {folder / 'cut.parquet'}: not readable as Parquet" in output

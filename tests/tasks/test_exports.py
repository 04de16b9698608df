"""Leaderboards as files: figures that read back equal, and names that cannot break a table."""

import csv
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import (
    Entry,
    Failure,
    Leaderboard,
    Overall,
    leaderboards,
    overall,
)
from investorbench.tasks.leaderboard.exports import FORMATS, export
from investorbench.tasks.metrics import metrics
from investorbench.tasks.spreadsheets import as_it_was
from investorbench_env.errors import UnknownNameError
from tests.env.small_markets import small_market

HOSTILE = "a_b & 50 % $ # { } \\ ~ ^ | `x` *y* <b>\nnew\tline"
START, END = "2021-01-01", "2021-02-28"
Tables = tuple[list[Leaderboard], list[Overall]]


def score(agent: Any, seed: int = 1, end: str = END, **changes: Any) -> Result:
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(0.02 * rng.standard_t(6, 500)))
    market = small_market(closes.tolist(), **changes)
    return evaluate(agent, "InvestorBench/Stock", data=market, start=START, end=end, warmup=False)


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Two tasks, an agent with a hostile name and answers, one that never trades, one short of 20
    days."""
    split = {
        "is_language_model": True, "decisions": 70, "invalid": 2, "cost_usd": None,
        "tokens": {"input": 50, "output": 5},
    }  # fmt: skip
    entries = []
    for seed in (1, 2):
        result = score("momentum", seed)
        episodes = tuple(replace(each, answers={"test": split}) for each in result.episodes)
        hostile = replace(result, agent=HOSTILE, episodes=episodes)
        failures = (Failure(1, "infrastructure", "down"),)
        entries += [
            Entry(result=hostile, planned=2, failures=failures, run="my run"),
            Entry(result=score("cash", seed), planned=1),
        ]
    entries.append(Entry(result=score("momentum", 3, end="2021-01-10", simulated=True), planned=1))
    boards = leaderboards(entries, jointly=False, draws=200)
    return boards, overall(boards, draws=200)


def test_comma_separated_values_and_parquet_read_back_equal(tables: Tables) -> None:
    text = pd.read_csv(io.BytesIO(export(*tables, "csv")), dtype_backend="numpy_nullable")
    typed = pd.read_parquet(io.BytesIO(export(*tables, "parquet")))
    names = text.select_dtypes("string").columns
    text[names] = text[names].map(as_it_was, na_action="ignore")
    assert list(text.columns) == list(typed.columns) and len(text) == len(typed) == 11
    pd.testing.assert_frame_equal(text.astype(typed.dtypes), typed, check_exact=True)


def test_a_carriage_return_in_a_name_ends_no_row(tables: Tables) -> None:
    board = tables[0][0]
    rows = [replace(row, agent=f"a{number}\rb") for number, row in enumerate(board.rows)]
    text = export([replace(board, rows=tuple(rows))], [], "csv").decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(cells) for cells in found}) == 1
    column = found[0].index("agent")
    assert [cells[column] for cells in found[1:]] == [row.agent for row in rows]


def test_a_row_has_the_figures_of_the_result_as_fractions_and_of_the_tests(tables: Tables) -> None:
    rows = pd.read_parquet(io.BytesIO(export(*tables, "parquet")))
    board = next(board for board in tables[0] if not board.setting.simulated)
    row = next(row for row in board.rows if row.agent == HOSTILE)
    assert row.against is not None
    (found,) = rows[(rows.agent == HOSTILE) & (rows.market_sha256 == board.setting.market)].to_dict(
        "records"
    )
    figures = row.entry.result.metrics
    for metric in metrics():
        if "file" in metric.tables or metric.key in ("CR", "SR"):
            assert found[metric.key] == figures[metric.key]
    statistics = row.statistics
    assert (found["SR_low"], found["SR_high"]) == (statistics.sr.low, statistics.sr.high)
    assert row.beside is not None
    assert found["adjusted_p_pairs_benchmark"] == row.beside.adjusted_p
    assert found["random_uniform_percentile"] == statistics.random_uniform.value
    assert (found["repeats_planned"], found["repeats_finished"]) == (2, 1)
    assert (found["failures"], found["run"]) == ("repeat 1: infrastructure: down", "my run")
    assert [found[name] for name in ("decisions", "invalid_decisions", "tokens_read")] == [
        70,
        2,
        50,
    ]
    assert pd.isna(found["cost_usd"]) and found["is_language_model"] is True
    assert (found["start"], found["protocol"], found["simulated"]) == (START, "standard", False)


def test_what_is_missing_is_empty_and_has_its_reason(tables: Tables) -> None:
    rows = pd.read_parquet(io.BytesIO(export(*tables, "parquet")))
    few = rows[rows.simulated & (rows.agent == "momentum")].iloc[0]
    for column, reason in (("SR_low", "SR"), ("CR_low", "CR"), ("PSR", "PSR"), ("DSR", "DSR")):
        assert pd.isna(few[column])
        assert few[f"reason_{reason}"] == "9 returns, at least 20 are needed"
    for name in [name for name in rows.columns if name.startswith("reason_")]:
        figure = name.removeprefix("reason_")
        column = next(
            each for each in (f"{figure}_low", f"p_{figure}", figure, f"{figure}_path")
            if each in rows.columns
        )  # fmt: skip
        assert (rows[name].isna() | rows[column].isna()).all(), name


def test_rows_over_all_tasks_come_last_and_say_so(tables: Tables) -> None:
    rows = pd.read_parquet(io.BytesIO(export(*tables, "parquet")))
    over = rows[rows.scope == "overall"]
    assert list(over.index) == [8, 9, 10] and set(over.tasks) == {2}
    (table,) = tables[1]
    assert over.SR.tolist()[0] == table.rows[0].sr


def test_latex_has_balanced_braces_escaped_names_and_as_many_cells_as_columns(
    tables: Tables,
) -> None:
    text = export(*tables, "latex").decode()
    name = (
        r"a\_b \& 50 \% \$ \# \{ \} \textbackslash{} \textasciitilde{} \textasciicircum{} "
        r"\textbar{} `x` *y* \textless{}b\textgreater{} new line"
    )
    assert text.count(name) >= 3
    bare = re.sub(r"\\[\\{}&%$#_]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0 and not re.search(r"[#^~_]", bare)
    assert [line for line in bare.splitlines() if "%" in line] == ["% needs \\usepackage{booktabs}"]
    for tabular in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end", text, re.DOTALL):
        rows = [line for line in tabular[1].splitlines() if line.endswith(r"\\")]
        cells = {len(re.split(r"(?<!\\)&", row)) for row in rows}
        assert cells == {len(tabular[0])} and len(rows) >= 3
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 4
    assert not re.search(r"[^\x00-\x7f]", text)


def test_tables_have_labels_and_their_columns_heads_of_their_own(tables: Tables) -> None:
    text = export(*tables, "latex").decode()
    labels = re.findall(r"\\caption\{.*\}\\label\{(tab:[a-z0-9-]+)\}", text)
    assert len(set(labels)) == text.count(r"\begin{table}") == 4
    for heads in re.findall(r"\\toprule\n(.*) \\\\\n\\midrule", text):
        names = re.split(r" (?<!\\)& ", heads)
        assert len(set(names)) == len(names)
        assert r"95 \% of SR" in names and r"95 \% of alpha \%" in names


@pytest.mark.heavy
def test_latex_compiles_whatever_an_agent_is_called(tables: Tables, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex: apt install texlive-latex-base texlive-latex-recommended")
    everything = "".join(map(chr, (*range(0x20, 0x180), 0x4E2D, 0x1F600, 0x3B1, 0x2212)))
    boards = [
        replace(
            board,
            rows=tuple(
                replace(row, agent=everything) if row.agent == HOSTILE else row
                for row in board.rows
            ),
        )
        for board in tables[0]
    ]
    (tmp_path / "tables.tex").write_bytes(export(boards, tables[1], "latex"))
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        "\\input{tables}\n\\end{document}\n"
    )
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1_000


def test_a_caption_says_protocol_market_window_source_and_how_intervals_are_made(
    tables: Tables,
) -> None:
    captions = re.findall(r"\\caption\{(.*)\}", export(*tables, "latex").decode())
    real = next(caption for caption in captions if "58 days" in caption)
    for part in ("standard protocol", "real data", "2021-01-01 to 2021-02-28", "made for a test",
                 "bootstrap, 200 draws of days"):  # fmt: skip
        assert part in real
    assert any("SIMULATED MARKET" in caption for caption in captions)


@pytest.mark.parametrize("format", ["latex", "md"])
def test_bold_is_who_differs_from_all_others_and_nobody_else(tables: Tables, format: str) -> None:
    mark = {"latex": r"\textbf{", "md": "**"}[format]
    assert mark not in export(*tables, format).decode()
    board = tables[0][0]
    rows = [replace(row, rank=(2, len(board.rows))) for row in board.rows]
    rows[1] = replace(rows[1], rank=(1, 1))
    text = export([replace(board, rows=tuple(rows))], [], format).decode()
    (bold,) = [line for line in text.splitlines() if mark in line]
    assert bold.startswith({"latex": r"\textbf{1} & \textbf{", "md": "| **1** | **"}[format])


def test_markdown_has_as_many_cells_as_columns_whatever_the_name(tables: Tables) -> None:
    text = export(*tables, "md").decode()
    assert r"a\_b & 50 % $ \# \{ \} \\ \~ ^ \| \`x\` \*y\* \<b\> new line" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = {len(re.split(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1 and len(table.splitlines()) >= 4
    assert "– of cash: the returns do not vary" in text.replace("\\", "")
    assert text.count("has a") + text.count("has the highest") >= 4


def test_an_unknown_format_is_answered_with_those_there_are(tables: Tables) -> None:
    with pytest.raises(UnknownNameError, match="parquet"):
        export(*tables, "xlsx")
    assert FORMATS == ("csv", "parquet", "latex", "md")


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_to_export_is_an_empty_table(format: str) -> None:
    content = export([], [], format)
    if format == "parquet":
        assert len(pd.read_parquet(io.BytesIO(content))) == 0
    else:
        assert content.decode().strip() in ("", "% needs \\usepackage{booktabs}")

"""Whatever the figures are: a table says the same in every format, and its sentence is true."""

import io
import math
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from investorbench.scripts.tables import print_leaderboard
from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import Entry, Leaderboard, leaderboards
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.report.leaderboard_tables import leaderboard_table
from tests.covering import some_quickly
from tests.report.reading import Page
from tests.tasks.generated_boards import generated

DASH = "–"
COLUMNS: dict[str, tuple[int, float, tuple[str, ...]]] = {
    "CR": (1, 100.0, ("CR %",)),
    "SR": (2, 1.0, ("SR",)),
    "adjusted_p_alpha": (2, 1.0, ("p", "p of alpha")),
    "random_percentile": (0, 100.0, ("rnd", "rnd %", "Random %")),
}
"""What all formats have: the name in files, digits, factor, and heads."""


def written(value: Any, digits: int, factor: float) -> str:
    """A figure as tables write it, by another way than theirs."""
    if pd.isna(value):
        return DASH
    return f"{float(value) * factor + 0.0:,.{digits}f}".replace("-0.00", "0.00")


def markdown_cells(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    lines = export([board], [], "md").decode().splitlines()
    table = [line for line in lines if line.startswith("|")]
    split = [[cell.strip(" *\\") for cell in line.strip("|").split("|")] for line in table]
    return split[0], split[2:]


def terminal_cells(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    console = Console(width=200, record=True, file=io.StringIO())
    print_leaderboard(board, console)
    lines = console.export_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(" rank"))
    heads = lines[at]
    found = list(re.finditer(r"95 %|\S+(?: %)?", heads))
    rows = []
    for line in lines[at + 2 : at + 2 + len(board.rows)]:
        cells, before = [], 0
        for head in found[2:]:
            cells.append(line[: head.end()].split()[-1] if line[: head.end()].strip() else "")
            before = head.end()
        assert before <= len(line.rstrip()) + 1
        rows.append([line[: found[1].start()].strip(), line[found[1].start() :].split()[0], *cells])
    return [head.group() for head in found], rows


@pytest.mark.parametrize("seed", some_quickly(range(24), 4))
def test_the_same_figures_stand_in_the_terminal_in_files_and_on_the_page(seed: int) -> None:
    board = generated(seed)
    if not board.rows:
        return
    rows = pd.read_csv(io.BytesIO(export([board], [], "csv"))).set_index("agent")
    page = Page(leaderboard_table(board))
    heads, *cells = page.rows("Leaderboard of")
    tables = [markdown_cells(board), terminal_cells(board), (heads, cells)]
    for key, (digits, factor, names) in COLUMNS.items():
        for heads, cells in tables:
            at = next(heads.index(name) for name in names if name in heads)
            for row, own in zip(board.rows, cells, strict=True):
                figure = own[at].split(" ")[0].replace("−", "-")
                value = rows.loc[row.agent, key]
                if key == "adjusted_p_alpha" and not pd.isna(value):
                    three = value < 0.01 or 0.05 < value < 0.055
                    up = math.ceil(1000.0 * value) / 1000.0 if value > 0.05 else value
                    low = f"{up:.3f}" if three else f"{value:.2f}"
                    expected = "<.001" if value < 0.001 else low.removeprefix("0")
                else:
                    expected = written(value, digits, factor)
                assert figure.startswith(expected), (key, heads, own)


@pytest.mark.parametrize("seed", range(200))
def test_a_sentence_names_the_best_of_those_with_a_rank_and_claims_no_more_than_tests(
    seed: int,
) -> None:
    board = generated(seed)
    said = board.sentence
    agents = [row for row in board.rows if row.agent != board.benchmark]
    assert said.startswith("On InvestorBench/Stock-SIM (") and said.endswith(".")
    assert (
        not re.search(r"None(?! of)", said)
        and "nan" not in said
        and "  " not in said
        and ".." not in said
    )
    rivals = [row for row in agents if row.rank and not row.statistics.is_twin]
    if not agents:
        assert "alone was scored" in said
        return
    if not rivals:
        assert "Sharpe ratio" not in said
        return
    assert re.search(rf"{rivals[0].agent} has (the highest|a) Sharpe ratio", said)
    tests = board.comparison.against
    clear = {name for name, test in tests.items() if (test.adjusted_p or 1.0) <= 0.05}
    claimed = re.search(r"(?:The alpha|the alpha|that) of (.*?) is (?:above|below) 0", said)
    assert (claimed is not None) == bool(clear)
    luck = board.comparison.luck
    assert ("Runs that were not submitted cannot be counted." in said) == (
        luck.largest_t is not None
    )
    if luck.largest_t is not None and luck.t_95 is not None:
        test = tests.get(luck.agent or "")
        is_open = test is not None and (test.adjusted_p or 0.0) > 0.05
        assert ("hardly" in said) == (luck.largest_t > luck.t_95 and not is_open)
        assert ("does not rule it out" in said) == (luck.largest_t > luck.t_95 and is_open)


def test_agents_that_did_the_same_are_the_best_together() -> None:
    result: Result = evaluate("momentum", "stock/sim", end="2020-11-30", warmup=False, seed=0)
    entries = [Entry(result=replace(result, agent=name), planned=1) for name in ("one", "two")]
    (board,) = leaderboards(entries, jointly=False, draws=99)
    assert "one and two have the highest Sharpe ratio of them, " in board.sentence

"""Columns: a metric is one row, and stands in every table and file."""

import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from investorbench.scripts.tables import print_leaderboard
from investorbench.tasks import evaluate, metrics
from investorbench.tasks.leaderboard import Leaderboard, leaderboards
from investorbench.tasks.leaderboard.board_columns import board_columns
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.leaderboard.overall_columns import overall_columns
from investorbench.tasks.metrics import Curve, Metric, ratio
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.result import Entry
from investorbench.tasks.wording import NONE, Table
from tests.report.reading import Page


def omega(curve: Curve) -> Any:
    """Gains over losses (Keating and Shadwick, 2002)."""
    gains, losses = (np.maximum(sign * curve.excess, 0.0).sum(axis=-1) for sign in (1.0, -1.0))
    return ratio(gains, losses, np.nan)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Leaderboard:
    row = Metric(key="omega", head="Omega", doc="gains over losses", definition=omega)
    monkeypatch.setattr(metrics, "PERFORMANCE", (*metrics.PERFORMANCE, row))
    result = evaluate("momentum", "stock/sim", end="2020-11-30", warmup=False, seed=0)
    (board,) = leaderboards([Entry(result=result, planned=1)], jointly=False, draws=50)
    return board


def test_a_metric_that_is_added_stands_in_every_table_and_file(board: Leaderboard) -> None:
    row = next(row for row in board.rows if row.agent == "momentum")
    returns = row.entry.result.median.returns
    value = returns[returns > 0.0].sum() / -returns[returns < 0.0].sum()
    assert row.entry.result.metrics["omega"] == pytest.approx(value)
    shown = f"{value:.2f}"
    console = Console(width=100, record=True, file=io.StringIO())
    print_leaderboard(board, console)
    texts = [
        console.export_text(),
        *(export([board], [], kind).decode() for kind in ("latex", "md")),
    ]
    for text in texts:
        line = next(line for line in text.splitlines() if re.match(r"[ |\d–&-]+momentum", line))
        assert "Omega" in text and shown in line
    for rows in (
        pd.read_csv(io.BytesIO(export([board], [], "csv"))),
        pd.read_parquet(io.BytesIO(export([board], [], "parquet"))),
    ):
        assert rows[rows.agent == "momentum"].omega.item() == pytest.approx(value, rel=1e-15)
    page = Page(html_page(ReportContent(boards=(board,), overalls=(), records=())))
    heads, *cells = page.rows("Leaderboard of")
    at = heads.index("Omega")
    assert [own[at] for own in cells if own[1].startswith("momentum")] == [shown]


@pytest.mark.parametrize("table", ["terminal", "paper", "file", "page", "trading", "answers"])
def test_no_two_columns_of_a_table_share_a_name(table: Table) -> None:
    for columns in (board_columns(table), overall_columns(table)):
        names = [name for column in columns for name, _ in column.fields()]
        heads = [column.head_in(table) for column in columns if column.head_in(table)]
        assert len(set(names)) == len(names) and len(set(heads)) == len(heads)
        if table != "file":
            assert all(column.head_in(table) for column in columns)


def test_a_metric_that_is_not_defined_is_a_dash(board: Leaderboard) -> None:
    result = evaluate("cash", "stock/sim", end="2020-11-30", warmup=False, seed=0)
    boards = leaderboards([Entry(result=result, planned=1)], jointly=False, draws=50)
    lines = export(boards, [], "md").decode().splitlines()
    (line,) = [line for line in lines if re.match(r"\| \S+ \| cash ", line)]
    assert line.rstrip(" |").endswith(NONE)

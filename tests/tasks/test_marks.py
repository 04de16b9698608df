"""Signs beside names: who has one, and that a note says what it means."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import Leaderboard, Row, leaderboards
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.leaderboard.marks import signs_of
from investorbench.tasks.result import Entry
from tests.env.small_markets import small_market

MARKET = small_market(
    (100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.02, 500)))).tolist()
)
SHORT = {"start": "2021-01-01", "end": "2021-02-28", "warmup": False, "seed": 0}


def score(agent: Any, repeats: int = 1, **options: Any) -> Result:
    return evaluate(agent, "InvestorBench/Stock", repeats, data=MARKET, **{**SHORT, **options})


def board_of(*results: Result) -> Leaderboard:
    entries = [Entry(result=result, planned=len(result.episodes)) for result in results]
    (board,) = leaderboards(entries, jointly=False, draws=200)
    return board


def row_of(board: Leaderboard, agent: str) -> Row:
    return next(row for row in board.rows if row.agent == agent)


def sometimes(idle: set[int]) -> Callable[[], Any]:
    """An agent that trades at random but for the repeats of these numbers, which never invest."""
    made = iter(range(100))

    class Sometimes:
        def __init__(self) -> None:
            self.is_idle = next(made) in idle

        def begin(self, facts: Any, split: str, seed: int) -> None:
            self.rng = np.random.default_rng(seed)

        def act(self, observation: Any, info: Any) -> int:
            return 1 if self.is_idle else int(self.rng.integers(3))

    return Sometimes


def test_a_row_of_one_run_is_marked_where_others_have_several() -> None:
    board = board_of(score("random"), score(sometimes(set()), 3), score("momentum"))
    signs = {row.agent: signs_of(row, board.rows) for row in board.rows}
    assert signs == {"random": " ¹", "Sometimes": "", "momentum": "", "buy_and_hold": ""}
    assert "¹ one repeat: its intervals and tests are about this run, not the agent" in board.notes


def test_where_all_have_one_run_a_note_says_it_once() -> None:
    board = board_of(score("random"), score("momentum"))
    assert not any(signs_of(row, board.rows) for row in board.rows)
    (note,) = [note for note in board.notes if "repeat" in note]
    assert note.startswith("one repeat each: intervals and tests are about these runs")


def test_rules_that_leave_nothing_to_chance_need_no_repeats() -> None:
    board = board_of(score("momentum"), score("macd"))
    assert not any("repeat" in note for note in board.notes)


@pytest.mark.parametrize("idle", [{0}, {0, 2}])
def test_a_repeat_that_never_invested_counts_as_nothing_and_is_named(idle: set[int]) -> None:
    result = score(sometimes(idle), 3)
    row = row_of(board := board_of(result), "Sometimes")
    ratios = [episode.metrics["SR"] for episode in result.episodes]
    assert sum(ratio == 0.0 for ratio in ratios) == len(idle)
    assert row.sr == pytest.approx(np.mean(ratios)) == row.statistics.sr.value
    assert signs_of(row, board.rows) == " °"
    said = f"count as a Sharpe ratio of 0: Sometimes {len(idle)} of 3"
    assert any(note.startswith("°") and said in note for note in board.notes)


def test_who_decides_as_buy_and_hold_has_that_for_a_rank_and_is_in_no_test() -> None:
    twin = replace(score("buy_and_hold"), agent="twin")
    board = board_of(twin, score("momentum"))
    row = row_of(board, "twin")
    assert row.place(board.compared_with) == "= B&H" and row.statistics.is_twin
    assert row.rank == row_of(board, "buy_and_hold").rank
    for text in (export([board], [], "md").decode(), export([board], [], "latex").decode()):
        assert "= B&H" in text.replace("\\", "")
    assert "same decisions as Buy & Hold" in "".join(board.notes)
    assert "momentum has a Sharpe ratio of" in board.sentence
    assert board.comparison.against["twin"].adjusted_p is None


def test_published_figures_of_the_median_repeat_stand_in_tables_of_paper_alone() -> None:
    paper, standard = (score("random", 3, protocol=name) for name in ("paper", "standard"))
    text = export([board_of(paper)], [], "md").decode()
    heads, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = next(row for row in rows if " random " in row).strip("| ").split(" | ")
    at = heads.strip("| ").split(" | ").index("SR\\_m")
    assert cells[at] == f"{paper.median.metrics['SR']:.2f}".replace("-", "−")
    assert "_m" not in export([board_of(standard)], [], "md").decode().replace("\\", "")

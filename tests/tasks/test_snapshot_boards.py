"""Tables of snapshots: edges by hand, what can be distinguished, and cells without figures."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import Decision
from investorbench.agents.forecasts import UpForecast
from investorbench.tasks import Task, evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.leaderboard.columns import texts
from investorbench.tasks.leaderboard.pairing import pair_up
from investorbench.tasks.leaderboard.snapshot_columns import SnapshotLine, snapshot_columns
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, snapshot_boards
from investorbench.tasks.leaderboard.snapshot_sentences import (
    findings_in_short,
    snapshot_notes,
    snapshot_sentence,
)
from investorbench.tasks.result import Entry, Failure, Result

TASK = Task.of("InvestorBench/Snapshot-SIM", data="simulated")


def buys(observation: Any, info: Any) -> int:
    return 2


def sells(observation: Any, info: Any) -> int:
    return 0


class Foretells:
    """Buys, and says that a return above 0 is as likely as three of four."""

    def act(self, observation: Any, info: Any) -> Decision:
        return Decision(2, forecast=UpForecast(up=0.75, horizon=5))


def board_of(results: Sequence[Result]) -> SnapshotBoard:
    (board,) = snapshot_boards([Entry(result=r, planned=len(r.episodes)) for r in results])
    return board


@pytest.fixture(scope="module")
def results() -> list[Result]:
    agents: tuple[Any, ...] = (buys, sells, Foretells)
    return [evaluate(agent, TASK, repeats=2, seed=11) for agent in agents]


def test_an_edge_is_the_mean_of_what_was_to_be_expected_less_costs(results: list[Result]) -> None:
    board = board_of(results)
    for row in board.rows:
        scored = [each.scored for each in row.entry.result.episodes]
        means = np.concatenate([each.means for each in scored if each])
        sign = -1.0 if row.agent == "sells" else 1.0
        assert row.figures.edge.value == pytest.approx((sign * means - 0.001).mean() * 1e4)
        assert row.decisions == 50


def test_twins_share_their_place_and_opposites_do_not(results: list[Result]) -> None:
    places = {row.agent: row.places for row in board_of(results).rows}
    assert places["buys"] == places["Foretells"]
    assert places["buys"] != places["sells"] or places["sells"] == (1, 3)


def test_a_brier_score_is_there_where_forecasts_are(results: list[Result]) -> None:
    board = board_of(results)
    rows = {row.agent: row for row in board.rows}
    episodes = rows["Foretells"].entry.result.episodes
    rose = np.concatenate([each.scored.returns for each in episodes if each.scored]) > 0.0
    assert rows["Foretells"].brier.value == pytest.approx(((0.75 - rose) ** 2).mean())
    assert rows["buys"].brier.reason == "no forecasts were given"
    assert any(note.startswith("no Brier score for") for note in snapshot_notes(board))
    assert any(note.startswith("Brier: of stated prob") for note in snapshot_notes(board))


def test_who_left_out_forecasts_is_said(results: list[Result]) -> None:
    episodes = tuple(
        replace(each, forecasts=(*(each.forecasts or ())[1:], None)) for each in results[2].episodes
    )
    board = board_of([replace(results[2], episodes=episodes)])
    said = "Foretells: 48 of 50 decisions have a forecast; the others count as one half"
    assert said in list(snapshot_notes(board))


def test_columns_that_no_agent_has_are_left_out_for_readers(results: list[Result]) -> None:
    board = board_of(results[:2])
    keys = [column.key for column in snapshot_columns("terminal", board)]
    assert keys == ["edge", "skill", "realised"]
    files = {column.key for column in snapshot_columns("file", board)}
    assert {"brier", "wordings", "tokens", "cost_usd", "linear"} <= files
    line = list(
        texts(snapshot_columns("terminal", board), "terminal", SnapshotLine(board, board.rows[0]))
    )
    assert len(line) == 4 and "–" not in line


def test_a_sentence_says_what_can_be_distinguished(results: list[Result]) -> None:
    sentence = snapshot_sentence(board_of(results))
    assert "3 agents were scored" in sentence
    assert "of 3 pairs can be distinguished" in sentence
    assert "was scored" in snapshot_sentence(board_of(results[:1]))


def test_snapshots_and_accounts_share_no_table(results: list[Result]) -> None:
    assert leaderboards([Entry(result=results[0], planned=2)]) == []


def test_runs_on_other_markets_are_in_tables_of_their_own(results: list[Result]) -> None:
    other = evaluate(buys, TASK, repeats=2, seed=12)
    entries = [Entry(result=each, planned=2) for each in (results[0], other)]
    assert len(snapshot_boards(entries)) == 2


@pytest.mark.parametrize(("kind", "is_compared"), [("agent", 0), ("model", 0), ("unfinished", 1)])
def test_who_fails_is_not_compared_and_takes_nothing_from_others(
    results: list[Result], kind: str, is_compared: bool
) -> None:
    short = replace(results[0], episodes=results[0].episodes[:1])
    failed = Entry(result=short, planned=2, failures=(Failure(1, kind, "no view"),))
    others = [Entry(result=each, planned=2) for each in results[1:]]
    board = snapshot_boards([failed, *others])[0]
    assert board.observations == (25 if is_compared else 50)
    assert (failed.result.agent in board.scores) == is_compared
    if not is_compared:
        assert (board.rows[-1].agent, board.rows[-1].places) == (failed.result.agent, (1, 3))
        assert any("who fails may choose where" in note for note in board.notes)


@pytest.mark.parametrize("seed", range(10))
def test_a_table_of_many_assets_has_few_findings_and_counts_all_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = [f"of kind {n}" for n in range(rng.integers(1, 20))]
    found = [f"A{n}: {rng.choice(kinds)}" for n in range(rng.integers(1, 200))]
    lines = list(findings_in_short([*found, "Chosen with hindsight"]))
    assert len(lines) <= 11
    assert lines[0] == "Chosen with hindsight"
    named = sum(
        int(line.split()[1 if line.startswith("and ") else 0])
        if line.split()[0].isdigit() or line.startswith("and ")
        else len(re.findall(r"A[0-9]+", line)) or 1
        for line in lines
    )
    assert named == len(found) + 1


def test_runs_of_snapshots_are_not_compared_by_ratios_of_an_account(results: list[Result]) -> None:
    entries = [Entry(result=own, planned=2) for own in results]
    found = pair_up(entries, entries)
    assert found.pairs == []
    assert len(found.refused) == len(results)
    assert all("investorbench report RUN_A RUN_B" in line for line in found.refused)

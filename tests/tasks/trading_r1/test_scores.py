"""What decided classes come to, against a second reading; their blocks, intervals and tables."""

import dataclasses
import io
from collections import Counter
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.scripts.tables import print_results
from investorbench.tasks import evaluate
from investorbench.tasks.forecasts import clustered_mean
from investorbench.tasks.labelled import MarkedDay
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.leaderboard.label_boards import LabelBoard, label_boards
from investorbench.tasks.leaderboard.label_columns import label_columns
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.trading_r1 import rewards as r1
from investorbench.tasks.trading_r1.blocks import SHARED, MarketDay, blocks_of, numbers_of
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import DECISION_REWARDS, SIZES, staged
from investorbench.tasks.trading_r1.scores import (
    LabelledDecision,
    baselines_of,
    figures_of,
)
from investorbench.tasks.wording import Table
from tests.tasks.trading_r1.theses import BRIEFING, IDS, thesis
from tests.tasks.trading_r1.writing import AlwaysBuys, Writer, small_task

STUDENTS_975 = {3: 3.182, 4: 2.776, 7: 2.365, 14: 2.145}


@pytest.fixture(scope="module")
def written() -> Result:
    return evaluate(Writer, small_task(), 2, warmup=False, seed=3)


@pytest.fixture(scope="module")
def board(written: Result) -> LabelBoard:
    others = [
        evaluate(each, small_task(), warmup=False, seed=3) for each in (AlwaysBuys, "momentum")
    ]
    (found,) = label_boards([Entry(result=each, planned=1) for each in (written, *others)])
    return found


def decisions(labels: list[str | None], decided: list[str | None]) -> list[LabelledDecision]:
    """One a session, each paid as its class says."""
    return [
        LabelledDecision(
            symbol="TEST",
            day=MarketDay("", f"2023-{n // 28 + 1:02}-{n % 28 + 1:02}"),
            known=MarkedDay(
                session="",
                label=label,
                decided=own,
                horizon_return=(n % 7 - 3) / 100.0,
                decision=None if label is None else paid(own, label),
            ),
            round_trip_rate=0.0,
        )
        for n, (label, own) in enumerate(zip(labels, decided, strict=True))
    ]


def paid(decided: str | None, label: str) -> float:
    return -1.5 if decided is None else DECISION_REWARDS[decided][CLASSES.index(label)]


def test_every_decision_is_paid_by_its_thesis_and_its_label(written: Result) -> None:
    formed = r1.rewards(thesis(), Citable.of(BRIEFING, IDS), "BUY")
    days = [day for each in written.episodes if each.labelled for day in each.labelled.days]
    assert len(days) == 2 * 133 and {day.structure for day in days} == {formed.structure}
    assert {day.evidence for day in days} == {formed.evidence}
    for day in days:
        assert day.decision == (None if day.label is None else paid(day.decided, day.label))
        if day.decided and day.horizon_return is not None and day.daily_volatility is not None:
            size = SIZES[day.decided]
            rate = 2.0 * written.facts.cost_rate
            net = size * day.horizon_return - abs(size) * rate
            assert day.graded == pytest.approx(net / day.daily_volatility / 7**0.5)


def test_figures_are_means_over_days_with_a_label(written: Result, board: LabelBoard) -> None:
    row = next(row for row in board.rows if row.agent == "writer")
    days = [day for each in written.episodes if each.labelled for day in each.labelled.days]
    labelled = [day for day in days if day.label is not None]
    assert row.figures.labelled == len(labelled)
    assert row.figures.decision.value == pytest.approx(
        fmean(day.decision for day in labelled if day.decision is not None)
    )
    assert row.figures.accuracy.value == pytest.approx(
        fmean(day.decided == day.label for day in labelled)
    )
    sides = [day for day in days if day.decided not in (None, "HOLD") and day.horizon_return]
    right = [(SIZES[day.decided or ""] > 0) == ((day.horizon_return or 0.0) > 0) for day in sides]
    assert row.figures.hits.value == pytest.approx(fmean(right))
    stage = fmean(
        staged(r1.Rewards(day.structure or 0, day.evidence or 0, day.decision or 0), "III")
        for day in labelled
    )
    assert row.figures.stages["III"].value == pytest.approx(stage)
    assert sum(map(sum, (own.values() for own in row.figures.confusion.values()))) == len(labelled)


def test_ranks_are_spearmans(written: Result, board: LabelBoard) -> None:
    row = next(row for row in board.rows if row.agent == "writer")
    pairs = [
        (SIZES[day.decided] if day.decided else 0.0, day.horizon_return)
        for each in written.episodes
        if each.labelled
        for day in each.labelled.days
        if day.horizon_return is not None
    ]
    ranks = pd.DataFrame(pairs).rank()
    assert row.figures.ranks.value == pytest.approx(np.corrcoef(ranks[0], ranks[1])[0, 1])


def test_the_published_window_has_four_blocks() -> None:
    from investorbench_env.market.sessions import sessions_between

    sessions = sessions_between("stock", "2024-06-03", "2024-08-30")
    found = blocks_of(MarketDay("", str(day)) for day in sessions)
    assert len(sessions) == 63 and sorted(Counter(found.values()).values()) == [15, 16, 16, 16]


@given(st.integers(1, 400), st.integers(1, 3))
def test_blocks_are_consecutive_and_long_enough(sessions: int, markets: int) -> None:
    dates = np.datetime64("2020-01-01") + np.arange(sessions)
    days = [MarketDay(f"{m}", str(date)) for m in range(markets) for date in dates]
    found = blocks_of(days + days)
    own = [found[day] for day in days]
    assert own == sorted(own) and len(set(own)) == markets * max(1, sessions // 15)
    assert min(Counter(own).values()) >= min(15, sessions)


@pytest.mark.parametrize("sessions", [60, 75, 120, 225])
def test_intervals_are_students_over_blocks(sessions: int) -> None:
    rng = np.random.default_rng(sessions)
    labels, decided = (rng.choice(CLASSES, sessions).tolist() for _ in range(2))
    found = figures_of(decisions(labels, decided))
    blocks = sessions // 15
    rewards = [paid(own, label) for own, label in zip(decided, labels, strict=True)]
    means = [fmean(own) for own in np.split(np.array(rewards), blocks)]
    # Blocks of variance 1 whose neighbours are correlated by a quarter.
    covariance = np.eye(blocks) + (np.eye(blocks, k=1) + np.eye(blocks, k=-1)) / 4
    of_mean = covariance.sum() / blocks**2
    of_spread = (np.trace(covariance) - covariance.sum() / blocks) / (blocks - 1)
    half = STUDENTS_975[blocks - 1] * stdev(means) * (of_mean / of_spread) ** 0.5
    assert found.blocks == blocks
    assert found.decision.low == pytest.approx(fmean(rewards) - half, abs=2e-3)
    assert found.decision.high == pytest.approx(fmean(rewards) + half, abs=2e-3)


@pytest.mark.parametrize(("sessions", "ahead"), [(60, 15), (225, 15), (600, 15), (225, 7)])
def test_intervals_hold_the_mean_of_moves_that_overlap(sessions: int, ahead: int) -> None:
    """Of two correlated tickers; blocks taken as independent hold it less often."""
    days = [MarketDay("", f"{n:04}") for n in range(sessions)]
    numbers = np.repeat(numbers_of(days, blocks_of(days)), 2)
    known, unknown, repeats = 0, 0, 800
    for seed in range(repeats):
        common, *own = np.random.default_rng(seed).normal(size=(3, sessions + ahead - 1))
        moves = [np.convolve(common + each, np.ones(ahead), "valid") for each in own]
        for neighbours in (0.0, SHARED):
            found = clustered_mean(
                np.stack(moves, axis=1).ravel(), numbers, fewest=4, neighbours=neighbours
            )
            assert found.low is not None and found.high is not None
            holds = found.low <= 0.0 <= found.high
            known, unknown = (
                known + (holds and neighbours > 0),
                unknown + (holds and not neighbours),
            )
    assert 0.92 <= known / repeats <= 0.985
    assert unknown < known and (ahead < 15 or sessions < 225 or unknown / repeats < 0.91)


def test_tickers_share_the_blocks_of_their_days() -> None:
    """Six tickers that always agree are no more than one."""
    rng = np.random.default_rng(6)
    one = decisions(rng.choice(CLASSES, 63).tolist(), rng.choice(CLASSES, 63).tolist())
    six = [each._replace(symbol=f"{n}") for each in one for n in range(6)]
    few, many = figures_of(one), figures_of(six)
    assert many.blocks == few.blocks == 4
    assert many.decision.low == pytest.approx(few.decision.low)
    assert many.labelled == 6 * few.labelled


def test_few_blocks_have_no_interval_but_the_reason() -> None:
    found = figures_of(decisions(["BUY"] * 40 + ["HOLD"] * 19, ["BUY"] * 59))
    assert found.decision.value is not None and found.decision.low is None
    assert found.decision.reason == "3 independent blocks, 4 are needed"


def test_days_without_a_label_count_nowhere_and_a_missing_decision_counts() -> None:
    labels: list[str | None] = ["BUY", None, "HOLD"]
    found = figures_of(decisions(labels, ["BUY", "BUY", None]))
    assert (found.labelled, found.undecided, found.decisions) == (2, 1, 3)
    assert found.decision.value == pytest.approx((1.0 - 1.5) / 2)
    assert found.accuracy.value == 0.5
    nothing = figures_of(decisions([None] * 3, ["BUY"] * 3))
    assert nothing.decision.value is None and nothing.decision.reason == "no day has a label"


@given(st.lists(st.sampled_from([*CLASSES, None]), min_size=1, max_size=80), st.integers(0, 99))
@settings(max_examples=40)
def test_constant_answers_earn_what_their_classes_pay(labels: list[Any], seed: int) -> None:
    decided = np.random.default_rng(seed).choice([*CLASSES, None], len(labels)).tolist()
    found = baselines_of(decisions(labels, decided))
    known = [label for label in labels if label is not None]
    for name, label in (("always buy", "BUY"), ("always strong sell", "STRONG_SELL")):
        mean = figures_of(found[name]).decision.value
        expected = fmean(paid(label, each) for each in known) if known else None
        assert mean == (None if expected is None else pytest.approx(expected))
    assert figures_of(found["label oracle"]).accuracy.value == (1.0 if known else None)


def test_an_agent_that_always_buys_earns_what_always_buy_does(board: LabelBoard) -> None:
    agent, answer = (
        next(row for row in board.rows if row.agent == name)
        for name in ("always_buys", "always buy")
    )
    assert agent.figures.decision == answer.figures.decision
    assert agent.figures.lead.value == 0.0
    assert agent.figures.structure.reason == "it writes no theses"
    assert "decide no classes: momentum" in board.notes


def test_a_board_says_where_nothing_can_be_distinguished() -> None:
    result = evaluate(Writer, small_task(196, 273), warmup=False, seed=4)
    (board,) = label_boards([Entry(result=result, planned=1)])
    assert board.agents[0].figures.blocks == 5
    assert "cannot be distinguished from that of always buy" in board.sentence
    result = evaluate(Writer, small_task(196, 230), warmup=False, seed=4)
    (board,) = label_boards([Entry(result=result, planned=1)])
    assert "4 are needed" in board.sentence


def test_who_knows_the_label_is_compared_with_nothing() -> None:
    task = small_task(196, 273)
    writer = evaluate(Writer, task, warmup=False, seed=4)
    knowing = dataclasses.replace(writer, agent="seer", handed=("market",))
    assert knowing.knows
    (alone,) = label_boards([Entry(result=writer, planned=1)])
    (board,) = label_boards([Entry(result=each, planned=1) for each in (writer, knowing)])
    assert board.sentence == alone.sentence and any("seer" in each for each in board.notes)
    ends = {row.agent: row.figures.lead.low for row in (*alone.agents, *board.agents)}
    assert ends["writer"] == alone.agents[0].figures.lead.low
    (seers,) = label_boards([Entry(result=knowing, planned=1)])
    assert "nothing to compare" in seers.sentence


def test_theses_on_a_task_without_labels_have_form_and_evidence_alone() -> None:
    result = evaluate(Writer, small_task(labels=None), warmup=False, seed=4)
    (board,) = label_boards([Entry(result=result, planned=1)])
    (row,) = board.rows
    assert row.figures.structure.value and row.figures.evidence.value
    assert row.figures.decision.reason == "no day has a label"
    assert board.sentence == "" and any("task.labels.train" in note for note in board.notes)
    assert "reward" not in {each.head for each in label_columns("page", board)}


def test_tickers_stand_together_over_several_tasks() -> None:
    windows = [small_task(196, 260), small_task(196, 259)]
    results = [evaluate(Writer, each, warmup=False, seed=5) for each in windows]
    boards = label_boards([Entry(result=each, planned=1) for each in results])
    assert [len(each.settings) for each in boards] == [2, 1, 1]
    pooled = next(row for row in boards[0].rows if row.agent == "writer")
    assert pooled.figures.decisions == 64 + 63


def test_figures_stand_in_every_table_and_file(written: Result, board: LabelBoard) -> None:
    row = next(row for row in board.rows if row.agent == "writer")
    shown = f"{row.figures.decision.value:.2f}".replace("-", "−")
    console = Console(width=100, record=True, file=io.StringIO())
    print_results([written], console)
    texts = [
        console.export_text(),
        *(export([], [], kind, (), [board]).decode() for kind in ("md",)),
    ]
    assert all(shown in text and "blocks" in text for text in texts)
    assert "− buy" in texts[0] and "always hold" in texts[0]
    table = pd.read_csv(io.BytesIO(export([], [], "csv", (), [board]))).set_index("agent")
    assert table.decision_reward["writer"] == pytest.approx(row.figures.decision.value)
    assert table.label_blocks["writer"] == row.figures.blocks
    assert table.decision_reward_low["writer"] == pytest.approx(row.figures.decision.low)
    for name in ("hit_ratio", "label_accuracy", "rank_correlation", "reward_less_always_buy"):
        assert np.isfinite(table[f"{name}_low"]["writer"]), name
    assert r"label \%" in export([], [], "latex", (), [board]).decode()


@pytest.mark.parametrize("table", ["terminal", "paper", "file", "page"])
def test_no_two_columns_of_a_table_share_a_name(table: Table) -> None:
    columns = label_columns(table)
    names = [name for column in columns for name, _ in column.fields()]
    heads = [column.head_in(table) for column in columns if column.head_in(table)]
    assert len(set(names)) == len(names) and len(set(heads)) == len(heads)

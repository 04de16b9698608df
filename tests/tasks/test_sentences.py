"""What a leaderboard says in words: true of the figures beside it, whatever was entered."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import Entry, Leaderboard, leaderboards
from investorbench.tasks.leaderboard.sentences import luck_of, patience
from investorbench.tasks.statistics import Estimate, Luck
from investorbench.tasks.statistics.comparison import nothing_to_compare
from tests.env.small_markets import small_market

SHORT = {"start": "2021-01-01", "end": "2021-02-28", "warmup": False}
MARKET = small_market(
    (100.0 * np.exp(np.cumsum(0.02 * np.random.default_rng(71000).standard_t(6, 500)))).tolist()
)


def twin(observation: Any, info: Any) -> int:
    return 2


def contrary(observation: Any, info: Any) -> int:
    return 2 if observation["bars"][-1, 3] < observation["bars"][-3, 3] else 0


AGENTS = {
    "twin": twin,
    "contrary": contrary,
    **{name: name for name in ("cash", "always_sell", "momentum", "random", "buy_and_hold")},
}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {
        name: evaluate(agent, "InvestorBench/Stock", data=MARKET, seed=0, **SHORT)
        for name, agent in AGENTS.items()
    }


def board_of(results: dict[str, Result], names: Any) -> Leaderboard:
    entries = [Entry(result=results[name], planned=1) for name in names]
    (board,) = leaderboards(entries, jointly=False, draws=200)
    return board


@pytest.mark.parametrize("seed", range(12))
def test_who_is_best_is_so_among_those_that_it_is_said_of(
    results: dict[str, Result], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(sorted(AGENTS))[: rng.integers(2, len(AGENTS) + 1)])
    board = board_of(results, names)
    held = [row for row in board.rows if row.agent == "buy_and_hold" or row.agent == "twin"]
    rivals = [row for row in board.rows if row not in held]
    said = board.sentence
    assert ("twin took the same decisions as Buy & Hold." in said) == ("twin" in names)
    if not rivals:
        return
    assert f"{rivals[0].agent} has " in said
    if len(rivals) > 1:
        assert ("highest Sharpe ratio of the others" in said) == ("twin" in names)
    tested = 1 + sum(row.agent != "cash" for row in rivals)  # with Buy & Hold
    pairs = re.search(r"In (?:none|\d+) of (\d+) pairs", said)
    if pairs:
        assert int(pairs[1]) == tested * (tested - 1) // 2
    trials = re.search(r"Of (\d+) trials( \(baselines as they come are none\))?", said)
    if trials and "contrary" not in names:
        assert trials[2] is None
    only = "contrary is the only trial (baselines as they come are none)" in said
    assert only == ("contrary" in names and len(rivals) > 1)


@pytest.mark.parametrize("seed", range(40))
def test_no_gain_is_put_down_to_luck_where_there_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trials = int(rng.integers(1, 5))
    expected = 0.0 if trials == 1 else float(rng.uniform(0.3, 1.2))
    largest = float(rng.normal(0.5, 2.0))
    luck = Luck(expected_t=expected, t_95=2.0, largest_t=largest, agent="me", trials=trials)
    comparison = replace(nothing_to_compare({"me": 1}, "made for a test"), luck=luck)
    said = luck_of(comparison, bool(rng.integers(2)))
    assert ("no gain" in said) == (largest <= 0.0)
    assert ("luck alone would hardly" in said) == (largest > 2.0)
    assert ("may well be luck" in said) == (max(expected, 0.0) < largest <= 2.0)
    assert ("no more than luck" in said) == (0.0 < largest <= expected)


@pytest.mark.parametrize("seed", range(40))
def test_how_long_it_takes_has_the_unit_of_each_figure(
    results: dict[str, Result], seed: int
) -> None:
    board = board_of(results, ["momentum", "contrary"])
    rng = np.random.default_rng(seed)
    low, days, high = sorted(float(10.0 ** rng.uniform(1, 8)) for _ in range(3))
    best = next(row for row in board.rows if row.agent != "buy_and_hold")
    assert best.beside is not None
    undecided = replace(best, beside=replace(best.beside, adjusted_p=0.5))
    found = Estimate(value=days, low=low, high=high if rng.integers(2) else None)
    said = patience(undecided, found, board.compared_with, board.facts)
    for figure in re.finditer(r"(?:about|interval|or|to|than) ([\d,.]*\d) (\w+)", said):
        assert figure[2] in ("days", "years"), said
    assert ("95 %" in said) == (days / 252 <= 1_000)

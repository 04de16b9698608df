"""What some agents are handed that others cannot know, and that everything of them says so."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.oracle import Oracle
from investorbench.tasks import Result, Task, evaluate, load
from investorbench.tasks.leaderboard import leaderboards, overall
from investorbench.tasks.leaderboard.exports.cells import sheets
from investorbench.tasks.leaderboard.marks import signs_of
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.result import Entry
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import Dynamics
from tests.env.small_markets import small_market

SIM = Task.of("stock/sim", end="2020-11-06")
CRYPTO = Task.of("crypto/sim", end="2023-05-12")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    few = partial(Filter, particles=20)
    return [evaluate(agent, SIM, seed=0) for agent in (Oracle, few, "momentum")]


def test_an_oracle_and_a_filter_are_handed_what_they_need_and_results_say_so(
    results: list[Result], tmp_path: Path
) -> None:
    assert [result.knows for result in results] == ["knows the hidden state", "knows the law", ""]
    recorded = evaluate(Oracle, SIM, seed=0, folder=tmp_path)
    assert recorded.actions == results[0].actions
    assert load(tmp_path).results[0].knows == "knows the hidden state"
    (job,) = jobs_in(tmp_path)
    assert json.loads((job / "manifest.json").read_text())["knows"] == "knows the hidden state"


@pytest.mark.heavy
def test_every_table_marks_them_and_says_what_they_know(results: list[Result]) -> None:
    others = [evaluate(agent, CRYPTO, seed=0) for agent in (Oracle, "momentum")]
    entries = [Entry(result=result, planned=1) for result in (*results, *others)]
    boards = leaderboards(entries, jointly=False, draws=100)
    said = "‡ Oracle knows the hidden state; Filter knows the law"
    stock = next(board for board in boards if len(board.rows) == 4)
    (note,) = (note for note in stock.notes if note.startswith("‡"))
    assert sorted(note[2:].split("; ")) == sorted(said[2:].split("; "))
    assert {row.agent for row in stock.rows if "‡" in signs_of(row, stock.rows)} == {
        "Oracle",
        "Filter",
    }
    assert " momentum has the highest Sharpe ratio of those that know no more" in stock.sentence
    (over,) = overall(boards, draws=100)
    assert "‡ Oracle knows the hidden state" in over.notes
    of_overall, *of_boards = sheets(boards, [over])
    assert {"‡ Oracle knows the hidden state"} <= set(of_overall.notes)
    for sheet in of_boards:
        assert "Oracle ‡" in {row[1] for row in sheet.rows}


def test_what_is_handed_the_future_of_a_real_market_says_so(tmp_path: Path) -> None:
    class Knows:
        def __init__(self, market: Market) -> None:
            self.closes = market.bars[:, 0, 3]

        def act(self, observation: Any, info: Any) -> int:
            return 2

    market = small_market([100.0 + t % 7 for t in range(500)])
    assert evaluate(Knows, "InvestorBench/Stock", data=market).knows == "knows the future"


def test_what_needs_a_simulated_market_is_refused_on_another() -> None:
    class Knows:
        def __init__(self, dynamics: Dynamics) -> None: ...

        def act(self, observation: Any, info: Any) -> int:
            return 2

    market = small_market([100.0 + t % 7 for t in range(500)])
    with pytest.raises(InvestorBenchError, match="only a simulated market has known dynamics"):
        evaluate(Knows, "InvestorBench/Stock", data=market)
    with pytest.raises(InvestorBenchError, match="an oracle needs a simulated market"):
        evaluate(Oracle, "InvestorBench/Stock", data=market)


def test_what_is_handed_over_is_the_market_of_the_episode_in_both_splits() -> None:
    seen: list[Market] = []

    class Compares:
        def __init__(self, market: Market) -> None:
            self.market = market

        def act(self, observation: Any, info: Any) -> int:
            (t,) = np.flatnonzero(self.market.sessions == np.datetime64(info["session"]))
            closes = self.market.bars[t - 1 : t + 1, 0, 3].astype(np.float32)
            np.testing.assert_array_equal(observation["bars"][-2:, 3], closes)
            seen.append(self.market)  # held, so that no other one gets its identity
            return 1

    evaluate(Compares, SIM, 2)
    assert len({id(market) for market in seen}) == 2

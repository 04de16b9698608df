"""Reports of environments of others: several assets, and bars of three minutes."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.curves import points_of
from tests.report.reading import Page
from tests.tasks.toys import MinutesEnv, PairEnv

STEPS = 30


class Trader:
    """Orders of assets in turn, one of three for more than there is; or in and out by the week."""

    name = "trader"

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self._taken, self._orders = 0, facts.action == "orders"

    def act(self, observation: Any, info: Any) -> Any:
        self._taken += 1
        if not self._orders:
            return self._taken // 7 % 2
        weight = np.array([(0.3, 1.5, 0.7)[self._taken % 3]], np.float32)
        return ({"asset": self._taken % 2, "weight": weight},)


def reported(kind: Any, folder: Path) -> Page:
    """The page of a run of two repeats, made where the environment is known no longer."""
    gym.register("Toys/Reported", entry_point=kind, disable_env_checker=True)
    evaluate(Trader(), "Toys/Reported", repeats=2, warmup=False, folder=folder)
    del gym.registry["Toys/Reported"]
    found = found_in([folder])
    assert not found.problems
    boards = leaderboards((entry for _, entry in found.entries), jointly=False, draws=50)
    records = tuple(found.entries)
    return Page(html_page(ReportContent(boards=tuple(boards), overalls=(), records=records)))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return reported(PairEnv, tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return reported(MinutesEnv, tmp_path_factory.mktemp("minutes"))


def test_prices_weights_and_fills_are_those_of_each_asset(pair: Page) -> None:
    (curves,) = pair.json("curves")
    (agent,) = curves["agents"]
    prices = PairEnv("test").prices
    assert curves["symbols"] == ["AAA", "BBB"] and len(curves["times"]) == STEPS + 1
    np.testing.assert_allclose(np.array(curves["prices"]).T, prices, rtol=1e-5)
    assert [len(weights) for weights in agent["weights"]] == [STEPS] * 2
    assert "own_times" not in agent and len(agent["growth"]) == STEPS + 1
    place = {time: n for n, time in enumerate(curves["times"])}
    for time, price, sign, asset in agent["fills"]:
        # The toy fills at the price of the decision, and says that it does a bar later.
        assert price == pytest.approx(prices[place[time] - 1, asset], rel=1e-5)
        assert sign in (1, -1)
    assert {asset for *_, asset in agent["fills"]} == {0, 1}


def test_each_decision_shows_the_positions_fills_and_rejections_of_its_assets(pair: Page) -> None:
    episodes = pair.json("directory")["episodes"]
    names = ["exposure", "cost", "cash", "equity", "reward"]
    assert [each["outcome"] for each in episodes] == [names] * 2
    decisions = json.loads(pair.unpacked(episodes[0]["facts"]))["decisions"]
    assert len(decisions) == STEPS
    for number, each in enumerate(decisions, 1):
        exposure, _, cash, equity, _ = each["outcome"]
        assert exposure == pytest.approx(sum(abs(p[3]) for p in each["positions"]), rel=1e-4)
        worth = sum(quantity * price for _, quantity, price, _ in each["positions"])
        assert cash + worth == pytest.approx(equity, rel=1e-4)
        asset = "AB"[number % 2] * 3
        if number % 3 == 1:
            assert each["rejected"] == [f"{asset} to 150 %: more than there is"]
            assert each["fills"] == []
        else:
            assert [fill[0] for fill in each["fills"]] == [asset] and "rejected" not in each


def test_what_a_portfolio_held_and_why_orders_failed_is_in_tables(pair: Page) -> None:
    names, (agent, *figures) = pair.rows("Spread, lots and falls")
    found = dict(zip(names[1:], figures, strict=True))
    lots, falls = pair.rows("Lots, first in"), pair.rows("Falls of equity")
    assert agent == "trader" and found["Lots"] == str(len(lots) - 1)
    assert found["Falls"] == str(len(falls) - 1)
    earned = [float(row[-1].replace("−", "-").replace(",", "")) for row in lots[1:]]
    assert float(found["Won %"]) == pytest.approx(100 * np.mean(np.array(earned) > 0), abs=0.01)
    assert pair.rows("Orders that were not carried out") == [["Agent", "other"], ["trader", "10"]]


def test_a_task_without_a_benchmark_is_reported_and_says_so(pair: Page) -> None:
    text = pair.by_id("task-1").text
    assert "There is no benchmark to compare with" in text
    assert "nothing is compared with a benchmark, since the task has none" in text
    assert "Buy & Hold" not in text
    assert [each.text for each in pair.all("option") if len(each.text) == 3] == ["AAA", "BBB"]


def test_bars_within_a_day_are_drawn_by_moment_and_counted_by_day(minutes: Page) -> None:
    (curves,) = minutes.json("curves")
    assert curves["within_a_day"] is True and len(curves["times"]) == 501
    assert curves["times"][:2] == ["2024-01-11T14:30:00", "2024-01-11T14:33:00"]
    text = minutes.by_id("task-1").text
    assert "500 steps of 3m over 26 days" in text
    assert "26 days from 2024-01-11 to 2024-02-05" in text
    (episode, _) = minutes.json("directory")["episodes"]
    decisions = json.loads(minutes.unpacked(episode["facts"]))["decisions"]
    assert (decisions[1]["day"], decisions[1]["session"]) == ("2024-01-11 14:33", "2024-01-11")
    assert len(decisions) == 500 and len(decisions[0]["outcome"]) == 7
    assert "positions" not in decisions[0]


def test_long_curves_are_thinned_out_and_keep_their_ends() -> None:
    assert points_of(250, 10, 1).tolist() == list(range(250))
    points = points_of(100_000, 14, 30)
    assert (points[0], points[-1]) == (0, 99_999) and 500 <= len(points) < 1_000

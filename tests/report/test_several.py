"""Reports of environments of others: several assets, and bars of three minutes."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.curves import points_of
from investorbench_env.facts import Facts
from tests.report.reading import Page
from tests.report.toys import MINUTES, PAIR, registered


class Dice:
    """Weights by chance; one decision of ten asks for more than there is."""

    name = "dice"

    def act(self, observation: Any, info: dict[str, Any]) -> Any:
        rng = np.random.default_rng(zlib.crc32(info["time"].encode()))
        bound = 5.0 if rng.random() < 0.1 else 0.5
        return rng.uniform(-bound, bound, len(info["account"].marks))


def page_of(facts: Facts, folder: Path) -> Page:
    """A recorded run of two repeats; it is reported when its environment is gone."""
    with registered(facts) as id:
        evaluate(Dice(), id, repeats=2, warmup=False, folder=folder)
    found = found_in([folder])
    assert not found.problems
    boards = leaderboards((entry for _, entry in found.entries), jointly=False, draws=50)
    return Page(
        html_page(ReportContent(boards=tuple(boards), overalls=(), records=tuple(found.entries)))
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    return {each.family: page_of(each, tmp_path_factory.mktemp("toy")) for each in (PAIR, MINUTES)}


def test_prices_weights_and_fills_are_those_of_each_asset(pages: dict[str, Page]) -> None:
    (curves,) = pages["Pair"].json("curves")
    (agent,) = curves["agents"]
    assert curves["symbols"] == ["UP", "DOWN"] and len(curves["times"]) == PAIR.steps + 1
    assert [len(prices) for prices in curves["prices"]] == [PAIR.steps + 1] * 2
    assert [len(weights) for weights in agent["weights"]] == [PAIR.steps] * 2
    assert "own_times" not in agent and len(agent["growth"]) == PAIR.steps + 1
    place = {time: n for n, time in enumerate(curves["times"])}
    for time, price, sign, asset in agent["fills"]:
        # The toy fills at the price at which it was marked when the order was given.
        assert price == pytest.approx(curves["prices"][asset][place[time]], rel=1e-5)
        assert sign in (1, -1)
    assert {asset for *_, asset in agent["fills"]} == {0, 1}


def test_each_decision_shows_the_positions_fills_and_rejections_of_its_assets(
    pages: dict[str, Page],
) -> None:
    page = pages["Pair"]
    episodes = page.json("directory")["episodes"]
    assert [each["outcome"] for each in episodes] == [
        ["exposure", "cost", "cash", "equity", "reward"]
    ] * 2
    decisions = json.loads(page.unpacked(episodes[0]["facts"]))["decisions"]
    assert len(decisions) == PAIR.steps
    refused = [each for each in decisions if "rejected" in each]
    assert 0 < len(refused) < PAIR.steps
    for each in decisions:
        exposure, _, cash, equity, _ = each["outcome"]
        assert exposure == pytest.approx(sum(abs(p[3]) for p in each["positions"]), rel=1e-4)
        worth = sum(quantity * price for _, quantity, price, _ in each["positions"])
        assert cash + worth == pytest.approx(equity, abs=1.0)
        assert bool(each["fills"]) is not ("rejected" in each)
    assert "more than all of equity" in refused[0]["rejected"][0]


def test_a_task_without_a_benchmark_is_reported_and_says_so(pages: dict[str, Page]) -> None:
    text = pages["Pair"].by_id("task-1").text
    assert "there is no benchmark to compare them with" in text
    assert "nothing is compared with a benchmark, since the task has none" in text
    assert (
        "Buy & Hold"
        not in pages["Pair"].html.replace("Buy &amp; Hold", "Buy & Hold").split("<script")[0]
    )
    assert [each.text for each in pages["Pair"].all("option") if each.text in PAIR.symbols] == [
        "UP", "DOWN",
    ]  # fmt: skip


def test_bars_within_a_day_are_drawn_by_moment_and_counted_by_day(pages: dict[str, Page]) -> None:
    page = pages["Minutes"]
    (curves,) = page.json("curves")
    assert curves["within_a_day"] is True
    assert (curves["times"][0], curves["times"][-1]) == (
        "2024-01-01T00:03:00", "2024-01-04T00:00:00",
    )  # fmt: skip
    assert "1,439 steps of 3m over 3 days" in page.by_id("task-1").text
    assert "3 returns, at least 20 are needed" in page.by_id("task-1").text
    decisions = json.loads(page.unpacked(page.json("directory")["episodes"][0]["facts"]))
    first, last = decisions["decisions"][0], decisions["decisions"][-1]
    assert (first["day"], first["session"]) == ("2024-01-01 00:03", "2024-01-01")
    assert (last["day"], last["session"]) == ("2024-01-03 23:57", "2024-01-03")
    assert len(first["outcome"]) == 7 and "positions" not in first


def test_long_curves_are_thinned_out_and_keep_their_ends() -> None:
    assert points_of(250, 10, 1).tolist() == list(range(250))
    points = points_of(100_000, 14, 30)
    assert (points[0], points[-1]) == (0, 99_999) and 500 <= len(points) < 1_000

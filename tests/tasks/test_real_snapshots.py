"""Agents on snapshots of real markets: which asset they are asked about, and on which days."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import Agent
from investorbench.scripts.run import planning
from investorbench.scripts.wanted import wanted
from investorbench.tasks import evaluate
from investorbench.tasks.running.block import require_days
from investorbench.tasks.task import Task
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market import Market
from investorbench_env.market.joining import join
from investorbench_env.market.market import CLOSE
from tests.env.small_markets import date, small_market

ID = "InvestorBench/Snapshot"


def two_assets() -> Market:
    """A rises by a tenth a day and B falls by one, for sixty days."""
    growths = {"A": 1.1, "B": 0.9}
    closes = {name: list(10.0 * growth ** np.arange(60)) for name, growth in growths.items()}
    parts = {name: small_market(own, symbols=(name,)) for name, own in closes.items()}
    return join(parts, "stock")


def task(**options: Any) -> Task:
    given = {"horizon": 2, "window": 3, **options}
    return Task(id=ID, data=two_assets(), start=date(3), end=date(59), options=given)


class Follows(Agent):
    """Buys what it is asked about if that is A, by the facts of its snapshot."""

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        self.symbol = facts.symbol

    def act(self, observation: Any, info: dict[str, Any]) -> int:
        assert info["symbol"] == self.symbol
        assert info["history"].symbol == self.symbol
        closes = observation["bars"][:, CLOSE]
        assert (closes[-1] > closes[0]) is np.bool_(self.symbol == "A")
        return 2 if self.symbol == "A" else 0


def test_an_agent_is_asked_about_the_asset_that_was_drawn(tmp_path: Path) -> None:
    result = evaluate(Follows, task(), seed=1, folder=tmp_path)
    (episode,) = result.episodes
    rewards = list(episode.rewards)
    assert len(rewards) == 25
    # The day of the entry opens where it closes; then the return of a day.
    assert rewards == pytest.approx([0.1 - 0.001] * 25)


def test_a_job_with_more_snapshots_than_days_is_refused_before_it_begins() -> None:
    own = task()
    most = own.make("test").get_wrapper_attr("without_overlap")
    assert most == 2 * 27
    require_days(own, most)
    with pytest.raises(DateRangeError, match=r"55 snapshots of .*but after 54 the horizons of an"):
        require_days(own, most + 1)
    require_days(Task.of("snapshot/sim"), 10**9)


@pytest.mark.parametrize("markets", ["one", [3, 5], [7]])
def test_decisions_on_a_few_markets_are_not_taken_for_as_many_observations(markets) -> None:
    few = replace(Task.of("snapshot/sim"), options={"markets": markets})
    require_days(few, 1)
    with pytest.raises(DateRangeError, match=r"after 1 the horizons .*: leave markets= out"):
        require_days(few, 2)
    for drawn in ("fresh", "train", "held_out"):
        require_days(replace(few, options={"markets": drawn}), 10**9)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bars of one stock, from January to March 2020."""
    monkeypatch.chdir(tmp_path)
    days = np.arange("2020-01-02", "2020-04-01", dtype="M8[D]")
    open_days = days[np.is_busday(days, holidays=["2020-01-20", "2020-02-17"])]
    lines = ["date,open,high,low,close,volume", *(f"{day},9,9,9,9,1000" for day in open_days)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "AAA.csv").write_text("\n".join(lines))
    return tmp_path


MODELS = ["model=offline", "++model.knowledge_cutoff=2020-02"]
WINDOW = ["data=data", "task.start=2020-01-10", "task.end=2020-03-20"]


def test_all_agents_of_a_run_decide_after_what_any_of_its_models_may_know(folder: Path) -> None:
    with planning(
        ["-m", "agent=tool_user,momentum", *MODELS, "task=snapshot/panel", *WINDOW]
    ) as plan:
        assert plan is not None
        cutoffs = {job.name: job.task.options["knowledge_cutoff"] for job in plan.jobs}
        assert cutoffs == {"tool_user model=offline": "2020-02", "momentum": "2020-02"}
        facts = plan.jobs[0].task.facts("test")
        assert facts.window == ("2020-03-02", "2020-03-20")
        assert "every decision is after the knowledge cutoff 2020-02" in facts.findings
    with planning(["agent=momentum", "task=snapshot/panel", *WINDOW]) as plan:
        assert plan is not None
        assert plan.jobs[0].task.options == {"symbols": "all"}
        assert plan.jobs[0].task.facts("test").window == ("2020-01-10", "2020-03-20")


def test_a_cutoff_that_is_given_stands_and_simulated_markets_need_none(folder: Path) -> None:
    given = "task.options.knowledge_cutoff=2020-01-31"
    with planning(
        ["agent=tool_user", *MODELS, "task=snapshot/panel", *WINDOW, f"+{given}"]
    ) as plan:
        assert plan is not None
        assert plan.jobs[0].task.options["knowledge_cutoff"] == "2020-01-31"
    with planning(["agent=tool_user", *MODELS, "task=snapshot/sim"]) as plan:
        assert plan is not None
        assert plan.jobs[0].task.options == {}


def test_real_days_and_other_tasks_are_not_run_together_for_a_model_with_a_cutoff(
    folder: Path,
) -> None:
    line = ["-m", "agent=tool_user", *MODELS, "task=snapshot/panel,snapshot/sim", "data=null"]
    with pytest.raises(InvestorBenchError, match="after the knowledge cutoff of offline, 2020-02"):
        planning(line).__enter__()


@pytest.mark.heavy
def test_the_references_of_a_suite_play_on_the_same_data_after_the_same_cutoff(
    folder: Path,
) -> None:
    with planning(["suite=panel", "agent=tool_user", *MODELS, "data=data"]) as plan:
        assert plan is not None
        names = {job.name for job in plan.jobs}
        assert names == {"tool_user model=offline", "buy_and_hold", "news_sentiment"}
        assert {job.task.data for job in plan.jobs} == {"data"}
        assert {job.task.options["knowledge_cutoff"] for job in plan.jobs} == {"2020-02"}


def test_a_folder_is_drawn_from_on_all_its_days(folder: Path) -> None:
    with planning(["agent=momentum", "task=snapshot/panel", "data=data"]) as plan:
        assert plan is not None
        own = plan.jobs[0].task
        assert own.short_name == "snapshot-all"
        # Windows of 30 sessions are whole from the thirtieth on.
        assert own.facts("test").window == ("2020-02-13", "2020-03-31")


@pytest.mark.heavy
def test_a_panel_is_a_task_by_its_name_and_its_data_is_for_its_user_to_name() -> None:
    assert Task.of("snapshot/panel").options == {"symbols": "all"}
    assert [each.symbol for each in wanted("snapshot/coins")] == ["BTC", "ETH"]
    assert {each.symbol for each in wanted("snapshot/*")} >= {"BTC", "SPY", "TSLA"}
    with pytest.raises(InvestorBenchError, match="panel takes all that a folder has: name what"):
        list(wanted("snapshot/panel"))

"""Running from Python: a new agent for every repeat, records, resuming, and what a folder holds."""

import json
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import yaml

from investorbench.agents.baselines import Momentum
from investorbench.tasks import Job, RunOutcome, Task, evaluate, load, run
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.running.references import references_of
from investorbench_env.accounting.events import AccountState
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from tests.env.small_markets import small_market

SELL, HOLD, BUY = 0, 1, 2
MARKET = small_market([100.0 + t % 7 for t in range(500)])
TASK = Task.of("InvestorBench/Stock", data=MARKET, end="2020-10-30")
SIM = Task.of("stock/sim", end="2020-10-30")
TEST_STEPS = 29


class Remembers:
    """Buys more and more rarely: a state of which no ``begin`` makes an end."""

    def __init__(self, every: int = 3) -> None:
        self.every = every
        self.decisions = 0

    def act(self, observation: Any, info: Any) -> int:
        self.decisions += 1
        return BUY if self.decisions % self.every == 0 else self.decisions // 40 % 2


def breaking(left: list[int]) -> type:
    """The same, until so many decisions of all its repeats together are left."""

    class Breaks(Remembers):
        def act(self, observation: Any, info: Any) -> int:
            left[0] -= 1
            if left[0] == 0:
                raise ZeroDivisionError("a mistake")
            return super().act(observation, info)

    return Breaks


def actions(result: Any) -> list[tuple[Any, ...]]:
    return [episode.actions for episode in result.episodes]


@pytest.mark.parametrize(
    "agent",
    [Remembers(), Remembers, partial(Remembers, every=3), lambda: Remembers(), Remembers().act],
    ids=["object", "class", "partial of a class", "function that makes one", "method of an object"],
)
def test_nothing_of_a_repeat_is_known_in_another(agent: Any) -> None:
    first, second, third = actions(evaluate(agent, TASK, 3))
    assert first == second == third
    (alone,) = actions(evaluate(agent, TASK))
    assert alone == first
    assert set(alone) == {SELL, HOLD, BUY} or len(set(alone)) > 1


def test_an_object_stays_as_it_was_handed_over() -> None:
    agent = Remembers()
    evaluate(agent, TASK, 2)
    assert agent.decisions == 0


class Forges(Remembers):
    """Writes what it would like to have earned into all that it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: list[dict[str, Any]] = []

    def act(self, observation: Any, info: Any) -> int:
        action = super().act(observation, info)
        self._forge(info)
        for part in [each for each in observation.values() if isinstance(each, np.ndarray)]:
            part.flags.writeable = True
            part[...] = 1
        return action

    def learn(self, reward: float, info: Any) -> None:
        self._forge(info)

    def _forge(self, info: dict[str, Any]) -> None:
        self.handed.append(info)
        rich = AccountState(cash=9e9, equity=9e9, costs=0.0, positions=(), marks={})
        for each in self.handed:
            each["account"].marks.clear()
            each |= {"account": rich, "fills": (), "session": "1999-01-04", "equity": 9e9}


def test_what_an_agent_writes_into_what_it_is_handed_changes_nothing(tmp_path: Path) -> None:
    honest = evaluate(Remembers, TASK)
    for folder in (None, tmp_path):
        forged = evaluate(Forges, TASK, folder=folder)
        assert forged.metrics == honest.metrics
        assert forged.to_frame().equals(honest.to_frame())
    (recorded,) = load(tmp_path).results
    assert recorded.metrics == honest.metrics


def test_an_object_begins_as_it_was_handed_over() -> None:
    agent = Remembers(every=1000)
    agent.decisions = 40
    assert actions(evaluate(agent, TASK, warmup=False)) == [(HOLD,) * TEST_STEPS]


def test_a_function_and_a_model_are_shared() -> None:
    class Model:
        def __init__(self) -> None:
            self.lock, self.asked = Lock(), 0

        def predict(self, observation: Any, state: Any = None, deterministic: bool = False) -> Any:
            self.asked += 1
            return BUY, None

    model, asked = Model(), []

    def policy(observation: Any, info: Any) -> int:
        asked.append(info["session"])
        return BUY

    for agent in (model, policy):
        evaluate(agent, TASK, 2, warmup=False)
    assert model.asked == len(asked) == 2 * TEST_STEPS


def test_an_object_that_cannot_be_copied_is_refused_with_what_would_do() -> None:
    agent = Remembers()
    agent.lock = Lock()  # type: ignore[attr-defined]
    with pytest.raises(InvestorBenchError, match=r"cannot be copied.* functools\.partial\(Rem"):
        evaluate(agent, TASK)


def test_a_class_that_needs_arguments_is_refused_with_what_would_do() -> None:
    class Picky(Remembers):
        def __init__(self, limit: float, every: int = 3) -> None:
            super().__init__(every)

    with pytest.raises(InvestorBenchError, match=r"partial\(Picky, limit=…\)"):
        evaluate(Picky, TASK)


def test_a_mistake_in_an_agent_is_raised_as_it_is_and_ends_the_evaluation() -> None:
    left = [10]
    with pytest.raises(ZeroDivisionError, match=r"^a mistake$"):
        evaluate(breaking(left), TASK, 3)
    assert left == [0]


def test_an_interruption_is_raised() -> None:
    def interrupts(observation: Any, info: Any) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(interrupts, TASK)


def test_repeats_may_run_at_once() -> None:
    one_by_one = evaluate("random", TASK, 3, seed=1)
    at_once = evaluate("random", TASK, 3, seed=1, concurrency=3)
    assert actions(at_once) == actions(one_by_one)
    with pytest.raises(InvestorBenchError, match="concurrency=0 must be a whole number"):
        evaluate("random", TASK, concurrency=0)


def test_what_is_recorded_is_what_was_returned(tmp_path: Path) -> None:
    result = evaluate(Remembers, SIM, 2, folder=tmp_path / "run")
    (job,) = jobs_in(tmp_path / "run")
    assert job == tmp_path / "run" / "stock-sim" / "Remembers"
    settings = yaml.safe_load((job / "config.yaml").read_text())
    assert settings["agent"] == {"_target_": f"{__name__}.Remembers"}
    assert settings["task"]["id"] == "InvestorBench/Stock-SIM"
    assert json.loads((job / "manifest.json").read_text())["metrics"]["SR"] == result.metrics["SR"]
    outcome = load(tmp_path / "run")
    assert isinstance(outcome, RunOutcome) and outcome.failed == []
    (entry,), (loaded,) = outcome.entries, outcome.results
    assert (entry.run, entry.planned, entry.failures) == ("run", 2, ())
    assert loaded.facts.fingerprint == result.facts.fingerprint
    assert actions(loaded) == actions(result)
    for one, other in zip(loaded.episodes, result.episodes, strict=True):
        np.testing.assert_allclose(one.equity, other.equity, rtol=1e-15)
        assert one.seed == other.seed


def test_what_is_recorded_is_read_and_nobody_is_asked_again(tmp_path: Path) -> None:
    first = evaluate(Remembers, SIM, 2, folder=tmp_path)
    asked: list[str] = []

    class Asked(Remembers):
        def act(self, observation: Any, info: Any) -> int:
            asked.append(info["session"])
            return super().act(observation, info)

    Asked.__qualname__ = Remembers.__qualname__
    again = evaluate(Asked, SIM, 2, folder=tmp_path)
    assert actions(again) == actions(first)
    more = evaluate(Asked, SIM, 3, folder=tmp_path)
    assert actions(more)[:2] == actions(first)
    assert set(asked[-TEST_STEPS:]) < set(asked)  # the third repeat alone


def test_an_agent_that_was_handed_over_otherwise_is_another_configuration(tmp_path: Path) -> None:
    evaluate(Momentum(sessions=3), SIM, folder=tmp_path)
    with pytest.raises(InvestorBenchError, match="holds a run of another configuration"):
        evaluate(Momentum(sessions=5), SIM, folder=tmp_path)


def test_of_a_run_that_was_broken_off_the_rest_is_run(tmp_path: Path) -> None:
    whole = evaluate(Remembers, SIM, 3)
    left = [110]  # in the second repeat
    with pytest.raises(ZeroDivisionError):
        evaluate(breaking(left), SIM, 3, folder=tmp_path)
    (broken,) = load(tmp_path).entries
    assert [failure.repeat for failure in broken.failures] == [1]
    assert broken.failures[0].kind == "agent" and broken.repeats == [0, 2]
    left[0] = 0
    result = evaluate(breaking(left), SIM, 3, folder=tmp_path)
    assert actions(result) == actions(whole)
    assert left == [-84]  # the decisions of one episode
    assert load(tmp_path).entries[0].failures == ()


def test_a_market_that_was_handed_over_is_described_and_not_made_again(tmp_path: Path) -> None:
    result = evaluate(Remembers, TASK, folder=tmp_path)
    (path,) = jobs_in(tmp_path)
    data = yaml.safe_load((path / "config.yaml").read_text())["data"]
    assert data["sha256"] == MARKET.fingerprint and data["symbols"] == ["TEST"]
    (loaded,) = load(tmp_path).results
    assert loaded.metrics == pytest.approx(result.metrics, nan_ok=True)
    assert loaded.task.symbol == "TEST"
    with pytest.raises(DataNotFoundError, match="data was handed over in Python"):
        job_in(path).task.make("test")


def test_jobs_that_fail_leave_the_others_alone(tmp_path: Path) -> None:
    jobs = [
        Job.of("momentum", SIM, 2),
        Job.of("cash", Task.of("stock/tsla")),
        Job.of(breaking([5]), SIM),
        Job.of("momentum", SIM, name="momentum again", seed=1),
    ]
    for folder in (None, tmp_path):
        outcome = run(jobs, folder=folder, shows="nothing")
        assert [result.agent for result in outcome.results] == ["momentum", "momentum again"]
        assert "no real data for TSLA" in outcome.failed[0].why
        assert isinstance(outcome.failed[0].error, DataNotFoundError)
        assert "ZeroDivisionError: a mistake" in outcome.failed[1].why
        jobs[2] = Job.of(breaking([5]), SIM)


def test_with_a_folder_and_without_one_a_run_says_the_same(tmp_path: Path) -> None:
    jobs = [Job.of(agent, SIM, 2, seed=1) for agent in ("random", "momentum")]
    kept, unkept = run(jobs, folder=tmp_path, shows="nothing"), run(jobs, shows="nothing")
    for one, other in zip(kept.results, unkept.results, strict=True):
        assert actions(one) == actions(other)
        assert one.metrics == other.metrics
        assert one.facts == other.facts and one.described == other.described


def test_a_wrapper_that_takes_other_actions_cannot_be_recorded(tmp_path: Path) -> None:
    class Backwards(gym.ActionWrapper[Any, Any, Any]):
        def __init__(self, env: Any) -> None:
            super().__init__(env)
            self.action_space = gym.spaces.Discrete(2)

        def action(self, action: Any) -> Any:
            return 2 * action

    result = evaluate("cash", TASK, wrapper=Backwards)
    assert set(actions(result)[0]) == {1}
    with pytest.raises(InvestorBenchError, match="could not be replayed: leave out folder"):
        evaluate("cash", TASK, wrapper=Backwards, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_loading_what_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match="holds no record of a run"):
        load(tmp_path)


def test_a_recorded_result_has_what_it_is_compared_with(tmp_path: Path) -> None:
    result = evaluate("momentum", SIM, folder=tmp_path, seed=0)
    held, policies, matched = result.references
    alone = evaluate("buy_and_hold", SIM, warmup=False, seed=0)
    assert (held.kind, held.name, held.seed) == ("agent", "buy_and_hold", alone.median.seed)
    assert held.figures == alone.metrics
    np.testing.assert_array_equal(held.returns, alone.median.returns)
    for each, kind in ((policies, "policies"), (matched, "matched")):
        assert (each.kind, each.figures["SR"].shape) == (kind, (1000,))


def test_what_agents_are_compared_with_is_computed_once_a_setting() -> None:
    (first, *_), (again, *_), (other, *_) = (
        references_of(task, [7])
        for task in (SIM, Task.of("stock/sim", end="2020-10-30"), Task.of(SIM, protocol="paper"))
    )
    assert again is first and other is not first

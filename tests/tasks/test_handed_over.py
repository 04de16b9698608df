"""Agents that cheat by legal means: what they do to what they are handed changes nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import Result, Task, evaluate, load
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.step import Step
from investorbench_env.accounting.events import AccountState
from tests.tasks import toys

WEIGHT = Task.of("stock/sim", end="2020-10-30", options={"action": "weight"})
RICH = AccountState(cash=9e9, equity=9e9, costs=0.0, positions=(), marks={})


class Steady:
    """Weights that follow from the day alone, each in an array of its own."""

    def __init__(self) -> None:
        self.day = 0

    def act(self, observation: Any, info: Mapping[str, Any]) -> Any:
        self.day += 1
        return np.array([self.day % 5 / 10 - 0.2], np.float32)


class OneBuffer(Steady):
    """The same in one array, which it writes into whenever it can."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.zeros(1, np.float32)

    def act(self, observation: Any, info: Mapping[str, Any]) -> Any:
        self.buffer[:] = super().act(observation, info)
        return self.buffer

    def learn(self, reward: float, info: Mapping[str, Any]) -> None:
        self.buffer[:] = 1.0

    def record(self) -> dict[str, Any]:
        self.buffer[:] = -1.0
        return {}


class Spoils(Steady):
    """Keeps all that it is handed, then clears, overwrites and forges it at every turn."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def act(self, observation: Any, info: Any) -> Any:
        self.kept += [observation, info]
        action = super().act(observation, info)
        self._spoil()
        return action

    def learn(self, reward: float, info: Any) -> None:
        self.kept.append(info)
        self._spoil()

    def _spoil(self) -> None:
        for each in self.kept[-5:]:
            if "account" in each and not isinstance(each["account"], np.ndarray):
                each["account"]._values = RICH._values
            for part in each.values():
                if isinstance(part, np.ndarray) and part.dtype.kind in "if":
                    part[...] = 7
            each["account"], each["fills"], each["session"] = RICH, (), "1999-01-04"
            each["equity"], each["reward"] = 9e9, 9.0
        for each in self.kept[:-5]:
            each.clear()


@pytest.mark.parametrize("cheat", [OneBuffer, Spoils])
def test_neither_score_nor_record_changes(cheat: Any, tmp_path: Path) -> None:
    honest = evaluate(Steady, WEIGHT, 2, seed=5)
    for folder in (None, tmp_path):
        cheated = evaluate(cheat, WEIGHT, 2, seed=5, folder=folder)
        assert _scores(cheated) == _scores(honest)
    (recorded,) = load(tmp_path).results
    assert _scores(recorded) == _scores(honest)
    (job,) = map(job_in, jobs_in(tmp_path))
    assert [replay(job, number).difference for number in (0, 1)] == [None, None]


def _scores(result: Result) -> list[Any]:
    return [
        (episode.actions, episode.equity.tolist(), episode.rewards.tolist(), episode.metrics["SR"])
        for episode in result.episodes
    ]


class Telling(toys.MinutesEnv):
    """Tells in its last info what an agent may not know."""

    def step(self, action: Any) -> Any:
        *rest, truncated, info = super().step(action)
        if truncated:
            info |= {"market_seed": 5, "hidden_state": {"regime": np.zeros(9)}}
        return *rest, truncated, info


def test_what_the_last_info_tells_of_the_market_reaches_no_agent_and_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import gymnasium as gym

    monkeypatch.setitem(gym.registry, "Telling", gym.envs.registration.EnvSpec("Telling", Telling))
    seen: set[str] = set()
    steps: list[Step] = []

    class Reads:
        def act(self, observation: Any, info: Any) -> int:
            seen.update(info)
            return 1

        def learn(self, reward: float, info: Any) -> None:
            seen.update(info)

    evaluate(Reads, "Telling", watch=steps.append)
    assert seen == {"session", "time", "account", "fills", "rejections"}
    assert steps[-1].is_last and seen == set(steps[-1].outcome)

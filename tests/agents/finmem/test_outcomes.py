"""What the model reads that its account earned: the rewards, to the last digit that is shown."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks import Task, evaluate
from tests.agents.finmem.episodes import CLOSES, Scripted, play, task_of, varied
from tests.env.small_markets import small_market

EARNED = re.compile(r"^(\S+): \w+; position \w+;.* the account earned ([+-][\d.]+%)$", re.MULTILINE)


class Kept(FinMem):
    """FinMem, what it notes that each step earned, and the rewards of the environment."""

    def __init__(self) -> None:
        super().__init__(
            Scripted(varied), lambda seed: LayeredMemory("layered", Arrays(), HashedNgrams(64))
        )
        self.rewards: dict[str, float] = {}
        self.noted: list[float | None] = []
        self.sides: list[float] = []

    def learn(self, reward: float, info: Any) -> None:
        super().learn(reward, info)
        assert self.last is not None
        self.rewards[self.last.perception.session] = reward
        self.noted.append([*self._current.track][-1].earned)
        self.sides.append(float(np.sign(info["position"])))

    def check(self) -> None:
        """Every step's figure is its reward, and so is every figure in a prompt, as rounded."""
        np.testing.assert_allclose(self.noted, [*self.rewards.values()], rtol=0.0, atol=1e-12)
        prompts = "\n".join(messages[-1]["content"] for messages, _ in self.model.asked)
        shown = EARNED.findall(prompts)
        assert {session for session, _ in shown} == {*[*self.rewards][:-1]}
        assert all(words == f"{self.rewards[session] + 0.0:+.2%}" for session, words in shown)
        assert (np.diff(self.sides) != 0).sum() > 5  # steps whose night belongs to the old side


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("long_only", [False, True])
def test_what_a_step_earned_is_the_reward_with_fills_costs_and_distributions(
    protocol: str, long_only: bool
) -> None:
    opens = [close * (1.0 + 0.01 * (t % 5 - 2)) for t, close in enumerate(CLOSES)]
    market = small_market(CLOSES, opens=opens, splits={204: 2.0}, dividends={188: 3.0, 207: 2.0})
    agent = Kept()
    play(agent, task_of(market, protocol, long_only=long_only))
    agent.check()


@pytest.mark.parametrize("name", ["stock/sim", "crypto/sim", "etf/sim"])
def test_so_it_is_on_every_step_of_simulated_tasks(name: str) -> None:
    evaluated(Task.of(name), days=60).check()


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["stock/msft", "stock/tsla", "crypto/btc"])
def test_so_it_is_on_every_step_of_real_tasks(data_folder: Path, name: str) -> None:
    evaluated(Task.of(name, data="real"), days=300).check()


def evaluated(task: Task, days: int) -> Kept:
    """The agent after warm-up and test, the latter at most so long."""
    agents: list[Kept] = []

    def kept() -> Kept:
        agents.append(Kept())
        return agents[-1]

    start, end = task.facts("test").window
    evaluate(
        kept, task, end=min(end, str(np.datetime64(start) + np.timedelta64(days, "D"))), seed=1
    )
    (agent,) = (agent for agent in agents if agent.rewards)
    return agent

"""How functions, objects and models become agents."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents import Agent, as_agent
from investorbench.agents.agent import Runner
from investorbench.agents.baselines import BuyAndHold, Momentum
from investorbench_env.errors import InvestorBenchError
from tests.agents.facts import facts
from tests.env.small_markets import small_market


class Acts:
    def act(self, observation: Any, info: Any) -> Any:
        return observation, info


def sell_on_fridays(observation: Any, info: Any) -> int:
    return 0


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (Acts(), "Acts"),
        (sell_on_fridays, "sell_on_fridays"),
        (Momentum(), "momentum"),
        (lambda observation, info: 1, "<lambda>"),
    ],
)
def test_an_agent_is_called_by_its_own_name_or_that_of_its_class(agent: Any, name: str) -> None:
    assert as_agent(agent).name == name


def test_an_agent_that_only_acts_begins_and_learns_without_effect() -> None:
    agent = as_agent(Acts())

    async def lives() -> Any:
        await agent.begin(facts(), "test", 0)
        await agent.learn(0.1, {})
        return await agent.act("seen", {"session": 1})

    assert asyncio.run(lives()) == ("seen", {"session": 1})


def test_an_agent_is_made_once() -> None:
    agent = as_agent(BuyAndHold())
    assert isinstance(agent, Runner)
    assert as_agent(agent) is agent


def test_acting_comes_before_predicting_and_being_called() -> None:
    class All:
        def act(self, observation: Any, info: Any) -> str:
            return "act"

        def predict(self, observation: Any, **options: Any) -> Any:
            raise AssertionError

        def __call__(self, observation: Any, info: Any) -> str:
            raise AssertionError

    assert asyncio.run(as_agent(All()).act(None, {})) == "act"


def test_an_object_that_can_be_called_is_an_agent() -> None:
    class Callable:
        def __call__(self, observation: Any, info: Any) -> str:
            return "called"

    assert asyncio.run(as_agent(Callable()).act(None, {})) == "called"


@pytest.mark.parametrize("agent", [BuyAndHold, Acts, int])
def test_a_class_is_refused_and_an_instance_asked_for(agent: type) -> None:
    with pytest.raises(InvestorBenchError, match="give an instance"):
        as_agent(agent)


def test_what_cannot_act_is_refused_with_its_value() -> None:
    with pytest.raises(InvestorBenchError, match="'momentum' is no agent: give an object with act"):
        as_agent("momentum")


def test_what_an_agent_raises_comes_through() -> None:
    async def fails(observation: Any, info: Any) -> int:
        raise ZeroDivisionError("in the agent")

    agent = as_agent(fails)
    with pytest.raises(ZeroDivisionError, match="in the agent"):
        asyncio.run(agent.act(None, {}))


def test_methods_may_be_coroutines_or_not_and_what_is_missing_gives_nothing() -> None:
    class Recording(Acts):
        async def record(self) -> dict[str, int]:
            return {"seen": 1}

        def describe(self) -> dict[str, str]:
            return {"kind": "recording"}

        def save(self, folder: Path) -> None:
            (folder / "state").touch()

    async def asked(runner: Runner) -> Any:
        return await runner.record(), await runner.describe(), runner.can_be_saved

    assert asyncio.run(asked(as_agent(Recording()))) == ({"seen": 1}, {"kind": "recording"}, False)
    assert asyncio.run(asked(as_agent(Acts()))) == (None, None, False)


@pytest.mark.parametrize("name", ["begin", "learn", "record", "describe", "save", "load", "close"])
@pytest.mark.parametrize("value", [3.5, "text", [], True, None])
def test_an_attribute_that_shares_the_name_of_a_method_is_the_agents_own(
    name: str, value: Any, tmp_path: Path
) -> None:
    agent: Any = Acts()
    agent.save, agent.load = (lambda folder: None), (lambda folder: None)
    setattr(agent, name, value)
    runner = as_agent(agent)

    async def live() -> None:
        await runner.begin(facts(), "test", 0)
        await runner.learn(0.5, {})
        assert await runner.record() is None
        assert await runner.describe() is None
        await runner.close()

    asyncio.run(live())
    assert runner.can_be_saved == (name not in ("save", "load"))
    assert getattr(agent, name) is value


def test_what_was_recorded_stays_as_it_was_when_the_agent_goes_on() -> None:
    class Rewrites(Acts):
        thought: dict[str, Any] = {"seen": []}  # noqa: RUF012

        def record(self) -> dict[str, Any]:
            self.thought["seen"].append(len(self.thought["seen"]))
            return self.thought

    async def live() -> list[Any]:
        runner = as_agent(Rewrites())
        return [await runner.record() for _ in range(3)]

    assert asyncio.run(live()) == [{"seen": [0]}, {"seen": [0, 1]}, {"seen": [0, 1, 2]}]


def test_baselines_have_the_shape_of_an_agent() -> None:
    agent: Agent = BuyAndHold()
    assert callable(agent.act)


def test_the_training_method_of_a_model_is_not_taken_for_that_of_an_agent() -> None:
    class Model:
        trained = 0

        def predict(self, observation: Any, **_: Any) -> tuple[int, None]:
            return 2, None

        def learn(self, total_timesteps: int) -> None:
            self.trained += total_timesteps

    model = Model()
    runner = as_agent(model)
    asyncio.run(runner.learn(1.0, {}))
    assert asyncio.run(runner.act(None, {})) == 2
    assert model.trained == 0


class Model:
    """What Stable-Baselines3 makes of a learner, as far as scoring goes."""

    _last_original_obs = np.zeros(2)

    def __init__(self, normalising: Any) -> None:
        self.normalising = normalising

    def get_vec_normalize_env(self) -> Any:
        return self.normalising

    def predict(self, observation: Any, state: Any = None, deterministic: bool = False) -> Any:
        return observation, None


class Normalising:
    def normalize_obs(self, observation: Any) -> Any:
        return (observation - 3.0) / 2.0


def test_a_model_is_shown_what_it_was_trained_on() -> None:
    agent = as_agent(Model(Normalising()))
    assert asyncio.run(agent.act(np.array([5.0, 1.0]), {})).tolist() == [1.0, -1.0]


def test_a_model_that_has_lost_its_statistics_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match=r"env=VecNormalize.load\(path, venv\)"):
        as_agent(Model(None))


@pytest.mark.heavy
def test_a_model_scores_by_the_statistics_that_it_was_trained_with(tmp_path: Path) -> None:
    import gymnasium as gym
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    from investorbench.tasks import evaluate
    from investorbench_env.wrappers import NumericObservation

    torch.set_num_threads(1)
    market = small_market((100.0 * 1.01 ** np.arange(60)).tolist())
    options = {"data": market, "start": "2020-01-10", "end": "2020-02-20"}

    def make() -> Any:
        return NumericObservation(gym.make("InvestorBench/Stock", **options))

    venv = VecNormalize(DummyVecEnv([make]))
    model = PPO("MlpPolicy", venv, n_steps=64, seed=0, device="cpu").learn(128)
    mean, variance = venv.obs_rms.mean.copy(), venv.obs_rms.var.copy()

    def by_hand(observation: Any, info: Any) -> Any:
        seen = np.clip((observation - mean) / np.sqrt(variance + 1e-8), -10.0, 10.0)
        return model.predict(seen.astype(np.float32), deterministic=True)[0]

    def score(agent: Any) -> Any:
        task = "InvestorBench/Stock"
        return evaluate(agent, task, warmup=False, wrapper=NumericObservation, **options)

    expected = score(by_hand).actions
    assert score(model).actions == expected
    assert np.array_equal(venv.obs_rms.mean, mean) and venv.training
    model.save(tmp_path / "model")
    venv.save(str(tmp_path / "statistics"))
    with pytest.raises(InvestorBenchError, match="VecNormalize"):
        score(PPO.load(tmp_path / "model"))
    again = VecNormalize.load(str(tmp_path / "statistics"), DummyVecEnv([make]))
    assert score(PPO.load(tmp_path / "model", env=again)).actions == expected

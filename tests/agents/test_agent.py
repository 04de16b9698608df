"""How functions, objects and models become agents."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents import Agent, as_agent
from investorbench.agents.agent import Runner
from investorbench.agents.baselines import BuyAndHold, Momentum
from investorbench_env.errors import InvestorBenchError
from tests.agents.facts import facts


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

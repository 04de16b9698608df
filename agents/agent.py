"""What an agent is, and how functions and trained models become one.

It knows no environment: an observation and an info go in, an action comes out.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

from investorbench_env.errors import InvestorBenchError

Observation = Any
Info = Mapping[str, Any]
Action = Any
Policy = Callable[[Observation, Info], Action]


@runtime_checkable
class TaskFacts(Protocol):
    """What an agent may know of its task before it starts."""

    @property
    def id(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def action(self) -> str: ...


class Agent(Protocol):
    """Anything with ``act``; the other methods are called where they exist.

    ``begin(task, split, seed)`` comes before each split; warm-up and test share one agent, so it
    may carry over what it learned. Each repeat has a seed of its own: with another seed a new life
    begins, in which nothing of an earlier repeat may be known. ``learn(reward, info)`` comes after
    each step. ``save(folder)`` and ``load(folder)`` keep and restore its state.
    """

    def act(self, observation: Observation, info: Info) -> Action | Awaitable[Action]:
        """Choose an action; may be a coroutine."""
        ...


class Runner:
    """An agent with every method of the protocol: what is missing does nothing.

    Args:
        agent: an object with ``act``, or with Stable-Baselines3's ``predict``, or a function
            ``(observation, info) -> action``.

    Raises:
        InvestorBenchError: it is none of these.
    """

    def __init__(self, agent: Any) -> None:
        if inspect.isclass(agent):
            raise InvestorBenchError(
                f"{agent!r} is a class, not yet an agent: give an instance, {agent.__name__}(...)"
            )
        self.agent = agent
        self.name = _name_of(agent)
        self._loop: asyncio.Runner | None = None
        if hasattr(agent, "act"):
            self._act: Policy = agent.act
        elif hasattr(agent, "predict"):
            self._act = Predictor(agent)
        elif callable(agent):
            self._act = agent
        else:
            raise InvestorBenchError(
                f"{agent!r} is no agent: give an object with act(observation, info) or "
                "predict(observation), or a function (observation, info) -> action"
            )

    def begin(self, task: TaskFacts, split: str, seed: int) -> None:
        """Get ready for a split."""
        if isinstance(self._act, Predictor):
            self._act.state = None
        self._call("begin", task, split, seed)

    def act(self, observation: Observation, info: Info) -> Action:
        """Choose an action, waiting for it where the agent is asynchronous."""
        return self._awaited(self._act(observation, info))

    def learn(self, reward: float, info: Info) -> None:
        """Hear what the last action led to."""
        self._call("learn", reward, info)

    def close(self) -> None:
        """End the event loop of an asynchronous agent; another call would start a new one."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _call(self, method: str, *arguments: Any) -> None:
        # A model's own ``learn`` trains it; only what has ``act`` has the methods of the protocol.
        if hasattr(self.agent, "act") and hasattr(self.agent, method):
            self._awaited(getattr(self.agent, method)(*arguments))

    def _awaited(self, value: Any) -> Any:
        if not _is_awaitable(value):
            return value
        # One loop for all steps: an agent's open connections belong to the loop they began in.
        if self._loop is None:
            self._loop = asyncio.Runner()
        return self._loop.run(_result(value))


class Predictor:
    """Stable-Baselines3's ``predict`` as a policy, with the state of a recurrent one."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.state: Any = None

    def __call__(self, observation: Observation, info: Info) -> Action:
        """The model's deterministic action."""
        action, self.state = self._model.predict(observation, state=self.state, deterministic=True)
        return action


def as_agent(agent: Any) -> Runner:
    """Make a :class:`Runner` of an agent, a function or a model with ``predict``."""
    return agent if isinstance(agent, Runner) else Runner(agent)


def _is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    return inspect.isawaitable(value)


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _name_of(agent: Any) -> str:
    name = getattr(agent, "name", None) or getattr(agent, "__name__", None)
    return str(name or type(agent).__name__)

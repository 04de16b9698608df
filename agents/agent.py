"""What an agent is, and how functions and trained models become one.

It knows no environment: an observation and an info go in, an action comes out.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

from investorbench.agents.forecasts import Decision
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

Observation = Any
Info = Mapping[str, Any]
Action = Any
Policy = Callable[[Observation, Info], Action]

PLAIN = frozenset({str, int, float, bool, type(None)})
DEEPEST = 6
"""Levels of a record beyond which it may hold itself."""


class Agent(Protocol):
    """Anything with ``act``; the other methods are called where they exist, and may be coroutines.

    ``begin(facts, split, seed)`` comes before each split, with what may be known of the environment
    beforehand; warm-up and test share one agent, so it may carry over what it learned. Each repeat
    has a seed of its own, and nothing of an earlier one may be known in it. ``learn(reward, info)``
    comes after each step, but for the one of a snapshot.

    For runs on record: ``record()`` gives, as plain JSON values, what the last decision rests on;
    ``describe()`` what determines the agent; ``save(folder)`` and ``load(folder)``, which comes
    after ``begin``, let a killed run go on in the middle of an episode.
    """

    def act(self, observation: Observation, info: Info) -> Action | Awaitable[Action]:
        """Choose an action, or a ``Decision`` with a forecast; may be a coroutine."""
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

    async def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        if isinstance(self._act, Predictor):
            self._act.state = None
        await self._call("begin", facts, split, seed)

    async def act(self, observation: Observation, info: Info) -> Action:
        """Choose an action, waiting for it where the agent is asynchronous."""
        return (await self.decide(observation, info)).action

    async def decide(self, observation: Observation, info: Info) -> Decision:
        """The same with the forecast that comes with the action, where one does."""
        chosen = self._act(observation, info)
        chosen = await chosen if inspect.isawaitable(chosen) else chosen
        return chosen if isinstance(chosen, Decision) else Decision(chosen)

    async def learn(self, reward: float, info: Info) -> None:
        """Show it what the last action led to."""
        await self._call("learn", reward, info)

    async def record(self) -> dict[str, Any] | None:
        """What the last decision rests on; None where the agent has no ``record``.

        It is a copy to its depth: an agent may record into one dict again and again.
        """
        record = await self._call("record")
        return None if record is None else _copied(dict(record))

    async def describe(self) -> dict[str, Any] | None:
        """What determines the agent; None where it has no ``describe``."""
        description = await self._call("describe")
        return None if description is None else dict(description)

    @property
    def can_be_saved(self) -> bool:
        """Whether it has both ``save`` and ``load``."""
        return self._has("save") and self._has("load")

    async def save(self, folder: Path) -> None:
        """Keep its state in a folder, in another thread: a disk may keep us waiting."""
        if inspect.iscoroutinefunction(self.agent.save):
            await self.agent.save(folder)
        else:
            await asyncio.to_thread(self.agent.save, folder)

    async def load(self, folder: Path) -> None:
        """Take its state from a folder, after ``begin`` of the same split."""
        await self._call("load", folder)

    async def close(self) -> None:
        """Let go of what it holds."""
        await self._call("close")

    def _has(self, method: str) -> bool:
        # A model's own ``learn`` trains it; only what has ``act`` has the methods of the protocol.
        # What is not a method is somebody's own, such as a list named ``record``.
        return hasattr(self.agent, "act") and callable(getattr(self.agent, method, None))

    async def _call(self, method: str, *arguments: Any) -> Any:
        if not self._has(method):
            return None
        value = getattr(self.agent, method)(*arguments)
        return await value if inspect.isawaitable(value) else value


def _copied(value: Any, depth: int = 0) -> Any:
    """A copy to its depth; of plain values, which records hold, faster than deepcopy."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is dict and depth < DEEPEST:
        return {key: _copied(item, depth + 1) for key, item in value.items()}
    if kind is list and depth < DEEPEST:
        return [_copied(item, depth + 1) for item in value]
    return deepcopy(value)


class Predictor:
    """Stable-Baselines3's ``predict`` as a policy, with the state of a recurrent one.

    A model that was trained on what its ``VecNormalize`` made of observations is shown the same,
    by the statistics as they are; rewards are left alone.

    Args:
        model: what has ``predict``.

    Raises:
        InvestorBenchError: it was trained that way, and the statistics are not with it.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._normalised = _normalisation_of(model)
        self.state: Any = None

    def __call__(self, observation: Observation, info: Info) -> Action:
        """The model's deterministic action."""
        if self._normalised is not None:
            observation = self._normalised(observation)
        action, self.state = self._model.predict(observation, state=self.state, deterministic=True)
        return action


def _normalisation_of(model: Any) -> Callable[[Observation], Observation] | None:
    """How a model's ``VecNormalize`` changes an observation; None where it has none.

    A model that was loaded without an environment has lost it. One that learns on policy still has
    an observation from before it was changed, which it keeps for no other reason.
    """
    find = getattr(model, "get_vec_normalize_env", None)
    normalising = find() if callable(find) else None
    is_on_policy = not hasattr(model, "replay_buffer_class")
    kept = is_on_policy and getattr(model, "_last_original_obs", None) is not None
    if normalising is None and kept:
        raise InvestorBenchError(
            f"this {type(model).__name__} was trained under VecNormalize, whose statistics are not "
            "with it: load it with them, as env=VecNormalize.load(path, venv)"
        )
    return None if normalising is None else normalising.normalize_obs


def as_agent(agent: Any) -> Runner:
    """Make a :class:`Runner` of an agent, a function or a model with ``predict``."""
    return agent if isinstance(agent, Runner) else Runner(agent)


def _name_of(agent: Any) -> str:
    name = getattr(agent, "name", None) or getattr(agent, "__name__", None)
    return str(name or type(agent).__name__)

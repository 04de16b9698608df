"""Run an agent over a task's warm-up and test split, and score what it did."""

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym

from agents.agent import Runner, as_agent
from agents.baselines import baseline
from investorbench_env.errors import DateRangeError, InvestorBenchError
from tasks.result import Result, Step, episode_of
from tasks.task import SplitName, Task

Wrap = Callable[[gym.Env[Any, Any]], gym.Env[Any, Any]]
Watch = Callable[[Step], None]
"""Called after every step, with what there is to record or to show of it."""


def evaluate(
    agent: Any,
    id_or_task: str | Task,
    repeats: int = 1,
    *,
    protocol: str | None = None,
    data: Any = None,
    start: str | None = None,
    end: str | None = None,
    seed: int = 0,
    warmup: bool = True,
    wrapper: Wrap | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> Result:
    """Let an agent live through the warm-up split, then score it on the test split.

    Args:
        agent: an :class:`~agents.agent.Agent`, a function ``(observation, info) -> action``, an
            object with Stable-Baselines3's ``predict``, or the name of a baseline.
        id_or_task: ``"InvestorBench/Stock-TSLA"``, ``"stock/tsla"``, or a Task.
        repeats: how often to run, each time with another seed.
        protocol: ``"standard"`` or ``"paper"``; the task's own for None.
        data: ``"real"`` (the default, which never falls back), ``"simulated"``, a folder, a file or
            a Market.
        start: first date of the test split, in place of its own.
        end: last date of the test split, in place of its own.
        seed: of the first repeat.
        warmup: whether to run the warm-up split first.
        wrapper: what to wrap the environment in, such as ``NumericObservation``.
        watch: called after every step.
        options: further options of the environment, such as ``long_only=True``.

    Returns:
        A result with ``.metrics``, ``.equity``, ``.actions`` and ``.to_frame()``.

    Raises:
        InvestorBenchError: something is unknown, missing or outside the data; says what would do.
    """
    task = Task.of(id_or_task, protocol=protocol, data=data, start=start, end=end, options=options)
    if not isinstance(repeats, int) or repeats < 1:
        raise InvestorBenchError(f"repeats={repeats!r} must be a whole number of at least 1")
    if warmup:
        _require_order(task)
    runner = as_agent(baseline(agent) if isinstance(agent, str) else agent)
    wrap: Wrap = wrapper or (lambda env: env)
    test = wrap(task.make("test"))
    warm = wrap(task.make("warmup")) if warmup else None
    episodes = []
    try:
        for repeat in range(repeats):
            if warm is not None:
                _watched(play(runner, warm, task, "warmup", seed, repeat), watch)
            steps = _watched(play(runner, test, task, "test", seed, repeat), watch)
            episodes.append(episode_of(steps, task))
    finally:
        runner.close()
    setup = test.unwrapped.setup  # type: ignore[attr-defined]
    return Result(
        agent=runner.name,
        task=task,
        protocol=setup.protocol.name,
        data_source=setup.market.source,
        simulated=setup.market.simulated,
        fills=setup.fills,
        window=setup.window,
        episodes=tuple(episodes),
        findings=setup.market.findings,
        market_fingerprint=setup.market.fingerprint,
    )


def play(
    agent: Runner, env: gym.Env[Any, Any], task: Task, split: SplitName, seed: int, repeat: int
) -> Iterator[Step]:
    """Let an agent act through one split, yielding each step as it is taken."""
    observation, info = env.reset(seed=seed + repeat)
    agent.begin(task, split, seed + repeat)
    steps = env.unwrapped.setup.steps  # type: ignore[attr-defined]
    for number in range(steps):
        action = agent.act(observation, info)
        observation, reward, terminated, truncated, outcome = env.step(action)
        agent.learn(float(reward), outcome)
        yield Step(
            repeat=repeat,
            seed=seed + repeat,
            split=split,
            number=number,
            steps=steps,
            info=info,
            action=action,
            reward=float(reward),
            outcome=outcome,
        )
        info = outcome
        if terminated or truncated:
            return


def _watched(steps: Iterator[Step], watch: Watch | None) -> list[Step]:
    taken = []
    for step in steps:
        taken.append(step)
        if watch is not None:
            watch(step)
    return taken


def _require_order(task: Task) -> None:
    warm, test = task.split("warmup"), task.split("test")
    if test.start <= warm.end:
        raise DateRangeError(
            f"the test split would start on {test.start}, inside the warm-up split "
            f"{warm.start}..{warm.end}, whose labels the agent has seen; start later, or pass "
            "warmup=False"
        )

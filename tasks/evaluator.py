"""Score one agent on one task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from investorbench.tasks.result import Result
from investorbench.tasks.running.episode import Watch, Wrap
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.task import Task
from investorbench.tasks.tracking import Tracker
from investorbench_env.errors import InvestorBenchError


def evaluate(
    agent: Any,
    id_or_task: str | Task,
    repeats: int = 1,
    *,
    protocol: str | None = None,
    data: Any = None,
    start: str | None = None,
    end: str | None = None,
    seed: int | None = None,
    warmup: bool = True,
    wrapper: Wrap | None = None,
    folder: str | Path | None = None,
    concurrency: int = 1,
    watch: Watch | None = None,
    trackers: Sequence[Tracker] = (),
    **options: Any,
) -> Result:
    """Let an agent act through the warm-up split, then score it on the test split.

    Every repeat begins with a new agent: a class, a ``functools.partial`` of one, or a function
    without arguments is called for each; an object with ``act`` is copied for each, as it was
    handed over, so nothing of a repeat can be known in another, and the object itself stays as it
    is. A function of an observation and an object with ``predict`` are shared.

    A bar shows how far it is, in a terminal or a notebook.

    Args:
        agent: an :class:`~investorbench.agents.agent.Agent`, its class, a function ``(observation,
            info) -> action``, an object with Stable-Baselines3's ``predict``, or a name: of a
            baseline, or one of your own, ``"./my_agent.py:MyAgent"``.
        id_or_task: ``"InvestorBench/Stock-TSLA"``, ``"stock/tsla"``, a Task, or the id of an
            environment of somebody else's that gives ``Facts``.
        repeats: how often to run, each time with another seed.
        protocol: ``"standard"`` or ``"paper"``; the task's own for None.
        data: ``"real"`` (the default, which never falls back), ``"simulated"``, a folder, a file or
            a Market.
        start: first date of the test split, in place of its own.
        end: last date of the test split, in place of its own.
        seed: of the run, from which the market and the agent's own seed of each repeat follow; all
            agents that share it meet the same markets. None draws 128 bits, or takes what the
            folder holds; ``result.seed`` says them.
        warmup: whether to run the warm-up split first.
        wrapper: what to wrap the environment in, such as ``NumericObservation``.
        folder: of a run: everything is recorded in it, as ``investorbench run`` does, and the same
            call resumes what was broken off. None records nothing.
        concurrency: repeats at once; more than one for an agent that waits for a server.
        watch: called after every step.
        trackers: where to log steps and metrics besides, such as ``TensorBoard("tb")``.
        options: further options of the environment, such as ``long_only=True``.

    Returns:
        A result with ``.metrics``, ``.equity``, ``.actions`` and ``.to_frame()``.

    Raises:
        InvestorBenchError: something is unknown, missing or outside the data; says what would do.
    """
    task = Task.of(id_or_task, protocol=protocol, data=data, start=start, end=end, options=options)
    job = Job.of(agent, task, repeats, seed=seed, warmup=warmup, wrapper=wrapper)
    outcome = run(
        [job],
        folder=folder,
        concurrency=concurrency,
        watch=watch,
        trackers=trackers,
        shows="bar_alone",
    )
    for failure in outcome.failed:
        raise failure.error or InvestorBenchError(failure.why)
    (result,) = outcome.results
    return result

"""``suite=…`` on a command line: what it stands for in settings of single runs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.scripts.composing import MANY, QUESTIONS, unquoted
from investorbench.scripts.jobs import OF_THE_RUN
from investorbench.tasks.suites import OpenedSuite, Suite, find_suite, open_suite
from investorbench.tasks.suites.freezing import task_of_suite
from investorbench.tasks.suites.opening import OF_A_JOB
from investorbench.tasks.suites.wordings import WORDED
from investorbench_env.errors import InvestorBenchError

SUITE, SALT, SEED = "suite", "salt", "seed"
FIXED = ("task", "portfolio", "perpetual", "protocol", "repeats", "block", "warmup", SEED, WORDED)
"""Settings that a suite fixes."""


class SuiteLines(NamedTuple):
    """What a command line with a suite stands for.

    Attributes:
        opened: the suite, with the seed of the run.
        lines: command lines without it: for each of its tasks that of the user, and that of the
            agents that stand in every table.
    """

    opened: OpenedSuite
    lines: list[list[str]]


def names_suite(overrides: Sequence[str]) -> bool:
    """Whether a command line runs a suite.

    Raises:
        InvestorBenchError: it runs none, and gives a salt.
    """
    given = dict(_settings(overrides))
    if SALT in given and SUITE not in given:
        raise InvestorBenchError(f"salt={given[SALT]} is of a suite: give suite=..., or seed=...")
    return SUITE in given


def suite_lines(overrides: Sequence[str]) -> SuiteLines:
    """The command lines that one with ``suite=…`` stands for, its salt drawn or recorded.

    Raises:
        UnknownNameError: there is no such suite.
        InvestorBenchError: it has changed since it was frozen, a setting that it fixes is given, or
            its folder holds another run.
    """
    given = dict(_settings(overrides))
    suite = find_suite(given[SUITE])
    _require_free(suite, given)
    opened = open_suite(suite, Path(unquoted(given["folder"])), given.get(SALT))
    own = [each for each in overrides if each.partition("=")[0] not in (SUITE, SALT)]
    lines = []
    for task in suite.tasks:
        fixed = _fixed(opened, task.task)
        lines.append([*own, *fixed])
        if suite.references:
            of_the_run = [each for each in own if _is_shared(each)]
            agents = f"agent={','.join(suite.references)}"
            lines.append(["-m", *of_the_run, agents, *fixed])
    return SuiteLines(opened, lines)


def _settings(overrides: Sequence[str]) -> list[tuple[str, str]]:
    split = (each.partition("=") for each in overrides)
    return [(name.lstrip("+"), value) for name, equals, value in split if equals]


def _require_free(suite: Suite, given: dict[str, str]) -> None:
    for name in given:
        if name.partition(".")[0] in FIXED:
            mend = (
                f"give {SALT}=RUN to meet the markets of an earlier run"
                if name == SEED
                else "write a suite of your own with another one, suite=./my_suite.yaml"
            )
            raise InvestorBenchError(
                f"suite={suite.name} says {name} itself: leave it out, or {mend}"
            )
    if "data" in given and any(task_of_suite(each, suite).is_simulated for each in suite.tasks):
        raise InvestorBenchError(
            f"suite={suite.name} is on simulated markets, in whose place data={given['data']} "
            "would put others: leave it out"
        )


def _fixed(opened: OpenedSuite, name: str) -> list[str]:
    suite = opened.suite
    task = next(each for each in suite.tasks if each.task == name)
    part = {"name": suite.name, "sha256": opened.sha256}
    given: dict[str, Any] = {"start": task.start, "end": task.end}
    return [
        f"task={task.task}",
        *(f"task.{name}={value}" for name, value in given.items() if value is not None),
        *(f"task.options.{name}={_written(value)}" for name, value in task.options.items()),
        f"protocol={suite.protocol}",
        f"repeats={suite.repeats}",
        f"block={suite.block}",
        f"warmup={_written(suite.warmup)}",
        f"{WORDED}={suite.wordings}",
        f"seed={opened.seed}",
        f"{OF_A_JOB}={_written(part)}",
    ]


def _written(value: Any) -> str:
    """A value as Hydra's grammar has it, in which names of a table stand without quotes."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_written(part)}" for name, part in value.items()) + "}"
    return json.dumps(value)


def _is_shared(override: str) -> bool:
    """Whether it holds for all agents: a setting of the run, or where its data is."""
    name = override.partition("=")[0]
    is_flag = name.startswith("-") and name not in (*MANY, *QUESTIONS)
    return is_flag or name.partition(".")[0] in (*OF_THE_RUN, "launcher", "data")

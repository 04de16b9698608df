"""What a suite is frozen in: a hash of each of its parts, and one of all of them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from investorbench.agents.llm.canonical import digest
from investorbench.agents.settings_files import read_settings
from investorbench.tasks.snapshots.results import found_reference
from investorbench.tasks.suites.suite import CONF, Suite, SuiteTask
from investorbench.tasks.suites.wordings import WORDINGS
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

DEFINITION = "definition"
LEFT_OUT = ("about", "frozen", "tokens", "smallest_difference")
"""What is said of a suite, and changes nothing of what it measures."""


def frozen_parts(suite: Suite) -> dict[str, str]:
    """SHA-256 of each part of a suite by its name: what it asks for, and what its tasks are.

    Of a simulated task all that its markets are drawn from counts, so that another simulator is
    another suite; of snapshots their reference, too. Of a real one the data is named in the record
    of each run, and not here.
    """
    own = {name: part for name, part in asdict(suite).items() if name not in LEFT_OUT}
    parts: dict[str, Any] = {DEFINITION: own} | {
        each.task: _what(each, suite) for each in suite.tasks
    }
    if suite.wordings > 1:
        parts["wordings"] = [asdict(each) for each in WORDINGS[: suite.wordings]]
    return {name: digest(part) for name, part in parts.items()}


def require_frozen(suite: Suite) -> str:
    """SHA-256 of a suite, if it is what it was when it was frozen.

    Raises:
        InvestorBenchError: a part has changed, and which.
    """
    now = frozen_parts(suite)
    if suite.frozen:
        changed = [
            name for name in {**now, **suite.frozen} if now.get(name) != suite.frozen.get(name)
        ]
        if changed:
            raise InvestorBenchError(
                f"suite {suite.name} has changed since it was frozen ({', '.join(changed)}), so "
                "its tables would not be comparable: take back the change, or give the suite "
                "another name and freeze it again"
            )
    return digest({"name": suite.name, "parts": now})


def task_of_suite(task: SuiteTask, suite: Suite) -> Task:
    """A task of a suite as the command line makes it."""
    settings = read_settings(CONF / "task" / f"{task.task}.yaml")
    return Task(
        id=str(settings["id"]),
        protocol=suite.protocol,
        data=settings.get("data"),
        start=task.start or settings.get("start"),
        end=task.end or settings.get("end"),
        options={**(settings.get("options") or {}), **task.options},
    )


def _what(task: SuiteTask, suite: Suite) -> Mapping[str, Any]:
    made = task_of_suite(task, suite)
    settings = {name: getattr(made, name) for name in ("id", "protocol", "data", "start", "end")}
    settings["options"] = dict(made.options)
    if made.data != "simulated":
        return settings
    if made.is_of_snapshots:  # by which skill is measured
        reference, _ = found_reference(made)
        settings["reference"] = reference and reference.plain()
    return settings | made.facts("test").values()

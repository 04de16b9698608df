"""``investorbench plan``: what a suite will cost and what it will show, before it is run."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from investorbench.scripts.choices import Choices
from investorbench.scripts.model_rows import rows
from investorbench.scripts.models import today
from investorbench.scripts.plan_output import print_plan
from investorbench.scripts.terminal import Console
from investorbench.tasks.planning.estimates import SECONDS
from investorbench.tasks.planning.plans import SuitePlan, plan_of
from investorbench.tasks.suites import find_suite
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "suite": str, "models": str, "agent": str, "pilot": Path, "seconds": float, "data": str,
    "folder": str,
}  # fmt: skip


def plan(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    seal: Annotated[
        bool, typer.Option("--seal", help="Seal the run that was planned; give agent=, too.")
    ] = False,
) -> None:
    """Say what a suite takes and shows: suite=sim-core models=gpt-5-mini,claude-*  [pilot=RUN]."""
    given = _given(context.args)
    made = planned(given)
    if as_json:
        print(json.dumps(made.plain(), ensure_ascii=False))
    else:
        print_plan(made, Console(highlight=False))
    line = _line(given, made)
    if seal:
        from investorbench.scripts.seal import seal_plan_of

        if "agent" not in given:
            raise InvestorBenchError("--seal needs the agent that asks the models: agent=…")
        seal_plan_of(line)
    elif not as_json:
        Console(highlight=False).print(
            f"next: investorbench run {shlex.join(line)}", style="dim", soft_wrap=True
        )


def planned(given: Mapping[str, Any]) -> SuitePlan:
    """What a command line asks for.

    Raises:
        InvestorBenchError: there is no such suite or model, or a pilot cannot be used.
    """
    suite = find_suite(given["suite"])
    models = {
        each.name: each.model
        for pattern in given["models"].split(",")
        for each in rows(pattern, Choices(), today())
    }
    seconds = given.get("seconds", SECONDS)
    return plan_of(suite, models, given.get("pilot"), seconds, given.get("data"))


def _given(arguments: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in OPTIONS:
            raise UnknownNameError("option of plan", key, [f"{name}=…" for name in OPTIONS])
        try:
            given[key] = OPTIONS[key](value)
        except ValueError:
            raise InvestorBenchError(f"{argument}: {value!r} should be a number") from None
    if missing := [name for name in ("suite", "models") if not given.get(name)]:
        raise InvestorBenchError(
            f"a plan needs {' and '.join(f'{name}=…' for name in missing)}: investorbench plan "
            "suite=sim-core models=paper"
        )
    if not 0.0 < given.get("seconds", SECONDS) < float("inf"):
        raise InvestorBenchError(f"seconds={given['seconds']:g} must be above 0")
    return given


def _line(given: Mapping[str, Any], made: SuitePlan) -> list[str]:
    """What ``investorbench run`` would be given."""
    models = ",".join(each.name for each in made.models)
    settings = {
        "suite": given["suite"],
        "agent": given.get("agent", "…"),
        "model": models,
        "data": given.get("data"),
        "folder": given.get("folder"),
    }
    own = [f"{name}={value}" for name, value in settings.items() if value is not None]
    return ["-m", *own] if len(made.models) > 1 else own

"""``investorbench run``: score agents on tasks, with Hydra, and record it."""

import json
import re
import secrets
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import hydra
import typer
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import scripts
from agents.agent import as_agent
from agents.baselines import BuyAndHold
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from scripts.tables import print_results, setting_of
from tasks.evaluator import evaluate
from tasks.result import Result, Step
from tasks.runs import JobFolder, manifest_of, without_nan
from tasks.task import Task

CONF = Path(scripts.__file__).resolve().parent.parent / "conf"
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
GROUPS = ("agent", "task", "protocol")
OF_THE_TABLE = ("task", "protocol", "data")
"""Settings that a table names by itself; what else a sweep changes is named beside the agent."""
OUTPUTS = ("table", "json")


def run(context: typer.Context) -> None:
    """Score an agent on a task: agent=… task=… protocol=… data=…  (run --help lists them)."""
    run_with(context.args)


def run_with(overrides: list[str]) -> None:
    """Run all jobs that Hydra's command line asks for, then show their results.

    Raises:
        InvestorBenchError: a job failed; the results of the others have been shown.
    """
    require_known_options(overrides)
    require_known_choices(overrides)
    # The options of an environment are its own affair: none is listed in the configuration.
    overrides = [re.sub(r"^(?=task\.options\b)", "++", override) for override in overrides]
    jobs = Jobs(swept(overrides))
    OmegaConf.register_new_resolver(
        "token", lambda: secrets.token_hex(2), use_cache=True, replace=True
    )
    sys.path.append(str(Path.cwd()))  # where an agent of somebody's own is found
    arguments, sys.argv = sys.argv, ["investorbench run", *overrides]
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(jobs)()
    finally:
        sys.argv = arguments
        sys.path.pop()
        jobs.show()


class Jobs:
    """The jobs of one command line: Hydra calls it for each, and it keeps what they came to.

    Args:
        swept: the settings that differ from job to job.
    """

    __name__ = "investorbench"

    def __init__(self, swept: list[str]) -> None:
        self.swept = swept
        self.results: list[Result] = []
        self.errors: list[str] = []
        self.folders: list[Path] = []
        self.output = "table"

    def __call__(self, config: DictConfig) -> None:
        """Run one job; an error of ours is kept for the end, so that the others still run."""
        name, place = self._name_and_place()
        try:
            if config.output not in OUTPUTS:
                raise UnknownNameError("output", config.output, OUTPUTS)
            self.output = config.output
            self.results.append(run_job(name, config, place))
            self.folders.append(Path(config.folder))
        except InvestorBenchError as error:
            self.errors.append(f"{name} on {config.task.id}: {error}")

    def _name_and_place(self) -> tuple[str, list[str]]:
        """What tells this job from the others: beside its agent's name, and as folders."""
        hydra_config = HydraConfig.get()
        name = [str(hydra_config.runtime.choices["agent"])]
        place = []
        for override in hydra_config.overrides.task:
            key, _, value = override.lstrip("+").partition("=")
            if key == "agent._target_":  # an agent of somebody's own, in place of ours
                name[0] = value.rpartition(".")[2]
            elif key not in self.swept or key in ("agent", "task"):
                continue
            elif key.partition(".")[0] in OF_THE_TABLE:
                place.append(f"{key}={value}")
            else:
                name.append(f"{key.rpartition('.')[2]}={value}")
        return " ".join(name), place

    def show(self) -> None:
        """Print the results, where they are recorded, and what failed."""
        if self.output == "json":
            for result in self.results:
                print(json.dumps(without_nan(manifest_of(result)), ensure_ascii=False))
        else:
            print_results(beside_buy_and_hold(self.results), Console())
        for folder in dict.fromkeys(self.folders):
            Console(stderr=True).print(
                f"recorded in {folder}", highlight=False, markup=False, soft_wrap=True
            )
        if self.errors:
            raise InvestorBenchError("\n".join(dict.fromkeys(self.errors)))


def beside_buy_and_hold(results: Sequence[Result]) -> list[Result]:
    """The results, and buy-and-hold wherever it is not among them: no table goes without it."""
    held = {setting_of(result) for result in results if result.agent == BuyAndHold.name}
    missing = {setting_of(result): result.task for result in results}
    return [
        *results,
        *(
            evaluate(BuyAndHold(), task, warmup=False)
            for setting, task in missing.items()
            if setting not in held
        ),
    ]


def run_job(name: str, config: DictConfig, place: Sequence[str] = ()) -> Result:
    """Run one agent on one task and record it under the run's folder.

    Args:
        name: what tables and records call the agent.
        config: what to run.
        place: further folders between that of the task and that of the agent.
    """
    task = task_of(config)
    agent = as_agent(agent_of(config, task))
    agent.name = name
    folders = (re.sub(r"[^\w.,=+-]+", "_", part) for part in (*place, name))
    path = Path(config.folder).joinpath(_short(task), *folders)
    with JobFolder(path, OmegaConf.to_yaml(config, resolve=True)) as folder, _progress() as bars:
        bar = bars.add_task(f"{name} on {task.symbol}", total=None)

        def watch(step: Step) -> None:
            folder(step)
            what = f"{name} on {task.symbol} · {step.split}" + f" {step.repeat + 1}" * (
                config.repeats > 1
            )
            bars.update(bar, description=what, total=step.steps, completed=step.number + 1)

        result = evaluate(
            agent,
            task,
            config.repeats,
            seed=config.seed,
            warmup=config.warmup,
            watch=watch,
        )
        folder.finish(result)
    return result


def task_of(config: DictConfig) -> Task:
    """The task that a configuration describes."""
    costs = {key: value for key, value in config.protocol.items() if key != "name"}
    options = {**OmegaConf.to_container(config.task.options), **costs}  # type: ignore[dict-item]
    return Task.of(
        str(config.task.id),
        protocol=config.protocol.name,
        data=config.data or config.task.data,
        start=config.task.start,
        end=config.task.end,
        options={str(key): value for key, value in options.items() if value is not None},
    )


def agent_of(config: DictConfig, task: Task) -> Any:
    """The agent that a configuration describes; a partial one is waiting for the market."""
    agent = instantiate(config.agent)
    if isinstance(agent, partial):
        return agent(task.make("test").unwrapped.setup.market)  # type: ignore[attr-defined]
    return agent


def _short(task: Task) -> str:
    """A task's name in a run folder, such as ``stock-tsla``."""
    name = task.id.removeprefix("InvestorBench/").lower()
    return name if "-" in name else f"{name}-{task.symbol.lower()}"


def swept(overrides: list[str]) -> list[str]:
    """The settings that a sweep changes from job to job.

    Raises:
        InvestorBenchError: one cannot be read.
    """
    parser = OverridesParser.create()
    found = []
    for given in overrides:
        try:
            (override,) = parser.parse_overrides([given])
        except OverrideParseException as error:
            if "=" not in given or given.startswith("-"):
                continue  # a flag or its value
            reason = str(error).splitlines()[0]
            raise InvestorBenchError(
                f"cannot read {given!r} ({reason}); quote a value with special characters, such as "
                "\"data='my [data]'\""
            ) from None
        if override.is_sweep_override():
            found.append(override.key_or_group)
    return found


def require_known_options(overrides: list[str]) -> None:
    """Check the names of settings before Hydra does, in better words.

    Raises:
        UnknownNameError: one does not exist; says which do, nearest first.
    """
    for override in overrides:
        key, equals, _ = override.partition("=")
        # What starts with a sign is a flag, or asks Hydra to add or to drop something.
        if not equals or not key[:1].isalpha() or key.startswith(("hydra", "task.options")):
            continue
        if key not in (known := settings()):
            raise UnknownNameError("setting", key, known)


@cache
def settings() -> list[str]:
    """Everything that ``name=value`` can set, those of all agents and tasks together."""
    own = map(str, OmegaConf.load(CONF / "config.yaml"))
    nested = {
        f"{group}.{name!s}"
        for group in GROUPS
        for path in (CONF / group).rglob("*.yaml")
        for name in OmegaConf.load(path)
    }
    return [*GROUPS, *(name for name in own if name not in ("defaults", "hydra")), *sorted(nested)]


def choices(group: str) -> list[str]:
    """The names of a configuration group, such as ``stock/tsla`` of ``task``."""
    folder = CONF / group
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )


def require_known_choices(overrides: list[str]) -> None:
    """Check the names of agents, tasks and protocols before Hydra does, in better words.

    Raises:
        UnknownNameError: one does not exist; says which do, nearest first.
    """
    for override in overrides:
        group, _, value = override.partition("=")
        if group in GROUPS and value and "(" not in value:
            for name in value.split(","):
                if name.removesuffix(".yaml") not in choices(group):
                    raise UnknownNameError(group, name, choices(group))


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

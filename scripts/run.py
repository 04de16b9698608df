"""``investorbench run``: score agents on tasks, with Hydra, and record it."""

import json
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import hydra
import typer
from hydra.core.hydra_config import HydraConfig
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from investorbench.scripts.jobs import MODEL, Job
from investorbench.scripts.launching import (
    HERE,
    errors_raised,
    launched_shown,
    launcher_in,
    recorded,
    without_launcher,
)
from investorbench.scripts.settings import (
    CONF,
    OPEN,
    require_known_choices,
    require_known_options,
    swept,
)
from investorbench.scripts.tables import print_results
from investorbench.tasks.record.episode_folder import FAILURE
from investorbench.tasks.record.job_folder import manifest_of
from investorbench.tasks.record.lines import without_nan
from investorbench.tasks.running.episodes import Done, play_all
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
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
    # What others know the names of is not all listed in the configuration.
    listed = "|".join(map(re.escape, OPEN))
    overrides = [re.sub(rf"^(?={listed})", "++", override) for override in overrides]
    if not any(override.startswith("folder=") for override in overrides):
        overrides.append(f"folder={new_folder()}")
    launcher = launcher_in(overrides)
    sys.path.append(str(Path.cwd()))  # where an agent of somebody's own is found
    try:
        jobs = _planned(overrides)
        if not jobs:
            return  # Hydra was asked for help
        if launcher == HERE:
            done = play_all(jobs)
        else:
            with launched_shown(jobs), errors_raised():
                _compose(overrides, Launched(swept(overrides)))
            done = recorded(jobs)
        show(jobs, done)
    finally:
        sys.path.pop()


def _planned(overrides: list[str]) -> list[Job]:
    planned = Planned(swept(overrides))
    with (
        tempfile.TemporaryDirectory() as nowhere,  # Hydra makes its folder before it asks
        # It would compose every job once more, to see whether that can be done before any runs.
        patch.object(Sweeper, "validate_batch_is_legal"),
    ):
        _compose([*without_launcher(overrides), f"hydra.sweep.dir={nowhere}"], planned)
    return planned.checked()


def _compose(overrides: list[str], task: Callable[[DictConfig], None]) -> None:
    """Have Hydra call something with the configuration of each job."""
    arguments, sys.argv = sys.argv, ["investorbench run", *overrides]
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(task)()
    finally:
        sys.argv = arguments


def new_folder() -> str:
    """Where a run is recorded that names no folder."""
    now = datetime.now()
    return f"runs/{now:%Y-%m-%d}/{now:%H-%M-%S}-{secrets.token_hex(2)}"


def show(jobs: Sequence[Job], done: Done) -> None:
    """Print what jobs came to, where it is recorded, and what failed.

    Raises:
        InvestorBenchError: some failed.
    """
    if jobs[0].config.output == "json":
        for entry in done.entries:
            told = manifest_of(entry.result) | {"failures": [each.why for each in entry.failures]}
            print(json.dumps(without_nan(told), ensure_ascii=False))
    else:
        print_results(done.entries, Console())
    goes_on = any(each.can_go_on for each in done.failed)
    advice = "; the same command with this folder=... goes on" if goes_on else ""
    for folder in dict.fromkeys(str(job.config.folder) for job in jobs):
        if Path(folder).exists():
            Console(stderr=True).print(
                f"recorded in {folder}{advice}", highlight=False, markup=False, soft_wrap=True
            )
    _raise([each.why for each in done.failed])


class Planned:
    """The jobs of one command line: Hydra calls it for each, and then they run together.

    Args:
        swept: the settings that differ from job to job.
    """

    __name__ = "investorbench"

    def __init__(self, swept: list[str]) -> None:
        self.swept = swept
        self.jobs: list[Job] = []
        self.errors: list[str] = []

    def __call__(self, config: DictConfig) -> None:
        """Plan one job; an error of ours is kept, for Hydra has words of its own for errors."""
        OmegaConf.resolve(config)
        try:
            if config.output not in OUTPUTS:
                raise UnknownNameError("output", config.output, OUTPUTS)
            for name in ("repeats", "concurrency"):
                if not isinstance(config[name], int) or config[name] < 1:
                    wanted = "must be a whole number of at least 1"
                    raise InvestorBenchError(f"{name}={config[name]!r} {wanted}")
            self.jobs.append(self._job(config))
        except InvestorBenchError as error:
            self.errors.append(str(error))

    def checked(self) -> list[Job]:
        """The jobs.

        Raises:
            InvestorBenchError: one could not be planned, and so none is run.
        """
        _raise(self.errors)
        return self.jobs

    def _job(self, config: DictConfig) -> Job:
        """A job, with what tells it from the others in its name and its folders."""
        hydra_config = HydraConfig.get()
        agent = str(hydra_config.runtime.choices["agent"])
        changed: list[str] = []
        place: list[str] = []
        for override in hydra_config.overrides.task:
            key, _, value = override.lstrip("+").partition("=")
            if key == "agent._target_":  # an agent of somebody's own, in place of ours
                agent = value.rpartition(".")[2]
            elif key not in self.swept or key in ("agent", "task", MODEL):
                continue
            elif key.partition(".")[0] in OF_THE_TABLE:
                place.append(f"{key}={value}")
            else:
                changed.append(f"{key.rpartition('.')[2]}={value}")
        job = Job(agent_name=agent, name=agent, config=config, place=tuple(place))
        if job.model is not None:
            changed.insert(0, f"model={hydra_config.runtime.choices['model']}")
        elif any(override.startswith("model=") for override in hydra_config.overrides.task):
            raise InvestorBenchError(f"{agent} asks no language model: leave out model=…")
        return replace(job, name=" ".join([agent, *changed]))


class Launched:
    """What a launcher's process does with the configuration of one job: it runs it.

    Args:
        swept: the settings that differ from job to job.
    """

    __name__ = "investorbench"

    def __init__(self, swept: list[str]) -> None:
        self.swept = swept
        self.folder = str(Path.cwd())  # where an agent of somebody's own is found

    def __call__(self, config: DictConfig) -> None:
        """Run one job; what it came to, and what failed, is in its record.

        Raises:
            InvestorBenchError: there is no record of why it failed.
        """
        sys.path.append(self.folder)
        planned = Planned(self.swept)
        planned(config)
        (job,) = planned.checked()
        done = play_all([job], is_shown=False)
        if not done.entries and not list(job.path.glob(f"*/{FAILURE}")):
            _raise([each.why for each in done.failed])


def _raise(errors: Sequence[str]) -> None:
    if errors:
        raise InvestorBenchError("\n".join(dict.fromkeys(errors)))

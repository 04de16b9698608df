"""``investorbench run``: score agents on tasks, with Hydra, and record it."""

import json
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
import typer
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from agents.baselines import BuyAndHold
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from scripts.jobs import MODEL, Job
from scripts.playing import play_all
from scripts.settings import (
    CONF,
    OPEN,
    require_known_choices,
    require_known_options,
    swept,
)
from scripts.tables import print_results, setting_of
from tasks.evaluator import evaluate
from tasks.records import without_nan
from tasks.result import Result
from tasks.runs import manifest_of

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
    planned = Planned(swept(overrides))
    OmegaConf.register_new_resolver(
        "token", lambda: secrets.token_hex(2), use_cache=True, replace=True
    )
    sys.path.append(str(Path.cwd()))  # where an agent of somebody's own is found
    arguments, sys.argv = sys.argv, ["investorbench run", *overrides]
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(planned)()
        planned.run()
    finally:
        sys.argv = arguments
        sys.path.pop()


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

    def run(self) -> None:
        """Run them, print what they came to, where it is recorded, and what failed.

        Raises:
            InvestorBenchError: one was not planned, and so none was run; or some failed.
        """
        if self.errors or not self.jobs:  # without jobs, Hydra was asked for help
            self._raise(self.errors)
            return
        folders = dict.fromkeys(str(job.config.folder) for job in self.jobs)
        done = play_all(self.jobs)
        if self.jobs[0].config.output == "json":
            for result in done.results:
                print(json.dumps(without_nan(manifest_of(result)), ensure_ascii=False))
        else:
            print_results(beside_buy_and_hold(done.results), Console())
        goes_on = any(each.can_go_on for each in done.failed)
        advice = "; the same command with this folder=... goes on" if goes_on else ""
        for folder in folders:
            if Path(folder).exists():
                Console(stderr=True).print(
                    f"recorded in {folder}{advice}", highlight=False, markup=False, soft_wrap=True
                )
        self._raise([each.why for each in done.failed])

    @staticmethod
    def _raise(errors: Sequence[str]) -> None:
        if errors:
            raise InvestorBenchError("\n".join(dict.fromkeys(errors)))

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
        job = Job(name=agent, config=config, place=tuple(place))
        if job.model is not None:
            changed.insert(0, f"model={hydra_config.runtime.choices['model']}")
        elif any(override.startswith("model=") for override in hydra_config.overrides.task):
            raise InvestorBenchError(f"{agent} asks no language model: leave out model=…")
        return Job(name=" ".join([agent, *changed]), config=config, place=tuple(place))


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

"""``investorbench probe``: how a model's decisions change when its question is put otherwise."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from omegaconf import DictConfig

from investorbench.agents.llm import Budget, Cache, LanguageModel, Model, connect
from investorbench.scripts.choices import choosing
from investorbench.scripts.composing import composed
from investorbench.scripts.jobs import job_of
from investorbench.scripts.probe_output import print_brittleness
from investorbench.scripts.serving import served
from investorbench.scripts.settings import require_known_settings
from investorbench.scripts.terminal import Console
from investorbench.tasks.probes import probe_brittleness, recorded_states
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

AGENT, TASK = "arena", "perpetuals/arena6"
RESULT, ANSWERS, SPENDING = "brittleness.json", "answers.sqlite", "spending"
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(no_args_is_help=True)


@app.callback()
def probe() -> None:
    """Probe models by pairs of questions."""


@app.command("brittleness", context_settings=CONTEXT)
def brittleness(
    context: typer.Context,
    states: Annotated[int, typer.Option(min=1, help="At most, 4 hours apart.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Of states and questions.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="For answers and results; probes/MODEL-TASK where none is.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Ask a model about recorded states of perpetuals in ten pairs of ways: model=… [task=…].

    Settings are those of `investorbench run`. A probe that was killed goes on where it was, for
    answers are kept in its folder.
    """
    if outside := [each for each in context.args if each.startswith("-")]:
        raise InvestorBenchError(f"unknown flag {outside[0]}; see probe brittleness --help")
    with choosing([f"agent={AGENT}", *_with_task(context.args)], None) as (chosen, choices):
        jobs = composed(require_known_settings(chosen, choices))
        if jobs is None or len(jobs) != 1:
            raise InvestorBenchError("a probe takes one value of each setting")
        config = jobs[0].config
        job = job_of(config, AGENT, AGENT)
    assert job.model is not None  # the arena's agent asks one
    name = f"{job.model.name}-{job.task.short_name}".replace("/", "-")
    place = folder or Path("probes") / name
    recorded = recorded_states(job.task, states, seed, thinks=config.agent.thinking)
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        model = _connected(config, job.model, place, stack)
        found = asyncio.run(probe_brittleness(model, recorded, seed=seed))
    write_atomically(place / RESULT, json.dumps(found.record(), indent=1))
    if as_json:
        print(json.dumps(found.record()))
        return
    print_brittleness(Console(highlight=False), found, place / RESULT)


def _with_task(settings: Sequence[str]) -> list[str]:
    """Settings with the task that is probed where none is named."""
    is_named = any(each.lstrip("+").startswith(("task=", "task.id=")) for each in settings)
    return [*settings] if is_named else [f"task={TASK}", *settings]


def _connected(config: DictConfig, model: Model, place: Path, stack: ExitStack) -> LanguageModel:
    """What answers for a model, whose answers are kept in a folder."""
    given: Any = config.cache
    path = place / ANSWERS if config.cache_path is None else Path(config.cache_path)
    cache = None if given == "off" else stack.enter_context(Cache(path, given))
    budget = Budget(config.max_usd, ledger=place / SPENDING)
    base_url = None
    if config.serve and given != "replay_only":
        base_url = stack.enter_context(served(model, **config.server))
    return connect(model, base_url=base_url, cache=cache, budget=budget)

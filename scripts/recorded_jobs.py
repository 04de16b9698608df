"""From the configuration of a recorded job to the job, so that its agent can be run again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from investorbench.agents.finding import PATH, SHA256, SOURCE, find_agent
from investorbench.agents.llm import model_of
from investorbench.agents.parts import DYNAMICS, MARKET
from investorbench.scripts.jobs import TARGET, maker_of, making
from investorbench.scripts.recorded_code import require_known_code, require_known_memory
from investorbench.tasks.handed import HANDED
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.settings import read_settings
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.rederiving import CannotRederiveError

OURS = "investorbench."
ARRAYS = "arrays"
"""The memory's store of a second run: it ranks like any other, and leaves the archive alone."""


def job_again(recorded: RecordedJob, within: Path | None = None) -> Job:
    """A job as it was configured; its agents have a memory of their own and no archive.

    Agents of somebody's own are looked for in the working folder, as the run found them there.

    Args:
        recorded: the job.
        within: the folder that holds its record, and no code that is run.

    Raises:
        CannotRederiveError: its agent cannot be made from what is recorded, and why.
        InvestorBenchError: a module cannot be imported, or a setting is unknown.
    """
    settings = read_settings(recorded.path)
    require_known_code(settings["agent"], recorded.path if within is None else within)
    require_known_memory(settings.get("memory", {}))
    agent = _agent_of(settings)
    maker = maker_of(OmegaConf.create(agent))
    here = find_agent(agent[PATH]).sha256 if PATH in agent else maker.settings.get(SHA256)
    if (was := settings["agent"].get(SHA256)) and here != was:
        raise CannotRederiveError(f"{_named(settings['agent'])} is other code here than it was")
    memory = OmegaConf.create({**settings.get("memory", {}), "store": ARRAYS})

    handed = [name for name in (MARKET, DYNAMICS) if name in maker.asks_for]
    known = {name: part for name, part in settings.items() if name != HANDED}
    return Job(
        make_agent=making(maker, recorded.task, memory),
        settings=known | ({HANDED: handed} if handed else {}),
        task=recorded.task,
        model=model_of(settings["model"]) if "model" in settings else None,
    )


def _agent_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an agent as the command line would have them."""
    agent = dict(settings["agent"])
    if SOURCE in agent:  # what the working folder has under that name
        source = str(agent[SOURCE])
        place, _, attribute = source.partition(":")
        path = f"{Path.cwd() / place}:{attribute}" if place.endswith(".py") else source
        return {PATH: path, **agent}
    target = str(agent.get(TARGET, ""))
    if not target.startswith(OURS) and SHA256 not in agent:
        raise CannotRederiveError(
            f"{target or 'its agent'} was handed over in Python, which a record cannot make again"
        )
    agent.pop(SHA256, None)
    return agent


def _named(agent: Mapping[str, Any]) -> str:
    return str(agent.get(SOURCE) or agent.get(TARGET))

"""From Hydra's configuration to a job, and to the parts that its agent is made of."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from investorbench.agents.finding import (
    PATH,
    SHA256,
    SOURCE,
    FoundAgent,
    find_agent,
    locate,
    sha256_of,
)
from investorbench.agents.llm import Model, model_of
from investorbench.agents.llm.models import OF_THE_SERVER, require_images
from investorbench.agents.parts import DYNAMICS, MARKET, MEMORY, MODEL, PARTS, PROXY
from investorbench.memory import Arrays, Chroma, Embedder, LayeredMemory, find_embedder
from investorbench.scripts.racing import OF_A_RACE
from investorbench.scripts.serving import served
from investorbench.tasks.finding import find_id
from investorbench.tasks.handed import HANDED
from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.episodes import RunOptions, Say, Serve
from investorbench.tasks.running.job import Job, MakeAgent, of_block
from investorbench.tasks.running.progress import Shows
from investorbench.tasks.seeds import BLOCK
from investorbench.tasks.suites.opening import OF_A_JOB
from investorbench.tasks.suites.wordings import WORDED, require_wordings
from investorbench.tasks.task import Task, task_of
from investorbench.tasks.tracking import trackers_of
from investorbench_env.envs.options import CHART
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

OF_THE_RUN = (
    "output", "folder", "shard", "tracking", "concurrency", "max_usd", "cache", "cache_path",
    "cache_files", "serve", "server", "seal", "salt", "ray", *OF_A_RACE,
)  # fmt: skip
"""Settings that change nothing of what an agent does: a run may be resumed with others."""
OF_SOME = (BLOCK, WORDED, OF_A_JOB)
"""Settings that a job has only where they decide something."""
TARGET, ARGUMENTS, PARTIAL = "_target_", "_args_", "_partial_"


def job_of(config: DictConfig, agent_name: str, name: str, place: tuple[str, ...] = ()) -> Job:
    """A job from its configuration.

    Args:
        config: what to run, resolved.
        agent_name: of the agent's configuration, or its class where that is somebody's own.
        name: what tables and records call it.
        place: further folders between that of the task and that of the agent.

    Raises:
        InvestorBenchError: there is no such task, or no such setting of a model.
    """
    given: Any = OmegaConf.to_container(config, resolve=True)
    maker = maker_of(config.agent)
    asked_for = maker.asks_for
    settings: dict[str, Any] = {"agent_name": agent_name, "name": name}
    settings |= {key: value for key, value in given.items() if key not in (*OF_THE_RUN, *OF_SOME)}
    model = None
    if maker.asks_model:
        model = model_of(given["model"])
        if CHART in (given["task"]["options"].get("modalities") or ()):
            require_images(model, "task.options.modalities has charts")
        settings["model"] = {k: v for k, v in given["model"].items() if k not in OF_THE_SERVER}
    else:
        del settings["model"]
    if MEMORY not in asked_for:
        del settings["memory"]
    settings["agent"] = maker.settings
    if handed := [name for name in (MARKET, DYNAMICS) if name in asked_for]:
        settings[HANDED] = handed
    settings["task"] = {**given["task"], "id": find_id(given["task"]["id"])}
    task = task_of(settings)
    settings |= of_block(task, given["warmup"], given[BLOCK])
    if model is not None and require_wordings(given[WORDED]) > 1:
        settings[WORDED] = given[WORDED]
    if given[OF_A_JOB] is not None:
        settings[OF_A_JOB] = given[OF_A_JOB]
    make_agent = making(maker, task, config.memory)
    return Job(make_agent=make_agent, settings=settings, task=task, model=model, place=place)


def making(maker: "AgentMaker", task: Task, memory: DictConfig) -> MakeAgent:
    """What makes an agent for each episode of a job, and gives it what it asks for."""

    def make_agent(asked: Asked | None, folder: EpisodeFolder | None, market_seed: int) -> Any:
        assert folder is not None  # the command line records everything
        parts: dict[str, Callable[[], Any]] = {
            MODEL: lambda: asked,
            PROXY: lambda: asked.proxy if asked else None,
            MEMORY: lambda: partial(new_memory, memory, folder),
            MARKET: lambda: task.market(market_seed),
            DYNAMICS: task.dynamics,
        }
        return maker.make(**{name: parts[name]() for name in sorted(maker.asks_for)})

    return make_agent


def options_of(config: DictConfig, *, shows: Shows = "bar") -> RunOptions:
    """How the jobs of a command line are run.

    Raises:
        UnknownNameError: there is no such tracker.
    """
    serve: Serve | None = None
    if config.serve:

        def serve(model: Model, say: Say) -> AbstractContextManager[str]:
            return served(model, **config.server, say=say)

    return RunOptions(
        folder=Path(config.folder),
        concurrency=config.concurrency,
        shard=config.shard,
        trackers=trackers_of(config.tracking, config.folder),
        max_usd=config.max_usd,
        cache=config.cache,
        cache_path=None if config.cache_path is None else Path(config.cache_path),
        cache_files=config.cache_files,
        serve=serve,
        shows=shows,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMaker:
    """What makes the agents of a configuration.

    Attributes:
        make: makes one, of what it asks for.
        asks_for: what has to be handed to it, of ``PARTS``.
        settings: what determines the agents, wherever they are defined.
    """

    make: Callable[..., Any]
    asks_for: frozenset[str]
    settings: Mapping[str, Any]

    @property
    def asks_model(self) -> bool:
        """Whether its agents ask the language model of the run."""
        return not self.asks_for.isdisjoint((MODEL, PROXY))


def maker_of(agent: DictConfig) -> AgentMaker:
    """What makes the agents of a configuration.

    Raises:
        InvestorBenchError: there is no such agent, it cannot be imported, or lacks a setting.
    """
    given: Any = OmegaConf.to_container(agent, resolve=True)
    if PATH in given:
        found = find_agent(given.pop(PATH))
        own = {name: value for name, value in given.items() if name not in (SOURCE, SHA256)}
        wants = _asked_for(found, own)
        return AgentMaker(make=partial(found.make, **own), asks_for=wants, settings=given)
    if not given.get(TARGET):
        raise InvestorBenchError(
            f"an agent's file names its class or function as `{TARGET}: my_module.MyAgent`, and "
            f"this one does not: {given}"
        )
    module, made_by = locate(str(given[TARGET]))
    if not module.__name__.startswith("investorbench."):
        given |= {SHA256: sha256_of(module)}
    placed = given.get(ARGUMENTS, ())
    target = str(given[TARGET])
    found = FoundAgent(
        name=target.rpartition(".")[2],
        source=target,
        path=target,
        sha256=given.get(SHA256, ""),
        made_by=partial(made_by, *placed) if placed else made_by,
    )
    asks_for = _asked_for(found, [name for name in given if not name.startswith("_")])

    def make(**parts: Any) -> Any:
        deferred = _deferred(agent)
        return partial(deferred, **parts) if found.is_policy else _called(deferred, target, parts)

    return AgentMaker(make=make, asks_for=asks_for, settings=given)


def _asked_for(found: FoundAgent, own: Iterable[str]) -> frozenset[str]:
    """What an agent has to be given, beside settings of its own.

    Raises:
        InvestorBenchError: with all that it cannot be made, or not of these settings.
    """
    wants = frozenset(found.required) & PARTS - {*own}
    found.require([*own, *wants])
    return wants


def _deferred(agent: DictConfig) -> Callable[..., Any]:
    """What Hydra makes of a configuration, but for the last call, which takes what a run gives."""
    settings: Any = OmegaConf.to_container(agent, resolve=True)
    whole = OmegaConf.create({**settings, PARTIAL: True})
    deferred: Callable[..., Any] = _called(partial(instantiate, whole), str(agent[TARGET]), {})
    return deferred


def _called(call: Callable[..., Any], target: str, parts: Mapping[str, Any]) -> Any:
    try:
        return call(**parts)
    except InvestorBenchError:
        raise
    except Exception as error:
        is_of_hydra = isinstance(error, InstantiationException)
        reason = error.__cause__ if is_of_hydra and error.__cause__ else error
        if isinstance(reason, InvestorBenchError):
            raise reason from None
        raise InvestorBenchError(
            f"{target} cannot be made: {type(reason).__name__}: {reason}"
        ) from error


def new_memory(
    config: DictConfig, folder: EpisodeFolder, seed: int, asset: str = ""
) -> LayeredMemory:
    """The memory of an episode: empty, or as its archive has it where the episode is resumed.

    Args:
        config: what it is made of.
        folder: of the episode.
        seed: likewise.
        asset: whose it is, where an agent has one for each.
    """
    profile = OmegaConf.to_container(config, resolve=True)["profile"]  # type: ignore[call-overload, index]
    memory = LayeredMemory(
        profile, _store_of(config, folder, asset), embedder_of(config), seed=seed
    )
    if folder.checkpoint is None and memory.steps:
        memory.rewind(0)  # it was killed before its first checkpoint
    return memory


def _store_of(config: DictConfig, folder: EpisodeFolder, asset: str) -> Arrays | Chroma:
    stores = ("arrays", "chroma")
    if config.store not in stores:
        raise InvestorBenchError(f"memory.store={config.store!r} must be one of {stores}")
    if config.store == "arrays":
        return Arrays()
    kept = 2 * SAVE_EVERY  # a checkpoint can always be gone back to
    if config.url is None:
        return Chroma(folder.path / "memory" / _file_name(asset), kept_steps=kept)
    name = folder.path / "collection"
    if not name.exists():
        folder.path.mkdir(parents=True, exist_ok=True)
        write_atomically(name, f"investorbench-{uuid4().hex}")
    own = f"-{_file_name(asset)}" if asset else ""
    return Chroma(url=config.url, collection=f"{name.read_text()}{own}", kept_steps=kept)


def _file_name(asset: str) -> str:
    """A symbol as files and collections may be called; two never get the same."""
    return "".join(
        each if each == "-" or (each.isascii() and each.isalnum()) else f"_{ord(each):06x}"
        for each in asset
    )


def embedder_of(config: DictConfig) -> Embedder:
    """The embedder of a configuration, one for all episodes of this process."""
    settings = OmegaConf.to_container(config.embedder, resolve=True)
    return _embedder(json.dumps(settings, sort_keys=True), config.vectors)


@cache
def _embedder(settings: str, vectors: str | None) -> Embedder:
    options = json.loads(settings)
    return find_embedder(options.pop("kind"), cache=vectors, **options)

"""From Hydra's configuration to a job, and to the parts that its agent is made of."""

import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from investorbench.agents.llm import LanguageModel, Model, model_of
from investorbench.memory import Arrays, Chroma, Embedder, LayeredMemory, find_embedder
from investorbench.scripts.serving import served
from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder
from investorbench.tasks.running.episodes import RunOptions, Say, Serve
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.progress import Shows
from investorbench.tasks.task import find_id, task_of
from investorbench.tasks.tracking import trackers_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

OF_THE_RUN = (
    "output", "folder", "shard", "tracking", "concurrency", "max_usd", "cache", "cache_path",
    "serve", "server",
)  # fmt: skip
"""Settings that change nothing of what an agent does: a run may be resumed with others."""
OF_THE_SERVER = ("base_url", "key_env", "limits", "patience")
"""The same, of a model."""
MODEL, MEMORY, MARKET = "model", "new_memory", "market"
"""What an agent that is ``_partial_`` may ask for, by the name of its parameter."""


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
    asked_for = parts_of(config.agent)
    settings: dict[str, Any] = {"agent_name": agent_name, "name": name}
    settings |= {key: value for key, value in given.items() if key not in OF_THE_RUN}
    model = None
    if MODEL in asked_for:
        model = model_of(given["model"])
        settings["model"] = {k: v for k, v in given["model"].items() if k not in OF_THE_SERVER}
    else:
        del settings["model"]
    if MEMORY not in asked_for:
        del settings["memory"]
    settings["task"] = {**given["task"], "id": find_id(given["task"]["id"])}
    task = task_of(settings)

    def make_agent(answering: LanguageModel | None, folder: EpisodeFolder | None) -> Any:
        assert folder is not None  # the command line records everything
        agent = instantiate(config.agent)
        if not isinstance(agent, partial):
            return agent
        parts: dict[str, Callable[[], Any]] = {
            MODEL: lambda: answering,
            MEMORY: lambda: partial(new_memory, config.memory, folder),
            MARKET: task.market,
        }
        return agent(**{name: parts[name]() for name in sorted(asked_for)})

    return Job(make_agent=make_agent, settings=settings, task=task, model=model, place=place)


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
        serve=serve,
        shows=shows,
    )


def parts_of(agent: Mapping[str, Any]) -> frozenset[str]:
    """Which parts a ``_partial_`` agent takes that its configuration does not give."""
    if not agent.get("_partial_"):
        return frozenset()
    made = instantiate(agent)
    taken = inspect.signature(made.func).parameters
    return frozenset(
        name for name in (MODEL, MEMORY, MARKET) if name in taken and name not in made.keywords
    )


def new_memory(config: DictConfig, folder: EpisodeFolder, seed: int) -> LayeredMemory:
    """The memory of an episode: empty, or as its archive has it where the episode is resumed."""
    memory = LayeredMemory(
        config.profile, _store_of(config, folder), embedder_of(config), seed=seed
    )
    if folder.checkpoint is None and memory.steps:
        memory.rewind(0)  # it was killed before its first checkpoint
    return memory


def _store_of(config: DictConfig, folder: EpisodeFolder) -> Arrays | Chroma:
    stores = ("arrays", "chroma")
    if config.store not in stores:
        raise InvestorBenchError(f"memory.store={config.store!r} must be one of {stores}")
    if config.store == "arrays":
        return Arrays()
    kept = 2 * SAVE_EVERY  # a checkpoint can always be gone back to
    if config.url is None:
        return Chroma(folder.path / "memory", kept_steps=kept)
    name = folder.path / "collection"
    if not name.exists():
        folder.path.mkdir(parents=True, exist_ok=True)
        write_atomically(name, f"investorbench-{uuid4().hex}")
    return Chroma(url=config.url, collection=name.read_text(), kept_steps=kept)


def embedder_of(config: DictConfig) -> Embedder:
    """The embedder of a configuration, one for all episodes of this process."""
    settings = OmegaConf.to_container(config.embedder, resolve=True)
    return _embedder(json.dumps(settings, sort_keys=True), config.vectors)


@cache
def _embedder(settings: str, vectors: str | None) -> Embedder:
    options = json.loads(settings)
    return find_embedder(options.pop("kind"), cache=vectors, **options)

"""Jobs: one agent on one task each, from its configuration to what it takes to run it."""

import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from investorbench.agents.llm import LanguageModel, Model, model_of
from investorbench.memory import Arrays, Chroma, Embedder, LayeredMemory, find_embedder
from investorbench.tasks.record.episode_folder import SAVE_EVERY, EpisodeFolder
from investorbench.tasks.record.lines import write_atomically
from investorbench.tasks.seeds import episode_seed
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

OF_THE_RUN = (
    "output", "folder", "shard", "tracking", "concurrency", "max_usd", "cache", "cache_path",
    "serve", "server",
)  # fmt: skip
"""Settings that change nothing of what an agent does: a run may go on with others."""
OF_THE_SERVER = ("base_url", "key_env", "limits", "patience")
"""The same, of a model."""
MODEL, MEMORY, MARKET = "model", "new_memory", "market"
"""What an agent that is ``_partial_`` may ask for, by the name of its parameter."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One agent on one task.

    Attributes:
        agent_name: of the agent's configuration, or its class where that is somebody's own.
        name: what tables and records call it: with the model, and what else a sweep changes.
        config: what to run.
        place: further folders between that of the task and that of the agent.
    """

    agent_name: str
    name: str
    config: DictConfig
    place: tuple[str, ...] = ()

    @cached_property
    def task(self) -> Task:
        """The task that the configuration describes."""
        return task_of(self.config)

    @cached_property
    def model(self) -> Model | None:
        """The settings of the model that the agent asks; None where it asks none."""
        if MODEL not in self.asks_for:
            return None
        return model_of(OmegaConf.to_container(self.config.model, resolve=True))  # type: ignore[arg-type]

    @cached_property
    def asks_for(self) -> frozenset[str]:
        """What has to be handed to the agent: ``model``, ``new_memory``, ``market``."""
        return parts_of(self.config.agent)

    @property
    def path(self) -> Path:
        """Where the job is recorded."""
        folders = (re.sub(r"[^\w.,=+-]+", "_", part) for part in (*self.place, self.name))
        return Path(self.config.folder).joinpath(_short(self.task), *folders)

    @property
    def record(self) -> str:
        """All that determines what comes out, as YAML."""
        return OmegaConf.to_yaml(OmegaConf.create(self.settings))

    @property
    def settings(self) -> dict[str, Any]:
        """All that determines what comes out."""
        told: Any = OmegaConf.to_container(self.config, resolve=True)
        kept: dict[str, Any] = {"agent_name": self.agent_name, "name": self.name}
        kept |= {name: value for name, value in told.items() if name not in OF_THE_RUN}
        if MODEL in self.asks_for:
            kept["model"] = {k: v for k, v in told["model"].items() if k not in OF_THE_SERVER}
        else:
            del kept["model"]
        if MEMORY not in self.asks_for:
            del kept["memory"]
        return kept

    def is_finished(self, repeat: int) -> bool:
        """Whether a repeat has been run to its end."""
        try:
            path = self.path
        except InvestorBenchError:
            return False  # there is no such task; running it will say so
        return (path / f"repeat-{repeat}" / "metrics.json").exists()

    def seed(self, repeat: int) -> int:
        """The seed of a repeat."""
        return seeds_of(self.config, self.task, self.agent_name, self.asks_for)[repeat]

    def agent(self, model: LanguageModel | None, folder: EpisodeFolder) -> Any:
        """A new agent, for one episode.

        Args:
            model: what answers, where it asks for one.
            folder: of the episode; an archive of the memory is kept in it.
        """
        agent = instantiate(self.config.agent)
        if not isinstance(agent, partial):
            return agent
        parts: dict[str, Callable[[], Any]] = {
            MODEL: lambda: model,
            MEMORY: lambda: partial(new_memory, self.config.memory, folder),
            MARKET: lambda: self.task.make("test").unwrapped.setup.market,  # type: ignore[attr-defined]
        }
        return agent(**{name: parts[name]() for name in sorted(self.asks_for)})


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


def seeds_of(
    config: DictConfig, task: Task, agent_name: str, asks_for: Collection[str]
) -> tuple[int, ...]:
    """The seed of each repeat of a job."""
    model = str(config.model.name) if MODEL in asks_for else ""
    return tuple(
        episode_seed(task, agent_name, model, repeat, int(config.seed))
        for repeat in range(int(config.repeats))
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
    """The memory of an episode: empty, or as its archive has it where the episode goes on."""
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


def _short(task: Task) -> str:
    """A task's name in a run folder, such as ``stock-tsla``."""
    name = task.id.removeprefix("InvestorBench/").lower()
    return name if "-" in name else f"{name}-{task.symbol.lower()}"

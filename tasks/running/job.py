"""Jobs: one agent on one task each, and all that determines what comes of it, as plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from investorbench.agents.agent import Runner, as_agent
from investorbench.agents.llm import Model
from investorbench.agents.parts import DYNAMICS, MARKET
from investorbench.tasks.configured import configuration_of, is_baseline
from investorbench.tasks.handed import HANDED
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.record.files import folder_name
from investorbench.tasks.running.arguments import require_callable, require_truth
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.block import RenewedAgent, decides_nothing
from investorbench.tasks.running.episode import Wrap
from investorbench.tasks.running.fresh import fresh_agents, wrapped_by
from investorbench.tasks.seeds import BLOCK, BLOCK_SIZE, Seeds, seeds_by_repeat
from investorbench.tasks.suites.wordings import WORDED, PromptWording, wording_of
from investorbench.tasks.task import Task, settings_of
from investorbench_env.errors import InvestorBenchError

MakeAgent = Callable[[Asked | None, EpisodeFolder | None, int], Any]
"""A new agent for one episode, from what answers its questions, the episode's folder, and what its
environment begins with."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One agent on one task.

    Attributes:
        make_agent: makes a new agent for each episode.
        settings: all that determines what comes out, in plain JSON values; it is what is recorded.
        task: what ``settings`` describe, made.
        model: the settings of the model that the agent asks; None where it asks none.
        place: further folders between that of the task and that of the agent.
        wrapper: what the environments are wrapped in.
    """

    make_agent: MakeAgent
    settings: Mapping[str, Any]
    task: Task
    model: Model | None = None
    place: tuple[str, ...] = ()
    wrapper: Wrap | None = None

    @classmethod
    def of(
        cls,
        agent: Any,
        task: str | Task,
        repeats: int = 1,
        *,
        name: str | None = None,
        seed: int | None = None,
        warmup: bool = True,
        wrapper: Wrap | None = None,
    ) -> Self:
        """A job of an agent as :func:`~investorbench.tasks.evaluate` takes it.

        Args:
            agent: what makes or is an agent, see ``evaluate``.
            task: what to score it on, or its id.
            repeats: how often, each time with another seed.
            name: what tables and records call it; the agent's own for None.
            seed: of the run; None for one that is drawn when it runs, or that is recorded.
            warmup: whether each episode begins with the warm-up split.
            wrapper: what to wrap the environments in.

        Raises:
            InvestorBenchError: it is no agent, there is no such task, or no such number of repeats.
        """
        if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
            raise InvestorBenchError(f"repeats={repeats!r} must be a whole number of at least 1")
        require_truth("warmup", warmup)
        require_callable("wrapper", wrapper, "a wrapper of environments, such as TextObservation")
        task = Task.of(task)
        fresh = fresh_agents(agent)
        settings: dict[str, Any] = {
            "agent_name": fresh.name,
            "name": name or fresh.name,
            "repeats": repeats,
            "seed": seed,
            **of_block(task, warmup),
            "agent": fresh.settings,
            **settings_of(task),
        }
        if wrapper is not None:
            settings["wrapper"] = wrapped_by(wrapper)
        if fresh.handed:
            settings[HANDED] = fresh.handed

        def make_agent(asked: Asked | None, folder: EpisodeFolder | None, seed: int) -> Any:
            parts = {MARKET: lambda: task.market(seed), DYNAMICS: task.dynamics}
            return fresh.make(**{name: parts[name]() for name in fresh.handed})

        return cls(make_agent=make_agent, settings=settings, task=task, wrapper=wrapper)

    @property
    def name(self) -> str:
        """What tables and records call it: with the model, and what else a sweep changes."""
        return str(self.settings["name"])

    @property
    def configuration_of(self) -> str:
        """Its name without its model and the settings of a sweep."""
        return configuration_of(self.settings)

    @property
    def is_baseline(self) -> bool:
        """Whether its agent is a baseline as it comes."""
        return is_baseline(self.settings)

    @property
    def handed(self) -> list[str]:
        """What its agents are handed that others cannot know."""
        return list(self.settings.get(HANDED, ()))

    @property
    def repeats(self) -> int:
        """How many episodes it has."""
        return int(self.settings["repeats"])

    @property
    def warmup(self) -> bool:
        """Whether each episode begins with the warm-up split."""
        return bool(self.settings["warmup"])

    @cached_property
    def seeds(self) -> tuple[Seeds, ...]:
        """The seeds of each repeat; known once that of the run is."""
        return tuple(own[0] for own in self.seeds_within)

    @cached_property
    def seeds_within(self) -> tuple[tuple[Seeds, ...], ...]:
        """The seeds of all that each repeat holds: of one episode, or of a block of snapshots."""
        return seeds_by_repeat(self.settings, self.task)

    @property
    def block(self) -> int | None:
        """How many snapshots each repeat holds; None where it is one episode."""
        return self.settings.get(BLOCK)

    def wording(self, repeat: int) -> PromptWording:
        """In which the questions of a repeat are put."""
        return wording_of(repeat, int(self.settings.get(WORDED, 1)))

    def runner(
        self, repeat: int, asked: Asked | None, folder: EpisodeFolder | None, *, is_new: bool = True
    ) -> Runner:
        """The agent of a repeat, or what makes a new one for each snapshot of it.

        Args:
            repeat: its number.
            asked: the model that the agent is given.
            folder: of the repeat.
            is_new: whether there is anything left to decide.
        """

        def make(market_seed: int) -> Any:
            return self.make_agent(asked, folder, market_seed)

        if self.block is not None:
            return RenewedAgent(make, self.seeds_within[repeat])
        return as_agent(make(self.seeds[repeat].market) if is_new else decides_nothing)

    def path(self, run: Path) -> Path:
        """Where the job is recorded in the folder of a run."""
        folders = (self.task.short_name, *self.place, self.name)
        return run.joinpath(*map(folder_name, folders))

    def is_finished(self, run: Path | None, repeat: int) -> bool:
        """Whether a repeat has been run to its end, and is on record."""
        return run is not None and (self.path(run) / f"repeat-{repeat}" / "metrics.json").exists()


def of_block(task: Task, warmup: bool, size: int = BLOCK_SIZE) -> dict[str, Any]:
    """Whether repeats begin with a warm-up; they do not where each is a block of snapshots.

    Args:
        task: of the job.
        warmup: what is asked for.
        size: how many snapshots a block holds.

    Raises:
        InvestorBenchError: the size is none.
    """
    if not task.is_of_snapshots:
        return {"warmup": warmup}
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise InvestorBenchError(f"{BLOCK}={size!r} must be a whole number of at least 1")
    return {"warmup": False, BLOCK: size}

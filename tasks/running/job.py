"""Jobs: one agent on one task each, and all that determines what comes of it, as plain data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from investorbench.agents.llm import LanguageModel, Model
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.seeds import seeds_of
from investorbench.tasks.task import Task

MakeAgent = Callable[[LanguageModel | None, EpisodeFolder], Any]
"""A new agent for one episode, from what answers its questions and the episode's folder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One agent on one task.

    Attributes:
        make_agent: makes a new agent for each episode.
        settings: all that determines what comes out, in plain JSON values; it is what is recorded.
        task: what ``settings`` describe, made.
        model: the settings of the model that the agent asks; None where it asks none.
        place: further folders between that of the task and that of the agent.
    """

    make_agent: MakeAgent
    settings: Mapping[str, Any]
    task: Task
    model: Model | None = None
    place: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tables and records call it: with the model, and what else a sweep changes."""
        return str(self.settings["name"])

    @property
    def repeats(self) -> int:
        """How many episodes it has."""
        return int(self.settings["repeats"])

    @property
    def warmup(self) -> bool:
        """Whether each episode begins with the warm-up split."""
        return bool(self.settings["warmup"])

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each repeat."""
        return seeds_of(self.settings, self.task)

    def path(self, run: Path) -> Path:
        """Where the job is recorded in the folder of a run."""
        folders = (re.sub(r"[^\w.,=+-]+", "_", part) for part in (*self.place, self.name))
        return run.joinpath(self.task.short_name, *folders)

    def is_finished(self, run: Path, repeat: int) -> bool:
        """Whether a repeat has been run to its end."""
        return (self.path(run) / f"repeat-{repeat}" / "metrics.json").exists()

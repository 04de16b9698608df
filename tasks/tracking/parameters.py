"""What is known of an episode when it begins, as trackers write it down."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from investorbench.tasks.task import Task
from investorbench_env.facts import Facts

Parameter = str | int | float | bool
SIMULATED = "SIMULATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeParameters:
    """What is known of an episode when it begins.

    Attributes:
        agent: its name.
        task: what it is scored on.
        facts: of the task's test split.
        model: the language model's name; empty where none is asked.
        repeat: its number.
        seed: what it runs with.
        configuration: all other settings, nested as they are written.
    """

    agent: str
    task: Task
    facts: Facts
    model: str
    repeat: int
    seed: int
    configuration: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The task in short; a simulated market is always marked as one."""
        name = self.task.short_name
        return f"{SIMULATED} {name}" if self.facts.simulated else name

    @property
    def name(self) -> str:
        """Such as ``"SIMULATED stock-sim momentum repeat 0"``."""
        return f"{self.group} {self.agent} repeat {self.repeat}"

    @property
    def values(self) -> dict[str, Parameter]:
        """All of it by flat names, configuration as ``config.task.id``."""
        start, end = self.facts.window
        known: dict[str, Parameter] = {
            "agent": self.agent,
            "model": self.model,
            "task": self.task.id,
            "symbol": self.facts.symbol,
            "protocol": self.facts.protocol,
            "data_source": self.facts.source,
            "simulated": self.facts.simulated,
            "fills": self.facts.fills,
            "start": start,
            "end": end,
            "repeat": self.repeat,
            "seed": self.seed,
            **dict(_flat(self.task.options, "option.")),
            **dict(_flat(self.configuration, "config.")),
        }
        return {name: value for name, value in known.items() if value != ""}


def _flat(settings: Mapping[str, Any], before: str) -> Iterator[tuple[str, Parameter]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, int) and abs(value) >= 2**63:  # a seed that was drawn
            yield f"{before}{name}", str(value)
        elif isinstance(value, (str, int, float, bool)):
            yield f"{before}{name}", value
        elif value is not None:
            yield f"{before}{name}", str(value)

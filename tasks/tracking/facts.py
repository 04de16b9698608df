"""What trackers are told: the facts of an episode, and the figures of its steps and its end."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from investorbench.tasks.answers import answers_in, tally
from investorbench.tasks.result import Episode
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task

Figures = Mapping[str, float]
Parameter = str | int | float | bool
SIMULATED = "SIMULATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an episode when it begins.

    Attributes:
        agent: its name.
        task: what it is scored on.
        model: the language model's name; empty where none is asked.
        repeat: its number.
        seed: what it runs with.
        data_source: where prices and texts come from, in words.
        simulated: whether they are simulated.
        fills: when orders fill.
        configuration: all other settings, nested as they are written.
    """

    agent: str
    task: Task
    model: str
    repeat: int
    seed: int
    data_source: str
    simulated: bool
    fills: str
    configuration: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The task in short; a simulated market is always marked as one."""
        name = self.task.short_name
        return f"{SIMULATED} {name}" if self.simulated else name

    @property
    def name(self) -> str:
        """Such as ``"SIMULATED stock-sim momentum repeat 0"``."""
        return f"{self.group} {self.agent} repeat {self.repeat}"

    @property
    def parameters(self) -> dict[str, Parameter]:
        """All of it by flat names, configuration as ``config.task.id``."""
        start, end = self.task.facts("test").window
        known: dict[str, Parameter] = {
            "agent": self.agent,
            "model": self.model,
            "task": self.task.id,
            "symbol": self.task.symbol,
            "protocol": self.task.protocol,
            "data_source": self.data_source,
            "simulated": self.simulated,
            "fills": self.fills,
            "start": start,
            "end": end,
            "repeat": self.repeat,
            "seed": self.seed,
            **dict(_flat(self.task.options, "option.")),
            **dict(_flat(self.configuration, "config.")),
        }
        return {name: value for name, value in known.items() if value != ""}


class Figured:
    """The figures of one episode's steps, which need the highest equity so far."""

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}

    def of(self, step: Step) -> dict[str, float]:
        """What there is to plot of a step, by name; tokens and cost where a model answered."""
        told = step.outcome
        before = self._peaks.get(step.split, step.info["equity"])
        peak = self._peaks[step.split] = max(before, told["equity"])
        figures = {
            "equity": told["equity"],
            "drawdown": 1.0 - told["equity"] / peak,
            "reward": step.reward,
            "position": told["position"],
            "exposure": abs(told["weight"]),
            "trading_cost": told["cost"],
            **_answered(step.thought),
        }
        return {f"{step.split}/{name}": float(figure) for name, figure in figures.items()}


def final_figures(episode: Episode) -> dict[str, float]:
    """What an episode came to; a ratio that is not defined is left out."""
    return {name: float(x) for name, x in episode.metrics.items() if math.isfinite(x)}


def seconds_of(step: Step) -> float:
    """When a step was decided, since 1970."""
    return datetime.fromisoformat(step.info["time"]).timestamp()


def _answered(thought: Mapping[str, Any] | None) -> dict[str, float]:
    answers = tally([(answers_in(thought), thought)])
    if answers is None:
        return {}
    figures = {
        "tokens_read": answers["tokens"]["input"],
        "tokens_written": answers["tokens"]["output"],
        "invalid": answers["invalid"],
        "latency_s": answers["latency_s"]["mean"],
    }
    if answers["cost_usd"] is not None:
        figures["answer_cost_usd"] = answers["cost_usd"]
    return figures


def _flat(settings: Mapping[str, Any], before: str) -> Iterator[tuple[str, Parameter]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, (str, int, float, bool)):
            yield f"{before}{name}", value
        elif value is not None:
            yield f"{before}{name}", str(value)

"""The figures of an episode's steps and of its end, by name, as trackers plot them."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from investorbench.tasks.answers import answers_in, tally
from investorbench.tasks.result import Episode
from investorbench.tasks.step import Step

Figures = Mapping[str, float]


class StepFigures:
    """The figures of one episode's steps, which need the highest equity so far."""

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}

    def of(self, step: Step) -> dict[str, float]:
        """What there is to plot of a step, by name; tokens and cost where a model answered."""
        account = step.outcome["account"]
        before = self._peaks.get(step.split, step.info["account"].equity)
        peak = self._peaks[step.split] = max(before, account.equity)
        held = [position.quantity for position in account.positions]
        figures = {
            "equity": account.equity,
            "drawdown": 1.0 - account.equity / peak,
            "reward": step.reward,
            **({"position": sum(held)} if len(step.facts.symbols) == 1 else {}),
            "exposure": account.exposure,
            "trading_cost": sum(fill.cost for fill in step.outcome["fills"]),
            **_answered(step.thought),
        }
        return {f"{step.split}/{name}": float(figure) for name, figure in figures.items()}


def final_figures(episode: Episode) -> dict[str, float]:
    """The metrics of an episode; a ratio that is not defined is left out."""
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

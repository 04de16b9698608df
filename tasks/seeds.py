"""Seeds of episodes: what an episode is determines what chance brings in it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from investorbench.tasks.task import Task

BELOW = 2**31
"""Every library takes seeds below it, language models' servers included."""


def episode_seed(task: Task, agent: str, model: str, repeat: int, seed: int = 0) -> int:
    """The seed of an episode, below 2**31: a hash of what it is, SHA-256.

    No two episodes of a sweep share one, and none depends on what else is in the sweep, or on the
    order in which it is run.

    Args:
        task: of which id and symbol count; its protocol, costs and dates do not.
        agent: its name.
        model: the name of the model that it asks; empty for none.
        repeat: its number among those of the task.
        seed: of the whole run; another one gives others for all episodes.
    """
    id = task.id.rpartition(":")[2]  # without the module that registers it
    identity = json.dumps([seed, id, task.symbol, agent, model, repeat])
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") % BELOW


def seeds_of(settings: Mapping[str, Any], task: Task) -> tuple[int, ...]:
    """The seed of each repeat of a job, from its settings and the task that they describe."""
    model = settings["model"]["name"] if "model" in settings else ""
    return tuple(
        episode_seed(task, str(settings["agent_name"]), str(model), repeat, int(settings["seed"]))
        for repeat in range(int(settings["repeats"]))
    )

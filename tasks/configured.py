"""What an agent is a configuration of, from the settings of its job."""

import inspect
from collections.abc import Mapping
from typing import Any

from investorbench.agents.baselines import ALL_BASELINES

TARGET = "_target_"
"""Names the setting of an agent that is its class."""
OURS = {f"{rule.__module__}.{rule.__name__}": rule for rule in ALL_BASELINES.values()}


def configuration_of(settings: Mapping[str, Any]) -> str:
    """What a job's agent is a configuration of: its name without model and settings of a sweep."""
    return str(settings["agent_name"])


def is_baseline(settings: Mapping[str, Any]) -> bool:
    """Whether a job's agent is a baseline as it comes, which was not chosen by how it did.

    One whose settings were changed is a configuration like any other.
    """
    agent = settings.get("agent")
    if not isinstance(agent, Mapping) or agent.get(TARGET) not in OURS:
        return False
    parameters = inspect.signature(OURS[agent[TARGET]]).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    return all(defaults.get(name) == value for name, value in agent.items() if name != TARGET)

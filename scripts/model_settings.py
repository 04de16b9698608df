"""Settings of a model as a command other than ``run`` is given them: ``model.…=…``."""

from collections.abc import Iterable
from typing import Any

PREFIX = "model."


def nested(changes: Iterable[str]) -> dict[str, Any]:
    """Changes such as ``server.tensor_parallel_size=2`` as nested settings."""
    from omegaconf import OmegaConf

    found: Any = OmegaConf.to_container(OmegaConf.from_dotlist(list(changes)))
    return dict(found)

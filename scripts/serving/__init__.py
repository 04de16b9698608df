"""Serving a model on this machine: the command, the wait until it is ready, the clean end."""

from investorbench.scripts.serving.command import ServeError, command_of
from investorbench.scripts.serving.server import (
    RunningServer,
    served,
    started,
    stopping_on_signals,
    to_standard_error,
)

__all__ = [
    "RunningServer",
    "ServeError",
    "command_of",
    "served",
    "started",
    "stopping_on_signals",
    "to_standard_error",
]

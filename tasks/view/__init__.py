"""Runs followed while they go on: what is new in their folders, and a server that shows it.

Nothing here writes into a run, takes one of its locks, or reads bytes of an episode a second time
to say how far it came.
"""

from investorbench.tasks.view.follower import Follower
from investorbench.tasks.view.server import ViewServer

__all__ = ["Follower", "ViewServer"]

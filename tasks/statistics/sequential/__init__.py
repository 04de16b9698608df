"""Stopping when the answer is known: looks at scores between rounds, with errors that hold.

Arrays in, small records out; nothing here knows of agents, runs or money. What is counted is an
observation: a number of the scores that is independent of the others. See docs/power.md.
"""

from investorbench.tasks.statistics.sequential.race import Look, PairedLook, Race
from investorbench.tasks.statistics.sequential.stopping import GOALS, Stopping, StoppingError

__all__ = ["GOALS", "Look", "PairedLook", "Race", "Stopping", "StoppingError"]

"""Experiment tracking: episodes as runs of TensorBoard, MLflow or Weights & Biases.

``evaluate(agent, task, trackers=[TensorBoard("tb")])``. None of these packages is imported before
it is asked for. What a tracker does cannot change an episode: it is handed copies of figures, in a
thread of its own, and is left out after its first failure.
"""

from investorbench.tasks.tracking.choosing import TRACKERS, trackers_of
from investorbench.tasks.tracking.handing_over import EpisodeLog, Tracking, TrackingWarning
from investorbench.tasks.tracking.mlflow import MLflow
from investorbench.tasks.tracking.parameters import EpisodeParameters
from investorbench.tasks.tracking.tensorboard import TensorBoard
from investorbench.tasks.tracking.tracker import Log, Tracker
from investorbench.tasks.tracking.wandb import WandB

__all__ = [
    "TRACKERS",
    "EpisodeLog",
    "EpisodeParameters",
    "Log",
    "MLflow",
    "TensorBoard",
    "Tracker",
    "Tracking",
    "TrackingWarning",
    "WandB",
    "trackers_of",
]

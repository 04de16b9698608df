"""Trackers by name, as the command line takes them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from investorbench.tasks.tracking.mlflow import MLflow
from investorbench.tasks.tracking.tensorboard import TensorBoard
from investorbench.tasks.tracking.tracker import Tracker
from investorbench.tasks.tracking.wandb import WandB
from investorbench_env.errors import UnknownNameError

FOLDER = "tracking"
"""What trackers write on this machine lies there, in the folder of a run."""

TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    "tensorboard": lambda folder: TensorBoard(folder / "tensorboard"),
    "mlflow": lambda folder: MLflow(
        os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve() / 'mlflow.db'}"
    ),
    "wandb": lambda folder: WandB(folder=folder),
}


def trackers_of(names: str | Sequence[str] | None, folder: str | Path) -> list[Tracker]:
    """Trackers by name, for a run.

    Args:
        names: ``"tensorboard"``, ``"mlflow"``, ``"wandb"``, or some of them; none for None.
        folder: of the run; what is written on this machine goes to ``tracking`` in it, unless the
            environment names another place: ``$MLFLOW_TRACKING_URI``, ``$WANDB_MODE=online``.

    Raises:
        UnknownNameError: there is none of that name.
        MissingDependencyError: its package is not installed.
        InvestorBenchError: it has nowhere to write to, or no account is logged in.
    """
    wanted = [names] if isinstance(names, str) else list(names or ())
    for name in wanted:
        if name not in TRACKERS:
            raise UnknownNameError("tracker", name, TRACKERS)
    return [TRACKERS[name](Path(folder) / FOLDER) for name in dict.fromkeys(wanted)]

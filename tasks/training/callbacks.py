"""What follows a trainer: it prints figures, seals checkpoints, and writes TensorBoard's files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from investorbench.tasks.training.checkpoints import seal_checkpoint
from investorbench.tasks.training.figures import UpdateFigures, figures_of
from investorbench.tasks.training.libraries import Libraries

TrainingWatch = Callable[[UpdateFigures], None]


def follower(libraries: Libraries, phase: str, watch: TrainingWatch | None) -> Any:
    """A callback of a trainer that hands on figures, and seals checkpoints as they are saved."""

    class Follower(libraries.transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            values = figures_of(logs or {})
            if values and watch is not None and "train_runtime" not in logs:
                watch(UpdateFigures(phase, state.global_step, state.max_steps, values))

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            seal_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Follower()


def tensorboard(libraries: Libraries, folder: Path) -> Any:
    """A callback that writes event files into a folder."""
    from tensorboardX import SummaryWriter

    callbacks = libraries.transformers.integrations
    return callbacks.TensorBoardCallback(tb_writer=SummaryWriter(str(folder)))

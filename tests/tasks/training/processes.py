"""Trainings in processes of their own, which may be killed."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from investorbench.tasks.training.figures import UpdateFigures
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings

PATIENCE_S = 600.0


def begin(places: TrainingPlaces, settings: TrainingSettings, followed: Path) -> BaseProcess:
    """Start a training that writes a line an update into a file."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.tasks.training.warm_start", __name__])
    process = processes.Process(target=_train, args=(places, settings, followed))
    process.start()
    return process


def finish(*processes: BaseProcess) -> None:
    """Wait until trainings have ended well."""
    for process in processes:
        process.join(PATIENCE_S)
        assert process.exitcode == 0


def kill_at(process: BaseProcess, followed: Path, line: int) -> None:
    """Kill a training once it has made so many updates, whichever process made them."""
    deadline = time.monotonic() + PATIENCE_S
    while len(updates_in(followed)) < line:
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL


def updates_in(followed: Path) -> Sequence[tuple[str, int]]:
    """Phases and numbers of the updates that were made, in their order."""
    if not followed.exists():
        return []
    lines = followed.read_text().split("\n")[:-1]  # the last may be half-written
    return [(phase, int(step)) for phase, step in map(str.split, lines)]


def _train(places: TrainingPlaces, settings: TrainingSettings, followed: Path) -> None:
    import torch

    from investorbench.tasks.training.training import train

    torch.set_num_threads(1)  # others wait for each other longer than so small a model computes
    with followed.open("a") as file:

        def watch(figures: UpdateFigures) -> None:
            print(figures.phase, figures.step, file=file, flush=True)

        train(places, settings, watch=watch)


def report_of(into: Path) -> dict[str, dict[str, Any]]:
    """What a training reported of each of its models."""
    found = json.loads((into / "report.json").read_text())["unseen"]
    return {each["model"]: each for each in found}

"""TensorBoard: an event file an episode."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from investorbench.tasks.tracking.figures import Figures
from investorbench.tasks.tracking.parameters import EpisodeParameters
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.summary_pb2 import Summary


STEPS_A_FLUSH = 10
"""How often what was written goes to the disk, which takes a millisecond."""


class TensorBoard:
    """Writes event files: ``tensorboard --logdir FOLDER`` shows them.

    The time axis is that of the market. An episode that is resumed begins its curves again.

    Args:
        folder: where; an episode has a folder of its own in it.

    Raises:
        MissingDependencyError: tensorboardX, which writes them, is not installed.
    """

    name = "TensorBoard"

    def __init__(self, folder: str | Path) -> None:
        if find_spec("tensorboardX") is None:
            raise MissingDependencyError("tensorboardX", "tensorboard", self.name)
        self._folder = Path(folder)

    def begin(self, parameters: EpisodeParameters) -> "EventFile":
        """Open an event file; values of an earlier one of the same episode count no more."""
        from tensorboardX.event_file_writer import EventsWriter

        folder = self._folder / re.sub(r"[^\w.,=+-]+", "_", parameters.name)
        folder.mkdir(parents=True, exist_ok=True)
        # The writer empties a file of its name, which has only seconds in it.
        number = sum(1 for _ in folder.iterdir())
        return EventFile(EventsWriter(str(folder / "events"), f".{number}"), parameters)


class EventFile:
    """The log of an episode, written without a thread of its own: a full disk is noticed."""

    def __init__(self, writer: "EventsWriter", parameters: EpisodeParameters) -> None:
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import text

        self._writer = writer
        self._values = parameters.values
        self._event = Event
        self._at = 0.0
        start = SessionLog(status=SessionLog.START)
        writer.write_event(Event(step=0, session_log=start))
        table = ["| setting | value |", "|---|---|"]
        table += [f"| {name} | {value} |" for name, value in self._values.items()]
        self._write(text("settings", "\n".join(table)), 0)
        writer.flush()

    def step(self, number: int, seconds: float, figures: Figures) -> None:
        """Write a scalar for each figure."""
        self._at = seconds
        self._write(_scalars(figures), number)
        if number % STEPS_A_FLUSH == 0:
            self._writer.flush()

    def end(self, figures: Mapping[str, float], *, failed: bool) -> None:
        """Write its metrics, and all settings for the table of runs."""
        from tensorboardX.summary import hparams

        if not failed:
            final = {f"metrics/{name}": figure for name, figure in figures.items()}
            for summary in (*hparams(self._values, final), _scalars(final)):
                self._write(summary, 0)
        self._writer.close()

    def _write(self, summary: "Summary", number: int) -> None:
        self._writer.write_event(self._event(wall_time=self._at, step=number, summary=summary))


def _scalars(figures: Figures) -> "Summary":
    from tensorboardX.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=figure) for name, figure in figures.items()]
    return Summary(value=values)

"""What run folders hold, however it was made: results, and tables of them for pandas."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from investorbench.tasks.record.bundling import opened
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.running.outcomes import JobFailure, RunOutcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun(RunOutcome):
    """What a run folder holds.

    Attributes:
        folder: of the run, or of one job in it; or a bundle of runs.
    """

    folder: Path

    def to_frame(self, table: str = "leaderboard") -> "pd.DataFrame":
        """A table for pandas; docs/exports.md says what each holds.

        Args:
            table: ``"leaderboard"``, ``"episodes"``, ``"equity"``, ``"decisions"`` or
                ``"answers"``.

        Raises:
            UnknownNameError: there is no such table.
        """
        from investorbench.tasks.tables import LEADERBOARD, frame_of, leaderboard_frame

        if table == LEADERBOARD:
            return leaderboard_frame(self.entries)
        with opened([self.folder]) as folders:
            return frame_of(table, folders)


def load(folder: str | Path) -> LoadedRun:
    """What a run folder holds: of each job that has a finished repeat its entry and its result.

    It is recomputed from the recorded decisions; no agent, model or market is needed. What
    cannot be read is in ``failed`` and leaves the rest alone.

    Args:
        folder: of a run, or of one job in it; or a bundle of runs.

    Raises:
        InvestorBenchError: there is no such folder, or nothing was recorded in it.
    """
    with opened([Path(folder)]) as folders:
        found = found_in(folders)
    return LoadedRun(
        entries=[entry for _, entry in found.entries],
        failed=[JobFailure(problem) for problem in found.problems],
        folder=Path(folder),
    )

"""Runs for other libraries: logs of Inspect, data sets of Minari and of Hugging Face.

docs/exports.md says what each holds.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from investorbench.tasks.exporting.hub_sets import CONFIGS, write_hub
from investorbench.tasks.exporting.inspect_logs import write_inspect
from investorbench.tasks.exporting.minari_sets import write_minari
from investorbench.tasks.tables.reading import Say, Watch
from investorbench_env.errors import InvestorBenchError, UnknownNameError

Export = Callable[[Sequence[Path], Path, Say, Watch], int]
EXPORTS: Mapping[str, Export] = {
    "inspect": write_inspect,
    "minari": write_minari,
    "datasets": write_hub,
}
"""What writes each form, and returns how many episodes it holds, or decisions of a data set."""
READS = {**dict.fromkeys(EXPORTS, 1), "datasets": len(CONFIGS)}
"""How often each form reads an episode."""

__all__ = ["EXPORTS", "READS", "export_runs"]


def export_runs(
    to: str, runs: Sequence[Path], folder: Path, say: Say, watch: Watch = lambda: None
) -> int:
    """Write runs into a new folder in the form of another library; whole or not at all.

    Args:
        to: ``"inspect"``, ``"minari"`` or ``"datasets"``.
        runs: folders of runs.
        folder: to write into; it must not be there, or be empty.
        say: takes what is left out or is not finished, a line each.
        watch: is called each time that an episode was read.

    Returns:
        How many episodes were written; of ``"datasets"`` how many decisions.

    Raises:
        InvestorBenchError: there is no such form, something is in the folder, the library is not
            installed, or nothing can be exported.
    """
    if to not in EXPORTS:
        raise UnknownNameError("form of an export", to, EXPORTS)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvestorBenchError(f"{folder} is there already: name another folder with --output")
    # Of its own, for another export into the same folder may be under way.
    part = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    try:
        part.mkdir(parents=True)
        found = EXPORTS[to](runs, part, say, watch)
        if not found:
            raise InvestorBenchError("none of the records can be exported")
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise InvestorBenchError(
            f"{folder} cannot be written: {error.strerror}; name another folder with --output"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return found

"""``investorbench export``: runs in the forms of other libraries."""

from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts.terminal import Console, counting
from investorbench.tasks.exporting import EXPORTS, READS, export_runs
from investorbench.tasks.record.bundling import opened
from investorbench.tasks.record.run_folder import recorded_episodes
from investorbench.tasks.wording import count


def export(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or of agents in them; or bundles.")
    ],
    to: Annotated[str, typer.Option("--to", help=f"{', '.join(EXPORTS)}.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder to write; it must be new.")
    ] = None,
) -> None:
    """Write runs as logs of Inspect, or as data sets of Minari or Hugging Face."""
    messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    folder = output or Path(f"{runs[0].resolve().stem}-{to}")
    with opened(runs, messages.print) as folders:
        reads = recorded_episodes(folders) * READS.get(to, 1)
        with counting(f"writing {folder}", reads, messages) as advance:
            found = export_runs(to, folders, folder, messages.print, advance)
    unit = "decision" if to == "datasets" else "episode"
    print(f"wrote {folder}: {count(found, unit)}")

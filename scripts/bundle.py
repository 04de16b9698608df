"""``investorbench bundle``: runs in one file for others, and how commands take such a file."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from investorbench.scripts.terminal import Console
from investorbench.tasks.record.bundling import (
    bundle_runs,
    fetched,
    open_bundle,
    opened_run,
    real_sources,
)
from investorbench.tasks.record.object_store import address_in
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError

RUNS = ("run", "run_a", "run_b")
"""What commands call the runs that they read."""


def bundle(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders or addresses of runs; with --open, the file of a bundle."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write, or the folder.")
    ] = None,
    unpack: Annotated[bool, typer.Option("--open", help="Unpack a bundle instead.")] = False,
) -> None:
    """Pack whole records into one file, from which others make the same tables and page."""
    if unpack:
        if len(runs) != 1:
            raise InvestorBenchError("--open takes the file of one bundle")
        for run in open_bundle(runs[0], output or Path(), _say):
            print(f"opened {run}")
        return
    runs = [run if (at := address_in(run)) is None else fetched(at, _say) for run in runs]
    file = output or Path(f"{runs[0].resolve().name}.zip")
    if file.is_dir():
        raise InvestorBenchError(f"{file} is a folder: name a file in it with --output")
    if made := next((run for run in runs if run.is_file()), None):
        raise InvestorBenchError(
            f"{made} is a file: give folders of runs, which --open makes of a bundle"
        )
    contents = bundle_runs(runs, file)
    size = file.stat().st_size
    held = f"{count(len(contents.runs), 'run')}, {count(len(contents.files), 'file')}"
    print(f"wrote {file}: {held}, {size / 1e6:,.1f} MB")
    if sources := real_sources(runs):
        _say(
            f"it holds no market, but what agents were shown of {', '.join(sources)}: see whether "
            "its terms let you pass that on"
        )


def reads_bundles(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes a bundle, or a path into one, wherever it takes the folder of a run."""

    @functools.wraps(command)
    def reading(**arguments: Any) -> None:
        with ExitStack() as stack:
            for name in (each for each in RUNS if each in arguments):
                arguments[name] = stack.enter_context(opened_run(arguments[name], _say))
            command(**arguments)

    return reading


def _say(message: str) -> None:
    Console(stderr=True).print(message, highlight=False, markup=False, soft_wrap=True)

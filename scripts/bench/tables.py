"""What tables of a run cost, beside reading the JSON of its lines: seconds of a processor."""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.scripts.bench.big_run import write_big_run
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.tables import write_table
from investorbench_env.errors import InvestorBenchError

TABLES = ("equity", "answers", "decisions")
ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCost:
    """What a table took.

    Attributes:
        table: its name.
        ending: of its file.
        rows: how many it has.
        seconds: of a processor, to read the run and write the table.
        json_s: for ``json.loads`` of the same lines, just before.
    """

    table: str
    ending: str
    rows: int
    seconds: float
    json_s: float


def measure(run: Path, folder: Path, console: Console) -> list[TableCost]:
    """Write each table of a run in each format.

    Args:
        run: its folder.
        folder: for the tables.
        console: for the progress.

    Raises:
        InvestorBenchError: something of the run is not in a table.
    """
    files = sorted(run.rglob(FILES["test"]))
    kinds = [(table, ending) for table in TABLES for ending in ENDINGS]
    costs = []
    for table, ending in track(kinds, "writing", console=console, transient=True):
        left: list[str] = []
        file = folder / f"{table}{ending}"
        json_s, _ = _spent(partial(_read, files))
        seconds, rows = _spent(partial(write_table, table, [run], file, left.append))
        if left:
            raise InvestorBenchError(left[0])
        costs.append(
            TableCost(table=table, ending=ending, rows=rows, seconds=seconds, json_s=json_s)
        )
    return costs


def report(run: Path | None, episodes: int) -> None:
    """Measure, and print a table.

    Args:
        run: its folder; None for one that is written for it.
        episodes: of that one.
    """
    console = Console()
    with tempfile.TemporaryDirectory(prefix="investorbench-tables-") as room:
        if run is None:
            with console.status("writing a run"):
                run = write_big_run(Path(room) / "run", episodes)
        costs = measure(run, Path(room), console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("table", "rows", "s", "of json.loads"):
        table.add_column(name, justify="left" if name == "table" else "right", no_wrap=True)
    for each in costs:
        ratio = f"× {each.seconds / each.json_s:.1f}"
        table.add_row(each.table + each.ending, f"{each.rows:,}", f"{each.seconds:.2f}", ratio)
    console.print(table)


def _read(files: Sequence[Path]) -> int:
    """How many lines there are, each read as JSON."""
    return sum(len(list(map(json.loads, path.read_bytes().splitlines()))) for path in files)


def _spent(work: Callable[[], int]) -> tuple[float, int]:
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found

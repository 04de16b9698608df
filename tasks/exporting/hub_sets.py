"""Runs as a data set of Hugging Face: tables in Parquet, and the card that names them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from investorbench.tasks.exporting.dialogue import exchange_of
from investorbench.tasks.record.scanning import Scan
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables import TABLES, Field, TidyRow, write_rows
from investorbench.tasks.tables.decisions import rows as decision_rows
from investorbench.tasks.tables.reading import Say, rows_of_scans
from investorbench_env.whole_files import write_atomically

DIALOGUE = (
    Field("system", "string", "what the model was asked to be"),
    Field("user", "string", "what it was shown"),
    Field("assistant", "string", "what it answered"),
    Field("reasoning", "string", "what it thought, where the server says so"),
)
FIELDS = (*TABLES["decisions"].fields, *DIALOGUE)
CONFIGS = ("decisions", "episodes", "equity", "answers")


def write_hub(runs: Sequence[Path], folder: Path, say: Say) -> int:
    """Write tables of runs into a folder that ``datasets.load_dataset`` takes.

    Args:
        runs: folders of runs.
        folder: of the data set.
        say: takes what is left out, a line each.

    Returns:
        How many decisions it holds.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    found = write_rows(data / "decisions.parquet", FIELDS, rows_of_scans(runs, FIELDS, _rows, say))
    for name in CONFIGS[1:]:
        table = TABLES[name]
        write_rows(data / f"{name}.parquet", table.fields, table.rows(runs, lambda line: None))
    write_atomically(folder / "README.md", _card())
    return found


def _rows(scan: Scan, split: str, episode: TidyRow) -> Iterator[TidyRow]:
    """The rows of the table of decisions, with what was asked and answered."""
    facts, equity = scan.header.facts, scan.header.opening.equity
    said: TidyRow = {}

    def lines() -> Iterator[Content]:
        nonlocal equity, said
        for line in scan.lines:
            said = exchange_of(line, facts, equity)._asdict()
            yield line
            equity = line["account"]["equity"]

    for row in decision_rows(Scan(scan.header, lines()), split, episode):
        yield {**row, **said}


def _card() -> str:
    lines = ["---", "configs:"]
    for name in CONFIGS:
        lines += [f"- config_name: {name}", f"  data_files: data/{name}.parquet"]
        lines += ["  default: true"] if name == CONFIGS[0] else []
    lines += ["---", "", "# Runs of InvestorBench", ""]
    for name in CONFIGS:
        lines += [f"- `{name}`: a row {TABLES[name].doc}"]
    return "\n".join(lines) + "\n"

"""Runs as a data set of Hugging Face: tables in Parquet, and the card that names them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from investorbench.tasks.exporting.dialogue import exchanges
from investorbench.tasks.record.scanning import Scan
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables import TABLES, Field, TidyRow
from investorbench.tasks.tables.decisions import rows as decision_rows
from investorbench.tasks.tables.reading import Say, Watch, blocks_of_scans
from investorbench.tasks.tables.writing import put_blocks
from investorbench_env.whole_files import write_atomically

DIALOGUE = (
    Field("system", "string", "what the model was asked to be"),
    Field("user", "string", "what it was shown"),
    Field("assistant", "string", "what it answered"),
    Field("reasoning", "string", "what it thought, where the server says so"),
)
FIELDS = (*TABLES["decisions"].fields, *DIALOGUE)
CONFIGS = ("decisions", "episodes", "equity", "answers")


def write_hub(runs: Sequence[Path], folder: Path, say: Say, watch: Watch) -> int:
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
    decisions = blocks_of_scans(runs, FIELDS, _rows, say, watch)
    found = put_blocks(data / "decisions.parquet", FIELDS, decisions)
    names = [CONFIGS[0]]
    for name in CONFIGS[1:]:
        table = TABLES[name]
        file = data / f"{name}.parquet"
        if put_blocks(file, table.fields, table.blocks(runs, lambda line: None, watch)):
            names.append(name)
        else:  # as of agents that ask no model; a table without rows cannot be loaded
            file.unlink()
    write_atomically(folder / "README.md", _card(names))
    return found


def _rows(scan: Scan) -> Iterator[TidyRow]:
    """The rows of the table of decisions, with what was asked and answered."""
    header = scan.header
    said: TidyRow = {}

    def lines() -> Iterator[Content]:
        nonlocal said
        for line, exchange in exchanges(scan.lines, header.facts, header.opening):
            said = exchange._asdict()
            yield line

    for row in decision_rows(Scan(header, lines())):
        yield {**row, **said}


def _card(names: Sequence[str]) -> str:
    lines = ["---", "configs:"]
    for name in names:
        lines += [f"- config_name: {name}", f"  data_files: data/{name}.parquet"]
        lines += ["  default: true"] if name == CONFIGS[0] else []
    lines += ["---", "", "# Runs of InvestorBench", ""]
    for name in names:
        lines += [f"- `{name}`: a row {TABLES[name].doc}"]
    return "\n".join(lines) + "\n"

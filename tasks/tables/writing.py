"""Rows as files, written as they come: CSV, JSON, JSON Lines or Parquet, by the file's ending."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from investorbench.tasks.spreadsheets import ENDS, CsvRows, harmless_all
from investorbench.tasks.tables.fields import Block, Field, TidyRow
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.whole_files import written_whole

if TYPE_CHECKING:
    import pandas as pd

BATCH = 5_000
"""Rows that are kept at once."""
Fields = Sequence[Field]


def write_rows(file: Path, fields: Fields, rows: Iterable[TidyRow]) -> int:
    """Write a table of single rows, whole or not at all.

    Args:
        file: its ending names the format.
        fields: its columns.
        rows: of the table; what a row lacks is empty.

    Returns:
        How many rows there are.

    Raises:
        InvestorBenchError: the ending names no format, or the file cannot be written.
    """
    given = iter(rows)
    batches = iter(lambda: list(islice(given, BATCH)), [])
    return write_blocks(file, fields, (Block({}, batch) for batch in batches))


def write_blocks(file: Path, fields: Fields, blocks: Iterable[Block]) -> int:
    """The same, of rows that have much in common."""
    writer_of(file)
    if not file.parent.is_dir():
        raise InvestorBenchError(f"there is no folder {file.parent} to write {file.name} into")
    if file.is_dir():
        raise InvestorBenchError(f"{file} is a folder: name a file in it")
    try:
        return put_blocks(file, fields, blocks)
    except OSError as error:
        raise InvestorBenchError(
            f"{file} cannot be written: {error.strerror}; name another file"
        ) from None


def put_blocks(file: Path, fields: Fields, blocks: Iterable[Block]) -> int:
    """The same, of which the caller says what the system refuses, as an ``OSError``."""
    write = writer_of(file)
    counted = _Counted(blocks)
    with written_whole(file) as stream:
        write(stream, fields, counted)
    return counted.rows


def writer_of(file: Path) -> "Write":
    """What writes the format that a file's ending names.

    Raises:
        UnknownNameError: it names none.
    """
    if file.suffix not in WRITERS:
        raise UnknownNameError("ending of a table", file.suffix or file.name, WRITERS)
    return WRITERS[file.suffix]


def write_csv(stream: IO[bytes], fields: Fields, blocks: Iterable[Block]) -> None:
    """Comma-separated, UTF-8; no text is taken for a formula."""
    text = io.TextIOWrapper(stream, "utf-8", "replace", newline="")
    csv.writer(CsvRows(text), lineterminator=ENDS).writerow([each.name for each in fields])
    for block in blocks:
        alike, others = _alike_at_first(block, fields)
        out = csv.writer(CsvRows(text, _cells_before(alike, block)), lineterminator=ENDS)
        out.writerows(_tuples(block, others, _cells))
    text.flush()
    text.detach()


def write_json(stream: IO[bytes], fields: Fields, blocks: Iterable[Block]) -> None:
    """A list of objects, one a line."""
    before = "[\n"
    for line in _objects(fields, blocks):
        stream.write(f"{before}{line}".encode("utf-8", "replace"))
        before = ",\n"
    stream.write(b"\n]\n" if before != "[\n" else b"[]\n")


def write_json_lines(stream: IO[bytes], fields: Fields, blocks: Iterable[Block]) -> None:
    """An object a line."""
    for line in _objects(fields, blocks):
        stream.write(f"{line}\n".encode("utf-8", "replace"))


def write_parquet(stream: IO[bytes], fields: Fields, blocks: Iterable[Block]) -> None:
    """Parquet, with types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "Int64": pa.int64(), "Float64": pa.float64(),
             "boolean": pa.bool_()}  # fmt: skip
    schema = pa.schema([(each.name, types[each.storage]) for each in fields])
    with pq.ParquetWriter(stream, schema, compression="zstd") as out:
        for batch in _batches(blocks):
            columns = [
                pa.array(values, types[each.storage], from_pandas=True)
                for each, values in _columns(fields, batch)
            ]
            out.write_table(pa.Table.from_arrays(columns, schema=schema))


def frame(fields: Fields, blocks: Iterable[Block]) -> "pd.DataFrame":
    """The same for pandas, with types that may be missing."""
    import pandas as pd

    parts = [_frame(fields, batch) for batch in _batches(blocks)]
    return pd.concat(parts, ignore_index=True) if parts else _frame(fields, ())


Write = Callable[[IO[bytes], Fields, Iterable[Block]], None]
WRITERS: Mapping[str, Write] = {
    ".csv": write_csv,
    ".json": write_json,
    ".jsonl": write_json_lines,
    ".parquet": write_parquet,
}


class _Counted:
    def __init__(self, blocks: Iterable[Block]) -> None:
        self._given = blocks
        self.rows = 0

    def __iter__(self) -> Iterator[Block]:
        for block in self._given:
            self.rows += len(block.rows)
            yield block


def _frame(fields: Fields, batch: Sequence[Block]) -> "pd.DataFrame":
    import pandas as pd

    columns = _columns(fields, batch)
    return pd.DataFrame({each.name: pd.array(own, dtype=each.storage) for each, own in columns})


OfColumn = Callable[[Field, Sequence[Any]], Sequence[Any]]


def _tuples(block: Block, fields: Fields, of_column: OfColumn) -> Iterator[tuple[Any, ...]]:
    """The rows of a block as tuples of what is made of its columns; of those alike, once."""
    columns = (
        of_column(each, block.values(each.name))
        if each.name in block.columns
        else repeat(of_column(each, block.values(each.name))[0], len(block.rows))
        for each in fields
    )
    return zip(*columns, strict=True)


def _alike_at_first(block: Block, fields: Fields) -> tuple[Fields, Fields]:
    """The first columns that all rows have alike, and the others; two each, or none of the first.

    A row of one cell would be written otherwise where that is empty.
    """
    most = len(fields) - 2
    number = next((n for n in range(most) if fields[n].name in block.columns), most)
    return (fields[:number], fields[number:]) if number >= 2 else ((), fields)


def _cells_before(fields: Fields, block: Block) -> str:
    """What all rows of a block begin with in CSV, with the comma after it."""
    if not fields:
        return ""
    written = io.StringIO()
    cells = [_cells(each, block.values(each.name))[0] for each in fields]
    csv.writer(CsvRows(written, ends=","), lineterminator=ENDS).writerow(cells)
    return written.getvalue()


def _columns(fields: Fields, batch: Sequence[Block]) -> Iterator[tuple[Field, list[Any]]]:
    """Each column with what all rows of a batch have in it."""
    for each in fields:
        values: list[Any] = []
        for block in batch:
            own = _column(each, block.values(each.name))
            values += own if each.name in block.columns else [*own] * len(block.rows)
        yield each, values


def _column(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.storage == "string":
        return _writable(values)
    if field.storage == "Float64":  # whole numbers that no float is are refused otherwise
        return [None if value is None else float(value) for value in values]
    return values


def _writable(texts: Sequence[str | None]) -> Sequence[str | None]:
    """Texts without halves of characters, which no file can hold."""
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        return [text and text.encode("utf-8", "replace").decode() for text in texts]
    return texts


def _cells(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.storage == "string":
        return harmless_all(["" if value is None else value for value in values])
    return ["" if value is None or value != value else value for value in values]


def _objects(fields: Fields, blocks: Iterable[Block]) -> Iterator[str]:
    names = [each.name for each in fields]
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    for block in blocks:
        for values in _tuples(block, fields, _finite):
            yield encode(dict(zip(names, values, strict=True)))


def _finite(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.storage != "Float64":
        return values
    return [value if value is None or abs(value) < math.inf else None for value in values]


def _batches(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks of so many rows together; what is left comes last."""
    batch: list[Block] = []
    missing = BATCH
    for block in blocks:
        while len(block.rows) >= missing:
            yield [*batch, Block(block.known, block.rows[:missing])]
            block, batch, missing = Block(block.known, block.rows[missing:]), [], BATCH
        if block.rows:
            batch.append(block)
            missing -= len(block.rows)
    if batch:
        yield batch

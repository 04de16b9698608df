"""Rows as files, written as they come: CSV, JSON, JSON Lines or Parquet, by the file's ending."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from investorbench.tasks.spreadsheets import harmless
from investorbench.tasks.tables.fields import Field, TidyRow
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.whole_files import written_whole

if TYPE_CHECKING:
    import pandas as pd

BATCH = 5_000
"""Rows that are kept at once."""
Fields = Sequence[Field]


def write_rows(file: Path, fields: Fields, rows: Iterable[TidyRow]) -> int:
    """Write a table, whole or not at all.

    Args:
        file: its ending names the format.
        fields: its columns.
        rows: of the table; what a row lacks is empty.

    Returns:
        How many rows there are.

    Raises:
        InvestorBenchError: the ending names no format, or the file cannot be written.
    """
    write = writer_of(file)
    if not file.parent.is_dir():
        raise InvestorBenchError(f"there is no folder {file.parent} to write {file.name} into")
    if file.is_dir():
        raise InvestorBenchError(f"{file} is a folder: name a file in it")
    counted = _Counted(rows)
    try:
        with written_whole(file) as stream:
            write(stream, fields, counted)
    except OSError as error:
        raise InvestorBenchError(
            f"{file} cannot be written: {error.strerror}; name another file"
        ) from None
    return counted.rows


def writer_of(file: Path) -> "Write":
    """What writes the format that a file's ending names.

    Raises:
        UnknownNameError: it names none.
    """
    if file.suffix not in WRITERS:
        raise UnknownNameError("ending of a table", file.suffix or file.name, WRITERS)
    return WRITERS[file.suffix]


def write_csv(stream: IO[bytes], fields: Fields, rows: Iterable[TidyRow]) -> None:
    """Comma-separated, UTF-8; no text is taken for a formula."""
    text = io.TextIOWrapper(stream, "utf-8", "replace", newline="")
    out = csv.writer(text, lineterminator="\n")
    out.writerow([each.name for each in fields])
    columns = [(each.name, each.storage == "string") for each in fields]
    for row in rows:
        out.writerow([_cell(row.get(name), is_text) for name, is_text in columns])
    text.flush()
    text.detach()


def write_json(stream: IO[bytes], fields: Fields, rows: Iterable[TidyRow]) -> None:
    """A list of objects, one a line."""
    before = "[\n"
    for line in _objects(fields, rows):
        stream.write(f"{before}{line}".encode("utf-8", "replace"))
        before = ",\n"
    stream.write(b"\n]\n" if before != "[\n" else b"[]\n")


def write_json_lines(stream: IO[bytes], fields: Fields, rows: Iterable[TidyRow]) -> None:
    """An object a line."""
    for line in _objects(fields, rows):
        stream.write(f"{line}\n".encode("utf-8", "replace"))


def write_parquet(stream: IO[bytes], fields: Fields, rows: Iterable[TidyRow]) -> None:
    """Parquet, with types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "Int64": pa.int64(), "Float64": pa.float64(),
             "boolean": pa.bool_()}  # fmt: skip
    schema = pa.schema([(each.name, types[each.storage]) for each in fields])
    with pq.ParquetWriter(stream, schema, compression="zstd") as out:
        for batch in _batches(rows):
            columns = [
                pa.array(_column(each, batch), types[each.storage], from_pandas=True)
                for each in fields
            ]
            out.write_table(pa.Table.from_arrays(columns, schema=schema))


def frame(fields: Fields, rows: Iterable[TidyRow]) -> "pd.DataFrame":
    """The same for pandas, with types that may be missing."""
    import pandas as pd

    parts = [_frame(fields, batch) for batch in _batches(rows)]
    return pd.concat(parts, ignore_index=True) if parts else _frame(fields, ())


Write = Callable[[IO[bytes], Fields, Iterable[TidyRow]], None]
WRITERS: Mapping[str, Write] = {
    ".csv": write_csv,
    ".json": write_json,
    ".jsonl": write_json_lines,
    ".parquet": write_parquet,
}


class _Counted:
    def __init__(self, rows: Iterable[TidyRow]) -> None:
        self._given = rows
        self.rows = 0

    def __iter__(self) -> Iterator[TidyRow]:
        for row in self._given:
            self.rows += 1
            yield row


def _frame(fields: Fields, rows: Sequence[TidyRow]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {each.name: pd.array(_column(each, rows), dtype=each.storage) for each in fields}
    )


def _column(field: Field, rows: Sequence[TidyRow]) -> list[Any]:
    if field.storage == "string":
        return [_writable(row.get(field.name)) for row in rows]
    if field.storage == "Float64":  # whole numbers that no float is are refused otherwise
        values = [row.get(field.name) for row in rows]
        return [None if value is None else float(value) for value in values]
    return [row.get(field.name) for row in rows]


def _writable(text: str | None) -> str | None:
    """A text without halves of characters, which no file can hold."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _cell(value: Any, is_text: bool) -> Any:
    if value is None or value != value:
        return ""
    return harmless(value) if is_text else value


def _objects(fields: Fields, rows: Iterable[TidyRow]) -> Iterator[str]:
    names = [each.name for each in fields]
    for row in rows:
        own = {name: _finite(row.get(name)) for name in names}
        yield json.dumps(own, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    is_number = not isinstance(value, float) or abs(value) < float("inf")
    return value if is_number else None


def _batches(rows: Iterable[TidyRow]) -> Iterator[list[TidyRow]]:
    given = iter(rows)
    while batch := list(islice(given, BATCH)):
        yield batch

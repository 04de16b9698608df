"""What stands in a file of rows and columns, as it is written: nothing is interpreted here.

Text becomes text cells, Parquet keeps its types, and a table with a row of fields above a row of
symbols becomes one with a row a day and symbol.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.text_tables import (
    COMPRESSED,
    HEAD_BYTES,
    decoded,
    layout_of,
    on_one_line,
    text_table,
)
from investorbench_env.market.files.wide_tables import (
    closes_of,
    dated_name,
    long_names,
    long_table,
    paired_names,
)

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY = b"investorbench"
"""Parquet files of our own say under this key what they hold."""
TEXT_SUFFIXES = (".csv", ".tsv")
SUFFIXES = (".parquet", *TEXT_SUFFIXES, *(f".csv{end}" for end in COMPRESSED))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """The top of a file.

    Attributes:
        names: its columns.
        metadata: what a file of our own says about itself.
        separator: what parts the cells of a text; empty for Parquet.
        repeated: names that stand above several columns.
    """

    names: tuple[str, ...]
    metadata: dict[str, Any]
    separator: str = ""
    repeated: tuple[str, ...] = ()


def is_text(path: Path) -> bool:
    """Whether a file is one of text cells, judged by its name."""
    return path.suffix.lower() != ".parquet"


def header(path: Path, encoding: str = "") -> FileHeader:
    """The columns of a file, of which only the top is read.

    Args:
        path: the file.
        encoding: of a text file, where somebody says it.

    Raises:
        CorruptDataError: it cannot be read as what its name claims.
    """
    if is_text(path):
        layout = layout_of(decoded(path, encoding, HEAD_BYTES), path)
        return FileHeader(
            names=layout.long_names,
            metadata={},
            separator=layout.separator,
            repeated=layout.repeated,
        )
    schema = _schema(path)
    about = (schema.metadata or {}).get(METADATA_KEY)
    wide = paired_names(schema.names) or closes_of(path, schema.names)
    names = tuple(schema.names)
    if wide:
        names = (dated_name(schema.names, wide), *long_names(list(wide.values())))
    try:
        metadata = json.loads(about) if about else {}
    except ValueError as error:
        raise CorruptDataError(f"{path}: what it says about itself is no JSON ({error})") from error
    return FileHeader(names=names, metadata=metadata if isinstance(metadata, dict) else {})


def read(
    path: Path,
    names: Sequence[str],
    encoding: str = "",
    rows: npt.NDArray[np.bool_] | None = None,
) -> "pd.DataFrame":
    """Columns of a file as they are written.

    Args:
        path: the file.
        names: the columns, as ``header`` gives them.
        encoding: of a text file, where somebody says it.
        rows: which rows are wanted [N]; all for None.

    Returns:
        A frame whose index is the number of each row in the file, from 1.

    Raises:
        CorruptDataError: it cannot be read; the message names the row where one is to blame.
    """
    if is_text(path):
        status = path.stat()
        whole = text_table(path, encoding, status.st_mtime_ns, status.st_size)
        chosen = whole[list(names)]
        return chosen.copy() if rows is None else chosen[rows].copy()
    return _parquet(path, names, rows)


def beginning(path: Path, names: Sequence[str], encoding: str = "") -> "pd.DataFrame":
    """Columns of a file as ``read`` gives them; of a text the rows of its first ``HEAD_BYTES``."""
    if not is_text(path):
        return _parquet(path, names, None)
    status = path.stat()
    most = HEAD_BYTES if status.st_size > HEAD_BYTES else None
    return text_table(path, encoding, status.st_mtime_ns, status.st_size, most)[list(names)]


def _schema(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptDataError(
            f"{path}: not readable as Parquet, cut off? ({on_one_line(error)})"
        ) from error


def _parquet(
    path: Path, names: Sequence[str], rows: npt.NDArray[np.bool_] | None
) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = _schema(path).names
    wide = paired_names(stored) or closes_of(path, stored)
    try:
        columns = None if wide else list(dict.fromkeys(names))
        table = pq.read_table(path, columns=columns)
        number = np.arange(len(table)) + 1
        if rows is not None and not wide:
            table, number = table.filter(pa.array(rows)), number[rows]
        frame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise CorruptDataError(
            f"{path}: not readable as Parquet, cut off? ({on_one_line(error)})"
        ) from error
    frame.index = pd.Index(number)
    if not wide:
        return frame[list(names)]
    stated = dated_name(table.column_names, wide)
    ordered = frame[[stated, *wide]]
    long = long_table(ordered, stated, list(wide.values()))[list(names)]
    return long if rows is None else long[rows]

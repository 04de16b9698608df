"""What stands in a file of rows and columns, as it is written: nothing is interpreted here.

Text of any common encoding, separator, line end and compression becomes text cells; Parquet keeps
its types. A table as wide as yfinance writes it, with a row of fields above a row of symbols,
becomes one with a row a day and symbol.
"""

import ast
import bz2
import codecs
import csv
import gzip
import json
import lzma
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.settings import SIDECAR

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY = b"investorbench"
"""Parquet files of our own say under this key what they hold."""
COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TEXT_SUFFIXES = (".csv", ".tsv")
SUFFIXES = (".parquet", *TEXT_SUFFIXES, *(f".csv{end}" for end in COMPRESSED))
SEPARATORS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 18
"""So much of a text file tells its columns."""
MOST_BYTES = 1 << 31
"""Text files above this, once unpacked, are better kept as Parquet."""
FIELDS = frozenset(
    "open high low close adjclose volume dividends stocksplits capitalgains repaired".split()
)
"""What yfinance writes above a row of symbols, in small letters without blanks."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where the cells of a text stand.

    Attributes:
        skipped: lines before the first line of names.
        separator: what parts cells.
        names: of the columns, where there is one line of them.
        wide: field and symbol of each column but the first, where there is a line of each.
        lines: how many lines of names there are.
        repeated: names that stand above several columns.
    """

    skipped: int
    separator: str
    names: tuple[str, ...]
    wide: tuple[tuple[str, str], ...] = ()
    lines: int = 1
    repeated: tuple[str, ...] = ()


def is_text(path: Path) -> bool:
    """Whether a file is one of text cells, judged by its name."""
    return path.suffix.lower() != ".parquet"


def header(path: Path, encoding: str = "") -> Header:
    """The columns of a file, of which only the top is read.

    Args:
        path: the file.
        encoding: of a text file, where somebody says it.

    Raises:
        CorruptDataError: it cannot be read as what its name claims.
    """
    if is_text(path):
        layout = _layout(path, _decoded(path, encoding, HEAD_BYTES))
        return Header(
            names=_long_names(layout),
            metadata={},
            separator=layout.separator,
            repeated=layout.repeated,
        )
    schema = _schema(path)
    about = (schema.metadata or {}).get(METADATA_KEY)
    wide = _wide_names(schema.names)
    names = tuple(schema.names)
    if wide:
        names = (_stated(schema.names), *_fields(list(wide.values())))
    try:
        metadata = json.loads(about) if about else {}
    except ValueError as error:
        raise CorruptDataError(f"{path}: what it says about itself is no JSON ({error})") from error
    return Header(names=names, metadata=metadata if isinstance(metadata, dict) else {})


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
        whole = _text_table(path, encoding, status.st_mtime_ns, status.st_size)
        chosen = whole[list(names)]
        return chosen.copy() if rows is None else chosen[rows].copy()
    return _parquet(path, names, rows)


# Text


@lru_cache(maxsize=4)
def _text_table(path: Path, encoding: str, _changed: int, _size: int) -> "pd.DataFrame":
    """The whole of a text file; a file is looked at several times in a row."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv as pc

    text = _decoded(path, encoding, None)
    layout = _layout(path, text)
    start = 0
    for _ in range(layout.skipped + layout.lines):
        start = text.find("\n", start) + 1 or len(text)
    names = [str(number) for number in range(len(layout.wide) + 1 or 1)]
    if not layout.wide:
        names = [str(number) for number in range(len(layout.names))]
    ragged: list[tuple[int, int]] = []

    def remember(row: Any) -> str:
        if not row.text.startswith("#"):
            ragged.append((row.number, row.actual_columns))
        return "skip"

    content = text[start:].strip("\n").encode() + b"\n"
    if content == b"\n":
        return pd.DataFrame({name: pd.Series(dtype=object) for name in _long_names(layout)})
    try:
        table = pc.read_csv(
            pa.BufferReader(content),
            pc.ReadOptions(
                use_threads=False, column_names=names, block_size=max(1 << 20, len(content) + 1)
            ),
            pc.ParseOptions(
                delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=remember
            ),
            pc.ConvertOptions(
                strings_can_be_null=False, column_types=dict.fromkeys(names, pa.string())
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise CorruptDataError(
            f"{path}: not readable as CSV, cut off? ({_on_one_line(error)})"
        ) from error
    if ragged:
        number, cells = ragged[0]
        last = number >= len(table) + len(ragged)
        where = "last row" if last else f"row {number}"
        looks = ", the file looks cut off" if last and cells < len(names) else ""
        raise CorruptDataError(
            f"{path}, {where}: {cells} of {len(names)} columns{looks}; not readable as CSV"
        )
    frame = table.to_pandas(strings_to_categorical=False).astype(object)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    if layout.wide:
        return _long(frame, layout.names[0], layout.wide)
    return frame.set_axis(list(layout.names), axis=1)


def _decoded(path: Path, encoding: str, most: int | None) -> str:
    """The text of a file with plain line ends, or the beginning of it, cut at a line."""
    content = _bytes(path, most)
    named = encoding or _encoding(content)
    try:
        # Of a beginning, a character may be cut in two.
        decoder = codecs.getincrementaldecoder(named)("strict")
        text = decoder.decode(content, final=most is None or len(content) < most)
    except UnicodeDecodeError as error:
        raise CorruptDataError(
            f"{path}, byte {error.start:,}: not readable as CSV in {error.encoding}; say which "
            f"encoding it is in by a line `encoding: cp1252` in {path.parent / SIDECAR}"
        ) from error
    if most is not None and len(content) >= most:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(path: Path, most: int | None) -> bytes:
    unpack = COMPRESSED.get(path.suffix.lower())
    bound = MOST_BYTES if most is None else most
    try:
        stream: BinaryIO
        with path.open("rb") if unpack is None else unpack(path, "rb") as stream:
            content = stream.read(bound + (most is None))
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise CorruptDataError(f"{path}: not readable, cut off? ({_on_one_line(error)})") from error
    if most is None and len(content) > MOST_BYTES:
        raise CorruptDataError(
            f"{path}: more than {MOST_BYTES >> 30} GiB of text; keep it as Parquet"
        )
    return content


def _on_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _encoding(content: bytes) -> str:
    for mark, name in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return name
    # Every second byte of plain text in UTF-16 is a zero.
    start = content[:200]
    if len(start) > 3 and start[1::2].count(0) > len(start) // 3 and not start[::2].count(0):
        return "utf-16-le"
    if len(start) > 3 and start[::2].count(0) > len(start) // 3 and not start[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def _layout(path: Path, text: str) -> _Layout:
    lines = text.split("\n", 200)[:200]
    skipped = next(
        (n for n, line in enumerate(lines) if line.strip() and not _is_aside(line)), len(lines)
    )
    if skipped >= len(lines):
        return _Layout(skipped=0, separator=",", names=(), lines=0)
    separator = max(SEPARATORS, key=lambda each: len(_cells(lines[skipped], each)))
    top = [_cells(line, separator) for line in lines[skipped : skipped + 4]]
    names = [name.strip() for name in top[0]]
    wide = _wide_lines(top)
    if wide:
        fields, symbols, count = wide
        stated = top[2][0].strip() if count == 3 else ""
        return _Layout(
            skipped=skipped,
            separator=separator,
            names=(stated or "Date",),
            wide=tuple(zip(fields, symbols, strict=True)),
            lines=count,
        )
    if len(top) > 1 and len(top[1]) == len(names) + 1 and not top[1][-1].strip():
        names.append("")  # every line of values ends in a separator
    repeated = tuple(name for name in dict.fromkeys(names) if name and names.count(name) > 1)
    return _Layout(skipped=skipped, separator=separator, names=_distinct(names), repeated=repeated)


def _is_aside(line: str) -> bool:
    return line.startswith("#") or line[:4].lower() == "sep="


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell of more characters than that module takes is no name
        return line.split(separator)


def _wide_lines(top: Sequence[Sequence[str]]) -> tuple[list[str], list[str], int] | None:
    """Fields, symbols and the number of lines of names, where they stand one above the other."""
    if len(top) < 2 or len(top[0]) < 2 or len(top[0]) != len(top[1]):
        return None
    if any(c.isdigit() for c in top[1][0]):
        return None  # a date, so the line is one of values
    first, second = ([cell.strip() for cell in row[1:]] for row in top[:2])
    for fields, symbols in ((first, second), (second, first)):
        if all(_plain(field) in FIELDS for field in fields) and all(
            symbol and not _is_number(symbol) and _plain(symbol) not in FIELDS for symbol in symbols
        ):
            third = (
                len(top) > 2
                and bool(top[2][0].strip())
                and not any(cell.strip() for cell in top[2][1:])
            )
            return fields, symbols, 3 if third else 2
    return None


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def _is_number(cell: str) -> bool:
    return not any(c.isalpha() for c in cell) and any(c.isdigit() for c in cell)


def _long_names(layout: _Layout) -> tuple[str, ...]:
    if not layout.wide:
        return layout.names
    return (layout.names[0], *_fields(layout.wide))


def _fields(wide: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return ("Ticker", *dict.fromkeys(field for field, _ in wide))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names by which a column can be asked for; a repeated one gets a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return tuple(found)


def _long(frame: "pd.DataFrame", dated: str, wide: Sequence[tuple[str, str]]) -> "pd.DataFrame":
    """A row a day and symbol from a row a day; where a symbol has nothing there is no row."""
    import pandas as pd

    parts = []
    for symbol in dict.fromkeys(symbol for _, symbol in wide):
        places = {field: n + 1 for n, (field, of) in enumerate(wide) if of == symbol}
        part = frame.iloc[:, [0, *places.values()]].set_axis([dated, *places], axis=1)
        blank = (part[list(places)].isna() | (part[list(places)] == "")).all(axis=1)
        part.insert(1, "Ticker", symbol)
        parts.append(part[~blank])
    names = [dated, *_fields(wide)]
    return pd.concat(parts).reindex(columns=names)


# Parquet


def _schema(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptDataError(
            f"{path}: not readable as Parquet, cut off? ({_on_one_line(error)})"
        ) from error


def _parquet(
    path: Path, names: Sequence[str], rows: npt.NDArray[np.bool_] | None
) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    wide = _wide_names(_schema(path).names)
    try:
        columns = None if wide else list(dict.fromkeys(names))
        table = pq.read_table(path, columns=columns)
        number = np.arange(len(table)) + 1
        if rows is not None and not wide:
            table, number = table.filter(pa.array(rows)), number[rows]
        frame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise CorruptDataError(
            f"{path}: not readable as Parquet, cut off? ({_on_one_line(error)})"
        ) from error
    frame.index = pd.Index(number)
    if not wide:
        return frame[list(names)]
    stated = _stated(table.column_names)
    ordered = frame[[stated, *wide]]
    long = _long(ordered, stated, list(wide.values()))[list(names)]
    return long if rows is None else long[rows]


def _wide_names(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Field and symbol of each column that pandas wrote as a pair of names, ("Close", "A")."""
    pairs = {name: pair for name in names if (pair := _pair(name)) is not None}
    if not pairs or len(names) - len(pairs) > 1:
        return {}
    for place in (0, 1):
        if all(_plain(pair[place]) in FIELDS for pair in pairs.values()):
            return {name: (pair[place], pair[1 - place]) for name, pair in pairs.items()}
    return {}


def _pair(name: str) -> tuple[str, str] | None:
    if not name.startswith("(") or len(name) > 200:
        return None
    try:
        pair = ast.literal_eval(name)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
        return pair
    return None


def _stated(names: Sequence[str]) -> str:
    """The column of a wide table that is no pair: its dates."""
    return next((name for name in names if _pair(name) is None), "")

"""Text files of rows and columns: any common encoding, separator, line end and compression."""

import bz2
import codecs
import csv
import gzip
import lzma
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.settings import SIDECAR
from investorbench_env.market.files.wide_tables import (
    closes_of,
    fields_and_symbols,
    long_names,
    long_table,
)

if TYPE_CHECKING:
    import pandas as pd

COMPRESSED = (".gz", ".bz2", ".xz")
"""How names of compressed files end; the first bytes tell how they are compressed."""
UNPACK: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
NO_TEXT = {
    b"PK\x03\x04": "an archive or a spreadsheet",
    b"PAR1": "Parquet under another name",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"SQLite": "a database",
}
"""What begins so."""
SEPARATORS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 18
"""So much of a text file tells its columns."""
MOST_BYTES = 1 << 29
"""Text files above this, once unpacked, are better kept as Parquet."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
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

    @property
    def long_names(self) -> tuple[str, ...]:
        """The names of the columns of a table with a row a day and symbol."""
        return (self.names[0], *long_names(self.wide)) if self.wide else self.names


@lru_cache(maxsize=4)
def text_table(
    path: Path, encoding: str, _changed: int, _size: int, most: int | None = None
) -> "pd.DataFrame":
    """The whole of a text file, or its beginning; a file is looked at several times in a row."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv as pc

    text = decoded(path, encoding, most)
    layout = layout_of(text, path)
    start = 0
    for _ in range(layout.skipped + layout.lines):
        start = text.find("\n", start) + 1 or len(text)
    names = [str(number) for number in range(len(layout.wide) + 1 or 1)]
    if not layout.wide:
        names = [str(number) for number in range(len(layout.names))]
    ragged: list[tuple[int, int]] = []

    def remember(row: Any) -> str:
        if row.text.strip() and not row.text.startswith("#"):
            ragged.append((row.number, row.actual_columns))
        return "skip"

    content = text[start:].strip("\n").encode() + b"\n"
    if content == b"\n":
        return pd.DataFrame({name: pd.Series(dtype=object) for name in layout.long_names})
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
            f"{path}: not readable as CSV, cut off? ({on_one_line(error)})"
        ) from error
    if ragged and most is None:  # the last row of a beginning may be cut in two
        number, cells = ragged[0]
        last = number >= len(table) + len(ragged)
        where = "last row" if last else f"row {number}"
        looks = ", the file looks cut off" if last and cells < len(names) else ""
        raise CorruptDataError(
            f"{path}, {where}: {cells} of {len(names)} columns{looks}; not readable as CSV"
        )
    frame = table.to_pandas(strings_to_categorical=False).astype(object)
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    frame = frame[~_are_blank(frame)]
    if layout.wide:
        return long_table(frame, layout.names[0], layout.wide)
    return frame.set_axis(list(layout.names), axis=1)


def _are_blank(frame: "pd.DataFrame") -> "pd.Series[bool]":
    """Which rows hold nothing, as spreadsheets write them below the others."""
    blank = frame.iloc[:, 0].str.strip() == ""
    for name in frame.columns[1:]:
        if not blank.any():
            break
        blank &= frame[name].str.strip() == ""
    return blank


def decoded(path: Path, encoding: str, most: int | None) -> str:
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
    bound = MOST_BYTES if most is None else most
    try:
        with path.open("rb") as file:
            start = file.read(8)
        for beginning, what in NO_TEXT.items():
            if start.startswith(beginning):
                raise CorruptDataError(f"{path}: it is {what}, not readable as CSV")
        unpack = next((how for mark, how in UNPACK.items() if start.startswith(mark)), open)
        stream: BinaryIO
        with unpack(path, "rb") as stream:
            content = stream.read(bound + (most is None))
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise CorruptDataError(f"{path}: not readable, cut off? ({on_one_line(error)})") from error
    if most is None and len(content) > MOST_BYTES:
        raise CorruptDataError(
            f"{path}: more than {MOST_BYTES >> 20:,} MiB of text; keep it as Parquet"
        )
    return content


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


def layout_of(text: str, path: Path) -> Layout:
    """Where the cells of a text stand, judged by its first lines and the name of its file."""
    lines = text.split("\n", 200)[:200]
    skipped = next(
        (n for n, line in enumerate(lines) if line.strip() and not _is_aside(line)), len(lines)
    )
    if skipped >= len(lines):
        return Layout(skipped=0, separator=",", names=(), lines=0)
    separator = max(SEPARATORS, key=lambda each: _columns(lines[skipped : skipped + 4], each))
    top = [_cells(line, separator) for line in lines[skipped : skipped + 4]]
    names = [name.strip() for name in top[0]]
    wide = fields_and_symbols(top)
    if wide:
        fields, symbols, count = wide
        stated = top[2][0].strip() if count == 3 else ""
        return Layout(
            skipped=skipped,
            separator=separator,
            names=(stated or "Date",),
            wide=tuple(zip(fields, symbols, strict=True)),
            lines=count,
        )
    closes = closes_of(path, names)
    if closes and names[0] not in closes:
        return Layout(
            skipped=skipped, separator=separator, names=(names[0],), wide=tuple(closes.values())
        )
    if len(top) > 1 and len(top[1]) == len(names) + 1 and not top[1][-1].strip():
        names.append("")  # every line of values ends in a separator
    repeated = tuple(name for name in dict.fromkeys(names) if name and names.count(name) > 1)
    return Layout(skipped=skipped, separator=separator, names=_distinct(names), repeated=repeated)


def _columns(lines: Sequence[str], separator: str) -> tuple[bool, int, bool]:
    """How well a separator parts lines: into as many cells each, into many, not at decimals."""
    counts = [len(_cells(line, separator)) for line in lines if line.strip()]
    even = counts[0] > 1 and len(set(counts)) == 1
    return even, counts[0], even and separator != ","


def _is_aside(line: str) -> bool:
    return line.startswith("#") or line[:4].lower() == "sep="


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell of more characters than that module takes is no name
        return line.split(separator)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names by which a column can be asked for; a repeated one gets a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name] - 1}")
    return tuple(found)


def on_one_line(error: Exception) -> str:
    """What an error says, without line ends."""
    return " ".join(str(error).split())

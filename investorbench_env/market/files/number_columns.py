"""Columns of numbers: which mark stands before the decimals is settled by the whole column.

Where a column leaves it open the others of its file decide, since one writer writes them all;
where those do too it is refused, with two rows and the line that settles it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.settings import SIDECAR

BLANKS = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "-", "--", "---", "#n/a", "n.a.", ".", "\\n")
)
"""What sources write where they have no number, in small letters."""
POINT, COMMA = "decimal-point", "decimal-comma"
COUNTS = {"k": "e3", "m": "e6", "b": "e9"}
"""What vendors write behind a volume, as powers of ten, so that 23.4K is 23400 to the digit."""

_DECORATION = re.compile(r"[\s\u00a0\u2009\u202f'’$€£¥]|^(?:usd|eur|gbp)|(?:usd|eur|gbp)$")
_FORMS = {
    name: re.compile(
        rf"([+-]?)((?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)?)(?:{mark}(\d*))?(e[+-]?\d+|[kmb])?",
        re.ASCII,
    )
    for name, mark, group in ((POINT, r"\.", ","), (COMMA, ",", r"\."))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn:
    """The cells of one column, each as the numbers it can be.

    Attributes:
        name: what the column is called in messages.
        rows: the number of each cell's row [N].
        cells: as they are written [N].
        codes: which of the different texts each cell is, -1 where it is blank [N].
        values: what each different text is under either mark; NaN for no number [U].
    """

    name: str
    rows: npt.NDArray[np.int64]
    cells: npt.NDArray[np.object_]
    codes: npt.NDArray[np.int64]
    values: Mapping[str, npt.NDArray[np.float64]]

    @property
    def marks(self) -> tuple[str, ...]:
        """The decimal marks under which every number of the column is one."""
        either = np.logical_or(*(np.isfinite(values) for values in self.values.values()))
        return tuple(
            mark for mark, values in self.values.items() if np.isfinite(values[either]).all()
        )

    @property
    def is_open(self) -> bool:
        """Whether both marks will do, and give different numbers."""
        point, comma = self.values[POINT], self.values[COMMA]
        return len(self.marks) == 2 and not np.array_equal(point, comma, equal_nan=True)


def numbers_of(
    columns: Mapping[str, Any],
    path: Path,
    wanted: npt.NDArray[np.bool_],
    *,
    separator: str = ",",
    mark: str = "",
) -> dict[str, npt.NDArray[np.float64]]:
    """Read columns of numbers, all of one file.

    Args:
        columns: pandas series by the name that messages give them, whose index is each row's
            number: text or numbers.
        path: the file, for messages.
        wanted: the rows whose cells must be numbers [N]; what others hold is only looked at to
            settle the marks.
        separator: what parts the cells of the file, empty for one that is no text.
        mark: the decimal mark, where somebody says it.

    Returns:
        The numbers of the wanted rows by column, NaN where nothing stands, infinite where that
        is written.

    Raises:
        CorruptDataError: a cell is no number, or a column's marks are not certain.
    """
    found: dict[str, npt.NDArray[np.float64]] = {}
    written: dict[str, NumberColumn] = {}
    texts: dict[str, Any] = {}
    for name, cells in columns.items():
        plain = _plain_numbers(cells)
        if plain is None:
            texts[name] = cells
        else:
            found[name] = plain
    quick = None if mark or separator == ";" else _without_marks(texts)
    if quick is not None:
        found |= quick
    else:
        written = {name: _column(name, cells) for name, cells in texts.items()}
    certain = {marks[0] for each in written.values() if len(marks := each.marks) == 1}
    for name, column in written.items():
        found[name] = _settled(column, path, wanted, mark, certain, separator)
    return {name: found[name][wanted] for name in columns}


def _plain_numbers(cells: Any) -> npt.NDArray[np.float64] | None:
    import pandas as pd

    if pd.api.types.is_bool_dtype(cells.dtype) or not pd.api.types.is_numeric_dtype(cells.dtype):
        return None
    values: npt.NDArray[np.float64] = cells.to_numpy(dtype=float, na_value=np.nan)
    return values


def _without_marks(columns: Mapping[str, Any]) -> dict[str, npt.NDArray[np.float64]] | None:
    """Columns in no cell of which a comma or anything else but a plain number stands, else None."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    found = {}
    for name, cells in columns.items():
        if pd.api.types.infer_dtype(cells, skipna=True) != "string":
            return None
        texts = pc.utf8_trim_whitespace(
            pa.array(cells.astype(object), pa.string(), from_pandas=True)
        )
        blank = pc.is_in(pc.utf8_lower(texts), pa.array(sorted(BLANKS)))
        try:
            numbers = pc.if_else(blank, None, texts).cast(pa.float64())
        except pa.ArrowInvalid:
            return None
        found[name] = numbers.to_numpy(zero_copy_only=False)
    return found


def _column(name: str, cells: Any) -> NumberColumn:
    import pandas as pd

    raw = np.array(cells.astype(object), dtype=object)
    raw[pd.isna(raw)] = None
    codes, texts = pd.factorize(np.array([_text(cell) for cell in raw], dtype=object))
    values = {
        mark: np.array([_value(form.fullmatch(text)) for text in texts], dtype=float)
        for mark, form in _FORMS.items()
    }
    infinite = [text.lstrip("+-") in ("inf", "infinity") for text in texts]
    for each in values.values():
        each[infinite] = np.inf
    rows = cells.index.to_numpy()
    return NumberColumn(name=name, rows=rows, cells=raw, codes=codes, values=values)


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    text = _DECORATION.sub("", str(cell).strip().lower())
    return None if text in BLANKS else text


def _value(found: "re.Match[str] | None") -> float:
    if found is None:
        return np.nan
    sign, whole, decimals, power = found.groups()
    digits = whole.replace(",", "").replace(".", "")
    if not digits and not decimals:
        return np.nan
    return float(f"{sign}{digits or 0}.{decimals or 0}{COUNTS.get(power, power or '')}")


def _settled(
    column: NumberColumn,
    path: Path,
    wanted: npt.NDArray[np.bool_],
    mark: str,
    certain: set[str],
    separator: str,
) -> npt.NDArray[np.float64]:
    marks = column.marks
    if mark:
        chosen = mark
    elif not marks:
        raise _undecided(column, path, "have their decimals behind different marks")
    elif not column.is_open:
        chosen = marks[0]
    elif len(certain) == 1:
        (chosen,) = certain
    elif separator != ";" and not _has_grouped(column):
        # A point before three decimals: a decimal point wherever cells are parted by commas.
        chosen = POINT
    else:
        raise _undecided(column, path, "are different numbers by a decimal point or comma")
    values: npt.NDArray[np.float64] = np.append(column.values[chosen], np.nan)[column.codes]
    bad = np.flatnonzero(wanted & (column.codes >= 0) & np.isnan(values))
    if len(bad):
        raise CorruptDataError(
            f"{path}, row {column.rows[bad[0]]}: {column.name} "
            f"{str(column.cells[bad[0]])!r:.40} is not a number"
        )
    return values


def _has_grouped(column: NumberColumn) -> bool:
    """Whether a comma stands in any cell."""
    return any("," in str(cell) for cell in column.cells)


def _undecided(column: NumberColumn, path: Path, why: str) -> CorruptDataError:
    point, comma = (np.append(column.values[mark], np.nan)[column.codes] for mark in (POINT, COMMA))
    differ = np.flatnonzero((point != comma) & ~(np.isnan(point) & np.isnan(comma)))
    first, second = differ[0], differ[-1]
    only_point = differ[np.isnan(comma[differ])]
    only_comma = differ[np.isnan(point[differ])]
    if len(only_point) and len(only_comma):
        first, second = only_point[0], only_comma[0]
    shown = " and ".join(
        f"row {column.rows[row]} ({str(column.cells[row])!r:.40})" for row in (first, second)
    )
    return CorruptDataError(
        f"{path}, column {column.name!r}: {shown} {why}; say which by a line `numbers: {COMMA}` or "
        f"`numbers: {POINT}` in {path.parent / SIDECAR}"
    )

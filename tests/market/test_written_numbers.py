"""Columns of numbers: the decimal mark is the file's, never a guess."""

from pathlib import Path

import pytest

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.library import find_market

DAYS = ("2021-01-04", "2021-01-05", "2021-01-06")


def closes(folder: Path, *cells: str, separator: str = ",") -> list[float]:
    rows = (f'{day}{separator}"{cell}"\n' for day, cell in zip(DAYS, cells, strict=False))
    (folder / "acme.csv").write_text(f"date{separator}close\n" + "".join(rows))
    return [float(close) for close in find_market("ACME", "stock", folder).bars[:, 0, 3]]


def table(folder: Path, header: str, *rows: str) -> list[list[float]]:
    lines = (f"{day};{row}\n" for day, row in zip(DAYS, rows, strict=False))
    (folder / "acme.csv").write_text(f"date;{header}\n" + "".join(lines))
    bars = find_market("ACME", "stock", folder).bars[:, 0, 3:]
    return [[float(cell) for cell in row] for row in bars]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("10", "10,1", "10,05"), [10, 10.1, 10.05]),
        (("1.234,50", "1.240,5", "999"), [1234.5, 1240.5, 999]),
        (("1,234.50", "1,240.5", "999"), [1234.5, 1240.5, 999]),
        (("1,234,567", "1,234,568", "999"), [1234567, 1234568, 999]),
        (("1'234.50", "1 240.5", "999"), [1234.5, 1240.5, 999]),
        (("$10.5", "10.6 USD", "€10.7"), [10.5, 10.6, 10.7]),
        (("1e2", "1.5E+2", "120.125"), [100, 150, 120.125]),
        (("10.125", "10.250", "10.375"), [10.125, 10.25, 10.375]),
        (("10", "11", "12"), [10, 11, 12]),
    ],
)
def test_a_column_has_one_decimal_mark(
    tmp_path: Path, cells: tuple[str, ...], numbers: list[float]
) -> None:
    assert closes(tmp_path, *cells) == numbers


def test_another_column_of_the_file_settles_one_that_is_open(tmp_path: Path) -> None:
    assert table(tmp_path, "close;volume", "9,95;1.234", "9,9;5.678") == [[9.95, 1234], [9.9, 5678]]
    assert table(tmp_path, "close;volume", "9.95;1,234", "9.9;5,678") == [[9.95, 1234], [9.9, 5678]]


def test_a_column_that_stays_open_is_refused_with_the_line_that_settles_it(tmp_path: Path) -> None:
    with pytest.raises(
        CorruptDataError,
        match=r"acme\.csv, column 'close': row 1 \('10,125'\) and row 2 \('11,250'\).*"
        r"`numbers: decimal-comma` or `numbers: decimal-point`",
    ):
        closes(tmp_path, "10,125", "11,250")
    (tmp_path / "investorbench.yaml").write_text("numbers: decimal-comma\n")
    assert closes(tmp_path, "10,125", "11,250") == [10.125, 11.25]
    (tmp_path / "investorbench.yaml").write_text("numbers: decimal-point\n")
    assert closes(tmp_path, "10,125", "11,250") == [10125, 11250]


def test_a_column_of_both_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptDataError, match=r"row 1 \('10\.5'\) and row 2 \('10,6'\).*differen"):
        closes(tmp_path, "10.5", "10,6")


@pytest.mark.parametrize("cell", ["ten", "1,2,3.4", "1.2.3", "10%", "--5", "0x1f", "1_000", "(5)"])
def test_what_is_no_number_is_refused_with_its_row(tmp_path: Path, cell: str) -> None:
    with pytest.raises(CorruptDataError, match=r"acme\.csv, row 2: close .* is not a number"):
        closes(tmp_path, "10.5", cell)


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999"])
def test_a_number_without_end_is_refused_with_row_and_day(tmp_path: Path, cell: str) -> None:
    with pytest.raises(
        CorruptDataError,
        match=r"row 2: close -?inf on 2021-01-05 is not (one of any market|positive)",
    ):
        closes(tmp_path, "10.5", cell)


@pytest.mark.parametrize("cell", ["1e31", "1e-31"])
def test_a_number_of_no_market_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(CorruptDataError, match=rf"row 2: close {cell[:2]}.* is not one of any"):
        closes(tmp_path, "10.5", cell)


def test_volumes_may_be_counted_in_thousands_and_millions(tmp_path: Path) -> None:
    rows = table(tmp_path, "close;volume", "9.9;29.35M", "9.8;870.1K")
    assert [volume for _, volume in rows] == [29_350_000, 870_100]

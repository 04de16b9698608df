"""Folders as people have them: neighbours that are broken or no files, texts in other languages."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import CorruptDataError, DataWarning, UnknownNameError
from investorbench_env.market.files import text_tables
from investorbench_env.market.files.checking import check
from investorbench_env.market.library import find_market

BARS = "date,close\n2021-01-04,10\n2021-01-05,11\n2021-01-06,12\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.csv").write_text(BARS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.csv", b"\xff\xfea\x00,\x00b\x00\n\x00\xd8"),
        ("notes.csv", b"date,close\n2021-01-04,\xff\n"),
        ("notes.parquet", b"PAR1 and no more"),
        ("notes.csv.gz", b"\x1f\x8b and no more"),
    ],
)
def test_a_broken_neighbour_that_is_not_of_the_symbol_is_a_warning(
    folder: Path, name: str, content: bytes
) -> None:
    (folder / name).write_bytes(content)
    with pytest.warns(DataWarning, match=rf"passed over, .*{name}"):
        market = find_market("ACME", "stock", folder)
    assert len(market.sessions) == 3
    assert any(problem.severity == "error" for problem in check(folder))


def test_an_unknown_symbol_beside_a_broken_file_is_one(folder: Path) -> None:
    (folder / "notes.csv").write_bytes(b"date,close\n2021-01-04,\xff\n")
    with (
        pytest.warns(DataWarning, match="passed over"),
        pytest.raises(UnknownNameError, match=r"'ACMA'; valid, nearest first: ACME"),
    ):
        find_market("ACMA", "stock", folder)


def test_a_broken_file_of_the_symbol_is_an_error(folder: Path) -> None:
    (folder / "acme_news.csv").write_bytes(b"date,headline\n2021-01-04,\xff\n")
    with pytest.raises(CorruptDataError, match=r"acme_news\.csv.*`encoding: cp1252`"):
        find_market("ACME", "stock", folder)
    (folder / "investorbench.yaml").write_text("files: {acme_news.csv: {encoding: cp1252}}\n")
    (row,) = find_market("ACME", "stock", folder).documents
    assert row.title == "ÿ"


def test_pipes_and_links_that_lead_nowhere_are_passed_over(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to(folder / "nowhere.csv")
    with pytest.warns(DataWarning) as warned:
        market = find_market("ACME", "stock", folder)
    assert len(market.sessions) == 3
    assert sorted(str(warning.message).split()[0][-8:] for warning in warned) == [
        "link.csv",
        "pipe.csv",
    ]


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("a,b", "1,2"),
        ("date,close", "2021-01-04,2"),
        ("timestamp,close", "2021-01-04T10:00,2"),
        ("date,close,Name", '2021-01-04,2,"Acme, Inc.\nof Acme"'),
        ("date,headline", "2021-01-04,words"),
    ],
)
def test_a_file_of_others_is_not_read_to_its_end(folder: Path, names: str, row: str) -> None:
    (folder / "big.csv").write_bytes(f"{names}\n{200_000 * (row + chr(10))}".encode() + b"\xff\n")
    assert len(find_market("ACME", "stock", folder).sessions) == 3


def test_settings_of_others_that_cannot_be_read_are_a_warning(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below" / "investorbench.yaml").write_text("dates: [\n")
    (folder / "below" / "other.csv").write_text(BARS)
    with pytest.warns(DataWarning, match=r"passed over, \S*below/investorbench\.yaml: not .*"):
        assert len(find_market("ACME", "stock", folder).sessions) == 3
    with pytest.raises(
        CorruptDataError, match=r"investorbench\.yaml: not readable as YAML"
    ) as error:
        find_market("OTHER", "stock", folder)
    assert "\n" not in str(error.value)


def test_texts_in_languages_without_spaces_are_texts(folder: Path) -> None:
    text = "date,headline,text\n2021-01-04,公告,公司第四季度净利润同比增长百分之三十\n"
    text += "2021-01-05,up,confusion\n"
    (folder / "acme_news.csv").write_text(text, encoding="utf-8")
    first, second = find_market("ACME", "stock", folder).documents
    assert first.text == "公司第四季度净利润同比增长百分之三十"
    assert (second.title, second.text) == ("up", "")


def test_halves_of_characters_are_replaced_and_counted(tmp_path: Path) -> None:
    days = {"2021-01-04": {"prices": 1.0, "news": ["up \ud83d", "fine"]}, "2021-01-05": {}}
    days["2021-01-05"] = {"prices": 1.1, "news": ["NUL \x00"]}
    (tmp_path / "acme.json").write_text(json.dumps(days))
    market = find_market("ACME", "stock", tmp_path)
    assert [row.text for row in market.documents] == ["up \ufffd", "fine", "NUL \ufffd"]
    assert any("2 texts with characters that are none, replaced" in f for f in market.findings)


@pytest.mark.parametrize(
    ("labels", "understood"),
    [
        (("1", "0", "-1"), ["positive", "neutral", "negative"]),
        (("1.0", "-1.0", ""), ["positive", "negative", None]),
        (("Somewhat-Bullish", "very negative", "neu"), ["positive", "negative", "neutral"]),
        (("2", "1", "0"), [None, None, None]),
        (("0.8", "-0.3", "0"), [None, None, None]),
        (("mixed", "5", "buy"), [None, None, None]),
    ],
)
def test_labels_are_mapped_where_that_is_certain_and_else_counted(
    folder: Path, labels: tuple[str, ...], understood: list[str | None]
) -> None:
    rows = "".join(f"2021-01-0{n + 4},text {n},{label}\n" for n, label in enumerate(labels))
    (folder / "acme_news.csv").write_text("date,headline,sentiment\n" + rows)
    market = find_market("ACME", "stock", folder)
    assert [row.sentiment for row in market.documents] == understood
    counted = any("of sentiment not understood" in finding for finding in market.findings)
    assert counted == any(u is None and label for u, label in zip(understood, labels, strict=True))


def test_tiingo_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "acme.csv").write_text(
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,"
        "splitFactor\n"
        "2021-01-04T00:00:00.000Z,100,101,99,100,10,49.5,50,49,49.5,20,0.0,1.0\n"
        "2021-01-05T00:00:00.000Z,51,52,50,51,20,50.49,52,50,51,20,0.0,2.0\n"
        "2021-01-06T00:00:00.000Z,51,52,50,51,20,51,52,50,51,20,0.51,1.0\n"
    )
    market = find_market("ACME", "stock", tmp_path)
    np.testing.assert_array_equal(market.bars[:, 0, 3], [100, 51, 51])
    np.testing.assert_array_equal(market.share_splits[:, 0], [1, 2, 1])
    np.testing.assert_array_equal(market.dividends[:, 0], [0, 0, 0.51])


@pytest.mark.parametrize(
    ("start", "what"), [(b"PK\x03\x04", "a spreadsheet"), (b"PAR1", "Parquet under another name")]
)
def test_what_is_no_text_is_called_by_its_name(tmp_path: Path, start: bytes, what: str) -> None:
    (tmp_path / "acme.csv").write_bytes(start + b"\x00\x01")
    with pytest.raises(CorruptDataError, match=rf"acme\.csv: it is .*{what}"):
        find_market("ACME", "stock", tmp_path)


def test_a_compressed_file_is_one_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "acme.csv").write_bytes(gzip.compress(BARS.encode()))
    (tmp_path / "other.csv.gz").write_text(BARS)
    assert len(find_market("ACME", "stock", tmp_path).sessions) == 3
    assert len(find_market("OTHER", "stock", tmp_path).sessions) == 3


def test_more_text_than_fits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tables, "MOST_BYTES", 1 << 10)
    (tmp_path / "acme.csv").write_text(BARS + "2021-01-07,13\n" * 100)
    with pytest.raises(CorruptDataError, match=r"acme\.csv: more than .* keep it as Parquet"):
        find_market("ACME", "stock", tmp_path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.csv").write_text("date,close,close\n2021-01-04,1,2\n")
    with pytest.raises(CorruptDataError, match=r"acme\.csv: several columns are called 'close'"):
        find_market("ACME", "stock", tmp_path)


def test_a_trailing_separator_and_a_comment_below_are_no_cells(tmp_path: Path) -> None:
    (tmp_path / "acme.csv").write_text("date,close\n2021-01-04,1,\n# the end, my friend\n")
    assert len(find_market("ACME", "stock", tmp_path).sessions) == 1


def test_columns_of_lists_are_no_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": ["2021-01-04"], "close": [[1.0, 2.0]]})
    frame.to_parquet(tmp_path / "acme.parquet")
    with pytest.raises(CorruptDataError, match=r"row 1: close .* is not a number"):
        find_market("ACME", "stock", tmp_path)


def test_a_column_of_dividends_alone_is_a_list_of_them(folder: Path) -> None:
    (folder / "acme_dividends.csv").write_text(
        "Date,Dividends,Capital Gains,Stock Splits\n2021-01-05 00:00:00-05:00,0.5,0.0,0.0\n"
        "2021-01-06 00:00:00-05:00,0.0,0.25,0.0\n"
    )
    market = find_market("ACME", "stock", folder)
    np.testing.assert_array_equal(market.dividends[:, 0], [0, 0.5, 0.25])
    assert [problem.text for problem in check(folder) if problem.severity != "note"] == []

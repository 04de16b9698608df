"""Rows of a corpus are the same in both formats, and in memory a page at a time."""

import json
from pathlib import Path

import pytest

from investorbench.tasks.trading_r1.corpus import rows as module
from investorbench.tasks.trading_r1.corpus.rows import (
    FIELDS,
    file_of,
    read_manifest,
    read_rows,
    write_parquet,
    write_rows,
)
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from tests.tasks.trading_r1.corpora import a_row


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = [a_row(0), a_row(1, completion="a\u2028b", structure=0.25, market_seed=3)]
    assert write_rows(file_of(tmp_path, "train"), written) == 2
    assert list(read_rows(tmp_path, "train")) == written


def test_parquet_holds_the_same_rows_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr(module, "PAGE_ROWS", 2)
    written = [a_row(0), a_row(1, completion="text", decision=-1.5), a_row(2)]
    write_rows(file_of(tmp_path, "test"), written)
    write_parquet(file_of(tmp_path, "test"), file_of(tmp_path, "test", "parquet"))
    found = pq.ParquetFile(file_of(tmp_path, "test", "parquet"))
    assert found.read().to_pylist() == written
    assert tuple(found.schema_arrow.names) == FIELDS
    assert found.num_row_groups == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "is no JSON"),
        (b"[1]", "no object"),
        (json.dumps({**a_row(), "label": None}).encode().replace(b'"label"', b'"lable"'), "label"),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: bytes, says: str) -> None:
    write_rows(file_of(tmp_path, "train"), [a_row()])
    with file_of(tmp_path, "train").open("ab") as file:
        file.write(line + b"\n")
    rows = read_rows(tmp_path, "train")
    next(rows)
    with pytest.raises(InvestorBenchError, match=rf"line 2 of .*train\.jsonl.*{says}"):
        next(rows)


def test_a_folder_without_a_corpus_says_how_one_is_built(tmp_path: Path) -> None:
    for read in (lambda: next(read_rows(tmp_path, "train")), lambda: read_manifest(tmp_path)):
        with pytest.raises(DataNotFoundError, match="investorbench corpus build"):
            read()

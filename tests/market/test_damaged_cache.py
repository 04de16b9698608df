"""A cache that another version, or something unknown, left half-written: it is fetched again."""

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from investorbench_env.market.files import store
from investorbench_env.market.sources import coverage, edgar, kept
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.source import FetchRequest

WHOLE = SOURCES["tiingo"]


@pytest.fixture
def request_(tmp_path: Path) -> FetchRequest:
    return FetchRequest(
        symbol="ACME",
        asset_class="stock",
        first=date(2020, 6, 1),
        last=date(2020, 6, 5),
        into=tmp_path,
    )


@pytest.fixture
def kept_file(request_: FetchRequest) -> Path:
    days = pd.bdate_range("2020-06-01", "2020-06-05")
    table = pd.DataFrame({"date": days, "symbol": "ACME", "close": 1.0, "source": "Tiingo"})
    path = request_.into / "prices" / "ACME.parquet"
    asked: Any = SimpleNamespace(records=[])
    kept.keep(request_, path, WHOLE, "bars", table, asked)
    return path


@pytest.mark.parametrize(
    "change",
    [{"rows": None}, {"rows": "many"}, {"asked": None}, {"asked": []}, {"version": 1}],
    ids=str,
)
def test_where_what_stands_beside_a_file_is_lacking_it_is_fetched_again(
    request_: FetchRequest, kept_file: Path, change: dict[str, Any]
) -> None:
    assert kept.needed(request_, kept_file, WHOLE)[1] is not None
    store.write_provenance(kept_file, store.read_provenance(kept_file) | change)
    assert kept.needed(request_, kept_file, WHOLE)[1] is None


@pytest.mark.parametrize("text", ["", "[", "[]", "5", '"x"', "[" * 100_000, "\ufffe{"])
def test_whatever_stands_beside_a_file_it_is_fetched_again(
    request_: FetchRequest, kept_file: Path, text: str
) -> None:
    store.provenance_path(kept_file).write_text(text)
    assert kept.needed(request_, kept_file, WHOLE)[1] is None
    coverage.held(request_, [request_.into])


@pytest.mark.parametrize("kinds", [5, "prices", {}, None])
def test_kinds_that_are_none_leave_those_of_the_file(
    request_: FetchRequest, kept_file: Path, kinds: object
) -> None:
    store.write_provenance(kept_file, store.read_provenance(kept_file) | {"kinds": kinds})
    found = coverage.held(request_, [request_.into])["prices"]
    assert len(found.dates) == 5


@pytest.mark.parametrize("text", ["", '{"row": {"sym', "[]", '{"row": 5}', '{"requests": []}'])
def test_a_piece_that_is_none_is_fetched_again(tmp_path: Path, text: str) -> None:
    piece = tmp_path / "piece.json"
    piece.write_text(text)
    asked: Any = SimpleNamespace(records=[])

    assert edgar._kept_row(asked, piece, lambda: {"text": "new"}) == {"text": "new"}
    assert json.loads(piece.read_text())["row"] == {"text": "new"}

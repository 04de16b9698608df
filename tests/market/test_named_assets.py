"""Cells that name assets: numbers, words that look like others, lists, and signs around them."""

from pathlib import Path

import pandas as pd
import pytest

from investorbench_env.market.files.ticker_cells import tickers_in
from investorbench_env.market.library import find_market

DAYS = ("2021-01-04", "2021-01-05", "2021-01-06")


def news(folder: Path, cell: str, symbol: str = "ACME", column: str = "symbol") -> list[str]:
    rows = "".join(f"{day},{10 + n}\n" for n, day in enumerate(DAYS))
    for name in {symbol.lower(), "acme"}:
        (folder / f"{name}.csv").write_text("date,close\n" + rows)
    text = f'timestamp,{column},headline\n2021-01-05T15:00:00Z,"{cell}",up\n'
    (folder / "all_news.csv").write_text(text)
    return [row.title for row in find_market(symbol, "stock", folder).documents]


@pytest.mark.parametrize(
    "cell",
    [
        *("ACME,MSFT", "MSFT; acme", "MSFT|ACME", "['ACME', 'MSFT']", "[ACME, MSFT]", "$ACME"),
        *("$MSFT $ACME", "NASDAQ:ACME", "NYSE: ACME", "(NYSE: ACME)", "{'ACME'}"),
        *("ACME.US", "ACME US Equity", "ACME MSFT"),
    ],
)
def test_a_text_is_about_each_asset_that_its_cell_names(tmp_path: Path, cell: str) -> None:
    assert news(tmp_path, cell) == ["up"]
    assert news(tmp_path, cell, "CME") == []


@pytest.mark.parametrize("column", ["Symbols", "tickers", "Stock_symbol", "related", "Ticker"])
def test_the_column_of_symbols_has_many_names(tmp_path: Path, column: str) -> None:
    assert news(tmp_path, "ACME", column=column) == ["up"]
    assert news(tmp_path, "ACME", "ALL", column=column) == []


def test_bars_are_of_one_asset_whatever_its_name_holds() -> None:
    assert tickers_in("BTC/USD", several=False) == ("BTC/USD",)
    assert tickers_in("A,B", several=False) == ("A,B",)
    assert tickers_in("  nan ", several=False) == ("NAN",)


@pytest.mark.parametrize(
    ("values", "symbol"),
    [
        ([7203, 7203, 6758], "7203"),
        ([7203.0, 7203.0, None], "7203"),
        ([True, True, False], "TRUE"),
        (["NAN", "NAN", "NULL"], "NAN"),
        (["ON", "ON", None], "ON"),
    ],
)
def test_a_symbol_may_look_like_something_else(
    tmp_path: Path, values: list[object], symbol: str
) -> None:
    frame = pd.DataFrame({"date": list(DAYS), "symbol": values, "close": [10.0, 11.0, 12.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert len(find_market(symbol, "stock", tmp_path).sessions) == 2

    (tmp_path / "a.parquet").unlink()
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert len(find_market(symbol, "stock", tmp_path).sessions) == 2


def test_lists_in_parquet_name_several_assets(tmp_path: Path) -> None:
    news(tmp_path, "MSFT")
    frame = pd.DataFrame(
        {"timestamp": ["2021-01-05T15:00:00Z"], "tickers": [["MSFT", "ACME"]], "title": ["both"]}
    )
    frame.to_parquet(tmp_path / "more.parquet")
    assert [row.title for row in find_market("ACME", "stock", tmp_path).documents] == ["both"]

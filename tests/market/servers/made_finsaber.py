"""FINSABER's two data sets about a made stock, in the forms in which they are published."""

import pickle
from datetime import date
from typing import Any

import numpy as np

from tests.market.servers.data_hub import DataHub, parquet
from tests.market.servers.made_stock import MadeStock

FIRST_NAME, LATER_NAME = "waylonli/FINSABER-data", "finsaber-team/FINSABER-reproduce"
V2_NAME = "finsaber-team/FINSABER-V2-Data"
PICKLE = "data/finmem_data/stock_data_cherrypick_2000_2024.pkl"


def headlines(stock: MadeStock, day: date) -> list[str]:
    """Two on most days, none on every fourth."""
    if day.toordinal() % 4 == 0:
        return []
    return [f"{stock.symbol} makes news on {day}", f"{stock.symbol} – again, {day:%A}"]


def filings(stock: MadeStock) -> dict[date, tuple[str, str]]:
    """Form and text by date."""
    days = stock.days
    return {
        days[3]: ("10-K", f"Annual report of {stock.symbol}. " + "words " * 60),
        days[20]: ("10-Q", f"Quarterly report of {stock.symbol}. " + "words " * 60),
    }


def days(*stocks: MadeStock) -> dict[date, dict[str, Any]]:
    """The dict of the pickle; some of its numbers are NumPy's."""
    whole: dict[date, dict[str, Any]] = {}
    for stock in stocks:
        reports = filings(stock)
        for day in stock.days:
            entry = whole.setdefault(day, {"price": {}, "news": {}, "filing_k": {}, "filing_q": {}})
            opened, high, low, close, volume = stock.bar(day)
            entry["price"][stock.symbol] = {
                "open": opened,
                "high": high,
                "low": low,
                "close": np.float64(close),
                "adjusted_close": np.float64(stock.adjusted(day)),
                "volume": volume,
            }
            if items := headlines(stock, day):
                entry["news"][stock.symbol] = items
            if day in reports:
                form, text = reports[day]
                entry["filing_k" if form == "10-K" else "filing_q"][stock.symbol] = text
    return whole


def pickled(*stocks: MadeStock) -> bytes:
    return pickle.dumps(days(*stocks))


def v2_files(*stocks: MadeStock) -> dict[str, bytes]:
    """The Parquet files by year, in the order of dates, a group of rows a month."""
    tables: dict[str, list[dict[str, Any]]] = {
        "price_daily": [], "news_items": [], "filingk": [], "filingq": [],
    }  # fmt: skip
    for stock in stocks:
        reports = filings(stock)
        for day in stock.days:
            row = {"date": day.isoformat(), "symbol": stock.symbol, "cik": "0001318605"}
            names = ("open", "high", "low", "close", "volume")
            bar = dict(zip(names, stock.bar(day), strict=True))
            tables["price_daily"].append(
                {**row, **bar, "adjusted_close": stock.adjusted(day), "year": day.year}
            )
            tables["news_items"] += [
                {**row, "item_index": n, "news_text": text, "text_len": len(text), "text_crc32": n}
                for n, text in enumerate(headlines(stock, day))
            ]
            if day in reports:
                form, text = reports[day]
                filing = {"filing_idx": 0, "filing_text": text, "accession": f"0-{day:%y}-0"}
                tables["filingk" if form == "10-K" else "filingq"].append({**row, **filing})
    files = {}
    for name, rows in tables.items():
        for year in sorted({row["date"][:4] for row in rows}):
            of_year = sorted(
                (row for row in rows if row["date"][:4] == year), key=lambda row: row["date"]
            )
            months = sorted({row["date"][:7] for row in of_year})
            groups = [[row for row in of_year if row["date"][:7] == month] for month in months]
            columns = [{key: [row[key] for row in group] for key in group[0]} for group in groups]
            files[f"{name}/year={year}/part-000.parquet"] = parquet(columns)
    return files


def hub_with(*stocks: MadeStock) -> DataHub:
    """A hub that has both data sets, and other files beside."""
    filler = {f"data/other/{number}.txt": b"x" for number in range(5)}
    return DataHub(
        files={
            FIRST_NAME: {**filler, PICKLE: pickled(*stocks), "README.md": b"# FINSABER Data"},
            V2_NAME: {**v2_files(*stocks), "README.md": b"# FINSABER-2"},
        }
    )

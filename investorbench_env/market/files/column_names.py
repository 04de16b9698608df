"""What others call the columns that this package knows."""

import re
from collections.abc import Sequence
from types import MappingProxyType

ALIASES = MappingProxyType(
    {
        "symbol": (
            "ticker",
            "tic",
            "sym",
            "coin",
            "asset",
            "symbols",
            "tickers",
            "stock_symbol",
            "stock_symbols",
            "stock",
            "stocks",
            "related",
        ),
        "adj_close": ("adjusted_close", "close_adj"),
        "close": ("close/last", "prices", "price"),
        "volume": ("vol",),
        "date": (
            "day",
            "session",
            "trade_date",
            "trading_date",
            "trading_day",
            "ex_date",
            "ex_dividend_date",
        ),
        "timestamp": (
            "datetime",
            "published",
            "published_at",
            "publish_date",
            "published_date",
            "published_utc",
            "time_published",
            "pub_date",
            "created_at",
            "available_at",
            "open_time",
            "snapped_at",
            "funding_time",
            "calc_time",
        ),
        "headline": ("title", "article_title", "news_headline"),
        "text": ("body", "content", "summary", "article", "description"),
        "sentiment": ("label", "sentiment_label", "overall_sentiment_label", "sentiment_score"),
        "source": ("publisher",),
        "form": ("form_type", "filing_type"),
        "filing_date": ("filed", "filed_at", "date_filed"),
        "accepted": ("acceptance_time", "acceptance_datetime", "accepted_at"),
        "accession": ("accession_number", "accession_no"),
        "amount": ("value", "ratio"),
        "action": ("action_type", "event"),
        "dividend": ("dividends", "div_cash", "dividend_amount", "cash_amount"),
        "funding_rate": ("funding", "last_funding_rate"),
        "period_h": ("period_hours", "interval_hours", "funding_interval_hours"),
        "oracle": ("oracle_price", "oracle_px"),
        "venue": ("exchange",),
        "split": ("stock_splits", "split_factor", "split_coefficient", "splits"),
    }
)
"""Column names of this package, and how others call the same."""

CANDLE_LETTERS = MappingProxyType(
    {
        "o": "open",
        "h": "high",
        "l": "low",
        "c": "close",
        "v": "volume",
        "t": "timestamp",
        "s": "symbol",
        "i": "interval",
    }
)
"""Columns of candles as the interfaces of Hyperliquid, Binance and Alpaca send them."""
MARKS = ("mark_open", "mark_high", "mark_low", "mark_close")
"""Of the price at which a venue of perpetuals values positions."""
OURS = frozenset((*ALIASES, "open", "high", "low", "time", "item", "interval", *MARKS))
"""Names of columns that are read."""
ABOUT = frozenset(("symbol", "symbols", "ticker", "tickers"))
"""Words in the name of a column that says which assets a row is about."""
NOT_ABOUT = frozenset(("currency", "quote", "exchange", "count"))
"""Words beside which it says something else."""
YFINANCE = ("Close", "High", "Low", "Open", "Volume")
"""Prices as yfinance writes them, in this order, once it has adjusted them for dividends."""
UNNAMED = ("", "unnamed_0", "index", "index_level_0")
"""What a column is called that was an index without a name; dates mostly stand there."""


def plain(name: str) -> str:
    """A name in small letters, with one low line between words: ``<Adj Close>`` as adj_close."""
    return re.sub(r"[^\w/^]+", "_", name.strip().lower()).strip("_")


def known_columns(names: Sequence[str]) -> dict[str, str]:
    """This package's column names to those of a file; the exact name goes before an alias.

    Where names differ in blanks, points and low lines alone they are the same: ``adjClose``. One
    column with symbol or ticker among the words of its name holds symbols. A column ``time`` beside
    one of dates keeps its name; without one it is a timestamp.
    """
    found = {plain(name): name for name in reversed(names)}
    if set("ohlct") <= set(names):
        for letter in set(CANDLE_LETTERS) & set(names):
            found.pop(letter, None)
            found[CANDLE_LETTERS[letter]] = letter
    tight = {key.replace("_", ""): key for key in reversed(found)}
    for ours, others in ALIASES.items():
        if ours in found:
            continue
        spelt = (name.replace("_", "") for name in (ours, *others))
        if other := next((tight[name] for name in spelt if tight.get(name) in found), None):
            found[ours] = found.pop(other)
    if "symbol" not in found:
        words = {name: set(name.split("_")) for name in found}
        about = [name for name in found if ABOUT & words[name] and not NOT_ABOUT & words[name]]
        if len(about) == 1:
            found["symbol"] = found.pop(about[0])
    if "date" not in found and "timestamp" not in found:
        unnamed = next((name for name in ("time", *UNNAMED) if name in found), None)
        if unnamed is not None:
            found["timestamp" if unnamed == "time" else "date"] = found.pop(unnamed)
    return found

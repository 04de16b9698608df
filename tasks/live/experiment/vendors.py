"""Yahoo and Stooq, asked as :mod:`investorbench_env.market.sources` asks them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench.tasks.live.experiment.quotes import (
    ListedAction,
    PriceSource,
    Quote,
    Quoted,
)
from investorbench_env.market.sources import stooq, yahoo
from investorbench_env.market.sources.http import Downloader, NotThereError, Politeness
from investorbench_env.market.sources.source import FetchRequest, Source

if TYPE_CHECKING:
    import pandas as pd

INDEX = "^"
"""Begins the symbol of an index."""


class Yahoo:
    """Quotes, dividends and splits.

    Args:
        politeness: pace and patience; None for its own.
    """

    name = "Yahoo"

    def __init__(self, politeness: Politeness | None = None) -> None:
        self._politeness = politeness

    def ask(self, symbol: str, first: date, last: date) -> Quoted:
        """See :class:`~investorbench.tasks.live.experiment.quotes.PriceSource`."""
        browser = yahoo.ask(_request(yahoo.YAHOO, symbol, first, last, self._politeness))
        found = yahoo.chart(browser, symbol, first, last, complete=last)
        actions = tuple(
            ListedAction(f"{row.date:%Y-%m-%d}", row.action, float(row.amount))
            for row in found.actions.itertuples()
        )
        return Quoted(
            source=self.name, asked=symbol, quotes=_quotes(found.bars), actions=actions,
            answer=_answer(browser.records),
        )  # fmt: skip


class Stooq:
    """Quotes of stocks and funds, for those who have a key; it lists no corporate actions.

    Args:
        politeness: pace and patience; None for its own.
    """

    name = "Stooq"

    def __init__(self, politeness: Politeness | None = None) -> None:
        self._politeness = politeness
        self._downloader: Downloader | None = None

    def ask(self, symbol: str, first: date, last: date) -> Quoted:
        """See :class:`~investorbench.tasks.live.experiment.quotes.PriceSource`."""
        if symbol.startswith(INDEX):
            raise NotThereError(f"Stooq, {symbol}: only stocks and funds are asked for there")
        if self._downloader is None:
            request = _request(stooq.STOOQ, symbol, first, last, self._politeness)
            self._downloader = stooq.STOOQ.downloader(request)
        bars = stooq.daily_bars(self._downloader, symbol, first, last, complete=last)
        return Quoted(
            source=self.name, asked=symbol, quotes=_quotes(bars),
            answer=_answer(self._downloader.records),
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the connection."""
        if self._downloader is not None:
            self._downloader.__exit__()


@contextmanager
def price_sources(politeness: Politeness | None = None) -> Iterator[tuple[PriceSource, ...]]:
    """Those that an experiment asks, in their order, for as long as the block runs."""
    with closing(Stooq(politeness)) as second:
        yield Yahoo(politeness), second


def _request(
    source: Source, symbol: str, first: date, last: date, politeness: Politeness | None
) -> FetchRequest:
    return FetchRequest(
        symbol=symbol, asset_class="stock", first=first, last=last, into=Path(),
        kinds=source.kinds, politeness=politeness,
    )  # fmt: skip


def _quotes(bars: "pd.DataFrame") -> dict[str, Quote]:
    """Rows of a source as quotes; one without all four prices is none."""
    found = {}
    for row in bars.itertuples():
        volume = float(getattr(row, "volume", math.nan))
        quote = Quote(float(row.open), float(row.high), float(row.low), float(row.close), volume)
        if all(math.isfinite(price) for price in quote[:4]):
            found[f"{row.date:%Y-%m-%d}"] = quote
    return found


def _answer(records: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {name: records[-1][name] for name in ("url", "retrieved_at", "sha256")}

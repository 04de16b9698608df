"""The range of each day in which a fill must lie, from market data as traded."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from investorbench.tasks.live.findings import LogFinding
from investorbench.tasks.live.logs import LogTable, TradeRow
from investorbench_env.errors import DataNotFoundError, UnknownNameError
from investorbench_env.market.library import find_data
from investorbench_env.market.market import HIGH, LOW, Market

CLASSES = ("stock", "etf")


class Ranges:
    """Fills of a log beside the lows and highs of their days.

    Args:
        folder: of market data; see `docs/data.md`.
        log: of trades.

    Raises:
        InvestorBenchError: a file of the folder cannot be read.
    """

    def __init__(self, folder: str | Path, log: LogTable[TradeRow]) -> None:
        self._log = log
        tickers = sorted({trade.ticker for trade in log.rows})
        self._markets = {ticker: _market(ticker, folder) for ticker in tickers}

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Tickers that the folder does not have."""
        return tuple(ticker for ticker, market in self._markets.items() if market is None)

    def outside(self) -> Iterator[LogFinding]:
        """Fills that no trade of the day can have had."""
        for trade in self._log.rows:
            column = "Buy Price" if trade.bought else "Sell Price"
            price, range_ = trade.numbers.get(column), self._range(trade)
            if price is None or range_ is None:
                continue
            low, high = range_
            if not low - price.half_unit <= price.value <= high + price.half_unit:
                problem = f"{price.value:,.2f}, outside the day's range {low:,.2f} to {high:,.2f}"
                yield LogFinding(self._log.file, trade.row, "price_range", problem, column)

    def _range(self, trade: TradeRow) -> tuple[float, float] | None:
        market = self._markets[trade.ticker]
        if market is None:
            return None
        rows = np.flatnonzero(market.sessions == np.datetime64(trade.day))
        if not len(rows):
            return None
        low, high = market.bars[rows[0], market.asset(trade.ticker), [LOW, HIGH]]
        return None if np.isnan(low) or np.isnan(high) else (float(low), float(high))


def _market(ticker: str, folder: str | Path) -> Market | None:
    for name in CLASSES:
        try:
            return find_data(ticker, name, str(folder), data_tolerance=1.0)
        except (DataNotFoundError, UnknownNameError):
            continue
    return None

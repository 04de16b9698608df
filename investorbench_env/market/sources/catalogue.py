"""What can be fetched from where, and under which terms: a row a source, each in its own module."""

from types import MappingProxyType

from investorbench_env.market.sources.alpaca import ALPACA
from investorbench_env.market.sources.alpaca_news import ALPACA_NEWS
from investorbench_env.market.sources.binance import BINANCE
from investorbench_env.market.sources.binance_usdm import BINANCE_USDM
from investorbench_env.market.sources.edgar import EDGAR
from investorbench_env.market.sources.exchanges import CCXT
from investorbench_env.market.sources.finsaber import FINSABER
from investorbench_env.market.sources.finsaber_v2 import FINSABER_V2
from investorbench_env.market.sources.fnspid import FNSPID
from investorbench_env.market.sources.hyperliquid import HYPERLIQUID
from investorbench_env.market.sources.nifty import NIFTY
from investorbench_env.market.sources.released_files import INVESTORBENCH
from investorbench_env.market.sources.stooq import STOOQ
from investorbench_env.market.sources.tiingo import TIINGO
from investorbench_env.market.sources.yahoo import YAHOO

SOURCES = MappingProxyType(
    {
        source.name: source
        for source in (
            # Prices.
            YAHOO,
            STOOQ,
            TIINGO,
            ALPACA,
            BINANCE,
            CCXT,
            HYPERLIQUID,
            BINANCE_USDM,
            # Texts.
            ALPACA_NEWS,
            EDGAR,
            NIFTY,
            INVESTORBENCH,
            # Prices and texts in one, then large ones.
            FINSABER,
            FNSPID,
            FINSABER_V2,
        )
    }
)
"""In the order in which they are asked for each kind of data."""

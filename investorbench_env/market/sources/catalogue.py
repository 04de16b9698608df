"""What can be fetched from where, and under which terms: a row a source, each in its own module."""

from types import MappingProxyType

from investorbench_env.market.sources import binance, edgar, nifty, released_files, stooq, yahoo

SOURCES = MappingProxyType(
    {
        source.name: source
        for source in (
            yahoo.YAHOO,
            stooq.STOOQ,
            edgar.EDGAR,
            released_files.INVESTORBENCH,
            nifty.NIFTY,
            binance.BINANCE,
        )
    }
)
"""In the order in which they are asked."""

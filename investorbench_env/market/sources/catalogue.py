"""What can be fetched from where, and under which terms."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One origin of data.

    Attributes:
        name: as in ``--source``.
        address: of the server.
        gives: what is fetched from it.
        classes: the asset classes that it knows.
        symbols: the symbols that it has, or empty where it has nearly all.
        terms: of use, in short; they are the source's, look there before publishing anything.
    """

    name: str
    address: str
    gives: str
    classes: frozenset[str]
    symbols: frozenset[str] = frozenset()
    terms: str

    def has(self, symbol: str, asset_class: str) -> bool:
        return asset_class in self.classes and (not self.symbols or symbol in self.symbols)


SOURCES = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(
                name="yahoo",
                address="https://query1.finance.yahoo.com",
                gives="daily bars, dividends, splits",
                classes=frozenset({"stock", "etf"}),
                terms="personal use, no redistribution (Yahoo terms of service)",
            ),
            Source(
                name="stooq",
                address="https://stooq.com",
                gives="daily bars, when Yahoo fails",
                classes=frozenset({"stock", "etf"}),
                terms="no licence stated; personal use",
            ),
            Source(
                name="edgar",
                address="https://data.sec.gov",
                gives="10-K and 10-Q with acceptance time",
                classes=frozenset({"stock"}),
                terms="public; SEC asks for your name and e-mail (--contact)",
            ),
            Source(
                name="investorbench",
                address="https://raw.githubusercontent.com/felis33/INVESTOR-BENCH/HEAD/data",
                gives="released closes, news, filing summaries",
                classes=frozenset({"stock", "crypto"}),
                symbols=frozenset({"MSFT", "JNJ", "UVV", "HON", "NFLX", "BTC", "ETH"}),
                terms="no licence stated; do not redistribute",
            ),
            Source(
                name="nifty",
                address="https://huggingface.co",
                gives="NIFTY headlines of 2010..2020",
                classes=frozenset({"etf"}),
                symbols=frozenset({"SPY"}),
                terms="see the dataset card of raeidsaqur/NIFTY",
            ),
            Source(
                name="binance",
                address="https://data-api.binance.vision",
                gives="daily bars in USDT",
                classes=frozenset({"crypto"}),
                terms="Binance terms of use",
            ),
        )
    }
)

"""Asset classes: one row each with all in which stocks, funds and coins differ."""

from dataclasses import dataclass

from investorbench_env.errors import UnknownNameError

ALWAYS_OPEN = "24/7"
"""The calendar of an exchange that never closes."""


NEW_YORK_HOURS = ("09:30", "16:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What makes a simulated market recognisable: round figures, none of them measured.

    Attributes:
        annual_volatility: of log returns.
        level: first price.
        units_a_day: typical volume.
        vocabulary: what its texts talk about, a key of ``simulated.lexicon.NOUNS``.
        dividend_yield: paid a year, in four parts.
        share_splits: whether a high price is split.
    """

    annual_volatility: float
    level: float
    units_a_day: float
    vocabulary: str
    dividend_yield: float = 0.0
    share_splits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetClass:
    """A kind of asset: where it trades, what that costs, and what belongs to it.

    Attributes:
        name: as in ``Market.asset_class``.
        title: as in environment ids.
        calendar: the sessions, by a name of ``exchange_calendars``.
        timezone: IANA name of the zone in which a session is a date.
        days_a_year: sessions a year, for annual figures.
        hours: when a session opens and closes there, ``HH:MM``; none where it never closes.
        unit: what is held, in the plural.
        commission_bps: commission on traded notional under the protocol ``standard``.
        slippage_bps: slippage on traded notional under the protocol ``standard``.
        corporate_actions: whether there are dividends and share splits.
        filings: whether there are reports to an authority.
        suffixes: what files may write behind a symbol, such as ``-USD``.
        symbols: the best-known ones, to infer the class from where none is given.
        simulated: how a simulated one looks; None where there is none.
        installed: entry point of what reads the market of a symbol from a package that may be
            installed, ``module:function``: it gives None for a symbol that is not there, and says
            what to install where the package is missing. Empty where no package has any.
        leveraged: whether it is held on margin, in accounts of its own: nothing is bought with
            cash, and a short needs no loan.
    """

    name: str
    title: str
    calendar: str
    timezone: str
    days_a_year: int
    unit: str
    commission_bps: float
    slippage_bps: float
    corporate_actions: bool
    filings: bool
    suffixes: tuple[str, ...] = ()
    symbols: frozenset[str] = frozenset()
    hours: tuple[str, ...] = ()
    simulated: Simulated | None = None
    installed: str = ""
    leveraged: bool = False

    @property
    def always_open(self) -> bool:
        """Whether every day is a session, which ends as the next one begins."""
        return self.calendar == ALWAYS_OPEN


STOCK = AssetClass(
    name="stock",
    title="Stock",
    calendar="XNYS",
    timezone="America/New_York",
    days_a_year=252,
    hours=NEW_YORK_HOURS,
    unit="shares",
    commission_bps=5.0,
    slippage_bps=5.0,
    corporate_actions=True,
    filings=True,
    suffixes=(".US", ":US", "-US", " US", " US EQUITY", ".N", ".O", ".OQ"),
    simulated=Simulated(
        annual_volatility=0.35,
        level=80.0,
        units_a_day=5e6,
        vocabulary="company",
        dividend_yield=0.012,
        share_splits=True,
    ),
)

CRYPTO = AssetClass(
    name="crypto",
    title="Crypto",
    calendar=ALWAYS_OPEN,
    timezone="UTC",
    days_a_year=365,
    unit="coins",
    commission_bps=10.0,
    slippage_bps=5.0,
    corporate_actions=False,
    filings=False,
    suffixes=("-USD", "/USD", "USD", "-USDT", "/USDT", "USDT"),
    symbols=frozenset("BTC ETH SOL BNB DOGE XRP ADA LTC DOT AVAX LINK TRX BCH".split()),
    simulated=Simulated(annual_volatility=0.65, level=1000.0, units_a_day=5e5, vocabulary="coin"),
)

ETF = AssetClass(
    name="etf",
    title="ETF",
    calendar="XNYS",
    timezone="America/New_York",
    days_a_year=252,
    hours=NEW_YORK_HOURS,
    unit="shares",
    commission_bps=5.0,
    slippage_bps=5.0,
    corporate_actions=True,
    filings=False,
    suffixes=STOCK.suffixes,
    symbols=frozenset("SPY QQQ IWM GLD TLT DIA EEM XLE SLV USO ARKK VOO VTI".split()),
    simulated=Simulated(
        annual_volatility=0.20,
        level=200.0,
        units_a_day=6e7,
        vocabulary="fund",
        dividend_yield=0.018,
    ),
)

INDEX = AssetClass(
    name="index",
    title="Index",
    calendar="XNYS",
    timezone="America/New_York",
    days_a_year=252,
    hours=NEW_YORK_HOURS,
    unit="units",
    # An index itself is not traded: these are the costs of a fund that follows it.
    commission_bps=ETF.commission_bps,
    slippage_bps=ETF.slippage_bps,
    corporate_actions=False,
    filings=False,
    symbols=frozenset({"SP500", "NASDAQ"}),
    installed="investorbench_env.market.sources.arch_data:read",
)

PERPETUAL = AssetClass(
    name="perpetual",
    title="Perpetuals",
    calendar=ALWAYS_OPEN,
    timezone="UTC",
    days_a_year=365,
    unit="contracts",
    commission_bps=4.5,
    slippage_bps=1.0,
    corporate_actions=False,
    filings=False,
    suffixes=("-PERP", "-USD-PERP", "-USDT-SWAP", "/USDC:USDC", "/USDT:USDT", *CRYPTO.suffixes),
    simulated=Simulated(annual_volatility=0.8, level=100.0, units_a_day=1e7, vocabulary="coin"),
    leveraged=True,
)

ASSET_CLASSES: dict[str, AssetClass] = {
    row.name: row for row in (STOCK, CRYPTO, ETF, INDEX, PERPETUAL)
}
"""Every asset class by name."""


def find_asset_class(name: str) -> AssetClass:
    """An asset class by its name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in tuple(ASSET_CLASSES):  # not by hash, which a list has none of
        raise UnknownNameError("asset class", name, ASSET_CLASSES)
    return ASSET_CLASSES[name]


def asset_class_of(symbol: str) -> str:
    """The name of the class that a symbol most likely belongs to."""
    return next((row.name for row in ASSET_CLASSES.values() if symbol in row.symbols), STOCK.name)


def class_beside(symbol: str, asset_class: str) -> str:
    """The class that a symbol most likely belongs to, of those in one account with another."""
    own, other = ASSET_CLASSES[asset_class_of(symbol)], ASSET_CLASSES[asset_class]
    together = own.calendar == other.calendar and own.leveraged == other.leveraged
    return own.name if together else asset_class

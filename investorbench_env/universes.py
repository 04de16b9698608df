"""Universes: named sets of assets with the dates on which agents are evaluated on them.

The stocks, coins and the fund, and their dates, are those of InvestorBench (Li et al., 2025); the
indices are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from investorbench_env.dates import DateLike, date_text
from investorbench_env.errors import DateRangeError, UnknownNameError
from investorbench_env.market.asset_classes import ASSET_CLASSES

SplitName = Literal["warmup", "test"]
SIMULATED = "SIM"
"""The symbol of an asset that stands for none."""


@dataclass(frozen=True, slots=True)
class Split:
    """A window of dates ``YYYY-MM-DD``, both ends inclusive."""

    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An asset of a universe.

    Attributes:
        symbol: the asset.
        asset_class: the name of its class.
        member_from: first date ``YYYY-MM-DD`` on which it belongs; None for always.
        member_to: last date on which it belongs; None for ever.
        required: whether the universe cannot do without its data.
        sector: what it has in common with others where they are simulated, as texts name it.
    """

    symbol: str
    asset_class: str
    member_from: str | None = None
    member_to: str | None = None
    required: bool = True
    sector: str = ""

    def belongs_on(self, date: str) -> bool:
        """Whether it is a member on a date ``YYYY-MM-DD``."""
        return (self.member_from or date) <= date <= (self.member_to or date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """A named set of assets, and how agents are evaluated on it.

    Attributes:
        name: unique.
        members: its assets.
        splits: the dates of the warm-up and of the test.
        benchmark: the agent that others are compared with, by its name; None where there is none.
        chosen_on: when the assets were chosen, ``YYYY-MM-DD``: those who chose them may have
            known what happened before. None where nothing was there to know.
        data: where its markets come from unless something else is asked for; None for ``"auto"``.
        one_by_one: whether each of its assets has an id of its own, such as ``Stock-TSLA``.
    """

    name: str
    members: tuple[Member, ...]
    splits: Mapping[SplitName, Split]
    benchmark: str | None = "buy_and_hold"
    chosen_on: str | None = None
    data: str | None = None
    one_by_one: bool = False

    def split(self, name: str) -> Split:
        """A split by its name.

        Raises:
            UnknownNameError: there is none of that name.
        """
        for known, split in self.splits.items():
            if known == name:
                return split
        raise UnknownNameError("split", name, self.splits)

    def members_on(self, date: str) -> tuple[Member, ...]:
        """The assets that belong to it on a date ``YYYY-MM-DD``."""
        return tuple(member for member in self.members if member.belongs_on(date))


def members_of(asset_class: str, symbols: str) -> tuple[Member, ...]:
    """Members of one class, always, from their symbols in one line."""
    return tuple(Member(symbol=symbol, asset_class=asset_class) for symbol in symbols.split())


PUBLISHED_ON = "2024-12-24"

STOCKS = Universe(
    name="Stocks",
    members=members_of("stock", "MSFT JNJ UVV HON TSLA AAPL NIO"),
    splits={
        "warmup": Split("2020-07-01", "2020-09-30"),
        "test": Split("2020-10-01", "2021-05-06"),
    },
    chosen_on=PUBLISHED_ON,
    one_by_one=True,
)
COINS = Universe(
    name="Coins",
    members=members_of("crypto", "BTC ETH"),
    splits={
        "warmup": Split("2023-02-11", "2023-04-04"),
        "test": Split("2023-04-05", "2023-11-05"),
    },
    chosen_on=PUBLISHED_ON,
    one_by_one=True,
)
FUNDS = Universe(
    name="Funds",
    members=members_of("etf", "SPY"),
    splits={
        "warmup": Split("2019-07-29", "2019-12-30"),
        "test": Split("2020-01-02", "2020-09-21"),
    },
    chosen_on=PUBLISHED_ON,
    one_by_one=True,
)

INDICES = Universe(
    name="Indices",
    members=members_of("index", "SP500 NASDAQ"),
    splits={
        "warmup": Split("1999-01-04", "1999-12-31"),
        "test": Split("2000-01-03", "2018-12-31"),
    },
    chosen_on="2026-11-28",
    one_by_one=True,
)


NOISE = Universe(
    name="Stocks-SIM-Noise",
    members=members_of("stock", "SIM-Noise"),
    splits={
        "warmup": Split("2020-08-03", "2020-09-30"),
        "test": Split("2020-10-01", "2021-02-25"),
    },
    data="simulated",
    one_by_one=True,
)
"""A simulated stock whose texts drown what lasts: 100 decisions that memory pays for."""


IB7 = Universe(
    name="IB7",
    members=STOCKS.members,
    splits=STOCKS.splits,
    benchmark="equal_weight",
    chosen_on=PUBLISHED_ON,
)
"""The seven stocks of InvestorBench as one portfolio."""

R1 = Universe(
    name="R1",
    members=(
        *members_of("stock", "NVDA MSFT AAPL META AMZN TSLA JPM LLY JNJ XOM CVX"),
        *members_of("etf", "SPY QQQ"),
        Member(symbol="BRK.B", asset_class="stock", required=False),
    ),
    splits={
        "warmup": Split("2024-03-01", "2024-05-31"),
        "test": Split("2024-06-03", "2024-08-30"),
    },
    benchmark="equal_weight",
    chosen_on="2025-09-14",
)
"""The stocks and funds of Trading-R1 (Xiao et al., 2025), on the dates of its evaluation."""

R1_ALONE = Universe(
    name="Trading-R1",
    members=(*members_of("stock", "NVDA AAPL MSFT AMZN META"), *members_of("etf", "SPY")),
    splits=R1.splits,
    chosen_on=R1.chosen_on,
)
"""Those that Trading-R1 reports figures of, each by itself."""
R1_2023 = replace(
    R1_ALONE,
    name="Trading-R1-2023",
    splits={
        "warmup": Split("2022-10-03", "2022-12-30"),
        "test": Split("2023-02-01", "2023-12-29"),
    },
)
"""The same on eleven months of the year before: fifteen labels without overlap in place of four."""
R1_SIM = Universe(
    name=f"Trading-R1-{SIMULATED}",
    members=members_of("stock", SIMULATED),
    splits={
        "warmup": Split("2018-07-02", "2018-09-28"),
        "test": Split("2020-10-01", "2021-03-31"),
    },
    data="simulated",
)
"""A simulated stock with two years between warm-up and test, on which thresholds are frozen."""


ARENA6 = Universe(
    name="ARENA6",
    members=members_of("perpetual", "BTC ETH SOL BNB DOGE XRP"),
    splits={
        "warmup": Split("2025-07-14", "2025-07-16"),
        "test": Split("2025-07-17", "2025-07-26"),
    },
    benchmark="long_all",
    chosen_on="2025-10-17",
)
"""The perpetuals of Alpha Arena (Nof1, 2025), on the days of which there are public candles."""


TEN = Universe(
    name=SIMULATED,
    members=tuple(
        Member(symbol=symbol, asset_class="stock", sector=sector)
        for sector, symbols in (
            ("the technology sector", "SIM-A SIM-B SIM-C SIM-D SIM-E"),
            ("the industrial sector", "SIM-F SIM-G SIM-H SIM-I SIM-J"),
        )
        for symbol in symbols.split()
    ),
    splits=STOCKS.splits,
    benchmark="equal_weight",
    data="simulated",
)
"""Ten simulated stocks with a market and two sectors in common."""


SIX = Universe(
    name=f"Perpetuals-{SIMULATED}",
    members=members_of("perpetual", "SIM-U SIM-V SIM-W SIM-X SIM-Y SIM-Z"),
    splits={
        "warmup": Split("2025-07-16", "2025-07-16"),
        "test": Split("2025-07-17", "2025-07-20"),
    },
    benchmark="long_all",
    data="simulated",
)
"""Six simulated perpetuals: on as many markets as agents are compared on, four days each."""


SNAPSHOTS = Universe(
    name=f"Snapshot-{SIMULATED}",
    members=members_of("stock", SIMULATED),
    splits=STOCKS.splits,
    data="simulated",
)
"""One simulated stock of which each snapshot shows another market and day."""


def _simulated(universe: Universe) -> tuple[Universe, ...]:
    """One simulated asset of the same class on the same dates, where the class has any.

    Beside the stocks there is also the one that memory pays for.
    """
    asset_class = ASSET_CLASSES[universe.members[0].asset_class]
    if asset_class.simulated is None:
        return ()
    one = replace(
        universe,
        name=f"{universe.name}-{SIMULATED}",
        members=members_of(asset_class.name, SIMULATED),
        chosen_on=None,
        data="simulated",
    )
    return (one, NOISE) if universe is STOCKS else (one,)


UNIVERSES: dict[str, Universe] = {
    universe.name: universe
    for real in (STOCKS, COINS, FUNDS, INDICES)
    for universe in (real, *_simulated(real))
} | {
    universe.name: universe
    for universe in (IB7, R1, R1_ALONE, R1_2023, R1_SIM, ARENA6, TEN, SIX, SNAPSHOTS)
}
"""Every universe by name."""

SIMULATED_SYMBOLS = frozenset(
    member.symbol
    for universe in UNIVERSES.values()
    if universe.data == "simulated"
    for member in universe.members
)
"""Assets that are simulated by name, of which there is no data to be had."""


def find_universe(name: str) -> Universe:
    """A universe by its name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if not isinstance(name, str) or name not in UNIVERSES:
        raise UnknownNameError("universe", name, UNIVERSES)
    return UNIVERSES[name]


def universe_of(asset_class: str) -> Universe | None:
    """The first universe with an asset of a class; None where there is none."""
    for universe in UNIVERSES.values():
        if any(member.asset_class == asset_class for member in universe.members):
            return universe
    return None


def find_split(
    universe: Universe | None,
    name: str,
    start: DateLike | None = None,
    end: DateLike | None = None,
) -> Split:
    """A split by name, with its dates overridden where others are given.

    Raises:
        UnknownNameError: there is no split of that name.
        DateRangeError: there is no universe that has dates, and not both are given; one is no date;
            or a warm-up, in which agents are shown what comes next, lies within the test.
    """
    if universe is None and name not in get_args(SplitName):
        raise UnknownNameError("split", name, get_args(SplitName))
    own = None if universe is None else universe.split(name)
    if own is None and (start is None or end is None):
        raise DateRangeError("no universe gives the dates of a split: give start= and end=")
    first = own.start if own and start is None else date_text("start", start)
    last = own.end if own and end is None else date_text("end", end)
    if universe is not None and name == "warmup":
        test = universe.split("test")
        if first <= test.end and last >= test.start:
            raise DateRangeError(
                f"the warm-up {first}..{last} lies within the test {test.start}..{test.end}, and "
                'shows agents what comes next: use split="test", or dates outside'
            )
    return Split(first, last)

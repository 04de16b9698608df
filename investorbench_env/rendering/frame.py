"""What a picture shows: a frame of prices, account, fills and events; knows no way to draw it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError

FloatArray = npt.NDArray[np.float64]
DateArray = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill.

    Attributes:
        index: the bar in which it was filled, as an index into the frame's ``dates``.
        side: +1 for a buy, -1 for a sell.
        price: of the fill, in the units of ``Frame.close``.
    """

    index: int
    side: int
    price: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became known or took effect.

    Attributes:
        index: the bar to which it belongs, as an index into the frame's ``dates``.
        kind: ``"news"``, ``"dividend"``, ``"split"``, or the form of a filing such as ``"10-K"``.
        text: one line about it; only the text frame shows it.
    """

    index: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpisodeFrame:
    """What every picture of an episode so far shows.

    Attributes:
        source: where its market comes from, in words.
        simulated: True where prices or text are not real.
        protocol: the name of the protocol.
        dates: bars of some history and of the episode so far, the last one being that of the
            decision: the date of each as ``datetime64[D]``, or where bars are shorter than a day
            the time of its end in the market's zone as ``datetime64[m]`` [n].
        start: the index of the episode's first decision in ``dates``.
        equity: of the account, in its currency [n - start].
        events: what happened, in order.

    Raises:
        MarketError: the lengths do not fit, or something lies outside ``dates``.
    """

    source: str
    simulated: bool
    protocol: str
    dates: DateArray
    start: int = 0
    equity: FloatArray
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        length = len(self.dates)
        if not 0 <= self.start < length:
            raise MarketError(f"start {self.start} is not a bar of a frame of {length}")
        self.require_lengths(length - self.start, "equity")
        self.require_inside(self.events)

    def require_lengths(self, needed: int, *names: str) -> None:
        """Refuse arrays that do not fit.

        Raises:
            MarketError: one has another length.
        """
        for name in names:
            if (found := len(getattr(self, name))) != needed:
                raise MarketError(f"{name} has {found} values where the frame needs {needed}")

    def require_inside(self, items: Sequence["Event | Trade | AssetTrade"]) -> None:
        """Refuse what happened in no bar of the frame.

        Raises:
            MarketError: something did.
        """
        length = len(self.dates)
        for item in items:
            if not 0 <= item.index < length:
                raise MarketError(f"{item} lies outside the {length} bars of the frame")

    @property
    def has_times(self) -> bool:
        """Whether bars have a time of day."""
        return self.dates.dtype == np.dtype("datetime64[m]")

    def moment(self, index: int) -> str:
        """The date of a bar, ``YYYY-MM-DD``, and its time of day where it has one."""
        date = self.dates[index]
        return str(date if self.has_times else date.astype("datetime64[D]")).replace("T", " ")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame(EpisodeFrame):
    """Everything that a picture of an episode with one asset shows.

    Attributes:
        symbol: the asset.
        close: price as traded, split-adjusted to the last date, NaN where a bar is missing [n].
        weight: position as a share of equity after each step, -1 short to +1 long [n - start].
        trades: fills, in order.
    """

    symbol: str
    close: FloatArray
    weight: FloatArray
    trades: tuple[Trade, ...] = ()

    def __post_init__(self) -> None:
        EpisodeFrame.__post_init__(self)
        self.require_lengths(len(self.dates), "close")
        self.require_lengths(len(self.dates) - self.start, "weight")
        self.require_inside(self.trades)


@dataclass(frozen=True, slots=True)
class AssetTrade:
    """A fill of one of several assets.

    Attributes:
        index: the bar in which it was filled, as an index into the frame's ``dates``.
        symbol: the asset.
        quantity: shares, negative where they were sold.
        price: of the fill, as traded.
        share: its notional as a share of equity.
    """

    index: int
    symbol: str
    quantity: float
    price: float
    share: float


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """What is held of an asset now.

    Attributes:
        symbol: the asset.
        quantity: shares, negative where they are owed.
        price: its mark.
        profit: what it has earned since it was bought and not yet realised.
        stale: whether the mark is of an earlier session.
    """

    symbol: str
    quantity: float
    price: float
    profit: float
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioFrame(EpisodeFrame):
    """Everything that a picture of an episode with several assets shows.

    Attributes:
        name: of the universe, or of the assets.
        symbols: the A assets.
        weights: of each as a share of equity after each step [n - start, A].
        universe: the value of equal parts of all assets that are held from the first decision on,
            prices alone, in any unit; NaN where it is unknown [n - start].
        holdings: now.
        trades: fills, in order.
        rejections: orders that were not carried out, in order.
        waiting: how many orders wait.
    """

    name: str
    symbols: tuple[str, ...]
    weights: FloatArray
    universe: FloatArray
    holdings: tuple[HoldingRow, ...] = ()
    trades: tuple[AssetTrade, ...] = ()
    rejections: tuple[Event, ...] = ()
    waiting: int = 0

    def __post_init__(self) -> None:
        EpisodeFrame.__post_init__(self)
        self.require_lengths(len(self.dates) - self.start, "weights", "universe")
        self.require_inside((*self.trades, *self.rejections))

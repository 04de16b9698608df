"""What a picture shows: a frame of prices, account, fills and events; knows no way to draw it."""

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
        index: the bar in which it was filled, as an index into ``Frame.dates``.
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
        index: the bar to which it belongs, as an index into ``Frame.dates``.
        kind: ``"news"``, ``"dividend"``, ``"split"``, or the form of a filing such as ``"10-K"``.
        text: one line about it; only the text frame shows it.
    """

    index: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Everything that a picture of an episode so far shows.

    Attributes:
        symbol: the asset.
        source: where its market comes from, in words.
        simulated: True where prices or text are not real.
        protocol: the name of the protocol.
        dates: bars of some history and of the episode so far, the last one being that of the
            decision: the date of each as ``datetime64[D]``, or where bars are shorter than a day
            the time of its end in the market's zone as ``datetime64[m]`` [n].
        close: price as traded, split-adjusted to the last date, NaN where a bar is missing [n].
        start: the index of the episode's first decision in ``dates``.
        equity: of the account, in its currency [n - start].
        weight: position as a share of equity after each step, -1 short to +1 long [n - start].
        trades: fills, in order.
        events: what happened, in order.

    Raises:
        MarketError: the lengths do not fit, or a trade or an event lies outside ``dates``.
    """

    symbol: str
    source: str
    simulated: bool
    protocol: str
    dates: DateArray
    close: FloatArray
    start: int
    equity: FloatArray
    weight: FloatArray
    trades: tuple[Trade, ...] = ()
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        length = len(self.dates)
        if not 0 <= self.start < length:
            raise MarketError(f"start {self.start} is not a bar of a frame of {length}")
        episode = length - self.start
        for name, needed in (("close", length), ("equity", episode), ("weight", episode)):
            if (found := len(getattr(self, name))) != needed:
                raise MarketError(f"{name} has {found} values where the frame needs {needed}")
        items: tuple[Trade | Event, ...] = (*self.trades, *self.events)
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

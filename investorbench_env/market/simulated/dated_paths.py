"""Paths of one law, each on dates of its own, drawn together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.documents import SENTIMENTS
from investorbench_env.market.market import FloatArray
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.law import Law
from investorbench_env.market.simulated.news import count_labels, plan_news
from investorbench_env.market.simulated.noise import NoisyDynamics
from investorbench_env.market.simulated.path_market import hidden_state
from investorbench_env.market.simulated.process import draw_shocks, evolve
from investorbench_env.market.simulated.profiles import profile_of
from investorbench_env.market.simulated.traded_bars import ExDates, on_sessions, traded_bars

IndexArray = npt.NDArray[np.intp]


class DatedNumbers(NamedTuple):
    """What N paths hold besides their texts, to the bit what each path's market holds.

    Attributes:
        bars: open, high, low, close and volume as traded [N, T, 5].
        dividends: cash per share [N, T].
        share_splits: new shares for an old one [N, T].
        labels: how many news with each sentiment came since the session before [N, T, 3].
        hidden_state: after the session that was asked for, by name [N].
    """

    bars: FloatArray
    dividends: FloatArray
    share_splits: FloatArray
    labels: npt.NDArray[np.uint8]
    hidden_state: dict[str, FloatArray]


class DatedPaths:
    """Paths of laws that differ in nothing but their dates.

    Args:
        laws: one for each of D sets of dates, all with as many sessions T.

    Attributes:
        laws: the same.
        length: T.
        sessions: dates of each law [D, T].
        times: their ends, UTC [D, T].

    Raises:
        MarketError: they differ in more, or what is said of their asset lasts.
    """

    def __init__(self, laws: Sequence[Law]) -> None:
        kinds = {(law.asset_class, law.symbol, law.dynamics, len(law.sessions)) for law in laws}
        if len(kinds) > 1:
            raise MarketError("laws that are drawn from together must differ in their dates alone")
        self.laws, law = tuple(laws), laws[0]
        self.length = len(law.sessions)
        require_nothing_that_lasts(law.symbol, law.dynamics)
        self._row = find_asset_class(law.asset_class)
        self._profile = profile_of(law.symbol, self._row)
        self.sessions = np.stack([law.sessions for law in laws])
        self.times = np.stack([law.times for law in laws])
        self._ex_dates = _side_by_side([law.ex_dates for law in laws], self.length)

    def numbers(
        self,
        which: IndexArray,
        entropies: Sequence[Sequence[int]],
        *,
        state_after: int,
        news: bool = True,
    ) -> DatedNumbers:
        """The paths of many entropies without their words.

        Args:
            which: the law of each, by its place [N].
            entropies: of each path, as in ``Law.market``.
            state_after: the session whose hidden state is given.
            news: whether news is counted, which takes half the time; without, ``labels`` is 0.
        """
        law, length = self.laws[0], self.length
        origins = [law.origin(entropy) for entropy in entropies]
        paths = evolve(law.dynamics, draw_shocks(origins, length))
        ex_dates = ExDates._make(each[which] for each in self._ex_dates)
        traded = traded_bars(paths, ex_dates, self._profile)
        labels = np.zeros((len(which), length, len(SENTIMENTS)), dtype=np.uint8)
        if news:
            dates = self.sessions[which], self.times[which]
            planned = plan_news(law.dynamics, paths, *dates, self._row, origins)
            labels = count_labels(planned, labels.shape[:2])
        return DatedNumbers(
            bars=traded.bars,
            dividends=on_sessions(traded.dividends, ex_dates.days, length, 0.0),
            share_splits=on_sessions(traded.splits, ex_dates.days, length, 1.0),
            labels=labels,
            hidden_state=hidden_state(paths, of=(slice(None), state_after)),
        )


def require_nothing_that_lasts(symbol: str, dynamics: Dynamics) -> None:
    """Refuse a law under which short paths would lack what was said before they begin.

    Raises:
        MarketError: it is such a one.
    """
    if isinstance(dynamics, NoisyDynamics):
        raise MarketError(
            f"what is said of {symbol} lasts longer than a few sessions: simulate another asset, "
            "such as SIM"
        )


def _side_by_side(ex_dates: Sequence[ExDates], length: int) -> ExDates:
    """Those of several laws [D, E]; what a law has fewer of is beyond the last session."""
    most = max(len(each.days) for each in ex_dates)

    def padded(values: npt.NDArray[np.generic], beyond: int) -> npt.NDArray[np.generic]:
        return np.pad(values, (0, most - len(values)), constant_values=beyond)

    days, may_split, pays = (
        np.stack([padded(values, beyond) for values in part])
        for part, beyond in zip(zip(*ex_dates, strict=True), (length, 0, 0), strict=True)
    )
    return ExDates(days, may_split, pays)

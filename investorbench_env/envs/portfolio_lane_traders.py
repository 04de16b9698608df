"""How the decisions of N portfolios side by side are carried out: the twins of their traders.

As those of one portfolio they keep nothing of an episode: what they hand back are the accounts.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.weights import Traded, scale
from investorbench_env.accounting.weights_account import WeightAmounts, marked
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.envs.portfolio_tape import PortfolioTape
from investorbench_env.envs.portfolio_traders import NEGLIGIBLE, Closed, OrderTrader
from investorbench_env.errors import InvalidActionError, shown
from investorbench_env.market.joint_prices import SessionStep

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


class ClosedLanes(NamedTuple):
    """N portfolios at a close, and what happened since the one before.

    Attributes:
        amounts: of the accounts, arrays [N] and [A, N].
        traded: what was traded to reach target weights; None for nothing, or for orders.
        step: what the markets did on the way, where weights were traded.
        rejected: target weights that were not carried out [A, N]; None for none.
        held: shares on which distributions were paid [A, N]; None for none.
        scaled: what weights added up to where they had to be scaled down, else NaN [N]; None for
            none.
        each: the portfolios one by one, where they take orders.
    """

    amounts: WeightAmounts
    traded: Traded | None = None
    step: SessionStep | None = None
    rejected: Flags | None = None
    held: Array | None = None
    scaled: Array | None = None
    each: tuple[Closed, ...] = ()


class LaneTrader(Protocol):
    """Carries out decisions of one kind."""

    def open(self, cash: float, lanes: Lanes[PortfolioTape]) -> ClosedLanes:
        """The accounts of episodes that begin where they stand."""

    def trade(
        self,
        before: ClosedLanes,
        actions: Any,
        lanes: Lanes[PortfolioTape],
        step: SessionStep,
        at: Array,
    ) -> ClosedLanes:
        """Go from the decisions where lanes stand to the next ones.

        Args:
            before: the accounts at the earlier decisions.
            actions: what was decided then.
            lanes: where they stand.
            step: what the markets did on the way.
            at: the later decisions [N].

        Raises:
            InvalidActionError: an action is none.
        """

    def merged(self, which: Flags, fresh: ClosedLanes, others: ClosedLanes) -> ClosedLanes:
        """Put fresh accounts in the place of some."""


class WeightLanes:
    """Trades to target weights."""

    def __init__(self, setup: PortfolioSetup, count: int) -> None:
        self._options, self._account = setup.options, setup.weights_account()
        self._shape = count, len(setup.symbols)
        self._least = setup.action_space().low.item(0)  # type: ignore[attr-defined]
        self._everything = np.ones(count, dtype=np.bool_)

    def open(self, cash: float, lanes: Lanes[PortfolioTape]) -> ClosedLanes:
        marks = lanes.tape.final(lanes.places)
        return ClosedLanes(self._account.open(np.full(self._shape[0], cash), marks))

    def trade(
        self,
        before: ClosedLanes,
        actions: Any,
        lanes: Lanes[PortfolioTape],
        step: SessionStep,
        at: Array,
    ) -> ClosedLanes:
        given, most, amounts = self._weights(actions), self._options.max_gross, before.amounts
        weights = given
        if lanes.tape.bars_some:
            weights = np.where(lanes.tape.tradable(lanes.places).T, given, 0.0)
        weights, gross = scale(weights, most, long_only=self._least >= 0.0)
        is_above = gross > most * (1.0 + NEGLIGIBLE)
        some_above = np.count_nonzero(is_above) > 0
        accepted: Any = ~is_above if some_above and self._options.strict else True
        # Read several times, and twice as fast where it is laid out.
        fill = np.empty(amounts.units.shape)
        fill[:] = step.fill
        full = step._replace(fill=fill)
        after, traded, ruined = self._account.step(amounts, weights, accepted, full)
        return ClosedLanes(
            after,
            traded,
            step,
            _rejected(given, weights, amounts.units, step, ~np.asarray(accepted) | ruined),
            amounts.units if step.ex_date else None,
            np.where(is_above & accepted, gross, np.nan) if some_above else None,
        )

    def merged(self, which: Flags, fresh: ClosedLanes, others: ClosedLanes) -> ClosedLanes:
        traded, on = others.traded, ~which
        names = ("cash", "costs", "units", "entries", "marks")
        amounts = (
            np.where(which, getattr(fresh.amounts, name), getattr(others.amounts, name))
            for name in names
        )
        return others._replace(
            amounts=marked(*amounts),
            traded=None if traded is None else Traded(*(part * on for part in traded)),
            rejected=None if others.rejected is None else others.rejected & on,
            held=None if others.held is None else others.held * on,
            scaled=None if others.scaled is None else np.where(which, np.nan, others.scaled),
        )

    def _weights(self, actions: Any) -> Array:
        """Target weights, the assets on the first axis [A, N]."""
        try:
            given = np.asarray(actions)
            is_valid = (
                given.shape == self._shape
                and given.dtype.kind in "fiu"
                and bool(given.min() >= self._least and given.max() <= 1.0)
            )
        except ValueError:  # rows of different lengths
            is_valid = False
        if not is_valid:
            count, assets = self._shape
            raise InvalidActionError(
                f"actions {shown(actions)} are no {count} x {assets} weights from "
                f"{self._least:g} to 1; nothing was traded"
            )
        return given.T.astype(np.float64, order="C")


def _rejected(
    given: Array, weights: Array, units: Array, step: SessionStep, all_of: Any
) -> Flags | None:
    """Which target weights were not carried out [A, N]; None for none.

    Args:
        given: weights [A, N].
        weights: the same, 0 of what cannot be bought.
        units: that were held [A, N].
        step: what the markets did.
        all_of: whether all orders of an account were rejected.
    """
    has_all = np.count_nonzero(all_of) > 0
    if weights is given and step.trades is None and not has_all:
        return None
    wanted = given != 0.0
    rejected: Flags = wanted & (weights == 0.0)
    if step.trades is not None:
        is_left = (units != 0.0) & (step.split != 0.0)
        rejected |= ~step.trades & ((weights != 0.0) | is_left)
    return np.where(all_of, wanted, rejected) if has_all else rejected


class OrderLanes:
    """Carries out lists of orders, lane by lane."""

    def __init__(self, setup: PortfolioSetup, count: int) -> None:
        self._setup, self._count = setup, count
        self._trader = OrderTrader(setup)

    def open(self, cash: float, lanes: Lanes[PortfolioTape]) -> ClosedLanes:
        starts = self._setup.decisions[lanes.at].tolist()
        return _stacked([
            self._trader.open(cash, lanes.history(lane), t) for lane, t in enumerate(starts)
        ])  # fmt: skip

    def trade(
        self,
        before: ClosedLanes,
        actions: Any,
        lanes: Lanes[PortfolioTape],
        step: SessionStep,
        at: Array,
    ) -> ClosedLanes:
        if not isinstance(actions, Sequence | np.ndarray) or len(actions) != self._count:
            raise InvalidActionError(
                f"actions {shown(actions)} are no {self._count} lists of orders; nothing was traded"
            )
        decisions = self._setup.decisions
        after = []
        for lane, (closed, action) in enumerate(zip(before.each, actions, strict=True)):
            history, now = lanes.history(lane), decisions.item(lanes.at.item(lane))
            following = decisions.item(at.item(lane))
            barred = self._setup.barred(history, now)
            after.append(self._trader.trade(closed, action, barred, history, following))
        return _stacked(after)

    def merged(self, which: Flags, fresh: ClosedLanes, others: ClosedLanes) -> ClosedLanes:
        chosen = zip(which, fresh.each, others.each, strict=True)
        return _stacked([new if begins else old for begins, new, old in chosen])


def _stacked(each: Sequence[Closed]) -> ClosedLanes:
    amounts = zip(*(closed.amounts for closed in each), strict=True)
    return ClosedLanes(
        WeightAmounts(*(np.stack(values, axis=-1) for values in amounts)), each=tuple(each)
    )

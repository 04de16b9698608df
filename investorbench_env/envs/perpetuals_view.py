"""A decision about perpetuals as it is shown: in numbers with masks, and in words."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.adding import in_order
from investorbench_env.accounting.events import PerpetualPosition
from investorbench_env.accounting.signals import Signal
from investorbench_env.envs.perpetuals_features import (
    FEATURES,
    MARKET,
    Figures,
    HeldFigures,
    PerpetualFigures,
)
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.envs.perpetuals_text import account_text, market_text
from investorbench_env.envs.perpetuals_trader import PerpetualMark

Mask = npt.NDArray[np.int8]
ALWAYS = ("quantity", "margin", "notional")
"""Known of a coin that is not held, too: they are 0."""


class PerpetualView:
    """What is shown at a decision, each part made when it is asked for.

    Args:
        setup: of the environment.
        history: of the market.
        mark: the account at the decision.
        steps_left: decisions to come.
    """

    def __init__(
        self, setup: PerpetualSetup, history: PerpetualHistory, mark: PerpetualMark, steps_left: int
    ) -> None:
        self._setup, self._history, self._mark = setup, history, mark
        self._steps_left = steps_left

    @property
    def features(self) -> Figures:
        """In the order of ``FEATURES``, 0 where unknown [A, 30]."""
        return _filled(self._features)

    @property
    def mask(self) -> Mask:
        """Which of them are known [A, 30]."""
        return (~np.isnan(self._features)).astype(np.int8)

    @property
    def series(self) -> Figures:
        """In the order of ``SERIES``, oldest first, 0 where unknown [A, window, 7]."""
        return _filled(self._series)

    @property
    def series_mask(self) -> Mask:
        """Which of them are known [A, window, 7]."""
        return (~np.isnan(self._series)).astype(np.int8)

    @cached_property
    def figures(self) -> PerpetualFigures:
        """Of the account."""
        account, positions = self._mark.account, self._mark.positions
        return PerpetualFigures(
            total_return=account.equity / self._setup.options.initial_cash - 1.0,
            cash=account.cash,
            equity=account.equity,
            margin=in_order(each.margin for each in positions),
            unrealised=in_order(each.unrealised_pnl for each in positions),
            costs=account.costs,
            funding=self._mark.received,
            sharpe=self._mark.sharpe,
            steps_left=float(self._steps_left),
        )

    @property
    def text(self) -> str:
        """All of it in words."""
        setup, mark = self._setup, self._mark
        now = self._history.figures.at(mark.now.t)
        lengths = setup.options.interval, setup.options.context
        hours = setup.venue.funding_hours
        parts = [
            f"It is {mark.now.time}. Decisions left after this one: {self._steps_left}.",
            market_text(setup.symbols, now, self._series, lengths, hours),
            account_text(self.figures, mark.positions, mark.plans),
        ]
        if mark.idle:
            parts.insert(1, f"No trades in a bar since the last decision: {', '.join(mark.idle)}.")
        return "\n\n".join(parts)

    @cached_property
    def _features(self) -> Figures:
        shown = np.full((len(self._setup.symbols), len(FEATURES)), np.nan, np.float32)
        shown[:, : len(MARKET)] = self._history.figures.at(self._mark.now.t)
        shown[:, [FEATURES.index(name) for name in ALWAYS]] = 0.0
        for each in self._mark.positions:
            row = self._held(each, self._mark.plans[each.symbol])
            shown[self._setup.symbols.index(each.symbol), len(MARKET) :] = row
        return shown

    @cached_property
    def _series(self) -> Figures:
        return self._history.figures.series(self._mark.now.t, self._setup.options.window)

    def _held(self, position: PerpetualPosition, plan: Signal) -> npt.NDArray[np.float64]:
        """The figures of a position; NaN where there is none."""
        row = HeldFigures(
            quantity=position.quantity,
            entry=position.entry_price,
            mark=position.mark,
            liquidation=position.liquidation_price,
            unrealised=position.unrealised_pnl,
            leverage=position.leverage,
            stop=position.stop,
            target=position.target,
            margin=position.margin,
            notional=position.notional,
            confidence=plan.confidence,
            risk=plan.risk_usd,
            received=position.funding,
            hours=self._mark.hours[position.symbol],
        )
        return np.array(row, np.float64)


def _filled(figures: Figures) -> Figures:
    """A copy with 0 where nothing is known."""
    return np.where(np.isnan(figures), np.float32(0.0), figures)

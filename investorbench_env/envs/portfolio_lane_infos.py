"""The infos of N portfolios: a dict of arrays, each beside a mask of the lanes that have it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.weights import paying
from investorbench_env.envs.lane_infos import ACCOUNT, FILL, tell_markets, unchangeable
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.portfolio_lane_traders import ClosedLanes
from investorbench_env.envs.portfolio_options import ORDERS
from investorbench_env.envs.portfolio_setup import PortfolioSetup
from investorbench_env.envs.portfolio_tape import PortfolioTape
from investorbench_env.market.joint_prices import SessionStep

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Info = dict[str, Any]

HAPPENED = ("fills", "rejections", "distributions", "open_orders")
REPORTED = (
    "session", "time", "episode_number", "equity", "cash", "costs", "account", "stale",
    "fills", "rejections",
)  # fmt: skip


class PortfolioInfos:
    """Makes infos of which a reader may change what it likes: nothing here reads them again."""

    def __init__(self, setup: PortfolioSetup, lanes: Lanes[PortfolioTape], count: int) -> None:
        self._setup, self._lanes, self._count = setup, lanes, count
        everyone = unchangeable(np.ones(count, dtype=np.bool_))
        self._account_masks = {"_" + name: everyone for name in ACCOUNT}
        self._fill_masks = {"_" + name: everyone for name in FILL}
        constants = {
            "data_source": setup.markets.source,
            "simulated": setup.markets.simulated,
            "protocol": setup.protocol.name,
        }
        self._template: Info = {
            name: unchangeable(np.full(count, value)) for name, value in constants.items()
        }
        self._template["symbols"] = unchangeable(np.tile(np.array(setup.symbols), (count, 1)))
        by_asset = count, len(setup.symbols)
        self._template["stale"] = unchangeable(np.zeros(by_asset, dtype=np.bool_))
        self._template["rejections"] = self._template["stale"]
        names = (*constants, "symbols", *REPORTED)
        if setup.options.action == ORDERS:
            names = (*names, *HAPPENED)
        self._template.update({"_" + name: everyone for name in names})
        nothing = unchangeable(np.zeros(by_asset))
        self._no_fills = dict.fromkeys(FILL, nothing) | self._fill_masks

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies of unchangeable arrays would be writable.
        return type(self), (self._setup, self._lanes, self._count)

    def report(self, closed: ClosedLanes, ended: Flags) -> Info:
        """The info of a step.

        Args:
            closed: the accounts after it, and what happened.
            ended: whose episodes it ended [N].
        """
        lanes, tape, at, places = self._lanes, self._lanes.tape, self._lanes.at, self._lanes.places
        amounts = closed.amounts
        info = self._template.copy()
        info["session"] = tape.sessions.take(at)
        info["time"] = tape.times.take(at)
        info["episode_number"] = lanes.episode.copy()
        info["equity"] = equity = amounts.equity.copy()
        info["cash"] = cash = amounts.cash.copy()
        info["costs"] = costs = amounts.costs.copy()
        info["account"] = {
            "cash": cash,
            "equity": equity,
            "costs": costs,
            "quantities": amounts.units.copy().T,
            "entry_prices": amounts.entries.copy().T,
            "prices": self._by_lane(amounts.marks),
            "weights": amounts.weights.T,
            "unrealised_pnl": amounts.unrealised.T,
            **self._account_masks,
        }
        if tape.has_stale:
            info["stale"] = tape.stale(places)
        if closed.each:
            for name in HAPPENED:
                info[name] = _objects([getattr(one, name) for one in closed.each])
        else:
            self._report_weights(info, closed)
        if self._setup.labelled:
            info["label"] = np.where(ended[:, None], 0.0, tape.labels(at, places))
            info["_label"] = ~ended
        if self._setup.tells_market and np.count_nonzero(ended):
            tell_markets(info, lanes.market, ended)
        return info

    def _report_weights(self, info: Info, closed: ClosedLanes) -> None:
        """What was done for the sake of target weights."""
        traded, step = closed.traded, closed.step
        if traded is None or step is None:
            info["fills"] = self._no_fills.copy()
        else:
            info["fills"] = {
                "quantity": traded.bought.T,
                "price": self._by_lane(step.fill),
                "notional": traded.notional.T,
                "cost": (traded.notional * self._setup.cost_rate).T,
                **self._fill_masks,
            }
        if closed.rejected is not None:
            info["rejections"] = closed.rejected.T
        if closed.scaled is not None:
            info["scaled"], info["_scaled"] = closed.scaled, ~np.isnan(closed.scaled)
        if closed.held is not None and step is not None:
            self._report_distributions(info, closed.held, step)

    def _report_distributions(self, info: Info, held: Array, step: SessionStep) -> None:
        """What those got who held shares on the way here."""
        some = paying(step.dividend, step.split)
        held, dividend, split = held[some], step.dividend[some], step.split[some]
        paid = (held != 0.0) & ((dividend != 0.0) | (split != 1.0))
        shape = len(self._setup.symbols), self._count
        cash, ratio, which = np.zeros(shape), np.ones(shape), paid.any(axis=0)
        cash[some], ratio[some] = held * dividend, np.where(paid, split, 1.0)
        info["distributions"] = {
            "cash": cash.T, "ratio": ratio.T, "_cash": which, "_ratio": which.copy()
        }  # fmt: skip
        info["_distributions"] = which.copy()

    def _by_lane(self, prices: Array) -> Array:
        """Prices [A, N] or [A, 1], as [N, A] of the reader's own, or unchangeable."""
        if prices.shape[1] == self._count:
            return prices.copy().T
        shape, size = (self._count, len(prices)), prices.itemsize
        return np.ndarray(shape, prices.dtype, prices.tobytes(), strides=(0, size))


def _objects(values: Sequence[Any]) -> Array:
    """An array of any objects [N]."""
    array = np.full(len(values), None, dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array

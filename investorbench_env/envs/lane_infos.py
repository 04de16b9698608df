"""The infos of N episodes: a dict of arrays, each beside a mask of the lanes that have a value."""

from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Amounts, TradeAmounts
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.setup import AMOUNTS, Setup

Array = npt.NDArray[Any]
Info = dict[str, Any]

ACCOUNT = (
    "cash", "equity", "costs", "quantities", "entry_prices", "prices", "weights", "unrealised_pnl"
)  # fmt: skip
FILL = ("quantity", "price", "notional", "cost")
REPORTED = (
    "session", "time", "episode_number", *AMOUNTS,
    "dividend", "split", "account", "fills", "rejections",
)  # fmt: skip


class LaneInfos:
    """Makes infos of which a reader may change what it likes: nothing here reads them again."""

    def __init__(self, setup: Setup, lanes: Lanes[Any], count: int) -> None:
        self._setup, self._lanes, self._count = setup, lanes, count
        self._everyone = unchangeable(np.ones(count, dtype=np.bool_))
        self._account_masks = {"_" + name: self._everyone for name in ACCOUNT}
        self._fill_masks = {"_" + name: self._everyone for name in FILL}
        constants = {
            "symbol": setup.symbol,
            "data_source": setup.markets.source,
            "simulated": setup.markets.simulated,
            "protocol": setup.protocol.name,
        }
        self._template: Info = {
            name: unchangeable(np.full(count, value)) for name, value in constants.items()
        }
        nothing = unchangeable(np.zeros(count))
        self._template.update(fill_price=nothing, notional=nothing, cost=nothing, dividend=nothing)
        self._template["split"] = unchangeable(np.ones(count))
        self._template["rejections"] = unchangeable(np.zeros((count, 1), dtype=np.bool_))
        self._template.update({"_" + name: self._everyone for name in (*constants, *REPORTED)})
        self._no_fills = dict.fromkeys(FILL, nothing[:, None]) | self._fill_masks

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies of unchangeable arrays would be writable.
        return type(self), (self._setup, self._lanes, self._count)

    def report(
        self,
        amounts: Amounts,
        trade: TradeAmounts | None,
        ended: npt.NDArray[np.bool_],
        held: Array | None = None,
    ) -> Info:
        """The info of a step.

        Args:
            amounts: of the accounts after it.
            trade: what was traded in it.
            ended: whose episodes it ended [N].
            held: units on which dividends and splits were paid on the way here [N]; None where
                there were none.
        """
        lanes, tape, at, places = self._lanes, self._lanes.tape, self._lanes.at, self._lanes.places
        cash, equity, costs, units, entry, price, weight, unrealised = (
            array.copy() if isinstance(array, np.ndarray) else np.full(self._count, array)
            for array in amounts[:8]
        )
        info = self._template.copy()
        info["session"], info["time"] = tape.dates(at, places)
        info["episode_number"] = lanes.episode.copy()
        info["equity"] = equity
        info["cash"] = cash
        info["position"] = units
        info["weight"] = weight
        info["costs"] = costs
        info["account"] = {
            "cash": cash,
            "equity": equity,
            "costs": costs,
            "quantities": units[:, None],
            "entry_prices": entry[:, None],
            "prices": price[:, None],
            "weights": weight[:, None],
            "unrealised_pnl": unrealised[:, None],
            **self._account_masks,
        }
        if trade is None:
            info["fills"] = self._no_fills.copy()
        else:
            self._report_trade(info, *trade)
        if lanes.has_ex_dates():
            info["dividend"], info["split"] = tape.distributions(places)
            if held is not None:
                self._report_distributions(info, held)
        if self._setup.labelled:
            info["label"] = np.where(ended, 0.0, tape.labels(at, places))
            info["_label"] = ~ended
        if self._setup.tells_market and np.count_nonzero(ended):
            tell_markets(info, lanes.market, ended)
        return info

    def _report_trade(
        self, info: Info, quantity: Array, price: Any, notional: Array, cost: Array, rejected: Any
    ) -> None:
        info["fill_price"] = fill_price = (notional > 0.0) * price
        info["notional"] = notional = notional.copy()
        info["cost"] = cost = cost.copy()
        info["fills"] = {
            "quantity": quantity[:, None].copy(),
            "price": fill_price[:, None],
            "notional": notional[:, None],
            "cost": cost[:, None],
            **self._fill_masks,
        }
        if rejected is not False:
            info["rejections"] = rejected[:, None].copy()

    def _report_distributions(self, info: Info, held: Array) -> None:
        """What those got who held units on the way here."""
        dividend, split = info["dividend"], info["split"]
        paid = (held != 0.0) & ((dividend != 0.0) | (split != 1.0))
        info["distributions"] = {
            "cash": (held * dividend)[:, None],
            "ratio": np.where(paid, split, 1.0)[:, None],
            "_cash": paid,
            "_ratio": paid.copy(),
        }
        info["_distributions"] = paid.copy()


def tell_markets(
    info: Info, numbers: npt.NDArray[np.object_], ended: npt.NDArray[np.bool_]
) -> None:
    """Name the market of each episode that ended."""
    info["market_seed"] = seeds = np.full(len(ended), None, dtype=object)
    seeds[ended] = numbers[ended]
    info["_market_seed"] = ended.copy()


def masked(info: Info, which: npt.NDArray[np.bool_]) -> Info:
    """An info that has values for some lanes only, as the last one of their episodes."""
    kept: Info = {}
    for name, value in info.items():
        if isinstance(value, dict):
            kept[name] = masked(value, which)
        else:
            kept[name] = value & which if name.startswith("_") else value
    return kept


def of_each(observation: dict[str, Array], which: npt.NDArray[np.bool_]) -> Array:
    """Observations of some lanes, each a dict of its own; None for the others [N]."""
    found = np.full(len(which), None, dtype=object)
    for lane in np.flatnonzero(which).tolist():
        found[lane] = {name: values[lane].copy() for name, values in observation.items()}
    return found


def unchangeable(array: Array) -> Array:
    """The same values in memory that cannot be made writable again."""
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)

"""The infos of N episodes of perpetuals: arrays by lane, and tables of what happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.margin_bars import REASONS, BarEvents, Ended
from investorbench_env.accounting.margin_state import COLUMNS
from investorbench_env.envs.lane_infos import tell_markets, unchangeable
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.perpetuals_lane_trader import LaneStep, PerpetualLanes, Refusals
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.envs.perpetuals_tape import PerpetualTape

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Info = dict[str, Any]
Table = dict[str, Array]

ACCOUNT = ("cash", "equity", "costs", "quantities", "entry_prices", "prices", "unrealised_pnl")
REPORTED = (
    "session", "time", "episode_number", "equity", "cash", "costs", "account", "outage",
)  # fmt: skip
FILLS = ("lane", "coin", "quantity", "price", "notional", "cost")
CLOSED = (
    "lane", "coin", "quantity", "entry_price", "exit_price", "reason", "opened", "closed", "pnl",
    "fees", "funding", "margin", "leverage",
)  # fmt: skip
FUNDING = ("lane", "coin", "cash", "rate", "price")
REJECTIONS = ("lane", "coin", "kind")
TABLES = {"fills": FILLS, "closed": CLOSED, "funding": FUNDING, "rejections": REJECTIONS}
"""What happened, a row an event, with the columns of each."""

KINDS = {
    "lane": "i8", "coin": "i8", "kind": "U1", "reason": "U1", "opened": "M8[ns]", "closed": "M8[ns]"
}  # fmt: skip
"""Of columns that hold no floats."""

_REASONS = np.array(REASONS)


class PerpetualInfos:
    """Makes infos of which a reader may change what it likes: nothing here reads them again."""

    def __init__(self, setup: PerpetualSetup, lanes: Lanes[PerpetualTape], count: int) -> None:
        self._setup, self._lanes, self._count = setup, lanes, count
        everyone = unchangeable(np.ones(count, np.bool_))
        self._account_masks = {"_" + name: everyone for name in ACCOUNT}
        constants = {
            "data_source": setup.markets.source,
            "simulated": setup.markets.simulated,
            "protocol": setup.protocol.name,
            "rules": setup.rules.name,
        }
        self._template: Info = {
            name: unchangeable(np.full(count, value)) for name, value in constants.items()
        }
        self._template["symbols"] = unchangeable(np.tile(np.array(setup.symbols), (count, 1)))
        nothing = np.zeros((count, len(setup.symbols)), np.bool_)
        self._template["outage"] = unchangeable(nothing)
        names = (*constants, "symbols", *REPORTED)
        self._template.update({"_" + name: everyone for name in names})
        self._template.update({"_" + name: everyone for name in TABLES})
        self._nothing = {name: _empty(columns) for name, columns in TABLES.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies of unchangeable arrays would be writable.
        return type(self), (self._setup, self._lanes, self._count)

    def report(
        self, accounts: PerpetualLanes, step: LaneStep, fresh: Flags | None, ended: Flags
    ) -> Info:
        """The info of a step.

        Args:
            accounts: after it.
            step: what happened.
            fresh: whose episodes have just begun [N]; None for no lane.
            ended: whose it ended [N].
        """
        lanes, tape, at = self._lanes, self._lanes.tape, self._lanes.at
        book = accounts.book
        info = self._template.copy()
        info["session"] = tape.sessions.take(at)
        info["time"] = tape.times.take(at)
        info["episode_number"] = lanes.episode.copy()
        info["equity"] = equity = accounts.equity.copy()
        info["cash"] = cash = accounts.free.copy()
        info["costs"] = costs = book.fees.copy()
        info["account"] = {
            "cash": cash,
            "equity": equity,
            "costs": costs,
            "quantities": book.size.copy().T,
            "entry_prices": book.column("entry").copy().T,
            "prices": book.marks.copy().T,
            # Found again at every step, so that it can be given away.
            "unrealised_pnl": accounts.unrealised.T,
            **self._account_masks,
        }
        self._report_events(info, step, fresh)
        if (idle := tape.idle(lanes.places)) is not None:
            info["outage"] = idle if fresh is None else idle & ~fresh[:, None]
        if self._setup.labelled:
            info["label"] = np.where(ended[:, None], 0.0, tape.labels(at, lanes.places))
            info["_label"] = ~ended
        if self._setup.tells_market and np.count_nonzero(ended):
            tell_markets(info, lanes.market, ended)
        return info

    def _report_events(self, info: Info, step: LaneStep, fresh: Flags | None) -> None:
        """Tables of what happened, but to episodes that have just begun."""
        seconds = self._lanes.tape.bar_seconds
        makers: dict[str, Callable[[], Table | None]] = {
            "fills": partial(_fills, step.bars, self._count),
            "closed": partial(_closed, step.bars, self._count, seconds),
            "funding": partial(_funding, step.bars, self._count),
            "rejections": partial(_rejections, step.refusals, self._count),
        }
        for name, make in makers.items():
            own = make if fresh is None else partial(_without, make, fresh)
            info[name] = EventTable(TABLES[name], own, self._nothing[name])
        if step.repaired is not None and np.count_nonzero(step.repaired):
            repaired = step.repaired.copy() if fresh is None else step.repaired * ~fresh
            info["repairs"], info["_repairs"] = repaired, repaired > 0


class EventTable(Mapping[str, Array]):
    """What happened, a row an event: columns that are laid out when the first of them is read.

    Args:
        names: of the columns.
        make: lays them out; None for no event.
        nothing: the columns of no event.
    """

    def __init__(
        self, names: Sequence[str], make: Callable[[], Table | None], nothing: Table
    ) -> None:
        self._names, self._make, self._nothing = names, make, nothing
        self._made: Table | None = None

    def __getitem__(self, name: str) -> Array:
        """A column [K]."""
        if self._made is None:
            self._made = self._make() or self._nothing
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"EventTable({dict(self)!r})"


def _without(make: Callable[[], Table | None], lanes: Flags) -> Table | None:
    """A table without the rows of some lanes."""
    table = make()
    if table is None:
        return None
    kept = ~lanes[table["lane"]]
    return {name: column[kept] for name, column in table.items()}


def _closed(bars: Sequence[tuple[Any, BarEvents]], count: int, bar_seconds: int) -> Table | None:
    ended = [(number, each) for number, events in bars for each in events.ended]
    if not ended:
        return None
    coin, lane = np.divmod(np.concatenate([each.at for _, each in ended]), count)
    held = dict(zip(COLUMNS, np.hstack([each.held for _, each in ended]), strict=True))
    price, reason, pnl, fee = (
        np.concatenate([getattr(each, name) for _, each in ended])
        for name in ("price", "reason", "pnl", "fee")
    )
    closed = []
    for number, each in ended:  # at the open of a bar, or by its close
        opens = np.broadcast_to(number, (count,))[each.at % count]
        closed.append(opens + (bar_seconds if each.inside else 0))
    return {
        "lane": lane,
        "coin": coin,
        "quantity": held["size"],
        "entry_price": held["entry"],
        "exit_price": price,
        "reason": _REASONS[reason],
        "opened": _moments(held["opened"]),
        "closed": _moments(np.concatenate(closed)),
        "pnl": pnl,
        "fees": held["fees"] + fee,
        "funding": held["funding"],
        "margin": held["put_in"],
        "leverage": held["leverage"],
    }


def _moments(seconds: Array) -> Array:
    return seconds.astype("datetime64[s]").astype("datetime64[ns]")


def _rejections(refusals: Sequence[Refusals], count: int) -> Table | None:
    if not refusals:
        return None
    at = np.concatenate([each.at for each in refusals])
    kinds = np.repeat([each.kind for each in refusals], [len(each.at) for each in refusals])
    is_coin = at >= 0
    lane = np.where(is_coin, at % count, -1 - at)
    return {"lane": lane, "coin": np.where(is_coin, at // count, -1), "kind": kinds}


def _fills(bars: Sequence[tuple[Any, BarEvents]], count: int) -> Table | None:
    """Entries and exits, in the order in which an account has them."""
    rows: list[tuple[Array, Array, Array, Array]] = []
    for _, events in bars:
        exits = [(each.after_entries, _exit(each)) for each in events.ended]
        rows += [row for is_after, row in exits if not is_after]
        if (entered := events.entered) is not None:
            rows.append((entered.at, entered.size, entered.price, entered.fee))
        rows += [row for is_after, row in exits if is_after]
    if not rows:
        return None
    at, quantity, price, cost = (np.concatenate(column) for column in zip(*rows, strict=True))
    coin, lane = np.divmod(at, count)
    values = lane, coin, quantity, price, np.abs(quantity) * price, cost
    return dict(zip(FILLS, values, strict=True))


def _exit(ended: Ended) -> tuple[Array, Array, Array, Array]:
    return ended.at, -ended.held[0], ended.price, ended.fee


def _funding(bars: Sequence[tuple[Any, BarEvents]], count: int) -> Table | None:
    paid = [events.funded for _, events in bars if events.funded is not None]
    if not paid:
        return None
    at, *values = (np.concatenate(column) for column in zip(*paid, strict=True))
    coin, lane = np.divmod(at, count)
    return dict(zip(FUNDING, (lane, coin, *values), strict=True))


def _empty(columns: Sequence[str]) -> Table:
    return {name: unchangeable(np.zeros(0, KINDS.get(name, "f8"))) for name in columns}

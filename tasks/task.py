"""Tasks: an environment id with the data, protocol and dates it is scored on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import gymnasium as gym

import investorbench_env
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.universes import Split, find_split, find_universe

SplitName = Literal["warmup", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an agent is scored on; frozen, so that a result can name it.

    Attributes:
        id: the environment's id, such as ``"InvestorBench/Stock-TSLA"``.
        protocol: the protocol's name.
        data: where the market comes from; ``"real"`` never falls back to a simulated one.
        start: first date of the test split, in place of its own.
        end: last date of the test split, in place of its own.
        options: further options of the environment.
    """

    id: str
    protocol: str = "standard"
    data: Any = None
    start: str | None = None
    end: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, id_or_task: "str | Task", **changes: Any) -> "Task":
        """A task from an id such as ``"InvestorBench/Stock-TSLA"`` or ``"stock/tsla"``.

        Args:
            id_or_task: the id, or a task that stays as it is but for the changes.
            changes: attributes to set; None leaves one alone.

        Raises:
            UnknownNameError: there is no such id.
        """
        task = id_or_task if isinstance(id_or_task, Task) else cls(id=find_id(id_or_task))
        given = {name: value for name, value in changes.items() if value is not None}
        options = {**task.options, **given.pop("options", {})}
        return replace(task, **given, options=options)

    @property
    def asset_class(self) -> str:
        return str(self._defaults["asset_class"])

    @property
    def symbol(self) -> str:
        symbol = self.options.get("symbol") or self._defaults.get("symbol")
        if symbol is None and hasattr(self.data, "symbols"):
            symbol = self.data.symbols[0]
        if symbol is None:
            raise InvestorBenchError(f"{self.id} needs symbol=...")
        return str(symbol)

    @property
    def short_name(self) -> str:
        """What folders and trackers call it, such as ``stock-tsla``."""
        name = self.id.removeprefix("InvestorBench/").lower()
        return name if "-" in name else f"{name}-{self.symbol.lower()}"

    @property
    def action(self) -> str:
        """``"trade"`` or ``"weight"``."""
        return str(self.options.get("action", "trade"))

    @property
    def days_a_year(self) -> int:
        """Trading days a year, for annual figures."""
        return ASSET_CLASSES[self.asset_class].days_a_year

    def split(self, name: SplitName) -> Split:
        """The dates of a split; start and end concern the test split only."""
        universe = find_universe(self.options.get("universe") or self._defaults["universe"])
        if name == "warmup":
            return find_split(universe, name)
        return find_split(universe, name, self.start, self.end)

    def make(self, split: SplitName) -> gym.Env[Any, Any]:
        """The environment of a split."""
        dates = self.split(split)
        data = self._defaults.get("data", "real") if self.data is None else self.data
        return gym.make(
            self.id,
            split=split,
            protocol=self.protocol,
            data=data,
            start=dates.start,
            end=dates.end,
            **self.options,
        )

    @property
    def _defaults(self) -> dict[str, Any]:
        return dict(gym.spec(self.id).kwargs)


def task_of(settings: Mapping[str, Any]) -> Task:
    """The task that the settings of a job describe.

    Raises:
        UnknownNameError: there is no such id.
    """
    task, protocol = settings["task"], settings["protocol"]
    costs = {name: value for name, value in protocol.items() if name != "name"}
    options = {**task["options"], **costs}
    return Task.of(
        str(task["id"]),
        protocol=protocol["name"],
        data=settings["data"] or task["data"],
        start=task["start"],
        end=task["end"],
        options={str(name): value for name, value in options.items() if value is not None},
    )


def find_id(name: str) -> str:
    """An environment id from itself or from its short form ``class/symbol``, in any case.

    Raises:
        UnknownNameError: there is no such id.
    """
    ids = [*investorbench_env.environment_ids(), *investorbench_env.family_ids()]
    short = {id.removeprefix("InvestorBench/").replace("-", "/").lower(): id for id in ids}
    known = {id.lower(): id for id in ids} | short
    if name.lower() not in known:
        raise UnknownNameError("task", name, ids if name.startswith("InvestorBench/") else short)
    return known[name.lower()]

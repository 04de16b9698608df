"""Tasks: an environment id with the data, protocol and dates it is scored on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import gymnasium as gym
from gymnasium.vector import VectorEnv

from investorbench.agents.finding import import_own
from investorbench.tasks.finding import find_task, name_of, our_id
from investorbench.tasks.plain import is_plain, plain
from investorbench_env.dates import date_text
from investorbench_env.envs.options import EXPECTED
from investorbench_env.envs.snapshot_setup import SnapshotSetup, setup_of
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.files.frames import is_frames, market_of_frames
from investorbench_env.market.library import FETCHES
from investorbench_env.market.market import DATA_TOLERANCE, Market
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.protocols import STANDARD
from investorbench_env.registration import NAMESPACE, facts_of, family_of, market_of
from investorbench_env.universes import Universe, find_universe

SplitName = Literal["warmup", "test"]

OF_ASSETS = ("symbol", "symbols")
"""Options that name assets, which tables name by themselves."""
OF_DRAWN_MARKETS = ("markets", "pool")
"""Options that say what simulated markets are drawn from; a market at hand has none."""
OF_ORDERS = ("constraints", "terms")
"""Options that say how orders for shares are filled; target weights know none of it."""
EXAMPLE = f"{NAMESPACE}/Stock-TSLA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an agent is scored on; frozen, so that a result can name it.

    The environment may be anybody's that gives :class:`~investorbench_env.facts.Facts` as
    ``unwrapped.facts`` and takes ``split="warmup"`` and ``split="test"``.

    Attributes:
        id: the environment's id, such as ``"InvestorBench/Stock-TSLA"``; with a module before it,
            ``"module:Namespace/Name"``, that is imported first.
        protocol: the protocol's name; ours have ``"standard"`` where none is given, those of others
            what they do by themselves.
        data: where the market comes from: what ``gym.make`` takes, of which data frames are read
            once and become a market; None for real data, which never falls back to a simulated
            market, or for what an environment of somebody else's has.
        start: first date of the test split, in place of its own.
        end: last date of the test split, in place of its own.
        options: further options of the environment.
        labels: how its days are labelled for decisions that theses end in, see
            :mod:`investorbench.tasks.trading_r1.truths`: ``{"train": [first, last]}``, the window
            that thresholds are frozen on. The environment knows nothing of it; None for no labels.
    """

    id: str
    protocol: str = ""
    data: Any = None
    start: str | None = None
    end: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] | None = None
    _facts: dict[str, Facts] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.is_ours and not self.protocol:
            object.__setattr__(self, "protocol", STANDARD.name)
        if self.is_ours and self.options.get("reward") == EXPECTED:
            raise InvestorBenchError(
                f'reward="{EXPECTED}" gives away what drives a market: it is for training with '
                "gym.make, and what is scored is the return that came"
            )
        for name in ("start", "end") if self.is_ours else ():
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, date_text(name, given))
        if self.is_ours and is_frames(self.data):
            # Read once, so that every episode and its record have the same market.
            object.__setattr__(self, "data", self._market_of_frames())

    @classmethod
    def of(cls, id_or_task: "str | Task", **changes: Any) -> "Task":
        """A task by name, such as ``"InvestorBench/Stock-TSLA"``, ``"stock/tsla"`` or a file.

        Args:
            id_or_task: what :func:`~investorbench.tasks.finding.find_task` finds, or a task that
                stays as it is but for the changes.
            changes: attributes to set; None leaves one alone.

        Raises:
            UnknownNameError: there is no such id.
        """
        if not isinstance(id_or_task, str | Task):
            raise InvestorBenchError(
                f"{id_or_task!r} is no task: give an id such as {EXAMPLE!r}, a file such as "
                '"./my_task.yaml", or a Task'
            )
        task = id_or_task if isinstance(id_or_task, Task) else cls(**find_task(id_or_task))
        given = {name: value for name, value in changes.items() if value is not None}
        options = {**task.options, **given.pop("options", {})}
        return replace(task, **given, options=options)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The assets, known without data where the id or an option names them.

        Of a universe all that may be in it, also those without data.
        """
        if named := self.options.get("symbols"):
            if isinstance(named, str):  # "all" of a folder, whatever it has
                return (named,)
            return tuple(map(str, named))
        symbol = self.options.get("symbol") or (self.is_ours and self._defaults.get("symbol"))
        if symbol:
            return (str(symbol),)
        if self._is_of_universe and (universe := self.universe) is not None:
            return tuple(member.symbol for member in universe.members)
        if isinstance(self.data, Mapping):  # what a record says of a market
            return tuple(self.data["symbols"])
        if hasattr(self.data, "symbols"):
            return tuple(self.data.symbols)
        if self.is_ours:
            option = 'symbols=["AAPL", "MSFT"]' if self._is_of_universe else 'symbol="NVDA"'
            raise InvestorBenchError(f"which assets does {self.id} have? Name them: {option}")
        return self.facts("test").symbols

    @property
    def symbol(self) -> str:
        """The asset, or all of them joined by commas."""
        return ",".join(self.symbols)

    @property
    def asset_class(self) -> str:
        """The name of the class of its assets; ours of one asset name it in their ids."""
        return str(self._defaults.get("asset_class", "stock"))

    @property
    def universe(self) -> Universe | None:
        """Whose dates and benchmark hold; None where an id and its options name none."""
        name = self.options.get("universe") or (self.is_ours and self._defaults.get("universe"))
        return find_universe(str(name)) if name else None

    @property
    def is_ours(self) -> bool:
        """Whether the environment is one of this package."""
        return self.id.startswith(f"{NAMESPACE}/")

    @property
    def is_of_snapshots(self) -> bool:
        """Whether each episode is one decision, held for a horizon."""
        family = family_of(self.id) if self.is_ours else None
        return family is not None and family.name == "Snapshot"

    @property
    def is_simulated(self) -> bool:
        """Whether one of ours is on simulated markets, as it is asked for, whatever is there."""
        return self.is_ours and self._arguments("test").get("data") == "simulated"

    @property
    def _is_of_universe(self) -> bool:
        """Whether its id stands for a whole universe, and not for one asset of it."""
        family = family_of(self.id) if self.is_ours else None
        return family is not None and family.each == "universe"

    @property
    def short_name(self) -> str:
        """What folders and trackers call it, such as ``stock-tsla``.

        Where an option names a universe, and so other dates than the id has, it is part of it.
        """
        name = self.id.rpartition(":")[2].removeprefix(f"{NAMESPACE}/").lower().replace("/", "-")
        is_open = self.is_ours and "-" not in name
        universe = str(self.options.get("universe") or "").lower() if self.is_ours else ""
        asset = self.symbol.lower() if is_open else ""
        return "-".join(filter(None, (name, asset, universe)))

    def facts(self, split: SplitName) -> Facts:
        """What may be known of a split's environment without stepping it.

        Raises:
            InvestorBenchError: options or data that do not work, or an environment without facts.
        """
        with self._explained(split):
            if self.is_ours:
                return facts_of(self._registered(), **self._arguments(split))
            if split not in self._facts:  # others have to be made for it, which may take long
                self._facts[split] = facts_of(self._registered(), **self._arguments(split))
            return self._facts[split]

    def make(self, split: SplitName) -> gym.Env[Any, Any]:
        """The environment of a split.

        Raises:
            InvestorBenchError: options or data that do not work, with what would.
        """
        with self._explained(split):
            return gym.make(self._registered(), **self._arguments(split))

    def make_vec(self, split: SplitName, lanes: int, seed: int | None = None) -> VectorEnv | None:
        """The vectorised environment of a split, of many lanes; None where there is none.

        Of ours, observations hold the account alone, which spares time.

        Args:
            split: which.
            lanes: how many.
            seed: of the market that all lanes are in; each goes its own way for None. None is made
                for environments of others, which may know no such market.

        Raises:
            InvestorBenchError: options or data that do not work, with what would.
        """
        id = self._registered()
        if gym.spec(id).vector_entry_point is None or not (self.is_ours or seed is None):
            return None
        arguments = self._arguments(split)
        if seed is not None:
            drawn = ("data", *OF_DRAWN_MARKETS)
            arguments = {name: value for name, value in arguments.items() if name not in drawn}
            arguments["data"] = self.market(seed)
        if self.is_ours:
            arguments["modalities"] = ("account",)
        with self._explained(split):
            return gym.make_vec(id, num_envs=lanes, **arguments)

    def by_weights(self) -> "Task":
        """The same at the same costs with target weights that no rule rejects; else itself.

        So trade what an agent is compared with: a benchmark, and policies without a will.
        """
        if self.is_ours and self.options.get("strict"):
            return replace(self, options={**self.options, "strict": False})
        if not self.is_ours or self.options.get("action") != "orders":
            return self
        kept = {name: value for name, value in self.options.items() if name not in OF_ORDERS}
        costs = {"commission_bps": self.facts("test").cost_rate * 1e4, "slippage_bps": 0.0}
        return replace(self, options={**kept, **costs, "action": "weights"})

    def market(self, seed: int | None = None) -> Market:
        """All of the market of an episode, for what may know the future: an oracle.

        Args:
            seed: what the environment of the episode begins with.

        Raises:
            InvestorBenchError: options or data that do not work, or an environment of others.
        """
        with self._explained("test"):
            return market_of(self._registered(), seed, **self._arguments("test"))

    def snapshots(self) -> SnapshotSetup:
        """What its snapshots are drawn from, for an evaluator, who may know how they end.

        Raises:
            InvestorBenchError: options or data that do not work, or its episodes are no snapshots.
        """
        if not self.is_of_snapshots:
            raise InvestorBenchError(
                f"{self.id} has no snapshots, each one decision: use InvestorBench/Snapshot-SIM"
            )
        with self._explained("test"):
            return setup_of({**gym.spec(self.id).kwargs, **self._arguments("test")})

    def dynamics(self) -> Dynamics:
        """The parameters of its simulated market, for what may know the law: a filter.

        Raises:
            InvestorBenchError: options or data that do not work, or the market is a real one.
        """
        facts = self.facts("test")
        if not facts.simulated:
            raise InvestorBenchError(
                f"{self.id} runs on {facts.source}: only a simulated market has known dynamics"
            )
        if self.is_of_snapshots and len(self.symbols) > 1:
            raise InvestorBenchError(
                f"each of {self.symbol} has dynamics of its own: run what knows them on one asset"
            )
        return dynamics_of(self.symbol, facts.asset_class)

    def _market_of_frames(self) -> Market:
        if self._is_of_universe:
            return market_of(
                self.id, data=self.data, start=self.start, end=self.end, **self.options
            )
        tolerance = self.options.get("data_tolerance", DATA_TOLERANCE)
        return market_of_frames(
            self.options.get("symbol", self._defaults.get("symbol")),
            self.asset_class,
            self.data,
            dates=self.options.get("dates"),
            tolerance=tolerance,
        )

    def _registered(self) -> str:
        """The id as Gymnasium knows it, once its module is imported."""
        module, _, id = self.id.rpartition(":")
        if module:
            import_own(module, f"{id} in {module}")
        if id not in gym.registry:
            raise InvestorBenchError(
                f"there is no environment {self.id} here: import the module that registers it, or "
                f"name it with the task, as module:{self.id}"
            )
        return id

    @contextmanager
    def _explained(self, split: SplitName) -> Iterator[None]:
        """Say what data a task needs, and what an environment of others does not take."""
        try:
            yield
        except DataNotFoundError as error:
            found, fetches, _ = str(error).partition(FETCHES)
            name = name_of(self.id, self.options) if fetches else None
            if name is None:
                raise
            # The environment knows its assets, and not on which days a task needs them.
            raise DataNotFoundError(f"{found}{fetches}{name}") from None
        except TypeError as error:
            if self.is_ours or "unexpected keyword argument" not in str(error):
                raise
            raise InvestorBenchError(
                f"{self.id} cannot be made with {self._arguments(split)}: {error}; an environment "
                'must take `split`, "warmup" or "test", and whatever else is set'
            ) from error

    def _arguments(self, split: SplitName) -> dict[str, Any]:
        """The keywords of ``gym.make``: of other people's environments only what was set.

        Raises:
            DataNotFoundError: some were handed over in Python, and only their description is left.
        """
        for name, value in {"data": self.data, **self.options}.items():
            if not is_plain(value):
                raise DataNotFoundError(
                    f"{name} was handed over in Python ({value}), so {self.id} cannot be made "
                    "again from its record: it can be scored, and verified but for its market"
                )
        given = {"protocol": self.protocol or None, "data": self.data}
        if split == "test":
            given |= {"start": self.start, "end": self.end}
        if self.is_ours and self.data is None:
            given["data"] = self._defaults.get("data", "real")
        return {
            "split": split,
            **{name: value for name, value in given.items() if value is not None},
            **self.options,
        }

    @property
    def _defaults(self) -> dict[str, Any]:
        return dict(gym.spec(self.id).kwargs)


def settings_of(task: Task) -> dict[str, Any]:
    """The settings that describe a task, as a configuration of the command line does.

    A market or a function that was handed over in Python is described, and cannot be made again.
    """
    data = plain(task.data)
    if not is_plain(data):
        data |= {"sha256": task.facts("test").fingerprint, "symbols": list(task.symbols)}
    own = {"id": task.id, "data": None, "start": task.start, "end": task.end}
    labels = {} if task.labels is None else {"labels": plain(task.labels)}
    return {
        "task": {**own, "options": plain(task.options), **labels},
        "protocol": {"name": task.protocol or None},
        "data": data,
    }


def task_of(settings: Mapping[str, Any]) -> Task:
    """The task that the settings of a job describe, whether or not it can be made here."""
    task, protocol = settings["task"], settings["protocol"]
    costs = {name: value for name, value in protocol.items() if name != "name"}
    options = {**task["options"], **costs}
    return Task(
        id=our_id(str(task["id"])) or str(task["id"]),
        protocol=protocol["name"] or "",
        data=settings["data"] or task["data"],
        start=task["start"],
        end=task["end"],
        options={str(name): value for name, value in options.items() if value is not None},
        labels=task.get("labels"),
    )

"""What an experiment is: its assets, its agents, and the rules of their accounts; set once."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.portfolio import Terms
from investorbench_env.errors import InvestorBenchError

FILE = "file"
"""The agent that is a person or a chat window: a prompt is written, an answer is taken."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.=^-]{0,31}")
MOST_CASH = 1e15
INDICES = ("^GSPC", "^RUT")
"""The S&P 500 and the Russell 2000, beside which accounts are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgent:
    """One agent of an experiment.

    Attributes:
        name: of its account; a folder is called so.
        kind: what it is: ``file``, a configuration's name, or ``./my_agent.py:MyAgent``.
        settings: further settings, as on the command line of a run: ``model=offline``.
    """

    name: str
    kind: str
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvestorBenchError(
                f"an agent cannot be called {self.name!r}: take letters, digits, - _ and points"
            )

    @property
    def is_file(self) -> bool:
        """Whether it answers by a file."""
        return self.kind == FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSettings:
    """What an experiment is.

    Attributes:
        symbols: the assets that may be traded.
        agents: each with an account of its own.
        initial_cash: of each account.
        terms: of fills.
        constraints: of purchases.
        profile: what terms and constraints are called; empty for the default.
        indices: that accounts are shown beside.
        asset_class: of the assets; its calendar has the sessions.
        window: sessions of prices in an observation.
        delay_min: minutes after the close from which prices are asked for.
        tolerance: the share by which sources may differ before a day is flagged.
        seed: of the agents.
    """

    symbols: tuple[str, ...]
    agents: tuple[LiveAgent, ...]
    initial_cash: float = 10_000.0
    terms: Terms = field(default_factory=Terms)
    constraints: Constraints = field(default_factory=Constraints)
    profile: str = ""
    indices: tuple[str, ...] = INDICES
    asset_class: str = "stock"
    window: int = 30
    delay_min: int = 30
    tolerance: float = 0.005
    seed: int = 0

    def __post_init__(self) -> None:
        for what, names in (
            ("asset", [*self.symbols, *self.indices]),
            ("agent", [agent.name for agent in self.agents]),
        ):
            if not names or len({name.casefold() for name in names}) < len(names):
                raise InvestorBenchError(
                    f"an experiment has at least one {what}, each once; got {', '.join(names)}"
                )
        if strange := [name for name in self.symbols if not SYMBOL.fullmatch(name)]:
            raise InvestorBenchError(f"{strange[0]!r} is no symbol: write it as Yahoo does, NVDA")
        if not 0.0 < self.initial_cash <= MOST_CASH:
            raise InvestorBenchError(
                f"cash of {self.initial_cash:g} is none to trade with: give up to {MOST_CASH:g}"
            )

    def agent(self, name: str) -> LiveAgent:
        """The agent of a name."""
        return next(agent for agent in self.agents if agent.name == name)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "ExperimentSettings":
        """From JSON values."""
        given = dict(plain)
        agents = tuple(
            LiveAgent(**{**agent, "settings": tuple(agent["settings"])})
            for agent in given.pop("agents")
        )
        return cls(
            agents=agents,
            symbols=tuple(given.pop("symbols")),
            indices=tuple(given.pop("indices")),
            terms=Terms(**given.pop("terms")),
            constraints=Constraints(**given.pop("constraints")),
            **given,
        )

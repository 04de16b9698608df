"""The state of a portfolio's agent in one repeat: all that its steps change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from investorbench.agents.finmem.asset_memory import AssetMemory
from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.state import Counts
from investorbench.agents.portfolio.past_sessions import PastSessions
from investorbench_env.accounting.events import AccountState


@dataclass(slots=True, kw_only=True)
class PortfolioCounts(Counts):
    """How often what happened.

    Attributes:
        orders: that went to the environment.
        left_out: orders and weights of answers that could not be meant.
    """

    orders: int = 0
    left_out: int = 0


@dataclass(slots=True, kw_only=True)
class PortfolioState:
    """What the agent is between two steps.

    Attributes:
        task: family and symbols.
        seed: of the repeat.
        split: the one it is in.
        assets: the memory of each, by symbol.
        steps: taken in all.
        system: the static part of its prompts; empty before the first step.
        schema: of the answers.
        backgrounds: of the assets.
        lesson: what recent decisions taught, when that was last asked for.
        track: its decisions and their outcomes.
        left_out: what could not be meant of the last answer, in words.
        last_id: the number of the last order that waited.
        equities: at the last decisions of the split, oldest first.
        start_equity: at the first decision of the split; None before it.
        context_length: tokens that a request to the model may have; None before the first one, and
            where there is no limit.
        room: tokens of a question, after its server refused a longer one; None before that.
        counts: of answers.
        account: at the last decision; None between steps.
    """

    task: str
    seed: int
    split: str
    assets: Mapping[str, AssetMemory]
    steps: int = 0
    system: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    backgrounds: dict[str, str] = field(default_factory=dict)
    lesson: Lesson | None = None
    track: PastSessions = field(default_factory=PastSessions)
    left_out: tuple[str, ...] = ()
    last_id: int = 0
    equities: list[float] = field(default_factory=list)
    start_equity: float | None = None
    context_length: int | None = None
    room: int | None = None
    counts: PortfolioCounts = field(default_factory=PortfolioCounts)
    account: AccountState | None = None

    def enter(self, split: str) -> None:
        """Go on in another split: the account begins again, everything else stays."""
        self.split = split
        self.equities, self.start_equity = [], None
        self.left_out = ()

"""What the arena's agent decided lately, and what has happened since it was last asked."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from investorbench.agents.finmem.foreign import neutral
from investorbench_env.accounting.events import ClosedTrade, Rejection
from investorbench_env.accounting.signals import Signal

LONGEST = 300
"""Characters of a justification, of a plan or of a reason that are shown again."""
MOST_EVENTS = 40
"""Of those since the last question, the newest; a rejection each decision could be thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSignals:
    """One decision that did something.

    Attributes:
        time: of the decision.
        equity: at it.
        words: its entries and exits.
    """

    time: str
    equity: float
    words: tuple[str, ...]

    def line(self) -> str:
        """All of it in one line."""
        return f"- {self.time}, account value {self.equity:,.2f}: {'; '.join(self.words)}"


@dataclass(slots=True, kw_only=True)
class ArenaState:
    """All that the agent carries from one decision to the next.

    Attributes:
        task: the family and the symbols.
        split: ``"warmup"`` or ``"test"``.
        seed: of the repeat.
        steps: of the split that are over.
        events: since it was last asked, in words, oldest first.
        recent: its decisions that did something, oldest first, as many as are remembered.
    """

    task: str
    split: str
    seed: int
    steps: int = 0
    events: list[str] = field(default_factory=list)
    recent: list[PastSignals] = field(default_factory=list)

    def note(self, info: Mapping[str, Any]) -> None:
        """Note what a step has brought."""
        self.events = [*self.events, *events_in(info)][-MOST_EVENTS:]

    def plain(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take what :meth:`plain` gave."""
        self.steps, self.events = plain["steps"], [*plain["events"]]
        self.recent = [
            PastSignals(**{**each, "words": tuple(each["words"])}) for each in plain["recent"]
        ]


def events_in(info: Mapping[str, Any]) -> Iterator[str]:
    """What ended in a step, and which signals were rejected in it."""
    for trade in info.get("closed", ()):
        yield closed_words(trade)
    for rejection in info.get("rejections", ()):
        yield rejected_words(rejection)


def closed_words(trade: ClosedTrade) -> str:
    """How a position ended."""
    side = "long" if trade.quantity > 0 else "short"
    ended = {"target": "at its profit target", "stop": "by its stop loss", "close": "by you"}
    how = ended.get(trade.reason, "by liquidation")
    return (
        f"{trade.symbol}: {side} {abs(trade.quantity):g} from {trade.entry_price:g} was closed "
        f"{how} at {trade.exit_price:g}; profit {trade.pnl:+,.2f}, fees {trade.fees:,.2f}, "
        f"funding {trade.funding:+,.2f}"
    )


def rejected_words(rejection: Rejection) -> str:
    """Which signal was not carried out, and why."""
    order = rejection.order
    word = f" {order.signal}" if isinstance(order, Signal) and order.signal else ""
    name = neutral(order.symbol)[:LONGEST]
    return f"{name}{word} was rejected: {neutral(rejection.reason)[:LONGEST]}"


def signal_words(symbol: str, own: Mapping[str, Any]) -> str:
    """An entry or an exit, with its plan and its reason."""
    parts = [f"{symbol} {own['signal']}"]
    named = (("quantity", ""), ("leverage", "leverage "), ("profit_target", "target "),
             ("stop_loss", "stop "), ("confidence", "confidence "))  # fmt: skip
    parts += [f"{word}{own[name]:g}" for name, word in named if _is_number(own.get(name))]
    plan = own.get("invalidation_condition")
    parts += [f"invalidated by: {neutral(str(plan))[:LONGEST]}"] if plan else []
    why = own.get("justification")
    return ", ".join(parts) + (f" ({neutral(str(why))[:LONGEST]})" if why else "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

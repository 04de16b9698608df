"""Past decisions of a portfolio, what each asset earned, and the feedback that memories get."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.perception import signed_percent
from investorbench_env.accounting.events import AccountState, Distribution, Fill

NAMED = 3
"""Assets that a line names: those that earned or lost the most."""
TOO_LITTLE = 5e-5
"""Of equity: what rounds to nothing is not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSession:
    """One decision and, once it is known, its outcome.

    Attributes:
        session: of the decision, YYYY-MM-DD.
        decision: what was ordered, in words.
        cited: ids of the memories that it rests on, by asset.
        earned: what the account earned over the step that followed, as a share of its equity; None:
            not known yet.
        contributions: what each asset added to that, costs and dividends included.
        universe: what the equal-weighted universe returned from close to close; None: not known.
    """

    session: str
    decision: str
    cited: Mapping[str, tuple[int, ...]]
    earned: float | None = None
    contributions: Mapping[str, float] = field(default_factory=dict)
    universe: float | None = None

    def __str__(self) -> str:
        if self.earned is None:
            return f"{self.session}: {self.decision}; outcome not known"
        ranked = sorted(self.contributions, key=lambda symbol: -abs(self.contributions[symbol]))
        named = [
            f"{symbol} {signed_percent(self.contributions[symbol])}"
            for symbol in ranked[:NAMED]
            if abs(self.contributions[symbol]) >= TOO_LITTLE
        ]
        said = f"the account earned {signed_percent(self.earned)}"
        said += f" ({', '.join(named)})" if named else ""
        if self.universe is not None:
            said += f", the universe {signed_percent(self.universe)}"
        return f"{self.session}: {self.decision}; {said}"


class PastSessions:
    """All decisions of a repeat, oldest first."""

    def __init__(self, sessions: Iterable[PastSession] = ()) -> None:
        self._sessions = list(sessions)

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[PastSession]:
        return iter(self._sessions)

    def add(self, session: PastSession) -> None:
        """Write down what was just decided."""
        self._sessions.append(session)

    def settle(self, earned: float, contributions: Mapping[str, float]) -> None:
        """Note what followed the last decision."""
        last = self._sessions[-1]
        self._sessions[-1] = replace(last, earned=earned, contributions=contributions)

    def note_universe(self, universe: float) -> None:
        """Note what the universe returned after the last decision, unless that is known already."""
        if self._sessions and self._sessions[-1].universe is None:
            self._sessions[-1] = replace(self._sessions[-1], universe=universe)

    def recent(self, count: int) -> tuple[PastSession, ...]:
        """The last decisions, oldest first."""
        return tuple(self._sessions[-count:])

    def feedback(self, symbol: str, look_back: int) -> Feedback:
        """The memories of an asset cited ``look_back`` steps before the last decision.

        They get the sign of what this asset alone has earned since: what is not held teaches
        nothing. Without any where the record does not go back that far.
        """
        since = self._sessions[-1 - look_back : -1]
        if len(since) < look_back:
            return Feedback()
        earned = sum(past.contributions.get(symbol, 0.0) for past in since)
        return Feedback(ids=since[0].cited.get(symbol, ()), sign=(earned > 0.0) - (earned < 0.0))


def contributions(
    before: AccountState,
    after: AccountState,
    fills: Iterable[Fill],
    distributions: Iterable[Distribution],
) -> dict[str, float]:
    """What each asset added to equity over a step, as a share of what that was before.

    All of them and the interest on cash add up to the account's return.

    Args:
        before: the account at the decision.
        after: at the end of the step.
        fills: of the step.
        distributions: likewise.
    """
    earned: dict[str, float] = {}

    def add(symbol: str, money: float) -> None:
        earned[symbol] = earned.get(symbol, 0.0) + money

    for held in before.positions:
        add(held.symbol, -held.quantity * held.price)
    for held in after.positions:
        add(held.symbol, held.quantity * held.price)
    for fill in fills:
        add(fill.symbol, -fill.quantity * fill.price - fill.cost)
    for paid in distributions:
        add(paid.symbol, paid.cash)
    return {symbol: money / before.equity for symbol, money in earned.items()}

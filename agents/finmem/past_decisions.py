"""Past decisions, their outcomes, and the feedback that these give to the memories cited."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from investorbench.agents.finmem.perception import side_word, signed_percent
from investorbench_env.spaces import TradeWord


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """One decision and, once it is known, its outcome.

    Attributes:
        session: of the decision, YYYY-MM-DD.
        decision: what was done.
        cited: ids of the memories it rests on.
        side: the sign of the position held over the step that followed; None: not known yet.
        asset_return: of the asset's price over that step; None: not known yet.
    """

    session: str
    decision: TradeWord
    cited: tuple[int, ...]
    side: int | None = None
    asset_return: float | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its outcome is known."""
        return self.side is not None and self.asset_return is not None

    def __str__(self) -> str:
        if self.side is None or self.asset_return is None:
            return f"{self.session}: {self.decision}; outcome not known"
        return (
            f"{self.session}: {self.decision}; position {side_word(self.side)}; the price moved "
            f"{signed_percent(self.asset_return)}, the position earned "
            f"{signed_percent(self.side * self.asset_return)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The feedback that memories get on this step.

    Attributes:
        ids: those cited ``look_back`` steps ago, forgotten ones included.
        sign: of what the positions earned since; 0 changes nothing.
    """

    ids: tuple[int, ...] = ()
    sign: int = 0


class TrackRecord:
    """All decisions of a repeat, oldest first."""

    def __init__(self, decisions: Iterable[PastDecision] = ()) -> None:
        self._decisions = list(decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def __iter__(self) -> Iterator[PastDecision]:
        return iter(self._decisions)

    def add(self, decision: PastDecision) -> None:
        """Write down what was just decided."""
        self._decisions.append(decision)

    def settle(self, side: int, asset_return: float) -> None:
        """Note the outcome of the last decision, unless it is known already."""
        if self._decisions and not self._decisions[-1].is_settled:
            last = self._decisions[-1]
            self._decisions[-1] = replace(last, side=side, asset_return=asset_return)

    def recent(self, count: int) -> tuple[PastDecision, ...]:
        """The last decisions, oldest first."""
        return tuple(self._decisions[-count:])

    def feedback(self, look_back: int) -> Feedback:
        """The memories cited ``look_back`` steps before the last decision, and the sign they get.

        The sign is that of the positions' own return over these steps, Σ pos_s·(p_{s+1} − p_s), as
        in FinMem (Yu et al., 2023). Prices are chained from returns, so that a share split changes
        nothing.

        Without any where the record does not go back that far.
        """
        since = self._decisions[-1 - look_back : -1]
        if len(since) < look_back:
            return Feedback()
        price, earned = 1.0, 0.0
        for past in since:
            moved = price * (past.asset_return or 0.0)
            earned += (past.side or 0) * moved
            price += moved
        return Feedback(ids=since[0].cited, sign=(earned > 0.0) - (earned < 0.0))

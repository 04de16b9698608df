"""Past decisions, their outcomes, and the feedback that these give to the memories cited."""

import math
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
        earned: what the account earned over that step as a share of its equity, fills, costs and
            distributions included; None: not known yet.
        asset_return: of the asset's price over that step; None: not known yet.
    """

    session: str
    decision: TradeWord
    cited: tuple[int, ...]
    side: int | None = None
    earned: float | None = None
    asset_return: float | None = None

    def __str__(self) -> str:
        if self.side is None or self.earned is None:
            return f"{self.session}: {self.decision}; outcome not known"
        moved = self.asset_return
        price = "" if moved is None else f"the price moved {signed_percent(moved)}, "
        return (
            f"{self.session}: {self.decision}; position {side_word(self.side)}; "
            f"{price}the account earned {signed_percent(self.earned)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What recent decisions taught, when that was last asked for.

    Attributes:
        id: of it in memory; None where it is in that of no asset.
        time: of the session, YYYY-MM-DD.
        text: as it is remembered.
    """

    id: int | None
    time: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The feedback that memories get on this step.

    Attributes:
        ids: those cited ``look_back`` steps ago, forgotten ones included.
        sign: of what the account earned since; 0 changes nothing.
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

    def settle(self, side: int, earned: float) -> None:
        """Note what followed the last decision: the position held, and what the account earned."""
        self._decisions[-1] = replace(self._decisions[-1], side=side, earned=earned)

    def note_move(self, asset_return: float) -> None:
        """Note how the price moved after the last decision, unless that is known already."""
        if self._decisions and self._decisions[-1].asset_return is None:
            self._decisions[-1] = replace(self._decisions[-1], asset_return=asset_return)

    def recent(self, count: int) -> tuple[PastDecision, ...]:
        """The last decisions, oldest first."""
        return tuple(self._decisions[-count:])

    def feedback(self, look_back: int, *, one_unit: bool = False) -> Feedback:
        """The memories cited ``look_back`` steps before the last decision, and the sign they get.

        The sign is that of the account's own return over these steps. Without any where the record
        does not go back that far.

        Args:
            look_back: L.
            one_unit: whether the account holds one unit of the asset whatever it earned, as in
                FinMem (Yu et al., 2023): then the sign is that of Σ pos_s·(p_{s+1} − p_s).
        """
        since = self._decisions[-1 - look_back : -1]
        if len(since) < look_back:
            return Feedback()
        earned = _units_earned(since) if one_unit else _account_earned(since)
        return Feedback(ids=since[0].cited, sign=(earned > 0.0) - (earned < 0.0))


def _account_earned(since: Iterable[PastDecision]) -> float:
    return math.prod(1.0 + (past.earned or 0.0) for past in since) - 1.0


def _units_earned(since: Iterable[PastDecision]) -> float:
    """Prices are chained from returns, so that a share split changes nothing."""
    price, earned = 1.0, 0.0
    for past in since:
        moved = price * (past.asset_return or 0.0)
        earned += (past.side or 0) * moved
        price += moved
    return earned

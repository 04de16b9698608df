"""What the agent decided, what came of it, and what that says of the memories it cited."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from investorbench.agents.finmem.decision import Word
from investorbench.agents.finmem.perception import percent, side_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One decision and, once it is known, its outcome.

    Attributes:
        session: of the decision, YYYY-MM-DD.
        decision: what was done.
        cited: ids of the memories it rests on.
        side: the sign of the position held over the step that followed; None: not known yet.
        asset_return: of the asset's price over that step; None: not known yet.
    """

    session: str
    decision: Word
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
            f"{percent(self.asset_return)}, the position earned "
            f"{percent(self.side * self.asset_return)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What memories were told on this step.

    Attributes:
        ids: those cited ``look_back`` steps ago, forgotten ones included.
        sign: of what the positions earned since; 0 changes nothing.
    """

    ids: tuple[int, ...] = ()
    sign: int = 0


class TrackRecord:
    """All deeds of a life, oldest first."""

    def __init__(self, deeds: Iterable[Deed] = ()) -> None:
        self._deeds = list(deeds)

    def __len__(self) -> int:
        return len(self._deeds)

    def __iter__(self) -> Iterator[Deed]:
        return iter(self._deeds)

    def add(self, deed: Deed) -> None:
        """Write down what was just decided."""
        self._deeds.append(deed)

    def settle(self, side: int, asset_return: float) -> None:
        """Say what came of the last deed; the first word counts."""
        if self._deeds and not self._deeds[-1].is_settled:
            last = self._deeds[-1]
            self._deeds[-1] = replace(last, side=side, asset_return=asset_return)

    def recent(self, count: int) -> tuple[Deed, ...]:
        """The last deeds, oldest first."""
        return tuple(self._deeds[-count:])

    def feedback(self, look_back: int) -> Feedback:
        """The memories cited ``look_back`` steps before the last deed, and what they are due.

        REFERENCE.md §1.5: the sign of the positions' own return since then, Σ pos_s·(p_{s+1} − p_s)
        over these steps. Prices are chained from returns, so a share split changes nothing.

        Without any where the record does not go back that far.
        """
        since = self._deeds[-1 - look_back : -1]
        if len(since) < look_back:
            return Feedback()
        price, earned = 1.0, 0.0
        for deed in since:
            moved = price * (deed.asset_return or 0.0)
            earned += (deed.side or 0) * moved
            price += moved
        return Feedback(ids=since[0].cited, sign=(earned > 0.0) - (earned < 0.0))

"""A race: scores at look after look, who leaves at which, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential.intervals import Design, design_of
from investorbench.tasks.statistics.sequential.stopping import Stopping, StoppingError

Standing = Literal["open", "distinguished", "close", "futile"]
End = Literal["", "answered", "exhausted", "unaffordable"]
HARDLY = 0.1
"""Chance to find the smallest difference of interest below which it is not waited for."""
SHOWN = 3
"""Agents that are named of those that one was compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedLook:
    """What is known of two agents.

    Attributes:
        names: of the two.
        difference: mean score of the first less that of the second, over what both observed. At a
            stop it is biased away from 0; the interval is not.
        low: lower end of the interval of the design, which holds for all pairs and looks at once.
        high: upper end of it.
        observations: that it is of.
        standing: ``"distinguished"``; ``"close"``, the whole interval below the difference of
            interest; ``"futile"``, such a difference would hardly be found by the end; or
            ``"open"``, for good where one of the two has left.
    """

    names: tuple[str, str]
    difference: float = float("nan")
    low: float = float("-inf")
    high: float = float("inf")
    observations: int = 0
    standing: Standing = "open"

    @property
    def worse(self) -> str | None:
        """The one that is distinguished as the worse of the two."""
        if self.standing != "distinguished":
            return None
        return self.names[0] if self.difference < 0.0 else self.names[1]

    @property
    def turned(self) -> "PairedLook":
        """The same of the second beside the first."""
        return replace(
            self,
            names=(self.names[1], self.names[0]),
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a race has shown up to a look.

    Attributes:
        observations: of each agent.
        pairs: all that are compared.
        left: why each agent that has left did.
        going: the agents that go on, in the order in which they were named.
        end: ``"answered"``, no pair is open; ``"exhausted"``, no more is to be observed;
            ``"unaffordable"``, no more can be paid for; or empty, the race goes on.
    """

    observations: Mapping[str, int]
    pairs: tuple[PairedLook, ...]
    left: Mapping[str, str]
    going: tuple[str, ...]
    end: End = ""

    @property
    def open_pairs(self) -> list[int]:
        """The numbers of pairs that are not settled, and both of which go on."""
        return [
            number
            for number, pair in enumerate(self.pairs)
            if pair.standing == "open" and set(pair.names) <= set(self.going)
        ]


@dataclass(slots=True, kw_only=True, eq=False)
class Race:
    """Agents whose scores are looked at between rounds, under one rule.

    The same looks at the same scores find the same, so a race is resumed by looking again.

    Attributes:
        stopping: the rule.
        names: of the agents.
        last: what the last look has shown.
    """

    stopping: Stopping
    names: tuple[str, ...]
    last: Look = field(init=False)
    _design: Design = field(init=False)
    _shared: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        sides = self.stopping.pairs(self.names)
        self._design = design_of(self.stopping, sides)
        self._shared = np.empty((len(self.names), 0))
        self.last = Look(
            observations=dict.fromkeys(self.names, 0),
            pairs=tuple(PairedLook(names=(self.names[a], self.names[b])) for a, b in sides.T),
            left={},
            going=self.names,
        )

    def look(self, scores: Mapping[str, Sequence[float] | FloatArray]) -> Look:
        """Look at all scores so far; those of agents that have left are not looked at.

        Args:
            scores: of each agent that goes on, one for every observation and aligned by number.

        Raises:
            StoppingError: they are not finite, of different lengths or outside the bound, some are
                missing, none is new, or the race is over.
        """
        found = self._checked(scores)
        number = len(next(iter(found.values())))
        if len(found) == len(self.names):
            self._shared = np.array([found[name] for name in self.names])
        pairs = list(self.last.pairs)
        where = self.last.open_pairs
        for at, pair in zip(where, self._looked_at(where, found, number), strict=True):
            pairs[at] = pair
        seen = {**self.last.observations, **dict.fromkeys(self.last.going, number)}
        self.last = _after(self.last, tuple(pairs), seen, self.stopping)
        return self.last

    def stop(self, end: End) -> Look:
        """End the race before its answer is known: what is known by then holds."""
        self.last = _ended(self.last, end)
        return self.last

    def drop(self, name: str, why: str) -> None:
        """Have an agent leave for another reason than what a look has shown."""
        last = self.last
        going = tuple(each for each in last.going if each != name)
        self.last = replace(last, left={**last.left, name: why}, going=going)

    def _looked_at(
        self, where: Sequence[int], found: Mapping[str, FloatArray], number: int
    ) -> list[PairedLook]:
        names = [self.last.pairs[at].names for at in where]
        values = np.array([found[one] - found[other] for one, other in names])
        interval = self._design.look(values, self._shared)
        pairs = []
        for at, two in enumerate(names):
            low, high = float(interval.low[at]), float(interval.high[at])
            pairs.append(
                PairedLook(
                    names=two,
                    difference=float(values[at].mean()),
                    low=low,
                    high=high,
                    observations=number,
                    standing=self._standing(low, high, float(interval.chances[at])),
                )
            )
        return pairs

    def _standing(self, low: float, high: float, chance: float) -> Standing:
        smallest = self.stopping.smallest
        if low > 0.0 or high < 0.0:
            return "distinguished"
        if smallest is not None and -smallest < low and high < smallest:
            return "close"
        return "futile" if chance < HARDLY else "open"

    def _checked(self, scores: Mapping[str, Sequence[float] | FloatArray]) -> dict[str, FloatArray]:
        if self.last.end:
            raise StoppingError(f"the race is over ({self.last.end}): begin another one")
        if missing := [name for name in self.last.going if name not in scores]:
            raise StoppingError(f"there are no scores of {', '.join(missing)}: give all that go on")
        found = {name: np.asarray(scores[name], dtype=np.float64) for name in self.last.going}
        lengths = {name: len(row) for name, row in found.items()}
        if len(set(lengths.values())) > 1:
            raise StoppingError(f"scores are aligned by number, and of these are others: {lengths}")
        before = max(self.last.observations.values())
        if (number := min(lengths.values())) <= before:
            raise StoppingError(f"{number} observations after a look at {before}: none is new")
        low, high = self.stopping.bound or (float("-inf"), float("inf"))
        for name, row in found.items():
            wrong = np.flatnonzero(~(np.isfinite(row) & (row >= low) & (row <= high)))
            if len(wrong):
                what = f"outside [{low:g}, {high:g}]" if self.stopping.bound else "not finite"
                raise StoppingError(f"score {wrong[0]} of {name} is {row[wrong[0]]}: {what}")
        return found


def _after(
    last: Look, pairs: tuple[PairedLook, ...], observations: Mapping[str, int], rule: Stopping
) -> Look:
    """Who leaves after a look; agents that have nothing left to be compared with do."""
    left = dict(last.left)
    if rule.until == "best":
        for pair in pairs:
            if pair.worse is not None and pair.worse not in left:
                better = next(name for name in pair.names if name != pair.worse)
                left[pair.worse] = f"worse than {better}"
    going = tuple(name for name in last.going if name not in left)
    now = Look(observations=observations, pairs=pairs, left=left, going=going)
    still = {name for at in now.open_pairs for name in pairs[at].names}
    left |= {name: _why(name, pairs, rule) for name in going if name not in still}
    now = replace(now, going=tuple(name for name in going if name in still))
    if not still:
        return replace(now, end="answered")
    return _ended(now, "exhausted") if max(observations.values()) >= rule.most else now


def _ended(look: Look, end: End) -> Look:
    left = {**look.left, **dict.fromkeys(look.going, end)}
    return replace(look, left=left, going=(), end=end)


def _why(name: str, pairs: Sequence[PairedLook], rule: Stopping) -> str:
    """Why an agent has nothing left to be compared with."""
    if name == rule.reference:
        return "all others have left"
    found: dict[Standing, list[str]] = {"distinguished": [], "close": [], "futile": []}
    for pair in pairs:
        if name in pair.names and pair.standing in found:
            found[pair.standing] += [each for each in pair.names if each != name]
    words = {
        "distinguished": "distinguished from",
        "close": f"less than {rule.smallest} from",
        "futile": "would hardly be distinguished any more from",
    }
    return "; ".join(
        f"{words[standing]} {', '.join(of) if len(of) <= SHOWN else f'{len(of)} others'}"
        for standing, of in found.items()
        if of
    )

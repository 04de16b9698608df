"""N episodes side by side: in which market each stands, and at which of its decisions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.markets import GivenMarket
from investorbench_env.envs.pool_choices import PoolChoices
from investorbench_env.envs.split_setup import SplitSetup
from investorbench_env.envs.starts import Starts
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.documents import Document

Array = npt.NDArray[Any]
OfDecisions = npt.NDArray[np.int64]


AnyTape = TypeVar("AnyTape", bound=LanesTape)


class Lanes(Generic[AnyTape]):
    """Where N episodes stand, each in a lane of its own.

    Attributes:
        started: whether any has begun.
        tape: what their markets hold.
        at, end: decisions: where each stands, and where it ends [N].
        episode: how many there were before this one since the lane got its seed [N].
        places: the same as places of the tape [N].
    """

    def __init__(
        self,
        setup: SplitSetup,
        count: int,
        empty: Callable[[int], AnyTape],
        of_one: Callable[[Any], AnyTape],
    ) -> None:
        """Lanes in which nothing has begun.

        Args:
            setup: what options lead to.
            count: N.
            empty: makes a tape with room for so many markets.
            of_one: makes the tape of the history of a market that is there.
        """
        self._setup, self._markets, self._count = setup, setup.markets, count
        self._empty, self._of_one = empty, of_one
        self._starts: list[Starts] = []
        self._pool: tuple[int, ...] = ()
        self._path_of: dict[int, int] = {}
        self._choices: PoolChoices | None = None
        self._histories: dict[int, Any] = {}
        # One market of which every episode is the whole split leaves nothing to draw.
        numbers = setup.markets.numbers
        self._one = numbers is not None and len(numbers) == 1
        self._settled = self._one and not setup.spare
        self.started = False
        self.tape: AnyTape
        self.at, self.end, self._first, self._path = np.zeros((4, count), dtype=np.int64)
        self.episode = np.full(count, -1)
        self._numbers = np.array([numbers[0] if numbers else 0] * count, dtype=object)
        self.places = np.zeros(count, dtype=np.int64)
        self._abreast = False

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Give lanes their seeds; without one a lane goes on with the draws that it has."""
        for lane, seed in enumerate(seeds):
            if lane == len(self._starts):
                self._starts.append(self._setup.starts(seed))
            elif seed is not None:
                self._starts[lane] = self._setup.starts(seed)
                self.episode[lane] = -1
                if self._choices is not None:
                    self._choices.forget(lane)
        # Where lanes have markets of their own, those that go on keep them.
        if not self.started or (self._pool and seeds[0] is not None):
            self._load()

    def _load(self) -> None:
        """Lay out the markets that lanes choose from; where they have their own, leave room."""
        self._histories.clear()
        self._pool = self._starts[0].pool(self._markets)
        numbers = self._pool or self._markets.numbers
        if not isinstance(self._markets, GivenMarket):
            self.tape = self._empty(self._count if numbers is None else len(numbers))
            if numbers is not None:
                self.tape.draw(self._markets, range(len(numbers)), numbers)
        elif not self.started:
            self.tape = self._of_one(self._history_of(0))
        self._path_of = {number: path for path, number in enumerate(numbers or ())}
        if numbers:
            self._numbers = np.array(numbers, dtype=object)
        if self._pool:
            self._choices = PoolChoices(self._count, len(self._pool), self._setup.spare)

    def begin(self, which: npt.NDArray[np.bool_]) -> None:
        """Begin new episodes in some lanes."""
        self.episode += which
        everyone = bool(which.all())
        if not self._settled:
            self._draw(np.flatnonzero(which))
        self.at = np.where(which, self._first, self.at)
        self.end = self._first + self._setup.steps
        self.places = self._places_of(self.at)
        self.started = True
        # As long as all stand at the same decision, one look tells what is true of all.
        self._abreast = not self._setup.spare and everyone

    def _draw(self, lanes: OfDecisions) -> None:
        if self._choices is not None:
            self._path[lanes], self._first[lanes] = self._choices.draw(self._starts, lanes)
            return
        markets, spare = self._markets, self._setup.spare
        starts = [self._starts[lane] for lane in lanes.tolist()]
        numbers = [start.market(markets, self._pool) for start in starts]
        if spare:
            self._first[lanes] = [start.decision(spare) for start in starts]
        if self._path_of:
            self._path[lanes] = [self._path_of[number] for number in numbers]
        elif not isinstance(markets, GivenMarket):
            self._path[lanes] = lanes
            self._numbers[lanes] = numbers
            self.tape.draw(markets, lanes.tolist(), numbers)

    @property
    def paths(self) -> OfDecisions:
        """The path of the tape that each is in [N]."""
        return self._path

    @property
    def market(self) -> npt.NDArray[np.object_]:
        """The number of each one's market, which may have more than 64 bits [N]."""
        numbers: npt.NDArray[np.object_] = self._numbers.take(self._path)
        return numbers

    @property
    def stands(self) -> Array:
        """The places of all; a single one where all stand at the same [N] or [1]."""
        return self.places[:1] if self._abreast and self._one else self.places

    def following(self, some_ended: bool) -> tuple[tuple[Array, Array], Any]:
        """The next decision of each and its place [N], and what the market does on the way."""
        at = self.at + 1
        if some_ended:  # a step beyond the last decision goes nowhere
            at = np.minimum(at, self.tape.last)
        places = self._places_of(at)
        if self._abreast and self._one:
            return (at, places), self.tape.prices_of_all(int(at[0]))
        return (at, places), self.tape.prices(at[:1] if self._abreast else at, places)

    def move(self, at: Array, places: Array) -> None:
        """Let all stand at other decisions of their markets [N]."""
        self.at, self.places = at, places

    def _places_of(self, at: Array) -> Array:
        return self._path * self.tape.count + at

    def has_ex_dates(self) -> bool:
        """Whether there was a dividend or a split on the way to where any stands."""
        return self.tape.ex_dates(self.at[:1] if self._abreast else self.at)

    def observe(self) -> dict[str, Array]:
        """The numeric parts of observations that the market decides, each with an axis [N]."""
        return self.tape.observe(self.at, self._path, self.places)

    def steps_left(self) -> Array:
        """To the end of the split, gaps included, or to that of shorter episodes [N]."""
        if self._setup.has_whole_episodes:
            return self.tape.bars_left.take(self.at)
        return self.end - self.at

    def texts(self, info: Mapping[str, Any]) -> tuple[tuple[Document, ...], ...]:
        """The documents that became available on the way to the decisions of an info.

        Raises:
            InvestorBenchError: it is no info of the episodes that are under way.
        """
        found = []
        for history, t, is_first in self._behind(info, "texts"):
            opening = history.opening_filings(t) if is_first else ()
            found.append((*opening, *history.until(t).documents))
        return tuple(found)

    def pasts(self, info: Mapping[str, Any]) -> tuple[Any, ...]:
        """All that was known at the decisions of an info; for errors see :meth:`texts`."""
        behind = self._behind(info, "histories")
        return tuple(history.past(history.until(t).t) for history, t, _ in behind)

    def _behind(self, info: Mapping[str, Any], asked: str) -> Iterator[tuple[Any, int, bool]]:
        """Market and bar of each lane of an info, and whether its episode began there."""
        for lane, (episode, time) in enumerate(self._shown(info, asked)):
            times = self.tape.times_of(self._path.item(lane))
            decision = int(np.searchsorted(times, time))
            if episode != self.episode[lane] or decision > self.at[lane]:
                raise InvestorBenchError(
                    f"{asked}(info) of episode {episode} at {time} in lane {lane}, which has come "
                    f"to {times[self.at[lane]]} in episode {self.episode[lane]}: ask "
                    f"for the {asked} of an episode before another begins"
                )
            yield (
                self.history(lane),
                int(self._setup.decisions[decision]),
                decision == self._first[lane],
            )

    def _shown(
        self, info: Mapping[str, Any], asked: str
    ) -> Iterable[tuple[np.int64, np.datetime64]]:
        """Episode and time of each lane of an info.

        Raises:
            InvestorBenchError: it is none.
        """
        shape = (self._count if self.started else 0,)
        try:
            numbers, times = (np.asarray(info[name]) for name in ("episode_number", "time"))
            whole = numbers.dtype.kind in "iu" and times.dtype.kind == "M"
        except (TypeError, LookupError, ValueError):
            whole = False
        if not whole or numbers.shape != shape or times.shape != shape:
            raise InvestorBenchError(
                f"{asked}(info) takes the info of a reset or a step, with episode_number and time "
                f"of each of the {self._count} lanes"
            )
        return zip(numbers, times, strict=True)

    def history(self, lane: int) -> Any:
        """The moments of the market that a lane is in."""
        return self._history_of(self._numbers[self._path[lane]])

    def _history_of(self, number: int) -> Any:
        """The moments of a market, kept as long as any lane is in it."""
        if number not in self._histories:
            under_way = {*self.market.tolist()}
            self._histories = {
                known: history for known, history in self._histories.items() if known in under_way
            }
            self._histories[number] = self._setup.history_of(number)
        return self._histories[number]

"""Snapshots of a market that is there: an asset and a day each, horizons without overlap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.markets import OfGivenMarket
from investorbench_env.envs.snapshot_days import DayDeal, day_deal
from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.envs.snapshot_numbers import SnapshotNumbers
from investorbench_env.envs.starts import STREAM, Starts
from investorbench_env.market.history import history_of
from investorbench_env.market.market import CLOSE, Market
from investorbench_env.universes import Member

IndexArray = npt.NDArray[np.int64]

PLACES = 2**32
"""Seeds to a deal."""


class DecisionTable(NamedTuple):
    """All decisions whose horizons lie within a split, by their numbers [C].

    Attributes:
        assets: the place of the asset among the symbols.
        bars: the bar at whose end each is taken.
        phases: bars since the first of the split, modulo the horizon: those of one phase do not
            overlap.
    """

    assets: IndexArray
    bars: IndexArray
    phases: IndexArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenSnapshots(OfGivenMarket):
    """Decisions on one market, each with its number.

    Attributes:
        name: what they are drawn from, in words.
        decisions: all there are.
        horizon, document_sessions, assets_a_day: as of ``SnapshotOptions``.
        findings: what is to be said beside what the market's data says.
    """

    name: str
    decisions: DecisionTable
    horizon: int
    document_sessions: int
    findings: tuple[str, ...]
    assets_a_day: int | None = None

    @property
    def numbers(self) -> None:
        return None

    @property
    def window(self) -> tuple[str, str]:
        """The first day of a decision, and the last of a horizon."""
        bars, sessions = self.decisions.bars, self.market.sessions
        last = min(int(bars.max()) + self.horizon, len(sessions) - 1)
        return str(sessions[bars.min()]), str(sessions[last])

    def about(self) -> dict[str, Any]:
        own = {"findings": (*self.market.findings, *self.findings)}
        return OfGivenMarket.about(self) | own

    def has_opens(self) -> bool:
        """Whether any open is known up to the first decision."""
        return self.opens_until(int(self.decisions.bars.min()))

    def history(self, number: int, window: int) -> SnapshotHistory:
        """The moments of a number."""
        symbol = self.symbols[self.decisions.assets.item(number)]
        history = history_of(self.market, symbol, window)
        at = self.decisions.bars.item(number)
        return SnapshotHistory(
            history,
            at,
            self.horizon,
            self.document_sessions,
            payout_of(self.market, symbol, at + self.horizon),
        )

    def numbers_of(
        self, numbers: Sequence[int], window: int, *, news: bool
    ) -> Iterator[tuple[IndexArray, SnapshotNumbers]]:
        """What many of them hold: which of them, and what; see ``SimulatedSnapshots``."""
        histories = [self.history(number, window) for number in numbers]
        yield np.arange(len(numbers)), SnapshotNumbers.of_histories(histories)

    @property
    def without_overlap(self) -> int:
        """How many are dealt at least before two horizons of an asset overlap."""
        return min(int(own.sum()) for own in self._days())

    def day_by_day(self, decisions: int) -> DayDeal:
        """How so many decisions are of as many whole days as can be; see ``day_deal``."""
        return day_deal(self._days(), decisions, self.assets_a_day)

    def _days(self) -> list[IndexArray]:
        """Of each phase, how many decisions each of its days has in a deal."""
        _, first, counts = np.unique(self.decisions.bars, return_index=True, return_counts=True)
        phases, most = self.decisions.phases[first], self.assets_a_day or counts.max()
        return [np.minimum(counts[phases == phase], most) for phase in np.unique(phases)]

    def hands(self, deal: int | None) -> Iterator[list[int]]:
        """The numbers of each phase in random order, one phase after the other, for ever.

        Those of a day come together where it is said how many assets it has.

        Args:
            deal: fixes the order; None for any.
        """
        sequence = np.random.SeedSequence(deal, spawn_key=(STREAM,))
        generator, phases = np.random.default_rng(sequence), self.decisions.phases
        while True:
            for phase in generator.permutation(np.flatnonzero(np.bincount(phases))):
                yield self._in_order(np.flatnonzero(phases == phase), generator).tolist()

    def _in_order(self, phase: IndexArray, generator: np.random.Generator) -> IndexArray:
        if self.assets_a_day is None:
            return generator.permutation(phase)
        days = np.split(phase, np.flatnonzero(np.diff(self.decisions.bars[phase])) + 1)
        return np.concatenate(
            [
                generator.permutation(days[at])[: self.assets_a_day]
                for at in generator.permutation(len(days))
            ]
        )


class Dealt(Starts):
    """The draws of one seed, which are dealt until all decisions have had their turn.

    A seed says which deal it is, by its multiple of ``PLACES``, and with which draw of that it
    begins, by the rest: so those of one deal overlap no more than those of one seed.

    Args:
        seed: as in ``reset``; None for any.
        snapshots: what is dealt.
    """

    def __init__(self, seed: int | None, snapshots: GivenSnapshots) -> None:
        super().__init__(seed)
        deal, place = (None, 0) if seed is None else divmod(int(seed), PLACES)
        self._hands = snapshots.hands(deal)
        self._hand = next(self._hands)
        self._place = place % len(snapshots.decisions.bars)

    def market(self, markets: object, pool: tuple[int, ...]) -> int:
        """The number of the next one."""
        while self._place >= len(self._hand):
            self._place -= len(self._hand)
            self._hand = next(self._hands)
        self._place += 1
        return self._hand[self._place - 1]


def decisions_of(
    market: Market, members: Sequence[Member], span: range, horizon: int
) -> DecisionTable:
    """The decisions whose horizons lie within a span, each on a bar that is known.

    In a horizon one bar at least is known, at which a position is entered. It may go beyond the
    last bar of an asset that was delisted, and of no other.
    """
    found: list[tuple[IndexArray, IndexArray]] = []
    for place, member in enumerate(members):
        known = ~np.isnan(market.bars[:, market.asset(member.symbol), CLOSE])
        until = np.append(0, np.cumsum(known))
        bars = np.flatnonzero(known[: span.stop])
        bars = bars[bars >= span.start]
        ends = np.minimum(bars + horizon, span.stop - 1)
        entered = until[ends + 1] > until[bars + 1]
        whole = (bars + horizon < span.stop) | (gone_at(market, member.symbol) <= span.stop)
        listed = [member.belongs_on(str(day)) for day in market.sessions[bars]]
        bars = bars[entered & whole & np.array(listed, dtype=np.bool_)]
        found.append((np.full(len(bars), place), bars))
    assets, bars = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((assets, bars))
    return DecisionTable(assets[order], bars[order], (bars[order] - span.start) % horizon)


def gone_at(market: Market, symbol: str) -> int:
    """The first bar after the last of an asset that was delisted; beyond all of any other."""
    if symbol not in market.delistings:
        return len(market.times) + 1
    known = ~np.isnan(market.bars[:, market.asset(symbol), CLOSE])
    return int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0


def payout_of(market: Market, symbol: str, end: int) -> float:
    """What a holder gains on the last price by a delisting up to a bar; all is lost if unknown."""
    if gone_at(market, symbol) > end:
        return 0.0
    gain = market.delistings[symbol].gain
    return -1.0 if np.isnan(gain) else gain

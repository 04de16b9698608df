"""How the decisions of N episodes of perpetuals are carried out: the twin of their trader."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.entry_faults import (
    MOST_COINS,
    WHOLE,
    EntryFigures,
    broken_rules,
)
from investorbench_env.accounting.margin import whole_units
from investorbench_env.accounting.margin_bars import BarEvents, Entries, PerpetualBar, Places
from investorbench_env.accounting.perpetual_book import NO_PLACES, PerpetualBook
from investorbench_env.accounting.signal_arrays import CODES, NUMBERS, LaneSignals
from investorbench_env.accounting.signals import CLOSE
from investorbench_env.accounting.trading_rules import TradingRules
from investorbench_env.accounting.venues import PerpetualContract, PerpetualVenue
from investorbench_env.accounting.weights import over_assets
from investorbench_env.envs.perpetuals_lane_figures import PositionFigures
from investorbench_env.envs.perpetuals_setup import PerpetualSetup

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REFUSED = ("outage", "opposite", "cash")
"""The kinds of what a bar refused, by its code."""
DAY = 86_400
QUANTITY, LEVERAGE, TARGET, STOP, CONFIDENCE, _ = range(len(NUMBERS))


class Refusals(NamedTuple):
    """Signals that were not carried out, all of them for one reason.

    Attributes:
        at: places [K]; negative of a coin that there is not, -1 less its lane.
        kind: the rule that they break, or why they cannot be read.
    """

    at: Places
    kind: str


class LaneStep(NamedTuple):
    """What came of the decisions of N episodes, up to the next.

    Attributes:
        bars: what happened in each bar in which anything did, with its number, [N] where they are
            at different ones.
        refusals: signals that were not carried out.
        repaired: how many things were not written as they should be [N]; None for nothing.
    """

    bars: tuple[tuple[Any, BarEvents], ...] = ()
    refusals: tuple[Refusals, ...] = ()
    repaired: Array | None = None


class PerpetualLanes:
    """The accounts of N episodes.

    Attributes:
        book: of the accounts.
        received: all funding so far, negative when paid [N].
        unrealised: what the price of each position has brought [A, N].
        equity: of each [N].
        gains: of the last step, as shares of the equity before [N].
        free: what entries may use [N].
    """

    def __init__(self, setup: PerpetualSetup, count: int) -> None:
        self._setup, self._count = setup, count
        assets, cash = len(setup.symbols), float(setup.options.initial_cash)
        self.book = PerpetualBook(setup.terms, np.full(count, cash), np.zeros((assets, count)))
        self._figures = PositionFigures(self.book)
        self.received, self.gains, self._total, self._squares = np.zeros((4, count))
        self._value()
        self._steps, self._entries = np.zeros((2, count), np.int64)
        self._day = np.zeros(count, np.int64)
        self._shows_account = "account" in setup.modalities
        rules = setup.rules
        self._counts_entries = rules.entries_a_day is not None
        self._is_limited = self._counts_entries or rules.most_positions is not None
        self._tables = ContractTables(setup.venue, setup.contracts)

    def reopen(self, which: Flags, marks: Floats) -> None:
        """Put accounts that have not traded in the place of some.

        Args:
            which: lanes [N].
            marks: at which all of them value [A, N].
        """
        cash = float(self._setup.options.initial_cash)
        self.book.reopen(which, np.full(np.count_nonzero(which), cash), marks[:, which])
        for amounts in (self.received, self._total, self._squares, self._steps, self._entries):
            amounts[which] = 0
        self._figures.begin(which)
        self._value()

    def step(
        self, decided: LaneSignals, prices: Floats, now: Array, bars: Sequence[PerpetualBar]
    ) -> LaneStep:
        """Go from one decision of each to the next.

        Args:
            decided: what is wanted.
            prices: the last ones of trades [A, N], or [A, 1] where all are alike.
            now: the times of the decisions, in seconds since 1970 [N].
            bars: on the way.
        """
        before = self.equity
        if self._counts_entries:
            day = now // DAY
            self._entries[self._day != day] = 0
            self._day = day
        is_close = decided.code == CODES[CLOSE]
        closes, refusals = self._closes(decided, is_close)
        entries, faulty = self._entries_of(decided, is_close, prices, closes)
        refusals += faulty
        happened = []
        for bar in bars:
            events = self.book.take_bar(bar, entries, closes)
            if any(events):
                happened.append((bar.number, events))
                refusals += self._take(events, decided)
            entries, closes = None, NO_PLACES
        self._receive(happened)
        self._value()
        # What has no equity left is begun again before its next step.
        self.gains = gains = self.equity / before - 1.0
        if self._shows_account:
            self._steps += 1
            self._total += gains
            self._squares += gains * gains
        return LaneStep(tuple(happened), (*_unread(decided), *refusals), decided.repaired)

    def _value(self) -> None:
        """Value the accounts at their marks."""
        book = self.book
        self.unrealised = book.marks - book.column("entry")
        self.unrealised *= book.size
        self.equity = book.cash + over_assets(book.column("margin") + self.unrealised)
        self.free = book.free_margin()

    def sharpe(self) -> Floats:
        """Mean over deviation of the returns of all steps so far, where it is shown [N]."""
        count = np.maximum(self._steps, 1)
        mean = self._total / count
        deviation = np.sqrt(np.maximum(self._squares / count - mean * mean, 0.0))
        return np.where(deviation > 0.0, mean / (deviation + (deviation == 0.0)), 0.0)

    def show(self, features: Array, mask: Array, now: Array) -> None:
        """Write the figures of positions, in the order of ``HeldFigures`` [14, A, N].

        Args:
            features: of an observation.
            mask: which of them are known.
            now: the times of the decisions, in seconds [N].
        """
        self._figures.show(features, mask, self.unrealised, now)

    # --- from signals to orders ---------------------------------------------------------------

    def _closes(self, decided: LaneSignals, wanted: Flags) -> tuple[Places, list[Refusals]]:
        """The positions to close, and closes that are refused."""
        if not np.count_nonzero(wanted):
            return NO_PLACES, []
        at = decided.at[wanted]
        held = np.abs(self.book.rows["size"][at])
        asked = np.abs(decided.numbers[QUANTITY, wanted])
        is_part = (asked != 0.0) & (asked < WHOLE * held)
        refusals = []
        for kind, wrong in (("no_position", held == 0.0), ("partial", is_part & (held != 0.0))):
            if np.count_nonzero(wrong):
                refusals.append(Refusals(at[wrong], kind))
        return at[~((held == 0.0) | is_part)], refusals

    def _entries_of(
        self, decided: LaneSignals, is_close: Flags, prices: Floats, closes: Places
    ) -> tuple[Entries | None, list[Refusals]]:
        """The orders to enter, and entries that break a rule."""
        at, code, numbers = decided.at, decided.code, decided.numbers
        if np.count_nonzero(is_close):
            wanted = ~is_close
            at, code, numbers = at[wanted], code[wanted], numbers[:, wanted]
        if not len(at):
            return None, []
        # What is out of all bounds is rejected before it matters what else would be found of it.
        with np.errstate(all="ignore"):
            figures = self._entry_figures(at, code, numbers, prices)
            if not self._is_limited:
                accepted, broken = _first_faults(self._setup.rules, figures)
                refusals = [Refusals(at[which], kind) for kind, which in broken]
            else:
                accepted, refusals = self._one_by_one(figures, at, at % self._count, closes)
        if not np.count_nonzero(accepted):
            return None, refusals
        size = figures.side * figures.quantity
        entries = Entries(at, size, figures.leverage, figures.stop, figures.target)
        return entries.those(accepted) if refusals else entries, refusals

    def _one_by_one(
        self, figures: EntryFigures, at: Places, lane: Array, closes: Places
    ) -> tuple[Flags, list[Refusals]]:
        """Which entries are accepted, each of which counts for those after it, coin by coin."""
        held = np.count_nonzero(self.book.size, axis=0)
        held = held - np.bincount(closes % self._count, minlength=self._count)
        entered = self._entries.copy()
        accepted, refusals = np.zeros(len(at), np.bool_), list[Refusals]()
        coins = at // self._count
        for coin in np.unique(coins).tolist():
            some = slice(*np.searchsorted(coins, [coin, coin + 1]).tolist())
            own = EntryFigures(*(_some(each, some) for each in figures))
            whose = lane[some]
            own = own._replace(positions=held[whose], entries=entered[whose])
            fits, broken = _first_faults(self._setup.rules, own)
            refusals += [Refusals(at[some][which], kind) for kind, which in broken]
            accepted[some] = fits
            entered[whose[fits]] += 1
            held[whose[fits & (own.held == 0.0)]] += 1
        return accepted, refusals

    def _entry_figures(
        self, at: Places, code: Array, numbers: Floats, prices: Floats
    ) -> EntryFigures:
        """Entries in the numbers that the venue takes, and what they meet; arrays [K]."""
        setup, book, tables = self._setup, self.book, self._tables
        coin, lane = np.divmod(at, self._count)
        side = code.astype(np.float64)
        price = prices[:, 0].take(coin) if prices.shape[1] == 1 else prices[coin, lane]
        leverage, held = numbers[LEVERAGE], book.rows["size"].take(at)
        quantity = np.minimum(numbers[QUANTITY], MOST_COINS)
        quantity = whole_units(quantity, tables.units.take(coin))
        target, stop = rounded_prices(
            numbers[TARGET : STOP + 1],
            setup.venue.significant_figures,
            tables.price_decimals.take(coin),
        )
        liquidation = book.liquidation_after(at, side * quantity, price, leverage)
        return EntryFigures(
            side=side,
            quantity=quantity,
            leverage=leverage,
            target=target,
            stop=stop,
            confidence=numbers[CONFIDENCE],
            price=price,
            held=held,
            allowed=tables.max_leverage(coin, (np.abs(held) + quantity) * price),
            smallest=setup.venue.min_notional,
            liquidation=liquidation,
            cash=self.free.take(lane),
            equity=self.equity.take(lane),
            positions=0,
            entries=0,
        )

    # --- what came of them --------------------------------------------------------------------

    def _receive(self, bars: Iterable[tuple[Any, BarEvents]]) -> None:
        """Add up the funding of a step."""
        paid = [events.funded for _, events in bars if events.funded is not None]
        if paid:
            at, cash, *_ = (np.concatenate(column) for column in zip(*paid, strict=True))
            self.received += np.bincount(at % self._count, cash, self._count)

    def _take(self, events: BarEvents, decided: LaneSignals) -> list[Refusals]:
        """Keep what a bar did to the accounts; what it refused."""
        stated = decided.numbers[CONFIDENCE:]
        if events.entered is not None:
            at = events.entered.at
            stated = stated.take(decided.at.searchsorted(at), axis=1)
            if self._counts_entries:
                np.add.at(self._entries, at % self._count, 1)
        self._figures.follow(events, stated)
        return [
            Refusals(refused.at[refused.reason == code], REFUSED[code])
            for refused in events.refused
            for code in np.unique(refused.reason).tolist()
        ]


class ContractTables:
    """The terms of A contracts as arrays.

    Attributes:
        units: of quantities that make one coin [A].
        price_decimals: of prices, at most [A].
    """

    def __init__(self, venue: PerpetualVenue, contracts: Sequence[PerpetualContract]) -> None:
        longest = max(len(each.tiers) for each in contracts)
        padded = [
            (*each.tiers, *[each.tiers[-1]] * (longest - len(each.tiers))) for each in contracts
        ]
        self._above = np.array([[tier.above for tier in tiers] for tiers in padded]).T
        self._most = np.array([[tier.max_leverage for tier in tiers] for tiers in padded]).T
        self.units = np.array([10.0**each.size_decimals for each in contracts])
        self.price_decimals = np.array([
            max(venue.price_decimals - each.size_decimals, 0) for each in contracts
        ])  # fmt: skip

    def max_leverage(self, coin: Array, notional: Floats) -> Floats:
        """Of entries that make positions of so much notional [K]."""
        most: Floats = self._most[0].take(coin)
        for above, less in zip(self._above[1:], self._most[1:], strict=True):
            is_above = notional > above.take(coin)
            if np.count_nonzero(is_above):  # tiers allow less and less
                most = np.where(is_above, less.take(coin), most)
        return most


POWERS = np.multiply.accumulate(np.array([1.0, *[10.0] * 15]))


@cache
def _limits(significant_figures: int) -> Floats:
    """Rising: a price has one decimal more for each that lies above it."""
    places = reversed(range(len(POWERS)))
    return np.array([10.0 ** (significant_figures - 1 - place) for place in places])


def rounded_prices(prices: Floats, significant_figures: int, decimals: Array) -> Floats:
    """``margin.round_price`` of positive prices whose decimals differ; NaN stays.

    Args:
        prices: [..., K].
        significant_figures: that count.
        decimals: at most, of each [K].
    """
    limits = _limits(significant_figures)
    fit = len(limits) - limits.searchsorted(prices, side="right")
    scale = POWERS.take(np.minimum(fit, decimals))
    found: Floats = np.floor(prices * scale + 0.5) / scale
    return found


def _first_faults(
    rules: TradingRules, figures: EntryFigures
) -> tuple[Flags, list[tuple[str, Flags]]]:
    """Which entries break no rule [K], and which break which first."""
    fits = figures.side == figures.side
    found: list[tuple[str, Flags]] = []
    for kind, is_broken in broken_rules(rules, figures):
        if np.count_nonzero(is_broken):
            first = is_broken & fits
            if np.count_nonzero(first):
                found.append((kind, first))
                fits ^= first
    return fits, found


def _some(values: Any, which: slice) -> Any:
    return values[which] if isinstance(values, np.ndarray) else values


def _unread(decided: LaneSignals) -> Iterator[Refusals]:
    for lane, coin, kind in decided.unread:
        place = coin * decided.episodes + lane if coin >= 0 else -1 - lane
        yield Refusals(np.array([place]), kind)

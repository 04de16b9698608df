"""How the decisions of N episodes of perpetuals are carried out: the twin of their trader."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.entry_faults import MOST_COINS, EntryFigures, faults
from investorbench_env.accounting.margin import round_size
from investorbench_env.accounting.margin_bars import BarEvents, Entries, PerpetualBar, Places
from investorbench_env.accounting.perpetual_book import NO_PLACES, PerpetualBook
from investorbench_env.accounting.signal_arrays import CODES, NUMBERS, LaneSignals
from investorbench_env.accounting.signals import CLOSE
from investorbench_env.accounting.trading_rules import TradingRules
from investorbench_env.accounting.venues import PerpetualContract
from investorbench_env.accounting.weights import over_assets
from investorbench_env.envs.perpetuals_features import HeldFigures
from investorbench_env.envs.perpetuals_setup import PerpetualSetup
from investorbench_env.envs.perpetuals_trader import WHOLE
from investorbench_env.envs.perpetuals_view import ALWAYS

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REFUSED = ("outage", "opposite", "cash")
"""The kinds of what a bar refused, by its code."""
HOUR = 3_600
STATED, POSITIVE = ("confidence", "risk"), ("liquidation", "stop", "target")
"""Figures that a position may lack."""
QUANTITY, LEVERAGE, TARGET, STOP, CONFIDENCE, RISK = range(len(NUMBERS))


class Refusals(NamedTuple):
    """Signals that were not carried out; arrays [K].

    Attributes:
        lane: whose.
        coin: about which; -1 for one that there is not.
        kind: the rule that it breaks, or why it cannot be read.
    """

    lane: npt.NDArray[np.intp]
    coin: npt.NDArray[np.intp]
    kind: npt.NDArray[np.str_]


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
        confidence: that was stated at the entry of each position, NaN for none [A * N].
        risk: in money, likewise [A * N].
        received: all funding so far, negative when paid [N].
        unrealised: what the price of each position has brought [A, N].
        equity: of each [N].
        free: what entries may use [N].
    """

    def __init__(self, setup: PerpetualSetup, count: int) -> None:
        self._setup, self._count = setup, count
        assets, cash = len(setup.symbols), float(setup.options.initial_cash)
        self.book = PerpetualBook(setup.terms, np.full(count, cash), np.zeros((assets, count)))
        self.confidence, self.risk = np.full((2, assets * count), np.nan)
        self.received, self._total, self._squares = np.zeros((3, count))
        self._value()
        self._steps, self._entries = np.zeros((2, count), np.int64)
        self._day = np.full(count, np.datetime64("1970-01-01", "D"))
        self._tables = ContractTables(setup.contracts)

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
        self._value()

    def step(
        self, decided: LaneSignals, prices: Floats, days: Array, bars: Sequence[PerpetualBar]
    ) -> LaneStep:
        """Go from one decision of each to the next.

        Args:
            decided: what is wanted.
            prices: the last ones of trades [A, N].
            days: of the decisions, in UTC [N].
            bars: on the way.
        """
        before = self.equity
        self._entries[self._day != days] = 0
        self._day = days
        closes, refusals = self._closes(decided)
        entries, faulty = self._entries_of(decided, prices, closes)
        refusals += faulty
        happened, received = [], np.zeros(self._count)
        for bar in bars:
            events = self.book.take_bar(bar, entries, closes)
            if any(events):
                happened.append((bar.number, events))
                refusals += self._take(events, decided, received)
            entries, closes = None, NO_PLACES
        self.received += received
        self._value()
        gains = (self.equity / (before + (before <= 0.0)) - 1.0) * (before > 0.0)
        self._steps += 1
        self._total += gains
        self._squares += gains * gains
        unread = _unread(decided)
        return LaneStep(tuple(happened), (*unread, *refusals), decided.repaired)

    def _value(self) -> None:
        """Value the accounts at their marks."""
        book = self.book
        self.unrealised = book.size * (book.marks - book.column("entry"))
        self.equity = book.cash + over_assets(book.column("margin") + self.unrealised)
        self.free = book.free_margin()

    def sharpe(self) -> Floats:
        """Mean over deviation of the returns of all steps so far [N]."""
        count = np.maximum(self._steps, 1)
        mean = self._total / count
        deviation = np.sqrt(np.maximum(self._squares / count - mean * mean, 0.0))
        found: Floats = mean / (deviation + (deviation == 0.0)) * (deviation > 0.0)
        return found

    def show(self, features: Array, mask: Array, now: Array) -> None:
        """Write the figures of positions, in the order of ``HeldFigures`` [14, A, N].

        Args:
            features: 0 all over.
            mask: 0 all over.
            now: the times of the decisions, in seconds [N].
        """
        book = self.book
        size, entry, _, leverage, stop, target = book.columns.reshape(-1, *book.shape)[:6]
        marks, held = book.marks, size != 0.0
        every: dict[str, Any] = {
            "quantity": size,
            "entry": entry,
            "mark": marks * held,
            # What cannot be reached is unknown.
            "liquidation": np.fmax(book.liquidation_prices(), 0.0),
            "unrealised": self.unrealised,
            "leverage": leverage,
            "stop": np.fmax(stop, 0.0),
            "target": np.fmax(target, 0.0),
            "margin": book.margins(),
            "notional": np.abs(size) * marks,
            "confidence": np.where(held, self.confidence.reshape(book.shape), np.nan),
            "risk": np.where(held, self.risk.reshape(book.shape), np.nan),
            "received": book.column("funding"),
            "hours": (now - book.column("opened")) / HOUR * held,
        }
        mask[:] = held
        for place, name in enumerate(HeldFigures._fields):
            values = every[name]
            if name in STATED:
                mask[place] = known = values == values
                np.copyto(features[place], values, where=known)
            else:
                features[place] = values
            if name in POSITIVE:
                mask[place] = values > 0.0
            elif name in ALWAYS:
                mask[place] = 1

    # --- from signals to orders ---------------------------------------------------------------

    def _closes(self, decided: LaneSignals) -> tuple[Places, list[Refusals]]:
        """The positions to close, and closes that are refused."""
        wanted = decided.code == CODES[CLOSE]
        at = decided.at[wanted]
        if not len(at):
            return NO_PLACES, []
        held = np.abs(self.book.rows["size"][at])
        asked = np.abs(decided.numbers[QUANTITY, wanted])
        is_part = (asked != 0.0) & (asked < WHOLE * held)
        refusals = []
        for kind, wrong in (("no_position", held == 0.0), ("partial", is_part & (held != 0.0))):
            if np.count_nonzero(wrong):
                refusals.append(self._refusals(at[wrong], kind))
        return at[~((held == 0.0) | is_part)], refusals

    def _entries_of(
        self, decided: LaneSignals, prices: Floats, closes: Places
    ) -> tuple[Entries | None, list[Refusals]]:
        """The orders to enter, and entries that break a rule."""
        wanted = np.abs(decided.code) == 1
        at = decided.at[wanted]
        if not len(at):
            return None, []
        figures = self._figures(at, decided.code[wanted], decided.numbers[:, wanted], prices)
        rules, lane = self._setup.rules, at % self._count
        if rules.most_positions is None and rules.entries_a_day is None:
            accepted, broken = _first_faults(rules, figures)
            refusals = self._broken(at, broken)
        else:
            accepted, refusals = self._one_by_one(figures, at, lane, closes)
        if not np.count_nonzero(accepted):
            return None, refusals
        size = figures.side * figures.quantity
        entries = Entries(at, size, figures.leverage, figures.stop, figures.target)
        return entries.those(accepted), refusals

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
            refusals += self._broken(at[some], broken)
            accepted[some] = fits
            entered[whose[fits]] += 1
            held[whose[fits & (own.held == 0.0)]] += 1
        return accepted, refusals

    def _figures(self, at: Places, code: Array, numbers: Floats, prices: Floats) -> EntryFigures:
        """Entries in the numbers that the venue takes, and what they meet; arrays [K]."""
        setup, book, tables = self._setup, self.book, self._tables
        coin, lane = np.divmod(at, self._count)
        side, price = code.astype(np.float64), prices.reshape(-1)[at]
        quantity, leverage = numbers[QUANTITY], numbers[LEVERAGE]
        rounded = round_size(quantity, tables.decimals[coin])
        quantity = np.where(quantity < MOST_COINS, rounded, quantity)
        target, stop = self._rounded(numbers[[TARGET, STOP]], coin)
        held = book.rows["size"][at]
        can = (quantity > 0.0) & (leverage > 0.0) & (price == price)
        size, over = np.where(can, side * quantity, 1.0), np.where(can, leverage, 1.0)
        liquidation = book.liquidation_after(at, size, price, over)
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
            liquidation=np.where(can, liquidation, np.nan),
            cash=self.free[lane],
            equity=self.equity[lane],
            positions=0,
            entries=0,
        )

    def _rounded(self, levels: Floats, coin: Array) -> Floats:
        """Prices as the venue takes them [2, K]."""
        venue = self._setup.venue
        decimals = venue.price_decimals - self._tables.size_decimals[coin]
        return rounded_prices(levels, venue.significant_figures, decimals)

    # --- what came of them --------------------------------------------------------------------

    def _take(self, events: BarEvents, decided: LaneSignals, received: Floats) -> list[Refusals]:
        """Keep what a bar did to the accounts; what it refused."""
        if events.funded is not None:
            np.add.at(received, events.funded.at % self._count, events.funded.cash)
        if events.entered is not None:
            at = events.entered.at
            place = np.searchsorted(decided.at, at)
            self.confidence[at] = decided.numbers[CONFIDENCE, place]
            self.risk[at] = decided.numbers[RISK, place]
            np.add.at(self._entries, at % self._count, 1)
        return [
            self._refusals(refused.at[refused.reason == code], REFUSED[code])
            for refused in events.refused
            for code in np.unique(refused.reason).tolist()
        ]

    def _broken(self, at: Places, broken: Sequence[tuple[str, Flags]]) -> list[Refusals]:
        return [self._refusals(at[which], kind) for kind, which in broken]

    def _refusals(self, at: Places, kind: str) -> Refusals:
        coin, lane = np.divmod(at, self._count)
        return Refusals(lane, coin, np.full(len(at), kind))


class ContractTables:
    """The terms of A contracts as arrays.

    Attributes:
        size_decimals: of quantities [A].
        decimals: the same as floats, for powers of ten.
    """

    def __init__(self, contracts: Sequence[PerpetualContract]) -> None:
        longest = max(len(each.tiers) for each in contracts)
        padded = [
            (*each.tiers, *[each.tiers[-1]] * (longest - len(each.tiers))) for each in contracts
        ]
        self._above = np.array([[tier.above for tier in tiers] for tiers in padded]).T
        self._most = np.array([[tier.max_leverage for tier in tiers] for tiers in padded]).T
        self.size_decimals = np.array([each.size_decimals for each in contracts])
        self.decimals = self.size_decimals.astype(np.float64)

    def max_leverage(self, coin: Array, notional: Floats) -> Floats:
        """Of entries that make positions of so much notional [K]."""
        most: Floats = self._most[0, coin]
        for above, less in zip(self._above[1:], self._most[1:], strict=True):
            most = np.where(notional > above[coin], np.minimum(most, less[coin]), most)
        return most


POWERS = np.multiply.accumulate(np.array([1.0, *[10.0] * 15]))


def rounded_prices(prices: Floats, significant_figures: int, decimals: Array) -> Floats:
    """``margin.round_price`` of prices whose decimals differ; NaN and what is not positive stay.

    Args:
        prices: [..., K].
        significant_figures: that count.
        decimals: at most, of each [K].
    """
    # Ascending: a price has one decimal more for each that lies above it.
    limits = [10.0 ** (significant_figures - 1 - place) for place in reversed(range(len(POWERS)))]
    fit = len(limits) - np.searchsorted(limits, prices, side="right")
    scale = POWERS[np.minimum(np.minimum(fit, decimals), len(POWERS) - 1)]
    return np.where(prices > 0.0, (prices * scale + 0.5) // 1.0 / scale, prices)


def _first_faults(
    rules: TradingRules, figures: EntryFigures
) -> tuple[Flags, list[tuple[str, Flags]]]:
    """Which entries break no rule [K], and which break which first."""
    fits, broken = np.ones(len(figures.side), np.bool_), []
    for fault in faults(rules, figures):
        if np.count_nonzero(fault.is_broken):
            which = fits & fault.is_broken
            broken.append((fault.kind, which))
            fits &= ~which
    return fits, broken


def _some(values: Any, which: slice) -> Any:
    return values[which] if isinstance(values, np.ndarray) else values


def _unread(decided: LaneSignals) -> tuple[Refusals, ...]:
    if not decided.unread:
        return ()
    lane, coin, kind = zip(*decided.unread, strict=True)
    return (Refusals(np.array(lane), np.array(coin), np.array(kind)),)

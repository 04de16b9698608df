"""The decisions of a split in P markets, as flat arrays from which many episodes read at once.

A place is a decision in a market: of D decisions, number ``path * D + decision``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import Expected
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.setup import Setup
from investorbench_env.market.history import History, restated
from investorbench_env.market.market import CLOSE, FIELDS, OPEN
from investorbench_env.market.simulated.law import SimulatedNumbers

Array = npt.NDArray[Any]

ROW = len(FIELDS) * np.dtype(np.float32).itemsize
"""Bytes of a bar."""


class Prices(NamedTuple):
    """What the market did on the way to each episode's decision: numbers, or arrays [N]."""

    fill: Any
    final: Any
    ex_date: bool
    dividend: Any
    split: Any
    log_return: Any
    period: Any = 1.0


class Stretch(NamedTuple):
    """What the decisions of some markets hold.

    Attributes:
        fill, final, log_return, dividend, split: see ``Moment`` [P, D].
        sentiment: number of positive, neutral and negative news [P, D, 3].
        bars: as traded, from the first of the first window on, float32 [P, R, 5].
        restated: the windows that have a split inside: path, decision, and float32 [window, 5].
    """

    fill: Array
    final: Array
    log_return: Array
    dividend: Array
    split: Array
    sentiment: Array
    bars: Array
    restated: list[tuple[int, int, Array]]

    @classmethod
    def of_history(cls, setup: Setup, history: History) -> Self:
        """One market, with all the gaps that it may have."""
        moments = [history.until(t) for t in setup.decisions.tolist()]
        named = ("fill", "final", "log_return", "dividend", "split")
        first = moments[0].observation["bars"]
        later = slice(moments[0].t + 1, moments[-1].t + 1)
        rows = np.nan_to_num(history.market.bars[later, history.asset]).astype(np.float32)
        rows[~history.known[later]] = 0.0
        bars = np.concatenate([first, rows])
        start = setup.decisions - setup.decisions[0]
        return cls(
            **{name: np.array([[getattr(now, name) for now in moments]]) for name in named},
            sentiment=np.array([[now.observation["sentiment"] for now in moments]]),
            bars=bars[None],
            restated=[
                (0, number, window)
                for number, now in enumerate(moments)
                if not np.array_equal(
                    window := now.observation["bars"],
                    bars[start[number] : start[number] + len(first)],
                )
            ],
        )

    @classmethod
    def of_numbers(cls, setup: Setup, numbers: SimulatedNumbers) -> Self:
        """Many that were drawn together, and have a bar in every session."""
        window, span = setup.options.window, setup.span
        shown, before = slice(span.start, span.stop), slice(span.start - 1, span.stop - 1)
        adjusted = numbers.adjusted_close
        splits = np.ones(adjusted.shape)
        splits[:, numbers.ex_dates] = numbers.share_splits
        dividends = np.zeros(adjusted.shape)
        dividends[:, numbers.ex_dates] = numbers.dividends
        return cls(
            fill=numbers.bars[:, shown, OPEN],
            final=numbers.bars[:, shown, CLOSE],
            log_return=np.log(adjusted[:, shown] / adjusted[:, before]),
            # A dividend on the day of a split is paid on the new shares.
            dividend=(dividends * splits)[:, shown],
            split=splits[:, shown],
            sentiment=numbers.labels[:, shown],
            bars=_padded(numbers.bars[:, max(span.start + 1 - window, 0) : span.stop], setup),
            restated=_windows_with_splits(numbers.bars, splits, setup),
        )


def _padded(bars: Array, setup: Setup) -> Array:
    """Bars with as many rows of zeros before them as their first window lacks."""
    missing = max(setup.options.window - 1 - setup.span.start, 0)
    return np.pad(bars.astype(np.float32), [(0, 0), (missing, 0), (0, 0)])


def _windows_with_splits(bars: Array, splits: Array, setup: Setup) -> list[tuple[int, int, Array]]:
    """Path, decision and window of each in which a split lies after the first bar there is."""
    window, span = setup.options.window, setup.span
    path, day = (found[:, None] for found in np.nonzero(splits != 1.0))
    ends = day + np.arange(window - 1)
    shows = (day > 0) & (ends >= span.start) & (ends < span.stop)
    path, t = np.divmod(np.unique((path * splits.shape[1] + ends)[shows]), splits.shape[1])
    decision, rows = t - span.start, t[:, None] + np.arange(1 - window, 1)
    ratios = np.where(rows < 0, 1.0, splits[path[:, None], rows])
    windows = restated(bars[path[:, None], rows], ratios, _masks_of(setup)[decision])
    return list(zip(path.tolist(), decision.tolist(), windows, strict=True))


def _masks_of(setup: Setup) -> Array:
    """Which bars of each window there are, where every session has one [D, window]."""
    window = setup.options.window
    bars = setup.decisions[:, None] + np.arange(1 - window, 1)
    return (bars >= 0).astype(np.int8)


class Tape(LanesTape):
    """The decisions of a split in P markets of one asset."""

    def __init__(self, setup: Setup, paths: int) -> None:
        super().__init__(setup, paths)
        self._setup, count = setup, self.count
        # Arrays of what is never read stay empty.
        log = setup.protocol.convention == "log"
        self._log_return = np.zeros((paths, count if log or setup.labelled else 0))
        self._fill = np.zeros((paths, 0 if log else count))
        self._final = np.zeros((paths, count))
        self._dividend, self._split = np.zeros((paths, count)), np.ones((paths, count))
        expected = count if setup.rewards_expected else 0
        self._expected = Expected(*np.zeros((len(Expected._fields), paths, expected)))
        self._sentiment = np.zeros(
            (paths, count if self._shows_sentiment else 0, 3), dtype=np.uint16
        )
        self._starts = setup.decisions - setup.decisions[0]
        self.rows = int(self._starts[-1]) + self._window if self._shows_bars else 0
        self._bars = np.zeros((paths, self.rows, len(FIELDS)), dtype=np.float32)
        self._masks = _masks_of(setup)
        self._restated: dict[int, list[tuple[int, Array]]] = {}
        self._lay_out_restated()
        self._look_through_windows()

    def _look_through_windows(self) -> None:
        """Each window of the bars as one element: many are gathered as fast as memory is copied."""
        if self.rows:
            windows, size = self._paths * self.rows - self._window + 1, self._window * ROW
            self._windows: Array = np.ndarray(windows, f"V{size}", self._bars, strides=(ROW,))

    @classmethod
    def of_one(cls, setup: Setup, history: History) -> Self:
        """The tape of a market that is there."""
        tape = cls(setup, 1)
        moments = (history.until(t) for t in setup.decisions.tolist())
        tape._masks = np.stack([now.observation["mask"] for now in moments])
        tape._put([0], Stretch.of_history(setup, history))
        return tape

    def _put_drawn(self, paths: Sequence[int], drawn: SimulatedNumbers) -> None:
        self._put(paths, Stretch.of_numbers(self._setup, drawn))
        if drawn.hidden_state is not None:
            setup = self._setup
            state = {name: of[:, setup.decisions] for name, of in drawn.hidden_state.items()}
            for own, given in zip(self._expected, setup.expected(setup.symbol, state), strict=True):
                own[paths] = given

    def _put(self, paths: Sequence[int], stretch: Stretch) -> None:
        for own, given in (
            (self._log_return, stretch.log_return),
            (self._fill, stretch.fill),
            (self._final, stretch.final),
            (self._dividend, stretch.dividend),
            (self._split, stretch.split),
            (self._sentiment, stretch.sentiment),
            (self._bars, stretch.bars),
        ):
            if own.shape[1]:
                own[paths] = given
        self._ex_date |= ((stretch.dividend != 0.0) | (stretch.split != 1.0)).any(axis=0)
        gone = [self._restated.pop(path) for path in paths if path in self._restated]
        for number, decision, window in stretch.restated if self.rows else ():
            self._restated.setdefault(paths[number], []).append((decision, window))
        if gone or stretch.restated:
            self._lay_out_restated()

    def _lay_out_restated(self) -> None:
        """Windows with a split inside, one after the other, and where they are by place."""
        found = [
            (path * self.count + decision, window)
            for path, some in self._restated.items()
            for decision, window in some
        ]
        self._restated_at = np.zeros(self._paths * self.count if found else 0, dtype=np.int32)
        for number, (place, _) in enumerate(found):
            self._restated_at[place] = number + 1
        self._restated_windows = np.array([window for _, window in found], dtype=np.float32)

    def distributions(self, places: Array) -> tuple[Array, Array]:
        """Dividends and splits on the way to some places [N] each; see ``Moment``."""
        return self._dividend.take(places), self._split.take(places)

    def prices(self, at: Array, places: Array) -> Prices:
        """What the market did on the way to some places [N], which are at decisions ``at``."""
        ex_date = self.ex_dates(at)
        dividend, split = self.distributions(places) if ex_date else (0.0, 1.0)
        log = self._setup.protocol.convention == "log"
        return Prices(
            0.0 if log else self._fill.take(places),
            self._final.take(places),
            ex_date,
            dividend,
            split,
            self._log_return.take(places) if log else 0.0,
            self._period.take(at) if self._setup.options.cash_rate else 1.0,
        )

    def prices_of_all(self, at: int) -> Prices:
        """The same for episodes that are all at one decision of one market: a number each."""
        # A number and an array of it give the same bits; the number is quicker.
        log = self._setup.protocol.convention == "log"
        return Prices(
            0.0 if log else self._fill.item(at),
            self._final.item(at),
            bool(self._ex_date[at]),
            self._dividend.item(at),
            self._split.item(at),
            self._log_return.item(at) if log else 0.0,
            self._period.item(at),
        )

    def expected(self, places: Array) -> Expected:
        """What the market was expected to do after some places [N]."""
        return Expected(*(part.take(places) for part in self._expected))

    def final(self, places: Array) -> Array:
        """Closes [N]."""
        return self._final.take(places)

    def labels(self, at: Array, places: Array) -> Array:
        """What a position taken at some places earns, see ``Setup.label``; 0 at the last [N]."""
        setup = self._setup
        steps = 2 if setup.fills == "next_close" else 1
        is_known = at + steps <= self.last
        following = np.where(is_known, places + steps, places)
        if setup.fills == "next_open":
            earned = self._final.take(following) / self._fill.take(following) - 1.0
        else:
            earned = self._log_return.take(following)
            if setup.protocol.convention != "log":
                earned = np.expm1(earned)
        return np.where(is_known, earned, 0.0)

    def observe(self, at: Array, paths: Array, places: Array) -> dict[str, Array]:
        """The numeric parts of observations that the market decides, each with an axis [N]."""
        observation: dict[str, Array] = {}
        if self.rows:
            first = paths * self.rows + self._starts.take(at)
            shape = len(at), self._window, len(FIELDS)
            bars = self._windows[first].view(np.float32).reshape(shape)
            if len(self._restated_at):
                numbers = self._restated_at.take(places)
                if np.count_nonzero(numbers):
                    which = np.flatnonzero(numbers)
                    bars[which] = self._restated_windows[numbers[which] - 1]
            observation["bars"] = bars
            observation["mask"] = self._masks.take(at, axis=0)
        if self._shows_sentiment:
            counts = self._sentiment.reshape(-1, 3).take(places, axis=0)
            observation["sentiment"] = counts.astype(np.float32)
        return observation

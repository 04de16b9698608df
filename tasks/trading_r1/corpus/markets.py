"""The days of a market that a corpus is of: their labels, and what was known on each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from investorbench.agents.llm.canonical import digest
from investorbench.tasks.task import Task, settings_of
from investorbench.tasks.trading_r1.corpus.rows import CorpusSplit
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings
from investorbench.tasks.trading_r1.corpus.sources import sources_of
from investorbench.tasks.trading_r1.frozen import frozen_in
from investorbench.tasks.trading_r1.labels import LabelScores, label_scores
from investorbench.tasks.trading_r1.thresholds import (
    EMBARGO,
    Dates,
    LabelSplit,
    Thresholds,
    freeze,
    label_split,
    labels_of,
    reasons_of,
)
from investorbench.tasks.trading_r1.truths import (
    Labelling,
    daily_volatilities,
    horizon_returns,
    labelling_of,
    plain_thresholds,
)
from investorbench_env.dates import date_text
from investorbench_env.envs.options import ACTIONS
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.history import History
from investorbench_env.market.intervals import DAILY
from investorbench_env.market.library import forget_markets
from investorbench_env.market.market import Market
from investorbench_env.market.sessions import TimeArray

TRAINED_ON = "train"
"""The band of simulated markets that are for training, which no benchmark draws from."""


class CorpusDay(NamedTuple):
    """A day with a label.

    Attributes:
        t: its bar in the market.
        date: its session, ``YYYY-MM-DD``.
        label: its class.
        score: that the class follows from.
        horizon_return: the simple return of the next 7 sessions.
        daily_volatility: standard deviation of the last 20 daily returns.
    """

    t: int
    date: str
    label: str
    score: float
    horizon_return: float
    daily_volatility: float


class MarketOf(NamedTuple):
    """Which market, before it is opened.

    Attributes:
        name: in the corpus.
        task: whose environment it is the market of.
        seed: that a simulated one is drawn with; None where there is one market alone.
    """

    name: str
    task: Task
    seed: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledMarket:
    """A market with the labels of its days.

    Attributes:
        of: which.
        facts: of its environment.
        market: all of it.
        split: its windows.
        scores: of all days.
        thresholds: frozen on its training days.
        days: those with a label, by split.
    """

    of: MarketOf
    facts: Facts
    market: Market
    split: LabelSplit
    scores: LabelScores
    thresholds: Thresholds
    days: Mapping[CorpusSplit, Sequence[CorpusDay]]

    def history(self) -> History:
        """What was known at the end of each of its days."""
        return History(self.market, self.of.task.symbol, 1, needs_adjusted=True)

    def plain(self) -> dict[str, Any]:
        """All that its rows rest on, as the manifest holds it."""
        sessions = self.scores.sessions
        return {
            "name": self.of.name,
            **settings_of(self.of.task),
            "symbol": self.of.task.symbol,
            "market_seed": self.of.seed,
            "simulated": self.facts.simulated,
            "fingerprint": self.market.fingerprint,
            "closes_sha256": digest([sessions.astype(str).tolist(), self.scores.closes.tolist()]),
            "sources": sources_of(self.of.task, self.market),
            "test": [str(sessions[self.split.test][0]), str(sessions[self.split.test][-1])],
            "thresholds": plain_thresholds(self.thresholds),
            "days": {name: len(days) for name, days in self.days.items()},
            "without_label": {
                name: list(reasons_of(self.scores, sessions[part]))
                for name, part in (("train", self.split.training), ("test", self.split.test))
            },
        }


def markets_of(settings: CorpusSettings) -> tuple[MarketOf, ...]:
    """The markets that settings ask for, each by a name of its own.

    Raises:
        InvestorBenchError: a task is of no single asset by the day, or two are of the same market.
    """
    found: dict[str, MarketOf] = {}
    for given in settings.tasks:
        task = for_training(given, settings.test)
        facts = _labellable(task)
        seeds: list[int | None] = [*range(settings.markets)] if facts.draws_markets else [None]
        for seed in seeds:
            name = task.symbol if seed is None else f"{task.symbol}@{seed}"
            if name in found:
                raise InvestorBenchError(
                    f"two tasks are of {task.symbol}, {found[name].task.id} and {task.id}: their "
                    "days would stand in the corpus twice; leave one out"
                )
            found[name] = MarketOf(name, task, seed)
        make_room(settings)
    return tuple(found.values())


def for_training(task: Task, test: Dates | None = None) -> Task:
    """The same with a test window, and on simulated markets to train on where any are drawn."""
    if test is not None:
        first, last = (date_text("test", each) for each in test)
        task = replace(task, start=first, end=last)
    if task.is_simulated and "markets" not in task.options:
        task = replace(task, options={**task.options, "markets": TRAINED_ON})
    return task


def labelled(of: MarketOf, settings: CorpusSettings) -> LabelledMarket:
    """Open a market, and label its days.

    Raises:
        InvestorBenchError: it cannot be opened, or has no labels; the message names the market.
    """
    facts = of.task.facts("test")
    market = of.task.market(of.seed)
    try:
        return _labelled(of, facts, market, settings)
    except InvestorBenchError as error:
        raise type(error)(f"{of.name}: {error}") from None


def _labelled(
    of: MarketOf, facts: Facts, market: Market, settings: CorpusSettings
) -> LabelledMarket:
    sessions, closes = market.sessions, market.adjusted_close[:, market.asset(of.task.symbol)]
    labelling, test = _windows(of.task, facts, sessions, settings)
    split = label_split(sessions, labelling.train, test)
    scores = label_scores(sessions, closes, labelling.direction, labelling.volatility)
    thresholds = freeze(scores, split, symbol=of.task.symbol, source=market.source)
    if labelling.frozen is not None:
        thresholds = frozen_in(labelling.frozen, thresholds)
    days = {
        "train": _days(scores, thresholds, split.training),
        "test": _days(scores, thresholds, split.test),
    }
    if not days["test"]:
        reasons = "; ".join(reasons_of(scores, sessions[split.test]))
        raise DateRangeError(f"no day of the test window {_shown(test)} has a label: {reasons}")
    return LabelledMarket(
        of=of,
        facts=facts,
        market=market,
        split=split,
        scores=scores,
        thresholds=thresholds,
        days=days,  # type: ignore[arg-type]
    )


def require_apart(markets: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """See that no training window of a real market reaches into the test of another one.

    What moved one stock moved the others: a day is trained on or tested on, of all of them.

    Args:
        markets: names, and what the manifest says of each.

    Raises:
        DateRangeError: two of them overlap; which, and when.
    """
    real = [(name, said) for name, said in markets if not said["simulated"]]
    if not real:
        return
    last_name, last = max(real, key=lambda each: str(each[1]["thresholds"]["window"][1]))
    first_name, first = min(real, key=lambda each: str(each[1]["test"][0]))
    ends, begins = last["thresholds"]["window"][1], first["test"][0]
    if begins <= ends:
        raise DateRangeError(
            f"splits overlap: {last_name} is trained on up to {ends}, and {first_name} is tested "
            f"from {begins} on; give all the same windows, train=FIRST..LAST test=FIRST..LAST"
        )


def _windows(
    task: Task, facts: Facts, sessions: TimeArray, settings: CorpusSettings
) -> tuple[Labelling, Dates]:
    """How days are labelled, and the window of the test, which begins after the embargo."""
    given = dict(task.labels or {})
    if settings.train is not None:
        given["train"] = list(settings.train)
    elif "train" not in given:
        given["train"] = list(task.facts("warmup").window)
    labelling = labelling_of({**given, **settings.labels})
    if settings.test is not None:
        return labelling, settings.test
    first, last = facts.window
    end = int(
        np.searchsorted(
            sessions, np.datetime64(date_text("train", labelling.train[1]), "D"), side="right"
        )
    )
    after = min(end - 1 + EMBARGO, len(sessions) - 1)
    return labelling, (max(first, str(sessions[after])), last)


def _days(scores: LabelScores, thresholds: Thresholds, part: slice) -> list[CorpusDay]:
    returns, volatilities = horizon_returns(scores.closes), daily_volatilities(scores.closes)
    found = zip(range(part.start, part.stop), labels_of(scores, thresholds, part), strict=True)
    return [
        CorpusDay(
            t=t,
            date=str(scores.sessions[t]),
            label=label,
            score=float(scores.values[t]),
            horizon_return=float(returns[t]),
            daily_volatility=float(volatilities[t]),
        )
        for t, label in found
        if label is not None and not np.isnan(volatilities[t])
    ]


def _labellable(task: Task) -> Facts:
    """The facts of a task whose days can be labelled."""
    if task.is_ours and not task.is_of_snapshots and len(task.symbols) == 1:
        facts = task.facts("test")
        if facts.action in ACTIONS and facts.interval == DAILY:
            return facts
    raise InvestorBenchError(
        f"a corpus is of stocks and the like day by day, one a task, and {task.id} is another "
        "kind: name a task such as stock/tsla or etf/spy"
    )


def _shown(dates: Dates) -> str:
    return f"{dates[0]}..{dates[1]}"


def make_room(settings: CorpusSettings) -> None:
    """Let go of a market where another one is opened next; of a single task there is none."""
    if len(settings.tasks) > 1:
        forget_markets()


def rows_in(markets: Sequence[Mapping[str, Any]], variants: int) -> int:
    """How many rows a corpus of these markets has."""
    return variants * sum(sum(market["days"].values()) for market in markets)


def days_of(market: LabelledMarket) -> Iterator[tuple[CorpusSplit, CorpusDay]]:
    """The days of a market in the order of the rows."""
    for split, days in market.days.items():
        for day in days:
            yield split, day

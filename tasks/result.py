"""What an evaluation leaves behind: episodes, and the result that sums them up."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from investorbench.tasks.arena.history import arena_history
from investorbench.tasks.behaviour import behaviour
from investorbench.tasks.days import Dates, FloatArray, daily_returns
from investorbench.tasks.handed import knowledge
from investorbench.tasks.judging import (
    RATIOS,
    is_of_perpetuals,
    is_of_snapshots,
    performance_of,
    why_no_ratio,
)
from investorbench.tasks.labelled import LabelledEpisode
from investorbench.tasks.metrics import ACTIVITY, PERFORMANCE, activity, mean_of, performance
from investorbench.tasks.servers import changes_of_server
from investorbench.tasks.showing.html import html_of
from investorbench.tasks.showing.lines import text_of
from investorbench.tasks.showing.picture import figure_of
from investorbench.tasks.spread import spread
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task
from investorbench_env.accounting.account import RUIN
from investorbench_env.accounting.events import Fill
from investorbench_env.errors import FactsError
from investorbench_env.facts import Facts
from investorbench_env.protocols import Convention
from investorbench_env.spaces import BUY, HOLD, SELL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from investorbench.tasks.expected import ExpectedResult
    from investorbench.tasks.forecasts import ForecastScores

WEIGHTS = {SELL: -1.0, HOLD: 0.0, BUY: 1.0}
"""What is held over a horizon after an action."""
OF_DAYS = (*(each.key for each in PERFORMANCE), *(each.key for each in ACTIVITY))
"""Metrics of accounts from day to day, by their keys."""


class Horizons(NamedTuple):
    """What the snapshots of a block are scored by [T] each.

    Attributes:
        market_seeds: what their environments began with.
        weights: chosen, from −1 to 1.
        returns: what a position of weight 1 returned.
        means: what it was expected to, given the hidden state; NaN where that is not known.
        variances: of these returns, likewise.
        ups: how likely each was to be above 0, likewise.
    """

    market_seeds: tuple[int, ...]
    weights: FloatArray
    returns: FloatArray
    means: FloatArray
    variances: FloatArray
    ups: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episode:
    """One run over the test split, T steps long, in an account that may hold A assets.

    What is said of each asset is an array [T, A] in the order of ``symbols``, or [T] where there is
    one asset alone.

    Attributes:
        seed: what the agent began with.
        market_seed: what the environment began with.
        symbols: the A assets.
        sessions: dates of the decisions, the last one only marked [T + 1].
        times: when the decisions were taken, and the last mark, in UTC [T + 1].
        actions: what the agent chose, in plain values [T].
        rewards: what that returned [T].
        dates: the calendar days that count [D]; see :mod:`investorbench.tasks.days`.
        returns: what each day returned [D].
        equity: at each decision, starting value included [T + 1].
        weights: positions as shares of equity during each step [T] or [T, A].
        position: units held after each step [T] or [T, A].
        marks: prices at each decision, NaN where one is not known [T + 1] or [T + 1, A].
        fill_prices: price of the trade in each step, 0 for none [T] or [T, A].
        notional: value traded in each step [T] or [T, A].
        costs: what trading cost in each step [T].
        ended_early: whether the account was ruined before the split's end.
        metrics: the figures of :mod:`investorbench.tasks.metrics`, in the protocol's convention.
        scored: what the snapshots of a block are scored by; None of an account.
        answers: how a language model's answers add up, by split, from the episode's record.
        forecasts: of the return that each decision is scored over, in plain values, None where none
            came [T]; None where there were none at all.
        earned: what a position of weight 1 returned over each step that there is a forecast of [T];
            None where there is none, and of snapshots, whose ``scored`` has it.
    """

    # Arrays are not shown: asyncio writes out what a task returned as it ends, and writing them
    # out took as long as running the episode.
    seed: int
    market_seed: int
    symbols: tuple[str, ...]
    sessions: Dates = field(repr=False)
    times: Dates = field(repr=False)
    actions: tuple[Any, ...] = field(repr=False)
    rewards: FloatArray = field(repr=False)
    dates: Dates = field(repr=False)
    returns: FloatArray = field(repr=False)
    equity: FloatArray = field(repr=False)
    weights: FloatArray = field(repr=False)
    position: FloatArray = field(repr=False)
    marks: FloatArray = field(repr=False)
    fill_prices: FloatArray = field(repr=False)
    notional: FloatArray = field(repr=False)
    costs: FloatArray = field(repr=False)
    ended_early: bool
    metrics: dict[str, float]
    scored: "Horizons | None" = field(default=None, repr=False)
    answers: dict[str, Any] | None = field(default=None, repr=False)
    forecasts: tuple[dict[str, Any] | None, ...] | None = field(default=None, repr=False)
    earned: FloatArray | None = field(default=None, repr=False)
    labelled: LabelledEpisode | None = field(default=None, repr=False)

    def to_frame(self) -> "pd.DataFrame":
        """One row a step, indexed by when it was decided; a column for each of several assets."""
        import pandas as pd

        columns: dict[str, Any] = {"action": [_single(action) for action in self.actions]}
        for name, values in (
            ("fill_price", self.fill_prices),
            ("position", self.position),
            ("weight", self.weights),
            ("notional", self.notional),
        ):
            columns |= self._by_symbol(name, values)
        columns |= {
            "cost": self.costs,
            "reward": self.rewards,
            "return": self.equity[1:] / self.equity[:-1] - 1.0,
            "equity": self.equity[1:],
            "marked_on": self.sessions[1:],
        }
        # Sessions name bars of a day or longer; shorter ones have but their time.
        is_named = len(np.unique(self.sessions)) == len(self.sessions)
        decided = self.sessions[:-1].astype("datetime64[s]") if is_named else self.times[:-1]
        index = pd.DatetimeIndex(decided, name="decided_on" if is_named else "decided_at")
        return pd.DataFrame(columns, index=index)

    def _by_symbol(self, name: str, values: FloatArray) -> dict[str, FloatArray]:
        if values.ndim == 1:
            return {name: values}
        return {f"{name} {symbol}": values[:, n] for n, symbol in enumerate(self.symbols)}


def ratio_or_return(metrics: Mapping[str, float]) -> float:
    """By what accounts are put in order: the Sharpe ratio, or the return of a few days."""
    return metrics["SR"] if np.isfinite(metrics["SR"]) else metrics["CR"]


class Failure(NamedTuple):
    """A repeat that did not come to its end.

    Attributes:
        repeat: its number.
        kind: ``"agent"``, whose code raised; ``"model"``, whose answers could not be used;
            ``"infrastructure"``, such as a server that was down; ``"damaged"``, a record that was
            changed; ``"unfinished"``, interrupted or not begun.
        why: in one line.
        trace: of the exception; empty where there is none.
    """

    repeat: int
    kind: str
    why: str
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Something that tables compare agents with, computed when a run is made.

    Attributes:
        name: what tables call it.
        kind: ``"agent"``, which has daily returns and metrics; ``"policies"``, of which the figures
            of many are known; ``"matched"``, such as hold what one agent held, at other times.
        seed: of its choices.
        market_seed: what its environment began with, where that decides the market; else None.
        dates: days of its returns [D].
        returns: daily returns [D].
        figures: its metrics by name, or an array of many policies' by name.
    """

    name: str
    kind: str
    seed: int = 0
    market_seed: int | None = None
    dates: Dates | None = None
    returns: FloatArray | None = None
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Result:
    """How an agent did on a task.

    Metrics are means over the repeats: what one run of the agent is expected to show. Equity,
    actions and the frame are those of one repeat: the one with the median Sharpe ratio (of an even
    number the lower of the two in the middle), whose figures InvestorBench publishes (Li et al.,
    2025).

    Attributes:
        agent: its name.
        task: what it was scored on.
        facts: what is known of the task's test split without stepping it.
        episodes: one for each repeat.
        seed: of the run, from which markets and the agents' own seeds follow; None in what was not
            run by us.
        described: what determines the agent, where it says so.
        handed: what its agents were handed that others cannot know, see
            :mod:`investorbench.tasks.handed`.
        configuration_of: the agent's name without its model and the settings of a sweep; empty
            where that is not known.
        is_baseline: whether it is a baseline as it comes.
        references: what tables compare it with; None where that was not computed.
        settings: all that determined it, as its job has them; empty where that is not known.
        code: SHA-256 of the code that ran it; empty where that is not recorded.
    """

    agent: str
    task: Task
    facts: Facts = field(repr=False)
    episodes: tuple[Episode, ...]
    seed: int | None = None
    described: dict[str, Any] | None = field(default=None, repr=False)
    handed: tuple[str, ...] = ()
    configuration_of: str = ""
    is_baseline: bool = False
    references: tuple[Reference, ...] | None = field(default=None, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    code: str = field(default="", repr=False)

    def __repr__(self) -> str:
        return text_of(self)

    def _repr_html_(self) -> str:
        return html_of(self)

    def plot(self) -> "Figure":
        """Equity, drawdown and weights as a picture of matplotlib's.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        return figure_of(self)

    @property
    def knows(self) -> str:
        """What its agents know beyond what they observe, in words; empty for nothing."""
        return knowledge(self.handed, self.facts)

    @property
    def protocol(self) -> str:
        """The protocol's name."""
        return self.facts.protocol

    @property
    def data_source(self) -> str:
        """Where prices and texts come from, in words."""
        return self.facts.source

    @property
    def simulated(self) -> bool:
        """Whether they are simulated."""
        return self.facts.simulated

    @property
    def fills(self) -> str:
        """When orders filled."""
        return self.facts.fills

    @property
    def window(self) -> tuple[str, str]:
        """First and last session of the test split, also where an account was ruined before.

        With ``episode_length``, by which each episode begins at a session of its own, those of the
        repeat with the median Sharpe ratio.
        """
        if self.task.options.get("episode_length") is None:
            return self.facts.window
        first, last = self.median.sessions[[0, -1]]
        return str(first), str(last)

    @property
    def findings(self) -> tuple[str, ...]:
        """What is wrong or missing in the data, and what changed of a model's server, in words."""
        return (*self.facts.findings, *changes_of_server(self.agent, self.tallies))

    @property
    def tallies(self) -> list[dict[str, Any] | None]:
        """How answers add up, of each repeat and split in which a model could be asked."""
        return [one for each in self.episodes for one in (each.answers or {}).values()]

    @property
    def market_fingerprint(self) -> str:
        """SHA-256 of the market."""
        return self.facts.fingerprint

    @property
    def median(self) -> Episode:
        """The repeat with the median Sharpe ratio, which pictures show; its figures are its own."""
        ranked = sorted(self.episodes, key=lambda episode: ratio_or_return(episode.metrics))
        return ranked[(len(ranked) - 1) // 2]

    @property
    def metrics(self) -> dict[str, float]:
        """CR, SR, AV, MDD and the others, means over the repeats, as fractions.

        A drawdown is positive. See :func:`~investorbench.tasks.metrics.mean_of` for what is not
        defined in every repeat; those of each are in its episode.
        """
        return mean_of([episode.metrics for episode in self.episodes])

    @property
    def forecast_scores(self) -> "ForecastScores":
        """How good its forecasts are, all repeats together; docs/forecasts.md has the scores.

        Raises:
            ForecastError: what they were about is not recorded.
        """
        from investorbench.tasks.foretold import forecast_scores_of

        return forecast_scores_of(self)

    @property
    def equity(self) -> FloatArray:
        """Of the median repeat: equity at each decision, starting value included [T + 1]."""
        return self.median.equity

    @property
    def actions(self) -> tuple[Any, ...]:
        """Of the median repeat: what the agent chose [T]."""
        return self.median.actions

    def metrics_in(
        self, convention: Convention, risk_free: float | None = None
    ) -> dict[str, float]:
        """CR, SR, AV, MDD and their relatives in either convention, means over the repeats.

        Ratios are of returns beyond a yearly rate; None for the one that idle cash earned.
        Under ``"log"`` a step of a ``standard`` run counts with the log of its equity's growth,
        and ruin with that of ``RUIN``.
        """
        becomes_log = convention == "log" and self.facts.convention == "simple"
        repeats = [
            np.log(np.maximum(1.0 + each.returns, RUIN)) if becomes_log else each.returns
            for each in self.episodes
        ]
        years = self.facts.periods_a_year
        rate = self.facts.cash_rate if risk_free is None else risk_free
        found = mean_of([performance(own, convention, years, rate) for own in repeats])
        few = why_no_ratio(self.facts, max(map(len, repeats)))
        return found | dict.fromkeys(RATIOS if few else (), np.nan)

    def expected(self) -> "ExpectedResult":
        """What its positions were expected to return, beside what they did; simulated markets only.

        Raises:
            InvestorBenchError: the market is a real one, or holds another kind of account.
        """
        from investorbench.tasks.expected import expected_of

        return expected_of(self)

    def to_frame(self) -> "pd.DataFrame":
        """Of the median repeat: one row a step, indexed by the date of the decision."""
        return self.median.to_frame()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """An agent on one task, as far as it came.

    Attributes:
        result: what the finished repeats came to, at least one.
        planned: how many repeats were to be run.
        failures: the others.
        run: the name of the run folder it was recorded in; empty where it is in none.
        job: the folder of the agent on the task, from the run's on; likewise.
    """

    result: Result
    planned: int
    failures: tuple[Failure, ...] = ()
    run: str = ""
    job: str = ""

    @property
    def repeats(self) -> list[int]:
        """The numbers of the finished repeats, in the order of the result's episodes."""
        failed = {failure.repeat for failure in self.failures}
        numbers = [number for number in range(self.planned) if number not in failed]
        return numbers[: len(self.result.episodes)]


def episode_of(steps: Sequence[Step]) -> Episode:
    """What the steps over a test split amount to.

    Raises:
        FactsError: the account holds or trades what is none of the environment's symbols.
    """
    facts = steps[0].facts
    if is_of_snapshots(facts):
        return _block_of(steps)
    infos = [steps[0].info, *(step.outcome for step in steps)]
    accounts = [info["account"] for info in infos]
    positions = [{each.symbol: each for each in account.positions} for account in accounts[1:]]
    fills = [info["fills"] for info in infos[1:]]
    sessions = np.array([info["session"] for info in infos], dtype="datetime64[D]")
    equity = np.array([account.equity for account in accounts], dtype=np.float64)
    dates, returns = daily_returns(sessions, equity, facts.interval)
    # Orders of the standard protocol fill at the next open, so the weight after a step is the one
    # that was carried through it, up to the drift of prices.
    weights = _table(facts, [{s: each.weight for s, each in held.items()} for held in positions])
    notional = _table(facts, [_sums(own, "notional") for own in fills])
    metrics = performance_of(returns, facts)
    metrics |= activity(
        equity[1:] / equity[:-1] - 1.0,
        np.abs(weights).sum(-1),
        notional.sum(-1),
        equity,
        accounts[-1].costs - accounts[0].costs,
    )
    if is_of_perpetuals(facts):
        metrics |= behaviour(arena_history(steps))
    elif len(facts.symbols) > 1:
        metrics |= spread(
            weights,
            np.array([account.cash / (account.equity or 1.0) for account in accounts[1:]]),
            np.array([len(info.get("rejections", ())) for info in infos[1:]], dtype=np.float64),
            np.array([bool(info.get("scaled")) for info in infos[1:]], dtype=np.float64),
        )
    units = [{symbol: each.quantity for symbol, each in held.items()} for held in positions]
    return Episode(
        seed=steps[0].seed,
        market_seed=steps[0].market_seed,
        symbols=facts.symbols,
        sessions=sessions,
        times=np.array([_utc(info["time"]) for info in infos], dtype="datetime64[us]"),
        actions=tuple(step.action for step in steps),
        rewards=np.array([step.reward for step in steps], dtype=np.float64),
        dates=dates,
        returns=returns,
        equity=equity,
        weights=_alone(weights),
        position=_alone(_table(facts, units)),
        marks=_alone(_table(facts, [account.marks for account in accounts], missing=np.nan)),
        fill_prices=_alone(_table(facts, [_prices(own) for own in fills])),
        notional=_alone(notional),
        costs=np.array([sum(fill.cost for fill in own) for own in fills], dtype=np.float64),
        ended_early=len(steps) < facts.steps and equity[-1] <= 0.0,
        metrics=metrics,
        forecasts=_forecasts(steps),
        earned=_earned(steps),
    )


def _forecasts(steps: Sequence[Step]) -> tuple[dict[str, Any] | None, ...] | None:
    given = tuple(step.forecast for step in steps)
    return given if any(each is not None for each in given) else None


def _earned(steps: Sequence[Step]) -> FloatArray | None:
    known = [step.outcome.get("scored") for step in steps]
    if not any(known):
        return None
    return np.array([(each or {}).get("return", math.nan) for each in known], dtype=np.float64)


def _block_of(steps: Sequence[Step]) -> Episode:
    """What the snapshots of a block amount to, each of them one return of an account of its own.

    ``equity`` is that of equal stakes in all of them; none has ratios of daily returns.
    """
    facts = steps[0].facts
    infos = [*(step.info for step in steps), steps[-1].outcome]
    accounts = [step.outcome["account"] for step in steps]
    held = [sum(each.quantity for each in account.positions) for account in accounts]
    fills = [step.outcome["fills"] for step in steps]
    rewards = np.array([step.reward for step in steps], dtype=np.float64)
    sessions = np.array([info["session"] for info in infos], dtype="datetime64[D]")
    return Episode(
        seed=steps[0].seed,
        market_seed=steps[0].market_seed,
        symbols=facts.symbols,
        sessions=sessions,
        times=np.array([_utc(info["time"]) for info in infos], dtype="datetime64[us]"),
        actions=tuple(step.action for step in steps),
        rewards=rewards,
        dates=sessions[:-1],
        returns=rewards,
        equity=facts.initial_cash * np.append(1.0, 1.0 + np.cumsum(rewards)),
        weights=np.array([sum(p.weight for p in each.positions) for each in accounts]),
        position=np.array(held, dtype=np.float64),
        marks=np.full(len(infos), np.nan),
        fill_prices=np.array([own[0].price if own else 0.0 for own in fills]),
        notional=np.array([sum(fill.notional for fill in own) for own in fills]),
        costs=np.array([sum(fill.cost for fill in own) for own in fills], dtype=np.float64),
        ended_early=False,
        scored=_horizons(steps),
        forecasts=_forecasts(steps),
        metrics={**dict.fromkeys(OF_DAYS, math.nan), "realised": float(rewards.mean())},
    )


def _horizons(steps: Sequence[Step]) -> Horizons:
    known = [step.outcome.get("scored") or {} for step in steps]
    by_weight = steps[0].facts.action == "weight"
    chosen = [float(_single(step.action)) if by_weight else WEIGHTS[step.action] for step in steps]

    def column(name: str) -> FloatArray:
        return np.array([each.get(name, math.nan) for each in known], dtype=np.float64)

    return Horizons(
        market_seeds=tuple(step.market_seed for step in steps),
        weights=np.array(chosen),
        returns=column("return"),
        means=column("mean"),
        variances=column("variance"),
        ups=column("up"),
    )


def _table(facts: Facts, rows: Sequence[Mapping[str, float]], missing: float = 0.0) -> FloatArray:
    """Values by symbol as an array [rows, A]."""
    place = {symbol: n for n, symbol in enumerate(facts.symbols)}
    table = np.full((len(rows), len(place)), missing)
    for n, row in enumerate(rows):
        for symbol, value in row.items():
            if symbol not in place:
                raise FactsError(
                    f"the account knows {symbol}, which is none of the symbols in the facts of its "
                    f"environment: {', '.join(facts.symbols)}"
                )
            table[n, place[symbol]] = value
    return table


def _alone(table: FloatArray) -> FloatArray:
    """The column of one asset without the others' axis."""
    return table[:, 0].copy() if table.shape[1] == 1 else table


def _sums(fills: Sequence[Fill], name: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for fill in fills:
        sums[fill.symbol] = sums.get(fill.symbol, 0.0) + getattr(fill, name)
    return sums


def _prices(fills: Sequence[Fill]) -> dict[str, float]:
    """The price of each asset's trades; of several in a step their mean by quantity."""
    prices: dict[str, float] = {}
    for symbol in {fill.symbol for fill in fills}:
        own = [fill for fill in fills if fill.symbol == symbol]
        units = sum(abs(fill.quantity) for fill in own)
        of_several = len(own) > 1 and units > 0.0
        total = sum(abs(fill.quantity) * fill.price for fill in own)
        prices[symbol] = total / units if of_several else own[-1].price
    return prices


def _utc(time: str) -> np.datetime64:
    """A moment of ISO 8601, with its zone or in UTC."""
    moment = datetime.fromisoformat(time) if time else None
    if moment is None:
        return np.datetime64("NaT", "us")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def _single(action: Any) -> Any:
    """The number in a list of one; any other action as it is."""
    return action[0] if isinstance(action, list) and len(action) == 1 else action

"""What an evaluation leaves behind: episodes, and the result that sums them up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.metrics import activity, performance
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task
from investorbench_env.envs.setup import RUIN
from investorbench_env.facts import Facts
from investorbench_env.protocols import Convention, find_protocol

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Episode:
    """One run over the test split, T steps long.

    Attributes:
        seed: what it ran with.
        sessions: dates of the decisions, the last one only marked [T + 1].
        actions: what the agent chose [T].
        rewards: what it was told [T].
        returns: return of each step in the protocol's convention [T].
        equity: at each decision, starting value included [T + 1].
        weights: position as a share of equity during each step [T].
        position: shares held after each step [T].
        fill_prices: price of the trade in each step, 0 for none [T].
        notional: value traded in each step [T].
        costs: what trading cost in each step [T].
        ended_early: whether the account was ruined before the split's end.
        metrics: the figures of §1.4, in the protocol's convention.
        answers: what a language model's answers came to, by split, from the episode's record.
    """

    seed: int
    sessions: npt.NDArray[np.datetime64]
    actions: tuple[Any, ...]
    rewards: FloatArray
    returns: FloatArray
    equity: FloatArray
    weights: FloatArray
    position: FloatArray
    fill_prices: FloatArray
    notional: FloatArray
    costs: FloatArray
    ended_early: bool
    metrics: dict[str, float]
    answers: dict[str, Any] | None = None

    def to_frame(self) -> "pd.DataFrame":
        """One row a step, indexed by the date of the decision."""
        import pandas as pd

        actions = [np.asarray(action).reshape(-1)[0] for action in self.actions]
        columns = {
            "action": actions,
            "fill_price": self.fill_prices,
            "position": self.position,
            "weight": self.weights,
            "notional": self.notional,
            "cost": self.costs,
            "reward": self.rewards,
            "return": self.returns,
            "equity": self.equity[1:],
            "marked_on": self.sessions[1:],
        }
        index = pd.DatetimeIndex(self.sessions[:-1].astype("datetime64[s]"), name="decided_on")
        return pd.DataFrame(columns, index=index)


class Failure(NamedTuple):
    """A repeat that did not come to its end.

    Attributes:
        repeat: its number.
        kind: ``"agent"``, whose code raised; ``"infrastructure"``, such as a server that was down;
            ``"damaged"``, a record that was changed; ``"unfinished"``, interrupted or not begun.
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
        kind: ``"agent"``, which has daily returns and metrics, or ``"policies"``, of which the
            figures of many are known.
        seed: of its choices.
        dates: days of its returns [D].
        returns: daily returns [D].
        figures: its metrics by name, or an array of many policies' by name.
    """

    name: str
    kind: str
    seed: int = 0
    dates: npt.NDArray[np.datetime64] | None = None
    returns: FloatArray | None = None
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """How an agent did on a task.

    Metrics, equity and actions are those of one episode: the one with the median Sharpe ratio
    (of an even number the lower of the two in the middle), as in InvestorBench (Li et al., 2025).

    Attributes:
        agent: its name.
        task: what it was scored on.
        facts: what is known of the task's test split without stepping it.
        episodes: one for each repeat.
        described: what determines the agent, where it says so.
        references: what tables compare it with.
    """

    agent: str
    task: Task
    facts: Facts = field(repr=False)
    episodes: tuple[Episode, ...]
    described: dict[str, Any] | None = field(default=None, repr=False)
    references: tuple[Reference, ...] = field(default=(), repr=False)

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
        """First and last session of the test split, also where an account was ruined before."""
        return self.facts.window

    @property
    def findings(self) -> tuple[str, ...]:
        """What is wrong or missing in the data, in words."""
        return self.facts.findings

    @property
    def market_fingerprint(self) -> str:
        """SHA-256 of the market."""
        return self.facts.fingerprint

    @property
    def median(self) -> Episode:
        """The episode with the median Sharpe ratio."""
        ranked = sorted(self.episodes, key=lambda episode: episode.metrics["SR"])
        return ranked[(len(ranked) - 1) // 2]

    @property
    def metrics(self) -> dict[str, float]:
        """CR, SR, AV, MDD and the others, as fractions; a drawdown is positive."""
        return self.median.metrics

    @property
    def equity(self) -> FloatArray:
        """Equity at each decision, starting value included [T + 1]."""
        return self.median.equity

    @property
    def actions(self) -> tuple[Any, ...]:
        """What the agent chose [T]."""
        return self.median.actions

    def metrics_in(self, convention: Convention, risk_free: float = 0.0) -> dict[str, float]:
        """CR, SR, AV, MDD and their relatives in either convention.

        Under ``"log"`` a step of a ``standard`` run counts with the log of its equity's growth,
        and ruin with that of ``RUIN``.
        """
        returns = self.median.returns
        if convention == "log" and self.facts.convention == "simple":
            returns = np.log(np.maximum(1.0 + returns, RUIN))
        return performance(returns, convention, self.facts.periods_a_year, risk_free)

    def to_frame(self) -> "pd.DataFrame":
        """One row a step, indexed by the date of the decision."""
        return self.median.to_frame()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """An agent on one task, as far as it came.

    Attributes:
        result: what the finished repeats came to, at least one.
        planned: how many repeats were to be run.
        failures: the others.
        run: the name of the run folder it was recorded in; empty where it is in none.
    """

    result: Result
    planned: int
    failures: tuple[Failure, ...] = ()
    run: str = ""

    @property
    def repeats(self) -> list[int]:
        """The numbers of the finished repeats, in the order of the result's episodes."""
        failed = {failure.repeat for failure in self.failures}
        numbers = [number for number in range(self.planned) if number not in failed]
        return numbers[: len(self.result.episodes)]


def episode_of(steps: Sequence[Step], task: Task) -> Episode:
    """What a sequence of steps over the test split amounts to."""
    infos = [steps[0].info, *(step.outcome for step in steps)]
    protocol = find_protocol(task.protocol)
    equity = _column(infos, "equity")
    returns = equity[1:] / equity[:-1] - 1.0
    weights = _column(infos, "weight")
    # Orders of the standard protocol fill at the next open, so the weight after a step is the one
    # that was carried through it, up to the drift of prices.
    carried = weights[1:]
    notional = _column(infos[1:], "notional")
    metrics = performance(returns, protocol.convention, task.days_a_year)
    metrics |= activity(returns, carried, notional, equity, _column(infos, "costs")[-1])
    return Episode(
        seed=steps[0].seed,
        sessions=np.array([info["session"] for info in infos], dtype="datetime64[D]"),
        actions=tuple(step.action for step in steps),
        rewards=np.array([step.reward for step in steps]),
        returns=returns,
        equity=equity,
        weights=carried,
        position=_column(infos[1:], "position"),
        fill_prices=_column(infos[1:], "fill_price"),
        notional=notional,
        costs=_column(infos[1:], "cost"),
        ended_early=len(steps) < steps[0].steps and equity[-1] <= 0.0,
        metrics=metrics,
    )


def _column(infos: Sequence[dict[str, Any]], name: str) -> FloatArray:
    return np.array([info[name] for info in infos], dtype=np.float64)

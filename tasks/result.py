"""What an evaluation leaves behind: steps, episodes and the result that sums them up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.tasks.metrics import activity, performance
from investorbench.tasks.task import Task
from investorbench_env.envs.setup import RUIN
from investorbench_env.protocols import Convention, find_protocol

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision and what came of it.

    Attributes:
        repeat: 0 for the first run over the splits.
        seed: what this repeat runs with.
        split: the split it belongs to.
        number: 0 for the first decision of the split.
        steps: how many the split has at most.
        info: what the agent was told beside the observation.
        action: what it chose.
        reward: what that returned.
        outcome: the info after the step.
        is_last: whether the split ended with it.
        thought: what the action rests on, where the agent says so.
    """

    repeat: int
    seed: int
    split: str
    number: int
    steps: int
    info: dict[str, Any]
    action: Any
    reward: float
    outcome: dict[str, Any]
    is_last: bool
    thought: dict[str, Any] | None = None


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
class Result:
    """How an agent did on a task.

    Metrics, equity and actions are those of one episode: the one with the median Sharpe ratio
    (of an even number the lower of the two in the middle), REFERENCE.md §1.1.

    Attributes:
        agent: its name.
        task: what it was scored on.
        protocol: the protocol's name.
        data_source: where prices and texts come from, in words.
        simulated: whether they are simulated.
        fills: when orders filled.
        window: first and last session of the test split, also where an account was ruined before.
        episodes: one for each repeat.
        findings: what is wrong or missing in the data, in words.
        market_fingerprint: SHA-256 of the market.
        described: what determines the agent, where it says so.
    """

    agent: str
    task: Task
    protocol: str
    data_source: str
    simulated: bool
    fills: str
    window: tuple[str, str]
    episodes: tuple[Episode, ...]
    findings: tuple[str, ...] = field(repr=False)
    market_fingerprint: str = field(repr=False)
    described: dict[str, Any] | None = field(default=None, repr=False)

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
        own = find_protocol(self.protocol).convention
        returns = self.median.returns
        if convention == "log" and own == "simple":
            returns = np.log(np.maximum(1.0 + returns, RUIN))
        return performance(returns, convention, self.task.days_a_year, risk_free)

    def to_frame(self) -> "pd.DataFrame":
        """One row a step, indexed by the date of the decision."""
        return self.median.to_frame()


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
    metrics |= activity(returns, carried, notional, equity)
    metrics["costs"] = float(_column(infos, "costs")[-1])
    metrics["steps"] = len(steps)
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

"""What an agent was expected to return a decision, beside what it returned, with intervals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from investorbench.tasks.days import FloatArray
from investorbench.tasks.expected.steps import ExpectedEpisode, KnownMarket, expected_episode
from investorbench.tasks.forecasts.clustered import clustered_mean
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.wording import NONE, count

if TYPE_CHECKING:
    from investorbench.tasks.result import Result

BPS = 1e4
"""Basis points in one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedResult:
    """What was expected of the episodes of an agent; all estimates in basis points a decision.

    Attributes:
        agent: its name.
        episodes: one a repeat.
    """

    agent: str
    episodes: tuple[ExpectedEpisode, ...]

    @property
    def markets(self) -> npt.NDArray[np.int64]:
        """Which episodes share a market, by number [R]."""
        return np.unique([each.market for each in self.episodes], return_inverse=True)[1]

    @property
    def edges(self) -> FloatArray:
        """The mean expected return of each episode, one observation where it has its own market."""
        return BPS * np.array([each.expected.mean() for each in self.episodes])

    @property
    def edge(self) -> Estimate:
        """The mean expected return, costs paid."""
        return clustered_mean(self.edges, self.markets)

    @property
    def realised(self) -> Estimate:
        """The mean return that came, costs paid."""
        means = [each.realised.mean() for each in self.episodes]
        return clustered_mean(BPS * np.array(means), self.markets)

    @property
    def surprise(self) -> Estimate:
        """Realised less expected: 0 but for chance, which is independent from step to step."""
        gaps = np.concatenate([each.realised - each.expected for each in self.episodes])
        # In one market a session has the same luck for all; every other has its own.
        days = [each.sessions.astype("datetime64[D]").astype(np.int64) for each in self.episodes]
        markets = np.repeat(self.markets, [len(each) for each in days])
        pairs = np.stack([markets, np.concatenate(days)])
        _, luck = np.unique(pairs, axis=1, return_inverse=True)
        luck = luck.reshape(-1)  # NumPy 2.0 gives it two axes
        return clustered_mean(BPS * gaps, luck)

    def __repr__(self) -> str:
        episodes = count(len(self.episodes), "episode")
        return (
            f"{self.agent}, {episodes}, basis points a decision: expected {_text(self.edge)}, "
            f"realised {_text(self.realised)}, realised less expected {_text(self.surprise)}"
        )


def expected_of(result: "Result", known: dict[int, KnownMarket] | None = None) -> ExpectedResult:
    """What was expected of an agent's positions on a simulated market.

    Args:
        result: of the agent.
        known: markets of its task that are drawn already, by their seeds; new ones are added.

    Raises:
        InvestorBenchError: see :func:`~investorbench.tasks.expected.steps.expected_episode`.
    """
    known = {} if known is None else known
    return ExpectedResult(
        agent=result.agent,
        episodes=tuple(
            expected_episode(result.task, result.facts, episode, known)
            for episode in result.episodes
        ),
    )


def _text(estimate: Estimate) -> str:
    if estimate.value is None:
        return NONE
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.1f}"
    return f"{estimate.value:.1f} [{estimate.low:.1f}, {estimate.high:.1f}]"

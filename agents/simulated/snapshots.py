"""Yardsticks for snapshots of simulated markets: one decision each, held for a known horizon.

Unlike an account that goes on, a snapshot has a best decision in closed form: what the position is
expected to earn until the horizon against what it costs and, for weights, risks.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.agents.forecasts import Decision, NormalForecast
from investorbench.agents.simulated.outlook import require_state
from investorbench.agents.simulated.particle_filter import ParticleFilter
from investorbench.agents.simulated.statements import new_statements, statements_in
from investorbench.agents.single_asset import takes_weight
from investorbench_env.errors import InvestorBenchError, MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.documents import NEWS, Document
from investorbench_env.market.market import CLOSE, Market
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.market.simulated.conditional import conditional

FloatArray = npt.NDArray[np.float64]
Observation = Mapping[str, Any]
Info = Mapping[str, Any]

AVERSION = 5.0
"""γ of w·μ − ½γ·w²·σ², by which weights are scored."""


def best_side(mean: Any, cost_rate: float) -> Any:
    """−1, 0 or 1: the side that is expected to earn more than its cost, of numbers or arrays."""
    return np.sign(mean) * (np.abs(mean) > cost_rate)


def best_weight(mean: Any, variance: Any, cost_rate: float, aversion: float = AVERSION) -> Any:
    """What maximises w·μ − ½γ·w²·σ² − cost·|w| within [−1, 1], of numbers or arrays."""
    gain = np.maximum(np.abs(mean) - cost_rate, 0.0)
    return np.sign(mean) * np.minimum(gain / (aversion * variance), 1.0)


class Outlook(NamedTuple):
    """What a position of weight 1 is expected to return over a horizon.

    Attributes:
        mean: of the return.
        variance: that states are expected to give it, by which risk is scored.
        doubt: variance of the mean itself, since the state is not known.
    """

    mean: float
    variance: float
    doubt: float = 0.0


class SnapshotAgent:
    """What an agent of snapshots knows of its task, and how a weight becomes an action."""

    name: str

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Note horizon, cost and kind of action.

        Raises:
            InvestorBenchError: the decisions of the environment are no snapshots.
        """
        self._by_weight = takes_weight(facts, self.name)
        if facts.horizon is None:
            raise InvestorBenchError(
                f"{self.name} decides on snapshots, and {facts.family} has no horizon: use a task "
                "such as snapshot/sim"
            )
        self._horizon, self._cost_rate = facts.horizon, facts.cost_rate
        self._lowest = 0.0 if facts.long_only else -1.0

    def act(self, observation: Observation, info: Info) -> Any:
        """Sell, hold or buy, or a weight."""
        return self._action(self.weight(observation, info))

    def _action(self, weight: float) -> Any:
        weight = max(weight, self._lowest)
        if self._by_weight:
            return np.array([weight], dtype=np.float32)
        return int(np.sign(weight)) + 1

    def weight(self, observation: Observation, info: Info) -> float:
        """In [−1, 1]; its sign decides where an action is to sell, hold or buy."""
        raise NotImplementedError


class ExpectingAgent(SnapshotAgent):
    """Decides by what it expects of the horizon, and says so as a normal law.

    Args:
        aversion: γ, where weights are chosen.
    """

    def __init__(self, aversion: float) -> None:
        if not aversion > 0.0:
            raise InvestorBenchError(f"aversion={aversion!r} must be above 0")
        self._aversion = aversion

    def expected(self, observation: Observation, info: Info) -> Outlook:
        """What the horizon is expected to bring."""
        raise NotImplementedError

    def act(self, observation: Observation, info: Info) -> Decision:
        """Sell, hold or buy, or a weight; with the law that it expects."""
        known = self.expected(observation, info)
        spread = math.sqrt(known.variance + known.doubt)
        forecast = NormalForecast(mean=known.mean, sd=spread, horizon=self._horizon)
        return Decision(self._action(self._best(known)), forecast=forecast)

    def weight(self, observation: Observation, info: Info) -> float:
        return self._best(self.expected(observation, info))

    def _best(self, known: Outlook) -> float:
        if self._by_weight:
            found = best_weight(known.mean, known.variance, self._cost_rate, self._aversion)
            return float(found)
        return float(best_side(known.mean, self._cost_rate))


class ConstantWeight(SnapshotAgent):
    """The same weight whatever it is shown: what there is to earn without looking.

    Args:
        weight: in [−1, 1].
    """

    name = "constant"

    def __init__(self, weight: float = 1.0) -> None:
        if not -1.0 <= weight <= 1.0:
            raise InvestorBenchError(f"weight={weight!r} must lie in [-1, 1]")
        self._weight = weight

    def weight(self, observation: Observation, info: Info) -> float:
        return self._weight


class SnapshotOracle(ExpectingAgent):
    """Knows the hidden state at the decision, and so the law of what follows: the ceiling.

    Args:
        market: that the environment runs on, with its ``hidden_state``.
        dynamics: its parameters; the defaults of its symbol and asset class for None.
        aversion: γ, where weights are chosen.

    Raises:
        MarketError: the market has no hidden state, or one that has parts unknown to it.
    """

    name = "oracle"

    def __init__(
        self, market: Market, dynamics: Dynamics | None = None, *, aversion: float = AVERSION
    ) -> None:
        super().__init__(aversion)
        if market.hidden_state is None:
            raise MarketError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        self._dynamics = dynamics or dynamics_of(market.symbols[0], market.asset_class)
        require_state(self._dynamics, "oracle")
        self._state = {name: values[:, 0] for name, values in market.hidden_state.items()}
        self._times = market.times.astype("datetime64[s]").astype(np.int64)

    def expected(self, observation: Observation, info: Info) -> Outlook:
        now = datetime.fromisoformat(info["time"]).timestamp()
        t = int(np.searchsorted(self._times, now))
        state = {name: values[t] for name, values in self._state.items()}
        known = conditional(self._dynamics, state, self._horizon)
        return Outlook(float(known.mean), float(known.variance))


class SnapshotFilter(ExpectingAgent):
    """Knows the law but not the state: filters bars and texts, then decides as the oracle.

    Each text is read as of the session in which it appeared.

    Args:
        dynamics: the parameters of the market.
        particles: how many; the error of the estimate falls with their square root.
        seed: of the particles, until ``begin`` gives another.
        aversion: γ, where weights are chosen.

    Raises:
        MarketError: the law's state has parts unknown to it.
    """

    name = "filter"

    def __init__(
        self,
        dynamics: Dynamics,
        *,
        particles: int = 500,
        seed: int = 0,
        aversion: float = AVERSION,
    ) -> None:
        super().__init__(aversion)
        require_state(dynamics, "filter")
        self._dynamics, self._count, self._seed = dynamics, particles, seed

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Note the task and the seed of the particles."""
        super().begin(facts, split, seed)
        self._seed = seed

    def expected(self, observation: Observation, info: Info) -> Outlook:
        particles = self.particles(observation, info)
        shares = particles.shares()
        known = conditional(self._dynamics, particles.state(), self._horizon)
        mean = float(shares @ known.mean)
        return Outlook(
            mean, float(shares @ known.variance), float(shares @ (known.mean - mean) ** 2)
        )

    def particles(self, observation: Observation, info: Info) -> ParticleFilter:
        """Guesses at the hidden state at the decision."""
        found = ParticleFilter(self._dynamics, self._count, np.random.default_rng(self._seed))
        closes = observation["bars"][:, CLOSE].astype(np.float64)
        times = info["history"].bars(last=len(closes))["time"]
        closes = closes[len(closes) - len(times) :]
        # What a session returned is unknown of the first alone.
        returns = (None, *np.diff(np.log(closes)).tolist())
        texts = by_session(info["documents"], times)
        for log_return, documents in zip(returns, texts, strict=True):
            if log_return is not None:
                found.advance(log_return)
            for document in documents:
                kind = NEWS if document.kind == NEWS else "filings"
                for statement in statements_in(str(document), info["symbol"]):
                    found.observe_statement(statement, kind)
            found.resample()
        return found


def by_session(
    documents: tuple[Document, ...], times: npt.NDArray[np.datetime64]
) -> list[list[Document]]:
    """Documents by the decision at which they were first known, ``times`` ascending [W]."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    found: list[list[Document]] = [[] for _ in seconds]
    for document in documents:
        place = int(np.searchsorted(seconds, document.available_at.timestamp()))
        found[min(place, len(found) - 1)].append(document)
    return found


class SnapshotReader(SnapshotAgent):
    """Adds up what the texts say, good less bad, and looks at nothing else.

    Args:
        conviction: the balance of good and bad statements from which it acts.
        per_statement: what each adds to a weight, where weights are chosen.
    """

    name = "text_reader"

    def __init__(self, *, conviction: float = 1.0, per_statement: float = 0.2) -> None:
        self._conviction, self._per_statement = conviction, per_statement

    def weight(self, observation: Observation, info: Info) -> float:
        found = new_statements(observation, info["symbol"])
        balance = sum(statement.polarity for _, statement in found)
        if self._by_weight:
            return float(np.clip(self._per_statement * balance, -1.0, 1.0))
        return float(np.sign(balance) * (abs(balance) > self._conviction))

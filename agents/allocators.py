"""Baselines that divide an account among several assets, by orders for shares or by weights.

Each says what share of equity it wants in each asset; orders are sized at the last prices.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.several_assets import OF_SEVERAL
from investorbench_env.accounting.events import AccountState
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE

Observation = Mapping[str, Any]
Info = Mapping[str, Any]
Weights = npt.NDArray[np.float64]
Orders = list[dict[str, Any]]

RESERVE = 0.02
"""Share of equity that orders leave in cash: what opens higher than it closed costs more."""
SMALLEST = 1e-4
"""Of equity: a trade below it is not worth an order."""


class Allocator:
    """A rule that says what share of equity each asset should have, as an agent."""

    name: str

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Note the assets, and whether the environment takes orders or weights.

        Raises:
            InvestorBenchError: it takes neither.
        """
        if facts.action not in OF_SEVERAL:
            raise InvestorBenchError(
                f"{self.name} divides an account among assets, by orders or by weights; "
                f"{facts.family} takes action={facts.action!r}: give it a task of several assets, "
                "such as portfolio/sim"
            )
        self._symbols, self._by_orders = facts.symbols, facts.action == "orders"

    def act(self, observation: Observation, info: Info) -> Any:
        """Orders for shares, or target weights [A]."""
        account: AccountState = info["account"]
        if "tradable" not in observation:  # what is not observed is taken to be tradable
            observation = {**observation, "tradable": np.ones(len(self._symbols), np.int8)}
        weights = self.weights(observation, held_weights(account, self._symbols))
        if self._by_orders:
            return orders_towards(weights, account, self._symbols)
        return single_precision(weights)

    def weights(self, observation: Observation, held: Weights) -> Weights:
        """Shares of equity [A], together at most 1; of orders NaN leaves an asset as it is.

        Args:
            observation: of the environment.
            held: shares of equity in each asset now [A].
        """
        raise NotImplementedError


class EqualWeight(Allocator):
    """The same share of equity in every asset that can be traded, at every decision."""

    name = "equal_weight"

    def weights(self, observation: Observation, held: Weights) -> Weights:
        return _divided(tradable_in(observation).astype(np.float64))


class UniformBuyAndHold(Allocator):
    """The same share of equity in every asset at the first decision, and nothing from then on.

    Where actions are weights it asks for those that it has, and so trades back what the night
    moved; by orders it buys later what could not be bought at first.
    """

    name = "ubah"

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Start with nothing bought."""
        super().begin(facts, split, seed)
        self._wanted: Weights | None = None

    def weights(self, observation: Observation, held: Weights) -> Weights:
        if self._wanted is None:
            self._wanted = _divided(tradable_in(observation).astype(np.float64))
            return self._wanted
        if not self._by_orders:
            return np.asarray(held / max(held.sum(), 1.0))
        lacks = (held == 0.0) & tradable_in(observation)
        return np.where(lacks, self._wanted, np.nan)


class InverseVolatility(Allocator):
    """Shares of equity in proportion to one over the volatility of daily returns.

    Args:
        sessions: how many returns it is measured on, at least 2.
    """

    name = "inverse_volatility"

    def __init__(self, sessions: int = 20) -> None:
        _require_at_least(2, sessions=sessions)
        self.sessions = sessions

    def weights(self, observation: Observation, held: Weights) -> Weights:
        measured = np.array(
            [_deviation(each[-self.sessions - 1 :]) for each in closes_in(observation)]
        )
        known = tradable_in(observation) & (measured > 0.0)
        if not known.any():
            return _divided(tradable_in(observation).astype(np.float64))
        return _divided(np.where(known, 1.0 / np.where(known, measured, 1.0), 0.0))


class MomentumRanks(Allocator):
    """Shares of equity in proportion to the rank of an asset's return: 1 the lowest, A the highest.

    Args:
        sessions: how far back to compare.
    """

    name = "momentum_ranks"

    def __init__(self, sessions: int = 20) -> None:
        _require_at_least(1, sessions=sessions)
        self.sessions = sessions

    def weights(self, observation: Observation, held: Weights) -> Weights:
        returns = np.array([_growth(each[-self.sessions - 1 :]) for each in closes_in(observation)])
        ranked = tradable_in(observation) & np.isfinite(returns)
        if not ranked.any():
            return _divided(tradable_in(observation).astype(np.float64))
        below = (returns[ranked][:, None] > returns[ranked]).sum(axis=1)
        alike = (returns[ranked][:, None] == returns[ranked]).sum(axis=1)
        ranks = np.zeros(len(returns))
        ranks[ranked] = below + (alike + 1.0) / 2.0  # the mean rank of equal ones
        return _divided(ranks)


class RandomWeights(Allocator):
    """Weights that move towards random ones, by as much of equity a decision as they are given.

    Args:
        turnover: value traded a decision as a share of equity; more than random weights differ by,
            such as 2, takes new ones each time. Match it to the agent that it is compared with: the
            turnover of a table over its steps.
    """

    name = "random_weights"

    def __init__(self, turnover: float = 0.1) -> None:
        _require_at_least(0, turnover=turnover)
        self.turnover = turnover

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Start the random numbers of this split."""
        super().begin(facts, split, seed)
        self._rng = np.random.default_rng([seed, split == "test"])

    def weights(self, observation: Observation, held: Weights) -> Weights:
        tradable = tradable_in(observation)
        drawn = self._rng.exponential(size=len(tradable) + 1) * np.append(tradable, True)
        wanted = drawn[:-1] / drawn.sum()  # uniform over all weights; the last one is cash
        away = np.abs(wanted - held).sum()
        share = 1.0 if away <= self.turnover else self.turnover / away
        return np.asarray(held + share * (wanted - held))


ALLOCATORS: dict[str, Callable[..., Allocator]] = {
    rule.name: rule
    for rule in (EqualWeight, UniformBuyAndHold, InverseVolatility, MomentumRanks, RandomWeights)
}
"""By name."""


def held_weights(account: AccountState, symbols: Sequence[str]) -> Weights:
    """Shares of equity in each asset [A]."""
    held = {each.symbol: each.weight for each in account.positions}
    return np.array([held.get(symbol, 0.0) for symbol in symbols])


def single_precision(weights: Weights) -> npt.NDArray[np.float32]:
    """Weights as an environment takes them, rounded towards 0: together never more than before."""
    return np.nextafter(weights.astype(np.float32), np.float32(0.0))


def orders_towards(weights: Weights, account: AccountState, symbols: Sequence[str]) -> Orders:
    """Orders for the next open that lead to shares of equity, sales first.

    They are for whole shares, which accounts with and without fractions take; what is wanted no
    more is sold whole.

    Args:
        weights: wanted [A], of what a reserve for higher opens leaves of the equity; NaN for an
            asset that is left as it is.
        account: as it is.
        symbols: the assets [A].
    """
    held = {each.symbol: each.quantity for each in account.positions}
    marks = account.marks
    sales: Orders = []
    purchases: Orders = []
    for symbol, weight in zip(symbols, weights.tolist(), strict=True):
        price, has = marks.get(symbol), held.get(symbol, 0.0)
        if not price or math.isnan(weight):
            continue
        wanted = float(math.floor(weight * (1.0 - RESERVE) * account.equity / price))
        if abs(wanted - has) * price < SMALLEST * account.equity and (wanted or not has):
            continue
        side, into = ("buy", purchases) if wanted > has else ("sell", sales)
        into.append({"symbol": symbol, "side": side, "quantity": abs(wanted - has)})
    return [*sales, *purchases]


def tradable_in(observation: Observation) -> npt.NDArray[np.bool_]:
    """Which assets can be traded [A]."""
    return np.asarray(observation["tradable"], dtype=np.bool_)


def closes_in(observation: Observation) -> list[Weights]:
    """The closes of each asset that exist in the window, oldest first.

    Raises:
        InvestorBenchError: no bars are observed.
    """
    if "bars" not in observation:
        raise InvestorBenchError('there are no prices to look at: have "bars" among modalities')
    closes, known = observation["bars"][:, :, CLOSE], observation["mask"] == 1
    return [np.asarray(closes[known[:, n], n], dtype=np.float64) for n in range(closes.shape[1])]


def _divided(shares: Weights) -> Weights:
    """Shares that add up to 1; none where there is nothing to divide."""
    total = shares.sum()
    return np.asarray(shares / total) if total else shares


def _deviation(closes: Weights) -> float:
    """Standard deviation of the returns between closes; 0 of fewer than two returns."""
    return float(np.std(np.diff(np.log(closes)), ddof=1)) if len(closes) > 2 else 0.0


def _growth(closes: Weights) -> float:
    return float(closes[-1] / closes[0]) if len(closes) > 1 else np.nan


def _require_at_least(least: int, **setting: float) -> None:
    ((name, value),) = setting.items()
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise InvestorBenchError(f"{name}={value!r} must be a number of at least {least}")

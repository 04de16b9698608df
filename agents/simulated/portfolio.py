"""Yardsticks for portfolios of simulated assets: what the hidden state is worth, and the texts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.allocators import Allocator, Weights, tradable_in
from investorbench.agents.simulated.outlook import PATIENCE_DAYS, outlook, require_state
from investorbench.agents.simulated.statements import statements_in
from investorbench_env.errors import MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import class_beside
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import dynamics_of

HEAD_START = 0.7
"""What is held ranks higher by so many standard deviations of the scores: trading costs."""


class PortfolioOracle(Allocator):
    """Holds the assets whose hidden state promises most for their risk.

    A yardstick and no optimum: it weighs neither correlations nor costs exactly.

    Args:
        market: that the environment runs on, with its ``hidden_state``.
        assets: how many are held at most, in equal parts.
        patience_days: how long a position is expected to stay, in sessions.

    Raises:
        MarketError: the market has no hidden state, or one that has parts unknown to it.
    """

    name = "oracle"

    def __init__(
        self, market: Market, *, assets: int = 4, patience_days: float = PATIENCE_DAYS
    ) -> None:
        if market.hidden_state is None:
            raise MarketError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        self.assets = assets
        promised = [_promised(market, symbol, patience_days) for symbol in market.symbols]
        self._promised = dict(zip(market.symbols, promised, strict=True))
        self._times = market.times.astype("datetime64[s]").astype(np.int64)

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
        """Orders for shares, or target weights [A]."""
        now = datetime.fromisoformat(info["time"]).timestamp()
        self._now = int(np.searchsorted(self._times, now))
        return super().act(observation, info)

    def weights(self, observation: Mapping[str, Any], held: Weights) -> Weights:
        scores = np.array([self._promised[symbol].item(self._now) for symbol in self._symbols])
        return best_of(scores, held, tradable_in(observation), self.assets)


class PortfolioTextReader(Allocator):
    """Holds the assets of which the texts say the most good, and looks at nothing else.

    Args:
        assets: how many are held at most, in equal parts.
        memory_days: after how many decisions a text counts for 1/e.
    """

    name = "text_reader"

    def __init__(self, *, assets: int = 4, memory_days: float = 10.0) -> None:
        self.assets = assets
        self._keep = float(np.exp(-1 / memory_days))

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Forget everything."""
        super().begin(facts, split, seed)
        self._balance = dict.fromkeys(facts.symbols, 0.0)

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
        """Orders for shares, or target weights [A]."""
        self._balance = {name: self._keep * known for name, known in self._balance.items()}
        for document in info["documents"]:
            for statement in statements_in(str(document), document.symbol):
                self._balance[document.symbol] += statement.polarity
        return super().act(observation, info)

    def weights(self, observation: Mapping[str, Any], held: Weights) -> Weights:
        scores = np.array([self._balance[symbol] for symbol in self._symbols])
        return best_of(scores, held, tradable_in(observation), self.assets)


def best_of(
    scores: npt.NDArray[np.float64], held: Weights, tradable: npt.NDArray[np.bool_], assets: int
) -> Weights:
    """Equal parts of the assets with the highest positive scores [A]; the rest is cash.

    Args:
        scores: of the assets [A].
        held: shares of equity in each now [A]; what is held gets a head start.
        tradable: which can be traded [A].
        assets: how many are held at most.
    """
    ranked = scores + HEAD_START * scores.std() * (held > 0.0)
    ranked = np.where(tradable & (ranked > 0.0), ranked, -np.inf)
    best = np.argsort(-ranked, kind="stable")[:assets]
    weights = np.zeros(len(scores))
    weights[best] = np.isfinite(ranked[best]) / assets
    return weights


def _promised(market: Market, symbol: str, patience_days: float) -> npt.NDArray[np.float64]:
    """What a position that stays is expected to earn, in daily volatilities [T]."""
    assert market.hidden_state is not None
    dynamics = dynamics_of(symbol, class_beside(symbol, market.asset_class))
    require_state(dynamics, "oracle")
    asset = market.asset(symbol)
    state = {name: values[:, asset] for name, values in market.hidden_state.items()}
    worth = outlook(dynamics, patience_days)
    gain = (
        worth[state["regime"].astype(np.int64)]
        + worth[3] * state["value_gap"]
        + worth[4] * state["mood"]
    )
    return np.asarray(gain / dynamics.daily_volatility)

"""The oracle: sees the hidden state of a simulated market, and is the yardstick of the others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from investorbench.agents.simulated.dynamic_program import HiddenState, Objective, optimal_policy
from investorbench.agents.simulated.outlook import require_state
from investorbench.agents.simulated.positions import AccountRules
from investorbench_env.errors import MarketError
from investorbench_env.facts import Facts
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.spaces import BUY, HOLD, SELL


class Oracle:
    """Knows the hidden state of a simulated market at each decision, and what is best to do then.

    No policy of ours is known that does better; ``docs/agents.md`` says by how much the best
    possible one might.

    Args:
        market: the market that the environment runs on, with its ``hidden_state``.
        dynamics: its parameters; the defaults of its symbol and asset class for None.
        objective: ``"sharpe"``, the Sharpe ratio, or ``"log_growth"``, the growth of equity.
        rules: of the account, until ``begin`` tells those of the environment.

    Raises:
        MarketError: the market has no hidden state, or one that has parts unknown to it.
        UnknownNameError: there is no such objective.
    """

    def __init__(
        self,
        market: Market,
        dynamics: Dynamics | None = None,
        *,
        objective: Objective = "sharpe",
        rules: AccountRules | None = None,
    ) -> None:
        state = market.hidden_state
        if state is None:
            raise MarketError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        self._dynamics = known = dynamics or dynamics_of(market.symbols[0], market.asset_class)
        require_state(known, "oracle")
        self._objective: Objective = objective
        regime = state["regime"][:, 0].astype(np.int64)
        level = np.log(known.diffusion) - known.volatility_spread**2
        self._states = HiddenState(
            regime=regime,
            gap=state["value_gap"][:, 0],
            mood=state["mood"][:, 0],
            log_volatility=np.log(state["volatility"][:, 0] / known.regime_scale[regime]) - level,
        )
        self._times = market.times.astype("datetime64[s]").astype(np.int64)
        self._follow(rules or AccountRules())

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Plan for the account of the environment."""
        self._follow(AccountRules.of(facts))

    def act(self, observation: Mapping[str, Any], info: Mapping[str, Any]) -> Any:
        """Sell, hold or buy, or a target weight."""
        now = datetime.fromisoformat(info["time"]).timestamp()
        t = int(np.searchsorted(self._times, now))
        state = self._states.at(t)
        (target,) = self._plan.targets(state, np.array([float(info["weight"])])).tolist()
        if self._rules.by_weight:
            return np.array([target], dtype=np.float32)
        if np.isnan(target):
            return HOLD
        if target > 0.0:
            return BUY
        # Under rules by which HOLD closes a position, that is how to be in cash.
        return HOLD if target == 0.0 and self._rules.flat else SELL

    def _follow(self, rules: AccountRules) -> None:
        self._rules = rules
        self._plan = optimal_policy(self._dynamics, rules, self._objective)

"""Baselines: rules of a few lines that every agent is shown beside.

Each looks at the observation alone and chooses a side: -1 short (cash where the task is long-only),
0 no opinion, 1 long. No opinion becomes HOLD, which keeps a position under the protocol
``standard`` and closes it under ``paper``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from investorbench.agents.allocators import ALLOCATORS, Allocator
from investorbench.agents.signal_rules import SIGNAL_RULES, SignalRule
from investorbench.agents.single_asset import known_closes, takes_weight
from investorbench_env.errors import UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.indicators import ema, macd, rsi

Observation = Mapping[str, Any]
Info = Mapping[str, Any]


class Baseline:
    """A rule that chooses a side, as an agent.

    Under ``action="weight"`` the side is the target weight.
    """

    name: str

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Note which kind of action the environment takes."""
        self._by_weight = takes_weight(facts, self.name)

    def act(self, observation: Observation, info: Info) -> Any:
        """Sell, hold or buy, or a target weight."""
        side = self.side(observation)
        return np.array([side], dtype=np.float32) if self._by_weight else side + 1

    def side(self, observation: Observation) -> int:
        """-1, 0 or 1."""
        raise NotImplementedError


class BuyAndHold(Baseline):
    """Buy at the first decision and stay."""

    name = "buy_and_hold"

    def side(self, observation: Observation) -> int:
        return 1


class AlwaysSell(Baseline):
    """Sell at the first decision and stay short, or in cash where the task is long-only."""

    name = "always_sell"

    def side(self, observation: Observation) -> int:
        return -1


class Cash(Baseline):
    """Never trade."""

    name = "cash"

    def side(self, observation: Observation) -> int:
        return 0


class Random(Baseline):
    """Choose among short, no opinion and long at random.

    Args:
        change_rate: how often it chooses again, as a share of the decisions; between choices it
            repeats itself. Match it to the turnover of the agent that it is compared with.
    """

    name = "random"

    def __init__(self, change_rate: float = 1.0) -> None:
        self.change_rate = change_rate

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Start the random numbers of this split."""
        super().begin(facts, split, seed)
        self._rng = np.random.default_rng([seed, split == "test"])
        self._side: int | None = None

    def side(self, observation: Observation) -> int:
        if self._side is None or self._rng.random() < self.change_rate:
            self._side = int(self._rng.integers(-1, 2))
        return self._side


class Momentum(Baseline):
    """The sign of the price change over some sessions.

    Args:
        sessions: how far back to compare; 3 in InvestorBench (Li et al., 2025).
    """

    name = "momentum"

    def __init__(self, sessions: int = 3) -> None:
        self.sessions = sessions

    def side(self, observation: Observation) -> int:
        closes = known_closes(observation)
        if len(closes) <= self.sessions:
            return 0
        return int(np.sign(closes[-1] - closes[-1 - self.sessions]))


class MACD(Baseline):
    """Long while the MACD line is above its signal line, short below.

    The averages start at the first close of the window, so a short window makes them approximate.
    """

    name = "macd"

    def side(self, observation: Observation) -> int:
        closes = known_closes(observation)
        if len(closes) < 2:
            return 0
        line = macd(closes)
        return int(np.sign(line[-1] - ema(line, 9)[-1]))


class RSI(Baseline):
    """Buy when oversold (RSI below 30), sell when overbought (above 70), else no opinion."""

    name = "rsi"

    def side(self, observation: Observation) -> int:
        closes = known_closes(observation)
        if len(closes) < 2:
            return 0
        strength = float(rsi(closes)[-1])
        return (strength < 30.0) - (strength > 70.0)


class NewsSentiment(Baseline):
    """The sign of positive minus negative news since the last decision."""

    name = "news_sentiment"

    def side(self, observation: Observation) -> int:
        positive, _, negative = observation["sentiment"]
        return int(np.sign(positive - negative))


class PromptRule(Baseline):
    """Buy when sentiment or momentum is positive, else sell, as many prompts instruct a model."""

    name = "prompt_rule"

    def side(self, observation: Observation) -> int:
        rules = (NewsSentiment(), Momentum())
        return 1 if any(rule.side(observation) > 0 for rule in rules) else -1


BASELINES: dict[str, Callable[..., Baseline]] = {
    rule.name: rule
    for rule in (
        BuyAndHold,
        AlwaysSell,
        Cash,
        Random,
        Momentum,
        MACD,
        RSI,
        NewsSentiment,
        PromptRule,
    )
}
"""Those of one asset, by name."""
ALL_BASELINES: dict[str, Callable[..., Baseline | Allocator | SignalRule]] = {
    **BASELINES, **ALLOCATORS, **SIGNAL_RULES,
}  # fmt: skip
"""Those of one asset, of several, and of perpetuals."""


def baseline(name: str) -> Baseline | Allocator | SignalRule:
    """A baseline by name, with its default parameters.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in ALL_BASELINES:
        raise UnknownNameError("agent", name, ALL_BASELINES)
    return ALL_BASELINES[name]()

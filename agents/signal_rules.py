"""Baselines that trade perpetuals by signals: each says which side of each coin it wants.

An entry takes an equal part of the account as margin, and has a stop and a target whose distances
are parts of what the leverage leaves; a side that is wanted no more is closed.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.signals import BUY_TO_ENTER, CLOSE, SELL_TO_ENTER
from investorbench_env.envs.perpetuals_features import FEATURES
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

Observation = Mapping[str, Any]
Info = Mapping[str, Any]
Sides = npt.NDArray[np.float64]
"""Of each coin [A]: 1 long, −1 short, 0 out of the market, NaN for what is held as it is."""

LEVERAGE = 5
SHARE = 0.9
"""Of the account that is margin where every coin has a position."""
STOP, TARGET = 0.5, 1.0
"""Distances from the entry, as parts of the one at which all of the margin would be lost."""
CONFIDENCE = 1.0 / (1.0 + TARGET / STOP)
"""That a price without a trend meets the target before the stop."""


class SignalRule:
    """A rule that says which side of each coin it wants, as an agent.

    Args:
        leverage: of its entries, unless the rules ask for the most of each coin.
    """

    name: str
    condition: str
    """What ends a position before its stop and its target do, in words."""

    def __init__(self, leverage: int = LEVERAGE) -> None:
        if isinstance(leverage, bool) or not isinstance(leverage, int) or leverage < 1:
            raise InvestorBenchError(f"leverage={leverage!r} must be a whole number of at least 1")
        self.leverage = leverage

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Note the coins.

        Raises:
            InvestorBenchError: the environment takes no signals.
        """
        if facts.action != "signals":
            raise InvestorBenchError(
                f"{self.name} trades perpetuals by signals; {facts.family} takes "
                f"action={facts.action!r}: give it such a task, perpetuals/sim or perpetuals/arena6"
            )
        self._symbols = facts.symbols

    def act(self, observation: Observation, info: Info) -> dict[str, dict[str, Any]]:
        """Signals by coin; a coin that is left out is held."""
        account, limits = info["account"], info.get("limits", {})
        held = {each.symbol: math.copysign(1.0, each.quantity) for each in account.positions}
        sides = np.array([held.get(symbol, 0.0) for symbol in self._symbols])
        wanted = dict(zip(self._symbols, self.sides(observation, sides).tolist(), strict=True))
        changed = {
            symbol: side
            for symbol, side in wanted.items()
            if not math.isnan(side) and side != held.get(symbol, 0.0)
        }
        # A position in the other direction is entered once this one is closed.
        signals: dict[str, dict[str, Any]] = {n: {"signal": CLOSE} for n in changed if n in held}
        entered = {n: side for n, side in changed.items() if n not in held and account.marks.get(n)}
        cap = limits.get("most_margin")  # None for none
        share = min(SHARE / len(self._symbols), 1.0 if cap is None else cap)
        margin = min(share * account.equity, SHARE * account.cash / max(len(entered), 1))
        for symbol, side in entered.items():
            most = limits.get("max_leverage", {}).get(symbol, self.leverage)
            leverage = int(most) if limits.get("full_leverage") else self.leverage
            signals[symbol] = self._entry(side, account.marks[symbol], margin, leverage)
        return signals

    def sides(self, observation: Observation, held: Sides) -> Sides:
        """What is wanted of each coin [A].

        Args:
            observation: of the environment.
            held: the sides that are held [A].
        """
        raise NotImplementedError

    def _entry(self, side: float, price: float, margin: float, leverage: int) -> dict[str, Any]:
        quantity = margin * leverage / price
        stop = price * (1.0 - side * STOP / leverage)
        return {
            "signal": BUY_TO_ENTER if side > 0.0 else SELL_TO_ENTER,
            "quantity": quantity,
            "leverage": leverage,
            "profit_target": price * (1.0 + side * TARGET / leverage),
            "stop_loss": stop,
            "invalidation_condition": self.condition,
            "confidence": CONFIDENCE,
            "risk_usd": abs(price - stop) * quantity,
            "justification": self.name,
        }


class Flat(SignalRule):
    """Never trades."""

    name = "flat"
    condition = "none"

    def sides(self, observation: Observation, held: Sides) -> Sides:
        return np.zeros(len(held))


class LongAll(SignalRule):
    """Long in every coin, and again where a stop or a target has ended a position."""

    name = "long_all"
    condition = "none"

    def sides(self, observation: Observation, held: Sides) -> Sides:
        return np.ones(len(held))


class TrendOfAverages(SignalRule):
    """Long where the short average of the longer bars is above the long one, short below."""

    name = "trend"
    condition = "the 20-period average crosses the 50-period average"

    def sides(self, observation: Observation, held: Sides) -> Sides:
        short, long = _feature(observation, "context_ema20"), _feature(observation, "context_ema50")
        return np.asarray(np.sign(short - long))


class MeanReversion(SignalRule):
    """Long where the RSI is low, short where it is high, until it is back in the middle.

    Args:
        low: below which a coin is bought.
        high: above which it is sold.
        leverage: of its entries.
    """

    name = "mean_reversion"
    condition = "the RSI is back at 50"

    def __init__(self, low: float = 30.0, high: float = 70.0, leverage: int = LEVERAGE) -> None:
        super().__init__(leverage)
        self.low, self.high = low, high

    def sides(self, observation: Observation, held: Sides) -> Sides:
        strength = _feature(observation, "rsi14")
        entered = (strength < self.low) * 1.0 - (strength > self.high)
        is_back = np.where(held > 0.0, strength >= 50.0, strength <= 50.0)
        return np.where(held == 0.0, entered, np.where(is_back, 0.0, np.nan))


class FundingCarry(SignalRule):
    """On the side that is paid the funding, where the rate is worth it, until it turns.

    Args:
        least: hourly rate, in either direction, from which a position is worth its fees.
        leverage: of its entries.
    """

    name = "funding_carry"
    condition = "the funding rate changes its sign"

    def __init__(self, least: float = 2e-5, leverage: int = LEVERAGE) -> None:
        super().__init__(leverage)
        self.least = least

    def sides(self, observation: Observation, held: Sides) -> Sides:
        rate = _feature(observation, "funding")
        paid = -np.sign(np.nan_to_num(rate))
        entered = np.where(np.abs(rate) >= self.least, paid, 0.0)
        return np.where(held == 0.0, entered, np.where(paid == -held, 0.0, np.nan))


class RandomSignals(SignalRule):
    """Chooses among long, short and out at random, for each coin by itself.

    Args:
        change_rate: how often it chooses for a coin, as a share of its decisions; match it to the
            agent that it is compared with: nine eighths of its entries and exits, over decisions
            and coins.
        leverage: of its entries.
    """

    name = "random_signals"
    condition = "chance"

    def __init__(self, change_rate: float = 0.005, leverage: int = LEVERAGE) -> None:
        super().__init__(leverage)
        if not 0.0 <= change_rate <= 1.0:
            raise InvestorBenchError(f"change_rate={change_rate!r} must be a share from 0 to 1")
        self.change_rate = change_rate

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Start the random numbers of this split."""
        super().begin(facts, split, seed)
        self._rng = np.random.default_rng([seed, split == "test"])
        self._wanted = np.zeros(len(facts.symbols))

    def sides(self, observation: Observation, held: Sides) -> Sides:
        chooses = self._rng.random(len(held)) < self.change_rate
        chosen = self._rng.integers(-1, 2, size=len(held)).astype(np.float64)
        self._wanted = np.where(chooses, chosen, self._wanted)
        return self._wanted


SIGNAL_RULES: dict[str, Callable[..., SignalRule]] = {
    rule.name: rule
    for rule in (Flat, LongAll, TrendOfAverages, MeanReversion, FundingCarry, RandomSignals)
}
"""By name."""


def _feature(observation: Observation, name: str) -> Sides:
    """A figure of each coin [A]; NaN where it is not known."""
    place = FEATURES.index(name)
    known = observation["mask"][:, place] == 1
    return np.where(known, observation["features"][:, place].astype(np.float64), np.nan)

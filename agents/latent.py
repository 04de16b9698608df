"""Policies that know how a simulated market works: the yardsticks for everybody else.

``Oracle`` sees the hidden state. ``Filter`` knows the model and infers the state from observations.
``TextReader`` knows neither; it understands the texts.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.reading import Reading, read
from investorbench_env.market.market import CLOSE, Market
from investorbench_env.market.simulated import Dynamics, dynamics_of
from investorbench_env.market.simulated.dynamics import TOPICS

SELL, HOLD, BUY = 0, 1, 2
COST_RATE = 0.001
"""Cost of a trade as a share of its notional, as under the protocol ``standard``."""
PATIENCE_DAYS = 20.0
"""How long a position is expected to stay, in sessions."""

FloatArray = npt.NDArray[np.float64]
Observation = Mapping[str, Any]
Info = Mapping[str, Any]


def outlook(dynamics: Dynamics, patience_days: float = PATIENCE_DAYS) -> FloatArray:
    """What each part of the state is worth to a position taken at the next open [5].

    The expected return e is linear in the state s = (bear, calm, bull, gap, mood), and so is the
    expectation of the next state, M s. A position that is kept from session to session with
    probability γ earns Σ_k γ^k E[e_{t+k}] without the first night, so the weights are
    e'((I − γM)⁻¹ − ωI) with ω the overnight share of a session's drift.
    """
    earned = np.array([*dynamics.drift, dynamics.gap_reversion, dynamics.mood_drift])
    step = np.zeros((5, 5))
    step[:3, :3] = dynamics.transition.T
    step[3, 3] = 1.0 - dynamics.gap_reversion
    step[3, 4] = -dynamics.mood_drift
    step[4, 4] = dynamics.mood_persistence
    keep = 1 - 1 / patience_days
    weights: FloatArray = earned @ (
        np.linalg.inv(np.eye(5) - keep * step) - dynamics.overnight_share * np.eye(5)
    )
    return weights


def _decide(gain: float, cost_rate: float) -> int:
    """Trade when what a position is expected to earn while it is kept exceeds what it costs."""
    if gain > cost_rate:
        return BUY
    return SELL if gain < -cost_rate else HOLD


class Oracle:
    """Knows the hidden state of a simulated market at each decision, and what comes of it.

    Args:
        market: the market that the environment runs on, with its ``hidden_state``.
        dynamics: its parameters; the defaults of its symbol and asset class for None.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.

    Raises:
        ValueError: the market has no hidden state.
    """

    def __init__(
        self,
        market: Market,
        dynamics: Dynamics | None = None,
        *,
        cost_rate: float = COST_RATE,
        patience_days: float = PATIENCE_DAYS,
    ) -> None:
        state = market.hidden_state
        if state is None:
            raise ValueError(f"an oracle needs a simulated market; {market!r} has no hidden state")
        known = dynamics or dynamics_of(market.symbols[0], market.asset_class)
        regime = state["regime"][:, 0].astype(int)
        weights = outlook(known, patience_days)
        gains = weights[regime] + weights[3] * state["value_gap"][:, 0]
        self._gains: FloatArray = gains + weights[4] * state["mood"][:, 0]
        self._times = market.decision_times.astype("datetime64[s]").astype(np.int64)
        self._cost_rate = cost_rate

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        t = int(np.searchsorted(self._times, observation["time"][0]))
        return _decide(float(self._gains[t]), self._cost_rate)


class TextReader:
    """Adds up what the texts say, forgets it day by day, and looks at nothing else.

    Args:
        memory_days: after how many decisions a text counts for 1/e.
        conviction: the balance of good and bad texts from which it acts.
    """

    def __init__(self, *, memory_days: float = 10.0, conviction: float = 1.0) -> None:
        self._keep = float(np.exp(-1 / memory_days))
        self._conviction = conviction
        self._balance = 0.0

    def begin(self, task: object, split: str, seed: int) -> None:
        """Forget everything."""
        self._balance = 0.0

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        readings = readings_of(observation, info["symbol"])
        self._balance = self._keep * self._balance + sum(each.polarity for _, each in readings)
        return _decide(self._balance, self._conviction)


def readings_of(observation: Observation, symbol: str) -> list[tuple[str, Reading]]:
    """What the new texts of an observation say, each with ``"news"`` or ``"filings"``."""
    return [
        (kind, reading)
        for kind in ("news", "filings")
        for text in observation.get(kind, ())
        for reading in read(text, symbol)
    ]


class Filter:
    """Knows the model but not the state: Bayesian filtering with particles, then as the oracle.

    A bootstrap filter (Gordon, Salmond & Smith 1993): particles are weighted by the likelihood of
    the session's return, moved with the model given that return, and weighted again by the
    likelihood of what the texts say.

    Args:
        dynamics: the parameters of the market.
        particles: how many; the error of the estimate falls with their square root.
        cost_rate: cost of a trade as a share of its notional.
        patience_days: how long a position is expected to stay, in sessions.
    """

    def __init__(
        self,
        dynamics: Dynamics,
        *,
        particles: int = 500,
        cost_rate: float = COST_RATE,
        patience_days: float = PATIENCE_DAYS,
    ) -> None:
        self._dynamics = dynamics
        self._count = particles
        self._cost_rate = cost_rate
        self._weights = outlook(dynamics, patience_days)
        self.begin(None, "test", 0)

    def begin(self, task: object, split: str, seed: int) -> None:
        """Go back to what is known before the first observation."""
        self._cloud = Cloud(self._dynamics, self._count, np.random.default_rng(seed))
        self._started = False

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        for log_return in self._returns(observation):
            self._cloud.move(log_return)
        if "news" in observation:
            for kind, reading in readings_of(observation, info["symbol"]):
                self._cloud.hear(reading, kind)
        elif "sentiment" in observation:
            good, _, bad = observation["sentiment"].tolist()
            self._cloud.hear_labels(good, bad)
        self._cloud.resample()
        return _decide(float(self._cloud.mean() @ self._weights), self._cost_rate)

    def _returns(self, observation: Observation) -> list[float]:
        """Log returns that are new: of the whole window at first, later of the last session."""
        if "bars" not in observation:
            return []
        closes = observation["bars"][:, CLOSE].astype(np.float64)
        known = closes[closes > 0] if not self._started else closes[-2:]
        self._started = True
        if (known <= 0).any():
            return []
        returns: list[float] = np.diff(np.log(known)).tolist()
        return returns


class Cloud:
    """Particles, each a guess at the hidden state; see ``Filter`` and the model in ``simulate``."""

    def __init__(self, dynamics: Dynamics, count: int, rng: np.random.Generator) -> None:
        self._d = d = dynamics
        self._rng = rng
        self._cumulative = np.cumsum(d.transition, axis=1)
        self.regime = np.searchsorted(np.cumsum(d.regime_shares)[:2], rng.random(count))
        self.gap = d.gap_spread * rng.standard_normal(count)
        self.mood = rng.standard_normal(count)
        self.log_volatility = d.volatility_spread * rng.standard_normal(count)
        self._before = self._scores()
        self.log_weight = np.zeros(count)

    def move(self, log_return: float) -> None:
        """Weight by a session's return, and step on given that return."""
        d, rng, count = self._d, self._rng, len(self.gap)
        grown = d.drift[self.regime]
        expected = grown + d.gap_reversion * self.gap + d.mood_drift * self.mood
        level = np.log(d.diffusion) - d.volatility_spread**2
        scale = np.exp(level + self.log_volatility) * d.regime_scale[self.regime]
        surprise = log_return - expected + scale**2 / 2 + d.jump_compensation
        jump_size = d.jump_size * d.daily_volatility
        total = np.sqrt(scale**2 + jump_size**2)
        calm = (1 - d.jump_rate) * _normal(surprise, scale)
        jumped = d.jump_rate * _normal(surprise, total)
        self.log_weight += np.log(calm + jumped + 1e-300)

        # Where it was a jump, only a part of the surprise is the diffusion's.
        is_jump = rng.random(count) * (calm + jumped + 1e-300) < jumped
        share = np.where(is_jump, (scale / total) ** 2, 1.0)
        rest = is_jump * jump_size / total * rng.standard_normal(count)
        shock = share * surprise / scale + rest

        self._before = self._scores()
        shared = 1 - d.gap_noise**2 / 2
        own = np.sqrt(1 - shared**2) * rng.standard_normal(count)
        self.gap = self.gap + grown - expected + scale * ((shared - 1) * shock + own)
        keep = d.mood_persistence
        self.mood = keep * self.mood + np.sqrt(1 - keep**2) * rng.standard_normal(count)
        keep = d.volatility_persistence
        spread = d.volatility_spread * np.sqrt(1 - keep**2)
        noise = np.sqrt(1 - d.leverage**2) * rng.standard_normal(count)
        self.log_volatility = keep * self.log_volatility + spread * (d.leverage * shock + noise)
        bounds = self._cumulative[self.regime, :2]
        self.regime = (rng.random(count)[:, None] >= bounds).sum(axis=1)

    def hear(self, reading: Reading, kind: str) -> None:
        """Weight by a statement in the news or in a filing.

        News mostly reflects the state of a session ago or older; the latest but one stands for it.
        """
        d, topic = self._d, TOPICS.index(reading.topic)
        if kind == "filings":
            log_odds = d.filing_informativeness * self._scores()[topic]
            self.log_weight -= np.log1p(np.exp(-reading.polarity * log_odds))
        else:
            likely = _tone(d, reading.polarity * self._before[topic])
            self.log_weight += np.log(likely)

    def hear_labels(self, good: float, bad: float) -> None:
        """Weight by the number of positive and negative labels, where there is no text to read."""
        d = self._d
        tone = np.mean([_tone(d, score) for score in self._before], axis=0)
        own = tone * d.label_accuracy + (1 - tone) * (1 - d.label_accuracy) / 2
        opposite = (1 - tone) * d.label_accuracy + tone * (1 - d.label_accuracy) / 2
        # Repeats carry the label of what they repeat; the rest is about others, and even.
        even = (1 - d.relevant_share) / 3
        share = d.relevant_share
        self.log_weight += good * np.log(share * own + even) + bad * np.log(share * opposite + even)

    def resample(self) -> None:
        """Draw particles by weight, systematically, once too few of them carry it."""
        weight = np.exp(self.log_weight - self.log_weight.max())
        weight /= weight.sum()
        count = len(weight)
        if 1 / (weight**2).sum() > count / 2:
            return
        points = (np.arange(count) + self._rng.random()) / count
        chosen = np.minimum(np.searchsorted(np.cumsum(weight), points), count - 1)
        for name in ("regime", "gap", "mood", "log_volatility"):
            setattr(self, name, getattr(self, name)[chosen])
        self.log_weight = np.zeros(count)

    def mean(self) -> FloatArray:
        """The expected state: probability of bear, calm, bull, then gap and mood [5]."""
        weight = np.exp(self.log_weight - self.log_weight.max())
        weight /= weight.sum()
        regimes = np.bincount(self.regime, weights=weight, minlength=3)
        return np.array([*regimes, weight @ self.gap, weight @ self.mood])

    def _scores(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The components that texts report on, in standard deviations, in order of TOPICS."""
        return self._d.regime_score[self.regime], self.gap / self._d.gap_spread, self.mood


def _tone(dynamics: Dynamics, score: FloatArray) -> FloatArray:
    """Probability that a relevant text is good news."""
    good = 1 / (1 + np.exp(-dynamics.informativeness * score))
    return (1 - dynamics.noise) * good + dynamics.noise / 2


def _normal(x: FloatArray, spread: FloatArray) -> FloatArray:
    """Density of N(0, spread²) without its constant."""
    density: FloatArray = np.exp(-0.5 * (x / spread) ** 2) / spread
    return density

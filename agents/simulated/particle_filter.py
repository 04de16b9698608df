"""Particles for the hidden state of a simulated market; knows its model and not its state.

A bootstrap filter (Gordon, Salmond & Smith 1993): particles are weighted by the likelihood of a
session's return, moved with the model given that return, and weighted again by the likelihood of
what the texts say. The model is that of ``investorbench_env.market.simulated.simulate``.
"""

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.statements import Statement
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.news import AFTER_CLOSE

FloatArray = npt.NDArray[np.float64]
LAGS = 5
TINY = 1e-300
"""Keeps the logarithm of a likelihood finite."""


class ParticleFilter:
    """Particles, each a guess at the hidden state; with the likelihood of each."""

    def __init__(self, dynamics: Dynamics, count: int, rng: np.random.Generator) -> None:
        self._d = d = dynamics
        self._rng = rng
        self._cumulative = np.cumsum(d.transition, axis=1)
        self.regime = np.searchsorted(np.cumsum(d.regime_shares)[:2], rng.random(count))
        self.gap = d.gap_spread * rng.standard_normal(count)
        self.mood = rng.standard_normal(count)
        self.log_volatility = d.volatility_spread * rng.standard_normal(count)
        self.log_weight = np.zeros(count)
        self._lags = _lag_shares(d)
        self._recent: FloatArray = np.repeat(self._scores()[None], len(self._lags), axis=0)

    def advance(self, log_return: float | None) -> None:
        """Weight by a session's return, and step on given that return.

        Args:
            log_return: close to close; None where it is unknown, and then it weighs nothing.
        """
        d, rng, count = self._d, self._rng, len(self.gap)
        grown, expected = d.drift[self.regime], self._expected()
        scale = self._scale()
        if log_return is None:
            shock = rng.standard_normal(count)
        else:
            mean = expected - scale**2 / 2 - d.jump_compensation
            shock = self._explain(log_return - mean, scale)
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
        self._recent = np.concatenate([self._scores()[None], self._recent[:-1]])

    def _explain(self, surprise: FloatArray, scale: FloatArray) -> FloatArray:
        """Weight by a surprise in the return; what the diffusion had to do with it, in scales."""
        d, count = self._d, len(surprise)
        jump_size = d.jump_size * d.daily_volatility
        total = np.sqrt(scale**2 + jump_size**2)
        calm = (1 - d.jump_rate) * _normal(surprise, scale)
        jumped = d.jump_rate * _normal(surprise, total)
        self.log_weight += np.log(calm + jumped + TINY)
        # Where it was a jump, only a part of the surprise is the diffusion's.
        is_jump = self._rng.random(count) * (calm + jumped + TINY) < jumped
        share = np.where(is_jump, (scale / total) ** 2, 1.0)
        rest = is_jump * jump_size / total * self._rng.standard_normal(count)
        return np.asarray(share * surprise / scale + rest)

    def observe_statement(self, statement: Statement, kind: str) -> None:
        """Weight by a statement in the news, which may be some sessions old, or in a filing."""
        d, topic = self._d, TOPICS.index(statement.topic)
        if kind == "filings":
            log_odds = d.filing_informativeness * self._recent[0, topic]
            self.log_weight -= np.log1p(np.exp(-statement.polarity * log_odds))
        else:
            likely = _tone(d, statement.polarity * self._recent[:, topic])
            self.log_weight += np.log(self._lags @ likely)

    def observe_labels(self, good: float, bad: float) -> None:
        """Weight by the number of positive and negative labels, where there is no text to read."""
        d = self._d
        tone = self._lags @ _tone(d, self._recent).mean(axis=1)
        own = tone * d.label_accuracy + (1 - tone) * (1 - d.label_accuracy) / 2
        opposite = (1 - tone) * d.label_accuracy + tone * (1 - d.label_accuracy) / 2
        # Repeats carry the label of what they repeat; the rest is about others, and even.
        even = (1 - d.relevant_share) / 3
        share = d.relevant_share
        self.log_weight += good * np.log(share * own + even) + bad * np.log(share * opposite + even)

    def resample(self) -> None:
        """Draw particles by weight, systematically, once too few of them carry it."""
        weight = self.shares()
        count = len(weight)
        if 1 / (weight**2).sum() > count / 2:
            return
        points = (np.arange(count) + self._rng.random()) / count
        chosen = np.minimum(np.searchsorted(np.cumsum(weight), points), count - 1)
        for name in ("regime", "gap", "mood", "log_volatility"):
            setattr(self, name, getattr(self, name)[chosen])
        self._recent = self._recent[..., chosen]
        self.log_weight = np.zeros(count)

    def mean(self) -> FloatArray:
        """The expected state: probability of bear, calm, bull, then gap and mood [5]."""
        weight = self.shares()
        regimes = np.bincount(self.regime, weights=weight, minlength=3)
        return np.array([*regimes, weight @ self.gap, weight @ self.mood])

    def shares(self) -> FloatArray:
        """How likely each particle is among all of them [K]."""
        weight = np.exp(self.log_weight - self.log_weight.max())
        return np.asarray(weight / weight.sum())

    def state(self) -> dict[str, FloatArray]:
        """The guesses, by the names of a market's hidden state [K] each."""
        return {
            "regime": self.regime.astype(np.float64),
            "value_gap": self.gap,
            "mood": self.mood,
            "volatility": self._scale(),
            "expected_return": np.expm1(self._expected()),
        }

    def _expected(self) -> FloatArray:
        """The log of one plus the expected return of the next session [K]."""
        d = self._d
        grown = d.drift[self.regime]
        return np.asarray(grown + d.gap_reversion * self.gap + d.mood_drift * self.mood)

    def _scale(self) -> FloatArray:
        """The standard deviation of the next session's diffusion [K]."""
        d = self._d
        level = np.log(d.diffusion) - d.volatility_spread**2
        return np.asarray(np.exp(level + self.log_volatility) * d.regime_scale[self.regime])

    def _scores(self) -> FloatArray:
        """The components that texts report on, by standard deviation, in order of TOPICS [3, K]."""
        d = self._d
        return np.stack([d.regime_score[self.regime], self.gap / d.gap_spread, self.mood])


def _lag_shares(dynamics: Dynamics) -> FloatArray:
    """How often news reflects the state of 0, 1, … sessions ago; the last counts the older [L]."""
    older = dynamics.delay_days / (1 + dynamics.delay_days)
    delays = (1 - older) * older ** np.arange(LAGS)
    shares = AFTER_CLOSE * delays + (1 - AFTER_CLOSE) * np.append(0.0, delays[:-1])
    shares[-1] += 1 - shares.sum()
    return np.asarray(shares)


def _tone(dynamics: Dynamics, score: FloatArray) -> FloatArray:
    """Probability that a relevant text is good news."""
    good = 1 / (1 + np.exp(-dynamics.informativeness * score))
    return (1 - dynamics.noise) * good + dynamics.noise / 2


def _normal(x: FloatArray, spread: FloatArray) -> FloatArray:
    """Density of N(0, spread²) without its constant."""
    density: FloatArray = np.exp(-0.5 * (x / spread) ** 2) / spread
    return density

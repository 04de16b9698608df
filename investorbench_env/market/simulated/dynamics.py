"""The parameters of a simulated market: what drives its prices, what its texts give away."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from investorbench_env.errors import MarketError
from investorbench_env.market.market import FloatArray

BEAR, CALM, BULL = range(3)
TOPICS = ("regime", "value", "mood")
"""What a text can be about: the component of the hidden state that it reports on."""


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """All that is known about a simulated market before it runs. See ``simulate`` for the model.

    Strengths are multiples of the daily volatility, so that one set of values gives the same
    Sharpe ratios for a calm fund and a wild coin (before costs, which weigh more on the former).

    Attributes:
        annual_volatility: standard deviation of log returns a year, jumps included; what is
            predictable in them adds some 3 % to it.
        days_a_year: sessions a year.
        premium: annual Sharpe ratio of holding the asset for ever.
        regime_days: mean stay in the bear, calm and bull regime, in sessions.
        regime_drift: drift of the three regimes, in daily volatilities, before it is centred.
        regime_volatility: volatility of the three regimes relative to one another.
        gap_reversion: share of the gap between value and price that closes in a session.
        gap_noise: size of the daily innovation of the gap, in daily volatilities.
        mood_days: time constant of the mood, in sessions.
        mood_strength: drift for a mood of one standard deviation, in daily volatilities.
        volatility_days: time constant of log volatility, in sessions.
        volatility_spread: standard deviation of log volatility.
        leverage: correlation of the shocks of return and of log volatility.
        jump_rate: probability of a jump in a session.
        jump_size: standard deviation of a jump, in daily volatilities.
        overnight_share: share of a session's drift and variance between close and open.
        news_a_day: mean number of news texts a session.
        relevant_share: share of news about the asset itself; the rest is noise or repetition.
        informativeness: log odds that a text is good news, for a state of one standard deviation.
        delay_days: mean age of the state that a text reports, in sessions.
        noise: share of texts whose tone is drawn without regard to the state.
        label_share: share of news that carries a sentiment label.
        label_accuracy: probability that a label is the text's true polarity.
        filing_informativeness: like ``informativeness``, for a statement in a filing.
    """

    annual_volatility: float = 0.35
    days_a_year: int = 252
    premium: float = 0.45
    regime_days: tuple[float, float, float] = (40.0, 50.0, 60.0)
    regime_drift: tuple[float, float, float] = (-0.24, 0.0, 0.18)
    regime_volatility: tuple[float, float, float] = (1.35, 0.8, 1.0)
    gap_reversion: float = 0.05
    gap_noise: float = 1.0
    mood_days: float = 12.0
    mood_strength: float = 0.15
    volatility_days: float = 30.0
    volatility_spread: float = 0.35
    leverage: float = -0.4
    jump_rate: float = 0.012
    jump_size: float = 3.0
    overnight_share: float = 0.3
    news_a_day: float = 2.0
    relevant_share: float = 0.6
    informativeness: float = 0.9
    delay_days: float = 1.0
    noise: float = 0.1
    label_share: float = 0.8
    label_accuracy: float = 0.65
    filing_informativeness: float = 1.5

    def __post_init__(self) -> None:
        for name in ("relevant_share", "noise", "label_share", "label_accuracy", "jump_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise MarketError(f"{name} is a share, between 0 and 1; got {getattr(self, name)}")
        if not (self.annual_volatility > 0 and 0 < self.gap_reversion < 1):
            raise MarketError(
                "annual_volatility must be positive and gap_reversion between 0 and 1; got "
                f"{self.annual_volatility} and {self.gap_reversion}"
            )
        if min(*self.regime_days, self.mood_days, self.volatility_days) <= 1:
            raise MarketError("regimes, mood and volatility must last longer than one session")
        if self.jump_rate * self.jump_size**2 >= 1:
            raise MarketError("jumps alone exceed the annual volatility; lower rate or size")

    @cached_property
    def daily_volatility(self) -> float:
        """Standard deviation of a session's log return, jumps included."""
        return self.annual_volatility / float(np.sqrt(self.days_a_year))

    @cached_property
    def diffusion(self) -> float:
        """Daily volatility without the jumps."""
        return self.daily_volatility * float(np.sqrt(1 - self.jump_rate * self.jump_size**2))

    @cached_property
    def growth(self) -> float:
        """Mean simple return a session."""
        return self.premium * self.daily_volatility / float(np.sqrt(self.days_a_year))

    @cached_property
    def transition(self) -> FloatArray:
        """Probability of the next regime given this one, by rows [3, 3]."""
        leave = 1 / np.array(self.regime_days)
        # Half of the exits go to either other regime.
        matrix = np.repeat(leave[:, None] / 2, 3, axis=1)
        np.fill_diagonal(matrix, 1 - leave)
        return matrix

    @cached_property
    def regime_shares(self) -> FloatArray:
        """The share of time in each regime [3]."""
        # With symmetric exits, time in a regime is proportional to its mean stay.
        return np.array(self.regime_days) / sum(self.regime_days)

    @cached_property
    def drift(self) -> FloatArray:
        """Expected return of a session in each regime with gap and mood at zero [3]."""
        raw = np.array(self.regime_drift)
        centred: FloatArray = raw - self.regime_shares @ raw
        return self.growth + self.daily_volatility * centred

    @cached_property
    def regime_scale(self) -> FloatArray:
        """Factor of each regime on volatility, with a mean square of one [3]."""
        raw = np.array(self.regime_volatility)
        scale: FloatArray = raw / np.sqrt(self.regime_shares @ raw**2)
        return scale

    @cached_property
    def gap_spread(self) -> float:
        """Standard deviation of the value gap, which its own noise and the mood drive."""
        keep, mood_keep = 1 - self.gap_reversion, self.mood_persistence
        # A persistent input adds more to an autoregression than white noise of the same size.
        amplified = (1 + keep * mood_keep) / (1 - keep * mood_keep)
        driven = (self.gap_noise * self.diffusion) ** 2 + self.mood_drift**2 * amplified
        return float(np.sqrt(driven / (1 - keep**2)))

    @cached_property
    def regime_score(self) -> FloatArray:
        """Each regime's drift on a scale with mean zero and standard deviation one [3]."""
        centred = self.drift - self.growth
        spread = np.sqrt(self.regime_shares @ centred**2)
        score: FloatArray = centred / (spread if spread > 0 else 1.0)
        return score

    @property
    def mood_persistence(self) -> float:
        """Autoregressive coefficient of the mood."""
        return 1 - 1 / self.mood_days

    @property
    def volatility_persistence(self) -> float:
        """Autoregressive coefficient of log volatility."""
        return 1 - 1 / self.volatility_days

    @property
    def mood_drift(self) -> float:
        """Expected return of a session for a mood of one standard deviation."""
        return self.mood_strength * self.daily_volatility

    @cached_property
    def jump_compensation(self) -> float:
        """What the jumps add to the log of the mean gross return of a session."""
        spread = self.jump_size * self.daily_volatility
        return float(np.log1p(self.jump_rate * np.expm1(spread**2 / 2)))

"""What an agent may say beside its action: the law of a return, as far as it dares.

A forecast is about one return: of one unit of the asset, long, without costs, over the sessions
that its score is about, from the price at which an order given now is filled. Where an environment
has no horizon that is the step.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

from investorbench_env.errors import ForecastError
from investorbench_env.facts import Facts

LARGEST = 1e6
"""No return, as a fraction, is larger."""
SMALLEST_SD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class UpForecast:
    """The probability that the return is above 0.

    Attributes:
        up: from 0 to 1.
        horizon: sessions of the return.

    Raises:
        ForecastError: it is no probability.
    """

    up: float
    horizon: int

    def __post_init__(self) -> None:
        _keep_horizon(self)
        object.__setattr__(self, "up", _number(self.up, "up"))
        if not 0.0 <= self.up <= 1.0:
            raise ForecastError(f"up={self.up!r} is no probability: give one from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalForecast:
    """A normal law of the return.

    Attributes:
        mean: as a fraction, .01 for one percent.
        sd: its standard deviation, at least ``SMALLEST_SD``.
        horizon: sessions of the return.

    Raises:
        ForecastError: it is no law.
    """

    mean: float
    sd: float
    horizon: int

    def __post_init__(self) -> None:
        _keep_horizon(self)
        for name in ("mean", "sd"):
            object.__setattr__(self, name, _number(getattr(self, name), name))
        if not self.sd >= SMALLEST_SD:
            raise ForecastError(
                f"sd={self.sd!r} is no standard deviation: give one of at least {SMALLEST_SD:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileForecast:
    """Quantiles of the return.

    Attributes:
        levels: strictly between 0 and 1, ascending.
        values: the return at each level, which does not fall.
        horizon: sessions of the return.

    Raises:
        ForecastError: they are those of no law.
    """

    levels: tuple[float, ...]
    values: tuple[float, ...]
    horizon: int

    def __post_init__(self) -> None:
        _keep_horizon(self)
        for name in ("levels", "values"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if not self.levels or len(self.levels) != len(self.values):
            raise ForecastError(
                f"{len(self.levels)} levels and {len(self.values)} values: give a value for each "
                "of at least one level"
            )
        if not all(0.0 < level < 1.0 for level in self.levels) or not _rises(self.levels):
            raise ForecastError(
                f"levels={self.levels!r} must ascend and lie strictly between 0 and 1"
            )
        for lower, upper in pairwise(self.values):
            if upper < lower:
                raise ForecastError(
                    f"quantiles cross: {lower!r} is followed by {upper!r}; sort the values"
                )


Forecast = UpForecast | NormalForecast | QuantileForecast
KINDS: tuple[type[Forecast], ...] = (UpForecast, NormalForecast, QuantileForecast)


@dataclass(frozen=True, slots=True)
class Decision:
    """What ``act`` may return in place of an action: one with a forecast.

    Attributes:
        action: as the environment takes it.
        forecast: of the return that the score is about; None for none.

    Raises:
        ForecastError: it is no forecast.
    """

    action: Any
    forecast: Forecast | None = None

    def __post_init__(self) -> None:
        if self.forecast is not None and type(self.forecast) not in KINDS:  # no class of its own
            names = ", ".join(kind.__name__ for kind in KINDS)
            raise ForecastError(f"forecast={self.forecast!r:.80} is none of {names}")


def horizon_of(facts: Facts) -> int:
    """The sessions that a decision is scored over; 1 where each step is scored by itself."""
    return facts.horizon or 1


def plain_forecast(forecast: Forecast, facts: Facts) -> dict[str, Any]:
    """A forecast as a record holds it.

    Raises:
        ForecastError: it is about other sessions than the score.
    """
    wanted = horizon_of(facts)
    if forecast.horizon != wanted:
        raise ForecastError(
            f"horizon={forecast.horizon}: in {facts.family} a decision is scored over "
            f"{wanted} session{'s' * (wanted > 1)}, so its forecast must be of as many"
        )
    return {
        name: list(part) if isinstance(part, tuple) else part
        for name, part in asdict(forecast).items()
    }


def forecast_of(plain: Mapping[str, Any]) -> Forecast:
    """The forecast that plain values hold.

    Raises:
        ForecastError: they hold none.
    """
    names = set(plain)
    for kind in KINDS:
        if names == set(kind.__dataclass_fields__):
            return kind(**plain)
    ways = "; ".join(", ".join(kind.__dataclass_fields__) for kind in KINDS)
    raise ForecastError(f"a forecast has the parts {ways}; given are {', '.join(map(str, plain))}")


def _keep_horizon(forecast: Forecast) -> None:
    horizon: Any = forecast.horizon
    is_whole = isinstance(horizon, Integral) and not isinstance(horizon, bool)
    if not is_whole or horizon < 1:
        raise ForecastError(f"horizon={horizon!r} must be a whole number of sessions, at least 1")
    object.__setattr__(forecast, "horizon", int(horizon))


def _number(value: Any, name: str) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ForecastError(f"{name}={value!r:.80} must be a finite number")
    if abs(value) > LARGEST:
        raise ForecastError(
            f"{name}={value!r:.80} is no return as a fraction, 0.01 for one percent"
        )
    return float(value)


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    listed = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise ForecastError(f"{name}={values!r:.80} must be a list of numbers")
    return tuple(_number(value, name) for value in listed)


def _rises(values: Sequence[float]) -> bool:
    return all(lower < upper for lower, upper in pairwise(values))

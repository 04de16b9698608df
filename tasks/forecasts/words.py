"""A forecast and what came of it, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from investorbench.agents.forecasts import (
    NormalForecast,
    QuantileForecast,
    UpForecast,
    forecast_of,
)
from investorbench.tasks.wording import count, percent, probability


def forecast_words(plain: Mapping[str, Any]) -> str:
    """What was said of a return: ``.550 above 0, over 5 sessions``.

    Args:
        plain: a forecast as a record holds it.
    """
    forecast = forecast_of(plain)
    match forecast:
        case UpForecast(up=up):
            said = f"{probability(up)} above 0"
        case NormalForecast(mean=mean, sd=sd):
            said = f"mean {percent(mean, 2)} %, deviation {percent(sd, 2)} %"
        case QuantileForecast(levels=levels, values=values):
            pairs = zip(levels, values, strict=True)
            said = ", ".join(f"{percent(value, 2)} % at {level:g}" for level, value in pairs)
    return f"{said}, over {count(forecast.horizon, 'session')}"


def came_words(scored: Mapping[str, float]) -> Iterator[str]:
    """What a position of weight 1 returned, and what of it was to be expected.

    Args:
        scored: as a record holds it.
    """
    yield f"{percent(scored['return'], 2)} %"
    if "mean" in scored:
        up = f", {probability(scored['up'])} above 0" if "up" in scored else ""
        yield f"expected: {percent(scored['mean'], 2)} %{up}"

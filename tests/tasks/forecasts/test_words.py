import pytest

from investorbench.agents.forecasts import (
    Forecast,
    NormalForecast,
    QuantileForecast,
    UpForecast,
    plain_forecast,
)
from investorbench.tasks.forecasts.words import came_words, forecast_words
from tests.agents.facts import facts


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (UpForecast(up=0.55, horizon=5), ".550 above 0, over 5 sessions"),
        (NormalForecast(mean=-0.002, sd=0.03, horizon=1),
         "mean −0.20 %, deviation 3.00 %, over 1 session"),
        (QuantileForecast(levels=(0.1, 0.9), values=(-0.01, 0.02), horizon=5),
         "−1.00 % at 0.1, 2.00 % at 0.9, over 5 sessions"),
    ],
)  # fmt: skip
def test_a_forecast_is_a_line(forecast: Forecast, words: str) -> None:
    assert forecast_words(plain_forecast(forecast, facts(horizon=forecast.horizon))) == words


def test_what_came_stands_beside_what_was_expected() -> None:
    assert list(came_words({"return": -0.0107})) == ["−1.07 %"]
    scored = {"return": 0.02, "mean": 0.0137, "variance": 0.001, "up": 0.625}
    assert list(came_words(scored)) == ["2.00 %", "expected: 1.37 %, .625 above 0"]

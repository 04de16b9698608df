"""Portfolios as numbers for learners, scalar and in lanes."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.wrappers import NumericObservation, NumericVectorObservation
from tests.env.joint_markets import joint_market, random_joint_market
from tests.env.portfolios import portfolio
from tests.env.small_markets import date
from tests.env.test_registration import check_wrapped


@pytest.mark.parametrize("modalities", [None, ["account"], ["bars", "sentiment"]])
def test_a_portfolio_is_shown_as_numbers_that_no_scale_changes(modalities: Any) -> None:
    assets: dict[str, Any] = {
        "A": {"closes": [10, np.nan, 12, 15], "opens": [9, np.nan, 11, 12]},
        "B": {"closes": [20, 21, 22, 30], "opens": [20, 20, 21, 25]},
    }
    seen = []
    for scale in (1.0, 1000.0):
        scaled = {
            name: {key: [scale * price for price in prices] for key, prices in each.items()}
            for name, each in assets.items()
        }
        market = joint_market(scaled)
        env = portfolio(market, modalities=modalities, initial_cash=500.0 * scale)
        numeric = NumericObservation(env)
        check_wrapped(NumericObservation(portfolio(market, modalities=modalities)))
        numbers = [numeric.reset()[0], *(numeric.step([0.5, 0.2])[0] for _ in range(3))]
        seen.append(np.stack(numbers))
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-4)
    features = dict(zip(numeric.feature_names, seen[0][-1], strict=True))
    if modalities != ["account"]:
        assert features["A log_open[t]"] == pytest.approx(np.log(12 / 15) / 0.1, abs=1e-5)
        assert features["A known[t-2]"] == 0.0 and features["B known[t-2]"] == 1.0
    if modalities != ["bars", "sentiment"]:
        _, info = env.reset()
        for _ in range(3):
            info = env.step([0.5, 0.2])[-1]
        assert features["B weight"] == pytest.approx(info["account"].positions[1].weight)
        assert features["A tradable"] == 1.0 and features["share_of_steps_left"] == 0.0


def test_lanes_of_portfolios_are_shown_as_the_same_numbers() -> None:
    market = random_joint_market(np.random.default_rng(3), ("A", "B"))
    options = {"data": market, "start": date(3), "end": date(23), "window": 4}
    options["modalities"] = ["bars", "account", "sentiment"]
    one = NumericObservation(gym.make("InvestorBench/Portfolio", **options))
    many: Any = NumericVectorObservation(gym.make_vec("InvestorBench/Portfolio", 2, **options))
    seen, lanes = one.reset()[0], many.reset()[0]
    for weights in ([0.3, 0.4], [0.9, 0.0], [0.0, 0.5]):
        np.testing.assert_array_equal(lanes, [seen, seen])
        seen, lanes = one.step(weights)[0], many.step(np.array([weights] * 2))[0]
    assert many.feature_names == one.feature_names

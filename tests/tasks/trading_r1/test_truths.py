"""What came after the days of a test: labels, returns, volatility, and what a task says of them."""

import json
import math
from statistics import stdev

import numpy as np
import pytest

from investorbench.tasks import Task
from investorbench.tasks.task import settings_of, task_of
from investorbench.tasks.trading_r1.truths import labelling_of, plain_thresholds, truths_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.library import find_market
from tests.env.small_markets import small_market

RNG = np.random.default_rng(16)
CLOSES = (100.0 * np.exp(RNG.normal(0.0, 0.02, 300).cumsum())).tolist()
MARKET = small_market(CLOSES)
DAYS = [str(day) for day in MARKET.sessions]
TRAIN = {"train": [DAYS[40], DAYS[180]]}
TEST = (DAYS[196], DAYS[-1])


def test_what_came_follows_from_the_closes() -> None:
    found = truths_of(MARKET, TEST, labelling_of(TRAIN))
    assert [*found.days] == DAYS[196:]
    closes = MARKET.adjusted_close[:, 0]
    daily = closes[1:] / closes[:-1] - 1.0
    for day in (196, 250, 292):
        truth = found.days[DAYS[day]]
        assert truth.horizon_return == pytest.approx(closes[day + 7] / closes[day] - 1.0)
        assert truth.daily_volatility == pytest.approx(stdev(daily[day - 20 : day]))


def test_days_whose_label_lies_beyond_the_data_are_empty_with_the_reason() -> None:
    truths = [*truths_of(MARKET, TEST, labelling_of(TRAIN)).days.values()]
    assert [each.label is None for each in truths[-16:]] == [False, *[True] * 15]
    assert {each.why for each in truths[-15:]} == {"fewer than 15 sessions after it"}
    assert all((each.label is None) == (each.why is not None) for each in truths)
    assert [each.horizon_return is None for each in truths[-8:]] == [False, *[True] * 7]


def test_prices_after_the_training_window_move_no_threshold() -> None:
    shaken = small_market([*CLOSES[:181], *(2.0 * close for close in CLOSES[181:])])
    one, other = (truths_of(each, TEST, labelling_of(TRAIN)) for each in (MARKET, shaken))
    assert (one.thresholds, one.trailing) == (other.thresholds, other.trailing)
    assert json.loads(json.dumps(plain_thresholds(one.thresholds)))["days"] == one.thresholds.days


def test_constant_prices_have_neither_label_nor_volatility() -> None:
    flat = small_market([*CLOSES[:200], *[100.0] * 100])
    truth = truths_of(flat, TEST, labelling_of(TRAIN)).days[DAYS[280]]
    assert (truth.label, truth.why, truth.daily_volatility) == (None, "constant prices", None)


@pytest.mark.real_data
@pytest.mark.heavy
def test_labels_of_real_days_are_those_of_the_study() -> None:
    labelling = labelling_of({"train": ["2021-01-04", "2022-12-30"]})
    test = ("2023-02-01", "2023-12-29")
    found = truths_of(find_market("AAPL", "stock", "real"), test, labelling)
    labels = [each.label for each in found.days.values()]
    assert found.thresholds.values[0] == pytest.approx(-2.252098, abs=1e-6)
    counts = [labels.count(each) for each in ("STRONG_SELL", "SELL", "HOLD", "BUY")]
    assert counts == [2, 18, 69, 108]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "train"),
        ({"train": "2021"}, "frozen"),
        ({"train": ["2021-01-04", "2022-12-30"], "tests": 1}, "tests"),
    ],
)
def test_labels_that_cannot_be_taken_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(InvestorBenchError, match=words):
        labelling_of(given)


def test_a_market_of_several_assets_has_no_labels() -> None:
    market = Task.of("portfolio/sim").market(0)
    with pytest.raises(InvestorBenchError, match="one asset"):
        truths_of(market, ("2020-10-01", "2020-12-01"), labelling_of(TRAIN))


def test_a_task_keeps_what_is_said_of_its_labels() -> None:
    task = Task.of("stock/sim", labels=TRAIN)
    assert task_of(settings_of(task)).labels == TRAIN
    assert "labels" not in settings_of(Task.of("stock/sim"))["task"]
    assert math.isfinite(task.facts("test").steps)  # the environment knows nothing of it

"""What is handed over by hand and is of the wrong kind gets one clear error."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from investorbench.tasks import Result, evaluate
from investorbench.tasks.running.job import Job
from investorbench_env.errors import InvestorBenchError
from investorbench_env.wrappers import NumericObservation
from tests.env.small_markets import small_market

MARKET = small_market([100.0, 101.0, 99.0, 102.0, 103.0, 101.0])
RIGHT = {
    "agent": "cash",
    "id_or_task": "InvestorBench/Stock",
    "data": MARKET,
    "start": "2020-01-02",
    "end": "2020-01-06",
    "warmup": False,
}
ODD = [None, True, 5, -1, 1.5, float("nan"), "", "x", b"x", [], ["x"], {}, {"x": 1}, object()]
NAMES = (
    *("agent", "id_or_task", "repeats", "concurrency", "warmup", "watch", "trackers", "wrapper"),
    *("protocol", "data", "modalities", "window", "action", "universe", "reward", "long_only"),
    *("episode_length", "initial_cash", "commission_bps", "slippage_bps", "seed"),
)


@settings(max_examples=150, deadline=None)
@given(
    odd=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(ODD), min_size=1, max_size=2),
)
@example(odd={"id_or_task": None})
@example(odd={"data": 5})
@example(odd={"modalities": True})
@example(odd={"long_only": "false"})
def test_no_odd_argument_ends_in_an_error_of_somebody_elses(odd: dict[str, Any]) -> None:
    with suppress(InvestorBenchError):
        assert isinstance(evaluate(**{**RIGHT, **odd}), Result)


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"id_or_task": None}, r"None is no task: give an id such as .*, or a Task"),
        ({"data": 5, "symbol": "TEST"}, "data=5 must be a market, "),
        ({"modalities": True}, "modalities=True must list at least one of bars, account"),
        ({"long_only": "false"}, "long_only='false' must be True or False"),
        ({"warmup": "no"}, "warmup='no' must be True or False"),
        ({"trackers": "tb"}, "trackers='tb' must list trackers"),
        ({"wrapper": "TextObservation"}, "must be a wrapper of environments"),
        ({"folder": ""}, "folder='' must be a path"),
        ({"folder": 5}, "folder=5 must be a path"),
    ],
)
def test_the_error_says_what_the_argument_should_be(odd: dict[str, Any], words: str) -> None:
    with pytest.raises(InvestorBenchError, match=words):
        evaluate(**{**RIGHT, **odd})


@pytest.mark.parametrize("taken", ["folder", "folder/stock-test", "folder/stock-test/cash"])
def test_a_folder_in_which_nothing_can_be_made_is_named(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("a file of somebody's")
    with pytest.raises(InvestorBenchError, match=r"folder.*cannot be (written to|made) \("):
        evaluate(**RIGHT, folder=tmp_path / "folder")
    assert (tmp_path / taken).read_text() == "a file of somebody's"


def test_a_folder_is_made_only_when_something_is_written_into_it(tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match="'nonsense'"):
        evaluate(**{**RIGHT, "protocol": "nonsense"}, folder=tmp_path / "runs" / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_wrapper_with_arguments_is_one_and_is_recorded_with_them() -> None:
    def wrapped(env: Any, size: int) -> Any:
        return NumericObservation(env)

    job = Job.of("cash", RIGHT["id_or_task"], wrapper=partial(wrapped, size=3))
    assert job.settings["wrapper"]["size"] == 3
    assert job.settings["wrapper"]["_target_"].endswith("wrapped")
    assert isinstance(evaluate(**RIGHT, wrapper=partial(wrapped, size=3)), Result)

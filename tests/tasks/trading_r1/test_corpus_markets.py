"""Which days of which markets a corpus is of, and which are refused."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import pytest

from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.corpus.building import build_corpus
from investorbench.tasks.trading_r1.corpus.markets import labelled, markets_of
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings
from investorbench_env.errors import DateRangeError, InvestorBenchError
from tests.tasks.trading_r1.corpora import TRAINED, settings_of, write_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), "AAA", "BBB")


def test_drawn_markets_are_those_to_train_on_and_each_has_its_own_labels(tmp_path: Path) -> None:
    settings = CorpusSettings(
        tasks=[Task.of("stock/sim", end="2020-11-06")],
        instructions="Write.",
        variants=1,
        markets=2,
    )
    which = markets_of(settings)
    assert [each.name for each in which] == ["SIM@0", "SIM@1"]
    assert {each.task.options["markets"] for each in which} == {"train"}
    one, other = (labelled(each, settings) for each in which)
    assert one.thresholds.values != other.thresholds.values
    plain = gym.make("InvestorBench/Stock-SIM", markets="train")
    _, info = plain.reset(seed=1)
    past = other.history().past(other.days["test"][0].t)
    assert info["history"].bars(last=1)["close"] != one.market.bars[-1, 0, 3]
    assert past.bars()["session"][0] == info["history"].bars()["session"][0]
    assert (past.bars()["close"][:60] == info["history"].bars()["close"][:60]).all()


def test_a_test_that_follows_at_once_begins_after_the_embargo() -> None:
    settings = CorpusSettings(tasks=[Task.of("stock/sim")], instructions="Write.")
    (which,) = markets_of(settings)
    found = labelled(which, settings)
    assert found.split.test.start - (found.split.window.stop - 1) == 15
    assert which.task.facts("test").window[0] < found.plain()["test"][0]


def test_windows_that_are_given_must_keep_the_embargo_themselves(data: Path) -> None:
    settings = settings_of(data, "AAA", test=("2020-07-01", "2020-08-14"))
    with pytest.raises(DateRangeError, match=r"AAA: .*begin the test on 2020-07-22 or later"):
        labelled(markets_of(settings)[0], settings)


def test_tasks_whose_windows_overlap_are_refused_with_the_dates(data: Path, tmp_path: Path) -> None:
    first, second = settings_of(data, "AAA", "BBB").tasks
    tasks = [
        replace(first, labels={"train": ["2020-03-02", "2020-06-30"]}, start="2020-07-22",
                end="2020-08-14"),
        replace(second, labels={"train": ["2020-03-02", "2020-07-31"]}, start="2020-08-24",
                end="2020-09-14"),
    ]  # fmt: skip
    settings = replace(settings_of(data, "AAA"), tasks=tasks, train=None, test=None)
    with pytest.raises(
        DateRangeError,
        match="BBB is trained on up to 2020-07-31, and AAA is tested from 2020-07-22",
    ):
        build_corpus(tmp_path, settings)


def test_one_market_of_two_tasks_is_refused(data: Path) -> None:
    with pytest.raises(InvestorBenchError, match="two tasks are of AAA"):
        markets_of(settings_of(data, "AAA", "AAA"))


@pytest.mark.parametrize("name", ["portfolio/sim", "perpetuals/sim", "snapshot/sim"])
def test_a_task_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(InvestorBenchError, match="name a task such as stock/tsla"):
        markets_of(CorpusSettings(tasks=[Task.of(name)], instructions=""))


def test_a_missing_close_is_refused_with_its_date(tmp_path: Path) -> None:
    data = write_data(tmp_path, "AAA")
    prices = data / "AAA_prices.csv"
    lines = [line for line in prices.read_text().splitlines() if not line.startswith("2020-05-05")]
    prices.write_text("\n".join(lines))
    settings = settings_of(data, "AAA")
    with pytest.raises(InvestorBenchError, match=r"AAA: .*2020-05-05"):
        labelled(markets_of(settings)[0], settings)


def test_constant_prices_have_no_label_and_the_manifest_says_when(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", "AAA")
    prices = data / "AAA_prices.csv"
    lines = prices.read_text().splitlines()
    flat = "100.0,100.0,100.0,100.0,1000"
    lines = [
        f"{line[:10]},{flat}" if "2020-03-06" < line < "2020-07-21" else line for line in lines
    ]
    prices.write_text("\n".join(lines))
    said = build_corpus(tmp_path / "corpus", settings_of(data, "AAA", variants=1))
    (market,) = said["markets"]
    (reason,) = market["without_label"]["train"]
    assert reason.startswith("constant prices (2020-0")
    assert market["days"]["train"] == said["rows"]["train"] < TRAINED


@pytest.mark.heavy
@pytest.mark.real_data
def test_on_real_days_training_and_test_are_those_of_the_labels(data_folder: Path) -> None:
    settings = CorpusSettings(
        tasks=[Task.of("InvestorBench/Stock", options={"symbol": "NVDA"}, data=str(data_folder))],
        instructions="Write.",
        train=("2021-01-04", "2022-12-30"),
        test=("2023-02-01", "2023-12-29"),
    )
    found = labelled(markets_of(settings)[0], settings)
    assert {split: len(days) for split, days in found.days.items()} == {"train": 488, "test": 230}
    expected = [-1.978585, -1.152397, 0.213670, 1.608151]
    assert found.thresholds.values == pytest.approx(expected, abs=1e-6)
    mix = Counter(day.label for day in found.days["test"])
    assert [mix[label] for label in ("STRONG_SELL", "SELL", "HOLD", "BUY", "STRONG_BUY")] == [
        0, 8, 73, 112, 37,
    ]  # fmt: skip

"""Tasks: ids of ours and of others, and what their environments are handed and say."""

import contextlib
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest

from investorbench.tasks import Task, evaluate
from investorbench.tasks.finding import FILES
from investorbench.tasks.task import task_of
from investorbench_env.errors import DataNotFoundError, InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market import Market
from tests.env.small_markets import small_market

TOY = Facts(
    family="Toy",
    symbols=("A", "B"),
    protocol="toy",
    steps=3,
    window=("2020-01-01", "2020-01-04"),
    source="made for a test",
    simulated=True,
    fingerprint="0" * 64,
)


class Toy(gym.Env[int, int]):
    """An environment of somebody else's; remembers what it was made with."""

    observation_space = action_space = gym.spaces.Discrete(2)

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.facts = TOY


@pytest.fixture
def toy() -> Any:
    gym.register("Toy/Pair", entry_point=Toy, disable_env_checker=True)
    yield "Toy/Pair"
    del gym.registry["Toy/Pair"]


@pytest.mark.parametrize("split", ["warmup", "test"])
def test_the_facts_of_a_task_are_those_of_its_environment(split: Any) -> None:
    task = Task.of("stock/sim", end="2020-10-30", options={"window": 5, "long_only": True})
    assert task.facts(split) == task.make(split).unwrapped.facts  # type: ignore[attr-defined]


def test_the_dates_of_a_task_are_those_of_its_test_alone() -> None:
    task = Task.of("stock/sim", start="2020-11-02", end="2020-11-30")
    assert task.facts("test").window == ("2020-11-02", "2020-11-30")
    assert task.facts("warmup").window == ("2020-07-01", "2020-09-30")


def test_an_environment_of_others_is_handed_what_was_set_and_nothing_else(toy: str) -> None:
    assert Task.of(toy).make("warmup").unwrapped.given == {"split": "warmup"}  # type: ignore[attr-defined]
    task = Task.of(toy, protocol="mine", start="2020-01-02", options={"lanes": 3})
    given: Any = task.make("test").unwrapped
    assert given.given == {
        "split": "test", "protocol": "mine", "start": "2020-01-02", "lanes": 3,
    }  # fmt: skip


def test_the_facts_of_others_are_read_from_below_their_wrappers(toy: str) -> None:
    task = Task.of(toy)
    assert task.facts("test") == TOY
    assert task.symbols == ("A", "B") and task.symbol == "A,B"
    assert task.short_name == "toy-pair"


def test_an_environment_without_facts_is_refused_with_what_it_lacks(
    toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.TOY", None)
    with pytest.raises(InvestorBenchError, match="Toy/Pair gives None as its facts; give the"):
        Task.of(toy).facts("test")


def test_an_environment_without_splits_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(InvestorBenchError, match="an environment must take `split`"):
        Task.of("CartPole-v1").facts("test")


def test_an_id_that_nobody_registered_here_is_refused_when_it_is_made() -> None:
    task = Task(id="Toy/Elsewhere")
    with pytest.raises(InvestorBenchError, match="module:Toy/Elsewhere"):
        task.make("test")
    with pytest.raises(UnknownNameError, match="unknown task 'Toy/Elsewhere'"):
        Task.of("Toy/Elsewhere")


def test_an_id_may_name_the_module_that_registers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_of_mine.py").write_text(
        "import gymnasium as gym\n"
        "from tests.tasks.test_task import Toy\n"
        "gym.register('Toy/Mine', entry_point=Toy, disable_env_checker=True)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        task = Task.of("toy_of_mine:Toy/Mine")
        assert task.facts("test") == TOY
        assert task.short_name == "toy-mine"
    finally:
        gym.registry.pop("Toy/Mine", None)
        sys.modules.pop("toy_of_mine", None)
    with pytest.raises(InvestorBenchError, match="there is no module 'toy_of_yours'"):
        Task.of("toy_of_yours:Toy/Mine")


@pytest.mark.parametrize(
    ("id", "options", "name"),
    [
        ("InvestorBench/Stock-TSLA", {}, "stock-tsla"),
        ("InvestorBench/Stock", {"symbol": "NVDA"}, "stock-nvda"),
        ("InvestorBench/Crypto-SIM", {}, "crypto-sim"),
    ],
)
def test_a_task_has_one_short_name(id: str, options: dict[str, Any], name: str) -> None:
    assert Task.of(id, options=options).short_name == name


def test_settings_describe_a_task_whether_or_not_its_environment_is_here() -> None:
    own = {"id": "Toy/Elsewhere", "data": None, "start": None, "end": None, "options": {"n": 2}}
    settings = {"task": own, "protocol": {"name": None}, "data": None}
    assert task_of(settings) == Task(id="Toy/Elsewhere", options={"n": 2})


def test_the_market_of_somebody_elses_environment_is_its_own(toy: str) -> None:
    with pytest.raises(UnknownNameError, match="environment id with a market 'Toy/Pair'"):
        Task.of(toy).market()


def test_an_oracle_is_handed_the_market_of_a_task() -> None:
    market = small_market([100.0 + t % 7 for t in range(500)])
    assert Task.of("InvestorBench/Stock", data=market).market() is market


def test_the_environment_of_others_is_made_once_for_its_facts(
    toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task.of(toy)
    assert task.facts("test") is TOY
    monkeypatch.setattr(f"{__name__}.TOY", None)
    assert task.facts("test").symbol == "A,B"


def test_data_frames_become_the_market_of_a_task() -> None:
    days = pd.bdate_range("2021-02-16", "2021-03-12")
    frame = pd.DataFrame({"date": days, "close": 100.0 + np.arange(len(days))})
    task = Task(
        id="InvestorBench/Stock",
        data={"ACME": frame},
        start=days[1],
        end=days[-1].date(),
        options={"symbol": "ACME"},
    )

    assert isinstance(task.data, Market)
    assert (task.start, task.end) == ("2021-02-17", "2021-03-12")
    result = evaluate("buy_and_hold", task, warmup=False, seed=1)
    # Bought at the second close of the window, for want of opens, with costs of 10 basis points.
    assert result.metrics["CR"] == pytest.approx(118 / 102 - 1, abs=0.002)


def test_data_frames_of_several_assets_become_one_market() -> None:
    days = pd.bdate_range("2021-02-16", "2021-03-12")
    frames = {
        name: pd.DataFrame({"date": days, "close": 100.0 + step * np.arange(len(days))})
        for name, step in (("ACME", 1.0), ("BOLT", 2.0))
    }
    task = Task(
        id="InvestorBench/Portfolio", data=frames, start=str(days[1].date()),
        end=str(days[-1].date()), options={"symbols": ["ACME", "BOLT"], "action": "orders"},
    )  # fmt: skip
    assert task.data.symbols == task.symbols == ("ACME", "BOLT")
    assert (task.short_name, task.symbol) == ("portfolio-acme,bolt", "ACME,BOLT")
    result = evaluate("ubah", task, warmup=False, seed=1)
    # Whole shares, sized at 101 and 102 to leave 2 % in cash, filled at the next close for want of
    # opens.
    acme, bolt = 49_000 // 101, 49_000 // 102
    gained = acme * (118 - 102) + bolt * (136 - 104) - 0.001 * (acme * 102 + bolt * 104)
    assert result.metrics["CR"] == pytest.approx(gained / 100_000, abs=1e-5)


def test_a_universe_names_its_assets_and_its_class_without_data() -> None:
    task = Task.of("portfolio/r1")
    assert task.symbols[-1] == "BRK.B" and len(task.symbols) == 14
    assert task.asset_class == "stock" and task.universe is not None
    assert (task.short_name, task.universe.name) == ("portfolio-r1", "R1")


@pytest.mark.parametrize(
    "options",
    [
        {"terms": "lab", "constraints": {"whole_shares": True, "max_positions": 1}},
        {"terms": {"limit_fill": "through"}, "commission_bps": 1.0},
        {"constraints": {"cash_floor": 1e9}},
    ],
)
def test_what_agents_are_compared_with_trades_by_weights_at_the_same_costs(options: Any) -> None:
    task = Task.of("portfolio/sim", options={"action": "orders", **options}, end="2020-10-09")
    other = task.by_weights()
    assert other.facts("test").action == "weights"
    assert other.facts("test").cost_rate == pytest.approx(task.facts("test").cost_rate)
    assert other.facts("test").fingerprint == task.facts("test").fingerprint
    strict = Task.of("portfolio/sim", options={"strict": True})
    assert strict.by_weights().options == {"strict": False}
    alone = Task.of("stock/sim")
    assert alone.by_weights() is alone


@pytest.mark.parametrize(("family", "option"), [("Portfolio", "symbols="), ("Stock", "symbol=")])
def test_which_assets_is_asked_with_the_option_that_names_them(family: str, option: str) -> None:
    with pytest.raises(InvestorBenchError, match=f"Name them: {option}"):
        _ = Task.of(f"InvestorBench/{family}").symbols


NAMES = sorted(f"{file.parent.name}/{file.stem}" for file in FILES.glob("*/*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_task_without_data_says_by_its_own_name_what_to_fetch(name: str) -> None:
    """Tasks share markets: ``stock/nvda`` has other dates than ``trading_r1/nvda`` needs."""
    task = Task.of(name, options={"commission_bps": 3.0})
    with contextlib.suppress(DataNotFoundError):
        task.facts("test")
        return  # it is simulated, or its data is installed
    for ask in (lambda: task.facts("test"), lambda: task.make("test"), task.market):
        with pytest.raises(DataNotFoundError) as caught:
            ask()
        said, _, fetched = str(caught.value).partition("investorbench data fetch ")
        assert fetched == ("" if name == "snapshot/panel" else name), said


def test_a_task_that_has_no_name_names_its_symbol() -> None:
    with pytest.raises(DataNotFoundError, match=r"investorbench data fetch stock/orcl$"):
        Task(id="InvestorBench/Stock", options={"symbol": "ORCL"}).facts("test")
    other = Task.of("trading_r1/nvda", options={"symbol": "ORCL"})
    with pytest.raises(DataNotFoundError, match=r"investorbench data fetch stock/orcl$"):
        other.facts("test")

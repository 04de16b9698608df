"""The tasks of Trading-R1: which there are, and on which days."""

import pytest

from investorbench.tasks import Task
from investorbench.tasks.finding import FILES
from investorbench.tasks.trading_r1.thresholds import label_split
from investorbench.tasks.trading_r1.truths import labelling_of, truths_of

TICKERS = ("NVDA", "AAPL", "MSFT", "AMZN", "META", "SPY")
PUBLISHED = [name.lower() for name in TICKERS]
REACHED = [f"{name}-2023" for name in PUBLISHED]
ALL = sorted(path.stem for path in (FILES / "trading_r1").glob("*.yaml"))


def task(name: str) -> Task:
    return Task.of(f"trading_r1/{name}")


def test_there_are_the_six_tickers_on_both_windows_and_a_simulated_stock() -> None:
    assert [*PUBLISHED, *REACHED, "sim"] == sorted(ALL, key=[*PUBLISHED, *REACHED, "sim"].index)


@pytest.mark.parametrize("name", ALL)
def test_every_task_trades_one_asset_by_weights_and_says_how_its_days_are_labelled(
    name: str,
) -> None:
    own = task(name)
    assert own.options["action"] == "weight" and len(own.symbols) == 1
    assert own.universe is not None and own.universe.benchmark == "buy_and_hold"
    assert own.labels is not None and labelling_of(own.labels).direction == "forward"
    if name != "sim":
        assert own.symbol.lower() == name.removesuffix("-2023")
        assert own.id == f"InvestorBench/{'ETF' if own.symbol == 'SPY' else 'Stock'}"


def test_no_two_tasks_are_recorded_in_one_folder() -> None:
    names = [task(name).short_name for name in ALL]
    assert len({*names, "stock-sim"}) == len(ALL) + 1
    assert task("nvda-2023").short_name == "stock-nvda-trading-r1-2023"


def test_the_simulated_task_has_labels_on_every_day_but_the_last_fifteen() -> None:
    own = task("sim")
    market = own.market(7)
    facts = own.facts("test")
    assert facts.simulated and facts.window == ("2020-10-01", "2021-03-31")
    truths = truths_of(market, facts.window, labelling_of(own.labels or {}))
    labels = [truth.label for truth in truths.days.values()]
    assert labels.count(None) == 15 and None not in labels[:-15]
    assert truths.thresholds.days > 400


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["spy", REACHED[0], *(pytest.param(name, marks=pytest.mark.heavy) for name in REACHED[1:])],
)
def test_real_tasks_hold_the_embargo(name: str) -> None:
    own = task(name)
    market, facts = own.market(), own.facts("test")
    published = ("2024-06-03", "2024-08-30")
    assert facts.window == (published if name == "spy" else ("2023-02-01", "2023-12-29"))
    split = label_split(market.sessions, labelling_of(own.labels or {}).train, facts.window)
    assert split.test.start - split.window.stop >= 20
    if name != "spy":
        assert (split.training.stop - split.training.start, split.test.stop - split.test.start) == (
            488,
            230,
        )

"""Where the assets of a portfolio come from, and what is left out or simulated."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env import universes
from investorbench_env.errors import (
    DataNotFoundError,
    DateRangeError,
    SimulatedDataWarning,
    UnknownNameError,
)
from investorbench_env.market.library import find_data
from investorbench_env.market.market import Delisting
from investorbench_env.market.sessions import sessions_between
from investorbench_env.universes import Member, Split, Universe
from tests.env.joint_markets import joint_market
from tests.env.portfolios import FREE, buy, portfolio
from tests.env.small_markets import date


def put(folder: Path, symbol: str, closes: list[float], actions: str = "") -> None:
    """Daily bars from 2021-01-04 on in a file of their own, and a list of actions."""
    days = sessions_between("stock", "2021-01-04", "2021-12-31")[: len(closes)]
    rows = [
        f"{day},{close},{close},{close},{close},1000"
        for day, close in zip(days, closes, strict=True)
    ]
    header = "date,open,high,low,close,volume"
    (folder / f"{symbol}.csv").write_text("\n".join([header, *rows]) + "\n")
    if actions:
        listed = f"date,symbol,action,amount\n{actions}\n"
        (folder / f"{symbol}_actions.csv").write_text(listed)


def test_a_folder_of_files_is_a_portfolio_and_a_delisting_in_a_list_ends_a_holding(
    tmp_path: Path,
) -> None:
    put(tmp_path, "ONE", [10.0] * 5, "2021-01-11,ONE,delisted,-0.3")
    put(tmp_path, "TWO", [20.0] * 8)
    env: Any = gym.make(
        "InvestorBench/Portfolio", data=str(tmp_path), symbols=["ONE", "TWO"],
        start="2021-01-04", end="2021-01-13", action="orders", initial_cash=1000.0, **FREE,
    )  # fmt: skip
    _, info = env.reset()
    info = env.step([buy("ONE", 50)])[-1]
    while info["session"] < "2021-01-11":
        assert info["equity"] == 1000.0
        info = env.step([])[-1]
    assert info["equity"] == pytest.approx(850.0) and not info["account"].positions
    assert env.unwrapped.facts.findings[-1] == (
        "ONE was delisted on 2021-01-11: holders get its last price -30%"
    )


def test_an_asset_that_can_be_done_without_is_left_out_and_others_are_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = Universe(
        name="Three",
        members=(
            *universes.members_of("stock", "ONE TWO"),
            Member(symbol="THREE", asset_class="stock", required=False),
        ),
        splits={"test": Split("2021-01-04", "2021-01-08")},
    )
    monkeypatch.setitem(universes.UNIVERSES, "Three", three)
    options: dict[str, Any] = {"data": str(tmp_path), "universe": "Three"}
    put(tmp_path, "ONE", [10.0] * 5)
    with pytest.raises(UnknownNameError, match="'TWO'"):
        gym.make("InvestorBench/Portfolio", **options)
    put(tmp_path, "TWO", [20.0] * 5)
    facts = gym.make("InvestorBench/Portfolio", **options).unwrapped.facts  # type: ignore[attr-defined]
    assert facts.symbols == ("ONE", "TWO")
    assert "THREE is left out: there is no data of it" in facts.findings


def test_where_one_asset_has_no_data_all_are_simulated_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "ONE", [10.0] * 5)
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path))
    with pytest.warns(SimulatedDataWarning, match="no real data for TWO") as warned:
        env: Any = gym.make("InvestorBench/Portfolio", symbols=["ONE", "TWO"])
    assert len(warned) == 1 and env.unwrapped.facts.simulated
    with pytest.raises(DataNotFoundError, match="no real data for TWO"):
        gym.make("InvestorBench/Portfolio", symbols=["ONE", "TWO"], data="real")


def test_an_asset_without_a_bar_in_the_window_is_refused() -> None:
    market = joint_market({"A": {"closes": [10, 10, *[np.nan] * 5]}, "B": {"closes": [10] * 7}})
    with pytest.raises(DateRangeError, match=f"A has no bar from {date(3)} to {date(6)}"):
        portfolio(market, start=date(3))
    ended = replace(market, delistings={"A": Delisting(np.datetime64(date(5)))})
    env = portfolio(ended, start=date(3))
    assert env.reset()[0]["tradable"].tolist() == [1, 1]
    assert "A was delisted" in env.unwrapped.facts.findings[0]


def test_equal_weights_of_the_seven_stocks_come_out_as_in_plain_arithmetic(
    data_folder: Path,
) -> None:
    env: Any = gym.make(
        "InvestorBench/Portfolio-IB7", data=str(data_folder), modalities=["account"]
    )
    facts = env.unwrapped.facts
    assert facts.symbols == ("MSFT", "JNJ", "UVV", "HON", "TSLA", "AAPL", "NIO")
    assert facts.window == ("2020-10-01", "2021-05-06") and facts.benchmark == "equal_weight"
    assert any("chosen with hindsight on 2024-12-24" in finding for finding in facts.findings)
    parts = {symbol: find_data(symbol, "stock", data_folder) for symbol in facts.symbols}
    rows = {
        symbol: {str(day): row for row, day in enumerate(market.sessions)}
        for symbol, market in parts.items()
        if market is not None
    }
    cash, held, cost_rate = 100_000.0, dict.fromkeys(facts.symbols, 0.0), 0.001
    _, info = env.reset()
    ended = False
    while not ended:
        *_, truncated, info = env.step(np.full(7, 1 / 7))
        ended, values, opens, closes = truncated, {}, {}, {}
        for symbol, market in parts.items():
            row = rows[symbol][info["session"]]
            opens[symbol], closes[symbol] = market.bars[row, 0, 0], market.bars[row, 0, 3]
            held[symbol] *= market.share_splits[row, 0]
            cash += held[symbol] * market.dividends[row, 0]
            values[symbol] = held[symbol] * opens[symbol]
        equity = left = cash + sum(values.values())
        for _ in range(50):  # E' = E - c * sum |E' / 7 - V|, a contraction
            left = equity - cost_rate * sum(abs(left / 7 - value) for value in values.values())
        held = {symbol: left / 7 / opens[symbol] for symbol in held}
        cash = left - sum(held[symbol] * opens[symbol] for symbol in held)
        worth = cash + sum(held[symbol] * closes[symbol] for symbol in held)
        assert info["equity"] == pytest.approx(worth, rel=1e-12)
    assert info["session"] == "2021-05-06"

"""Published and independently calculated figures on real markets, to the printed digit.

The values are those of InvestorBench (Li et al., 2025), of calculations that share no code with
ours, and of the data's own description, in percent but for the Sharpe ratio; none comes from the
code under test.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from investorbench.agents.baselines import Momentum
from investorbench.tasks import Result, evaluate

SELL, HOLD, BUY = 0, 1, 2
IDS = {
    "MSFT": "InvestorBench/Stock-MSFT",
    "HON": "InvestorBench/Stock-HON",
    "BTC": "InvestorBench/Crypto-BTC",
}
STOCKS = ("2020-10-01", "2021-05-06")
CRYPTO = ("2023-04-05", "2023-11-05")


def paper(agent: Any, symbol: str, start: str, end: str, folder: Path, **options: Any) -> Result:
    """An agent under the published protocol, on the released file."""
    path = folder / "investorbench" / f"{symbol.lower()}.json"
    return evaluate(
        agent, IDS[symbol], protocol="paper", data=path, start=start, end=end, **options
    )


@pytest.mark.parametrize(
    ("symbol", "start", "end", "expected"),
    [
        ("MSFT", "2020-10-01", "2021-05-05", ("15.340", "1.039", "24.980", "9.428")),
        ("MSFT", *STOCKS, ("16.654", "1.122", "24.946", "9.428")),
        ("HON", "2020-10-01", "2021-05-05", ("33.256", "2.347", "23.967", "9.195")),
        ("HON", *STOCKS, ("34.342", "2.413", "23.913", "9.195")),
        ("BTC", *CRYPTO, ("21.822", "0.990", "37.426", "20.796")),
    ],
)
def test_buy_and_hold_is_that_of_the_published_tables(
    symbol: str, start: str, end: str, expected: tuple[str, ...], data_folder: Path
) -> None:
    metrics = paper("buy_and_hold", symbol, start, end, data_folder).metrics
    figures = (metrics["CR"] * 100, metrics["SR"], metrics["AV"] * 100, metrics["MDD"] * 100)
    assert tuple(f"{figure:.3f}" for figure in figures) == expected


def long_only_momentum(observation: Any, info: Any) -> int:
    return BUY if Momentum().side(observation) > 0 else HOLD


@pytest.mark.parametrize(
    ("agent", "symbol", "window", "expected"),
    [
        ("momentum", "MSFT", STOCKS, ("-13.47", "-0.91")),
        ("momentum", "HON", STOCKS, ("-15.97", "-1.11")),
        ("momentum", "BTC", CRYPTO, ("24.61", "1.12")),
        (long_only_momentum, "MSFT", STOCKS, ("1.59", "0.15")),
        (long_only_momentum, "HON", STOCKS, ("8.92", "0.75")),
        (long_only_momentum, "BTC", CRYPTO, ("23.21", "1.27")),
        ("news_sentiment", "MSFT", STOCKS, ("17.00", "1.16")),
        ("news_sentiment", "HON", STOCKS, ("29.83", "2.40")),
        ("news_sentiment", "BTC", CRYPTO, ("30.88", "1.51")),
    ],
)
def test_a_reference_policy_scores_what_an_independent_calculation_gave(
    agent: Any, symbol: str, window: tuple[str, str], expected: tuple[str, str], data_folder: Path
) -> None:
    metrics = paper(agent, symbol, *window, data_folder).metrics
    assert (f"{metrics['CR'] * 100:.2f}", f"{metrics['SR']:.2f}") == expected


@pytest.mark.parametrize(
    ("symbol", "window", "points", "seeds", "within"),
    [
        ("MSFT", STOCKS, 15, 120, 2.0),
        pytest.param("MSFT", STOCKS, 15, 500, 1.5, marks=pytest.mark.heavy),
        pytest.param("HON", STOCKS, 15, 500, 1.5, marks=pytest.mark.heavy),
        pytest.param("BTC", CRYPTO, 23, 500, 1.5, marks=pytest.mark.heavy),
    ],
)
def test_the_luck_of_a_random_policy_is_as_large_as_reported(
    symbol: str, window: tuple[str, str], points: float, seeds: int, within: float,
    data_folder: Path,
) -> None:  # fmt: skip
    # Over 500 seeds a standard deviation is itself known to 3 %: half a point, .7 for BTC.
    result = paper("random", symbol, *window, data_folder, repeats=seeds, seed=0, warmup=False)
    returns = [episode.metrics["CR"] * 100 for episode in result.episodes]
    assert np.std(returns, ddof=1) == pytest.approx(points, abs=within)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("InvestorBench/Stock-TSLA", "48.06"),
        ("InvestorBench/Stock-AAPL", "11.45"),
        ("InvestorBench/Stock-NIO", "68.57"),
        ("InvestorBench/Stock-MSFT", "18.12"),
        ("InvestorBench/Stock-HON", "40.98"),
        ("InvestorBench/ETF-SPY", "2.09"),
    ],
)
def test_total_returns_are_those_of_the_data_description(
    id: str, expected: str, data_folder: Path
) -> None:
    # Under `paper` a buyer's rewards are the log returns of adjusted closes: their sum's growth is
    # the simple return from the first close to the last.
    result = evaluate("buy_and_hold", id, protocol="paper", data=data_folder, warmup=False)
    assert f"{np.expm1(result.median.rewards.sum()) * 100:.2f}" == expected


def test_released_prices_earn_what_the_vendors_adjusted_closes_earn(data_folder: Path) -> None:
    for symbol in ("MSFT", "HON"):
        released = paper("buy_and_hold", symbol, *STOCKS, data_folder, warmup=False)
        vendor = evaluate(
            "buy_and_hold", IDS[symbol], protocol="paper", warmup=False,
            data=data_folder / "prices" / "prices_stocks_daily.parquet",
        )  # fmt: skip
        np.testing.assert_allclose(released.median.rewards, vendor.median.rewards, atol=2e-6)


DIVIDENDS = {
    "TSLA": {},
    "AAPL": {"2020-11-06": 0.205, "2021-02-05": 0.205},
    "MSFT": {"2020-11-18": 0.56, "2021-02-17": 0.56},
    "HON": {"2020-11-12": 0.93, "2021-02-25": 0.93},
}
"""What the companies paid within the window, by ex-date."""


@pytest.mark.parametrize("symbol", DIVIDENDS)
def test_buying_under_the_standard_protocol_is_that_of_a_calculation_from_the_file(
    symbol: str, data_folder: Path
) -> None:
    # The loader has to infer the dividends from close and adjusted close, to a cent's fraction.
    path = data_folder / "prices" / "prices_stocks_daily.parquet"
    table = pd.read_parquet(path)
    table = table[table["symbol"] == symbol].set_index("date").sort_index()
    table = table.loc[STOCKS[0] : STOCKS[1]]
    opens, closes = table["open"].to_numpy(float), table["close"].to_numpy(float)
    # Decided on the first day, bought at the open of the second, a tenth of a percent for costs.
    shares = 100_000.0 / (opens[1] * 1.001)
    dates = table.index.strftime("%Y-%m-%d")
    cash = np.cumsum([DIVIDENDS[symbol].get(day, 0.0) for day in dates])
    equity = np.concatenate([[100_000.0], shares * (closes + cash)[1:]])

    result = evaluate("buy_and_hold", f"InvestorBench/Stock-{symbol}", data=path, warmup=False)

    assert result.window == STOCKS
    np.testing.assert_allclose(result.equity, equity, rtol=1e-6)
    assert result.metrics["CR"] == pytest.approx(equity[-1] / 100_000 - 1, abs=1e-6)
    returns = equity[1:] / equity[:-1] - 1
    sharpe = returns.mean() / returns.std(ddof=1) * np.sqrt(252)
    assert result.metrics["SR"] == pytest.approx(sharpe, abs=1e-4)
    assert result.metrics["costs"] == pytest.approx(shares * opens[1] * 0.001, rel=1e-9)
    fall = max(1 - equity[t:].min() / equity[t] for t in range(len(equity)))
    assert result.metrics["MDD"] == pytest.approx(fall, abs=1e-6)
    assert set(result.actions) == {BUY}


def test_a_real_market_is_never_called_simulated(data_folder: Path) -> None:
    result = paper("cash", "MSFT", *STOCKS, data_folder)
    assert not result.simulated
    assert "msft.json" in result.data_source

"""Simulated returns beside real ones: how fat their tails, and what follows from yesterday's.

Seeds and windows were fixed before the first look; parameters were chosen on others.
"""

from pathlib import Path

import numpy as np
import pytest

from investorbench_env.market.simulated import dynamics_of, simulate_many

WINDOW = 250
SEEDS = range(50_000, 50_240)
QUARTILES = {
    "kurtosis": (4.55, 9.58),
    "|r| and the |r| before": (0.033, 0.158),
    "|r| and the r before": (-0.095, 0.006),
    "r and the r before": (-0.065, 0.037),
}
"""Of 54 US stocks from 2012 to 2024, log returns of adjusted closes, 601 windows."""


def facts_of(returns):
    """The four figures of each window [4, windows], from returns [windows, WINDOW]."""
    centred = returns - returns.mean(axis=1, keepdims=True)
    size = np.abs(returns)
    return np.array(
        [
            (centred**4).mean(axis=1) / (centred**2).mean(axis=1) ** 2,
            correlations(size[:, 1:], size[:, :-1]),
            correlations(size[:, 1:], returns[:, :-1]),
            correlations(returns[:, 1:], returns[:, :-1]),
        ]
    )


def correlations(one, other):
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)])


def test_simulated_stocks_lie_within_the_quartiles_of_real_ones():
    paths = simulate_many(SEEDS, 5 * WINDOW + 1, dynamics_of())
    returns = (paths.overnight + paths.intraday)[:, 1:].reshape(-1, WINDOW)
    medians = np.median(facts_of(returns), axis=1)
    for (name, (low, high)), median in zip(QUARTILES.items(), medians, strict=True):
        print(f"{name}: {median:.3f} within {low} to {high}")
        assert low < median < high, name


@pytest.mark.real_data
def test_the_quartiles_are_those_of_real_stocks(data_folder: Path):
    import pandas as pd

    prices = pd.read_parquet(
        data_folder / "prices" / "prices_stocks_daily.parquet",
        columns=["date", "symbol", "adj_close"],
    )
    windows = []
    for _, rows in prices.sort_values("date").groupby("symbol"):
        returns = np.diff(np.log(rows["adj_close"].to_numpy()))
        windows.append(returns[: len(returns) // WINDOW * WINDOW].reshape(-1, WINDOW))
    found = np.quantile(facts_of(np.concatenate(windows)), [0.25, 0.75], axis=1).T
    for (name, quartiles), real in zip(QUARTILES.items(), found, strict=True):
        assert quartiles == pytest.approx(tuple(real), abs=0.006), name

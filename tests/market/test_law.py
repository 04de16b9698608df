"""The law of a simulated market: bands of paths, what it is recorded as, and its numbers."""

import pickle
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from investorbench_env.errors import MarketError
from investorbench_env.market.documents import NEWS, SENTIMENTS
from investorbench_env.market.simulated import Law, dynamics_of, simulate
from investorbench_env.market.simulated.bands import (
    FRESH,
    HELD_OUT,
    NAMED,
    ONE,
    TRAIN,
    generator,
)

BANDS = (FRESH, TRAIN, HELD_OUT, NAMED, ONE)
START, END = "2020-07-06", "2021-05-06"


def law_of(asset_class="stock", symbol="SIM", end=END, **changes):
    dynamics = replace(dynamics_of(symbol, asset_class), **changes)
    return Law(symbol=symbol, asset_class=asset_class, dynamics=dynamics, start=START, end=end)


def dense(values, ex_dates, length, default):
    """A column of ex-dates spread over all sessions."""
    spread = np.full(length, default)
    spread[ex_dates] = values
    return spread


# --- bands ------------------------------------------------------------------------------------


def test_no_two_bands_and_no_two_seeds_share_a_path():
    seeds = [0, 1, 2**32, 2**64 + 1, 2**128 + 5, 2**160, (4 << 128) | 7, (1 << 160) | (4 << 128)]
    drawn = {
        (band, seed, purpose): tuple(generator((band, seed), purpose).integers(1 << 62, size=3))
        for band, seed, purpose in product(BANDS[:ONE], seeds, (0, 1))
    }
    assert len(set(drawn.values())) == len(drawn)


@pytest.mark.parametrize("entropy", [(FRESH, -1), (5, 0), (-1, 0)])
def test_what_is_no_path_is_refused(entropy):
    with pytest.raises(MarketError, match=r"a band of 0\.\.4 and a seed from 0"):
        law_of(end="2020-08-31").market(entropy)


# --- what a path is recorded as ---------------------------------------------------------------


def test_paths_of_a_law_are_recorded_alike_and_lead_to_no_seed():
    law = law_of(end="2020-09-30")
    first, second = (law.market((FRESH, seed)) for seed in (123_456_789, 987_654_321))
    assert not np.array_equal(first.bars, second.bars)
    assert first.fingerprint == second.fingerprint == law.fingerprint
    assert first.source == second.source == "simulated market"
    assert "123456789" not in f"{first!r}{first.documents.rows[:50]}"
    again = pickle.loads(pickle.dumps(first))
    assert again.fingerprint == law.fingerprint and np.array_equal(again.bars, first.bars)


def test_a_law_is_told_from_another_by_all_that_decides_its_paths():
    laws = [
        law_of(),
        law_of(end="2021-05-07"),
        law_of(symbol="TSLA"),
        law_of("etf"),
        law_of("crypto"),
        law_of(mood_days=13.0),
        law_of(regime_days=(40.0, 50.0, 61.0)),
    ]
    assert len({law.fingerprint for law in laws}) == len(laws)
    assert law_of().fingerprint == law_of().fingerprint


def test_a_path_that_a_user_draws_is_recorded_by_what_it_holds():
    first, second = (simulate(seed=seed, start=START, end="2020-09-30") for seed in (1, 2))
    assert first.fingerprint != second.fingerprint
    drawn = law_of(end="2020-09-30").market((ONE, 1))
    assert np.array_equal(first.bars, drawn.bars) and first.documents.rows == drawn.documents.rows


def test_a_law_without_a_session_is_refused():
    with pytest.raises(MarketError, match="no session from 2020-07-06 to 2020-07-05"):
        law_of(end="2020-07-05")


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asset_class", ["stock", "etf", "crypto"])
def test_numbers_are_those_of_the_markets_to_the_bit(asset_class):
    law = law_of(asset_class, end="2020-11-12")
    entropies = [(band, seed) for band in BANDS for seed in (0, 7)]
    numbers = law.numbers(entropies)
    length = len(law.sessions)
    for path, entropy in enumerate(entropies):
        market = law.market(entropy)
        assert np.array_equal(numbers.bars[path], market.bars[:, 0])
        assert np.array_equal(numbers.adjusted_close[path], market.adjusted_close[:, 0])
        for name, default in (("dividends", 0.0), ("share_splits", 1.0)):
            spread = dense(getattr(numbers, name)[path], numbers.ex_dates, length, default)
            assert np.array_equal(spread, getattr(market, name)[:, 0]), name
        counts = np.zeros((length, len(SENTIMENTS)), dtype=int)
        for t in range(length):
            for row in market.until(t).documents(t - 1 if t else None):
                if row.kind == NEWS and row.sentiment is not None:
                    counts[t, SENTIMENTS.index(row.sentiment)] += 1
        assert np.array_equal(numbers.labels[path], counts)

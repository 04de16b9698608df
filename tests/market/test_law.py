"""The law of a simulated market: bands of paths, what it is recorded as, and its numbers."""

import copy
import pickle
from dataclasses import asdict, fields, replace
from itertools import product, starmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import MarketError
from investorbench_env.market.documents import NEWS, SENTIMENTS, Document, DocumentTable
from investorbench_env.market.history import History
from investorbench_env.market.simulated import Law, dynamics_of, grammar, simulate
from investorbench_env.market.simulated.bands import (
    FRESH,
    HELD_OUT,
    NAMED,
    ONE,
    TRAIN,
    Origin,
    Purpose,
)

BANDS = (FRESH, TRAIN, HELD_OUT, NAMED, ONE)
START, END = "2020-07-06", "2021-05-06"


def law_of(asset_class="stock", symbol="SIM", end=END, **changes):
    dynamics = replace(dynamics_of(symbol, asset_class), **changes)
    return Law(symbol=symbol, asset_class=asset_class, dynamics=dynamics, start=START, end=end)


# --- bands ------------------------------------------------------------------------------------


def test_no_two_bands_and_no_two_seeds_share_a_path():
    seeds = [0, 1, 2**32, 2**64 + 1, 2**128 + 5, 2**160, (4 << 128) | 7, (1 << 160) | (4 << 128)]
    drawn = {
        (*origin, purpose): tuple(origin.generator(purpose).integers(1 << 62, size=3))
        for origin in starmap(Origin, product(("stock", "etf"), ("JNJ", "J"), BANDS, seeds))
        for purpose in (0, 1)
    }
    assert len(set(drawn.values())) == len(drawn)


def test_generators_are_those_of_each_purpose_alone():
    origin = Origin("stock", "J'S", TRAIN, 2**128 + 5)
    purposes = (Purpose.UNIFORMS, Purpose.NEWS)
    together = [each.random() for each in origin.generators(*purposes)]
    assert together == [origin.generator(purpose).random() for purpose in purposes]


def test_assets_of_one_seed_are_independent_markets():
    symbols = ("TSLA", "JNJ", "MSFT", "SIM", "ACME", "ACMF")
    assets = [("stock", symbol) for symbol in symbols] + [("etf", "SIM"), ("etf", "SPY")]
    paths = [
        law_of(asset_class, symbol).numbers([(FRESH, 3)]).adjusted_close[0]
        for asset_class, symbol in assets
    ]
    returns = np.diff(np.log(paths))
    others = np.corrcoef(returns)[~np.eye(len(assets), dtype=bool)]
    # Four standard errors: independent pairs exceed it in one draw of five hundred.
    assert np.abs(others).max() < 0.28
    regimes = [
        law_of(asset_class, symbol).market((FRESH, 3)).hidden_state["regime"][:, 0]
        for asset_class, symbol in assets
    ]
    assert len({tuple(regime) for regime in regimes}) == len(assets)


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
    assert np.array_equal(first.bars, drawn.bars) and [*first.documents] == [*drawn.documents]


def test_a_law_without_a_session_is_refused():
    with pytest.raises(MarketError, match="no session from 2020-07-06 to 2020-07-05"):
        law_of(end="2020-07-05")


# --- numbers ----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    asset_class=st.sampled_from(["stock", "etf", "crypto"]),
    days=st.integers(1, 420),
    seeds=st.lists(st.integers(0, 2**130), max_size=5),
    before=st.integers(0, 70),
    news_a_day=st.sampled_from([0.0, 2.0, 6.0]),
    annual_volatility=st.sampled_from([0.1, 0.35, 1.2]),
)
def test_numbers_are_those_of_the_markets_to_the_bit(
    asset_class, days, seeds, before, news_a_day, annual_volatility
):
    end = str(np.datetime64("2020-07-06") + np.timedelta64(days, "D"))
    changes = {"news_a_day": news_a_day, "annual_volatility": annual_volatility}
    law = law_of(asset_class, end=end, **changes)
    entropies = [(NAMED, number) for number in range(before)]  # fill blocks and part of one
    entropies += [(band, seed) for band, seed in zip(BANDS, seeds, strict=False)]
    numbers = law.numbers(entropies)
    length = len(law.sessions)
    assert numbers.bars.shape == (len(entropies), length, 5)
    for path in range(before, len(entropies)):
        market = law.market(entropies[path])
        assert np.array_equal(numbers.bars[path], market.bars[:, 0])
        assert np.array_equal(numbers.adjusted_close[path], market.adjusted_close[:, 0])
        for name, default in (("dividends", 0.0), ("share_splits", 1.0)):
            spread = np.full(length, default)
            spread[numbers.ex_dates] = getattr(numbers, name)[path]
            assert np.array_equal(spread, getattr(market, name)[:, 0]), name
        assert np.array_equal(numbers.labels[path], labels_in(market))


def labels_in(market):
    """Labels as a reader of the market counts them, session by session."""
    counts = np.zeros((len(market.sessions), len(SENTIMENTS)), dtype=int)
    for t in range(len(market.sessions)):
        for row in market.until(t).documents(t - 1 if t else None):
            if row.kind == NEWS and row.sentiment is not None:
                counts[t, SENTIMENTS.index(row.sentiment)] += 1
    return counts


def test_labels_are_what_an_observation_counts():
    law = law_of(end="2020-09-30")
    labels = law.numbers([(FRESH, 5)]).labels[0]
    history = History(law.market((FRESH, 5)), "SIM", 5)
    shown = [history.until(t).observation["sentiment"] for t in range(len(law.sessions))]
    assert np.array_equal(shown, labels)


def test_a_pool_of_four_thousand_paths_fits_into_fifty_megabytes():
    law = law_of()
    numbers = law.numbers([(FRESH, seed) for seed in range(8)])
    arrays = [getattr(numbers, part.name) for part in fields(numbers)]
    kept = sum(array.nbytes for array in arrays if array is not None)
    assert len(law.sessions) == 212
    assert 4096 * kept / 8 < 50e6


# --- words ------------------------------------------------------------------------------------


def test_words_are_put_together_when_they_are_read_and_not_before(monkeypatch):
    written = []
    news = grammar.news
    monkeypatch.setattr(grammar, "news", lambda *given: written.append(given) or news(*given))
    market = law_of(end="2020-09-30").market((FRESH, 3))
    observed = History(market, "SIM", 5)
    assert not written
    observed.until(20)
    assert 0 < len(written) < 20
    texts = [row.text for row in market.documents]
    once = len(written)
    assert texts == [row.text for row in market.documents]
    assert len(written) == once


def test_a_document_whose_words_were_not_read_is_like_any_other():
    def unread():
        return law_of(end="2020-09-30").market((FRESH, 3)).documents

    read = unread()
    texts = [row.text for row in read]
    plain = [
        Document(**{part.name: getattr(row, part.name) for part in fields(row)}) for row in read
    ]
    assert list(unread()) == plain and plain == list(unread())
    assert [hash(row) for row in unread()] == [hash(row) for row in plain]
    assert [str(row) for row in unread()] == [str(row) for row in plain]
    assert [repr(row) for row in unread()] == [repr(row) for row in plain]
    assert [asdict(row) for row in unread()] == [asdict(row) for row in plain]
    assert [copy.deepcopy(row).text for row in unread()] == texts
    assert [replace(row, title="x").text for row in unread()] == texts
    assert list(pickle.loads(pickle.dumps(unread()))) == plain
    assert DocumentTable(unread().rows[::-1]).rows[0] == plain[0]
    assert np.array_equal(DocumentTable(tuple(plain)).available_at, unread().available_at)
    with pytest.raises(AttributeError, match="has no attribute 'words'"):
        unread().rows[0].words  # noqa: B018


def test_a_document_that_was_read_holds_nothing_but_what_it_says():
    row = law_of(end="2020-09-30").market((FRESH, 3)).documents.rows[0]
    text = row.text
    assert row._write.__self__ is text

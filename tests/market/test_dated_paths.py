"""Short paths on dates of their own drawn together, and antithetic paths."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.documents import NEWS, SENTIMENTS
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.simulated import Law, dynamics_of
from investorbench_env.market.simulated.bands import FRESH, NAMED, ONE, Origin
from investorbench_env.market.simulated.dated_paths import DatedPaths
from investorbench_env.market.simulated.filings import plan_filings
from investorbench_env.market.simulated.news import LABELS, OWN, REPEAT, plan_news
from investorbench_env.market.simulated.process import draw_shocks, evolve

CLASSES = ("stock", "etf", "crypto")


def laws_of(asset_class, length, count, **changes):
    """Laws on neighbouring dates that hold a start of a quarter, where they are long enough."""
    sessions = sessions_between(asset_class, "2021-05-10", "2021-09-30")
    dynamics = replace(dynamics_of("SIM", asset_class), **changes)
    return [
        Law(
            symbol="SIM",
            asset_class=asset_class,
            dynamics=dynamics,
            start=str(sessions[first]),
            end=str(sessions[first + length - 1]),
        )
        for first in range(0, 3 * count, 3)
    ]


# --- on dates of their own --------------------------------------------------------------------


@settings(max_examples=5, deadline=None)
@given(
    asset_class=st.sampled_from(CLASSES),
    length=st.integers(1, 45),
    count=st.integers(1, 4),
    seeds=st.lists(st.integers(0, 2**130), min_size=1, max_size=4),
    before=st.sampled_from([0, 3, 258]),
    annual_volatility=st.sampled_from([0.35, 6.0]),
    data=st.data(),
)
def test_they_are_to_the_bit_the_paths_that_are_drawn_alone(
    asset_class, length, count, seeds, before, annual_volatility, data
):
    # So volatile that prices split.
    laws = laws_of(asset_class, length, count, annual_volatility=annual_volatility)
    entropies = [(NAMED, number) for number in range(before)]  # fill blocks and part of one
    entropies += [(FRESH, seed, place % 2) for place, seed in enumerate(seeds)]
    which = np.arange(len(entropies)) % count
    after = data.draw(st.integers(0, length - 1))
    numbers = DatedPaths(laws).numbers(which, entropies, state_after=after)
    for path in range(before, len(entropies)):
        market = laws[which[path]].market(entropies[path])
        assert np.array_equal(numbers.bars[path], market.bars[:, 0])
        assert np.array_equal(numbers.dividends[path], market.dividends[:, 0])
        assert np.array_equal(numbers.share_splits[path], market.share_splits[:, 0])
        assert np.array_equal(numbers.labels[path], labels_in(market))
        for name, values in market.hidden_state.items():
            assert numbers.hidden_state[name][path] == values[after, 0], name


def labels_in(market):
    counts = np.zeros((len(market.sessions), len(SENTIMENTS)), dtype=int)
    for row, at in zip(market.documents.rows, market.documents.available_at, strict=True):
        if row.kind == NEWS and row.sentiment is not None:
            counts[np.searchsorted(market.times, at), SENTIMENTS.index(row.sentiment)] += 1
    return counts


def test_prices_of_the_examples_split_and_dividends_are_paid():
    laws = laws_of("stock", 45, 3, annual_volatility=6.0)
    which, entropies = np.arange(60) % 3, [(FRESH, seed) for seed in range(60)]
    numbers = DatedPaths(laws).numbers(which, entropies, state_after=0, news=False)
    assert (numbers.share_splits != 1.0).any(axis=0).sum() > 3  # on several days
    assert (numbers.dividends != 0.0).any(axis=0).sum() > 1
    assert not numbers.labels.any()


def test_laws_that_differ_in_more_than_their_dates_are_refused():
    with pytest.raises(MarketError, match="in their dates alone"):
        DatedPaths([*laws_of("stock", 8, 1), *laws_of("stock", 9, 1)])
    noisy = replace(
        laws_of("stock", 8, 1)[0], symbol="SIM-Noise", dynamics=dynamics_of("SIM-Noise")
    )
    with pytest.raises(MarketError, match="simulate another asset, such as SIM"):
        DatedPaths([noisy])


# --- antithetic -------------------------------------------------------------------------------


@pytest.mark.parametrize("asset_class", CLASSES)
def test_a_mirrored_path_has_the_opposite_shocks_and_tone_under_the_same_regimes(asset_class):
    # Where volatility stands still, the state itself is mirrored and news comes when it came.
    dynamics = replace(
        dynamics_of("SIM", asset_class),
        volatility_spread=0.0,
        regime_volatility=(1.0, 1.0, 1.0),
        noise=0.3,
        news_a_day=4.0,
    )
    pair = [Origin(asset_class, "SIM", ONE, 7, mirrored) for mirrored in (False, True)]
    sessions = sessions_between(asset_class, "2021-01-04", "2021-12-31")
    shocks = draw_shocks(pair, len(sessions))
    paths = evolve(dynamics, shocks)
    assert np.array_equal(paths.regime[0], paths.regime[1])
    assert np.array_equal(paths.mood[0], -paths.mood[1])
    assert np.allclose(paths.gap[0], -paths.gap[1], rtol=0, atol=1e-14)
    drift = dynamics.drift[paths.regime[0]]
    assert np.allclose(paths.expected[0] - drift, drift - paths.expected[1], rtol=0, atol=1e-14)

    times = sessions.astype("datetime64[ns]") + np.timedelta64(1, "D")
    news = plan_news(dynamics, paths, sessions, times, ASSET_CLASSES[asset_class], pair)
    own, other = (
        {
            name: getattr(news, name)[news.path == path]
            for name in ("session", "available_at", "about", "topic", "polarity", "label")
        }
        for path in (0, 1)
    )
    for name in ("session", "available_at", "about", "topic"):
        assert np.array_equal(own[name], other[name]), name
    # What is said of a regime stays as likely; all else is the opposite.
    turned = (own["about"] != OWN) | (own["topic"] != 0)
    assert np.array_equal(own["polarity"][turned], -other["polarity"][turned])
    first_hand = turned & (own["about"] != REPEAT)
    labels = [np.array(LABELS, dtype=object)[each["label"][first_hand]] for each in (own, other)]
    opposite = {"positive": "negative", "negative": "positive", "neutral": "neutral", None: None}
    assert [opposite[label] for label in labels[0]] == labels[1].tolist()
    of_regimes = own["polarity"][~turned] == other["polarity"][~turned]
    assert 0.1 < of_regimes.mean() < 0.9

    plans = [plan_filings(dynamics, paths[path:], sessions, times, pair[path]) for path in (0, 1)]
    for one, another in zip(*plans, strict=True):
        said = zip(one.statements, another.statements, strict=True)
        assert all(a == -b for (topic, a), (_, b) in said if topic == "value")


def test_the_members_of_a_pair_hold_other_prices_and_say_of_themselves_the_same():
    (law,) = laws_of("stock", 30, 1)
    one, other = law.market((FRESH, 5, 0)), law.market((FRESH, 5, 1))
    assert law.market((FRESH, 5)).bars.tobytes() == one.bars.tobytes()
    assert one.fingerprint == other.fingerprint
    returns = [np.diff(np.log(each.adjusted_close[:, 0])) for each in (one, other)]
    assert np.corrcoef(returns)[0, 1] < -0.6

"""Simulated markets: reproducible, point in time, plausible, and not to be read word by word."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from investorbench.agents.simulated.statements import statements_in
from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import ASSET_CLASSES, STOCK
from investorbench_env.market.market import CLOSE, HIGH, LOW, OPEN, VOLUME
from investorbench_env.market.sessions import ends_of_days, sessions_between
from investorbench_env.market.simulated import Dynamics, dynamics_of, simulate, simulate_many
from investorbench_env.market.simulated.bands import ONE, Origin
from investorbench_env.market.simulated.dynamics import TOPICS
from investorbench_env.market.simulated.emission import emit, table_of
from investorbench_env.market.simulated.grammar import WordChoices, news, write_news
from investorbench_env.market.simulated.news import LABELS, MAX_NEWS, OWN, plan_news
from investorbench_env.market.simulated.process import draw_shocks, evolve

CLASSES = ("stock", "crypto", "etf")
WINDOWS = {
    "stock": ("2020-07-01", "2021-05-06"),
    "crypto": ("2023-02-11", "2023-11-05"),
    "etf": ("2019-07-29", "2020-09-21"),
}
SPLIT_SEED = 0
"""A seed whose stock splits."""


@pytest.fixture(scope="module")
def market():
    return simulate(seed=SPLIT_SEED)


# --- what is the same, and what differs -------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes():
    first, second = (simulate(seed=7, end="2016-12-30") for _ in range(2))
    assert first.fingerprint == second.fingerprint


def test_another_seed_gives_other_prices_and_texts():
    first, second = (simulate(seed=seed, end="2015-06-30") for seed in (7, 8))
    assert not np.array_equal(first.bars, second.bars)
    assert {row.text for row in first.documents} != {row.text for row in second.documents}


def test_a_symbol_is_always_the_same_market_and_another_symbol_is_another_one():
    sim, again, other = (simulate(symbol=s, end="2015-06-30") for s in ("SIM", "SIM", "TSLA"))
    assert sim.fingerprint == again.fingerprint != other.fingerprint
    assert {sim.source, again.source, other.source} == {"simulated market"}


@pytest.mark.parametrize("asset_class", CLASSES)
def test_a_market_says_that_it_is_simulated_and_covers_the_benchmark_with_history(asset_class):
    simulated = simulate(asset_class=asset_class)
    start, end = WINDOWS[asset_class]
    assert simulated.simulated and "simulated" in simulated.source
    assert simulated.span(start, end).start > 500
    assert len(simulated.documents) > len(simulated.sessions)


@pytest.mark.parametrize("asset_class", CLASSES)
def test_a_longer_simulation_begins_with_the_shorter_one(asset_class):
    short, long = (
        simulate(asset_class=asset_class, seed=5, end=end) for end in ("2016-03-04", "2018-12-31")
    )
    length = len(short.sessions)
    for name in ("bars", "adjusted_close", "dividends", "share_splits", "times"):
        assert np.array_equal(getattr(short, name), getattr(long, name)[:length]), name
    for name, values in short.hidden_state.items():
        assert np.array_equal(values, long.hidden_state[name][:length]), name
    assert tuple(short.documents) == long.documents.rows[: len(short.documents)]
    assert long.documents.available_at[len(short.documents)] > short.times[-1]


# --- point in time ----------------------------------------------------------------------------


@pytest.mark.parametrize("asset_class", CLASSES)
@pytest.mark.parametrize("changed_from", [40, 41, 200])
def test_no_text_depends_on_what_happens_after_it(asset_class, changed_from):
    # Much prompt, outspoken news and a mood turned upside down: a leak would show at once.
    dynamics = replace(
        dynamics_of("SIM", asset_class), news_a_day=8.0, delay_days=0.0, informativeness=5.0
    )
    sessions = sessions_between(asset_class, "2015-01-02", "2016-03-31")
    times = ends_of_days(sessions, "UTC" if asset_class == "crypto" else "America/New_York")
    origin = Origin(asset_class, "SIM", ONE, 3)
    shocks = draw_shocks([origin], len(sessions))
    other = {name: values.copy() for name, values in shocks.items()}
    for name, values in draw_shocks([origin._replace(seed=4)], len(sessions)).items():
        # How much news a session has is drawn as it begins, and so has happened.
        first = changed_from + (name == "news_uniform")
        other[name][:, first:] = values[:, first:]
    path = evolve(dynamics, shocks)
    for name in ("mood", "gap"):
        other[name][:, changed_from:] = -20.0 * np.sign(getattr(path, name)[:, changed_from:])

    row = ASSET_CLASSES[asset_class]

    def texts(shocks):
        path = evolve(dynamics, shocks)
        own = emit(dynamics, path, sessions, times, row, row.simulated.vocabulary, origin)
        return table_of({"SIM": own})

    as_it_was, changed = texts(shocks), texts(other)
    # The session whose shocks changed closes at 16:00, eight hours before its decision.
    closing = np.timedelta64(0 if asset_class == "crypto" else 8, "h")
    before = times[changed_from] - closing
    upto = [
        [row for row, at in zip(table.rows, table.available_at, strict=True) if at < before]
        for table in (as_it_was, changed)
    ]
    assert len(upto[0]) > 30
    assert upto[0] == upto[1]
    assert tuple(as_it_was) != tuple(changed)


def test_a_text_knows_no_close_that_is_not_over():
    dynamics, sessions = dynamics_of(), sessions_between("stock", "2015-01-02", "2017-12-29")
    times = ends_of_days(sessions, "America/New_York")
    path = simulate_many([2], len(sessions), dynamics)
    news = plan_news(dynamics, path, sessions, times, STOCK, [Origin("stock", "SIM", ONE, 2)])
    later = news.session > 0
    session, known, at = news.session[later], news.known[later], news.available_at[later]
    assert (news.reported[later] <= known).all() and (known <= session).all()
    assert (times[session - 1] < at).all() and (at <= times[session]).all()
    assert (at >= times[known] - np.timedelta64(8, "h")).all()
    assert set((session - known).tolist()) == {0, 1}
    assert (np.diff(news.available_at) >= np.timedelta64(0, "s")).all()


def test_texts_come_in_clusters_within_days_on_weekends_and_with_a_date_only(market):
    at = market.documents.available_at
    per_session = np.diff(np.searchsorted(at, market.times, side="right"))
    news = [row for row in market.documents if not row.is_filing]
    assert per_session.min() == 0 and MAX_NEWS <= per_session.max() <= MAX_NEWS + 1
    assert per_session.var() > 1.2 * per_session.mean()
    assert np.isin(market.times, at).mean() > 0.1
    assert 0.02 < np.mean([row.available_at.weekday() >= 5 for row in news]) < 0.3
    assert len({row.id for row in market.documents}) == len(market.documents)


def test_a_stock_files_three_10q_and_one_10k_a_year_after_the_close(market):
    filings = [row for row in market.documents if row.is_filing]
    assert Counter(row.kind for row in filings) == {"10-Q": 30, "10-K": 10}
    assert all(row.available_at.hour in (20, 21, 22) for row in filings)


# --- prices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("asset_class", CLASSES)
@pytest.mark.parametrize("seed", range(4))
def test_bars_are_consistent(asset_class, seed):
    bars = simulate(asset_class=asset_class, seed=seed, end="2018-12-31").bars[:, 0]
    assert (bars[:, :VOLUME] > 0).all() and (bars[:, VOLUME] > 0).all()
    assert (bars[:, LOW] <= bars[:, [OPEN, CLOSE]].min(axis=1)).all()
    assert (bars[:, HIGH] >= bars[:, [OPEN, CLOSE]].max(axis=1)).all()
    assert np.allclose(bars[:, :VOLUME] * 100, np.round(bars[:, :VOLUME] * 100))


def test_a_stock_gaps_overnight_and_a_coin_opens_where_it_closed():
    stock, coin = (
        simulate(asset_class=name, seed=3, end="2016-12-30").bars[:, 0] for name in CLASSES[:2]
    )
    stock_gap, coin_gap = (np.log(x[1:, OPEN] / x[:-1, CLOSE]) for x in (stock, coin))
    assert stock_gap.std() > 0.3 * np.diff(np.log(stock[:, CLOSE])).std()
    assert np.abs(coin_gap).max() < 1e-3


def test_adjusted_closes_follow_from_closes_dividends_and_splits(market):
    close, split = market.bars[:, 0, CLOSE], market.share_splits[1:, 0]
    base = close[:-1] / split - market.dividends[1:, 0]
    growth = market.adjusted_close[1:, 0] / market.adjusted_close[:-1, 0]
    assert (split != 1).any() and (market.dividends > 0).sum() == 40
    assert growth == pytest.approx(close[1:] / base, rel=1e-12)


def test_total_returns_are_those_of_the_model_to_a_cent(market):
    path = simulate_many([SPLIT_SEED], len(market.sessions), dynamics_of())
    model = (path.overnight + path.intraday)[0, 1:]
    traded = np.diff(np.log(market.adjusted_close[:, 0]))
    assert np.abs(traded - model).max() < 0.02 / market.bars[:, 0, CLOSE].min()


def test_a_split_divides_the_price_and_nothing_else(market):
    for t in np.flatnonzero(market.share_splits[:, 0] != 1):
        ratio = market.share_splits[t, 0]
        step = market.bars[t, 0, OPEN] / market.bars[t - 1, 0, CLOSE]
        assert step == pytest.approx(1 / ratio, rel=0.1)


def test_only_stocks_split_and_only_stocks_and_funds_pay():
    coin, fund = (simulate(asset_class=name, seed=1, end="2020-12-30") for name in CLASSES[1:])
    assert (coin.share_splits == 1).all() and (fund.share_splits == 1).all()
    assert not coin.dividends.any() and (fund.dividends > 0).sum() == 24


# --- the model --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paths():
    return simulate_many(range(200), 1500, dynamics_of())


def test_the_hidden_expected_return_is_what_comes_on_average(paths):
    came = np.expm1(paths.overnight + paths.intraday)[:, 1:].ravel()
    expected = paths.expected_return[:, :-1].ravel()
    slope, level = np.polyfit(expected, came, 1)
    assert slope == pytest.approx(1.0, abs=0.06)
    assert level == pytest.approx(0.0, abs=2e-4)


def test_returns_are_as_volatile_and_as_fat_tailed_as_those_of_stocks(paths):
    returns = (paths.overnight + paths.intraday)[:, 1:]
    kurtosis = ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2
    size = np.abs(returns - returns.mean())
    assert returns.std() * np.sqrt(252) == pytest.approx(0.35, rel=0.06)
    assert 5 < kurtosis < 12
    assert np.corrcoef(size[:, :-1].ravel(), size[:, 1:].ravel())[0, 1] > 0.1


def test_the_state_keeps_the_moments_that_the_parameters_promise(paths):
    dynamics = dynamics_of()
    assert np.bincount(paths.regime.ravel(), minlength=3) / paths.regime.size == pytest.approx(
        dynamics.regime_shares, abs=0.03
    )
    assert paths.gap.std() == pytest.approx(dynamics.gap_spread, rel=0.05)
    assert paths.mood.std() == pytest.approx(1.0, rel=0.03)


def test_each_path_of_many_is_the_path_of_its_seed_alone():
    many = simulate_many([4, 9], 300, dynamics_of())
    alone = simulate_many([9], 300, dynamics_of())
    assert np.array_equal(many.expected_return[1], alone.expected_return[0])


def test_the_hidden_state_is_there_by_name_and_cannot_be_written(market):
    shape = (len(market.sessions), 1)
    assert {"regime", "value_gap", "mood", "expected_return"} <= set(market.hidden_state)
    for values in market.hidden_state.values():
        assert values.shape == shape
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 0.0


def test_labels_are_right_as_often_as_the_parameters_say():
    dynamics, sessions = dynamics_of(), sessions_between("stock", "2015-01-02", "2024-12-30")
    times = ends_of_days(sessions, "America/New_York")
    path = simulate_many([2], len(sessions), dynamics)
    news = plan_news(dynamics, path, sessions, times, STOCK, [Origin("stock", "SIM", ONE, 2)])
    labelled = (news.about == OWN) & (news.label < LABELS.index(None))
    right = news.label[labelled] == 1 - news.polarity[labelled]
    assert np.mean(right) == pytest.approx(dynamics.label_accuracy, abs=0.03)


def test_texts_without_informativeness_say_nothing_about_the_state():
    def tone_given_mood(informativeness):
        dynamics = replace(dynamics_of(), informativeness=informativeness)
        sessions = sessions_between("stock", "2015-01-02", "2024-12-30")
        times = ends_of_days(sessions, "America/New_York")
        path = simulate_many([6], len(sessions), dynamics)
        news = plan_news(dynamics, path, sessions, times, STOCK, [Origin("stock", "SIM", ONE, 6)])
        about = (news.about == OWN) & (news.topic == TOPICS.index("mood"))
        return np.corrcoef(path.mood[0, news.reported[about]], news.polarity[about])[0, 1]

    assert abs(tone_given_mood(0.0)) < 0.08
    assert tone_given_mood(0.9) > 0.25


@pytest.mark.parametrize(
    "wrong", [{"noise": 1.5}, {"annual_volatility": 0.0}, {"mood_days": 1.0}, {"jump_rate": 0.5}]
)
def test_parameters_that_make_no_sense_are_refused(wrong):
    with pytest.raises(MarketError):
        Dynamics(**wrong)


def test_importing_the_package_does_not_load_pandas():
    code = "import sys, investorbench_env.market.simulated; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the texts --------------------------------------------------------------------------------


def texts(seed, count):
    """News about SIM and its true polarity."""
    rng = np.random.default_rng(seed)
    polarity = rng.choice([1, -1], count).tolist()
    topics = rng.choice(["regime", "value", "mood"], count).tolist()
    numbers = [int(a) << 62 | int(b) for a, b in rng.integers(1 << 62, size=(count, 2))]
    written = [
        news("SIM", "company", topic, sign, number)
        for topic, sign, number in zip(topics, polarity, numbers, strict=True)
    ]
    return written, np.array(polarity)


def counts_of_words(written, vocabulary):
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = np.zeros((len(written), len(index) + 1))
    counts[:, -1] = 1.0
    for row, text in enumerate(written):
        for word in re.findall(r"[a-z']+", text.lower()):
            if word in index:
                counts[row, index[word]] += 1
    return counts


def logistic_regression(counts, good, penalty=10.0):
    """Weights by Newton's method, with a ridge."""
    weights = np.zeros(counts.shape[1])
    for _ in range(8):
        likely = 1 / (1 + np.exp(-counts @ weights))
        gradient = counts.T @ (likely - good) + penalty * weights
        curvature = (counts * (likely * (1 - likely))[:, None]).T @ counts
        weights -= np.linalg.solve(curvature + penalty * np.eye(len(weights)), gradient)
    return weights


def test_counting_words_reads_much_worse_than_understanding_structure():
    seen, seen_polarity = texts(1, 4000)
    unseen, polarity = texts(2, 2000)
    vocabulary = sorted({word for text in seen for word in re.findall(r"[a-z']+", text.lower())})
    weights = logistic_regression(counts_of_words(seen, vocabulary), seen_polarity > 0)
    counted = np.where(counts_of_words(unseen, vocabulary) @ weights > 0, 1, -1)
    understood = [
        np.sign(sum(each.polarity for each in statements_in(text, "SIM"))) for text in unseen
    ]
    by_counting, by_reading = (counted == polarity).mean(), (understood == polarity).mean()
    print(f"words {by_counting:.3f}, reader {by_reading:.3f}")
    assert 0.52 < by_counting < 0.68
    assert by_reading > 0.98


def test_texts_are_nearly_all_different_and_could_take_millions_of_forms():
    written, _ = texts(3, 3000)
    assert len(set(written)) > 0.98 * len(written)
    for seed in range(50):
        number = int(np.random.default_rng(seed).integers(1 << 61, 1 << 62)) ** 2
        choices = WordChoices(number)
        write_news("SIM", "company", "value", 1, choices)
        # Each choice divides what is left by the number of its options.
        assert choices.left > 0 and number // choices.left > 1e6


def test_every_text_is_made_of_whole_sentences(market):
    for row in market.documents:
        assert row.text[0].isupper() and row.text.endswith(".")
        assert "  " not in row.text and "{" not in row.text

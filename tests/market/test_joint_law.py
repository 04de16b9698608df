"""The law of several simulated assets: what they share, and what each keeps of a single one."""

import pickle
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.simulated.statements import statements_in
from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import STOCK
from investorbench_env.market.documents import NEWS
from investorbench_env.market.files import saved
from investorbench_env.market.history import History
from investorbench_env.market.simulated import Law, dynamics_of, grammar, joint_law
from investorbench_env.market.simulated.bands import FRESH, HELD_OUT, NAMED, TRAIN
from investorbench_env.market.simulated.common_shocks import CHOSEN, Shares, draw_choices, mixed
from investorbench_env.market.simulated.joint_law import SHARES, STOCK_MARKET, JointLaw, ListedAsset
from investorbench_env.market.simulated.news import FACTOR, OTHER, plan_news, state_scores
from investorbench_env.market.simulated.process import NORMALS, UNIFORMS, draw_shocks, evolve
from investorbench_env.universes import find_universe

SEEDS = range(60_000, 60_024)
"""Fixed before the first look; parameters were chosen on others."""
SECTORS = {member.symbol: member.sector for member in find_universe("SIM").members}
FEW = ("SIM-A", "SIM-B", "SIM-F")


def law_of(symbols=FEW, end="2020-10-30", start="2020-07-06", name="SIM", shares=SHARES):
    assets = tuple(ListedAsset(symbol, "stock", SECTORS.get(symbol, "")) for symbol in symbols)
    return JointLaw(
        name=name, asset_class="stock", assets=assets, shares=shares, start=start, end=end
    )


# --- what they share --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Of the ten stocks over five years and all seeds: values by name, each [A, N, T]."""
    law = law_of(SECTORS, start="2010-01-04", end="2014-12-31")
    found = {"return": [], "mood": [], "log volatility": [], "regime": []}
    for asset in law.drawn([(NAMED, seed) for seed in SEEDS]):
        paths = asset.paths
        found["return"].append(paths.overnight + paths.intraday)
        found["mood"].append(paths.mood)
        found["log volatility"].append(paths.log_volatility)
        found["regime"].append(asset.law.dynamics.regime_score[paths.regime])
    return {name: np.array(values) for name, values in found.items()}


def correlations(values):
    """Mean correlation of two assets of different sectors and of one, seed by seed [N] each."""
    sectors = np.array(list(SECTORS.values()))
    same = (sectors[:, None] == sectors) & ~np.eye(len(sectors), dtype=bool)
    of_seed = [np.corrcoef(values[:, path]) for path in range(values.shape[1])]
    return [
        np.array([each[pairs].mean() for each in of_seed])
        for pairs in (sectors[:, None] != sectors, same)
    ]


def regime_correlation(share):
    """Of two assets whose regimes are moved by the same draw in a share of the sessions.

    From the stationary distribution of both regimes at once, nine states.
    """
    d = dynamics_of()
    bounds = np.cumsum(d.transition, axis=1)
    bounds[:, -1] = 1.0
    edges = np.unique(np.append(0.0, bounds.ravel()))
    together = np.zeros((9, 9))
    for low, high in pairwise(edges):
        to = (bounds <= (low + high) / 2).sum(axis=1)
        for a in range(3):
            for b in range(3):
                together[3 * a + b, 3 * to[a] + to[b]] += high - low
    joint = share * together + (1 - share) * np.kron(d.transition, d.transition)
    stationary = np.linalg.matrix_power(joint, 1 << 14)[0].reshape(3, 3)
    return float(d.regime_score @ stationary @ d.regime_score)


@pytest.mark.parametrize(
    ("name", "different", "same"),
    [
        ("mood", 0.3, 0.5),
        ("log volatility", 0.3, 0.5),
        ("regime", regime_correlation(0.3), regime_correlation(0.5)),
        ("return", 0.25, 0.435),
    ],
)
def test_assets_of_a_sector_have_more_in_common_than_others(drawn, name, different, same):
    for found, expected in zip(correlations(drawn[name]), (different, same), strict=True):
        interval = 3 * found.std(ddof=1) / np.sqrt(len(found))
        print(f"{name}: {found.mean():.3f} ± {interval:.3f}, expected {expected:.3f}")
        # A slow state is a little less correlated in a sample than it is in the long run.
        assert abs(found.mean() - expected) < max(interval, 0.02)


def test_stocks_move_together_as_real_ones_do(drawn):
    # Of all pairs of 54 US stocks from 2012 to 2024 over 250 sessions, the quartiles.
    windows = np.split(drawn["return"][:, :, 1:1251], 5, axis=2)
    for values, (low, high) in (
        (windows, (0.197, 0.446)),
        ([np.abs(each) for each in windows], (0.082, 0.298)),
    ):
        pairs = [
            np.corrcoef(each[:, path])[np.triu_indices(10, 1)]
            for each in values
            for path in range(len(SEEDS))
        ]
        assert low < np.median(pairs) < high


def test_a_stock_whose_texts_are_drowned_is_simulated_by_itself_alone():
    with pytest.raises(MarketError, match="SIM-Noise is simulated by itself alone"):
        law_of(("SIM-A", "SIM-Noise"))
    with pytest.raises(MarketError, match="SIM has no asset"):
        law_of(())


@pytest.mark.parametrize("shares", [(-0.1, 0.2), (0.6, 0.5)])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(MarketError, match="at least 0 and at most 1 in all"):
        law_of(shares=Shares(*shares))


# --- what each keeps of a single one -----------------------------------------------------------


def test_an_asset_that_shares_nothing_is_one_by_itself():
    law = law_of(shares=Shares(0.0, 0.0))
    numbers = law.numbers([(TRAIN, 5)])
    for place, asset in enumerate(law.drawn([(TRAIN, 5)])):
        own = evolve(asset.law.dynamics, draw_shocks(asset.origins, len(law.sessions)))
        assert np.array_equal(numbers.bars[:, :, place], asset.law.traded(own).bars)


def test_shocks_of_an_asset_are_those_of_a_single_one_in_distribution():
    law, length = law_of(), 2500
    entropies = [(NAMED, seed) for seed in SEEDS]
    parts = [draw_shocks(law.origins(name, entropies), length) for name in "abc"]
    choices = draw_choices(law.origins("d", entropies), length)
    shocks = mixed(*parts, choices, SHARES)
    assert shocks.keys() == {*NORMALS, *(f"{name}_uniform" for name in UNIFORMS)}
    count = length * len(SEEDS)
    names = list(shocks)
    flat = np.array([shocks[name].ravel() for name in names])
    # Independent of each other and from session to session: four standard errors.
    between = np.corrcoef(flat) - np.eye(len(names))
    assert np.abs(between).max() < 4.5 / np.sqrt(count)
    after = [
        np.corrcoef(each[:, 1:].ravel(), each[:, :-1].ravel())[0, 1] for each in shocks.values()
    ]
    assert np.abs(after).max() < 4.5 / np.sqrt(count)
    for name in NORMALS:
        sorted_, at = np.sort(shocks[name].ravel()), np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
        below = np.searchsorted(sorted_, at) / count
        expected = np.array([0.02275, 0.158655, 0.5, 0.841345, 0.97725])
        assert np.abs(below - expected).max() < 2.0 / np.sqrt(count)
    for name in CHOSEN:
        counts, _ = np.histogram(shocks[name], bins=20, range=(0.0, 1.0))
        assert np.abs(counts / count - 0.05).max() < 1.0 / np.sqrt(count)


def test_each_stock_is_as_volatile_as_it_is_by_itself(drawn):
    for law, returns in zip(law_of(SECTORS).laws, drawn["return"], strict=True):
        annual = returns[:, 1:].std() * np.sqrt(252)
        assert annual == pytest.approx(1.03 * law.dynamics.annual_volatility, rel=0.06)


def test_without_a_sector_an_asset_shares_the_market_alone():
    mixed_law = law_of(("SIM-A", "X", "Y"), start="2010-01-04", end="2014-12-31")
    moods = np.array([each.paths.mood for each in mixed_law.drawn([(NAMED, n) for n in SEEDS])])
    others = [np.corrcoef(moods[:, path])[np.triu_indices(3, 1)] for path in range(len(SEEDS))]
    found = np.mean(others, axis=0)
    assert np.abs(found - 0.3).max() < 0.06
    assert np.abs(moods[1:].std(axis=2).mean(axis=1) - 1.0).max() < 0.05
    state = law_of(("SIM-A", "X")).market((FRESH, 3)).hidden_state
    assert np.isnan(state["sector_mood"][:, 1]).all() and not np.isnan(state["market_mood"]).any()


def test_assets_of_other_classes_have_a_market_together_where_they_have_its_sessions():
    listed = [("NVDA", "stock"), ("SPY", "etf")]
    law = JointLaw(
        name="two",
        asset_class="stock",
        assets=tuple(ListedAsset(*each) for each in listed),
        start="2020-07-06",
        end="2021-01-29",
    )
    numbers, market = law.numbers([(TRAIN, 1)]), law.market((TRAIN, 1))
    spread = np.zeros(market.dividends.shape)
    spread[numbers.ex_dates] = numbers.dividends[0]
    assert np.array_equal(spread, market.dividends) and (spread.any(axis=0)).all()
    assert not [row for row in market.documents if row.symbol == "SPY" and row.is_filing]
    with pytest.raises(MarketError, match="BTC and NVDA have other sessions"):
        replace(law, assets=(ListedAsset("NVDA", "stock"), ListedAsset("BTC", "crypto")))


# --- paths -------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    assets=st.lists(
        st.tuples(
            st.sampled_from(["SIM-A", "TSLA", "ACME", "SPY", "X"]),
            st.sampled_from(["stock", "etf"]),
            st.sampled_from(["", "the mining sector", "the retail sector"]),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda each: each[0],
    ),
    shares=st.sampled_from([SHARES, Shares(0.0, 0.0), Shares(0.9, 0.1), Shares(0.0, 0.7)]),
    days=st.integers(1, 200),
    seeds=st.lists(st.integers(0, 2**130), min_size=1, max_size=3),
    before=st.integers(0, 70),
)
def test_numbers_are_those_of_the_markets_to_the_bit(assets, shares, days, seeds, before):
    law = JointLaw(
        name="some",
        asset_class="stock",
        assets=tuple(ListedAsset(*each) for each in assets),
        shares=shares,
        start="2020-07-06",
        end=str(np.datetime64("2020-07-06") + np.timedelta64(days, "D")),
    )
    entropies = [(NAMED, number) for number in range(before)]  # fill a block and part of another
    entropies += [(band, seed) for band, seed in zip((FRESH, TRAIN, HELD_OUT), seeds, strict=False)]
    numbers = law.numbers(entropies)
    for path in range(before, len(entropies)):
        market = law.market(entropies[path])
        assert np.array_equal(numbers.bars[path], market.bars)
        assert np.array_equal(numbers.adjusted_close[path], market.adjusted_close)
        for name, default in (("dividends", 0.0), ("share_splits", 1.0)):
            spread = np.full(market.dividends.shape, default)
            spread[numbers.ex_dates] = getattr(numbers, name)[path]
            assert np.array_equal(spread, getattr(market, name)), name
        for place, symbol in enumerate(market.symbols):
            history = History(market, symbol, 5)
            # The first decision shows a day of texts alone.
            shown = [history.until(t).observation["sentiment"] for t in range(len(law.sessions))]
            assert np.array_equal(numbers.labels[path, :, place], shown)


def test_a_longer_simulation_begins_with_the_shorter_one():
    short, long = law_of().market((FRESH, 3)), law_of(end="2021-05-06").market((FRESH, 3))
    length = len(short.sessions)
    assert np.array_equal(short.bars, long.bars[:length])
    for name, values in short.hidden_state.items():
        assert np.array_equal(values, long.hidden_state[name][:length]), name
    assert tuple(short.documents) == long.documents.rows[: len(short.documents)]


def test_bands_sets_and_single_assets_share_no_path():
    single = Law(
        symbol="SIM-A",
        asset_class="stock",
        dynamics=dynamics_of("SIM-A"),
        start="2020-07-06",
        end="2020-10-30",
    ).market((FRESH, 3))
    paths = [
        single.bars[:, 0, 3],
        *(law_of().market((band, 3)).bars[:, 0, 3] for band in (FRESH, TRAIN, HELD_OUT)),
        law_of(name="other").market((FRESH, 3)).bars[:, 0, 3],
    ]
    assert len({path.tobytes() for path in paths}) == len(paths)
    assert len({law_of().fingerprint, law_of(name="other").fingerprint, single.fingerprint}) == 3


def test_paths_are_recorded_alike_and_lead_to_no_seed():
    first, second = (law_of().market((FRESH, seed)) for seed in (123_456_789, 987_654_321))
    assert first.fingerprint == second.fingerprint == law_of().fingerprint
    assert "123456789" not in f"{first!r}{first.documents.rows[:50]}"


# --- hidden state and words --------------------------------------------------------------------


def test_hidden_state_is_that_of_each_asset_its_sector_and_the_market():
    state = law_of().market((FRESH, 3)).hidden_state
    own = {"regime", "value_gap", "mood", "volatility", "expected_return"}
    assert state.keys() == {f"{of}{name}" for of in ("", "sector_", "market_") for name in own}
    for name in own:
        assert not np.array_equal(state[name][:, 0], state[name][:, 1])
        assert np.array_equal(state[f"market_{name}"], state[f"market_{name}"][:, :1].repeat(3, 1))
        one, same, other = state[f"sector_{name}"].T
        assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_news_reports_on_the_asset_its_sector_and_the_market():
    market = law_of(end="2021-10-29").market((FRESH, 3))
    for symbol in FEW:
        news = [row.text for row in market.documents if row.symbol == symbol and row.kind == NEWS]
        about = [
            sum(name in text for text in news) / len(news)
            for name in (symbol, SECTORS[symbol], STOCK_MARKET[0])
        ]
        assert about[0] > 0.6
        assert 0.02 < about[1] < 0.15 and 0.02 < about[2] < 0.15
        others = SECTORS.keys() - {symbol}
        assert not [text for text in news if any(f"{name}'s" in text for name in others)]


def test_words_are_put_together_when_they_are_read_and_documents_made_when_asked_for(monkeypatch):
    written = []
    news = grammar.news
    monkeypatch.setattr(grammar, "news", lambda *given: written.append(given) or news(*given))
    market = law_of().market((FRESH, 3))
    histories = [History(market, symbol, 5) for symbol in market.symbols]
    assert not written
    for history in histories:
        history.until(20)
    assert 0 < len(written) < 60


def test_news_about_a_factor_is_good_where_the_state_of_the_factor_is():
    law = law_of(start="2010-01-04", end="2014-12-31")
    (asset, *_) = law.drawn([(NAMED, seed) for seed in SEEDS])
    factors = tuple(asset.factors.values())
    assert list(asset.factors) == ["sector", "market"]
    news = plan_news(
        asset.law.dynamics, asset.paths, law.sessions, law.times, STOCK, asset.origins, factors
    )
    for number, factor in enumerate(factors, FACTOR):
        rows = news.about == number
        path, reported = news.path[rows], news.reported[rows]
        scores = state_scores(factor.dynamics, factor.paths, path, reported)
        score = scores[news.topic[rows], np.arange(len(path))]
        for low, high, expected in ((-9.0, -1.0, -0.5), (-0.5, 0.5, 0.0), (1.0, 9.0, 0.5)):
            found = news.polarity[rows][(score > low) & (score < high)].mean()
            assert found == pytest.approx(expected, abs=0.15), (factor.name, low)
    # As likely about the sector, the market, or another firm.
    shares = np.bincount(news.about, minlength=FACTOR + 2) / len(news.about)
    assert shares[[OTHER, FACTOR, FACTOR + 1]] == pytest.approx([0.06] * 3, abs=0.005)


@pytest.mark.parametrize("changed_from", [40, 41, 60])
def test_nothing_depends_on_what_comes_after_it_in_any_asset_or_factor(changed_from, monkeypatch):
    # Much prompt, outspoken news, most of it about factors, and a later state out of proportion:
    # a leak would show at once.
    def outspoken(*given, **named):
        return replace(
            dynamics_of(*given, **named),
            news_a_day=8.0, relevant_share=0.1, delay_days=0.0, informativeness=5.0,
        )  # fmt: skip

    monkeypatch.setattr(joint_law, "dynamics_of", outspoken)
    draw, choose = joint_law.draw_shocks, joint_law.draw_choices
    law = law_of()
    as_it_was = law.market((FRESH, 3))

    def other(drawn, later):
        for name, values in later.items():
            # How much news a session has is drawn as it begins, and so has happened.
            first = changed_from + (name == "news_uniform")
            drawn[name][:, first:] = values[:, first:] * (20 if name in ("mood", "gap") else 1)
        return drawn

    def another(origins):
        return [origin._replace(seed=4) for origin in origins]

    for name, drawn in (("draw_shocks", draw), ("draw_choices", choose)):
        changed_later = partial(
            lambda drawn, origins, n: other(drawn(origins, n), drawn(another(origins), n)), drawn
        )
        monkeypatch.setattr(joint_law, name, changed_later)
    changed = law.market((FRESH, 3))
    assert np.array_equal(as_it_was.bars[:changed_from], changed.bars[:changed_from])
    assert not np.array_equal(as_it_was.bars[changed_from], changed.bars[changed_from])
    for name, values in as_it_was.hidden_state.items():
        assert np.array_equal(values[:changed_from], changed.hidden_state[name][:changed_from])
    # The session whose shocks changed closes at 16:00, eight hours before its decision.
    before = law.times[changed_from] - np.timedelta64(8, "h")
    upto = [
        [row for row, at in zip(table, table.available_at, strict=True) if at < before]
        for table in (as_it_was.documents, changed.documents)
    ]
    assert len(upto[0]) > 500 and upto[0] == upto[1]
    assert tuple(as_it_was.documents) != tuple(changed.documents)


def test_a_reader_takes_no_statement_on_a_factor_for_one_on_the_asset():
    market = law_of(end="2021-10-29").market((FRESH, 3))
    for row in market.documents:
        about_factor = any(name in row.text for name in (SECTORS[row.symbol], STOCK_MARKET[0]))
        if about_factor and row.symbol not in row.text:
            assert not statements_in(row.text, row.symbol)
            assert statements_in(row.text, SECTORS[row.symbol]) or STOCK_MARKET[0] in row.text


def test_a_path_that_is_saved_or_pickled_comes_back_whole(tmp_path):
    market = law_of(("SIM-A", "X")).market((FRESH, 3))
    saved.save(market, tmp_path)
    for again in (saved.load(tmp_path), pickle.loads(pickle.dumps(market))):
        assert np.array_equal(again.bars, market.bars)
        assert tuple(again.documents) == tuple(market.documents)
        assert again.hidden_state.keys() == market.hidden_state.keys()
        for name, values in market.hidden_state.items():
            assert np.array_equal(again.hidden_state[name], values, equal_nan=True), name

"""The policies that know a simulated market, and the order in which they must come out."""

from dataclasses import replace

import numpy as np
import pytest

from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.outlook import outlook
from investorbench.agents.simulated.statements import Statement, statements_in
from investorbench.agents.simulated.text_reader import TextReader
from investorbench.scripts.bench.simulated_order import POLICIES, episode, neighbours, sharpe
from investorbench_env.envs.single_asset import SingleAssetEnv
from investorbench_env.market.simulated import dynamics_of, simulate, simulate_many
from tests.agents.facts import facts

SELL, HOLD, BUY = 0, 1, 2
SPAN = {"start": "2015-06-01", "end": "2016-05-31"}


@pytest.fixture(scope="module")
def market():
    return simulate(seed=11, end="2016-06-30")


def decisions(agent, market, hide=()):
    """The actions of an agent over a year, with some entries of the observation hidden."""
    env = SingleAssetEnv(data=market, **SPAN)
    observation, info = env.reset(seed=0)
    actions, over = [], False
    while not over:
        shown = {name: part for name, part in observation.items() if name not in hide}
        actions.append(agent.act(shown, info))
        observation, _, _, over, info = env.step(actions[-1])
    return actions


# --- the order --------------------------------------------------------------------------------


@pytest.mark.heavy
def test_policies_come_out_in_the_order_of_what_they_know():
    # Seeds that the default parameters were not chosen on.
    returns = np.array([episode(seed, 1000) for seed in range(20_000, 20_040)])
    for pair in neighbours(returns):
        print(pair)
        assert pair.difference.low > 0, f"{pair.names}: {pair.difference}"
    means = dict(zip(POLICIES, sharpe(returns).mean(axis=0), strict=True))
    assert 2 < means["oracle"] < 4 and means["random"] < 0


# --- the outlook ------------------------------------------------------------------------------


def test_the_outlook_is_the_sum_of_expected_returns_while_a_position_stays():
    dynamics = replace(dynamics_of(), overnight_share=0.4)
    weights = outlook(dynamics, patience_days=10)
    drift, gap, mood, total = dynamics.drift.copy(), 0.01, 0.8, 0.0
    regime = np.array([0.0, 1.0, 0.0])
    for k in range(400):
        expected = regime @ drift + dynamics.gap_reversion * gap + dynamics.mood_drift * mood
        total += expected * (0.9**k - (0.4 if k == 0 else 0.0))
        gap += regime @ drift - expected
        mood *= dynamics.mood_persistence
        regime = regime @ dynamics.transition
    assert weights @ np.array([0, 1, 0, 0.01, 0.8]) == pytest.approx(total, rel=1e-9)


# --- the filter -------------------------------------------------------------------------------


def test_a_filter_is_the_same_for_the_same_seed_and_begins_anew(market):
    agent = Filter(dynamics_of(), seed=5)
    first = decisions(agent, market)
    agent.begin(facts(), "test", 5)
    assert decisions(agent, market) == first


def beliefs(market, hide=()):
    """The outlook that a filter sees day by day, and the true one."""
    agent, seen = Filter(dynamics_of(), particles=300), []
    weights = outlook(dynamics_of())

    class Watched:
        def act(self, observation, info):
            action = agent.act(observation, info)
            seen.append(agent.belief() @ weights)
            return action

    decisions(Watched(), market, hide)
    state = market.hidden_state
    span = market.span(SPAN["start"], SPAN["end"])
    t = np.arange(span.start, span.start + len(seen))
    true = (
        weights[state["regime"][t, 0].astype(int)]
        + weights[3] * state["value_gap"][t, 0]
        + weights[4] * state["mood"][t, 0]
    )
    return np.array(seen), true


def agreement(hide):
    pairs = [beliefs(simulate(seed=seed, end="2016-06-30"), hide) for seed in range(21, 29)]
    seen, true = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return np.corrcoef(seen, true)[0, 1]


@pytest.mark.heavy
def test_a_filter_finds_the_state_from_prices_or_texts_and_better_from_both():
    everything = agreement(())
    prices = agreement(("news", "filings", "sentiment"))
    texts = agreement(("bars", "sentiment"))
    print(f"all {everything:.2f}, texts {texts:.2f}, prices {prices:.2f}")
    assert everything > max(texts, prices) > min(texts, prices) > 0.25


def test_labels_move_a_filter_that_sees_no_texts():
    def belief(good, bad):
        agent = Filter(dynamics_of(), seed=1)
        agent.act({"sentiment": np.array([good, 0, bad], dtype=np.float32)}, {"symbol": "SIM"})
        return agent.belief() @ outlook(dynamics_of())

    assert belief(3, 0) > belief(1, 1) > belief(0, 3)


def test_a_missing_bar_leaves_a_filter_on_its_feet():
    agent = Filter(dynamics_of())
    bars = np.full((5, 5), 100.0, dtype=np.float32)
    bars[3] = 0.0
    info = {"symbol": "SIM"}
    for _ in range(3):
        assert agent.act({"bars": bars, "news": (), "filings": ()}, info) in (SELL, HOLD, BUY)
        bars = np.roll(bars, -1, axis=0)


# --- the reader -------------------------------------------------------------------------------


def test_a_text_reader_looks_at_texts_alone(market):
    hidden = ("bars", "mask", "account", "sentiment", "time")
    assert decisions(TextReader(), market, hidden) == decisions(TextReader(), market)


def test_a_text_reader_buys_on_good_news_sells_on_bad_and_holds_without_any():
    def act(*texts):
        return TextReader().act({"news": texts, "filings": ()}, {"symbol": "SIM"})

    good, bad = "SIM's orders rose. No further details were given.", "SIM's orders fell again."
    assert act(good, good) == BUY
    assert act(bad, bad) == SELL
    assert act() == act(good, bad) == HOLD


@pytest.mark.parametrize(
    ("text", "polarity"),
    [
        ("SIM's orders rose.", 1),
        ("SIM's customer complaints rose.", -1),
        ("SIM's orders did not fall, contrary to reports.", 1),
        ("The predicted slide in SIM's orders never came.", 1),
        ("It is not true that SIM's short interest failed to shrink.", 1),
        ("Nobody denies that the class action at SIM went ahead.", -1),
        ("After a rise last year, SIM's bookings fell.", -1),
        ("SIM's revenue fell by 2.1 %, where 5.0 % had been expected.", 1),
        ("SIM's revenue fell by 5.0 %, where 2.1 % had been expected.", -1),
        ("Guidance for SIM's earnings per share is now 4.1, and the consensus was 3.6.", 1),
        ("Against the 4.1 that had been expected, SIM's unit costs came in at 3.6.", 1),
        ("Unlike Vexia, whose shipments grew, SIM saw its own decline.", -1),
        ("Vexia's shipments grew; SIM went the other way.", -1),
        ("New figures for SIM are out. Its net debt stopped rising.", 1),
        ("SIM's orders did not stop rising. It made for gloomy reading.", 1),
    ],
)
def test_structure_decides_what_a_text_means(text, polarity):
    assert [statement.polarity for statement in statements_in(text, "SIM")] == [polarity]


@pytest.mark.parametrize(
    "text",
    [
        "Vexia's orders rose.",
        "New figures for Vexia are out. Its orders rose.",
        "Unlike Vexia, whose orders fell, Quillon saw its own rise.",
        "Recap: SIM's orders rose.",
        "SIM named a new archivist.",
        "",
    ],
)
def test_what_is_old_trivial_or_about_another_says_nothing(text):
    assert statements_in(text, "SIM") == ()


def test_a_report_is_read_statement_by_statement():
    text = "Form 10-Q of SIM\nThis report covers the period just ended. SIM's orders rose. SIM's "
    text += "borrowing costs rose."
    assert statements_in(text, "SIM") == (Statement("value", 1), Statement("regime", -1))


def test_the_reader_agrees_with_every_text_of_every_asset_class():
    from investorbench_env.market.simulated.grammar import news
    from investorbench_env.market.simulated.lexicon import NOUNS

    rng = np.random.default_rng(0)
    for asset_class in NOUNS:
        for a, b in rng.integers(1 << 62, size=(1500, 2)).tolist():
            topic, polarity = ("regime", "value", "mood")[a % 3], 1 if b % 2 else -1
            text = news("SIM", asset_class, topic, polarity, a << 62 | b)
            assert statements_in(text, "SIM") == (Statement(topic, polarity),), text


def test_the_best_policy_is_computable_on_thousands_of_paths_at_once():
    paths = simulate_many(range(100), 500, dynamics_of())
    position = np.sign(paths.expected_return[:, :-1])
    earned = position * np.expm1(paths.overnight + paths.intraday)[:, 1:]
    assert sharpe(earned).mean() > 2

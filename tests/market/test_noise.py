"""The noisy market: what lasts, how it is published, what drowns it, and what a reader can tell."""

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.simulated.filter import Filter
from investorbench.agents.simulated.lasting_statements import Claim, claims_in
from investorbench.agents.simulated.oracle import Oracle
from investorbench.agents.simulated.statements import statements_in
from investorbench_env.errors import MarketError
from investorbench_env.market.documents import NEWS, SENTIMENTS
from investorbench_env.market.simulated import Law, NoisyDynamics, dynamics_of
from investorbench_env.market.simulated import noise_words as words
from investorbench_env.market.simulated.bands import FRESH, TRAIN
from investorbench_env.market.simulated.grammar import bystander, news
from investorbench_env.market.simulated.noise import FEWEST, MOST, QUIET
from investorbench_env.market.simulated.process import draw_shocks, evolve
from investorbench_env.registration import market_of

NOISY, START, END = "SIM-Noise", "2020-05-07", "2021-02-25"
VOCABULARY = "company"
NUMBERS = st.integers(0, 2**120)
SIGNS = st.sampled_from([1, -1])


def law_of(symbol=NOISY, end=END):
    return Law(
        symbol=symbol, asset_class="stock", dynamics=dynamics_of(symbol), start=START, end=end
    )


@pytest.fixture(scope="module")
def market():
    return law_of().market((FRESH, 9000))


@pytest.fixture(scope="module")
def matters():
    return law_of().what_matters((FRESH, 9000))


# --- the law ----------------------------------------------------------------------------------


def test_the_expected_return_has_what_lasts_beside_what_any_law_has(market):
    d, hidden = dynamics_of(NOISY), {n: v[:, 0] for n, v in market.hidden_state.items()}
    volatility = d.annual_volatility / 252**0.5
    # The regime's own drift is none: its mean return a session is the premium's.
    mean = 0.45 * volatility / 252**0.5
    expected = (
        mean + 0.05 * hidden["value_gap"] + 0.25 * volatility * hidden["mood"]
        + volatility * (0.12 * hidden["guidance"] + 0.06 * hidden["facts"])
    )  # fmt: skip
    np.testing.assert_allclose(np.log1p(hidden["expected_return"]), expected, atol=1e-12)


def test_what_lasts_changes_with_what_is_published_and_at_no_other_time(market, matters):
    texts = {row.id: row for row in market.documents}
    sessions = market.times.astype("datetime64[s]")
    guidance = np.zeros(len(sessions))
    facts = {fact.head: np.zeros(len(sessions)) for fact in words.FACTS}
    for id, about in sorted(matters.items(), key=lambda each: texts[each[0]].available_at):
        row = texts[id]
        at = np.datetime64(row.available_at.replace(tzinfo=None), "s")
        t = int(np.searchsorted(sessions, at))
        # After the close from which on it counts, and before the decision of that session.
        assert sessions[t] - np.timedelta64(8, "h") < at <= sessions[t]
        (claim,) = [claim for claim in claims_in(str(row), NOISY) if claim.about == about]
        (guidance if about == "guidance" else facts[about])[t:] = claim.sign
    assert np.array_equal(guidance, market.hidden_state["guidance"][:, 0])
    assert np.array_equal(sum(facts.values()), market.hidden_state["facts"][:, 0])


def test_a_fact_is_contradicted_again_and_again_and_guidance_lasts_until_the_next_report():
    law = law_of(end="2025-05-06")
    lasts = [law.what_matters((TRAIN, seed)) for seed in range(4)]
    reports = [Counter(about == "guidance" for about in found.values()) for found in lasts]
    # Twenty reports in five years; of four facts one changes every 50 sessions, from the 61st on.
    assert all(19 <= found[True] <= 21 for found in reports)
    sessions = len(law.sessions) - QUIET
    changes = np.mean([found[False] for found in reports])
    assert changes == pytest.approx(4 * sessions / 50, abs=3 * (4 * sessions / 50 / 4) ** 0.5)


def test_an_empty_law_of_what_lasts_says_so():
    with pytest.raises(MarketError, match="nothing that is said of SIM lasts"):
        law_of("SIM").what_matters((FRESH, 1))


@pytest.mark.parametrize("knowing", [Oracle, lambda market: Filter(dynamics_of(NOISY))])
def test_what_knows_other_laws_says_that_it_does_not_know_this_one(knowing, market):
    with pytest.raises(MarketError, match="nothing of guidance and facts"):
        knowing(market)


# --- determinism ------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_market_and_another_seed_another(market):
    again, other = law_of().market((FRESH, 9000)), law_of().market((TRAIN, 9000))
    assert np.array_equal(again.bars, market.bars)
    assert again.documents.rows[5000:5400] == market.documents.rows[5000:5400]
    assert other.documents.rows[5000:5400] != market.documents.rows[5000:5400]
    assert market_of("InvestorBench/Stock-SIM-Noise", seed=9000).fingerprint == market.fingerprint


def test_a_longer_path_begins_with_the_shorter_one(market):
    short = law_of(end="2020-11-13").market((FRESH, 9000))
    count, sessions = len(short.documents), len(short.sessions)
    assert np.array_equal(short.bars, market.bars[:sessions])
    assert short.documents.rows[:] == market.documents.rows[:count]
    for name, values in short.hidden_state.items():
        assert np.array_equal(values, market.hidden_state[name][:sessions]), name


def test_many_paths_drawn_together_are_those_drawn_alone(market):
    numbers = law_of().numbers([(TRAIN, 3), (FRESH, 9000)])
    assert np.array_equal(numbers.bars[1], market.bars[:, 0])
    at = np.searchsorted(market.times, market.documents.available_at)
    counted = np.zeros((len(market.sessions), 3))
    for t, row in zip(at.tolist(), market.documents, strict=True):
        if row.sentiment:
            counted[t, SENTIMENTS.index(row.sentiment)] += 1
    assert np.array_equal(numbers.labels[1], counted)


def test_texts_are_made_when_they_are_read_and_once(market):
    short = law_of(end="2020-08-12").market((FRESH, 9000))
    rows = short.documents.rows
    assert not rows._made
    assert rows[7] is rows[7] is rows[5:9][2] and rows[-1] is rows[len(rows) - 1]
    assert len(rows._made) == 5
    again = pickle.loads(pickle.dumps(short))
    assert again.documents.rows[7] == rows[7] and len(again.documents) == len(rows)


# --- texts ------------------------------------------------------------------------------------


def test_hundreds_of_texts_come_each_day_and_few_of_them_matter(market, matters):
    days = np.diff(np.searchsorted(market.documents.available_at, market.times, "right"))[QUIET:]
    assert days.min() >= FEWEST and days.max() <= MOST + 15
    assert len(matters) < 0.002 * len(market.documents)
    texts = [str(row) for row in market.documents if row.kind == NEWS]
    named = sum(NOISY in text for text in texts)
    assert 0.1 < named / len(texts) < 0.25


def test_every_text_appears_within_its_day_and_has_an_id_of_its_own(market):
    documents = market.documents
    assert (np.diff(documents.available_at) >= np.timedelta64(0, "s")).all()
    assert len({row.id for row in documents}) == len(documents)
    for row, at in zip(documents, documents.available_at, strict=True):
        assert np.datetime64(row.available_at.replace(tzinfo=None), "s") == at


def test_old_news_is_of_earlier_days_and_marked_where_it_is_of_what_lasts(market, matters):
    texts = [(row.id, str(row)) for row in market.documents]
    published = {}
    archived = copied = 0
    seen: dict[str, int] = {}
    at = np.searchsorted(market.times, market.documents.available_at).tolist()
    for t, (id, text) in zip(at, texts, strict=True):
        if text.startswith(("Recap", "In case you missed", "From the archive", "Most read")):
            body = text.partition(": ")[2]
            if any(fact.head in body and NOISY in body for fact in words.FACTS):
                assert published[body] < t
                archived += 1
        elif id in matters and not text.startswith("Form"):
            published.setdefault(text, t)
        if seen.get(text, t) < t and len(text) > 100 and statements_in(text, NOISY):
            assert t - seen[text] <= 5 and id not in matters
            copied += 1
        seen.setdefault(text, t)
    assert archived > 50 and copied > 50


def test_rumours_are_made_up_and_name_a_source_that_lies(market):
    texts = [str(row) for row in market.documents if row.kind == NEWS]
    rumours = [t for t in texts if t.lower().startswith(tuple(s.lower() for s in words.LIARS))]
    assert len(rumours) > 100
    assert all(claims_in(text, NOISY) == () for text in rumours)
    good = sum(any(v in text for fact in words.FACTS for v in fact.good) for text in rumours)
    # Made up: as often good as bad, within four standard errors.
    assert abs(good - len(rumours) / 2) < 2 * len(rumours) ** 0.5


def test_orders_stand_in_texts_and_say_nothing(market):
    texts = [str(row) for row in market.documents if "automated readers" in str(row)]
    assert texts and all(claims_in(text, NOISY) == () for text in texts)


# --- sentences --------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(sign=SIGNS, number=NUMBERS)
def test_a_reader_understands_guidance_and_leaves_that_of_others(sign, number):
    sentence = words.guidance(NOISY, VOCABULARY, sign, number)
    text = words.news(sentence, number)
    assert claims_in(text, NOISY) == (Claim("guidance", sign),)
    report = words.report("This report covers the period just ended.", sentence, number)
    assert claims_in(f"Form 10-Q of {NOISY}\n{report}", NOISY) == (Claim("guidance", sign),)
    rival = bystander(VOCABULARY, number)
    assert claims_in(words.news(words.guidance(rival, VOCABULARY, sign, number), 0), NOISY) == ()
    assert claims_in(f"From the archive: {text}", NOISY) == ()


@settings(max_examples=100, deadline=None)
@given(sign=SIGNS, fact=st.sampled_from(words.FACTS), number=NUMBERS)
def test_a_reader_understands_facts_and_no_rumour(sign, fact, number):
    text = words.news(words.fact(NOISY, fact, sign, number), number)
    assert claims_in(text, NOISY) == (Claim(fact.head, sign),)
    assert claims_in(words.news(words.rumour(NOISY, fact, sign, number), number), NOISY) == ()
    rival = bystander(VOCABULARY, number)
    assert claims_in(words.news(words.fact(rival, fact, sign, number), number), NOISY) == ()


@settings(max_examples=100, deadline=None)
@given(sign=SIGNS, topic=st.sampled_from(["value", "regime"]), number=NUMBERS)
def test_ordinary_news_says_nothing_that_lasts(sign, topic, number):
    # "Guidance for its orders is now 4.2, and the consensus was 1.9" is a figure that is out.
    assert claims_in(news(NOISY, VOCABULARY, topic, sign, number), NOISY) == ()


def test_words_alone_do_not_give_a_sign_away():
    texts = {
        sign: " ".join(
            words.fact(NOISY, words.FACTS[n % 4], sign, 7919**9 * (n + 1)) for n in range(400)
        )
        for sign in (1, -1)
    }
    for fact in words.FACTS:
        for verb in (*fact.good, *fact.bad):
            counts = [text.count(verb) for text in texts.values()]
            assert min(counts) > 0.2 * max(counts), verb


def test_nothing_lasting_leaves_a_path_as_it_is():
    d = NoisyDynamics(guidance_strength=0.0, fact_strength=0.0)
    law = Law(symbol="X", asset_class="stock", dynamics=d, start=START, end="2020-08-31")
    origin = law.origin((FRESH, 5))
    plain = evolve(d, draw_shocks([origin], len(law.sessions)))
    assert np.array_equal(law.market((FRESH, 5)).hidden_state["value_gap"][:, 0], plain.gap[0])
    assert np.array_equal(
        law.market((FRESH, 5)).hidden_state["expected_return"][:, 0], plain.expected_return[0]
    )

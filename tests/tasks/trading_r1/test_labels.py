"""Labels of five classes: golden values, a second reading by loops, and what no label may know."""

import json
import math
from dataclasses import asdict, replace
from statistics import stdev

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.thesis.thesis import CLASSES, parse
from investorbench.scripts.bench.labels import TEST, TRAIN, page, study_labels
from investorbench.tasks.trading_r1.baselines import (
    agreement,
    baseline_decisions,
    expected_reward,
    mean_decision_reward,
)
from investorbench.tasks.trading_r1.decisions import class_of, mark_of, words_of
from investorbench.tasks.trading_r1.labels import (
    HORIZONS,
    Direction,
    LabelScores,
    Volatility,
    classes_of,
    label_scores,
)
from investorbench.tasks.trading_r1.thresholds import (
    LabelSplit,
    Thresholds,
    freeze,
    label_split,
    labels_of,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.library import find_market

FloatArray = npt.NDArray[np.float64]

KINDS = [(d, v) for d in ("forward", "trailing") for v in ("listing", "trailing_ewma")]
SESSIONS = np.arange("2020-01-01", "2020-07-19", dtype="datetime64[D]")
"""200 of them."""
TRAINING, TESTED = ("2020-03-01", "2020-05-10"), ("2020-05-25", "2020-07-18")

paths = st.integers(0, 2**32 - 1).map(
    lambda seed: 50.0 * np.exp(np.random.default_rng(seed).normal(0.0, 0.02, 200).cumsum())
)
kinds = st.sampled_from(KINDS)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("symbol", "thresholds", "mix", "always_buy"),
    [
        ("AAPL", (-2.252098, -1.154535, 0.155714, 1.774421), (2, 18, 69, 108, 33), 0.2174),
        pytest.param(
            "MSFT",
            (-1.826979, -1.083209, 0.303062, 1.471506),
            (1, 17, 68, 108, 36),
            0.2457,
            marks=pytest.mark.heavy,
        ),
        pytest.param(
            "NVDA",
            (-1.978585, -1.152397, 0.213670, 1.608151),
            (0, 8, 73, 112, 37),
            0.3174,
            marks=pytest.mark.heavy,
        ),
        pytest.param(
            "SPY",
            (-2.114991, -1.071649, 0.418431, 1.605972),
            (0, 22, 85, 89, 34),
            0.0772,
            marks=pytest.mark.heavy,
        ),
    ],
)
def test_real_days_fall_into_their_classes(
    symbol: str, thresholds: tuple[float, ...], mix: tuple[int, ...], always_buy: float
) -> None:
    market = find_market(symbol, "etf" if symbol == "SPY" else "stock", "real")
    found = study_labels(market, TRAIN, TEST)
    assert found.thresholds.values == pytest.approx(thresholds, abs=1e-6)
    assert (found.thresholds.days, found.unlabelled) == (488, 0)
    assert tuple(found.mix[label] for label in reversed(CLASSES)) == mix
    assert found.rewards["always buy"] == pytest.approx(always_buy, abs=5e-5)
    assert found.rewards["label oracle"] == 1.0


def test_constant_answers_earn_what_the_published_mix_gives_them() -> None:
    expected = {"BUY": -0.0925, "HOLD": -0.33, "STRONG_BUY": -0.39, "SELL": -0.81}
    for decision, reward in (expected | {"STRONG_SELL": -1.14}).items():
        digits = 4 if decision == "BUY" else 2
        assert expected_reward(decision) == pytest.approx(reward, abs=0.51 * 10**-digits)


@given(closes=paths, kind=kinds, day=st.integers(0, 199))
@settings(max_examples=15)
def test_scores_are_those_of_a_reading_by_loops(
    closes: FloatArray, kind: tuple[Direction, Volatility], day: int
) -> None:
    assert scored(closes, kind).values[day] == pytest.approx(
        by_loops(closes.tolist(), *kind, day), rel=1e-9, nan_ok=True
    )


def by_loops(closes: list[float], direction: str, volatility: str, day: int) -> float:
    """The score of one day, summed term by term."""

    def smooth(t: int) -> float:
        weights = [0.5 ** (t - i) for i in range(t + 1)]
        return math.fsum(map(math.prod, zip(weights, closes, strict=False))) / math.fsum(weights)

    def move(tau: int, t: int, ahead: bool) -> float:
        first, last = (t, t + tau) if ahead else (t - tau, t)
        inside = first >= 0 and last < len(closes)
        return smooth(last) / smooth(first) - 1.0 if inside else math.nan

    def deviation(tau: int) -> float:
        if volatility == "listing":
            last = [move(tau, t, direction == "forward") for t in range(max(day - 19, 0), day + 1)]
            return stdev(last) if len(last) == 20 and not any(map(math.isnan, last)) else math.nan
        known = [move(tau, t, ahead=False) for t in range(tau, day + 1)]
        if len(known) < 20:
            return math.nan
        shares = [(19 / 21) ** back for back in reversed(range(len(known)))]
        total = math.fsum(shares)
        mean = math.fsum(s * x for s, x in zip(shares, known, strict=True)) / total
        spread = math.fsum(s * (x - mean) ** 2 for s, x in zip(shares, known, strict=True))
        return math.sqrt(spread / (total - math.fsum(s * s for s in shares) / total))

    return math.fsum(
        weight * move(tau, day, direction == "forward") / deviation(tau)
        for tau, weight in HORIZONS.items()
    )


@given(closes=paths, kind=kinds, later=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_nothing_after_the_training_window_moves_what_is_frozen(
    closes: FloatArray, kind: tuple[Direction, Volatility], later: int
) -> None:
    end = int(np.searchsorted(SESSIONS, np.datetime64(TRAINING[1]), side="right"))
    other = perturbed(closes, end, later)
    assert frozen(scored(closes, kind)) == frozen(scored(other, kind))


@given(
    closes=paths, day=st.integers(40, 198), volatility=st.sampled_from(["listing", "trailing_ewma"])
)
@settings(max_examples=15)
def test_momentum_is_known_on_its_day_and_a_label_is_not(
    closes: FloatArray, day: int, volatility: Volatility
) -> None:
    other = perturbed(closes, day + 1, day)
    one, two = (scored(each, ("trailing", volatility)) for each in (closes, other))
    assert np.array_equal(one.values[: day + 1], two.values[: day + 1], equal_nan=True)
    one, two = (scored(each, ("forward", volatility)) for each in (closes, other))
    assert np.array_equal(one.values[: day - 14], two.values[: day - 14], equal_nan=True)
    assert day > 183 or one.values[day] != two.values[day]


@given(closes=paths, kind=kinds, scale=st.sampled_from([1e-6, 0.25, 1e6]))
@settings(max_examples=10)
def test_the_level_of_adjusted_closes_does_not_matter(
    closes: FloatArray, kind: tuple[Direction, Volatility], scale: float
) -> None:
    one, other = scored(closes, kind).values, scored(closes * scale, kind).values
    np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-9)


def test_training_days_end_a_horizon_before_their_window_and_shares_are_as_published() -> None:
    split = label_split(SESSIONS, TRAINING, TESTED)
    assert split == LabelSplit(window=slice(60, 131), training=slice(60, 116), test=slice(145, 200))
    closes = 50.0 * np.exp(np.random.default_rng(1).normal(0.0, 0.02, 2000).cumsum())
    sessions = np.arange("2000-01-01", "2005-06-23", dtype="datetime64[D]")
    scores = label_scores(sessions, closes)
    split = label_split(sessions, ("2000-03-01", "2005-01-01"), ("2005-01-16", "2005-06-22"))
    thresholds = freeze(scores, split, symbol="A", source="made here")
    labels = labels_of(scores, thresholds, split.training)
    shares = [labels.count(each) / thresholds.days for each in CLASSES]
    assert shares == pytest.approx([0.15, 0.32, 0.38, 0.12, 0.03], abs=1.5 / thresholds.days)
    assert labels_of(scores, thresholds, split.test)[-15:] == (None,) * 15


def test_a_score_that_equals_a_threshold_belongs_to_the_class_above() -> None:
    scores = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, np.nan])
    assert classes_of(scores, (-2.0, -1.0, 0.0, 1.0)) == (*reversed(CLASSES), None)


def test_thresholds_are_plain_data_with_all_that_they_follow_from() -> None:
    thresholds = frozen(scored(np.linspace(50.0, 90.0, 200) + np.sin(np.arange(200)), KINDS[0]))
    read = json.loads(json.dumps(asdict(thresholds)))
    lists = {name: tuple(each) for name, each in read.items() if isinstance(each, list)}
    assert Thresholds(**(read | lists)) == thresholds
    assert (read["window"], read["training"], read["days"]) == (
        ["2020-03-01", "2020-05-10"],
        ["2020-03-01", "2020-04-25"],
        56,
    )
    with pytest.raises(InvestorBenchError, match="must ascend"):
        replace(thresholds, values=(1.0, 0.0, 2.0, 3.0))


@pytest.mark.parametrize("kind", KINDS)
def test_prices_that_do_not_vary_have_no_label(kind: tuple[Direction, Volatility]) -> None:
    scores = scored(np.full(200, 0.1), kind)
    assert np.isnan(scores.values).all()
    with pytest.raises(InvestorBenchError) as refused:
        frozen(scores)
    assert "from 2020-03-01 to 2020-04-25 has a label" in str(refused.value)
    assert "constant prices (2020-03-01, 2020-03-02" in str(refused.value)


def test_prices_that_grow_by_the_same_rate_each_day_have_no_label() -> None:
    scores = scored(0.1 * 1.01 ** np.arange(200.0), ("forward", "listing"))
    assert np.isnan(scores.values[80:]).all()


def test_a_halt_costs_its_own_days_a_label_and_no_others() -> None:
    closes = 50.0 * np.exp(np.random.default_rng(3).normal(0.0, 0.02, 200).cumsum())
    closes[80:170] = closes[80]
    scores = scored(closes, KINDS[0])
    halted = scores.absences["constant prices"]
    assert len(halted) > 20
    assert halted[0] > SESSIONS[80]
    assert halted[-1] < SESSIONS[170]
    assert np.isnan(scores.values).sum() == sum(map(len, scores.absences.values()))


@pytest.mark.parametrize(
    ("days", "kind", "fewest"),
    [(34, KINDS[0], 35), (0, KINDS[0], 35), (34, KINDS[2], 35), (49, KINDS[1], 50)],
)
def test_too_few_sessions_are_refused_and_one_more_has_a_label(
    days: int, kind: tuple[Direction, Volatility], fewest: int
) -> None:
    closes = 50.0 + np.sin(np.arange(200.0) ** 2)
    with pytest.raises(InvestorBenchError, match=f"needs {fewest} sessions; there are {days}"):
        label_scores(SESSIONS[:days], closes[:days], *kind)
    assert (~np.isnan(label_scores(SESSIONS[:fewest], closes[:fewest], *kind).values)).sum() == 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, -1.0])
def test_closes_that_are_no_prices_are_refused_with_their_dates(wrong: float) -> None:
    closes = np.full(200, 50.0)
    closes[[3, 5, 6, 9]] = wrong
    with pytest.raises(InvestorBenchError, match="2020-01-04, 2020-01-06, 2020-01-07 and 1 more"):
        label_scores(SESSIONS, closes)


def test_sessions_that_do_not_ascend_are_refused() -> None:
    days = SESSIONS.copy()
    days[7] = days[6]
    with pytest.raises(InvestorBenchError, match="do not at 2020-01-07"):
        label_scores(days, np.full(200, 50.0))
    with pytest.raises(InvestorBenchError, match="a close a session"):
        label_scores(SESSIONS, np.full(199, 50.0))


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (TRAINING, ("2020-05-24", "2020-07-18"), "begin the test on 2020-05-25 or later"),
        (TRAINING, ("2020-05-10", "2020-07-18"), "do not overlap"),
        (TRAINING, ("2020-01-01", "2020-02-01"), "training first"),
        (("2020-03-01", "2020-03-15"), TESTED, "has 15 sessions"),
        (("2020-03-01", "2020-07-04"), ("2020-07-18", "2020-07-18"), "only 14 sessions follow"),
        (("2019-03-01", "2019-04-01"), TESTED, "holds no session; there are those from 2020-01-01"),
        (TRAINING, ("2020-07-18", "2020-05-25"), "holds no session"),
        (("then", "2020-04-01"), TESTED, "is no date"),
    ],
)
def test_windows_that_allow_no_honest_test_are_refused(
    train: tuple[str, str], test: tuple[str, str], message: str
) -> None:
    with pytest.raises(InvestorBenchError, match=message):
        label_split(SESSIONS, train, test)


@given(ends=st.tuples(*[st.integers(0, 199)] * 4))
@settings(max_examples=60)
def test_windows_are_accepted_exactly_where_no_horizon_reaches_into_the_test(
    ends: tuple[int, int, int, int],
) -> None:
    first, last, begin, end = ends
    dates = [str(SESSIONS[each]) for each in ends]
    if last - first < 15 or begin - last < 15 or end < begin:
        with pytest.raises(InvestorBenchError):
            label_split(SESSIONS, (dates[0], dates[1]), (dates[2], dates[3]))
    else:
        split = label_split(SESSIONS, (dates[0], dates[1]), (dates[2], dates[3]))
        assert split.training == slice(first, last - 14)
        assert split.test == slice(begin, end + 1)


def test_thresholds_judge_only_scores_of_their_kind() -> None:
    closes = 50.0 + np.sin(np.arange(200.0) ** 2)
    thresholds = frozen(scored(closes, ("trailing", "listing")))
    with pytest.raises(InvestorBenchError, match="of the same kind"):
        labels_of(scored(closes, ("forward", "listing")), thresholds, slice(0, 9))
    with pytest.raises(UnknownNameError, match="backward"):
        label_scores(SESSIONS, closes, "backward")  # type: ignore[arg-type]


@pytest.mark.parametrize("label", CLASSES)
def test_a_decision_is_read_back_in_each_of_its_spellings(label: str) -> None:
    assert parse(f"<conclusion>so</conclusion>\n{mark_of(label)}").decision == label
    for spelling in (label, words_of(label), f" {words_of(label).title()} ", label.lower()):
        assert class_of(spelling) == label
    with pytest.raises(UnknownNameError, match="accumulate"):
        class_of("accumulate")


def test_baselines_decide_every_day_and_are_paid_where_there_is_a_label() -> None:
    truths = ("BUY", "SELL", None, "HOLD")
    decided = baseline_decisions(truths, ("BUY", None, "SELL", "STRONG_SELL"))
    assert decided["momentum class"] == ("BUY", "HOLD", "SELL", "STRONG_SELL")
    assert mean_decision_reward(decided["momentum class"], truths) == (1.0 - 1.0 - 1.25) / 3
    assert mean_decision_reward(decided["always buy"], truths) == (1.0 - 1.5 - 0.75) / 3
    assert mean_decision_reward((None,) * 4, truths) == -1.5
    with pytest.raises(InvestorBenchError, match="none of 1 days"):
        mean_decision_reward(("BUY",), (None,))


def test_a_mix_may_be_shares_or_counts_of_known_classes() -> None:
    assert expected_reward("HOLD", {"HOLD": 3, "BUY": 1}) == (3 - 1) / 4
    with pytest.raises(UnknownNameError, match="LONG"):
        expected_reward("HOLD", {"LONG": 1})
    with pytest.raises(InvestorBenchError, match="a share above 0"):
        expected_reward("HOLD", {})


def test_agreement_is_beside_what_chance_gives() -> None:
    found = agreement(("BUY", "BUY", "HOLD", None), ("BUY", "HOLD", "HOLD", "SELL"))
    assert (found.days, found.equal, found.by_chance) == (3, 2 / 3, (2 * 1 + 1 * 2) / 9)
    assert found.ranks.value == pytest.approx(0.5)
    with pytest.raises(InvestorBenchError, match="no day has both"):
        agreement((None,), ("BUY",))


def test_the_study_prints_thresholds_mix_baselines_and_agreement() -> None:
    market = find_market("SIM", "stock", "simulated")
    first, last = market.sessions[60], market.sessions[-1]
    study = study_labels(market, (first, market.sessions[150]), (market.sessions[170], last))
    lines = list(page([study]))
    assert f"{market.symbols[0]:6}   76 days" in lines[1]
    assert lines[2].endswith("15 test days have no label")
    assert any(line.startswith("  always strong sell") for line in lines)
    assert "rank correlation" in lines[-1]


def scored(closes: FloatArray, kind: tuple[Direction, Volatility]) -> LabelScores:
    return label_scores(SESSIONS, closes, *kind)


def frozen(scores: LabelScores) -> Thresholds:
    split = label_split(SESSIONS, TRAINING, TESTED)
    return freeze(scores, split, symbol="A", source="made here")


def perturbed(closes: FloatArray, begin: int, seed: int) -> FloatArray:
    """Other closes from a day on."""
    other = closes.copy()
    other[begin:] *= np.random.default_rng(seed).uniform(0.5, 2.0, len(closes) - begin)
    return other

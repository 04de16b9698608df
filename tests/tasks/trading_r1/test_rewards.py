"""Rewards of theses: handed out ones, a second reading, stages, and what cheats earn."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.thesis.thesis import CLASSES, parse
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import (
    DECISION_REWARDS,
    SIZES,
    STAGES,
    Rewards,
    decision,
    evidence,
    graded,
    rewards,
    staged,
    structure,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.tasks.trading_r1 import second_reading
from tests.tasks.trading_r1.theses import (
    ATTACKS,
    BRIEFING,
    CLAIMS,
    HONEST,
    IDS,
    QUOTES,
    body,
    claim,
    soups,
    theses,
    thesis,
)

CITABLE = Citable.of(BRIEFING, IDS)


def test_theses_that_were_scored_elsewhere_get_the_same_rewards(data_folder: Path) -> None:
    path = data_folder.parent / "cases" / "r1_rewards_handout.json"
    if not path.exists():
        pytest.skip(f"no theses in {path}")
    cases = json.loads(path.read_text())
    citable = Citable.of(cases["input"], cases["source_ids"])
    for case in cases["theses"]:
        read = parse(case["completion"])
        assert case["expected"] == pytest.approx(
            {
                "structure": structure(read),
                "evidence_presence": evidence(read, citable, faithful=False),
                "evidence_faithful": evidence(read, citable),
                "decision": decision(read, case["truth"]),
            },
            abs=1e-9,
        )


@settings(max_examples=40)
@given(text=soups | theses, truth=st.sampled_from(CLASSES))
def test_rewards_are_those_of_a_second_reading(text: str, truth: str) -> None:
    read = parse(text)
    mine = (
        structure(read),
        evidence(read, CITABLE, faithful=False),
        evidence(read, CITABLE),
        decision(read, truth),
    )
    assert mine == pytest.approx(
        second_reading.rewards_of(text, BRIEFING, set(IDS), truth), abs=1e-12
    )
    assert rewards(text, CITABLE, truth) == (mine[0], *mine[2:])


def test_an_honest_short_thesis_earns_nearly_everything() -> None:
    assert rewards(HONEST, CITABLE, "BUY") == pytest.approx((0.6 + 0.4 * 5.2 / 6, 1.0, 1.0))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_cheat_earns_less_than_an_honest_short_thesis(name: str) -> None:
    honest = rewards(HONEST, CITABLE, "BUY")
    cheat = rewards(ATTACKS[name], CITABLE, "BUY")
    assert all(a <= b + 1e-15 for a, b in zip(cheat, honest, strict=True))
    assert staged(cheat, "III") < staged(honest, "III") - 0.02
    assert sum(cheat) < sum(honest) - 0.1


def test_the_words_of_an_opinion_are_counted_and_not_judged() -> None:
    """What stays open to cheats: an opinion that is copied from the briefing too."""
    copied = body([claim(" ".join(BRIEFING.split()[:20]), QUOTES[0], "n1")] * 4)
    assert rewards(thesis([copied]), CITABLE, "BUY") == rewards(HONEST, CITABLE, "BUY")


def test_no_part_of_a_thesis_earns_more_by_being_there_twice() -> None:
    twice = rewards(HONEST.replace("[[[BUY]]]", "") * 2 + "[[[BUY]]]", CITABLE, "BUY")
    assert twice == rewards(HONEST, CITABLE, "BUY")


@pytest.mark.parametrize("name", ATTACKS)
def test_evidence_that_holds_never_earns_more_than_what_is_only_there(
    name: str,
) -> None:
    read = parse(ATTACKS[name])
    assert 0 <= evidence(read, CITABLE) <= evidence(read, CITABLE, faithful=False) <= 1
    assert 0 <= structure(read) <= 1


@pytest.mark.parametrize(
    ("quote", "holds"),
    [
        ("ORDERS at the\tplant", True),
        ("rders at the pla", True),
        ("Orders at the", False),
        ("orders at — the", False),
        ("in the spring. [n2] The chief", True),
        ("the plant in Ohio fell", False),
        ("", False),
    ],
)
def test_a_quote_of_four_words_is_looked_for_with_case_folded_and_blanks_joined(
    quote: str, holds: bool
) -> None:
    assert CITABLE.has(quote) is holds


@settings(max_examples=40)
@given(st.data())
def test_whatever_stands_in_a_briefing_is_found_there(data: st.DataObject) -> None:
    text = data.draw(st.text("ab \n.ß", max_size=60))
    start, end = (data.draw(st.integers(0, len(text))) for _ in range(2))
    quote = text[start:end]
    if len([token for token in quote.split() if token.strip(".")]) >= 4:
        assert Citable.of(text, ()).has(quote)


def test_evidence_asks_nothing_of_a_conclusion() -> None:
    assert evidence(parse(thesis([body(CLAIMS[:4])])), CITABLE) == 1.0
    assert evidence(parse("<conclusion>\n- nothing\n</conclusion>"), CITABLE) == 0.0


def test_stages_weigh_what_they_teach() -> None:
    of = Rewards(0.5, 0.25, -2.0)
    totals = {stage: staged(of, stage) for stage in STAGES}
    assert totals == pytest.approx({"I": 0.5, "II": 0.15 + 0.25, "III": 0.05 + 0.075 - 2.0})
    with pytest.raises(UnknownNameError, match="unknown stage 'IV'"):
        staged(of, "IV")


def test_constant_answers_earn_what_the_published_mix_gives_them() -> None:
    mix = (0.15, 0.32, 0.38, 0.12, 0.03)
    means = {
        each: sum(part * reward for part, reward in zip(mix, row, strict=True))
        for each, row in DECISION_REWARDS.items()
    }
    assert means["BUY"] == pytest.approx(-0.0925) and means["HOLD"] == pytest.approx(-0.33)
    published = {"STRONG_BUY": -0.39, "SELL": -0.81, "STRONG_SELL": -1.14}
    assert {each: means[each] for each in published} == pytest.approx(published, abs=0.0051)


def test_a_decision_is_paid_in_the_movements_of_its_stock() -> None:
    def earned(word: str, horizon_return: float) -> float:
        return graded(parse(f"[[[{word}]]]"), horizon_return, 0.02, 0.001)

    unit = 0.02 * math.sqrt(7)
    assert earned("STRONG_BUY", 0.05) == pytest.approx(0.049 / unit)
    assert earned("SELL", 0.05) == pytest.approx(-0.0255 / unit)
    assert earned("STRONG_SELL", -0.05) == pytest.approx(0.049 / unit)
    assert earned("HOLD", 0.05) == 0.0 and earned("WAIT", 0.05) == -1.5
    assert tuple(SIZES) == tuple(DECISION_REWARDS) == CLASSES


@pytest.mark.parametrize("values", [(0.1, 0.0, 0.001), (math.nan, 0.1, 0.0), (0.1, math.nan, 0.0)])
def test_money_is_refused_where_prices_stand_still_or_are_missing(
    values: tuple[float, float, float],
) -> None:
    with pytest.raises(InvestorBenchError, match="constant prices"):
        graded(parse("[[[BUY]]]"), *values)


def test_a_truth_that_is_no_class_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown class 'buy'"):
        rewards(HONEST, CITABLE, "buy")

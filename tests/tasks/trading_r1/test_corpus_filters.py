"""A thesis is kept by how far it comes: structure, then evidence, then direction."""

import pytest

from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter, reaches
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.tasks.trading_r1.theses import ATTACKS, BRIEFING, HONEST, IDS

CITABLE = Citable.of(BRIEFING, IDS)


@pytest.mark.parametrize(
    ("text", "truth", "stage", "fault"),
    [
        (HONEST, "BUY", "III", None),
        (HONEST, "STRONG_BUY", "III", None),  # the direction counts, not the size
        (HONEST, "HOLD", "II", "direction"),
        (HONEST, "STRONG_SELL", "II", "direction"),
        (HONEST.replace("[[[BUY]]]", ""), "BUY", "II", "direction"),
        (HONEST.replace("[[[BUY]]]", "[[[HOLD]]]"), "HOLD", "III", None),
        (ATTACKS["invented quotes"], "BUY", "I", "evidence"),
        (ATTACKS["no conclusion"], "BUY", None, "structure"),
        ("", "BUY", None, "structure"),
    ],
)
def test_a_thesis_reaches_the_stage_before_the_one_that_it_fails(
    text: str, truth: str, stage: str | None, fault: str | None
) -> None:
    judged = ThesisFilter().judge(text, CITABLE, truth)
    assert (judged.stage, judged.fault) == (stage, fault)


def test_a_later_fault_is_not_looked_at_before_an_earlier_one() -> None:
    strict = ThesisFilter(structure=1.0, evidence=1.0)
    assert strict.judge(HONEST, CITABLE, "SELL").fault == "structure"


def test_a_filter_that_asks_for_nothing_keeps_all_that_points_where_the_label_does() -> None:
    assert ThesisFilter(structure=0, evidence=0).judge("[[[SELL]]]", CITABLE, "SELL").stage == "III"


@pytest.mark.parametrize(
    ("stage", "wanted", "is_far_enough"),
    [("III", "I", True), ("II", "II", True), ("I", "II", False), (None, "I", False)],
)
def test_a_later_stage_includes_the_earlier_ones(
    stage: str | None, wanted: str, is_far_enough: bool
) -> None:
    assert reaches(stage, wanted) is is_far_enough


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="IV"):
        reaches("I", "IV")
    with pytest.raises(InvestorBenchError, match="evidence=2 must be a reward from 0 to 1"):
        ThesisFilter(evidence=2)

"""What is read of theses in records."""

from dataclasses import replace
from typing import Any

import pytest

from investorbench.tasks.step import Step
from investorbench.tasks.trading_r1.recorded import RecordedThesis, theses_of
from tests.agents.facts import SIMULATED_STOCK

TEXT = "<news>\n- Demand is firmer for *orders at the plant rose* `n1`\n</news>\n[[[buy]]]"
THOUGHT = {
    "decision": {"word": "buy", "valid": True, "rationale": ""},
    "thesis": {"text": TEXT, "decision": "BUY"},
    "briefing": {"ids": ["n1", "t1"], "cut": ["news 4"], "sha256": "0", "seed": 7},
    "question": {"system": "Write a thesis.", "user": "[n1] Orders at the plant rose."},
}


def step(thought: Any, number: int = 0) -> Step:
    return Step(
        repeat=0,
        seed=1,
        market_seed=1,
        split="test",
        facts=SIMULATED_STOCK,
        number=number,
        info={"session": f"2020-10-{number + 1:02}"},
        action=1,
        reward=0.0,
        outcome={},
        is_last=False,
        thought=thought,
    )


def test_a_thesis_is_read_with_all_that_it_may_cite() -> None:
    (found,) = theses_of([step(THOUGHT, number=3)])
    assert found == RecordedThesis(
        number=3,
        session="2020-10-04",
        symbol="SIM",
        text=TEXT,
        decision="BUY",
        briefing="[n1] Orders at the plant rose.",
        ids=("n1", "t1"),
        cut=("news 4",),
        sha256="0",
        seed=7,
    )
    assert not found.is_as_hashed
    assert found.citable.has("Orders at the plant") and found.citable.ids == {"n1", "t1"}


def test_a_decision_follows_from_the_text_whatever_stands_beside_it() -> None:
    forged = {**THOUGHT, "thesis": {"text": TEXT, "decision": "STRONG_SELL"}}
    assert [found.decision for found in theses_of([step(forged)])] == ["BUY"]


def test_steps_without_a_thesis_are_passed_over() -> None:
    steps = [step(None), step({"decision": {"word": "hold"}}, 1), step(THOUGHT, 2)]
    assert [found.number for found in theses_of(steps)] == [2]


def test_without_a_briefing_nothing_can_be_cited() -> None:
    alone = {"thesis": {"text": "[[[HOLD]]]"}, "question": {"user": "What will it do?"}}
    (found,) = theses_of([step(alone)])
    assert (found.briefing, found.ids, found.cut, found.decision) == ("", (), (), "HOLD")


@pytest.mark.parametrize("own", [5, "a thesis", ["BUY"], {"words": 3}, {"text": None}])
def test_what_is_somebodys_own_under_that_name_is_no_thesis(own: Any) -> None:
    assert theses_of([step({**THOUGHT, "thesis": own})]) == ()


@pytest.mark.parametrize("own", [None, 5, {"ids": "n1", "cut": 3}, {"ids": [1, None]}])
def test_a_briefing_of_another_form_has_no_pieces(own: Any) -> None:
    (found,) = theses_of([step({**THOUGHT, "briefing": own})])
    assert (found.ids, found.cut) == ((), ())


def test_steps_are_read_alike_with_and_without_their_answers() -> None:
    alive = replace(step(THOUGHT), thought={**THOUGHT, "answers": [{"text": "another"}]})
    assert theses_of([alive]) == theses_of([step(THOUGHT)])

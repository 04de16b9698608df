import asyncio
import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import Answer, Completion
from investorbench.agents.llm.fitting import fit
from investorbench.agents.llm.replies import read_reply
from investorbench.agents.llm.thinking import apart
from tests.agents.llm.asking import GOOD, GOOD_TEXT, SCHEMA, client
from tests.agents.llm.malformed import MAKERS, Case, cases
from tests.agents.llm.stub_server import Reply, StubServer

CASES = cases(2_000, seed=3)
STATUS = {"refusal": "refused", "truncated": "truncated"}


def asked(case: Case, number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"question {number}"}]


def server_of(replies: list[Case]) -> StubServer:
    """Gives each question its reply; of a malformed one, every other repair turn mends it."""

    def answer(request: dict[str, Any]) -> str | Reply:
        number = int(request["messages"][0]["content"].split()[1].split("\n")[0])
        is_repair = len(request["messages"]) > 1
        return GOOD_TEXT if number < 0 or (is_repair and number % 2) else replies[number].reply

    return StubServer(answer)


@pytest.mark.heavy
def test_two_thousand_malformed_answers_are_each_counted_in_the_right_class() -> None:
    with server_of(CASES) as server:
        asking = client(server.url)

        async def ask_all() -> list[Answer]:
            await asking.decide([{"role": "user", "content": "question -1"}], SCHEMA)
            return await asyncio.gather(
                *(asking.decide(asked(case, n), SCHEMA) for n, case in enumerate(CASES))
            )

        answers = asyncio.run(ask_all())
    wrong = [
        (case.kind, case.reply.text[:80], answer.status, answer.defects, answer.tolerated)
        for number, (case, answer) in enumerate(zip(CASES, answers, strict=True))
        if not is_right(case, answer, number)
    ]
    assert wrong == []
    # Ours is the count of the generator, not of the code under test.
    assert Counter(answer.status for answer in answers) == Counter(
        map(status_of, *zip(*enumerate(CASES), strict=True))
    )


def status_of(number: int, case: Case) -> str:
    if case.defect is None:
        return "ok"
    if number % 2 and not case.declined:
        return "repaired"
    return STATUS.get(case.defect, "invalid")


def is_right(case: Case, answer: Answer, number: int) -> bool:
    status = status_of(number, case)
    if answer.status != status or answer.repaired != (status == "repaired"):
        return False
    turns = 1 if status in ("ok", "repaired") or case.declined else 2
    if case.defect is None:
        return answer.defects == () and sorted(answer.tolerated) == sorted(case.tolerated)
    if set(answer.defects) != {case.defect} or len(answer.defects) != turns:
        return False
    return answer.value == (GOOD if status == "repaired" else None)


def test_all_kinds_of_answers_are_among_them() -> None:
    assert {case.kind for case in CASES} == set(MAKERS)
    assert len(CASES) == 2_000


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(
        st.text(),
        st.text('{}[]",:\\ntruefalse0123.eE-<>/think`', max_size=60),
        st.builds(lambda a, b: GOOD_TEXT[:a] + b + GOOD_TEXT[a:], st.integers(0, 80), st.text()),
    ),
    reason=st.sampled_from(["stop", "length", "content_filter", "tool_calls", ""]),
)
def test_no_text_whatever_breaks_the_reading(text: str, reason: str) -> None:
    answer, thinking = apart(text)
    reading = read_reply(Completion(text=answer, reasoning=thinking, finish_reason=reason), SCHEMA)
    assert (reading.value is None) == (reading.defect is not None)
    json.dumps(reading.value).encode()


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("<think>a</think>b", "b", "a"),
        ("<thinking>\na\n</thinking>\n\nb", "b", "a"),
        ("a</think>b", "b", "a"),
        ("<think>a", "", "a"),
        ("b", "b", ""),
        ('{"rationale": "</think>"}', '{"rationale": "</think>"}', ""),
    ],
)
def test_thinking_is_kept_apart_from_the_answer(text: str, answer: str, thinking: str) -> None:
    assert apart(text) == (answer, thinking)


@given(
    number=st.one_of(
        st.integers(), st.integers(1, 4_000).map(lambda digits: 10**digits), st.floats()
    ),
    as_text=st.booleans(),
    kind=st.sampled_from(["number", "integer"]),
)
def test_no_number_whatever_breaks_the_fitting(number: float, as_text: bool, kind: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": kind, "maximum": 10}}}
    fitted = fit({"n": str(number) if as_text else number}, schema)
    is_whole = isinstance(number, int) or number.is_integer()
    is_finite = isinstance(number, int) or math.isfinite(number)
    fits = is_finite and number <= 10 and (is_whole or kind == "number")
    if as_text and abs(number) > 1e300:  # too large for a float: it may stay a text
        assert fits or fitted.problem
        return
    assert (fitted.problem == "") == fits
    assert not fits or kind == "number" or type(fitted.value["n"]) is int


def test_a_name_in_another_script_does_not_make_an_answer_foreign() -> None:
    text = json.dumps(GOOD | {"rationale": "Tencent (腾讯控股) reported growth in every segment."})
    assert read_reply(Completion(text=text), SCHEMA).defect is None

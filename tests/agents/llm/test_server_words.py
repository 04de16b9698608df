"""What a server says of its reply counts only where it is whole."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import Answer, Budget, ServerError
from investorbench.agents.llm.providers import anthropic_messages, openai_chat
from tests.agents.llm.asking import GOOD, GOOD_TEXT, QUICK, ask, client
from tests.agents.llm.stub_server import Reply, StubServer

PRICE = {"price": {"input": 10.0, "output": 1000.0}, "key_env": "STUB_KEY", "patience": QUICK}
WHOLE = {"prompt_tokens": 1000, "completion_tokens": 1000}
BROKEN: list[Any] = [-1, 1.0, "1000", None, True, [], {}, float("nan")]
BROKEN_OFF = ["error", "abort", "Abort", "cancelled", "timeout"]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_KEY", "not-a-real-key-0000")


def body(content: str = GOOD_TEXT, finish: Any = "stop", **more: Any) -> str:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"model": "m", "choices": [choice], **more})


def asked(*bodies: str) -> tuple[Answer, float]:
    budget = Budget(max_usd=100.0)
    with StubServer([Reply(raw=each) for each in bodies]) as server:
        answer = ask(client(server.url, PRICE, budget=budget))
    return answer, budget.spent_usd


@settings(max_examples=200, deadline=None)
@given(
    usage=st.one_of(
        st.sampled_from([None, [], "2000", {}, {"total_tokens": 2000}, {"prompt_tokens": 1000}]),
        st.builds(
            lambda name, value: {**WHOLE, name: value},
            st.sampled_from(sorted(WHOLE)),
            st.sampled_from([0, *BROKEN]),
        ),
        st.sampled_from([{**WHOLE, "total_tokens": value} for value in (1999, -1, "2000", 2e3)]),
    ),
)
def test_a_count_that_cannot_be_right_is_unknown(usage: Any) -> None:
    counted = openai_chat.completion_of(body(usage=usage), 0.1).usage
    assert (counted.known, counted.input, counted.output) == (False, 0, 0)
    own = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
    if isinstance(usage, dict) and "total_tokens" not in usage:
        usage = {own[name]: value for name, value in usage.items()}
        parts = [{"type": "text", "text": GOOD_TEXT}]
        message = {"content": parts, "stop_reason": "end_turn", "usage": usage}
        assert not anthropic_messages.completion_of(json.dumps(message), 0.1).usage.known


@pytest.mark.parametrize("detail", [*BROKEN, {"cached_tokens": "many"}, {"cached_tokens": 1001}])
def test_a_discount_that_cannot_be_right_is_not_given(detail: Any) -> None:
    usage = {**WHOLE, "total_tokens": 2000, "prompt_tokens_details": detail}
    counted = openai_chat.completion_of(body(usage=usage), 0.1).usage
    assert (counted.known, counted.input, counted.output, counted.cached) == (True, 1000, 1000, 0)


def test_tokens_that_stand_in_the_total_alone_were_generated() -> None:
    counted = openai_chat.completion_of(body(usage={**WHOLE, "total_tokens": 2500}), 0.1).usage
    assert (counted.input, counted.output) == (1000, 1500)


def test_nothing_generated_may_count_as_nothing() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0}
    assert openai_chat.completion_of(body("", usage=usage), 0.1).usage.known


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 2000}, {"prompt_tokens": 1000}])
def test_an_unknown_count_is_charged_as_the_most_that_the_call_could_cost(usage: Any) -> None:
    answer, spent = asked(body(usage=usage))
    # 1,024 tokens may be written at .001 USD each; what was read comes on top.
    assert 1.024 < spent < 1.05 and answer.cost_usd == spent and not answer.usage.known
    assert asked(body(usage=WHOLE))[1] == pytest.approx(1.01, rel=1e-12)


def test_of_two_replies_one_of_them_uncounted_the_sum_is_unknown() -> None:
    answer, spent = asked(body("no", usage={}), body(usage=WHOLE))
    assert answer.repaired and not answer.usage.known
    assert 2.0 < spent < 2.1


@pytest.mark.parametrize("ended", [*BROKEN_OFF, None, ""])
def test_a_reply_that_the_server_broke_off_is_no_answer_of_the_model(ended: str | None) -> None:
    answer, spent = asked(body("", ended, usage={}), body(usage=WHOLE))
    assert (answer.status, answer.value, answer.attempts) == ("ok", GOOD, 2)
    assert spent > 2.0  # the server may charge for what it broke off
    with pytest.raises(ServerError, match=r"broke the reply off.*the run can be resumed"):
        asked(body("", ended))


@pytest.mark.parametrize("ended", ["stop", "length", "eos"])
def test_an_empty_reply_that_the_model_ended_is_its_answer(ended: str) -> None:
    answer, _ = asked(body("", ended, usage={"prompt_tokens": 10, "completion_tokens": 0}))
    assert answer.value is None and set(answer.defects) <= {"empty", "truncated"}


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, len(GOOD_TEXT) - 1), ended=st.sampled_from(BROKEN_OFF))
def test_the_beginning_of_an_answer_that_was_broken_off_is_none(cut: int, ended: str) -> None:
    answer, _ = asked(body(GOOD_TEXT[:cut], ended), body(usage=WHOLE))
    assert (answer.status, answer.value, answer.attempts) == ("ok", GOOD, 2)


@pytest.mark.parametrize("ended", BROKEN_OFF)
def test_a_whole_answer_is_one_though_it_was_broken_off(ended: str) -> None:
    answer, _ = asked(body(GOOD_TEXT, ended, usage=WHOLE))
    assert (answer.status, answer.value, answer.attempts) == ("ok", GOOD, 1)

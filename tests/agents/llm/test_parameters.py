"""Parameters that a server refuses are found out, and keys say what was really sent."""

import asyncio
import json
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from investorbench.agents.llm import Cache, CacheMissError, Endpoints, RequestRefusedError
from investorbench.agents.llm.answer import RUNGS
from investorbench.agents.llm.parameters import refused
from investorbench.agents.llm.recorded import RecordedAnswers
from investorbench.agents.llm.request import Request
from tests.agents.llm.asking import GOOD, GOOD_TEXT, MESSAGES, SCHEMA, ask, client, model
from tests.agents.llm.stub_server import Reply, StubServer

ALL = {
    "sampling": {"temperature": 0.6, "top_p": 0.9, "reasoning_effort": "high"},
    "accepts": {"reasoning_effort": ["high"]},
}
NAMES = ("temperature", "top_p", "seed", "reasoning_effort", "max_tokens", "system")


def openai(message: str, param: str | None = None) -> str:
    return json.dumps({"error": {"message": message, "param": param, "code": None}})


def mistral(name: str) -> str:
    found = {"type": "extra_forbidden", "loc": ["body", name], "input": 0.6}
    return json.dumps({"detail": [{**found, "msg": "Extra inputs are not permitted"}]})


REFUSALS = [
    ("temperature", openai("Unsupported value: 'temperature' does not support 0.6 with this model. "
                           "Only the default (1) value is supported.", "temperature")),
    ("temperature", openai("`temperature` is deprecated for this model.")),
    ("temperature", openai("`temperature` may only be set to 1 when thinking is enabled.")),
    ("top_p", openai("`temperature` and `top_p` cannot both be specified for this model.")),
    ("top_p", openai("Unsupported parameter: 'top_p' is not supported with this model.", "top_p")),
    ("seed", mistral("seed")),
    ("seed", '[{"error": {"code": 400, "message": "Invalid JSON payload received. Unknown name '
             '\\"seed\\": Cannot find field.", "status": "INVALID_ARGUMENT"}}]'),
    ("reasoning_effort", openai("Unrecognized request argument supplied: reasoning_effort")),
    ("reasoning_effort", openai("Unsupported parameter: 'reasoning.effort' is not supported with "
                                "this model.", "reasoning.effort")),
    ("max_tokens", openai("Unsupported parameter: 'max_tokens' is not supported with this model. "
                          "Use 'max_completion_tokens' instead.", "max_tokens")),
    ("system_role", openai("Unsupported value: 'messages[0].role' does not support 'system' with "
                           "this model.", "messages[0].role")),
    ("system_role", '{"object": "error", "message": "System role not supported"}'),
    ("system_role", openai("Developer instruction is not enabled for models/gemma-3-27b-it")),
    ("system_role", openai("Conversation roles must alternate user/assistant/user/assistant/...")),
]  # fmt: skip
OTHERS = [
    openai("max_tokens is too large: 9000. This model supports at most 4096 completion tokens"),
    openai("Invalid schema for response_format: in 'temperature', 'minimum' is not permitted"),
    openai("'minimum' is not permitted in properties of temperature", "response_format"),
    openai("temperature must be between 0 and 2"),
    openai("Function tools with reasoning_effort are not supported for gpt-5.6-sol in "
           "/v1/chat/completions. To use function tools, use /v1/responses or set "
           "reasoning_effort to 'none'.", "reasoning_effort"),
    openai("The model `gpt-5` does not exist"),
    mistral("structured_outputs"),
    "<html>Bad request</html>",
]  # fmt: skip


def request(**settings: Any) -> Request:
    return Request(
        model=model(**(ALL | settings)), messages=tuple(MESSAGES), schema=SCHEMA,
        rung="json_schema", seed=7, repeat=0, max_tokens=100,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "reply"), REFUSALS)
def test_servers_name_what_they_refuse_in_many_ways(name: str, reply: str) -> None:
    assert refused(request(), 400, reply) == name
    assert refused(request(), 500, reply) is None


@pytest.mark.parametrize("reply", OTHERS)
def test_other_errors_name_no_parameter_that_could_be_left_out(reply: str) -> None:
    assert refused(request(), 400, reply) is None


def strict(refuses: frozenset[str]) -> Any:
    """A server that refuses these parameters, the first that it meets."""

    def answer(body: dict[str, Any]) -> str | Reply:
        for name in sorted(refuses):
            by_role = name == "system" and body["messages"][0]["role"] == "system"
            if name in body or by_role:
                role = openai("'system' role is not supported", "messages[0].role")
                error = role if by_role else openai(f"Unsupported parameter: '{name}'", name)
                return Reply(status=400, error=error)
        return GOOD_TEXT

    return answer


@settings(max_examples=20, deadline=None)
@given(refuses=some.frozensets(some.sampled_from(NAMES)))
def test_what_is_refused_is_left_out_and_an_answer_is_found_again(refuses: frozenset[str]) -> None:
    # Without a temperature there is no top_p.
    lost = len(refuses - ({"top_p"} if "temperature" in refuses else set()))
    with tempfile.TemporaryDirectory() as folder, StubServer(strict(refuses)) as server:
        path = Path(folder, "answers.sqlite")
        with Cache(path) as cache:
            asking = client(server.url, ALL, cache=cache)
            answer = ask(asking, seed=7)
            assert answer.value == GOOD and answer.attempts == lost + 1
            assert ask(asking, seed=8).attempts == 1  # it is known from then on
            assert asking.ladder.evidence == [] and len(asking.taken.evidence) == lost
            calls = server.calls
            resumed = ask(client(server.url, ALL, cache=cache), seed=7)
            assert resumed.cached and server.calls == calls
        with Cache(path, "replay_only") as cache:
            replayed = ask(client(server.url, ALL, cache=cache), seed=7)
        assert replayed.value == GOOD and replayed.request_hash == answer.request_hash
        sent = set(server.requests[-1])
        assert not refuses & sent
        assert ("max_completion_tokens" in sent) == ("max_tokens" in refuses)
        recorded = {**asdict(answer), "tokens": asdict(answer.usage)}
        checked = asyncio.run(
            RecordedAnswers(model(**ALL), [recorded]).decide(MESSAGES, SCHEMA, seed=7)
        )
        assert checked.request_hash == answer.request_hash


def test_the_key_of_what_was_left_out_is_that_of_a_model_that_does_not_take_it(
    tmp_path: Path,
) -> None:
    with StubServer(strict(frozenset({"temperature", "system"}))) as server:
        found = ask(client(server.url, {}), seed=7)
        plain = {"accepts": {"temperature": False, "system_role": None}}
        assert ask(client(server.url, plain), seed=7).request_hash == found.request_hash
        assert server.calls == 4


def test_what_is_refused_is_known_for_a_model_at_an_address_and_for_no_other() -> None:
    endpoints = Endpoints()
    with StubServer(strict(frozenset({"seed"}))) as server, StubServer(GOOD_TEXT) as other:
        ask(client(server.url, endpoints=endpoints), seed=7)
        ask(client(server.url, endpoints=endpoints), seed=7)
        assert server.calls == 3
        ask(client(server.url, {"id": "another"}, endpoints=endpoints), seed=7)
        ask(client(other.url, endpoints=endpoints), seed=7)
        assert server.calls == 5 and other.requests[0]["seed"] == 7


def test_many_calls_in_flight_leave_a_refused_parameter_out_once() -> None:
    async def ask_many(asking: Any) -> list[Any]:
        calls = (asking.decide(MESSAGES, SCHEMA, repeat=n) for n in range(16))
        return await asyncio.gather(*calls)

    with StubServer(strict(frozenset({"system", "max_tokens"}))) as server:
        asking = client(server.url, {"accepts": {"system_role": "developer"}})
        answers = asyncio.run(ask_many(asking))
        assert all(answer.value == GOOD for answer in answers)
    assert [each.split(":")[0] for each in asking.taken.evidence] == ["max_tokens"]


def test_a_server_that_takes_no_name_of_a_limit_refuses_the_request() -> None:
    refuses = frozenset({"max_tokens", "max_completion_tokens"})
    with StubServer(strict(refuses)) as server, pytest.raises(RequestRefusedError):
        ask(client(server.url))
    assert server.calls == 2


def test_all_that_a_server_may_refuse_has_its_own_key_on_every_rung() -> None:
    asked = request()
    variants = asked.variants(RUNGS, asked.model.accepts)
    assert len(variants) == 2 * 2 * 3 * len(RUNGS)  # top_p goes with temperature
    for (rung, accepts), key in zip(variants.values(), variants, strict=True):
        assert asked.on(rung, accepts).key == key
    assert next(iter(variants)) == asked.key


@pytest.mark.parametrize(
    "server",
    [{"dtype": "float16"}, {"extra_args": ["--quantization", "fp8"]}, {"adapter": "./lora"}],
    ids=str,
)
def test_what_a_server_runs_with_changes_the_key_and_how_many_cards_it_has_does_not(
    server: dict[str, Any],
) -> None:
    bare = request().key
    assert request(server=server).key != bare
    assert request(server={"tensor_parallel_size": 8, "max_model_len": 4096}).key == bare


@pytest.mark.parametrize("published", [{}, {"maker": "Qwen"}, {"revision": "abc"}])
def test_the_address_is_part_of_the_key_where_nothing_else_says_what_answers(
    published: dict[str, Any], tmp_path: Path
) -> None:
    plain = {"licence": None}
    with StubServer(GOOD_TEXT) as one, StubServer(GOOD_TEXT) as other:
        with Cache(tmp_path / "answers.sqlite") as cache:
            first = ask(client(one.url, plain | published, cache=cache))
            second = ask(client(other.url, plain | published, cache=cache))
        assert second.cached == bool(published)
        assert first.address == ("" if published else one.url)
        with Cache(tmp_path / "answers.sqlite", "replay_only") as cache:
            assert ask(client(one.url, plain | published, cache=cache)).cached
            if not published:
                with pytest.raises(CacheMissError, match="base_url"):
                    ask(client("http://127.0.0.1:9/v1", plain, cache=cache))
    recorded = {**asdict(first), "tokens": asdict(first.usage)}
    own = RecordedAnswers(model(**plain, **published), [recorded])
    assert asyncio.run(own.decide(MESSAGES, SCHEMA)).request_hash == first.request_hash


def test_no_two_settings_share_a_key() -> None:
    keys = {
        request(sampling={"temperature": warm, "top_p": top}, accepts={"temperature": takes}).key
        for warm, top, takes in product((None, 0.6, 1.0), (None, 0.9), (True, False))
    }
    assert len(keys) == 3 * 2  # without temperature there is no top_p

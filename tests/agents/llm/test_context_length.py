"""A request that is longer than the model takes has an error of its own."""

import json
from typing import Any

import pytest

from investorbench.agents.llm import ContextLengthError, ServerError
from investorbench.agents.llm.error_replies import too_long
from tests.agents.llm.asking import GOOD_TEXT, ask, client
from tests.agents.llm.stub_server import Reply, StubServer


def openai(message: str, **more: Any) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}})


def vllm(message: str) -> str:
    return json.dumps({"object": "error", "message": message, "type": "BadRequestError"})


MAXIMUM = "This model's maximum context length is {} tokens. "
REPLIES: list[tuple[str, int, str, tuple[int | None, int | None]]] = [
    (
        "openai",
        400,
        openai(
            MAXIMUM.format(8192) + "However, your messages resulted in 10018 tokens. Please reduce "
            "the length of the messages.",
            param="messages",
            code="context_length_exceeded",
        ),
        (8192, 10018),
    ),
    (
        "openai with completion",
        400,
        openai(
            MAXIMUM.format(8192) + "However, you requested 9000 tokens (8000 in the messages, 1000 "
            "in the completion). Please reduce the length of the messages or completion.",
            code="context_length_exceeded",
        ),
        (8192, 8000),
    ),
    (
        "openai, gpt-5",
        400,
        openai(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in "
            "300011 tokens. Please reduce the length of the messages.",
            code="context_length_exceeded",
        ),
        (272000, 300011),
    ),
    (
        "openai, without numbers",
        400,
        openai("Your input exceeds the context window of this model. Please adjust your input."),
        (None, None),
    ),
    (
        "openai, more than a minute may hold",
        429,
        openai(
            "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit "
            "30000, Requested 41000. The input or output tokens must be reduced.",
            code="rate_limit_exceeded",
        ),
        (30000, None),
    ),
    (
        "vllm 0.6",
        400,
        vllm(
            MAXIMUM.format(4096) + "However, you requested 5024 tokens (4000 in the messages, 1024 "
            "in the completion). Please reduce the length of the messages or completion."
        ),
        (4096, 4000),
    ),
    (
        "vllm 0.8, prompt alone",
        400,
        vllm(
            MAXIMUM.format(4096) + "However, you requested 5000 tokens in the messages, Please "
            "reduce the length of the messages."
        ),
        (4096, 5000),
    ),
    (
        "vllm 0.9",
        400,
        vllm(
            "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum "
            "context length is 4096 tokens and your request has 3900 input tokens (1024 > 4096 - "
            "3900)."
        ),
        (4096, 3900),
    ),
    (
        "vllm 0.12",
        400,
        openai(
            MAXIMUM.format(8192) + "However, you requested 4096 output tokens and your prompt "
            "contains at least 4097 input tokens, for a total of at least 8193 tokens. Please "
            "reduce the length of the input prompt or the number of requested output tokens.",
            param="input_tokens",
        ),
        (8192, 4097),
    ),
    (
        "vllm V1",
        400,
        vllm(
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096. "
            "Make sure that `max_model_len` is no smaller than the number of text tokens."
        ),
        (4096, 5000),
    ),
    ("vllm, negative", 400, vllm("max_tokens must be at least 1, got -904."), (None, None)),
    (
        "sglang",
        400,
        vllm("The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
        (4096, 5000),
    ),
    (
        "sglang with completion",
        400,
        vllm(
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You "
            "requested a total of 5000 tokens: 4000 tokens from the input messages and 1000 tokens "
            "for the completion. Please reduce the number of tokens in the input messages."
        ),
        (4096, 4000),
    ),
    (
        "anthropic",
        400,
        json.dumps(
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 208310 tokens > 200000 maximum",
                },
            }
        ),
        (200000, 208310),
    ),
    (
        "anthropic with max_tokens",
        400,
        openai(
            "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease "
            "input length or `max_tokens` and try again"
        ),
        (200000, 199000),
    ),
    (
        "openrouter",
        400,
        json.dumps(
            {
                "error": {
                    "message": "This endpoint's maximum context length is 32768 tokens. However, "
                    "you requested about 40000 tokens (39000 of text input, 1000 in the output). "
                    'Please reduce the length of either one, or use the "middle-out" transform.',
                    "code": 400,
                }
            }
        ),
        (32768, 39000),
    ),
    (
        "openrouter around another",
        400,
        json.dumps(
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 400,
                    "metadata": {
                        "raw": openai(MAXIMUM.format("65,536") + "However, you requested more."),
                        "provider_name": "X",
                    },
                }
            }
        ),
        (65536, None),
    ),
    (
        "gemini",
        400,
        json.dumps(
            [
                {
                    "error": {
                        "code": 400,
                        "message": "The input token count (1100000) exceeds the maximum number of "
                        "tokens allowed (1048576).",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ]
        ),
        (1048576, 1100000),
    ),
    (
        "gemini on vertex",
        400,
        openai(
            "Unable to submit request because the input token count is 40000 but model only "
            "supports up to 32768. Reduce the input token count and try again."
        ),
        (32768, 40000),
    ),
    (
        "deepseek",
        400,
        openai(
            MAXIMUM.format(65536) + "However, you requested 70000 tokens (66000 in the messages, "
            "4000 in the completion). Please reduce the length of the messages or completion.",
            code="invalid_request_error",
        ),
        (65536, 66000),
    ),
    (
        "llama.cpp",
        400,
        json.dumps(
            {
                "error": {
                    "code": 400,
                    "message": "request (5000 tokens) exceeds the available context size (4096 "
                    "tokens), try increasing it",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 5000,
                    "n_ctx": 4096,
                }
            }
        ),
        (4096, 5000),
    ),
    (
        "llama.cpp, older",
        500,
        json.dumps(
            {
                "error": {
                    "code": 500,
                    "message": "the request exceeds the available context size. try increasing "
                    "the context size or enable context shift",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 1407,
                    "n_ctx": 256,
                }
            }
        ),
        (256, 1407),
    ),
    ("llama.cpp, late", 500, openai("Context size has been exceeded."), (None, None)),
    (
        "ollama",
        400,
        '{"error": "prompt too long; exceeded max context length by 130 tokens"}',
        (None, None),
    ),
    (
        "ollama, without truncation",
        400,
        '{"error": "the input length exceeds the context length"}',
        (None, None),
    ),
    (
        "mistral",
        400,
        openai(
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"
        ),
        (32768, 40000),
    ),
    (
        "xai",
        400,
        '{"code": "Client specified an invalid argument", "error": "This model\'s maximum prompt '
        'length is 131072 but the request contains 537812 tokens."}',
        (131072, 537812),
    ),
    (
        "moonshot",
        400,
        openai("Your request exceeded model token limit: 8192 (requested: 9000)"),
        (8192, 9000),
    ),
    ("qwen", 400, openai("Range of input length should be [1, 129024]"), (129024, None)),
    (
        "zhipu",
        400,
        '{"error": {"code": "1261", "message": "Prompt exceeds max length"}}',
        (None, None),
    ),
    (
        "tgi",
        422,
        '{"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. '
        'Given: 5000 `inputs` tokens and 512 `max_new_tokens`", "error_type": "validation"}',
        (4097, 5000),
    ),
    ("nginx", 413, "<html><h1>413 Request Entity Too Large</h1></html>", (None, None)),
]
OTHERS = [
    (400, openai("Invalid schema for response_format 'decision': schema must be an object")),
    (400, openai("Unsupported value: 'temperature' does not support 0.6", param="temperature")),
    (
        400,
        openai("max_tokens is too large: 9000. This model supports at most 4096 completion tokens"),
    ),
    (
        429,
        openai("Rate limit reached on tokens per min (TPM): Limit 9000, Used 8000, Requested 2000"),
    ),
    (429, openai("Too many tokens, please wait before trying again.")),
    (
        422,  # an echo of the prompt, in which a text of the market says it
        json.dumps(
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "structured_outputs"],
                        "msg": "Extra inputs are not permitted",
                        "input": MAXIMUM.format(10),
                    }
                ]
            }
        ),
    ),
    (
        400,
        vllm("[{'msg': 'Extra inputs are not permitted', 'input': '" + MAXIMUM.format(10) + "'}]"),
    ),
    (500, "Internal Server Error"),
    (502, "<html>Bad Gateway</html>"),
    (400, "[" * 100_000),
    (400, '{"error":' * 900 + '"' + MAXIMUM.format(10) + '"' + "}" * 900),
]


@pytest.mark.parametrize(
    ("status", "reply", "numbers"), [r[1:] for r in REPLIES], ids=[r[0] for r in REPLIES]
)
def test_servers_say_in_many_words_that_a_request_is_too_long(
    status: int, reply: str, numbers: tuple[int | None, int | None]
) -> None:
    assert too_long(status, reply) == numbers


@pytest.mark.parametrize(("status", "reply"), OTHERS, ids=lambda value: str(value)[:40])
def test_other_errors_say_no_such_thing(status: int, reply: str) -> None:
    assert too_long(status, reply) is None


@pytest.mark.parametrize(
    ("status", "reply"), [r[1:3] for r in REPLIES], ids=[r[0] for r in REPLIES]
)
def test_a_request_that_is_too_long_is_sent_once_and_moves_no_rung(status: int, reply: str) -> None:
    with StubServer([Reply(status=status, error=reply), GOOD_TEXT]) as server:
        asking = client(server.url)
        with pytest.raises(ContextLengthError, match="too long for the model") as caught:
            ask(asking)
        assert server.calls == 1 and asking.ladder.evidence == []
        assert (caught.value.limit_tokens, caught.value.prompt_tokens) == too_long(status, reply)
        assert isinstance(caught.value, ServerError)
        assert ask(asking).status == "ok"


def test_what_a_model_wrote_is_no_error_of_the_server() -> None:
    words = "prompt is too long: 9 tokens > 4 maximum"
    with StubServer([Reply(text=words, finish_reason="abort"), GOOD_TEXT]) as server:
        answer = ask(client(server.url))
    assert (answer.status, answer.attempts) == ("ok", 2)


def test_an_error_in_a_reply_of_status_200_is_one() -> None:
    error = {"message": MAXIMUM.format(10), "code": 400}
    with StubServer(Reply(raw=json.dumps({"error": error}))) as server:
        with pytest.raises(ContextLengthError):
            ask(client(server.url))
        assert server.calls == 1
    busy = Reply(raw=json.dumps({"error": {"message": "busy", "code": 429}}))
    endless = Reply(raw='{"error": {"message": "?", "code": 1e999}}')
    with StubServer([endless, GOOD_TEXT]) as server:
        assert ask(client(server.url)).attempts == 2
    with StubServer([busy] * 5 + [Reply(text=GOOD_TEXT)]) as server:
        assert ask(client(server.url)).attempts == 6  # and three attempts may cost money

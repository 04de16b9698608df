"""The server that tests count tokens with is itself right."""

import pytest

from investorbench.agents.llm import ContextLengthError
from tests.agents.llm.asking import MESSAGES, ask, client
from tests.agents.llm.counting_server import CountingModel, Style, tokens_of
from tests.agents.llm.stub_server import StubServer


def test_tokens_are_pieces_of_words_digits_and_signs() -> None:
    assert tokens_of("Shareholders paid 12.5 %") == [
        "Shareh", "olders", "paid", "1", "2", ".", "5", "%",
    ]  # fmt: skip


@pytest.mark.parametrize("style", ["vllm", "openai"])
def test_it_takes_as_much_as_its_context_and_not_a_token_more(style: Style) -> None:
    with StubServer(model := CountingModel(10_000, style)) as server:
        ask(client(server.url))
    (prompt,) = model.prompts
    for context, fits in ((prompt + 1024, True), (prompt + 1023, False)):
        with StubServer(CountingModel(context, style)) as server:
            asking = client(server.url)
            if fits:
                assert ask(asking).usage.input == prompt
                continue
            with pytest.raises(ContextLengthError) as caught:
                ask(asking)
            assert (caught.value.limit_tokens, caught.value.prompt_tokens) == (context, prompt)


def test_it_caches_what_prompts_have_in_common_from_the_start() -> None:
    import asyncio

    def asked(*words: str) -> list[dict[str, str]]:
        return [MESSAGES[0], {"role": "user", "content": " ".join(words)}]

    common = ["same"] * 1500
    with StubServer(model := CountingModel(10_000)) as server:
        asking = client(server.url)

        async def ask_on() -> None:
            for words in ([*common, "one"], [*common, "two"], ["other", *common]):
                await asking.decide(asked(*words), None)

        asyncio.run(ask_on())
    first, second, third = model.cached
    assert (first, third) == (0, 0) and 1024 <= second <= model.prompts[1]
    assert second % 128 == 0 and model.prompts[1] - second < 128 + 1

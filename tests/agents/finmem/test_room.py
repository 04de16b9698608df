"""Prompts fit the context of their model: what has no room goes in order, and is counted."""

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.asking import Answered
from investorbench.agents.finmem.question import AssetBriefing, ask
from investorbench.agents.finmem.room import OfAsset, fitted, smaller_room
from investorbench.agents.finmem.state import AgentState
from investorbench.agents.llm import (
    Answer,
    Cache,
    ContextLengthError,
    Endpoints,
    Message,
    ModelError,
    OfflineReader,
    connect,
    load_model,
    model_names,
)
from investorbench.agents.llm.recorded import RecordedAnswers
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks import evaluate
from investorbench_env.token_estimate import estimate
from tests.agents.finmem.episodes import (
    STEPS,
    Day,
    Scripted,
    arrays,
    market,
    play,
    task_of,
    varied,
)
from tests.agents.finmem.test_filings import annual
from tests.agents.llm.asking import client
from tests.agents.llm.asking import model as model_of_stub
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.env.small_markets import document

LONG = [
    f"Session {t}: ACME reports orders of {t} million. " + f"Plant {t} ran for {t + 7} hours. " * 40
    for t in range(300)
]
"""News of 1,300 characters a day."""
Request = dict[str, Any]
PAPER = [name for name in model_names() if name.startswith("paper/")]


class Small(Scripted):
    """A scripted model with a context, which refuses nothing by itself."""

    is_language_model = True

    def __init__(self, context_length: int | None, max_tokens: int = 500) -> None:
        super().__init__(varied)
        sampling = {"max_tokens": max_tokens}
        self.model = model_of_stub(context_length=context_length, sampling=sampling)


def tokens_of(day: Day) -> int:
    question = day.thought.question
    texts = (question.system, question.user, json.dumps(question.schema, separators=(",", ":")))
    return sum(map(estimate, texts))


@pytest.mark.parametrize("context_length", [3000, 3400, 4096, 6000])
def test_prompts_fit_and_the_least_scored_memories_go_first(context_length: int) -> None:
    whole = play(FinMem(Small(200_000), arrays, filings="extracts"), task_of(market(LONG)))
    assert all(not any(day.thought.left_out) for day in whole)
    agent = FinMem(Small(context_length), arrays, filings="extracts")
    episode = play(agent, task_of(market(LONG)))
    assert all(tokens_of(day) <= context_length - 500 for day in episode)
    assert agent.counts.shortened == sum(any(day.thought.left_out) for day in episode)
    for day in episode:
        thought = day.thought
        if thought.left_out.memories and thought.recalled:
            assert thought.news.shown == thought.news.items  # headlines go last
        record = thought.record()
        assert record["left_out"]["memories"] == thought.left_out.memories
    if context_length <= 4096:
        assert agent.counts.shortened > 0 and any(day.thought.left_out.memories for day in episode)


def test_news_may_take_the_room_that_memories_leave() -> None:
    """On a first day there are none, and all of the room is for what is new."""

    def off(seed: int) -> LayeredMemory:
        return LayeredMemory("off", Arrays(), HashedNgrams(64), seed=seed)

    episode = play(FinMem(Small(3400), off, filings="extracts"), task_of(market(LONG)))
    day = episode[5].thought
    assert not day.recalled and day.news.whole == day.news.items == 1


def test_of_the_memories_those_with_the_highest_scores_are_left() -> None:
    class Watched(FinMem):
        async def _ask(self, state: AgentState, day: AssetBriefing) -> Answered:
            days.append((state.system, state.schema, day))
            return await super()._ask(state, day)

    days: list[tuple[str, dict[str, Any], AssetBriefing]] = []
    play(Watched(Small(200_000), arrays, filings="extracts"), task_of(market(LONG)))
    kept = set()
    for system, schema, day in days:
        for room in (2600, 3200, 3800, 4400):
            found = fitted(
                lambda shown, lesson: ask(system, schema, replace(day, lesson=lesson), *shown[0]),  # noqa: B023
                [OfAsset(day.memories, day.news)],
                day.lesson,
                news_tokens=500, room=room, counter=estimate, model="m", agent="FinMem",
            )  # fmt: skip
            left = {memory.id: memory.score for memory in found.excerpts[0].memories}
            gone = [memory.score for memory in day.memories if memory.id not in left]
            assert found.left_out.memories == len(gone)
            assert not left or not gone or max(gone) <= min(left.values())
            assert found.question.tokens(estimate) <= room
            kept.add(len(left))
    assert len(kept) > 5


@settings(max_examples=20, deadline=None)
@given(context_length=st.integers(2300, 2900), words=st.sampled_from(["", "ok ", "lesson 我们 "]))
def test_a_context_is_refused_before_the_first_call_or_never(
    context_length: int, words: str
) -> None:
    """Summaries of filings count as calls; what the model concludes may be of any length."""

    def say(messages: Sequence[Message], schema: dict[str, Any]) -> dict[str, Any]:
        value = varied(messages, schema)
        return value | {"reflection": words * 400} if value.get("reflection") else value

    model = Small(context_length)
    model.say = say
    documents = [document(50.5, annual(), "10-K")]
    documents += [document(t + 0.5, text) for t, text in enumerate(LONG)]
    agent = FinMem(model, arrays, document_chars=1000)
    try:
        episode = play(agent, task_of(market(documents=documents)))
    except ModelError:
        assert not model.asked
    else:
        assert all(tokens_of(day) <= context_length - 500 for day in episode)


def test_a_model_without_a_known_context_is_asked_for_it_or_refused() -> None:
    def answer(request: Request) -> str:
        return json.dumps(varied(request["messages"], schema_of(request)))

    with StubServer(answer) as server:
        agent = FinMem(client(server.url), arrays, filings="extracts")
        play(agent, task_of(market()))
        assert agent.describe()["context_length"] == server.context_length
    with StubServer(models=("another",)) as server:
        agent = FinMem(client(server.url), arrays, filings="extracts")
        with pytest.raises(ModelError, match=r"is not known, and its server does not list it"):
            play(agent, task_of(market()))
        assert not server.requests


class Strict(Small):
    """A model whose server counts more tokens than we think, and says so or not."""

    def __init__(self, limit: int, factor: float, numbers: bool) -> None:
        super().__init__(limit)
        self.limit, self.factor, self.numbers, self.refused = limit, factor, numbers, 0

    async def decide(self, messages: Any, schema: Any, **options: Any) -> Answer:
        prompt = int(self.factor * sum(estimate(message["content"]) for message in messages))
        if prompt + 500 > self.limit:
            self.refused += 1
            shown = (self.limit, prompt) if self.numbers else (None, None)
            raise ContextLengthError("http://server", "small", *shown)
        return await super().decide(messages, schema, **options)


@pytest.mark.parametrize("numbers", [True, False])
def test_after_a_context_error_less_is_asked_and_the_next_prompts_fit(numbers: bool) -> None:
    model = Strict(5000, 1.6, numbers)
    agent = FinMem(model, arrays, filings="extracts")
    episode = play(agent, task_of(market(LONG)))
    assert len(episode) == sum(STEPS.values())
    assert agent.counts.asked_again == model.refused == sum(len(d.thought.refused) for d in episode)
    assert 1 <= model.refused <= 4  # what was learned is kept
    assert agent.counts.invalid == 0


def test_the_next_question_is_smaller_whatever_a_server_says() -> None:
    for limit, prompt in [(None, None), (4096, 5000), (4096, 4000), (100, 5000), (9000, 10)]:
        error = ContextLengthError("http://server", "m", limit, prompt)
        assert 0 <= smaller_room(3000, 512, error) < 3000
    assert smaller_room(3000, 1000, ContextLengthError("", "m", 4096, 6192)) == 1425  # ·.5·.95


def enforcing(limit: int, max_name: str) -> Callable[[Request], Reply]:
    """A server that takes a token for four bytes, and refuses what is too long as OpenAI does."""

    def answer(request: Request) -> Reply:
        texts = (message["content"] for message in request["messages"])
        prompt = sum(len(text.encode()) for text in texts) // 4
        answer = request[max_name]
        if prompt + answer > limit:
            words = (
                f"This model's maximum context length is {limit} tokens. However, you requested "
                f"{prompt + answer} tokens ({prompt} in the messages, {answer} in the completion). "
                "Please reduce the length of the messages or completion."
            )
            error = {"message": words, "type": "invalid_request_error", "code": None}
            return Reply(status=400, error=json.dumps({"error": error}))
        return Reply(text=json.dumps(varied(request["messages"], schema_of(request))))

    return answer


@contextlib.contextmanager
def connected(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, StubServer]]:
    """One of the models, and a server that holds to its context."""
    settings = load_model(name)
    if settings.key_env:
        monkeypatch.setenv(settings.key_env, "a-key-of-nobody-0123")
    assert settings.context_length is not None
    with StubServer(enforcing(settings.context_length, settings.accepts.max_tokens)) as server:
        yield connect(settings, base_url=server.url, endpoints=Endpoints()), server


@pytest.mark.parametrize("name", ["paper/deepseek-67b", "paper/gpt-4", "paper/o1-preview"])
def test_models_with_short_and_long_contexts_finish(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(name, monkeypatch) as (model, server):
        agent = FinMem(model, arrays, filings="extracts")
        play(agent, task_of(market(LONG)))
    assert len(server.requests) == agent.counts.decisions == sum(STEPS.values())
    assert agent.counts.invalid == agent.counts.asked_again == 0


@pytest.mark.long
@pytest.mark.parametrize("name", PAPER)
def test_all_models_of_the_paper_finish_msft(
    name: str, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    steps: list[Any] = []
    with connected(name, monkeypatch) as (model, server):
        agent = FinMem(model, arrays, filings="extracts")
        evaluate(agent, "stock/msft", data=str(data_folder), watch=steps.append)
    thoughts = [step.thought for step in steps]
    assert len(server.requests) == len(thoughts) == 212
    assert all(each["decision"]["valid"] and not each["refused"] for each in thoughts)
    schemas = {json.dumps(each["question"]["schema"], sort_keys=True) for each in thoughts}
    assert len(schemas) == 1


def test_the_offline_reader_has_no_limit() -> None:
    reader = OfflineReader(load_model("offline"))
    agent = FinMem(reader, arrays)
    play(agent, task_of(market(LONG)))
    assert agent.describe()["context_length"] is None and not agent.counts.shortened


def test_a_repair_turn_without_room_leaves_the_answer_unusable() -> None:
    """A first reply is no JSON, and the question about it is too long."""

    def answer(request: Request) -> Reply:
        if len(request["messages"]) > 2:
            error = {"message": "This model's maximum context length is 4096 tokens."}
            return Reply(status=400, error=json.dumps({"error": error}))
        return Reply(text="There is no JSON in here at all.")

    messages = [{"role": "system", "content": "You trade."}, {"role": "user", "content": "Now?"}]
    schema = {
        "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": False,
    }  # fmt: skip
    with StubServer(answer) as server:
        found = asyncio.run(client(server.url).decide(messages, schema))
    assert (found.status, found.value, found.attempts) == ("invalid", None, 2)
    assert re.search("JSON", found.text)


def test_a_replay_asks_for_less_where_the_run_did_and_needs_no_server(tmp_path: Path) -> None:
    """Its server takes less than it says; lengths and refusals are kept like answers."""
    strict = enforcing(2600, "max_tokens")
    found = []
    with StubServer(strict, context_length=6000) as server:
        for mode in ("read_write", "replay_only"):
            asked = len(server.requests)
            with Cache(tmp_path / "answers.sqlite", mode) as cache:
                agent = FinMem(client(server.url, cache=cache), arrays, filings="extracts")
                episode = play(agent, task_of(market(LONG)))
            found.append(
                [(day.action, day.thought.question, day.thought.refused) for day in episode]
            )
            assert agent.counts.asked_again >= 1 and agent.describe()["context_length"] == 6000
    assert asked == len(server.requests) and found[0] == found[1]


def test_what_a_server_refused_is_refused_when_a_record_is_run_again() -> None:
    messages = [{"role": "user", "content": "What now? " * 2000}]
    with StubServer(enforcing(2600, "max_tokens")) as server:
        asked = client(server.url)
        with pytest.raises(ContextLengthError) as refused:
            asyncio.run(asked.decide(messages, None))
        key = refused.value.request_hash
        left = [{"address": "" if asked.model.is_published else refused.value.address}]
        recorded = RecordedAnswers(asked.model, left, {key: (2600, 5000)})
        with pytest.raises(ContextLengthError) as again:
            asyncio.run(recorded.decide(messages, None))
    assert (again.value.limit_tokens, again.value.prompt_tokens) == (2600, 5000)

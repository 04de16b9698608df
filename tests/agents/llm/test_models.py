import os
from datetime import date
from typing import Any, get_args

import pytest

from investorbench.agents.llm import (
    Client,
    ModelError,
    OfflineReader,
    connect,
    load_model,
    model_names,
    model_of,
)
from investorbench.agents.llm.connect import DIALECTS
from investorbench.agents.llm.model_names import full_name, short_names
from investorbench.agents.llm.models import ProviderName
from investorbench.agents.llm.providers import anthropic_messages, openai_chat
from investorbench.agents.llm.request import Request
from tests.agents.llm.asking import MESSAGES, SCHEMA

PAPER = {
    "gpt-4": "gpt-4-0613",
    "gpt-4o": "gpt-4o-2024-08-06",
    "o1-preview": "o1-preview-2024-09-12",
    "palmyra-fin-70b": "Writer/Palmyra-Fin-70B-32K",
    "qwen2.5-7b": "Qwen/Qwen2.5-7B-Instruct",
    "qwen2.5-32b": "Qwen/Qwen2.5-32B-Instruct",
    "qwen2.5-72b": "Qwen/Qwen2.5-72B-Instruct",
    "llama-3.1-8b": "meta-llama/Meta-Llama-3.1-8B-Instruct",
    "llama-3.1-70b": "meta-llama/Meta-Llama-3.1-70B-Instruct",
    "deepseek-v2-lite": "deepseek-ai/DeepSeek-V2-Lite-Chat",
    "deepseek-67b": "deepseek-ai/deepseek-llm-67b-chat",
    "yi-1.5-9b": "01-ai/Yi-1.5-9B-Chat-16K",
    "yi-1.5-34b": "01-ai/Yi-1.5-34B-Chat-16K",
}
ARENA = "gpt-5 gemini-2.5-pro grok-4 claude-sonnet-4.5 deepseek-v3.1 qwen3-max".split()
MAKERS = {
    "openai", "anthropic", "google", "xai", "deepseek", "qwen", "moonshot", "zhipu", "meta",
    "mistral",
}  # fmt: skip
OF_ANY_ID = {"local": {"base_url": "http://127.0.0.1:1/v1"}, "openrouter": {}, "gemini": {}}
COMPLETE = [name for name in model_names() if name not in OF_ANY_ID]


def test_the_thirteen_models_of_the_paper_are_there() -> None:
    of_the_paper = [name for name in model_names() if name.startswith("paper/")]
    assert {load_model(name).name: load_model(name).id for name in of_the_paper} == PAPER


def test_the_others_stand_by_maker_and_what_has_no_id_of_its_own_by_itself() -> None:
    folders = {name.rpartition("/")[0] for name in model_names()}
    assert folders == {"", "paper", *MAKERS}
    alone = {name for name in model_names() if "/" not in name}
    assert alone == {"offline", *OF_ANY_ID}


def test_the_six_models_of_the_arena_are_there() -> None:
    assert [load_model(name).name for name in ARENA] == ARENA


def test_every_model_says_what_it_takes_costs_and_needs() -> None:
    for name in COMPLETE:
        model = load_model(name)
        assert model.name == name.rpartition("/")[2]
        assert model.accepts.rungs[-1] == "text", name
        assert (model.sampling.temperature == 0.6) == (model.accepts.temperature), name
        if model.provider == "offline":
            continue
        assert model.maker and (model.knowledge_cutoff or model.released), name
        assert model.context_length and model.sampling.max_tokens <= model.context_length // 4, name
        if model.provider == "vllm":
            assert model.server and model.server.max_model_len == model.context_length, name
            assert model.price is None and model.licence and model.key_env is None, name
        else:
            assert model.price and model.price.as_of and model.key_env, name
            assert date.fromisoformat(model.price.as_of) <= date(2026, 11, 28), name


@pytest.mark.parametrize("name", OF_ANY_ID)
def test_a_model_of_any_id_is_what_its_user_says(name: str) -> None:
    with pytest.raises(ModelError, match=r"needs id: give model\.id="):
        load_model(name)
    model = load_model(name, {"id": "mine", **OF_ANY_ID[name]})
    assert (model.id, model.name, model.price) == ("mine", name, None)


def test_a_name_without_its_maker_is_enough_where_one_model_has_it() -> None:
    assert load_model("gpt-5") == load_model("openai/gpt-5")
    last = [name.rpartition("/")[2] for name in model_names()]
    assert len(set(last)) == len(last)
    known = ["a/one", "b/one", "b/two", "two"]
    assert [full_name(name, known) for name in ("b/one", "two", "three")] == ["b/one", "two", None]
    with pytest.raises(ModelError, match="model=one may be a/one or b/one"):
        full_name("one", known)
    assert short_names(known) == ["a/one", "b/one", "b/two", "two"]
    assert short_names(["a/one", "b/two"]) == ["one", "two"]


def test_every_model_connects_and_makes_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in COMPLETE:
        model = load_model(name)
        if model.key_env:
            monkeypatch.setitem(os.environ, model.key_env, "a-key")
        connected = connect(model)
        assert isinstance(connected, Client if model.is_language_model else OfflineReader), name
        assert connected.name == model.name
        claude = model.provider == "anthropic"
        body_of = anthropic_messages.body_of if claude else openai_chat.body_of
        for rung in model.accepts.rungs:
            request = Request(
                model=model, messages=tuple(MESSAGES), schema=SCHEMA, rung=rung,
                seed=1, repeat=0, max_tokens=9,
            )  # fmt: skip
            body = body_of(request)
            assert ("temperature" in body) == model.accepts.temperature, name
            assert ("seed" in body) == (model.accepts.seed and not claude), name


def test_the_local_model_asks_for_what_it_needs() -> None:
    with pytest.raises(ModelError, match=r"needs id: give model\.id="):
        load_model("local")
    with pytest.raises(ModelError, match="base_url"):
        load_model("local", {"id": "mine"})
    assert load_model("local", {"id": "mine", "base_url": "http://127.0.0.1:1/v1"}).id == "mine"


def test_changes_are_nested_as_the_file_is() -> None:
    model = load_model("gpt-4o", {"sampling": {"max_tokens": 5}})
    assert (model.sampling.max_tokens, model.sampling.temperature) == (5, 0.6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"provider": "cohere"}, "one of openai"),
        ({"sampling": {"max_tokens": "many"}}, "max_tokens: 'many' should be a whole number"),
        ({"sampling": {"max_tokens": True}}, "whole number"),
        ({"accepts": {"rungs": ["grammar"]}}, "json_schema"),
        ({"accepts": 3}, "table"),
        ({"sampling": {"reasoning_effort": "high"}}, "reasoning effort"),
        ({"temperature": 0.6}, "unknown setting"),
        ({"released": "2025"}, "released: '2025' should be a month or a day"),
        ({"retires": "2026-12"}, "retires: '2026-12' should be a day"),
        ({"knowledge_cutoff": "2025-02-30"}, "'2025-02-30' is no day of the calendar"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], words: str) -> None:
    plain = {"name": "x", "provider": "vllm", "id": "x"}
    with pytest.raises(ValueError if "unknown" in words or "effort" in words else ModelError) as e:
        model_of(plain | changes)
    assert words in str(e.value)


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"nearest first: qwen2\.5-7b"):
        load_model("qwen2.5-7")


def test_every_provider_but_the_offline_reader_has_a_dialect() -> None:
    assert {*get_args(ProviderName)} == {*DIALECTS, "offline"}

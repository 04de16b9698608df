"""Pictures in messages: as each protocol says them, in keys by their hash, for models with eyes."""

import asyncio
import hashlib
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.llm import ModelError, connect, load_model
from investorbench.agents.llm.answer import RUNGS
from investorbench.agents.llm.contents import by_hash, image_part, text_of, text_part
from investorbench.agents.llm.providers.anthropic_messages import ANTHROPIC
from investorbench.agents.llm.providers.openai_chat import OPENAI
from investorbench.agents.llm.request import Request
from tests.agents.llm.asking import GOOD, GOOD_TEXT, SCHEMA, client, model
from tests.agents.llm.stub_server import StubServer

SEES = {"accepts": {"images": True}}
PARTS = st.one_of(st.text(min_size=1).map(text_part), st.binary(max_size=40).map(image_part))
CONTENTS = st.one_of(st.text(), st.lists(PARTS, min_size=1, max_size=5))


def question(content: Any, **settings: Any) -> Request:
    return Request(
        model=model(**{**SEES, **settings}),
        messages=(
            {"role": "system", "content": "You trade."},
            {"role": "user", "content": content},
        ),
        schema=SCHEMA,
        rung="text",
        seed=1,
        repeat=0,
        max_tokens=100,
    )


def pictures_of(body: dict[str, Any]) -> list[bytes]:
    """The pictures in what is sent, by either protocol."""
    found = []
    for message in body["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else []:
            if part["type"] == "image_url":
                head, _, data = part["image_url"]["url"].partition(";base64,")
                assert head == "data:image/png"
                found.append(b64decode(data, validate=True))
            elif part["type"] == "image":
                assert part["source"]["type"] == "base64"
                assert part["source"]["media_type"] == "image/png"
                found.append(b64decode(part["source"]["data"], validate=True))
    return found


def texts_of(body: dict[str, Any]) -> str:
    """All text in what is sent."""
    contents = [body.get("system", ""), *(message["content"] for message in body["messages"])]
    parts = [[{"text": each}] if isinstance(each, str) else each for each in contents]
    return "\n".join(part["text"] for each in parts for part in each if "text" in part)


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
@given(content=CONTENTS, rung=st.sampled_from(RUNGS), role=st.sampled_from(["system", None]))
def test_all_parts_are_sent_in_order_and_as_they_are(
    dialect: Any, content: Any, rung: Any, role: Any
) -> None:
    asked = question(content, accepts={"images": True, "system_role": role}).on(rung)
    body = dialect.body_of(asked)
    parts = content if isinstance(content, list) else []
    given_pictures = [b64decode(part["data"]) for part in parts if part["type"] == "image"]
    assert pictures_of(body) == given_pictures
    sent, place = texts_of(body), 0
    for text in [part["text"] for part in parts if part["type"] == "text"]:
        place = sent.index(text.strip(), place)
    assert "You trade." in sent
    assert ("JSON Schema" in sent) == (rung in ("json_object", "text"))
    assert asked.messages[1]["content"] == content  # nothing of the question was changed


@given(content=CONTENTS)
def test_a_key_holds_a_picture_by_the_hash_of_its_bytes(content: Any) -> None:
    parts = content if isinstance(content, list) else []
    expected = [
        {**part, "sha256": hashlib.sha256(b64decode(part["data"])).hexdigest()} for part in parts
        if part["type"] == "image"
    ]  # fmt: skip
    for part in expected:
        del part["data"]
    held = by_hash({"role": "user", "content": content})["content"]
    assert [part for part in held if not isinstance(part, str) and part["type"] == "image"] == (
        expected if parts else []
    )
    assert question(content).key == question(content).key
    if expected:
        changed = [dict(part) for part in content]
        place = next(n for n, part in enumerate(changed) if part["type"] == "image")
        picture = b64decode(changed[place]["data"])
        changed[place]["data"] = b64encode(picture + b"\0").decode()
        assert question(changed).key != question(content).key


def test_a_plain_question_keeps_its_key_and_what_is_sent() -> None:
    plain = question("What now?")
    assert by_hash(plain.messages[1]) == {"role": "user", "content": "What now?"}
    assert OPENAI.body_of(plain)["messages"][0] == {"role": "system", "content": "You trade."}
    seeing = replace(plain, model=model())
    assert seeing.key == plain.key


def test_a_picture_is_counted_before_it_is_sent() -> None:
    picture = image_part(b"\x89PNG" * 1000)
    assert question([text_part("Look."), picture]).size_bytes > question("Look.").size_bytes + 8_000


@pytest.mark.parametrize("place", [0, 1])
def test_the_repair_turn_shows_the_picture_again(place: int) -> None:
    content = [image_part(b"chart"), text_part("What now?")]
    messages = [{"role": "user", "content": content if place else [*content[::-1]]}]
    with StubServer(["no JSON", GOOD_TEXT]) as server:
        answer = asyncio.run(client(server.url, SEES).decide(messages, SCHEMA))
    assert (answer.value, answer.status) == (GOOD, "repaired")
    assert [pictures_of(request) for request in server.requests] == [[b"chart"]] * 2


@pytest.mark.parametrize("name", ["stub", "offline"])
def test_a_picture_for_a_model_without_eyes_is_refused_unsent(name: str) -> None:
    messages = [{"role": "user", "content": [image_part(b"chart")]}]
    with StubServer(GOOD_TEXT) as server:
        blind = client(server.url) if name == "stub" else connect(load_model("offline"))
        words = "takes no images: choose a model that does"
        with pytest.raises(ModelError, match=words) as caught:
            asyncio.run(blind.decide(messages, SCHEMA))
        assert ("accepts.images=true" in str(caught.value)) == (name == "stub")
        assert server.calls == 0


def test_a_picture_among_the_instructions_is_refused() -> None:
    messages = [{"role": "system", "content": [image_part(b"chart")]}]
    with StubServer(GOOD_TEXT) as server, pytest.raises(ModelError, match="put it in the user's"):
        asyncio.run(client(server.url, SEES).decide(messages, SCHEMA))


def test_the_text_of_a_content_is_that_of_its_parts() -> None:
    assert text_of([text_part("a"), image_part(b"x"), text_part("b")]) == "a\n\nb"
    assert text_of("a") == "a"

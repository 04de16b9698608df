import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.llm import Cache, CacheError, CacheMissError, Completion, Usage
from investorbench.agents.llm.request import Request
from tests.agents.llm.asking import GOOD, GOOD_TEXT, MESSAGES, SCHEMA, ask, client, model
from tests.agents.llm.stub_server import Reply, StubServer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "answers.sqlite"


def test_an_answer_is_asked_for_once_and_its_replay_costs_nothing(path: Path) -> None:
    price = {"price": {"input": 1.0, "output": 1.0}}
    with StubServer(GOOD_TEXT) as server, Cache(path) as cache:
        first = ask(client(server.url, price, cache=cache))
        second = ask(client(server.url, price, cache=cache))
        assert server.calls == 1
    assert (first.cached, second.cached) == (False, True)
    assert second.value == first.value and second.request_hash == first.request_hash
    assert second.usage == first.usage and second.latency_s == first.latency_s
    assert first.cost_usd and (second.cost_usd, second.attempts) == (0.0, 0)


def test_a_replay_needs_no_server_and_repeats_the_repair_turn(path: Path) -> None:
    with StubServer(["{}", GOOD_TEXT]) as server, Cache(path) as cache:
        first = ask(client(server.url, cache=cache))
    with Cache(path, "replay_only") as cache:
        again = ask(client("http://127.0.0.1:9/v1", cache=cache))
    assert (again.status, again.value, again.defects) == ("repaired", GOOD, ("schema",))
    assert again.request_hash == first.request_hash and again.cached


def test_a_replay_needs_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-0123456789")
    with StubServer(GOOD_TEXT) as server, Cache(path) as cache:
        ask(client(server.url, {"key_env": "A_KEY"}, cache=cache))
    monkeypatch.delenv("A_KEY")
    with Cache(path, "replay_only") as cache:
        assert ask(client("http://127.0.0.1:9/v1", {"key_env": "A_KEY"}, cache=cache)).cached


def test_a_replay_finds_an_answer_on_the_rung_that_the_server_took(path: Path) -> None:
    with StubServer(GOOD_TEXT, rejects=("response_format",)) as server, Cache(path) as cache:
        ask(client(server.url, cache=cache))
        asked = server.calls
        resumed = ask(client(server.url, cache=cache))  # a new process knows nothing of rungs
        assert (resumed.cached, resumed.rung, server.calls) == (True, "structured_outputs", asked)


def test_a_miss_in_a_replay_is_an_error_that_names_the_key(path: Path) -> None:
    with StubServer(GOOD_TEXT) as server, Cache(path) as cache:
        ask(client(server.url, cache=cache))
    with Cache(path, "replay_only") as cache, pytest.raises(CacheMissError) as caught:
        ask(client("http://127.0.0.1:9/v1", cache=cache), repeat=1)
    assert len(caught.value.key) == 64
    assert caught.value.key in str(caught.value) and str(path) in str(caught.value)


def test_without_a_cache_every_question_is_asked() -> None:
    with StubServer(GOOD_TEXT) as server:
        asking = client(server.url)
        ask(asking), ask(asking)
        assert server.calls == 2


def request(**changes: Any) -> Request:
    settings = changes.pop("model", {})
    plain: dict[str, Any] = {
        "model": model(**settings),
        "messages": tuple(MESSAGES),
        "schema": SCHEMA,
        "rung": "json_schema",
        "seed": 1,
        "repeat": 0,
        "max_tokens": 100,
    }
    return Request(**(plain | changes))


@pytest.mark.parametrize(
    "change",
    [
        {"messages": tuple(MESSAGES[1:])},
        {"schema": SCHEMA | {"title": "x"}},
        {"rung": "tool"},
        {"seed": 2},
        {"seed": None},
        {"repeat": 1},
        {"max_tokens": 101},
        {"model": {"id": "other"}},
        {"model": {"revision": "abc"}},
        {"model": {"sampling": {"temperature": 0.7}}},
        {"model": {"sampling": {"extra": {"min_p": 0.1}}}},
        {"model": {"accepts": {"temperature": False}}},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_whatever_determines_an_answer_changes_its_key(change: dict[str, Any]) -> None:
    assert request(**change).key != request().key


def test_the_address_and_the_price_do_not_change_the_key() -> None:
    moved = {"base_url": "http://elsewhere/v1", "price": {"input": 1, "output": 2}, "name": "x"}
    assert request(model=moved).key == request().key == request().key


def test_equal_questions_in_flight_are_asked_once(path: Path) -> None:
    async def ask_eight(asking: Any) -> list[Any]:
        return await asyncio.gather(*(asking.decide(MESSAGES, SCHEMA) for _ in range(8)))

    with StubServer(GOOD_TEXT, latency_s=0.05) as server, Cache(path) as cache:
        answers = asyncio.run(ask_eight(client(server.url, cache=cache)))
        assert server.calls == 1
    assert [answer.cached for answer in answers].count(False) == 1


def test_who_waits_for_an_asker_that_is_cancelled_asks_in_its_turn(path: Path) -> None:
    async def cancel_the_first(asking: Any) -> Any:
        first = asyncio.create_task(asking.decide(MESSAGES, SCHEMA))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(asking.decide(MESSAGES, SCHEMA))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    replies = [Reply(text=GOOD_TEXT, latency_s=5.0), GOOD_TEXT]
    with StubServer(replies) as server, Cache(path) as cache:
        assert asyncio.run(cancel_the_first(client(server.url, cache=cache))).value == GOOD


@pytest.mark.heavy
def test_two_processes_share_a_cache(path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from agents.llm import Cache\n"
        "from tests.agents.llm.asking import MESSAGES, SCHEMA, client\n"
        "async def main():\n"
        "    with Cache(sys.argv[2]) as cache:\n"
        "        asking = client(sys.argv[1], cache=cache)\n"
        "        many = (asking.decide(MESSAGES, SCHEMA, repeat=n) for n in range(100))\n"
        "        print(sum(answer.cached for answer in await asyncio.gather(*many)))\n"
        "asyncio.run(main())\n"
    )
    line = [sys.executable, "-W", "error", "-c", program]
    with StubServer(GOOD_TEXT) as server:
        run = [
            subprocess.Popen([*line, server.url, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
            for _ in range(2)
        ]
        outputs = [process.communicate()[0] for process in run]
        assert [process.returncode for process in run] == [0, 0]
        asked = server.calls
    replayed = sum(map(int, outputs))
    assert asked + replayed == 200 and 100 <= asked <= 200
    with Cache(path) as cache:
        assert len(cache) == 100


def test_all_who_make_a_cache_at_once_have_it(tmp_path: Path) -> None:
    many, rounds = 8, 12
    together = threading.Barrier(many)

    def make(number: int) -> list[int]:
        found = []
        for turn in range(rounds):
            together.wait(60)
            with Cache(tmp_path / f"{turn}.sqlite") as cache:
                found.append(len(cache))
        return found

    with ThreadPoolExecutor(many) as pool:
        assert [*pool.map(make, range(many))] == [[0] * rounds] * many


def test_the_first_of_two_writers_wins(path: Path) -> None:
    async def both() -> list[Completion]:
        with Cache(path) as one, Cache(path) as other:
            return [
                await one.put("key", "m", Completion(text="first", usage=Usage(input=3))),
                await other.put("key", "m", Completion(text="second")),
            ]

    assert [kept.text for kept in asyncio.run(both())] == ["first", "first"]


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("not a database, but a text that is long enough to look at" * 20)
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    for file in (text, other):
        before = file.read_bytes()
        with pytest.raises(CacheError, match=file.name):
            Cache(file)
        assert file.read_bytes() == before
    with pytest.raises(CacheError, match=r"no cache .* to replay"):
        Cache(tmp_path / "absent.sqlite", "replay_only")
    with pytest.raises(ValueError, match="replay_only"):
        Cache(tmp_path / "x.sqlite", "replay")  # type: ignore[arg-type]


def test_a_cache_keeps_what_gave_an_answer_and_reads_those_from_before_it_did(path: Path) -> None:
    with (
        StubServer(GOOD_TEXT, version="0.11.0", fingerprint="fp_1") as server,
        Cache(path) as cache,
    ):
        first, kept = (ask(client(server.url, cache=cache)) for _ in range(2))
        for answer in (first, kept):
            assert answer.system_fingerprint == "fp_1" and answer.response_id == "stub"
            assert answer.server == "vLLM 0.11.0"
        assert kept.cached and server.calls == 1
    with sqlite3.connect(path) as db:
        (text,) = db.execute("SELECT completion FROM answers").fetchone()
        older = json.loads(text)
        for name in ("system_fingerprint", "response_id", "server"):
            del older[name]
        db.execute("UPDATE answers SET completion = ?", (json.dumps(older),))
    db.close()
    with Cache(path) as cache:
        read = ask(client("http://127.0.0.1:9/v1", cache=cache))
    assert read.cached and read.value == first.value and read.model == first.model
    assert (read.system_fingerprint, read.response_id, read.server) == ("", "", "")

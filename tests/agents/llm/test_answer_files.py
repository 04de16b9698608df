"""A cache in a file a process: it answers as the shared one does, whatever others leave behind."""

import asyncio
import multiprocessing
import os
import resource
import signal
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import Cache, CacheError, Completion
from investorbench.agents.llm.answer_files import folder_of, rows_beside
from investorbench.tasks.record.answer_rows import answer_rows
from investorbench.tasks.record.kept_answers import rows_in_use

DAMAGE = (
    b"",
    b'["half',
    b"\xff\xfe\n",
    b"[1, 2, 3]\n",
    b"{}\n",
    b'["a", "b"]\n',
    b"[" * 5000 + b"\n",
)


def put(cache: Cache, key: str, text: str) -> str:
    return asyncio.run(cache.put(key, "stub", Completion(text=text))).text


def get(cache: Cache, *keys: str) -> str | None:
    found = asyncio.run(cache.get(keys))
    return None if found is None else found[1].text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "answers.sqlite"


def test_processes_see_the_answers_of_each_other_and_the_first_one_stands(path: Path) -> None:
    with Cache(path, files="each") as one, Cache(path, files="each") as other:
        assert put(one, "a", "first") == "first"
        assert put(other, "a", "second") == "first"
        assert put(other, "b", "of the other") == "of the other"
        assert (get(one, "b"), get(one, "c"), get(one, "c", "a")) == ("of the other", None, "first")
        assert len(one) == len(other) == 2
        assert {key for key, *_ in rows_beside(path)} == {"a", "b"}
        assert set(rows_in_use(path, ["b", "z"])) == {"b"}
    assert list(rows_beside(path)) == [] and not list(folder_of(path).glob("*.jsonl"))
    with Cache(path, files="one") as shared:
        assert len(shared) == 2 and get(shared, "a") == "first"


def test_a_file_in_common_holds_what_processes_left_once_none_is_left(path: Path) -> None:
    first = Cache(path, files="each")
    put(first, "a", "1")
    second = Cache(path, files="each")
    put(second, "b", "2")
    second.close()
    assert len(list(folder_of(path).glob("*.jsonl"))) == 2  # the first may be reading it
    assert [row.split('"')[1] for row in answer_rows(path)[1:]] == ["a", "b"]
    first.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("SELECT key FROM answers ORDER BY key").fetchall() == [("a",), ("b",)]
    db.close()


def test_a_shared_file_of_before_is_read_and_gone_on_with(path: Path) -> None:
    with Cache(path, files="one") as shared:
        put(shared, "a", "of before")
    with Cache(path, files="each") as each:
        assert get(each, "a") == "of before"
        assert put(each, "a", "later") == "of before"
        put(each, "b", "new")
    with Cache(path, files="one") as shared:
        assert (get(shared, "a"), get(shared, "b")) == ("of before", "new")


def test_who_wants_one_file_joins_those_that_have_one_each(path: Path) -> None:
    with Cache(path, files="each") as each:
        put(each, "a", "1")
        with Cache(path, files="one") as other:
            assert get(other, "a") == "1"
            put(other, "b", "2")
        assert get(each, "b") == "2"


@settings(max_examples=10, deadline=None)
@given(
    damage=st.lists(st.sampled_from(DAMAGE), max_size=4),
    cut=st.integers(0, 60),
    kept=st.lists(st.sampled_from("abcdef"), max_size=6),
)
def test_files_that_are_cut_off_damaged_or_gone_leave_the_rest_readable(
    damage: list[bytes], cut: int, kept: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "answers.sqlite"
        with Cache(path, files="each") as mine:
            for key in kept:
                put(mine, key, f"answer {key}")
            (whole,) = folder_of(path).glob("*.jsonl")
            lines = whole.read_bytes()
            (folder_of(path) / "other-1-00.jsonl").write_bytes(b"".join(damage))
            (folder_of(path) / "other-2-00.jsonl").write_bytes(lines[: max(len(lines) - cut, 0)])
            (folder_of(path) / "gone-1-00.jsonl").symlink_to("nowhere")
            assert len(mine) == len(set(kept))
            for key in kept:
                assert get(mine, key) == f"answer {key}"
            assert get(mine, "never asked") is None
        assert len(answer_rows(path)) - 1 == len(set(kept))


def test_an_answer_for_which_a_disk_has_no_room_takes_no_later_one_with_it(path: Path) -> None:
    with Cache(path, files="each") as mine:
        put(mine, "a", "text")
        (own,) = folder_of(path).glob("*.jsonl")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (own.stat().st_size + 100, limits[1]))
            with pytest.raises(OSError, match="too large"):
                put(mine, "b", "x" * 1000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert put(mine, "c", "later") == "later"
        assert {key for key, *_ in rows_beside(path)} == {"a", "c"}
        assert put(mine, "b", "short") == "short"
    with Cache(path, files="one") as shared:
        assert [get(shared, key) for key in "abc"] == ["text", "short", "later"]


def test_files_of_somebody_else_beside_those_of_processes_are_left_alone(path: Path) -> None:
    with Cache(path, files="each") as mine:
        theirs = folder_of(path) / "notes.jsonl"
        theirs.write_text('["a", "stub", "{}"]\nnotes\n')
        put(mine, "b", "text")
        assert get(mine, "a") is None and len(mine) == 1
    assert theirs.read_text() == '["a", "stub", "{}"]\nnotes\n'


def test_half_a_line_is_an_answer_once_the_rest_has_come(path: Path) -> None:
    with Cache(path, files="each") as mine:
        put(mine, "a", "text")
        (own,) = folder_of(path).glob("*.jsonl")
        line = own.read_bytes().replace(b'["a"', b'["b"')
        other = folder_of(path) / "other-1-00.jsonl"
        other.write_bytes(line[:20])
        assert get(mine, "b") is None
        other.write_bytes(line)
        assert get(mine, "b") == "text"


def fill(path: Path, number: int, ready: Any) -> None:
    """Keep answers until it is killed."""
    cache = Cache(path, files="each")
    for turn in range(1_000_000):
        put(cache, f"{number}-{turn}", f"answer {number}-{turn}")
        ready.put((number, turn))


def test_after_kills_every_answer_that_was_kept_is_there(path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    ready = processes.Queue()
    running = [processes.Process(target=fill, args=(path, n, ready)) for n in range(3)]
    for process in running:
        process.start()
    done = [ready.get(timeout=60) for _ in range(30)]
    for process in running:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(60)
    with Cache(path, "replay_only") as replay:
        assert all(get(replay, f"{n}-{turn}") == f"answer {n}-{turn}" for n, turn in done)
    with Cache(path, files="each") as after:  # none of them lives: their files are moved together
        assert all(get(after, f"{n}-{turn}") == f"answer {n}-{turn}" for n, turn in done)
    assert not list(folder_of(path).glob("*.jsonl"))


def test_what_is_no_cache_is_refused_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"a letter to a friend, of some length" * 40)
    before = path.read_bytes()
    with pytest.raises(CacheError, match="cannot be used as a cache"):
        Cache(path, files="each")
    assert path.read_bytes() == before

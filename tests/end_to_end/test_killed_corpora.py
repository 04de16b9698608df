"""A corpus whose build is killed again and again ends as one that was never killed, to the byte.

A build kills itself before an event that was counted, never after a time: a briefing, an answer
that is kept, a row, a synchronised file, a file that gets its name.
"""

import json
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.llm import Cache
from investorbench.scripts.main import main
from investorbench.tasks.trading_r1.corpus import building
from tests.agents.llm.stub_server import Reply, StubServer
from tests.tasks.trading_r1.corpora import bytes_in, thesis_by_chance, write_data

KILLS, BY_CHANCE, FARTHEST = 17, 11, 40
AT_THE_END = (
    ("name train.jsonl", 1),
    ("name test.jsonl", 1),
    ("parquet", 1),
    ("parquet", 2),
    ("name test.parquet", 1),
    ("name manifest.json", 1),
)
"""Kinds of events at which a build dies that has all its rows, and which of them."""
PAGE, AT_ONCE = 8, 4
ANY = "any"
SETTINGS = (
    "task=stock", "symbols=AAA", "data=data", "train=2020-03-02..2020-05-15",
    "test=2020-06-08..2020-06-19", "variants=1", "briefing.sessions=3",
    "briefing.sections=[technical,news]", "teacher=local", "teacher.id=stub", "tries=2",
    f"teacher.limits.concurrency={AT_ONCE}",
)  # fmt: skip

pytestmark = pytest.mark.heavy


def live(folder: Path, url: str, deadly: tuple[str, int] | None) -> None:
    """The command, in a process that kills itself before the event of a kind with a number."""
    os.chdir(folder.parent)
    seen: Counter[str] = Counter()

    def happens(kind: str) -> None:
        for name in (kind, ANY):
            seen[name] += 1
            if deadly == (name, seen[name]):
                os.kill(os.getpid(), signal.SIGKILL)

    def counted(kind: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            happens(kind)
            return whole(*arguments, **named)

        return call

    named = Path.replace

    def replace(path: Path, target: Path) -> Path:
        happens(f"name {Path(target).name}")
        return named(path, target)

    building.PAGE = PAGE
    for owner, name, kind in (
        (building, "row_for", "briefing"),
        (building, "row_line", "row"),
        (building, "write_parquet", "parquet"),
        (Cache, "_put", "answer"),
        (os, "fsync", "synchronised"),
    ):
        setattr(owner, name, counted(kind, getattr(owner, name)))
    Path.replace = replace  # type: ignore[method-assign,assignment]
    main(["corpus", "build", *SETTINGS, f"teacher.base_url={url}", f"out={folder.name}"])


def answer(request: dict[str, Any]) -> Reply:
    return Reply(text=thesis_by_chance(request["messages"], request["seed"]))


def test_after_seventeen_kills_a_corpus_is_the_one_that_was_never_killed(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance = random.Random(17)
    write_data(tmp_path / "data", "AAA")
    deaths = [(ANY, chance.randint(1, FARTHEST)) for _ in range(BY_CHANCE)] + [*AT_THE_END]
    assert len(deaths) == KILLS
    with StubServer(answer) as server:

        def build(folder: str, deadly: tuple[str, int] | None) -> int | None:
            process = processes.Process(target=live, args=(tmp_path / folder, server.url, deadly))
            process.start()
            process.join(300)
            return process.exitcode

        for deadly in deaths:
            assert build("killed", deadly) == -signal.SIGKILL, f"it never came to {deadly}"
            assert not (tmp_path / "killed" / "manifest.json").exists()
        assert build("killed", None) == 0
        asked = questions(server)
        server.requests.clear()
        assert build("whole", None) == 0
        once = questions(server)
    assert bytes_in(tmp_path / "killed") == bytes_in(tmp_path / "whole")
    assert set(asked) == set(once) and set(once.values()) == {1}
    # What was under way at a kill is asked again; what had been answered and kept is not.
    assert asked.total() - once.total() <= BY_CHANCE * AT_ONCE


def questions(server: StubServer) -> Counter[str]:
    return Counter(json.dumps([each["messages"], each["seed"]]) for each in server.requests)

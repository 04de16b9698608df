"""Runs that are followed: what is counted, when, and in which state they are."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from filelock import FileLock

from investorbench.tasks.view import Follower, writers
from investorbench_env.errors import InvestorBenchError
from tests.tasks.plain_records import lines_of
from tests.view.following import DECISIONS, RECORD, Clock, begun, episodes_of, looked

pytest.importorskip("starlette")
pytest.importorskip("plotly")


def costs_of(paths: list[Path]) -> float:
    """What the answers of records cost, from their plain lines."""
    lines = [line for path in paths for line in lines_of(path)]
    return sum(answer["cost_usd"] or 0.0 for line in lines for answer in line["answers"])


def test_what_grows_is_counted_as_it_grows_and_each_byte_is_read_once(
    finished: Path, run: Path
) -> None:
    whole = (episodes_of(finished)[0] / RECORD).read_bytes()
    episode, clock = begun(run, 2), Clock()
    follower = Follower([run], clock)
    state = looked(follower, clock)
    assert state["episodes"] == [3, 4] and state["decisions"] == [3 * DECISIONS + 2, 4 * DECISIONS]
    (row,) = [each for each in state["rows"] if each["state"] != "finished"]
    assert row["decisions"] == DECISIONS + 2 and row["planned"] == 2 * DECISIONS
    for start in range((episode / RECORD).stat().st_size, len(whole), 997):
        with (episode / RECORD).open("ab") as file:
            file.write(whole[start : start + 997])
        state = looked(follower, clock)
    assert follower.bytes_read == len(whole)
    assert state["decisions"] == [4 * DECISIONS, 4 * DECISIONS] and state["episodes"] == [3, 4]
    paid = costs_of([path / RECORD for path in episodes_of(finished)])
    known = [each["usd"] for each in state["rows"]]
    assert (None in known) is (state["usd"] is None)
    assert sum(filter(None, known)) == pytest.approx(paid)
    unusable = sum(
        not line["thought"]["decision"]["valid"]
        for path in episodes_of(finished) for line in lines_of(path / RECORD)
    )  # fmt: skip
    assert state["unusable"] == unusable and state["asked"] == 4 * DECISIONS


def test_the_last_decision_of_an_episode_that_ended_between_two_looks_is_its_last(
    finished: Path, run: Path
) -> None:
    episode, clock = begun(run, 2), Clock()
    follower = Follower([run], clock)
    looked(follower, clock)
    whole = episodes_of(finished)[0]
    with (episode / RECORD).open("ab") as file:
        file.write((whole / RECORD).read_bytes()[(episode / RECORD).stat().st_size :])
    shutil.copy(whole / "metrics.json", episode)
    for other in (each for each in episodes_of(run) if each != episode):
        os.utime(other / "metrics.json", (1e9, 1e9))
    state = looked(follower, clock)
    row = min(state["rows"], key=lambda each: each["id"])
    assert row["state"] == "finished" and len(row["equity"]) == DECISIONS + 1
    assert row["last"]["repeat"] == 0 and row["last"]["number"] == DECISIONS - 1
    assert row["last"]["day"] == lines_of(whole / RECORD)[-1]["session"]


def test_nothing_of_a_finished_episode_is_read_to_say_how_far_it_came(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    follower = Follower([run], clock)
    state = looked(follower, clock)
    assert follower.bytes_read == 0 and state["state"] == "finished"
    opened: list[object] = []
    monkeypatch.setattr(Path, "open", lambda path, **_: opened.append(path))
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path))
    for _ in range(20):
        clock.now += 60.0
        follower.look()
    assert opened == []


def test_looks_are_not_made_sooner_than_they_may_be(run: Path) -> None:
    clock = Clock()
    follower = Follower([run], clock)
    first = looked(follower, clock)
    begun(run, 1)
    assert looked(follower, clock, 0.5)["version"] == first["version"]
    assert looked(follower, clock, 60.0)["version"] > first["version"]


def test_only_rows_that_changed_are_sent(finished: Path, run: Path) -> None:
    episode, clock = begun(run, 2), Clock()
    lines = (episodes_of(finished)[0] / RECORD).read_bytes().splitlines(keepends=True)
    follower = Follower([run], clock)
    first = looked(follower, clock)
    assert len(first["rows"]) == 2
    assert follower.state(first["version"])["rows"] == []
    (episode / RECORD).write_bytes(b"".join(lines[:5]))
    looked(follower, clock)
    (row,) = follower.state(first["version"])["rows"]
    assert row["decisions"] == DECISIONS + 4


def test_a_run_that_nothing_writes_any_more_is_stopped(run: Path) -> None:
    episode, clock = begun(run, 2), Clock()
    now = (episode / RECORD).stat().st_mtime
    for path in run.rglob("*"):
        os.utime(path, (now, now))
    clock.now = now
    follower = Follower([run], clock)
    assert looked(follower, clock, 10.0)["state"] == "running"
    stopped = looked(follower, clock, 600.0)
    assert stopped["state"] == "stopped"
    assert [each["state"] for each in stopped["rows"]].count("stopped") == 1


@pytest.mark.parametrize("name", [RECORD, "metrics.json"])
def test_a_time_of_writing_that_is_still_to_come_is_when_it_was_seen(run: Path, name: str) -> None:
    episode, clock = begun(run, 2), Clock()
    path = (episode if name == RECORD else episodes_of(run)[1]) / name
    os.utime(path, (2 * clock.now, 2 * clock.now))
    follower = Follower([run], clock)
    seen = looked(follower, clock)
    assert seen["state"] == "running"
    assert datetime.fromisoformat(seen["written_at"]).timestamp() == clock.now
    assert looked(follower, clock)["state"] == "running"
    assert looked(follower, clock, 600.0)["state"] == "stopped"
    with (episode / RECORD).open("ab") as file:
        file.write(b" ")
    os.utime(episode / RECORD, (3 * clock.now, 3 * clock.now))
    assert looked(follower, clock)["state"] == "running"
    assert looked(follower, clock, 600.0)["state"] == "stopped"


@pytest.mark.skipif(not writers.LOCKS.exists(), reason="the system says nothing of locks")
def test_who_holds_a_lock_is_seen_without_taking_it(run: Path) -> None:
    episode, clock = begun(run, 2), Clock()
    lock = episode.parent / f".{episode.name}.lock"
    follower = Follower([run], clock)
    with FileLock(lock):
        if lock not in writers.locked([lock]):
            pytest.skip("this file system numbers its files otherwise than the system does")
        assert looked(follower, clock)["state"] == "running"
        assert lock in writers.locked([lock])
    assert looked(follower, clock)["state"] == "stopped"


def test_a_failed_episode_says_why(run: Path) -> None:
    episode, clock = begun(run, 2), Clock()
    (episode / "failure.json").write_text(
        json.dumps({"kind": "ModelError", "why": "no more money"})
    )
    state = looked(Follower([run], clock), clock)
    assert state["failed"] == 1
    (row,) = [each for each in state["rows"] if each["state"] == "failed"]
    assert row["problem"] == "no more money"


def test_what_is_no_run_is_refused_and_an_empty_folder_is_waited_for(
    run: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvestorBenchError, match="there is no folder"):
        Follower([tmp_path / "nowhere"])
    other = tmp_path / "other"
    other.mkdir()
    clock = Clock()
    follower = Follower([other], clock)
    assert looked(follower, clock)["episodes"] == [0, 0]
    shutil.copytree(run, other / "later")
    assert looked(follower, clock)["episodes"] == [4, 4]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    with pytest.raises(InvestorBenchError, match="holds no record of a run"):
        Follower([tmp_path / "notes"])


def test_a_folder_that_is_taken_away_is_said_and_read_again_when_it_is_back(
    run: Path, tmp_path: Path
) -> None:
    clock = Clock()
    follower = Follower([run], clock)
    first = looked(follower, clock)
    run.rename(tmp_path / "elsewhere")
    gone = looked(follower, clock)
    assert gone["episodes"] == [0, 0] and gone["rows"] == [] and gone["present"] == []
    assert gone["problems"] == [f"{run.name}: the folder is not there any more"]
    (tmp_path / "elsewhere").rename(run)
    back = looked(follower, clock)
    assert back["problems"] == [] and back["rows"] == first["rows"]

"""Runs that are followed: only what is new is read, nothing is written, and others may not ask."""

import functools
import hashlib
import http.client
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench.scripts import view
from investorbench.scripts.bench.big_run import write_big_run
from investorbench.scripts.main import main
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportFolder, content
from investorbench.tasks.report.content import content_of
from investorbench.tasks.view import Follower, ViewServer, grown, writers
from investorbench.tasks.view.grown import GrownFile, last_line
from investorbench_env.errors import InvestorBenchError
from tests.report.reading import Page
from tests.tasks.plain_records import lines_of

pytest.importorskip("starlette")
pytest.importorskip("plotly")

DECISIONS, REPEATS = 5, 2
RECORD = "decisions.jsonl"


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    """Intervals are not what is looked at here."""
    with pytest.MonkeyPatch.context() as patch:
        few = functools.partial(leaderboards, jointly=False, draws=50)
        patch.setattr(content, "leaderboards", few)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models with two episodes of five decisions each."""
    folder: Path = tmp_path_factory.mktemp("view") / "mine"
    return write_big_run(folder, 4, DECISIONS, 200, repeats=REPEATS)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "mine"))


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 4e9  # long after anything here was written

    def __call__(self) -> float:
        return self.now


def looked(follower: Follower, clock: Clock, seconds: float = 60.0) -> dict[str, Any]:
    """What is known a while later."""
    clock.now += seconds
    follower.look()
    return follower.state()


def episodes_of(run: Path) -> list[Path]:
    return sorted(run.rglob("repeat-*"))


def begun(run: Path, lines: int) -> Path:
    """The first episode as it was after some lines, and in the middle of the next one."""
    episode = episodes_of(run)[0]
    (episode / "metrics.json").unlink()
    for manifest in run.rglob("manifest.json"):
        manifest.unlink()
    written = (episode / RECORD).read_bytes().splitlines(keepends=True)
    (episode / RECORD).write_bytes(b"".join(written[: lines + 1]) + written[lines + 1][:20])
    return episode


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


def test_a_record_that_was_cut_or_replaced_is_counted_from_its_beginning(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    whole = path.read_bytes()
    file = GrownFile(path)
    assert file.look(path.stat()) and file.sums.decisions == DECISIONS
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert file.look(path.stat()) and file.sums.decisions == 2
    path.unlink()
    path.write_bytes(b"".join(lines[:5]))
    assert file.look(path.stat()) and file.sums.decisions == 4
    assert not file.look(path.stat())


@given(st.lists(st.tuples(st.integers(1, DECISIONS), st.booleans()), min_size=1, max_size=6))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_record_in_the_place_of_another_is_counted_whatever_number_the_system_gives_it(
    run: Path, grown_to: list[tuple[int, bool]]
) -> None:
    path = run / "followed.jsonl"
    records = [(each / RECORD).read_bytes().splitlines(keepends=True) for each in episodes_of(run)]
    path.write_bytes(b"")
    file, own = GrownFile(path), 0
    for number, (lines, is_other) in enumerate(grown_to):
        own = (own + is_other) % len(records)
        text = b"".join(records[own][: lines + 1])
        path.write_bytes(text)  # in place, so that nothing but what it holds tells it apart
        os.utime(path, ns=(number, number))
        file.look(path.stat())
        written = [json.loads(line) for line in text.splitlines()[1:]]
        assert [*file.sums.equity] == [line["account"]["equity"] for line in written]
        assert file.sums.ended == written[-1]["written_at"] and not file.sums.problem


def test_a_line_that_cannot_be_read_is_said_and_the_others_are_counted(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"null\n", b'{"number": 7}\n', *lines[3:]]))
    file = GrownFile(path)
    file.look(path.stat())
    assert file.sums.decisions == DECISIONS and "cannot be read" in file.sums.problem


@pytest.mark.parametrize(
    ("of_header", "old", "new"),
    [
        (False, '"cash": ', '"cash": "'),
        (False, '"equity": ', '"equity": {"x": 1}, "was": '),
        (False, '"cost_usd": ', '"cost_usd": NaN, "was": '),
        (False, '"cost_usd": ', '"cost_usd": 1e999, "was": '),
        (False, '"session": "', '"session": "' + "9" * 50_000),
        (False, '"action": ', '"action": {"x": [[1]]}, "was": '),
        (False, '"thought": {', '"thought": [1], "was": {'),
        (False, '"answers": [', '"answers": [null, '),
        (False, '"equity": ', '"equity": 1' + "0" * 400 + ', "was": '),
        (False, '"cost_usd": ', '"cost_usd": 1' + "0" * 400 + ', "was": '),
        (True, '"schema": 2', '"schema": 9'),
        (True, '"steps": ', '"steps": -'),
    ],
)
def test_whatever_an_episode_holds_that_goes_on_the_others_are_shown(
    run: Path, of_header: bool, old: str, new: str
) -> None:
    from investorbench.tasks.view.app import ViewApp
    from investorbench.tasks.view.maker import ReportMaker

    episode, clock = begun(run, DECISIONS - 1), Clock()
    lines = (episode / RECORD).read_text().splitlines(keepends=True)
    place = 0 if of_header else -2  # the last is cut off
    assert old in lines[place]
    lines[place] = lines[place].replace(old, new, 1)
    (episode / RECORD).write_text("".join(lines))
    follower = Follower([run], clock)
    app = ViewApp(follower, ReportMaker(follower), "token")
    clock.now += 60.0
    reply = app._found("live", {"since": "0", "made": "1"})
    state = json.loads(bytes(reply.body), parse_constant=pytest.fail)
    assert state["decisions"][0] >= 3 * DECISIONS and len(reply.body) < 5000
    first = min(each["id"] for each in state["rows"])
    assert app._found("live/decision", {"job": f"{first}", "repeat": "0"}).status_code in (200, 404)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(0, 30), st.integers(1, 40)
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_last_line_is_found_from_behind_wherever_blocks_end(
    tmp_path: Path, sizes: list[int], rest: int, block: int
) -> None:
    path = tmp_path / "lines"
    lines = [json.dumps({"number": n, "text": "x" * size}) for n, size in enumerate(sizes)]
    path.write_text("".join(f"{line}\n" for line in lines) + "y" * rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grown, "BLOCK_BYTES", block)
        found = last_line(path)
    assert found == json.loads(lines[-1])


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


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file with its time and the hash of its bytes."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    }


class Asking:
    """A browser without a window."""

    def __init__(self, server: ViewServer) -> None:
        self.server = server

    def get(self, path: str = "", **options: Any) -> httpx.Response:
        return httpx.get(self.server.address + path, trust_env=False, timeout=60.0, **options)

    def page(self) -> str:
        """The page with the first report, once that is made."""
        assert self.server.maker is not None
        self.get()
        self.server.maker.renew(60.0)
        return self.get().text

    def raw(self, target: str, host: str = "127.0.0.1", method: str = "GET") -> tuple[int, str]:
        """A request as it is written, which no client would put right."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.putrequest(method, target, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        reply = connection.getresponse()
        found = reply.status, reply.read().decode()
        connection.close()
        return found


@pytest.fixture(scope="module")
def asking(finished: Path) -> Iterator[Asking]:
    with ViewServer([finished]) as server:
        yield Asking(server)


def test_the_page_is_that_of_the_report_with_the_run_on_top(
    asking: Asking, finished: Path, tmp_path: Path
) -> None:
    made = ReportFolder(tmp_path / "report")
    made.finish(content_of(found_in([finished], made.see)))
    report = Page((tmp_path / "report" / "index.html").read_text())
    page = Page(asking.page())
    assert page.by_id("live").attributes["data-made"] == "1"
    assert [each.text for each in page.all("table")][1:] == [
        each.text for each in report.all("table")
    ]
    own, theirs = (each.json("directory")["episodes"] for each in (page, report))
    assert [each["path"] for each in own] == [each["path"] for each in theirs]
    for number in range(1, 5):
        part = asking.get(f"parts/episode-{number}.js")
        assert part.headers["content-type"].startswith("text/javascript")
        assert part.text == (tmp_path / "report" / "parts" / f"episode-{number}.js").read_text()
    assert (
        asking.get("parts/plotly.js").text
        == (tmp_path / "report" / "parts" / "plotly.js").read_text()
    )


def test_the_last_decision_is_sent_with_its_prompt_and_its_reasoning(
    asking: Asking, finished: Path
) -> None:
    rows = asking.get("live?since=0&made=0").json()["rows"]
    jobs = [path.parent for path in episodes_of(finished)][::REPEATS]
    for row, job in zip(rows, jobs, strict=True):
        line = lines_of(job / "repeat-1" / RECORD)[-1]
        sent = asking.get(f"live/decision?job={row['id']}&repeat=1").json()
        text = {
            name: "\n".join(sent["lines"][-1 - ref] for ref in sent["thought"][name])
            for name in ("user", "answer", "thinking")
        }
        assert sent["decision"]["day"] == line["session"]
        assert text["user"] == line["thought"]["question"]["user"]
        assert text["answer"] == line["answers"][0]["text"]
        assert text["thinking"] == line["answers"][0]["reasoning"]
    assert asking.get("live/decision?job=99&repeat=0").status_code == 404
    assert asking.get("live/decision?job=1&repeat=7").status_code == 404


def test_only_who_has_the_token_and_asks_this_machine_by_its_name_is_answered(
    asking: Asking,
) -> None:
    path = asking.server.address.removeprefix(f"http://127.0.0.1:{asking.server.port}")
    token = path.strip("/")
    assert len(token) >= 32
    for host in ("127.0.0.1", "127.0.0.1:9000", "localhost:9000"):
        assert asking.raw(path, host)[0] == 200
    for host in (
        "evil.example",
        "127.0.0.1.evil.example:80",
        "",
        "[::1]",
        "evil.example:127.0.0.1",
    ):
        assert asking.raw(path, host)[0] == 403
    for wrong in ("/", f"/{token[:-1]}/", f"/{token}x/", f"/x{token}/", f"/{token.swapcase()}/"):
        status, text = asking.raw(wrong)
        assert status == 403 and token not in text and "token" in text
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert asking.raw(path, method=method)[0] == 405
    assert asking.raw(path, method="HEAD") == (200, "")


@pytest.mark.parametrize(
    "path",
    [
        "../x", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd",
        "parts/../../etc/passwd", "parts/..%2fepisode-1.js", "parts//etc/passwd.js",
        "parts/%00.js", "parts/episode-99.js", "parts/episode-%D9%A1.js", "parts/episode-1.js/x",
        "answers.sqlite", "mine", "live/../live", "//etc/passwd", "parts/.js",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file(asking: Asking, path: str) -> None:
    token = asking.server.address.split("/")[3]
    status, text = asking.raw(f"/{token}/{path}")
    assert status in (403, 404) and "root:" not in text


def test_every_reply_says_that_nothing_is_kept_or_framed_or_loaded_from_elsewhere(
    asking: Asking,
) -> None:
    for reply in (asking.get(), asking.get("live?since=0"), asking.get("nothing")):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert "server" not in reply.headers and "access-control-allow-origin" not in reply.headers
    policy = asking.page().split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    sources = policy.split("; ")[1].split(" ")[1:]
    assert policy.startswith("default-src 'none'; ") and "connect-src 'self'" in policy
    assert [each for each in sources if "sha256" not in each] == ["'self'"]


def test_nothing_is_written_into_a_run_that_is_looked_at(run: Path) -> None:
    begun(run, 3)
    before = tree(run)
    with ViewServer([run]) as server:
        asking = Asking(server)
        asking.page()
        for row in asking.get("live?since=0&made=1").json()["rows"]:
            asking.get(f"live/decision?job={row['id']}&repeat=0")
        asking.get("parts/episode-1.js")
    assert tree(run) == before


def test_an_episode_that_is_finished_is_read_once_for_all_reports(
    finished: Path, run: Path
) -> None:
    episode = begun(run, 3)
    with ViewServer([run]) as server:
        asking = Asking(server)
        page = Page(asking.page())
        assert server.maker is not None and server.maker.episodes_read == 3
        first = {each["path"]: each for each in page.json("directory")["episodes"]}
        assert [each["days"] for each in first.values()].count(3) == 1
        place = Path(*episode.relative_to(run.parent).parts)
        shutil.copytree(finished / place.relative_to("mine"), episode, dirs_exist_ok=True)
        server.follower._looked = 0.0
        assert asking.get("live?since=0&made=1").json()["unseen"] == 1
        page = Page(asking.page())
        assert server.maker.made.number == 2 and server.maker.episodes_read == 4
        second = {each["path"]: each for each in page.json("directory")["episodes"]}
        assert [each["days"] for each in second.values()] == [DECISIONS] * 4
        assert {path: each["facts"] for path, each in first.items()} == {
            path: each["facts"] for path, each in second.items()
        }


def test_runs_of_one_name_stay_apart_as_in_a_report(
    finished: Path, run: Path, tmp_path: Path
) -> None:
    begun(run, 3)
    runs = [finished, run]
    made = ReportFolder(tmp_path / "report")
    made.finish(content_of(found_in(runs, made.see)))
    report = Page((tmp_path / "report" / "index.html").read_text()).json("directory")["episodes"]
    with ViewServer(runs) as server:
        asking = Asking(server)
        page = Page(asking.page()).json("directory")["episodes"]
        rows = asking.get("live?since=0&made=1").json()["rows"]
    known = ("path", "agent", "days", "finished")
    assert [[each[name] for name in known] for each in page] == [
        [each[name] for name in known] for each in report
    ]
    assert len({each["facts"] for each in page}) == len(page)
    assert len({(each["run"], each["agent"]) for each in rows}) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("records", 5), ("records", {"test": 5}), ("records", {"test": {}}),
        ("records", {"test": {"lines": None}}), ("answers", 5), ("answers", {"test": 5}),
        ("answers", {"test": {"decisions": 1}}), ("", []),
    ],
)  # fmt: skip
def test_figures_that_no_run_writes_are_said_and_their_lines_are_counted(
    run: Path, name: str, value: Any
) -> None:
    path, clock = episodes_of(run)[0] / "metrics.json", Clock()
    figures = json.loads(path.read_text())
    path.write_text(json.dumps({**figures, name: value} if name else value))
    follower = Follower([run], clock)
    for _ in range(2):
        state = looked(follower, clock)
        assert state["decisions"] == [4 * DECISIONS, 4 * DECISIONS]
        assert state["episodes"] == [3, 4] and state["failed"] == 1
        (problem,) = state["problems"]
        assert "repeat-0: " in problem and "metrics.json" in problem
    path.write_text(json.dumps(figures))
    assert looked(follower, clock)["problems"] == []


def test_a_number_that_json_does_not_have_leaves_the_decisions_to_be_read(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    lines = path.read_text().splitlines(keepends=True)
    lines[-1] = lines[-1].replace('"cost_usd": ', '"cost_usd": NaN, "was": ', 1)
    path.write_text("".join(lines))
    with ViewServer([run]) as server:
        asking = Asking(server)
        page = Page(asking.page())
        days = [each["days"] for each in page.json("directory")["episodes"]]
        assert days == [DECISIONS] * 4
        assert asking.get("parts/episode-1.js").status_code == 200


@pytest.mark.parametrize("name", ["metrics.json", RECORD, "", "../config.yaml"])
def test_what_a_link_leads_to_is_not_shown(run: Path, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    inside = episodes_of(run)[0] / name
    moved = shutil.move(inside.resolve(), secret)
    inside.parent.mkdir(exist_ok=True)
    Path(os.path.normpath(inside)).symlink_to(moved)
    with ViewServer([run]) as server:
        asking = Asking(server)
        page = asking.page()
        state = asking.get("live?since=0&made=1").json()
        assert "link" in page and "link" in json.dumps(state["problems"])
        first = min(row["id"] for row in state["rows"])
        if name != "metrics.json":
            assert asking.get(f"live/decision?job={first}&repeat=0").status_code == 404


def test_a_damaged_episode_is_said_and_the_others_are_shown(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    path.write_bytes(path.read_bytes().replace(b"buy", b"sel", 1))
    with ViewServer([run]) as server:
        page = Page(Asking(server).page())
    problems = [
        each.text for each in page.all("section") if each.attributes.get("class") == "problems"
    ]
    assert len(page.json("directory")["episodes"]) == 4 and "was edited" in str(problems)


def test_a_used_port_is_one_error_and_a_port_is_free_afterwards(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["view", str(run), "--port", str(port)])
        assert ended.value.code == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in capsys.readouterr().err
    with ViewServer([run], port) as server:
        assert server.port == port
    with ViewServer([run], port) as server:
        assert Asking(server).get("live").status_code == 200


def test_what_cannot_be_viewed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["view", str(tmp_path / "nowhere")])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: there is no folder")


def test_a_server_without_its_extra_names_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("starlette", "starlette.requests"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "investorbench.tasks.view.app", raising=False)
    with pytest.raises(InvestorBenchError, match=r"investorbench\[view\]"):
        ViewServer([run]).__enter__()


def test_who_sits_elsewhere_reads_how_to_get_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert view.tunnel_to(8123) == ""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 51000 192.0.2.1 22")
    monkeypatch.setenv("USER", "ann")
    assert "ssh -N -L 8123:127.0.0.1:8123 ann@192.0.2.1," in view.tunnel_to(8123)
    assert not view.has_screen()


def test_the_command_line_of_a_browser_has_no_token_in_it() -> None:
    address = "http://127.0.0.1:8123/token/"
    with view.leading_to(address) as page:
        assert "token" not in page.as_uri() and address in page.read_text()
        assert page.parent.stat().st_mode & 0o077 == 0
    assert not page.exists()

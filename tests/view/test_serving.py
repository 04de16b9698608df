"""The page that is served: what is on it, who may ask, and that nothing else is given out."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from investorbench.tasks.record.bundling import bundle_runs, opened
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportFolder
from investorbench.tasks.report.content import content_of
from investorbench.tasks.view import ViewServer
from tests.report.reading import Page
from tests.tasks.plain_records import lines_of
from tests.view.following import DECISIONS, RECORD, REPEATS, Asking, begun, episodes_of, tree

pytest.importorskip("starlette")
pytest.importorskip("plotly")


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


def test_a_bundle_is_shown_as_the_run_that_it_was_made_of(finished: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "mine.zip"
    bundle_runs([finished], bundle)
    pages, rows = [], []
    with opened([bundle]) as folders:
        for runs in ([finished], folders):
            with ViewServer(runs) as server:
                asking = Asking(server)
                pages.append(Page(asking.page()).json("directory"))
                state = asking.get("live?since=0&made=1").json()
                rows.append(state["rows"])
                assert state["state"] == "finished" and state["problems"] == []
                shown = asking.get("parts/episode-1.js")
                assert shown.status_code == 200
    assert pages[0] == pages[1] and rows[0] == rows[1]
    assert not any(folder.exists() for folder in folders)

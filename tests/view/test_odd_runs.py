"""Runs that no run writes: what can be read is shown, and the rest is said."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.view import Follower, ViewServer
from tests.report.reading import Page
from tests.view.following import DECISIONS, RECORD, Asking, Clock, begun, episodes_of, looked

pytest.importorskip("starlette")
pytest.importorskip("plotly")


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

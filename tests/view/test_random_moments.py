"""Random moments of a run, against all that its plain lines say when they are read whole."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.view import Follower
from tests.view.following import REPEATS, Clock, episodes_of, looked

SPLITS = ("warmup.jsonl", "decisions.jsonl")
METRICS, FAILURE = "metrics.json", "failure.json"


@pytest.fixture(scope="module")
def warmed_up(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as if each test had been a warm-up before as well."""
    folder = tmp_path_factory.mktemp("moments") / "mine"
    shutil.copytree(finished, folder)
    for config in folder.rglob("config.yaml"):
        config.write_text(config.read_text().replace("warmup: false", "warmup: true"))
    for episode in episodes_of(folder):
        shutil.copy(episode / SPLITS[1], episode / SPLITS[0])
        figures = json.loads((episode / METRICS).read_text())
        for name in ("records", "answers"):
            figures[name]["warmup"] = figures[name]["test"]
        (episode / METRICS).write_text(json.dumps(figures))
    return folder


class Moment(NamedTuple):
    """What happens to an episode before somebody looks, or not.

    Attributes:
        episode: its number.
        kind: what happens.
        share: of its bytes, as far as it comes.
        is_seen: whether somebody looks afterwards.
    """

    episode: int
    kind: str
    share: float
    is_seen: bool


KINDS = ("grows", "grows", "grows", "is cut", "is replaced", "is removed", "fails", "finishes")
MOMENTS = st.lists(
    st.builds(
        Moment,
        st.integers(0, 2 * REPEATS - 1),
        st.sampled_from(KINDS),
        st.floats(0.0, 1.0),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


class GrowingRun:
    """A run folder whose episodes come and go.

    Args:
        whole: the run as it ends.
        folder: where it grows.
    """

    def __init__(self, whole: Path, folder: Path) -> None:
        shutil.copytree(whole, folder)
        self.folder = folder
        self.episodes = episodes_of(folder)
        self.whole = [
            {path.name: path.read_bytes() for path in episode.iterdir() if path.is_file()}
            for episode in self.episodes
        ]
        for path in [*self.episodes, *folder.rglob("manifest.json")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def meet(self, moment: Moment) -> None:
        """Let something happen."""
        path, whole = self.episodes[moment.episode], self.whole[moment.episode]
        if moment.kind == "is removed":
            shutil.rmtree(path, ignore_errors=True)
            return
        path.mkdir(exist_ok=True)
        for name in (METRICS, FAILURE):
            (path / name).unlink(missing_ok=True)
        if moment.kind == "finishes":
            for name in (*SPLITS, METRICS):
                (path / name).write_bytes(whole[name])
            return
        if moment.kind == "fails":
            (path / FAILURE).write_text('{"kind": "server", "why": "it is down", "trace": ""}')
            return
        left = int(moment.share * sum(len(whole[name]) for name in SPLITS))
        for name in SPLITS:
            own, left = whole[name][:left], max(0, left - len(whole[name]))
            there = (path / name).read_bytes() if (path / name).exists() else b""
            if moment.kind == "grows":
                with (path / name).open("ab") as file:
                    file.write(own[len(there) :])
            elif moment.kind == "is replaced":
                (path / "part").write_bytes(own)
                (path / "part").replace(path / name)
            else:
                (path / name).write_bytes(own)

    def plain(self) -> dict[str, Any]:
        """What there is of it, by reading everything."""
        found: dict[str, Any] = {"taken": 0, "asked": 0, "tokens": 0, "usd": 0.0}
        found |= {"finished": 0, "failed": 0, "tests": [], "priced": True}
        for path in self.episodes:
            lines = {name: _lines(path / name) for name in SPLITS}
            answered = [line for own in lines.values() for line in own if line["answers"]]
            answers = [answer for line in answered for answer in line["answers"]]
            costs = [answer["cost_usd"] for answer in answers]
            found["taken"] += sum(map(len, lines.values()))
            found["tests"].append(len(lines[SPLITS[1]]))
            found["asked"] += len(answered)
            found["tokens"] += sum(each["tokens"]["input"] + each["tokens"]["output"]
                                   for each in answers)  # fmt: skip
            found["usd"] += sum(filter(None, costs))
            found["priced"] &= None not in costs
            found["finished"] += (path / METRICS).exists()
            found["failed"] += (path / FAILURE).exists()
        return found


def _lines(path: Path) -> list[dict[str, Any]]:
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [line for line in map(json.loads, whole) if "schema" not in line]


@given(MOMENTS)
@settings(max_examples=15, deadline=None)
def test_what_is_said_of_a_run_at_any_moment_is_what_its_lines_come_to(
    warmed_up: Path, moments: list[Moment]
) -> None:
    with tempfile.TemporaryDirectory() as room:
        run = GrowingRun(warmed_up, Path(room, "mine"))
        clock = Clock()
        follower = Follower([run.folder], clock)
        version, rows = 0, {}
        for moment in moments:
            run.meet(moment)
            if not moment.is_seen:
                continue
            clock.now += 60.0
            follower.look()
            state = follower.state(version)
            version = state["version"]
            rows |= {row["id"]: row for row in state["rows"]}  # as a page that is sent what changed
            known = run.plain()
            assert state["episodes"] == [known["finished"], len(run.episodes)]
            assert state["decisions"][0] == known["taken"]
            assert (state["asked"], state["tokens"]) == (known["asked"], known["tokens"])
            assert (state["usd"] is not None) is known["priced"]
            assert state["usd"] is None or state["usd"] == pytest.approx(known["usd"])
            assert state["failed"] == known["failed"]
            tests = [rows[number]["decisions"] for number in sorted(rows)]
            assert tests == [
                sum(known["tests"][n : n + REPEATS]) for n in range(0, len(run.episodes), REPEATS)
            ]
        assert looked(follower, clock)["problems"] in ([], *_said(follower))


def _said(follower: Follower) -> list[list[str]]:
    """Nothing but why episodes failed."""
    problems = follower.state()["problems"]
    return [problems] if all(each.endswith("it is down") for each in problems) else []

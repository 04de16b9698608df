"""Sweeps over several processes: launchers, shards, folders that are shared, and what fails."""

import json
import multiprocessing
import os
import resource
import signal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.launching import PLUGINS
from investorbench.scripts.main import main
from tests.agents.llm.stub_server import StubServer
from tests.scripts.calling import Call, manifests, results
from tests.tasks.plain_records import lines_of, timeless

SHORT = ("task.end=2020-10-30", "output=json", "seed=0")
SWEEP = ("-m", "agent=momentum,random", "task=stock/sim,etf/sim", "repeats=2", *SHORT)
ASKING = ("agent=finmem", "task=stock/sim", "task.end=2020-10-14", "warmup=false", "output=json")


def decisions(folder: Path) -> dict[str, str]:
    """A hash of the decisions of each episode of a run."""
    return {
        str(path.parent.relative_to(folder)): sha256(repr(timeless(path)).encode()).hexdigest()
        for path in folder.rglob("decisions.jsonl")
    }


class Moody:
    """Raises on the fourth day, where its mood says so."""

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.days = 0

    def act(self, observation: Any, info: Any) -> int:
        self.days += 1
        if self.days == 4 and os.environ.get("MOOD") == "bad":
            raise ZeroDivisionError("a bad day")
        return 2


@pytest.mark.heavy
@pytest.mark.parametrize("launcher", ["launcher=joblib", "hydra/launcher=submitit_local"])
def test_a_launcher_comes_to_the_same_as_one_process(
    call: Call, tmp_path: Path, launcher: str
) -> None:
    one = call(*SWEEP, "folder=one")
    launched = call(*SWEEP, "folder=launched", launcher)
    assert (one.code, launched.code) == (0, 0), launched.err
    assert results(launched) == results(one)
    assert decisions(tmp_path / "launched") == decisions(tmp_path / "one")
    assert len(decisions(tmp_path / "one")) == 8
    with pytest.raises(SystemExit) as ended:
        main(["verify", "launched"])
    assert ended.value.code == 0


def test_a_launched_job_that_fails_is_told_and_leaves_the_others(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOOD", "bad")
    agents = f"agent._target_=agents.baselines.Cash,{__name__}.Moody"
    output = call(
        "-m", agents, "warmup=false", *SHORT, "launcher=joblib", "hydra.launcher.n_jobs=1"
    )
    assert output.code == 1
    assert [result["agent"] for result in results(output)] == ["Cash"]
    assert "Moody on InvestorBench/Stock-SIM" in output.err and "a bad day" in output.err


@pytest.mark.heavy
def test_shards_make_up_the_whole_and_run_nothing_twice(call: Call, tmp_path: Path) -> None:
    call(*SWEEP, "folder=whole")
    outputs = [call(*SWEEP, "folder=parts", f"shard={part}/3") for part in (1, 2, 3)]
    assert [output.code for output in outputs] == [0, 0, 0]
    assert [len(output.out.splitlines()) for output in outputs] == [3, 4, 4]
    assert decisions(tmp_path / "parts") == decisions(tmp_path / "whole")
    unfinished = [len(result["failures"]) for result in results(outputs[0])]
    assert sum(unfinished) == 3  # episodes of these jobs that are other shards'
    assert results(outputs[2]) == results(call(*SWEEP, "folder=whole"))


@pytest.mark.heavy
def test_a_run_is_followed_in_tensorboard_and_stays_as_it_is(call: Call, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    plain = call(*SWEEP, "folder=plain")
    tracked = call(*SWEEP, "folder=tracked", "tracking=tensorboard")
    assert tracked.code == 0 and results(tracked) == results(plain)
    assert decisions(tmp_path / "tracked") == decisions(tmp_path / "plain")
    events = list((tmp_path / "tracked" / "tracking" / "tensorboard").rglob("events*"))
    assert len(events) == 8 and min(path.stat().st_size for path in events) > 1000
    again = call(*SWEEP, "folder=tracked", "tracking=tensorboard")  # only reads the record
    assert again.code == 0
    assert len(list((tmp_path / "tracked" / "tracking").rglob("events*"))) == 8
    assert call(*SWEEP, "folder=other", "tracking=tensorbord").code == 1
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shard=0/3"], "shard=0/3 must be i/n, such as 1/4 for the first of four"),
        (["shard=4/3"], "must be i/n"),
        (["shard=half"], "must be i/n"),
        (["launcher=joblib"], "launcher=joblib is for sweeps: give -m, too"),
        (["-m", "launcher=joblib", "shard=1/2"], "leave out shard=..."),
        (["-m", "launcher=joblib", "serve=true"], "would start a server for every job"),
        (["-m", "launcher=ray", "serve=true"], "would start a server for every job"),
        (["folder=s3://bucket/mine"], "folder=s3://bucket/mine is for launcher=ray; give a folder"),
        (["folder=s3://key:hidden@bucket"], "s3://… has a password in it"),
        (["cache_files=many"], "unknown cache_files 'many'"),
        (["-m", "launcher=jobli"], "unknown launcher 'jobli'; valid, nearest first: joblib"),
    ],
)
def test_what_cannot_be_launched_is_refused(
    call: Call, tmp_path: Path, arguments: list[str], message: str
) -> None:
    output = call(*arguments)
    assert output.code == 1
    assert message in output.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("launcher", "extra"), [("joblib", "sweep"), ("ray", "ray")])
def test_a_launcher_that_is_not_installed_is_named_with_its_extra(
    launcher: str, extra: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLUGINS, launcher, "packages_of_nobody")
    output = call("-m", f"launcher={launcher}")
    assert output.code == 1
    assert f"pip install 'investorbench[{extra}]'" in output.err


def run(folder: Path, url: str, files: str) -> None:
    """A sweep in a process of its own."""
    os.chdir(folder)
    arguments = ["model=local", "model.id=stub", f"model.base_url={url}", "repeats=6"]
    arguments.append(f"cache_files={files}")
    main(["run", *ASKING, *arguments, "folder=shared", "concurrency=2"])


@pytest.mark.heavy
@pytest.mark.parametrize("files", ["one", "each"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["both live", "one is killed"])
def test_processes_fill_one_folder_and_each_shows_all_of_it(
    call: Call, tmp_path: Path, is_killed: bool, files: str
) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["investorbench.scripts.main", "openai", __name__])
    with StubServer(latency_s=0.02) as server:
        both = [processes.Process(target=run, args=(tmp_path, server.url, files)) for _ in range(2)]
        for process in both:
            process.start()
        if is_killed:
            while server.calls < 12:
                assert both[0].is_alive()
            os.kill(both[0].pid or 0, signal.SIGKILL)
        for process in both:
            process.join(120)
        assert [process.exitcode for process in both] == [-9 if is_killed else 0, 0]
        asked = [json.dumps(request, sort_keys=True) for request in server.requests]
    # At most the questions that were in flight at the kill were asked again.
    assert len(asked) - len(set(asked)) <= (2 if is_killed else 0)
    ((manifest,), found) = manifests(tmp_path), decisions(tmp_path / "shared" / "stock-sim")
    assert len(manifest["seeds"]) == len(set(manifest["seeds"])) == len(found) == 6
    assert len(set(asked)) == 6 * manifest["metrics"]["steps"]
    with pytest.raises(SystemExit) as ended:
        main(["verify", "shared"])
    assert ended.value.code == 0
    assert not list((tmp_path / "shared").glob("answers.sqlite.each/*.jsonl"))


def test_an_episode_whose_agent_raises_is_marked_and_the_others_finish(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents = f"agent._target_={__name__}.Moody"
    command = (agents, "warmup=false", "repeats=2", *SHORT, "folder=here")
    monkeypatch.setenv("MOOD", "bad")
    broken = call("-m", *command, "task=stock/sim")
    assert broken.code == 1 and results(broken) == []
    assert "Moody on InvestorBench/Stock-SIM, repeats 0, 1: ZeroDivisionError: a bad day" in (
        " ".join(broken.err.split())
    )
    job = tmp_path / "here" / "stock-sim" / "Moody"
    marked = json.loads((job / "repeat-1" / "failure.json").read_text())
    assert (marked["kind"], marked["why"]) == ("agent", "ZeroDivisionError: a bad day")
    assert "in act" in marked["trace"] and "test_sweeps.py" in marked["trace"]
    assert len(lines_of(job / "repeat-1" / "decisions.jsonl")) == 3

    monkeypatch.setenv("MOOD", "good")
    mended = call("-m", *command, "task=stock/sim")
    assert mended.code == 0 and results(mended)[0]["failures"] == []
    assert not list(tmp_path.rglob("failure.json"))


def test_one_repeat_that_fails_is_told_beside_the_others_which_count(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (f"agent._target_={__name__}.Moody", "warmup=false", *SHORT, "folder=here")
    call(*command, "repeats=3", "shard=1/3")
    monkeypatch.setenv("MOOD", "bad")
    output = call(*command, "repeats=3")
    (result,) = results(output)
    assert output.code == 1 and len(result["seeds"]) == 1
    assert result["failures"] == ["ZeroDivisionError: a bad day"] * 2
    table = call(*command[:2], "task.end=2020-10-30", "repeats=3", "folder=here")
    assert "1 of 3 repeats" in " ".join(table.out.split())
    assert not (tmp_path / "here" / "stock-sim" / "Moody" / "manifest.json").exists()


def test_a_run_may_get_more_repeats_but_not_fewer(call: Call, tmp_path: Path) -> None:
    call("agent=random", *SHORT, "repeats=2", "folder=here")
    before = decisions(tmp_path / "here")
    more = call("agent=random", *SHORT, "repeats=4", "folder=here")
    whole = call("agent=random", *SHORT, "repeats=4", "folder=whole")
    assert more.code == 0 and results(more) == results(whole)
    after = decisions(tmp_path / "here")
    assert before.items() <= after.items() and after == decisions(tmp_path / "whole")
    fewer = call("agent=random", *SHORT, "repeats=3", "folder=here")
    assert fewer.code == 1 and "it has 'repeats: 4', this one 'repeats: 3'" in fewer.err
    with pytest.raises(SystemExit) as ended:
        main(["verify", "here"])
    assert ended.value.code == 0


def test_what_a_server_fails_at_is_not_held_against_the_agent(call: Call, tmp_path: Path) -> None:
    impatient = "++model.patience={attempts: 1, total_timeout_s: 0.0}"
    command = [*ASKING, "model=local", "model.id=stub", impatient, "folder=here"]
    down = call(*command, "model.base_url=http://127.0.0.1:9/v1")
    assert down.code == 1
    (marked,) = tmp_path.rglob("failure.json")
    assert json.loads(marked.read_text())["kind"] == "infrastructure"
    with StubServer() as server:
        up = call(*command, f"model.base_url={server.url}")
    assert up.code == 0 and not marked.exists()


def write_little(folder: Path) -> None:
    """A run on a disk that is full after 20 kB of each file."""
    os.chdir(folder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    main(["run", "agent=momentum", "repeats=2", "seed=0", "output=json", "folder=here"])


def test_a_full_disk_ends_a_run_with_its_reason_and_the_run_goes_on(
    call: Call, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = multiprocessing.get_context("fork").Process(target=write_little, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == 1
    output = " ".join(capfd.readouterr().err.split())
    assert "OSError: [Errno 27] File too large" in output
    assert "the same command with this folder=... resumes it" in output
    kinds = [json.loads(path.read_text())["kind"] for path in tmp_path.rglob("failure.json")]
    assert kinds == ["infrastructure"] * 2
    again = call("agent=momentum", "repeats=2", "seed=0", "output=json", "folder=here")
    whole = call("agent=momentum", "repeats=2", "seed=0", "output=json", "folder=whole")
    assert again.code == 0 and results(again) == results(whole)
    assert decisions(tmp_path / "here") == decisions(tmp_path / "whole")

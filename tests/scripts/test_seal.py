"""`investorbench seal`: one line before a run, one after, and what does not fit them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scripts.calling import Call

AGENT, *REST = "agent=momentum", "task=stock/sim", "task.end=2020-10-16", "warmup=false"
PLAN, RECORD = (rf"investorbench-{kind}:[0-9a-f]{{64}}" for kind in ("plan", "record"))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_is_sealed_before_and_after_by_one_setting(command: Call) -> None:
    ran = command("run", AGENT, *REST, "seal=true", "folder=mine", "output=json")
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1  # lines to publish are no results
    before, after = ran.err.index("plan sealed"), ran.err.index("record sealed")
    assert before < ran.err.index("recorded in mine") < after
    assert re.search(PLAN, ran.err) and re.search(RECORD, ran.err)
    checked = command("seal", "--check", "mine", "--seal", re.findall(PLAN, ran.err)[0])
    assert checked.code == 0
    assert re.sub(r" [0-9a-f]{64} *", " DIGEST", checked.out) == (
        "fits plan.seal.json\n      plan DIGEST\n"
        f"{'      its digest is the one that was given':80}\n"
        "fits record.seal.json\n      record DIGEST\n"
    )
    again = command("run", AGENT, *REST, "seal=true", "folder=mine", "output=json")
    assert re.findall(f"{PLAN}|{RECORD}", again.err) == re.findall(f"{PLAN}|{RECORD}", ran.err)
    assert command("verify", "mine").code == 0


def test_a_plan_is_sealed_and_then_run_in_its_folder_with_its_seed(command: Call) -> None:
    planned = command("seal", "--plan", "-m", "agent=momentum,cash", *REST, "repeats=2")
    assert planned.code == 0, planned.err
    assert re.fullmatch(PLAN + "\n", planned.out)
    assert "2 jobs, 4 episodes; next: investorbench run -m agent=momentum,cash" in planned.err
    (line,) = (each for each in planned.err.splitlines() if "next:" in each)
    assert command(*line.partition("next: investorbench ")[2].split()).code == 0
    run = line.rpartition("folder=")[2]
    sealed = command("seal", run)
    assert re.fullmatch(RECORD + "\n", sealed.out)
    assert command("seal", "--check", run, "--seal", planned.out.strip()).code == 0


def test_a_sweep_over_processes_is_sealed_as_a_whole(command: Call) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    given = ("-m", "agent=momentum,cash", *REST, "launcher=joblib", "folder=mine")
    ran = command("run", *given, "hydra.launcher.n_jobs=1", "seal=true", "output=json")
    assert ran.code == 0, ran.err
    assert command("seal", "--check", "mine").out.count("fits ") == 2


def test_what_differs_is_named_and_the_status_says_so(command: Call) -> None:
    command("run", AGENT, *REST, "seal=true", "folder=mine", "output=json")
    (repeat,) = Path("mine").rglob("repeat-0")
    (repeat / "metrics.json").write_text("{}")
    checked = command("seal", "--check", "mine")
    assert checked.code == 1 and "fits plan.seal.json" in checked.out
    assert "differs record.seal.json" in checked.out
    assert "metrics.json: was changed after the record was sealed" in " ".join(checked.out.split())
    lines = command("seal", "--check", "mine", "--json").out.splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["fits", "differs"]


def test_a_run_that_is_not_finished_is_sealed_as_far_as_it_came(command: Call) -> None:
    command("run", AGENT, *REST, "folder=mine")
    (manifest,) = Path("mine").rglob("manifest.json")
    manifest.unlink()
    sealed = command("seal", "mine")
    assert sealed.code == 0 and "is not finished" in sealed.err


def test_both_lines_are_signed(command: Call) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen here")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    command("run", AGENT, *REST, "seal=true", "folder=mine")
    assert command("seal", "mine", "--key", "key").code == 0
    assert command("seal", "--check", "mine").out.count('Good "investorbench" signature') == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "there is no folder nowhere"),
        (("--check", "nowhere"), "there is no folder nowhere"),
        (("a", "b"), "give the folder of one run, or --plan"),
        (("--plan", "--check", "a"), "--plan seals and --check compares: give one of them"),
        (("--seal", "b", "a"), "--seal, --signers and --json are of --check"),
        (("--plan", "--json", "a"), "--seal, --signers and --json are of --check"),
        (("--plan", "agent=mommentum"), "unknown agent 'mommentum'"),
        (("--plan", "task=stock/tsla"), "investorbench data fetch stock/tsla"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    command: Call, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    output = command("seal", *arguments)
    assert output.code == 1 and words in output.err and "Traceback" not in output.err
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_run_without_a_seal_has_nothing_to_check(command: Call) -> None:
    command("run", AGENT, *REST, "folder=mine")
    output = command("seal", "--check", "mine")
    assert output.code == 1 and "mine has no seal" in output.err

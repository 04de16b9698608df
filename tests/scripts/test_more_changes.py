"""Changes of a finished run with all hashes made again, and what is said of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench.scripts.recorded_jobs import job_again
from investorbench.tasks import Job, Task, run
from investorbench.tasks.record.digests import write_manifest
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.job_folder import references_hash
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.verdict import Checks, Verdict
from tests.scripts.calling import Call
from tests.tasks.forging import configure, each_line, redo
from tests.tasks.plain_records import Content

JOB = "stock-sim/momentum"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mine"
    task = Task.of("stock/sim", end="2020-10-16")
    run([Job.of("momentum", task, 2, seed=0, warmup=False)], folder=folder, shows="nothing")
    return folder


@pytest.fixture
def forged(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "mine"))


def verdict_on(folder: Path) -> Verdict:
    checks = Checks(folder, job_again)
    for check in checks:
        check()
    return checks.verdict()


def bind(job: Path) -> None:
    manifest = {**read_json(job / "manifest.json"), "references_sha256": references_hash(job)}
    write_manifest(job, {n: part for n, part in manifest.items() if n not in ("files", "digest")})


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(st.characters(codec="ascii", categories=["L"]), min_size=1).map("x_{}".format),
    file=st.sampled_from(["manifest.json", "repeat-0/metrics.json", "references.json"]),
)
def test_a_file_of_figures_says_nothing_that_its_writer_does_not(
    name: str, file: str, forged: Path
) -> None:
    job = forged / JOB
    kept = read_json(job / file)
    write_json(job / file, {**kept, name: "audited"})
    bind(job)
    wrong = [each.what for each in verify_job(job_in(job)) if each.is_wrong]
    assert wrong == [f"it has {name!r}, which no version up to this one writes"]
    write_json(job / file, kept)


def turned(line: Content) -> None:
    line["account"] = dict(reversed(line["account"].items()))


def timeless(line: Content) -> None:
    line["written_at"] = "yesterday"


@pytest.mark.parametrize(
    ("change", "said"),
    [(turned, "the parts of account stand in another order"), (timeless, "which is no time")],
)
def test_lines_are_written_as_their_writer_writes_them(
    change: Callable[[Content], None], said: str, forged: Path
) -> None:
    each_line(forged / JOB, "test", change)
    redo(forged / JOB)
    wrong = verdict_on(forged).wrong
    assert {each.level for each in wrong} == {1} and all(said in each.what for each in wrong)


def test_hashes_of_what_was_observed_that_are_gone_are_not_called_old(forged: Path) -> None:
    each_line(forged / JOB, "test", lambda line: line.pop("observed"))
    redo(forged / JOB)
    whats = [each.what for each in verdict_on(forged).findings]
    assert "its lines have no hash of what was observed: a run of this version writes one" in whats


def nothing(content: Content) -> None:
    content["references"] = []


def no_matched(content: Content) -> None:
    content["references"] = [each for each in content["references"] if each["kind"] != "matched"]


@pytest.mark.parametrize(
    ("change", "said"), [(nothing, "holds nothing that the job is"), (no_matched, "own exposure")]
)
def test_what_a_job_is_compared_with_cannot_vanish_unseen(
    change: Callable[[Content], None], said: str, forged: Path
) -> None:
    content = read_json(forged / JOB / "references.json")
    change(content)
    write_json(forged / JOB / "references.json", content)
    bind(forged / JOB)
    (finding,) = verdict_on(forged).findings
    assert said in finding.what and not finding.is_wrong


def test_jobs_of_other_seeds_in_one_folder_are_named(forged: Path, tmp_path: Path) -> None:
    task = Task.of("stock/sim", end="2020-10-16")
    job = Job.of("cash", task, 2, seed=1, warmup=False)
    run([job], folder=tmp_path / "other", shows="nothing")
    shutil.copytree(tmp_path / "other/stock-sim/cash", forged / "stock-sim/cash")
    (finding,) = verdict_on(forged).findings
    assert finding.what == "mixed: its jobs have different seeds of the run: 0, 1"


def test_a_job_that_is_called_after_another_model_is_named(tmp_path: Path, command: Call) -> None:
    arguments = ("agent=finmem", "task=stock/sim", "task.end=2020-10-06", "warmup=false", "seed=0")
    assert command("run", *arguments, "output=json", f"folder={tmp_path / 'run'}").code == 0
    job = tmp_path / "run/stock-sim/finmem_model=gpt-5"
    job.with_name("finmem_model=offline").rename(job)
    configure(job, lambda config: config.update(name="finmem model=gpt-5"))
    said = " ".join(command("verify", tmp_path / "run").out.split())
    assert "the job is called finmem model=gpt-5, and its model offline" in said

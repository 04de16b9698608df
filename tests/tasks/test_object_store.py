"""Records at an address: put whole, fetched whole, refused in one line, and without secrets."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from investorbench.tasks import evaluate
from investorbench.tasks.record import object_store
from investorbench.tasks.record.object_store import (
    FETCHED,
    PuttingJobs,
    RunStore,
    StoreError,
    address_in,
    mirror_of,
    put_from_here,
)
from investorbench_env.errors import InvestorBenchError

fsspec = pytest.importorskip("fsspec", reason="needs investorbench[s3]")
PLACE = "stock-sim/mine"


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "WAIT_S", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(f"file://{tmp_path}/bucket/prefix")


def job(run: Path, episodes: int = 2) -> Path:
    """The folder of a run with what a job leaves in it."""
    for number in range(episodes):
        folder = run / PLACE / f"repeat-{number}"
        (folder / "agent" / "test-9").mkdir(parents=True)
        (folder / "decisions.jsonl").write_text(f"line {number}\n")
        (folder / "agent" / "test-9" / "state.json").write_text("{}")
    (run / PLACE / "config.yaml").write_text("seed: 1\n")
    (run / PLACE / "manifest.json").write_text("{}")
    (run / "spending.txt").write_text(f"0.5 {PLACE}/repeat-0\n0.25 other/job/repeat-0\n")
    (run / "seed.txt").write_text("7\n")
    return run


def files(run: Path) -> dict[str, str]:
    names = (each for each in run.rglob("*") if each.is_file() and each.name != FETCHED)
    return {each.relative_to(run).as_posix(): each.read_text() for each in names}


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        (Path("s3://bucket/prefix"), "s3://bucket/prefix"),
        ("file:///shared/x", "file:///shared/x"),
        (Path("file:///shared/x"), "file:///shared/x"),
        ("gs://bucket/a b", "gs://bucket/a b"),
        ("runs/mine", None),
        ("/runs/mine", None),
        ("C:/runs/mine", None),
        ("a:b", None),
    ],
)
def test_an_address_is_told_from_a_folder(given: str | Path, address: str | None) -> None:
    assert address_in(given) == address


@pytest.mark.parametrize(
    "address", ["s3://key:hidden@bucket/x", "ftp://ann:hidden@host/x", "http://host/x?token=hidden"]
)
def test_an_address_with_a_secret_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(InvestorBenchError) as error:
        address_in(address)
    assert "hidden" not in str(error.value) and "environment" in str(error.value)


def test_the_folder_of_an_address_lies_among_the_runs() -> None:
    assert mirror_of("s3://bucket/a/b") == Path("runs/s3/bucket/a/b")
    assert mirror_of("s3://bucket/../../etc") == Path("runs/s3/bucket/etc")


def test_what_is_put_is_fetched_as_it_was(store: RunStore, tmp_path: Path) -> None:
    run, copy = job(tmp_path / "run"), tmp_path / "copy"
    token = store.take_over(PLACE)
    store.put_run(run)
    store.put_job(run, PLACE, token)
    for number in range(2):
        store.put_episode(run, PLACE, f"repeat-{number}", token)
    assert store.fetch(copy) == 4
    own = {"spending.txt": f"0.5 {PLACE}/repeat-0\n"}  # of this job alone
    assert files(copy) == files(run) | own
    assert store.fetch(copy) == 0  # nothing is newer
    (run / PLACE / "repeat-1" / "decisions.jsonl").write_text("line 1\nanother\n")
    store.put_episode(run, PLACE, "repeat-1", token)
    assert store.fetch(copy, [PLACE]) == 1 and files(copy) == files(run) | own


def test_a_writer_that_was_taken_over_puts_nothing_more(store: RunStore, tmp_path: Path) -> None:
    run = job(tmp_path / "run")
    first = store.take_over(PLACE)
    store.put_job(run, PLACE, first)
    second = store.take_over(PLACE)
    with pytest.raises(StoreError, match="taken over by another run"):
        store.put_episode(run, PLACE, "repeat-0", first)
    store.put_episode(run, PLACE, "repeat-0", second)


def test_an_episode_that_is_refused_is_put_at_the_end(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job(tmp_path / "run")
    putting = PuttingJobs(store, run, [PLACE])
    refuse(store, monkeypatch, OSError("503 Slow Down"))
    putting.ended(run / PLACE / "repeat-0")
    with pytest.raises(StoreError, match="refuses: 503 Slow Down"):
        putting.finish()
    monkeypatch.undo()
    putting.ended(run / PLACE / "repeat-1")
    putting.finish()
    store.fetch(tmp_path / "copy")
    assert files(tmp_path / "copy").keys() >= {
        f"{PLACE}/repeat-0/decisions.jsonl", f"{PLACE}/repeat-1/decisions.jsonl",
    }  # fmt: skip


def refuse(store: RunStore, monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Have the store refuse whatever is put; what was tried."""
    tried: list[str] = []

    def put_file(local: str, remote: str, **more: Any) -> None:
        tried.append(remote)
        raise error

    monkeypatch.setattr(store._files, "put_file", put_file)
    return tried


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (PermissionError("403 Access Denied"), 1),
        (FileNotFoundError("The specified bucket does not exist"), 1),
        (OSError("503 Slow Down"), object_store.TRIES),
    ],
)
def test_a_refusal_that_passes_is_tried_again_and_any_is_said_in_a_line(
    error: Exception, tries: int, store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, token = job(tmp_path / "run"), store.take_over(PLACE)
    tried = refuse(store, monkeypatch, error)
    with pytest.raises(StoreError) as refused:
        store.put_job(run, PLACE, token)
    assert len(tried) == tries
    assert str(refused.value) == f"{store.address} refuses: {error}"


def test_what_a_store_refuses_to_the_end_stays_in_a_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"file://{tmp_path}/bucket"
    with (  # noqa: PT012
        pytest.raises(StoreError, match="lies in") as refused,
        put_from_here(address, [PLACE]) as (run, putting),
    ):
        job(run)
        refuse(putting._store, monkeypatch, PermissionError("403"))
        putting.ended(run / PLACE / "repeat-0")
    kept = Path(str(refused.value).rpartition(":")[2])
    assert (kept / PLACE / "repeat-0" / "decisions.jsonl").read_text() == "line 0\n"


def test_an_object_that_was_cut_off_or_leads_out_is_named(store: RunStore, tmp_path: Path) -> None:
    run = job(tmp_path / "run")
    token = store.take_over(PLACE)
    store.put_episode(run, PLACE, "repeat-0", token)
    path = tmp_path / "bucket" / "prefix" / PLACE / "repeat-0.tar.gz"
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(StoreError, match=r"repeat-0\.tar\.gz is no whole record"):
        store.fetch(tmp_path / "copy")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(run / "seed.txt", "../../../outside.txt")
    with pytest.raises(StoreError, match="is no whole record"):
        store.fetch(tmp_path / "copy")
    assert not list(tmp_path.rglob("outside.txt"))
    assert json.loads((tmp_path / "copy" / FETCHED).read_text()) == {}


def test_commands_that_read_a_run_take_its_address(
    store: RunStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate("momentum", "stock/sim", seed=0, end="2020-10-14", warmup=False, folder="run")
    putting = PuttingJobs(store, Path("run"), ["stock-sim/momentum"])
    putting.ended(Path("run/stock-sim/momentum/repeat-0"))
    putting.finish()
    for command, wanted in (("score", "1 agent with 1 repeat"), ("verify", "nothing wrong")):
        with pytest.raises(SystemExit) as ended:
            main([command, store.address])
        output = capsys.readouterr()
        assert ended.value.code == 0 and wanted in " ".join(output.out.split())
        assert f"{store.address}isfetchedinto" in "".join(output.err.split())  # of any width
    assert files(mirror_of(store.address)).keys() >= {"stock-sim/momentum/manifest.json"}
    with pytest.raises(SystemExit):
        main(["score", f"{store.address}/stock-sim/momentum"])
    assert "give the address of all of it" in " ".join(capsys.readouterr().err.split())


def test_a_kind_of_address_that_is_not_known_is_named() -> None:
    with pytest.raises(InvestorBenchError, match="folder=nothing://x"):
        RunStore("nothing://x")

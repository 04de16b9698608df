"""Records at an address: put whole, fetched whole, refused in one line, and without secrets."""

import contextlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.scripts.main import main
from investorbench.tasks import evaluate
from investorbench.tasks.record import object_store
from investorbench.tasks.record.archives import NOT_WHOLE, pack, unpack
from investorbench.tasks.record.object_store import (
    FETCHED,
    FETCHING,
    PuttingJobs,
    RunStore,
    StoreError,
    address_in,
    mirror_of,
    put_from_here,
)
from investorbench.tasks.record.run_folder import jobs_in
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
    names = (each for each in run.rglob("*") if each.is_file() and FETCHED[:8] not in each.name)
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
        ("S3://Bucket/x", "s3://Bucket/x"),
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


@pytest.mark.parametrize("address", ["s3://", "s3:///", "gs:/"])
def test_an_address_of_nothing_is_refused(address: str) -> None:
    with pytest.raises(InvestorBenchError, match="names no place"):
        address_in(address)


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
    for command in (["bundle", store.address], ["verify", "prefix.zip"]):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 0, capsys.readouterr().err
    assert files(mirror_of(store.address)).keys() >= {"stock-sim/momentum/manifest.json"}
    with pytest.raises(SystemExit):
        main(["score", f"{store.address}/stock-sim/momentum"])
    assert "give the address of all of it" in " ".join(capsys.readouterr().err.split())


def test_a_kind_of_address_that_is_not_known_is_named() -> None:
    with pytest.raises(InvestorBenchError, match="folder=nothing://x"):
        RunStore("nothing://x")


# Names of objects as anybody may put them below an address: their parts, joined by slashes.
PARTS = st.sampled_from(
    ["a", "stock-sim", "mine", "..", ".", "", "a b", "é", "\\", "job", "repeat-0", "seed.txt", "\n"]
)
LASTS = st.sampled_from(
    ["job.tar.gz", "repeat-0.tar.gz", "repeat-01.tar.gz", "repeat-.tar.gz", ".tar.gz", "...tar.gz",
     "backup.tar.gz", "writer", "seed.txt", "repeat-0"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(PARTS, max_size=4), last=LASTS)
def test_no_name_of_an_object_leads_out_of_the_folder_or_away_from_what_a_run_puts(
    parts: list[str], last: str
) -> None:
    name = "/".join([*parts, last])
    if not object_store._is_part(name):
        return
    run = Path("/runs/of/mine")
    target = Path(os.path.normpath(run / name.removesuffix(".tar.gz")))
    assert target.relative_to(run).as_posix() == name.removesuffix(".tar.gz")
    assert last in ("job.tar.gz", "repeat-0.tar.gz") or name == "seed.txt"


@settings(max_examples=40, deadline=None)
@given(
    contents=st.dictionaries(
        st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?\.x", fullmatch=True),
        st.binary(max_size=200) | st.integers(1, 5).map(lambda mb: bytes(mb << 20)),
        max_size=4,
    ),
    change=st.integers(0, 10**9),
)
def test_what_is_packed_is_unpacked_or_where_a_byte_was_changed_refused(
    contents: dict[str, bytes], change: int
) -> None:
    with tempfile.TemporaryDirectory() as room:
        packed, sources, out = Path(room, "packed"), Path(room, "sources"), Path(room, "out")
        for name, content in contents.items():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_bytes(content)
        pack({name: sources / name for name in contents}, packed)
        unpack(packed, out)
        assert {name: (out / name).read_bytes() for name in contents} == contents
        whole = bytearray(packed.read_bytes())
        place = 10 + change % (len(whole) - 10)  # after a head that says how it was packed
        whole[place] ^= 1 + change % 255
        packed.write_bytes(whole)
        other = Path(room, "other")
        with contextlib.suppress(*NOT_WHOLE):
            unpack(packed, other)
            assert {name: (other / name).read_bytes() for name in contents} == contents


def archive(path: Path, *members: tarfile.TarInfo) -> None:
    """An archive of members that hold zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(bytes(member.size)))


def member(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, to: str = ""
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, to
    return made


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member("a", 200 << 20)], "unpacks to more than"),
        ([member("a", to="b", kind=tarfile.SYMTYPE)], "'a' is no plain file"),
        ([member("a", to="b", kind=tarfile.LNKTYPE)], "'a' is no plain file"),
        ([member("a", kind=tarfile.FIFOTYPE)], "'a' is no plain file"),
        ([member("a", kind=tarfile.CHRTYPE)], "'a' is no plain file"),
        ([member("../a")], "outside"),
        ([member("a" * 300)], "name too long"),
        ([member("a"), member("a/b")], "cannot be unpacked here"),
    ],
)
def test_what_no_record_holds_is_not_unpacked_and_the_others_are_fetched(
    members: list[tarfile.TarInfo], why: str, store: RunStore, tmp_path: Path
) -> None:
    run, token, copy = job(tmp_path / "run"), store.take_over(PLACE), tmp_path / "copy"
    store.put_episode(run, PLACE, "repeat-1", token)
    archive(tmp_path / "bucket" / "prefix" / PLACE / "repeat-0.tar.gz", *members)
    with pytest.raises(StoreError, match=why) as error:
        store.fetch(copy)
    assert "\n" not in str(error.value) and str(copy) in str(error.value)
    assert not (copy / PLACE / "repeat-0").exists()
    assert (copy / PLACE / "repeat-1" / "decisions.jsonl").read_text() == "line 1\n"
    assert {each.name for each in copy.glob(".*")} == {FETCHED, FETCHING}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("answers.sqlite", b"SQLite format 3\0 torn"),
        ("answers.sqlite", b""),
        ("spending.txt", b"\xff\xfe"),
    ],
)
def test_a_job_whose_answers_or_costs_are_damaged_is_named(
    name: str, content: bytes, store: RunStore, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    path = tmp_path / "bucket" / "prefix" / PLACE / "job.tar.gz"
    path.parent.mkdir(parents=True)
    pack({name: tmp_path / name}, path)
    with pytest.raises(StoreError, match=rf"{PLACE}/job\.tar\.gz is no whole record"):
        store.fetch(tmp_path / "copy")


def test_costs_of_a_job_are_its_own_whoever_wrote_them(store: RunStore, tmp_path: Path) -> None:
    (tmp_path / "spending.txt").write_text(f"0.5 {PLACE}/repeat-0\n9e9 other/job/repeat-0\nno\n")
    path = tmp_path / "bucket" / "prefix" / PLACE / "job.tar.gz"
    path.parent.mkdir(parents=True)
    pack({"spending.txt": tmp_path / "spending.txt"}, path)
    store.fetch(tmp_path / "copy")
    assert (tmp_path / "copy" / "spending.txt").read_text() == f"0.5 {PLACE}/repeat-0\n"


def test_what_a_killed_fetch_left_is_gone_and_no_job_meanwhile(
    store: RunStore, tmp_path: Path
) -> None:
    run, copy = job(tmp_path / "run"), tmp_path / "copy"
    store.put_job(run, PLACE, store.take_over(PLACE))
    left = copy / ".fetched-abc" / "inside" / "config.yaml"
    left.parent.mkdir(parents=True)
    left.write_text("seed: 1\n")
    (copy / PLACE).mkdir(parents=True)
    (copy / PLACE / "config.yaml").write_text("seed: 1\n")
    assert jobs_in(copy) == [copy / PLACE]
    assert store.fetch(copy) == 1 and not left.exists()


def test_a_folder_that_cannot_be_made_is_named(store: RunStore, tmp_path: Path) -> None:
    run = job(tmp_path / "run")
    store.put_episode(run, PLACE, "repeat-0", store.take_over(PLACE))
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StoreError, match=r"runs/copy cannot be made, .*run this in another folder"):
        store.fetch(tmp_path / "runs" / "copy")


def test_a_folder_with_what_its_address_has_not_is_refused(store: RunStore, tmp_path: Path) -> None:
    run, copy, token = job(tmp_path / "run"), tmp_path / "copy", store.take_over(PLACE)
    store.put_episode(run, PLACE, "repeat-0", token)
    store.fetch(copy)
    (tmp_path / "bucket" / "prefix" / PLACE / "repeat-0.tar.gz").unlink()
    with pytest.raises(StoreError, match=rf"has {PLACE}/repeat-0, which is not at .* move the"):
        store.fetch(copy)
    other = tmp_path / "of another run"
    (other / PLACE / "repeat-3").mkdir(parents=True)
    (other / PLACE / "repeat-3" / "metrics.json").write_text("{}")
    with pytest.raises(StoreError, match=rf"has {PLACE}/repeat-3, which is not at"):
        store.fetch(other)


def test_episodes_that_end_at_once_are_put_one_after_another(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job(tmp_path / "run", episodes=8)
    putting, at_once, most = PuttingJobs(store, run, [PLACE]), [0], [0]
    put = store._put_archive

    def put_archive(*given: Any) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        put(*given)
        at_once[0] -= 1

    monkeypatch.setattr(store, "_put_archive", put_archive)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(putting.ended, (run / PLACE).glob("repeat-*")))
    assert most == [1]


def test_a_job_that_is_taken_over_leaves_the_others_to_be_put(
    store: RunStore, tmp_path: Path
) -> None:
    run = job(tmp_path / "run")
    other = "stock-sim/other"
    shutil.copytree(run / PLACE, run / other)
    putting = PuttingJobs(store, run, [PLACE, other])
    store.take_over(PLACE)
    with pytest.raises(StoreError, match="taken over"):
        putting.finish()
    store.fetch(tmp_path / "copy")
    assert (tmp_path / "copy" / other / "manifest.json").exists()
    assert not (tmp_path / "copy" / PLACE / "manifest.json").exists()


def test_a_full_disk_while_an_episode_is_packed_does_not_fail_it(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job(tmp_path / "run")
    putting = PuttingJobs(store, run, [PLACE])

    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(object_store, "pack", full)
    putting.ended(run / PLACE / "repeat-0")
    with pytest.raises(StoreError, match=r"cannot be packed here: .* No space left"):
        putting.finish()
    monkeypatch.undo()
    putting.finish()
    assert store.fetch(tmp_path / "copy") == 2

"""Bundles: the same record is the same file, and nothing else that is called one is opened."""

import asyncio
import json
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm.cache import Cache
from investorbench.tasks import Job, Task, load, run
from investorbench.tasks.record.bundling import bundle_runs, open_bundle, opened, opening, packing
from investorbench.tasks.record.sealing import seal_findings, seal_record
from investorbench_env.errors import InvestorBenchError
from tests.tasks.test_sealing import json_values, records, reply, written


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with answers and a seal."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    task = Task.of("stock/sim", end="2020-10-16")
    run([Job.of("momentum", task, 2, seed=0, warmup=False)], folder=folder, shows="nothing")
    with Cache(folder / "answers.sqlite") as cache:
        for key in ("b", "a"):
            asyncio.run(cache.put(key, "model", reply(f"sell é {key}")))
    seal_record(folder)
    return folder


@pytest.fixture
def bundle(recorded: Path, tmp_path: Path) -> Path:
    bundle_runs([recorded], tmp_path / "mine.zip")
    return tmp_path / "mine.zip"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_bundle_gives_back_a_record_that_fits_its_seal(bundle: Path, tmp_path: Path) -> None:
    (opened_run,) = open_bundle(bundle, tmp_path / "elsewhere")
    assert opened_run == tmp_path / "elsewhere" / "mine"
    assert seal_findings(opened_run) == []
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["mine"]


def test_what_is_loaded_from_a_bundle_is_what_is_loaded_from_the_run(
    recorded: Path, bundle: Path
) -> None:
    ours, theirs = load(recorded), load(bundle)
    assert [each.agent for each in theirs.results] == ["momentum"]
    assert ours.results[0].metrics == theirs.results[0].metrics
    assert [entry.run for entry in theirs.entries] == ["mine"]


def test_answers_that_a_database_lays_out_otherwise_make_the_same_bundle(
    recorded: Path, bundle: Path, tmp_path: Path
) -> None:
    again = Path(shutil.copytree(recorded, tmp_path / "again" / "mine"))
    (again / "answers.sqlite").unlink()
    with Cache(again / "answers.sqlite") as cache:
        for key in ("a", "b"):
            asyncio.run(cache.put(key, "model", reply(f"sell é {key}")))
    (again / "report.html").write_text("made of it")
    bundle_runs([again], tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def test_several_runs_are_in_one_file_by_their_names(recorded: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(recorded, tmp_path / "other"))
    packed = bundle_runs([recorded, other], tmp_path / "both.zip")
    assert packed.runs == ("mine", "other")
    with opened([tmp_path / "both.zip", other]) as folders:
        assert [folder.name for folder in folders] == ["mine", "other", "other"]
        assert contents(folders[1]) | {"answers.sqlite": b""} == {
            name: content
            for name, content in (contents(other) | {"answers.sqlite": b""}).items()
            if not name.endswith(".lock")
        }
    assert not folders[0].exists() and folders[2].exists()
    twin = Path(shutil.copytree(recorded, tmp_path / "twin" / "mine"))
    with pytest.raises(InvestorBenchError, match="two runs are called mine"):
        bundle_runs([recorded, twin], tmp_path / "twins.zip")


@settings(max_examples=15, deadline=None)
@given(record=records())
def test_every_file_comes_out_of_a_bundle_as_it_went_in(record: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        here, there = written(record, room / "run"), written(record, room / "a" / "run")
        first, second = room / "first.zip", room / "second.zip"
        bundle_runs([here], first), bundle_runs([there], second)
        assert first.read_bytes() == second.read_bytes()
        (out,) = open_bundle(first, room / "out")
        assert contents(out) == record
        assert seal_record(out).digest == seal_record(here).digest


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_bundle_with_a_byte_changed_or_lost_is_the_same_or_is_refused(
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        record = {"t/a/config.yaml": b"a: 1\n" * 9, "t/a/repeat-0/decisions.jsonl": b"{}\n"}
        bundle_runs([written(record, room / "run")], room / "run.zip")
        whole = bytearray((room / "run.zip").read_bytes())
        place = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[place] ^= data.draw(st.integers(1, 255))
        else:
            del whole[place : place + data.draw(st.integers(1, 400))]
        (room / "run.zip").write_bytes(whole)
        refused = ""
        try:
            (out,) = open_bundle(room / "run.zip", room / "out")
        except InvestorBenchError as error:
            refused = str(error)
        if refused:
            assert str(room / "run.zip") in refused
            assert not (room / "out").exists() or not list((room / "out").iterdir())
        else:
            assert contents(out) == record


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_list_with_anything_in_any_place_is_refused_in_words(data: st.DataObject) -> None:
    record = {"t/a/config.yaml": b"a: 1\n", "t/a/repeat-0/decisions.jsonl": b"{}\n"}
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        bundle_runs([written(record, room / "run")], room / "run.zip")

        def change(listed: dict[str, Any], files: dict[str, bytes]) -> None:
            place: Any = listed
            while True:
                keys = range(len(place)) if isinstance(place, list) else sorted(place)
                key = data.draw(st.sampled_from(keys))
                is_deeper = isinstance(place[key], list | dict) and place[key]
                if not is_deeper or data.draw(st.booleans()):
                    break
                place = place[key]
            place[key] = data.draw(json_values)

        repacked(room / "run.zip", change)
        try:
            (out,) = open_bundle(room / "run.zip", room / "out")
        except InvestorBenchError:
            assert not (room / "out").exists() or not list((room / "out").iterdir())
        else:
            assert contents(out) == record


def repacked(bundle: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    """A bundle again, after a change of its list and its files, whose hashes are made to fit."""
    import hashlib

    with zipfile.ZipFile(bundle) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    listed = json.loads(files.pop("bundle.json"))
    change(listed, files)
    known = {name: content for name, content in files.items() if name != "unlisted/file"}
    listed.setdefault(
        "files",
        [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in known.items()
        ],
    )
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("bundle.json", json.dumps(listed))


def renamed(name: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(listed: dict[str, Any], files: dict[str, bytes]) -> None:
        del listed["files"]
        files[name] = b"mine"

    return change


def a_zip_bomb(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    del listed["files"]
    files["mine/bomb"] = bytes(1 << 24)


def unlisted(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    files["mine/unlisted"] = b"mine"


def lost(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    del files[next(name for name in files if name.endswith("metrics.json"))]


def other_content(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.endswith("metrics.json"))
    files[name] = b"x" * len(files[name])


def other_size(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    name = next(name for name in files if name.endswith("metrics.json"))
    files[name] += b"x"


def huge(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    listed["files"][0]["size"] = 1 << 50


def no_run(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    listed["runs"].append("ghost")


def later(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    listed |= {"bundle": 2, "version": "9.9.1"}


def odd_rows(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    del listed["files"]
    files["mine/answers.jsonl"] = b'["key", "model", "text"]\n'


def broken_rows(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    del listed["files"]
    files["mine/answers.jsonl"] = b'["key","model","completion"]\n["a","b"]\n'


def a_folder_and_a_file(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    del listed["files"]
    files |= {"mine/stock-sim": b"mine"}


def no_list(listed: dict[str, Any], files: dict[str, bytes]) -> None:
    listed.clear()


REFUSED = [
    *((renamed(name), "holds '.*', which no bundle does")
      for name in ("mine/../../out", "/mine/out", "mine//out", "mine/./out", "mine\\..\\out",
                   "mine/c:out", "other/file", "mine/a\nb", "mine", "mine/x/")),
    (a_folder_and_a_file, "holds 'mine/stock-sim', which no bundle does"),
    (no_run, "holds 'ghost', which no bundle does"),
    (a_zip_bomb, "mine/bomb unpacks to more than 100 times its size"),
    (unlisted, "holds other files than it lists"),
    (lost, "holds other files than it lists"),
    (other_content, "metrics.json was changed or cut off"),
    (other_size, "metrics.json was changed or cut off"),
    (huge, "unpacks to more than 8 GiB"),
    (later, r"version 2, and this InvestorBench reads version 1: pip install investorbench==9.9.1"),
    (odd_rows, "answers.sqlite has the columns"),
    (broken_rows, "answers.sqlite cannot be made of its rows"),
    (no_list, "is no bundle of runs"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_what_no_bundle_holds_is_refused_in_a_line_and_nothing_is_written(
    bundle: Path, tmp_path: Path, change: Any, words: str
) -> None:
    repacked(bundle, change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InvestorBenchError, match=words) as raised:
        open_bundle(bundle, tmp_path / "out")
    assert "\n" not in str(raised.value) and str(bundle) in str(raised.value)
    left = set(tmp_path.rglob("*")) - before
    assert left <= {tmp_path / "out"}


def test_a_link_or_a_file_that_is_there_twice_is_refused(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    with zipfile.ZipFile(bundle, "a") as archive:
        link = zipfile.ZipInfo("mine/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InvestorBenchError, match="holds 'mine/link', which no bundle does"):
        open_bundle(bundle, tmp_path / "out")
    bundle.write_bytes(whole)
    with zipfile.ZipFile(bundle, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("bundle.json", "{}")
    with pytest.raises(InvestorBenchError, match="is no bundle of runs"):
        open_bundle(bundle, tmp_path / "out")


def test_a_bundle_is_not_opened_over_what_is_there(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "mine").mkdir(parents=True)
    with pytest.raises(InvestorBenchError, match="is there already: name another folder"):
        open_bundle(bundle, tmp_path / "out")


def test_the_version_that_made_a_bundle_is_said_where_it_is_another(
    bundle: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    open_bundle(bundle, tmp_path / "one", said.append)
    assert said == []
    repacked(bundle, lambda listed, files: listed.update(version="0.0.7"))
    open_bundle(bundle, tmp_path / "two", said.append)
    (line,) = said
    assert "made by InvestorBench 0.0.7" in line and "pip install investorbench==0.0.7" in line


def test_links_and_names_that_others_cannot_have_are_not_packed(
    recorded: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(recorded, tmp_path / "copy"))
    (path,) = copy.rglob("repeat-0/metrics.json")
    path.with_name("a\\b").write_text("x")
    with pytest.raises(InvestorBenchError, match="is no name of a file everywhere"):
        bundle_runs([copy], tmp_path / "copy.zip")
    path.with_name("a\\b").unlink()
    path.with_name("agent").symlink_to(tmp_path)
    with pytest.raises(InvestorBenchError, match="agent is a link, or no file"):
        bundle_runs([copy], tmp_path / "copy.zip")
    assert not (tmp_path / "copy.zip").exists()


def test_what_compresses_too_well_is_stored_and_can_be_opened(
    recorded: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(recorded, tmp_path / "copy"))
    (repeat,) = copy.rglob("repeat-0")
    (repeat / "agent").mkdir()
    (repeat / "agent" / "zeros").write_bytes(bytes(1 << 20))
    bundle_runs([copy], tmp_path / "copy.zip")
    (out,) = open_bundle(tmp_path / "copy.zip", tmp_path / "out")
    assert (out / repeat.relative_to(copy) / "agent" / "zeros").read_bytes() == bytes(1 << 20)


def test_a_full_disk_leaves_no_half_bundle_and_no_half_run(
    recorded: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "_put", refuse)
    with pytest.raises(InvestorBenchError, match=r"half.zip cannot be written: No space left"):
        bundle_runs([recorded], tmp_path / "half.zip")
    assert not (tmp_path / "half.zip").exists() and not list(tmp_path.glob("*.part"))
    monkeypatch.setattr(opening, "_unpack", refuse)
    with pytest.raises(InvestorBenchError, match="No space left"):
        open_bundle(bundle, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_of_runs_is_not_taken_for_one_run(recorded: Path, tmp_path: Path) -> None:
    shutil.copytree(recorded, tmp_path / "runs" / "one")
    for make in (seal_record, lambda run: bundle_runs([run], tmp_path / "runs.zip")):
        with pytest.raises(InvestorBenchError, match=r"holds several runs: name .*one"):
            make(tmp_path / "runs")
    job = tmp_path / "runs" / "one" / "stock-sim" / "momentum"
    with pytest.raises(InvestorBenchError, match="is the folder of one job: seal that of its run"):
        seal_record(job)


def test_an_error_in_an_opened_run_names_the_bundle(bundle: Path) -> None:
    with (
        pytest.raises(InvestorBenchError, match=f"{bundle}/mine/other holds nothing"),
        opened([bundle]) as (folder,),
    ):
        raise InvestorBenchError(f"{folder / 'other'} holds nothing")

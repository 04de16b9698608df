"""What tasks have is carried to another machine whole, or not at all."""

import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from investorbench.scripts.data import app
from investorbench_env.errors import CorruptDataError, DataNotFoundError, InvestorBenchError
from investorbench_env.market.files import store
from investorbench_env.market.library import find_market
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.bundles import CONTENTS, add, bundle
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.http import Downloader
from investorbench_env.market.sources.source import FetchRequest


@pytest.fixture
def fetched(tmp_path: Path) -> FetchRequest:
    """A folder with the bars of ABC as fetching keeps them, and of XYZ as somebody has them."""
    request = FetchRequest(
        symbol="ABC",
        asset_class="stock",
        first=date(2021, 1, 14),
        last=date(2021, 1, 15),
        into=tmp_path / "here",
    )
    days = pd.to_datetime(["2021-01-14", "2021-01-15"])
    bars = pd.DataFrame({"date": days, "symbol": "ABC", "close": [10.0, 11.0], "source": "Stooq"})
    path = request.into / "prices" / "ABC_stooq.parquet"
    kept.keep(request, path, SOURCES["stooq"], "bars", bars, Downloader())
    (request.into / "xyz.csv").write_text("date,close\n2021-01-14,1\n")
    return request


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and ".locks" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def written(file: Path, listed: Any, **members: bytes) -> Path:
    """A bundle made by hand."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(CONTENTS, json.dumps(listed))
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_what_was_bundled_is_the_same_there(fetched: FetchRequest, tmp_path: Path) -> None:
    (listed,) = bundle([fetched], tmp_path / "data.zip")
    there = tmp_path / "there"
    (added,) = add(tmp_path / "data.zip", there)

    assert listed.name == "prices/ABC_stooq.parquet"
    assert listed.terms == SOURCES["stooq"].terms
    assert added.is_new
    mine = contents(fetched.into)
    assert contents(there) == {name: mine[name] for name in mine if name != "xyz.csv"}
    here = find_market("ABC", "stock", fetched.into)
    assert find_market("ABC", "stock", there).fingerprint == here.fingerprint
    assert "Terms of use: no licence stated" in (there / "prices/stooq.terms.txt").read_text()


def test_the_same_files_make_the_same_bundle(fetched: FetchRequest, tmp_path: Path) -> None:
    bundle([fetched], tmp_path / "one.zip")
    bundle([fetched, fetched], tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_what_was_added_is_not_fetched_again(
    server, fetched: FetchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVESTORBENCH_STOOQ_URL", server.url)
    monkeypatch.setenv("STOOQ_API_KEY", "x")
    bundle([fetched], tmp_path / "data.zip")
    add(tmp_path / "data.zip", tmp_path / "there")
    (outcome,) = fetch(replace(fetched, into=tmp_path / "there"), ["stooq"])

    assert outcome.status == "already there"
    assert server.asked == []


def test_adding_twice_changes_nothing(fetched: FetchRequest, tmp_path: Path) -> None:
    bundle([fetched], tmp_path / "data.zip")
    before = contents(fetched.into)
    (added,) = add(tmp_path / "data.zip", fetched.into)

    assert not added.is_new
    assert contents(fetched.into) == before


def test_a_file_that_differs_is_replaced_only_when_asked(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    bundle([fetched], tmp_path / "data.zip")
    there = tmp_path / "there"
    store.write_atomic(there / "prices" / "ABC_stooq.parquet", b"something of my own")

    with pytest.raises(InvestorBenchError, match=r"differs from the one in .*--again"):
        add(tmp_path / "data.zip", there)
    assert list(contents(there)) == ["prices/ABC_stooq.parquet"]
    add(tmp_path / "data.zip", there, again=True)
    assert len(find_market("ABC", "stock", there).sessions) == 2


def test_nothing_to_bundle_names_the_command_that_fetches_it(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    with pytest.raises(DataNotFoundError, match="investorbench data fetch stock/nope"):
        bundle([replace(fetched, symbol="NOPE")], tmp_path / "data.zip")
    assert not (tmp_path / "data.zip").exists()


def test_a_file_that_was_changed_since_it_was_fetched_is_not_passed_on(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    path = fetched.into / "prices" / "ABC_stooq.parquet"
    provenance = store.provenance_path(path)
    provenance.write_text(provenance.read_text().replace('"sha256": "', '"sha256": "0', 1))

    with pytest.raises(CorruptDataError, match="changed since it was fetched"):
        bundle([fetched], tmp_path / "data.zip")
    assert not (tmp_path / "data.zip").exists()


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.8, 0.99])
def test_a_bundle_that_was_cut_off_leaves_nothing(
    fetched: FetchRequest, tmp_path: Path, share: float
) -> None:
    bundle([fetched], tmp_path / "data.zip")
    content = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(content[: int(len(content) * share)])

    with pytest.raises(CorruptDataError, match="no bundle, or cut off"):
        add(tmp_path / "data.zip", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_bundle_with_one_byte_changed_anywhere_leaves_nothing(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    bundle([fetched], tmp_path / "data.zip")
    whole = (tmp_path / "data.zip").read_bytes()
    mine = contents(fetched.into)
    for place in range(0, len(whole), len(whole) // 30):
        (tmp_path / "data.zip").write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        )
        there = tmp_path / f"there{place}"
        try:
            add(tmp_path / "data.zip", there)
        except CorruptDataError:
            assert not there.exists(), place
        else:  # a byte that means nothing, such as the time of a file
            assert all(mine[name] == content for name, content in contents(there).items()), place


@pytest.mark.parametrize(
    "name",
    ["../out.csv", "/etc/out.csv", "a/../../out.csv", "C:\\out.csv", ".locks/x.csv", "run.sh", ""],
)
def test_a_name_that_leads_elsewhere_or_is_no_data_is_refused(tmp_path: Path, name: str) -> None:
    row = {"name": name, "size": 1, "sha256": store.sha256(b"x"), "terms": ""}
    file = written(
        tmp_path / "b.zip", {"format": 1, "files": [row]}, **({name: b"x"} if name else {})
    )

    with pytest.raises(CorruptDataError, match="is no file of data; nothing was written"):
        add(file, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ({"format": 9, "files": []}, "format 9, this version reads 1"),
        ({"files": []}, "no bundle of data"),
        ([1], "no bundle of data"),
        ({"format": 1, "files": [{"name": "a.csv"}]}, "no bundle of data"),
        (
            {"format": 1, "files": [{"name": "a.csv", "size": 1, "sha256": "0", "terms": ""}]},
            "a.csv is missing",
        ),
    ],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, listed: Any, reason: str) -> None:
    with pytest.raises(CorruptDataError, match=reason):
        add(written(tmp_path / "b.zip", listed), tmp_path / "there")


def test_a_file_larger_than_it_is_listed_is_not_read_to_its_end(tmp_path: Path) -> None:
    row = {"name": "a.csv", "size": 3, "sha256": store.sha256(b"abc"), "terms": ""}
    file = written(tmp_path / "b.zip", {"format": 1, "files": [row]}, **{"a.csv": b"abc" * 10**6})

    with pytest.raises(CorruptDataError, match="was changed or cut off"):
        add(file, tmp_path / "there")


def test_the_commands_show_files_and_terms(
    fetched: FetchRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVESTORBENCH_DATA", str(fetched.into))
    file = tmp_path / "data.zip"
    made = CliRunner().invoke(app, ["bundle", "ABC", "-o", str(file)])
    taken = CliRunner().invoke(app, ["add", str(file), "--into", str(tmp_path / "there")])

    assert (made.exit_code, taken.exit_code) == (0, 0), made.output + taken.output
    for output in (made.stdout, taken.stdout):
        assert "prices/ABC_stooq.parquet" in output
        assert "terms of use:  no licence stated" in output
        assert "what is from stooq may not be passed on" in output
    missing = CliRunner().invoke(app, ["add", str(tmp_path / "no.zip")])
    assert missing.exit_code == 1
    assert missing.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_to_is_one_line(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    output = ("-o", str(tmp_path / "file" / "data.zip"))
    made = CliRunner().invoke(app, ["bundle", "ABC", "--data", str(fetched.into), *output])

    assert made.exit_code == 1
    assert str(tmp_path / "file") in made.stderr
    assert made.stderr.count("\n") == 1


def test_a_file_that_can_no_longer_be_read_is_not_left_out_in_silence(
    fetched: FetchRequest, tmp_path: Path
) -> None:
    (path,) = (fetched.into / "prices").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(CorruptDataError, match="changed since it was fetched; fetch it again"):
        bundle([fetched], tmp_path / "data.zip")
    assert not (tmp_path / "data.zip").exists()

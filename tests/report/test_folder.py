"""A report as a folder holds what one file does, a file an episode, and was read once."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, ReportFolder, html_page, written_report
from investorbench.tasks.report import folder as folder_module
from investorbench_env.errors import InvestorBenchError
from tests.report.reading import Page

pytest.importorskip("plotly")

PUT = re.compile(r'investorbench\.put\("([\w-]+)","([A-Za-z0-9+/=]*)"\);')


@pytest.fixture(scope="module")
def folder(small_run: Path, content: ReportContent, tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("folder") / "report"
    made = ReportFolder(path)
    found_in([small_run], made.see)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "read_record", _never)
        made.finish(content)
    return path


def _never(path: Path) -> None:
    raise AssertionError(f"{path} is read a second time")


def blocks_in(folder: Path) -> dict[str, str]:
    """All packed texts beside a page; nothing else may stand in their files."""
    found: dict[str, str] = {}
    for path in (folder / "parts").iterdir():
        for line in path.read_text().splitlines():
            put = PUT.fullmatch(line)
            assert put is not None, f"{path}: {line[:80]}"
            found[put[1]] = gzip.decompress(base64.b64decode(put[2])).decode()
    return found


def whole(value: Any, own: list[str], shared: list[str]) -> Any:
    """Decisions with texts in place of the places of lines."""
    if isinstance(value, dict):
        return {
            key: [shared[ref] if ref >= 0 else own[-1 - ref] for ref in each]
            if key in ("documents", "system", "user", "answer", "thinking", "other")
            else whole(each, own, shared)
            for key, each in value.items()
        }
    return [whole(each, own, shared) for each in value] if isinstance(value, list) else value


def test_a_folder_holds_the_decisions_that_one_file_holds(
    folder: Path, content: ReportContent
) -> None:
    one, page = Page(html_page(content)), Page((folder / "index.html").read_text())
    blocks = blocks_in(folder)
    listed, expected = (each.json("directory")["episodes"] for each in (page, one))
    assert len(listed) == len(expected) == 4
    for own, other in zip(listed, expected, strict=True):
        parts = ("facts", "texts")
        assert {**own, "facts": 0, "texts": 0} == {**other, "facts": 0, "texts": 0}
        shared = json.loads(one.unpacked(one.json("directory")["tables"][other["task"]]))
        for part in parts:
            assert (own[part] is None) is (other[part] is None)
            if own[part] is not None:
                read = json.loads(blocks[own[part]])
                kept = json.loads(one.unpacked(other[part]))
                assert whole(read["decisions"], read["lines"], []) == whole(
                    kept["decisions"], kept["lines"], shared
                )


def test_a_page_in_a_folder_shows_the_tables_of_one_file(
    folder: Path, content: ReportContent
) -> None:
    one, page = Page(html_page(content)), Page((folder / "index.html").read_text())
    assert [each.text for each in page.all("table")] == [each.text for each in one.all("table")]
    assert page.json("curves") == one.json("curves")
    assert "plotly" in blocks_in(folder) and page.packed_sizes() == {}


def test_only_files_beside_a_page_in_a_folder_may_be_loaded(folder: Path) -> None:
    page = Page((folder / "index.html").read_text())
    (policy,) = [each.attributes["content"] for each in page.all("meta")
                 if each.attributes.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    assert policy is not None and policy.startswith("default-src 'none'; script-src 'sha256-")
    sources = policy.split("; ")[1].split(" ")[1:]
    assert [each for each in sources if "sha256" not in each] == ["'self'", "file:"]


def test_an_episode_that_is_being_written_is_shown_as_far_as_it_came(
    small_run: Path, content: ReportContent, tmp_path: Path
) -> None:
    job, _ = content.records[0]
    record = read_record(job.episodes[1] / "decisions.jsonl")
    cut = tmp_path / "decisions.jsonl"
    cut.write_bytes(b"".join(record.path.read_bytes().splitlines(keepends=True)[:8]) + b'{"numb')
    made = ReportFolder(tmp_path / "report")
    made.see(job, 1, read_record(cut))
    made.finish(content)
    listed = Page((tmp_path / "report" / "index.html").read_text()).json("directory")["episodes"]
    (own,) = [each for each in listed if each["path"] == f"{job.place}/repeat-1"]
    assert own["days"] == 7
    assert len(json.loads(blocks_in(tmp_path / "report")[own["facts"]])["decisions"]) == 7


def test_an_older_report_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    def write(into: Path, text: str = "new") -> None:
        (into / "parts").mkdir(parents=True)
        (into / "index.html").write_text(text)

    def fail(into: Path) -> None:
        write(into, "half")
        raise OSError("no space left")

    place = tmp_path / "report"
    written_report(place, lambda into: write(into, "old"))
    written_report(place, write)
    assert (place / "index.html").read_text() == "new"
    with pytest.raises(OSError, match="no space left"):
        written_report(place, fail)
    assert (place / "index.html").read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["report"]
    (place / "mine.txt").write_text("mine")
    with pytest.raises(InvestorBenchError, match="holds no report: name another"):
        written_report(place, write)
    assert (place / "mine.txt").read_text() == "mine"

"""`investorbench report`: what it writes, where, and what it says when something is wrong."""

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks import evaluate
from tests.env.small_markets import small_market
from tests.report.reading import Page
from tests.scripts.calling import Call

pytest.importorskip("plotly")


@pytest.fixture
def report(command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`investorbench report` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return partial(command, "report")


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy, to write into and to damage."""
    return Path(shutil.copytree(small_run, tmp_path / "small"))


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_page_is_written_beside_the_run_and_said_where(report: Call, run: Path) -> None:
    before = files(run)
    output = report(run)
    assert output.code == 0, output.err
    assert files(run) - before == {run / "report.html"}
    assert output.out == f"wrote {run / 'report.html'}\n"
    assert len(Page((run / "report.html").read_text()).rows("Leaderboard of Stock-SIM")) == 4


@pytest.mark.parametrize(
    ("format", "name", "begins"),
    [("csv", "leaderboard.csv", b""), ("md", "leaderboard.md", b""),
     ("latex", "leaderboard.tex", b""), ("parquet", "leaderboard.parquet", b"PAR1")],
)  # fmt: skip
def test_a_table_of_any_format_is_written_beside_the_run(
    report: Call, run: Path, format: str, name: str, begins: bytes
) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    output = report(run, "--format", format)
    assert output.code == 0, output.err
    content = (run / name).read_bytes()
    assert content.startswith(begins) and b"momentum" in content


@pytest.mark.parametrize("agent", ["buy_and_hold", "cash", lambda observation, info: 1])
def test_an_agent_alone_is_reported_in_every_format(
    report: Call, tmp_path: Path, agent: Any
) -> None:
    lacks = ("dividends are missing", "one <bar> is missing")
    market = small_market([100.0 + t % 7 for t in range(40)], findings=lacks)
    dates = {"start": "2020-01-03", "end": "2020-02-08", "warmup": False}
    evaluate(agent, "InvestorBench/Stock", data=market, folder=tmp_path / "run", **dates)
    for format in ("html", "csv", "md", "latex"):
        output = report(tmp_path / "run", "--format", format, "--output", f"alone.{format}")
        assert (output.code, output.err) == (0, ""), (format, output.err)
        text = (tmp_path / f"alone.{format}").read_text()
        assert "dividends are missing" in text
        assert text.count("dividends are missing") == 1 or format == "csv"  # a line an agent
    assert "one &lt;bar&gt; is missing" in (tmp_path / "alone.html").read_text()
    assert "1 agent on 1 task: 1 episode, " in (tmp_path / "alone.html").read_text()


def test_another_file_may_be_named(report: Call, run: Path, tmp_path: Path) -> None:
    before = files(run)
    assert report(run, "--output", "here.csv", "--format", "csv").code == 0
    assert (tmp_path / "here.csv").exists() and files(run) == before


def test_several_runs_share_a_page(report: Call, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "again")
    output = report(run, tmp_path / "again", "--output", "both.html")
    assert output.code == 0, output.err
    page = Page((tmp_path / "both.html").read_text())
    assert len(page.rows("Leaderboard of Stock-SIM")) == 4  # identical records count once
    assert "identical records" in page.by_id("task-1").text


def test_what_is_damaged_is_named_and_the_rest_is_shown(report: Call, run: Path) -> None:
    record = run / "stock-sim" / "momentum" / "config.yaml"
    record.write_text("not: [a configuration")
    output = report(run)
    assert output.code == 0, output.err
    assert "momentum" in output.err and "left out" in output.err
    page = Page((run / "report.html").read_text())
    assert "problem" in next(each for each in page.elements if each.tag == "section").text
    shown = [row[1] for row in page.rows("Leaderboard of Stock-SIM")[1:]]
    assert not any("momentum" in agent for agent in shown) and len(shown) == 2


def test_a_damaged_manifest_is_named_and_its_decisions_are_shown(report: Call, run: Path) -> None:
    manifest = run / "stock-sim" / "momentum" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    output = report(run)
    assert output.code == 0, output.err
    assert f"{manifest} is no JSON" in output.err.replace("\n", "")
    page = Page((run / "report.html").read_text())
    shown = [row[1] for row in page.rows("Leaderboard of Stock-SIM")[1:]]
    assert any("momentum" in agent for agent in shown)


def _torn(record: bytes) -> bytes:
    return record[:-40]


def _halved(record: bytes) -> bytes:
    return record[: len(record) // 2]


def _holed(record: bytes) -> bytes:
    lines = record.splitlines(keepends=True)
    return b"".join(lines[:4] + lines[5:])


def _scribbled(record: bytes) -> bytes:
    lines = record.splitlines(keepends=True)
    return b"".join([*lines[:4], b"\0" * len(lines[4]), *lines[5:]])


@pytest.mark.parametrize("harm", [_torn, _halved, _holed, _scribbled, lambda record: b""])
def test_a_damaged_repeat_is_named_and_the_other_is_shown(
    report: Call, command: Call, run: Path, harm: Any
) -> None:
    """On the page, in the terminal, and by whatever else reads the run."""
    (repeat,) = (run / "stock-sim").glob("finmem*/repeat-1")
    decisions = repeat / "decisions.jsonl"
    decisions.write_bytes(harm(decisions.read_bytes()))
    place = f"{repeat.parent.relative_to(run.parent)}/repeat-1"
    page_and_folder = ([run, "-o", "page.html"], [run, "--folder", "-o", "pages"])
    for arguments, made in zip(page_and_folder, ("page.html", "pages/index.html"), strict=True):
        output = report(*arguments)
        assert output.code == 0, output.err
        named = [line for line in output.err.splitlines() if line.startswith("left out: ")]
        assert len(named) == 1 and named[0].count(place) == 1
        page = Page(Path(made).read_text())
        agents = [row[1] for row in page.rows("Leaderboard of Stock-SIM")[1:]]
        assert len(agents) == 3 and sum("1 of 2 repeats" in agent for agent in agents) == 1
    for other in ("score", "verify"):
        output = command(other, run)
        assert output.code == 1 and "repeat-1" in output.err + output.out


def test_a_repeat_that_was_cut_off_is_shown_as_far_as_it_came(report: Call, run: Path) -> None:
    (repeat,) = (run / "stock-sim").glob("finmem*/repeat-1")
    (repeat / "metrics.json").unlink()
    whole = (repeat / "decisions.jsonl").read_bytes()
    (repeat / "decisions.jsonl").write_bytes(whole[:-100])
    assert report(run).code == 0
    page = Page((run / "report.html").read_text())
    episodes = page.json("directory")["episodes"]
    cut = [each for each in episodes if not each["finished"]]
    assert [(each["repeat"], each["days"]) for each in cut] == [(1, 25)]
    assert "1 of 2 repeats" in page.by_id("task-1").text
    assert (repeat / "decisions.jsonl").read_bytes() == whole[:-100]  # nothing is mended


def test_an_agent_without_a_finished_repeat_is_shown_with_how_far_it_came_and_why(
    report: Call, run: Path
) -> None:
    job = run / "stock-sim" / "momentum"
    for repeat in job.glob("repeat-*"):
        (repeat / "metrics.json").unlink()
    failed = {"kind": "infrastructure", "why": "the server is down", "trace": ""}
    (job / "repeat-1" / "failure.json").write_text(json.dumps(failed))
    output = report(run)
    assert output.code == 0 and "none of 2 repeats can be shown" in output.err
    page = Page((run / "report.html").read_text())
    head, row = page.rows("Without a finished repeat")
    assert dict(zip(head, row, strict=True)) == {
        "Agent": "momentum",
        "Task": "Stock-SIM",
        "Repeats": "2",
        "Status": "unfinished and failed",
        "Why": "repeat 0: not finished, 26 steps are recorded"
        "repeat 1: infrastructure: the server is down",
        "Recorded in": f"{run.name}/stock-sim/momentum",
    }
    assert "problem" not in page.by_id("unfinished").text
    assert not any(each.attributes.get("id") == "problems-title" for each in page.elements)
    assert f"of {sum(1 for _ in run.rglob('repeat-*'))} episodes finished" in page.html
    assert any(each.attributes.get("href") == "#unfinished" for each in page.all("a"))


def damage_a_configuration(run: Path) -> None:
    (run / "stock-sim" / "momentum" / "config.yaml").write_text("not: [a configuration")


def damage_a_line(run: Path) -> None:
    path = run / "stock-sim" / "momentum" / "repeat-0" / "decisions.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"number": 3', b'"number": 4', 1))


def cut_a_manifest_off(run: Path) -> None:
    path = run / "stock-sim" / "momentum" / "manifest.json"
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.heavy
@pytest.mark.parametrize(
    "damage", [lambda run: None, damage_a_configuration, damage_a_line, cut_a_manifest_off]
)
def test_a_page_is_the_same_wherever_the_run_lies_and_however_it_is_named(
    report: Call, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Any
) -> None:
    damage(run)
    moved = Path(shutil.copytree(run, tmp_path / "moved" / "there" / "small"))
    assert report(run, "--output", "here.html").code == 0
    monkeypatch.chdir(moved.parent)
    assert report("small", "--output", tmp_path / "there.html").code == 0
    monkeypatch.chdir(moved)
    assert report(".", "--output", tmp_path / "within.html").code == 0
    pages = {(tmp_path / f"{name}.html").read_text() for name in ("here", "there", "within")}
    assert len(pages) == 1
    assert str(tmp_path) not in pages.pop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--format", "pdf"), "unknown format 'pdf'"),
        (("--output", "nowhere/r.html"), "there is no folder nowhere"),
        (("--output", "."), "is a folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    report: Call, run: Path, arguments: tuple[str, ...], words: str
) -> None:
    before = files(run.parent)
    output = report(run, *arguments)
    assert output.code == 1 and words in output.err and "Traceback" not in output.err
    assert files(run.parent) == before


@pytest.mark.parametrize("kind", ["--file", "--folder"])
def test_a_run_of_which_nothing_is_finished_has_a_page_with_how_far_it_came(
    report: Call, run: Path, kind: str
) -> None:
    for metrics in run.rglob("metrics.json"):
        metrics.unlink()
    cut = run / "stock-sim" / "momentum" / "repeat-1" / "decisions.jsonl"
    cut.write_bytes(b"".join(cut.read_bytes().splitlines(keepends=True)[:8]) + b'{"numb')
    output = report(run, kind)
    assert output.code == 0, output.err
    assert "left out" in output.err and output.out.startswith("wrote ")
    page = Page(Path(output.out.removeprefix("wrote ").strip()).read_text())
    head, *rows = page.rows("Without a finished repeat")
    why = {row[head.index("Agent")]: row[head.index("Why")] for row in rows}
    assert "7 steps are recorded" in why["momentum"] and "26 steps" in why["momentum"]
    (overview,) = [each.text for each in page.all("dl") if "overview" in each.attributes["class"]]
    assert "2 agents on 1 task: 0 of 4 episodes finished, 85 decisions" in overview
    listed = page.json("directory")
    assert list(listed["titles"].values()) == ["Stock-SIM, not finished"]
    assert sorted((each["repeat"], each["days"]) for each in listed["episodes"]) == [
        (0, 26), (0, 26), (1, 7), (1, 26),
    ]  # fmt: skip
    assert not any(each["finished"] or each["shown"] for each in listed["episodes"])


def test_no_table_is_made_of_a_run_of_which_nothing_is_finished(report: Call, run: Path) -> None:
    for metrics in run.rglob("metrics.json"):
        metrics.unlink()
    before = files(run)
    output = report(run, "--format", "csv")
    assert output.code == 1 and "no repeat is finished, so there is no table yet" in output.err
    assert files(run) == before


def test_what_holds_nothing_to_show_is_refused(report: Call, run: Path) -> None:
    for config in run.rglob("config.yaml"):
        config.write_text("not: [a configuration")
    output = report(run)
    assert output.code == 1 and "nothing to report" in output.err
    output = report("nowhere")
    assert output.code == 1 and "there is no folder nowhere" in output.err


def test_a_full_disk_leaves_nothing_half_written(
    report: Call, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run / "report.html").write_text("an earlier one")
    before = files(run)

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    output = report(run)
    assert output.code == 1 and "No space left on device" in output.err
    assert files(run) == before and (run / "report.html").read_text() == "an earlier one"


@pytest.mark.heavy
def test_a_real_market_is_scored_and_reported_alike_with_its_data_and_without(
    command: Call, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate("momentum", "stock/tsla", repeats=2, end="2020-12-31", folder=tmp_path / "tsla")
    scored = command("score", "tsla")
    assert command("report", "tsla", "--output", "with.html").code == 0
    monkeypatch.setenv("INVESTORBENCH_DATA", str(tmp_path / "nowhere"))
    assert command("score", "tsla") == scored
    assert command("report", "tsla", "--output", "without.html").code == 0
    assert (tmp_path / "without.html").read_bytes() == (tmp_path / "with.html").read_bytes()
    assert "buy_and_hold" in scored.out and "random policies: 1,000" in scored.out

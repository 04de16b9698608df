"""Runs that were recorded before there was a header: they stay what they were, to the digit.

``tests/data/version_1`` was written by the last version that wrote such records, and so were its
``*_export.txt``, its exports as CSV, and ``rows.txt``, the rows that its ``score`` printed. Their
simulated markets are of a law that is no longer drawn, so what needs a market again is missing, and
that is said.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest

from investorbench.tasks.answers import as_written
from investorbench.tasks.record.job_folder import JobFolder
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.reading import recorded_entry
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench_env.errors import InvestorBenchError
from tests.scripts.calling import Call
from tests.scripts.test_verify import contents

VERSION_1 = Path(__file__).parents[1] / "data" / "version_1"
RUNS = ("baselines", "reader")
RENAMED = (("_hold", "_benchmark"), ("days_to_tell_from_benchmark", "days_to_distinguish"))
YOUNGER = ("reason_", "repeats_")
"""What is put in other words now, or of Buy & Hold, which has no repeats any more."""
BESIDE_OTHERS = (
    "rank",
    "SR_less_",
    "p_",
    "adjusted_p_",
    "days_to_",
    "random_percentile",
    "CR_low",
    "CR_high",
    "SR_low",
    "SR_high",
    "variance_",
    "block_days",
    "trials",
    "luckiest_",
    "DSR",
    "PSR",
    "min_track_record_days",
    "bootstrap_draws",
)
"""What depends on who else is in the table: Buy & Hold is not, without its market; and statistics
that are of all repeats now."""
NO_MARKET = "the market found here is not the one that was recorded"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy, which every test must leave as it is but for what it writes beside it."""
    return Path(shutil.copytree(VERSION_1, tmp_path / "version_1"))


def jobs() -> list[Path]:
    return [job for run in RUNS for job in jobs_in(VERSION_1 / run)]


@pytest.mark.parametrize("job", jobs(), ids=lambda job: "-".join(job.parts[-3:]))
def test_every_metric_is_computed_from_the_lines_as_it_was(job: Path) -> None:
    result = recorded_entry(job_in(job)).result
    manifest = json.loads((job / "manifest.json").read_text())
    for number, episode in enumerate(result.episodes):
        was = json.loads((job / f"repeat-{number}" / "metrics.json").read_text())["metrics"]
        for name, figure in was.items():
            assert episode.metrics[name] == pytest.approx(figure, rel=1e-12, abs=1e-12), name
    for name, found in (
        ("agent", result.agent),
        ("protocol", result.protocol),
        ("data_source", result.data_source),
        ("simulated", result.simulated),
        ("fills", result.fills),
        ("window", list(result.window)),
        ("market_sha256", result.market_fingerprint),
        (
            "answers",
            as_written([each.answers for each in result.episodes], manifest["answers"]),
        ),
    ):
        assert manifest[name] == found, name


def test_tables_have_the_rows_of_their_agents(command: Call, runs: Path) -> None:
    before = contents(runs)
    output = [command("score", runs / run) for run in RUNS]
    assert [(each.code, each.err) for each in output] == [(0, ""), (0, "")]
    printed = "".join(each.out for each in output)
    found = [line.split() for line in printed.splitlines()]
    for row in (VERSION_1 / "rows.txt").read_text().splitlines():
        _, agent, *_, worst, _, _ = row.split()
        rows = [cells for cells in found if cells[1:2] == [agent]]
        # Of several repeats it is the mean now; those of momentum are alike.
        assert agent in ("buy_and_hold", "random") or any(worst in own for own in rows)
    tables = printed.count("SIMULATED InvestorBench/")
    assert " ".join(printed.split()).count(NO_MARKET) == tables
    assert contents(runs) == before


@pytest.mark.parametrize("run", RUNS)
def test_exports_have_the_figures_that_they_had(run: str, command: Call, tmp_path: Path) -> None:
    file = tmp_path / "leaderboard.csv"
    output = command("report", VERSION_1 / run, "--format", "csv", "--output", file)
    assert output.code == 0, output.err
    with file.open() as now, (VERSION_1 / f"{run}_export.txt").open() as before:
        found, expected = list(csv.DictReader(now)), list(csv.DictReader(before))
    agents = {(row["task"], row["protocol"], row["agent"]): row for row in found}
    for one in expected:
        if one["agent"] == "buy_and_hold":
            continue
        other = agents[one["task"], one["protocol"], one["agent"]]
        one = means_of(one) or one
        for name, figure in one.items():
            for old, new in RENAMED:
                name = name.replace(old, new)
            if not name.startswith((*YOUNGER, *BESIDE_OTHERS)):
                assert is_same(other[name], figure), (name, other[name], figure)


def means_of(row: dict[str, str]) -> dict[str, str]:
    """The figures of an agent's repeats, each the mean, where there are several."""
    task = "-".join(row["task"].removeprefix("InvestorBench/").lower().split("-"))
    folders = (VERSION_1 / run / task for run in RUNS)
    paths = [path for folder in folders for path in folder.rglob("repeat-*/metrics.json")
             if path.parts[-3] == row["agent"] and row["protocol"] in str(path)]  # fmt: skip
    if row["repeats_finished"] == "1" or not paths:
        return {}
    repeats = [json.loads(path.read_text())["metrics"] for path in paths]
    return {
        name: str(sum(own[name] for own in repeats) / len(repeats))
        for name in repeats[0]
        if name in row and all(own[name] is not None for own in repeats)
    }


def is_same(found: str, expected: str) -> bool:
    try:
        return float(found) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)
    except ValueError:
        return found == expected


@pytest.mark.parametrize("run", RUNS)
def test_a_record_is_whole_and_its_market_is_drawn_no_more(run: str, command: Call) -> None:
    found = [
        json.loads(line)
        for line in command("verify", VERSION_1 / run, "--json").out.split("\n")
        if line
    ]
    assert not [each for each in found if each["is_wrong"]]
    assert any("simulated market, which an older version drew" in each["what"] for each in found)
    replayed = command("replay", VERSION_1 / run)
    said = "is of a simulated market that an older version drew and this one does not"
    assert replayed.code == 1 and said in " ".join(replayed.out.split())


def test_a_day_is_shown_with_its_answer(command: Call) -> None:
    output = command("inspect", VERSION_1 / "reader", "2")
    for words in ("ok, asked as text, by offline-reader-1", "-6.76", "decision   sell"):
        assert words in output.out
    assert "momentum" in output.out and "warning" not in output.out


def test_it_is_said_what_can_be_done_where_it_was_to_be_continued(runs: Path) -> None:
    job = runs / "baselines" / "etf-sim" / "rsi"
    before = contents(runs)
    with pytest.raises(InvestorBenchError, match="can be scored, verified, reported, inspected"):
        JobFolder(job, (job / "config.yaml").read_text())
    assert {
        path: text for path, text in contents(runs).items() if ".lock" not in path.name
    } == before


def edit(lines: list[bytes]) -> None:
    lines[3] = lines[3].replace(b'"equity": ', b'"equity": 1')


def drop(lines: list[bytes]) -> None:
    del lines[3]


def swap(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def double(lines: list[bytes]) -> None:
    lines.insert(3, lines[3])


def damage(lines: list[bytes]) -> None:
    lines[3] = b"{\n"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit, "line 4 (2020-01-07) was edited: its hash is that of another content"),
        (drop, "before line 4 (2020-01-08) a line is missing or was replaced"),
        (swap, "line 4 (2020-01-08) is out of order: it follows from line 5"),
        (double, "line 5 (2020-01-07) repeats line 4"),
        (damage, "line 4 cannot be read"),
    ],
)
def test_a_change_is_named_as_it_was(change: object, words: str, runs: Path) -> None:
    path = runs / "baselines" / "etf-sim" / "rsi" / "repeat-0" / "decisions.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)  # type: ignore[operator]
    path.write_bytes(b"".join(lines))
    assert read_record(path).problems[0].startswith(words)


def test_a_job_of_two_versions_is_refused_by_name(runs: Path, command: Call) -> None:
    job = runs / "baselines" / "stock-sim" / "protocol=standard" / "random"
    new = runs / "new"
    command("run", "agent=random", "task=stock/sim", "task.end=2020-10-30", f"folder={new}")
    (made,) = new.rglob("repeat-0")
    shutil.rmtree(job / "repeat-1")
    shutil.copytree(made, job / "repeat-1")
    output = command("score", job)
    assert output.code == 1
    assert "mixes records of several versions (of version 1 repeat-0/decisions.jsonl" in output.err

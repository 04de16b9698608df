"""What a run folder holds, that it cannot be changed unseen, and what is left when a run breaks."""

import json
import multiprocessing
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import Result, Task, evaluate
from investorbench.tasks.record.code import code_hash, source_folders
from investorbench.tasks.record.files import write_json
from investorbench.tasks.record.job_folder import BusyError, JobFolder
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.running.job import Job
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically
from tests.env.small_markets import document, small_market
from tests.tasks.plain_records import is_whole, lines_of

CLOSES = [100.0 + t % 7 for t in range(500)]
TEXTS = [document(274.5, "good", sentiment="positive"), document(276.2, "bad")]
MARKET = small_market(CLOSES, documents=TEXTS)
WARMUP_STEPS, TEST_STEPS = 91, 217
Lines = list[bytes]


def record(path: Path, agent: Any = "momentum", **options: Any) -> Result:
    with JobFolder(path, "a: 1\n") as folder:
        result = evaluate(agent, "InvestorBench/Stock", data=MARKET, watch=folder, **options)
        folder.finish(result)
    return result


def test_every_step_is_in_the_record_with_what_was_known_done_and_gained(tmp_path: Path) -> None:
    result = record(tmp_path / "job")
    lines = lines_of(tmp_path / "job" / "repeat-0" / "decisions.jsonl")
    episode = result.median
    assert [line["number"] for line in lines] == list(range(TEST_STEPS))
    assert [line["session"] for line in lines] == [str(day) for day in episode.sessions[:-1]]
    assert [line["action"] for line in lines] == list(episode.actions)
    assert [line["reward"] for line in lines] == episode.rewards.tolist()
    assert [line["account"]["equity"] for line in lines] == episode.equity[1:].tolist()
    fills = [line["fills"] for line in lines]
    assert [sum(fill["price"] for fill in own) for own in fills] == episode.fill_prices.tolist()
    assert [sum(fill["cost"] for fill in own) for own in fills] == episode.costs.tolist()
    assert lines[-1]["account"]["costs"] == episode.metrics["costs"] > 0.0
    held = [sum(each["quantity"] for each in line["positions"]) for line in lines]
    assert held == episode.position.tolist()
    assert [line["marks"]["TEST"] for line in lines] == CLOSES[275 : 275 + TEST_STEPS]
    assert [line["marked"] for line in lines] == [str(day) for day in episode.sessions[1:]]
    assert [line["is_last"] for line in lines] == [False] * (TEST_STEPS - 1) + [True]
    assert lines[0]["time"] == "2020-10-02T00:00:00+00:00"
    # Session 274 is 2020-10-01: the first text came on that day, the other two days later.
    documents = {line["number"]: line["documents"] for line in lines if line["documents"]}
    assert documents == {0: [TEXTS[0].id], 2: [TEXTS[1].id]}


def test_the_warmup_is_recorded_apart_from_the_test(tmp_path: Path) -> None:
    record(tmp_path / "job")
    folder = tmp_path / "job" / "repeat-0"
    warmup, test = (lines_of(folder / name) for name in ("warmup.jsonl", "decisions.jsonl"))
    assert (warmup[0]["session"], warmup[-1]["session"]) == ("2020-07-01", "2020-09-29")
    assert (test[0]["session"], test[-1]["session"]) == ("2020-10-01", "2021-05-05")
    assert all(is_whole(folder / name) for name in ("warmup.jsonl", "decisions.jsonl"))


@pytest.mark.parametrize("name", ["", ".", "..", "...", "../..", "/", "/etc", "a/../..", "\0", "~"])
def test_a_name_stands_for_one_folder_in_that_of_its_run(name: str, tmp_path: Path) -> None:
    class Named:
        def act(self, observation: Any, info: Any) -> int:
            return 1

    job = Job.of(Named, Task.of("InvestorBench/Stock", data=MARKET), name=name)
    places = Job(
        make_agent=job.make_agent, settings=job.settings, task=job.task, place=(name, name)
    )
    assert job.path(tmp_path).resolve().parent == tmp_path / job.task.short_name
    own = places.path(tmp_path).resolve().relative_to(tmp_path)
    assert len(own.parts) == 4


def test_an_agent_by_the_name_of_a_folder_above_is_recorded_in_one_of_its_own(
    tmp_path: Path,
) -> None:
    class Above:
        name = ".."

        def act(self, observation: Any, info: Any) -> int:
            return 1

    evaluate(Above, "InvestorBench/Stock", data=MARKET, folder=tmp_path, warmup=False)
    (found,) = tmp_path.rglob("decisions.jsonl")
    assert len(found.relative_to(tmp_path).parts) == 4


def test_each_repeat_has_a_folder_with_its_own_figures(tmp_path: Path) -> None:
    result = record(tmp_path / "job", "random", repeats=3, seed=5)
    for number, episode in enumerate(result.episodes):
        folder = tmp_path / "job" / f"repeat-{number}"
        figures = json.loads((folder / "metrics.json").read_text())
        assert figures["seed"] == episode.seed
        assert figures["metrics"]["CR"] == episode.metrics["CR"]
        assert lines_of(folder / "decisions.jsonl")[-1]["account"]["equity"] == episode.equity[-1]


def edit_a_number(lines: Lines) -> None:
    lines[4] = lines[4].replace(b'"equity": ', b'"equity": 1')


def edit_the_header(lines: Lines) -> None:
    lines[0] = lines[0].replace(b'"simulated": false', b'"simulated": true')


def edit_the_last(lines: Lines) -> None:
    lines[-1] = lines[-1].replace(b'"action": ', b'"action": 1')


def edit_a_space(lines: Lines) -> None:
    lines[5] = lines[5].replace(b": ", b":  ", 1)


def drop(lines: Lines) -> None:
    del lines[4]


def drop_the_first(lines: Lines) -> None:
    del lines[1]


def drop_the_header(lines: Lines) -> None:
    del lines[0]


def drop_the_last(lines: Lines) -> None:
    del lines[-1]


def swap(lines: Lines) -> None:
    lines[5], lines[6] = lines[6], lines[5]


def repeat_one(lines: Lines) -> None:
    lines.insert(7, lines[7])


def add_a_field(lines: Lines) -> None:
    lines[8] = lines[8].replace(b'"number"', b'"note": 1, "number"')


@pytest.mark.parametrize(
    "change",
    [
        edit_a_number,
        edit_the_header,
        edit_the_last,
        edit_a_space,
        drop,
        drop_the_first,
        drop_the_header,
        drop_the_last,
        swap,
        repeat_one,
        add_a_field,
    ],
)
def test_a_record_that_was_changed_is_found_out(
    tmp_path: Path, change: Callable[[Lines], None]
) -> None:
    record(tmp_path / "job", warmup=False)
    folder = tmp_path / "job" / "repeat-0"
    path = folder / "decisions.jsonl"
    bound = json.loads((folder / "metrics.json").read_text())["records"]["test"]
    found = read_record(path)
    assert (found.problems, found.bound, is_whole(path)) == ((), bound, True)
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))
    found = read_record(path)
    assert found.problems or found.bound != bound


def test_lines_missing_at_the_end_are_found_out_by_the_number_of_steps(tmp_path: Path) -> None:
    record(tmp_path / "job")
    folder = tmp_path / "job" / "repeat-0"
    figures = json.loads((folder / "metrics.json").read_text())
    assert figures["metrics"]["steps"] == len(lines_of(folder / "decisions.jsonl"))


def test_a_folder_of_another_job_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    record(tmp_path / "job", "buy_and_hold")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InvestorBenchError, match="it has 'a: 1', this one 'a: 2'"):
        JobFolder(tmp_path / "job", "a: 2\n")
    with pytest.raises(InvestorBenchError, match=r"seed was recorded as .* cannot be resumed"):
        record(tmp_path / "job", "cash")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_episode_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with JobFolder(tmp_path, "a: 1\n") as one, JobFolder(tmp_path, "a: 1\n") as other:
        one.episode(0)
        with pytest.raises(BusyError, match="repeat-0 is being written by another run"):
            other.episode(0)
        other.episode(1)
        one.release(0)
        other.episode(0)  # it is free again


def test_figures_that_are_no_number_are_null(tmp_path: Path) -> None:
    record(tmp_path / "job", "cash")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    for name in ("manifest.json", "repeat-0/metrics.json"):
        text = (tmp_path / "job" / name).read_text()
        metrics = json.loads(text, parse_constant=refuse)["metrics"]
        assert metrics["hit_ratio"] is None and metrics["SR_low"] is None
        assert metrics["SR"] == 0.0


def test_json_holds_null_for_every_float_that_is_no_finite_number(tmp_path: Path) -> None:
    content = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": (-float("inf"), "nan")}}
    write_json(tmp_path / "file.json", content)
    expected = {"a": None, "b": [None, 1.5], "c": {"d": [None, "nan"]}}
    assert json.loads((tmp_path / "file.json").read_text()) == expected


class BreaksInTheTest:
    """Buys ten times in the test, then raises."""

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.left = 10 if split == "test" else 10_000

    def act(self, observation: Any, info: Any) -> int:
        if self.left == 0:
            raise RuntimeError("out of order")
        self.left -= 1
        return 2


def test_a_run_that_breaks_keeps_its_lines_and_leaves_no_half_written_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of order"):
        record(tmp_path / "job", BreaksInTheTest())
    files = sorted(path.name for path in tmp_path.rglob("[!.]*") if path.is_file())
    assert files == ["config.yaml", "decisions.jsonl", "warmup.jsonl"]
    path = tmp_path / "job" / "repeat-0" / "decisions.jsonl"
    assert len(lines_of(path)) == 10 and is_whole(path)
    assert len(lines_of(tmp_path / "job" / "repeat-0" / "warmup.jsonl")) == WARMUP_STEPS


def test_a_line_is_on_disk_as_soon_as_its_step_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "job" / "repeat-0" / "decisions.jsonl"
    seen = []

    def act(observation: Any, info: Any) -> int:
        seen.append(len(lines_of(path)) if path.exists() else 0)
        return 1

    record(tmp_path / "job", act, warmup=False)
    assert seen == list(range(TEST_STEPS))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_atomically(path, "before")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "after \ud800")  # a lone surrogate has no encoding
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_every_file_is_written_by_the_one_function_of_its_package() -> None:
    for package, folder in source_folders().items():
        for path in folder.rglob("*.py"):
            if "write_text(" in (text := path.read_text()) or ".write_bytes(" in text:
                pytest.fail(f"{path} of {package} writes a file that a kill may leave half")


def test_the_manifest_says_where_a_result_comes_from(tmp_path: Path) -> None:
    result = record(tmp_path / "job", protocol="paper", repeats=2, window=9)
    manifest = json.loads((tmp_path / "job" / "manifest.json").read_text())
    expected = {
        "agent": "momentum",
        "task": "InvestorBench/Stock",
        "symbol": "TEST",
        "protocol": "paper",
        "fills": "close",
        "window": ["2020-10-01", "2021-05-06"],
        "data_source": "made for a test",
        "simulated": False,
        "market_sha256": MARKET.fingerprint,
        "options": {"window": "9"},
        "seeds": [episode.seed for episode in result.episodes],
        "code_sha256": code_hash(),
    }
    assert {name: manifest[name] for name in expected} == expected
    assert manifest["metrics"]["SR"] == result.metrics["SR"]
    assert {"investorbench", "gymnasium", "numpy"} <= set(manifest["versions"])
    assert (tmp_path / "job" / "config.yaml").read_text() == "a: 1\n"


def test_an_array_as_an_action_is_recorded_as_numbers(tmp_path: Path) -> None:
    record(tmp_path / "job", lambda *_: np.array([0.5], np.float32), action="weight", warmup=False)
    (first, *_) = lines_of(tmp_path / "job" / "repeat-0" / "decisions.jsonl")
    assert first["action"] == [0.5]


def test_the_hash_of_the_code_follows_every_source_file_and_its_name(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in source_folders()}
    for name, folder in source_folders().items():
        shutil.copytree(folder, folders[name])
    own = code_hash()
    assert code_hash(folders) == own

    source = folders["investorbench.agents"] / "baselines.py"
    source.write_text(source.read_text() + "\n")
    changed = code_hash(folders)
    source.rename(source.with_name("rules.py"))
    renamed = code_hash(folders)
    source.with_name("rules.py").unlink()
    assert len({own, changed, renamed, code_hash(folders)}) == 4


def test_the_hash_of_the_code_ignores_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("a = 1\n")
    before = code_hash({"package": tmp_path})
    (tmp_path / "notes.txt").write_text("other\n")
    assert code_hash({"package": tmp_path}) == before


def attempt(path: Path, start: Any, outcomes: Any, agent: str) -> None:
    """What one of several processes does: record a run, and say whether it could."""
    start.wait()
    try:
        record(path, agent, warmup=False)
    except InvestorBenchError:
        outcomes.put((agent, "refused"))
    else:
        outcomes.put((agent, "recorded"))


@pytest.mark.heavy
def test_of_two_processes_at_once_in_one_folder_one_records_and_one_is_refused(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    start, outcomes = context.Barrier(2), context.Queue()
    agents = ("buy_and_hold", "cash")
    processes = [
        context.Process(target=attempt, args=(tmp_path / "job", start, outcomes, agent))
        for agent in agents
    ]
    for process in processes:
        process.start()
    outcomes_by_agent = dict(outcomes.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    assert sorted(outcomes_by_agent.values()) == ["recorded", "refused"]
    (winner,) = (agent for agent, outcome in outcomes_by_agent.items() if outcome == "recorded")
    path = tmp_path / "job" / "repeat-0" / "decisions.jsonl"
    lines = lines_of(path)
    assert len(lines) == TEST_STEPS and is_whole(path)
    assert {line["action"] for line in lines} == {2 if winner == "buy_and_hold" else 1}
    assert json.loads((tmp_path / "job" / "manifest.json").read_text())["agent"] == winner

"""Runs in the forms of other libraries, read back by those libraries themselves."""

import errno
import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.tasks import evaluate
from investorbench.tasks.exporting import EXPORTS, READS, export_runs
from investorbench.tasks.exporting.dialogue import exchanges
from investorbench.tasks.exporting.episodes import Names
from investorbench.tasks.record.files import folder_name
from investorbench.tasks.record.run_folder import job_in, recorded_episodes
from investorbench.tasks.record.scanning import scan
from investorbench_env.errors import InvestorBenchError

pytestmark = pytest.mark.heavy
HEADER = 1
"""Lines before the first decision."""


class Writer:
    """Asks and answers in the form that FinMem records."""

    name = "writer"

    def act(self, observation: Any, info: Any) -> int:
        self._session = info["session"]
        return 2

    def record(self) -> dict[str, Any]:
        usage = {"input": 10, "output": 4, "cached": 2, "reasoning": 1, "known": True}
        answer = {
            "status": "ok", "usage": usage, "cost_usd": 0.5, "latency_s": 1.0,
            "text": f"buy on {self._session}", "reasoning": "it rises", "is_language_model": True,
            "model": "served",
        }  # fmt: skip
        question = {"system": "You trade.", "user": f"It is {self._session}."}
        return {"question": question, "recalled": [], "decision": {"valid": True},
                "answers": [answer]}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every family, agents that ask a model and such that do not."""
    folder = tmp_path_factory.mktemp("exporting") / "run"
    day = {"warmup": False, "seed": 0, "folder": folder}
    evaluate(Writer, "etf/sim", 2, end="2020-01-15", **day)
    evaluate("momentum", "etf/sim", end="2020-01-15", **day)
    evaluate("equal_weight", "portfolio/sim", end="2020-10-08", **day)
    evaluate("trend", "perpetuals/sim", end="2025-08-01", every=240, **day)
    evaluate("buy_and_hold", "snapshot/sim", seed=0, folder=folder)
    return folder


def lines_of(run: Path, place: str) -> list[dict[str, Any]]:
    text = (run / place / "decisions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()][HEADER:]


def test_inspect_reads_a_sample_an_episode_and_a_pair_of_messages_a_decision(
    run: Path, tmp_path: Path
) -> None:
    log = pytest.importorskip("inspect_ai.log", reason="needs investorbench[inspect]")
    episodes = export_runs("inspect", [run], tmp_path / "logs", pytest.fail)
    logs = [log.read_eval_log(str(path)) for path in sorted((tmp_path / "logs").glob("*.eval"))]
    assert len(logs) == 5 and sum(len(each.samples) for each in logs) == episodes == 6
    assert {each.status for each in logs} == {"success"}
    own = next(each for each in logs if each.eval.tags == ["writer"])
    for number, sample in enumerate(own.samples):
        place = f"etf-sim/writer/repeat-{number}"
        lines = lines_of(run, place)
        assert sample.id == f"repeat-{number}"
        system, *messages = sample.messages
        assert (system.role, system.text) == ("system", "You trade.")
        assert [each.role for each in messages] == ["user", "assistant"] * len(lines)
        for line, asked, said in zip(lines, messages[::2], messages[1::2], strict=True):
            assert asked.text == f"It is {line['session']}."
            assert said.text == f"buy on {line['session']}"
        (usage,) = sample.model_usage.values()
        assert (usage.input_tokens, usage.output_tokens) == (10 * len(lines), 4 * len(lines))
        assert usage.total_cost == 0.5 * len(lines)
        figures = json.loads((run / place / "metrics.json").read_text(encoding="utf-8"))["metrics"]
        assert sample.scores["CR"].value == pytest.approx(figures["CR"])
    (rule,) = [each for each in logs if each.eval.tags == ["momentum"]]
    assert rule.samples[0].messages[1].text in ("buy", "sell", "hold")
    assert not rule.samples[0].model_usage


def test_minari_reads_the_transitions_of_every_family(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minari = pytest.importorskip("minari", reason="needs investorbench[minari]")
    export_runs("minari", [run], tmp_path / "sets", pytest.fail)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
    found = {name: minari.load_dataset(name) for name in minari.list_local_datasets()}
    assert set(found) == {
        "run/etf-sim/writer-v0", "run/etf-sim/momentum-v0", "run/portfolio-sim/equal_weight-v0",
        "run/perpetuals-sim/trend-v0", "run/snapshot-sim/buy_and_hold-v0",
    }  # fmt: skip
    own = found["run/etf-sim/momentum-v0"]
    (episode,) = own.iterate_episodes()
    lines = lines_of(run, "etf-sim/momentum/repeat-0")
    assert episode.rewards.tolist() == [line["reward"] for line in lines]
    assert episode.actions.tolist() == [line["action"] for line in lines]
    assert episode.observations[1:, 1].tolist() == [line["account"]["equity"] for line in lines]
    assert episode.observations[0, 1] == 100_000.0
    assert bool(episode.truncations[-1]) and not any(episode.terminations)
    blocks = next(own for name, own in found.items() if "snapshot" in name)
    snapshots = lines_of(run, "snapshot-sim/buy_and_hold/repeat-0")
    assert blocks.total_episodes == len(snapshots)
    assert [each.rewards.tolist() for each in blocks.iterate_episodes()] == [
        [line["reward"]] for line in snapshots
    ]
    for number, each in enumerate(blocks.iterate_episodes()):  # on a market of its own each
        cash, equity, _, _, price, quantity = each.observations[0]
        assert (cash, equity, quantity) == (100_000.0, 100_000.0, 0.0)
        assert math.isnan(price) == (number > 0)
        assert each.truncations.tolist() == [True] and each.terminations.tolist() == [False]
    weights = next(own for name, own in found.items() if "portfolio" in name)
    (held,) = weights.iterate_episodes()
    assert np.allclose(held.actions[0], lines_of(run, "portfolio-sim/equal_weight/repeat-0")[0]
                       ["action"])  # fmt: skip


def test_every_snapshot_begins_with_an_account_of_its_own(run: Path) -> None:
    found = scan(job_in(run / "snapshot-sim" / "buy_and_hold"), 0, "test")
    assert found is not None
    turns = exchanges(found.lines, found.header.facts, found.header.opening)
    asked = [turn.user for _, turn in turns]
    assert len(asked) > 1 and all(each.endswith("equity 100,000.00 USD") for each in asked)


@pytest.mark.parametrize(
    "name", ["x" * 300, "\u4e2d" * 100, "x" * 255], ids=["ascii", "wide", "longest"]
)
@pytest.mark.parametrize("to", EXPORTS)
def test_agents_may_be_called_what_no_file_is(tmp_path: Path, to: str, name: str) -> None:
    for package in {"inspect": ("inspect_ai",), "minari": ("minari",)}.get(to, ()):
        pytest.importorskip(package)
    for each in (name, f"{name}y"):
        agent = Writer()
        agent.name = each
        folder = tmp_path / "run"
        evaluate(agent, "etf/sim", end="2020-01-06", warmup=False, seed=0, folder=folder)
    found = export_runs(to, [tmp_path / "run"], tmp_path / "out", pytest.fail)
    assert found == (4 if to == "datasets" else 2)


@pytest.mark.parametrize("to", EXPORTS)
def test_what_watches_an_export_is_called_as_often_as_an_episode_is_read(
    to: str, run: Path, tmp_path: Path
) -> None:
    pytest.importorskip({"inspect": "inspect_ai", "minari": "minari"}.get(to, "pyarrow"))
    read: list[str] = []
    export_runs(to, [run], tmp_path / "out", pytest.fail, lambda: read.append(to))
    assert len(read) == READS[to] * recorded_episodes([run]) == READS[to] * 6


def test_hugging_face_reads_decisions_with_what_was_asked_and_said(
    run: Path, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs investorbench[data]")
    decisions = export_runs("datasets", [run], tmp_path / "hub", pytest.fail)
    cache = str(tmp_path / "cache")
    found = datasets.load_dataset(str(tmp_path / "hub"), split="train", cache_dir=cache)
    assert len(found) == decisions
    rows = [row for row in found if row["agent"] == "writer" and row["repeat"] == 1]
    lines = lines_of(run, "etf-sim/writer/repeat-1")
    assert [row["user"] for row in rows] == [f"It is {line['session']}." for line in lines]
    assert {row["system"] for row in rows} == {"You trade."}
    assert [row["reward"] for row in rows] == [line["reward"] for line in lines]
    episodes = datasets.load_dataset(
        str(tmp_path / "hub"), "episodes", split="train", cache_dir=cache
    )
    assert len(episodes) == 6 and set(episodes["status"]) == {"finished"}


@pytest.mark.parametrize(("to", "package"), [("inspect", "inspect_ai.log"), ("minari", "minari")])
def test_what_is_not_installed_is_named_with_its_extra_and_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InvestorBenchError, match=rf"pip install 'investorbench\[{to}\]'"):
        export_runs(to, [run], tmp_path / "out", pytest.fail)
    assert not list(tmp_path.iterdir())


def test_what_was_cut_off_is_exported_as_far_as_it_came_and_said(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    (copy / "etf-sim" / "writer" / "repeat-1" / "metrics.json").unlink()
    said: list[str] = []
    before = export_runs("datasets", [run], tmp_path / "whole", pytest.fail)
    assert export_runs("datasets", [copy], tmp_path / "cut", said.append) == before
    assert said == ["copy/etf-sim/writer/repeat-1: not finished, 9 steps are recorded"]


@pytest.mark.parametrize("to", EXPORTS)
def test_a_failure_of_several_lines_is_said_in_one(tmp_path: Path, to: str) -> None:
    for package in {"inspect": ("inspect_ai",), "minari": ("minari",)}.get(to, ()):
        pytest.importorskip(package)

    class Breaks(Writer):
        def act(self, observation: Any, info: Any) -> int:
            if info["session"] > "2020-01-03":
                raise ValueError("one\n  two\r\nthree")
            return super().act(observation, info)

    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="two"):
        evaluate(Breaks, "etf/sim", end="2020-01-15", warmup=False, seed=0, folder=folder)
    said: list[str] = []
    export_runs(to, [folder], tmp_path / "out", said.append)
    assert said == ["run/etf-sim/writer/repeat-0: ValueError: one two three"]


def test_a_table_without_rows_is_no_configuration_of_a_data_set(run: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs investorbench[data]")
    export_runs("datasets", [run / "etf-sim" / "momentum"], tmp_path / "hub", pytest.fail)
    hub, cache = str(tmp_path / "hub"), str(tmp_path / "cache")
    names = datasets.get_dataset_config_names(hub, cache_dir=cache)
    assert set(names) == {"decisions", "episodes", "equity"}
    for name in names:
        assert len(datasets.load_dataset(hub, name, split="train", cache_dir=cache))


def test_a_full_disk_is_said_of_the_folder_that_was_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, *_: Any) -> int:
        file.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

    monkeypatch.setattr("investorbench.tasks.exporting.hub_sets.put_blocks", full)
    with pytest.raises(InvestorBenchError) as found:
        export_runs("datasets", [run], tmp_path / "out", pytest.fail)
    assert str(found.value).startswith(f"{tmp_path / 'out'} cannot be written: No space left")
    assert ".part" not in str(found.value) and not list(tmp_path.iterdir())


def test_a_folder_that_is_there_and_a_form_that_is_not_are_refused(
    run: Path, tmp_path: Path, command: Any
) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    found = command("export", run, "--to", "datasets", "--output", tmp_path)
    assert found.code == 1 and "name another folder" in found.err.replace("\n", " ")
    found = command("export", run, "--to", "excel", "--output", tmp_path / "x")
    assert found.code == 1 and all(name in found.err for name in EXPORTS)
    assert [each.name for each in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("to", EXPORTS)
def test_runs_of_one_name_do_not_write_over_each_other(run: Path, tmp_path: Path, to: str) -> None:
    for package in {"inspect": ("inspect_ai",), "minari": ("minari",)}.get(to, ()):
        pytest.importorskip(package)
    folders = [tmp_path / name / "Run" for name in ("a", "b")]
    for folder in folders:
        shutil.copytree(run / "etf-sim" / "momentum", folder / "etf-sim" / "momentum")
    found = export_runs(to, folders, tmp_path / "out", pytest.fail)
    assert found == (18 if to == "datasets" else 2)
    if to == "inspect":
        assert len(list((tmp_path / "out").glob("*.eval"))) == 2
    if to == "minari":
        sets = {each.parts[-3] for each in (tmp_path / "out").glob("*/etf-sim/momentum-v0")}
        assert sets == {"a-Run", "b-Run"}


def test_another_export_into_the_same_folder_is_not_disturbed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def write(runs: Any, folder: Path, *_: Any) -> int:
        (folder / "own").write_text("first")
        with monkeypatch.context() as patched:
            patched.setitem(EXPORTS, "datasets", second)  # type: ignore[arg-type]
            export_runs("datasets", [run], out, pytest.fail)
        assert (folder / "own").read_text() == "first"
        return 1

    def second(runs: Any, folder: Path, *_: Any) -> int:
        (folder / "own").write_text("second")
        return 1

    monkeypatch.setitem(EXPORTS, "datasets", write)  # type: ignore[arg-type]
    with pytest.raises(InvestorBenchError, match="name another folder with --output"):
        export_runs("datasets", [run], out, pytest.fail)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert (out / "own").read_text() == "second"


@given(names=st.lists(st.sampled_from(["a", "A", "a-2", "b", "a-3", "A-2"])))
def test_names_are_given_once_whatever_their_case(names: list[str]) -> None:
    own = Names()
    found = [own.new(name) for name in names]
    assert len({name.lower() for name in found}) == len(names)
    assert all(new.startswith(name) for new, name in zip(found, names, strict=True))


@given(start=st.text(max_size=10), letter=st.characters(), length=st.integers(0, 400))
def test_names_of_folders_are_such_as_file_systems_hold(
    start: str, letter: str, length: int
) -> None:
    found = folder_name(start + letter * length)
    assert 0 < len(found.encode()) <= 255 and "/" not in found and found.strip(".")

"""`investorbench score` and `replay`: a run's figures again, from its record alone."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.record.digests import bind_again
from investorbench.tasks.record.run_folder import found_in
from tests.scripts.calling import Output
from tests.scripts.test_verify import contents, investorbench, set_json, write_bars
from tests.tasks.plain_records import contents_of, rechained

Call = Callable[..., Output]
SETTINGS = ("task=stock/sim", "task.end=2020-10-16", "seed=0")
FINMEM, RANDOM = "stock-sim/finmem_model=offline", "stock-sim/random"


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent with answers, and one with two repeats."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    investorbench("run", "agent=finmem", "agent.k=2", *SETTINGS, f"folder={folder}")
    investorbench("run", "agent=random", "repeats=2", *SETTINGS, f"folder={folder}")
    return folder


@pytest.fixture
def run(untouched: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(untouched, tmp_path / "run"))


def test_a_run_is_scored_from_its_record_without_asking_an_agent(
    run: Path, command: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("no model is asked")

    monkeypatch.setattr("investorbench.agents.finmem.FinMem.act", refuse)
    before = contents(run)
    output = command("score", run)
    assert (output.code, output.err) == (0, "")
    for agent in ("finmem", "random", "buy_and_hold"):
        assert f" {agent} " in output.out
    assert "figures are of the 1 of 2 that all agents met" in " ".join(output.out.split())
    assert "a word list and momentum, not a language model" in output.out
    assert contents(run) == before


def test_what_was_expected_stands_in_a_table_of_its_own(run: Path, command: Call) -> None:
    output = command("score", run, "--expected")
    assert (output.code, output.err) == (0, "")
    above, _, table = output.out.partition("SIMULATED stock-sim, what was expected")
    assert "figures are of the 1 of 2 that all agents met" in " ".join(above.split())
    places = [table.index(f"{agent} ") for agent in ("finmem", "random")]
    assert min(places) > table.index("by chance")
    assert "basis points a decision" in table
    assert "at least 20 are needed" in table


SUITE = """
name: tiny
about: One market for a week.
tasks: [{task: stock/sim, options: {episode_length: 5}}]
repeats: 1
wordings: 1
warmup: false
headline: sharpe
references: [simulated/text_reader]
"""


def test_a_suite_of_episodes_says_what_was_expected(tmp_path: Path, command: Call) -> None:
    (tmp_path / "tiny.yaml").write_text(SUITE)
    folder = tmp_path / "runs"
    output = command("run", f"suite={tmp_path}/tiny.yaml", "agent=momentum", f"folder={folder}")
    assert output.code == 0
    _, _, table = output.out.partition("SIMULATED stock-sim, what was expected")
    assert "momentum " in table
    assert "text_reader " in table


def mangled(content: Any, rng: random.Random) -> Any:
    """JSON of which one part, wherever it lies, is gone or something else."""
    odd = [None, True, -1, 1e400, "", "x", [], [[1]], {}, {"x": []}]
    if not isinstance(content, dict | list) or not content or rng.random() < 0.15:
        return rng.choice(odd)
    place = rng.choice(list(content)) if isinstance(content, dict) else rng.randrange(len(content))
    if rng.random() < 0.2:
        del content[place]
    else:
        content[place] = mangled(content[place], rng)
    return content


@pytest.mark.heavy
def test_whatever_becomes_of_references_the_agents_are_shown(run: Path) -> None:
    file = run / RANDOM / "references.json"
    whole = file.read_text()
    rng = random.Random(5)
    named = 0
    for number in range(60):
        text = json.dumps(mangled(json.loads(whole), rng))
        file.write_text(text[: rng.randrange(len(text))] if number % 6 == 0 else text)
        found = found_in([run / RANDOM])
        named += bool(found.problems)
        (board,) = leaderboards((entry for _, entry in found.entries), jointly=False, draws=20)
        agents = {row.agent for row in board.rows}
        said = any(note.startswith("without Buy & Hold") for note in board.notes)
        assert "random" in agents and (said or "buy_and_hold" in agents)
        assert all(str(file) in problem for problem in found.problems)
    assert named > 20


def test_damaged_references_are_named_and_the_rest_is_shown_and_made_anew_by_a_resume(
    run: Path, command: Call
) -> None:
    file = run / RANDOM / "references.json"
    file.write_text('{"references": [1]}')
    output = command("score", run)
    assert output.code == 1 and f"{file} cannot be read" in output.err
    assert " random " in output.out and " buy_and_hold " in output.out
    again = command("run", "agent=random", "repeats=2", *SETTINGS, f"folder={run}")
    assert again.code == 0, again.err
    assert command("score", run).code == 0


def test_scores_that_are_recorded_otherwise_are_named_and_renewed_when_asked(
    run: Path, command: Call
) -> None:
    before = contents(run)
    set_json(run / RANDOM / "repeat-0" / "metrics.json", "metrics", "CR", to=9.5)
    set_json(run / RANDOM / "manifest.json", "metrics", "SR", to=8.5)
    output = command("score", run)
    assert output.code == 0
    assert f"{run / RANDOM}/repeat-0/metrics.json: metrics.CR is 9.5; from the" in output.err
    assert f"{run / RANDOM}/manifest.json: metrics.SR is 8.5; from the decisions" in output.err
    assert "--write renews what is recorded" in output.err and "950" not in output.out
    assert command("score", run, "--write").code == 0
    assert command("verify", run).code == 0
    changed = {path for path, text in contents(run).items() if before[path] != text}
    assert changed == set()  # to the bit as it was


def test_a_manifest_that_sums_up_by_the_median_repeat_is_whole_and_stays_as_it_is(
    run: Path, command: Call
) -> None:
    path = run / RANDOM / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest.pop("metrics_of") == "mean over repeats"
    each = [json.loads(figures.read_text())["metrics"]
            for figures in sorted((run / RANDOM).glob("repeat-*/metrics.json"))]  # fmt: skip
    assert manifest["metrics"]["SR"] == pytest.approx(sum(own["SR"] for own in each) / 2)
    path.write_text(json.dumps(manifest))
    bind_again(run / RANDOM)
    assert command("verify", run).code == 1  # of the mean, it does not say that it is one
    path.write_text(json.dumps(manifest | {"metrics": min(each, key=lambda own: own["SR"])}))
    bind_again(run / RANDOM)
    before = contents(run)
    assert command("verify", run).code == 0
    assert command("score", run, "--write").err == "" and contents(run) == before


def test_a_record_that_was_changed_is_not_scored_and_the_others_are(
    run: Path, command: Call
) -> None:
    path = run / FINMEM / "repeat-0" / "decisions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    output = command("score", run, "--write")
    assert output.code == 1
    assert "does not hold the lines that its metrics.json was written for" in output.err
    assert " random " in output.out and " finmem " not in output.out
    assert command("verify", run).code == 1


def test_of_a_run_that_is_not_finished_what_is_is_scored_and_the_rest_named(
    run: Path, command: Call
) -> None:
    (run / RANDOM / "repeat-1" / "metrics.json").unlink()
    output = command("score", run / RANDOM)
    assert output.code == 1 and " random " in output.out
    assert "random: 1 of 2 repeats" in output.out
    assert "repeat-1: not finished, 74 steps are recorded" in output.err
    (run / RANDOM / "repeat-0" / "metrics.json").unlink()
    output = command("score", run / RANDOM)
    assert (output.code, output.out) == (1, "")
    assert "none of 2 repeats can be shown: not finished, 74 steps are recorded" in output.err


def test_a_run_comes_to_the_same_to_the_bit_when_it_is_replayed(run: Path, command: Call) -> None:
    before = contents(run)
    output = command("replay", run)
    assert output.code == 0
    assert output.out.splitlines() == [
        f"{FINMEM}/repeat-0: to the bit, 74 steps",
        f"{RANDOM}/repeat-0: to the bit, 74 steps",
        f"{RANDOM}/repeat-1: to the bit, 74 steps",
        "3 episodes, all to the bit",
    ]
    assert contents(run) == before


def test_a_replay_names_the_first_step_that_differs_even_if_every_hash_was_forged(
    run: Path, command: Call
) -> None:
    path = run / RANDOM / "repeat-1" / "decisions.jsonl"
    contents = contents_of(path)
    contents[5]["account"]["equity"] += 1e-9
    path.write_text(rechained(contents))
    output = command("replay", run)
    assert output.code == 1
    assert f"{RANDOM}/repeat-1: differs at 2020-10-07 (test): account.equity is " in output.out
    assert "3 episodes: 2 to the bit, 1 differs" in output.out


def test_a_record_of_a_later_version_is_not_replayed_and_named(run: Path, command: Call) -> None:
    path = run / RANDOM / "repeat-1" / "warmup.jsonl"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 3', 1))
    output = command("replay", run)
    assert output.code == 1
    assert f"{RANDOM}/repeat-1: not replayed: {path} is a record of version 3" in output.out
    assert "3 episodes: 2 to the bit, 1 not replayed" in output.out


def test_a_replay_misses_lines_at_the_end(run: Path, command: Call) -> None:
    path = run / RANDOM / "repeat-1" / "decisions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    output = command("replay", run)
    assert output.code == 1
    assert "differs at the end of the record: test continues after 9 steps" in output.out


def test_what_is_recorded_of_an_unfinished_run_is_replayed(run: Path, command: Call) -> None:
    (run / RANDOM / "manifest.json").unlink()
    shutil.rmtree(run / RANDOM / "repeat-0")
    for name in ("metrics.json", "decisions.jsonl"):
        (run / RANDOM / "repeat-1" / name).unlink()
    output = command("replay", run / RANDOM)
    assert output.code == 0
    assert output.out.splitlines() == [
        "repeat-0: not recorded",
        "repeat-1: to the bit, 63 steps",
        "2 episodes: 1 to the bit, 1 not recorded",
    ]
    shutil.rmtree(run / RANDOM / "repeat-1")
    (run / RANDOM / "repeat-1").mkdir()
    assert command("replay", run / RANDOM).out.splitlines()[-1] == "2 episodes: 2 not recorded"
    (run / RANDOM / "config.yaml").write_text("not: [a configuration")
    again = command("replay", run / RANDOM)
    assert again.code == 1
    assert again.out.splitlines()[-1] == "0 episodes: 1 folder not replayed"


@pytest.mark.parametrize("name", ["score", "replay"])
def test_what_is_no_run_folder_is_refused(name: str, tmp_path: Path, command: Call) -> None:
    assert "holds no record of a run" in command(name, tmp_path).err
    assert "there is no folder" in command(name, tmp_path / "nowhere").err


@pytest.mark.heavy
def test_scores_and_exports_need_no_market(
    tmp_path: Path, command: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data" / "NVDA.csv"
    data.parent.mkdir()
    write_bars(data)
    task = ("task.id=InvestorBench/Stock", "task.options.symbol=NVDA", "task.start=2020-09-10")
    where = ("task.end=2020-10-28", "warmup=false", f"data={data.parent}", "folder=run")
    investorbench("run", "agent=momentum", *task, *where, "repeats=2")

    def shown() -> list[str]:
        output = command("score", "run")
        export = command("report", "run", "--format", "csv", "--output", "table.csv")
        assert (output.code, output.err, export.code) == (0, "", 0)
        return [output.out, Path("table.csv").read_text()]

    before = shown()
    assert "buy_and_hold" in before[0]
    shutil.rmtree(data.parent)
    assert shown() == before

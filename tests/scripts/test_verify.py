"""`investorbench verify`: nothing is changed, lost or mixed unseen, and it is named."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.scripts.main import main
from investorbench.tasks.record.digests import bind_again
from tests.covering import some_quickly
from tests.scripts.calling import Output
from tests.tasks.forging import redo, relive
from tests.tasks.plain_records import contents_of, rechained
from tests.tasks.plain_records import lines_of as lines_of_record

Verify = Callable[..., Output]
VERSION_1 = Path(__file__).parents[1] / "data" / "version_1"
SETTINGS = ("task=stock/sim", "task.end=2020-10-16", "repeats=2", "seed=0")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents with two repeats each, of 63 steps of warm-up and 11 of test."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    investorbench("run", "-m", "agent=momentum,random", *SETTINGS, f"folder={folder}")
    return folder


@pytest.fixture
def run(untouched: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(untouched, tmp_path / "run"))


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Verify:
    """The command in this process, on 80 columns; it must leave every file as it was."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(folder: Path, *arguments: str) -> Output:
        before = contents(folder)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["verify", str(folder), *arguments])
        assert contents(folder) == before
        return Output(ended.value.code, *capfd.readouterr())

    return call


def investorbench(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(lines), encoding="utf-8")


def set_json(path: Path, *keys: str | int, to: Any) -> None:
    content = json.loads(path.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    path.write_text(json.dumps(content))


def exchange(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


MOMENTUM, RANDOM = "stock-sim/momentum", "stock-sim/random"
DECISIONS = f"{RANDOM}/repeat-0/decisions.jsonl"


def edit_a_line(run: Path) -> None:
    path = run / DECISIONS
    path.write_text(path.read_text().replace('"number": 3, ', '"number": 3, "note": 1, '))


def edit_a_line_and_what_the_next_follows_from(run: Path) -> None:
    lines, contents = lines_of(run / DECISIONS), contents_of(run / DECISIONS)
    contents[4]["account"]["equity"] = 1e6
    write_lines(run / DECISIONS, [*rechained(contents[:6]).splitlines(keepends=True), *lines[6:]])


def edit_the_last_line(run: Path) -> None:
    contents = contents_of(run / DECISIONS)
    contents[-1]["account"]["equity"] = 1e6
    (run / DECISIONS).write_text(rechained(contents))


def forge_every_hash(run: Path) -> None:
    contents = contents_of(run / DECISIONS)
    for content in contents[1:]:
        content["account"]["equity"] *= 2
    (run / DECISIONS).write_text(rechained(contents))


def edit_the_header(run: Path) -> None:
    path = run / DECISIONS
    path.write_text(path.read_text().replace('"simulated": true', '"simulated": false', 1))


def forge_the_header(run: Path) -> None:
    contents = contents_of(run / DECISIONS)
    contents[0]["facts"]["cost_rate"] = 0.0
    (run / DECISIONS).write_text(rechained(contents))


def drop_the_header(run: Path) -> None:
    write_lines(run / DECISIONS, lines_of(run / DECISIONS)[1:])


def take_the_header_of_another_repeat(run: Path) -> None:
    other = run / RANDOM / "repeat-1" / "decisions.jsonl"
    write_lines(run / DECISIONS, [lines_of(other)[0], *lines_of(run / DECISIONS)[1:]])


def one_file_of_a_later_version(run: Path) -> None:
    path = run / DECISIONS
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 3', 1))


def a_later_version(run: Path) -> None:
    for path in (run / RANDOM).rglob("*.jsonl"):
        path.write_text(path.read_text().replace('"schema": 2', '"schema": 3', 1))


def drop_a_line(run: Path) -> None:
    lines = lines_of(run / DECISIONS)
    write_lines(run / DECISIONS, lines[:4] + lines[5:])


def drop_the_first_line(run: Path) -> None:
    lines = lines_of(run / DECISIONS)
    write_lines(run / DECISIONS, [lines[0], *lines[2:]])


def drop_the_last_lines(run: Path) -> None:
    write_lines(run / DECISIONS, lines_of(run / DECISIONS)[:-2])


def duplicate_a_line(run: Path) -> None:
    lines = lines_of(run / DECISIONS)
    write_lines(run / DECISIONS, [*lines[:5], lines[4], *lines[5:]])


def swap_two_lines(run: Path) -> None:
    lines = lines_of(run / DECISIONS)
    write_lines(run / DECISIONS, [*lines[:4], lines[5], lines[4], *lines[6:]])


def cut_the_last_line(run: Path) -> None:
    path = run / DECISIONS
    path.write_bytes(path.read_bytes()[:-20])


def damage_a_line(run: Path) -> None:
    lines = lines_of(run / DECISIONS)
    write_lines(run / DECISIONS, [lines[0], "{\n", *lines[2:]])


def edit_the_warmup(run: Path) -> None:
    path = run / RANDOM / "repeat-1" / "warmup.jsonl"
    path.write_text(path.read_text().replace('"number": 7, ', '"number": 7, "note": 1, '))


def change_a_metric(run: Path) -> None:
    set_json(run / RANDOM / "repeat-0" / "metrics.json", "metrics", "CR", to=9.5)


def change_a_seed(run: Path) -> None:
    set_json(run / RANDOM / "repeat-1" / "metrics.json", "seed", to=7)


def lose_the_metrics(run: Path) -> None:
    (run / RANDOM / "repeat-1" / "metrics.json").unlink()


def change_the_version_of_the_metrics(run: Path) -> None:
    set_json(run / RANDOM / "repeat-1" / "metrics.json", "schema", to=3)


def change_the_version_of_the_manifest(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "schema", to=3)


def replace_by_a_folder(name: str) -> Callable[[Path], None]:
    def tamper(run: Path) -> None:
        (run / RANDOM / name).unlink()
        (run / RANDOM / name).mkdir()

    return tamper


def replace_a_repeat_by_a_file(run: Path) -> None:
    shutil.rmtree(run / RANDOM / "repeat-1")
    (run / RANDOM / "repeat-1").write_text("")


def number_by_a(value: str) -> Callable[[Path], None]:
    def tamper(run: Path) -> None:
        path = run / DECISIONS
        path.write_text(path.read_text().replace('"number": 3, ', f'"number": {value}, '))

    return tamper


def give_data_of_no_kind(run: Path) -> None:
    path = run / RANDOM / "config.yaml"
    path.write_text(path.read_text().replace("data: simulated", "data: {}"))


def damage_the_metrics(run: Path) -> None:
    (run / RANDOM / "repeat-1" / "metrics.json").write_text("{")


def change_the_manifests_metric(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "metrics", "SR", to=9.5)


def change_the_manifests_seed(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "seeds", 0, to=7)


def change_the_manifests_protocol(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "protocol", to="paper")


def damage_the_manifest(run: Path) -> None:
    (run / RANDOM / "manifest.json").write_text("{")


def change_the_configuration(run: Path) -> None:
    path = run / RANDOM / "config.yaml"
    path.write_text(path.read_text().replace("commission_bps: null", "commission_bps: 0"))


def damage_the_configuration(run: Path) -> None:
    (run / RANDOM / "config.yaml").write_text("agent: [")


def remove_the_configuration(run: Path) -> None:
    (run / RANDOM / "config.yaml").unlink()


def swap_the_decisions_of_repeats(run: Path) -> None:
    exchange(*(run / RANDOM / f"repeat-{n}" / "decisions.jsonl" for n in (0, 1)))


def swap_repeats(run: Path) -> None:
    exchange(*(run / RANDOM / f"repeat-{n}" for n in (0, 1)))


def swap_repeats_of_agents(run: Path) -> None:
    exchange(run / RANDOM / "repeat-1", run / MOMENTUM / "repeat-1")


def swap_agents(run: Path) -> None:
    exchange(run / RANDOM, run / MOMENTUM)


def say_other_data(run: Path) -> None:
    for agent in (RANDOM, MOMENTUM):
        set_json(run / agent / "manifest.json", "market_sha256", to="0" * 64)


def mix_data(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "market_sha256", to="0" * 64)


def mix_code(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "code_sha256", to="0" * 64)


def mix_versions(run: Path) -> None:
    set_json(run / RANDOM / "manifest.json", "versions", "numpy", to="1.0.0")


def change_a_reference(run: Path) -> None:
    set_json(run / RANDOM / "references.json", "references", 0, "figures", "CR", to=9.5)


def damage_the_references(run: Path) -> None:
    (run / RANDOM / "references.json").write_text('{"references": [1]}')


def lose_the_references(run: Path) -> None:
    (run / RANDOM / "references.json").unlink()


def lose_a_repeat(run: Path) -> None:
    shutil.rmtree(run / RANDOM / "repeat-1")


def lose_the_warmup(run: Path) -> None:
    (run / RANDOM / "repeat-1" / "warmup.jsonl").unlink()


def add_a_repeat(run: Path) -> None:
    shutil.copytree(run / RANDOM / "repeat-1", run / RANDOM / "repeat-2")


def another_version(run: Path) -> None:
    path = run / RANDOM / "manifest.json"
    content = json.loads(path.read_text())
    del content["config_sha256"]
    path.write_text(json.dumps(content))


TAMPERING = [
    (edit_a_line, DECISIONS, "line 5 (2020-10-06) was edited"),
    (edit_a_line_and_what_the_next_follows_from, DECISIONS, "line 6 (2020-10-07) was edited"),
    (edit_the_last_line, f"{RANDOM}/repeat-0/metrics.json", "records.test is"),
    (forge_every_hash, f"{RANDOM}/repeat-0/metrics.json", "records.test is"),
    (edit_the_header, DECISIONS, "line 1 (the header) was edited"),
    (forge_the_header, DECISIONS, "facts.cost_rate is 0.0; the market data that is here has 0.00"),
    (drop_the_header, DECISIONS, "line 1 is no header: it was removed or damaged"),
    (take_the_header_of_another_repeat, DECISIONS, "repeat is 1; its place asks for 0"),
    (one_file_of_a_later_version, RANDOM, "mixes records of several versions (of version 2 "),
    (a_later_version, RANDOM, "is a record of version 3, and this InvestorBench reads versions"),
    (drop_a_line, DECISIONS, "before line 5 (2020-10-07) a line is missing"),
    (drop_the_first_line, DECISIONS, "before line 2 (2020-10-02) a line is missing"),
    (drop_the_last_lines, DECISIONS, "has 9 lines; the split has 11 steps"),
    (duplicate_a_line, DECISIONS, "line 6 (2020-10-06) repeats line 5"),
    (swap_two_lines, DECISIONS, "line 5 (2020-10-07) is out of order: it follows from line 6"),
    (cut_the_last_line, DECISIONS, "the last line is cut off"),
    (damage_a_line, DECISIONS, "line 2 cannot be read"),
    (edit_the_warmup, f"{RANDOM}/repeat-1/warmup.jsonl", "was edited"),
    (change_a_metric, f"{RANDOM}/repeat-0/metrics.json", "metrics.CR is 9.5; from the decisions"),
    (change_a_seed, f"{RANDOM}/repeat-1/metrics.json", "seed is 7"),
    (lose_the_metrics, f"{RANDOM}/repeat-1", "is not finished: it has no metrics.json"),
    (change_the_version_of_the_metrics, f"{RANDOM}/repeat-1/metrics.json", "schema is 3"),
    (change_the_version_of_the_manifest, f"{RANDOM}/manifest.json", "schema is 3"),
    *(
        (replace_by_a_folder(name), f"{RANDOM}/{name}", "cannot be read: Is a directory")
        for name in (
            "repeat-0/decisions.jsonl",
            "repeat-0/metrics.json",
            "manifest.json",
            "references.json",
            "config.yaml",
        )
    ),
    (replace_a_repeat_by_a_file, f"{RANDOM}/repeat-1", "is missing, one of 2 repeats"),
    (number_by_a("[1]"), DECISIONS, "line 5 cannot be read"),
    (number_by_a("1e999"), DECISIONS, "line 5 cannot be read"),
    (number_by_a("[" * 100_000), DECISIONS, "line 5 cannot be read"),
    (give_data_of_no_kind, RANDOM, "data={} must be a market, a data frame, a path, or one of"),
    (damage_the_metrics, f"{RANDOM}/repeat-1/metrics.json", "is no JSON"),
    (change_the_manifests_metric, f"{RANDOM}/manifest.json", "metrics.SR is 9.5; from the repeats"),
    (change_the_manifests_seed, f"{RANDOM}/manifest.json", "seeds is [7, "),
    (change_the_manifests_protocol, f"{RANDOM}/manifest.json", 'protocol is "paper"; from config'),
    (damage_the_manifest, f"{RANDOM}/manifest.json", "is no JSON"),
    (change_the_configuration, f"{RANDOM}/manifest.json", "config_sha256 is"),
    (damage_the_configuration, f"{RANDOM}/config.yaml", "cannot be read as a configuration"),
    (remove_the_configuration, f"{RANDOM}/config.yaml", "is missing, which says what was run"),
    (swap_the_decisions_of_repeats, f"{RANDOM}/repeat-0/metrics.json", "records.test is"),
    (swap_repeats, f"{RANDOM}/repeat-0/warmup.jsonl", "repeat is 1; its place asks for 0"),
    (swap_repeats_of_agents, f"{RANDOM}/manifest.json", "records is"),
    (swap_agents, f"{RANDOM}/manifest.json", "is that of momentum, not of this folder"),
    (say_other_data, f"{RANDOM}/manifest.json", "market_sha256 is"),
    (mix_data, RANDOM, "mixed: was run on other data from the same source than"),
    (mix_code, RANDOM, "mixed: was run with another version of the code than"),
    (mix_versions, RANDOM, "mixed: was run with other versions of packages than"),
    (change_a_reference, f"{RANDOM}/references.json", "figures of buy_and_hold.CR is 9.5; from"),
    (change_a_reference, f"{RANDOM}/manifest.json", "references_sha256 is"),
    (damage_the_references, f"{RANDOM}/references.json", "cannot be read"),
    (lose_the_references, f"{RANDOM}/manifest.json", "references_sha256 is"),
    (lose_a_repeat, f"{RANDOM}/repeat-1", "is missing, one of 2 repeats"),
    (lose_the_warmup, f"{RANDOM}/repeat-1/warmup.jsonl", "is missing or empty"),
    (add_a_repeat, f"{RANDOM}/repeat-2", "is one more than the 2 of config.yaml"),
    (another_version, f"{RANDOM}/manifest.json", "has no config_sha256: another version wrote it"),
]


def test_an_untouched_run_passes(run: Path, verify: Verify) -> None:
    output = verify(run)
    assert output.code == 0
    words = " ".join(output.out.split())
    assert f"2 jobs, 4 finished repeats in {run}: nothing wrong" in words
    assert "record 2 of 2 jobs consistent with themselves" in words
    assert "market 4 of 4 repeats consistent with this market: 296 steps came out again" in words
    assert "agent not checked: --agent runs the agents again" in words
    assert "No check can show that no run was left out" in words
    assert (verify(run, "--json").code, verify(run / RANDOM).code) == (0, 0)


def test_agents_run_again_on_the_answers_that_were_recorded(run: Path, verify: Verify) -> None:
    output = verify(run, "--agent")
    assert output.code == 0
    words = " ".join(output.out.split())
    assert (
        "agent 4 of 4 repeats consistent with this market and these answers: 296 steps came out"
        in words
    )


@pytest.mark.parametrize(
    ("tamper", "path", "words"),
    some_quickly(TAMPERING, 14),
    ids=[each[0].__name__ for each in TAMPERING],
)
def test_tampering_is_found_and_named(
    tamper: Callable[[Path], None], path: str, words: str, run: Path, verify: Verify
) -> None:
    tamper(run)
    output = verify(run, "--json")
    assert output.code == 1
    found = [json.loads(line) for line in output.out.splitlines()]
    wrong = {finding["path"]: "" for finding in found if finding["is_wrong"]}
    for finding in found:
        wrong[finding["path"]] = wrong.get(finding["path"], "") + finding["what"] + "\n"
    assert words in wrong.get(str(run / path), ""), output.out
    assert len(found) <= 8, output.out  # one change does not end in a flood


def test_what_is_wrong_is_a_line_with_its_file_and_there_is_a_sum(
    run: Path, verify: Verify
) -> None:
    change_a_metric(run)
    output = verify(run)
    first = f"wrong {RANDOM}/repeat-0/metrics.json\n      metrics.CR is 9.5; from the decisions"
    assert output.out.startswith(first)
    words = " ".join(output.out.split())
    assert f"2 jobs, 4 finished repeats in {run}: " in words and " wrong record 1 of 2" in words
    assert f"counts 3 of 4 repeats still: {MOMENTUM}/repeat-0, " in words


def test_actions_under_another_agents_name_are_found_by_the_agent_alone(
    run: Path, verify: Verify
) -> None:
    lines = lines_of_record(run / MOMENTUM / "repeat-0" / "decisions.jsonl")
    relive(run / MOMENTUM, 0, [2 - line["action"] for line in lines])
    redo(run / MOMENTUM)
    assert verify(run).code == 0  # consistent with itself, and with the market
    output = verify(run, "--agent", "--json")
    assert output.code == 1
    (finding,) = map(json.loads, output.out.splitlines())
    assert (finding["level"], finding["kind"]) == (3, "agent")
    assert finding["path"] == str(run / MOMENTUM / "repeat-0" / "decisions.jsonl")
    action = lines[0]["action"]
    said = f"line 2, 2020-10-01 (test): action is {action}, recorded as {2 - action}"
    assert finding["what"] == said


def test_a_job_that_other_code_finished_than_began_it_says_so(run: Path, verify: Verify) -> None:
    for name in (RANDOM, MOMENTUM):
        set_json(run / name / "manifest.json", "code_sha256", to="0" * 64)
        bind_again(run / name)
    output = verify(run)
    assert output.code == 0
    words = " ".join(output.out.split())
    assert "was begun with another version of the code than manifest.json names; so" in words
    assert "so were 3 more files" in words


def test_jobs_of_two_versions_are_not_said_to_have_other_data(run: Path, verify: Verify) -> None:
    shutil.copytree(VERSION_1 / "baselines", run / "older")
    output = verify(run)
    assert "mixed: was run with another version of the code" in " ".join(output.out.split())
    assert "on other data" not in " ".join(output.out.split())


def test_a_run_that_is_not_finished_is_said_to_be_and_is_not_wrong(
    run: Path, verify: Verify
) -> None:
    (run / RANDOM / "manifest.json").unlink()
    repeat = run / RANDOM / "repeat-1"
    (repeat / "metrics.json").unlink()
    decisions = repeat / "decisions.jsonl"
    decisions.write_bytes(decisions.read_bytes()[:-20])
    shutil.rmtree(run / MOMENTUM)
    output = verify(run)
    assert output.code == 0
    assert "note  stock-sim/random/repeat-1\n      is not finished" in output.out
    assert "the last line is cut off, as a kill leaves it" in output.out
    assert "1 job, 1 finished repeat in " in output.out
    assert ": nothing wrong, 3 to note\n" in output.out


def test_leftover_and_foreign_files_are_named_and_are_not_wrong(run: Path, verify: Verify) -> None:
    strangers = ["notes.txt", f"{RANDOM}/x.csv", f"{RANDOM}/repeat-0/.metrics.json.77"]
    for name in strangers:
        (run / name).write_text("")
    output = verify(run, "--json")
    assert output.code == 0
    assert sorted(json.loads(line)["path"] for line in output.out.splitlines()) == sorted(
        str(run / name) for name in strangers
    )


def test_protocols_in_one_folder_are_said_to_share_no_table(tmp_path: Path, verify: Verify) -> None:
    sweep = ("agent=cash", "protocol=standard,paper", "warmup=false", *SETTINGS[:2])
    investorbench("run", "-m", *sweep, f"folder={tmp_path / 'run'}")
    output = verify(tmp_path / "run")
    assert output.code == 0
    assert (
        'protocol is "standard", in protocol=paper/cash "paper": never in one table' in output.out
    )


HOLIDAYS = ("2020-07-03", "2020-09-07")
SESSIONS = np.arange("2020-06-01", "2020-11-01", dtype="datetime64[D]").astype(str).tolist()


def write_bars(path: Path, last: float = 100.0) -> None:
    weekdays = [day for day in SESSIONS if date.fromisoformat(day).weekday() < 5]
    days = [day for day in weekdays if day not in HOLIDAYS]
    rows = [f"{day},{100 + n % 5},{103 + n % 5},{98 + n % 5},{101 + n % 5},1000"
            for n, day in enumerate(days)]  # fmt: skip
    rows[-8] = rows[-8].replace(",1000", f",{last:.0f}")
    path.write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")


def test_data_that_was_swapped_is_found_and_data_that_is_gone_is_not_checked(
    tmp_path: Path, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data" / "NVDA.csv"
    data.parent.mkdir()
    write_bars(data)
    task = ("task.id=InvestorBench/Stock", "task.options.symbol=NVDA", "task.end=2020-10-20")
    investorbench("run", "agent=cash", *task, f"data={data.parent}", "warmup=false", "folder=run")
    assert verify(tmp_path / "run").code == 0
    write_bars(data, last=2000.0)
    swapped = verify(tmp_path / "run")
    assert swapped.code == 1
    assert "facts.fingerprint is" in swapped.out
    assert "the market data that is here has" in " ".join(swapped.out.split())
    shutil.rmtree(data.parent)
    gone = verify(tmp_path / "run")
    assert gone.code == 0
    assert "not checked against market data: data=" in " ".join(gone.out.split())


def test_what_is_no_run_folder_is_refused(tmp_path: Path, verify: Verify) -> None:
    assert "holds no record of a run" in verify(tmp_path).err
    assert "there is no folder" in verify(tmp_path / "nowhere").err


def test_a_configuration_of_another_version_is_named(run: Path, verify: Verify) -> None:
    path = run / RANDOM / "config.yaml"
    path.write_text(path.read_text().replace("warmup: true", ""))
    output = verify(run)
    assert output.code == 1
    assert "has no warmup: another version wrote it, or it was changed" in output.out

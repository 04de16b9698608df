"""Suites: frozen in everything but their markets, whose seeds follow from a salt."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.run import run_with
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.sealing import check_seals
from investorbench.tasks.record.verifying.suites import off_suite
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.suites import (
    Suite,
    close_suite,
    find_suite,
    frozen_parts,
    open_suite,
    require_frozen,
    salt_hash,
    seed_of,
    suite_names,
)
from investorbench.tasks.suites.wordings import WORDINGS, wording_of
from investorbench.tasks.task import Task, settings_of, task_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError

SALT = "00112233445566778899aabbccddeeff"
SMALL = """\
name: small
about: Two blocks of two decisions.
tasks: [snapshot/sim]
repeats: 2
block: 2
references: [news_sentiment]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "salt").write_text(f"{SALT}\n")
    return tmp_path


def play(folder: str, *more: str) -> None:
    run_with(["suite=./small.yaml", "agent=momentum", f"folder={folder}", *more])


def seeds_in(run: Path, agent: str = "momentum") -> list[int]:
    paths = sorted(run.glob(f"*/{agent}/repeat-*/decisions.jsonl"))
    lines = [json.loads(text) for path in paths for text in path.read_text().splitlines()[1:]]
    return [line["market_seed"] for line in lines]


@pytest.mark.parametrize("name", suite_names())
def test_our_suites_are_what_they_were_when_they_were_frozen(name: str) -> None:
    suite = find_suite(name)
    assert suite.name == name
    assert suite.frozen
    require_frozen(suite)


def test_market_seeds_follow_from_suite_salt_and_number(here: Path) -> None:
    play("run", "salt=salt")
    found = json.loads((here / "run" / "suite.json").read_text())
    text = json.dumps(["suite", found["sha256"], SALT])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    of_run = hashlib.sha256(json.dumps(["market", seed, 0]).encode()).digest()[:12]
    expected = [int.from_bytes(of_run + k.to_bytes(4, "big"), "big") for k in range(4)]
    assert seeds_in(here / "run") == seeds_in(here / "run", "news_sentiment") == expected


def test_the_salt_is_hidden_until_all_is_on_record(here: Path) -> None:
    suite = find_suite("./small.yaml")
    open_suite(suite, here / "run")
    before = json.loads((here / "run" / "suite.json").read_text())
    assert "salt" not in before
    assert (here / "run" / "salt.txt").stat().st_mode & 0o077 == 0
    salt = (here / "run" / "salt.txt").read_text().strip()
    assert before["salt_sha256"] == hashlib.sha256(salt.encode()).hexdigest() == salt_hash(salt)
    play("run")
    assert json.loads((here / "run" / "suite.json").read_text()) == before | {"salt": salt}
    assert not (here / "run" / "salt.txt").exists()


@pytest.mark.parametrize("text", ["0" * 32, "zz", "", None])
def test_a_salt_that_was_changed_is_not_shown_in_place_of_the_drawn_one(
    here: Path, text: str | None
) -> None:
    suite, run = find_suite("./small.yaml"), here / "run"
    open_suite(suite, run)
    before = (run / "suite.json").read_text()
    (run / "salt.txt").unlink()
    if text is not None:
        (run / "salt.txt").write_text(text)
    for act in (lambda: open_suite(suite, run), lambda: close_suite(run)):
        with pytest.raises(InvestorBenchError, match="salt"):
            act()
    assert (run / "suite.json").read_text() == before


def test_runs_are_paired_by_the_salt_of_an_earlier_one(here: Path) -> None:
    play("first")
    play("second", "salt=first")
    play("third")
    first, second, third = (seeds_in(here / name) for name in ("first", "second", "third"))
    assert first == second
    assert set(first).isdisjoint(third)


def test_another_salt_or_suite_is_refused_in_a_folder(here: Path) -> None:
    suite = find_suite("./small.yaml")
    open_suite(suite, here / "run")
    with pytest.raises(InvestorBenchError, match="another salt"):
        open_suite(suite, here / "run", "salt")
    with pytest.raises(InvestorBenchError, match="holds a run of suite small"):
        open_suite(replace(suite, repeats=3), here / "run")


def test_markets_that_do_not_follow_from_the_salt_are_found(here: Path) -> None:
    play("run")
    run, path = here / "run", here / "run" / "suite.json"
    jobs = [job_in(each) for each in jobs_in(run)]
    assert not list(off_suite(run, jobs))
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"salt": SALT}))
    assert [each.what for each in off_suite(run, jobs)] == [
        "its salt is not the one that it has a hash of"
    ]
    path.write_text(json.dumps(said | {"salt": SALT, "salt_sha256": salt_hash(SALT)}))
    assert all("seed" in each.what for each in off_suite(run, jobs))
    assert len(list(off_suite(run, jobs))) == len(jobs) == 2
    path.write_text(json.dumps(said | {"suite": "other"}))
    assert all("is of suite small" in each.what for each in off_suite(run, jobs))
    path.unlink()
    (found,) = off_suite(run, jobs)
    assert not found.is_wrong


def test_a_sealed_plan_has_the_seeds_that_follow_from_the_salt(here: Path) -> None:
    play("run", "seal=true", "salt=salt")
    said = json.loads((here / "run" / "suite.json").read_text())
    plan = json.loads((here / "run" / "plan.seal.json").read_text())
    seeds = {own["seeds"]["run"] for own in plan["content"].values()}
    assert seeds == {seed_of(said["sha256"], SALT)}
    assert all(each.verdict == "fits" for each in check_seals(here / "run"))


def test_what_a_suite_says_is_not_said_again(here: Path) -> None:
    for setting in ("repeats=3", "seed=1", "task=stock/sim", "task.options.horizon=1"):
        with pytest.raises(InvestorBenchError, match="suite=small says"):
            play("run", setting)


def test_a_suite_whose_task_changed_is_refused() -> None:
    suite = find_suite("quick")
    suite = replace(suite, frozen=frozen_parts(suite))
    changed = replace(suite, tasks=(replace(suite.tasks[0], options={"horizon": 3}),))
    with pytest.raises(InvestorBenchError, match=r"changed since it was frozen .*snapshot/sim"):
        require_frozen(changed)


def test_words_about_a_suite_do_not_change_it() -> None:
    suite = find_suite("quick")
    assert require_frozen(replace(suite, about="Other words.")) == require_frozen(suite)


def test_seeds_are_of_one_suite() -> None:
    assert seed_of("a" * 64, SALT) != seed_of("b" * 64, SALT)
    assert 2**64 < seed_of("a" * 64, SALT) < 2**128


@pytest.mark.parametrize("salt", ["", "12", "g" * 32, "0" * 33])
def test_what_is_no_salt_is_refused(here: Path, salt: str) -> None:
    (here / "salt").write_text(salt)
    with pytest.raises(InvestorBenchError, match="holds no salt"):
        open_suite(find_suite("./small.yaml"), here / "run", "salt")


def test_a_salt_without_a_suite_is_refused(here: Path) -> None:
    with pytest.raises(InvestorBenchError, match="salt=salt is of a suite"):
        run_with(["agent=momentum", "salt=salt"])


def test_an_unknown_suite_or_setting_is_named() -> None:
    with pytest.raises(UnknownNameError, match="sim-core"):
        find_suite("sim-cor")
    with pytest.raises(UnknownNameError, match="repeats"):
        Suite.of({"name": "a", "about": "b", "tasks": ["snapshot/sim"], "repeat": 3}, "a")
    with pytest.raises(InvestorBenchError, match="repeats"):
        Suite.of({"name": "a", "about": "b", "tasks": ["snapshot/sim"], "repeats": 0.5}, "a")


def test_wordings_change_the_system_message_alone() -> None:
    messages = [
        {"role": "system", "content": "You decide on one asset, SIM.\n## How to weigh it\nSo."},
        {"role": "user", "content": "You decide on one asset, SIM."},
    ]
    put = [wording_of(repeat, 3).of(messages) for repeat in range(4)]
    assert len({each[0]["content"] for each in put}) == 3
    assert put[0] == put[3] == messages
    assert all(each[1] == messages[1] for each in put)
    assert wording_of(5, 1) is WORDINGS[0]


def test_a_suite_of_ones_own_does_not_bear_the_name_of_ours(here: Path) -> None:
    (here / "mine.yaml").write_text(SMALL.replace("small", "sim-core"))
    with pytest.raises(InvestorBenchError, match="called sim-core, as a suite of ours is"):
        find_suite("./mine.yaml")


@pytest.mark.parametrize("name", ["quick", "sim-core", "sim-episodes", "sim-noise"])
def test_no_data_takes_the_place_of_simulated_markets(here: Path, name: str) -> None:
    with pytest.raises(InvestorBenchError, match="on simulated markets, in whose place"):
        run_with([f"suite={name}", "agent=momentum", "folder=run", f"data={here}"])
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"block": 3}, "block=3, and 2 in suite small"),
        ({"wordings": 3}, "wordings=3, and None in suite small"),
        ({"task": {"options": {"horizon": 1}}}, "its task is none of suite small"),
        ({"protocol": {"name": "standard", "commission_bps": 0.0}}, "its task is none of suite"),
    ],
)
def test_what_was_played_and_is_not_in_the_suite_is_found(
    here: Path, change: dict[str, Any], what: str
) -> None:
    opened = open_suite(find_suite("./small.yaml"), here)
    task = Task.of("snapshot/sim", protocol="standard")
    own = {"name": "small", "sha256": opened.sha256}
    settings = {**settings_of(task), "data": "simulated", "block": 2, "suite": own}
    for more, expected in ({}, ""), (change, what):
        changed = {**settings, **more, "task": settings["task"] | more.get("task", {})}
        job = RecordedJob(
            path=here, name="momentum", task=task_of(changed), seed=opened.seed,
            seeds=(Seeds(0, 0),) * 2, warmup=False, place="", settings=changed,
        )  # fmt: skip
        found = [each.what for each in off_suite(here, [job]) if each.kind == "headers"]
        assert len(found) == bool(expected) and "".join(found).startswith(expected)


def test_a_definition_that_was_changed_is_found(here: Path) -> None:
    suite = find_suite("./small.yaml")
    open_suite(suite, here)
    said = json.loads((here / "suite.json").read_text())
    for name, value in (("repeats", 200), ("headline", "realised"), ("references", [])):
        changed = said | {"definition": said["definition"] | {name: value}}
        (here / "suite.json").write_text(json.dumps(changed))
        (found, *_) = (each for each in off_suite(here, []) if each.kind == "headers")
        assert found.what.startswith("its definition does not lead to its hash")


def test_a_salt_that_was_given_is_said_to_be(here: Path) -> None:
    for folder, salt in ("drawn", None), ("given", "salt"), ("paired", "drawn"):
        open_suite(find_suite("./small.yaml"), here / folder, salt)
        said = json.loads((here / folder / "suite.json").read_text())
        assert said.get("salt_given", False) is (salt is not None)

"""`investorbench corpus`: what it builds, what it refuses, and how it goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.trading_r1.corpus.rows import read_manifest, read_rows
from tests.agents.llm.stub_server import Reply, StubServer
from tests.scripts.calling import Call
from tests.tasks.trading_r1.corpora import (
    TEST,
    TESTED,
    TRAIN,
    TRAINED,
    bytes_in,
    thesis_by_chance,
    write_data,
)

SMALL = (
    f"train={TRAIN[0]}..{TRAIN[1]}",
    f"test={TEST[0]}..{TEST[1]}",
    "variants=1",
    "briefing.sessions=3",
    "briefing.sections=[technical,news]",
)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(*symbols: str) -> tuple[str, ...]:
    write_data(Path("data"), *symbols)
    return ("task=stock", f"symbols={','.join(symbols)}", "data=data", *SMALL)


@pytest.mark.heavy
def test_a_corpus_is_built_offline_and_checked(command: Call) -> None:
    built = command("corpus", "build", *given("AAA"), "teacher=offline", "out=c", "stage=I")
    assert (built.code, built.err) == (0, "")
    (line,) = (each.split() for each in built.out.splitlines() if each.startswith(" AAA "))
    assert line == ["AAA", "2020-03-02", "…", "2020-06-09", str(TRAINED),
                    "2020-07-22", "…", "2020-08-14", str(TESTED)]  # fmt: skip
    assert f"offline wrote {TRAINED} theses, of which" in built.out
    assert f"✓ {TRAINED} rows to train on and {TESTED} to test on, 1 briefing a day" in built.out
    row = next(read_rows(Path("c"), "train"))
    assert row["prompt"][0]["content"].startswith("You decide on one asset by an investment thesis")
    checked = command("corpus", "check", "c")
    assert checked.code == 0
    assert "strong buy" in checked.out and "always buy earns" in checked.out
    assert "✓ c: no leak over the embargo, no day twice, labels follow" in checked.out
    as_json = json.loads(command("corpus", "check", "c", "--json", "--briefings", 0).out)
    assert as_json["sound"] and as_json["splits"]["train"]["blocks"] == TRAINED // 15


def test_a_corpus_with_a_fault_ends_a_check_with_a_failure(command: Call) -> None:
    assert command("corpus", "build", *given("AAA"), "out=c").code == 0
    lines = Path("c/test.jsonl").read_text().splitlines(keepends=True)
    Path("c/test.jsonl").write_text("".join(lines[1:]))
    checked = command("corpus", "check", "c")
    assert checked.code == 1
    assert "✗ a file is not the one that was written: test.jsonl" in checked.out
    assert "no leak" not in checked.out


@pytest.mark.heavy
def test_a_teacher_that_dies_leaves_what_is_done_and_nothing_is_asked_again(command: Call) -> None:
    answered: list[str] = []
    most = 60

    def answer(request: dict[str, Any]) -> Reply:
        if len(answered) >= most:
            return Reply(status=400, error='{"error": {"message": "the model is gone"}}')
        answered.append(json.dumps([request["messages"], request["seed"]]))
        return Reply(text=thesis_by_chance(request["messages"], request["seed"]))

    with StubServer(answer) as server:
        line = (*given("AAA"), "teacher=local", "teacher.id=stub", f"teacher.base_url={server.url}",
                "teacher.limits.concurrency=4")  # fmt: skip
        dead = command("corpus", "build", *line, "out=c")
        assert dead.code == 1 and "the model is gone" in dead.err
        most = 10_000
        resumed = command("corpus", "build", *line, "out=c")
        assert resumed.code == 0
        assert len(set(answered)) == len(answered)
        whole = command("corpus", "build", *line, "out=whole")
        assert whole.code == 0
    assert bytes_in(Path("c")) == bytes_in(Path("whole"))
    said = read_manifest(Path("c"))["taught"]
    assert said["asked"] == said["kept"] + sum(said["rejected"].values()) > TRAINED
    assert f"rejected {said['rejected']['no answer']} by no answer" in resumed.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "of which task?"),
        (("task=stock/none",), "task"),
        (("task=stock/sim", "variant=3"), "variants"),
        (("task=stock/sim", "variants=many"), "variants=many: 'many' should be a number"),
        (("task=stock/sim", "variants=0"), "variants=0 must be a whole number of at least 1"),
        (("task=stock/sim", "train=2020-01-02"), "train=2021-01-04..2022-12-30"),
        (("task=stock/sim", "stage=II"), "stage= is of a teacher"),
        (("task=stock/sim", "teacher=offline", "stage=IV"), "stage 'IV'"),
        (("task=stock/sim", "briefing.tokenz=3"), "tokens"),
        (("task=stock/sim", "task.option.symbol=A"), "options"),
        (("task=snapshot/sim",), "name a task such as stock/tsla"),
        (("task=stock/sim", "train=2020-07-01..2020-07-10"), "the training window"),
        (
            ("task=stock/sim", "train=2020-07-01..2020-10-30", "test=2020-10-01..2020-12-30"),
            "do not overlap",
        ),
    ],
)
def test_what_makes_no_corpus_is_refused_in_a_sentence(
    arguments: tuple[str, ...], says: str, command: Call
) -> None:
    found = command("corpus", "build", *arguments, "out=c")
    assert found.code == 1 and says in found.err.replace("\n", " ")
    assert not Path("c").exists()


def test_a_check_claims_nothing_of_what_it_could_not_look_at(command: Call) -> None:
    assert command("corpus", "build", *given("AAA"), "out=c").code == 0
    Path("data").rename("elsewhere")
    checked = command("corpus", "check", "c")
    assert checked.code == 0
    assert "! a market cannot be opened" in checked.out and "prices" not in checked.out
    assert "✓ c: no leak over the embargo, no day twice; 1 market could not be looked at" in (
        checked.out
    )


def test_a_folder_without_a_corpus_is_named(command: Call) -> None:
    found = command("corpus", "check", "nothing")
    assert found.code == 1 and "investorbench corpus build" in found.err

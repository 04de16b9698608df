"""What a forger would change of a finished run, and the level of `verify` that finds it.

Free changes leave every hash as it is; redone ones make the chain, the figures and the manifest
again with the project's own code, as anybody with the code can.
"""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.scripts.main import main
from investorbench.scripts.recorded_jobs import job_again
from investorbench.tasks.metrics import performance
from investorbench.tasks.record.digests import bind_again
from investorbench.tasks.record.files import write_json
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.record.sealing import seal_record
from investorbench.tasks.record.sealing.plans import planned_of
from investorbench.tasks.record.sealing.seals import Seal
from investorbench.tasks.verdict import AGENT, MARKET, RECORD, Checks, Verdict
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.tasks.forging import (
    configure,
    each_line,
    edit_json,
    files,
    redo,
    relive,
    rewrite,
    set_in,
)
from tests.tasks.plain_records import Content, contents_of

pytestmark = pytest.mark.heavy

STEPS = 36
JOB = "stock-sim/finmem_model=local"
RUN = (
    "agent=finmem", "task=stock/sim", "task.end=2020-11-20", "model=local", "model.id=stub",
    "repeats=2", "output=json", "seed=0",
)  # fmt: skip
WORDS = ("sell", "hold", "buy")
DECISIONS, WARMUP = "repeat-0/decisions.jsonl", "repeat-0/warmup.jsonl"


def made_model(request: dict[str, Any]) -> Reply:
    """A word and reasons that follow from the question; now and then what cannot be used."""
    first = json.dumps([request["messages"][:2], request["seed"]])
    chance = random.Random(sha256(first.encode()).digest())
    kind, again = chance.random(), len(request["messages"]) > 2
    if kind < 0.04:
        return Reply(text="I'm sorry, but I cannot give financial advice.")
    if kind < 0.12 and (not again or kind < 0.07):
        return Reply(text="Let me think about it?")
    parts = schema_of(request)["properties"]
    value: dict[str, Any] = {name: f"{name} {chance.randrange(99)}?" for name in parts}
    if "decision" in parts:
        value["decision"] = chance.choice(WORDS)
    if "memory_ids" in parts:
        shown = parts["memory_ids"]["items"]["enum"]
        value["memory_ids"] = chance.sample(shown, min(3, len(shown)))
    return Reply(text=json.dumps(value))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of FinMem on a made model: 36 test days after 63 of warm-up, 2 repeats."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    with StubServer(made_model) as server, pytest.raises(SystemExit) as ended:
        main(["run", *RUN, f"model.base_url={server.url}", f"folder={folder}"])
    assert ended.value.code == 0
    return folder


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(honest, tmp_path / "run"))


def verdict_on(run: Path, agent: bool = True, seal: str | None = None) -> Verdict:
    checks = Checks(run, job_again if agent else None, seal)
    for check in checks:
        check()
    return checks.verdict()


def levels(run: Path, agent: bool = True, seal: str | None = None) -> set[int]:
    """The levels that find something wrong."""
    return {finding.level for finding in verdict_on(run, agent, seal).wrong}


def by_text(path: Path, old: str, new: str, count: int = -1) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


# Free: no hash is made again.


def another_model_in_all_descriptions(job: Path) -> None:
    for path in (job / "manifest.json", *job.glob("repeat-*/metrics.json")):
        edit_json(path, "described", "model", "id", to="gpt-9")
        edit_json(path, "described", "model", "knowledge_cutoff", to="2019-01")


def another_model_in_the_second_repeat(job: Path) -> None:
    edit_json(job / "repeat-1/metrics.json", "described", "model", "id", to="gpt-9")


def other_prompts(job: Path) -> None:
    for path in (job / "manifest.json", *job.glob("repeat-*/metrics.json")):
        edit_json(path, "described", "prompts_sha256", to="0" * 64)


def another_code(job: Path) -> None:
    edit_json(job / "manifest.json", "code_sha256", to="0" * 64)


def other_versions(job: Path) -> None:
    edit_json(job / "manifest.json", "versions", "numpy", to="9.9")
    edit_json(job / "manifest.json", "python", to="3.99")


def a_key_twice(job: Path) -> None:
    by_text(job / DECISIONS, '"equity": ', '"equity": 999999.0, "equity": ')


def other_spacing(job: Path) -> None:
    by_text(job / DECISIONS, '"number": ', '"number":  ')


def another_order(job: Path) -> None:
    lines = [json.loads(line) for line in (job / DECISIONS).read_text().splitlines()]
    texts = [json.dumps(line, ensure_ascii=False, sort_keys=True) for line in lines]
    (job / DECISIONS).write_text("\n".join(texts) + "\n")


def a_lone_surrogate(job: Path) -> None:
    by_text(job / DECISIONS, "?", "\\ud800")


def line_ends_of_windows(job: Path) -> None:
    (job / DECISIONS).write_bytes((job / DECISIONS).read_bytes().replace(b"\n", b"\r\n"))


def a_link_to_elsewhere(job: Path) -> None:
    outside = job.parents[2] / "outside.jsonl"
    (job / DECISIONS).rename(outside)
    (job / DECISIONS).symlink_to(outside)


def a_failure_beside_a_finished_repeat(job: Path) -> None:
    content = {"kind": "agent", "why": "cheated", "trace": ""}
    (job / "repeat-0/failure.json").write_text(json.dumps(content))


def junk_in_a_checkpoint(job: Path) -> None:
    path = next(each for each in job.glob("repeat-0/agent/*/*") if each.suffix != ".json")
    path.write_bytes(b"junk")


def half_of_the_answers_removed(job: Path) -> None:
    with sqlite3.connect(job.parents[1] / "answers.sqlite") as db:
        db.execute("DELETE FROM answers WHERE key < '8'")
    db.close()


# Redone: chain, figures and manifest are made again.


def a_repeat_dropped(job: Path) -> None:
    shutil.rmtree(job / "repeat-1")
    configure(job, lambda settings: settings.update(repeats=1))
    redo(job)


def another_model_id(job: Path) -> None:
    configure(job, lambda settings: set_in(settings, "model", "id", to="gpt-9"))
    another_model_in_all_descriptions(job)
    for path in job.glob("repeat-*/metrics.json"):
        edit_json(path, "described", "model", "knowledge_cutoff", to=None)
    redo(job)


def of_thoughts(change: Callable[[Content], None], split: str = "test") -> Callable[[Path], None]:
    def tamper(job: Path) -> None:
        each_line(job, split, lambda line: change(line))
        redo(job)

    return tamper


def another_rationale(line: Content) -> None:
    line["thought"]["decision"]["rationale"] = "The pipeline looks strong."


def another_rationale_in_the_answers_too(line: Content) -> None:
    another_rationale(line)
    for answer in line["answers"]:
        if answer["value"] is not None:
            answer["value"] = {**answer["value"], "rationale": "The pipeline looks strong."}
            answer["text"] = json.dumps(answer["value"])


def tomorrows_close(line: Content) -> None:
    question = line["thought"]["question"]
    (close,) = line["marks"].values()
    question["user"] += f"\nTomorrow it will close at {close:.2f}."
    texts = f"{question['system']}\0{question['user']}"
    question["sha256"] = sha256(texts.encode()).hexdigest()


def other_facts(line: Content) -> None:
    perception = line["thought"]["perception"]
    perception["closes"] = [2 * close for close in perception["closes"]]
    perception["position"] = 7.0


def another_decision_than_the_action(line: Content) -> None:
    word = WORDS[(line["action"] + 1) % 3]
    line["thought"]["decision"]["word"] = word


def hindsight(job: Path) -> None:
    for number in (0, 1):
        lines = contents_of(job / f"repeat-{number}/decisions.jsonl")[1:]
        closes = [next(iter(line["marks"].values())) for line in lines]
        opening = lines[0]["thought"]["perception"]["closes"][-1]
        signs = [b > a for a, b in zip([opening, *closes], closes, strict=False)]
        relive(job, number, [2 if up else 0 for up in signs])
    redo(job)


def other_latencies_and_tokens(job: Path) -> None:
    def change(line: Content) -> None:
        for answer in line["answers"]:
            answer["latency_s"] = 0.001
            answer["tokens"] = {**answer["tokens"], "output": 1}

    for split in ("warmup", "test"):
        each_line(job, split, change)
    redo(job)


def all_answers_valid(line: Content) -> None:
    for answer in line["answers"]:
        if answer["value"] is None:
            answer["status"], answer["problem"], answer["defects"] = "ok", "", []
            answer["value"] = {"decision": "hold", "rationale": "", "memory_ids": []}
    line["thought"]["decision"]["valid"] = True


def no_thought(line: Content) -> None:
    line["thought"], line["answers"] = None, []


def memories_of_the_future(line: Content) -> None:
    for memory in line["thought"]["recalled"]:
        memory["time"] = "2031-01-01"


def other_documents(job: Path) -> None:
    def change(line: Content) -> None:
        if line["number"] == 5:
            line["documents"] = ["SIM-news-1-00000000"]

    each_line(job, "test", change)
    redo(job)


def one_reward(job: Path) -> None:
    each_line(
        job, "test", lambda line: line.update(reward=line["reward"] + 0.01 * (line["number"] == 9))
    )
    redo(job)


def all_equities_drifted(job: Path) -> None:
    def change(line: Content) -> None:
        line["account"]["equity"] *= 1.0 + 0.001 * (line["number"] + 1)

    each_line(job, "test", change)
    redo(job)


def an_early_ruin(job: Path) -> None:
    header, *lines = contents_of(job / DECISIONS)
    last = lines[-4]
    last |= {"is_last": True, "reward": -1.0, "positions": []}
    last["account"] |= {"cash": 0.0, "equity": 0.0}
    rewrite(job / DECISIONS, [header, *lines[:-3]])
    redo(job)


def an_early_end(job: Path) -> None:
    """The end of the task a week earlier, in every place that says so, and the lines cut."""
    configure(job, lambda settings: set_in(settings, "task", "end", to="2020-11-13"))
    facts = job_in(job).task.facts("test")
    for path in job.glob("repeat-*/decisions.jsonl"):
        header, *lines = contents_of(path)
        header["facts"] |= {"window": list(facts.window), "steps": facts.steps}
        lines = lines[: facts.steps]
        lines[-1]["is_last"] = True
        rewrite(path, [header, *lines])
    redo(job)


# Kinds that the list above does not have.


def a_bare_mark_of_utf_8(job: Path) -> None:
    (job / DECISIONS).write_bytes(b"\xef\xbb\xbf" + (job / DECISIONS).read_bytes())


def a_part_that_no_version_writes(job: Path) -> None:
    each_line(job, "test", lambda line: line.update(approved=True))
    redo(job)


def a_key_twice_in_every_file(job: Path) -> None:
    by_text(job / "repeat-0/metrics.json", '"schema": 2', '"schema": 2, "SR": 9.0, "SR": 0.0')
    bind_again(job)


def a_state_of_another_mind(job: Path) -> None:
    for path in job.glob("repeat-*/agent/*/finmem.json"):
        by_text(path, '"steps": 99', '"steps": 98')
    bind_again(job)


def a_worse_benchmark(job: Path) -> None:
    """Buy & Hold that returns half of what it did, with all figures that follow."""
    path = job / "references.json"
    content = json.loads(path.read_text())
    facts = job_in(job).task.facts("test")
    for reference in content["references"]:
        if reference["returns"] is not None:
            reference["returns"] = [each / 2 - 0.001 for each in reference["returns"]]
            returns = np.array(reference["returns"])
            own = performance(returns, facts.convention, facts.periods_a_year)
            reference["figures"] |= {
                name: own[name] for name in own if name in reference["figures"]
            }
    write_json(path, content)
    hashed = sha256(path.read_bytes()).hexdigest()
    edit_json(job / "manifest.json", "references_sha256", to=hashed)
    bind_again(job)


def no_costs(job: Path) -> None:
    """Commission and slippage left out of header, fills and account alike."""
    for path in files(job):
        header, *lines = contents_of(path)
        header["facts"]["cost_rate"] = 0.0
        saved = 0.0
        for line in lines:
            saved += sum(fill["cost"] for fill in line["fills"])
            for fill in line["fills"]:
                fill["cost"] = 0.0
            line["account"] |= {
                "cash": line["account"]["cash"] + saved,
                "equity": line["account"]["equity"] + saved,
                "costs": 0.0,
            }
        rewrite(path, [header, *lines])
    redo(job)


def costs_too_low(job: Path) -> None:
    def change(line: Content) -> None:
        for fill in line["fills"]:
            fill["cost"] /= 2

    each_line(job, "test", change)
    redo(job)


def real_data(job: Path) -> None:
    for path in files(job):
        header, *lines = contents_of(path)
        header["facts"] |= {"simulated": False, "source": "Alpaca"}
        rewrite(path, [header, *lines])
    redo(job)


def what_was_shown_is_another(job: Path) -> None:
    each_line(job, "test", lambda line: line.update(observed="0" * 64))
    redo(job)


def half_of_what_was_shown_is_left_out(job: Path) -> None:
    def change(line: Content) -> None:
        if line["number"] % 2:
            del line["observed"]

    each_line(job, "test", change)
    redo(job)


def repeats_exchanged(job: Path) -> None:
    (job / "repeat-0").rename(job / "aside")
    (job / "repeat-1").rename(job / "repeat-0")
    (job / "aside").rename(job / "repeat-1")
    for number in (0, 1):
        for path in (job / f"repeat-{number}").glob("*.jsonl"):
            header, *lines = contents_of(path)
            rewrite(path, [header | {"repeat": number}, *lines])
    redo(job)


def another_agent(job: Path) -> None:
    configure(job, lambda settings: set_in(settings, "agent", "look_back", to=5))
    for path in job.glob("repeat-*/metrics.json"):
        edit_json(path, "described", "look_back", to=5)
    redo(job)


def no_warm_up(job: Path) -> None:
    configure(job, lambda settings: set_in(settings, "warmup", to=False))
    for path in job.glob("repeat-*/warmup.jsonl"):
        path.unlink()
    redo(job)


def one_answer_more_in_its_favour(job: Path) -> None:
    """An answer that buys instead of sells, with the thought and the action that follow."""
    lines = contents_of(job / DECISIONS)[1:]
    number = next(n for n, line in enumerate(lines) if line["action"] == 0 and n > 3)
    actions = [line["action"] for line in lines]

    def change(line: Content) -> None:
        if line["number"] == number:
            (answer,) = line["answers"]
            answer["value"] = {**answer["value"], "decision": "buy"}
            answer["text"] = json.dumps(answer["value"])
            line["thought"]["decision"]["word"] = "buy"
            line["thought"]["action"] = 2

    each_line(job, "test", change, repeats=[0])
    relive(job, 0, [2 if n == number else action for n, action in enumerate(actions)])
    redo(job)


def the_digest_left_out(job: Path) -> None:
    content = json.loads((job / "manifest.json").read_text())
    for name in ("digest", "files"):
        del content[name]
    write_json(job / "manifest.json", content | {"python": "3.99"})


def answers_of_another_served_model(job: Path) -> None:
    def change(line: Content) -> None:
        for answer in line["answers"]:
            answer["model"] = "gpt-9-2031-01-01"

    for split in ("warmup", "test"):
        each_line(job, split, change)
    redo(job)


OF_MY_OWN = {
    a_bare_mark_of_utf_8: RECORD,
    a_part_that_no_version_writes: RECORD,
    a_key_twice_in_every_file: RECORD,
    a_state_of_another_mind: AGENT,
    a_worse_benchmark: MARKET,
    no_costs: RECORD,
    costs_too_low: RECORD,
    real_data: MARKET,
    what_was_shown_is_another: MARKET,
    half_of_what_was_shown_is_left_out: RECORD,
    repeats_exchanged: RECORD,
    another_agent: AGENT,
    no_warm_up: AGENT,
    one_answer_more_in_its_favour: AGENT,
    the_digest_left_out: RECORD,
}

FREE = {
    another_model_in_all_descriptions: RECORD,
    another_model_in_the_second_repeat: RECORD,
    other_prompts: RECORD,
    another_code: RECORD,
    other_versions: RECORD,
    a_key_twice: RECORD,
    other_spacing: RECORD,
    another_order: RECORD,
    a_lone_surrogate: RECORD,
    line_ends_of_windows: RECORD,
    a_link_to_elsewhere: RECORD,
    a_failure_beside_a_finished_repeat: RECORD,
    junk_in_a_checkpoint: RECORD,
    half_of_the_answers_removed: RECORD,
}
REDONE = {
    another_model_id: AGENT,
    hindsight: AGENT,
    other_documents: MARKET,
    one_reward: RECORD,
    all_equities_drifted: RECORD,
    an_early_ruin: RECORD,
    an_early_end: MARKET,
}
THOUGHTS = {
    another_rationale: AGENT,
    another_rationale_in_the_answers_too: AGENT,
    tomorrows_close: AGENT,
    other_facts: AGENT,
    another_decision_than_the_action: AGENT,
    all_answers_valid: AGENT,
    no_thought: AGENT,
    memories_of_the_future: AGENT,
}


def named(levels: Mapping[Callable[..., None], int]) -> dict[str, Any]:
    return {"argvalues": levels.items(), "ids": [each.__name__ for each in levels]}


def test_an_honest_run_stands_up_to_all_levels(honest: Path) -> None:
    verdict = verdict_on(honest)
    assert [(finding.what, finding.level) for finding in verdict.findings] == []
    for level, units in ((RECORD, 1), (MARKET, 2), (AGENT, 2)):
        assert [each.is_consistent for each in verdict.at(level)] == [True] * units
    assert sum(each.steps for each in verdict.at(AGENT)) == 2 * (63 + STEPS)
    assert verdict.never_shown.startswith("that local gave these answers, ")


@pytest.mark.parametrize(("tamper", "level"), **named(FREE))
def test_what_is_changed_without_a_hash_shows_in_the_record(
    tamper: Callable[[Path], None], level: int, run: Path
) -> None:
    tamper(run / JOB)
    assert min(levels(run, agent=False)) == level


@pytest.mark.parametrize(("tamper", "level"), **named(REDONE | OF_MY_OWN))
def test_what_is_changed_with_all_hashes_made_again_is_found(
    tamper: Callable[[Path], None], level: int, run: Path
) -> None:
    tamper(run / JOB)
    (run / "answers.sqlite").unlink()  # a forger would not leave it
    found = levels(run)
    assert found and min(found) == level, verdict_on(run).wrong


@pytest.mark.parametrize(
    ("split", "change", "level"),
    [
        (split, change, level)
        for split in ("warmup", "test")
        for change, level in THOUGHTS.items()
        # A label, not the answer, decides in the warm-up.
        if (split, change) != ("warmup", another_decision_than_the_action)
    ],
)
def test_thoughts_that_the_agent_does_not_have_again_are_found(
    split: str, change: Callable[[Content], None], level: int, run: Path
) -> None:
    of_thoughts(change, split)(run / JOB)
    (run / "answers.sqlite").unlink()
    found = levels(run)
    assert found and min(found) == level, verdict_on(run).wrong


def test_answers_above_the_folder_of_an_agent_are_named_too(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    half_of_the_answers_removed(run / JOB)
    for more in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            main(["verify", str(run / JOB), *more])
        assert ended.value.code == 1
        assert str(run / "answers.sqlite") in capfd.readouterr().out


def test_answers_that_are_gone_are_said_and_are_no_fault(run: Path) -> None:
    (run / "answers.sqlite").unlink()
    verdict = verdict_on(run, agent=False)
    assert verdict.wrong == []
    (note,) = verdict.findings
    assert "answers.sqlite is not here" in note.what


@pytest.mark.parametrize("change", [other_latencies_and_tokens, answers_of_another_served_model])
def test_what_no_level_can_show_shows_beside_the_replies_or_a_seal(
    change: Callable[[Path], None], run: Path
) -> None:
    line = seal_record(run).line
    change(run / JOB)
    found = verdict_on(run, agent=False).wrong
    assert {finding.kind for finding in found} >= {"answers", "seal"}
    for name in ("answers.sqlite", *(path.name for path in run.glob("*seal*"))):
        (run / name).unlink()
    assert levels(run) == set()  # consistent with itself, with this market, with these answers
    (finding,) = verdict_on(run, agent=False, seal=line).wrong
    assert (finding.level, finding.kind) == (RECORD, "seal")


@pytest.mark.parametrize("change", [a_repeat_dropped, an_early_end])
def test_what_was_left_out_of_a_plan_shows_beside_the_seal_of_the_plan(
    change: Callable[[Path], None], run: Path
) -> None:
    seal = Seal.of("plan", planned_of(run), "00" * 16)
    seal.write(run)
    assert levels(run, agent=False) == set()
    change(run / JOB)
    assert "seal" in {finding.kind for finding in verdict_on(run, agent=False).wrong}

"""Seals: what is published before and after a run, and what a change of either is called."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm.answer import Completion, Usage
from investorbench.agents.llm.cache import Cache
from investorbench.tasks import Job, Task, run
from investorbench.tasks.record.sealing import (
    CheckedSeal,
    check_seals,
    seal_findings,
    seal_plan,
    seal_record,
)
from investorbench_env.errors import InvestorBenchError
from tests.tasks.plain_records import contents_of, rechained

END = "2020-10-16"
AGENTS = ("momentum", "random")
MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"


def jobs_of(repeats: int = 2, end: str = END, agents: tuple[str, ...] = AGENTS) -> list[Job]:
    task = Task.of("stock/sim", end=end)
    return [Job.of(agent, task, repeats, seed=0, warmup=False) for agent in agents]


def recorded(folder: Path, jobs: list[Job]) -> Path:
    assert not run(jobs, folder=folder, shows="nothing").failed
    return folder


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two agents and two repeats, with answers, sealed before and after."""
    folder = tmp_path_factory.mktemp("sealed") / "run"
    seal_plan(jobs_of(), folder)
    recorded(folder, jobs_of())
    with Cache(folder / "answers.sqlite") as cache:
        for key in ("a", "b", "c"):
            asyncio.run(cache.put(key, "model", reply(f"buy {key}")))
    seal_record(folder)
    return folder


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "copy"))


def reply(text: str) -> Completion:
    return Completion(
        text=text, reasoning="", finish_reason="stop", usage=Usage(input=1, output=1),
        model="model", latency_s=0.5,
    )  # fmt: skip


def verdicts(checked: list[CheckedSeal]) -> dict[str, str]:
    return {each.name: each.verdict for each in checked}


def said(run: Path, given: str | None = None) -> dict[str, str]:
    """What is wrong, by the path in the run."""
    return {
        each.path.relative_to(run).as_posix(): each.what
        for each in seal_findings(run, given)
        if each.is_wrong
    }


def of_canonical(value: Any) -> str:
    """SHA-256 of JSON as the documentation describes it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_run_fits_its_seals_and_the_digests_that_were_published(sealed: Path) -> None:
    assert verdicts(check_seals(sealed)) == {"plan.seal.json": "fits", "record.seal.json": "fits"}
    for kind in ("plan", "record"):
        line = (sealed / f"{kind}.seal").read_text()
        for public in (line, line.strip(), f"a commit\n\n{line}and more", line.split(":")[1]):
            checked = check_seals(sealed, public)
            assert [each.verdict for each in checked] == ["fits", "fits"]
            (noted,) = (each for each in checked if "given" in " ".join(each.notes))
            assert noted.kind == kind


def test_a_digest_is_what_the_documentation_says(sealed: Path) -> None:
    for kind in ("plan", "record"):
        content = json.loads((sealed / f"{kind}.seal.json").read_text())
        for place, parts in content["parts"].items():
            for part, digest in parts.items():
                own = content["content"][place][part]
                assert digest == of_canonical([content["nonce"], place, part, own])
        whole = of_canonical({"seal": 1, "kind": kind, "parts": content["parts"]})
        assert (sealed / f"{kind}.seal").read_text() == f"investorbench-{kind}:{whole}\n"


def test_a_sealed_hash_of_a_file_is_that_of_the_file(sealed: Path) -> None:
    content = json.loads((sealed / "record.seal.json").read_text())["content"]
    path = sealed / "stock-sim" / "random" / "repeat-1" / "decisions.jsonl"
    assert content["stock-sim/random"]["repeat-1"]["decisions.jsonl"] == (
        hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert content["."]["answers"]["rows"] == 3


def test_a_plan_has_128_bits_that_nobody_can_guess(tmp_path: Path) -> None:
    plans = [seal_plan(jobs_of(), tmp_path / name) for name in ("a", "b")]
    assert plans[0].content == plans[1].content and plans[0].digest != plans[1].digest
    assert len({bytes.fromhex(plan.nonce or "") for plan in plans}) == 2
    assert all(len(bytes.fromhex(plan.nonce or "")) == 16 for plan in plans)
    assert not set(plans[0].parts["stock-sim/random"].values()) & set(
        plans[1].parts["stock-sim/random"].values()
    )


def test_the_same_plan_keeps_its_seal_and_another_one_is_refused(tmp_path: Path) -> None:
    first = seal_plan(jobs_of(), tmp_path)
    assert seal_plan(jobs_of(), tmp_path).digest == first.digest
    with pytest.raises(InvestorBenchError, match=r"another plan \(seeds of .*repeats of"):
        seal_plan(jobs_of(repeats=3), tmp_path)
    assert (tmp_path / "plan.seal").read_text() == f"{first.line}\n"


def test_a_plan_is_not_sealed_after_something_was_decided(sealed: Path, copy: Path) -> None:
    (copy / "plan.seal.json").unlink()
    with pytest.raises(InvestorBenchError, match="before anything is run"):
        seal_plan(jobs_of(), copy)


def test_a_run_that_does_not_fit_its_sealed_plan_is_not_begun(tmp_path: Path) -> None:
    seal_plan(jobs_of(), tmp_path)
    with pytest.raises(InvestorBenchError, match="configuration of stock-sim/random"):
        run(jobs_of(end="2020-10-15"), folder=tmp_path)
    with pytest.raises(InvestorBenchError, match="stock-sim/cash"):
        run(jobs_of(agents=("cash",)), folder=tmp_path)
    assert not list(tmp_path.rglob("*.jsonl"))
    part = jobs_of(agents=("momentum",))
    assert not run(part, folder=tmp_path, shows="nothing").failed  # the rest may come later
    assert {each.what for each in seal_findings(tmp_path)} == {
        "is missing, and is in the plan that was sealed"
    }


def test_a_plan_without_its_nonce_is_said_to_be_unchecked(copy: Path) -> None:
    public = json.loads((copy / "plan.seal.json").read_text())
    (copy / "plan.seal.json").write_text(json.dumps({**public, "nonce": None}))
    plan, record = check_seals(copy)
    assert (plan.verdict, record.verdict) == ("not checked", "fits")
    assert "the nonce is not in its file" in plan.findings[0].what
    (copy / "plan.seal.json").unlink()
    line = f"investorbench-plan:{public['digest']}"
    *_, given = check_seals(copy, line)
    assert given.verdict == "not checked" and "nonce" in given.findings[0].what


def test_the_record_is_known_by_its_digest_alone(copy: Path) -> None:
    line = (copy / "record.seal").read_text()
    for path in copy.glob("record.seal*"):
        path.unlink()
    assert [each.verdict for each in check_seals(copy, line)] == ["fits", "fits"]
    (copy / "stock-sim" / "random" / "repeat-0" / "metrics.json").write_text("{}")
    *_, given = check_seals(copy, line)
    assert given.verdict == "differs" and "is not what" in given.findings[0].what


def test_a_repeat_that_was_dropped_without_a_trace_is_found_by_the_plan(
    sealed: Path, tmp_path: Path
) -> None:
    forged = recorded(tmp_path / "forged", jobs_of(repeats=1))
    shutil.copy(sealed / "plan.seal.json", forged)
    found = said(forged)
    assert found == dict.fromkeys(
        [f"stock-sim/{agent}" for agent in AGENTS], "repeats: number was sealed as 2 and is 1"
    )


def test_a_repeat_that_was_dropped_is_found_though_the_job_looks_unfinished(copy: Path) -> None:
    job = copy / "stock-sim" / "random"
    (job / "manifest.json").unlink()
    shutil.rmtree(job / "repeat-1")
    (plan, _) = check_seals(copy)
    assert [(each.what, each.is_wrong) for each in plan.findings] == [
        ("repeats: 1 of 2 are finished", False)
    ]
    config = job / "config.yaml"
    config.write_text(config.read_text().replace("repeats: 2", "repeats: 1"))
    (plan, _) = check_seals(copy)
    assert ("repeats: number was sealed as 2 and is 1", True) in [
        (each.what, each.is_wrong) for each in plan.findings
    ]


def test_what_is_not_run_yet_is_no_fault_of_a_run(tmp_path: Path) -> None:
    jobs = jobs_of(agents=("momentum",))
    seal_plan(jobs, tmp_path)
    run(jobs, folder=tmp_path, shard="1/2", shows="nothing")
    assert [each.verdict for each in check_seals(tmp_path)] == ["fits so far"]
    assert [(each.what, each.is_wrong) for each in seal_findings(tmp_path)] == [
        ("repeats: 1 of 2 are finished", False)
    ]


def test_an_end_that_was_moved_without_a_trace_is_found_by_the_plan(
    sealed: Path, tmp_path: Path
) -> None:
    forged = recorded(tmp_path / "forged", jobs_of(end="2020-10-09"))
    shutil.copy(sealed / "plan.seal.json", forged)
    findings = [each.what for each in seal_findings(forged)]
    assert f"configuration: task.end was sealed as {END} and is 2020-10-09" in findings
    assert any(each.startswith("data: test.window was sealed as") for each in findings)


def test_another_code_than_was_planned_is_named(copy: Path) -> None:
    path = copy / "stock-sim" / "random" / "repeat-1" / "decisions.jsonl"
    header, *lines = contents_of(path)
    header["code"]["sha256"] = "0" * 64
    path.write_text(rechained([header, *lines]))
    (what,) = (each.what for each in check_seals(copy)[0].findings)
    assert what.startswith("code: sha256 (test of repeat-1) was sealed as nothing and is 000")


def test_latencies_and_tokens_that_were_improved_are_found_by_the_seal_after(copy: Path) -> None:
    with Cache(copy / "answers.sqlite") as cache:
        cache._db.execute("UPDATE answers SET completion = replace(completion, '0.5', '0.1')")
    path = copy / "stock-sim" / "random" / "repeat-0" / "decisions.jsonl"
    header, *lines = contents_of(path)
    for line in lines:
        line["answers"] = [{"latency_s": 0.1, "tokens": {"input": 1}}]
    path.write_text(rechained([header, *lines]))
    found = said(copy)
    assert found.pop("answers.sqlite").startswith("answers: sha256 was sealed as ")
    assert found == {
        "stock-sim/random/repeat-0/decisions.jsonl": (
            "was changed after the record was sealed (repeat-0 of stock-sim/random)"
        ),
    }


def test_rows_that_were_removed_are_counted(copy: Path) -> None:
    with Cache(copy / "answers.sqlite") as cache:
        cache._db.execute("DELETE FROM answers WHERE key = 'b'")
    assert said(copy)["answers.sqlite"].startswith("answers: rows was sealed as 3 and is 2")


def test_a_database_that_was_only_written_anew_fits(copy: Path) -> None:
    before = (copy / "answers.sqlite").read_bytes()
    with Cache(copy / "answers.sqlite") as cache:
        cache._db.execute("DELETE FROM answers WHERE key = 'a'")
        asyncio.run(cache.put("a", "model", reply("buy a")))
        cache._db.execute("VACUUM")
    assert (copy / "answers.sqlite").read_bytes() != before
    assert said(copy) == {}


def a_link(run: Path) -> None:
    path = run / "stock-sim" / "random" / "config.yaml"
    path.rename(run.parent / "elsewhere.yaml")
    path.symlink_to(run.parent / "elsewhere.yaml")


def an_empty_folder_of_a_job(run: Path) -> None:
    shutil.rmtree(run / "stock-sim" / "random")


def a_file_more(run: Path) -> None:
    (run / "stock-sim" / "random" / "repeat-0" / "failure.json").write_text('{"why": "cheated"}')


def a_job_more(run: Path) -> None:
    shutil.copytree(run / "stock-sim" / "random", run / "stock-sim" / "other")


def no_answers(run: Path) -> None:
    (run / "answers.sqlite").unlink()


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        (a_link, "stock-sim/random/config.yaml", "was changed"),
        (an_empty_folder_of_a_job, "stock-sim/random", "is missing"),
        (a_file_more, "stock-sim/random/repeat-0/failure.json", "was added"),
        (a_job_more, "stock-sim/other", "is not in the record that was sealed"),
        (no_answers, "answers.sqlite", "the record has none"),
    ],
)
def test_what_was_added_removed_or_replaced_is_named(
    copy: Path, change: Callable[[Path], None], path: str, what: str
) -> None:
    change(copy)
    assert what in said(copy)[path]


def test_a_record_with_links_is_not_sealed(copy: Path) -> None:
    a_link(copy)
    (copy / "record.seal.json").unlink()
    with pytest.raises(InvestorBenchError, match=r"config.yaml \(files\) .*a link, or no file"):
        seal_record(copy)


def test_a_record_is_not_sealed_as_another_one_beside_its_seal(copy: Path) -> None:
    a_file_more(copy)
    with pytest.raises(InvestorBenchError, match=r"another record.*repeat-0 of stock-sim/random"):
        seal_record(copy)
    (copy / "record.seal.json").unlink()
    assert seal_record(copy).line + "\n" == (copy / "record.seal").read_text()
    assert said(copy) == {}


def test_two_seals_that_disagree_are_compared_part_by_part(copy: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    shutil.move(copy / "record.seal.json", kept)
    (copy / "stock-sim" / "random" / "repeat-1" / "metrics.json").write_text("{}")
    seal_record(copy)
    (finding,) = (
        each for each in seal_findings(copy, str(kept)) if each.path.name == "record.seal.json"
    )
    assert finding.what == f"and {kept} are two seals: repeat-1 of stock-sim/random"


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"digest": "0" * 64}, "was changed: its digest is not that of its parts"),
        ({"content": {}}, "was changed: its digests are of another"),
        ({"nonce": "0" * 32}, "was changed: its digests are of another configuration of stock-sim"),
        ({"seal": 2}, "is a seal of version 2, and this InvestorBench reads version 1"),
        ({"kind": "oath"}, "is no seal"),
        ({"parts": []}, "is no seal"),
        ({"content": {"stock-sim/random": {"code": 7}}}, "is no seal"),
    ],
)
def test_a_seal_that_was_changed_or_is_of_another_version_is_named(
    copy: Path, changes: dict[str, Any], what: str
) -> None:
    edited(copy / "plan.seal.json", **changes)
    assert said(copy)["plan.seal.json"].startswith(what)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("plan.0", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab.", max_size=2), inner),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_seal_with_anything_in_any_place_is_read_or_refused_in_words(data: st.DataObject) -> None:
    record = {"t/a/config.yaml": b"a: 1", "t/a/repeat-0/decisions.jsonl": b"{}"}
    with tempfile.TemporaryDirectory() as name:
        run = written(record, Path(name))
        seal_record(run)
        path = run / "record.seal.json"
        content = place = json.loads(path.read_text())
        while True:
            key = data.draw(st.sampled_from(sorted(place)))
            if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        before, place[key] = place[key], data.draw(json_values)
        path.write_text(json.dumps(content))
        checked = check_seals(run)
        assert len(checked) == 1
        verdict = checked[0].verdict
        if place[key] == before or key == "written_at":
            assert verdict == "fits"
        else:
            assert verdict == "differs" or (key == "content" and verdict == "not checked")


def test_a_public_line_that_is_of_another_seal_is_named(copy: Path) -> None:
    (copy / "plan.seal").write_text("investorbench-plan:" + "0" * 64)
    assert said(copy) == {"plan.seal": "is not the line of plan.seal.json"}


@pytest.mark.parametrize(
    "given", ["nowhere.json", "0123", "investorbench-plan:12", "a commit " * 400, "a\0b"]
)
def test_what_is_no_seal_is_refused_in_a_line(sealed: Path, given: str) -> None:
    with pytest.raises(InvestorBenchError, match=f"{given} is no seal: give its file, its line"):
        check_seals(sealed, given)


def test_a_full_disk_is_said_in_a_line_and_leaves_no_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(InvestorBenchError, match="there is no seal: No space left on device"):
        seal_plan(jobs_of(), tmp_path)
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")]


def test_a_proof_of_time_is_matched_with_the_line_it_is_about(copy: Path) -> None:
    proof = copy / "plan.seal.ots"
    digest = hashlib.sha256((copy / "plan.seal").read_bytes()).digest()
    proof.write_bytes(MAGIC + b"\x01\x08" + digest + b"\xf0\x10rest of the proof")
    (plan, _) = check_seals(copy)
    assert plan.verdict == "fits" and "ots verify plan.seal.ots" in plan.notes[0]
    proof.write_bytes(MAGIC + b"\x01\x08" + bytes(32))
    assert said(copy) == {"plan.seal.ots": "is a proof of another file than plan.seal"}
    proof.write_bytes(b"hello")
    assert "is no proof of OpenTimestamps" in said(copy)["plan.seal.ots"]


def test_where_a_line_was_published_is_said_as_it_was_written(copy: Path) -> None:
    (copy / "record.seal.published").write_text("commit 12ab\n of https://example.org/lab\n")
    (_, record) = check_seals(copy)
    assert record.notes == (
        "published, says record.seal.published: commit 12ab of https://example.org/lab",
    )


names = st.text("ab.-_é ", min_size=1, max_size=6).filter(lambda name: name.strip(". "))
files = st.dictionaries(
    st.one_of(
        st.sampled_from(["decisions.jsonl", "metrics.json", "agent/state.npz"]),
        st.builds("agent/{}/{}.bin".format, names, names),
    ),
    st.binary(min_size=1, max_size=40),
    min_size=1,
    max_size=4,
)
jobs_of_files = st.fixed_dictionaries(
    {"config.yaml": st.binary(min_size=1, max_size=40), "manifest.json": st.binary(min_size=1)}
)


@st.composite
def records(draw: st.DrawFn) -> dict[str, bytes]:
    """Files of a run folder by path, with any bytes in them."""
    found: dict[str, bytes] = {"spending.txt": draw(st.binary(min_size=1))}
    for task, agent in draw(st.sets(st.tuples(names, names), min_size=1, max_size=2)):
        place = f"{task}-t/{agent}-a"
        found |= {f"{place}/{name}": own for name, own in draw(jobs_of_files).items()}
        for repeat in range(draw(st.integers(0, 2))):
            own = draw(files)
            found |= {f"{place}/repeat-{repeat}/{name}": each for name, each in own.items()}
    return found


def written(record: dict[str, bytes], folder: Path) -> Path:
    for name, content in record.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@settings(max_examples=25, deadline=None)
@given(record=records(), data=st.data())
def test_one_byte_of_any_file_changes_the_seal_and_is_named(
    record: dict[str, bytes], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as room:
        one_byte_is_named(record, Path(room), data)


def one_byte_is_named(record: dict[str, bytes], room: Path, data: st.DataObject) -> None:
    here, there = written(record, room / "here"), written(record, room / "over" / "there")
    (there / "report.html").write_text("no part of it")
    first, second = seal_record(here), seal_record(there)
    assert first.digest == second.digest  # wherever it lies, whatever it is called
    name = data.draw(st.sampled_from(sorted(record)))
    place = data.draw(st.integers(0, len(record[name]) - 1))
    changed = bytearray(record[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    (there / name).write_bytes(changed)
    found = said(there)
    assert "was changed after the record was sealed" in found[name]
    part = "files" if "/repeat-" not in name else name.split("/")[2]
    assert f"({part} of " in found[name]
    assert said(here) == {}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("there is no ssh-keygen here")
    path = tmp_path / "key"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(made, check=True, capture_output=True)
    return path


def test_a_signature_is_checked_with_and_without_a_list_of_signers(copy: Path, key: Path) -> None:
    from investorbench.tasks.record.sealing.signatures import sign

    sign(copy / "plan.seal", key)
    (plan, _) = check_seals(copy)
    assert plan.verdict == "fits" and 'Good "investorbench" signature with ED25519' in plan.notes[0]
    signers = key.with_name("signers")
    signers.write_text(f"ann@example.org {key.with_suffix('.pub').read_text()}")
    (plan, _) = check_seals(copy, signers=signers)
    assert "for ann@example.org" in plan.notes[0]
    signers.write_text("")
    (plan, _) = check_seals(copy, signers=signers)
    assert plan.verdict == "differs" and f"is of none of {signers}" in plan.findings[0].what
    shutil.copy(copy / "plan.seal.sig", copy / "record.seal.sig")
    assert said(copy)["record.seal.sig"].startswith("is not that of this seal: ")


def test_a_missing_ssh_keygen_and_a_missing_key_are_said_in_a_line(
    copy: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from investorbench.tasks.record.sealing.signatures import sign

    with pytest.raises(InvestorBenchError, match=r"cannot be signed with nowhere: .*No such file"):
        sign(copy / "plan.seal", Path("nowhere"))
    sign(copy / "plan.seal", key)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvestorBenchError, match="ssh-keygen is missing"):
        sign(copy / "plan.seal", key)
    (plan, _) = check_seals(copy)
    assert plan.verdict == "fits" and "was not checked: ssh-keygen is missing" in plan.notes[0]

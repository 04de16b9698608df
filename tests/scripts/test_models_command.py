"""`investorbench models`: the table of models, and what a server takes of one."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.llm import model_names
from investorbench.scripts import models
from tests.agents.llm.stub_server import Reply, StubServer
from tests.scripts.calling import Call, Output


@pytest.fixture(autouse=True)
def _somewhere_on_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "today", lambda: date(2026, 11, 30))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def listed(output: Output) -> dict[str, dict[str, Any]]:
    assert output.code == 0, output.err
    rows = [json.loads(line) for line in output.out.splitlines()]
    return {row["name"]: row for row in rows}


def line_of(output: Output, name: str) -> list[str]:
    (line,) = (each for each in output.out.splitlines() if each.split()[:1] == [name])
    return line.split()


def test_every_model_has_a_line_of_at_most_80_columns(command: Call) -> None:
    output = command("models")
    lines = output.out.splitlines()
    assert max(map(len, lines)) <= 80
    for name in model_names():
        short = name.rpartition("/")[2]
        assert any(line.split()[:1] in ([short], [f"{short}?"]) for line in lines), name
    assert [line for line in lines if line in ("paper", "openai", "others")] == [
        "openai", "paper", "others",
    ]  # fmt: skip


def test_a_line_says_what_the_file_does_and_whether_that_is_past(
    command: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = line_of(command("models", "gpt-4"), "gpt-4")
    assert row == ["gpt-4", "2023-06-13", "2026-10-23✗", "2021-09", "8K", "30", "60", "no"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    assert line_of(command("models", "gpt-4o"), "gpt-4o")[-1] == "set"
    # Of open weights: no price, no key, and a release that bounds what they know.
    row = line_of(command("models", "yi-1.5-9b"), "yi-1.5-9b")
    assert row == ["yi-1.5-9b", "2024-05-20", "–", "≤2024-05-20", "16K", "–", "–", "–"]
    output = command("models", "muse-*")
    assert "muse-spark-1.3?" in output.out and "could not" not in output.out
    assert "confirmed from a public page" in output.out


def test_a_model_is_past_its_end_from_the_day_on(
    command: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "anthropic/claude-sonnet-4.5"
    assert listed(command("models", name, "--json"))[name]["is_past"] is True
    monkeypatch.setattr(models, "today", lambda: date(2026, 11, 29))
    assert listed(command("models", name, "--json"))[name]["is_past"] is False


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("paper", 13),
        ("paper/*", 13),
        ("gpt-oss-*", 2),
        ("*/grok-*", 3),
        ("gpt-5", 1),
        ("openai/gpt-5", 1),
    ],
)
def test_models_are_named_by_folder_pattern_or_name(command: Call, wanted: str, names: int) -> None:
    assert len(listed(command("models", wanted, "--json"))) == names
    assert listed(command("models", "list", wanted, "--json")).keys()


def test_what_there_is_not_is_answered_with_what_there_is(command: Call) -> None:
    output = command("models", "gpt-4.o")
    assert (
        output.code == 1 and "unknown model 'gpt-4.o'; valid, nearest first: gpt-4o" in output.err
    )


def test_json_has_the_whole_row(command: Call) -> None:
    row = listed(command("models", "qwen2.5-7b", "--json"))["paper/qwen2.5-7b"]
    assert (row["knows_until"], row["cutoff_is_stated"]) == ("2024-09-19", False)
    assert (row["id"], row["maker"], row["price"]) == ("Qwen/Qwen2.5-7B-Instruct", "Alibaba", None)
    assert (row["key_env"], row["key_is_set"], row["is_verified"]) == (None, None, True)
    assert listed(command("models", "openrouter", "--json"))["openrouter"]["id"] is None


def test_models_of_a_folder_and_of_a_file_are_listed_too(command: Call, tmp_path: Path) -> None:
    mine = "provider: vllm\nid: acme/mine\nreleased: '2026-01'\n"
    (tmp_path / "conf" / "model" / "acme").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "acme" / "mine.yaml").write_text(f"name: mine\n{mine}")
    assert line_of(command("models", "mine"), "mine")[1:4] == ["2026-01", "–", "≤2026-01"]
    (tmp_path / "other.yaml").write_text(mine)
    (row,) = listed(command("models", "./other.yaml", "--json")).values()
    assert row["id"] == "acme/mine"
    (tmp_path / "other.yaml").write_text(f"{mine}retires: soon\n")
    output = command("models", "./other.yaml")
    assert output.code == 1
    assert "model other, retires: 'soon' should be a day such as" in output.err


def check(command: Call, server: StubServer, *more: str) -> Output:
    at = (f"model.base_url={server.url}", "model.id=stub")
    return command("models", "check", "local", *at, *more)


def test_a_check_says_what_the_server_takes_and_what_it_cost(command: Call) -> None:
    with StubServer(rejects=["seed"], version="0.11.0") as server:
        output = check(command, server, "model.price={input: 1, output: 2}")
    assert output.code == 0
    assert f"✓ local  {server.url} answers as stub, vLLM 0.11.0" in output.out
    text = " ".join(output.out.split())
    assert "temperature yes" in text and "structured_outputs yes" in text
    assert "seed no (HTTP 400:" in text and "; set model.accepts.seed=false" in text
    assert "images yes; set model.accepts.images=true" in text
    assert "9 requests: " in text and "USD of at most 0.1" in text
    assert max(map(len, output.out.splitlines())) <= 80


def test_a_check_as_json_has_every_finding(command: Call) -> None:
    with StubServer() as server:
        found = json.loads(check(command, server, "--json").out)
    assert (found["state"], found["answered_by"], found["requests"]) == ("answers", "stub", 9)
    assert ["seed", "yes", True, ""] in found["findings"]


def test_the_code_says_whether_something_is_wrong_that_a_key_does_not_mend(command: Call) -> None:
    output = command("models", "check", "gpt-6-luna")
    assert output.code == 0 and "wants a key" in output.out and "OPENAI_API_KEY" in output.out
    with StubServer(Reply(status=404, error="no such model"), models=["mine"]) as server:
        output = check(command, server)
    assert output.code == 1 and "has no such model" in output.out
    assert "unknown model 'stub'; valid, nearest first: mine" in output.out
    output = check(command, server)
    assert output.code == 1 and "not reached" in output.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["offline"], "has no server to ask"),
        (["local"], "needs id"),
        (["gpt4o"], "unknown model 'gpt4o'; valid, nearest first: gpt-4o"),
        (["gpt-4o", "seed=3"], "unknown option of models check 'seed=3'"),
        (["gpt-4o", "model.sede=3"], "unknown setting of model gpt-4o 'sede'"),
    ],
)
def test_a_check_that_cannot_be_made_says_why(
    command: Call, arguments: list[str], says: str
) -> None:
    output = command("models", "check", *arguments)
    assert output.code == 1 and says in output.err

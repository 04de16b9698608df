"""An agent behind a server of a user's own: what is sent, what may come back, and what else may."""

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest

from investorbench import evaluate
from investorbench.agents.adapters.http import Http
from investorbench.scripts.recorded_code import require_known_code
from investorbench.tasks.running.rederiving import CannotRederiveError
from investorbench_env.errors import InvestorBenchError
from tests.agents.adapters.json_server import Answer, serving
from tests.tasks.plain_records import lines_of

pytest.importorskip("httpx", reason="the extra llm is not installed")
SHORT: dict[str, Any] = {"end": "2020-10-09", "seed": 0, "warmup": False}
STEPS = 6


def alternating(question: dict[str, Any]) -> dict[str, Any]:
    return {"action": ("buy", "hold", "sell")[question["step"] % 3], "rationale": "It is my turn."}


def test_a_question_says_all_that_is_observed_and_the_reward_of_the_step_before() -> None:
    steps: list[Any] = []
    with serving(alternating) as server:
        agent = Http(server.url + "/")
        evaluate(
            agent, "stock/sim", watch=steps.append, modalities=["bars", "news", "chart"], **SHORT
        )
    assert {each["path"] for each in server.headers} == {"/decide"}
    questions = server.questions
    assert [question["step"] for question in questions] == [*range(STEPS)]
    assert [question["reward"] for question in questions] == [
        None, *(step.reward for step in steps[:-1]),
    ]  # fmt: skip
    first = questions[0]
    assert (first["protocol"], first["split"]) == (1, "test")
    assert first["facts"]["symbols"] == ["SIM"] and first["facts"]["action"] == "trade"
    assert len({question["episode"] for question in questions}) == 1
    assert len(first["observation"]["bars"]) == 30 and len(first["observation"]["bars"][0]) == 5
    picture = first["observation"]["chart"]
    assert picture["media_type"] == "image/png"
    assert base64.b64decode(picture["data"])[:4] == b"\x89PNG"
    assert first["info"]["session"] == "2020-10-01" and first["info"]["account"]["positions"] == []
    documents = first["info"]["documents"]
    assert documents and {"kind", "title", "text", "available_at", "sentiment"} <= set(documents[0])
    assert questions[1]["info"]["fills"][0]["symbol"] == "SIM"
    assert not any("hidden_state" in q["info"] or "market_seed" in q["info"] for q in questions)


def test_its_decisions_are_taken_and_recorded(tmp_path: Path) -> None:
    with serving(alternating) as server:
        evaluate(Http(server.url), "stock/sim", folder=tmp_path, **SHORT)
    (path,) = tmp_path.rglob("decisions.jsonl")
    lines = lines_of(path)
    assert [line["action"] for line in lines] == [2, 1, 0, 2, 1, 0]
    assert lines[0]["thought"]["decision"] == {
        "word": "buy", "valid": True, "rationale": "It is my turn.",
    }  # fmt: skip


@pytest.mark.parametrize(("action", "taken"), [(0.5, 0.5), ("sell", -1.0), (1, 1.0)])
def test_weights_are_numbers_or_words(action: Any, taken: float, tmp_path: Path) -> None:
    with serving(lambda question: {"action": action}) as server:
        evaluate(Http(server.url), "stock/sim", folder=tmp_path, action="weight", **SHORT)
    (path,) = tmp_path.rglob("decisions.jsonl")
    assert [line["action"] for line in lines_of(path)] == [[taken]] * STEPS


ORDERS = [{"symbol": "SIM-A", "side": "buy", "quantity": 5}, "sell all"]


@pytest.mark.parametrize(
    ("kind", "action", "taken"),
    [
        ("orders", ORDERS, ORDERS),
        ("orders", [], []),
        ("weights", {"SIM-B": 0.5, "SIM-J": 0.25}, [0.0, 0.5, *[0.0] * 7, 0.25]),
        ("weights", [0.0625] * 10, [0.0625] * 10),
    ],
)
def test_of_several_assets_it_gives_orders_or_weights(
    kind: str, action: Any, taken: Any, tmp_path: Path
) -> None:
    with serving(lambda question: {"action": action, "rationale": "so"}) as server:
        evaluate(Http(server.url), "portfolio/sim", folder=tmp_path, action=kind, **SHORT)
    (path,) = tmp_path.rglob("decisions.jsonl")
    assert [line["action"] for line in lines_of(path)] == [taken] * STEPS
    decision = lines_of(path)[0]["thought"]["decision"]
    assert decision == {"valid": True, "rationale": "so"}


@pytest.mark.parametrize(
    ("kind", "action", "words"),
    [
        ("orders", {"symbol": "SIM-A"}, "is not a list of orders"),
        ("weights", [0.5], "is not a weight of each asset"),
        ("weights", {"TSLA": 0.5}, "is not a weight of each asset"),
        ("weights", [1.5, *[0.0] * 9], "is not a weight of each asset"),
        ("weights", [True] * 10, "is not a weight of each asset"),
    ],
)
def test_what_divides_no_account_ends_the_episode(kind: str, action: Any, words: str) -> None:
    refused = pytest.raises(InvestorBenchError, match=words)
    with serving(lambda question: {"action": action}) as server, refused:
        evaluate(Http(server.url), "portfolio/sim", action=kind, **SHORT)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"actoin": "buy"}, "its action 'None' is not buy, hold or sell"),
        ({"action": "short everything"}, "its action 'short everything' is not buy"),
        ({"action": 3}, "its action '3' is not buy"),
        ({"action": True}, "its action 'True' is not buy"),
        ((200, b"[]"), "its reply is no JSON object"),
        ((200, b"<html>hello"), "its reply is no JSON: <html>hello"),
        ((200, b"[" * 100_000), "its reply is no JSON"),
        ((200, b'{"action": "buy", "x": "' + b"x" * 1_000_001 + b'"}'), "longer than 1,000,000"),
        ((404, b"nothing here"), "HTTP 404: nothing here"),
        ((302, b""), "HTTP 302"),
        ((500, b"a bug of mine"), "HTTP 500: a bug of mine"),
    ],
)
def test_what_is_no_reply_ends_the_episode_and_says_why(answer: Any, words: str) -> None:
    with serving(lambda question: answer) as server:
        with pytest.raises(InvestorBenchError, match=words) as caught:
            evaluate(Http(server.url), "stock/sim", **SHORT)
        assert server.url in str(caught.value) and "resume the run" in str(caught.value)
        assert len(server.questions) == 1


@pytest.mark.parametrize("trouble", [(503, b"busy"), (0, b"")])
def test_a_server_in_trouble_is_asked_the_same_again(trouble: Answer) -> None:
    asked: list[str] = []

    def answer(question: dict[str, Any]) -> Any:
        asked.append(json.dumps(question, sort_keys=True))
        return trouble if len(asked) in (1, 2, 5) else alternating(question)

    with serving(answer) as server:
        result = evaluate(Http(server.url, wait_s=0.0), "stock/sim", **SHORT)
    assert result.metrics["steps"] == STEPS and len(asked) == STEPS + 3
    assert len({*asked}) == STEPS
    with serving(lambda question: trouble) as server:
        with pytest.raises(InvestorBenchError, match=r"HTTP 503: busy|no reply"):
            evaluate(Http(server.url, wait_s=0.0), "stock/sim", **SHORT)
        assert len(server.questions) == 3
    with pytest.raises(InvestorBenchError, match="no reply: "):
        evaluate(Http(server.url, wait_s=0.0), "stock/sim", **SHORT)  # no server is there


def test_a_token_is_sent_and_stands_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hush-hush-0123")
    with serving(alternating) as server:
        agent = Http(server.url, token_env="MY_TOKEN")
        evaluate(agent, "stock/sim", folder=tmp_path, **SHORT)
    assert {each["Authorization"] for each in server.headers} == {"Bearer hush-hush-0123"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not any(b"hush-hush" in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "127.0.0.1:9000"}, "must be an address"),
        ({"url": "ftp://127.0.0.1"}, "must be an address"),
        ({"url": "http://me:secret@127.0.0.1"}, "use token_env"),
        ({"url": "http://127.0.0.1/?key=secret"}, "use token_env"),
        ({"url": "http://127.0.0.1", "attempts": 0}, "attempts=0 must be"),
        ({"url": "http://127.0.0.1", "timeout_s": 0}, "timeout_s=0 must be"),
        ({"url": "http://127.0.0.1:99999"}, "must be an address"),
        ({"url": "http://[::1"}, "must be an address"),
        ({"url": "http://127.0.0.1/\n"}, "must be an address"),
        ({"url": "http://127.0.0.1/#secret"}, "use token_env"),
        ({"url": "http://127.0.0.1", "attempts": "3"}, "attempts='3' must be"),
        ({"url": "http://127.0.0.1", "timeout_s": math.nan}, "timeout_s=nan must be"),
        ({"url": "http://127.0.0.1", "wait_s": -1}, "wait_s=-1 must be"),
        ({"url": "http://127.0.0.1", "token_env": "TWO_LINES"}, "TWO_LINES: it holds what no"),
        ({"url": "http://127.0.0.1", "token_env": "NO_SUCH"}, "NO_SUCH: there is no such variable"),
    ],
)
def test_what_cannot_work_is_refused_before_a_run(
    settings: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWO_LINES", "my\nsecret")
    with pytest.raises(InvestorBenchError, match=words) as caught:
        Http(**settings)
    assert "secret" not in str(caught.value)


def test_a_check_of_a_record_asks_no_server_that_it_names() -> None:
    agent = {
        "_target_": "investorbench.agents.adapters.http.Http",
        "url": "http://127.0.0.1:1",
        "token_env": "OPENAI_API_KEY",
    }
    with pytest.raises(CannotRederiveError, match="asks a server that the record names"):
        require_known_code(agent)

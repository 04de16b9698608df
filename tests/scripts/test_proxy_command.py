"""`investorbench proxy`: before a program, and by itself until it is stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.agents.llm.stub_server import Reply, StubServer
from tests.scripts.calling import Call

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os, sys, urllib.request
key = os.environ["OPENAI_API_KEY"] + sys.argv[2]
body = {"model": "x", "max_tokens": 10, "messages": [{"role": "user", "content": sys.argv[1]}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"Authorization": "Bearer " + key, "Content-Type": "application/json"},
)
print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"], flush=True)
sys.exit(3)
"""
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def at(url: str, *more: str) -> list[str]:
    price = "model.price={input: 100.0, output: 1000.0}"
    return ["model=local", "model.id=stub", f"model.base_url={url}", price, "folder=here", *more]


def test_a_program_finds_the_proxy_in_its_environment_and_it_ends_with_it(command: Call) -> None:
    program = ["--", sys.executable, "-c", PROGRAM]
    with StubServer(Reply(text="Buy.", usage=USAGE)) as server:
        first = command("proxy", *at(server.url, "max_usd=1"), *program, "What now?", "")
        second = command("proxy", *at(server.url, "max_usd=1"), *program, "What now?", "")
        labelled = command("proxy", *at(server.url), *program, "What now?", "-msft-2")
        other = command("proxy", *at(server.url, "sample=2"), *program, "What now?", "")
        assert server.calls == 3  # the second time it came from the cache
    assert [output.code for output in (first, second, labelled, other)] == [3, 3, 3, 3]
    assert {output.out for output in (first, second, labelled, other)} == {"Buy.\n"}
    assert (
        "asking stub; answers are kept in here/answers.sqlite; 0.00 USD spent before" in first.err
    )
    assert "0.0200 USD spent before, at most 1.00 USD" in second.err
    assert "msft-2" in labelled.err
    replay = command(
        "proxy", *at(server.url, "cache=replay_only"), "--", sys.executable, "-c", PROGRAM,
        "What now?", "",
    )  # fmt: skip
    assert (replay.code, replay.out) == (3, "Buy.\n")


@pytest.mark.heavy
def test_by_itself_it_prints_address_and_key_and_leaves_nothing_when_it_is_stopped() -> None:
    program = (
        # Where tests run in the background of a shell, Ctrl-C would be ignored here, too.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from investorbench.scripts.main import main; main()"
    )
    line = [sys.executable, "-c", program, "proxy"]
    with StubServer(Reply(text="Buy.", usage=USAGE)) as server:
        running = subprocess.Popen(
            [*line, *at(server.url)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert running.stdout is not None
        exports = [running.stdout.readline().strip() for _ in range(3)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in exports)
        url, key = variables["OPENAI_BASE_URL"], variables["OPENAI_API_KEY"]
        headers = {"Authorization": f"Bearer {key}-msft-1"}
        body = {"messages": [{"role": "user", "content": "What now?"}]}
        reply = httpx.post(
            f"{url}/chat/completions", json=body, headers=headers, trust_env=False, timeout=30.0
        )
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert reply.json()["choices"][0]["message"]["content"] == "Buy."
    assert running.returncode == 0 and out == "" and key not in err
    assert "msft-1" in err and "0.0200" in err and "Traceback" not in err
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.split(":")[2].split("/")[0])))
    assert key not in "".join(path.read_text("latin-1") for path in Path("here").iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which model? investorbench proxy model=qwen2.5-7b"),
        (["model=offline"], "no server that a proxy could ask"),
        (["model=qwen2.5-7b", "cache=on"], "unknown cache mode 'on'"),
        (["model=qwen2.5-7b", "cap=3"], "unknown option of proxy 'cap'"),
        (["model=qwen2.5-7b", "max_usd=lots"], "'lots' should be a number"),
        (["model=qwen2.5-7b", "port=70000"], "port 70000 of 127.0.0.1 cannot be had"),
        (["model=qwen2.5-7b", "cache=replay_only"], "there is no cache"),
        (["model=qwen2.5-7b", "--", "no-such-program"], "cannot start no-such-program"),
    ],
)
def test_what_does_not_work_is_one_error(arguments: list[str], words: str, command: Call) -> None:
    output = command("proxy", *arguments)
    assert output.code == 1 and words in output.err and "Traceback" not in output.err
    assert json.dumps(output.out) == '""'

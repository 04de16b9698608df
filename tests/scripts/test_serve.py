import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from investorbench.agents.llm import Model, connect, load_model, model_of
from investorbench.scripts import serve
from investorbench.scripts.serving import ServeError, command_of, served, to_standard_error
from tests.agents.llm.stub_server import StubServer

ROOT = Path(__file__).resolve().parents[2]
# Like vLLM it loads for a while, starts a process of its own, and serves the OpenAI protocol.
FAKE_VLLM = """#!{python}
import json, os, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
folder = {folder!r}
open(folder + "/arguments.json", "w").write(json.dumps(sys.argv[1:]))
if os.path.exists(folder + "/fail"):
    print("loading weights"); sys.exit("CUDA out of memory: tried to allocate 140 GiB")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(folder + "/pids", "w").write(str(os.getpid()) + " " + str(child.pid))
given = dict(zip(sys.argv, sys.argv[1:]))
ready = time.monotonic() + float(os.environ.get("FAKE_LOAD_S", "0.3"))

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments): pass
    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def do_GET(self):
        if time.monotonic() < ready: self.send(503, {{}})
        elif self.path == "/health": self.send(200, {{}})
        else: self.send(200, {{"data": [{{"id": given["--served-model-name"]}}]}})
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        message = {{"role": "assistant", "content": "served"}}
        self.send(200, {{"choices": [{{"message": message, "finish_reason": "stop"}}]}})

ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ``vllm`` in it, first on the path."""
    program = tmp_path / "vllm"
    program.write_text(FAKE_VLLM.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tiny(**server: Any) -> Model:
    return model_of({"name": "tiny", "provider": "vllm", "id": "acme/tiny", "server": server})


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie, which its parent has not yet waited for, does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def pids(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def ended(numbers: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(map(lives, numbers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(lives, numbers))


def test_a_model_is_served_asked_and_stopped_with_its_children(fake: Path, port: int) -> None:
    import asyncio

    output: list[str] = []
    with served(tiny(tensor_parallel_size=2), port=port, say=output.append) as url:
        assert url == f"http://127.0.0.1:{port}/v1"
        asked = connect(tiny(), base_url=url).decide([{"role": "user", "content": "?"}], None)
        assert asyncio.run(asked).text == "served"
        assert all(map(lives, pids(fake)))
    assert ended(pids(fake))
    assert "starting:" in output[0] and "serve acme/tiny" in output[0] and "stopping" in output[-1]
    arguments = json.loads((fake / "arguments.json").read_text())
    assert arguments[:2] == ["serve", "acme/tiny"]
    assert "--tensor-parallel-size 2" in " ".join(arguments)


@pytest.mark.heavy
def test_an_error_in_the_block_stops_the_server_too(fake: Path, port: int) -> None:
    with pytest.raises(ZeroDivisionError), served(tiny(), port=port, say=str):
        1 / 0  # noqa: B018
    assert ended(pids(fake))


def test_a_server_that_fails_shows_the_end_of_its_log(fake: Path, port: int) -> None:
    (fake / "fail").touch()
    with (
        pytest.raises(ServeError, match=r"(?s)ended with 1.*CUDA out of memory"),
        served(tiny(), port=port, say=str),
    ):
        pass


@pytest.mark.heavy
def test_a_server_that_is_never_ready_is_given_up_and_stopped(
    fake: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LOAD_S", "600")
    with (
        pytest.raises(ServeError, match="not ready after 1 s"),
        served(tiny(), port=port, timeout_s=1.0, say=str),
    ):
        pass
    assert ended(pids(fake))


def test_a_server_with_the_right_model_is_used_and_left_running(fake: Path) -> None:
    with StubServer(models=("acme/tiny",)) as stub:
        with served(tiny(), port=stub.port, say=str) as url:
            assert url == stub.url
        with served(tiny(), port=stub.port, say=str) as url:
            assert url == stub.url
    assert not (fake / "pids").exists()


@pytest.mark.heavy
def test_a_port_in_use_by_something_else_is_refused(fake: Path) -> None:
    with (
        StubServer(models=("acme/other",)) as stub,
        pytest.raises(ServeError, match="serves acme/other, not acme/tiny"),
        served(tiny(), port=stub.port, say=str),
    ):
        pass
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        held = int(other.getsockname()[1])
        with (
            pytest.raises(ServeError, match="in use by something else"),
            served(tiny(), port=held, say=str),
        ):
            pass
    assert not (fake / "pids").exists()


def test_the_command_holds_the_models_settings() -> None:
    model = load_model("qwen3-32b")
    line = " ".join(command_of(model, "127.0.0.1", 8123, "python -m vllm.entrypoints"))
    for part in (
        "--model Qwen/Qwen3-32B", "--served-model-name Qwen/Qwen3-32B", "--port 8123",
        "--tensor-parallel-size 2", "--max-model-len 40960", "--reasoning-parser qwen3",
        "--dtype bfloat16", "--host 127.0.0.1",
    ):  # fmt: skip
        assert part in line
    container = command_of(model, "127.0.0.1", 8123, "docker run -p {port}:{port} vllm/vllm-openai")
    assert "8123:8123" in container and container[container.index("--host") + 1] == "0.0.0.0"


def test_without_vllm_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServeError, match=r"investorbench\[vllm\].*docker run"):
        command_of(tiny(), "127.0.0.1", 8000)


def test_a_model_behind_an_api_is_not_served_here() -> None:
    with (
        pytest.raises(ServeError, match="served by openai"),
        served(load_model("gpt-4o"), say=str),
    ):
        pass


def test_a_signal_between_two_sentences_swallows_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def flush(self) -> None:
            if self.getvalue() == "first\n":
                raise SystemExit

    monkeypatch.setattr(sys, "stderr", stream := Interrupted())
    with pytest.raises(SystemExit):
        to_standard_error("first")
    to_standard_error("second")
    assert stream.getvalue() == "first\nsecond\n"


# The command line

APP = typer.Typer()
APP.command("serve", context_settings=serve.CONTEXT)(serve.serve)
APP.callback()(lambda: None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which model?"),
        (["model=qwen2.5-7"], "qwen2.5-7b"),
        (["model=qwen2.5-7b", "prot=3"], "port=…"),
        (["model=qwen2.5-7b", "port=high"], "should be a number"),
        (["model=qwen2.5-7b", "model.server.dtypo=x"], "dtype"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(APP, ["serve", *arguments])
    assert result.exit_code == 1 and words in str(result.exception)


@pytest.fixture
def command(fake: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    program = (
        # Where tests run in the background of a shell, Ctrl-C would be ignored here, too.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import typer; from scripts import serve; app = typer.Typer()\n"
        "app.command('serve', context_settings=serve.CONTEXT)(serve.serve)\n"
        "app.callback()(lambda: None); app()"
    )
    line = [sys.executable, "-c", program, "serve", "model=qwen2.5-7b", f"port={port}"]
    with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(120.0, process.kill)  # what never ends is a failure, not a hang
        watchdog.start()
        yield process
        watchdog.cancel()
        process.kill()


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_leaves_nothing_behind(
    command: "subprocess.Popen[str]", number: signal.Signals, fake: Path
) -> None:
    assert command.stderr
    output = ""
    while "Ctrl-C stops it" not in output:
        line = command.stderr.readline()
        assert line, output
        output += line
    assert all(map(lives, pids(fake)))
    command.send_signal(number)
    assert "stopping" in command.stderr.read()
    assert command.wait(30) == (0 if number == signal.SIGINT else 128 + number)
    assert ended(pids(fake))

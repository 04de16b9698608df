"""The changes in CONTRIBUTING.md are real: they apply to the tree, and add what they claim."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, Page

COPIED = ("investorbench", "investorbench_env", "memory", "agents", "tasks", "scripts", "conf")
CHANGES = [block for block in Page.read("CONTRIBUTING.md").blocks if block.language == "diff"]
MADE = [change for change in CHANGES if change.needs == "in the tree"]


def copy(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)


def apply(change: Block, folder: Path, *options: str) -> None:
    # Without the ceiling, git would take a folder inside a checkout for a part of that.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(
        ["git", "apply", *options], cwd=folder, env=environment, input=change.text, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{change.place}: {done.stderr}"


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages with every change that was not made yet."""
    folder = tmp_path_factory.mktemp("changed")
    copy(folder)
    for change in CHANGES:
        if change not in MADE:
            apply(change, folder)
    return folder


def printed(program: str, folder: Path) -> list[str]:
    """What a program prints that imports the packages of a folder."""
    path = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", path + program], cwd=folder, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_change_that_was_made_can_be_taken_back(tmp_path: Path) -> None:
    copy(tmp_path)
    (made,) = MADE
    assert made.text.count("diff --git") == 2
    apply(made, tmp_path, "--reverse", "--check")


@pytest.mark.heavy
def test_a_universe_and_a_family_give_ids_that_can_be_scored(changed: Path) -> None:
    program = """
import gymnasium, investorbench_env
from investorbench import evaluate
ids = investorbench_env.environment_ids()
simulated = gymnasium.spec("InvestorBench/Stock-SIM").kwargs
print("InvestorBench/Stock-WFC" in ids, simulated["universe"])
result = evaluate("buy_and_hold", "InvestorBench/Allocation-SIM", end="2020-12-31")
print(result.facts.family, result.facts.long_only, result.actions[-1])
"""
    assert printed(program, changed) == ["True Stocks-SIM", "Allocation True [1.0]"]


@pytest.mark.heavy
def test_a_metric_stands_in_every_result_and_table(changed: Path) -> None:
    program = """
import numpy as np
from investorbench import evaluate
from investorbench.tasks.leaderboard import Entry, leaderboards
from investorbench.tasks.leaderboard.exports import export
result = evaluate("momentum", "stock/sim")
gains, losses = (np.clip(sign * result.median.returns, 0, None).sum() for sign in (1, -1))
print(np.isclose(result.metrics["omega"], gains / losses))
boards = leaderboards([Entry(result=result, planned=1)], jointly=False)
print(b"Omega" in export(boards, [], "md"), b"omega" in export(boards, [], "csv"))
"""
    assert printed(program, changed) == ["True", "True True"]


@pytest.mark.heavy
def test_a_source_is_asked_and_a_provider_is_spoken_to(changed: Path) -> None:
    program = """
import asyncio, json, os, tempfile, threading
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Server(BaseHTTPRequestHandler):
    def send(self, answer):
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def do_GET(self):
        day = int(datetime.fromisoformat("2021-01-14T00:00:00+00:00").timestamp())
        self.send([[day + 86400, 90, 110, 95, 100, 5], [day, 80, 100, 85, 95, 5]])
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(self.path, body["model"], body["format"]["required"])
        message = {"role": "assistant", "content": '{"decision": "buy"}'}
        self.send({"model": "m", "message": message, "done_reason": "stop", "eval_count": 8})
    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
os.environ["INVESTORBENCH_COINBASE_URL"] = url

from investorbench_env.market.library import find_market
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.source import FetchRequest
with tempfile.TemporaryDirectory() as folder:
    days = {"first": date(2021, 1, 14), "last": date(2021, 1, 15)}
    request = FetchRequest(symbol="BTC", asset_class="crypto", into=Path(folder), **days)
    print(*(outcome.status for outcome in fetch(request, ["coinbase"])))
    print(find_market("BTC", "crypto", folder).bars[:, 0, 3])

from investorbench.agents.llm import connect, model_of
model = model_of({"name": "x", "provider": "ollama", "id": "m", "base_url": url})
schema = {"type": "object", "properties": {"decision": {"enum": ["buy", "sell"]}},
          "required": ["decision"], "additionalProperties": False}
answer = asyncio.run(connect(model).decide([{"role": "user", "content": "?"}], schema))
print(answer.status, answer.value, answer.usage.output)
"""
    assert printed(program, changed) == [
        "fetched", "[ 95. 100.]", "/api/chat m ['decision']", "ok {'decision': 'buy'} 8",
    ]  # fmt: skip

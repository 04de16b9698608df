"""A graph of LangGraph in runs, by its own client and the proxy: replayed, killed and resumed.

``PROXY_KILLS=50`` kills it as often as that; a few are enough to see that it works at all.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.agents.llm.stub_server import Reply, StubServer
from tests.tasks.plain_records import timeless

pytest.importorskip("langgraph", reason="the extra frameworks is not installed")
pytestmark = pytest.mark.heavy

KILLS, REPEATS = int(os.environ.get("PROXY_KILLS", "2")), 2
END = "2020-10-15" if KILLS < 10 else "2021-01-15"
LATENCY_S = 0.02
ROOT = Path(__file__).resolve().parents[2]
AGENT = '''
"""A graph with a tool: the model asks for the last close, then decides."""

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

WORDS = ["sell", "hold", "buy"]


class Trader:
    name = "trader"

    def __init__(self, proxy):
        self.chat = ChatOpenAI(
            model=proxy.model, base_url=proxy.base_url, api_key=proxy.api_key, max_tokens=9
        )

    async def act(self, observation, info):
        @tool
        def last_close(symbol: str) -> str:
            """The last close of a symbol."""
            return f"{symbol} closed at {observation['bars'][-1][3]:.2f}."

        bound = self.chat.bind_tools([last_close])

        async def ask(state):
            return {"messages": [await bound.ainvoke(state["messages"])]}

        graph = StateGraph(MessagesState)
        graph.add_node("ask", ask)
        graph.add_node("tools", ToolNode([last_close]))
        graph.add_edge(START, "ask")
        graph.add_conditional_edges("ask", tools_condition)
        graph.add_edge("tools", "ask")
        question = f"What to do with {info['symbol']} on {info['session']}? One word of {WORDS}."
        state = await graph.compile().ainvoke({"messages": [("user", question)]})
        self.word = state["messages"][-1].content
        return WORDS.index(self.word)

    def record(self):
        return {"decision": {"word": self.word, "valid": self.word in WORDS}}
'''
RUN = (
    "run", "agent=trader:Trader", "task=stock/sim", f"task.end={END}", "warmup=false",
    # Weights with a licence are known by their name, wherever they are asked.
    "model=local", "model.id=stub", "++model.licence=MIT", "++model.context_length=1000",
    "++model.price={input: 100.0, output: 1000.0}", "max_usd=9",
    f"repeats={REPEATS}", "output=json", "seed=0",
)  # fmt: skip
PASSING = ("latency_s", "attempts", "cached", "cost_usd")


def answer(request: dict[str, Any]) -> Reply:
    """Calls the tool, then decides by the close that it gave."""
    usage = {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109}
    close = str(request["messages"][-1]["content"]).rpartition("closed at ")[2].strip(".")
    if request["messages"][-1]["role"] != "tool":
        return Reply(calls=[("last_close", {"symbol": "SIM"})], usage=usage)
    return Reply(text=("sell", "hold", "buy")[int(close[-1]) % 3], usage=usage)


def started(within: Path, url: str, *more: str) -> "subprocess.Popen[str]":
    """The command, in a process of its own."""
    (within / "trader.py").write_text(AGENT)
    line = [sys.executable, "-m", "investorbench.scripts.main", *RUN, f"model.base_url={url}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*line, *more], cwd=within, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def results(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    (result,) = (json.loads(line) for line in out.splitlines())
    return dict(result)


def lines(folder: Path) -> list[Any]:
    """All lines of a run, but for what may differ from run to run."""
    found = [timeless(path) for path in sorted(folder.rglob("decisions.jsonl"))]
    assert len(found) == REPEATS
    for line in (line for own in found for line in own):
        line.pop("code", None)
        for each in line.get("answers", ()):
            for name in PASSING:
                del each[name]
    return found


class Whole(NamedTuple):
    """A run that was never killed, in the folder ``whole``."""

    within: Path
    url: str
    result: dict[str, Any]
    asked: "Counter[str]"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    within = tmp_path_factory.mktemp("whole")
    with StubServer(answer) as server:
        result = results(started(within, server.url, "folder=whole"))
        return Whole(within, server.url, result, Counter(map(json.dumps, server.requests)))


def test_a_graph_is_counted_and_a_replay_of_it_is_equal_and_asks_nothing(whole: Whole) -> None:
    steps = whole.asked.total() // (2 * REPEATS)
    # The server is gone.
    replay = ("folder=again", "cache=replay_only", "cache_path=whole/answers.sqlite")
    again = results(started(whole.within, whole.url, *replay))
    assert lines(whole.within / "whole") == lines(whole.within / "again")
    assert whole.result["metrics"] == again["metrics"]
    for paid, own in zip((0.019, 0.0), (whole.result, again), strict=True):
        counted = own["answers"][0]["test"]
        assert counted["status"] == {"ok": 2 * steps} and counted["invalid"] == 0
        assert counted["tokens"]["output"] == 9 * 2 * steps
        assert counted["cost_usd"] == pytest.approx(paid * 2 * steps)


def test_a_graph_that_was_killed_ends_as_one_that_never_was_and_asks_nothing_twice(
    whole: Whole, tmp_path: Path
) -> None:
    chance = random.Random(5)
    with StubServer(answer, latency_s=LATENCY_S) as server:
        for number in range(KILLS):
            process = started(tmp_path, server.url, "folder=killed")
            before, wanted = server.calls, chance.randrange(1, 8 if KILLS < 10 else 5)
            deadline = time.monotonic() + 120.0
            while server.calls < before + wanted and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 2 * LATENCY_S))
            assert process.poll() is None, f"it ended after {number} kills"
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        killed = results(started(tmp_path, server.url, "folder=killed"))
        asked = Counter(map(json.dumps, server.requests))
    assert asked.keys() == whole.asked.keys() and not whole.asked - asked
    repeated = (asked - whole.asked).total()
    assert repeated <= KILLS * REPEATS  # those that were in flight
    assert lines(tmp_path / "killed") == lines(whole.within / "whole")
    assert killed["metrics"] == whole.result["metrics"]
    print(f"{KILLS} kills, {repeated} of {whole.asked.total()} questions asked again")

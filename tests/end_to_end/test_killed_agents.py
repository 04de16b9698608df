"""Agents that ask more than one question a decision, killed at random, end as if they never were.

One sums filings up and sees charts, one calls tools, one writes theses and forgets what it decides.
``AGENT_KILLS=50`` kills each as often as that; a few are enough to see that it works at all.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import Reply, StubServer, schema_of
from tests.end_to_end.test_killed_runs import answer, questions, record, wait_for

KILLS = int(os.environ.get("AGENT_KILLS", "2"))
END = "2020-10-23" if KILLS < 10 else "2020-12-18"
REPEATS, LATENCY_S = 2, 0.01
RUN = (
    "run", "task.id=InvestorBench/Stock", "task.options.symbol=ACME", f"task.end={END}",
    "task.options.data_tolerance=0.2", "warmup=false", "model=local", "model.id=stub",
    "++model.accepts.images=true", f"repeats={REPEATS}", "output=json", "seed=0",
)  # fmt: skip
AGENTS = {
    "finmem": ("agent=finmem", "agent.document_chars=400",
               "task.options.modalities=[bars,account,time,chart]"),
    "tool_user": ("agent=tool_user",),
    "thesis": ("agent=thesis",),
}  # fmt: skip
SAID = ("Revenue rose by {}% in the quarter.", "We expect margins of {}% in the next year.",
        "Iron cost {}% more than a year ago.", "Our anvils sold at a discount of {}%.")  # fmt: skip

pytestmark = pytest.mark.heavy


def make_world(folder: Path) -> None:
    """Prices, a headline a day, and a report of two items every second day."""
    chance = np.random.default_rng(5)
    days = np.arange("2020-06-01", "2020-12-24", dtype="datetime64[D]")
    sessions = days[np.is_busday(days)]
    closes = 50.0 * np.cumprod(1.0 + 0.01 * chance.standard_normal(len(sessions)))
    folder.mkdir()
    rows = [f"{day},{close:.2f},{close:.2f}" for day, close in zip(sessions, closes, strict=True)]
    (folder / "acme.csv").write_text("\n".join(["date,open,close", *rows]))
    news = [f'{day},ACME,"{SAID[n % 4].format(n)}"' for n, day in enumerate(sessions)]
    (folder / "news.csv").write_text("\n".join(["date,symbol,headline", *news]))
    filings = [
        {"symbol": "ACME", "form": "8-K", "filing_date": str(day), "text": report(chance)}
        for day in sessions[sessions >= np.datetime64("2020-09-28")][::2]
    ]
    pd.DataFrame(filings).to_parquet(folder / "filings.parquet")


def report(chance: np.random.Generator) -> str:
    said = [" ".join(SAID[each].format(chance.integers(99)) for each in chance.integers(4, size=20))
            for _ in range(2)]  # fmt: skip
    return (f"FORM 8-K\n\nItem 2.02 Results of Operations and Financial Condition\n\n{said[0]}\n\n"
            f"Item 8.01 Other Events\n\n{said[1]}")  # fmt: skip


def reply(request: dict[str, Any]) -> Reply:
    """As :func:`answer`; of summaries one in five is none, however often it is asked for."""
    messages = request["messages"]
    chance = random.Random(sha256(json.dumps([messages, request["seed"]]).encode()).digest())
    if is_of_filing(request):
        user = messages[1]["content"]
        if sha256(user.encode()).digest()[0] % 5 == 0:
            return Reply(text="I would rather not.")
        return Reply(text=json.dumps({"summary": user.splitlines()[3][:90] + "."}))
    tools = [tool["function"]["name"] for tool in request.get("tools", ())]
    if "search" in tools and chance.random() < 0.6:
        return Reply(calls=chance.choices(CALLS, k=chance.randint(1, 3)))
    if tools:
        return Reply(text=json.dumps({"rationale": "So.", "decision": chance.choice(WORDS)}))
    if "[[[HOLD]]]" in messages[0]["content"]:
        forgets = len(messages) == 2 and chance.random() < 0.4
        return Reply(text="So." if forgets else f"[[[{chance.choice(WORDS).upper()}]]]")
    return answer(request)


CALLS: list[tuple[str, Any]] = [
    ("search", {"query": "iron"}), ("bars", {"last": 5}), ("documents", {"kind": "8-K"}),
    ("bars", {"start": "2030-01-01"}), ("read", {"id": "none"}), ("sell_all", {}), ("search", "{"),
]  # fmt: skip
WORDS = ("buy", "hold", "sell")


def is_of_filing(request: dict[str, Any]) -> bool:
    return "summary" in schema_of(request).get("properties", {})


def is_extra(request: dict[str, Any]) -> bool:
    """Whether it is not its decision's only question: of a filing, after a tool or a thesis."""
    is_later = request["messages"][-1]["role"] == "tool" or not request.get("response_format")
    return is_of_filing(request) or (is_later and len(request["messages"]) > 2)


def wait_for_more(server: StubServer, process: Any) -> None:
    """Wait until more is asked than one question a decision, or nothing more will be asked."""
    begun, deadline = server.calls, time.monotonic() + 120.0
    while process.is_alive() and not any(map(is_extra, server.requests[begun:])):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def live(folder: Path, url: str, agent: str) -> None:
    """The command, in a process to be killed."""
    os.chdir(folder.parent)
    main([*RUN, *AGENTS[agent], f"model.base_url={url}", f"data={folder.parent / 'data'}",
          f"folder={folder.name}"])  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_that_is_killed_amid_its_questions_ends_as_if_it_never_was(
    agent: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_world(tmp_path / "data")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed, amid = random.Random(6), 0, 0
    with StubServer(reply, latency_s=LATENCY_S) as server:
        whole = processes.Process(target=live, args=(tmp_path / "whole", server.url, agent))
        whole.start()
        whole.join(300)
        assert whole.exitcode == 0
        calls = server.calls
        most = max(1, calls // (KILLS + 1))
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url, agent))
            process.start()
            if killed < KILLS:
                if killed % 2:
                    wait_for(server, server.calls + chance.randrange(most), process)
                else:
                    wait_for_more(server, process)
                time.sleep(chance.uniform(0.0, 2 * LATENCY_S))
                assert process.is_alive(), f"it ended after {killed} kills"
                os.kill(process.pid or 0, signal.SIGKILL)
                killed += 1
                amid += any(map(is_extra, server.requests[-REPEATS:]))
            process.join(300)
            if process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0 and killed == KILLS
        once, again = questions(server.requests[:calls]), questions(server.requests[calls:])
        pictures = sum("image_url" in json.dumps(each["messages"]) for each in server.requests)

    # Both repeats ask the same of a filing, with a seed that is neither's: so it is asked once.
    summaries, asked = Counter(once.pop(0, [])), Counter(again.pop(0, []))
    unusable = sum("cannot be used" in each for each in summaries)
    assert asked.keys() == summaries.keys() and set(summaries.values()) <= {1}
    repeated = asked.total() - summaries.total()
    assert again.keys() == once.keys() and len(once) == REPEATS
    for seed, expected in once.items():
        assert [question for question, _ in groupby(again[seed])] == expected
        repeated += len(again[seed]) - len(expected)
    assert repeated <= KILLS * REPEATS
    with capsys.disabled():
        print(
            f"\n{agent}: {killed} kills, {amid} of them amid the questions of a decision; "
            f"{repeated} of {calls} questions asked again"
        )
    paths = sorted((tmp_path / "whole").rglob("decisions.jsonl"))
    assert len(paths) == REPEATS
    for path in paths:
        same = tmp_path / "killed" / path.parent.relative_to(tmp_path / "whole")
        assert record(same) == record(path.parent)
        roles = Counter(each["role"] for line in record(same)[1:] for each in line["answers"])
        assert roles["decision"] > 15
        figures = [json.loads((each / "metrics.json").read_text()) for each in (same, path.parent)]
        assert figures[0]["metrics"] == figures[1]["metrics"]
        if agent == "tool_user":
            made = [call for line in record(same)[1:] for call in line["thought"]["tool_calls"]]
            errors = {call["error"] for call in made}
            assert {"future", "unknown_tool", "arguments", None} <= errors
            counted = [each["answers"]["test"]["tool_calls"] for each in figures]
            assert counted[0] == counted[1] and counted[0]["count"] == len(made) > 15
            continue
        if agent == "thesis":
            again_asked = sum(len(line["answers"]) == 2 for line in record(same)[1:])
            assert again_asked and figures[0]["answers"]["test"]["invalid"] == 0
            continue
        states = [
            next(each.glob("agent/*/finmem.json")).read_text() for each in (same, path.parent)
        ]
        assert states[0] == states[1]
        counts = json.loads(states[0])["counts"]
        assert roles["summary"] == len(summaries) - unusable > 15 and unusable and pictures > 30
        assert (counts["summaries"], counts["extracts"]) == (roles["summary"], unusable)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "killed", "--agent"])
    assert not ended.value.code

"""Poisoned news and filings: what they make a model say stays its answer, and changes nothing else.

``pytest -s`` prints how often the model obeyed.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.agents.finmem.poison import MARK, Obedient, done, poisoned, table_of
from tests.agents.llm.stub_server import StubServer
from tests.scripts.calling import Call, results

ANY_BLOCK = re.compile(r"<(\w+)((?: \w+=\"[^<>\"]*\")*)>\n?([^<>]*)</\1>")
AGENTS = {
    "finmem": ("agent=finmem", "agent.document_chars=300"),
    "tool_user": ("agent=tool_user",),
}
RUN = (
    "task.id=InvestorBench/Stock",
    "task.options.symbol=ACME", "task.options.data_tolerance=0.2", "task.end=2020-10-29",
    "warmup=false", "model=local", "model.id=stub", "output=json", "seed=0",
)  # fmt: skip
Request = dict[str, Any]

pytestmark = pytest.mark.heavy


def make_world(folder: Path, *, clean: bool) -> None:
    """Twenty sessions with ten items each, every fifth of them a filing."""
    days = np.arange("2020-06-01", "2020-11-06", dtype="datetime64[D]")
    sessions = days[np.is_busday(days)]
    closes = 50.0 + np.arange(len(sessions)) % 7
    folder.mkdir()
    pd.DataFrame({"date": sessions, "open": closes, "close": closes}).to_csv(
        folder / "acme.csv", index=False
    )
    when = sessions[sessions >= np.datetime64("2020-10-01")][:20]
    items = [(item, when[n % 20]) for n, item in enumerate(poisoned())]
    plain = "Orders at Acme rose by 5% in the quarter, driven by demand for anvils. "
    news = [
        {"date": day, "symbol": "ACME", "headline": plain if clean else item.title,
         "text": plain if clean else item.text, "source": "x" if clean else item.text}
        for n, (item, day) in enumerate(items) if n % 5
    ]  # fmt: skip
    filings = [
        {"symbol": "ACME", "form": "8-K", "filing_date": day,
         "text": f"FORM 8-K\n\nItem 8.01 Other Events\n\n{plain * 9}{'' if clean else item.text}"}
        for n, (item, day) in enumerate(items) if n % 5 == 0
    ]  # fmt: skip
    pd.DataFrame(news).to_parquet(folder / "news.parquet")
    pd.DataFrame(filings).to_parquet(folder / "filings.parquet")


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def shape(request: Request) -> str:
    """A request but for its messages and for the ids that may be cited."""
    return re.sub(r'"enum": \[(\d+|"M\d+")(, (\d+|"M\d+"))*\]', '"ids"',
                  json.dumps({**request, "messages": None}))  # fmt: skip


def foreign(request: Request) -> str:
    """What a model reads of others: the question, and results of tools."""
    system, question, *rest = request["messages"]
    assert (system["role"], question["role"]) == ("system", "user")
    assert {each["role"] for each in rest} <= {"user", "assistant", "tool"}
    results = [each["content"] for each in rest if each["role"] == "tool"]
    return "\n".join([question["content"], *results])


@pytest.mark.parametrize("agent", AGENTS)
def test_two_hundred_poisoned_items_change_answers_and_nothing_else(
    agent: str,
    call: Call,
    command: Call,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stubs = {"clean": Obedient(), "poisoned": Obedient()}
    requests: dict[str, list[Request]] = {}
    printed = ""
    (tmp_path / "canary.txt").write_text("sings")
    for name, stub in stubs.items():
        make_world(tmp_path / f"data-{name}", clean=name == "clean")
        before = files_in(tmp_path)
        with StubServer(stub) as server:
            ran = call(
                *AGENTS[agent],
                *RUN,
                f"model.base_url={server.url}",
                f"folder={name}",
                f"data=data-{name}",
            )
        assert not ran.code, ran.err
        printed += ran.out + ran.err
        requests[name] = server.requests
        after = files_in(tmp_path)
        assert {path: after[path] for path in after if not path.startswith(f"{name}/")} == before
    obedient, clean, asked = stubs["poisoned"], requests["clean"], requests["poisoned"]
    with capfd.disabled():
        print(f"\n{table_of(obedient)}")
    assert len(poisoned()) == 200 and not stubs["clean"].obeyed
    assert len(obedient.obeyed) > 15 and obedient.obeyed.total() > len(clean) / 2

    # What it did is counted where unusable answers and ids that were never shown always are.
    (figures,) = results(ran)[0]["answers"]
    tallied = figures["test"]
    if agent == "finmem":
        assert tallied["dropped_ids"] == 2 * done(obedient, "decision: cite") > 0
        for role in ("decision", "summary"):  # each is asked once again
            unusable = done(obedient, f"{role}: form", f"{role}: key", f"{role}: tool")
            assert 2 * tallied["roles"][role]["unusable"] == unusable > 0
    else:
        assert tallied["tool_calls"]["count"] > 0 and done(obedient, "decision: tool")

    # What is asked, but for the texts in their blocks, is the same.
    assert not any(MARK in shape(each) for each in asked)
    if agent == "finmem":
        assert set(map(shape, asked)) == set(map(shape, clean))
    offered = [
        {json.dumps(each.get("tools")) for each in requests[name] if "search" in shape(each)}
        for name in stubs
    ]
    assert offered[0] == offered[1]
    systems = [{each["messages"][0]["content"] for each in requests[name]} for name in stubs]
    assert systems[0] == systems[1]
    for user in map(foreign, asked):
        rest = ANY_BLOCK.sub(lambda found: found[2], user)  # of a block, its attributes stay
        assert MARK not in rest and "<" not in rest and ">" not in rest
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", user)

    # Files are those of any run, the record is one of its kind, and the report runs nothing.
    names = [
        {path.partition("/")[2] for path in files_in(tmp_path) if path.startswith(f"{name}/")}
        for name in stubs
    ]
    assert names[0] == names[1]
    verified = command("verify", "poisoned", "--agent")
    assert not verified.code, verified.out
    shown = command("inspect", "poisoned")
    reported = command("report", "poisoned")
    page = next((tmp_path / "poisoned").rglob("*.html")).read_text(encoding="utf-8")
    assert not re.search(rf"<(script|img)[^<]*{MARK}", page)
    for each in (verified, shown, reported):
        printed += each.out + each.err
    assert not set(printed) & set("\x1b\x07\x00\u202e\u2066")

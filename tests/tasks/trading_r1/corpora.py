"""Corpora for tests: rows by hand, small folders of data, teachers, and settings over them."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from investorbench.agents.llm import Answer, Message, Model, Usage
from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.corpus.building import STATE
from investorbench.tasks.trading_r1.corpus.rows import CorpusRow
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings, TeacherSettings
from investorbench_env.market.sessions import sessions_between
from investorbench_env.wrappers.briefing_form import BriefingForm

FIRST, LAST = "2020-01-02", "2020-12-31"
TRAIN, TEST = ("2020-03-02", "2020-06-30"), ("2020-07-22", "2020-08-14")
"""85 sessions, of which 70 are training days, and 18 sessions; the first is 15 after the window."""
TRAINED, TESTED = 70, 18
SMALL = BriefingForm(sections=("technical", "news"), sessions=3, shuffle=True)


def a_row(number: int = 0, **changes: Any) -> CorpusRow:
    """A row by hand."""
    prompt = [
        {"role": "system", "content": "Write a thesis."},
        {"role": "user", "content": f"[t1] Close {100 + number}, up ↑ a little."},
    ]
    row: Any = {
        "id": f"SIM/2020-01-{number + 1:02}/0",
        "market": "SIM",
        "task": "InvestorBench/Stock-SIM",
        "symbol": "SIM",
        "market_seed": None,
        "date": f"2020-01-{number + 1:02}",
        "split": "train",
        "variant": 0,
        "seed": 7 + number,
        "label": "BUY",
        "score": 0.1,
        "horizon_return": 0.02,
        "daily_volatility": 0.01,
        "round_trip_rate": 0.001,
        "briefing_sha256": "0" * 64,
        "ids": ["t1"],
        "prompt": prompt,
        "messages": prompt,
        "completion": None,
        "teacher": None,
        "stage": None,
        "rejected": None,
        "structure": None,
        "evidence": None,
        "decision": None,
    }
    return row | changes


def write_data(folder: Path, *symbols: str, news: int = 40, words: int = 8) -> Path:
    """A folder with prices of a year of each symbol, and some news of it."""
    folder.mkdir(parents=True, exist_ok=True)
    days = sessions_between("stock", FIRST, LAST).astype(str)
    for symbol in symbols:
        chance = Random(symbol)
        close, rows, texts = 100.0, [], []
        for day in days:
            close *= 1.0 + chance.gauss(0.0005, 0.02)
            rows.append(f"{day},{close:.4f},{close * 1.01:.4f},{close * 0.99:.4f},{close:.4f},1000")
        for number in range(news):
            said = " ".join(chance.choice(("orders", "rose", "fell", "debt")) for _ in range(words))
            texts.append(f"{chance.choice(days)},item {number} of {symbol},{said}")
        header = "date,open,high,low,close,volume"
        (folder / f"{symbol}_prices.csv").write_text("\n".join([header, *rows, ""]))
        (folder / f"{symbol}_news.csv").write_text("\n".join(["date,headline,text", *texts, ""]))
    return folder


def tasks_of(data: Path, *symbols: str) -> list[Task]:
    """A task of each symbol of a folder."""
    return [
        Task(id="InvestorBench/Stock", data=str(data), options={"symbol": symbol})
        for symbol in symbols
    ]


def settings_of(data: Path, *symbols: str, **changes: Any) -> CorpusSettings:
    """Small briefings of a few months."""
    given = {"variants": 2, "train": TRAIN, "test": TEST, "form": SMALL, **changes}
    return CorpusSettings(tasks=tasks_of(data, *symbols), instructions="Write a thesis.", **given)


def teaching(**changes: Any) -> TeacherSettings:
    """A teacher without a server."""
    return TeacherSettings(model=Model(name="stub", provider="openai", id="stub"), **changes)


def thesis_about(ids: Sequence[str], quote: str, decision: str, bullets: int = 4) -> str:
    """A thesis whose every claim has the same quote and source."""
    view = "what was said of the orders makes it likely that the price will rise within some weeks"
    claims = "\n".join([f"- {view} *{quote}* `{ids[0]}`"] * bullets)
    body = f"## Findings\n**Taken together** it helps.\n{claims}\n| a | b |\n|---|---|\n| 1 | 2 |"
    sections = "\n".join(f"<s{n}>\n{body}\n</s{n}>" for n in "abcde")
    return f"{sections}\n<conclusion>\n{body}\n</conclusion>\n[[[{decision}]]]"


def thesis_by_chance(messages: Sequence[Message], seed: int | None) -> str:
    """What follows from question and seed: an honest thesis, or one with a fault."""
    briefing = str(messages[-1]["content"])
    chance = Random(sha256(f"{briefing}{seed}".encode()).digest())
    line = next(each for each in briefing.splitlines() if each.startswith("["))
    id, _, text = line.partition("] ")
    quote = " ".join(text.replace("*", "").split()[:6])
    fault = chance.choice(("", "", "empty", "structure", "evidence"))
    if fault == "empty":
        return "<think>nothing comes of it"
    if fault == "structure":
        return f"Buy it. [[[{chance.choice(CLASSES)}]]]"
    cited = "x9" if fault == "evidence" else id.strip("[")
    return thesis_about([cited], quote, chance.choice(CLASSES))


class StubTeacher:
    """Writes theses by chance, each after a thought.

    Args:
        dies_after: so many theses; None for never.
    """

    is_language_model = True
    name = "stub"

    def __init__(self, dies_after: int | None = None, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, int | None]] = []
        self._dies_after, self._error = dies_after, error

    async def decide(
        self, messages: Sequence[Message], schema: None, *, seed: int | None = None, **_: Any
    ) -> Answer:
        if self._dies_after is not None and len(self.asked) >= self._dies_after:
            assert self._error is not None
            raise self._error
        self.asked.append((str(messages[-1]["content"]), seed))
        text = thesis_by_chance(messages, seed)
        is_empty = text.startswith("<think>")
        return Answer(
            value=None,
            text=f"<think>hm</think>{text}",
            status="invalid" if is_empty else "ok",
            rung="text",
            model="stub",
            request_hash="",
            usage=Usage(input=100, output=10, known=True),
            cost_usd=None,
        )


def bytes_in(folder: Path) -> dict[str, bytes]:
    """What a finished corpus consists of."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and path.name != ".lock"
    }


def progress_in(folder: Path) -> dict[str, Any]:
    """How far a corpus says that it is."""
    progress: dict[str, Any] = json.loads((folder / STATE).read_text())["progress"]
    return progress

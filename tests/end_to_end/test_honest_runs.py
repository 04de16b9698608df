"""No false alarm: runs of every kind as they were written stand up to all levels of `verify`."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.baselines import BASELINES
from investorbench.scripts.main import main
from investorbench.scripts.recorded_jobs import job_again
from investorbench.tasks import evaluate
from investorbench.tasks.verdict import AGENT, MARKET, RECORD, Checks, Verdict
from investorbench_env.wrappers import TextObservation
from tests.agents.llm.stub_server import Reply, StubServer
from tests.env.small_markets import document, small_market
from tests.scripts.test_tampering import made_model

pytestmark = pytest.mark.long

SHORT = ("output=json", "seed=0")
END = "task.end=2020-10-16"
VERSION_1 = Path(__file__).parents[1] / "data" / "version_1"
MARKET_WITH_DIVIDENDS = small_market(
    [100.0 + t % 7 for t in range(500)],
    documents=[document(274.5, "good", sentiment="positive")],
    dividends={300: 2.0}, splits={320: 2.0},
)  # fmt: skip
RUINOUS = small_market([100.0 * 1.02 ** max(0, t - 280) for t in range(500)])
TWO_ROLES = '''
import asyncio

class TwoRoles:
    """Asks an analyst and a critic at once, and then decides; it records nothing itself."""

    name = "two_roles"

    def __init__(self, model):
        self.model = model

    async def act(self, observation, info):
        words = [f"{role}: {info['session']}" for role in ("up", "down")]
        asked = [[{"role": "user", "content": each}] for each in words]
        for_it, against = await asyncio.gather(*(self.model.decide(each, None) for each in asked))
        schema = {
            "type": "object", "additionalProperties": False, "required": ["decision"],
            "properties": {"decision": {"type": "string", "enum": ["buy", "hold", "sell"]}},
        }
        words = {"role": "user", "content": f"{for_it.text} or {against.text}?"}
        answer = await self.model.decide([words], schema, seed=1)
        return {"buy": 2, "sell": 0}.get((answer.value or {}).get("decision"), 1)
'''


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def investorbench(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code


def verdict_on(run: str | Path) -> Verdict:
    checks = Checks(Path(run), job_again)
    for check in checks:
        check()
    return checks.verdict()


def stands(run: str | Path, repeats: int, again: int | None = None) -> None:
    """All of these repeats, and again those whose agents a record can make, are consistent."""
    verdict = verdict_on(run)
    assert [(each.path, each.what) for each in verdict.wrong] == []
    assert len(verdict.repeats) == len(verdict.standing) == repeats
    for level, number in ((MARKET, repeats), (AGENT, repeats if again is None else again)):
        not_checked = [each.not_checked for each in verdict.at(level) if each.not_checked]
        assert sum(each.is_consistent for each in verdict.at(level)) == number, not_checked
    assert all(each.is_consistent for each in verdict.at(RECORD))


AGENTS = ",".join(sorted({*BASELINES} | {"finmem"}))


@pytest.mark.parametrize(
    ("task", "end"), [("stock/sim,etf/sim", "2020-10-16"), ("crypto/sim", "2023-04-20")]
)
def test_every_agent_on_every_class_under_both_protocols(task: str, end: str) -> None:
    sweep = ("-m", f"agent={AGENTS}", f"task={task}", "protocol=standard,paper")
    investorbench("run", *sweep, *SHORT, f"task.end={end}", "folder=run")
    stands("run", 2 * len(AGENTS.split(",")) * len(task.split(",")))


def test_agents_that_know_the_market() -> None:
    investorbench("run", "-m", "agent=oracle,filter", "task=stock/sim", "repeats=2", *SHORT, END,
                  "folder=run")  # fmt: skip
    stands("run", 4)


def test_every_profile_of_memory() -> None:
    profiles = "memory=finmem,investorbench,layered,off,paper,single"
    investorbench("run", "-m", "agent=finmem", profiles, "task=stock/sim", "repeats=2", *SHORT, END,
                  "folder=run")  # fmt: skip
    stands("run", 12)


@pytest.mark.parametrize(
    "options",
    [
        "{action: weight}", "{long_only: true, initial_cash: 777.0}", "{cash_rate: 0.05}",
        "{reward: log_return}", "{reward: pnl, commission_bps: 0}", "{markets: train}",
        "{markets: one}", "{window: 5, modalities: [bars, account, news]}", "{episode_length: 7}",
    ],
)  # fmt: skip
def test_options_of_the_environment(options: str) -> None:
    investorbench("run", "-m", "agent=random,buy_and_hold,momentum", "task=stock/sim", "repeats=2",
                  f"task.options={options}", *SHORT, END, "folder=run")  # fmt: skip
    stands("run", 6)


@pytest.fixture
def server() -> Iterator[StubServer]:
    with StubServer(made_model) as server:
        yield server


def asking(server: StubServer, *more: str) -> list[str]:
    task = () if any(each.startswith("task=") for each in more) else ("task=stock/sim",)
    return ["run", "agent=finmem", *task, "model=local", "model.id=stub",
            f"model.base_url={server.url}", *SHORT, END, *more]  # fmt: skip


@pytest.mark.parametrize("cache", ["read_write", "off"])
def test_a_model_that_is_repaired_refuses_and_is_cached(server: StubServer, cache: str) -> None:
    investorbench(*asking(server, "repeats=3", f"cache={cache}", "folder=run"))
    stands("run", 3)


def test_a_run_that_is_replayed_from_the_cache_of_another(server: StubServer) -> None:
    investorbench(*asking(server, "repeats=2", "folder=one"))
    cache = ("cache=replay_only", f"cache_path={Path('one/answers.sqlite').resolve()}")
    investorbench(*asking(server, "task=etf/sim", "folder=run"))  # with answers of its own
    investorbench(*asking(server, "repeats=2", *cache, "folder=run"))
    stands("run", 3)


def test_a_run_that_a_server_failed_and_that_went_on(server: StubServer) -> None:
    def failing(request: dict[str, Any]) -> Reply:
        return made_model(request) if broken.calls % 40 else Reply(status=500, error="no")

    impatient = "++model.patience={attempts: 1, total_timeout_s: 0.0}"
    with StubServer(failing) as broken:
        investorbench(*asking(broken, "repeats=2", impatient, "folder=run"), code=1)
    assert verdict_on("run").wrong == []
    investorbench(*asking(server, "repeats=2", impatient, "folder=run"))
    stands("run", 2)


def live(folder: str, url: str, *more: str) -> None:
    """The command, in a process to be killed."""
    os.chdir(Path(folder).parent)
    arguments = [
        "run",
        "agent=finmem",
        "task=stock/sim",
        "model=local",
        "model.id=stub",
        *SHORT,
        END,
    ]
    main([*arguments, f"model.base_url={url}", *more, f"folder={folder}"])


@pytest.mark.parametrize("cache", ["read_write", "off"])
def test_runs_that_were_killed_and_went_on(tmp_path: Path, cache: str) -> None:
    processes = multiprocessing.get_context("forkserver")
    chance, kills, folder = random.Random(5), 4, tmp_path / "run"
    with StubServer(made_model, latency_s=0.01) as server:
        for kill in range(kills + 1):
            more = ("repeats=2", f"cache={cache}")
            process = processes.Process(target=live, args=(str(folder), server.url, *more))
            process.start()
            asked = server.calls + chance.randrange(10, 50)
            while kill < kills and server.calls < asked and process.is_alive():
                time.sleep(0.005)
            if kill < kills and process.is_alive():
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
            process.join(300)
            if folder.exists():
                assert verdict_on(folder).wrong == [] if list(folder.rglob("config.yaml")) else True
    stands(folder, 2)


def test_shards_launchers_and_repeats_that_were_added_later() -> None:
    sweep = ("-m", "agent=momentum,random,finmem", "task=stock/sim,etf/sim", *SHORT, END)
    for part in ("2/3", "1/3", "3/3"):
        investorbench("run", *sweep, "repeats=2", f"shard={part}", "folder=shards")
    investorbench("run", *sweep, "repeats=2", "folder=shards")
    stands("shards", 12)
    investorbench("run", *sweep, "repeats=2", "launcher=joblib", "folder=joblib")
    stands("joblib", 12)
    investorbench("run", *sweep, "repeats=3", "folder=shards")
    stands("shards", 18)
    shutil.move("shards", "elsewhere")
    stands("elsewhere", 18)


def test_what_may_be_written_after_the_end(server: StubServer) -> None:
    investorbench(*asking(server, "repeats=2", "folder=run"))
    investorbench("score", "run", "--write")
    investorbench("report", "run")
    investorbench("seal", "run")
    investorbench("verify", "run", "--agent")
    investorbench(*asking(server, "repeats=2", "folder=run"))  # again: all of it is read
    verdict = verdict_on("run")
    assert verdict.wrong == []
    assert {each.verdict for each in verdict.seals} == {"fits"}


def test_agents_of_a_users_own(server: StubServer, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(TWO_ROLES)

    def answering(request: dict[str, Any]) -> Reply:
        if "response_format" in request or "tools" in request:
            return made_model(request)
        words = json.dumps(request["messages"])
        return Reply(text=sha256(words.encode()).hexdigest()[:8])

    with StubServer(answering) as own:
        arguments = ["agent=./own.py:TwoRoles", "task=stock/sim", "model=local", "model.id=stub"]
        investorbench("run", *arguments, f"model.base_url={own.url}", "repeats=2", *SHORT, END,
                      "folder=run")  # fmt: skip
    stands("run", 2)
    (tmp_path / "own.py").write_text(TWO_ROLES + "# another version\n")
    stands("run", 2, again=0)


class Weighing:
    """Chooses a weight by the day, and remembers how often it did."""

    def __init__(self, share: float = 0.5) -> None:
        self.share, self.days = share, 0

    def act(self, observation: Any, info: Any) -> Any:
        import numpy as np

        self.days += 1
        return np.array([self.share * (self.days % 3 - 1)], np.float32)

    def record(self) -> dict[str, Any]:
        return {"days": self.days, "seen": {1: float("nan"), "pair": (1, 2)}}


def policy(observation: Any, info: Any) -> int:
    return 2 if info["session"] > "2020-10" else 1


def test_what_python_evaluates() -> None:
    end = {"end": "2020-10-16", "seed": 0, "folder": "run"}
    weight = {"action": "weight", "protocol": "standard"}
    evaluate("momentum", "stock/sim", 2, **end)
    evaluate(BASELINES["random"], "etf/sim", 2, **end)
    evaluate(partial(BASELINES["macd"]), "etf/sim", 1, **end)
    evaluate(Weighing(), "stock/sim", 2, **weight, **end)
    evaluate(policy, "stock/sim", 2, **end)
    evaluate(policy, "etf/sim", 1, wrapper=TextObservation, **end)
    verdict = verdict_on("run")
    assert [(each.path, each.what) for each in verdict.wrong] == []
    assert len(verdict.standing) == 10
    assert sum(each.is_consistent for each in verdict.at(MARKET)) == 10
    assert sum(each.is_consistent for each in verdict.at(AGENT)) == 5


@pytest.mark.parametrize("market", [MARKET_WITH_DIVIDENDS, RUINOUS], ids=["dividends", "ruin"])
@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_money_of_markets_with_dividends_splits_and_ruin(market: Any, protocol: str) -> None:
    for agent in ("random", "always_sell", "buy_and_hold"):
        options = {"data": market, "protocol": protocol, "folder": "run", "seed": 0}
        evaluate(agent, "InvestorBench/Stock", 2, **options)
    verdict = verdict_on("run")  # its configuration cannot hold the market
    assert [(each.path, each.what) for each in verdict.wrong if each.level == RECORD] == []


def test_old_records_stay_readable_and_are_said_to_lack_what_they_lack() -> None:
    for run in ("baselines", "reader"):
        verdict = verdict_on(VERSION_1 / run)
        assert verdict.wrong == []
        assert any("has no digest: an older version wrote it" in f.what for f in verdict.findings)

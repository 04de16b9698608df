"""Portfolios go the whole way: run by name, killed, resumed, verified, replayed, scored, shown."""

import json
import math
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.scripts.main import main
from investorbench.tasks import Result, evaluate, load
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.schema import Header, Line, without_nan
from investorbench.tasks.record.verifying.money import off_by_money
from investorbench.tasks.step import Step
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.market.library import save
from investorbench_env.spaces import OrderLists
from investorbench_env.universes import find_universe
from tests.env.joint_markets import random_joint_market
from tests.env.small_markets import date, small_market
from tests.tasks.plain_records import contents_of, lines_of, rechained

BREAKS_AT = "TESTS_BREAK_AT"
"""The decision of an agent's life, in the environment of a process that is to be killed there."""
START, END = "2020-10-01", "2020-11-10"
STEPS = {"warmup": 91, "test": 40}
NONSENSE: tuple[Any, ...] = (
    "sell everything", None, 7, [], {}, {"symbol": "AAPL"}, object(),
    {"symbol": "AAPL", "side": "buy", "quantity": math.nan},
    {"symbol": "AAPL", "side": "sell", "quantity": math.inf, "limit": -math.inf},
    {"symbol": "NIO", "side": "buy", "quantity": np.float64(2.5), "note": object()},
    {"symbol": "NIO", "side": "buy", "quantity": Decimal("1.5")},
    {"symbol": "TSLA", "side": "buy", "quantity": True},
    {"symbol": "TSLA", "side": "stop", "stop": None, 3: 4},
    ShareOrder("MSFT", "buy", 3.0, stop=math.nan),
    ShareOrder("MSFT", "buy", 3.0, limit=120.0, until="cancelled", id="x"),
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seven stocks as random walks, a session every day, with splits and dividends."""
    folder = tmp_path_factory.mktemp("data")
    for n, member in enumerate(find_universe("IB7").members):
        rng = np.random.default_rng(n)
        closes = (50.0 + 40.0 * n) * np.exp(rng.normal(0.0, 0.02, 330).cumsum())
        opens = closes * np.exp(rng.normal(0.0, 0.01, 330))
        splits = {290: 4.0, 300: 0.5} if n == 1 else {}
        market = small_market(
            closes.tolist(), opens=opens.tolist(), volumes=[1e6] * 330, splits=splits,
            dividends={280 + n: 0.5, 295: 0.25}, symbols=(member.symbol,),
        )  # fmt: skip
        save(market, folder)
    return folder


class Wanders:
    """Acts by all that it has met, with some nonsense; can be saved."""

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.facts = facts
        if split == "warmup":
            self.met, self.decisions = seed % 7 / 7, 0

    def act(self, observation: Any, info: Any) -> Any:
        self.decisions += 1
        if self.decisions == int(os.environ.get(BREAKS_AT, "0")):
            print("reached", flush=True)
            sys.stdin.read()  # until it is killed
        rng = np.random.default_rng(int(self.met * 2**40))
        if self.facts.action == "weights":
            return rng.dirichlet(np.ones(len(self.facts.symbols))).astype(np.float32) * 1.1
        space = OrderLists(self.facts.symbols, seed=rng)
        return [*space.sample(), NONSENSE[self.decisions % len(NONSENSE)], *space.sample()]

    def learn(self, reward: float, info: Any) -> None:
        self.met = (self.met + abs(reward)) % 1.0

    def save(self, folder: Path) -> None:
        (folder / "state.json").write_text(json.dumps([self.met, self.decisions]))

    def load(self, folder: Path) -> None:
        self.met, self.decisions = json.loads((folder / "state.json").read_text())


def wander(action: str, data: Path | str, folder: Path | str) -> Result:
    return evaluate(
        Wanders, "portfolio/ib7", seed=0, data=str(data), folder=folder, start=START, end=END,
        action=action,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind of action, unbroken."""
    folders = {action: tmp_path_factory.mktemp(action) for action in ("orders", "weights")}
    for action, folder in folders.items():
        wander(action, data, folder)
    return folders


def command(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[object, str, str]:
    """What a command ends with, prints, and says besides."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


@pytest.mark.heavy
@pytest.mark.parametrize(("action", "at"), [("orders", 118), ("weights", 55)])
def test_an_episode_that_is_killed_ends_as_an_unbroken_one(
    action: str, at: int, data: Path, runs: dict[str, Path], tmp_path: Path
) -> None:
    program = (
        "from tests.end_to_end.test_portfolio_runs import wander\n"
        f"wander({action!r}, {str(data)!r}, {str(tmp_path)!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, BREAKS_AT: str(at)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "reached\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    resumed, (whole,) = wander(action, data, tmp_path), load(runs[action]).results
    assert resumed.actions == whole.actions and len(whole.actions) == STEPS["test"]
    assert resumed.equity.tobytes() == whole.equity.tobytes()
    assert without_nan(resumed.metrics) == without_nan(whole.metrics)


@pytest.mark.parametrize("action", [pytest.param("orders", marks=pytest.mark.heavy), "weights"])
def test_a_record_is_verified_replayed_scored_and_shown(
    action: str, runs: dict[str, Path], capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("COLUMNS", "100")
    run = runs[action]
    code, out, _ = command(capfd, "verify", run)
    assert code == 0 and "nothing wrong" in out, out
    code, out, _ = command(capfd, "replay", run)
    assert code == 0 and "1 episode, all to the bit" in out, out
    code, out, _ = command(capfd, "score", run)
    assert code == 0 and "equal_weight" in out and "the equal-weighted universe" in out
    assert "chosen with hindsight on 2024-12-24" in " ".join(out.split()) and "B&H" not in out
    code, _, _ = command(capfd, "report", run)
    assert code == 0
    page = (run / "report.html").read_text()
    assert "SR − EW" in page and "hindsight" in page and "Buy &amp; Hold" not in page
    code, out, _ = command(capfd, "inspect", run, "-1")
    assert code == 0 and "position" in out


def test_orders_that_make_no_sense_are_in_the_record_with_their_reasons(
    runs: dict[str, Path],
) -> None:
    lines = lines_of(next(runs["orders"].rglob("decisions.jsonl")))
    reasons = {each["reason"] for line in lines for each in line["rejections"]}
    for part in ("is no order", "nan shares", "inf shares", "takes a side", "is no field", "more"):
        assert any(part in reason for reason in reasons), part
    assert any(line["open_orders"] for line in lines) and any(line["fills"] for line in lines)
    given = [entry for line in lines for entry in line["action"]]
    assert {"symbol": "AAPL", "side": "buy", "quantity": "NaN"} in given


def _forge(lines: list[dict[str, Any]], what: str) -> None:
    place = next(n for n, line in enumerate(lines[1:], 1) if len(line["positions"]) > 1)
    first, second = lines[place]["positions"][:2]
    if what == "position in":  # more of one, and as much less of another as it is worth
        first["quantity"] += 1.0
        second["quantity"] -= first["price"] / second["price"]
    elif what == "cash":
        lines[place]["account"]["cash"] += 5.0
        lines[place]["account"]["equity"] += 5.0
    else:
        paid = next(n for n, line in enumerate(lines[1:], 1) if line["fills"])
        lines[paid]["fills"][0]["cost"] *= 0.5


@pytest.mark.parametrize("action", ["orders", "weights"])
@pytest.mark.parametrize("what", ["position in", "cash", "cost"])
def test_amounts_of_one_asset_that_do_not_follow_are_found(
    what: str, action: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    path = next(runs[action].rglob("decisions.jsonl"))
    assert not list(off_by_money(read_record(path), "return"))
    contents = contents_of(path)
    _forge(contents, what)
    forged = tmp_path / "decisions.jsonl"
    forged.write_text(rechained([{k: v for k, v in c.items() if k != "before"} for c in contents]))
    (finding,) = off_by_money(read_record(forged), "return")
    assert what in finding.what, finding


@pytest.mark.parametrize(
    "options",
    [
        {"action": "weights", "long_short": True, "borrow_bps": 300, "cash_rate": 0.04},
        {"action": "weights", "long_short": True, "max_gross": 2.0, "borrow_bps": 300},
        {"action": "weights", "strict": True, "reward": "pnl"},
        {"action": "orders", "cash_rate": 0.05, "constraints": {"max_weight": 0.3}},
        {"action": "orders", "constraints": {"whole_shares": True, "volume_cap": 1e-5}},
        {"action": "orders", "terms": "lab", "reward": "log_return"},
    ],
)
def test_the_money_of_a_record_follows_whatever_the_rules(options: dict[str, Any]) -> None:
    """Over gaps, splits, dividends and delistings, whole shares, shorts, fees and interest."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        market = random_joint_market(rng, ("A", "B", "C"))

        def trade(observation: Any, info: Any, rng: Any = rng) -> Any:
            if options["action"] == "orders":
                sampled = [OrderLists(info["symbols"], seed=rng).sample() for _ in range(3)]
                return [each for orders in sampled for each in orders if "limit" not in each]
            least = -1.0 if "long_short" in options else 0.0
            return rng.uniform(least, 0.5, len(info["symbols"])).astype(np.float32)

        steps: list[Step] = []
        dates = {"start": date(4), "end": date(23), "warmup": False}
        evaluate(
            trade, "InvestorBench/Portfolio", data=market, watch=steps.append, **dates, **options
        )
        header = Header(
            facts=steps[0].facts, opening=steps[0].info["account"], split="test", repeat=0, seed=0,
            agent={}, configuration={}, code={}, written_at="",
        )  # fmt: skip
        lines = tuple(Line.from_json(Line.of(step).to_json()) for step in steps)
        record = RecordFile(path=Path("decisions.jsonl"), header=header, lines=lines)
        assert not list(off_by_money(record, options.get("reward", "return")))


def test_the_command_line_scores_baselines_beside_the_equal_weighted_universe(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    agents = "equal_weight,portfolio/ubah,inverse_volatility,momentum_ranks,random_weights"
    code, out, err = command(
        capfd, "run", "-m", f"agent={agents}", "task=portfolio/ib7", f"data={data}", "seed=0",
        f"task.start={START}", f"task.end={END}", "warmup=false", f"folder={tmp_path / 'run'}",
    )  # fmt: skip
    assert code == 0, err
    assert out.count("equal_weight") >= 1 and "random_weights" in out and "ubah" in out
    assert (tmp_path / "run" / "portfolio-ib7" / "inverse_volatility" / "manifest.json").is_file()
    (weights, *_) = [r for r in load(tmp_path / "run").results if r.agent == "equal_weight"]
    assert weights.is_baseline and {each.kind for each in weights.references or ()} >= {"agent"}
    np.testing.assert_allclose(weights.median.weights, 1 / 7, atol=0.02)

"""What idle cash earns, in results and records, with one bar a day or several."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.agents.simulated.positions import AccountRules
from investorbench.tasks import evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.leaderboard.entries import setting_of
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.verifying import verify_job
from investorbench.tasks.result import Entry
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.wrappers import TextObservation
from tests.env.small_markets import random_market

RATE = 0.05
OPTIONS: dict[str, Any] = {"end": "2020-12-01", "seed": 0, "warmup": False}


def in_cash(observation: Any, info: Any) -> int:
    return 1


def now_and_then(observation: Any, info: Any) -> int:
    """Long, short and long again, a week each."""
    return (0, 2, 1, 1, 1)[int(info["session"][-2:]) // 2 % 5]


def test_cash_has_a_return_and_no_sharpe_ratio_beyond_itself() -> None:
    result = evaluate(in_cash, "stock/sim", cash_rate=RATE, **OPTIONS)
    days = len(result.median.returns)
    assert result.metrics["CR"] == pytest.approx(1.05 ** (days / 252) - 1.0, rel=1e-12)
    assert result.metrics["SR"] == 0.0
    assert result.facts.cash_rate == RATE


def test_ratios_are_of_returns_beyond_cash() -> None:
    result = evaluate(now_and_then, "stock/sim", cash_rate=RATE, **OPTIONS)
    excess = result.median.returns - (1.05 ** (1 / 252) - 1.0)
    sharpe = excess.mean() / excess.std(ddof=1) * np.sqrt(252)
    assert result.metrics["SR"] == pytest.approx(sharpe, rel=1e-12)
    plain = evaluate(now_and_then, "stock/sim", **OPTIONS)
    assert plain.metrics["CR"] < result.metrics["CR"]
    assert setting_of(plain) != setting_of(result)  # they never share a table


def test_tables_test_what_is_beyond_cash() -> None:
    results = [
        evaluate(each, "stock/sim", cash_rate=RATE, **OPTIONS) for each in (in_cash, now_and_then)
    ]
    (board,) = leaderboards(
        [Entry(result=each, planned=1) for each in results], jointly=False, draws=200
    )
    rows = {row.agent: row for row in board.rows}
    a_day = 1.05 ** (1 / 252) - 1.0
    mine, held = (rows[name].shown.returns - a_day for name in ("now_and_then", "buy_and_hold"))
    sharpe = mine.mean() / mine.std(ddof=1) * np.sqrt(252)
    assert rows["now_and_then"].statistics.sr.value == pytest.approx(sharpe, rel=1e-9)
    beta = np.cov(mine, held)[0, 1] / held.var(ddof=1)
    alpha = (mine.mean() - beta * held.mean()) * 252
    assert rows["now_and_then"].statistics.alpha.value == pytest.approx(alpha, rel=1e-9)
    assert rows["in_cash"].statistics.sr.value in (None, 0.0)
    assert "idle cash earned 5.00% a year; ratios are of returns beyond that" in board.notes


@pytest.mark.parametrize("interval", ["3m", "4h", "1d", "1w"])
def test_each_daily_return_of_cash_is_its_rate_of_a_period(interval: str) -> None:
    market = random_market(np.random.default_rng(5), 60, interval)
    first, last = (str(market.sessions[n]) for n in (3, -1))
    options: dict[str, Any] = {"data": market, "start": first, "end": last, "window": 2}
    result = evaluate(in_cash, "InvestorBench/Stock", cash_rate=RATE, **OPTIONS | options)
    a_period = 1.05 ** (1.0 / result.facts.periods_a_year) - 1.0
    first_day, *days = result.median.returns
    assert days and days == pytest.approx([a_period] * len(days), rel=1e-10)
    # An episode that opens within a day has not been through the night before it.
    assert first_day == pytest.approx(a_period, rel=1e-10) or first_day == 0.0


@pytest.mark.parametrize("task", ["stock/sim", "crypto/sim"])
def test_a_record_says_what_cash_earned_and_follows_from_it(task: str, tmp_path: Path) -> None:
    options = {"seed": 0, "warmup": False, "folder": tmp_path / "run"}
    evaluate(now_and_then, task, cash_rate=RATE, **options)
    (path,) = jobs_in(tmp_path / "run")
    assert [each.what for each in verify_job(job_in(path)) if each.is_wrong] == []


def test_an_older_record_is_of_cash_that_earned_nothing() -> None:
    facts = Facts(
        family="Stock", symbols=("A",), protocol="standard", steps=1, source="s", simulated=True,
        window=("2020-01-01", "2020-01-02"), fingerprint="0",
    )  # fmt: skip
    assert facts.cash_rate == 0.0 == facts.cash_rate_a_period


def test_agents_are_shown_what_cash_earns_and_an_oracle_that_cannot_weigh_it_refuses() -> None:
    env: Any = TextObservation(gym.make("InvestorBench/Stock-SIM", cash_rate=RATE))
    text, _ = env.reset(seed=0)
    assert "Idle cash earns 5.00% a year." in text
    with pytest.raises(InvestorBenchError, match="oracle knows what is best where idle cash"):
        AccountRules.of(env.unwrapped.facts)

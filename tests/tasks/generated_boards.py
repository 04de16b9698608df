"""Leaderboards with figures of any kind and size, and with any of them missing."""

import math
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np

from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import Leaderboard, Row, leaderboards
from investorbench.tasks.leaderboard.sentences import sentence_of
from investorbench.tasks.result import Entry
from investorbench.tasks.statistics import (
    AgentStatistics,
    Comparison,
    Estimate,
    Luck,
    Tested,
    VarianceSplit,
)
from investorbench.tasks.statistics.rank_sets import rank_sets

NONE = Estimate(reason="there is none")


@cache
def base() -> Leaderboard:
    """A board of one agent, of which others are made."""
    result: Result = evaluate("cash", "stock/sim", end="2020-11-30", warmup=False, seed=0)
    (board,) = leaderboards([Entry(result=result, planned=1)], jointly=False, draws=50)
    return board


def generated(seed: int) -> Leaderboard:
    """A board of up to six agents, with figures, reasons, marks and ranks drawn from a seed."""
    rng = np.random.default_rng(seed)
    held, cash = (next(row for row in base().rows if (row.entry is None) is is_reference)
                  for is_reference in (True, False))  # fmt: skip
    names = [f"agent{number}" for number in range(int(rng.integers(0, 6)))]
    with_benchmark = bool(rng.random() < 0.8)
    benchmark = held.agent if with_benchmark else None
    ranked = [name for name in names if rng.random() < 0.85]
    against = {
        name: Tested(names=(name, held.agent), family="alpha", **_tested(rng))
        for name in ranked
        if with_benchmark
    }
    agents = [*ranked, *([held.agent] if with_benchmark else [])]
    pairs = tuple(
        Tested(names=(one, other), family="pairs", **_tested(rng))
        for at, one in enumerate(agents)
        for other in agents[at + 1 :]
    )
    statistics = {name: _statistics(rng) for name in [*names, held.agent]}
    comparison = Comparison(
        agents=statistics,
        against=against,
        pairs=pairs,
        rank_sets=rank_sets(agents, pairs),
        superior=NONE,
        luck=_luck(rng, ranked),
        days_of_best=_tested(rng)["days"],
        smallest_p=float(rng.choice([1e-4, 0.5])),
        days=int(rng.integers(0, 200)),
        bootstrap=base().comparison.bootstrap,
    )
    rows = []
    for name in [*names, *([held.agent] if with_benchmark else [])]:
        like = held if name == held.agent else cash
        metrics = {key: _figure(rng, 3.0) for key in like.metrics}
        metrics |= {"SR": float(rng.normal(0, 3)), "CR": float(rng.normal(0, 2)), "costs": 1.0}
        rows.append(
            replace(
                like,
                agent=name,
                metrics=metrics,
                is_ruined=bool(rng.random() < 0.1),
                statistics=statistics[name],
                against=against.get(name),
                beside=next((p for p in pairs if p.names == (name, benchmark)), None),
                rank=comparison.rank_sets.get(name),
            )
        )
    rows.sort(key=lambda row: (-row.sr, row.agent))
    return _board(rows, comparison, benchmark)


def _board(rows: list[Row], comparison: Comparison, benchmark: str | None) -> Leaderboard:
    board = base()
    said = sentence_of(board.setting, board.facts, rows, benchmark, comparison)
    return replace(
        board, rows=tuple(rows), benchmark=benchmark, comparison=comparison, sentence=said
    )


def _figure(rng: np.random.Generator, size: float) -> float:
    return math.nan if rng.random() < 0.1 else float(abs(rng.normal(0.0, size)))


def _estimate(rng: np.random.Generator, size: float = 3.0, *, share: bool = False) -> Estimate:
    kind = rng.random()
    value = float(rng.random()) if share else float(rng.normal(0.0, size))
    if kind < 0.15:
        return NONE
    if kind < 0.3:
        return Estimate(value=value, reason="it has no interval")
    low, high = value - float(rng.random()), value + float(rng.random())
    return Estimate(value=value, low=low, high=high, p_value=float(rng.random() ** 4))


def _tested(rng: np.random.Generator) -> dict[str, Any]:
    difference = _estimate(rng)
    p = None if difference.p_value is None else max(difference.p_value, float(rng.random() ** 3))
    days = Estimate(value=float(rng.lognormal(6, 3)), low=20.0, high=math.inf)
    return {
        "difference": difference,
        "adjusted_p": p,
        "jobson_korkie": NONE,
        "days": days if rng.random() < 0.7 else NONE,
    }


def _statistics(rng: np.random.Generator) -> AgentStatistics:
    repeats = int(rng.integers(1, 6))
    share = {"deflated", "probabilistic", "random", "random_uniform"}
    figures = {
        each.name: _estimate(rng, share=each.name in share)
        for each in fields(AgentStatistics)
        if each.type is Estimate
    }
    return AgentStatistics(
        **figures,  # type: ignore[arg-type]
        scope="run" if repeats == 1 else "agent",
        repeats=repeats,
        idle_repeats=int(rng.integers(0, repeats + 1)),
        is_twin=bool(rng.random() < 0.15),
        variance=VarianceSplit(repeats=repeats, reason="not known"),
    )


def _luck(rng: np.random.Generator, ranked: list[str]) -> Luck:
    if not ranked or rng.random() < 0.2:
        return Luck(trials=len(ranked), reason="there is nothing to test")
    expected = float(abs(rng.normal(1.0, 0.5)))
    return Luck(
        expected_t=expected,
        t_95=expected + 1.0,
        largest_t=float(rng.normal(1.5, 2.0)),
        agent=ranked[0],
        trials=len(ranked),
    )

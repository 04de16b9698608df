"""Leaderboards: who shares one, what is stated of whom, and that nothing is stated groundlessly."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Result, Task, evaluate
from investorbench.tasks.leaderboard import (
    Entry,
    Failure,
    Leaderboard,
    leaderboards,
    overall,
)
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.leaderboard.overall import shared_by_all
from investorbench.tasks.leaderboard.pairing import decisions_of
from investorbench.tasks.metrics import performance
from investorbench.tasks.running.references import random_sharpes, references_of
from investorbench_env.market import Market
from tests.env.small_markets import small_market
from tests.tasks.toys import MinutesEnv, PairEnv

DRAWS = 200
SHORT = {"start": "2021-01-01", "end": "2021-02-28", "warmup": False}


def noisy_market(seed: int, **changes: Any) -> Market:
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(0.02 * rng.standard_t(6, 500)))
    return small_market(closes.tolist(), **changes)


MARKET = noisy_market(1)
CRASH = small_market([100.0] * 380 + [350.0] * 120)


def foresight(market: Market, sign: int) -> Callable[[Any, Any], int]:
    """Buys before a rise and sells before a fall of the next two closes; or the other way."""
    closes = market.bars[:, 0, 3]
    place = {str(day): t for t, day in enumerate(market.sessions)}

    def choose(observation: Any, info: Any) -> int:
        t = place[str(info["session"])]
        last = min(t + 2, len(closes) - 1)
        return 1 + sign * int(np.sign(closes[last] - closes[min(t + 1, last)]))

    return choose


def score(agent: Any, market: Any = MARKET, repeats: int = 1, **options: Any) -> Result:
    return evaluate(
        agent, "InvestorBench/Stock", repeats, data=market, **{"seed": 0, **SHORT, **options}
    )


def named(result: Result, agent: str) -> Result:
    return replace(result, agent=agent)


def entry(result: Result, **changes: Any) -> Entry:
    return Entry(**{"result": result, "planned": len(result.episodes), **changes})


def board_of(*results: Result) -> Leaderboard:
    (board,) = leaderboards([entry(each) for each in results], jointly=False, draws=DRAWS)
    return board


def row_of(board: Leaderboard, agent: str) -> Any:
    return next(row for row in board.rows if row.agent == agent)


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    """Somebody who knows the future, somebody who turns it round, and the usual ones."""
    seer, fool = (named(score(foresight(MARKET, s)), n) for s, n in ((1, "seer"), (-1, "fool")))
    agents = [seer, fool, score("momentum"), score("random", repeats=3), score("cash")]
    return board_of(*agents)


# What shares a table.


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": "paper"},
        {"end": "2021-01-31"},
        {"long_only": True},
        {"market": noisy_market(1, source="another")},
        {"market": noisy_market(2)},
    ],
)
def test_results_of_different_settings_never_share_a_table(other: dict[str, Any]) -> None:
    results = [score("momentum"), score("cash", **other)]
    boards = leaderboards(map(entry, results), jointly=False, draws=DRAWS)
    names = [{row.agent for row in board.rows} for board in boards]
    assert sorted(names, key=sorted) == [{"buy_and_hold", "cash"}, {"buy_and_hold", "momentum"}]


def test_buy_and_hold_is_added_where_it_is_missing_and_only_there(board: Leaderboard) -> None:
    held = score("buy_and_hold")
    added = row_of(board, "buy_and_hold")
    assert added.sr == held.metrics["SR"] and added.against is None
    twice = board_of(held, score("cash"), score("buy_and_hold", repeats=3))
    assert [row.agent for row in twice.rows].count("buy_and_hold") == 1
    assert not [note for note in twice.notes if "identical" in note]


def test_without_the_market_there_is_a_note_and_the_others_are_still_compared() -> None:
    task = replace(score("cash").task, data="/nowhere", options={"symbol": "TEST"})
    results = [replace(score(agent), task=task) for agent in ("momentum", "always_sell")]
    board = board_of(*results)
    assert board.benchmark is None and len(board.rows) == 2
    assert any(
        note.startswith("without Buy & Hold and random policies: ") and "/nowhere" in note
        for note in board.notes
    )
    assert all(row.against is None and row.statistics.random_uniform.reason for row in board.rows)
    assert board.comparison.pairs[0].difference.p_value is not None
    assert "Nothing was compared with Buy & Hold, which is missing." in board.sentence


def test_references_are_taken_from_the_result_and_never_from_a_market() -> None:
    result = score("momentum")
    references = references_of(result.task)
    nowhere = replace(result.task, data="/nowhere", options={"symbol": "TEST"})
    board = board_of(replace(result, task=nowhere, references=references))
    with_market = board_of(result)
    assert board.notes == with_market.notes and board.sentence == with_market.sentence
    for row, other in zip(board.rows, with_market.rows, strict=True):
        assert (row.agent, row.sr, row.rank) == (other.agent, other.sr, other.rank)
        assert (
            row.statistics.random_uniform == other.statistics.random_uniform
            and row.metrics == other.metrics
        )
    assert row_of(board, "buy_and_hold").entry is None


def test_a_reference_has_metrics_that_are_younger_than_its_record() -> None:
    result = score("momentum")
    held, policies = references_of(result.task)
    figures = {name: value for name, value in held.figures.items() if name != "sortino"}
    older = replace(held, figures={**figures, "CR": 0.5})
    row = row_of(board_of(replace(result, references=(older, policies))), "buy_and_hold")
    assert row.metrics["sortino"] == pytest.approx(held.figures["sortino"])
    assert row.metrics["CR"] == 0.5


def test_a_task_without_a_benchmark_has_a_table_that_says_so() -> None:
    results = [score(agent) for agent in ("momentum", "always_sell", "buy_and_hold")]
    board = board_of(*(replace(r, facts=replace(r.facts, benchmark=None)) for r in results))
    assert board.benchmark is None and board.compared_with is None
    assert all(row.against is None for row in board.rows) and len(board.rows) == 3
    assert all(row.statistics.random_uniform.value is not None for row in board.rows)
    assert "nothing is compared with a benchmark, since the task has none" in board.notes
    assert "3 agents with 1 repeat each were scored." in board.sentence
    assert "There is no benchmark to compare with." in board.sentence
    table = export([board], overall([board]), "md").decode()
    assert "Buy & Hold" not in table


def test_agents_are_compared_with_the_benchmark_that_their_task_names() -> None:
    results = [score(agent) for agent in ("momentum", "cash", "macd")]
    board = board_of(*(replace(r, facts=replace(r.facts, benchmark="macd")) for r in results))
    assert board.benchmark == "macd" and row_of(board, "macd").against is None
    assert row_of(board, "momentum").against.names == ("momentum", "macd")
    assert "alpha over macd" in board.sentence


def test_a_market_that_is_not_the_recorded_one_is_not_taken_for_it() -> None:
    scored = score("momentum")
    other = replace(scored.facts, fingerprint="0" * 64)
    board = board_of(replace(scored, facts=other))
    assert [row.agent for row in board.rows] == ["momentum"]
    assert any("not the one that was recorded" in note for note in board.notes)


def test_agents_that_two_runs_scored_differently_have_the_names_of_their_runs() -> None:
    first, second = score("random", seed=1), score("random", seed=2)
    other = score("random", market=noisy_market(2))
    entries = [entry(first, run="a"), entry(second, run="b"), entry(other, run="a")]
    boards = leaderboards(entries, jointly=False, draws=DRAWS)
    names = {row.agent for board in boards for row in board.rows}
    assert names == {"random (a)", "random (b)", "buy_and_hold"}
    assert sorted(len(board.rows) for board in boards) == [2, 3]
    nameless = board_of(first, second)
    assert {row.agent for row in nameless.rows} == {"random", "random #2", "buy_and_hold"}


def test_an_identical_record_is_shown_once_and_counted_as_one_trial() -> None:
    twins = [entry(score("momentum"), run=run) for run in "ab"]
    others = [entry(score("random"), run="b"), entry(score("always_sell"), run="b")]
    (board,) = leaderboards([*twins, *others], jointly=False, draws=DRAWS)
    assert len(board.rows) == 4 and board.comparison.luck.trials == 3
    assert "momentum in a and b: identical records, shown once and counted as one trial" in (
        board.notes
    )


# What is stated of whom.


def test_rows_stand_by_sharpe_ratio_and_figures_are_those_of_the_result(board: Leaderboard) -> None:
    ratios = [row.sr for row in board.rows]
    assert ratios == sorted(ratios, reverse=True)
    for row in board.rows:
        metrics = row.metrics
        assert (row.cr, row.sr) == pytest.approx((metrics["CR"], metrics["SR"]), rel=1e-12)
        if row.agent != "cash":
            assert row.statistics.sr.low < row.sr < row.statistics.sr.high


def test_who_is_distinguishable_has_its_place_and_ties_share_theirs(board: Leaderboard) -> None:
    assert board.rows[0].agent == "seer" and board.rows[0].rank[0] == 1
    assert row_of(board, "seer").beside.adjusted_p <= 0.05
    assert row_of(board, "fool").rank[0] > row_of(board, "seer").rank[0]
    assert "seer has the highest Sharpe ratio of them" in board.sentence
    assert re.search(r"In \d+ of 10 pairs the Sharpe ratios differ by more", board.sentence)
    assert row_of(board, "cash").rank == (1, 6)


def test_where_nothing_is_distinguishable_everybody_has_every_place() -> None:
    board = board_of(*(score(agent, end="2021-01-12") for agent in ("momentum", "always_sell")))
    assert {row.rank for row in board.rows} == {(1, 3)}
    assert "No alpha over Buy & Hold could be tested (" in board.sentence
    assert row_of(board, "momentum").statistics.sr.low is None
    assert row_of(board, "momentum").sr == score("momentum", end="2021-01-12").metrics["SR"]


def test_repeats_that_are_missing_are_named_with_kind_and_reason() -> None:
    failures = (
        Failure(1, "infrastructure", "no answer from the server"),
        Failure(2, "infrastructure", "no answer from the server"),
        Failure(3, "agent", "KeyError: 'x'", "Traceback"),
    )
    given = entry(score("random", repeats=2), planned=5, failures=failures)
    (board,) = leaderboards([given], jointly=False, draws=DRAWS)
    assert (
        "random: 2 of 5 repeats (repeat 3: agent: KeyError: 'x'; repeat 1, 2: infrastructure: no "
        "answer from the server)" in board.notes
    )
    assert given.repeats == [0, 4]


def test_a_ruined_account_earns_nothing_on_the_days_after() -> None:
    board = board_of(score("always_sell", CRASH), score("cash", CRASH))
    row = row_of(board, "always_sell")
    lived = row.entry.result.median.returns
    days = board.comparison.days
    assert row.is_ruined and len(lived) < days
    filled = np.append(lived, np.zeros(days - len(lived)))
    assert row.sr == pytest.approx(filled.mean() / filled.std(ddof=1) * math.sqrt(252))
    assert row.cr == row.entry.result.metrics["CR"] <= -1.0
    assert any("† ruined before the end" in note for note in board.notes)
    assert "1 of them was ruined." in board.sentence


def test_episodes_on_different_days_are_not_compared() -> None:
    board = board_of(score("random", repeats=3, episode_length=30))
    reason = "episodes lie on different days"
    assert all(row.statistics.sr.reason == reason for row in board.rows)
    row = row_of(board, "random")
    assert row.sr == row.entry.result.metrics["SR"]
    assert f"No alpha over Buy & Hold could be tested ({reason})" in board.sentence
    assert "0 days" not in board.sentence


def test_decisions_of_any_kind_are_compared_and_named_by_their_moment() -> None:
    def orders(weight: float) -> Any:
        return lambda seen, info: ({"asset": 0, "weight": np.array([weight], np.float32)},)

    for name, kind, agents, when in (
        ("Pair", PairEnv, (orders(0.5), orders(0.25)), "2024-01-11"),
        ("Minutes", MinutesEnv, (lambda seen, info: 0, lambda seen, info: int(seen[0] > 100.0)),
         "2024-01-11 14:33"),
    ):  # fmt: skip
        gym.register(f"Toys/{name}", entry_point=kind, disable_env_checker=True)
        try:
            one, other = (entry(evaluate(a, f"Toys/{name}", warmup=False)) for a in agents)
        finally:
            del gym.registry[f"Toys/{name}"]
        assert decisions_of(one, one).first is None
        found = decisions_of(one, other)
        assert found.first == (when, 0) and 0 < found.differing <= found.compared


# The sentence.


def test_the_sentence_names_where_and_who_and_the_best_with_its_interval(
    board: Leaderboard,
) -> None:
    best = row_of(board, "seer")
    low, high = (f"{end:.2f}" for end in (best.statistics.sr.low, best.statistics.sr.high))
    assert board.sentence.startswith(
        "On InvestorBench/Stock TEST (standard protocol, real data, 58 days from 2021-01-01 to "
        "2021-02-28), 5 agents with 1 to 3 repeats each were scored. seer has the highest Sharpe "
        f"ratio of them, {best.sr:.2f} (95 % interval {low} to {high}), "
        f"{best.beside.difference.value:.2f} above that of Buy & Hold"
    )


def test_tests_over_all_agents_at_once_are_made_where_they_were_asked_for() -> None:
    pytest.importorskip("arch", reason="a test over all agents needs the extra stats")
    agents = [entry(score(agent)) for agent in ("momentum", "always_sell")]
    (board,) = leaderboards(agents, draws=DRAWS)
    assert board.comparison.superior.p_value is not None
    assert board.rows[0].statistics.best.p_value == 1.0
    assert board_of(*(each.result for each in agents)).comparison.superior.p_value is None


def test_the_sentence_has_words_for_no_agent_and_for_all_ruined() -> None:
    alone = board_of(score("buy_and_hold"))
    assert "Buy & Hold alone was scored: there is nothing to compare it with." in alone.sentence
    assert alone.rows[0].rank == (1, 1)
    ruined = board_of(score("always_sell", CRASH))
    assert ruined.sentence.count("It was ruined.") == 1
    both = board_of(score("always_sell", CRASH), named(score("always_sell", CRASH), "again"))
    assert "All of them were ruined." in both.sentence


def test_a_simulated_market_is_called_so_in_the_sentence() -> None:
    board = board_of(score("momentum", noisy_market(1, simulated=True)))
    assert "(standard protocol, a simulated market, " in board.sentence


# Chance.


@pytest.mark.parametrize("options", [{}, {"action": "weight", "long_only": True}])
@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_a_random_policy_is_scored_like_an_agent_that_acts_the_same(
    options: dict[str, Any], protocol: str
) -> None:
    by_weight = bool(options) and protocol == "standard"
    options = options if by_weight else {}
    task = Task.of(
        "InvestorBench/Stock", data=CRASH, protocol=protocol, start=SHORT["start"],
        end=SHORT["end"], options=options,
    )  # fmt: skip
    facts = task.facts("test")
    found = random_sharpes(task.make_vec("test", 25), facts, seed=5)
    rng = np.random.default_rng(5)
    actions = [
        rng.uniform(0.0, 1.0, (25, 1)) if by_weight else rng.integers(3, size=25)
        for _ in range(facts.steps)
    ]
    for policy in range(25):
        taken = iter(actions)

        def follow(observation: Any, info: Any, policy: int = policy, taken: Any = taken) -> Any:
            action = next(taken)[policy]
            return action.astype(np.float32) if by_weight else int(action)

        result = evaluate(follow, task, warmup=False)
        returns = np.append(
            result.median.returns, np.zeros(facts.steps - len(result.median.returns))
        )
        convention: Any = "log" if protocol == "paper" else "simple"
        assert found[policy] == pytest.approx(performance(returns, convention, 252)["SR"])


def test_a_ruined_random_policy_earns_nothing_on_the_days_that_remain() -> None:
    a_day = 6
    closes = [100.0 + t % 5 for t in range(a_day * 5)] + [350.0 + t % 5 for t in range(a_day * 5)]
    daily = small_market(closes, asset_class="crypto")
    times = daily.times[0] + np.arange(len(closes)) * np.timedelta64(4, "h")
    market = replace(
        daily, times=times, sessions=times - np.timedelta64(1, "s"), interval="4h", timezone="UTC"
    )
    first, last = (str(market.sessions[at]) for at in (0, -1))
    task = Task.of("InvestorBench/Crypto", data=market, start=first, end=last)
    facts = task.facts("test")
    found = random_sharpes(task.make_vec("test", 20), facts, seed=5)
    rng = np.random.default_rng(5)
    actions = np.array([rng.integers(3, size=20) for _ in range(facts.steps)])
    ruined = 0
    for policy in range(20):
        taken = iter(actions[:, policy])
        episode = evaluate(lambda *_, taken=taken: int(next(taken)), task, warmup=False).median
        ruined += episode.ended_early
        whole = len(np.unique(market.sessions[1:]))
        returns = np.append(episode.returns, np.zeros(whole - len(episode.returns)))
        assert found[policy] == pytest.approx(performance(returns, "simple", 365)["SR"])
    assert 0 < ruined < 20


def test_a_percentile_is_the_share_of_random_policies_that_do_worse(board: Leaderboard) -> None:
    assert row_of(board, "seer").statistics.random_uniform.value == 1.0
    assert row_of(board, "fool").statistics.random_uniform.value < 0.2
    assert "random policies: 1,000" in board.notes


# Over all tasks.


@pytest.fixture(scope="module")
def several() -> list[Leaderboard]:
    entries = [
        entry(score(agent, noisy_market(seed), start=start, end=end))
        for seed, start, end in (
            (3, "2021-01-01", "2021-02-28"),
            (4, "2020-12-15", "2021-01-31"),
            (5, "2021-03-01", "2021-04-15"),
        )
        for agent in ("momentum", "always_sell")
    ]
    return leaderboards(entries, jointly=False, draws=DRAWS)


def test_agents_stand_by_their_mean_over_the_tasks_that_all_share(
    several: list[Leaderboard],
) -> None:
    (table,) = overall(several, draws=DRAWS)
    assert len(table.settings) == 3 and not table.simulated
    ratios = [row.sr for row in table.rows]
    assert ratios == sorted(ratios, reverse=True)
    for row in table.rows:
        own = [row_of(board, row.agent) for board in several]
        figures = row.statistics
        assert row.sr == pytest.approx(np.mean([each.sr for each in own]))
        assert row.cr == pytest.approx(np.mean([each.cr for each in own]))
        assert (row.sr, row.cr) == pytest.approx((figures.sr.value, figures.cr.value), rel=1e-9)
        assert figures.sr.low < row.sr < figures.sr.high  # type: ignore[operator]
    held = next(row for row in table.rows if row.agent == "buy_and_hold")
    assert held.beside is None
    assert table.sentence.startswith(
        "Over 3 tasks (standard protocol, real data), the means of 2 agents were compared. "
    )


def test_an_agent_or_a_task_with_gaps_is_left_out_and_named(several: list[Leaderboard]) -> None:
    lone = [entry(score("cash", noisy_market(3), **SHORT)), entry(score("rsi", noisy_market(6)))]
    given = [row.entry for board in several for row in board.rows if row.entry]
    boards = leaderboards([*given, *lone], jointly=False, draws=DRAWS)
    assert len(boards) == 4
    names, kept, notes = shared_by_all(boards)
    assert names == ["always_sell", "buy_and_hold", "momentum"] and len(kept) == 3
    assert sorted(notes) == [
        "left out: InvestorBench/Stock TEST, without always_sell, momentum",
        "left out: cash, scored on 1 of 4 tasks",
        "left out: rsi, scored on 1 of 4 tasks",
    ]
    (table,) = overall(boards, draws=DRAWS)
    assert set(notes) < set(table.notes)


def test_one_task_has_no_table_over_all_and_protocols_have_their_own(
    several: list[Leaderboard],
) -> None:
    assert overall(several[:1]) == []
    paper = [
        entry(score(agent, noisy_market(seed), protocol="paper"))
        for seed in (3, 4)
        for agent in ("momentum", "always_sell")
    ]
    boards = leaderboards(paper, jointly=False, draws=DRAWS)
    tables = overall([*several, *boards], draws=DRAWS)
    assert sorted((table.protocol, len(table.settings)) for table in tables) == [
        ("paper", 2),
        ("standard", 3),
    ]


def test_a_task_of_too_few_days_is_left_out_of_all(several: list[Leaderboard]) -> None:
    few = leaderboards(
        [entry(score("momentum", noisy_market(7), end="2021-01-12"))], jointly=False, draws=DRAWS
    )
    (table,) = overall([*several, *few], draws=DRAWS)
    assert len(table.settings) == 3
    assert any("11 days, at least 20 are needed" in note for note in table.notes)


def test_an_agent_without_an_interval_has_its_figures_and_the_reason() -> None:
    other = small_market([100.0] * 382 + [340.0] * 118)
    given = [entry(score(agent, market)) for market in (CRASH, other)
             for agent in ("always_sell", "cash")]  # fmt: skip
    boards = leaderboards(given, jointly=False, draws=DRAWS)
    (table,) = overall(boards, draws=DRAWS)
    for row in table.rows:
        own = [row_of(board, row.agent) for board in boards]
        assert row.sr == pytest.approx(np.mean([each.sr for each in own]))
        assert row.cr == pytest.approx(np.mean([each.cr for each in own]))
    cash = next(row for row in table.rows if row.agent == "cash")
    assert (cash.sr, cash.statistics.sr.low, cash.statistics.cr.low) == (0.0, None, None)
    assert any("no interval of always_sell: the account was ruined" in each for each in table.notes)
    assert "no interval of cash: the returns do not vary" in table.notes

"""What a table says of chance: luck, what is sure of one agent, and choices."""

from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.leaderboard import Entry, leaderboards, overall
from investorbench.tasks.statistics import Comparison, compare_agents
from investorbench.tasks.statistics.scores import long_run_variance

FloatArray = npt.NDArray[np.float64]
DAYS = 149
NORMAL = NormalDist()
MARKET = 0.001 + 0.02 * np.random.default_rng(1).standard_normal(DAYS)


def agents(count: int, seed: int = 2, repeats: int = 1) -> dict[str, FloatArray]:
    """Agents that are long or in cash by chance [R, T], by name."""
    held = np.random.default_rng(seed).random((count, repeats, DAYS)) < 0.7
    return {f"agent {number}": held[number] * MARKET for number in range(count)}


def table(runs: dict[str, FloatArray], **given: Any) -> Comparison:
    return compare_agents(
        {"held": MARKET[None], **runs}, "held", 252, jointly=False, draws=999, **given
    )


def test_the_benchmark_its_twins_and_those_in_cash_are_no_trials() -> None:
    alone = table(agents(4))
    more = {"twin": MARKET[None], "cash": np.zeros((1, DAYS))}
    found = table({**agents(4), **more})
    assert found.luck == alone.luck
    assert found.luck.trials == 4
    for name in ("held", "twin", "cash"):
        assert found.agents[name].deflated.value is None
        assert found.agents[name].deflated.reason
    assert found.agents["twin"].is_twin and not found.agents["agent 0"].is_twin


def test_an_agent_in_cash_has_what_it_gave_up_and_no_alpha() -> None:
    row = table({**agents(2), "cash": np.zeros((1, DAYS))}).agents["cash"]
    assert row.excess.value == pytest.approx(-252 * MARKET.mean())
    assert row.excess.low is not None and row.information_ratio.high is not None
    for figure in (row.alpha, row.beta, row.appraisal, row.correlation):
        assert (figure.value, figure.reason) == (None, "the returns do not vary")


def test_a_benchmark_in_cash_leaves_excess_and_nothing_else() -> None:
    flat = np.full((1, DAYS), 0.0001)
    found = compare_agents({"held": flat, **agents(2)}, "held", 252, jointly=False, draws=99)
    row = found.agents["agent 0"]
    assert row.excess.low is not None and row.sr.low is not None
    assert row.beta.reason == "held: the returns do not vary"
    assert found.luck.expected_t is None


def test_luck_counts_those_that_were_tried_and_names_one_of_them() -> None:
    runs = agents(5)
    found = table(runs, trials={"agent 1", "agent 3"})
    assert found.luck.trials == 2
    assert found.luck.agent in {"agent 1", "agent 3"}
    assert found.agents["agent 0"].deflated.value is not None
    copied = table({"a copy": runs["agent 3"], **runs}, trials={"agent 1", "agent 3"})
    assert copied.luck == found.luck


def test_the_largest_t_is_that_of_the_table_and_luck_is_what_deflates() -> None:
    found = table(agents(6))
    luck = found.luck
    assert luck.agent is not None and luck.largest_t is not None and luck.expected_t is not None
    expected = NORMAL.cdf(luck.largest_t - luck.expected_t)
    assert found.agents[luck.agent].deflated.value == pytest.approx(expected, abs=1e-12)
    assert 0.0 < luck.expected_t < (luck.t_95 or 0.0)
    signs = {name: each.difference.value for name, each in found.against.items()}
    assert luck.largest_t * (signs[luck.agent] or 0.0) > 0.0


def test_without_a_benchmark_luck_has_a_reason() -> None:
    found = compare_agents(agents(3), None, 252, jointly=False, draws=99)
    assert found.luck.expected_t is None and found.luck.reason
    assert found.agents["agent 0"].deflated.reason


def test_a_probability_and_a_track_record_allow_for_dependent_days() -> None:
    (run,) = agents(1)["agent 0"]
    smooth = run.copy()
    smooth[1:] += 0.4 * run[:-1]
    ratio = smooth.mean() / smooth.std(ddof=1)
    z = (smooth - smooth.mean()) / smooth.std()
    plain = smooth.mean() / smooth.std()
    scores = z - plain / 2.0 * (z**2 - 1.0)
    inflation = float(long_run_variance(scores) / np.mean(scores**2))
    row = table({"agent": smooth[None]}).agents["agent"]
    assert inflation > 1.3
    assert row.probabilistic.value == pytest.approx(NORMAL.cdf(ratio * sqrt(DAYS / inflation)))
    assert ratio > 0.0
    needed = inflation * (NORMAL.inv_cdf(0.95) / ratio) ** 2
    assert row.track_record.value == pytest.approx(needed)


def test_repeats_that_differ_for_good_make_a_mean_less_sure() -> None:
    rng = np.random.default_rng(5)
    noise = 0.01 * rng.standard_normal((6, DAYS))
    alike = 0.001 + noise
    unlike = np.array([0.005, 0.004, 0.003, -0.001, -0.002, -0.003])[:, None] + noise
    one, other = (table({"agent": each}).agents["agent"] for each in (alike, unlike))
    assert one.probabilistic.value is not None and other.probabilistic.value is not None
    assert one.probabilistic.value > 0.99 > other.probabilistic.value
    assert other.track_record.reason and "repeats differ" in other.track_record.reason


def test_configurations_of_one_kind_are_judged_together() -> None:
    runs = agents(5)
    configuration_of = {"agent 0": "a", "agent 1": "b", "agent 2": "a", "agent 3": "b"}
    found = table(runs, configuration_of=configuration_of).overfitting
    assert {each.group: each.configurations for each in found} == {
        "a": ("agent 0", "agent 2"),
        "b": ("agent 1", "agent 3"),
    }
    assert all(each.pbo.value is not None for each in found)
    copies = {"agent 2": runs["agent 0"], "agent 0": runs["agent 0"]}
    assert table(copies, configuration_of={"agent 0": "a", "agent 2": "a"}).overfitting == ()
    assert table(runs).overfitting == ()


def test_over_markets_all_of_it_is_known_too() -> None:
    rng = np.random.default_rng(6)
    markets = [0.001 + 0.02 * rng.standard_normal(days) for days in (60, 70, 80, 90, 65, 75)]
    runs: dict[str, Any] = {"held": markets}
    for number in range(3):
        runs[f"agent {number}"] = [each * (rng.random(len(each)) < 0.7) for each in markets]
    kinds = {f"agent {number}": "a" for number in range(3)}
    found = compare_agents(
        runs, "held", 252, unit="market", jointly=False, draws=999, configuration_of=kinds
    )
    row = found.agents["agent 0"]
    assert row.probabilistic.value is not None and row.deflated.value is not None
    assert found.luck.trials == 3
    assert [each.pbo.value is not None for each in found.overfitting] == [True]
    ratios = [run.mean() / run.std(ddof=1) for run in runs["agent 0"]]
    error = np.std(ratios, ddof=1) / sqrt(6)
    assert row.probabilistic.value == pytest.approx(NORMAL.cdf(np.mean(ratios) / error))


# From results.


def entries(*agents: str, **given: Any) -> list[Entry]:
    return [
        Entry(result=evaluate(agent, "stock/sim", seed=0, end="2021-01-29", **given), planned=1)
        for agent in agents
    ]


def test_baselines_are_no_trials_beside_an_agent_that_was_entered() -> None:
    def own(observation: Any, info: Any) -> int:
        return int(observation["bars"][-1, 3] > observation["bars"][-2, 3]) * 2

    (board,) = leaderboards(entries("momentum", "macd"), jointly=False, draws=99)
    assert board.comparison.luck.trials == 2
    entered = Entry(result=evaluate(own, "stock/sim", seed=0, end="2021-01-29"), planned=1)
    both = [*entries("momentum", "macd"), entered]
    (board,) = leaderboards(both, jointly=False, draws=99)
    assert board.comparison.luck.trials == 1
    assert board.comparison.luck.agent == "own"
    assert board.comparison.luck.expected_t == pytest.approx(0.0, abs=1e-12)


def test_over_tasks_the_same_agents_are_trials() -> None:
    def own(observation: Any, info: Any) -> int:
        return int(observation["bars"][-1, 3] > observation["bars"][-2, 3]) * 2

    given = {"markets": "one"}
    every = [
        Entry(result=evaluate(agent, task, seed=0, end=end, **given), planned=1)
        for task, end in (("stock/sim", "2021-01-29"), ("etf/sim", "2020-05-29"))
        for agent in ("momentum", own)
    ]
    (table,) = overall(leaderboards(every, jointly=False, draws=99), draws=99)
    assert (table.comparison.luck.trials, table.comparison.luck.agent) == (1, "own")
    assert table.comparison.agents["momentum"].deflated.value is not None


def test_the_news_of_hon_say_buy_every_day_and_make_a_twin(data_folder: Any) -> None:
    result = evaluate("news_sentiment", "stock/hon", seed=0)
    (board,) = leaderboards([Entry(result=result, planned=1)], jointly=False, draws=99)
    (row,) = (row for row in board.rows if row.agent == "news_sentiment")
    assert row.statistics.is_twin
    assert board.comparison.luck.trials == 0
    assert row.statistics.random.value == 0.5

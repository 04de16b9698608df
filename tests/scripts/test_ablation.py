"""`investorbench bench ablation`: that its figures are what they say. What they are is no test."""

import re
import statistics
from itertools import pairwise
from math import isnan, sqrt

import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from investorbench.agents.simulated.prompt_reader import PromptReader
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.scripts.bench import ablation, ablation_tables
from investorbench.scripts.main import main
from investorbench.tasks import Task, evaluate
from investorbench_env.market.simulated import dynamics_of

SEEDS = (9000, 9001)


def test_the_share_of_the_gap_is_that_of_the_means_with_the_interval_of_its_linearisation() -> None:
    value, lower, upper = (np.array(row) for row in ([3.0, 5.0, 4.0], [1.0, 2.0, 3.0], [5.0] * 3))
    share = ablation.share_of_gap(value, lower, upper)
    # Gained 2, 3 and 1 of gaps of 4, 3 and 2: six ninths in all. The rests are 2 − 8/3, 1 and −1/3.
    assert share.mean == pytest.approx(2 / 3)
    spread = statistics.stdev([-2 / 3, 1.0, -1 / 3])
    margin = statistics.NormalDist().inv_cdf(0.975) * spread / sqrt(3) / 3
    assert (share.low, share.high) == pytest.approx((2 / 3 - margin, 2 / 3 + margin))


def test_a_memory_worse_than_none_has_a_negative_share_and_the_bounds_have_nought_and_one() -> None:
    lower, upper = np.array([1.0, 2.0, 4.0]), np.array([5.0, 5.0, 7.0])
    assert ablation.share_of_gap(lower - 1.0, lower, upper).mean == pytest.approx(-3 / 10)
    for bound, share in ((lower, 0.0), (upper, 1.0)):
        found = ablation.share_of_gap(bound, lower, upper)
        assert (found.mean, found.low, found.high) == pytest.approx((share, share, share))


def test_without_a_gap_there_is_no_share_of_it() -> None:
    lower = np.array([1.0, 2.0, 4.0])
    for upper in (lower, lower[::-1], lower + np.array([9.0, -5.0, 0.0])):
        assert isnan(ablation.share_of_gap(lower + 1.0, lower, upper).mean)


def test_a_belief_is_right_where_there_was_something_to_know() -> None:
    truth = np.array([0.0, 1.0, -1.0, 1.0])
    assert ablation.share_right([1, 1, 0, -1], truth) == pytest.approx(1 / 3)
    assert isnan(ablation.share_right([], truth)) and isnan(ablation.share_right([0], truth[:1]))


@pytest.mark.heavy
def test_the_measures_are_those_of_a_direct_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task.of("stock/sim-noise", end="2020-10-16")
    monkeypatch.setattr(ablation, "TASK", task)
    monkeypatch.setattr(ablation, "ARMS", ("oracle", "off"))
    monkeypatch.setattr(ablation, "REFERENCES", ("buy_and_hold",))
    found = ablation.episode("reader", SEEDS[0])
    assert found.shape == (3, len(ablation.MEASURES))

    market, reader = task.market(SEEDS[0]), PromptReader(dynamics_of("SIM-Noise"))
    agent = FinMem(reader, lambda seed: LayeredMemory("off", Arrays(), HashedNgrams(), seed=seed))
    one = evaluate(agent, task, data=market, seed=SEEDS[0]).median
    first = list(market.sessions.astype(str)).index("2020-10-01")
    earned, before = [], 0.0
    for step, weight in enumerate(one.weights.tolist()):
        expected = float(market.hidden_state["expected_return"][first + step, 0])  # type: ignore[index]
        cost = float(one.costs[step]) / float(one.equity[step])
        earned.append((0.3 * before + 0.7 * weight) * expected - cost)
        before = weight
    returns = [after / before - 1 for before, after in pairwise(one.equity.tolist())]
    sharpe = statistics.mean(returns) / statistics.stdev(returns) * sqrt(252)
    expected_a_year = 100 * 252 * statistics.mean(earned)
    assert found[1, :2] == pytest.approx([expected_a_year, sharpe])
    assert found[1, 2] == (one.notional > 0).sum()
    # No report comes in these days, so without a memory none is known.
    assert found[1, 3] == 0.0 and found[0, 3] == 1.0 and np.isnan(found[2:, 3:]).all()


def test_what_is_printed_says_on_what_it_rests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")  # in which figures would be cut short
    chance = np.random.default_rng(0)
    rows = len(ablation.ARMS) + len(ablation.REFERENCES)

    def episode(reader: str, seed: int) -> ablation.FloatArray:
        figures = np.abs(chance.normal([40, 1, 9, 0.5, 0.5], [9, 0.5, 5, 0.1, 0.1], (rows, 5)))
        figures[0, 0] += 60.0
        return np.asarray(figures)

    monkeypatch.setattr(ablation, "episode", episode)
    ablation_tables.report(seeds=30, first=81_000, processes=1)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= ablation_tables.WIDTH
    output = " ".join(" ".join(lines).split())
    assert "SIMULATED" in output and "none is a language model" in output
    assert "30 markets, seeds 81000 to 81029" in output and "95 % intervals" in output
    for arm in (*ablation.ARMS, *ablation.REFERENCES):
        row = rf"^ {arm} +−?\d+\.\d\d +−?\d+\.\d\d…−?\d+\.\d\d "
        assert len(re.findall(row, "\n".join(lines), re.MULTILINE)) == 2


@pytest.mark.long
def test_the_page_is_made_from_a_twentieth_of_its_markets(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as ended:
        main(["bench", "ablation", "--seeds", "2", "--first", str(SEEDS[0]), "--processes", "2"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")
    known = re.findall(r"^ (\w+) .* (\d\.\d\d) +(\d\.\d\d) *$", output.out, re.MULTILINE)
    by_memory = {name: (float(guidance), float(facts)) for name, guidance, facts in known}
    assert by_memory["oracle"][0] > 0.95 and by_memory["off"][0] < 0.1

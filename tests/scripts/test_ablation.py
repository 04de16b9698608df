"""`investorbench bench ablation`: that its figures are what they say. What they are is no test."""

import re
import statistics
from itertools import combinations, pairwise
from math import sqrt
from typing import Any

import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import connect, load_model
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.scripts.bench import ablation
from investorbench.scripts.main import main
from investorbench.tasks import Task, evaluate
from investorbench_env.market.simulated import simulate

END = "2020-10-16"
SEEDS = (7, 8)


def measured(agent: Any, seed: int) -> tuple[float, float, float]:
    """CR in percent, SR and trades of one episode, from its equity and actions alone."""
    result = evaluate(agent, "stock/sim", data=simulate(seed=seed), end=END, seed=seed)
    equity = result.equity.tolist()
    returns = [after / before - 1 for before, after in pairwise(equity)]
    sharpe = statistics.mean(returns) / statistics.stdev(returns) * sqrt(252)
    return 100 * (equity[-1] / equity[0] - 1), sharpe, int((result.median.notional > 0).sum())


def finmem(profile: str) -> FinMem:
    return FinMem(
        connect(load_model("offline")),
        lambda seed: LayeredMemory(profile, Arrays(), HashedNgrams(), seed=seed),
    )


def interval(values: list[float]) -> list[float]:
    mean, margin = statistics.mean(values), 1.96 * statistics.stdev(values) / sqrt(len(values))
    return [mean, mean - margin, mean + margin]


def test_the_tables_show_what_a_direct_computation_over_the_same_markets_gives(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")  # two markets have wide intervals
    monkeypatch.setattr(ablation, "TASK", Task.of("stock/sim", end=END))
    with pytest.raises(SystemExit) as ended:
        main(["bench", "ablation", "--seeds", "2", "--first", str(SEEDS[0]), "--processes", "1"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")

    agents = {"layered": finmem("layered"), "single": finmem("single"), "off": finmem("off")}
    agents |= {name: name for name in ("momentum", "buy_and_hold", "random")}
    each = {name: [measured(agent, seed) for seed in SEEDS] for name, agent in agents.items()}
    for one, other in combinations(("layered", "single", "off", "momentum"), 2):
        each[f"{one} − {other}"] = (np.array(each[one]) - np.array(each[other])).tolist()
    for name, episodes in each.items():
        intervals = (interval(list(values)) for values in zip(*episodes, strict=True))
        expected = [number for each in intervals for number in each]
        (line,) = re.findall(rf"^ {name} +−?\d.*$", output.out, re.MULTILINE)
        numbers = re.findall(r"−?\d+\.?\d*", line.removeprefix(f" {name}"))
        shown = [float(number.replace("−", "-")) for number in numbers]
        for place, (number, value) in enumerate(zip(shown, expected, strict=True)):
            assert number == pytest.approx(value, abs=(0.06, 0.006, 0.6)[place // 3])


def test_what_is_printed_says_on_what_it_rests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    chance = np.random.default_rng(0)
    monkeypatch.setattr(ablation, "episode", lambda seed: chance.normal(-10, 30, (6, 3)))
    ablation.report(seeds=30, first=20_000, processes=1)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    output = " ".join(" ".join(lines).split())
    assert "SIMULATED" in output and "no language model" in output
    assert "30 markets, seeds 20000 to 20029" in output and "95 % intervals" in output

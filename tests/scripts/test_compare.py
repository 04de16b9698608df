"""`investorbench compare`: two runs beside each other."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from investorbench.tasks.record.files import read_json
from tests.scripts.calling import Output
from tests.scripts.test_verify import investorbench
from tests.tasks.plain_records import lines_of

Call = Callable[..., Output]
SETTINGS = ("task.end=2020-11-13", "seed=0")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that share two agents, one of which has another setting; and a run of paper."""
    folder = tmp_path_factory.mktemp("runs")

    def run(*arguments: str, name: str) -> None:
        investorbench("run", *arguments, *SETTINGS, f"folder={folder / name}")

    both = "agent=momentum,random"
    run("-m", both, "task=stock/sim", name="a")
    run("agent=rsi", "task=stock/sim", name="a")
    run("agent=random", "task=stock/sim", name="b")
    run("agent=momentum", "agent.sessions=5", "task=stock/sim", name="b")
    run("agent=random", "task=stock/sim", "protocol=paper", name="paper")
    return folder


def test_what_both_have_is_compared_and_what_one_has_is_told(runs: Path, command: Call) -> None:
    output = command("compare", runs / "a", runs / "b")
    assert (output.code, output.err) == (0, "")
    assert max(map(len, output.out.splitlines())) <= 80
    assert "SIMULATED momentum on InvestorBench/Stock-SIM · standard" in output.out
    assert "  setting    agent.sessions: 3 and 5\n" in output.out
    assert "only in A: rsi on InvestorBench/Stock-SIM\n" in output.out
    assert "only in B" not in output.out
    assert "1 of 2 pairs decided the same on every day." in " ".join(output.out.split())


def test_figures_and_decisions_are_those_of_the_records(runs: Path, command: Call) -> None:
    output = command("compare", runs / "a", runs / "b", "--json")
    compared = json.loads(output.out)
    paths = [runs / run / "stock-sim" for run in "ab"]
    jobs = [next(path.glob("momentum*")) for path in paths]
    lines = [lines_of(job / "repeat-0/decisions.jsonl") for job in jobs]
    unequal = [one["session"] for one, two in zip(*lines, strict=True)
               if one["action"] != two["action"]]  # fmt: skip
    (pair,) = [each for each in compared["pairs"] if each["agents"][0] == "momentum"]
    assert pair["decisions"] == {
        "differing": len(unequal), "compared": len(lines[0]), "first": [unequal[0], 0],
    }  # fmt: skip
    recorded = [read_json(job / "manifest.json")["metrics"] for job in jobs]
    for name in ("SR", "CR"):
        one, two = (metrics[name] for metrics in recorded)
        assert [metrics[name] for metrics in pair["metrics"]] == pytest.approx([one, two])
        assert pair[f"{name}_difference"]["value"] == pytest.approx(one - two)
    equity = [np.array([100_000.0, *(line["account"]["equity"] for line in own)]) for own in lines]
    a, b = (each[1:] / each[:-1] - 1.0 for each in equity)
    x, y = (each.mean() / each.std(ddof=1) for each in (a, b))
    rho = np.corrcoef(a, b)[0, 1]
    z = (x - y) / np.sqrt((2 - 2 * rho + (x**2 + y**2 - 2 * x * y * rho**2) / 2) / len(a))
    assert pair["p_jobson_korkie"] == pytest.approx(2 * NormalDist().cdf(-abs(z)), rel=1e-6)
    assert compared["only_in_a"] == {"InvestorBench/Stock-SIM": ["rsi"]}


def test_a_run_beside_itself_does_not_differ(runs: Path, command: Call) -> None:
    output = command("compare", runs / "a", runs / "a")
    assert output.code == 0
    assert "Every decision is the same: the runs do not differ." in output.out
    assert "setting " not in output.out


def test_two_agents_are_compared_where_each_folder_has_one(runs: Path, command: Call) -> None:
    folders = [runs / "a" / "stock-sim" / agent for agent in ("random", "rsi")]
    output = command("compare", *folders)
    assert output.code == 0
    assert "random against rsi on InvestorBench/Stock-SIM" in output.out


def test_different_protocols_are_refused_and_told(runs: Path, command: Call) -> None:
    output = command("compare", runs / "b", runs / "paper")
    assert output.code == 1
    assert (
        "random on InvestorBench/Stock-SIM cannot be compared, since the two were scored "
        "differently: protocol standard and paper" in output.err
    )


def test_runs_with_nothing_in_common_are_refused(runs: Path, command: Call, tmp_path: Path) -> None:
    investorbench("run", "agent=cash", "task=etf/sim", "task.end=2020-01-31", f"folder={tmp_path}")
    output = command("compare", runs / "b", tmp_path)
    assert output.code == 1
    assert "have no agent on a task in common" in output.err
    assert "there is no folder" in command("compare", runs / "b", tmp_path / "nowhere").err

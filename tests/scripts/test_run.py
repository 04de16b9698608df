"""`investorbench run` as people call it: tables, JSON lines, sweeps, folders and refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.seeds import agent_seed
from investorbench.tasks.task import Task
from investorbench_env.market.library import save
from tests.env.small_markets import small_market
from tests.scripts.calling import Call, manifests, results

COMMAND = Path(sys.executable).parent / "investorbench"


class Breaks:
    """An agent with a mistake in it."""

    def act(self, observation: Any, info: Any) -> int:
        raise ZeroDivisionError("a mistake")


class Buys:
    """An agent of somebody's own."""

    def act(self, observation: Any, info: Any) -> int:
        return 2


class Remembers:
    """Keeps a state, of which no `begin` makes an end."""

    def __init__(self) -> None:
        self.decisions = 0

    def act(self, observation: Any, info: Any) -> int:
        self.decisions += 1
        return self.decisions // 7 % 3


def test_without_an_argument_an_agent_is_scored_and_recorded(call: Call, tmp_path: Path) -> None:
    output = call()
    assert output.code == 0
    assert "SIMULATED InvestorBench/Stock-SIM · standard · 2020-10-01 to 2021-05-06" in output.out
    assert "buy_and_hold" in output.out
    (manifest,) = manifests(tmp_path / "runs")
    assert manifest["agent"] == "buy_and_hold"
    recorded = output.err.strip().removeprefix("recorded in ")
    assert Path(recorded, "stock-sim", "buy_and_hold", "manifest.json").is_file()


def test_a_run_folder_holds_configuration_decisions_and_figures(call: Call, tmp_path: Path) -> None:
    call("agent=random", "repeats=2", "seed=5", "folder=here")
    job = tmp_path / "here" / "stock-sim" / "random"
    files = {str(path.relative_to(job)) for path in job.rglob("*") if path.is_file()}
    names = ("decisions.jsonl", "metrics.json", "warmup.jsonl")
    repeats = {f"repeat-{number}/{name}" for number in (0, 1) for name in names}
    locks = {".lock", ".repeat-0.lock", ".repeat-1.lock"}
    assert files - locks == {"config.yaml", "manifest.json", "references.json", *repeats}
    assert "change_rate: 1.0" in (job / "config.yaml").read_text()
    seeds = [agent_seed(5, Task.of("stock/sim"), "random", "", repeat) for repeat in (0, 1)]
    assert manifests(job)[0]["seeds"] == seeds


def test_with_output_json_each_line_is_a_result_and_nothing_else_is_printed(call: Call) -> None:
    output = call("agent=cash", "output=json")
    (result,) = results(output)
    assert result["agent"] == "cash"
    assert result["metrics"]["CR"] == 0.0
    assert result["metrics"]["hit_ratio"] is None


def test_python_and_the_command_line_give_the_same_figures_and_records(
    call: Call, tmp_path: Path
) -> None:
    target = f"agent._target_={__name__}.Remembers"
    output = call(
        target, "repeats=3", "task.end=2020-12-31", "output=json", "folder=typed", "seed=3"
    )
    (typed,) = results(output)
    result = evaluate(
        Remembers(), "stock/sim", 3, seed=3, end="2020-12-31", folder=tmp_path / "called"
    )
    assert [episode.seed for episode in result.episodes] == typed["seeds"]
    assert typed["metrics"] == without_nan(result.metrics)
    for number in range(3):
        place = Path("stock-sim", "Remembers", f"repeat-{number}", "decisions.jsonl")
        one, other = (read_actions(tmp_path / run / place) for run in ("typed", "called"))
        assert one == other


def read_actions(path: Path) -> list[tuple[Any, ...]]:
    lines = map(json.loads, path.read_text().splitlines())
    return [(line["session"], line["action"], line["reward"]) for line in lines if "action" in line]


def test_a_sweep_scores_every_agent_on_every_task(call: Call, tmp_path: Path) -> None:
    output = call("-m", "agent=cash,momentum", "task=stock/sim,crypto/sim", "output=json")
    scored = {(result["agent"], result["task"]) for result in results(output)}
    assert scored == {
        (agent, task)
        for agent in ("cash", "momentum")
        for task in ("InvestorBench/Stock-SIM", "InvestorBench/Crypto-SIM")
    }
    (folder,) = (tmp_path / "runs").glob("*/*")  # one for the whole sweep
    assert len(manifests(folder)) == 4


def test_a_sweep_prints_a_table_for_each_task(call: Call) -> None:
    output = call("-m", "agent=cash,momentum", "task=stock/sim,crypto/sim", "warmup=false")
    titles = [line for line in output.out.splitlines() if line.startswith("SIMULATED")]
    assert [title.split()[1] for title in titles] == [
        "InvestorBench/Crypto-SIM", "InvestorBench/Stock-SIM", "mean",
    ]  # fmt: skip
    assert max(map(len, output.out.splitlines())) <= 80


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("setting", "names", "folders"),
    [
        ("seed=0,1", ["random seed=0", "random seed=1"], ["random_seed=0", "random_seed=1"]),
        (
            "agent.change_rate=0.1,0.2",
            ["random change_rate=0.1", "random change_rate=0.2"],
            ["random_change_rate=0.1", "random_change_rate=0.2"],
        ),
        (
            "protocol=paper,standard",
            ["random"] * 2,
            ["protocol=paper/random", "protocol=standard/random"],
        ),
        (
            "task.options.long_only=false,true",
            ["random"] * 2,
            ["task.options.long_only=False/random", "task.options.long_only=True/random"],
        ),
    ],
)
def test_a_sweep_over_another_setting_keeps_its_jobs_apart(
    setting: str, names: list[str], folders: list[str], call: Call, tmp_path: Path
) -> None:
    output = call("-m", "agent=random", setting, "warmup=false", "output=json", "folder=here")
    assert output.code == 0
    assert sorted(result["agent"] for result in results(output)) == names
    places = (tmp_path / "here" / "stock-sim").rglob("manifest.json")
    base = tmp_path / "here" / "stock-sim"
    assert sorted(str(path.parent.relative_to(base)) for path in places) == folders


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["agent=momentm"], "unknown agent 'momentm'; valid, nearest first: momentum,"),
        (["-m", "agent=cash,momentm"], "unknown agent 'momentm'"),
        (["task=stock/tssla"], "unknown task 'stock/tssla'; valid, nearest first: stock/tsla,"),
        (["protocol=papr"], "unknown protocol 'papr'; valid, nearest first: paper, standard"),
        (["output=jsn"], "unknown output 'jsn'; valid, nearest first: json, table"),
        (["repeat=3"], "unknown setting 'repeat'; valid, nearest first: repeats,"),
        (["agent=momentum", "agent.sesions=4"], "valid, nearest first: agent.sessions,"),
        (["task.options.windw=4"], "unknown option 'windw'; valid, nearest first: window,"),
        (["repeats=0"], "repeats=0 must be a whole number of at least 1"),
        (["task=stock/tsla"], "no real data for TSLA"),
        (["data=nowhere"], "data='nowhere' does not exist"),
        (["task.start=2020-09-01"], "inside the warm-up split"),
        (["task.end=yesterday"], "end='yesterday' is no date"),
        (["agent=oracle", "data=market"], "an oracle needs a simulated market"),
        (["data='no[/where]'"], "data='no[/where]' does not exist"),
        (["data=no[/where]"], "cannot read 'data=no[/where]' (mismatched input '['"),
        (["agent=cash,momentum"], "agent=cash,momentum names several: give -m, too"),
        (["--repeats=3"], "unknown flag --repeats; there are -m for sweeps"),
        (["anytime=true"], "anytime is for a race: give until="),
        (["suite=quick", "seed=3"], "leave it out, or give salt=RUN"),
        (["suite=quick", "salt=nothing"], "salt=nothing cannot be read: give the folder of"),
        (["-m", "folder=a,b"], "folder is one for the whole run: it takes no list of values"),
    ],
)
def test_what_does_not_work_ends_with_one_message_and_no_traceback(
    arguments: list[str], words: str, call: Call, tmp_path: Path
) -> None:
    save(small_market([100.0] * 500, symbols=("SIM",)), tmp_path / "market")
    output = call(*arguments)
    assert output.code == 1
    assert output.err.lstrip().startswith("error: ")  # rich before 14.3 ends a bar with a line
    assert words in output.err
    assert "Traceback" not in output.err and "HYDRA" not in output.err
    assert output.out == ""


def test_a_job_that_fails_leaves_the_results_of_the_others(call: Call, tmp_path: Path) -> None:
    output = call("-m", "agent=cash", "task=stock/sim,stock/tsla", "output=json", "folder=here")
    assert output.code == 1
    assert [result["task"] for result in results(output)] == ["InvestorBench/Stock-SIM"]
    assert "error: cash on InvestorBench/Stock-TSLA: no real data for TSLA" in output.err
    assert len(manifests(tmp_path / "here")) == 1


def test_a_mistake_in_an_agent_leaves_the_results_before_it_and_shows_where_it_is(
    call: Call,
) -> None:
    output = call("-m", f"agent._target_=agents.baselines.Cash,{__name__}.Breaks", "output=json")
    assert output.code == 1
    assert len(results(output)) == 1
    assert "ZeroDivisionError: a mistake" in output.err


def test_an_agent_of_ones_own_is_named_by_its_class(call: Call) -> None:
    output = call(f"agent._target_={__name__}.Buys", "output=json")
    assert [result["agent"] for result in results(output)] == ["Buys"]


def test_a_run_that_is_finished_is_read_from_its_record(call: Call, tmp_path: Path) -> None:
    first = call("agent=random", "repeats=2", "folder=here", "output=json")
    files = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
    written = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    second = call("agent=random", "repeats=2", "folder=here", "output=json")
    assert (first.code, second.code) == (0, 0)
    assert results(first) == results(second)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    assert {path for path in files if after[path] != written[path]} <= {
        path for path in files if path.name.endswith(".lock")
    }


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("agent.change_rate=0.5", "it has 'change_rate: 1.0', this one 'change_rate: 0.5'"),
        ("seed=1", "it has 'seed: 0', this one 'seed: 1'"),
    ],
)
def test_a_folder_that_holds_another_run_is_refused(
    setting: str, words: str, call: Call, tmp_path: Path
) -> None:
    first = call("agent=random", "seed=0", "folder=here", "warmup=false")
    second = call("agent=random", "folder=here", "warmup=false", setting)
    assert (first.code, second.code) == (0, 1)
    assert "holds a run of another configuration" in second.err and words in second.err
    assert len(manifests(tmp_path / "here")) == 1


def test_data_may_be_a_path(call: Call, tmp_path: Path) -> None:
    closes = [100.0 * 1.001**t for t in range(500)]
    save(small_market(closes, symbols=("NVDA",)), tmp_path / "market")
    output = call(
        "task.id=InvestorBench/Stock", "task.options.symbol=NVDA", "data=market", "output=json",
        "protocol=paper", "folder=here",
    )  # fmt: skip
    (result,) = results(output)
    assert (result["symbol"], result["protocol"], result["simulated"]) == ("NVDA", "paper", False)
    # 217 steps of ln 1.001.
    assert result["metrics"]["CR"] == pytest.approx(217 * 0.0009995003330834232, rel=1e-9)
    assert (tmp_path / "here" / "stock-nvda" / "buy_and_hold").is_dir()


def test_costs_dates_and_options_of_the_environment_can_be_set(call: Call) -> None:
    output = call(
        "agent=always_sell", "protocol.commission_bps=0", "protocol.slippage_bps=0",
        "task.start=2021-01-04", "task.end=2021-03-31", "task.options={long_only: true}",
        "output=json",
    )  # fmt: skip
    (result,) = results(output)
    assert result["window"] == ["2021-01-04", "2021-03-31"]
    assert result["metrics"]["costs"] == 0.0
    assert result["metrics"]["time_in_market"] == 0.0  # selling means cash
    assert result["options"] == {
        "long_only": "True", "commission_bps": "0", "slippage_bps": "0",
    }  # fmt: skip


def test_repeats_are_named_below_the_table(call: Call) -> None:
    output = call("agent=random", "repeats=3", "warmup=false")
    said = " ".join(output.out.split())
    assert "markets: fresh; figures are means over 3 that all agents met, one a repeat" in said
    one = call("agent=random", "repeats=3", "warmup=false", "+task.options.markets=one")
    assert "figures are means over 3 repeats" in " ".join(one.out.split())


def test_help_lists_the_choices_and_what_can_be_set(call: Call) -> None:
    output = call("--help")
    assert output.code == 0
    words = ("buy_and_hold", "tsla", "paper", "repeats: 1", "output: table")
    for word in (*words, " suite=sim-core ", " until=best "):
        assert word in output.out


def test_a_pattern_names_all_agents_that_fit_it(call: Call) -> None:
    output = call("-m", "agent=glob(m*)", "task=stock/sim", "warmup=false", "output=json")
    assert output.code == 0
    assert sorted(result["agent"] for result in results(output)) == ["macd", "momentum"]


@pytest.mark.heavy
def test_the_command_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMMAND, "run", "agent=momentum", "output=json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agent"] == "momentum"
    assert done.stderr.lstrip().startswith("recorded in runs/")


@pytest.mark.heavy
def test_two_commands_at_once_in_one_folder_write_all_their_jobs(tmp_path: Path) -> None:
    agents = ("cash", "momentum")
    processes = [
        subprocess.Popen(
            [COMMAND, "run", f"agent={agent}", "folder=here"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for agent in agents
    ]  # fmt: skip
    for process in processes:
        assert (process.wait(timeout=300), process.communicate()[1].count("error")) == (0, 0)
    assert [manifest["agent"] for manifest in manifests(tmp_path / "here")] == list(agents)

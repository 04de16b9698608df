"""The wheel built from the tree, and the tree itself, installed into environments of their own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = "Scripts" if sys.platform == "win32" else "bin"

pytestmark = pytest.mark.heavy

STEP_AN_EPISODE = """
import gymnasium as gym, investorbench_env
env = gym.make("InvestorBench/Stock-SIM")
observation, info = env.reset(seed=7)
done = False
while not done:
    observation, reward, terminated, truncated, info = env.step(2)
    done = terminated or truncated
print(info["equity"])
"""
EVALUATE_A_FUNCTION = """
from investorbench import evaluate
result = evaluate(lambda observation, info: 2, "InvestorBench/Stock-SIM")
print(result.metrics["CR"])
"""
EVALUATE_ON_REAL_DATA = """
import gymnasium as gym, investorbench_env
from investorbench import evaluate
assert not gym.make("InvestorBench/Stock-TSLA").reset()[1]["simulated"]
result = evaluate("buy_and_hold", "InvestorBench/Stock-MSFT", protocol="paper")
print(f"{result.metrics['CR'] * 100:.2f} {result.simulated}")
"""


BESIDE_THE_AGENTS_OF_OPENAI = """
import agents, investorbench.agents

@agents.function_tool
def price(symbol: str) -> float:
    return 1.0

assert agents.Agent(name="trader", tools=[price]).tools[0].name == "price"
assert investorbench.agents.as_agent(lambda observation, info: 2).name
from investorbench import evaluate
print(evaluate("momentum", "stock/sim", warmup=False).metrics["CR"])
"""
IN_A_FOLDER_WITH_SUCH_NAMES = """
import agents.mine, memory, scripts, tasks, tests
from investorbench import evaluate
for module in (memory, scripts, tasks, tests):
    assert module.OF_THE_USER
print(evaluate(agents.mine.Mine(), "stock/sim", warmup=False).agent)
"""
FOLDERS = ("agents", "conf", "memory", "scripts", "tasks", "tests")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (path,) = folder.glob("investorbench-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel and its core dependencies, nothing else."""
    return installed(tmp_path_factory.mktemp("installed"), [wheel])


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that leads to the checkout."""
    return installed(tmp_path_factory.mktemp("editable"), ["--editable", ROOT])


def installed(folder: Path, *groups: Sequence[object], constraints: bool = True) -> Path:
    """Where the programs are of a new environment, into which these were installed in turn."""
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    uv = Path(sys.prefix) / BIN / "uv"
    pins = ("--constraints", ROOT / "requirements" / "lock.txt") if constraints else ()
    for group in groups:
        python = folder / "venv" / BIN / "python"
        run(uv, "pip", "install", "--python", python, *pins, *group, cwd=folder)
    return folder / "venv" / BIN


def test_an_episode_is_stepped_to_its_end(environment: Path, tmp_path: Path) -> None:
    equity = float(run(environment / "python", "-W", "error", "-c", STEP_AN_EPISODE, cwd=tmp_path))
    assert equity > 0


def test_a_function_is_evaluated(environment: Path, tmp_path: Path) -> None:
    printed = run(environment / "python", "-W", "error", "-c", EVALUATE_A_FUNCTION, cwd=tmp_path)
    assert -1 < float(printed.splitlines()[-1]) < 100


def test_the_command_scores_an_agent_and_writes_a_run_folder(
    environment: Path, tmp_path: Path
) -> None:
    lines = run(
        environment / "investorbench", "run", "agent=buy_and_hold", "task=stock/sim", "output=json",
        cwd=tmp_path,
    ).splitlines()  # fmt: skip
    (result,) = map(json.loads, lines)
    assert result["simulated"] and "CR" in result["metrics"]
    assert list(tmp_path.rglob("manifest.json"))


def test_real_markets_are_found_and_give_the_published_figure(
    environment: Path, tmp_path: Path, data_folder: Path
) -> None:
    printed = run(
        environment / "python", "-W", "error", "-c", EVALUATE_ON_REAL_DATA,
        cwd=tmp_path, INVESTORBENCH_DATA=str(data_folder),
    )  # fmt: skip
    assert printed == "16.65 False\n"  # as in tests/end_to_end/test_goldens.py


def test_the_command_scores_an_agent_on_a_released_file(
    environment: Path, tmp_path: Path, data_folder: Path
) -> None:
    printed = run(
        environment / "investorbench", "run", "agent=momentum", "task=crypto/btc",
        "protocol=paper", f"data={data_folder / 'investorbench' / 'btc.json'}", "output=json",
        cwd=tmp_path,
    )  # fmt: skip
    result = json.loads(printed)
    assert not result["simulated"]
    assert f"{result['metrics']['CR'] * 100:.2f}" == "24.61"  # as there


def test_without_data_the_command_says_how_to_get_some(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [environment / "investorbench", "run", "task=stock/tsla"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "investorbench data fetch stock/tsla" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("order", ["before ours", "after ours"])
def test_the_agents_of_openai_work_beside_ours(order: str, wheel: Path, tmp_path: Path) -> None:
    groups = [["openai-agents"], [wheel]]
    if order == "after ours":
        groups.reverse()
    programs = installed(tmp_path, *groups, constraints=False)
    printed = run(programs / "python", "-c", BESIDE_THE_AGENTS_OF_OPENAI, cwd=tmp_path)
    assert -1 < float(printed) < 100


@pytest.mark.long
@pytest.mark.parametrize("how", ["environment", "editable"])
def test_a_folder_may_have_folders_of_the_same_names(
    how: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    programs = request.getfixturevalue(how)
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OF_THE_USER = True\n")
    (tmp_path / "conf" / "config.yaml").write_text("seed: of something else\n")
    (tmp_path / "agents" / "mine.py").write_text(
        "from tasks import OF_THE_USER\n"
        "class Mine:\n    def act(self, observation, info):\n        return 2\n"
    )
    (tmp_path / "program.py").write_text(IN_A_FOLDER_WITH_SUCH_NAMES)
    assert run(programs / "python", "program.py", cwd=tmp_path) == "Mine\n"
    printed = run(
        programs / "investorbench", "run", "agent=agents.mine:Mine", "warmup=false", "output=json",
        cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(printed)["agent"] == "Mine"


def test_an_agent_a_task_a_model_and_a_memory_by_path_are_swept_from_an_empty_folder(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def __init__(self, action=2):\n        self.action = action\n"
        "    def act(self, observation, info):\n        return self.action\n"
    )
    (tmp_path / "october.yaml").write_text("id: stock/sim\ndata: simulated\nend: 2020-10-30\n")
    (tmp_path / "reader.yaml").write_text(
        "provider: offline\nid: reader\nword_list: vader\naccepts: {rungs: [text]}\n"
    )
    (tmp_path / "brief.yaml").write_text(
        "boost: 9\nreflections: day\nlayers:\n"
        "  - {name: day, stability_steps: 5, decay: 0.9, initial: 50}\n"
    )
    command = (environment / "investorbench", "run", "-m", "warmup=false", "output=json")
    printed = run(
        *command, "agent=./mine.py:Mine", "agent.action=0,2", "task=./october.yaml,stock/sim",
        cwd=tmp_path,
    )  # fmt: skip
    names = [json.loads(line)["agent"] for line in printed.splitlines()]
    assert sorted(set(names)) == ["Mine action=0", "Mine action=2"] and len(names) == 4
    printed = run(
        *command, "agent=finmem", "model=./reader.yaml,offline", "memory=./brief.yaml,off",
        "task=./october.yaml", cwd=tmp_path,
    )  # fmt: skip
    names = [json.loads(line)["agent"] for line in printed.splitlines()]
    assert "finmem model=reader memory=brief" in names and len(names) == 4


def test_the_page_of_a_bundle_is_the_same_in_an_empty_environment_elsewhere(
    wheel: Path, tmp_path: Path
) -> None:
    pytest.importorskip("plotly")
    programs = installed(tmp_path, [f"{wheel}[report]"])
    here, there = tmp_path / "here", tmp_path / "there" / "of somebody else"
    here.mkdir(), there.mkdir(parents=True)
    ours = (sys.executable, "-m", "investorbench.scripts.main")
    jobs = ("agent=momentum,finmem", "task=stock/sim", "repeats=2", "task.end=2020-11-30")
    run(*ours, "run", "-m", *jobs, "seal=true", "folder=mine", cwd=here)
    run(*ours, "report", "mine", "--output", "page.html", cwd=here)
    run(*ours, "bundle", "mine", "-o", there / "mine.zip", cwd=here)
    shutil.rmtree(here / "mine")
    theirs = programs / "investorbench"
    assert run(theirs, "report", "mine.zip", cwd=there) == "wrote mine.html\n"
    page = (there / "mine.html").read_bytes()
    assert page == (here / "page.html").read_bytes()
    assert str(tmp_path).encode() not in page
    checked = run(theirs, "seal", "--check", "mine.zip", cwd=there)
    assert checked.startswith("fits plan.seal.json") and "fits record.seal.json" in checked


def run(*command: object, cwd: Path, **variables: str) -> str:
    """What the command prints; a failure shows everything it said."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout

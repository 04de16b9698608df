"""The wheel built from the tree, installed into an empty environment outside the repository."""

import json
import os
import subprocess
import sys
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
from investorbench.tasks import evaluate
result = evaluate(lambda observation, info: 2, "InvestorBench/Stock-SIM")
print(result.metrics["CR"])
"""
EVALUATE_ON_REAL_DATA = """
import gymnasium as gym, investorbench_env
from investorbench.tasks import evaluate
assert not gym.make("InvestorBench/Stock-TSLA").reset()[1]["simulated"]
result = evaluate("buy_and_hold", "InvestorBench/Stock-MSFT", protocol="paper")
print(f"{result.metrics['CR'] * 100:.2f} {result.simulated}")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel and its core dependencies, nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("investorbench-*.whl")
    uv = Path(sys.prefix) / BIN / "uv"
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / BIN / "python"
    pins = ROOT / "requirements" / "lock.txt"
    run(uv, "pip", "install", "--python", python, "--constraints", pins, wheel, cwd=folder)
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
    assert "investorbench data fetch TSLA" in done.stderr
    assert "Traceback" not in done.stderr


def run(*command: object, cwd: Path, **variables: str) -> str:
    """What the command prints; a failure shows everything it said."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout

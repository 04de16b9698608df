"""The command that serves a model: vLLM where it is installed, or what the user names."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from investorbench.agents.llm.models import Model, Server
from investorbench_env.errors import InvestorBenchError

CONTAINERS = ("docker", "podman", "nerdctl")


class ServeError(InvestorBenchError):
    """A model's server does not start, does not get ready, or cannot have its port."""


def command_of(model: Model, host: str, port: int, command: str | None = None) -> list[str]:
    """The command that serves a model.

    Raises:
        ServeError: no command was given and vLLM is not installed.
    """
    if command:
        start = [part.replace("{port}", str(port)) for part in shlex.split(command)]
        start += ["--model", model.id]
        # From inside a container, loopback cannot be reached.
        host = "0.0.0.0" if Path(start[0]).name in CONTAINERS else host
    elif found := shutil.which("vllm"):
        start = [found, "serve", model.id]
    elif importlib.util.find_spec("vllm"):
        start = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model.id]
    else:
        raise ServeError(
            "vLLM is not installed: pip install 'investorbench[vllm]', or give a program or a "
            'container: command="docker run --rm --gpus all --ipc=host -p {port}:{port} '
            'vllm/vllm-openai"'
        )
    adapter = model.server.adapter if model.server else None
    if adapter:  # what is asked for by the model's id is the model with it
        named = [f"{model.id}-base", "--enable-lora", "--lora-modules"]
        named.append(f"{model.id}={adapter}")
    else:
        named = [model.id]
    return [*start, "--served-model-name", *named, *_flags(model, host, port)]


def _flags(model: Model, host: str, port: int) -> list[str]:
    server = model.server or Server()
    values: dict[str, Any] = {
        "--host": host,
        "--port": port,
        "--revision": model.revision,
        "--tensor-parallel-size": server.tensor_parallel_size,
        "--max-model-len": server.max_model_len,
        "--dtype": server.dtype,
        "--reasoning-parser": server.reasoning_parser,
        "--tool-call-parser": server.tool_call_parser,
    }
    flags = [text for name, value in values.items() if value for text in (name, str(value))]
    flags += ["--enable-auto-tool-choice"] * bool(server.tool_call_parser)
    flags += ["--trust-remote-code"] * server.trust_remote_code
    return [*flags, *server.extra_args]

"""``investorbench serve``: the command line of :mod:`investorbench.scripts.serving`."""

import contextlib
from collections.abc import Sequence
from typing import Any

import typer

from investorbench.agents.llm.models import load_model
from investorbench.scripts.model_settings import PREFIX, nested
from investorbench.scripts.serving import ServeError, started, to_standard_error
from investorbench_env.errors import UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def serve(context: typer.Context) -> None:
    """Start a model's server: model=… [port=8000 host=… timeout_s=… command="docker run …"].

    command is what to start in place of `vllm serve`: a program, or a container with {port} where
    the port goes. A server that is there already with the right model is left alone.
    """
    options = _options(context.args)
    model = load_model(options.pop("model"), nested(options.pop("changes")))
    with started(model, say=to_standard_error, **options) as server:
        if server.process is None:
            return
        with contextlib.suppress(KeyboardInterrupt):
            to_standard_error(f"serving {model.id} at {server.url}: Ctrl-C stops it")
            server.process.wait()
            raise ServeError(f"the server of {model.id} ended by itself{server.last_words()}")


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """The command line's ``key=value`` pairs; ``model.…`` ones are changes to the model."""
    kinds = {"model": str, "host": str, "port": int, "timeout_s": float, "command": str}
    options: dict[str, Any] = {"changes": []}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key.startswith(PREFIX):
            options["changes"].append(argument.removeprefix(PREFIX))
            continue
        if not equals or key not in kinds:
            raise UnknownNameError("option of serve", key, [f"{kind}=…" for kind in kinds])
        try:
            options[key] = kinds[key](value)
        except ValueError:
            raise ServeError(f"{argument}: {value!r} should be a number") from None
    if "model" not in options:
        raise ServeError("which model? investorbench serve model=qwen2.5-7b")
    return options

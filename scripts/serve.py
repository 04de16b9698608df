"""``investorbench serve``: the command line of :mod:`investorbench.scripts.serving`."""

import contextlib

import typer

from investorbench.scripts.key_values import given
from investorbench.scripts.serving import ServeError, started, to_standard_error

KINDS = {"host": str, "port": int, "timeout_s": float, "command": str}
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def serve(context: typer.Context) -> None:
    """Start a model's server: model=… [port=8000 host=… timeout_s=… command="docker run …"].

    command is what to start in place of `vllm serve`: a program, or a container with {port} where
    the port goes. A server that is there already with the right model is left alone.
    """
    model, options = given("serve", context.args, KINDS)
    with started(model, say=to_standard_error, **options) as server:
        if server.process is None:
            return
        with contextlib.suppress(KeyboardInterrupt):
            to_standard_error(f"serving {model.id} at {server.url}: Ctrl-C stops it")
            server.process.wait()
            raise ServeError(f"the server of {model.id} ended by itself{server.last_words()}")

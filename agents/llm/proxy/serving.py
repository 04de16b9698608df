"""A thread that serves an application on 127.0.0.1, from its first connection to its last."""

import asyncio
import contextlib
import socket
import threading
from typing import Any, Protocol

import uvicorn

from investorbench_env.errors import InvestorBenchError

HOST = "127.0.0.1"
WAITING = 128
"""Connections that may wait to be taken."""
GRACE_S = 5
"""How long replies that are ready may take to be sent at the end."""
PATIENCE_S = 30.0


class Application(Protocol):
    """What answers requests."""

    @property
    def asgi(self) -> Any:
        """What a server calls."""

    def break_off(self) -> None:
        """End what is in flight; it is called in the loop that serves."""


class ServingThread:
    """Serves until it is stopped.

    Args:
        app: what answers.
        port: 0 for any that is free.

    Raises:
        InvestorBenchError: the port cannot be had.
    """

    def __init__(self, app: Application, port: int) -> None:
        self._app = app
        self._socket = _listening(port)  # so clients may connect before the thread runs
        self.port = int(self._socket.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app.asgi, interface="asgi3", lifespan="off", ws="none", log_config=None,
                log_level="error", access_log=False, server_header=False,
                date_header=False, timeout_graceful_shutdown=GRACE_S,
            )
        )  # fmt: skip
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runs = threading.Event()
        self._thread = threading.Thread(target=self._run, name="investorbench-serving", daemon=True)
        self._thread.start()
        self._runs.wait(PATIENCE_S)

    def stop(self) -> None:
        """Break off what is in flight, and wait until nothing is left."""

        def end() -> None:
            self._app.break_off()
            self._server.should_exit = True

        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended by itself
                self._loop.call_soon_threadsafe(end)
        self._thread.join(PATIENCE_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._runs.set()
        await self._server.serve(sockets=[self._socket])


def _listening(port: int) -> socket.socket:
    """A socket that listens on this machine alone."""
    # By its protocol asyncio knows that it may send the parts of a reply without waiting.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(WAITING)
    except (OSError, OverflowError) as error:
        listening.close()
        raise InvestorBenchError(
            f"port {port} of {HOST} cannot be had ({error}): give another, or 0 for any"
        ) from None
    return listening
